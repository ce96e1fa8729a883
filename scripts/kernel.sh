#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Fetch a stock Debian kernel with its headers and unpack both below build/.
#
#	scripts/kernel.sh VERSION [ARCH [OUT]]
#
# VERSION is a kernel series (6.1, 6.12) or one with a flavour (6.1-cloud), ARCH a Debian architecture
# (default amd64), OUT the folder to fill (default build/kernel/VERSION, or build/kernel/VERSION-ARCH
# when not amd64):
#
#	OUT/root/	the unpacked packages
#	OUT/vmlinuz	the kernel image
#	OUT/modules	its /lib/modules/<release>
#	OUT/kdir	its headers: make -C OUT/kdir M=... builds a module out of tree
#	OUT/release	what `uname -r` will say
#	OUT/packages	the package versions, for the record
#	OUT/libraries/	C library and others, where the host's are too old for the kernel's build tools
#	OUT/.ready	made last: everything above is complete
#
# A Debian 13 host must be able to get a Debian 12 kernel and the other way round, so the packages
# come through an apt root of our own (apt-root.sh). Nothing outside build/ changes, and no
# privilege is needed.

set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)

die() { echo "holdfast: $*" >&2; exit 1; }
say() { echo "holdfast: $*"; }

# The suite that carries a kernel series.
suite_of() {
	case $1 in
	6.1 | 6.1-cloud) echo bookworm ;;
	6.12) echo trixie ;;
	*) die "no Debian suite known for kernel $1 (see suite_of in scripts/kernel.sh)" ;;
	esac
}

