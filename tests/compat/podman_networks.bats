#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kinds of networks and the ways of running containers that Podman knows beyond the ordinary bridge, with
# our two programs. Which Podman it is: see podman.bash.

load podman

setup() {
	[[ -z $OBSTACLE ]] || skip "Podman cannot run here: $OBSTACLE"
	BEFORE=$(host_state)
}

teardown() {
	[[ -z $OBSTACLE ]] || return 0
	[[ ${BATS_TEST_COMPLETED-} == 1 || -n ${BATS_TEST_SKIPPED-} ]] || dump
	podman pod rm --all --force --time 0
	podman rm --all --force --time 0
	podman network prune --force
}

# Everything is removed, and nothing is left.
all_gone() {
	podman rm --all --force --time 0
	podman network prune --force
	wait_for "the host to be as before" as_before
	same "$(host_state)" "$BEFORE"
}

as_before() {
	[[ $(host_state) == "$BEFORE" ]]
}

unreachable() {
	run "$@"
	[[ $status -ne 0 ]]
}

@test "NV-310 NV-130 a macvlan network puts the container on the cable of its parent" {
	podman network create --driver macvlan --opt parent=uplink --subnet 198.51.100.0/24 \
		--gateway 198.51.100.2 cable
	container web --network cable:ip=198.51.100.40
	[[ $(kernel_addresses web eth0) == *" 198.51.100.40/24"* ]]
	same "$(in_netns_of web ip -json -details link show dev eth0 | jq -r '.[0].linkinfo.info_kind')" macvlan
	same "$(fetch 198.51.100.40)" web
	in_netns_of web ping -c 1 -W 5 198.51.100.2
	all_gone
}

@test "NV-310 on an internal network names work, but no route leads out and no port is published" {
	podman network create --internal --subnet 10.77.3.0/24 closed
	container web --network closed --publish 8080:80
	container db --network closed
	same "$(fetch_from web db)" db
	same "$(in_netns_of web ip route show default)" ""
	unreachable outside timeout 2 busybox wget -q -O - http://198.51.100.1:8080/
	all_gone
}

@test "NV-310 FW-093 isolated networks do not reach each other, except through published ports" {
	podman network create --opt isolate=true --subnet 10.77.4.0/24 apart1
	podman network create --opt isolate=true --subnet 10.77.5.0/24 apart2
	podman network create --subnet 10.77.6.0/24 common
	container one --network apart1 --publish 8080:80
	container two --network apart2
	container three --network common
	unreachable podman exec two timeout 2 wget -q -O - "http://$(address4 one apart1)/"
	unreachable podman exec one timeout 2 wget -q -O - "http://$(address4 two apart2)/"
	same "$(fetch_from two 198.51.100.1:8080)" one
	same "$(fetch 198.51.100.1:8080)" one
	all_gone
}

@test "NV-310 NV-160 a route of the network stands in the container" {
	[[ $(podman network create --help) == *--route* ]] || skip "this Podman knows no routes"
	podman network create --subnet 10.77.7.0/24 --route 10.200.0.0/16,10.77.7.77,55 routed
	container web --network routed
	[[ $(in_netns_of web ip route) == *"10.200.0.0/16 via 10.77.7.77 dev eth0 proto static metric 55"* ]]
	all_gone
}

