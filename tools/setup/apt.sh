# SPDX-License-Identifier: MIT
# A private apt below build/apt, sourced after lib.sh. Its sources are the host's own mirror with the
# suites of tools/setup/series; keys, proxies and credentials are the host's; nothing of the host changes.

papt() {	# papt TOOL ARGS...: an apt tool on the private configuration
	local tool=$1
	shift
	"$tool" -o Dir::Etc::sourcelist="$APT/debian.sources" -o Dir::Etc::sourceparts=- \
		-o Dir::State::Lists="$APT/lists" -o Dir::Cache="$APT/cache" \
		-o Dir::Cache::pkgcache=pkgcache.bin -o Dir::Cache::srcpkgcache=srcpkgcache.bin \
		-o Dir::Etc::preferencesparts="$APT/none" \
		-o APT::Sandbox::User= -o Acquire::Retries=3 -o Acquire::Languages=none \
		-o Dir::State::Status="$APT/status" "$@" 9>&-
}

# The mirrors, from whatever form the host's sources have: the one of a plain Debian suite, and the
# one of its security suite. DEBIAN_MIRROR= and DEBIAN_SECURITY_MIRROR= override them.
find_mirrors() {
	local rows
	rows=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' "Created-By: Packages" 2>/dev/null | sort -u)
	mirror=${DEBIAN_MIRROR:-$(awk '$2 ~ /^(bookworm|trixie|stable|oldstable|testing|sid)$/ && $1 ~ /debian\/?$/ {
		print $1; exit }' <<<"$rows")}
	security=${DEBIAN_SECURITY_MIRROR:-$(awk '$2 ~ /-security$/ { print $1; exit }' <<<"$rows")}
	mirror=${mirror%/}
	[ -n "$mirror" ] || die "no Debian mirror among this machine's apt sources" \
		"name one: make setup DEBIAN_MIRROR=<URI of a Debian archive> DEBIAN_SECURITY_MIRROR=<URI>"
	security=${security:-${mirror%/debian}/debian-security}
	security=${security%/}
}

keyring() {
	local k
	for k in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
		[ ! -r "$k" ] || { printf 'Signed-By: %s\n' "$k"; return; }
	done	# none: apt's own trusted keys decide
}

write_sources() {
	local suite uri types sources
	sources=" $(series qemu) "
	for suite in $(awk '!/^#/ { for (i = 3; i <= NF; i++) if (!seen[$i]++) print $i }' "$SETUP/series"); do
		uri=$mirror
		case $suite in *-security) uri=$security ;; esac
		case $sources in *" $suite "*) types="deb deb-src" ;; *) types=deb ;; esac
		printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: amd64\n%s\n\n' \
			"$types" "$uri" "$suite" "$(keyring)"
	done
}

# apt_ready: the private lists exist and are of today. Offline, lists of any age will do.
apt_ready() {
	mkdir -p "$APT/none" "$APT/lists/partial" "$APT/cache/archives/partial"
	[ -e "$APT/status" ] || : >"$APT/status"
	find_mirrors
	write_sources >"$APT/debian.sources.new"
	if cmp -s "$APT/debian.sources.new" "$APT/debian.sources" && [ -n "$(find "$APT/updated" -mtime -1 2>/dev/null)" ]; then
		return
	fi
	mv "$APT/debian.sources.new" "$APT/debian.sources"
	say APT "package lists of $(awk '/^Suites:/ { printf "%s ", $2 }' "$APT/debian.sources")"
	# A suite that the mirror lacks makes apt-get fail although the others are good: what is missing
	# in the end is reported where it is looked for.
	papt apt-get -q update >"$APT/update.log" 2>&1 ||
		say APT "not every suite could be read (see ${APT#"$TOP"/}/update.log)"
	touch "$APT/updated"
}

# each_newest KIND NAME... -- SERIES SUITE...: "name version suite" of every version in the series that
# the named packages (KIND Packages) or source packages (KIND Sources) have in one of the suites, newest
# first; of equal versions the one of the earlier suite, then of the earlier name, comes first.
each_newest() {
	local kind=$1 names=()
	shift
	while [ "$1" != -- ]; do names+=("$1"); shift; done
	shift
	papt apt-cache madison "${names[@]}" | awk -v kind="$kind" -v want="$*" '
		BEGIN { n = split(want, w); for (i = 2; i <= n; i++) rank[w[i]] = i }
		$NF == kind {
			suite = ""
			for (i = 5; i < NF; i++) { t = $i; sub(/\/.*/, "", t); if (t in rank) suite = t }
			v = $3; sub(/^[0-9]+:/, "", v)
			if (suite != "" && index(v, w[1] ".") == 1) print $1, $3, suite, rank[suite], NR
		}' | sort -k4,4n -k5,5n | by_version
}

# Sorts "name version ..." lines by dpkg's order of versions, newest first, else keeps their order.
by_version() {
	local line sorted=() i
	while read -r line; do
		set -- $line
		for ((i = ${#sorted[@]}; i > 0; i--)); do
			dpkg --compare-versions "$2" gt "$(cut -d' ' -f2 <<<"${sorted[i - 1]}")" || break
			sorted[i]=${sorted[i - 1]}
		done
		sorted[i]="$1 $2 $3"
	done
	[ ${#sorted[@]} = 0 ] || printf '%s\n' "${sorted[@]}"
}

newest() { each_newest "$@" | sed -n '1p' | grep .; }

# fetch_debs PACKAGE=VERSION...: downloads into build/apt/debs what is not there yet, verified by apt,
# and prints the files' paths, one a line, in the order of the arguments.
fetch_debs() {
	local spec file bytes out=
	mkdir -p "$APT/debs"
	for spec in "$@"; do
		read -r file bytes < <(papt apt-get download --print-uris "$spec" | awk 'NR == 1 { print $2, $3 }') ||
			die "apt finds no $spec" "see $APT/update.log"
		if [ ! -e "$APT/debs/$file" ]; then
			say FETCH "$spec ($((bytes / 1000000 + 1)) MB)" >&2
			rm -rf "$APT/fetch.$$" && mkdir "$APT/fetch.$$"
			(cd "$APT/fetch.$$" && with_clock "$APT/fetch.log" papt apt-get -q download "$spec" >&2)
			mv "$APT/fetch.$$"/*.deb "$APT/debs/$file"
			rmdir "$APT/fetch.$$"
		fi
		out="$out$APT/debs/$file"$'\n'
	done
	printf %s "$out"
}

# find_source SERIES SUITE...: the newest linux-source of the series, in the variables package, version, suite.
find_source() {
	local found
	found=$(newest Packages "linux-source-$1" -- "$@") ||
		die "no linux-source-$1 in the package lists" "see $APT/update.log"
	read -r package version suite <<<"$found"
}

# read_source PACKAGE=VERSION TAR-ARGUMENT...: unpacks the kernel's source, or what of it is named.
read_source() {
	local deb
	deb=$(fetch_debs "$1")
	# One long xz stream: read once.
	dpkg-deb --fsys-tarfile "$deb" 9>&- | tar -xO -f - "./usr/src/${1%%=*}.tar.xz" 9>&- | tar -xJ -f - "${@:2}" 9>&-
	# The host has no use for the rest of the package: it is large.
	rm -f "$deb"
}

deb_of() {	# deb_of PACKAGE LINE-OF-SERIES: fetches it, prints the file
	local found
	found=$(newest Packages "$1" -- $(series "$2")) || die "no $1 of the series $(series "$2")" "see $APT/update.log"
	set -- $found
	fetch_debs "$1=$2"
}
