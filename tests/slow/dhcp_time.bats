#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# DHCP with the clocks of real life: the shortest lease that dnsmasq grants is two minutes.

export HOST_SECONDS=300
load ../integration/helpers
load ../integration/dhcp

# Waits for at most as many seconds.
wait_seconds() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS <= end)) || { echo "gave up waiting for: $*"; return 1; }
		sleep 0.2
	done
}

renumber() { # OPTION...
	connect_lan
	host ip address add 10.61.0.1/24 dev br-lan
	start_dnsmasq br-lan --dhcp-range=10.61.0.100,10.61.0.109,120s "$@"
	start_proxy
	dhcp_document one
	attach c1
	[[ $(addresses c1 eth0) == 10.61.0.* ]]
	local before=$SECONDS mac
	mac=$(jq -r .web.interfaces.eth0.mac_address <<<"$STATUS")
	host bash -c 'kill "$(<"$1")"' x "$BATS_TEST_TMPDIR/dnsmasq.pid"
	host bash -ec 'ip address flush dev br-lan; ip address add 10.62.0.1/24 dev br-lan'
	rm "$DNSMASQ_LEASES"
	start_dnsmasq br-lan --dhcp-range=10.62.0.100,10.62.0.109,120s "$@"
	wait_seconds 125 grep -qF "[INFO  netavark::dhcp_proxy] ip or gateway for mac $mac changed, update address" "$PROXY_LOG"
	echo "# new address after $((SECONDS - before)) s" >&3
	wait_for host grep -q '"10\.62\.0\.10' "$LEASES"
	[[ $(addresses c1 eth0) == 10.62.0.10?/24 ]]
	equal "$(routes c1)" "default via 10.62.0.1 dev eth0 metric 100"
	on c1 ping -q -c 1 -W 5 10.62.0.1
	detach c1
	wait_for test ! -s "$DNSMASQ_LEASES"
}

@test "NV-201 dnsmasq is renumbered: the new address and gateway are there within 125 s" {
	renumber --dhcp-authoritative
}

@test "NV-201 the same where the server does not refuse, but says nothing" {
	renumber
}

@test "dnsmasq extends a lease, and the container does not notice" {
	connect_lan
	host ip address add 10.61.0.1/24 dev br-lan
	start_dnsmasq br-lan --dhcp-range=10.61.0.100,10.61.0.109,120s
	start_proxy
	dhcp_document one
	attach c1
	local address
	address=$(addresses c1 eth0)
	wait_seconds 70 bash -c '(($(grep -c "DHCPACK(br-lan)" "$1") == 2))' x "$DNSMASQ_LOG"
	# It was asked for by the one server, not by everybody.
	equal "$(grep -c 'DHCPDISCOVER(br-lan)' "$DNSMASQ_LOG")" 1
	equal "$(addresses c1 eth0)" "$address"
	equal "$(grep -c changed "$PROXY_LOG")" 0
}

@test "NV-197 the time limit is eight seconds if none is given; others are set up meanwhile" {
	connect_lan
	serve '.reply = {discover: "silent"}'
	start_proxy
	dhcp_document one
	local waiting=$DOC before=$SECONDS
	host timeout 30 "$NETAVARK" --config "$CONFIG" -f "$waiting" setup /run/netns/c1 \
		>"$BATS_TEST_TMPDIR/waiting" 2>&1 3>&- &
	local job=$!
	wait_for came discover
	document two 'number(2)'
	attach c2
	kill -0 "$job" # still waiting
	wait "$job" || status=$?
	output=$(<"$BATS_TEST_TMPDIR/waiting")
	refused "unable to obtain lease: get DHCP lease: Timeout: Timeout on acquiring DHCPv4 lease on br-lan"
	((SECONDS - before >= 7 && SECONDS - before <= 12))
	# Asked again after about four seconds, with the same number.
	equal "$(seen '"\(.type) \(.xid)"' | uniq -c | awk '{print $1, $2}')" "2 discover"
}
