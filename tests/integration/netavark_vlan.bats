#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts of jq; variables of bats
#
# The drivers macvlan and ipvlan: an interface of the container's own on a device of the host. Here
# the device is one end of a cable to another machine.

load helpers

# What the documents of this file begin with: container "one" on the cable, as a macvlan.
LAN='def lan($driver): net.driver = $driver | net.network_interface = "uplink" |
		net.subnets = [{subnet: "198.51.100.0/24", gateway: "198.51.100.2"},
			{subnet: "2001:db8:1::/64", gateway: "2001:db8:1::2"}] |
		me.static_ips = ["198.51.100.77", "2001:db8:1::77"];'

# lan_document NAME DRIVER [EDIT]
lan_document() {
	document "$1" "$LAN lan(\"$2\") | ${3-.}"
}

# link [CONTAINER] NAME FILTER — a part of what `ip -j -d link` says.
link() {
	local where=()
	[[ $# == 2 ]] || { where=(-n "$1"); shift; }
	host ip "${where[@]}" -j -d link show dev "$1" | jq -c ".[0] | $2"
}

# A default route of the host, which the device is found by.
default_route() {
	host ip route add default via 198.51.100.2
}

# ---- links, addresses and routes ----------------------------------------------------------------

# attached DRIVER MODE — all that a plain document makes.
attached() {
	lan_document one "$1" 'dns | .dns_servers = ["192.0.2.9"] | port(8080; 80; "tcp") | port(8080; 80; "nonsense")'
	attach c1
	equal "$(link c1 eth0 '[.linkinfo.info_kind, .linkinfo.info_data.mode, (.flags | contains(["UP"])), .mtu]')" \
		"[\"$1\",\"$2\",true,1500]"
	equal "$(addresses c1 eth0)" "198.51.100.77/24 2001:db8:1::77/64"
	is '"198.51.100.255"' bash -c 'ip -n c1 -j -4 address show eth0 | jq ".[0].addr_info[0].broadcast"'
	equal "$(routes c1)" "default via 198.51.100.2 dev eth0 metric 99"
	equal "$(routes c1 -6)" "default via 2001:db8:1::2 dev eth0 metric 99 pref medium"
	equal "$(sysctl_of c1 ipv6/conf/eth0/autoconf)" 0
	[[ $(link c1 lo .flags) == *'"UP"'* ]]
	valid netavark-status <<<"$STATUS"
	equal "$STATUS" "$(jq -nc --argjson mac "$(link c1 eth0 .address)" '
		{web: {dns_search_domains: [], dns_server_ips: [], interfaces: {eth0: {mac_address: $mac, subnets: [
			{gateway: "198.51.100.2", ipnet: "198.51.100.77/24"},
			{gateway: "2001:db8:1::2", ipnet: "2001:db8:1::77/64"}]}}}}')"
	on outside ping -qc1 -W5 198.51.100.77
	on c1 ping -qc1 -W5 198.51.100.2
	# Nothing on the host's side.
	equal "$(link_names)" "lo uplink"
	equal "$(host nft list ruleset)$(files)" ""
	detach c1
	is "lo" bash -c 'ip -n c1 -j link | jq -r ".[].ifname"'
}


@test "NV-130 NV-131 NV-133 NV-143 a macvlan carries its addresses and routes, and the status tells of them" {
	connect_outside
	attached macvlan bridge
}

# bats test_tags=vm
@test "NV-130 NV-131 NV-133 NV-143 an ipvlan carries its addresses and routes, and the status tells of them" {
	needs ipvlan
	connect_outside
	attached ipvlan l2
	status_is "$(link uplink .address)" .web.interfaces.eth0.mac_address
}

@test "a kind of interface that the kernel does not have is named" {
	! kernel_has ipvlan || skip "the kernel has it"
	connect_outside
	lan_document one ipvlan
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "create ipvlan interface: Netlink error: Operation not supported (os error 95), is ipvlan enabled in the kernel?"
	nothing_changed
}

# modes DRIVER MODE... — each is what the kernel says afterwards.
modes() {
	local driver=$1 mode
	for mode in "${@:2}"; do
		lan_document one "$driver" "net.options.mode = \"$mode\""
		attach c1
		equal "$(link c1 eth0 .linkinfo.info_data.mode)" "\"$mode\""
		detach c1
	done
}

@test "NV-132 every mode of a macvlan" {
	connect_outside
	modes macvlan bridge private vepa passthru source
}

# bats test_tags=vm
@test "NV-132 every mode of an ipvlan" {
	needs ipvlan
	connect_outside
	modes ipvlan l2 l3 l3s
}

# with_options DRIVER — those that change the routes and the MTU.
with_options() {
	lan_document one "$1" 'net.options = {mtu: "1400", metric: "200", mode: ""}'
	attach c1
	equal "$(link c1 eth0 .mtu)" 1400
	equal "$(routes c1)" "default via 198.51.100.2 dev eth0 metric 200"
	equal "$(routes c1 -6)" "default via 2001:db8:1::2 dev eth0 metric 200 pref medium"
	detach c1
	host ip link set uplink mtu 1300
	lan_document one "$1" 'net.options = {no_default_route: "1", mtu: "0"}'
	attach c1
	equal "$(link c1 eth0 .mtu)" 1300
	equal "$(routes c1)$(routes c1 -6)" ""
	detach c1
	lan_document one "$1" internal
	attach c1
	equal "$(routes c1)$(routes c1 -6)" ""
	status_is '["198.51.100.2","2001:db8:1::2"]' '[.web.interfaces.eth0.subnets[].gateway]'
	detach c1
}

@test "NV-131 NV-133 NV-134 MTU and routes of a macvlan follow the options" {
	connect_outside
	with_options macvlan
	remember
	lan_document one macvlan 'net.options.mtu = "9000"'
	netavark -f "$DOC" setup /run/netns/c1
	refused "create macvlan interface: Netlink error: Invalid argument (os error 22): mtu 9000 is above the 1300 of uplink"
	nothing_changed
}

@test "NV-131 NV-133 NV-134 MTU and routes of an ipvlan follow the options" {
	needs ipvlan
	connect_outside
	with_options ipvlan
}

@test "NV-135 NV-160 NV-161 NV-163 NV-164 static routes come with setup and go with teardown" {
	connect_outside
	host ip -n c1 link add other type veth peer name other2
	host ip -n c1 address add 10.99.0.1/24 dev other
	host ip -n c1 link set other up
	lan_document one macvlan 'net.routes = [
		{destination: "10.80.0.0/16", gateway: "198.51.100.9"},
		{destination: "fd80::/64", gateway: "2001:db8:1::9", metric: 7},
		{destination: "10.82.0.0/16", route_type: "blackhole"},
		{destination: "10.83.0.0/16", route_type: "unreachable"},
		{destination: "fd84::/64", route_type: "prohibit"},
		{destination: "10.85.0.0/16", gateway: "10.99.0.9"}]'
	attach c1
	equal "$(routes c1)" "$(cat <<-'END'
		default via 198.51.100.2 dev eth0 metric 99
		10.80.0.0/16 via 198.51.100.9 dev eth0 metric 100
		blackhole 10.82.0.0/16 metric 100
		unreachable 10.83.0.0/16 metric 100
		10.85.0.0/16 via 10.99.0.9 dev other metric 100 linkdown
	END
	)"
	equal "$(routes c1 -6 | grep -v default)" "$(cat <<-'END'
		fd80::/64 via 2001:db8:1::9 dev eth0 metric 7 pref medium
		prohibit fd84::/64 dev lo metric 100 pref medium
	END
	)"
	detach c1
	equal "$(routes c1)$(routes c1 -6)" ""
}

