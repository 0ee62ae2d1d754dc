#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# Networks whose addresses come from a DHCP server: setup and teardown, the proxy, and what they say to
# a server. Real conversations go with dnsmasq, odd ones with dhcp_server.py.

load helpers
load dhcp

NO_UNIT="is the netavark-dhcp-proxy.socket unit enabled?"

# ---- setup and teardown -------------------------------------------------------------------------

@test "NV-190 NV-203 without a proxy the error names its socket and its unit, and nothing is left" {
	connect_lan
	dhcp_document one
	remember
	netavark --file "$DOC" setup /run/netns/c1
	refused "unable to obtain lease: socket \"$SOCKET\": No such file or directory (os error 2), $NO_UNIT"
	nothing_changed
	host python3 -c 'import os, socket, sys
os.mkdir("/run/podman")
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$SOCKET"
	netavark --file "$DOC" setup /run/netns/c1
	refused "unable to obtain lease: socket \"$SOCKET\": Connection refused (os error 111), $NO_UNIT"
	nothing_changed
}

@test "NV-204 NV-202 NV-194 NV-193 a lease of dnsmasq on the bridge itself, given back, and got again" {
	connect_lan
	host ip address add 10.61.0.1/24 dev br-lan
	start_dnsmasq br-lan --dhcp-range=10.61.0.100,10.61.0.109,120s --dhcp-option=6,10.61.0.2,10.61.0.3 \
		--domain=lan.example --dhcp-authoritative
	start_proxy
	dhcp_document one '.container_hostname = "host-of-one"'
	attach c1
	status_is '["10.61.0.2","10.61.0.3"]' .web.dns_server_ips
	status_is '["lan.example"]' .web.dns_search_domains
	valid netavark-status <<<"$STATUS"
	local first mac
	first=$(jq -r '.web.interfaces.eth0.subnets[0].ipnet' <<<"$STATUS")
	mac=$(jq -r .web.interfaces.eth0.mac_address <<<"$STATUS")
	[[ $first == 10.61.0.10?/24 ]]
	status_is '[{"gateway":"10.61.0.1","ipnet":"'"$first"'"}]' .web.interfaces.eth0.subnets
	equal "$(addresses c1 eth0)" "$first"
	equal "$(routes c1)" "default via 10.61.0.1 dev eth0 metric 100"
	on c1 ping -q -c 1 -W 5 10.61.0.1
	# The type 0 and the container's id; then its name.
	grep -q "^[0-9]* $mac ${first%/*} host-of-one 00:63:30:66:66:65:65:30:31$" "$DNSMASQ_LEASES"

	detach c1
	wait_for grep -q "DHCPRELEASE(br-lan) ${first%/*} $mac" "$DNSMASQ_LOG"
	wait_for test ! -s "$DNSMASQ_LEASES"
	# Another hardware address, the same container. In between, another container asks.
	dhcp_document two '.container_id = "c0ffee02"'
	attach c2
	dhcp_document one '.container_hostname = "host-of-one"'
	attach c1
	status_is "\"$first\"" '.web.interfaces.eth0.subnets[0].ipnet'
	[[ $(jq -r .web.interfaces.eth0.mac_address <<<"$STATUS") != "$mac" ]]
}

