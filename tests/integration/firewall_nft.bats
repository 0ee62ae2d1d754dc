#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# The nftables backend: rulesets as upstream prints them. The files of tests/golden/ whose names
# begin with nft- are upstream's documents and what upstream 2.1 makes of them.

load helpers

D4=nv_11112222_10_71_0_0_nm24_dnat
D6=nv_11112222_fd71-5-9--_nm64_dnat

golden() {
	cat "$GOLDEN/$1"
}

# rules CHAIN — only its rules.
rules() {
	nft_chain "$1" | sed '1d;$d; /^\t\ttype /d; s/^\t*//'
}

# chains CHAIN... — one after another, as in the files.
chains() {
	local chain
	for chain; do
		nft_chain "$chain"
	done
}

# Replaces all rules by those on standard input.
load_rules() {
	{ echo "flush ruleset"; sed 's/hook output priority dstnat/hook output priority -100/'; } | host nft -f -
}

empty_ruleset() {
	equal "$(nft_table)" "$(golden nft-empty.nft)"
}

# ---- what upstream prints -----------------------------------------------------------------------

@test "FW-010 FW-040 one container on an IPv4 network makes upstream's ruleset, and leaves the fixed part" {
	attach c1 "$GOLDEN/nft-input-a.json"
	equal "$(nft_table)" "$(golden nft-input-a.nft)"
	detach c1 "$GOLDEN/nft-input-a.json"
	empty_ruleset
}

@test "FW-011 FW-022 FW-027 dual stack with all kinds of ports and another DNS port is upstream's ruleset, also the second time" {
	NETAVARK_DNS_PORT=5353 attach c1 "$GOLDEN/nft-input-b.json"
	equal "$(nft_table)" "$(golden nft-input-b.nft)"
	# The same again, as a reload by Podman after its teardown has failed.
	host ip -n c1 link delete eth0
	NETAVARK_DNS_PORT=5353 attach c1 "$GOLDEN/nft-input-b.json"
	equal "$(nft_table)" "$(golden nft-input-b.nft)"
	NETAVARK_DNS_PORT=5353 detach c1 "$GOLDEN/nft-input-b.json"
	empty_ruleset
}

@test "FW-040 of three containers one leaves with its own rules" {
	host ip netns add c3
	attach c1 "$GOLDEN/nft-input-a.json"
	attach c2 "$GOLDEN/nft-second.json"
	attach c3 "$GOLDEN/nft-third.json"
	local dnat=nv_53ce4390_10_88_0_0_nm16_dnat
	equal "$(chains NETAVARK-HOSTPORT-DNAT $dnat)" "$(golden nft-three-containers.nft)"
	detach c2 "$GOLDEN/nft-second.json"
	equal "$(chains NETAVARK-HOSTPORT-DNAT $dnat)" "$(golden nft-three-without-second.nft)"
	detach c1 "$GOLDEN/nft-input-a.json"
	detach c3 "$GOLDEN/nft-third.json"
	empty_ruleset
}

@test "FW-017 FW-018 isolation makes upstream's rules, and networks leave in any order" {
	local number isolation=(NETAVARK-ISOLATION-1 NETAVARK-ISOLATION-2 NETAVARK-ISOLATION-3)
	attach_isolated
	equal "$(chains "${isolation[@]}")" "$(golden nft-isolation.nft)"
	equal "$(rules FORWARD | head -5)" "$(printf '%s\n' 'ct state invalid drop' \
		'ct mark & 0x00001000 == 0x00001000 accept' 'jump NETAVARK-ISOLATION-1' \
		'ip daddr 10.89.0.0/24 ct state established,related accept' 'ip saddr 10.89.0.0/24 accept')"
	for number in 5 3 1; do
		detach "i$number" "$BATS_TEST_TMPDIR/isolated$number.json"
	done
	equal "$(chains "${isolation[@]}")" "$(golden nft-isolation.nft | grep -v 'isolate[135]"')"
	isolated 5 false
	attach i5
	equal "$(rules NETAVARK-ISOLATION-3)" "$(printf '%s\n' 'oifname "isolate5" drop' 'jump NETAVARK-ISOLATION-2')"
	for number in 6 2 4 5; do
		detach "i$number" "$BATS_TEST_TMPDIR/isolated$number.json"
	done
	empty_ruleset
}

