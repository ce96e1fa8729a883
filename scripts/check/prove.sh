#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Proof that the checks can fail: puts one violation at a time into a copy of the tree and sees
# that the check meant for it says so. `make check-prove`; not part of `make check`.

. "$(dirname "$0")/common.sh"

tree=$work/tree
mkdir -p "$tree"
cp -r Makefile VERSION .clang-format .clang-tidy hv include agent cli test scripts "$tree"
mkdir -p "$tree/build"
[ -d "$O/kernel" ] && ln -s "$PWD/$O/kernel" "$tree/build/kernel"

count=0
# prove CHECK MESSAGE FILE SED-SCRIPT [FILE SED-SCRIPT]: the edits make the check say MESSAGE.
prove() {
	local check=$1 message=$2 file log=$work/log

	shift 2
	count=$((count + 1))
	while [ $# -gt 0 ]; do
		file=$tree/$1
		[ -e "$file.proved" ] || cp "$file" "$file.proved"
		sed -i "$2" "$file"
		cmp -s "$file" "$file.proved" && echo "$check: no edit: $1: $2" >>"$findings"
		shift 2
	done
	if make --no-print-directory -C "$tree" "check-$check" >"$log" 2>&1; then
		echo "$check: passed, though: $message" >>"$findings"
	elif ! grep -qE "$message" "$log"; then
		echo "$check: failed, but not with: $message" >>"$findings"
		sed 's/^/	/' "$log" | head -n 5 >>"$findings"
	else
		printf '  %-9s caught: %s\n' "$check" "$(grep -m1 -E "$message" "$log" | cut -c1-90)"
	fi
	find "$tree" -name '*.proved' | while read -r file; do mv "$file" "${file%.proved}"; touch "${file%.proved}"; done
}

prove format 'hv/mem/pool.c: 1 lines differ' hv/mem/pool.c '$a int  x;'
prove headers 'hv/cpu.h: does not compile alone' hv/include/hv/cpu.h '/#include/d'
prove headers 'cpu.h: does not compile alone.*redefin' hv/include/hv/cpu.h '/_H$/d; $d'
prove headers 'range.h: does not compile alone' include/holdfast/range.h '/#include/d'
prove headers 'kernel: .*agent/ranges.h' agent/ranges.h '$a extern struct nothing x;' \
	agent/ranges.h '$a struct hf_none y;'
prove layers 'must not include <hv/owner.h>' cli/main.c '$a #include <hv/owner.h>'
prove layers 'must not include <hv/event.h>' hv/mem/pool.c '$a #include <hv/event.h>'
prove layers 'must not include <hv/registers.h>' hv/arch/x86/svm/exit.c '$a #include <hv/registers.h>'
prove layers 'must not include "../arch/x86/common/x86.h"' hv/core/call.c \
	'$a #include "../arch/x86/common/x86.h"'
prove layers 'must not include <stdlib.h>' hv/core/call.c '$a #include <stdlib.h>'
prove layers 'must not include <linux/mm.h>' include/holdfast/range.h '$i #include <linux/mm.h>'
prove layers 'names an architecture' hv/core/call.c '$a int svm_thing;'
prove layers 'names an architecture' hv/mem/pool.c '$a void f(void) { asm("pause"); }'
prove layers 'no #if here' hv/guard/code.c '$a #ifdef THIS\n#endif'
prove layers 'no fixed width' include/holdfast/range.h '$i struct hf_x { unsigned long a; };'
prove layers 'no fixed width' include/holdfast/range.h '$i struct hf_x { uint8_t *a; };'
prove layers 'belongs to agent/compat' agent/lock.c '$a #if LINUX_VERSION_CODE > 1\n#endif'
prove layers 'no line "SPDX' hv/core/call.c 1d
prove layers 'no line "SPDX.*MIT' include/holdfast/range.h '1s/ OR MIT//'
prove layers 'more than 800 lines' hv/mem/owner.c '1{p;s/.*//;:a;/\n\{800\}/!{s/$/\n/;ba}}'
prove layers 'pool.c:[0-9]+: 112 columns' hv/mem/pool.c "\$a /* $(printf '%0106d' 0) */"
prove layers 'blanks at the end' hv/mem/pool.c '$a int x; '
prove layers 'a path of some machine' scripts/loc.sh "\$a # see /ho""me/someone/notes"
prove image 'undefined reference' hv/core/panic.c \
	'$a extern int elsewhere(void);\nint f(void);\nint f(void) { return elsewhere(); }'
# The linker refuses these by itself, as long as nobody takes its options away.
lax='s/,--fatal-warnings//; s/-z,text/-z,notext/'
prove image 'relocation in text' hv/build.mk "$lax" hv/core/panic.c \
	'$a __asm__(".text; .quad exit_decide");'
prove image 'writable and executable' hv/build.mk "$lax" hv/core/panic.c \
	'$a __attribute__((section(".data.x"))) void f(void);\nvoid f(void) {}'
prove image 'data within text' hv/build.mk "$lax" hv/arch/x86/hv.ld \
	's/^\timage_rodata = .;/\t.rodata.early : { *(.rodata.str*) }\n\t. = ALIGN(4096);\n&/'
prove image 'does not start at a page' hv/build.mk "$lax" hv/arch/x86/hv.ld \
	's/^\timage_rodata = .;/\t. = . + 16;\n&/'
prove image 'vector or x87' hv/core/panic.c \
	'$a void f(void);\nvoid f(void) { __asm__ volatile("movaps %xmm1, %xmm2"); }'
prove image 'vector or x87' hv/core/panic.c \
	'$a void f(void);\nvoid f(void) { __asm__ volatile("fninit"); }'
prove cppcheck 'uninitvar|uninitialized' hv/mem/pool.c \
	'$a int f(void);\nint f(void)\n{\n\tint x;\n\n\treturn x;\n}'
prove cppcheck 'nullPointer' cli/main.c \
	'$a int f(void);\nint f(void)\n{\n\tint *x = NULL;\n\n\treturn *x;\n}'
prove tidy 'NullDereference' hv/mem/pool.c \
	'$a int f(int *p);\nint f(int *p)\n{\n\tif (!p)\n\t\treturn *p;\n\treturn 0;\n}'
prove tidy 'function-size' hv/mem/pool.c \
	"\$a void f(volatile int *p);\\nvoid f(volatile int *p)\\n{\\n$(printf '*p = %d;\\n' {1..90})}"
prove gcc 'Wshadow|shadows' hv/mem/pool.c \
	'$a int f(int x);\nint f(int x)\n{\n\tif (x) {\n\t\tint x = 2;\n\n\t\treturn x;\n\t}\n\treturn 0;\n}'
prove gcc 'poisoned' hv/mem/pool.c '$a char *f(char *a);\nchar *f(char *a)\n{\n\treturn strcpy(a, a);\n}'
prove clang 'Wunreachable-code|never be executed' hv/mem/pool.c \
	'$a int f(volatile int *p);\nint f(volatile int *p)\n{\n\treturn 0;\n\t*p = 1;\n}'
prove modules 'different address spaces' agent/lock.c \
	'$a void f(void __user *p);\nvoid f(void __user *p)\n{\n\tmemset((void *)p, 0, 1);\n}\nvoid *g(void __user *p);\nvoid *g(void __user *p)\n{\n\treturn p;\n}'
verdict $count "$count violations, each caught by its check"
