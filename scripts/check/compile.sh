#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
#	compile.sh gcc|clang
#
# Everything but the kernel modules compiles without a warning, with more of them on than in the
# build. kbuild chooses the modules' compiler; the build itself makes their warnings errors.

check_name=$1
. "$(dirname "$0")/common.sh"

cc=$1
more=(-Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef
	-Wpointer-arith -Wwrite-strings -Wcast-qual -Wformat=2 -Wimplicit-fallthrough
	-Wnested-externs -Wredundant-decls -Wmissing-include-dirs)
case $cc in
gcc) more+=(-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wtrampolines -Walloca
	-Wstack-usage=4096)
	lax=(-Wno-stack-usage) ;;
clang) more+=(-Wconditional-uninitialized -Wunreachable-code -Wextra-semi -Wcomma
	-Wframe-larger-than=4096)
	lax=(-Wframe-larger-than=65536) ;;
*) exit 2 ;;
esac

mapfile -t files < <(user_files '*.c')

# one FILE: its messages, errors only by their first line.
one() {
	local log

	flags_of "$1" || { echo "$1: no compiler flags known for this folder"; return; }
	# What runs in user space has room on its stack; tests hand strings to structures of others
	# and take the place of functions that others declare.
	case $1 in test/* | hv/arch/fake/* | cli/*) flags+=("${lax[@]}") ;; esac
	case $1 in test/*) flags+=(-Wno-write-strings -Wno-missing-prototypes) ;; esac
	driver_of "$cc" "$1"
	log=$("${driver[@]}" "${more[@]}" "${flags[@]}" -c -o /dev/null "$1" 2>&1) && [ -z "$log" ] && return
	echo "$log" | grep -E '(error|warning):' || echo "$1: $cc failed: $log"
}

spread one "${files[@]}"
verdict ${#files[@]} "${#files[@]} files with $($cc --version | head -n 1)"
