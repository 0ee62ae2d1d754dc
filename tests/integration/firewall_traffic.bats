#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# Connections that must, and must not, come about, with nftables and with both places of iptables.

load helpers
load iptables

connect() {
	on "$1" "$BATS_TEST_DIRNAME/connect.py" "${@:2}"
}

# serve CONTAINER PORT... — answers there with the address that a connection comes from.
serve() {
	local ready
	ready=$(mktemp -p "$BATS_TEST_TMPDIR")
	connect "$1" serve "${@:2}" >"$ready" 2>&1 3>&- &
	wait_for grep -q ready "$ready"
}

# answers EXPECTED CONTAINER ADDRESS PORT — over TCP and UDP, or those of $PROTOCOLS. An empty EXPECTED
# means that nobody answers; CONTAINER may be "host".
answers() {
	local protocol where=(on "$2") got
	[[ $2 != host ]] || where=(host)
	for protocol in ${PROTOCOLS-tcp udp}; do
		got=$("${where[@]}" "$BATS_TEST_DIRNAME/connect.py" ask "$protocol" "$3" "$4" 2>&1) || [[ -z $1 ]] || true
		[[ -n $1 || $got != "no answer"* ]] || got=
		equal "$protocol $2 to $3 port $4: $got" "$protocol $2 to $3 port $4: $1"
	done
}

both_protocols='port(8080; 80; "tcp,udp")'

published_ports() {
	connect_outside
	# Whether a bridge shows its frames to the firewall is the machine's business.
	host bash -c 'for file in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do
		[[ ! -e $file ]] || echo 0 >"$file"
	done'
	host ip netns add c3
	document one "$both_protocols"
	attach c1
	document two 'number(2)'
	attach c2
	# A container on another network.
	document three 'second | .networks |= {back} | .container_id = "c3"'
	attach c3
	serve c1 80
	serve outside 7000
	answers 198.51.100.2 outside 198.51.100.1 8080
	answers 2001:db8:1::2 outside 2001:db8:1::1 8080
	answers 198.51.100.1 host 198.51.100.1 8080
	answers 2001:db8:1::1 host 2001:db8:1::1 8080
	answers 10.71.0.1 host 10.71.0.1 8080
	answers 10.71.0.1 host 127.0.0.1 8080
	# From the network itself, hairpin included, the answer must come back through the host.
	local container
	for container in c1 c2; do
		answers 10.71.0.1 "$container" 198.51.100.1 8080
		answers 10.71.0.1 "$container" 10.71.0.1 8080
		answers fd71:5:9::1 "$container" 2001:db8:1::1 8080
		answers fd71:5:9::1 "$container" fd71:5:9::1 8080
	done
	# Another network leaves its own with the address of the host on the way, as to everywhere.
	answers 10.71.0.1 c3 198.51.100.1 8080
	# Containers reach the outside with the host's address.
	answers 198.51.100.1 c1 198.51.100.2 7000
	answers 2001:db8:1::1 c1 2001:db8:1::2 7000
	answers 198.51.100.1 c3 198.51.100.2 7000
	# Each other directly, with their own.
	answers 10.71.0.12 c2 10.71.0.11 80
	answers fd71:5:9::12 c2 fd71:5:9::11 80
}

@test "FW-090 published ports answer from everywhere, with the right address of the caller" {
	published_ports
}

@test "FW-090 published ports answer from everywhere, also in maps" {
	export NETAVARK_NFT_LAYOUT=map
	published_ports
	host nft list table inet netavark-ports
}

@test "FW-090 published ports answer from everywhere, also with iptables" {
	for_each_flavour published_ports
}

sctp_ports() {
	local PROTOCOLS=sctp container
	needs sctp
	connect_outside
	document one 'port(8080; 80; "sctp")'
	attach c1
	document two 'number(2)'
	attach c2
	serve c1 80
	serve outside 7000
	answers 198.51.100.2 outside 198.51.100.1 8080
	answers 2001:db8:1::2 outside 2001:db8:1::1 8080
	answers 198.51.100.1 host 198.51.100.1 8080
	answers 2001:db8:1::1 host 2001:db8:1::1 8080
	answers 10.71.0.1 host 127.0.0.1 8080
	answers 10.71.0.1 c2 198.51.100.1 8080
	answers fd71:5:9::1 c2 2001:db8:1::1 8080
	answers 198.51.100.1 c1 198.51.100.2 7000
	answers 2001:db8:1::1 c1 2001:db8:1::2 7000
	detach c1 "$BATS_TEST_TMPDIR/one.json"
	answers "" outside 198.51.100.1 8080
}

# bats test_tags=vm
@test "FW-090 a port published over sctp answers from everywhere, with the right address of the caller" {
	sctp_ports
}

@test "FW-090 a port published over sctp answers from everywhere, also with iptables" {
	for_each_flavour sctp_ports
}

