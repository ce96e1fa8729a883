#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
#	run.sh NAME SECONDS
#
# Run one fuzzer from its corpus, print one line of what it did; on a finding the reproducer's name
# and how to run it. The corpus is reduced first to what adds coverage, so that it does not grow for
# ever. No seed that finds anything is left out: a reproducer stays in findings until it passes.

set -uo pipefail

name=$1 seconds=$2
fuzz=${O:-build}/fuzz
corpus=$fuzz/corpus/$name
findings=$fuzz/findings
log=$fuzz/$name.log
seeds=$(dirname "$0")/seeds/$name

mkdir -p "$corpus" "$findings"

# Lines of hexadecimal digits; blanks and comments are for the reader.
n=0
while read -r line; do
	line=${line//[[:space:]]/}
	n=$((n + 1))
	printf '%b' "$(sed 's/../\\x&/g' <<<"$line")" >"$corpus/seed-$n"
done < <(grep -v '^#' "$seeds")
[ $n -gt 0 ] || { echo "fuzz $name: no seeds in $seeds" >&2; exit 1; }

mkdir -p "$corpus.new"
"$fuzz/$name" -merge=1 "$corpus.new" "$corpus" >"$log" 2>&1 &&
	rm -rf "$corpus" && mv "$corpus.new" "$corpus"
rm -rf "$corpus.new"

"$fuzz/$name" -max_len=512 -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3072 \
	-print_final_stats=1 -artifact_prefix="$findings/$name-" "$corpus" >"$log" 2>&1
status=$?

stat() { sed -n "s/^stat::$1: *//p" "$log"; }
if [ $status -ne 0 ]; then
	grep -aE '^(call|site|message|module|model|access|exit|machine|decode|fake|SUMMARY)' "$log" | tail -n 3 >&2
	unit=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
	echo "fuzz $name: FAILED; complete log: $log" >&2
	[ -n "$unit" ] && echo "fuzz $name: again: $fuzz/$name $unit" >&2
	exit 1
fi
runs=$(stat number_of_executed_units)
[ "${runs:-0}" -gt 0 ] || { echo "fuzz $name: nothing was run; complete log: $log" >&2; exit 1; }
coverage=$(grep -aoE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1)
echo "fuzz $name: $runs inputs in $seconds s, $coverage, no finding"
grep -a "^$name: " "$log" | tail -n 1
