#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The emulator Bochs, which has VMX: built once below build/bochs, from the sources of Debian 13.
#
#	build/bochs/bochs	the emulator, without a window
#	build/bochs/bios.bin	firmware of the machine
#	build/bochs/vga.bin	and of its display
#	build/bochs/version	what was built, for the record
#	build/bochs/.ready	made last: everything above is complete
#
# Built here, also on Debian 13: its own package shows how fast it runs in a status line, whose timer
# can lock the emulator up where there is no window (--disable-show-ips). Nothing is installed.

set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
out=$top/build/bochs
suite=trixie
apt=$top/build/apt/bochs
log=$top/build/log/bochs.log
types="deb deb-src"

die() { echo "holdfast: $*" >&2; exit 1; }
say() { echo "holdfast: $*"; }

mkdir -p "$out" "$(dirname "$log")"
exec 9>"$out/.lock"
command -v flock >/dev/null && flock 9
[ -e "$out/.ready" ] && exit 0

for tool in apt-get apt-cache apt-config dpkg dpkg-deb awk g++ make tar xz; do
	command -v $tool >/dev/null || die "$tool not found: Bochs cannot be built here"
done
host_arch=$(dpkg --print-architecture)
# What apt-root.sh takes.
# shellcheck disable=SC2034
arch=$host_arch
: >"$log"
# shellcheck source=scripts/apt-root.sh
. "$top/scripts/apt-root.sh"

# The last version with this name, of the files in the cache.
the() { find "$apt/cache/archives" -name "$1" | sort -V | tail -n 1; }

private_root
say "fetching the sources of Bochs, and firmware for its machine"
rm -f "$apt"/cache/archives/*.{deb,xz}
(download bochsbios vgabios &&
	twice in_root apt-get source --download-only --tar-only bochs) ||
	fail "cannot download Bochs"

rm -rf "$out"/{root,source}
mkdir -p "$out"/{root,source}
for deb in "$apt"/cache/archives/*.deb; do
	dpkg-deb -x "$deb" "$out/root" >>"$log" 2>&1 || fail "cannot unpack $(basename "$deb")"
done
tar -xf "$(the 'bochs_*.orig.tar.*')" --strip-components=1 -C "$out/source" >>"$log" 2>&1 ||
	fail "cannot unpack the sources"
cp "$out/root/usr/share/bochs/BIOS-bochs-latest" "$out/bios.bin" || fail "no firmware in bochsbios"
cp "$out/root/usr/share/vgabios/vgabios.bin" "$out/vga.bin" || fail "no firmware in vgabios"

say "building Bochs (minutes)"
(
	cd "$out/source"
	./configure --with-nogui --disable-show-ips --disable-docbook --disable-debugger \
		--enable-smp --enable-x86-64 --enable-cpu-level=6 --enable-vmx=2 --enable-svm \
		--enable-avx --enable-evex --enable-cet --enable-long-phy-address \
		--enable-all-optimizations
	# Not as a part of the make that may run this, whose job server is not ours to use.
	MAKEFLAGS='' make -j"${BOCHS_JOBS:-$(nproc)}"
) >>"$log" 2>&1 || fail "Bochs could not be built"
cp "$out/source/bochs" "$out/bochs"
basename "$(the 'bochs_*.orig.tar.*')" | sed 's/\.orig.*//' >"$out/version"
rm -rf "$out"/{root,source}
rm -f "$apt"/cache/archives/*.{deb,xz}
touch "$out/.ready"
say "$(cat "$out/version") is ready"
