#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts of jq; variables of bats
#
# The built-in address management, which acts when the document brings no addresses.

load helpers

# automatic NUMBER [EDIT] — the document of a container that takes what it is given.
automatic() {
	document "auto$1" "number($1) | automatic | ${2-.}"
}

# given — the addresses in the last status, without their lengths.
given() {
	jq -r '[.[].interfaces[].subnets[].ipnet | split("/")[0]] | join(" ")' <<<"$STATUS"
}

# leases FILTER — from the lease file of the network.
leases() {
	jq -c "$1" "$CONFIG/netavark-ipam/web.json"
}

@test "NV-173 each subnet gives its lowest free address, never its own, the gateway or the broadcast" {
	automatic 1 'net.subnets[0].gateway = "10.71.0.2"'
	attach c1
	equal "$(given)" "10.71.0.1 fd71:5:9::2"
	equal "$(addresses c1 eth0)" "10.71.0.1/24 fd71:5:9::2/64"
	valid netavark-status <<<"$STATUS"
	valid ipam-lease <"$CONFIG/netavark-ipam/web.json"
	equal "$(stat -c %a "$CONFIG/netavark-ipam")" 700
	automatic 2 'net.subnets[0].gateway = "10.71.0.2"'
	attach c2
	equal "$(given)" "10.71.0.3 fd71:5:9::3"
	# The whole of a small subnet, with an address that only the bridge knows of.
	host ip link add br-tiny type bridge
	host ip address add 10.73.0.6/29 dev br-tiny
	local edit='net.name = "tiny" | net.network_interface = "br-tiny" | v4 |
		net.subnets = [{subnet: "10.73.0.0/29", gateway: "10.73.0.1"}]' number all=
	for number in 3 4 5 6; do
		host ip netns add "c$number"
		automatic "$number" "$edit"
		attach "c$number"
		all+="$(given) "
	done
	equal "$all" "10.73.0.2 10.73.0.3 10.73.0.4 10.73.0.5 "
	host ip netns add c7
	automatic 7 "$edit"
	netavark -f "$DOC" setup /run/netns/c7
	refused "IPAM error: failed to find free IP in range: 10.73.0.1 - 10.73.0.6"
}

@test "NV-174 the lease range counts at both ends and is clamped to what is usable" {
	local range='net.subnets[0].lease_range = {start_ip: "10.71.0.20", end_ip: "10.71.0.21"} |
		net.subnets[1].lease_range = {start_ip: "fd71:5:9::a0"}'
	automatic 1 "$range"
	attach c1
	equal "$(given)" "10.71.0.20 fd71:5:9::a0"
	automatic 2 "$range"
	attach c2
	equal "$(given)" "10.71.0.21 fd71:5:9::a1"
	host ip netns add c3
	automatic 3 "$range"
	netavark -f "$DOC" setup /run/netns/c3
	refused "IPAM error: failed to find free IP in range: 10.71.0.20 - 10.71.0.21"
	automatic 3 'v4 | net.name = "edges" | net.network_interface = "br-edges" | net.subnets = [{subnet: "10.73.0.0/30",
		lease_range: {start_ip: "10.73.0.0", end_ip: "10.73.0.3"}}]'
	attach c3
	equal "$(given)" "10.73.0.1"
	host ip netns add c4
	automatic 4 "$(jq -r '"v4 | .network_info.web = " + (.network_info.web | tojson)' "$DOC")"
	attach c4
	equal "$(given)" "10.73.0.2"
}

@test "NV-175 an address that was given back is not given out again at once" {
	local range='v4 | net.subnets[0].lease_range = {start_ip: "10.71.0.20", end_ip: "10.71.0.22"}' all='' number
	for number in 1 2 3 4 5; do
		automatic "$number" "$range"
		attach c1
		all+="$(given) "
		detach c1
	done
	equal "$all" "10.71.0.20 10.71.0.21 10.71.0.22 10.71.0.20 10.71.0.21 "
	equal "$(leases '[.leases, .subnets]')" '[[],[{"subnet":"10.71.0.0/24","last":"10.71.0.21"}]]'
}

@test "NV-176 NV-185 a subnet without room fails at once and changes nothing, a huge one is no work" {
	local edit='v4 | net.subnets = [{subnet: "10.73.0.0/30", gateway: "10.73.0.1"}]'
	automatic 1 "$edit"
	attach c1
	equal "$(given)" 10.73.0.2
	remember
	automatic 2 "$edit"
	netavark -f "$DOC" setup /run/netns/c2
	refused "IPAM error: failed to find free IP in range: 10.73.0.1 - 10.73.0.2"
	nothing_changed
	automatic 2 'net.name = "huge" | net.network_interface = "br-huge" | net.subnets = [{subnet: "fd73::/16", gateway: "fd73::1",
		lease_range: {start_ip: "fd73:ffff::"}}]'
	attach c2
	equal "$(given)" fd73:ffff::
}

