#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The arrows between the parts, and what else every source has to keep:
#
#	agent, cli, test/boot, test/attack -> include/holdfast
#	services, test/service -> libsvc -> include/holdfast/service
#	hv/arch -> hv/include -> include/holdfast
#	hv/core -> hv/guard, hv/domain -> hv/mem -> hv/lib		(and the seam, backend.h)
#
# Each function below looks for one kind of violation and prints a line for each it finds.

. "$(dirname "$0")/common.sh"

# Headers of hv/include/hv belong to the layer that defines what they declare.
layer_of() {
	case $1 in
	types | overflow | banned | visibility) echo base ;;
	string | print | lock) echo lib ;;
	pool | stage2 | views | owner | guest) echo mem ;;
	memory | probe | protect | registers | site | sleep | template) echo guard ;;
	domain) echo domain ;;
	audit | cpu | exit | firmware | launch | call | event | shootdown | startup | status | panic) echo core ;;
	backend) echo seam ;;
	*) return 1 ;;
	esac
}

# Which layers a layer may include.
below() {
	case $1 in
	base) echo base ;;
	seam) echo base ;;
	lib) echo base lib seam ;;
	mem) echo base lib mem seam ;;
	guard) echo base lib mem guard seam ;;
	domain) echo base lib mem domain seam ;;
	core) echo base lib mem guard domain core seam ;;
	arch) echo base lib mem seam ;;
	esac
}

# The arrows that point upwards: FROM (file pattern), header, and why it has to be.
upward() {
	case $1:$2 in
	hv/lib/lock.c:shootdown) ;;		# every wait answers shoot-downs (hv/lock.h)
	hv/*:panic) ;;				# whoever finds a bug of ours stops the machine
	hv/guard/*:cpu | hv/guard/*:exit) ;;	# what a guard is handed and judges
	hv/guard/*:event) ;;			# a guard says what it did
	hv/guard/*:shootdown) ;;		# and has permission cuts reach every CPU
	hv/domain/*:cpu | hv/domain/*:event | hv/domain/*:shootdown) ;; # who runs it; as a guard
	hv/arch/*:domain) ;;			# what it runs
	hv/arch/*:cpu | hv/arch/*:exit) ;;	# what a backend fills in,
	hv/arch/*:launch | hv/arch/*:shootdown | hv/arch/*:startup) ;; # and calls back (backend.h)
	*) return 1 ;;
	esac
}

# Where a file counts: the folder that owns it; headers of the hypervisor with their layer.
place_of() {
	case $1 in
	hv/include/hv/*) echo "hv/$(layer_of "$(basename "$1" .h)")/$(basename "$1")" ;;
	*) echo "$1" ;;
	esac
}

# The folders a file may name in #include "...".
own_folders() {
	case $1 in
	hv/arch/x86/common/*) echo hv/arch/x86/common ;;
	hv/arch/x86/*) echo "hv/arch/x86/common $(dirname "$1")" ;;
	hv/*) dirname "$1" ;;
	agent/*) echo agent agent/compat "$(dirname "$1")" ;;
	test/unit/cli_*) echo test/unit cli ;;
	test/unit/authority_*) echo test/unit test/authority services/authority ;;
	test/fuzz/m*.[ch] | test/fuzz/object.c | test/fuzz/rules.c | test/fuzz/service.c)
		echo test/fuzz test/authority services/authority ;;
	test/authority/*) echo test/authority services/authority test/boot/capture ;;
	test/unit/domain_process.c) echo test/unit test/service ;;
	test/unit/*) echo test/unit hv/arch/fake ;;
	test/boot/service.c) echo test/boot test/service ;;
	*) dirname "$1" ;;
	esac
}

# include_allowed FILE HEADER: is #include <HEADER> in order?
include_allowed() {
	local place layer header=$2

	place=$(place_of "$1")
	case $place:$header in
	hv/*:hv/*.h)
		header=$(basename "$header" .h)
		layer=${place#hv/}
		layer=${layer%%/*}
		[[ " $(below "$layer") " == *" $(layer_of "$header") "* ]] || upward "$place" "$header"
		;;
	test/unit/*:hv/*.h | test/fuzz/*:hv/*.h) ;;
	test/proof/*:hv/*) ;;
	test/authority/*:hv/*) return 1 ;;
	*:hv/* | *:agent/* | *:cli/* | *:test/*) return 1 ;;
	hv/arch/fake/*:*) ;;
	hv/*:holdfast/*) ;;
	hv/*:stdarg.h | hv/*:stdbool.h | hv/*:stddef.h | hv/*:stdint.h) ;;
	hv/*) return 1 ;;
	services/*:holdfast/service/* | services/*:holdfast/types.h) ;;
	services/*:libsvc/*) ;;
	services/libsvc/*:stdbool.h | services/libsvc/*:stddef.h | services/libsvc/*:stdint.h | services/libsvc/*:string.h) ;;
	services/authority/*:holdfast/site.h) ;;
	services/authority/signature.c:mbedtls/asn1.h | services/authority/key.c:mbedtls/*) ;;
	services/*) return 1 ;;
	test/service/*:holdfast/types.h | test/service/*:libsvc/*) ;;
	test/service/*) return 1 ;;
	include/*:holdfast/*) ;;
	include/*:stdint.h | include/*:linux/types.h) ;;
	include/holdfast/ctl.h:linux/ioctl.h | include/holdfast/ctl.h:sys/ioctl.h) ;;
	include/*) return 1 ;;
	agent/*:linux/* | agent/*:asm/* | agent/*:holdfast/*) ;;
	agent/compat/keys.c:crypto/public_key.h | agent/compat/keys.c:keys/asymmetric-type.h) ;;
	test/attack/user*.c:*) ;;
	test/attack/*:linux/* | test/attack/*:asm/* | test/attack/*:holdfast/*) ;;
	agent/* | test/attack/*) return 1 ;;
	esac
}

includes() {
	local file line rest header target folder

	while IFS=: read -r file line rest; do
		header=$(sed 's/[^<"]*[<"]\([^>"]*\).*/\1/' <<<"$rest")
		if [[ $rest == *\<* ]]; then
			include_allowed "$file" "$header" || echo "$file:$line: must not include <$header>"
			continue
		fi
		target=$(realpath -m --relative-to=. "$(dirname "$file")/$header")
		case $file in agent/*/*) [ -e "$target" ] || target=agent/$header ;; esac
		folder=$(dirname "$target")
		[[ " $(own_folders "$file") " == *" $folder "* ]] ||
			echo "$file:$line: must not include \"$header\""
	done < <(grep -nE '^[[:space:]]*#[[:space:]]*include' "${sources[@]}")
}

# A header nobody filed in the table above.
unfiled() {
	local file

	while read -r file; do
		layer_of "$(basename "$file" .h)" >/dev/null ||
			echo "$file: belongs to no layer: file it in layer_of, scripts/check/layers.sh"
	done < <(find_files hv/include/hv -- '*.h')
}

# A file without its comments, line by line.
bare() {
	awk -f scripts/bare.awk "$1"
}

# Outside arch nothing names an architecture. Names of the contract are not meant (rip, cr3,
# HF_EXIT_MSR), nor is an empty asm, the compiler's barrier; comments may explain by example.
WORDS='x86|x86_64|amd|amd64|intel|svm|vmx|npt|ept|vmcb|vmcs|cr0|cr4|msr|efer|apic|gdt|ldt|tss'
WORDS+='|arm|arm64|aarch64|el1|el2|ttbr|hcr|vmcall|vmmcall|hvc|asm|__asm__'
architecture() {
	local file

	while read -r file; do
		bare "$file" | sed -E 's/HF_(EXIT|KIND)_[A-Z0-9_]+//g; s/__asm__ volatile\("" //' |
			grep -iE "^[^:]*:[^:]*:(.*[^a-z0-9])?($WORDS)([^a-z0-9]|$)" |
			grep -v '#include' | sed 's/$/	<- names an architecture/'
	done < <(find_files hv/core hv/mem hv/guard hv/domain hv/lib hv/include -- '*.c' '*.h')
}

# Variation is resolved by linking. Headers have their guard and nothing else.
conditionals() {
	local file

	while read -r file; do
		bare "$file" | grep -E '^[^:]*:[^:]*:[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif)' |
			grep -vE ':#ifndef (HV|X86|SVM|VMX|FAKE)_[A-Z0-9_]+_H$|:#ifndef X86_H$' |
			sed 's/$/	<- no #if here/'
	done < <(find_files hv -- '*.c' '*.h')
}

VARIABLE='long|short|int|unsigned|signed|bool|_Bool|size_t|ssize_t|float|double|uintptr_t|intptr_t'
# The contracts: types of one width everywhere, and no pointer.
contracts() {
	local file

	while read -r file; do
		bare "$file" | grep -v '#include' |
			grep -E ":(.*[^A-Za-z0-9_])?($VARIABLE)([^A-Za-z0-9_]|\$)|:.*[a-z_] \*+[a-z_(]" |
			sed 's/$/	<- no fixed width, or a pointer/'
	done < <(find_files include/holdfast -- '*.h')
}

# Every check of a kernel version has one place.
versions() {
	grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION' "${sources[@]}" |
		grep '^agent/' | grep -v '^agent/compat/' | sed 's/$/	<- belongs to agent\/compat/'
}

# License line, by part; scripts have it below the #! line.
licenses() {
	local file want

	for file in "${texts[@]}"; do
		want=GPL-2.0-only
		case $file in include/holdfast/*) want='GPL-2.0-only OR MIT' ;; esac
		head -n 3 "$file" | grep -qE "SPDX-License-Identifier: $want( \*/)?\$" ||
			echo "$file: no line \"SPDX-License-Identifier: $want\" at the top"
	done
}