@test "NV-135 a route that cannot be deleted does not keep the interface" {
	connect_outside
	lan_document one macvlan 'net.routes = [{destination: "10.82.0.0/16", route_type: "blackhole"}]'
	attach c1
	lan_document broken macvlan 'net.routes = [{destination: "10.81.0.1/16", route_type: "blackhole"},
		{destination: "10.82.0.0/16", route_type: "blackhole"}]'
	netavark -f "$DOC" teardown /run/netns/c1
	refused "Netlink error: Invalid argument (os error 22)"
	is lo bash -c 'ip -n c1 -j link | jq -r ".[].ifname"'
	equal "$(routes c1)" ""
}

@test "NV-140 a macvlan has the MAC that was asked for" {
	connect_outside
	lan_document one macvlan 'me.static_mac = "02-00-00-00-10-1"'
	attach c1
	equal "$(link c1 eth0 .address)" '"02:00:00:00:10:01"'
	status_is '"02:00:00:00:10:01"' .web.interfaces.eth0.mac_address
}

@test "NV-141 without address management there is an interface and nothing else" {
	connect_outside
	lan_document one macvlan 'net.ipam_options.driver = "none" |
		net.routes = [{destination: "10.82.0.0/16", route_type: "blackhole"}]'
	attach c1
	status_is '[]' .web.interfaces.eth0.subnets
	equal "$(addresses c1 eth0)$(routes c1)$(routes c1 -6)" ""
	[[ $(link c1 eth0 .flags) == *'"UP"'* ]]
	detach c1
}

