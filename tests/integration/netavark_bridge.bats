#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts of jq; variables of bats
#
# The bridge driver: links, addresses, routes, sysctls, and what the status says of them.

load helpers

# link [CONTAINER] NAME FILTER — a part of what `ip -j -d link` says.
link() {
	local where=()
	[[ $# == 2 ]] || { where=(-n "$1"); shift; }
	host ip "${where[@]}" -j -d link show dev "$1" | jq -c ".[0] | $2"
}

# mtus — of the bridge, of the host's end and of the container's.
mtus() {
	echo "$(link br-web .mtu) $(link veth0 .mtu) $(link c1 eth0 .mtu)"
}

# ---- status -------------------------------------------------------------------------------------

@test "NV-060 NV-061 NV-062 NV-063 NV-065 NV-119 the status tells of every network what was made" {
	document one 'second | .networks.back.static_mac = "02:00:00:00:00:aa" |
		me.static_ips = ["fd71:5:9::12", "fd71:5:9::11", "10.71.0.11"] | dns |
		.network_info.web.name = "other-name" | del(.network_info.back.subnets[0].gateway)'
	attach c1
	valid netavark-status <<<"$STATUS"
	status_is '["other-name","back"]' keys_unsorted
	local mac
	mac=$(link c1 eth0 .address)
	equal "$STATUS" "$(jq -nc --argjson mac "$mac" '
		{"other-name": {dns_search_domains: ["dns.podman"], dns_server_ips: ["10.71.0.1", "fd71:5:9::1"],
		 interfaces: {eth0: {mac_address: $mac, subnets: [
		   {gateway: "10.71.0.1", ipnet: "10.71.0.11/24"},
		   {gateway: "fd71:5:9::1", ipnet: "fd71:5:9::12/64"},
		   {gateway: "fd71:5:9::1", ipnet: "fd71:5:9::11/64"}]}}},
		 back: {dns_search_domains: [], dns_server_ips: [],
		 interfaces: {eth1: {mac_address: "02:00:00:00:00:aa", subnets: [
		   {gateway: null, ipnet: "10.72.0.11/24"}]}}}}')"
	equal "$(link c1 eth1 .address)" '"02:00:00:00:00:aa"'
	detach c1
}

@test "NV-064 NV-117 without address management there is an interface and nothing else" {
	document one 'net.ipam_options.driver = "none" | del(me.static_ips)'
	attach c1
	status_is '[]' .web.interfaces.eth0.subnets
	equal "$(addresses c1 eth0)" ""
	equal "$(addresses br-web)" ""
	equal "$(routes c1)$(routes c1 -6)" ""
	[[ $(link c1 eth0 .flags) == *'"UP"'* ]]
	detach c1
	equal "$(link_names)" lo
}

@test "NV-065 NV-066 the DNS fields tell who answers, whether or not the server is installed" {
	local servers='.dns_servers = ["192.0.2.7", "2001:db8::7"]'
	local expected edit
	while IFS=$'\t' read -r expected edit; do
		document one "$edit"
		AARDVARK=/nowhere attach c1
		status_is "$expected" '[.web.dns_server_ips, .web.dns_search_domains]'
		detach c1
	done <<-END
		[["10.71.0.1","fd71:5:9::1"],["dns.podman"]]	dns
		[["10.71.0.1","fd71:5:9::1"],["dns.podman"]]	dns | $servers
		[["10.71.0.1"],["dns.podman"]]	dns | internal | del(net.subnets[1].gateway)
		[["192.0.2.7","2001:db8::7"],[]]	$servers
		[[],[]]	.
	END
	host ip link add br-web type bridge
	host ip address add 10.71.0.200/24 dev br-web
	document one 'v4 | dns | net.options.mode = "unmanaged"'
	AARDVARK=/nowhere attach c1
	status_is '[["10.71.0.200"],["dns.podman"]]' '[.web.dns_server_ips, .web.dns_search_domains]'
}

@test "NV-067 the status of 100 networks is one line below 64 KiB" {
	document many '.networks = ([range(100) | {key: "n\(.)", value: {interface_name: "eth\(.)",
			static_ips: ["10.100.\(.).2"]}}] | from_entries) |
		.network_info = (net as $n | [range(100) | {key: "n\(.)", value: ($n + {name: "n\(.)",
			id: "\(. + 1000)", network_interface: "br\(.)", ipv6_enabled: false,
			subnets: [{subnet: "10.100.\(.).0/24", gateway: "10.100.\(.).1"}]})}] | from_entries)'
	attach c1
	equal "${#lines[@]}" 1
	status_is 100 length
	((${#STATUS} < 65536))
}

# ---- links, addresses and routes ----------------------------------------------------------------

@test "NV-080 NV-081 NV-082 NV-083 NV-115 the container interface and the bridge carry their addresses, which work at once" {
	document one
	attach c1
	# First, so that nothing has time to become usable: no address waits for its uniqueness.
	is "" ip -n c1 -6 address show tentative
	is "" ip -6 address show tentative scope global
	for target in 10.71.0.11 fd71:5:9::11; do
		host ping -qc1 -W5 "$target"
	done
	for target in 10.71.0.1 fd71:5:9::1; do
		on c1 ping -qc1 -W5 "$target"
	done
	equal "$(link c1 eth0 '[.linkinfo.info_kind, (.flags | contains(["UP"]))]')" '["veth",true]'
	equal "$(link br-web '[.linkinfo.info_kind, (.flags | contains(["UP"]))]')" '["bridge",true]'
	equal "$(addresses c1 eth0)" "10.71.0.11/24 fd71:5:9::11/64"
	equal "$(addresses br-web)" "10.71.0.1/24 fd71:5:9::1/64"
	is '"10.71.0.255"' bash -c 'ip -n c1 -j -4 address show eth0 | jq ".[0].addr_info[0].broadcast"'
	is '"10.71.0.255"' bash -c 'ip -j -4 address show br-web | jq ".[0].addr_info[0].broadcast"'
	[[ $(link c1 lo .flags) == *'"UP"'* ]]
	on c1 ping -qc1 -W5 127.0.0.1
}

@test "NV-084 NV-085 NV-086 NV-087 the default routes lead to the gateways as the options say" {
	document one
	attach c1
	equal "$(routes c1)" "default via 10.71.0.1 dev eth0 metric 100"
	equal "$(routes c1 -6)" "default via fd71:5:9::1 dev eth0 metric 100 pref medium"
	detach c1
	document one 'net.options.metric = "200"'
	attach c1
	equal "$(routes c1)" "default via 10.71.0.1 dev eth0 metric 200"
	equal "$(routes c1 -6)" "default via fd71:5:9::1 dev eth0 metric 200 pref medium"
	detach c1
	for word in true 1; do
		document one "net.options.no_default_route = \"$word\""
		attach c1
		equal "$(routes c1)$(routes c1 -6)" ""
		detach c1
	done
	document one 'net.options.no_default_route = "false"'
	attach c1
	equal "$(routes c1 | wc -l)" 1
}

@test "NV-160 NV-161 NV-163 NV-164 static routes of all kinds come with setup and go with teardown" {
	document one 'net.routes = [
		{destination: "10.80.0.0/16", gateway: "10.71.0.9"},
		{destination: "10.81.0.0/16", gateway: "10.71.0.9", metric: 7, route_type: "unicast"},
		{destination: "fd80::/64", gateway: "fd71:5:9::9", route_type: ""},
		{destination: "10.82.0.0/16", route_type: "blackhole"},
		{destination: "10.83.0.0/16", route_type: "unreachable", metric: 9},
		{destination: "10.84.0.0/16", route_type: "prohibit"},
		{destination: "fd82::/64", route_type: "blackhole"},
		{destination: "fd83::/64", route_type: "unreachable"},
		{destination: "fd84::/64", route_type: "prohibit"},
		{destination: "10.85.0.0/16", gateway: "10.99.0.9"}]'
	# The last one leads through an interface that is not ours and stays.
	host ip -n c1 link add other type veth peer name other2
	host ip -n c1 address add 10.99.0.1/24 dev other
	host ip -n c1 link set other up
	attach c1
	equal "$(routes c1)" "$(cat <<-'END'
		default via 10.71.0.1 dev eth0 metric 100
		10.80.0.0/16 via 10.71.0.9 dev eth0 metric 100
		10.81.0.0/16 via 10.71.0.9 dev eth0 metric 7
		blackhole 10.82.0.0/16 metric 100
		unreachable 10.83.0.0/16 metric 9
		prohibit 10.84.0.0/16 metric 100
		10.85.0.0/16 via 10.99.0.9 dev other metric 100 linkdown
	END
	)"
	equal "$(routes c1 -6 | grep -v default)" "$(cat <<-'END'
		fd80::/64 via fd71:5:9::9 dev eth0 metric 100 pref medium
		blackhole fd82::/64 dev lo metric 100 pref medium
		unreachable fd83::/64 dev lo metric 100 pref medium
		prohibit fd84::/64 dev lo metric 100 pref medium
	END
	)"
	detach c1
	equal "$(routes c1)$(routes c1 -6)" ""
}

