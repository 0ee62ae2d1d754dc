#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# Where published ports stand: as rules in upstream's table, or in the maps of a table of their own.

load helpers

# Each element on a line of its own, in order.
map_elements() {
	host nft list table inet netavark-ports 2>/dev/null |
		grep -oE '([0-9a-f.:]+ \. )?(tcp|udp|sctp) \. [0-9]+ : [0-9a-f.:]+ \. [0-9]+' | sort || true
}

no_maps() {
	[[ $(host nft list tables) != *netavark-ports* ]]
}

port_rules() {
	nft_table | grep -c 'dnat ip6\? to' || true
}

layouts() {
	host bash -c 'cat "$1"/firewall/ports/*' - "$CONFIG" | jq -rs 'map(.extensions.nft_layout // "upstream") | join(" ")'
}

@test "FW-122 the map layout is the golden one; a reload converts it and back, and the default one is upstream's" {
	local maps
	export NETAVARK_DNS_PORT=5353
	NETAVARK_NFT_LAYOUT=map attach c1 "$GOLDEN/nft-input-b.json"
	maps=$(map_elements)
	equal "$(nft_table)" "$(sed '/^table inet netavark-ports/,$d' "$GOLDEN/nft-map.nft")"
	equal "$(host nft list table inet netavark-ports | normal_nft | grep -vE 'elements|\. [0-9]' )" \
		"$(sed -n '/^table inet netavark-ports/,$p' "$GOLDEN/nft-map.nft" | sed 's/hook output priority dstnat - 1/hook output priority -101/' | grep -vE 'elements|\. [0-9]')"
	equal "$maps" "$(grep -oE '([0-9.]+ \. )?(tcp|udp) \. [0-9]+ : [0-9a-f.:]+ \. [0-9]+' "$GOLDEN/nft-map.nft" | sort)"
	equal "$(layouts)" map
	# A reload keeps it, with a flush in between and without.
	netavark firewall-reload
	equal "$status$output$stderr $(map_elements)" "0 $maps"
	host nft flush ruleset
	netavark firewall-reload
	equal "$status$output$stderr $(map_elements) $(port_rules)" "0 $maps 2"
	NETAVARK_NFT_LAYOUT=upstream netavark firewall-reload
	equal "$status$output$stderr $(nft_table)" "0 $(<"$GOLDEN/nft-input-b.nft")"
	no_maps
	equal "$(layouts)" upstream
	NETAVARK_NFT_LAYOUT=map netavark firewall-reload
	equal "$status$output$stderr $(map_elements) $(port_rules)" "0 $maps 2"
	detach c1 "$GOLDEN/nft-input-b.json"
	equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
	no_maps
}

@test "up to 128 ports of the host are rules, those of a further container are in maps" {
	document few 'v4 | port(8000; 8000; "tcp") | .port_mappings[0].range = 100'
	attach c1
	equal "$(port_rules) $(layouts)" "100 upstream"
	document more 'number(2) | port(9000; 8000; "tcp") | .port_mappings[0].range = 20 | port(9100; 80; "udp")'
	attach c2
	equal "$(port_rules) $(layouts)" "100 upstream map"
	equal "$(map_elements | wc -l)" 42
	host nft flush ruleset
	netavark firewall-reload
	equal "$(port_rules) $(map_elements | wc -l)" "100 42"
	# A container alone with many is no different.
	detach c1 "${DOC/more/few}"
	equal "$(port_rules) $(map_elements | wc -l)" "0 42"
	detach c2
	equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
	no_maps
	document many 'port(8000; 8000; "tcp") | .port_mappings[0].range = 65'
	attach c1
	equal "$(port_rules) $(map_elements | wc -l)" "0 130"
}

