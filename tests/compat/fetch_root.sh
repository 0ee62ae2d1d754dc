#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch_root.sh SUITE DIR — makes a tree of a newer Debian release with its Podman, its netavark and
# aardvark-dns, and the tools of the tests, for tests/compat/podman*.bats (PODMAN_ROOT=DIR). SUITE is
# trixie (Podman 5.4), sid (5.8) or experimental (sid with the Podman 6 and netavark 2.0 of experimental).
# Needs mmdebstrap and root. The archive is the one the machine uses.

set -euo pipefail
suite=$1 dir=$2

[[ -x $dir/usr/bin/podman ]] && exit 0

# shellcheck disable=SC2016 # apt expands it
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/\?$') ||
	{ echo "no Debian archive among the machine's sources" >&2; exit 1; }
packages=podman,netavark,aardvark-dns
base=$suite
sources=("deb $archive $suite main")
if [[ $suite == experimental ]]; then
	packages=podman/experimental,netavark/experimental,aardvark-dns
	base=sid
	sources=("deb $archive sid main" "deb $archive experimental main")
fi
packages+=,crun,conmon,iptables,nftables,iproute2,iputils-ping,socat,jq,procps,busybox-static,util-linux
# What our programs are linked with.
packages+=,libc6,libcap2,libcares2,libevent-core-2.1-7t64,libjansson4,libmd0,libmnl0,libnftnl11,libnl-3-200
packages+=,libip4tc2,libip6tc2,libseccomp2,libsystemd0

mkdir -p "${dir%/*}"
rm -rf "$dir" "$dir.new"
# A mirror that is not updated any more is as good as any for this.
mmdebstrap --quiet --mode=root --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
	--include="$packages" "$base" "$dir.new" "${sources[@]}"
mv "$dir.new" "$dir"
