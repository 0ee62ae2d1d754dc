#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts of jq; variables of bats
#
# Teardown in good and in bad circumstances, and roll-back.

load helpers

empty_ruleset() {
	equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
}

state_files() {
	files | grep -cE 'firewall/(networks|ports)/' || true
}

@test "NV-230 NV-236 the network stays until its last container leaves" {
	host mkdir -p /run/systemd/system
	document one 'port(8080; 80; "tcp")'
	local first=$DOC id rules
	id=$(jq -r .network_info.web.id "$DOC")
	attach c1
	rules=$(nft_table)
	document two 'number(2) | port(8081; 80; "tcp")'
	attach c2
	equal "$(files | grep -c firewall/ports)" 2
	detach c2
	equal "$(nft_table)" "$rules"
	equal "$(link_names)" "lo br-web veth0"
	is 10-netavark-br-web.conf ls /run/sysctl.d
	equal "$(files | grep -E 'networks/|ports/')" "$(printf './firewall/networks/%s\n./firewall/ports/%s_c0ffee01' "$id" "$id")"
	detach c1 "$first"
	equal "$(link_names)" lo
	is "lo" bash -c 'ip -n c1 -j link | jq -r ".[].ifname"'
	is "" ls /run/sysctl.d
	equal "$(files)" ./firewall/firewall-driver
	equal "$(<"$CONFIG/firewall/firewall-driver")" nftables
	empty_ruleset
}

@test "NV-231 NV-232 NV-239 links that are gone are all named, and the rest is cleaned" {
	document one 'second | port(8080; 80; "tcp")'
	attach c1
	host ip -n c1 link delete eth0
	netavark -f "$DOC" teardown /run/netns/c1
	refused "failed to delete container veth eth0: Netlink error: No such device (os error 19)"
	equal "$(link_names) $(state_files)" "lo 0"
	empty_ruleset
	attach c1
	host ip link delete br-web
	host ip -n c1 link delete eth0
	# Of a network whose own end could still be taken away, nobody misses the bridge.
	host ip link delete br-back
	netavark -f "$DOC" teardown /run/netns/c1
	refused "$(printf '%s\n' 'netavark encountered multiple errors:' \
		$'\t- failed to delete container veth eth0: Netlink error: No such device (os error 19)' \
		$'\t- failed to get bridge interface: Netlink error: No such device (os error 19)')"
	equal "$(link_names) $(state_files)" "lo 0"
	empty_ruleset
}

@test "NV-232 networks and drivers that are not known are listed, the known ones removed" {
	document one second
	attach c1
	document broken 'second | del(.network_info.back)'
	netavark -f "$DOC" teardown /run/netns/c1
	refused "network info for network back not found"
	equal "$(link_names)" "lo br-back veth1"
	document broken 'second | .networks.third = .networks.back | net.driver = "bogus"'
	netavark -f "$DOC" teardown /run/netns/c1
	refused "$(printf '%s\n' 'netavark encountered multiple errors:' $'\t- unknown network driver "bogus"' \
		$'\t- network info for network third not found')"
	equal "$(link_names)" lo
}

@test "NV-233 NV-241 FW-048 a namespace that is gone is only a warning" {
	document one 'dns | port(8080; 80; "tcp")'
	local path
	for path in /run/netns/c1 /run/netns/never/existed; do
		attach c1
		host ip netns delete c1
		RUST_LOG=netavark=warn netavark -f "$DOC" teardown "$path"
		equal "$status $output" "0 "
		[[ $stderr =~ ^"[WARN  netavark::"[a-z_:]*"] container netns not found: open container netns: open $path: IO error: No such file or directory (os error 2)"$ ]]
		equal "$(link_names) $(state_files) $(server)" "lo 0 "
		empty_ruleset
		host ip netns add c1
	done
}

@test "NV-233 a namespace that cannot be used is an error, and the host side is cleaned" {
	document one 'port(8080; 80; "tcp")'
	attach c1
	host ip netns delete c1
	host touch /run/netns/c1
	netavark -f "$DOC" teardown /run/netns/c1
	refused "setns: IO error: Invalid argument (os error 22)"
	equal "$(link_names) $(state_files)" "lo 0"
	empty_ruleset
}

