#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lists of options are meant to be split, eval expands its text later, and bats runs each test in a
# process of its own.
# shellcheck disable=SC2086,SC2016,SC2030,SC2031

load aardvark

@test "AV-080 AV-087 AV-093 names and addresses, over every listener and transport" {
	usual_network
	start
	for server in 10.89.0.1 fd00:89::1; do
		for transport in +notcp +tcp; do
			equal "$(ask_short $transport @$server db)" 10.89.0.2
			equal "$(ask_short $transport @$server ALIAS.dns.Podman AAAA)" fd00:89::2
			equal "$(ask_short $transport @$server -x 10.89.0.2 | tr '\n' ' ')" "db. alias. "
			equal "$(ask_short $transport @$server -x fd00:89::2 | tr '\n' ' ')" "db. alias. "
		done
	done
}

@test "AV-083 AV-084 BU-053 nothing about local names leaves" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	start
	for type in MX TXT SRV HTTPS ANY SOA NS DS TYPE65280; do
		equal "$(ask_code +notcp @10.89.0.1 db "$type")" NOERROR
		equal "$(ask_code +notcp @10.89.0.1 db.dns.podman "$type")" NOERROR
		equal "$(ask_code +notcp @10.89.0.1 no.DNS.podman "$type")" NXDOMAIN
	done
	equal "$(recorded)" ""
	equal "$(ask_short @10.89.0.1 no)" 127.0.0.10
}

@test "who comes by way of a router is refused" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	start
	container 10.89.0.50/24 fd00:89::50/64
	host ip link add far type veth peer name eth1 netns "$CONTAINER"
	host ip address add 192.0.2.1/24 dev far
	host ip link set far up
	inside ip address add 192.0.2.7/24 dev eth1
	inside ip link set eth1 up
	inside ip route add 10.89.9.0/24 via 192.0.2.1
	local answer
	for transport in +notcp +tcp; do
		# A neighbour, by both families.
		equal "$(inside dig +short +tries=1 $transport @10.89.0.1 db)" 10.89.0.2
		equal "$(inside dig +short +tries=1 $transport @fd00:89::1 db AAAA)" fd00:89::2
		for name in db x.test; do
			answer=$(inside dig +tries=1 $transport -b 192.0.2.7 @10.89.0.1 $name)
			[[ $answer == *"status: REFUSED"* && $answer == *"ANSWER: 0"* ]]
		done
	done
	equal "$(recorded)" ""
	# Known containers of other networks may come from anywhere.
	printf '10.77.0.1\nid7 192.0.2.7  far\n' >"$CONF/far"
	reload
	wait_for eval '[ "$(inside dig +short +tries=1 -b 192.0.2.7 @10.89.0.1 far)" = 192.0.2.7 ]'
}

@test "AV-097 an address that goes and comes back is served again" {
	usual_network
	start
	host ip address del 10.89.0.1/24 dev br0
	bridge_address 10.89.0.1/24
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
}

@test "AV-107 random datagrams do no harm" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	start
	host python3 - <<-'EOF'
		import random, socket
		random.seed(7)
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.connect(("10.89.0.1", 53))
		head = b"\0\1\1\0\0\1\0\0\0\0\0\1\2db\0\0\1\0\1"
		for i in range(20000):
		    data = bytearray(head + random.randbytes(random.randrange(40)))
		    for _ in range(random.randrange(4)):
		        data[random.randrange(len(data))] = random.randrange(256)
		    s.send(bytes(data) if i % 2 else random.randbytes(random.randrange(600)))
	EOF
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	equal "$(server_pid)" "$PID"
}

@test "AV-108 replies leave with the address that was asked" {
	usual_network
	bridge_address 10.89.0.7/24 fd00:89::7/64
	sed -i '1s/.*/0.0.0.0,::/' "$CONF/web"
	start
	for server in 10.89.0.1 10.89.0.7 127.0.0.1 fd00:89::1 fd00:89::7; do
		equal "$(ask_short @$server db)" 10.89.0.2 # dig checks the source
		equal "$(ask_short +tcp @$server db)" 10.89.0.2
	done
}

@test "AV-155 an idle server sleeps" {
	usual_network
	start
	local before after
	ask_short @10.89.0.1 db
	before=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$PID/status")
	sleep 1 # the time in which it would wake up
	after=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$PID/status")
	((after - before <= 1))
}
