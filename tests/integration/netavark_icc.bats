#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts of jq; variables of bats
#
# Containers of one network that are kept from each other, and which way out of several counts.

load helpers

# pings CONTAINER ADDRESS
pings() {
	on "$1" ping -q -n -c 1 -W 1 "$2" >/dev/null
}

# cut_off CONTAINER ADDRESS — no answer comes from there.
cut_off() {
	if pings "$@"; then
		echo "$1 reaches $2"
		return 1
	fi
}

# flag DEVICE — whether the bridge isolates this port.
flag() {
	host bridge -d -j link show dev "$1" | jq -c '[.[].isolated]'
}

@test "icc=false: neighbours do not reach each other, both reach the gateway, the outside and published ports" {
	connect_outside
	document one 'net.options = {icc: "false"} | me.options = {host_interface_name: "h1"} | port(8080; 80; "tcp")'
	attach c1
	local one=$DOC
	document two 'net.options = {enable_icc: "0"} | number(2) | me.options = {host_interface_name: "h2"}'
	attach c2
	equal "$(flag h1)$(flag h2)" "[true][true]"
	host ip netns exec outside ip route add 10.71.0.0/24 via 198.51.100.1
	host ip netns exec outside ip -6 route add fd71:5:9::/64 via 2001:db8:1::1
	# No answer to ARP and neighbour solicitations means that nothing is sent at all.
	cut_off c1 10.71.0.12
	cut_off c1 fd71:5:9::12
	on c1 ip -j neigh show 10.71.0.12 | jq -e '.[0].lladdr == null'
	on c1 ip -j neigh show fd71:5:9::12 | jq -e '.[0].lladdr == null'
	# Nor does a frame arrive that knows where to go.
	on c1 ip neigh replace 10.71.0.12 lladdr "$(on c2 cat /sys/class/net/eth0/address)" dev eth0
	cut_off c1 10.71.0.12
	local container
	for container in c1 c2; do
		pings "$container" 10.71.0.1
		pings "$container" fd71:5:9::1
		pings "$container" 198.51.100.2
		pings "$container" 2001:db8:1::2
	done
	on c1 socat TCP4-LISTEN:80,fork,reuseaddr SYSTEM:"echo one" 3>&- &
	wait_for on c1 bash -c 'ss -Hltn | grep -q :80'
	equal "$(on outside socat -T 3 - TCP4:198.51.100.1:8080 </dev/null)" one
	# Where bridged frames are shown to the firewall, those to a published port stay inside the bridge.
	host bash -c 'for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do [[ ! -e $f ]] || echo 0 >$f; done'
	equal "$(on c2 socat -T 3 - TCP4:198.51.100.1:8080 </dev/null)" one
	detach c2
	detach c1 "$one"
}

@test "BU-085 icc=false: the flag is there before the port is up, on bridges of others, too; names only with dns_icc" {
	host ip link add br-web type bridge
	host ip address add 10.71.0.1/24 dev br-web
	host ip link set br-web up
	document one 'v4 | net.options = {mode: "unmanaged", icc: "false"} | me.options = {host_interface_name: "h1"}'
	traced sendmsg,sendto "$NETAVARK" --config "$CONFIG" -f "$DOC" setup /run/netns/c1
	equal "$(flag h1)" "[true]"
	# The port's own flag comes first, then the link goes up.
	local isolated up
	isolated=$(grep -n 'IFLA_PROTINFO\|AF_BRIDGE' "$TRACE" | head -n 1 | cut -d: -f1)
	up=$(grep -n 'ifi_flags=IFF_UP' "$TRACE" | head -n 1 | cut -d: -f1)
	((isolated && up && isolated < up)) || { cat "$TRACE"; return 1; }
	detach c1
	host ip link delete br-web
	document one 'v4 | net.options = {icc: "false"} | me.options = {host_interface_name: "h1"}'
	attach c1
	detach c1
	# What the server is told: whose address it is, but not by which name others may ask.
	document one 'v4 | dns | net.options = {icc: "false"} | me.aliases = ["web"]'
	attach c1
	equal "$(tail -n +2 "$CONFIG/aardvark-dns/web" | cut -d' ' -f4)" c0ffee01
	detach c1
	document one 'v4 | dns | net.options = {icc: "false", dns_icc: "true"} | me.aliases = ["web"]'
	attach c1
	equal "$(tail -n +2 "$CONFIG/aardvark-dns/web" | cut -d' ' -f4)" one,web
	detach c1
}

# The main table's default routes: metric and device.
defaults() {
	on c1 ip "$@" -j route show default | jq -r '[.[] | "\(.metric) \(.dev)"] | sort | join(", ")'
}

@test "BU-097 gateway_priority: the network of the highest priority is the way out, in any order of the document; then the next one" {
	connect_outside
	local three='second | .networks.third = {interface_name: "eth2", static_ips: ["10.73.0.11"], options: {gateway_priority: "7"}} |
		.network_info.third = (.network_info.back | .name = "third" | .network_interface = "br-third" | .id = "7777" |
			.subnets = [{subnet: "10.73.0.0/24", gateway: "10.73.0.1"}]) |
		net.options = {metric: "300"} | .networks.back.options = {gateway_priority: "9"}'
	local order
	for order in . '.networks |= (to_entries | reverse | from_entries)' as_array 'as_array | .networks |= reverse' \
		'.networks = {third: .networks.third, web: .networks.web, back: .networks.back}'; do
		document three "$three | $order"
		attach c1
		equal "$(defaults)" "300 eth0, 90 eth1, 92 eth2"
		equal "$(defaults -6)" "300 eth0"
		detach c1
		host ip netns delete c1
		host ip netns add c1
	done
	document three "$three"
	attach c1
	host ip netns exec outside ip route add 10.0.0.0/8 via 198.51.100.1
	equal "$(on c1 ip -j route get 198.51.100.2 | jq -r '.[0].dev')" eth1
	pings c1 198.51.100.2
	# The network is disconnected.
	local whole=$DOC
	document back "$three | .networks |= {back} | .network_info |= {back}"
	detach c1
	equal "$(on c1 ip -j route get 198.51.100.2 | jq -r '.[0].dev')" eth2
	pings c1 198.51.100.2
	document rest "$three | del(.networks.back)"
	detach c1
	[[ -n $whole ]]
	document bad 'me.options = {gateway_priority: "99"}'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'invalid gateway_priority "99": expected a number from 0 to 98 at /networks/web/options/gateway_priority *'
}