@test "NV-204 NV-195 NV-192 a server behind a port of the bridge; the lease file has the lease, then none" {
	connect_lan
	serve '.dns = "10.60.0.2 10.60.0.3" | .options = {"15": "6c616e", "26": "05dc", "42": "0a3c0009"} | .t1 = 200'
	start_proxy
	host stat -c '%a %F' "$SOCKET" | grep -qx '660 socket'
	equal "$(leases)" '{}'
	dhcp_document one
	attach c1
	local mac
	mac=$(jq -r .web.interfaces.eth0.mac_address <<<"$STATUS")
	equal "$(leases)" '{"'"$mac"'":[{"t1":200,"t2":0,"lease_time":600,"mtu":1500,"domain_name":"lan","mac_address":"'"$mac"'","is_v6":false,"siaddr":"10.60.0.1","yiaddr":"10.60.0.50","srv_id":"10.60.0.1","subnet_mask":"255.255.255.0","broadcast_addr":"","dns_servers":["10.60.0.2","10.60.0.3"],"gateways":["10.60.0.1"],"ntp_servers":["10.60.0.9"],"host_name":""}]}'
	leases | valid dhcp-leases
	equal "$(seen .mac | sort -u)" "$mac"
	equal "$(seen '"\(.type) \(.broadcast) \(.from) \(.to)"')" \
		"discover true 0.0.0.0 255.255.255.255"$'\n'"request true 0.0.0.0 255.255.255.255"
	equal "$(seen '.options["55"]' | sort -u)" 0c0103060f1a2a79f9
	equal "$(seen '"\(.options["50"]) \(.options["54"])"')" "null null"$'\n'"0a3c0032 0a3c0001"

	detach c1
	equal "$(leases)" '{}'
	wait_for came release
	equal "$(seen 'select(.type == "release") | "\(.ciaddr) \(.from) \(.to) \(.options["54"]) \(.mac)"')" \
		"10.60.0.50 10.60.0.50 10.60.0.1 0a3c0001 $mac"

	# The container's own name servers take the place of those of the lease.
	dhcp_document one '.dns_servers = ["1.1.1.1"]'
	attach c1
	status_is '[]' .web.dns_server_ips
}

@test "NV-193 NV-194 no host name and no client identifier are sent if there are none" {
	connect_lan
	plug_in
	serve
	start_proxy
	ask setup '.host_name = "" | .container_id = ""'
	equal "$status" 0
	equal "$(seen '.options | has("12") or has("61")' | sort -u)" false
	ask teardown
	ask setup '.host_name = "x" | .container_id = "y"'
	equal "$(seen 'select(.type != "release") | "\(.options["12"]) \(.options["61"])"' | tail -n 1)" "78 0079"
}

@test "a network with names has the lease's address in them" {
	connect_lan
	host ip address add 10.60.0.7/24 dev br-lan
	serve
	start_proxy
	dhcp_document one dns
	attach c1
	status_is '["10.60.0.7"]' .web.dns_server_ips
	equal "$(tail -n 1 "$CONFIG/aardvark-dns/web")" "c0ffee01 10.60.0.50  one"
	equal "$(on c1 dig +short +tries=1 @10.60.0.7 one)" 10.60.0.50
	detach c1
}

@test "options of the network: no default route, another metric" {
	connect_lan
	serve '.options = {"121": ("180a5000" + "0a3c0009" + "000a3c0008")}'
	start_proxy
	dhcp_document one 'net.options.metric = "7"'
	attach c1
	equal "$(routes c1)" "default via 10.60.0.8 dev eth0 metric 7"$'\n'"10.80.0.0/24 via 10.60.0.9 dev eth0 metric 7"
	detach c1
	dhcp_document one 'net.options.no_default_route = "true"'
	attach c1
	equal "$(routes c1)" "10.80.0.0/24 via 10.60.0.9 dev eth0 metric 100"
}

@test "NV-250 NV-203 a lease is given back when something fails after it" {
	connect_lan
	serve
	start_proxy
	dhcp_document one 'second | .network_info.back.ipam_options.driver = "host-local" |
		.network_info.back.options = {} | .network_info.back.network_interface = "port0" |
		.network_info.back.subnets = [{subnet: "10.72.0.0/24"}]'
	remember
	netavark --file "$DOC" setup /run/netns/c1
	refused "bridge interface port0 already exists but is a Veth interface"
	nothing_changed
	equal "$(leases)" '{}'
	wait_for came release
}

