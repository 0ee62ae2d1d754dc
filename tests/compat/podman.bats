#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's own Podman with our two programs. NV-… and AV-… are the promises each test keeps.
# NETAVARK=/usr/lib/podman/netavark AARDVARK=/usr/lib/podman/aardvark-dns bats tests/compat/podman.bats
# runs the same scenarios with the programs of the distribution.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own
load podman

setup() {
	[[ -z $OBSTACLE ]] || skip "Podman cannot run here: $OBSTACLE"
	podman network create --ipv6 --subnet 10.77.1.0/24 --subnet fd77:1::/64 blue
	podman network create --ipv6 --subnet 10.77.2.0/24 --subnet fd77:2::/64 green
	BEFORE=$(host_state)
}

teardown() {
	[[ -z $OBSTACLE ]] || return 0
	[[ ${BATS_TEST_COMPLETED-} == 1 || -n ${BATS_TEST_SKIPPED-} ]] || dump
	podman rm --all --force --time 0
	podman network prune --force
}

@test "NV-314 podman info names netavark, and the program states a version Podman can show" {
	same "$(podman info --format '{{.Host.NetworkBackend}}')" netavark
	run inside "$NETAVARK" --version
	[[ $output =~ ^netavark\ [0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9]+)?$ ]]
	# Podman 4.3 shows the name of the backend only, later ones the line above as well.
	shown=$(podman info --format json | jq -r '.host.networkBackendInfo.version // empty')
	[[ -z $shown ]] || same "$shown" "$output"
}

@test "NV-310 AV-182 two containers find each other by name, alias, short id and host name, in both families" {
	container web --network blue:alias=frontend --hostname www
	container db --network blue:alias=store
	web4=$(address4 web blue) web6=$(address6 web blue)
	db4=$(address4 db blue) db6=$(address6 db blue)
	id=$(podman inspect --format '{{.Id}}' db)
	for name in db store "${id:0:12}" db.dns.podman; do
		same "$(lookup web "$name" a)" "$db4"
		same "$(lookup web "$name" aaaa)" "$db6"
	done
	for name in web frontend; do
		same "$(lookup db "$name" a)" "$web4"
		same "$(lookup db "$name" aaaa)" "$web6"
	done
	same "$(fetch_from web db)" db
	same "$(fetch_from db frontend)" web
	same "$(fetch_from db "[$web6]")" web
}

@test "AV-182 the name server answers on both gateways, and in reverse" {
	container web --network blue
	container db --network blue
	same "$(lookup web db a 10.77.1.1)" "$(address4 db blue)"
	same "$(lookup web db aaaa fd77:1::1)" "$(address6 db blue)"
	[[ $(podman exec web nslookup "$(address4 db blue)") == *"name = db"* ]]
	[[ $(podman exec web nslookup "$(address6 db blue)") == *"name = db"* ]]
}

@test "NV-310 published TCP and UDP ports are reached from outside and from the host, in both families" {
	container web --network blue --publish 8080:80/tcp --publish 5300:53/udp
	serve_udp web 53
	same "$(fetch 198.51.100.1:8080)" web
	same "$(fetch '[2001:db8:1::1]:8080')" web
	same "$(ask_udp 198.51.100.1 5300)" web
	same "$(ask_udp 2001:db8:1::1 5300)" web
	same "$(inside timeout 5 busybox wget -q -O - http://127.0.0.1:8080/)" web
	same "$(inside timeout 5 busybox wget -q -O - http://198.51.100.1:8080/)" web
}

@test "NV-310 a port published on one address is closed on the others" {
	container web --network blue --publish 198.51.100.1:8080:80
	same "$(fetch 198.51.100.1:8080)" web
	run fetch '[2001:db8:1::1]:8080'
	[[ $status -ne 0 ]]
}

@test "NV-312 network reload prints only the container's id and changes nothing" {
	container web --network blue --publish 8080:80
	id=$(podman inspect --format '{{.Id}}' web)
	before="$(kernel_addresses web eth0) $(mac web blue)"
	reload_prints "$id" web
	same "$(kernel_addresses web eth0) $(mac web blue)" "$before"
	same "$(fetch 198.51.100.1:8080)" web
	same "$(fetch '[2001:db8:1::1]:8080')" web
}

@test "NV-312 FW-085 after nft flush ruleset, network reload brings the port back and prints only the id" {
	! netavark_1 || skip "netavark 1.x with iptables reports missing chains as errors"
	container web --network blue --publish 8080:80
	id=$(podman inspect --format '{{.Id}}' web)
	before="$(kernel_addresses web eth0) $(mac web blue)"
	inside nft flush ruleset
	run outside timeout 1 busybox wget -q -O - http://198.51.100.1:8080/
	[[ $status -ne 0 ]]
	reload_prints "$id" --all
	same "$(kernel_addresses web eth0) $(mac web blue)" "$before"
	same "$(fetch 198.51.100.1:8080)" web
	same "$(fetch '[2001:db8:1::1]:8080')" web
}

