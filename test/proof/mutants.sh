#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# That the proofs can fail: each mistake below is put into a copy of the source, and the proof named must
# then find it.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

out=${O:-build}/proof
copy=$out/mutant
missed=0 count=0

# mutant PROOF FILE SED WHAT
mutant() {
	count=$((count + 1))
	rm -rf "$copy"
	mkdir -p "$copy"
	cp -r hv include "$copy/"
	sed -i "$3" "$copy/$2"
	if cmp -s "$2" "$copy/$2"; then
		echo "mutant: $4: the source has no such place"
		missed=$((missed + 1))
	elif PROOF_TREE=$copy test/proof/run.sh "$1" >"$out/mutant.log"; then
		echo "mutant: $4: NOT FOUND by $1"
		missed=$((missed + 1))
	elif grep -q ' FAILS ' "$out/mutant.log"; then
		echo "mutant: $4: found: $(sed -n 's/^proof \([^ ]*\) FAILS \([^;]*\).*/\1: \2/p' "$out/mutant.log")"
	else
		echo "mutant: $4: no result of $1"
		missed=$((missed + 1))
	fi
}

owner=hv/mem/owner.c stage2=hv/mem/stage2.c registers=hv/guard/registers.c
mutant owner-open:0 $owner 's/TRANSITION(open, PAGE_SEALED,/TRANSITION(open, PAGE_HYPERVISOR,/' \
	'pages of the hypervisor can be opened'
mutant owner-seal:0 $owner 's/ || (run.byte & BYTE_DMA))/)/' \
	'a page that a device writes can be sealed'
mutant owner-seal:0 $owner 's/if (owner_overlap(&ranges\[i\], &ranges\[j\]))/if (0)/' \
	'a page can be sealed twice'
mutant owner-claim:0 $owner 's/run_set(&run, byte);/(void)byte;/' \
	'tables change, states do not'
mutant owner-release:0 $owner 's/TRANSITION(release, \(.*\), BYTE_ADDED)/TRANSITION(release, \1, 0)/' \
	'what is released can be executed again'
mutant owner-queries:0 $owner 's/\[HF_KIND_VECTORS\] = HF_PERM_READ/[HF_KIND_VECTORS] = PERM_DATA/' \
	'sealed vectors can be written'
mutant stage2-protect:1+1 $stage2 's/visit->start.raw >= change->start \&\&/1 \&\&/' \
	'a block before the range is changed as a whole'
mutant stage2-protect:0+1 $stage2 's/child\[i\] = make_leaf(s2, visit->start.raw + i \* span, perm,/child[i] = make_leaf(s2, visit->start.raw + i * span, HF_PERM_ALL,/;s|#include <hv/stage2.h>|&\n#include <holdfast/range.h>|' \
	'a split gives more than the block had'
mutant stage2-merge:0+8 $stage2 's/permission_of(s2, entry, level - 1) != perm)/0)/' \
	'tables are merged that are not uniform'
mutant registers-write $registers 's/return rule->mask \& ~was;/return 0;/' \
	'bits that are to stay clear may be set'
mutant registers-write $registers 's/return is_recorded(rule->reg) \&\& /return 0 \&\& /' \
	'a write is compared with the present value'
mutant registers-record $registers 's/if (cpu->registers_recorded)/if (0)/' \
	'what was recorded is recorded again'
mutant guest-copies hv/mem/guest.c 's/owner_state(to) != PAGE_GUEST/!guest_reads(owner_state(to))/' \
	'answers are written into sealed pages'
mutant guest-copies hv/mem/guest.c 's/owner_kind_permission(page.kind) \& HF_PERM_WRITE/true/' \
	'the kernel'"'"'s stores are made in any sealed page'
mutant guest-copies hv/mem/guest.c 's/page.state == PAGE_GUEST || page.state == PAGE_PENDING/page.state != PAGE_HYPERVISOR/' \
	'code is patched in pages of services'
mutant format-permissions hv/arch/x86/svm/npt.c 's/perm |= EXEC;/perm |= EXEC | HF_PERM_WRITE;/' \
	'what is executable is writable'
mutant ept-permissions hv/arch/x86/vmx/ept.c 's/return perm ? perm | HF_PERM_READ : 0;/return admissible(perm);/' \
	'what user mode executes the kernel executes'
mutant ept-entries hv/arch/x86/vmx/ept.c 's/(perm \& HF_PERM_KERNEL_EXEC ? EPT_EXEC : 0)/(perm \& EXEC ? EPT_EXEC : 0)/' \
	'the same, in the entries only'
mutant ept-configured hv/arch/x86/vmx/ept.c 's/return (large_code || !(perm \& EXEC)) \&\& /return /' \
	'code lies in blocks'
rm -rf "$copy"
echo "mutants: $count, $missed missed"
[ $missed -eq 0 ]