@test "NV-251 a failure at any door of a setup gives the lease back" {
	connect_lan
	serve
	start_proxy
	dhcp_document one
	local result
	result=$(host_script "$NETAVARK" "$CONFIG" "$DOC" "$LEASES" <<-'END'
		netavark=$1 config=$2 document=$3 leases=$4 door=0
		before=$(snapshot "$config" c1)
		while ((++door)); do
			NETAVARK_FAULT=$door "$netavark" --config "$config" -f "$document" setup /run/netns/c1 >/run/out && break
			after=$(snapshot "$config" c1)
			[[ $after == "$before" && $(<"$leases") == '{}' ]] || {
				echo "door $door: $(cat /run/out /run/podman/nv-proxy.lease)"
				diff <(echo "$before") <(echo "$after")
				exit 1
			}
		done
		echo "$door"
	END
	)
	((result > 15)) || equal "$result" "more doors"
}

@test "NV-255 a signal ends the waiting for a lease, and the proxy stops asking" {
	connect_lan
	serve '.reply = {discover: "silent"}'
	start_proxy
	dhcp_document one
	remember
	run --separate-stderr host bash -c '
		"$1" --config "$2" -f "$3" setup /run/netns/c1 &
		until grep -q discover "$4"; do sleep 0.01; done
		kill -TERM $!
		wait $!' x "$NETAVARK" "$CONFIG" "$DOC" "$LOG"
	refused "interrupted by signal 15"
	nothing_changed
	# The proxy forgets the request of a caller that is gone: another one for the same interface is not
	# one too many.
	plug_in
	request >"$BATS_TEST_TMPDIR/request.json"
	run host bash -c '"$1" -f "$2" setup &
		until grep -q "$3" "$4"; do sleep 0.01; done
		kill -KILL $!' x "$PROXY_CLIENT" "$BATS_TEST_TMPDIR/request.json" "$MAC" "$LOG"
	orders
	wait_for host timeout 2 "$PROXY_CLIENT" -f "$BATS_TEST_TMPDIR/request.json" setup
	equal "$(addresses c1 eth0)" 10.60.0.50/24
}

@test "NV-255 a signal at any door of a setup gives the lease back, and waits until that is done" {
	connect_lan
	serve
	start_proxy
	dhcp_document one
	local result
	result=$(host_script "$NETAVARK" "$CONFIG" "$DOC" "$LEASES" <<-'END'
		netavark=$1 config=$2 document=$3 leases=$4 door=0
		while ((++door)); do
			NETAVARK_FAULT=$door:term "$netavark" --config "$config" -f "$document" setup /run/netns/c1 \
				>/run/out 2>/run/err && break
			[[ ! -s /run/err && $(<"$leases") == '{}' ]] || {
				echo "door $door: $(cat /run/out /run/err "$leases")"
				exit 1
			}
		done
		grep -c lease_time "$leases"
	END
	)
	equal "$result" 1
}

@test "a teardown without a proxy removes the interface, and says what it could not do" {
	connect_lan
	serve
	start_proxy
	dhcp_document one
	attach c1
	kill "$PROXY_JOB" 2>/dev/null
	host kill "$PROXY"
	proxy_ended
	netavark --file "$DOC" teardown /run/netns/c1
	refused "drop DHCP lease: socket \"$SOCKET\": No such file or directory (os error 2), $NO_UNIT"
	equal "$(host ip -n c1 -br link | wc -l)" 1
	netavark --file "$DOC" teardown /run/netns/c1
	refused_like "netavark encountered multiple errors:*get container interface eth0: Netlink error: No such device (os error 19)*"
}

# ---- what the proxy says ------------------------------------------------------------------------