@test "NV-142 bad subnets and addresses are refused before anything is made" {
	connect_outside
	remember
	local edit error
	while IFS='|' read -r edit error; do
		lan_document one macvlan "$edit"
		netavark -f "$DOC" setup /run/netns/c1
		refused "$error"
	done <<-'END'
		net.subnets[1] = net.subnets[0]|duplicate subnet defined: 198.51.100.0/24
		net.subnets[1].subnet = "198.51.0.0/16"|overlapping subnets: 198.51.100.0/24 and 198.51.0.0/16
		me.static_ips += ["192.0.2.1"]|not all static IPs matched a subnet: expected 3, got 2
	END
	nothing_changed
}

# told_broadcast_threshold NUMBER — whether the kernel says this of eth0 in c1, which ip(8) of Debian 12
# cannot print; kernels before 6.4 say nothing.
told_broadcast_threshold() {
	on c1 python3 -c 'import socket, struct, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
name = struct.pack("=HH8s", 12, 3, b"eth0")
s.send(struct.pack("=IHHII", 44, 18, 1, 1, 0) + bytes(16) + name)
info = s.recv(65536)
at = info.index(b"macvlan\0")
told = info.find(struct.pack("=HH", 8, 9), at)
sys.exit(told >= 0 and struct.unpack_from("=i", info, told + 4)[0] != int(sys.argv[1]))' "$1"
}

@test "NV-144 the broadcast threshold of a macvlan is what the kernel gets, a bad one is refused" {
	connect_outside
	local number
	for number in 7 -1; do
		lan_document one macvlan "net.options.bclim = \"$number\""
		attach c1
		told_broadcast_threshold "$number"
		detach c1
	done
	lan_document one macvlan 'net.options.bclim = "many"'
	netavark -f "$DOC" setup /run/netns/c1
	refused 'unable to parse "bclim": invalid digit found in string'
}

@test "an address chosen for a macvlan is not one of the host's own" {
	connect_outside
	default_route
	lan_document one macvlan 'automatic | net.network_interface = ""'
	attach c1
	equal "$(addresses c1 eth0)" "198.51.100.3/24 2001:db8:1::3/64"
	on outside ping -qc1 -W5 198.51.100.3
	detach c1
}

# ---- names and parents --------------------------------------------------------------------------

# same_name DRIVER — the host has a device of that name already; twice, so that nothing can be left.
same_name() {
	host ip link add eth0 type bridge
	lan_document one "$1"
	remember
	for _ in 1 2; do
		attach c1
		equal "$(link c1 eth0 .linkinfo.info_kind)" "\"$1\""
		equal "$(addresses c1 eth0)" "198.51.100.77/24 2001:db8:1::77/64"
		equal "$(routes c1)" "default via 198.51.100.2 dev eth0 metric 99"
		equal "$(sysctl_of c1 ipv6/conf/eth0/autoconf)" 0
		equal "$(link_names)" "lo uplink eth0"
		detach c1
	done
	host ip -n c1 link set lo down
	nothing_changed
	# An error after the renaming takes the device back, too.
	lan_document one "$1" 'net.routes = [{destination: "10.80.0.0/16", gateway: "192.0.2.1"}]'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'add static route *: Netlink error: Network is unreachable (os error 101)'
	nothing_changed
}

