#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
#	run.sh [PROOF...]
#
# Proves: each line of `table` is one run of CBMC, one line of result. All of them without arguments,
# else those whose names begin like one. PROOF_TREE names another source tree than this one (mutants.sh).
# JOBS at once, by default one on each CPU. Logs stay in build/proof.

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

tree=${PROOF_TREE:-.}
out=${O:-build}/proof${PROOF_TREE:+/$(basename "$PROOF_TREE")}
limit=${PROOF_SECONDS:-3600}

# Bounds of loops: what is not named has the first number. CBMC proves that no loop goes further.
OWNER='owner.c 6 run_at.0:2'
# Runs of pages that are alike, in a range: at most as many as pages in a row, and what ends them.
OWNER_RUNS=(range_valid.0:4,prepare.0:3,commit.0:3 range_valid.0:6,prepare.0:5,commit.0:5)
STAGE2='stage2.c 4 number_of.0:14,stage2_reclaim.0:8,stage2_reclaim.1:8'

# FAMILY:MEMBER, harness, bounds, function, definitions. A family is one proof, cut into cases.
table() {
	local layout row=0 name first pages

	cat <<-END
	format-permissions:0 format.c 2 - prove_permissions
	format-entries:0 format.c 2 - prove_entries
	ept-permissions:0 ept.c 2 - prove_permissions
	ept-entries:0 ept.c 2 - prove_entries
	ept-configured:0 ept.c 2 - prove_configured
	guest-copies:0 guest.c 2 - prove_copies
	registers-write:0 registers.c 26 - prove_write
	registers-record:0 registers.c 26 - prove_record
	END
	for layout in 0 1; do
		echo "owner-queries:$layout $OWNER prove_queries -DLAYOUT=$layout -DROW=0"
		echo "owner-dma:$layout $OWNER prove_dma -DLAYOUT=$layout -DROW=0"
	done
	for name in claim seal check_begin check_pass check_fail lend return donate release add open \
		check_undo admit; do
		for layout in 0 1; do
			echo "owner-$name:$layout $OWNER,${OWNER_RUNS[layout]} prove_transitions -DLAYOUT=$layout -DROW=$row"
		done
		row=$((row + 1))
	done
	for first in 0 1 2 3 4 5 6 7; do
		for ((pages = 1; first + pages <= 8; pages++)); do
			echo "stage2-protect:$first+$pages $STAGE2 prove_protect -DFIRST=$first -DNPAGES=$pages"
			echo "stage2-merge:$first+$pages $STAGE2 prove_merge -DFIRST=$first -DNPAGES=$pages"
		done
	done
}

# one NAME HARNESS UNWIND UNWINDSET FUNCTION [DEFINE...]
one() {
	local name=$1 harness=$2 unwind=$3 set=$4 function=$5 log=$out/$1.log start=$SECONDS
	local extra=() result

	shift 5
	[ "$set" = - ] || extra=(--unwindset "$set")
	[ "$harness" = stage2.c ] && extra+=("$tree/hv/arch/x86/svm/npt.c")
	# What makes memory accesses safe is the sanitizers' to find; here it would be most of the work.
	timeout "$limit" "$CBMC" --c11 --function "$function" --no-standard-checks \
		--unwind "$unwind" --unwinding-assertions --object-bits 12 --slice-formula \
		-I "$out" -I "$tree/hv/include" -I "$tree/include" -I "$tree" "$@" "${extra[@]}" \
		"test/proof/$harness" >"$log" 2>&1
	result=$(grep -o '^\*\* [0-9]* of [0-9]* failed' "$log")
	if grep -q '^VERIFICATION SUCCESSFUL' "$log" && [[ $result =~ ^\*\*\ 0\ of\ [1-9] ]]; then
		echo "$name holds $(awk '{ print $4 }' <<<"$result") $((SECONDS - start))"
		return 0
	fi
	if grep -q '^VERIFICATION FAILED' "$log"; then
		echo "$name FAILS $(sed -n 's/.* line \([0-9]*\) \(.*\): FAILURE$/\2 (line \1)/p' "$log" | paste -sd';')"
	else
		echo "$name UNKNOWN no result after $((SECONDS - start)) s: see $log"
	fi
	return 1
}

# The source with small tables: the number of address bits that a level takes, and the claim that a table
# fills a page. Nothing else may differ.
small_tables() {
	sed -e 's/^#define LEVEL_BITS 9$/#define LEVEL_BITS 1/' \
		-e 's/ && STAGE2_ENTRIES \* sizeof(u64) == PAGE_SIZE,/,/' \
		"$tree/hv/mem/stage2.c" >"$out/stage2_small.c"
	[ "$(diff "$tree/hv/mem/stage2.c" "$out/stage2_small.c" | grep -c '^>')" -eq 2 ] ||
		{ echo "proof: hv/mem/stage2.c is not as expected" >&2; exit 1; }
}

if [ "${1:-}" = --one ]; then
	shift
	one "$@"
	exit
fi

CBMC=$(scripts/cbmc.sh) || exit 1
export CBMC
mkdir -p "$out"
small_tables
chosen=$(table | awk -v want="$*" '
	BEGIN { n = split(want, prefix, " ") }
	{ for (i = 1; i <= n || (!n && i == 1); i++)
		if (!n || index($1, prefix[i]) == 1) { print; next } }')
[ -n "$chosen" ] || { echo "proof: no proof is called $*" >&2; exit 1; }

# A line for each family, in the order in which they end; what does not hold at once.
xargs -P "${JOBS:-$(nproc)}" -L 1 "$0" --one <<<"$chosen" | tee "$out/result" | awk '
	FNR == NR { split($1, name, ":"); left[name[1]]++; next }
	{ split($1, name, ":"); family = name[1] }
	$2 != "holds" { bad[family] = 1; print "proof " $0 }
	$2 == "holds" { properties[family] += $3; seconds[family] += $4 }
	{ cases[family]++ }
	cases[family] == left[family] && !bad[family] {
		printf "proof %-20s holds   %d cases, %d properties, %d s\n", family, cases[family],
			properties[family], seconds[family]
	}
	{ fflush() }' <(echo "$chosen") -
failed=$(grep -vc '^[^ ]* holds ' "$out/result")
echo "proof: $(wc -l <<<"$chosen") cases, $failed without proof"
[ "$failed" -eq 0 ] && [ "$(wc -l <"$out/result")" -eq "$(wc -l <<<"$chosen")" ]