@test "NV-196 what is wrong with a request is told" {
	connect_lan
	plug_in
	serve
	start_proxy
	local edit error
	while IFS=$'\t' read -r edit error; do
		ask setup "$edit"
		equal "$status $output" "1 "
		equal "$stderr" "Error: $error"
	done <<-'END'
		.container_mac_addr = ""	unable to parse mac address : cannot parse integer from empty string
		.container_mac_addr = "gar"	unable to parse mac address gar: invalid digit found in string
		.container_mac_addr = "aa:bb"	invalid mac length for address: aa:bb
		.version = 1	ipv6 not yet supported
		.version = 7	invalid protocol version
		.host_iface = "none"	Netlink error: No such device (os error 19)
		.container_iface = "none"	Netlink error: No such device (os error 19)
		.ns_path = "/run/netns/none"	open container netns: open /run/netns/none: IO error: No such file or directory (os error 2)
	END
	ask teardown '.container_mac_addr = ""'
	equal "$stderr" "Error: unable to parse mac address : cannot parse integer from empty string"
	ask setup 'del(.ns_path)'
	[[ $status == 1 && $stderr == 'Error: missing field `ns_path`'* ]] || equal "$stderr" "the missing field"
	equal "$(leases)" '{}'
	# Nothing of this has reached the server.
	equal "$(seen .type)" ""

	# What is not there can be given back.
	ask teardown
	equal "$status" 0
	got . '{"t1":0,"t2":0,"lease_time":0,"mtu":0,"domain_name":"","mac_address":"","is_v6":false,"siaddr":"","yiaddr":"","srv_id":"","subnet_mask":"","broadcast_addr":"","dns_servers":[],"gateways":[],"ntp_servers":[],"host_name":""}'
}

@test "NV-197 NV-203 without a server the time limit ends the waiting" {
	connect_lan
	start_proxy --timeout 1
	dhcp_document one
	remember
	netavark --file "$DOC" setup /run/netns/c1
	refused "unable to obtain lease: get DHCP lease: Timeout: Timeout on acquiring DHCPv4 lease on br-lan"
	nothing_changed
	equal "$(leases)" '{}'
}

@test "NV-197 the time limit is eight seconds if none is given; others are set up meanwhile" {
	connect_lan
	serve '.reply = {discover: "silent"}'
	PROXY_LEVEL=debug start_proxy
	dhcp_document one
	host timeout 30 "$NETAVARK" --config "$CONFIG" -f "$DOC" setup /run/netns/c1 \
		>"$BATS_TEST_TMPDIR/waiting" 2>&1 3>&- &
	local job=$!
	wait_for came discover
	grep -q 'a lease on br-lan for eth0, in at most 8 s' "$PROXY_LOG"
	document two 'number(2)'
	attach c2
	kill -0 "$job" # still waiting
	host pkill -x -TERM netavark
	wait "$job" || true
	equal "$(<"$BATS_TEST_TMPDIR/waiting")" '{"error":"interrupted by signal 15"}'
}

@test "broken replies are passed over" {
	connect_lan
	plug_in
	serve '.reply = {discover: "broken"}'
	start_proxy --timeout 1
	ask setup
	equal "$stderr" "Error: Timeout: Timeout on acquiring DHCPv4 lease on br-lan"
	equal "$(addresses c1 eth0)" ""
	orders
	ask setup
	got .yiaddr '"10.60.0.50"'
}

@test "NV-191 NV-202 a macvlan gets its lease through the parent device" {
	connect_lan
	serve '.dns = "10.60.0.2 10.60.0.3" | .options = {"15": "6c616e"} | .lease = 9 | .t1 = 1'
	start_proxy
	host bash -ec '
		ip link add uplink type veth peer name port2
		ip link set port2 master br-lan up
		ip link set uplink up'
	dhcp_document one 'net.driver = "macvlan" | net.network_interface = "uplink" | net.options = {}'
	attach c1
	local mac
	mac=$(jq -r .web.interfaces.eth0.mac_address <<<"$STATUS")
	status_is '[{"gateway":"10.60.0.1","ipnet":"10.60.0.50/24"}]' .web.interfaces.eth0.subnets
	status_is '["10.60.0.2","10.60.0.3"]' .web.dns_server_ips
	status_is '["lan"]' .web.dns_search_domains
	equal "$(addresses c1 eth0)" 10.60.0.50/24
	equal "$(routes c1)" "default via 10.60.0.1 dev eth0 metric 100"
	# A renewal, whose answer goes to the container's own hardware address.
	orders '.router = "10.60.0.9"'
	wait_for host grep -q 10.60.0.9 "$LEASES"
	equal "$(routes c1)" "default via 10.60.0.9 dev eth0 metric 100"
	equal "$(seen .type | grep -c discover)" 1
	detach c1
	wait_for came release
	equal "$(seen 'select(.type == "release") | "\(.ciaddr) \(.to) \(.mac)"')" "10.60.0.50 10.60.0.1 $mac"
	equal "$(leases)" '{}'
}

