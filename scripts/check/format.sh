#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Layout of C files, as .clang-format says. `make format` mends it.

. "$(dirname "$0")/common.sh"

laid_out() {
	local new=$work/${1//\//_}

	if ! clang-format --style=file "$1" >"$new"; then
		echo "$1: clang-format failed"
	elif ! diff -u "$1" "$new" >"$new.diff"; then
		echo "$1: $(grep -c '^-[^-]' "$new.diff") lines differ, see $new.diff"
	fi
}

mapfile -t files < <(find_files hv include agent cli services test -- '*.c' '*.h')
spread laid_out "${files[@]}"
verdict ${#files[@]} "${#files[@]} files"