@test "NV-136 a device of the host with the name of the macvlan does not matter" {
	connect_outside
	same_name macvlan
}

# bats test_tags=vm
@test "NV-136 a device of the host with the name of the ipvlan does not matter" {
	needs ipvlan
	connect_outside
	same_name ipvlan
}

# name_taken DRIVER — the container has an interface of that name already.
name_taken() {
	host ip -n c1 link add eth0 type bridge
	lan_document one "$1"
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "rename tmp $1 interface: Netlink error: File exists (os error 17)"
	nothing_changed
	host ip link add eth0 type bridge
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "rename tmp $1 interface: Netlink error: File exists (os error 17)"
	nothing_changed
}

@test "NV-137 a name of a macvlan that the container has already is an error that leaves nothing" {
	connect_outside
	name_taken macvlan
	lan_document one macvlan 'second | .network_info.back.driver = "macvlan" | .networks.back.interface_name = "eth0"'
	netavark -f "$DOC" setup /run/netns/c2
	refused_like 'rename tmp macvlan interface: Netlink error: File exists (os error 17) at /networks/back/interface_name *'
	nothing_changed
}

@test "NV-137 a name of an ipvlan that the container has already is an error that leaves nothing" {
	needs ipvlan
	connect_outside
	name_taken ipvlan
}

@test "NV-138 without a parent it is the device of the default route" {
	connect_outside
	lan_document one macvlan 'del(net.network_interface)'
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "failed to get default route interface"
	nothing_changed
	default_route
	attach c1
	equal "$(link c1 eth0 .link_index)" "$(link uplink .ifindex)"
	detach c1
	host ip route delete default
	host ip -6 route add default via 2001:db8:1::2
	attach c1
	equal "$(link c1 eth0 .link_index)" "$(link uplink .ifindex)"
}

@test "NV-139 a parent that does not exist is named" {
	lan_document one macvlan
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'Netlink error: No such device (os error 19): "uplink" at /network_info/web/network_interface *'
	nothing_changed
}

# ---- teardown -----------------------------------------------------------------------------------

@test "NV-145 a namespace that is gone is only a warning, and the address is free again" {
	connect_outside
	lan_document one macvlan 'automatic | v4'
	attach c1
	host ip netns delete c1
	NETAVARK_LOG=netavark=warn netavark -f "$DOC" teardown /run/netns/c1
	equal "$status $output" "0 "
	[[ $stderr == *"] container netns not found: "* && ${#stderr_lines[@]} == 1 ]] || equal "$stderr" "one warning"
	equal "$(jq -c '[.leases[]?]' "$CONFIG"/netavark-ipam/*.json)" "[]"
	equal "$(link_names)" "lo uplink"
}

@test "an interface that is gone is named at teardown" {
	connect_outside
	lan_document one macvlan
	attach c1
	detach c1
	netavark -f "$DOC" teardown /run/netns/c1
	refused_like 'Netlink error: No such device (os error 19): "eth0" at /networks/web/interface_name *'
}

# ---- with others --------------------------------------------------------------------------------

@test "a macvlan beside a bridge gives the default route, and each is taken back on its own" {
	connect_outside
	lan_document one macvlan 'second | .network_info.back.driver = "bridge" |
		.network_info.back.network_interface = "br-back"'
	remember
	attach c1
	equal "$(routes c1)" "$(printf '%s\n' "default via 198.51.100.2 dev eth0 metric 99" \
		"default via 10.72.0.1 dev eth1 metric 100")"
	detach c1
	equal "$(link_names)" "lo uplink"
	jq '.network_info.back.subnets[0].subnet = "10.72.0.0/24" | .network_info.back.options.mtu = "99999999"' \
		"$DOC" >"$DOC.bad"
	netavark -f "$DOC.bad" setup /run/netns/c1
	refused_like "create bridge: *"
	equal "$(link_names)" "lo uplink"
	is lo bash -c 'ip -n c1 -j link | jq -r ".[].ifname"'
}
