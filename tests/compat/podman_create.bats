#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Podman 6, which leaves it to netavark what becomes of a network configuration, and which isolates networks.

load podman

setup_file() {
	OBSTACLE=$(podman_obstacle)
	export OBSTACLE
	if [[ -z $OBSTACLE ]]; then
		sandbox_start
		podman_configure
		podman_is_at_least 6 || OBSTACLE="it does not call netavark create before version 6"
	fi
}

setup() {
	[[ -z $OBSTACLE ]] || skip "not with this Podman: $OBSTACLE"
}

teardown() {
	[[ -z $OBSTACLE ]] || return 0
	[[ ${BATS_TEST_COMPLETED-} == 1 || -n ${BATS_TEST_SKIPPED-} ]] || dump
	podman rm --all --force --time 0
	podman network prune --force
}

# create OPTION... — makes the network "net"; network FILTER prints a part of it.
create() {
	podman network create "$@" net
}

network() {
	podman network inspect net | jq -c ".[0] | $1"
}

# refuses TEXT OPTION... — it is not made, and this is what the user reads.
refuses() {
	run podman network create "${@:2}" net
	[[ $status -ne 0 ]]
	[[ $output == *"$1"* ]] || same "$output" "$1"
}

@test "NV-311 NV-270 a network without options gets a bridge, a subnet of the pools and a gateway" {
	create
	same "$(network '[.driver, .network_interface, .subnets[0].subnet, .subnets[0].gateway, .dns_enabled, .internal, .ipam_options.driver]')" \
		'["bridge","podman1","10.89.0.0/24","10.89.0.1",true,false,"host-local"]'
	podman network create second
	same "$(podman network inspect second | jq -r '.[0].subnets[0].subnet')" 10.89.1.0/24
}

@test "NV-311 NV-275 NV-277 NV-281 subnets, gateways and ranges are kept, IPv6 is added" {
	create --subnet 10.77.1.0/24 --gateway 10.77.1.9 --ip-range 10.77.1.128/25
	same "$(network '.subnets')" \
		'[{"subnet":"10.77.1.0/24","gateway":"10.77.1.9","lease_range":{"start_ip":"10.77.1.129","end_ip":"10.77.1.255"}}]'
	podman network rm net
	create --ipv6
	[[ $(network '[.subnets[].subnet]') == '["10.89.0.0/24","fd'*'/64"]' ]]
	same "$(network .ipv6_enabled)" true
}

@test "NV-311 NV-283 NV-284 internal networks, DNS servers, no DNS" {
	create --internal --disable-dns
	same "$(network '[.internal, .dns_enabled, .subnets[0].gateway]')" '[true,false,null]'
	podman network rm net
	create --internal
	same "$(network '[.internal, .dns_enabled, .subnets[0].gateway]')" '[true,true,"10.89.0.1"]'
	podman network rm net
	create --dns 192.0.2.53 --dns 192.0.2.54
	same "$(network '.network_dns_servers')" '["192.0.2.53","192.0.2.54"]'
	podman network rm net
	refuses "cannot set NetworkDNSServers if DNS is not enabled for the network" --dns 192.0.2.53 --disable-dns
}

@test "NV-311 NV-285 NV-287 NV-292 NV-293 options, labels and routes are kept" {
	create --opt mtu=1400 --opt isolate=true --opt metric=55 --opt no_default_route=false --label a=b \
		--subnet 10.77.1.0/24 --route 10.98.0.0/16,10.77.1.77,5 --route 10.99.0.0/16,blackhole
	same "$(network '.options | [.mtu, .isolate, .metric]')" '["1400","true","55"]'
	same "$(network '.labels')" '{"a":"b"}'
	same "$(network '[.routes[] | [.destination, .gateway, .route_type]]')" \
		'[["10.98.0.0/16","10.77.1.77","unicast"],["10.99.0.0/16",null,"blackhole"]]'
}

@test "NV-311 NV-290 macvlan networks get DHCP without a subnet, host-local with one, and no DNS" {
	create --driver macvlan --interface-name uplink
	same "$(network '[.driver, .network_interface, .dns_enabled, .ipam_options.driver]')" '["macvlan","uplink",false,"dhcp"]'
	podman network rm net
	create --driver macvlan --opt parent=uplink --opt mode=private --opt bclim=-1 --subnet 10.77.1.0/24
	same "$(network '[.network_interface, .options.mode, .ipam_options.driver]')" '["uplink","private","host-local"]'
	podman network rm net
	refuses "parent interface nodev0 does not exist" --driver macvlan --opt parent=nodev0
	refuses "ipam driver dhcp is not supported with ipvlan" --driver ipvlan
}

@test "NV-311 NV-272 NV-278 NV-285 what cannot be is refused with a text that says why" {
	create --subnet 10.77.1.0/24
	refuses "netavark: network already exists net"
	run podman network create --subnet 10.77.1.128/25 other
	[[ $output == *"subnet 10.77.1.128/25 is already used on the host or by another config"* ]]
	run podman network create --opt nonsense=1 other
	[[ $output == *"unsupported bridge network option: nonsense"* ]]
	run podman network create --opt mtu=abc other
	[[ $output == *'unable to parse "mtu": invalid digit found in string'* ]]
	run podman network create --opt vlan=5000 other
	[[ $output == *"vlan must be between 0 and 4094"* ]]
	run podman network create 'a/b'
	[[ $output == *"must match"* ]]
	podman network create --ignore net
}

@test "NV-311 what create made works: names, a port, a changed DNS server" {
	create --ipv6
	container web --network net --publish 8080:80
	container db --network net
	same "$(fetch_from db web)" web
	same "$(fetch 198.51.100.1:8080)" web
	same "$(fetch '[2001:db8:1::1]:8080')" web
	podman network update --dns-add 198.51.100.53 net
	[[ $(inside head -n 1 "$CONFIG/aardvark-dns/net") == *" 198.51.100.53" ]]
}

@test "NV-313 interfaces are made in the order of the options" {
	podman network create n1
	podman network create n2
	container web --network n1:interface_name=first --network n2:interface_name=second
	same "$(in_netns_of web ip -json link | jq -c '[.[].ifname]')" '["lo","first","second"]'
	podman rm --force --time 0 web
	container web --network n2:interface_name=second --network n1:interface_name=first
	same "$(in_netns_of web ip -json link | jq -c '[.[].ifname]')" '["lo","second","first"]'
}

@test "NV-316 two ordinary networks of Podman 6 cannot talk to each other" {
	podman network create n1
	podman network create n2
	container web --network n1
	container db --network n2 --publish 8080:80
	run fetch_from web "$(address4 db n2)"
	[[ $status -ne 0 ]]
	same "$(fetch_from web 198.51.100.1:8080)" db
}
