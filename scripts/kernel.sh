#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Fetch a stock Debian kernel with its headers and unpack both below build/.
#
#	scripts/kernel.sh VERSION [ARCH [OUT]]
#
# VERSION is a kernel series (6.1, 6.12), ARCH a Debian architecture (default amd64), OUT the
# folder to fill (default build/kernel/VERSION, or build/kernel/VERSION-ARCH when not amd64):
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
# come through an apt root of our own (build/apt/SUITE): the host's sources with only the suite
# replaced, the host's keyrings, proxies and transport settings. Nothing outside build/ changes,
# and no privilege is needed.

set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)

die() { echo "holdfast: $*" >&2; exit 1; }
say() { echo "holdfast: $*"; }

# The suite that carries a kernel series.
suite_of() {
	case $1 in
	6.1) echo bookworm ;;
	6.12) echo trixie ;;
	*) die "no Debian suite known for kernel $1 (see suite_of in scripts/kernel.sh)" ;;
	esac
}

version=${1:?usage: kernel.sh VERSION [ARCH [OUT]]}
arch=${2:-amd64}
suite=$(suite_of "$version")
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

fail() {
	tail -n 15 "$log" >&2
	die "$1 (complete log: $log)"
}

# --- sources: the host's own, with only the suite replaced ---

# Prints one deb822 stanza per usable source of the host. $1: codename of the host, $2: suite
# wanted. Only entries that are Debian's are taken: suite CODENAME or stable for the archive,
# CODENAME-security for the security archive. Options that say how to trust and reach the server
# (Signed-By with an inline key included) are kept as they are.
convert() {
	local host=$1 want=$2 file
	local program='
	function kind(s) {
		if (s == host || s == "stable")
			return want
		if (s == host "-security" || s == "stable-security")
			return want "-security"
		return ""
	}
	function emit(uris, suites, comps, keep,	n, list, i, k) {
		if (comps !~ /(^| )main( |$)/ || uris ~ /cdrom:/ || uris == "")
			return
		n = split(suites, list, " ")
		for (i = 1; i <= n; i++) {
			k = kind(list[i])
			if (k == "")
				continue
			printf "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", uris, k
			if (keep !~ /(^|\n)Signed-By:/ && keyring != "")
				printf "Signed-By: %s\n", keyring
			printf "%s\n", keep
		}
	}'
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		awk -v host="$host" -v want="$want" -v keyring="$keyring" "$program"'
		/^[ \t]*deb[ \t]/ {
			sub(/#.*/, "")
			keep = ""
			if (match($0, /\[[^]]*\]/)) {
				n = split(substr($0, RSTART + 1, RLENGTH - 2), opt, " ")
				$0 = substr($0, 1, RSTART - 1) " " substr($0, RSTART + RLENGTH)
				for (i = 1; i <= n; i++) {
					eq = index(opt[i], "=")
					name = substr(opt[i], 1, eq - 1)
					if (name == "signed-by")
						keep = keep "Signed-By: " substr(opt[i], eq + 1) "\n"
					else if (name == "trusted" || name == "check-valid-until")
						keep = keep name ": " substr(opt[i], eq + 1) "\n"
				}
			}
			comps = ""
			for (i = 4; i <= NF; i++)
				comps = comps " " $i
			emit($2, $3, comps, keep)
		}' "$file"
	done
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		awk -v host="$host" -v want="$want" -v keyring="$keyring" "$program"'
		function flush() {
			if (types ~ /(^| )deb( |$)/ && enabled != "no")
				emit(uris, suites, comps, keep)
			types = uris = suites = comps = keep = enabled = field = ""
		}
		/^#/ { next }
		/^[ \t]*$/ { flush(); next }
		/^[ \t]/ {
			if (field ~ /^(signed-by|trusted|check-valid-until)$/)
				keep = keep $0 "\n"
			else if (field == "uris")
				uris = uris " " $0
			else if (field == "suites")
				suites = suites " " $0
			else if (field == "components")
				comps = comps " " $0
			next
		}
		{
			colon = index($0, ":")
			field = tolower(substr($0, 1, colon - 1))
			value = substr($0, colon + 1)
			gsub(/^[ \t]+|[ \t]+$/, "", value)
			if (field == "types") types = value
			else if (field == "uris") uris = value
			else if (field == "suites") suites = value
			else if (field == "components") comps = value
			else if (field == "enabled") enabled = tolower(value)
			else if (field == "signed-by")
				keep = keep "Signed-By: " value "\n"
			else if (field ~ /^(trusted|check-valid-until)$/)
				keep = keep field ": " value "\n"
		}
		END { flush() }' "$file"
	done
}

