#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every header compiles alone, and twice: it includes what it needs, of folders it may see, and
# guards itself. Contracts are compiled for user space and, with the headers of the agent and the
# attack module, for the kernel in $KDIR.

. "$(dirname "$0")/common.sh"

# Not headers to include but settings, forced in by the build.
FORCED='hv/include/hv/(banned|visibility)\.h|test/fuzz/state\.h'

alone() {
	local cc

	flags_of "$1" || { echo "$1: no compiler flags known for this folder"; return; }
	for cc in gcc clang; do
		driver_of $cc "$1"
		printf '#include "%s"\n#include "%s"\n' "$PWD/$1" "$PWD/$1" |
			"${driver[@]}" "${flags[@]}" -fsyntax-only -x c - 2>&1 | grep -m1 error |
			sed "s|$PWD/||g; s|^|$1: does not compile alone ($cc): |"
	done
}

mapfile -t files < <(user_files '*.h' | grep -vE "$FORCED"; find_files include -- '*.h')
spread alone "${files[@]}"
count=${#files[@]}

# kbuild wants its files in a folder of their own; -k: all findings, not only the first. Folders of an
# architecture are built with the files of the folder above.
kernel=$work/kernel
mkdir -p "$kernel"
objects=()
while read -r file; do
	count=$((count + 1))
	object=$(echo "${file%.h}" | tr /- __)
	printf '#include "%s"\n#include "%s"\n' "$PWD/$file" "$PWD/$file" >"$kernel/$object.c"
	objects+=("$object.o")
done < <(find_files agent test/attack test/boot/bench test/boot/capture include -- '*.h')
cat >"$kernel/Kbuild" <<-END
	obj-m := headers.o
	headers-y := ${objects[*]}
	ccflags-y := -std=gnu11 -Wall -Werror -I$PWD/include -I$PWD/agent -I$PWD/test/attack
END
if ! make -k -s -j2 -C "$KDIR" M="$PWD/$kernel" "${objects[@]}" >"$work/kernel.log" 2>&1; then
	grep -E 'error' "$work/kernel.log" | sed "s|$PWD/||g; s|^|kernel: |" >>"$findings"
	[ -s "$findings" ] || tail -n 5 "$work/kernel.log" >>"$findings"
fi
verdict $count "$count headers"