bound_ports() {
	connect_outside
	host ip address add 198.51.100.5/24 dev uplink
	host ip address add 2001:db8:1::5/64 dev uplink nodad
	document one 'port(9000; 8000; "tcp,udp") | .port_mappings[0].range = 3 |
		port(8081; 81; "tcp,udp") | .port_mappings[1].host_ip = "198.51.100.5" |
		port(8082; 82; "tcp,udp") | .port_mappings[2].host_ip = "127.0.0.1" |
		port(8083; 83; "tcp,udp") | .port_mappings[3].host_ip = "2001:db8:1::5" |
		port(8084; 84; "tcp,udp") | .port_mappings[4].host_ip = "0.0.0.0" |
		port(8085; 85; "tcp,udp") | .port_mappings[5].host_ip = "::"'
	attach c1
	serve c1 8000 8001 8002 8003 81 82 83 84 85
	local port
	for port in 9000 9001 9002; do
		answers 198.51.100.2 outside 198.51.100.1 "$port"
		answers 2001:db8:1::2 outside 2001:db8:1::1 "$port"
	done
	answers "" outside 198.51.100.1 9003
	answers 198.51.100.2 outside 198.51.100.5 8081
	answers "" outside 198.51.100.1 8081
	answers "" host 127.0.0.1 8081
	answers 10.71.0.1 host 127.0.0.1 8082
	answers "" outside 198.51.100.1 8082
	answers 2001:db8:1::2 outside 2001:db8:1::5 8083
	answers "" outside 2001:db8:1::1 8083
	answers 198.51.100.2 outside 198.51.100.1 8084
	answers "" outside 2001:db8:1::1 8084
	answers 2001:db8:1::2 outside 2001:db8:1::1 8085
	answers "" outside 198.51.100.1 8085
}

@test "FW-091 every port of a range answers, and one bound to an address only there" {
	bound_ports
}

@test "FW-091 every port of a range answers, and one bound to an address only there, also in maps" {
	export NETAVARK_NFT_LAYOUT=map
	bound_ports
	host nft list table inet netavark-ports
}

@test "FW-091 every port of a range answers, and one bound to an address only there, also with iptables" {
	for_each_flavour bound_ports
}