@test "NV-191 the parent of a macvlan may be that of the default route; no default route is wanted" {
	connect_lan
	serve
	start_proxy
	host bash -ec '
		ip link add uplink type veth peer name port2
		ip link set port2 master br-lan up
		ip link set uplink up
		ip address add 10.60.0.99/24 dev uplink
		ip route add default via 10.60.0.1'
	dhcp_document one 'net.driver = "macvlan" | del(net.network_interface) | net.internal = true | net.options = {}'
	attach c1
	equal "$(addresses c1 eth0)" 10.60.0.50/24
	equal "$(routes c1)" ""
	netavark --file "$DOC" plan
	[[ $output == *"address by DHCP"* ]]
}

@test "classless routes replace the router; one on the link needs no gateway; a gateway may be outside" {
	connect_lan
	plug_in
	serve '.mask = "255.255.255.255" | .options = {"121": ("20c0000201" + "00000000" + "00c0000201" + "10ac10" + "0a3c0009")}'
	start_proxy
	ask setup
	equal "$status" 0
	got '[.gateways, .routes]' '[["192.0.2.1"],[{"destination":"192.0.2.1/32","gateway":""},{"destination":"172.16.0.0/16","gateway":"10.60.0.9"}]]'
	equal "$(addresses c1 eth0)" 10.60.0.50/32
	equal "$(routes c1 | sed 's/ scope link//')" "default via 192.0.2.1 dev eth0 metric 100 onlink
172.16.0.0/16 via 10.60.0.9 dev eth0 metric 100 onlink
192.0.2.1 dev eth0 metric 100"
}

@test "a lease that cannot be put onto the interface is given back" {
	connect_lan
	plug_in
	serve '.options = {"121": ("20c0000201" + "0a3c0009")} | .delay_ms = 100'
	start_proxy
	# Meanwhile somebody takes the interface away.
	host bash -ec 'until grep -q request "$1"; do sleep 0.005; done; ip -n c1 link set eth0 name eth9' x "$LOG" &
	ask setup
	equal "$status $stderr" "1 Error: Netlink error: No such device (os error 19)"
	equal "$(leases)" '{}'
	wait_for came release
}

@test "a failure at any door of the proxy is told, and leaves no address and no lease" {
	connect_lan
	plug_in
	serve
	request >"$BATS_TEST_TMPDIR/request.json"
	local result
	result=$(host_script "$NETAVARK" "$PROXY_CLIENT" "$BATS_TEST_TMPDIR/request.json" "$LEASES" <<-'END'
		door=0 refused=0
		while ((++door)); do
			rm -f /run/doors /run/err
			RUST_LOG=info NETAVARK_FAULT=$door NETAVARK_FAULT_LOG=/run/doors "$1" dhcp-proxy >/run/out 2>/run/err &
			proxy=$!
			until grep -qs 'listening in' /run/err || ! kill -0 $proxy 2>/dev/null; do sleep 0.01; done
			if ! kill -0 $proxy 2>/dev/null; then
				grep -q '^{"error":"' /run/out || { echo "door $door: no error"; exit 1; }
				continue
			fi
			status=0
			"$2" -f "$3" setup >/run/answer 2>&1 || status=$?
			passed=$(sort -rn /run/doors | sed 's/ .*//; q')
			if ((status == 0)); then
				"$2" -f "$3" teardown >/run/answer 2>&1
				ip -n c1 address flush dev eth0
			else
				refused=$((refused + 1))
			fi
			address=$(ip -n c1 -4 -br address show dev eth0 | awk '{print $3}')
			kill -0 $proxy && kill $proxy && wait $proxy || { echo "door $door: the proxy is gone"; cat /run/err; exit 1; }
			[[ -z $address ]] || { echo "door $door $(sed -n "${door}p" /run/doors): $address"; cat /run/answer; exit 1; }
			((door <= passed)) || break
		done
		echo "$door $refused"
	END
	)
	read -r doors refused <<<"$result"
	((doors > 25 && refused > 10)) || equal "$result" "more doors"
}