@test "NV-088 NV-089 NV-090 both ends have the names and the address they were given" {
	document one 'v4 | me.static_mac = "02:42:0a:47:00:05"'
	attach c1
	equal "$(link c1 eth0 .address)" '"02:42:0a:47:00:05"'
	equal "$(link veth0 .master)" '"br-web"'
	document two 'v4 | number(2) | v4 | me.options.host_interface_name = ""'
	attach c2
	equal "$(link veth1 .master)" '"br-web"'
	detach c2
	document three 'v4 | number(2) | v4 | me.options.host_interface_name = "my-end"'
	attach c2
	equal "$(link my-end '[.master, (.flags | contains(["UP"]))]')" '["br-web",true]'
	equal "$(link_names)" "lo br-web veth0 my-end"
	detach c2
	equal "$(link_names)" "lo br-web veth0"
}

@test "NV-091 NV-092 an interface that exists already is named, and nothing is left" {
	document one 'v4 | me.options.host_interface_name = "taken"'
	host ip link add taken type bridge
	host ip -n c1 link add eth0 type bridge
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "create veth pair: interface eth0 already exists on container namespace or taken exists on host namespace: Netlink error: File exists (os error 17)"
	document one v4
	netavark -f "$DOC" setup /run/netns/c1
	refused "create veth pair: interface eth0 already exists on container namespace: Netlink error: File exists (os error 17)"
	nothing_changed
}

