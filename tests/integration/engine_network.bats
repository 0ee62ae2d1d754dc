#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # expanded in containers

load engine

# up NAME OPTION... — a container that waits.
up() {
	engine run -d --name "$1" "${@:2}" --rootfs "$ROOTFS" sleep 100 >/dev/null
}

# serving NAME OPTION... — one that serves its name on TCP port 80 and UDP port 53, on both families.
serving() {
	engine run -d --name "$1" "${@:2}" --rootfs "$ROOTFS" \
		sh -c "mkdir -p /tmp/$1; echo $1 >/tmp/$1/index.html; exec httpd -f -p 80 -h /tmp/$1" >/dev/null
	until engine exec "$1" wget -q -O - http://127.0.0.1/ >/dev/null 2>&1; do sleep 0.02; done
}

# fetch_outside HOST:PORT
fetch_outside() {
	on outside timeout 5 busybox wget -q -O - "http://$1/"
}

# lookup CONTAINER NAME — the addresses that it finds, on one line.
lookup() {
	engine exec "$1" nslookup "$2" 2>/dev/null | awk '/^Name:/ { a = 1 } a && /^Address/ { print $NF }' | sort -u | paste -s -d ' '
}

@test "two networks: interfaces in order, addresses of both families, routes, names (EN-050, EN-061)" {
	network one 1
	network two 2
	up c --network two --network one
	equal "$(engine exec c ip -o addr | awk '$2 ~ /eth/ && $4 !~ /^fe80/ { print $2, $4 }' | paste -s -d ' ')" \
		"eth0 10.92.0.2/24 eth0 fd92::2/64 eth1 10.91.0.2/24 eth1 fd91::2/64"
	equal "$(engine exec c ip route | grep -c '^default')" 2
	equal "$(engine exec c cat /etc/resolv.conf)" \
		$'search dns.podman\nnameserver 10.92.0.1\nnameserver fd92::1\nnameserver 10.91.0.1'
	local id before
	id=$(field c .Id)
	before=$(host sha256sum "/run/tjalk/containers/$id/net.json")
	host jq -c . "/run/tjalk/containers/$id/net.json" | valid netavark-request
	engine exec c true
	equal "$(host sha256sum "/run/tjalk/containers/$id/net.json")" "$before"
	engine rm -f c
}

@test "static addresses and Ethernet address; conflicts and foreign ones are refused, nothing is left (EN-051)" {
	network one 1
	before
	up c --network one:ip=10.91.0.77,ip6=fd91::77,mac=02:11:22:33:44:55
	equal "$(field c '.NetworkSettings.Networks.one | "\(.IPAddress) \(.GlobalIPv6Address) \(.MacAddress)"')" \
		"10.91.0.77 fd91::77 02:11:22:33:44:55"
	tjalk run --rm --network one --ip 10.91.0.77 --rootfs "$ROOTFS" true
	equal "$status $stderr" "125 Error: network one: the address 10.91.0.77 is in use by the container c"
	tjalk run --rm --network one --ip 10.92.0.7 --rootfs "$ROOTFS" true
	equal "$status" 125
	[[ $stderr == *"not all static IPs matched a subnet"* ]]
	tjalk run --rm --network one --ip 10.92.0.700 --rootfs "$ROOTFS" true
	equal "$status $stderr" '125 Error: --ip: "10.92.0.700" is not an IPv4 address'
	tjalk run --rm --network one --mac-address nonsense --rootfs "$ROOTFS" true
	equal "$status $stderr" '125 Error: --mac-address: "nonsense" is not an Ethernet address'
	engine rm -f c
	clean
}

@test "names, aliases and short ids resolve in a common network, nowhere else, and only while it runs (EN-052)" {
	network one 1
	network two 2
	up a --network one:alias=front
	up b --network one
	up c --network two
	local id
	id=$(field a .Id)
	equal "$(lookup b a.dns.podman)" "10.91.0.2 fd91::2"
	equal "$(lookup b front.dns.podman)" "10.91.0.2 fd91::2"
	equal "$(lookup b "${id:0:12}.dns.podman")" "10.91.0.2 fd91::2"
	equal "$(lookup c a.dns.podman)" ""
	engine stop -t 0 a
	equal "$(lookup b a.dns.podman)" ""
	engine rm -f -a
}