@test "NV-234 FW-044 rules that somebody has removed are not missed" {
	document one 'port(8080; 80; "tcp") | .port_mappings[0].range = 3'
	local damage
	while read -r damage; do
		attach c1
		host bash -c "$damage"
		RUST_LOG=netavark=warn detach c1
		equal "$damage: $(link_names) $(state_files)" "$damage: lo 0"
	done <<-'END'
		nft flush ruleset
		nft delete table inet netavark
		nft flush table inet netavark
		nft flush chain inet netavark NETAVARK-HOSTPORT-DNAT
		nft 'flush chain inet netavark NETAVARK-HOSTPORT-DNAT; delete chain inet netavark nv_11112222_10_71_0_0_nm24_dnat'
		nft flush chain inet netavark POSTROUTING
		nft flush chain inet netavark NETAVARK-ISOLATION-1
	END
	run host nft list table inet netavark
	[[ $output != *10.71* && $output != *br-web* ]]
}

@test "NV-235 signals do not stop a teardown" {
	document one 'dns | port(8080; 80; "tcp")'
	local signal
	for signal in TERM INT; do
		attach c1
		# It stops at the lock, where it surely is on its way.
		host flock --close "$CONFIG/netavark-link.lock" bash -c '
			"$1" --config "$2" -a "$3" -f "$4" teardown /run/netns/c1 &
			until [[ $(ls -l /proc/$!/fd) == *netavark-link.lock* ]]; do sleep 0.01; done
			kill -'"$signal"' $!
			echo $! >/run/pid' x "$NETAVARK" "$CONFIG" "$AARDVARK" "$DOC"
		wait_for ended
		equal "$signal: $(link_names) $(state_files) $(server)" "$signal: lo 0 "
		empty_ruleset
	done
}

ended() {
	host bash -c '! kill -0 "$(</run/pid)" 2>/dev/null'
}

@test "NV-238 a bridge with a port of somebody else stays, with its rules" {
	document one 'port(8080; 80; "tcp")'
	attach c1
	host bash -c 'ip link add foreign type veth peer name foreign2; ip link set foreign master br-web'
	detach c1
	equal "$(host ip -o link show master br-web | wc -l)" 1
	[[ $(nft_table) == *"ip saddr 10.71.0.0/24 jump nv_11112222_10_71_0_0_nm24"* ]]
	[[ $(nft_table) != *8080* ]]
	equal "$(files | grep -c firewall/networks)" 1
}

@test "NV-239 FW-049 a bridge that was removed by hand takes its rules and files with it" {
	document one 'v4 | port(8080; 80; "tcp")'
	attach c1
	host ip link delete br-web
	host ip link delete veth0
	netavark -f "$DOC" teardown /run/netns/c1
	equal "$status" 1
	equal "$(link_names) $(state_files)" "lo 0"
	empty_ruleset
	netavark -f "$DOC" teardown /run/netns/c1
	refused "$(printf '%s\n' 'netavark encountered multiple errors:' \
		$'\t- failed to delete container veth eth0: Netlink error: No such device (os error 19)' \
		$'\t- failed to get bridge interface: Netlink error: No such device (os error 19)')"
	empty_ruleset
}

@test "NV-240 data that cannot be used is logged, and clean-up goes on" {
	document one 'port(8080; 80; "tcp")'
	local first=$DOC edit
	while read -r edit; do
		attach c1 "$first"
		document bad "port(8080; 80; \"tcp\") | $edit"
		netavark -f "$DOC" teardown /run/netns/c1
		equal "$edit: $status $output" "$edit: 0 "
		[[ $stderr == "[ERROR netavark::"* ]]
		equal "$edit: $(link_names) $(state_files)" "$edit: lo 0"
		empty_ruleset
	done <<-'END'
		net.options.isolate = "bogus"
		net.options.outbound_addr4 = "bogus"
		net.options.metric = "bogus"
		me.static_ips = ["10.99.0.1"]
		net.routes = [{destination: "10.80.0.0/16"}]
		me.static_mac = "bogus"
	END
}

@test "NV-242 without addresses in the document the container's rules are found all the same" {
	document one 'port(8080; 80; "tcp")'
	local first=$DOC rules
	document two 'number(2) | port(8081; 80; "tcp")'
	attach c2
	rules=$(nft_table)
	attach c1 "$first"
	document without 'automatic | port(8080; 80; "tcp")'
	netavark -f "$DOC" teardown /run/netns/c1
	equal "$status $output" "0 "
	equal "$(nft_table)" "$rules"
	equal "$(link_names)" "lo br-web veth0"
	document two 'number(2) | automatic | port(8081; 80; "tcp")'
	netavark -f "$DOC" teardown /run/netns/c2
	equal "$(link_names) $(state_files)" "lo 0"
	empty_ruleset
}

# ---- roll-back ----------------------------------------------------------------------------------