@test "NV-093 the bridge keeps its MAC when ports come and go" {
	local mac
	document one 'v4 | me.static_mac = "02:00:00:00:00:11"'
	local first=$DOC
	attach c1
	mac=$(link br-web .address)
	[[ $mac != "$(link veth0 .address)" && $mac != "$(link c1 eth0 .address)" ]]
	document two 'v4 | number(2) | v4'
	attach c2
	# A port with a lower address: a bridge without a fixed one takes it over.
	host ip link set veth1 address 00:00:00:00:00:01
	equal "$(link br-web .address)" "$mac"
	detach c1 "$first"
	equal "$(link br-web .address)" "$mac"
}

@test "NV-094 something else with the name of the bridge is refused with its kind" {
	document one v4
	host ip link add br-web type veth peer name x
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "bridge interface br-web already exists but is a Veth interface"
	document one 'v4 | net.network_interface = "lo"'
	netavark -f "$DOC" setup /run/netns/c1
	refused "could not determine namespace link kind for bridge lo"
	nothing_changed
}

@test "NV-097 NV-098 the MTU comes from the option, the default route in the main table, or the bridge" {
	document option 'v4 | net.options.mtu = "1400"'
	local option=$DOC
	document default 'v4 | net.options.mtu = "0"'
	attach c1 "$option"
	equal "$(mtus)" "1400 1400 1400"
	detach c1
	attach c1
	equal "$(mtus)" "1500 1500 1500"
	detach c1
	# With a default route, but a better one in another table, and of the other family.
	connect_outside
	host ip link set uplink mtu 1450
	host ip link add wrong type veth peer name wrong2
	host ip link set wrong up mtu 1300
	host ip address add 192.0.2.1/24 dev wrong
	host ip route add default via 192.0.2.2 table 50
	attach c1
	equal "$(mtus)" "1500 1500 1500"
	detach c1
	host ip -6 route add default via 2001:db8:1::2
	attach c1
	equal "$(mtus)" "1450 1450 1450"
	detach c1
	host ip route add default via 192.0.2.2
	attach c1
	equal "$(mtus)" "1300 1300 1300"
	detach c1
	# A bridge that exists.
	host ip link add br-web mtu 1350 type bridge
	attach c1
	equal "$(mtus)" "1350 1350 1350"
	host ip link set br-web mtu 1200
	document two 'v4 | number(2) | v4 | net.options.mtu = "1280"'
	attach c2
	equal "$(link br-web .mtu) $(link veth1 .mtu) $(link c2 eth0 .mtu)" "1200 1280 1280"
}