# ---- renewal ------------------------------------------------------------------------------------

@test "NV-201 a renumbered server: a refusal brings the new address and gateway, and the log says so" {
	connect_lan
	plug_in
	serve '.lease = 9 | .t1 = 1'
	start_proxy
	ask setup
	equal "$(addresses c1 eth0)" 10.60.0.50/24
	host ip -n server address add 10.61.0.1/24 dev s0
	orders '.lease = 600 | .address = "10.61.0.77" | .server = "10.61.0.1" | .router = "10.61.0.1"'
	wait_for grep -qF "[INFO  netavark::dhcp_proxy] ip or gateway for mac $MAC changed, update address" "$PROXY_LOG"
	wait_for host grep -q 10.61.0.77 "$LEASES"
	equal "$(addresses c1 eth0)" 10.61.0.77/24
	equal "$(routes c1)" "default via 10.61.0.1 dev eth0 metric 100"
	# At T1, from the address, to the server.
	equal "$(seen 'select(.reply == "nak") | "\(.type) \(.ciaddr) \(.from) \(.to)"')" \
		"request 10.60.0.50 10.60.0.50 10.60.0.1"
	equal "$(seen 'select(.reply == "nak") | .options | has("50") or has("54")')" false
}

@test "NV-201 another gateway or mask with the same address; another address of the same subnet" {
	connect_lan
	plug_in
	serve '.lease = 2'
	start_proxy
	ask setup
	orders '.lease = 2 | .mask = "255.255.0.0" | .router = "10.60.9.9"'
	wait_for host grep -q 10.60.9.9 "$LEASES"
	equal "$(addresses c1 eth0)" 10.60.0.50/16
	equal "$(routes c1)" "default via 10.60.9.9 dev eth0 metric 100"
	orders '.mask = "255.255.0.0" | .address = "10.60.0.51"'
	wait_for host grep -q '"10.60.0.51"' "$LEASES"
	equal "$(addresses c1 eth0)" 10.60.0.51/16
	equal "$(routes c1)" "default via 10.60.0.1 dev eth0 metric 100"
}

@test "a lease is renewed at half its time and extended in silence; unanswered, it is asked for at large, then over" {
	connect_lan
	plug_in
	serve '.lease = 3'
	start_proxy
	ask setup
	# T1 and T2 are not given: a half, and seven eighths.
	wait_for came request 2
	equal "$(seen '"\(.type) \(.to) \(.reply)"' | sed -n 3p)" "request 10.60.0.1 ack"
	orders '.reply = {request: "silent", discover: "silent"}'
	wait_for came discover 2
	equal "$(seen 'select(.reply == "silent") | "\(.type) \(.ciaddr) \(.to)"' | head -n 2)" \
		"request 10.60.0.50 10.60.0.1"$'\n'"request 10.60.0.50 255.255.255.255"
	wait_for grep -q "WARN .*the lease of 10.60.0.50 for $MAC is over" "$PROXY_LOG"
	equal "$(addresses c1 eth0) $(routes c1)" " "
	equal "$(leases)" '{}'
}

@test "a container that is gone without a teardown loses its lease when it is to be renewed" {
	connect_lan
	serve '.lease = 2'
	start_proxy
	dhcp_document one
	attach c1
	host ip netns delete c1
	wait_for grep -q 'WARN .*giving up the lease' "$PROXY_LOG"
	wait_for came release
	wait_for host grep -qx '{}' "$LEASES"
	equal "$(host ip -br link show master br-lan | wc -l)" 1
}

# ---- the daemon ---------------------------------------------------------------------------------

