#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch_peer.sh SUITE DIR — unpacks the netavark and aardvark-dns of a Debian release, with nft(8) and
# the libraries they need, into DIR, for the tests that mix them with ours. Nothing is installed.

set -euo pipefail
suite=$1 dir=$2
packages=(netavark aardvark-dns nftables libnftables1 libnftnl11 libmnl0 libc6 libgcc-s1 libgmp10 libjansson4
	libxtables12 libedit2 libtinfo6 libbsd0 libmd0 libcares2)

[[ -x $dir/netavark && -x $dir/aardvark-dns && -e $(echo "$dir"/usr/lib/*/libcares.so.2) ]] && exit 0

# shellcheck source=tests/archive.bash
. "${BASH_SOURCE[0]%/*}/../archive.bash"
archive_open "$suite"
archive_unpack "${packages[@]}"
root=$WORK/root
# The packages rely on the links that a whole system has.
for name in bin sbin lib lib64; do
	[[ -e $root/$name ]] || ln -s "usr/$name" "$root/$name"
done
mkdir -p "$root"/{proc,sys,dev,run} "${dir%/*}"
# The programs with their own loader and libraries, for callers that do not want to change their root.
for program in netavark aardvark-dns; do
	cat >"$root/$program" <<'END'
#!/bin/sh
dir=$(dirname "$(realpath "$0")")
exec "$dir"/lib64/ld-linux-*.so.* --library-path "$(echo "$dir"/usr/lib/*-linux-gnu*)" "$dir/usr/lib/podman/$(basename "$0")" "$@"
END
	chmod +x "$root/$program"
done
rm -rf "$dir"
mv "$root" "$dir"
