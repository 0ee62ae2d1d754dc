#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts of jq; variables of bats
#
# Bridges whose ports belong to VLANs, and bridges in a VRF.
# bats file_tags=vm

load helpers

# detail NAME FILTER — a part of what `ip -j -d link` says.
detail() {
	host ip -j -d link show dev "$1" | jq -c ".[0] | $2"
}

filtering() {
	detail br-web .linkinfo.info_data.vlan_filtering
}

# vlans PORT — its VLANs with their flags, in the kernel's order.
vlans() {
	host bridge -j vlan show dev "$1" | jq -c '[.[0].vlans[] | [.vlan] + (.flags // []) | join(" ")]'
}

@test "NV-101 a new bridge tells VLANs apart, and the ports of one VLAN reach each other only" {
	needs bridge_vlans
	document one 'v4 | net.options.vlan = "20"'
	attach c1
	equal "$(filtering)" 1
	equal "$(vlans veth0)" '["1 Egress Untagged","20 PVID Egress Untagged"]'
	document two 'v4 | number(2) | v4 | net.options.vlan = "20"'
	attach c2
	on c2 ping -qc1 -W5 10.71.0.11
	detach c2
	document two 'v4 | number(2) | v4 | net.options.vlan = "21"'
	attach c2
	equal "$(vlans veth1)" '["1 Egress Untagged","21 PVID Egress Untagged"]'
	run on c2 ping -qc1 -W1 10.71.0.11
	equal "$status" 1
	detach c2
	document one 'v4 | net.options.vlan = "20"'
	detach c1
	equal "$(link_names)" lo
}

@test "NV-102 an existing bridge begins to tell VLANs apart, whether it is managed or not" {
	needs bridge_vlans
	host bash -c 'ip link add br-web type bridge; ip link set br-web up'
	document one 'v4 | net.options.vlan = "4094"'
	attach c1
	equal "$(filtering) $(vlans veth0)" '1 ["1 Egress Untagged","4094 PVID Egress Untagged"]'
	# A second one finds it so.
	document two 'v4 | number(2) | v4 | net.options = {mode: "unmanaged", vlan: "1"}'
	attach c2
	equal "$(filtering) $(vlans veth1)" '1 ["1 PVID Egress Untagged"]'
	host ip link set br-web type bridge vlan_filtering 0
	detach c2
	attach c2
	equal "$(filtering)" 1
}

@test "NV-102 NV-250 a setup that fails switches the filter of a bridge off again, which it has switched on" {
	needs bridge_vlans
	# With an address of its own: otherwise it changes with the ports.
	host ip link add br-web address 02:00:00:00:00:01 type bridge
	host ip link set br-web up
	document one 'v4 | net.options = {mode: "unmanaged", vlan: "20"} |
		net.routes = [{destination: "10.80.0.0/16", gateway: "10.99.0.9"}]'
	remember
	NETAVARK_FAULT_LOG=/run/doors netavark -f "$DOC" setup /run/netns/c1
	refused_like 'add static route *'
	nothing_changed
	equal "$(filtering)" 0
	local door
	for door in link_filter_vlans link_set_port_vlan; do
		NETAVARK_FAULT=$(host sed -n "s/ $door\$//p" /run/doors) netavark -f "$DOC" setup /run/netns/c1
		refused_like '*vlan*Input/output error*'
		nothing_changed
		equal "$(filtering)" 0
	done
	host ip link set br-web type bridge vlan_filtering 1
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'add static route *'
	equal "$(filtering)" 1
}

@test "NV-103 without VLANs in the kernel the setup fails, and nothing is left" {
	! kernel_has bridge_vlans || skip "the kernel has them"
	document one 'v4 | net.options.vlan = "20"'
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "create bridge: Netlink error: Operation not supported (os error 95), can bridges filter VLANs in this kernel?"
	nothing_changed
	host ip link add br-web type bridge
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "enable vlan filtering on bridge br-web: Netlink error: Operation not supported (os error 95), can bridges filter VLANs in this kernel?"
	nothing_changed
}

@test "NV-099 NV-100 a bridge is made in its VRF, whose table gives the MTU" {
	needs vrf
	connect_outside
	host bash -ec '
		ip route add default via 198.51.100.2
		ip link set uplink mtu 1450
		ip link add red type vrf table 1000
		ip link set red up
		ip link add other type veth peer name other2
		ip link set other mtu 1300 up
		ip link set other2 mtu 1300 up
		ip link set other master red
		ip address add 192.0.2.1/24 dev other'
	document one 'v4 | net.options.vrf = "red"'
	local first=$DOC
	attach c1
	equal "$(detail br-web '[.master, .linkinfo.info_kind, .linkinfo.info_slave_kind]')" '["red","bridge","vrf"]'
	# No default route there: the kernel's default, although the main table has one.
	equal "$(detail br-web .mtu) $(detail veth0 .mtu)" "1500 1500"
	on c1 ping -qc1 -W5 10.71.0.1
	detach c1
	host ip route add default via 192.0.2.2 table 1000
	attach c1
	equal "$(detail br-web .mtu) $(detail veth0 .mtu)" "1300 1300"
	# A bridge that exists stays where it is.
	document two 'v4 | number(2) | v4 | net.options.vrf = "blue"'
	attach c2
	equal "$(detail br-web .master)" '"red"'
	detach c2
	detach c1 "$first"
	[[ $(link_names) != *br-web* ]]
}

@test "NV-100 what is no VRF is refused with its kind, and nothing is left" {
	document one 'v4 | net.options.vrf = "red"'
	host mkdir -p /run/systemd/system
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "get vrf to set up bridge interface: Netlink error: No such device (os error 19)"
	nothing_changed
	host ip link add red type bridge
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "vrf red already exists but is a Bridge interface"
	document one 'v4 | net.options.vrf = "lo"'
	netavark -f "$DOC" setup /run/netns/c1
	refused "could not determine namespace link kind for vrf lo"
	nothing_changed
}

@test "NV-097 NV-110 with a dummy for the way out the MTU and the sysctls are as everywhere" {
	needs dummy
	host bash -ec '
		ip link add way-out mtu 1400 type dummy
		ip address add 192.0.2.1/24 dev way-out
		ip link set way-out up
		ip route add default via 192.0.2.2'
	# new bridge: option, default route; existing bridge: option, its own.
	local expected bridge options made
	while read -r expected bridge options; do
		# Set when it exists, or it would follow its ports.
		[[ $bridge == new ]] || host bash -c "ip link add br-web type bridge; ip link set br-web mtu $bridge"
		document one "net.options = $options"
		attach c1
		made=$(host ip -j link | jq -c '[.[] | select(.ifname == ("br-web", "veth0")).mtu]')
		equal "$bridge $options: $made" "$bridge $options: $expected"
		[[ $bridge != new ]] || equal "$(host_sysctl ipv4/conf/br-web/rp_filter)$(host_sysctl ipv6/conf/br-web/accept_ra)" 20
		detach c1
	done <<-'END'
		[1450,1450] new {"mtu":"1450"}
		[1400,1400] new {}
		[1350,1280] 1350 {"mtu":"1280"}
		[1350,1350] 1350 {}
	END
	host ip route delete default
	document one
	attach c1
	equal "$(detail br-web .mtu) $(detail veth0 .mtu)" "1500 1500"
}
