# SPDX-License-Identifier: GPL-2.0-only
#
# An apt root of our own in build/apt/SUITE: sourced, not run. The host's sources with only the suite
# replaced, the host's keyrings, proxies and transport settings. Nothing outside build/ changes, and
# no privilege is needed.
#
# Before: top, suite, apt (the folder), log, host_arch, arch (of the packages wanted), say and die;
# types, where sources are wanted as well ("deb deb-src"). private_root makes it and fetches the lists;
# then in_root, and download.

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
			printf "Types: %s\nURIs: %s\n", want_types, uris
			printf "Suites: %s\nComponents: main\n", k
			if (keep !~ /(^|\n)Signed-By:/ && keyring != "")
				printf "Signed-By: %s\n", keyring
			printf "%s\n", keep
		}
	}'
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		awk -v host="$host" -v want="$want" -v want_types="${types:-deb}" \
			-v keyring="$keyring" "$program"'
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
		awk -v host="$host" -v want="$want" -v want_types="${types:-deb}" \
			-v keyring="$keyring" "$program"'
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

make_root() {
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

download() {
	cd "$apt/cache/archives"
	twice in_root apt-get download "$@"
}

private_root() {
	make_root
	say "fetching the package lists of $suite"
	twice in_root apt-get update || fail "cannot fetch the package lists of $suite"
}