# isolated_networks — three kinds of two networks each, with ports; what each of them reaches directly.
isolated_networks() {
	local number option
	connect_outside
	while read -r number option; do
		host ip netns add "i$number"
		document "$number" "number($number) | port(808$number; 80; \"tcp,udp\") | net.name = \"n$number\" | .networks = {n$number: me} |
			.networks.n$number.static_ips = [\"10.9$number.0.2\", \"fd9$number::2\"] |
			net.network_interface = \"br$number\" | net.id = \"$number$number$number$number\" | net.options.isolate = \"$option\" |
			net.subnets = [{subnet: \"10.9$number.0.0/24\", gateway: \"10.9$number.0.1\"},
				{subnet: \"fd9$number::/64\", gateway: \"fd9$number::1\"}] | .network_info = {n$number: net}"
		attach "i$number"
		serve "i$number" 80
	done <<-'END'
		1 false
		2 false
		3 true
		4 true
		5 strict
		6 strict
	END
	local all=({10.9{1..6}.0.2,fd9{1..6}::2}) expected
	# What each of them reaches, itself included, all at the same time.
	for number in 1 2 3 4 5 6; do
		connect "i$number" reach 80 "${all[@]}" >"$BATS_TEST_TMPDIR/from$number" 3>&- &
		eval "client$number=$!"
	done
	# shellcheck disable=SC2154 # the loop above
	wait "$client1" "$client2" "$client3" "$client4" "$client5" "$client6"
	while read -r number expected; do
		equal "$number: $(<"$BATS_TEST_TMPDIR/from$number")" \
			"$number: $(for family in 10.9N.0.2 fd9N::2; do
				for to in $expected; do echo "${family/N/$to}"; done
			done | paste -sd' ')"
	done <<-'END'
		1 1 2 3 4
		2 1 2 3 4
		3 1 2 3
		4 1 2 4
		5 5
		6 6
	END
}

isolated_but_for_ports() {
	isolated_networks
	answers 10.96.0.1 i5 198.51.100.1 8086
	answers fd96::1 i5 2001:db8:1::1 8086
	answers 10.94.0.1 i3 198.51.100.1 8084
	answers 198.51.100.2 outside 198.51.100.1 8085
}

@test "FW-093 isolation closes what it promises in both families, and not the published ports" {
	isolated_but_for_ports
}

@test "FW-093 isolation closes what it promises in both families, and not published ports in maps" {
	export NETAVARK_NFT_LAYOUT=map
	isolated_but_for_ports
	host nft list table inet netavark-ports
}

# Here, as in upstream, the way through the host is closed between isolated networks, too.
isolated_with_iptables() {
	isolated_networks
	answers "" i5 198.51.100.1 8086
	answers 198.51.100.2 outside 198.51.100.1 8085
	answers 10.95.0.1 host 127.0.0.1 8085
}

@test "FW-093 isolation closes what it promises in both families, also with iptables" {
	for_each_flavour isolated_with_iptables
}

@test "FW-095 names are answered although the administrator drops what comes in" {
	document one 'v4 | dns'
	attach c1
	host nft 'chain inet netavark INPUT { policy drop; }'
	equal "$(on c1 dig +short +tries=1 +time=3 @10.71.0.1 one)" 10.71.0.11
	equal "$(on c1 dig +short +tcp +tries=1 +time=3 @10.71.0.1 one)" 10.71.0.11
	# The policy is in force.
	run on c1 ping -qc1 -W1 10.71.0.1
	equal "$status" 1
}

# Policies like those that Docker and ufw set.
dropping_host() {
	connect_outside
	host iptables -P INPUT DROP
	host iptables -P FORWARD DROP
	document one 'v4 | dns'
	attach c1
	serve outside 7000
	equal "$(on c1 dig +short +tries=1 +time=3 @10.71.0.1 one)" 10.71.0.11
	answers 198.51.100.1 c1 198.51.100.2 7000
	# The policy is in force.
	run on c1 ping -qc1 -W1 10.71.0.1
	equal "$status" 1
}

@test "BU-052 FW-095 with iptables a host that drops in the same tables passes names and outgoing traffic" {
	for_each_flavour dropping_host
}

connections_live() {
	connect_outside
	document one 'port(8080; 80; "tcp")'
	attach c1
	serve c1 80
	coproc LINE { connect outside hold tcp 198.51.100.1 8080 3>&-; }
	local to=${LINE[1]} from=${LINE[0]}
	# lives — a further line gets its answer on the connection that stands.
	lives() {
		local answer=
		echo x >&"$to"
		read -r -t $((10 * SLOWNESS)) -u "$from" answer
		equal "$answer" 198.51.100.2
	}
	lives
	document two 'number(2) | port(8081; 80; "tcp")'
	attach c2
	lives
	detach c2
	lives
	document three 'second | .networks |= {back} | .container_id = "c3" | port(8083; 80; "tcp")'
	attach c2
	detach c2
	lives
}

@test "FW-101 the connections of one container outlive what happens to others" {
	connections_live
}

@test "FW-101 the connections of one container outlive what happens to others, also with iptables" {
	for_each_flavour connections_live
}

# sender_of ADDRESS — whom a datagram seems to come from that leaves the host for ADDRESS with an address of
# the container's network. It is sent again until it has come: a new link needs a moment.
sender_of() {
	host bash -c '
		ip netns exec outside python3 -c "
import socket, struct
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind((\"::\", 7100))
s.setsockopt(41, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, \"ff0e::71\") +
             struct.pack(\"=I\", socket.if_nametoindex(\"eth0\")))
s.settimeout(10)
print(s.recvfrom(100)[1][0])" &
		receiver=$!
		while kill -0 $receiver; do
			python3 -c "
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind((\"fd71:5:9::1\", 0))
s.setsockopt(41, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(\"uplink\"))
s.sendto(b\"x\", (sys.argv[1], 7100))" "$1" || break
		done 2>/dev/null
		wait $receiver' - "$1"
}

@test "FW-100 multicast from the network of a container keeps its address, other traffic gets the host's" {
	connect_outside
	document one
	attach c1
	equal "$(sender_of ff0e::71)" fd71:5:9::1
	equal "$(sender_of 2001:db8:1::2)" 2001:db8:1::1
	# What older releases did.
	host nft insert rule inet netavark POSTROUTING ip6 saddr fd71:5:9::/64 ip6 daddr != ::/8 masquerade
	equal "$(sender_of ff0e::71)" 2001:db8:1::1
}

@test "NV-315 a container of the distribution's netavark is torn down by ours, and the other way round" {
	[[ -n ${NETAVARK_PEER-} ]] || skip "NETAVARK_PEER does not name another netavark"
	document one 'v4 | dns | net.options.isolate = "false"'
	# netavark 1.4 has no driver "none", and does not make the directory; its iptables rules are not
	# looked at here.
	mkdir "$CONFIG"
	host "$NETAVARK_PEER" --config "$CONFIG" --aardvark-binary "$AARDVARK" setup /run/netns/c1 \
		<"$DOC" | tee "$BATS_TEST_TMPDIR/status"
	equal "$(jq -c '[.web.interfaces.eth0.subnets[].ipnet]' "$BATS_TEST_TMPDIR/status")" '["10.71.0.11/24"]'
	detach c1
	equal "$(link_names) $(server)" "lo "
	[[ ! -e $CONFIG/aardvark-dns/web ]]
	attach c1
	host "$NETAVARK_PEER" --config "$CONFIG" --aardvark-binary "$AARDVARK" teardown /run/netns/c1 <"$DOC"
	equal "$(link_names) $(server)" "lo "
	[[ ! -e $CONFIG/aardvark-dns/web ]]
}