version=${1:?usage: kernel.sh VERSION [ARCH [OUT]]}
arch=${2:-amd64}
suite=$(suite_of "$version")
series=${version%-*}
variant=${version#"$series"}
variant=${variant#-}${variant:+-}$arch # as in the names of packages: amd64, cloud-amd64
if [ "$arch" = amd64 ]; then out=$top/build/kernel/$version; else out=$top/build/kernel/$version-$arch; fi
out=${3:-$out}
apt=$top/build/apt/$suite
log=$top/build/log/kernel-$version-$arch.log

# One at a time, also where several trees share a folder of kernels.
mkdir -p "$out"
exec 9>"$out/.lock"
command -v flock >/dev/null && flock 9
[ -e "$out/.ready" ] && exit 0

for tool in apt-get apt-cache apt-config dpkg dpkg-deb awk; do
	command -v $tool >/dev/null ||
		die "$tool not found: stock kernels are fetched as Debian packages, on Debian 12 or 13"
done
host_arch=$(dpkg --print-architecture)

mkdir -p "$(dirname "$log")"
: >"$log"

# shellcheck source=scripts/apt-root.sh
. "$top/scripts/apt-root.sh"

# --- packages ---

# The one package that meta package $1 depends on and whose name matches $2.
depends_on() {
	{ APT_CONFIG=$apt/etc/root.conf apt-cache depends --important "$1" 2>>"$log" || true; } |
		awk -v want="$2" '$1 == "Depends:" && $2 ~ want { print $2; exit }'
}

private_root

foreign=""
[ "$arch" = "$host_arch" ] || foreign=:$arch
image=$(depends_on "linux-image-$variant$foreign" "^linux-image-$series")
[ -n "$image" ] || fail "$suite offers no linux-image-$variant of series $series"
image=${image%:*}
release=${image#linux-image-}
common=linux-headers-${release%-"$variant"}-common
kbuild=$(depends_on "linux-headers-$release$foreign" "^linux-kbuild-")
[ -n "$kbuild" ] || fail "linux-headers-$release names no linux-kbuild package"
kbuild=${kbuild%:*}

say "fetching kernel $release and its headers"
rm -f "$apt"/cache/archives/*.deb
packages="$image$foreign linux-headers-$release$foreign $common $kbuild:$host_arch"
# shellcheck disable=SC2086
(download $packages) || fail "cannot download the kernel packages"

unpack() {
	dpkg-deb -x "$1" "$2" >>"$log" 2>&1 || fail "cannot unpack $(basename "$1")"
	dpkg-deb -W --showformat='${Package} ${Version} ${Architecture}\n' "$1" >>"$out/packages"
	rm "$1"
}

say "unpacking kernel $release"
rm -rf "$out/root" "$out/libraries"
mkdir -p "$out/root"
: >"$out/packages"
for deb in "$apt"/cache/archives/*.deb; do
	unpack "$deb" "$out/root"
done

# The headers refer to each other by their place after installation. A path relative to kdir, which
# is where make -C runs, lets the whole tree be moved.
headers=$out/root/usr/src/linux-headers-$release
[ -e "$headers/Makefile" ] || fail "no headers for $release in the packages"
sed -i "s|/usr/src/|../|g" "$headers/Makefile"
for link in "$headers/scripts" "$headers/tools"; do
	[ -d "$link" ] || fail "$link does not lead into $kbuild"
done

# --- a kernel newer than the host ---

# The headers name the compiler of their suite. An older one will do, less the option it lacks: the
# kernel's Makefile then aligns functions by another, and leaves out an attribute under which that has
# no effect, if it is told so.
compiler=$(grep -om1 'gcc-[0-9]*' "$headers/.kernelvariables") || fail "the headers name no gcc"
if ! command -v "$compiler" >/dev/null; then
	sed -i "s/$compiler/gcc-12/" "$headers/.kernelvariables"
	sed -i '/^CONFIG_CC_HAS_\(MIN\|SANE\)_FUNCTION_ALIGNMENT=/d' "$headers/include/config/auto.conf"
	sed -i '/ CONFIG_CC_HAS_\(MIN\|SANE\)_FUNCTION_ALIGNMENT /d' \
		"$headers/include/generated/autoconf.h"
fi

# Prints the build tools that find no C library of theirs on this host. Not with grep -q, which ends
# at the first match: who writes on then dies, and with pipefail that counts as "not found".
homeless() {
	find "$out/root/usr/lib/$kbuild" -type f -perm -1 ! -name '*.bin' | while read -r tool; do
		ldd "$tool" 2>&1 | grep 'not found' >/dev/null && echo "$tool"
	done
	true
}

# These are run with the libraries of their own suite, by its dynamic linker: a script takes their
# place, which finds both from where it is itself.
tools=$(homeless)
if [ -n "$tools" ]; then
	say "fetching libraries of $suite for the build tools of $release"
	libraries=$(APT_CONFIG=$apt/etc/root.conf apt-cache depends --recurse --important "$kbuild" |
		grep -E "^(lib|zlib)[^:]*$" | sed "s/$/:$host_arch/")
	# shellcheck disable=SC2086
	(download $libraries) || fail "cannot download the libraries of the build tools"
	for deb in "$apt"/cache/archives/*.deb; do
		unpack "$deb" "$out/libraries"
	done
	linker=$(find "$out/libraries" -type f -name 'ld-linux*.so.*' -print -quit)
	[ -n "$linker" ] || fail "no dynamic linker in the packages"
	for tool in $tools; do
		mv "$tool" "$tool.bin"
		here=$(realpath --relative-to="$(dirname "$tool")" "$(dirname "$linker")")
		cat >"$tool" <<-END
		#!/bin/sh
		here=\$(dirname "\$0")
		libraries=\$here/$here
		exec "\$libraries/$(basename "$linker")" --library-path "\$libraries" "\$0.bin" "\$@"
		END
		chmod +x "$tool"
	done
fi

# A merged-/usr package puts modules in usr/lib, an older one in lib.
for modules in "$out/root/lib/modules/$release" "$out/root/usr/lib/modules/$release"; do
	[ -d "$modules" ] && ln -sfn "${modules#"$out"/}" "$out/modules"
done
[ -e "$out/modules" ] || fail "no modules for $release in the packages"
[ -e "$out/root/boot/vmlinuz-$release" ] || fail "no kernel image for $release in the packages"
ln -sfn "root/boot/vmlinuz-$release" "$out/vmlinuz"
ln -sfn "root/usr/src/linux-headers-$release" "$out/kdir"
echo "$release" >"$out/release"
touch "$out/.ready"
say "kernel $release is ready"