# A file is one noun, a line of C fits a window.
sizes() {
	local file

	awk 'FNR == 801 { print FILENAME ": more than 800 lines" }' "${texts[@]}"
	for file in "${sources[@]}"; do
		expand -t 8 "$file" |
			awk -v f="$file" 'length > 100 { print f ":" NR ": " length " columns" }'
	done
	grep -nE '[[:space:]]+$' "${texts[@]}" | sed 's/:[^:]*$/: blanks at the end of the line/'
}

# Nothing of the machine it was written on: home folders, and absolute folders outside the
# system's own.
PLACES='(^|[^A-Za-z0-9_.$}/])/(home|work|root|mnt|srv|opt|Users|workspace|builds?)/[A-Za-z0-9_]'
places() {
	find_files . -- '*' | sed 's|^\./||' | grep -vE '^(\.git|build)(/|$)' |
		xargs -d '\n' grep -nIE "$PLACES" | sed 's/$/	<- a path of some machine/'
}

mapfile -t sources < <(find_files hv include agent cli services test -- '*.c' '*.h' '*.S')
mapfile -t texts < <(
	find_files hv include agent cli services test scripts -- '*.c' '*.h' '*.S' '*.ld' '*.mk' '*.py' \
		'*.sh' Kbuild
	ls Makefile)

for kind in includes unfiled architecture conditionals contracts versions licenses sizes places; do
	$kind >>"$findings" 2>"$work/$kind.log"
	[ -s "$work/$kind.log" ] && sed "s/^/$kind: /" "$work/$kind.log" >>"$findings"
done
verdict ${#sources[@]} "${#sources[@]} sources"