@test "NV-198 a signal ends the proxy: the socket goes, the leases stay" {
	connect_lan
	plug_in
	serve
	local signal
	for signal in TERM INT; do
		start_proxy
		ask setup
		host kill -"$signal" "$PROXY"
		proxy_ended
		equal "$status" 0
		grep -qF "[WARN  netavark::commands::dhcp_proxy] Received SIG$signal, cleaning up and exiting" "$PROXY_LOG"
		host test ! -e "$SOCKET"
		equal "$(addresses c1 eth0)" 10.60.0.50/24
	done
	equal "$(seen 'select(.type == "release") | .type')" ""
}

@test "NV-199 the proxy ends when nobody needs it, but never with a lease" {
	connect_lan
	plug_in
	serve
	PROXY_LEVEL=debug start_proxy --activity-timeout 1
	ask setup
	wait_for grep -q 'idle, but with 1 lease' "$PROXY_LOG"
	ask teardown
	proxy_ended
	equal "$status" 0
	grep -qx 'timeout met: exiting after 1 secs of inactivity' "$PROXY_LOG"
	host test ! -e "$SOCKET"
}

@test "NV-199 zero means never" {
	start_proxy -a 0
	# Nothing but a call wakes it up: there is no timer that it would wait for.
	ask teardown
	equal "$status" 0
	wait_for host grep -qE '^[a-z0-9_]*epoll_wait|^ep_poll|schedule_hrtimeout' "/proc/$PROXY/wchan"
	host kill -0 "$PROXY"
}

# Runs a command with a listening socket as systemd does, which leaves the process number as it is.
activate() {
	host python3 - "$@" <<-'END'
		import os, socket, sys
		path, env, argv = sys.argv[1], sys.argv[2].split(), sys.argv[3:]
		os.makedirs(os.path.dirname(path), exist_ok=True)
		s = socket.socket(socket.AF_UNIX)
		s.bind(path)
		s.listen()
		os.dup2(s.fileno(), 3)
		os.set_inheritable(3, True)
		os.environ.update(dict(e.split("=") for e in env))
		os.environ["LISTEN_PID"] = str(os.getpid())
		os.execv(argv[0], argv)
	END
}

@test "NV-200 a socket of systemd is used, and kept at the end" {
	connect_lan
	PROXY_LOG=$BATS_TEST_TMPDIR/proxy.log
	RUST_LOG=info activate "$SOCKET" "LISTEN_FDS=1" "$NETAVARK" dhcp-proxy >"$PROXY_LOG" 2>&1 3>&- &
	PROXY_JOB=$!
	wait_for grep -q 'listening in' "$PROXY_LOG"
	ask teardown
	equal "$status" 0
	host pkill -x netavark-dhcp-p
	proxy_ended
	equal "$status" 0
	host test -S "$SOCKET"

	run --separate-stderr activate /run/other.sock "LISTEN_FDS=2" "$NETAVARK" dhcp-proxy
	refused "Received more than one FD from systemd"
	run --separate-stderr host env LISTEN_FDS=1 "$NETAVARK" dhcp-proxy 3</dev/null
	refused_like "socket of systemd: *"
}

@test "NV-205 the environment names the directory before --dir does; --uds has no effect" {
	start_proxy --dir /run/a/b --uds /run/elsewhere.sock
	host test -S /run/a/b/nv-proxy.sock -a -f /run/a/b/nv-proxy.lease -a ! -e /run/elsewhere.sock
	host kill "$PROXY"
	proxy_ended
	NETAVARK_PROXY_RUN_DIR_ENV=/run/c start_proxy --dir /run/d
	host test -S /run/c/nv-proxy.sock -a -f /run/c/nv-proxy.lease -a ! -e /run/d
}

@test "a second proxy does not take over the socket of the first; that of a dead one is" {
	start_proxy
	run --separate-stderr host timeout 10 "$NETAVARK" dhcp-proxy
	refused "another dhcp-proxy is listening on $SOCKET"
	host kill -KILL "$PROXY"
	proxy_ended
	host test -S "$SOCKET"
	start_proxy
	ask teardown
	equal "$status" 0
}

