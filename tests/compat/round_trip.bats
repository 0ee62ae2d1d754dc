#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Containers that the netavark of a Debian release has set up are torn down by ours, and the other way
# round, with the nftables driver. PEER is a tree made by fetch_peer.sh.
# shellcheck disable=SC2016,SC2154 # scripts for the shell on the host; variables that run sets

load ../integration/helpers

setup() {
	[[ -n ${PEER-} && -x $PEER/usr/lib/podman/netavark ]] ||
		skip "no other netavark: PEER=${PEER-} is not a tree made by tests/compat/fetch_peer.sh"
	bats_require_minimum_version 1.5.0
	PEER=$(realpath "$PEER")
	CONFIG=/run/config
	start_host
	# The peer lives in a root of its own, but sees the same host.
	host bash -ec 'for d in run proc sys dev; do mount --rbind /$d "$1/$d"; done; mkdir "$2"' - "$PEER" "$CONFIG"
	export NETAVARK_DNS_PORT=5353 NETAVARK_FW=nftables
}

# Both programs, with the document on standard input.
ours() {
	run --separate-stderr host "$NETAVARK" --config "$CONFIG" --aardvark-binary= "$1" "/run/netns/$2" <"$3"
	equal "$status $stderr" "0 "
}

theirs() {
	run --separate-stderr host env PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$PEER" \
		/usr/lib/podman/netavark --config "$CONFIG" --aardvark-binary=/none "$1" "/run/netns/$2" <"$3"
	equal "$status" 0 || { echo "$output"; return 1; }
}

# The same ports on another container and other host ports.
second_document() {
	SECOND=$BATS_TEST_TMPDIR/second.json
	jq '.container_id |= sub("bcbcbcbc"; "cdcdcdcd") | .port_mappings[].host_port += 10000 |
		.networks[].static_ips = ["10.89.3.3", "fd10:88:a::3"]' "$FIRST" >"$SECOND"
}

# Interfaces, state files and every rule but the fixed ones are gone.
nothing_left() {
	equal "$(link_names)" lo
	equal "$(host find "$CONFIG/firewall" -type f -printf '%f\n' | sort | xargs)" "firewall-driver firewall-reload.lock"
	# An older release does not know one of the fixed rules, and never removes it.
	equal "$(nft_table | grep -v 'ct mark')" "$(grep -v 'ct mark' "$GOLDEN/nft-empty.nft")"
}

@test "FW-042 NV-315 what ours has set up is torn down by the other netavark" {
	FIRST=$GOLDEN/nft-input-b.json
	ours setup c1 "$FIRST"
	theirs teardown c1 "$FIRST"
	# Its rules for ports are others, so some of ours stay until the network goes, which it did.
	nothing_left
}

@test "FW-041 NV-315 what the other netavark has set up is torn down by ours" {
	FIRST=$GOLDEN/nft-input-b.json
	theirs setup c1 "$FIRST"
	ours teardown c1 "$FIRST"
	nothing_left
}

@test "FW-041 a container of the other netavark leaves a shared network without a rest" {
	FIRST=$GOLDEN/nft-input-b.json
	second_document
	theirs setup c1 "$FIRST"
	ours setup c2 "$SECOND"
	ours teardown c1 "$FIRST"
	[[ $(nft_table) != *10.89.3.2* && $(nft_table) != *fd10:88:a::2* ]]
	[[ $(nft_table) == *"dnat ip to 10.89.3.3:80"* ]]
	theirs teardown c2 "$SECOND"
	nothing_left
}

@test "FW-028 on the table of an older release our setup puts the missing rule in front of the isolation jump" {
	FIRST=$GOLDEN/nft-input-b.json
	second_document
	theirs setup c1 "$FIRST"
	ours setup c2 "$SECOND"
	equal "$(nft_chain FORWARD | sed -n '3,5p' | sed 's/^[[:space:]]*//')" \
		"ct state invalid drop
ct mark & 0x00001000 == 0x00001000 accept
jump NETAVARK-ISOLATION-1"
}

@test "FW-120 the other netavark sets up and tears down beside our containers" {
	FIRST=$GOLDEN/nft-input-b.json
	second_document
	ours setup c1 "$FIRST"
	theirs setup c2 "$SECOND"
	theirs teardown c2 "$SECOND"
	[[ $(nft_table) == *"dnat ip to 10.89.3.2:80"* && $(nft_table) != *10.89.3.3* ]]
	ours teardown c1 "$FIRST"
	nothing_left
}

@test "FW-121 the same with comments on our rules" {
	FIRST=$GOLDEN/nft-input-b.json
	second_document
	NETAVARK_NFT_COMMENTS=1 ours setup c1 "$FIRST"
	[[ $(nft_table) == *'comment "ctr=bcbcbcbcbcbc net=podman1"'* ]]
	theirs setup c2 "$SECOND"
	theirs teardown c2 "$SECOND"
	[[ $(nft_table) == *"dnat ip to 10.89.3.2:80"* && $(nft_table) != *10.89.3.3* ]]
	theirs teardown c1 "$FIRST"
	nothing_left
}

@test "FW-122 the same with our ports in maps" {
	FIRST=$GOLDEN/nft-input-b.json
	second_document
	NETAVARK_NFT_LAYOUT=map ours setup c1 "$FIRST"
	theirs setup c2 "$SECOND"
	theirs teardown c2 "$SECOND"
	[[ $(host nft list table inet netavark-ports) == *"10.89.3.2 . 80"* && $(nft_table) != *10.89.3.3* ]]
	ours teardown c1 "$FIRST"
	nothing_left
	[[ $(host nft list tables) != *netavark-ports* ]]
}

@test "FW-081 the state files of the other netavark and ours are the same, apart from newer keys" {
	FIRST=$GOLDEN/nft-input-b.json
	theirs setup c1 "$FIRST"
	before=$(host bash -c 'cat "$1"/firewall/networks/* "$1"/firewall/ports/*' - "$CONFIG" | jq -cS 'del(.isolation, .internal)')
	theirs teardown c1 "$FIRST"
	ours setup c1 "$FIRST"
	equal "$(host bash -c 'cat "$1"/firewall/networks/* "$1"/firewall/ports/*' - "$CONFIG" | jq -cS 'del(.isolation, .internal)')" "$before"
}

@test "NV-130 NV-315 a macvlan of either netavark is torn down by the other" {
	connect_outside
	document lan 'net.driver = "macvlan" | net.network_interface = "uplink" | net.options.mode = "private" |
		net.routes = [{destination: "10.80.0.0/16", gateway: "10.71.0.9"}]'
	local setup teardown
	for setup in ours theirs; do
		[[ $setup == ours ]] && teardown=theirs || teardown=ours
		"$setup" setup c1 "$DOC"
		equal "$(host ip -n c1 -j -d link show eth0 | jq -r '.[0].linkinfo.info_data.mode')" private
		"$teardown" teardown c1 "$DOC"
		is lo bash -c 'ip -n c1 -j link | jq -r ".[].ifname"'
		equal "$(routes c1)$(routes c1 -6)" ""
	done
	equal "$(link_names)" "lo uplink"
}
