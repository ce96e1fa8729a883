#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
#	image.sh PATH...	(each without .elf and .img)
#
# What must hold of a hypervisor image, whichever compiler made it: it depends on nothing, can be
# relocated by the one rule its own code knows, leaves the guest's vector registers alone, and can
# be mapped W^X: text has pages of its own.

. "$(dirname "$0")/common.sh"

# machine ELF: the tools for it, and what its instructions and relocations are called.
machine() {
	case $(readelf -hW "$1" | sed -n 's/^ *Machine: *//p') in
	*X86-64*)
		tools=
		relocation=R_X86_64_RELATIVE
		magic=HOLDFAST at=0
		registers=$X86_REGISTERS
		mnemonics=$X86_MNEMONICS ;;
	AArch64)
		tools=aarch64-linux-gnu-
		relocation=R_AARCH64_RELATIV
		magic=ARMd at=56
		registers=$ARM_REGISTERS
		mnemonics=$ARM_MNEMONICS ;;
	esac
}

# symbol ELF NAME: its value in hex, nothing if it has none.
symbol() {
	nm "$1" | awk -v n="$2" '$3 == n { print "0x" $1 }'
}

undefined() {
	nm -u "$1" | sed 's/^ */undefined symbol: /'
	readelf -dW "$1" | grep NEEDED | sed 's/^ */needs a library: /'
}

relocations() {
	readelf -rW "$1" | awk '$3 ~ /^R_/ && $3 !~ /^'"$relocation"'/ { print "relocation: " $0 }'
	# Applied by code that runs in the image: never into text, which would have to be writable.
	readelf -rW "$1" | awk '$3 ~ /^R_/ { print $1 }' | while read -r offset; do
		((0x$offset >= text && 0x$offset < rodata)) && echo "relocation in text at 0x$offset"
	done
}

# In readelf's listing, flags follow the sizes: A alloc, W write, X execute.
sections() {
	local name address size flags end

	while read -r name address size flags; do
		[[ $flags == *A* ]] || continue
		[[ $flags == *W*X* ]] && echo "section $name is writable and executable"
		end=$((0x$address + 0x$size))
		if [[ $flags == *X* ]]; then
			((0x$address >= text && end <= rodata)) || echo "section $name: code outside text"
		elif ((0x$size > 0 && 0x$address < rodata && end > text)); then
			echo "section $name: data within text"
		fi
		# Written once, by relocation, then read-only.
		case $name in .data.rel.ro | .dynamic | .got*) continue ;; esac
		if [[ $flags == *W* ]]; then
			((0x$size == 0 || 0x$address >= data)) || echo "section $name: writable below data"
		fi
	done < <(readelf -SW "$1" | sed -n 's/^ *\[ *[0-9]*\] //p' |
		awk '$2 ~ /^[A-Z_]+$/ { f = $7 ~ /[A-Z]/ ? $7 : "-"; print $1, $3, $5, f }')
	readelf -lW "$1" | awk '$1 == "LOAD" && $7 $8 ~ /W.*E/ {
		print "segment is writable and executable: " $0 }'
}

pages() {
	local bound

	for bound in text rodata data; do
		((${!bound} % 4096 == 0)) || echo "$bound does not start at a page"
	done
	((text < rodata && rodata < data)) || echo "text, rodata and data are not in this order"
}

# Instructions alone: mnemonic and operands, without addresses and names.
instructions() {
	"${tools}objdump" -d --no-show-raw-insn "$1" | awk -F'\t' '
	$1 ~ /^ *[0-9a-f]+:$/ {
		sub(/ *[#<].*/, "", $2)
		print $1, $2
	}'
}

# x87, MMX, SSE, AVX and mask registers, and what saves or restores them: all of it is the guest's.
X86_REGISTERS='%([xyz]mm[0-9]+|mm[0-7]|st|k[0-7]|bnd[0-3])'
# Those for a service that comes and goes move all of it, unseen: xsave64, xrstor64.
X86_MNEMONICS=': ([a-z]+ )?(f[a-z0-9]+|v?ldmxcsr|v?stmxcsr|v?zero(all|upper)|emms|x(save|rstor)([a-z]+[0-9]*)?)( |$)'
# Vector and floating-point registers; what saves or restores them names them.
ARM_REGISTERS='[ {,[]([vqdshbz][0-9]+|p[0-9]+)([.,}/ ]|$)'
ARM_MNEMONICS=': (f[a-z]+|[su]cvtf)( |$)'
vectors() {
	instructions "$1" | grep -E "$registers|$mnemonics" | head -n 20 |
		sed 's/^ */vector or x87 instruction at /'
	# An empty listing would pass everything.
	[ "$(instructions "$1" | wc -l)" -gt 1000 ] || echo "cannot be disassembled"
}

flat() {
	local size

	size=$(stat -c %s "$2")
	((size == $(symbol "$1" image_file_end) - $(symbol "$1" image_start))) ||
		echo "the flat file has $size bytes, its sections say otherwise"
	[ "$(tail -c +$((at + 1)) "$2" | head -c ${#magic})" = "$magic" ] || echo "the flat file does not begin with the magic number"
}

[ $# -gt 0 ] || exit 2
count=0
for path in "$@"; do
	elf=$path.elf
	img=$path.img
	machine "$elf"
	text=$(symbol "$elf" image_text)
	rodata=$(symbol "$elf" image_rodata)
	data=$(symbol "$elf" image_data)
	if [ -z "$text" ] || [ -z "$rodata" ] || [ -z "$data" ]; then
		echo "$elf: no image, or it lacks the symbols of its sections" >>"$findings"
		continue
	fi
	for kind in undefined relocations sections pages vectors; do
		$kind "$elf" 2>&1 | sed "s|^|$elf: |" >>"$findings"
	done
	flat "$elf" "$img" 2>&1 | sed "s|^|$img: |" >>"$findings"
	count=$((count + 1))
done
verdict $count "$count images"
