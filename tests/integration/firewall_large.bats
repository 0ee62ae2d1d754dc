#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# More rules than fit into one message of an unprivileged caller.
# shellcheck disable=SC2016 # the scripts are for other shells

load helpers

# As rules, however many there are.
export NETAVARK_NFT_LAYOUT=upstream

# large_document COUNT — input B with a range of that many ports, in both families.
large_document() {
	DOC=$BATS_TEST_TMPDIR/large.json
	jq --argjson n "$1" '.port_mappings = [
		{host_ip: "", container_port: 8000, host_port: 9000, range: $n, protocol: "tcp"}]' \
		"$GOLDEN/nft-input-b.json" >"$DOC"
}

# More than an unprivileged socket takes, which is twice wmem_max, at over 1000 bytes for a port.
too_many() {
	echo $(($(</proc/sys/net/core/wmem_max) / 250))
}

count_ports() {
	grep -c 'dnat ip'
}

@test "FW-067 a thousand ports in both families are one transaction, and go again" {
	large_document 1000
	netavark --file "$DOC" setup /run/netns/c1
	equal "$status $(nft_table | count_ports)" "0 2000"
	netavark --file "$DOC" teardown /run/netns/c1
	equal "$status $(nft_table)" "0 $(<"$GOLDEN/nft-empty.nft")"
}

# A user namespace in which the size of a socket's buffer is limited, with a container in it.
unprivileged() {
	host unshare --user --map-root-user --net --mount bash -euc '
		mount -t tmpfs tmpfs /run
		unshare --net sleep 60 &
		trap "kill $!" EXIT
		until [[ $(</proc/$!/comm) == sleep ]]; do :; done
		container=/proc/$!/ns/net
		'"$1" unprivileged "$NETAVARK" "$DOC"
}

@test "FW-067 the same without the right to a large buffer: several transactions" {
	large_document "$(too_many)"
	run unprivileged '
		"$1" --config /run/config --file "$2" setup "$container" >/run/out || cat /run/out
		nft list table inet netavark | grep -c "dnat ip"
		"$1" --config /run/config --file "$2" teardown "$container"
		nft list table inet netavark | grep -c "dnat ip" || true'
	equal "$output" $(($(too_many) * 2))$'\n0'
}

@test "FW-060 FW-067 a failure after the first of several transactions takes all of them back" {
	large_document "$(too_many)"
	# The last commit is found by the names of the doors, of a run under the same circumstances.
	run unprivileged '
		try() { "$NETAVARK" --config /run/config --file "$DOC" "$1" "$container"; }
		NETAVARK=$1 DOC=$2
		for attempt in first same; do
			rm -rf /run/doors
			NETAVARK_FAULT_LOG=/run/doors try setup >/dev/null
			try teardown
			nft flush ruleset
			rm -r /run/config
		done
		[[ $(grep -c " nft_commit$" /run/doors) -gt 2 ]]
		last=$(grep " nft_commit$" /run/doors | tail -n 1 | cut -d" " -f1)
		NETAVARK_FAULT=$last try setup && exit 1
		ip -br link | grep -v "^lo" || true
		nft list ruleset'
	echo "$output"
	equal "$status" 0
	[[ ${#lines[@]} == 1 && ${lines[0]} == *"injected fault"* ]]
}