@test "NV-310 addresses come from the range that the network was given" {
	podman network create --subnet 10.77.8.0/24 --ip-range 10.77.8.128/25 narrow
	container web --network narrow
	container db --network narrow
	for name in web db; do
		address=$(address4 "$name" narrow)
		[[ $address == 10.77.8.* && ${address##*.} -ge 128 ]]
	done
	same "$(fetch_from web db)" db
	all_gone
}

@test "NV-310 a container's own DNS servers are asked for names from outside" {
	podman network create --subnet 10.77.9.0/24 asked
	container web --network asked --dns 198.51.100.53
	container db --network asked
	if podman_is_at_least 4.4; then
		line=$(inside cat "$CONFIG/aardvark-dns/asked" | grep -w web)
		[[ $line == *" 198.51.100.53" ]]
		same "$(fetch_from web db)" db
	else
		# It tells the container alone.
		[[ $(podman exec web cat /etc/resolv.conf) == *"nameserver 198.51.100.53"* ]]
	fi
	all_gone
}

@test "NV-310 NV-260 the DNS servers of a running network are changed by network update" {
	podman_is_at_least 4.4 || skip "this Podman has no network update"
	podman network create --subnet 10.77.9.0/24 asked
	container web --network asked
	pid=$(inside pgrep -x aardvark-dns)
	podman network update --dns-add 198.51.100.53 asked
	same "$(inside head -n 1 "$CONFIG/aardvark-dns/asked")" "10.77.9.1 198.51.100.53"
	podman network update --dns-drop 198.51.100.53 asked
	same "$(inside head -n 1 "$CONFIG/aardvark-dns/asked")" "10.77.9.1"
	same "$(inside pgrep -x aardvark-dns)" "$pid"
	all_gone
}

@test "NV-310 the containers of a pod share its network, name and port" {
	podman network create --subnet 10.77.10.0/24 podnet
	podman pod create --name pod --network podnet --publish 8080:80 --infra-image box --infra-command /bin/pause
	for member in one two; do
		podman run --detach --pod pod --name "$member" --env NAME="$member" --env PORT="$([[ $member == one ]] && echo 80 || echo 81)" \
			box sh -c 'echo "$NAME" >/www/index.html; exec httpd -f -p "$PORT" -h /www'
	done
	wait_for "one to listen" listens one t 80
	wait_for "two to listen" listens two t 81
	container other --network podnet
	same "$(fetch 198.51.100.1:8080)" one
	same "$(fetch_from two localhost)" one
	same "$(fetch_from one localhost:81)" two
	same "$(fetch_from other pod)" one
	same "$(fetch_from other pod:81)" two
	same "$(fetch_from two other)" other
	podman pod rm --force --time 0 pod
	all_gone
}

@test "NV-310 NV-152 NV-153 a plugin gives an interface of the host to a container, and takes it back" {
	podman_is_at_least 4.5 || skip "no plugin drivers before Podman 4.5"
	inside ip link add card0 type veth peer name far netns outside
	inside ip address add 203.0.113.1/24 dev card0
	inside ip link set card0 up
	outside ip address add 203.0.113.2/24 dev far
	outside ip link set far up
	podman network create --driver host-device --interface-name card0 card
	same "$(podman network inspect card | jq -c '.[0] | [.driver, .network_interface, .dns_enabled, .subnets]')" \
		'["host-device","card0",false,null]'
	container web --network card:interface_name=net0
	[[ $(kernel_addresses web net0) == *" 203.0.113.1/24"* ]]
	same "$(fetch 203.0.113.1)" web
	unreachable inside ip link show dev card0
	podman rm --force --time 0 web
	[[ $(inside ip -4 -oneline address show dev card0) == *" 203.0.113.1/24 "* ]]
	inside ip link delete card0
	all_gone
}

@test "NV-310 ten containers are started and stopped at once" {
	podman network create --ipv6 --subnet 10.77.11.0/24 --subnet fd77:b::/64 crowd
	pids=()
	for i in 0 1 2 3 4 5 6 7 8 9; do
		podman run --detach --name "c$i" --network crowd --publish "810$i:80" --env NAME="c$i" box \
			sh -c 'echo "$NAME" >/www/index.html; exec httpd -f -p 80 -h /www' &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	for i in 0 1 2 3 4 5 6 7 8 9; do
		wait_for "c$i to listen" listens "c$i" t 80
		same "$(fetch "198.51.100.1:810$i")" "c$i"
		same "$(fetch "[2001:db8:1::1]:810$i")" "c$i"
	done
	same "$(fetch_from c0 c9)" c9
	same "$(inside pgrep -c -x aardvark-dns)" 1
	pids=()
	for i in 0 1 2 3 4 5 6 7 8 9; do
		podman stop --time 0 "c$i" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	all_gone
}