@test "NV-179 the same container and interface get the same addresses again" {
	automatic 1
	attach c1
	local first
	first=$(given)
	# Its namespace ended without a teardown, as after a crash.
	host ip netns delete c1
	host ip netns add c1
	wait_for no_ports
	automatic 2
	attach c2
	automatic 1
	attach c1
	equal "$(given)" "$first"
	equal "$(leases '.leases | length')" 2
	# Another interface is another key.
	automatic 1 'me.interface_name = "eth5" | net.options.no_default_route = "true"'
	attach c1
	equal "$(given)" "10.71.0.4 fd71:5:9::4"
}

no_ports() {
	[[ -z $(host ip link show master br-web) ]]
}

@test "NV-179 a lease that does not fit the subnets any more is replaced" {
	automatic 1
	attach c1
	detach c1
	attach c1
	equal "$(given)" "10.71.0.3 fd71:5:9::3"
	host ip netns delete c1
	host ip netns add c1
	automatic 1 'v4 | net.subnets = [{subnet: "10.74.0.0/24", gateway: "10.74.0.1"}]'
	attach c1
	equal "$(given)" 10.74.0.2
	equal "$(leases '[.leases[].addresses]')" '[["10.74.0.2"]]'
}

@test "NV-180 FW-048 a teardown frees the lease, with or without the namespace, once" {
	automatic 1 'port(8080; 80; "tcp")'
	attach c1
	automatic 2 'port(8081; 80; "tcp")'
	attach c2
	host ip netns delete c2
	netavark -f "$DOC" teardown /run/netns/c2
	equal "$status $output" "0 "
	equal "$(leases '[.leases[].container_id]')" '["c0ffee01"]'
	[[ $(nft_table) != *8081* ]]
	automatic 1 'port(8080; 80; "tcp")'
	detach c1
	equal "$(leases .leases)" '[]'
	equal "$(link_names)" lo
	equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
	netavark -f "$DOC" teardown /run/netns/c1
	equal "$status" 1
	[[ $output != *IPAM* && $output != *lease* ]]
}

@test "NV-181 a setup that fails gives back what it took" {
	host ip -n c1 link add eth0 type bridge
	automatic 1
	remember
	netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 1
	nothing_changed
	automatic 2
	attach c2
	equal "$(given)" "10.71.0.2 fd71:5:9::2"
	remember
	automatic 1
	netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 1
	nothing_changed
}

@test "NV-182 a damaged lease file is an error, never a new beginning" {
	automatic 1 v4
	attach c1
	local text first=$DOC
	for text in '' '{' '[]' '{"version":1}' '{"version":2,"network":"web","network_id":"x","subnets":[],"leases":[]}' \
		'{"version":1,"network":"web","network_id":"x","subnets":[],"leases":[{"container_id":5}]}'; do
		echo "$text" >"$CONFIG/netavark-ipam/web.json"
		remember
		automatic 2 v4
		netavark -f "$DOC" setup /run/netns/c2
		refused_like "IPAM error: failed to read lease file $CONFIG/netavark-ipam/web.json: *"
		nothing_changed
	done
	netavark -f "$first" teardown /run/netns/c1
	refused_like "*IPAM error: failed to read lease file $CONFIG/netavark-ipam/web.json: *"
	equal "$(link_names)" lo
}

@test "NV-183 with addresses in the document no lease is written" {
	document one
	attach c1
	[[ ! -e $CONFIG/netavark-ipam ]]
	detach c1
	[[ ! -e $CONFIG/netavark-ipam ]]
}

@test "NV-184 an address that another container holds is refused" {
	automatic 1 v4
	attach c1
	document two 'v4 | number(2) | v4 | me.static_ips = ["10.71.0.2"]'
	remember
	netavark -f "$DOC" setup /run/netns/c2
	refused "IPAM error: requested ip address 10.71.0.2 is already allocated to container ID c0ffee01"
	nothing_changed
	document two 'v4 | number(2) | v4 | me.static_ips = ["10.71.0.3"]'
	attach c2
	equal "$(leases '[.leases[] | [.kind, .addresses]]')" '[["auto",["10.71.0.2"]],["static",["10.71.0.3"]]]'
	host ip netns add c3
	automatic 3 v4
	attach c3
	equal "$(given)" 10.71.0.4
}