@test "FW-020 an internal network with DNS gets only what DNS needs" {
	attach c1 "$GOLDEN/nft-internal.json"
	equal "$(nft_table)" "$(golden nft-internal.nft)"
	detach c1 "$GOLDEN/nft-internal.json"
	empty_ruleset
	NETAVARK_DNS_PORT=5353 attach c1 "$GOLDEN/nft-internal.json"
	equal "$(rules NETAVARK-HOSTPORT-DNAT)" "$(printf '%s\n' \
		'ip6 daddr fd10:88:a::1 meta l4proto { tcp, udp } th dport 53 dnat ip6 to [fd10:88:a::1]:5353' \
		'ip daddr 10.89.3.1 meta l4proto { tcp, udp } th dport 53 dnat ip to 10.89.3.1:5353')"
	NETAVARK_DNS_PORT=5353 detach c1 "$GOLDEN/nft-internal.json"
	empty_ruleset
}

@test "FW-019 an outbound address replaces the masquerading of its family" {
	attach c1 "$GOLDEN/nft-outbound.json"
	equal "$(chains nv_2f259bab_10_89_0_0_nm24 nv_2f259bab_fd10-88-c--_nm64)" "$(golden nft-outbound.nft)"
	detach c1 "$GOLDEN/nft-outbound.json"
	empty_ruleset
	document one 'net.options.outbound_addr4 = "100.1.100.1"'
	attach c1
	equal "$(rules nv_11112222_10_71_0_0_nm24 | tail -1)" "ip daddr != 224.0.0.0/4 snat ip to 100.1.100.1"
	equal "$(rules nv_11112222_fd71-5-9--_nm64 | tail -1)" "ip6 daddr != ff00::/8 masquerade"
}

@test "FW-021 two networks in one call stand in the order of the document" {
	attach c1 "$GOLDEN/nft-two-networks.json"
	equal "$(chains POSTROUTING NETAVARK-HOSTPORT-DNAT nv_fae505bb_10_89_1_0_nm24_dnat nv_d7322dfb_10_89_2_0_nm24_dnat)" \
		"$(golden nft-two-networks.nft)"
	detach c1 "$GOLDEN/nft-two-networks.json"
	empty_ruleset
}

@test "FW-023 every rule stands on the line where upstream's tests look for it" {
	# line CHAIN NUMBER — counted from zero in what nft prints.
	line() {
		host nft list chain inet netavark "$1" | sed -n "$(($2 + 1))s/^\t*//p"
	}
	length() {
		host nft list chain inet netavark "$1" | wc -l
	}
	attach c1 "$GOLDEN/nft-input-a.json"
	equal "$(length FORWARD) $(length POSTROUTING) $(length nv_53ce4390_10_88_0_0_nm16)" "10 7 6"
	equal "$(line FORWARD 4)" "ct mark & 0x00001000 == 0x00001000 accept"
	equal "$(line FORWARD 7)" "ip saddr 10.88.0.0/16 accept"
	equal "$(line POSTROUTING 4)" "ip saddr 10.88.0.0/16 jump nv_53ce4390_10_88_0_0_nm16"
	equal "$(line nv_53ce4390_10_88_0_0_nm16 3)" "ip daddr != 224.0.0.0/4 masquerade"
	detach c1 "$GOLDEN/nft-input-a.json"
	equal "$(length FORWARD) $(length POSTROUTING)" "8 6"
	equal "$(length NETAVARK-ISOLATION-1) $(length NETAVARK-ISOLATION-2) $(length NETAVARK-ISOLATION-3)" "4 4 5"
	run host nft list chain inet netavark nv_53ce4390_10_88_0_0_nm16
	equal "$status" 1
	NETAVARK_DNS_PORT=5353 attach c1 "$GOLDEN/nft-internal.json"
	equal "$(length INPUT) $(length NETAVARK-HOSTPORT-DNAT) $(length nv_ec79dd0c_10_89_3_0_nm24)" "7 6 4"
	[[ $(line NETAVARK-HOSTPORT-DNAT 2) == "ip6 daddr"* && $(line NETAVARK-HOSTPORT-DNAT 3) == "ip daddr"* ]]
}

# ---- selection ----------------------------------------------------------------------------------