@test "NV-120 NV-124 a container may have several addresses of a subnet, also the gateway's" {
	document one 'me.static_ips = ["10.71.0.11", "10.71.0.12", "10.71.0.1", "fd71:5:9::11", "fd71:5:9::12"]'
	attach c1
	equal "$(addresses c1 eth0)" "10.71.0.11/24 10.71.0.12/24 10.71.0.1/24 fd71:5:9::12/64 fd71:5:9::11/64" # newest first
	status_is '["10.71.0.11/24","10.71.0.12/24","10.71.0.1/24","fd71:5:9::11/64","fd71:5:9::12/64"]' \
		'[.web.interfaces.eth0.subnets[].ipnet]'
	detach c1
	equal "$(link_names)" lo
}

@test "NV-172 without the key of the subnets the static addresses are ignored" {
	document one 'v4 | del(net.subnets)'
	attach c1
	status_is '[]' .web.interfaces.eth0.subnets
	equal "$(addresses c1 eth0)" ""
}

# ---- modes --------------------------------------------------------------------------------------

@test "NV-106 NV-237 on an unmanaged bridge only the pair, its addresses and routes are made" {
	host ip link add br-web type bridge
	host ip link set br-web up
	document one 'v4 | net.options.mode = "unmanaged" | port(8080; 80; "tcp")'
	local sysctls before
	sysctls='cd /proc/sys/net && grep -H . ipv4/ip_forward ipv6/conf/all/forwarding ipv4/conf/br-web/{forwarding,route_localnet,rp_filter}'
	before=$(host bash -c "$sysctls")
	attach c1
	equal "$(addresses c1 eth0)" 10.71.0.11/24
	equal "$(routes c1)" "default via 10.71.0.1 dev eth0 metric 100"
	equal "$(link veth0 .master)" '"br-web"'
	equal "$(addresses br-web)" ""
	is "" nft list ruleset
	equal "$(files)" ""
	is "$before" bash -c "$sysctls"
	equal "$(sysctl_of c1 ipv4/conf/eth0/arp_notify) $(sysctl_of c1 ipv4/conf/eth0/rp_filter)" "0 0"
	detach c1
	equal "$(link_names)" "lo br-web"
}

@test "NV-108 FW-020 an internal network has no way out, and without DNS no firewall" {
	document one 'internal | port(8080; 80; "tcp")'
	attach c1
	equal "$(routes c1)$(routes c1 -6)" ""
	on c1 ping -qc1 -W5 10.71.0.1
	on c1 ping -qc1 -W5 fd71:5:9::1
	is "" nft list ruleset
	equal "$(host_sysctl ipv4/conf/br-web/forwarding) $(host_sysctl ipv6/conf/br-web/forwarding)" "0 0"
	equal "$(host_sysctl ipv4/ip_forward)" 0
	detach c1
	equal "$(link_names) $(files)" "lo "
}

@test "NV-109 an internal network with DNS answers names and ignores published ports" {
	document one 'internal | dns | port(8080; 80; "tcp")'
	attach c1
	is 10.71.0.11 ip netns exec c1 dig +short +tries=1 @10.71.0.1 one.dns.podman
	is fd71:5:9::11 ip netns exec c1 dig +short +tries=1 @fd71:5:9::1 one.dns.podman AAAA
	equal "$(nft_chain NETAVARK-HOSTPORT-DNAT)" $'\tchain NETAVARK-HOSTPORT-DNAT {\n\t}'
	equal "$(routes c1)" ""
	detach c1
}

