# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # scripts for other shells; variables of the tests that load this
#
# Helpers for the tests of DHCP: a bridge with a server behind it, the proxy, and calls to it. To be
# loaded after helpers. The sanitizers' builds are slower, so nothing here is measured in time.

PROXY_CLIENT=${NETAVARK}-dhcp-proxy-client
SOCKET=/run/podman/nv-proxy.sock
LEASES=/run/podman/nv-proxy.lease
MAC=02:00:00:00:00:07
unset NETAVARK_PROXY_RUN_DIR_ENV LISTEN_FDS LISTEN_PID

# A bridge of the host that belongs to somebody else, with another machine on one of its ports.
connect_lan() {
	LOG=$BATS_TEST_TMPDIR/server.log
	ORDERS=$BATS_TEST_TMPDIR/orders.json
	host bash -ec '
		ip netns add server
		ip link add br-lan type bridge
		ip link set br-lan up
		ip link add port0 type veth peer name s0 netns server
		ip link set port0 master br-lan up
		ip -n server address add 10.60.0.1/24 dev s0
		ip -n server link set s0 up'
}

# orders JQ — what the scripted server grants, from now on.
orders() {
	jq -n '{address: "10.60.0.50", mask: "255.255.255.0", server: "10.60.0.1", router: "10.60.0.1",
		lease: 600} | '"${1-.}" >"$ORDERS.new"
	mv "$ORDERS.new" "$ORDERS"
}

# serve [JQ] — starts the scripted server on the other machine.
serve() {
	orders "${1-.}"
	on server python3 "$TREE/tests/integration/dhcp_server.py" s0 "$ORDERS" "$LOG" \
		>"$BATS_TEST_TMPDIR/server.err" 2>&1 3>&- &
	wait_for grep -q ready "$LOG"
}

# seen FILTER — what the server has got so far, one value a line.
seen() {
	jq -r "select(.type != \"ready\") | $1" "$LOG"
}

# came TYPE [N] — whether the server has got as many messages of a type, one without N.
came() {
	(($(jq -r .type "$LOG" | grep -cx "$1") >= ${2-1}))
}

# dnsmasq on an interface of the host, whose address is the router of what it grants.
start_dnsmasq() { # INTERFACE OPTION...
	DNSMASQ_LOG=$BATS_TEST_TMPDIR/dnsmasq.log
	DNSMASQ_LEASES=$BATS_TEST_TMPDIR/dnsmasq.leases
	: >"$DNSMASQ_LOG"
	host dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --interface="$1" \
		--bind-interfaces --except-interface=lo --log-facility=- --log-dhcp --no-ping \
		--user=root --dhcp-leasefile="$DNSMASQ_LEASES" --pid-file="$BATS_TEST_TMPDIR/dnsmasq.pid" \
		"${@:2}" >"$DNSMASQ_LOG" 2>&1 3>&- &
	wait_for grep -q 'DHCP, IP range' "$DNSMASQ_LOG"
}

# start_proxy [OPTION...] — sets PROXY, its process as the host numbers it, and PROXY_LOG.
start_proxy() {
	PROXY_LOG=$BATS_TEST_TMPDIR/proxy.log
	: >"$PROXY_LOG" # that of an earlier one has the line that is waited for
	host env RUST_LOG="${PROXY_LEVEL-info}" "$NETAVARK" dhcp-proxy "$@" >"$PROXY_LOG" 2>&1 3>&- &
	PROXY_JOB=$!
	wait_for grep -q 'listening in' "$PROXY_LOG"
	PROXY=$(host pgrep -x netavark-dhcp-p)
}

# Waits for the end of the proxy; sets status.
proxy_ended() {
	status=0
	wait "$PROXY_JOB" || status=$?
}

leases() {
	host cat "$LEASES"
}

# A container's interface that a test makes itself, for calls without netavark.
plug_in() {
	host bash -ec '
		ip link add port1 type veth peer name eth0 netns c1
		ip -n c1 link set eth0 address "$1" up
		ip link set port1 master br-lan up' plug "$MAC"
}

# request [JQ] — the document of the client on standard output.
request() {
	jq -nc --arg mac "$MAC" '{host_iface: "br-lan", container_iface: "eth0", container_mac_addr: $mac,
		domain_name: "", host_name: "seven", version: 0, ns_path: "/run/netns/c1",
		container_id: "c0ffee07"} | '"${1-.}"
}

# ask OPERATION [JQ] — asks the proxy by hand; sets status, output and stderr.
ask() {
	request "${2-.}" >"$BATS_TEST_TMPDIR/request.json"
	run --separate-stderr host timeout 30 "$PROXY_CLIENT" -f "$BATS_TEST_TMPDIR/request.json" "$1"
}

# got FILTER EXPECTED — a part of the lease that ask has printed.
got() {
	equal "$(jq -c "$1" <<<"$output")" "$2"
}

# dhcp_document NAME [EDIT] — the base document on the bridge br-lan, with addresses by DHCP.
dhcp_document() {
	document "$1" 'del(me.static_ips) | del(net.subnets) | net.ipv6_enabled = false |
		net.network_interface = "br-lan" | net.options = {mode: "unmanaged"} |
		net.ipam_options.driver = "dhcp" | '"${2-.}"
}

explain_dhcp() {
	local file
	for file in server.log server.err proxy.log dnsmasq.log; do
		[[ ! -f $BATS_TEST_TMPDIR/$file ]] || { echo "---- $file"; tail -n 40 "$BATS_TEST_TMPDIR/$file"; }
	done
}

# A proxy under the sanitizers must not have complained, whatever the test has looked at.
proxy_is_clean() {
	[[ ! -f ${PROXY_LOG-} ]] || ! grep -E 'Sanitizer|runtime error' "$PROXY_LOG"
}

teardown() {
	[[ ${BATS_TEST_COMPLETED-} == 1 ]] || { explain; explain_dhcp; }
	[[ -z ${LAUNCHER-} ]] || kill -KILL "$LAUNCHER" 2>/dev/null || true
	proxy_is_clean
}
