# SPDX-License-Identifier: GPL-2.0-only
#
# What the scripts of `make check` share: sourced, not run. A check writes its findings to the
# file $findings, one a line, and ends with `verdict`.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

O=${O:-build}
name=${check_name:-$(basename "$0" .sh)}
work=$O/check/$name
findings=$work/findings
rm -rf "$work"
mkdir -p "$work"
: >"$findings"

# spread COMMAND FILE...: call the function for each file, on all CPUs; what it prints is findings.
spread() {
	local command=$1 i k jobs

	shift
	jobs=$(nproc 2>/dev/null || echo 1)
	for ((i = 1; i <= jobs; i++)); do
		for ((k = i; k <= $#; k += jobs)); do
			$command "${!k}"
		done >"$work/out.$i" 2>&1 &
	done
	wait
	LC_ALL=C sort -u "$work"/out.* >>"$findings"
}

# find_files FOLDER... -- GLOB...: sorted; folders that do not exist yet are no error.
find_files() {
	local folders=() globs=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		[ -d "$1" ] && folders+=("$1")
		shift
	done
	shift
	while [ $# -gt 0 ]; do
		globs+=(-o -name "$1")
		shift
	done
	[ ${#folders[@]} -eq 0 ] && return 0
	find "${folders[@]}" -type f \( "${globs[@]:1}" \) | LC_ALL=C sort
}

# user_files GLOB...: what the build compiles itself: all but what kbuild does, and what only CBMC reads.
user_files() {
	find_files hv cli services test/unit test/boot test/fuzz test/authority test/service -- "$@" |
		grep -vE '^test/boot/(bench|capture)/'
}

# flags_of FILE: sets the array `flags` to what the build compiles the file with, as the fragments
# say through check.mk. None for what kbuild compiles: false.
flags_of() {
	case $1 in
	hv/arch/arm64/*) eval "flags=(${CHECK_EL2_FLAGS-})" ;;
	hv/arch/fake/*) eval "flags=(${CHECK_UNIT_FLAGS-} -D_GNU_SOURCE)" ;;
	hv/*) eval "flags=(${CHECK_HV_FLAGS-})" ;;
	cli/*) eval "flags=(${CHECK_CLI_FLAGS-})" ;;
	services/* | test/service/*) eval "flags=(${CHECK_SERVICES_FLAGS-})" ;;
	test/authority/*) eval "flags=(${CHECK_AUTHORITY_FLAGS-})" ;;
	test/unit/authority_* | test/unit/domain_process.c) eval "flags=(${CHECK_UNIT_FLAGS-} -D_GNU_SOURCE -Iservices)" ;;
	test/unit/*) eval "flags=(${CHECK_UNIT_FLAGS-} -D_GNU_SOURCE)" ;;
	test/fuzz/message.c | test/fuzz/module.[ch] | test/fuzz/object.c | test/fuzz/rules.c | \
		test/fuzz/service.c)
		eval "flags=(${CHECK_FUZZ_FLAGS-} -D_GNU_SOURCE -Iservices)" ;;
	test/fuzz/*) eval "flags=(${CHECK_FUZZ_FLAGS-} -D_GNU_SOURCE)" ;;
	test/boot/*) eval "flags=(${CHECK_GUEST_FLAGS-})" ;;
	include/holdfast/*) flags=(-std=c11 -Wall -Wextra -Werror -Iinclude) ;;
	*) flags=() ;;
	esac
	[ ${#flags[@]} -gt 0 ]
}

# driver_of gcc|clang FILE: sets the array `driver` to the command of this compiler for the file.
driver_of() {
	case $1:$2 in
	gcc:hv/arch/arm64/*) driver=(aarch64-linux-gnu-gcc) ;;
	clang:hv/arch/arm64/*) driver=(clang --target=aarch64-linux-gnu) ;;
	*) driver=("$1") ;;
	esac
}

# verdict COUNT WHAT: the line of this check, and its exit status. Nothing looked at is a failure.
verdict() {
	local n

	n=$(wc -l <"$findings")
	if [ "$n" -gt 0 ]; then
		cat "$findings"
		printf 'check %-12s FAILED  %s findings\n' "$name" "$n"
		exit 1
	fi
	if [ "$1" -eq 0 ]; then
		printf 'check %-12s FAILED  found nothing to look at\n' "$name"
		exit 1
	fi
	printf 'check %-12s ok      %s\n' "$name" "$2"
}
