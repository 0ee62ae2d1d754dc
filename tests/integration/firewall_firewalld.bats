#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Beside a real firewalld, on a bus of its own. It takes seconds to start, so all tests share one host.
# shellcheck disable=SC2016,SC2034,SC2154 # scripts for the shell on the host; variables that run sets

load helpers

FIREWALLD=${FIREWALLD:-$TREE/build/firewalld}

setup_file() {
	bats_require_minimum_version 1.5.0
	local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	start_host
	export LAUNCHER HOST
	[[ -e $FIREWALLD/usr/sbin/firewalld ]] || return 0
	start_firewalld || { cat "$BATS_FILE_TMPDIR"/*.log; return 1; }
}

teardown_file() {
	[[ -z ${LAUNCHER-} ]] || kill -KILL "$LAUNCHER"
}

setup() {
	bats_require_minimum_version 1.5.0
	CONFIG=$BATS_TEST_TMPDIR/config
}

teardown() {
	[[ ${BATS_TEST_COMPLETED-} == 1 ]] || explain
	[[ -z ${RELOADER-} ]] || kill "$RELOADER" 2>/dev/null || true
}

# Any limit on who may do what would be one of the bus, not of firewalld.
start_firewalld() {
	local bus=$BATS_FILE_TMPDIR/bus.conf
	cat >"$bus" <<-'END'
		<busconfig>
		  <listen>unix:path=/run/dbus/system_bus_socket</listen>
		  <auth>EXTERNAL</auth>
		  <policy context="default">
		    <allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
		  </policy>
		</busconfig>
	END
	host mkdir -p /run/dbus
	host dbus-daemon --config-file="$bus" --nofork >"$BATS_FILE_TMPDIR/bus.log" 2>&1 &
	disown
	wait_for host test -S /run/dbus/system_bus_socket
	cp -r "$FIREWALLD/etc/firewalld" "$BATS_FILE_TMPDIR/etc"
	# The distribution's Python: it has the modules.
	host env PYTHONPATH="$FIREWALLD/usr/lib/python3/dist-packages" PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 "$FIREWALLD/usr/sbin/firewalld" --nofork --nopid --system-config "$BATS_FILE_TMPDIR/etc" \
		--default-config "$FIREWALLD/usr/lib/firewalld" --log-file "$BATS_FILE_TMPDIR/firewalld.log" \
		--log-target file >"$BATS_FILE_TMPDIR/python.log" 2>&1 &
	disown
	# Its rules come before it takes calls.
	SLOWNESS=$((SLOWNESS * 3)) wait_for host nft list table inet firewalld
	SLOWNESS=$((SLOWNESS * 3)) wait_for sources
}

# firewalld METHOD ARGUMENT... — asks it, which firewall-cmd(1) does ten times as slowly.
firewalld() {
	local name=org.fedoraproject.FirewallD1
	host dbus-send --system --print-reply=literal --dest=$name /org/fedoraproject/FirewallD1 "$name.$1" "${@:2}"
}

needs_firewalld() {
	[[ -e $FIREWALLD/usr/sbin/firewalld ]] || skip "no firewalld could be fetched"
}

# The zone's sources, in an order of our own.
sources() {
	local answer
	answer=$(firewalld zone.getSources string:trusted) || return
	tr -d '[]' <<<"${answer#*array}" | xargs -n 1 | sort | xargs
}

trusted_is() {
	equal "$(sources)" "$1"
}

trusted() {
	[[ $(sources) == "$1" ]]
}

@test "FW-087 subnets are in the zone trusted while containers run, and what was there stays" {
	needs_firewalld
	firewalld zone.addSource string:trusted string:192.0.2.0/24
	document one 'net.subnets[0].subnet = "10.71.0.7/24"'
	ONE=$DOC
	document two 'number(2)'
	attach c1 "$ONE"
	trusted_is "10.71.0.0/24 192.0.2.0/24 fd71:5:9::/64"
	attach c2 "$DOC" --firewall-driver iptables
	trusted_is "10.71.0.0/24 192.0.2.0/24 fd71:5:9::/64"
	detach c2
	trusted_is "10.71.0.0/24 192.0.2.0/24 fd71:5:9::/64"
	detach c1 "$ONE"
	trusted_is "192.0.2.0/24"
	firewalld zone.removeSource string:trusted string:192.0.2.0/24
}

@test "FW-087 a setup that fails takes its subnets out of the zone" {
	needs_firewalld
	document one dns
	AARDVARK=/bin/false netavark --file "$DOC" setup /run/netns/c1
	equal "$status" 1
	trusted_is ""
}

@test "FW-087 firewalld-reload puts back what a reload of firewalld has forgotten, and goes on after errors" {
	needs_firewalld
	document one 'v4'
	attach c1
	RUST_LOG=info host "$NETAVARK" --config "$CONFIG" firewalld-reload >"$BATS_TEST_TMPDIR/out" \
		2>"$BATS_TEST_TMPDIR/log" 3>&- &
	RELOADER=$!
	wait_for grep -q "Successfully reloaded" "$BATS_TEST_TMPDIR/log"
	file=$(echo "$CONFIG"/firewall/ports/*)
	mv "$file" "$BATS_TEST_TMPDIR/ports"
	echo "{" >"$file"
	firewalld reload
	wait_for grep -q "failed to reload firewall rules: read firewall config: JSON Decoding error: $file" "$BATS_TEST_TMPDIR/log"
	trusted_is ""
	mv "$BATS_TEST_TMPDIR/ports" "$file"
	host nft delete table inet netavark
	firewalld reload
	wait_for trusted 10.71.0.0/24
	host nft list table inet netavark >/dev/null
	detach c1
	trusted_is ""
	equal "$(<"$BATS_TEST_TMPDIR/out")" ""
}

@test "FW-087 no zone is touched for a rootless caller, for the driver none, and without a bus" {
	needs_firewalld
	document one
	attach c1 "$DOC" --rootless true
	detach c1 "$DOC" --rootless true
	attach c1 "$DOC" --firewall-driver none
	trusted_is ""
	detach c1
	DBUS_SYSTEM_BUS_ADDRESS='' traced connect "$NETAVARK" --config "$CONFIG" --file "$DOC" setup /run/netns/c1
	run ! grep -q dbus "$TRACE"
	trusted_is ""
	DBUS_SYSTEM_BUS_ADDRESS='' detach c1
	# What makes the line above one that can fail.
	traced connect "$NETAVARK" --config "$CONFIG" --file "$DOC" setup /run/netns/c1
	grep -q dbus "$TRACE"
	detach c1
}

@test "FW-088 with StrictForwardPorts a container without ports works, one with ports is refused" {
	needs_firewalld
	sed -i '/^StrictForwardPorts/d; $a StrictForwardPorts=yes' "$BATS_FILE_TMPDIR/etc/firewalld.conf"
	firewalld reload
	document ports 'port(8080; 80; "tcp")'
	remember
	for driver in nftables iptables; do
		netavark --firewall-driver "$driver" --file "$DOC" setup /run/netns/c1
		refused "Port forwarding not possible as firewalld StrictForwardPorts enabled"
	done
	document plain
	NETAVARK_DNS_PORT=5353 netavark --file "$DOC" setup /run/netns/c1
	refused "Port forwarding not possible as firewalld StrictForwardPorts enabled"
	nothing_changed
	attach c1
	trusted_is "10.71.0.0/24 fd71:5:9::/64"
	detach c1
	sed -i 's/^StrictForwardPorts=.*/StrictForwardPorts=no/' "$BATS_FILE_TMPDIR/etc/firewalld.conf"
	firewalld reload
	document ports 'port(8080; 80; "tcp")'
	attach c1
	detach c1
}

@test "NV-307 firewalld-reload without a bus is an error" {
	DBUS_SYSTEM_BUS_ADDRESS='' netavark firewalld-reload
	refused "DBus error: there is no system bus (DBUS_SYSTEM_BUS_ADDRESS is empty)"
	DBUS_SYSTEM_BUS_ADDRESS="unix:path=/run/nothing" netavark firewalld-reload
	refused "DBus error: cannot connect to the system bus: No such file or directory"
	document one
	DBUS_SYSTEM_BUS_ADDRESS="unix:path=/run/nothing" attach c1
	detach c1
}

@test "FW-087 a bus that accepts and does not answer holds nobody up for long" {
	document one
	host python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("/run/silent")
s.listen()
open_ones = []
while True: open_ones.append(s.accept())' >/dev/null 3>&- &
	SILENT=$!
	wait_for host test -S /run/silent
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/silent
	attach c1
	netavark firewalld-reload
	refused "DBus error: cannot connect to the system bus: Connection timed out"
	unset DBUS_SYSTEM_BUS_ADDRESS
	detach c1
	kill "$SILENT"
}

@test "FW-005 the driver firewalld is refused before anything is changed" {
	document one
	remember
	netavark --firewall-driver FirewallD --file "$DOC" setup /run/netns/c1
	refused "firewalld driver is not supported by this build"
	nothing_changed
}
