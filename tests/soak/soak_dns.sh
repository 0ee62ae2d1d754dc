#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# aardvark-dns under everything at once, for as long as one likes: tests/soak/soak_dns.sh PROGRAM SECONDS
#
# Makes namespaces of its own, starts the server and leaves the rest to soak_dns.py, which says what is
# done and what counts as a failure. The status is 1 if something grew or became slow.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
(($# == 2)) || { sed -n '4p' "$0"; exit 2; }

if [[ -z ${SOAK_INSIDE-} ]]; then
	export SOAK_INSIDE=1
	exec unshare --net --mount --pid --fork --kill-child=KILL --mount-proc "$0" "$@"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/conf"
echo "nameserver 127.0.0.10" >"$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf
mount -t tmpfs tmpfs /run
ip link set lo up
ip link add br0 type bridge
ip address add 10.89.0.1/24 dev br0
ip link set br0 up
for client in 2 3 4; do
	ip address add "10.89.0.$client/32" dev lo
done
cat >"$work/conf/web" <<END
10.89.0.1
id1 10.89.0.2  db
id2 10.89.0.3  flood 127.0.0.12,127.0.0.13
id3 10.89.0.4  stall
END
for i in {1..300}; do
	echo "id1$i 10.88.$((i / 250)).$((i % 250 + 1))  name$i,alias$i"
done >>"$work/conf/web"
RUST_LOG=error "$1" --config "$work/conf" -p 53 run
python3 "$here/soak_dns.py" "$work/conf" "$work/resolv.conf" "$2"