@test "NV-310 AV-182 network connect and disconnect work on a running container" {
	container web --network blue --publish 8080:80
	container db --network green
	podman network connect --alias frontend green web
	[[ $(kernel_addresses web eth1) == *" 10.77.2."*" fd77:2::"* ]]
	same "$(lookup db frontend a)" "$(address4 web green)"
	same "$(fetch_from db frontend)" web
	same "$(fetch 198.51.100.1:8080)" web

	podman network disconnect green web
	run in_netns_of web ip link show dev eth1
	[[ $status -ne 0 ]]
	same "$(lookup db frontend.dns.podman a)" ""
	[[ $(kernel_addresses web eth0) == *" 10.77.1."* ]]
	same "$(fetch 198.51.100.1:8080)" web
}

@test "NV-310 a static address of each family and a static MAC are what the container gets" {
	container web --network blue:ip=10.77.1.40,ip6=fd77:1::40,mac=02:42:0a:4d:01:28
	[[ $(kernel_addresses web eth0) == *" 10.77.1.40/24 fd77:1::40/64"* ]]
	[[ $(in_netns_of web ip link show dev eth0) == *" 02:42:0a:4d:01:28 "* ]]
	same "$(mac web blue)" 02:42:0a:4d:01:28
}

@test "NV-310 a container on two networks has both interfaces, both name services and its port" {
	container both --network blue:interface_name=one --network green:interface_name=two --publish 8080:80
	container web --network blue
	container db --network green
	[[ $(kernel_addresses both one) == *" 10.77.1."*" fd77:1::"* ]]
	[[ $(kernel_addresses both two) == *" 10.77.2."*" fd77:2::"* ]]
	same "$(lookup web both a)" "$(address4 both blue)"
	same "$(lookup db both a)" "$(address4 both green)"
	# Either network's server knows the names of all networks that the asking container is on.
	same "$(lookup both web a 10.77.2.1)" "$(address4 web blue)"
	same "$(lookup both db aaaa 10.77.1.1)" "$(address6 db green)"
	same "$(fetch_from both web)" web
	same "$(fetch_from both db)" db
	same "$(fetch 198.51.100.1:8080)" both
}

@test "NV-316 two ordinary networks of this Podman can talk to each other" {
	! podman_is_at_least 6 || skip "Podman 6 isolates them: see podman_create.bats"
	container web --network blue
	container db --network green
	same "$(fetch_from web "$(address4 db green)")" db
	same "$(fetch_from db "[$(address6 web blue)]")" web
}

@test "NV-310 an internal network has names but no way out" {
	podman network create --internal --subnet 10.77.3.0/24 closed
	container web --network closed
	container db --network closed
	same "$(fetch_from web "$(address4 db closed)")" db
	same "$(in_netns_of web ip route show default)" ""
	podman rm --force --time 0 web db
	podman network rm closed
}

@test "NV-310 stop gives everything back, start sets it up again" {
	container web --network blue --publish 8080:80
	podman stop --time 0 web
	run fetch 198.51.100.1:8080
	[[ $status -ne 0 ]]
	podman start web
	wait_for "web to listen" listens web t 80
	same "$(fetch 198.51.100.1:8080)" web
}

@test "NV-310 the default network podman works, with a port" {
	container web --publish 8080:80
	[[ $(kernel_addresses web eth0) == *" 10.88."* ]]
	same "$(fetch 198.51.100.1:8080)" web
}

@test "NV-130 NV-310 BU-086 a container on a macvlan is a neighbour of the machine outside, also one that remembers another" {
	podman network create --driver macvlan --opt parent=uplink --subnet 198.51.100.0/24 --gateway 198.51.100.2 lan
	BEFORE=$(host_state)
	outside ip neighbour replace 198.51.100.77 lladdr 02:00:00:00:00:99 dev eth0 nud reachable
	container web --network lan:ip=198.51.100.77,mac=02:00:00:00:00:77
	same "$(kernel_addresses web eth0)" " 198.51.100.77/24"
	same "$(mac web lan)" 02:00:00:00:00:77
	same "$(in_netns_of web ip route show default)" "default via 198.51.100.2 dev eth0 proto static metric $(netavark_1 && echo 100 || echo 99) "
	netavark_1 || same "$(fetch 198.51.100.77)" web
	podman rm --force --time 0 web
	wait_for "the host to be as before" as_before
	podman network rm lan
}

@test "NV-310 Podman shows our error text when a set-up fails, and nothing stays behind" {
	interface=$(podman network inspect blue --format '{{.NetworkInterface}}')
	inside ip link add "$interface" type veth peer name thorn
	run podman run --rm --network blue box sh -c true
	inside ip link delete "$interface"
	[[ $status -ne 0 ]]
	[[ $output == *"netavark: "*"$interface"* ]]
	same "$(host_state)" "$BEFORE"
}

@test "NV-310 AV-182 after rm -f of all nothing is left: links, rules, DNS server and its files, ports" {
	container web --network blue --publish 8080:80 --publish 5300:53/udp
	container db --network blue --network green --publish 8081:80
	[[ -n $(inside pgrep -x aardvark-dns) ]]
	podman rm --force --time 0 web db
	wait_for "the DNS server to go" dns_gone
	wait_for "the host to be as before" as_before
	same "$(host_state)" "$BEFORE"
}

dns_gone() {
	! inside pgrep -x aardvark-dns
}

as_before() {
	[[ $(host_state) == "$BEFORE" ]]
}