@test "a teardown finds the ports wherever they are, also without a record" {
	local layout
	for layout in map upstream; do
		document one 'port(8080; 80; "tcp")'
		NETAVARK_NFT_LAYOUT=$layout attach c1
		document two 'number(2) | port(8081; 80; "tcp")'
		NETAVARK_NFT_LAYOUT=map attach c2
		rm "$CONFIG"/firewall/ports/*
		detach c1 "${DOC/two/one}"
		equal "$(map_elements)" $'tcp . 8081 : 10.71.0.12 . 80\ntcp . 8081 : fd71:5:9::12 . 80'
		equal "$(port_rules)" 0
		detach c2
		equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
		no_maps
	done
}

@test "of two that want the same port in maps the first one keeps it; a leftover goes" {
	export NETAVARK_NFT_LAYOUT=map
	document one 'v4 | port(8080; 80; "tcp")'
	attach c1
	document two 'second | .networks |= {back} | .container_id = "c2" | port(8080; 90; "tcp")'
	RUST_LOG=warn netavark -f "$DOC" setup /run/netns/c2
	equal "$status" 0
	[[ $stderr == *"host port 8080 is already forwarded to 10.71.0.11"* ]]
	equal "$(map_elements)" "tcp . 8080 : 10.71.0.11 . 80"
	detach c2
	equal "$(map_elements)" "tcp . 8080 : 10.71.0.11 . 80"
	rm "$CONFIG"/firewall/ports/*
	attach c2
	equal "$(map_elements)" "tcp . 8080 : 10.72.0.11 . 90"
}

@test "a setup that fails later takes its ports out of the maps again" {
	export NETAVARK_NFT_LAYOUT=map
	document one 'v4 | port(8080; 80; "tcp")'
	attach c1
	document two 'number(2) | v4 | dns | port(8081; 80; "tcp")'
	AARDVARK=/bin/false netavark -f "$DOC" setup /run/netns/c2
	equal "$status $(map_elements)" "1 tcp . 8080 : 10.71.0.11 . 80"
	detach c1 "${DOC/two/one}"
	no_maps
	attach_fails=$DOC
	AARDVARK=/bin/false netavark -f "$attach_fails" setup /run/netns/c2
	equal "$status" 1
	no_maps
}

@test "FW-115 setup and teardown are one transaction each, with maps and without" {
	local layout command
	for layout in upstream map; do
		document one 'second | port(8080; 80; "tcp")'
		for command in setup teardown; do
			rm -f "$BATS_TEST_TMPDIR/doors"
			NETAVARK_NFT_LAYOUT=$layout NETAVARK_FAULT_LOG=$BATS_TEST_TMPDIR/doors netavark -f "$DOC" "$command" /run/netns/c1
			equal "$status $(grep -c nft_commit "$BATS_TEST_TMPDIR/doors")" "0 1"
		done
	done
}

@test "BU-008 a layout that does not exist is refused" {
	document one 'port(8080; 80; "tcp")'
	remember
	NETAVARK_NFT_LAYOUT=maps netavark -f "$DOC" setup /run/netns/c1
	refused 'invalid NETAVARK_NFT_LAYOUT "maps": expected one of auto, upstream, map'
	nothing_changed
}

# ---- what it costs ------------------------------------------------------------------------------

@test "FW-114 the last of 10000 ports in maps answers as fast as the first" {
	! sanitized || skip "the sanitizer is no part of the way of packets, once is enough"
	document one 'v4 | port(20000; 20000; "tcp") | .port_mappings[0].range = 10000'
	attach c1
	on c1 "$BATS_TEST_DIRNAME/connect.py" serve 20000 29999 >"$BATS_TEST_TMPDIR/ready" 3>&- &
	wait_for grep -q ready "$BATS_TEST_TMPDIR/ready"
	local times
	times=$(host python3 -c '
import socket, statistics, time
times = {20000: [], 29999: []}
for _ in range(300):
    for port, list in times.items():
        start = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)):
            list.append((time.perf_counter() - start) * 1e6)
print(*(round(statistics.median(list)) for list in times.values()))')
	echo "# median of the first and of the last of 10000 ports: $times microseconds" >&3
	((${times#* } <= ${times% *} * 2))
}

# state NETWORKS — files as containers with ten ports each leave them, the first twelve with rules.
state() {
	mkdir -p "$CONFIG"/firewall/{networks,ports}
	printf nftables >"$CONFIG/firewall/firewall-driver"
	python3 - "$1" "$CONFIG/firewall" <<-'END'
		import json, sys
		for i in range(int(sys.argv[1])):
		    id, subnet = f"{i:08x}" + "0" * 56, f"10.{100 + i // 250}.{i % 250}."
		    common = {"network_id": id, "network_hash_name": "F11DC6A6D09CF", "dns_port": 53, "internal": False}
		    ports = [{"container_port": 80 + k, "host_ip": "", "host_port": 10000 + 10 * i + k, "protocol": "tcp", "range": 1}
		        for k in range(10)]
		    json.dump({"subnets": [subnet + "0/24"], "bridge_name": f"br{i}", "isolation": "Strict", **common},
		        open(f"{sys.argv[2]}/networks/{id}", "w"))
		    json.dump({"container_id": f"c{i}", "port_mappings": ports, "network_name": f"n{i}", "container_ip_v4": subnet + "2",
		        "subnet_v4": subnet + "0/24", "container_ip_v6": None, "subnet_v6": None, "dns_server_ips": [],
		        **({"extensions": {"nft_layout": "map"}} if i >= 12 else {}), **common},
		        open(f"{sys.argv[2]}/ports/{id}_c{i}", "w"))
	END
}

measured() {
	host "$BATS_TEST_DIRNAME/measure.py" "$NETAVARK" --config "$CONFIG" "$@"
}

# costs COMMAND → what the firewall costs of it, in ms: the best of three.
costs() {
	local best=99999 with without
	for _ in 1 2 3; do
		for driver in none nftables; do
			read -r spent _ < <(measured --firewall-driver $driver -f "$DOC" setup /run/netns/c1)
			[[ $driver == none ]] && without=$spent || with=$spent
			measured --firewall-driver $driver -f "$DOC" teardown /run/netns/c1 >/dev/null
		done
		((with - without >= best)) || best=$((with - without))
	done
	echo "$best"
}

@test "FW-110 FW-111 FW-113 what a setup and a reload cost does not run away with the number of ports" {
	! sanitized || skip "the sanitizer takes time itself"
	DOC=$GOLDEN/nft-input-b.json
	local first reload kib
	first=$(costs)
	state 100
	measured firewall-reload >/dev/null
	local hundred thousand
	hundred=$(costs)
	state 1000
	read -r reload kib < <(measured firewall-reload)
	equal "$(map_elements | wc -l) $(port_rules)" "9880 120"
	thousand=$(costs)
	echo "# setup: $first ms, with 100 networks and 1000 ports $hundred ms, with 1000 and 10000 $thousand ms;" \
		"reload of the last $reload ms, $kib KiB" >&3
	# Promised are 5, 15, 100 and 2000 ms: processor time grows, too, when others use the caches.
	((first <= 10 && hundred <= 30 && thousand <= 200 && reload <= 4000 && kib <= 100000))
}