@test "FW-004 the driver none makes no rule but writes the state files" {
	document one 'port(8080; 80; "tcp")'
	attach c1 "$DOC" --firewall-driver none
	is "" nft list ruleset
	equal "$(<"$CONFIG/firewall/firewall-driver")" none
	equal "$(files | grep -cE 'networks/|ports/')" 2
	# Without an explicit choice a teardown uses the driver that was noted.
	RUST_LOG=info netavark -f "$DOC" teardown /run/netns/c1
	equal "$(head -1 <<<"$stderr")" "[INFO  netavark::firewall] Not using firewall"
	equal "$(files)" ./firewall/firewall-driver
}

@test "FW-006 FW-009 no other program is executed, and no legacy table comes to be" {
	document one 'port(8080; 80; "tcp")'
	for command in setup teardown; do
		traced execve,execveat,fork,vfork,clone,clone3 "$NETAVARK" --config "$CONFIG" -f "$DOC" "$command" /run/netns/c1
		# The first is its own.
		equal "$(grep -cE 'exec|clone|fork' "$TRACE")" 1
	done
	is "" bash -c 'cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null'
}

# ---- ports --------------------------------------------------------------------------------------

# expected_rules HOST_IP — the rows of the table for a port 8080 of container port 80: the jumps, then
# the rules of the IPv4 and of the IPv6 chain.
expected_rules() {
	local h=$1 match=
	case $h in
	*:*) match="ip6 daddr $h " ;;
	*.*) match="ip daddr $h " ;;
	esac
	[[ $h != 0.0.0.0 && $h != :: ]] || match=
	[[ $h == *:* ]] || echo "${match}tcp dport 8080 jump $D4"
	[[ $h == *.* ]] || echo "${match}tcp dport 8080 jump $D6"
	[[ $h == *:* ]] || printf '%s\n' "ip saddr 10.71.0.0/24 ${match}tcp dport 8080 jump NETAVARK-HOSTPORT-SETMARK" \
		"ip saddr 127.0.0.1 ${match}tcp dport 8080 jump NETAVARK-HOSTPORT-SETMARK" \
		"${match}tcp dport 8080 ct mark set meta mark | 0x00001000 dnat ip to 10.71.0.11:80"
	[[ $h == *.* ]] || printf '%s\n' "ip6 saddr fd71:5:9::/64 ${match}tcp dport 8080 jump NETAVARK-HOSTPORT-SETMARK" \
		"${match}tcp dport 8080 ct mark set meta mark | 0x00001000 dnat ip6 to [fd71:5:9::11]:80"
}

@test "FW-012 each kind of host address gives its rules, in its family" {
	local address
	for address in "" 0.0.0.0 :: 192.168.188.25 127.0.0.1 ::1 fd65::1; do
		document one "port(8080; 80; \"tcp\") | .port_mappings[0].host_ip = \"$address\""
		attach c1
		equal "$(rules NETAVARK-HOSTPORT-DNAT; rules $D4; rules $D6)" "$(expected_rules "$address")"
		detach c1
		empty_ruleset
	done
}

@test "FW-013 FW-014 FW-061 ranges and protocols in every form" {
	local range
	for range in 0 1; do
		document one "v4 | port(8080; 80; \"sctp\") | .port_mappings[0].range = $range"
		attach c1
		equal "$(rules NETAVARK-HOSTPORT-DNAT; rules $D4)" "$(printf '%s\n' "sctp dport 8080 jump $D4" \
			"ip saddr 10.71.0.0/24 sctp dport 8080 jump NETAVARK-HOSTPORT-SETMARK" \
			"ip saddr 127.0.0.1 sctp dport 8080 jump NETAVARK-HOSTPORT-SETMARK" \
			"sctp dport 8080 ct mark set meta mark | 0x00001000 dnat ip to 10.71.0.11:80")"
		detach c1
	done
	document one 'v4 | port(8080; 80; "udp") | .port_mappings[0].range = 3'
	attach c1
	equal "$(rules NETAVARK-HOSTPORT-DNAT; rules $D4)" "$(printf '%s\n' "udp dport 8080-8082 jump $D4" \
		"ip saddr 10.71.0.0/24 udp dport 8080-8082 jump NETAVARK-HOSTPORT-SETMARK" \
		"ip saddr 127.0.0.1 udp dport 8080-8082 jump NETAVARK-HOSTPORT-SETMARK" \
		"udp dport 8080 ct mark set meta mark | 0x00001000 dnat ip to 10.71.0.11:80" \
		"udp dport 8081 ct mark set meta mark | 0x00001000 dnat ip to 10.71.0.11:81" \
		"udp dport 8082 ct mark set meta mark | 0x00001000 dnat ip to 10.71.0.11:82")"
	detach c1
	document one 'v4 | port(8080; 80; "TCP, udp") | port(9090; 90; "")'
	attach c1
	equal "$(rules NETAVARK-HOSTPORT-DNAT)" "$(printf '%s\n' "tcp dport 8080 jump $D4" "udp dport 8080 jump $D4" "tcp dport 9090 jump $D4")"
	detach c1
	empty_ruleset
}

