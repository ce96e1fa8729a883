#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
#	arm-image.sh HYPERVISOR KERNEL OUT
#
# Puts a Linux Image behind hv-el2.img, where that expects it: one file that boots wherever an arm64
# Image does. All three have the header of Linux' Documentation/arch/arm64/booting.rst, with
# text_offset at byte 8, image_size at 16, and the magic number at 56; image_size of the result is that
# of both.

set -euo pipefail

die() { echo "holdfast: $*" >&2; exit 1; }
number() { od -A n -t u"$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
header() { [ "$(dd if="$1" bs=1 skip=56 count=4 status=none)" = "ARMd" ] || die "$1 is no arm64 Image"; }

hypervisor=${1:?usage: arm-image.sh HYPERVISOR KERNEL OUT}
kernel=${2:?kernel}
out=${3:?out}

header "$hypervisor"
header "$kernel"
[ "$(number "$kernel" 8 8)" = 0 ] || die "$kernel: has a text_offset, kernels from 5.10 on have none"
span=$(number "$hypervisor" 16 8)
size=$((span + $(number "$kernel" 16 8)))

cp "$hypervisor" "$out.new"
truncate -s "$span" "$out.new"
cat "$kernel" >>"$out.new"
for ((i = 0; i < 8; i++)); do
	printf "\\x$(printf %02x $((size >> 8 * i & 255)))"
done | dd of="$out.new" bs=1 seek=16 conv=notrunc status=none
mv "$out.new" "$out"