@test "NV-250 NV-253 an error in the second network takes back both, and is the one that is reported" {
	host ip -n c1 link add eth1 type bridge
	document one 'second | dns | port(8080; 80; "tcp")'
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "create veth pair: interface eth1 already exists on container namespace: Netlink error: File exists (os error 17)"
	equal "$stderr" ""
	nothing_changed
	document one 'second | .network_info.back.routes = [{destination: "10.80.0.0/16", gateway: "10.99.0.1"}]'
	netavark -f "$DOC" setup /run/netns/c2
	refused_like "add static route (dest: 10.80.0.0/16, gw: 10.99.0.1, metric 100): Netlink error: Network is unreachable (os error 101)"
	nothing_changed
	document one 'net.routes = [{destination: "10.80.0.1/16", gateway: "10.71.0.9"}]'
	netavark -f "$DOC" setup /run/netns/c2
	refused_like "add static route (dest: 10.80.0.1/16, gw: 10.71.0.9, metric 100): Netlink error: Invalid argument (os error 22)"
	nothing_changed
}

@test "NV-252 a bridge that was there before keeps its state, addresses and MAC" {
	host bash -c 'ip link add br-web address 02:00:00:00:00:77 mtu 1400 type bridge; ip address add 10.71.0.200/24 dev br-web'
	host ip -n c1 link add eth0 type bridge
	document one .
	remember
	netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 1
	nothing_changed
	# With a running container on it.
	document two 'number(2) | dns | port(8080; 80; "tcp")'
	attach c2
	remember
	document one 'dns | port(8081; 80; "tcp")'
	netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 1
	nothing_changed
	equal "$(on c2 dig +short @10.71.0.1 number2)" 10.71.0.12
}

@test "NV-251 a second setup of a running container fails and does it no harm" {
	document one 'dns | port(8080; 80; "tcp")'
	attach c1
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "create veth pair: interface eth0 already exists on container namespace: Netlink error: File exists (os error 17)"
	nothing_changed
	equal "$(on c1 dig +short @10.71.0.1 one)" 10.71.0.11
	detach c1
}

@test "NV-254 setups and teardowns in a storm on one bridge end without error and without leftovers" {
	document one '.container_id = "ID" | automatic | port(8080; 80; "tcp") | .port_mappings[0].host_port = 65123'
	local answers
	answers=$(host bash -c 'for i in $(seq 20); do echo "netns add p$i"; done | ip -batch -
		live() {
			local document i=$1
			document=$(sed "s/\"ID\"/\"id$i\"/; s/65123/$((8000 + i))/" "$4")
			for round in 1 2 3; do
				"$2" --config "$3" setup "/run/netns/p$i" <<<"$document" | grep -v "^{\"web\""
				"$2" --config "$3" teardown "/run/netns/p$i" <<<"$document"
			done
		}
		for i in $(seq 20); do
			live "$i" "$@" &
		done
		wait' storm "$NETAVARK" "$CONFIG" "$DOC" 2>&1)
	equal "$answers" ""
	equal "$(link_names) $(state_files)" "lo 0"
	empty_ruleset
}

@test "NV-256 the lock files of Podman are not touched" {
	host bash -c 'mkdir -p /run/lock; touch /run/lock/netavark.lock'
	mkdir "$CONFIG"
	touch "$CONFIG/netavark.lock"
	document one 'dns | port(8080; 80; "tcp")'
	# Podman holds them while it runs us.
	for command in setup teardown; do
		run --separate-stderr host flock /run/lock/netavark.lock flock "$CONFIG/netavark.lock" timeout 10 \
			"$NETAVARK" --config "$CONFIG" -a "$AARDVARK" -f "$DOC" "$command" /run/netns/c1
		equal "$status" 0
	done
	equal "$(link_names)" lo
}

# ---- callers with different configuration directories -------------------------------------------

@test "NV-254 callers with different directories wait for each other: the namespace is locked, too" {
	document one
	run --separate-stderr host flock /proc/self/ns/net \
		timeout 0.5 "$NETAVARK" --config "$CONFIG" --file "$DOC" setup /run/netns/c1
	equal "$status" 124
	equal "$(link_names)" lo
	attach c1
	detach c1
}

@test "NV-254 twelve containers of three directories come and go on one bridge at the same time" {
	local i
	for i in {1..12}; do
		document "$i" "v4 | .container_id = \"c$i\" | me.static_ips = [\"10.71.0.1$i\"]"
		host ip netns add "p$i"
	done
	run host_script "$NETAVARK" "$CONFIG" "$BATS_TEST_TMPDIR" <<-'END'
		for command in setup teardown setup teardown; do
			for i in {1..12}; do
				"$1" --firewall-driver none --config "$2-$((i % 3))" --file "$3/$i.json" \
					"$command" "/run/netns/p$i" >"$3/$i.out" || cat "$3/$i.out" &
			done
			wait
		done
	END
	equal "$status $output" "0 "
	equal "$(link_names)" lo
}