@test "NV-121 the isolation default follows who asks" {
	local expected edit
	isolation() {
		jq -r .isolation "$CONFIG"/firewall/networks/*
	}
	while read -r expected edit; do
		document one "v4 | $edit"
		attach c1
		equal "$edit: $(isolation)" "$edit: $expected"
		detach c1
	done <<-'END'
		Strict .
		Strict as_array
		Strict net.created = "2026-01-31T12:00:00Z" | as_array
		Never net.created = "2026-01-31T12:00:00Z"
		Normal net.options.isolate = "true"
		Normal net.options.isolate = "1" | as_array
		Strict net.options.isolate = "strict" | net.created = "2026-01-31T12:00:00Z"
		Never net.options.isolate = "false"
		Never net.options.isolate = ""
	END
	document one 'v4 | as_array'
	NETAVARK_DEFAULT_ISOLATE=false attach c1
	equal "$(isolation)" Never
	detach c1
	NETAVARK_DEFAULT_ISOLATE=true attach c1
	equal "$(isolation)" Normal
	detach c1
	document one 'v4 | net.options.isolate = "strict"'
	NETAVARK_DEFAULT_ISOLATE=true attach c1
	equal "$(isolation)" Strict
}

# ---- sysctls ------------------------------------------------------------------------------------

@test "NV-110 every sysctl of a managed bridge has its value" {
	host bash -c 'echo 1 >/proc/sys/net/ipv4/conf/default/rp_filter; echo 1 >/proc/sys/net/ipv6/conf/default/accept_dad'
	on c1 bash -c 'echo 1 >/proc/sys/net/ipv4/conf/default/rp_filter'
	document one
	attach c1
	local expected name
	while read -r expected name; do
		equal "$name $(host_sysctl "$name")" "$name $expected"
	done <<-'END'
		1 ipv4/ip_forward
		1 ipv6/conf/all/forwarding
		1 ipv4/conf/br-web/route_localnet
		0 ipv6/conf/br-web/accept_dad
		0 ipv6/conf/br-web/accept_ra
		2 ipv4/conf/br-web/rp_filter
		0 ipv6/conf/veth0/accept_dad
	END
	while read -r expected name; do
		equal "$name $(sysctl_of c1 "$name")" "$name $expected"
	done <<-'END'
		0 ipv6/conf/eth0/autoconf
		0 ipv6/conf/eth0/accept_dad
		1 ipv4/conf/eth0/arp_notify
		2 ipv4/conf/eth0/rp_filter
	END
	detach c1
	# Without IPv6 its switches are left alone.
	host bash -c 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
	document one v4
	attach c1
	equal "$(host_sysctl ipv6/conf/all/forwarding)" 0
}

@test "NV-110 NV-111 a read-only /proc is fine if the values are right, and an error if not" {
	document one 'v4 | net.options.mtu = "1400"'
	host bash -c 'mount -t proc proc /proc && mount -o remount,ro,bind /proc'
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "set sysctl net/ipv4/ip_forward: IO error: Read-only file system (os error 30)"
	nothing_changed
	host bash -c 'mount -o remount,rw,bind /proc
		echo 1 >/proc/sys/net/ipv4/ip_forward
		for name in rp_filter=2 route_localnet=1 arp_notify=1; do
			echo "${name#*=}" >"/proc/sys/net/ipv4/conf/default/${name%=*}"
			ip netns exec c1 bash -c "echo ${name#*=} >/proc/sys/net/ipv4/conf/default/${name%=*}"
		done
		mount -o remount,ro,bind /proc'
	attach c1
	equal "$(addresses c1 eth0)" 10.71.0.11/24
}

@test "NV-112 NV-113 under systemd a file tells it our values while the bridge is there" {
	document one
	local first=$DOC file=/run/sysctl.d/10-netavark-br-web.conf expected
	attach c1
	is "" bash -c 'ls /run/sysctl.d 2>/dev/null'
	detach c1
	host mkdir -p /run/systemd/system
	attach c1 "$DOC" --rootless=true
	is "" bash -c 'ls /run/sysctl.d 2>/dev/null'
	detach c1 "$DOC" --rootless=true
	attach c1
	expected=$(cat <<-'END'
		# autogenerated by netavark
		net/ipv4/ip_forward = 1
		net/ipv6/conf/all/forwarding = 1
		net/ipv4/conf/br-web/route_localnet = 1
		net/ipv6/conf/br-web/accept_dad = 0
		net/ipv6/conf/br-web/accept_ra = 0
		net/ipv4/conf/br-web/rp_filter = 2
	END
	)
	is "$expected" cat "$file"
	document two 'number(2)'
	attach c2
	is "$expected" cat "$file"
	detach c1 "$first"
	is "$expected" cat "$file"
	detach c2
	is "" ls /run/sysctl.d
	document one internal
	attach c1
	is "$(printf '%s\n' '# autogenerated by netavark' 'net/ipv4/conf/br-web/forwarding = 0' \
		'net/ipv6/conf/br-web/forwarding = 0' 'net/ipv6/conf/br-web/accept_dad = 0' \
		'net/ipv6/conf/br-web/accept_ra = 0' 'net/ipv4/conf/br-web/rp_filter = 2')" cat "$file"
	detach c1
	is "" ls /run/sysctl.d
}

@test "NV-112 a file of that name which exists already is kept" {
	host bash -c 'mkdir -p /run/systemd/system /run/sysctl.d; echo mine >/run/sysctl.d/10-netavark-br-web.conf'
	document one v4
	attach c1
	is mine cat /run/sysctl.d/10-netavark-br-web.conf
}

@test "NV-114 without IPv6 in the kernel the error says so, and nothing is left" {
	host bash -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	document one
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "add ip addr to bridge: failed to add ipv6 address, is ipv6 enabled in the kernel?: Netlink error: Permission denied (os error 13)"
	nothing_changed
	host bash -c 'echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	on c1 bash -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	netavark -f "$DOC" setup /run/netns/c1
	refused "add ip addr to container veth: failed to add ipv6 address, is ipv6 enabled in the kernel?: Netlink error: Permission denied (os error 13)"
	nothing_changed
}

@test "NV-116 the container announces its address on the bridge" {
	host bash -c 'ip link add br-web type bridge; ip link set br-web up'
	host timeout 20 tcpdump -ni br-web -c1 -w "$BATS_TEST_TMPDIR/arp" arp and src 10.71.0.11 and dst 10.71.0.11 \
		2>"$BATS_TEST_TMPDIR/log" &
	local capture=$!
	wait_for grep -q 'listening on' "$BATS_TEST_TMPDIR/log"
	document one v4
	# Not by us but by the kernel, as arp_notify tells it.
	NETAVARK_ANNOUNCE=0 attach c1
	wait "$capture"
	tcpdump -nr "$BATS_TEST_TMPDIR/arp" 2>/dev/null | grep -q 'who-has 10.71.0.11 .*tell 10.71.0.11\|Reply 10.71.0.11'
}

@test "NV-122 FW-094 with strict reverse paths on the host a container on two networks is reached" {
	connect_outside
	host bash -c 'for i in all default; do echo 1 >/proc/sys/net/ipv4/conf/$i/rp_filter; done'
	document one 'v4 | second | port(8080; 80; "tcp")'
	attach c1
	equal "$(host_sysctl ipv4/conf/br-web/rp_filter) $(host_sysctl ipv4/conf/br-back/rp_filter)" "2 2"
	equal "$(sysctl_of c1 ipv4/conf/eth0/rp_filter) $(sysctl_of c1 ipv4/conf/eth1/rp_filter)" "2 2"
	on c1 timeout 20 socat TCP-LISTEN:80,fork SYSTEM:'echo hello' 3>&- &
	wait_for on c1 sh -c 'ss -Hltn sport = 80 | grep -q .'
	equal "$(on outside timeout 10 socat -u TCP:198.51.100.1:8080,connect-timeout=5 -)" hello
}

@test "NV-123 a managed bridge that was left half done is completed" {
	host ip link add br-web type bridge
	document one
	attach c1
	equal "$(addresses br-web)" "10.71.0.1/24 fd71:5:9::1/64"
	host ping -qc1 -W5 10.71.0.11
	on c1 ping -qc1 -W5 10.71.0.1
}