@test "NV-173 the directory of the leases can be chosen" {
	automatic 1 v4
	NETAVARK_IPAM_DIR=$BATS_TEST_TMPDIR/from-environment attach c1
	[[ -f $BATS_TEST_TMPDIR/from-environment/web.json ]]
	NETAVARK_IPAM_DIR=$BATS_TEST_TMPDIR/from-environment detach c1
	NETAVARK_IPAM_DIR=/nowhere attach c1 "$DOC" --ipam-dir "$BATS_TEST_TMPDIR/from-option"
	[[ -f $BATS_TEST_TMPDIR/from-option/web.json && ! -e $CONFIG/netavark-ipam ]]
	NETAVARK_IPAM_DIR=/nowhere detach c1 "$DOC" --ipam-dir "$BATS_TEST_TMPDIR/from-option"
	automatic 1 'v4 | net.name = "with blank"'
	attach c1
	equal "$(cd "$CONFIG/netavark-ipam" && echo *.json)" "$(printf 'with blank' | sha256sum | cut -d' ' -f1).json"
}

@test "NV-186 the database of Podman is never opened" {
	automatic 1
	mkdir -p "$CONFIG"
	echo podman >"$CONFIG/ipam.db"
	for command in setup teardown; do
		traced open,openat,openat2 "$NETAVARK" --config "$CONFIG" -a "$AARDVARK" -f "$DOC" "$command" /run/netns/c1
		grep -q netavark-ipam "$TRACE"
		run grep ipam.db "$TRACE"
		equal "$output" ""
	done
}

@test "NV-178 NV-254 a hundred setups at once give a hundred addresses, and as many teardowns free them" {
	automatic 1 '.container_id = "ID" | net.options.mtu = "1500"'
	host bash -ec 'for i in $(seq 100); do echo "netns add p$i"; done | ip -batch -'
	storm() {
		host bash -c 'for i in $(seq 100); do
				sed "s/\"ID\"/\"id$i\"/" "$3" | "$1" --config "$2" "$4" "/run/netns/p$i" &
			done
			wait' storm "$NETAVARK" "$CONFIG" "$DOC" "$1" 2>&1
	}
	local answers
	answers=$(storm setup)
	equal "$(jq -r '.web.interfaces.eth0.subnets[].ipnet' <<<"$answers" | sort -u | wc -l)" 200
	equal "$(leases '[.leases[].addresses[]] | unique | length')" 200
	equal "$(host ip -o link show master br-web | wc -l)" 100
	equal "$(storm teardown)" ""
	equal "$(leases .leases)" "[]"
	equal "$(link_names)" lo
	equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
}

@test "NV-177 FW-065 a setup killed at any door leaves a whole lease file, and can be done again or taken back" {
	automatic 1 'dns | port(8080; 80; "tcp")'
	local first=$DOC swept
	automatic 2
	attach c2
	# After each kill: the file is JSON, a new setup gives the same address, a teardown cleans up.
	swept=$(host bash -euc '
		netavark=$1 config=$2 aardvark=$3 document=$4 door=0
		run() { "$netavark" --config "$config" -a "$aardvark" -f "$document" "$1" /run/netns/c1; }
		while true; do
			door=$((door + 1))
			status=0
			NETAVARK_FAULT=$door:kill run setup >/tmp/out 2>&1 || status=$?
			[[ $status != 0 ]] || break
			[[ $status == 137 ]] || { echo "door $door: status $status" >&2; exit 1; }
			jq -e .leases "$config/netavark-ipam/web.json" >/dev/null
			# Half a pair cannot be told from somebody else"s: a caller tears down first.
			run teardown >/dev/null 2>&1 || true
			answer=$(run setup) || { echo "door $door: $answer" >&2; exit 1; }
			run teardown || { echo "door $door: teardown" >&2; exit 1; }
			left=$(ip -o link show master br-web | wc -l; jq -r ".leases[].container_id" "$config/netavark-ipam/web.json")
			left+=$(nft list chain inet netavark NETAVARK-HOSTPORT-DNAT | grep dport || true)
			[[ $left == 1*c0ffee02 ]] || { echo "door $door: left $left" >&2; exit 1; }
		done
		echo "$((door - 1))"' sweep "$NETAVARK" "$CONFIG" "$AARDVARK" "$first")
	echo "# swept $swept doors" >&3
	((swept >= 40))
	detach c1 "$first"
	equal "$(nft_chain NETAVARK-HOSTPORT-DNAT)" $'\tchain NETAVARK-HOSTPORT-DNAT {\n\t}'
	run ls "$CONFIG/netavark-ipam"
	[[ $output != *.tmp.* ]]
}
