#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Count the trusted part: what runs in the hypervisor of one backend, with the contracts it obeys.
# `lines` is what wc says, `code` leaves out blank lines and comments.

set -euo pipefail
cd "$(dirname "$0")/.."

backend=${1:-svm}
case $backend in
el2) arch=hv/arch/arm64 ;;
*) arch="hv/arch/x86/common hv/arch/x86/$backend" ;;
esac
folders="hv/core hv/mem hv/guard hv/domain hv/lib hv/include $arch include/holdfast"

# Lines that are neither comment nor blank.
code() {
	awk -f scripts/bare.awk "$@" | grep -cE '^[^:]*:[^:]*:.*[^[:space:]]'
}

all=()
printf '%-24s %7s %7s %7s\n' folder files lines code
for folder in $folders; do
	[ -d "$folder" ] || continue
	mapfile -t files < <(find "$folder" -type f \( -name '*.c' -o -name '*.h' -o -name '*.S' \) | sort)
	[ ${#files[@]} -eq 0 ] && continue
	printf '%-24s %7d %7d %7d\n' "$folder" ${#files[@]} \
		"$(cat "${files[@]}" | wc -l)" "$(code "${files[@]}")"
	all+=("${files[@]}")
done
if [ ${#all[@]} -eq 0 ]; then
	echo "trusted, hv-$backend: 0 lines"
	exit 0
fi
printf '%-24s %7d %7d %7d\n' total ${#all[@]} "$(cat "${all[@]}" | wc -l)" "$(code "${all[@]}")"
echo "trusted, hv-$backend: $(cat "${all[@]}" | wc -l) lines"
