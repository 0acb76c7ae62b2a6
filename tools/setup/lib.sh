# SPDX-License-Identifier: MIT
# Shared by the set-up scripts: they source it, it runs nothing.
# Every script works below $B (build/), may be interrupted at any point and run again.

set -euo pipefail
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
# The system's tools, not a version manager's: meson and dpkg's helpers expect Debian's Python.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
B=${B:-build}
case $B in /*) ;; *) B=$TOP/$B ;; esac
SETUP=$TOP/tools/setup
APT=$B/apt
mkdir -p "$B"

say() { printf '  %-7s %s\n' "$1" "$2"; }
note() { printf '  %-7s %s\n' '' "$1"; }
die() {
	printf 'set-up: %s\n' "$1" >&2
	shift
	for line in "$@"; do printf '        %s\n' "$line" >&2; done
	exit 1
}

# One set-up at a time in one build folder: a second make waits for the first. Steps of minutes have a
# lock of their own, FILE.
take_lock() {	# take_lock [FILE]
	exec 9>"${1:-$B/.setup.lock}"
	flock -n 9 || { say WAIT "another set-up works in $B"; flock 9; }
}

# quietly LOG COMMAND...: output goes to LOG, and to the screen only when it fails.
quietly() {
	local log=$1
	shift
	if ! "$@" >"$log" 2>&1; then
		tail -n 25 "$log" >&2
		die "failed: $*" "the whole output is in $log"
	fi
}

# with_clock LOG COMMAND...: as quietly, with the seconds that have passed where someone watches.
with_clock() {
	local log=$1 pid start=$SECONDS
	shift
	"$@" >"$log" 2>&1 &
	pid=$!
	if [ -t 1 ]; then
		while kill -0 "$pid" 2>/dev/null; do
			printf '\r          %4d s' $((SECONDS - start))
			sleep 1
		done
		printf '\r                 \r'
	fi
	if ! wait "$pid"; then
		tail -n 25 "$log" >&2
		die "failed: $*" "the whole output is in $log"
	fi
}

# series WHAT -> "SERIES SUITE..." from the one file that names them.
series() {
	awk -v what="$1" '$1 == what { $1 = ""; sub(/^ /, ""); print; found = 1 }
		END { exit !found }' "$SETUP/series" || die "tools/setup/series has no line for $1"
}

# record WHAT VERSION: prints what was taken and keeps it in build/versions.
record() {
	local tmp=$B/.versions.$$
	{ [ ! -f "$B/versions" ] || grep -v "^$1 " "$B/versions" || true
	  printf '%s %s\n' "$1" "$2"; } | sort >"$tmp"
	mv "$tmp" "$B/versions"
	say VERSION "$1 $2"
}

# is_done STAMP: that step is done and tools/setup/series has not changed since.
is_done() { [ -e "$1" ] && [ ! "$SETUP/series" -nt "$1" ]; }

# fresh_dir DIR: an empty folder beside its final place; commit_dir moves it there in one step.
fresh_dir() { rm -rf "$1.new"; mkdir -p "$1.new"; printf '%s\n' "$1.new"; }
commit_dir() { rm -rf "$1.old"; [ ! -e "$1" ] || mv "$1" "$1.old"; mv "$1.new" "$1"; rm -rf "$1.old"; }
