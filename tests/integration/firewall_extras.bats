#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# What there is beside upstream's rules: the loopback guard, hairpin mode, comments.

load helpers

connect() {
	on "$1" "$BATS_TEST_DIRNAME/connect.py" "${@:2}"
}

# serve CONTAINER PORT — answers there; CONTAINER may be "host".
serve() {
	local ready where=(on "$1")
	[[ $1 != host ]] || where=(host)
	ready=$(mktemp -p "$BATS_TEST_TMPDIR")
	"${where[@]}" "$BATS_TEST_DIRNAME/connect.py" serve "${@:2}" >"$ready" 2>&1 3>&- &
	wait_for grep -q ready "$ready"
}

guard_table() {
	host nft list table inet netavark-guard 2>/dev/null || true
}

GUARD_TABLE='table inet netavark-guard {
	chain INPUT {
		type filter hook input priority filter - 1; policy accept;
		iifname != "lo" ip daddr 127.0.0.0/8 ct state new ct status dnat accept
		iifname != "lo" ip daddr 127.0.0.0/8 ct state new drop
	}
}'

# A container that sends what is for 127.0.0.0/8 to its gateway.
route_loopback_out() {
	on c1 bash -ec '
		ip address flush dev lo
		sysctl -qw net.ipv4.conf.eth0.route_localnet=1
		ip rule add pref 10 to 127.0.0.0/8 lookup 100
		ip rule del pref 0
		ip rule add pref 20 lookup local
		ip route add 127.0.0.0/8 via 10.71.0.1 dev eth0 src 10.71.0.11 table 100'
}

@test "FW-098 a container does not reach what the host keeps on 127.0.0.1, and published ports answer there" {
	connect_outside
	document one 'port(8080; 80; "tcp")'
	NETAVARK_GUARD=0 attach c1
	equal "$(guard_table)" ""
	serve host 7000
	serve c1 80
	route_loopback_out
	# Without the guard it does.
	equal "$(connect c1 ask tcp 127.0.0.1 7000)" 10.71.0.11
	document two 'number(2) | port(8081; 80; "tcp")'
	attach c2
	equal "$(guard_table)" "$GUARD_TABLE"
	run connect c1 ask tcp 127.0.0.1 7000
	equal "$status ${output%%:*}" "1 no answer"
	equal "$(host "$BATS_TEST_DIRNAME/connect.py" ask tcp 127.0.0.1 7000)" 127.0.0.1
	equal "$(host "$BATS_TEST_DIRNAME/connect.py" ask tcp 127.0.0.1 8080)" 10.71.0.1
	equal "$(connect outside ask tcp 198.51.100.1 8080)" 198.51.100.2
}

@test "the guard is made once, comes back with a reload, and stays" {
	document one .
	attach c1
	equal "$(guard_table)" "$GUARD_TABLE"
	document two 'number(2)'
	attach c2
	equal "$(guard_table)" "$GUARD_TABLE"
	host nft flush ruleset
	netavark firewall-reload
	equal "$status$output$stderr $(guard_table)" "0 $GUARD_TABLE"
	detach c1 "${DOC/two/one}"
	detach c2
	equal "$(guard_table)" "$GUARD_TABLE"
}

@test "FW-123 NETAVARK_GUARD=0 leaves out the guard, also after a reload" {
	document one .
	NETAVARK_GUARD=0 attach c1
	equal "$(guard_table)" ""
	host nft flush ruleset
	netavark firewall-reload
	equal "$(host nft list tables)" "table inet netavark"
	detach c1
	document two 'net.options.loopback_guard = "false"'
	attach c1
	equal "$(host nft list tables)" "table inet netavark"
	detach c1
	# An internal network has no way to the loopback addresses.
	document three 'internal | dns'
	attach c1
	equal "$(host nft list tables)" "table inet netavark"
}

hairpin() {
	host bridge -d -j link show | jq -r '[.[] | select(.master == "br-web") | .hairpin] | join(" ")'
}

