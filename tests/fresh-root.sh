#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Keeps the README's promise: on a machine with nothing but Debian, "make demo" and "make check" work.
#
#   tests/fresh-root.sh [SUITE]     SUITE is a Debian release, this machine's own if absent
#
# Makes a minimal Debian in a temporary directory, copies the committed tree into it, installs make
# and runs the two. The mirror is the one this machine's apt uses. Needs root, debootstrap and git.

set -euo pipefail

tree=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)

say() {
	printf '\n=== %s (after %d s)\n' "$1" "$SECONDS"
}

# Shows what a command prints only if it fails.
quietly() {
	local output
	output=$("$@" 2>&1) || {
		printf '%s\n' "$output"
		return 1
	}
}

# apt's archives as lines "URI RELEASE COMPONENT", e.g. for the release itself, its updates and security.
archives() {
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		sort -u | awk '$3 == "main"'
}

# The mirror that has the release itself.
mirror() {
	archives | awk -v release="$1" '$2 == release { print $1; exit }'
}

# sources.list of the new root: this machine's archives of Debian, with the release exchanged.
sources() {
	archives | awk -v own="$1" -v suite="$2" '$2 == own || index($2, own "-") == 1 {
		sub("^" own, suite, $2)
		print "deb", $1, $2, $3
	}'
}

# debootstrap DIRECTORY RELEASE-OF-THIS-MACHINE SUITE, with the committed tree in /src.
make_root() {
	quietly debootstrap --variant=minbase "$3" "$1" "$(mirror "$2")"
	sources "$2" "$3" >"$1/etc/apt/sources.list"
	cp --dereference /etc/resolv.conf /etc/hosts "$1/etc/"
	mkdir "$1/src" "$1/machine"
	git -C "$tree" archive HEAD | tar -x -C "$1/src"
}

# Makes a directory the root, as on a real machine: with a chroot, / would not be a mount point, and whoever
# enters the mount namespace would find himself outside of it.
enter_root() {
	mount --bind "$1" "$1"
	mount -t proc proc "$1/proc"
	mount --rbind /sys "$1/sys"
	mount --rbind /dev "$1/dev"
	cd "$1"
	pivot_root . machine
	cd /
	umount --lazy /machine
	rmdir /machine
}

# With what an ordinary root shell has, and the way to the network.
as_user() {
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM-dumb}" \
		LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive ${http_proxy+"http_proxy=$http_proxy"} \
		${https_proxy+"https_proxy=$https_proxy"} ${no_proxy+"no_proxy=$no_proxy"} "$@" </dev/null
}

# Runs with mounts and processes of its own; both end with it.
trial() {
	local root=$1 suite=$2 own
	own=$(awk -F= '$1 == "VERSION_CODENAME" { print $2 }' /etc/os-release)
	suite=${suite:-$own}
	mount --make-rprivate /

	say "debootstrap $suite"
	make_root "$root" "$own" "$suite"
	enter_root "$root"
	say "apt-get update, apt-get install make"
	quietly as_user apt-get update
	quietly as_user apt-get install --yes make
	say "make demo"
	as_user make -C /src demo
	say "make check"
	as_user make -C /src check
	say "both work on $suite"
}

if [[ ${1-} == --in-namespaces ]]; then
	trial "$2" "${3-}"
	exit
fi

((UID == 0)) || { echo "fresh-root: must be run as root" >&2; exit 1; }
for program in debootstrap git unshare; do
	command -v "$program" >/dev/null || { echo "fresh-root: $program is missing" >&2; exit 1; }
done
scratch=$(mktemp -d -p "${TMPDIR:-/var/tmp}" fresh-root.XXXXXX)
mkdir "$scratch/root"
unshare --mount --pid --fork --kill-child=KILL --mount-proc \
	bash "$tree/tests/fresh-root.sh" --in-namespaces "$scratch/root" "${1-}" &
trial=$!
trap 'kill -KILL "$trial" 2>/dev/null || true; wait; rm -rf --one-file-system "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
wait "$trial"