@test "FW-015 an empty list of ports makes the chains, none at all does not" {
	document one '.port_mappings = []'
	attach c1
	equal "$(chains $D4 $D6)" "$(printf '\tchain %s {\n\t}\n' $D4 $D6)"
	detach c1
	empty_ruleset
	document one '.port_mappings = null'
	attach c1
	[[ $(nft_table) != *_dnat* ]]
}

@test "FW-016 a network of IPv6 alone makes no IPv4 objects" {
	document one 'net.subnets |= .[1:] | me.static_ips |= .[1:] | port(8080; 80; "tcp")'
	NETAVARK_DNS_PORT=5353 attach c1
	run nft_table
	[[ $output != *"ip "[sd]addr* && $output != *"dnat ip to"* && $output != *_nm24* ]]
	equal "$(rules NETAVARK-HOSTPORT-DNAT)" "$(printf '%s\n' \
		'ip6 daddr fd71:5:9::1 meta l4proto { tcp, udp } th dport 53 dnat ip6 to [fd71:5:9::1]:5353' "tcp dport 8080 jump $D6")"
	NETAVARK_DNS_PORT=5353 detach c1
	empty_ruleset
}

@test "FW-022 FW-026 the redirect of the DNS port stands once, and beside a mapping to the gateway's address" {
	local redirect='ip daddr 10.71.0.1 meta l4proto { tcp, udp } th dport 53 dnat ip to 10.71.0.1:5353'
	export NETAVARK_DNS_PORT=5353
	document one 'v4 | port(53; 80; "tcp") | .port_mappings[0].host_ip = "10.71.0.1"'
	local first=$DOC
	attach c1
	document two 'number(2) | v4'
	attach c2
	equal "$(rules NETAVARK-HOSTPORT-DNAT)" "$(printf '%s\n' "$redirect" "ip daddr 10.71.0.1 tcp dport 53 jump $D4")"
	detach c1 "$first"
	equal "$(rules NETAVARK-HOSTPORT-DNAT)" "$redirect"
	detach c2
	empty_ruleset
}

@test "FW-047 the same mapping twice does no harm" {
	document one 'port(8080; 80; "tcp") | port(8080; 80; "tcp")'
	attach c1
	equal "$(rules NETAVARK-HOSTPORT-DNAT | sort -u)" "$(printf '%s\n' "tcp dport 8080 jump $D4" "tcp dport 8080 jump $D6")"
	detach c1
	empty_ruleset
}

@test "FW-067 a range of a thousand ports in both families" {
	# So many would go into maps.
	export NETAVARK_NFT_LAYOUT=upstream
	document one 'port(20000; 30000; "tcp") | .port_mappings[0].range = 1000'
	attach c1
	equal "$(rules $D4 | grep -c dnat) $(rules $D6 | grep -c dnat)" "1000 1000"
	equal "$(rules $D6 | tail -1)" \
		"tcp dport 20999 ct mark set meta mark | 0x00001000 dnat ip6 to [fd71:5:9::11]:30999"
	detach c1
	empty_ruleset
}

# ---- what is there already ----------------------------------------------------------------------

