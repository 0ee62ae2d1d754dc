#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# compare_create.sh — the same configurations to the `netavark create` of a Debian release and to ours: what is
# printed and the exit status. Prints TAP. Differences that are wanted stand in the last column of the table with
# their reason; such a case fails when both are alike after all.
#
# Variables: PEER, a tree made by fetch_root.sh with netavark 2; NETAVARK, our program.

set -uo pipefail
HERE=${BASH_SOURCE[0]%/*}
NETAVARK=$(realpath "${NETAVARK:-$HERE/../../build/check/netavark/netavark}")

if [[ -z ${PEER-} || ! -x $PEER/usr/lib/podman/netavark ]]; then
	echo "1..0 # SKIP no other netavark: PEER=${PEER-} is not a tree made by tests/compat/fetch_root.sh"
	exit 0
fi

base() {
	cat <<-'END'
		{"network": {"name": "lab", "driver": "bridge", "created": "0001-01-01T00:00:00Z",
		   "id": "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
		   "ipv6_enabled": false, "internal": false, "dns_enabled": true},
		 "used": {"interfaces": ["podman0"], "names": {"podman": "1111"},
		   "subnets": ["10.88.0.0/16", "127.0.0.0/8", "::1/128", "10.89.0.0/24"]},
		 "options": {"subnet_pools": [{"base": "10.89.0.0/16", "size": 24}],
		   "default_interface_name": "podman", "check_used_subnets": true}}
	END
}

# ask COMMAND... — in a namespace of its own, where there is nothing but the loopback and a cable.
ask() {
	# shellcheck disable=SC2016 # for the inner shell
	timeout 20 unshare --net sh -c 'ip link add uplink type veth peer name podman2 && exec "$@"' - "$@" 2>/dev/null |
		sed -E 's/"created":"2[^"]*Z"/"created":"now"/; s/"fd[0-9a-f:]*::\/64"/"fd::\/64"/; s/"fd[0-9a-f:]*::1"/"fd::1"/;
			s/ at (line [0-9]+ column [0-9]+|[^ ]* ?\(line [0-9]+ column [0-9]+\))//; s/: \\"[^"]*\\"("\})$/\1/'
	echo "exit status ${PIPESTATUS[0]}"
}

number=0 bad=0
total=$(grep -cvE '^(#|$)' "$HERE/compare_create.txt")
echo "1..$total"
while IFS='|' read -r name edit reason; do
	[[ -n $name && $name != \#* ]] || continue
	name=${name%% *}
	((number++))
	# In the table ; stands for the | of jq.
	document=$(base | jq -c "${edit//;/|}") || { echo "not ok $number - $name: not a jq program"; bad=1; continue; }
	theirs=$(ask chroot "$PEER" /usr/lib/podman/netavark create <<<"$document")
	ours=$(ask "$NETAVARK" create <<<"$document")
	if [[ $theirs == "$ours" && -z ${reason// /} ]]; then
		echo "ok $number - create $name: as the other"
	elif [[ $theirs != "$ours" && -n ${reason// /} ]]; then
		echo "ok $number - create $name: other on purpose:$reason"
	else
		echo "not ok $number - create $name"
		diff <(echo "$theirs") <(echo "$ours") | sed 's/^/# /'
		bad=1
	fi
done <"$HERE/compare_create.txt"
exit $bad
