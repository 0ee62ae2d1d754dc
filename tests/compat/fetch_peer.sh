#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch_peer.sh SUITE DIR — unpacks the netavark and aardvark-dns of a Debian release, with nft(8) and
# the libraries they need, into DIR, for the tests that mix them with ours. Nothing is installed: apt
# works on lists and a package database of its own. The archive is the one the machine uses.

set -euo pipefail
suite=$1 dir=$2
packages=(netavark aardvark-dns nftables libnftables1 libnftnl11 libmnl0 libc6 libgcc-s1 libgmp10 libjansson4
	libxtables12 libedit2 libtinfo6 libbsd0 libmd0 libcares2)

[[ -x $dir/netavark && -e $(echo "$dir"/usr/lib/*/libcares.so.2) ]] && exit 0

# shellcheck disable=SC2016 # apt expands it
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/\?$') ||
	{ echo "no Debian archive among the machine's sources" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{etc/apt.conf.d,etc/preferences.d,lists/partial,archives/partial,debs}
: >"$work/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $suite main" >"$work/sources.list"
cat >"$work/apt.conf" <<EOF
Dir::Etc "$work/etc";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache::archives "$work/archives";
APT::Sandbox::User "root";
# A mirror that is not updated any more is as good as any for this.
Acquire::Check-Valid-Until "false";
EOF
export APT_CONFIG=$work/apt.conf
apt-get -qq update
(cd "$work/debs" && apt-get -qq download "${packages[@]}")
mkdir -p "$work/root"
for deb in "$work"/debs/*.deb; do
	dpkg-deb --extract "$deb" "$work/root"
done
# The packages rely on the links that a whole system has.
for name in bin sbin lib lib64; do
	[[ -e $work/root/$name ]] || ln -s "usr/$name" "$work/root/$name"
done
mkdir -p "$work"/root/{proc,sys,dev,run} "${dir%/*}"
# The program with its own loader and libraries, for callers that do not want to change their root.
cat >"$work/root/netavark" <<'EOF'
#!/bin/sh
dir=$(dirname "$(realpath "$0")")
exec "$dir"/lib64/ld-linux-*.so.* --library-path "$(echo "$dir"/usr/lib/*-linux-gnu*)" "$dir/usr/lib/podman/netavark" "$@"
EOF
chmod +x "$work/root/netavark"
rm -rf "$dir"
mv "$work/root" "$dir"
