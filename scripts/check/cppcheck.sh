#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Static analysis, first tool. What it may be wrong about is in cppcheck.txt, each with the reason.

. "$(dirname "$0")/common.sh"

options=(--quiet --std=c11 --platform=unix64 --enable=warning,style,performance,portability
	--inconclusive --inline-suppr --suppressions-list=scripts/check/cppcheck.txt
	--template='{file}:{line}: {message} [{id}]' --template-location= -j"$(nproc)")

# run NAME DEFINE... -- FILE...: one program, so that functions are known across its files.
run() {
	local args=()

	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	[ $# -eq 0 ] && return
	count=$((count + $#))
	cppcheck "${options[@]}" "${args[@]}" -Iinclude "$@" >"$work/log" 2>&1
	status=$?
	grep -v '^$' "$work/log" >>"$findings"
	[ $status -eq 0 ] || echo "cppcheck failed: status $status" >>"$findings"
}

count=0
mapfile -t hv < <(find_files hv -- '*.c' | grep -vE '^hv/arch/(fake|arm64)/')
mapfile -t el2 < <(find_files hv -- '*.c' | grep -vE '^hv/arch/(fake|x86)/')
mapfile -t services < <(find_files services test/authority -- '*.c')
mapfile -t cli < <(find_files cli -- '*.c')
mapfile -t unit < <(find_files hv/arch/fake test/unit -- '*.c')
mapfile -t fuzz < <(find_files test/fuzz -- '*.c')
mapfile -t boot < <(find_files test/boot -- '*.c' | grep -vE '^test/boot/(bench|capture)/')
mapfile -t modules < <(find_files agent test/attack test/boot/bench test/boot/capture -- '*.c')
run -Ihv/include -D__x86_64__ -DHF_VERSION='""' -- "${hv[@]}"
run -Ihv/include -D__aarch64__ -DHF_VERSION='""' -- "${el2[@]}"
run -D_GNU_SOURCE -DHF_VERSION='""' -- "${cli[@]}"
run -Iservices -I. -D_GNU_SOURCE -- "${services[@]}"
run -Ihv/include -I. -D_GNU_SOURCE -- "${unit[@]}"
run -Ihv/include -I. -D_GNU_SOURCE -- "${fuzz[@]}"
run -D_GNU_SOURCE -- "${boot[@]}"
# In place of the kernel's headers.
run -Iagent -D__KERNEL__ -DCONFIG_X86 '-D__aligned(n)=' '-Dasm(r)=' -D__initconst= \
	'-Dfor_each_online_cpu(cpu)=while (more(cpu))' \
	'-Dlist_for_each_entry(at,list,member)=while ((at = more(list)))' -- \
	"${modules[@]}"
LC_ALL=C sort -u -o "$findings" "$findings"
verdict $count "$count files with $(cppcheck --version)"