@test "published ports: from outside and from the host, both families; a second one is told (EN-053, EN-054, EN-062)" {
	network one 1
	connect_outside
	before
	serving a --network one -p 8080:80 -p 127.0.0.1:8090:80 -p 80/tcp
	equal "$(fetch_outside 198.51.100.1:8080)" a
	equal "$(fetch_outside '[2001:db8:1::1]:8080')" a
	equal "$(host timeout 5 busybox wget -q -O - http://127.0.0.1:8090/)" a
	run fetch_outside 198.51.100.1:8090
	((status != 0))
	local free
	free=$(engine port a 80/tcp | sed -n '3s/.*://p')
	equal "$(fetch_outside "198.51.100.1:$free")" a
	equal "$(engine port a | head -n 1)" "80/tcp -> 0.0.0.0:8080"
	tjalk run --rm --network one -p 8080:80 --rootfs "$ROOTFS" true
	equal "$status" 125
	[[ $stderr == *":8080/tcp: address already in use" ]]
	run host socat -u TCP4-LISTEN:8080,reuseaddr -
	((status != 0))
	run host socat -u TCP6-LISTEN:8080,reuseaddr,ipv6only=1 -
	((status != 0))
	engine stop -t 0 a
	run host timeout 0.2 socat -u TCP4-LISTEN:8080 -
	equal "$status" 124
	engine start a
	equal "$(engine port a 80/tcp | sed -n '3s/.*://p')" "$free"
	engine rm -f a
	tjalk run --rm --network one -p 80:90/icmp --rootfs "$ROOTFS" true
	equal "$stderr" 'Error: port "80:90/icmp": the protocol must be tcp, udp or sctp'
	clean
}

@test "connect and disconnect while it runs: interface, address, names, hosts; the others keep theirs (EN-055)" {
	network one 1
	network two 2
	up a --network one
	up b --network two
	engine exec a sh -c '/bin/ping -i 0.2 10.91.0.1 >/tmp/pings & echo $! >/tmp/pid'
	run -0 engine network connect --alias late two a
	equal "$(engine exec a ip -o addr show dev eth1 | awk '$4 !~ /^fe80/ { print $4 }' | paste -s -d ' ')" "10.92.0.3/24 fd92::3/64"
	equal "$(lookup b late.dns.podman)" "10.92.0.3 fd92::3"
	engine exec a grep -q '^10.92.0.3' /etc/hosts
	equal "$(field a '.NetworkSettings.Networks | keys_unsorted | join(" ")')" "one two"
	tjalk network connect two a
	equal "$status" 125
	run -0 engine network disconnect two a
	run engine exec a ip link show eth1
	((status != 0))
	run engine exec a grep '^10.92.0.3' /etc/hosts
	((status != 0))
	equal "$(lookup b late.dns.podman)" ""
	engine exec a sh -c 'kill -0 $(cat /tmp/pid); /bin/ping -c 1 -W 2 10.91.0.1 >/dev/null'
	run -0 engine network disconnect one a
	run -0 engine network connect one a
	equal "$(engine exec a ip -o -4 addr show dev eth0 | wc -l)" 1
	engine rm -f a b
	# One that does not run remembers it.
	engine create --name s --network one --rootfs "$ROOTFS" sleep 100
	run -0 engine network connect --ip 10.92.0.9 two s
	engine start s
	equal "$(field s .NetworkSettings.Networks.two.IPAddress)" 10.92.0.9
	engine rm -f s
	host rm -f "$ROOTFS"/tmp/{pings,pid}
}

@test "reload brings back what something else has flushed (EN-056)" {
	network one 1
	connect_outside
	serving a --network one -p 8080:80
	host nft flush ruleset
	run fetch_outside 198.51.100.1:8080
	((status != 0))
	run -0 engine network reload a
	equal "$(fetch_outside 198.51.100.1:8080)" a
	engine rm -f a
}

@test "the host has a name in the container, also for --add-host (EN-057)" {
	network one 1
	host sh -c 'mkdir /run/www; echo host >/run/www/index.html; busybox httpd -p 8099 -h /run/www'
	up a --network one --add-host gate:host-gateway --add-host x:192.0.2.9
	equal "$(engine exec a wget -q -O - http://host.containers.internal:8099/)" host
	equal "$(engine exec a wget -q -O - http://gate:8099/)" host
	engine exec a grep -qx '192.0.2.9	x' /etc/hosts
	engine rm -f a
	tjalk run --rm --network none --add-host gate:host-gateway --rootfs "$ROOTFS" true
	equal "$status" 125
}

