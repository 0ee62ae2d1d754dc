#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts of jq; variables of bats
#
# Neighbours that remember another hardware address for a container's address are told the new one.

load helpers

# macvlan_document NAME [EDIT] — container "one" on the cable to the machine outside.
macvlan_document() {
	document "$1" 'net.driver = "macvlan" | net.network_interface = "uplink" |
		net.subnets = [{subnet: "198.51.100.0/24", gateway: "198.51.100.2"},
			{subnet: "2001:db8:1::/64", gateway: "2001:db8:1::2"}] |
		me.static_ips = ["198.51.100.77", "2001:db8:1::77"] | me.static_mac = "02:00:00:00:00:77" |'" ${2-.}"
}

# remember_wrong NAMESPACE ADDRESS... — entries with a hardware address that nobody has.
remember_wrong() {
	local address
	for address in "${@:2}"; do
		host ip -n "$1" neighbour replace "$address" lladdr 02:00:00:00:00:99 dev eth0 nud reachable
	done
}

# remembered NAMESPACE ADDRESS — the hardware address of the entry.
remembered() {
	host ip -n "$1" -j neighbour show "$2" | jq -r '.[].lladdr'
}

knows() {
	[[ $(remembered "$1" "$2") == "$3" ]]
}

# listen — notes in $HEARD what comes out of the cable.
listen() {
	HEARD=$BATS_TEST_TMPDIR/heard
	on outside tcpdump -lnni eth0 'arp or icmp6' >"$HEARD" 2>"$HEARD.errors" 3>&- &
	wait_for grep -q 'listening on' "$HEARD.errors"
}

# How many announcements of either address were heard.
heard() {
	echo "$(grep -cE 'ARP.*198\.51\.100\.77.*198\.51\.100\.77' "$HEARD") $(grep -c '> ff02::1: .*neighbor advertisement, tgt is 2001:db8:1::77' "$HEARD")"
}

has_heard() {
	[[ $(heard) == "$1" ]]
}

# Nobody announces any more.
silent() {
	! host pgrep -x netavark
}

@test "BU-086 a neighbour of a macvlan with a stale entry is told at once, of IPv6 when the address is usable" {
	connect_outside
	macvlan_document one
	remember_wrong outside 198.51.100.77 2001:db8:1::77
	attach c1
	wait_for knows outside 198.51.100.77 02:00:00:00:00:77
	on outside ping -qc1 -W1 198.51.100.77
	wait_for knows outside 2001:db8:1::77 02:00:00:00:00:77
	on outside ping -qc1 -W1 2001:db8:1::77
}

@test "BU-086 a neighbour on a bridge with a stale entry is told at once" {
	document two 'number(2)'
	attach c2
	remember_wrong c2 10.71.0.11 fd71:5:9::11
	document one 'net.options.announce = "1" | me.static_mac = "02:00:00:00:00:77"'
	attach c1
	wait_for silent
	equal "$(remembered c2 10.71.0.11) $(remembered c2 fd71:5:9::11)" "02:00:00:00:00:77 02:00:00:00:00:77"
	on c2 ping -qc1 -W1 10.71.0.11
	on c2 ping -qc1 -W1 fd71:5:9::11
}

@test "BU-087 as many announcements as asked for, without setup waiting for them" {
	connect_outside
	listen
	macvlan_document one 'net.options.announce = "9" | me.options.announce = "8"'
	attach c1
	# The last ones come 700 ms later.
	run ! has_heard "8 8"
	wait_for has_heard "8 8"
	wait_for silent
	equal "$(heard)" "8 8"
}

@test "BU-087 none with announce=0" {
	connect_outside
	listen
	macvlan_document one 'net.options.announce = "2" | net.labels = {"netavark.announce": "3"} | me.options.announce = "0"'
	attach c1
	silent
	# Something that is heard later than any announcement would be.
	wait_for on c1 ping -qc1 -W1 2001:db8:1::2
	on c1 ping -qc1 -W1 198.51.100.2
	wait_for grep -q 'who-has 198.51.100.2 ' "$HEARD"
	equal "$(heard)" "0 0"
}

@test "BU-087 an address that another machine has is never advertised" {
	connect_outside
	host ip -n outside address add 2001:db8:1::77/64 dev eth0 nodad
	listen
	macvlan_document one
	attach c1
	wait_for bash -c "nsenter --target $HOST --mount --net --pid ip -n c1 address show dadfailed | grep -q 2001:db8:1::77"
	wait_for has_heard "2 1" # its owner has answered
	wait_for silent
	equal "$(heard)" "2 1"
}

@test "a container that goes away takes its announcements along" {
	connect_outside
	listen
	macvlan_document one 'net.options.announce = "20"'
	attach c1
	host ip netns delete c1
	wait_for silent
	local arp
	read -r arp _ <<<"$(heard)"
	((arp < 20))
}

@test "BU-008 a bad number of announcements is refused with its place" {
	connect_outside
	remember
	macvlan_document one 'me.options.announce = "21"'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'invalid announce "21": expected a number from 0 to 20 at /networks/web/options/announce (line *'
	document one 'net.labels["netavark.announce"] = "often"'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'invalid announce "often": expected a number from 0 to 20 at /network_info/web/labels/netavark.announce (line *'
	nothing_changed
}
