#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The bounded model checker CBMC: prints the command that runs it.
#
# The host's own if it is installed and of a version the proofs were made with. Otherwise Debian 13's,
# fetched and unpacked below build/cbmc with the libraries it needs and run by its own dynamic linker:
# Debian 12 has none. Nothing is installed.

set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
out=$top/build/cbmc
suite=trixie
apt=$top/build/apt/cbmc
log=$top/build/log/cbmc.log
version='^6\.'

die() { echo "holdfast: $*" >&2; exit 1; }
say() { echo "holdfast: $*" >&2; }

if command -v cbmc >/dev/null && cbmc --version | grep "$version" >/dev/null; then
	command -v cbmc
	exit 0
fi

mkdir -p "$out" "$(dirname "$log")"
exec 9>"$out/.lock"
command -v flock >/dev/null && flock 9
if [ -e "$out/.ready" ]; then
	echo "$out/cbmc"
	exit 0
fi

for tool in apt-get apt-cache apt-config dpkg dpkg-deb awk; do
	command -v $tool >/dev/null || die "$tool not found: install cbmc 6 by other means"
done
host_arch=$(dpkg --print-architecture)
# What apt-root.sh takes.
# shellcheck disable=SC2034
arch=$host_arch
: >"$log"
# shellcheck source=scripts/apt-root.sh
. "$top/scripts/apt-root.sh"

private_root
say "fetching cbmc and its libraries"
rm -f "$apt"/cache/archives/*.deb
(download cbmc minisat libc6 libgcc-s1 libstdc++6 zlib1g) || fail "cannot download cbmc"
rm -rf "$out/root"
mkdir -p "$out/root"
for deb in "$apt"/cache/archives/*.deb; do
	dpkg-deb -x "$deb" "$out/root" >>"$log" 2>&1 || fail "cannot unpack $(basename "$deb")"
	rm "$deb"
done

linker=$(find "$out/root" -name 'ld-linux*.so.*' -path '*/lib/*' | head -n 1)
[ -n "$linker" ] || fail "no dynamic linker in the packages"
cat >"$out/cbmc" <<-END
	#!/bin/sh
	exec $linker --library-path ${linker%/*}:$out/root/usr/lib $out/root/usr/bin/cbmc "\$@"
END
chmod +x "$out/cbmc"
"$out/cbmc" --version | grep "$version" >/dev/null || fail "the cbmc that was fetched does not run"
touch "$out/.ready"
echo "$out/cbmc"