@test "wrong usage of dhcp-proxy is status 2; help and version" {
	local arguments
	for arguments in "-t x" "-t 4294967296" "-a -1" "--dir" "more" "-t 1 -t 1"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr host timeout 10 "$NETAVARK" dhcp-proxy $arguments
		equal "$status $output" "2 "
		[[ -n $stderr ]]
	done
	run --separate-stderr host "$NETAVARK" dhcp-proxy -V
	[[ $status == 0 && $output =~ ^netavark-dhcp-proxy\ 2\.[0-9]+\.[0-9]+$ ]]
	run --separate-stderr host "$NETAVARK" dhcp-proxy --help
	[[ $status == 0 && $output == *--activity-timeout* ]]
}

@test "netavark itself is not linked with the library of the proxy" {
	run ldd "$NETAVARK"
	[[ $output != *libevent* ]]
}

@test "callers that say something else are turned away, and no number of them keeps others out" {
	connect_lan
	start_proxy
	host python3 - "$SOCKET" <<-'END'
		import json, socket, struct, sys

		def call(data):
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(20)
		    s.connect(sys.argv[1])
		    s.sendall(data)
		    return s

		def answer(data):
		    s, got = call(data), b""
		    while chunk := s.recv(65536):
		        got += chunk
		    return got

		def text(value):
		    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
		    got = answer(struct.pack(">I", len(raw)) + raw)
		    assert struct.unpack(">I", got[:4])[0] == len(got) - 4, got
		    return json.loads(got[4:])["error"]

		assert answer(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == b""
		config = dict.fromkeys(["host_iface", "container_iface", "container_mac_addr", "domain_name",
		                        "host_name", "ns_path", "container_id"], "") | {"version": 0}
		assert "unknown operation \"eat\"" in text({"op": "eat", "config": config})
		assert "missing field `config`" in text({"op": "setup"})
		assert "missing field `op`" in text({"config": config})
		assert "invalid type" in text({"op": "setup", "config": config | {"host_iface": 7}})
		assert text(b"{") and text(b"") and text(b"[]") and text(b"\xff\xfe") and text(b"[" * 5000)
		assert b"a request of 4294967295 bytes" in answer(b"\xff\xff\xff\xff")
		# Those that say nothing wait in a row; they do not wait for ever.
		silent = [call(b"\0") for _ in range(200)]
		assert "unknown operation" in text({"op": "still there?", "config": config})
	END
	host kill -0 "$PROXY"
	grep -q 'speaks gRPC' "$PROXY_LOG"
}

# ---- installation -------------------------------------------------------------------------------

@test "what is installed finds each other: netavark the proxy, the units netavark" {
	local root=$BATS_TEST_TMPDIR/root build=${NETAVARK%/netavark/netavark} unit
	make -s -C "$TREE" -o all install BUILD="$build" DESTDIR="$root" PREFIX=/usr
	run --separate-stderr host "$root/usr/libexec/podman/netavark" dhcp-proxy -V
	[[ $status == 0 && $output == netavark-dhcp-proxy* ]]
	for unit in netavark-dhcp-proxy.service netavark-nftables-reload.service; do
		grep -q '^ExecStart=/usr/libexec/podman/netavark [a-z-]*' "$root/usr/lib/systemd/system/$unit"
	done
	grep -qx 'ListenStream=%t/podman/nv-proxy.sock' "$root/usr/lib/systemd/system/netavark-dhcp-proxy.socket"
	make -s -C "$TREE" uninstall BUILD="$build" DESTDIR="$root" PREFIX=/usr
	equal "$(find "$root" -type f)" ""
	# Without the proxy beside it, netavark says what is missing.
	cp "$NETAVARK" "$root/netavark"
	run --separate-stderr host "$root/netavark" dhcp-proxy
	refused "$root/netavark-dhcp-proxy: IO error: No such file or directory (os error 2)"
}