bridged_frames() {
	needs br_netfilter
	host bash -c 'for file in /proc/sys/net/bridge/bridge-nf-call-ip{,6}tables; do echo '"$1"' >"$file"; done'
}

@test "FW-092 a container reaches its own published ports, whether bridged frames are shown to the firewall or not" {
	local frames address number
	connect_outside
	for frames in 1 0; do
		bridged_frames "$frames"
		number=$((2 - frames))
		document one "number($number) | port(8080; 80; \"tcp,udp\")"
		attach "c$number"
		equal "$(hairpin)" "$([[ $frames == 1 ]] && echo true || echo false)"
		serve "c$number" 80
		for address in 198.51.100.1 10.71.0.1 2001:db8:1::1 fd71:5:9::1; do
			equal "$frames $address $(connect "c$number" ask tcp "$address" 8080)" \
				"$frames $address $([[ $address == *:* ]] && echo fd71:5:9::1 || echo 10.71.0.1)"
		done
		detach "c$number"
	done
}

@test "FW-123 hairpin mode is for containers with ports, and NETAVARK_HAIRPIN=0 leaves it off" {
	bridged_frames 1
	document one .
	attach c1
	equal "$(hairpin)" false
	detach c1
	document two 'port(8080; 80; "tcp")'
	NETAVARK_HAIRPIN=0 attach c1
	equal "$(hairpin)" false
	detach c1
	document three 'port(8080; 80; "tcp") | me.options.hairpin = "false"'
	attach c1
	equal "$(hairpin)" false
	detach c1
}

@test "FW-121 with NETAVARK_NFT_COMMENTS=1 rules of ports say whose they are, and teardown knows them" {
	document one 'v4 | port(8080; 80; "tcp") | .container_id = "0123456789abcdef"'
	NETAVARK_NFT_COMMENTS=1 attach c1
	equal "$(nft_chain NETAVARK-HOSTPORT-DNAT)" $'\tchain NETAVARK-HOSTPORT-DNAT {
		tcp dport 8080 jump nv_11112222_10_71_0_0_nm24_dnat comment "ctr=0123456789ab net=web"\n\t}'
	equal "$(nft_table | grep -c 'comment "ctr=0123456789ab net=web"')" 4
	host nft flush ruleset
	netavark firewall-reload
	equal "$(nft_table | grep -c 'comment "ctr=0123456789ab net=web"')" 4
	# Without the option the rules are the same to us.
	netavark firewall-reload
	equal "$(nft_table | grep -c 'dnat ip to')" 1
	document two 'number(2) | v4 | port(8081; 80; "tcp")'
	attach c2
	detach c1 "${DOC/two/one}"
	equal "$(nft_table | grep -c comment)" 0
	equal "$(nft_table | grep -c 'dnat ip to')" 1
}

@test "BU-078 ports without an address of the host are published on the default one only, others where they say" {
	connect_outside
	host ip address add 198.51.100.5/24 dev uplink
	document one 'port(8080; 80; "tcp") | port(8081; 80; "tcp") | .port_mappings[1].host_ip = "198.51.100.5" |
		net.labels."netavark.publish_default_ip" = "127.0.0.1"'
	attach c1
	serve c1 80
	equal "$(host "$BATS_TEST_DIRNAME/connect.py" ask tcp 127.0.0.1 8080)" 10.71.0.1
	equal "$(connect outside reach 8080 198.51.100.1 198.51.100.5 2001:db8:1::1)" ""
	equal "$(connect outside reach 8081 198.51.100.1 198.51.100.5)" 198.51.100.5
	host nft flush ruleset
	netavark firewall-reload
	equal "$(connect outside reach 8080 198.51.100.1 2001:db8:1::1)" ""
	equal "$(host "$BATS_TEST_DIRNAME/connect.py" ask tcp 127.0.0.1 8080)" 10.71.0.1
	detach c1
	equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
}

@test "BU-008 a default address that is none is refused" {
	document one 'net.options.publish_default_ip = "localhost"'
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'invalid publish_default_ip "localhost": expected an IP address at /network_info/web/options/publish_default_ip *'
	nothing_changed
}