@test "FW-025 FW-051 subnets with host bits, /32 and /128 are named and cleaned up" {
	document one 'net.subnets = [{subnet: "10.77.5.9/16", gateway: "10.77.0.1"}, {subnet: "10.78.0.7/32"}, {subnet: "fd78::7/128"}] |
		me.static_ips = ["10.77.0.9", "10.78.0.7", "fd78::7"] | port(8080; 80; "tcp")'
	attach c1
	equal "$(rules POSTROUTING | sed 1d)" "$(printf '%s\n' \
		"ip saddr 10.77.0.0/16 jump nv_11112222_10_77_0_0_nm16" "ip saddr 10.78.0.7 jump nv_11112222_10_78_0_7_nm32" \
		"ip6 saddr fd78::7 jump nv_11112222_fd78--7_nm128")"
	detach c1
	empty_ruleset
}

@test "FW-028 the rule that older tables lack is put before the isolation jump" {
	sed '/ct mark & 0x00001000/d' "$GOLDEN/nft-input-a.nft" | load_rules
	document one v4
	attach c1
	equal "$(rules FORWARD | head -4)" "$(printf '%s\n' 'ct state invalid drop' 'ct mark & 0x00001000 == 0x00001000 accept' \
		'jump NETAVARK-ISOLATION-1' 'ip daddr 10.88.0.0/16 ct state established,related accept')"
}

@test "FW-029 FW-045 the policies and rules of an administrator survive setup and teardown" {
	document one 'port(8080; 80; "tcp")'
	attach c1
	host nft -f - <<-END
		chain inet netavark INPUT { policy drop; }
		chain inet netavark FORWARD { policy drop; }
		insert rule inet netavark FORWARD ip saddr 10.71.0.0/24 tcp dport 25 drop
		add rule inet netavark INPUT ip saddr 10.71.0.0/24 accept
		add rule inet netavark POSTROUTING ip saddr 10.71.0.0/24 oifname "x" masquerade
		add rule inet netavark NETAVARK-HOSTPORT-DNAT tcp dport 8080 counter
		add rule inet netavark NETAVARK-ISOLATION-2 oifname "br-web" counter drop
		add table ip mine
	END
	local first=$DOC
	document two 'number(2) | port(8081; 80; "tcp")'
	attach c2
	detach c2
	detach c1 "$first"
	equal "$(host nft list chain inet netavark INPUT | grep -c 'policy drop')" 1
	equal "$(host nft list chain inet netavark FORWARD | grep -c 'policy drop')" 1
	equal "$(rules FORWARD | head -1)" "ip saddr 10.71.0.0/24 tcp dport 25 drop"
	equal "$(rules INPUT)" "ip saddr 10.71.0.0/24 accept"
	equal "$(rules POSTROUTING | tail -1)" 'ip saddr 10.71.0.0/24 oifname "x" masquerade'
	equal "$(rules NETAVARK-HOSTPORT-DNAT)" "tcp dport 8080 counter packets 0 bytes 0"
	equal "$(rules NETAVARK-ISOLATION-2)" 'oifname "br-web" counter packets 0 bytes 0 drop'
	is "$(printf 'table inet netavark\ntable inet netavark-guard\ntable ip mine')" nft list tables
}

@test "FW-030 a changed isolation takes effect with the next container" {
	document one 'v4 | net.options.isolate = "strict"'
	attach c1
	document two 'number(2) | v4 | net.options.isolate = "false"'
	attach c2
	equal "$(rules NETAVARK-ISOLATION-1; rules NETAVARK-ISOLATION-2; rules NETAVARK-ISOLATION-3)" \
		"$(printf '%s\n' 'oifname "br-web" drop' 'jump NETAVARK-ISOLATION-2')"
}

@test "FW-031 a rule that somebody has deleted comes back with the next container" {
	document one .
	attach c1
	local before chain
	before=$(nft_table)
	for chain in INPUT FORWARD POSTROUTING nv_11112222_10_71_0_0_nm24; do
		local handle
		handle=$(host nft -a list chain inet netavark "$chain" | grep '10\.71' | sed -n '1s/.*handle //p')
		host nft delete rule inet netavark "$chain" handle "$handle"
		document two 'number(2)'
		attach c2
		equal "$(nft_table | sort)" "$(sort <<<"$before")"
		detach c2
	done
}

# older_release — changes the rules of a running container into what releases before 2.1 wrote.
older_release() {
	local table
	table=$(nft_table | sed -E '/ct mark & 0x00001000/d; s/ ct mark set meta mark \| 0x00001000//')
	load_rules <<<"$table"
}

