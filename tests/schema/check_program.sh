#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Holds the program to the schemas, one TAP line per document:
#  - it sets up and tears down every example request; all that it prints and writes matches the schemas;
#  - it refuses every broken request with one error object, before it changes anything.
#
# NETAVARK and AARDVARK_DNS name the programs; without them those of the test build are used. Needs root:
# each document gets mount, network and PID namespaces of its own.

# shellcheck disable=SC2317 # some functions are called by name
set -euo pipefail

tree=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
NETAVARK=$(realpath -m "${NETAVARK:-$tree/build/check/netavark/netavark}")
AARDVARK_DNS=$(realpath -m "${AARDVARK_DNS:-$tree/build/check/aardvark-dns/aardvark-dns}")
export NETAVARK AARDVARK_DNS

config=/run/config
SKIP=77 # a status

matches() {
	"$tree/tests/schema/check_schemas.py" --validate "$@"
}

# matches_all SCHEMA DIRECTORY — every JSON document there; at least one if a third argument is given.
matches_all() {
	local files=()
	mapfile -t files < <(find "$2" -type f ! -name '*lock' 2>/dev/null)
	((${#files[@]})) || { [[ -z ${3-} ]] && return; echo "nothing in $2"; return 1; }
	matches "$1" "${files[@]}"
}

netavark() {
	"$NETAVARK" --config "$config" --aardvark-binary "$AARDVARK_DNS" --file "$2" "$1" /run/netns/container
}

host() {
	mount --make-rprivate /
	mount -t tmpfs tmpfs /run
	mkdir -p /run/netns
	ip link set lo up
	ip netns add container
}

# The bridge of a network with a VLAN needs a kernel that tells them apart.
kernel_can() {
	! jq -e '[.network_info[].options.vlan? | values] | any' "$1" >/dev/null && return
	ip link add trial type bridge vlan_filtering 1 2>/dev/null && ip link delete trial
}

# The devices that the request's macvlan networks stand on.
make_parents() {
	local name
	for name in $(jq -r '.network_info[] | select(.driver == "macvlan").network_interface' "$1"); do
		ip link add "$name" type veth peer name "${name}-peer"
	done
}

links() {
	ip -brief link | awk '{ print $1 }'
}

# Says what is wrong and ends with a bad status, or says nothing.
try_example() {
	local request=$1 before output
	host
	kernel_can "$request" || { echo "the kernel has no VLANs of bridges"; return "$SKIP"; }
	make_parents "$request"
	before=$(links)
	netavark setup "$request" >/run/status.json || { cat /run/status.json; return 1; }
	matches netavark-status /run/status.json
	[[ $(jq -r 'keys[]' /run/status.json) == $(jq -r '.network_info | keys[]' "$request") ]] ||
		{ echo "the status names other networks than the request"; return 1; }
	matches_all firewall-network-state "$config/firewall/networks"
	matches_all firewall-port-state "$config/firewall/ports"
	if jq -e '[.networks[].static_ips | select(. == null)] | length > 0' "$request" >/dev/null; then
		matches_all ipam-lease "$config/netavark-ipam" some
	fi
	output=$(netavark teardown "$request" 2>&1) || { echo "$output"; return 1; }
	[[ -z $output ]] || { echo "teardown printed: $output"; return 1; }
	[[ $(links) == "$before" ]] || { echo "links left:"; links; return 1; }
	matches_all ipam-lease "$config/netavark-ipam"
}

try_broken() {
	local status=0
	host
	links >/run/before
	netavark setup "$1" >/run/error.json || status=$?
	cat /run/error.json
	((status == 1)) || { echo "status is $status instead of 1"; return 1; }
	matches netavark-error /run/error.json
	[[ $(links) == "$(</run/before)" ]] || { echo "links were made:"; links; return 1; }
	[[ -z $(nft list tables) ]] || { echo "packet filter rules were made"; return 1; }
}

if [[ ${1-} == --in-namespaces ]]; then
	"$2" "$3"
	exit
fi

((UID == 0)) || { echo "1..0 # skip needs root"; exit; }
requests=("$tree"/examples/requests/*.json)
broken=("$tree"/tests/schema/broken/*.json)
echo "1..$((${#requests[@]} + ${#broken[@]}))"

count=0 result=0

# check TITLE FUNCTION DOCUMENT
check() {
	local output verdict=ok comment='' status=0
	count=$((count + 1))
	output=$(unshare --mount --net --pid --fork --kill-child=KILL --mount-proc \
		timeout 30 bash "${BASH_SOURCE[0]}" --in-namespaces "$2" "$3" 2>&1) || status=$?
	case $status in
	0) ;;
	"$SKIP") comment=" # skip $output" ;;
	*) verdict="not ok" result=1 ;;
	esac
	echo "$verdict $count - $1$comment"
	[[ $verdict == ok ]] || printf '#   %s\n' "${output//$'\n'/$'\n#   '}"
}

for document in "${requests[@]}"; do
	check "the program takes the example $(basename "$document" .json)" try_example "$document"
done
for document in "${broken[@]}"; do
	check "the program refuses the broken request $(basename "$document" .json)" try_broken "$document"
done
exit "$result"
