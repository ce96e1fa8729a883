#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel modules compile for $KDIR (kbuild is told $KCROSS besides) without a warning and with none
# of sparse's (address spaces, locks, endianness). In a copy: kbuild leaves its files beside the
# sources.

. "$(dirname "$0")/common.sh"

# What kbuild needs to know, by folder: see the Kbuild files.
module() {
	local folder=$1 copy=$work/$1

	shift
	mkdir -p "$copy"
	cp -r "$folder"/. "$copy"
	# Of another architecture there are other attacks, and what all have in common.
	case $folder:${KCROSS:-} in test/attack:?*) cp "$folder"/arm64/* "$copy" ;; esac
	count=$((count + $(find_files "$folder" -- '*.c' | grep -vc '/user')))
	# shellcheck disable=SC2086
	make -s -C "$KDIR" ${KCROSS:-} M="$PWD/$copy" C=2 CHECK=sparse CONFIG_DEBUG_INFO_BTF_MODULES= \
		"$@" modules >"$copy.log" 2>&1 ||
		echo "$folder: does not build, see $copy.log" >>"$findings"
	grep -E '^[^ ]+:[0-9]+:[0-9]+: (warning|error):' "$copy.log" | grep -F "$copy/" |
		sed "s|$PWD/$work/||" | sort -u >>"$findings"
}

count=0
module agent HF_TOP="$PWD" HF_VERSION="$(cat VERSION)"
module test/attack HF_INCLUDE="$PWD/include"
# What is captured is what x86 makes of modules.
[ -n "${KCROSS:-}" ] || module test/boot/capture HF_INCLUDE="$PWD/include"
verdict $count "$count files of kernel modules with gcc and sparse $(sparse --version)"