@test "FW-041 the rules of older releases are found, partly and completely" {
	export NETAVARK_DNS_PORT=5353
	document one 'port(8080; 80; "tcp") | port(9090; 90; "udp") | .port_mappings[1].range = 3 |
		port(8443; 443; "tcp") | .port_mappings[2].host_ip = "192.168.188.25"'
	local first=$DOC rest
	document two 'number(2) | port(8081; 80; "tcp")'
	attach c2
	older_release
	rest=$(nft_table)
	attach c1 "$first"
	older_release
	detach c1 "$first"
	equal "$(nft_table)" "$rest"
	attach c1 "$first"
	older_release
	# Up to 1.17: another multicast range; up to 1.13: no host address in the jump; up to 1.12: DNS
	# over UDP only.
	local table
	table=$(nft_table | sed 's/meta l4proto { tcp, udp } th dport 53/udp dport 53/; /jump nv_/s/ip daddr 192.168.188.25 //
		s/!= ff00::/!= ::/')
	load_rules <<<"$table"
	detach c2
	detach c1 "$first"
	equal "$(nft_table)" "$(golden nft-empty.nft | grep -v 'ct mark &')"
}

# ---- together with another release --------------------------------------------------------------

# peer COMMAND CONTAINER DOCUMENT — the other release; must succeed.
peer() {
	host env NETAVARK_FW=nftables "$NETAVARK_PEER" --config "$CONFIG" --aardvark-binary= "$1" "/run/netns/$2" <"$3"
}

needs_peer() {
	[[ -n ${NETAVARK_PEER-} ]] || skip "NETAVARK_PEER does not name another netavark"
	"$NETAVARK_PEER" --help | grep -q firewall-driver || skip "$NETAVARK_PEER knows no nftables"
	export NETAVARK_DNS_PORT=5353
	mkdir "$CONFIG"
	jq '.network_info.podman1.options.isolate = "strict"' "$GOLDEN/nft-input-b.json" >"$BATS_TEST_TMPDIR/first.json"
	jq '.container_id = "c2" | .networks.podman1.static_ips = ["10.89.3.3", "fd10:88:a::3"] |
		.port_mappings |= (.[1:] | map(.host_port += 100))' "$BATS_TEST_TMPDIR/first.json" >"$BATS_TEST_TMPDIR/second.json"
}

@test "FW-041 what another release has set up is torn down by ours, partly and completely" {
	needs_peer
	peer setup c2 "$BATS_TEST_TMPDIR/second.json"
	local before
	before=$(nft_table)
	peer setup c1 "$BATS_TEST_TMPDIR/first.json"
	detach c1 "$BATS_TEST_TMPDIR/first.json"
	equal "$(nft_table)" "$before"
	detach c2 "$BATS_TEST_TMPDIR/second.json"
	equal "$(nft_table | grep -v 'ct mark &')" "$(golden nft-empty.nft | grep -v 'ct mark &')"
	equal "$(link_names) $(files)" "lo ./firewall/firewall-driver"
}

@test "FW-042 what ours has set up is torn down by another release" {
	needs_peer
	attach c1 "$BATS_TEST_TMPDIR/first.json"
	attach c2 "$BATS_TEST_TMPDIR/second.json"
	equal "$(peer teardown c2 "$BATS_TEST_TMPDIR/second.json" 2>&1)" ""
	# Releases before 2.1 do not know the rules with the connection mark again; they go with the chain.
	equal "$(nft_table | grep -F 10.89.3.3 | grep -v 'ct mark set')" ""
	equal "$(peer teardown c1 "$BATS_TEST_TMPDIR/first.json" 2>&1)" ""
	empty_ruleset
	equal "$(link_names) $(files)" "lo ./firewall/firewall-driver"
}

@test "FW-043 setups and teardowns of ours and of another release in turn leave the fixed part" {
	needs_peer
	peer setup c1 "$BATS_TEST_TMPDIR/first.json"
	attach c2 "$BATS_TEST_TMPDIR/second.json"
	detach c1 "$BATS_TEST_TMPDIR/first.json"
	peer setup c1 "$BATS_TEST_TMPDIR/first.json"
	peer teardown c2 "$BATS_TEST_TMPDIR/second.json"
	peer setup c2 "$BATS_TEST_TMPDIR/second.json"
	detach c1 "$BATS_TEST_TMPDIR/first.json"
	detach c2 "$BATS_TEST_TMPDIR/second.json"
	empty_ruleset
	equal "$(link_names) $(files)" "lo ./firewall/firewall-driver"
}

@test "FW-046 a chain that somebody else jumps to is emptied, with a warning" {
	document one 'v4 | port(8080; 80; "tcp")'
	attach c1
	host nft -f - <<-END
		add chain inet netavark mine
		add rule inet netavark mine tcp dport 1 jump $D4
	END
	RUST_LOG=netavark=warn netavark -f "$DOC" teardown /run/netns/c1
	equal "$status $output" "0 "
	[[ $stderr == "[WARN  netavark::"*"$D4"* ]]
	equal "$(rules $D4)" ""
	equal "$(rules NETAVARK-HOSTPORT-DNAT)" ""
	equal "$(link_names)" lo
	run host nft list chain inet netavark nv_11112222_10_71_0_0_nm24
	equal "$status" 1
	# The next container takes it over.
	attach c1
	equal "$(rules $D4 | wc -l)" 3
}

@test "FW-050 bridges whose names begin alike do not mix" {
	document one 'v4 | net.network_interface = "podman10" | net.id = "aaaaaaaa"'
	attach c1
	local first=$DOC before
	before=$(nft_table)
	document two 'second | .networks |= {back} | .container_id = "c2" | .network_info.back.network_interface = "podman1"'
	attach c2
	detach c2
	equal "$(nft_table)" "$before"
	attach c2
	detach c1 "$first"
	equal "$(rules NETAVARK-ISOLATION-1)" 'iifname "podman1" oifname != "podman1" jump NETAVARK-ISOLATION-3'
	equal "$(rules NETAVARK-ISOLATION-2)" 'oifname "podman1" drop'
}

# ---- atomicity and concurrency ------------------------------------------------------------------

@test "FW-060 a transaction that the kernel refuses leaves the ruleset as it was" {
	# Nothing may jump to a base chain.
	host nft -f - <<-END
		table inet netavark {
			chain $D4 { type filter hook input priority 0; }
		}
	END
	document one 'dns | port(8080; 80; "tcp")'
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused_like "nftables error: *$D4*"
	nothing_changed
}

# storm NUMBER [OPTION] — that many setups at once, each on a network of its own; with "apart" each with
# a configuration directory of its own. Prints what they print.
storm() {
	document many 'v4 | net.name = "nNUMBER" | net.network_interface = "brNUMBER" | net.id = "NUMBERxxxxxxxx" | .container_id = "idNUMBER" |
		net.subnets = [{subnet: "10.100.NUMBER.0/24", gateway: "10.100.NUMBER.1"}] | me.static_ips = ["10.100.NUMBER.2"] |
		.networks = {"nNUMBER": me} | .network_info = {"nNUMBER": net}'
	host bash -c 'for i in $(seq "$4"); do echo "netns add s$i"; done | ip -batch -
		for i in $(seq "$4"); do
			sed "s/NUMBER/$i/g" "$3" | "$1" --config "$2${5:+-$i}" setup "/run/netns/s$i" &
		done
		wait' storm "$NETAVARK" "$CONFIG" "$DOC" "$@" 2>&1
}

# all_there NUMBER — every fixed rule once, and those of that many networks.
all_there() {
	equal "$(rules FORWARD | grep -vc 10.100)" 3
	equal "$(rules FORWARD | head -3)" "$(printf '%s\n' 'ct state invalid drop' 'ct mark & 0x00001000 == 0x00001000 accept' 'jump NETAVARK-ISOLATION-1')"
	equal "$(rules FORWARD | grep -c 10.100)" $((2 * $1))
	equal "$(rules POSTROUTING | sort | uniq -c | awk '{ print $1 }' | sort -u)" 1
	equal "$(rules POSTROUTING | grep -c 10.100) $(rules INPUT | wc -l) $(rules NETAVARK-ISOLATION-2 | wc -l)" "$1 $1 $1"
	equal "$(rules PREROUTING; rules OUTPUT; rules NETAVARK-HOSTPORT-SETMARK; rules NETAVARK-ISOLATION-3)" "$(printf '%s\n' \
		'fib daddr type local jump NETAVARK-HOSTPORT-DNAT' 'fib daddr type local jump NETAVARK-HOSTPORT-DNAT' \
		'meta mark set meta mark | 0x00002000' 'jump NETAVARK-ISOLATION-2')"
}

@test "FW-062 fifty setups at once with one directory, and twelve with one each, make every rule once" {
	equal "$(storm 50 | grep -vc '^{"n[0-9]*":')" 0
	all_there 50
	# Another fresh host.
	kill -KILL "$LAUNCHER"
	rm -r "$CONFIG" "$BATS_TEST_TMPDIR/ready"
	start_host
	equal "$(storm 12 apart | grep -vc '^{"n[0-9]*":')" 0
	all_there 12
}

@test "FW-063 FW-064 somebody who commits or flushes rules all the time does not disturb" {
	local script='while ! [[ -e /run/stop ]]; do nft "$1"; done'
	host bash -c "$script" noise 'add table ip noise; add chain ip noise a; add rule ip noise a counter; flush table ip noise' 3>&- &
	local noise=$!
	equal "$(storm 20 | grep -vc '^{"n[0-9]*":')" 0
	host touch /run/stop
	wait "$noise"
	all_there 20
	host rm /run/stop
	host bash -c "$script" noise 'flush ruleset' 3>&- &
	noise=$!
	document one 'v4 | port(8080; 80; "tcp")'
	for _ in 1 2 3 4 5 6; do
		attach c1
		RUST_LOG=warn detach c1
	done
	host touch /run/stop
	wait "$noise"
}

# ---- state files --------------------------------------------------------------------------------

@test "FW-080 the state files have upstream's names and text" {
	local id=ec79dd0cad82083c8ac5cc23e9542e4ddea813dff60d68258d36e84f6393b63b
	jq '.container_id = "d1" | .port_mappings |= [.[0]]' "$GOLDEN/nft-input-b.json" >"$BATS_TEST_TMPDIR/b.json"
	NETAVARK_DNS_PORT=5353 attach c1 "$BATS_TEST_TMPDIR/b.json"
	equal "$(files)" "$(printf './firewall/%s\n' firewall-driver "networks/$id" "ports/${id}_d1")"
	cd "$CONFIG/firewall"
	printf nftables | cmp - firewall-driver
	printf '{"subnets":["10.89.3.0/24","fd10:88:a::/64"],"bridge_name":"podman1","network_id":"%s","network_hash_name":"F11DC6A6D09CF","isolation":"Strict","dns_port":5353,"internal":false}' $id |
		diff - "networks/$id"
	printf '{"container_id":"d1","network_id":"%s","port_mappings":[{"container_port":80,"host_ip":"","host_port":8080,"protocol":"tcp","range":1}],"network_name":"podman1","network_hash_name":"F11DC6A6D09CF","container_ip_v4":"10.89.3.2","subnet_v4":"10.89.3.0/24","container_ip_v6":"fd10:88:a::2","subnet_v6":"fd10:88:a::/64","dns_port":5353,"dns_server_ips":["10.89.3.1","fd10:88:a::1"],"internal":false}' $id |
		diff - "ports/${id}_d1"
	valid firewall-network-state <"networks/$id"
	valid firewall-port-state <"ports/${id}_d1"
	equal "$(stat -c %a . networks firewall-driver "networks/$id" "ports/${id}_d1" | paste -sd' ')" "755 755 644 644 644"
	cd /
	NETAVARK_DNS_PORT=5353 detach c1 "$BATS_TEST_TMPDIR/b.json"
	equal "$(files)" ./firewall/firewall-driver
	document one 'v4 | net.options.outbound_addr4 = "100.1.100.1"'
	attach c1
	equal "$(jq -c '[.outbound_addr4, has("outbound_addr6")]' "$CONFIG"/firewall/networks/*)" '["100.1.100.1",false]'
	equal "$(jq -c '[.port_mappings, .container_ip_v6, .subnet_v6]' "$CONFIG"/firewall/ports/*)" '[null,null,null]'
	detach c1
	rm "$CONFIG/firewall/firewall-driver"
	attach c1 "$DOC" --rootless=true
	equal "$(files)" ""
	detach c1 "$DOC" --rootless=true
	empty_ruleset
}