private_root() {
	local codename keyring=""

	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "$codename" ] || die "/etc/os-release names no release: Debian 12 or 13 is needed"
	for file in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		[ -z "$keyring" ] && [ -r "$file" ] && keyring=$file
	done

	rm -rf "${apt:?}/etc"
	mkdir -p "$apt"/etc/{apt.conf.d,preferences.d,sources.list.d} \
		"$apt"/state/lists/partial "$apt"/cache/archives/partial
	: >"$apt/state/status"
	convert "$codename" "$suite" >"$apt/etc/sources.list.d/debian.sources"
	grep -q "^Suites: $suite\$" "$apt/etc/sources.list.d/debian.sources" ||
		die "no Debian archive for $codename found in /etc/apt/sources.list*"

	# Transport settings (proxy, certificates) of the host stay in force; its hooks and
	# directories do not. APT_CONFIG is read in place of the host's files because
	# Dir::Etc::parts and main point away from them.
	{
		apt-config dump | grep '^Acquire::' | grep -v '^Acquire::Languages' || true
		cat <<-END
		Acquire::Languages "none";
		Acquire::Retries "2";
		APT::Update::Error-Mode "any";
		APT::Architecture "$host_arch";
		APT::Architectures { "$host_arch"; $([ "$arch" = "$host_arch" ] || echo "\"$arch\";") };
		APT::Sandbox::User "";
		Dir::Etc "$apt/etc";
		Dir::Etc::main "none.conf";
		Dir::Etc::parts "apt.conf.d";
		Dir::Etc::sourcelist "none.list";
		Dir::Etc::sourceparts "sources.list.d";
		Dir::Etc::preferencesparts "preferences.d";
		Dir::Etc::trusted "/etc/apt/trusted.gpg";
		Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
		Dir::State "$apt/state";
		Dir::State::status "$apt/state/status";
		Dir::Cache "$apt/cache";
		END
	} >"$apt/etc/root.conf"
}

# Runs an apt tool inside the private root.
in_root() { APT_CONFIG=$apt/etc/root.conf "$@" >>"$log" 2>&1; }

# Once more on failure: mirrors and proxies hiccup.
twice() { "$@" || { sleep 3; "$@"; }; }

# --- packages ---

# The one package that meta package $1 depends on and whose name matches $2.
depends_on() {
	{ APT_CONFIG=$apt/etc/root.conf apt-cache depends --important "$1" 2>>"$log" || true; } |
		awk -v want="$2" '$1 == "Depends:" && $2 ~ want { print $2; exit }'
}

download() {
	cd "$apt/cache/archives"
	twice in_root apt-get download "$@"
}

private_root
say "fetching the package lists of $suite"
twice in_root apt-get update ||
	fail "cannot fetch the package lists of $suite"

foreign=""
[ "$arch" = "$host_arch" ] || foreign=:$arch
image=$(depends_on "linux-image-$arch$foreign" "^linux-image-$version")
[ -n "$image" ] || fail "$suite offers no linux-image-$arch of series $version"
image=${image%:*}
release=${image#linux-image-}
common=linux-headers-${release%-"$arch"}-common
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
# kernel's Makefile then aligns functions by another.
compiler=$(grep -om1 'gcc-[0-9]*' "$headers/.kernelvariables") || fail "the headers name no gcc"
if ! command -v "$compiler" >/dev/null; then
	sed -i "s/$compiler/gcc-12/" "$headers/.kernelvariables"
	sed -i '/^CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=/d' "$headers/include/config/auto.conf"
fi

# Prints the build tools that find no C library of theirs on this host.
homeless() {
	find "$out/root/usr/lib/$kbuild" -type f -perm -1 ! -name '*.bin' | while read -r tool; do
		ldd "$tool" 2>&1 | grep -q 'not found' && echo "$tool"
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
