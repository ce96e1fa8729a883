#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Layout of C files, as .clang-format says. `make format` mends it. What counts is version 14 of
# clang-format (Debian 12); later ones lay out macros of several lines differently, so with them
# these are not compared, and the result says so.

. "$(dirname "$0")/common.sh"

version=$(clang-format --version | grep -oE '[0-9]+\.[0-9]+' | head -n 1)

# Without macros of several lines.
comparable() {
	if [ "${version%.*}" = 14 ]; then
		cat "$1"
	else
		awk '
		macro || /^[ \t]*#[ \t]*define.*\\$/ { macro = /\\$/; next }
		{ print }' "$1"
	fi
}

laid_out() {
	local new=$work/${1//\//_}

	if ! clang-format --style=file "$1" >"$new"; then
		echo "$1: clang-format failed"
	elif ! diff -u <(comparable "$1") <(comparable "$new") >"$new.diff"; then
		echo "$1: $(grep -c '^-[^-]' "$new.diff") lines differ, see $new.diff"
	fi
}

mapfile -t files < <(find_files hv include agent cli services test -- '*.c' '*.h')
spread laid_out "${files[@]}"
note=
[ "${version%.*}" = 14 ] || note=", macros of several lines not compared"
verdict ${#files[@]} "${#files[@]} files with clang-format $version$note"
