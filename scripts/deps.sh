#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The tools Holdfast is built and tested with, on Debian 12 and 13.
#
#	scripts/deps.sh [--check] GROUP...
#
# Installs what is missing through apt-get, as root or with sudo, and says so. With --check it
# installs nothing, names what is missing and fails. Groups: build, vm (boots in QEMU), arm (the same
# for arm64), intel (boots in Bochs, which is built), unit (unit tests), check (`make check`), fuzz
# (`make fuzz`). `make proof` needs cbmc.sh besides.

set -uo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
log=$top/build/log/apt.log
check=no
[ "${1:-}" = --check ] && { check=yes; shift; }

# One line per need: group, how to see that it is there, package (alternatives by |).
# cmd: a command; file: a file; cfile, clang: a file the compiler, or clang, finds; lib: a shared
# library.
needs() {
	cat <<-END
	build cmd:gcc gcc
	build cmd:gcc-12 gcc-12
	build cmd:ld binutils
	build cmd:make make
	build cmd:awk mawk|gawk
	build cmd:python3 python3
	build cfile:libc.a libc6-dev
	build header:jansson.h libjansson-dev
	build lib:libelf.so.1 libelf1t64|libelf1
	vm cmd:qemu-system-x86_64 qemu-system-x86
	vm file:/usr/share/ovmf/OVMF.fd ovmf
	vm cmd:luajit luajit
	arm cmd:qemu-system-aarch64 qemu-system-arm
	arm cmd:aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
	arm cmd:aarch64-linux-gnu-gcc-12 gcc-12-aarch64-linux-gnu
	arm file:/usr/aarch64-linux-gnu/lib/libc.a libc6-dev-arm64-cross
	intel cmd:g++ g++
	intel cmd:xz xz-utils
	intel cmd:xorriso xorriso
	intel file:/usr/lib/ISOLINUX/isolinux.bin isolinux
	intel file:/usr/lib/syslinux/modules/bios/ldlinux.c32 syslinux-common
	unit header:cmocka.h libcmocka-dev
	unit header:mbedtls/pk.h libmbedtls-dev
	unit cmd:zstd zstd
	unit header:capstone/capstone.h libcapstone-dev
	check cmd:aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
	check cmd:clang clang
	check cmd:clang-format clang-format
	check cmd:clang-tidy clang-tidy
	check cmd:cppcheck cppcheck
	check cmd:sparse sparse
	check header:Zydis/Zydis.h libzydis-dev
	fuzz cmd:clang clang
	fuzz clang:libclang_rt.fuzzer-x86_64.a libclang-rt-dev
	fuzz header:Zydis/Zydis.h libzydis-dev
	fuzz header:mbedtls/pk.h libmbedtls-dev
	END
}

present() {
	local what=${1#*:}

	case $1 in
	cmd:*) command -v "$what" >/dev/null ;;
	file:*) [ -e "$what" ] ;;
	cfile:*) [ -e "$(${CC:-gcc} -print-file-name="$what" 2>/dev/null)" ] ;;
	clang:*) [ -e "$(clang -print-file-name="$what" 2>/dev/null)" ] ;;
	header:*) echo "#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <$what>" | ${CC:-gcc} -E -x c - >/dev/null 2>&1 ;;
	lib:*) /sbin/ldconfig -p 2>/dev/null | grep -F "$what" >/dev/null ||
		compgen -G "/usr/lib/*/$what" >/dev/null ;;
	esac
}

# The first of a|b|c that this release has; the last one where apt cannot tell.
choose() {
	local package

	for package in ${1//|/ }; do
		[ "$package" = "${1##*|}" ] && break
		apt-cache show "$package" 2>/dev/null | grep '^Version' >/dev/null && break
	done
	echo "$package"
}

missing_of() {
	local group probe package

	while read -r group probe package; do
		case " $* " in *" $group "*) ;; *) continue ;; esac
		present "$probe" || echo "$probe $package"
	done < <(needs)
}

# shellcheck disable=SC2068
missing=$(missing_of ${@:-build})
[ -z "$missing" ] && exit 0

if [ $check = yes ]; then
	while read -r probe package; do
		echo "holdfast: ${probe#*:} is missing: install package ${package//|/ or }" >&2
	done <<<"$missing"
	echo "holdfast: 'make deps' installs them" >&2
	exit 1
fi

names=$(while read -r probe package; do echo "${package//|/ or }"; done <<<"$missing" |
	sort -u | paste -sd, | sed 's/,/, /g')
if ! command -v apt-get >/dev/null; then
	echo "holdfast: missing: $names" >&2
	echo "holdfast: apt-get is not available here: install them by other means, or use Debian 12 or 13" >&2
	exit 1
fi
if [ "$(id -u)" = 0 ]; then
	root=""
elif command -v sudo >/dev/null; then
	root="sudo"
else
	echo "holdfast: missing: $names" >&2
	echo "holdfast: run this once as root (there is no sudo): apt-get install ..., or 'make deps'" >&2
	exit 1
fi

mkdir -p "$(dirname "$log")"
apt() { $root env DEBIAN_FRONTEND=noninteractive apt-get -y -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1; }
fail() {
	tail -n 10 "$log" >&2
	echo "holdfast: $1 (complete log: $log)" >&2
	exit 1
}

# A fresh machine has no package lists, and old lists name files that are gone: refresh first.
: >"$log"
apt update || { sleep 3; apt update; } || fail "apt-get update failed"
packages=$(while read -r probe package; do choose "$package"; done <<<"$missing" | sort -u |
	paste -sd' ')
echo "holdfast: installing: $packages"
# shellcheck disable=SC2086
apt install --no-install-recommends $packages ||
	{ sleep 3; apt install --no-install-recommends $packages; } || fail "apt-get install failed"

# shellcheck disable=SC2068
missing=$(missing_of ${@:-build})
[ -z "$missing" ] || fail "still missing after the installation: $missing"