@test "resolv.conf: no duplicates, no loopback servers, what the options say (EN-058)" {
	local conf=$BATS_TEST_TMPDIR/resolv.conf
	printf '%s\n' 'search a.example b.example' 'nameserver 127.0.0.1' 'nameserver 192.0.2.1' 'nameserver 192.0.2.1' >"$conf"
	host mount --bind "$conf" "$(realpath /etc/resolv.conf)"
	run -0 engine run --rm --network none --rootfs "$ROOTFS" cat /etc/resolv.conf
	equal "$output" $'search a.example b.example\nnameserver 192.0.2.1'
	run -0 engine run --rm --network none --dns 192.0.2.7 --dns-search x.example --dns-option ndots:2 --rootfs "$ROOTFS" cat /etc/resolv.conf
	equal "$output" $'search x.example\nnameserver 192.0.2.7\noptions ndots:2'
	printf '%s\n' 'nameserver 127.0.0.53' >"$conf"
	host sh -c 'mkdir -p /run/systemd/resolve; echo nameserver 192.0.2.8 >/run/systemd/resolve/resolv.conf'
	run -0 engine run --rm --network none --dns-search . --rootfs "$ROOTFS" cat /etc/resolv.conf
	equal "$output" "nameserver 192.0.2.8"
}

@test "network rm, prune, and a broken definition that disturbs nobody (EN-059)" {
	run -0 engine network create --ipv6 --subnet 10.95.0.0/24 --subnet fd95::/64 mine
	equal "$output" mine
	host jq -c 'del(.containers)' "$STORE/etc/networks/mine.json" | valid netavark-network
	run -0 engine network create
	equal "$output" network1
	up a --network mine
	tjalk network rm mine
	equal "$status" 2
	[[ $stderr == *"is used by the container a"* ]]
	host sh -c "echo '{' >$STORE/etc/networks/broken.json"
	tjalk network ls -q
	equal "$output" $'mine\nnetwork1'
	[[ $stderr == *"broken.json"* ]]
	run -0 engine exec a true
	tjalk network inspect broken
	equal "$status" 125
	[[ $stderr == *"broken.json: line 2"* ]]
	host rm "$STORE/etc/networks/broken.json"
	equal "$(engine network inspect mine | jq -r '.[0].containers[].name')" a
	run -0 engine network prune
	equal "$output" network1
	run -0 engine network exists mine
	run -1 engine network exists network1
	run -0 engine network rm -f mine
	run -1 engine container exists a
	tjalk network create --subnet 10.95.0.0/33 bad
	equal "$status" 125
	run -1 engine network exists bad
}

@test "the network of another container, of a path, none, and the host's (EN-060)" {
	network one 1
	up a --network one
	run -0 engine run --rm --network container:a --rootfs "$ROOTFS" sh -c 'ip -o -4 addr show dev eth0; grep -c 10.91.0.2 /etc/hosts'
	[[ $output == *"10.91.0.2/24"*$'\n1' ]]
	run -0 engine run --rm --network ns:/run/netns/c1 --rootfs "$ROOTFS" readlink /proc/self/ns/net
	equal "$output" "$(on c1 readlink /proc/self/ns/net)"
	run -0 engine run --rm --network none --rootfs "$ROOTFS" sh -c 'ip -o link | wc -l; /bin/ping -c 1 127.0.0.1 >/dev/null && echo up'
	equal "$output" $'1\nup'
	run -0 engine run --rm --network host --rootfs "$ROOTFS" readlink /proc/self/ns/net
	equal "$output" "$(host readlink /proc/self/ns/net)"
	engine stop -t 0 a
	tjalk run --rm --network container:a --rootfs "$ROOTFS" true
	equal "$status $stderr" "125 Error: --net: the container a does not run"
	tjalk run --rm --network nosuch --rootfs "$ROOTFS" true
	equal "$status $stderr" "125 Error: no such network: nosuch"
}

@test "macvlan on an interface of the host (EN-063)" {
	connect_outside
	run -0 engine network create -d macvlan -o parent=uplink --subnet 198.51.100.0/24 wire
	run -0 engine run --rm --network wire:ip=198.51.100.9 --rootfs "$ROOTFS" ping -c 1 -W 2 198.51.100.2
}
