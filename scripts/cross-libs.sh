#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
#	scripts/cross-libs.sh ARCH OUT
#
# Fetches the libraries that programs for another architecture are linked with, and unpacks them below
# OUT/root; OUT/.ready is made last. Through an apt root of our own (apt-root.sh): no foreign
# architecture is added to the host's packages.

set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)

die() { echo "holdfast: $*" >&2; exit 1; }
say() { echo "holdfast: $*"; }

arch=${1:?usage: cross-libs.sh ARCH OUT}
out=${2:?OUT}
suite=bookworm
apt=$top/build/apt/$suite-$arch
log=$top/build/log/libs-$arch.log
packages="libjansson-dev:$arch libjansson4:$arch"

[ -e "$out/.ready" ] && exit 0
for tool in apt-get apt-config dpkg dpkg-deb awk; do
	command -v $tool >/dev/null ||
		die "$tool not found: libraries are fetched as Debian packages, on Debian 12 or 13"
done
host_arch=$(dpkg --print-architecture)
mkdir -p "$(dirname "$log")" "$out"
: >"$log"

# shellcheck source=scripts/apt-root.sh
. "$top/scripts/apt-root.sh"

private_root
rm -f "$apt"/cache/archives/*.deb
# shellcheck disable=SC2086
(download $packages) || fail "cannot download the libraries for $arch"
rm -rf "$out/root"
mkdir -p "$out/root"
for deb in "$apt"/cache/archives/*.deb; do
	dpkg-deb -x "$deb" "$out/root" >>"$log" 2>&1 || fail "cannot unpack $(basename "$deb")"
	rm "$deb"
done
touch "$out/.ready"
