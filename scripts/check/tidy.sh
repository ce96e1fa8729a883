#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Static analysis, second tool: clang's analyzer and the checks chosen in .clang-tidy.

. "$(dirname "$0")/common.sh"

# Fine where the numbers are no stranger's: what runs in user space computes with its own, and with
# text of /proc and of the test driver.
TRUSTING=-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result
TRUSTING+=,-cert-err34-c
# Tables of test cases: macros that make declarations, and structures for reading.
TABLES=-bugprone-macro-parentheses,-clang-analyzer-optin.performance.Padding

look() {
	local log=$work/${1//\//_}.log status checks=

	case $1 in
	cli/*) checks=$TRUSTING ;;
	test/*) checks=$TRUSTING,$TABLES ;;
	esac

	flags_of "$1" || { echo "$1: no compiler flags known for this folder"; return; }
	# The compilers' own warnings are check-gcc's and check-clang's.
	driver_of clang "$1"
	clang-tidy --quiet --checks="$checks" "$1" -- "${driver[@]:1}" -w "${flags[@]}" >"$log" 2>&1
	status=$?
	grep -E '^[^ ]+:[0-9]+:[0-9]+: (warning|error):' "$log" | sed "s|^$PWD/||"
	[ $status -eq 0 ] || grep -qE '(warning|error):' "$log" || echo "$1: clang-tidy failed, see $log"
}

mapfile -t files < <(user_files '*.c')
spread look "${files[@]}"
verdict ${#files[@]} "${#files[@]} files with $(clang-tidy --version | grep -o 'LLVM version.*')"
