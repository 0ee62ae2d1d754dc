#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Containers that another netavark has set up with iptables are torn down by ours, and the other way
# round, with both flavours of iptables. The others are Debian 12's own, which knows nothing else, and
# the one in PEER, a tree made by fetch_peer.sh.
# shellcheck disable=SC2016,SC2154 # scripts for the shell on the host; variables that run sets

load ../integration/helpers
load ../integration/iptables

OLDEST=/usr/lib/podman/netavark # 1.4.0

setup() {
	bats_require_minimum_version 1.5.0
	CONFIG=$BATS_TEST_TMPDIR/config
	FIRST=$BATS_TEST_TMPDIR/first.json SECOND=$BATS_TEST_TMPDIR/second.json
	# The oldest one has no "range" of one port without the key, and wants a map.
	cp "$GOLDEN/nft-input-b.json" "$FIRST"
	jq '.container_id |= sub("bcbcbcbc"; "cdcdcdcd") | .port_mappings[].host_port += 10000 |
		.networks[].static_ips = ["10.89.3.3", "fd10:88:a::3"]' "$FIRST" >"$SECOND"
	export NETAVARK_DNS_PORT=5353
	start_host
}

# with_each FUNCTION OTHER... — runs it for both flavours and all others that are there.
with_each() {
	local function=$1 tried=
	shift
	for OTHER; do
		[[ -n $OTHER && -x $OTHER ]] || continue
		tried=1
		for_each_flavour together "$function"
	done
	[[ -n $tried ]] || skip "no other netavark: PEER=${PEER-} is not a tree made by tests/compat/fetch_peer.sh"
}

together() {
	echo "---- with $OTHER"
	host mkdir -p "$CONFIG"
	"$1"
}

ours() {
	run --separate-stderr host "$NETAVARK" --config "$CONFIG" --aardvark-binary= "$1" ${2:+"/run/netns/$2"} <"${3-/dev/null}"
	equal "$status $stderr" "0 " || { echo "$output"; return 1; }
}

theirs() {
	run --separate-stderr host "$OTHER" --config "$CONFIG" --aardvark-binary=/none "$1" ${2:+"/run/netns/$2"} <"${3-/dev/null}"
	equal "$status" 0 || { echo "$output"; return 1; }
}

# Interfaces, state files and every rule of this network are gone.
nothing_left() {
	local rest
	equal "$(link_names)" lo
	equal "$(files | grep -v firewall-driver)" ""
	rest=$(xt_save)
	[[ $rest != *10.89.3* && $rest != *fd10:88* && $rest != *podman1* && $rest != *F11DC6A6D09CF* ]] ||
		equal "$(grep -E '10.89.3|fd10:88|podman1|F11DC6A6D09CF' <<<"$rest")" ""
}

theirs_then_ours() {
	local before
	theirs setup c2 "$SECOND"
	before=$(xt_save)
	theirs setup c1 "$FIRST"
	ours teardown c1 "$FIRST"
	equal "$(xt_save)" "$before"
	ours teardown c2 "$SECOND"
	nothing_left
}

@test "FW-075 NV-315 what another netavark has set up is torn down by ours, partly and completely" {
	with_each theirs_then_ours "$OLDEST" "${PEER:+$PEER/netavark}"
}

ours_then_theirs() {
	local rest
	ours setup c1 "$FIRST"
	ours setup c2 "$SECOND"
	theirs teardown c2 "$SECOND"
	rest=$(xt_save)
	[[ $rest != *10.89.3.3* && $rest != *fd10:88:a::3* && $rest == *"--to-destination 10.89.3.2:80"* ]]
	theirs teardown c1 "$FIRST"
	if [[ $OTHER == "$OLDEST" ]]; then
		# It does not know these two.
		equal "$(xt_save | grep -E '10.89.3|fd10:88|podman1|F11DC6A6D09CF' | grep -vE '^-A NETAVARK_INPUT -s [^ ]* -p (tcp|udp) .*--dport 5353 -j ACCEPT$|^-A NETAVARK_ISOLATION_3 -o podman1 -j DROP$|^-A NETAVARK-HOSTPORT-DNAT -d [^ ]* -p tcp .*--dport 53 ')" ""
		equal "$(link_names)" lo
	else
		xt_empty
		nothing_left
	fi
}

@test "FW-076 NV-315 what ours has set up is torn down by another netavark with the same iptables" {
	with_each ours_then_theirs "$OLDEST" "${PEER:+$PEER/netavark}"
}

# comparable — without what ip6tables-legacy of Debian 12 leaves out: it takes rules for ports for others
# that are there already.
comparable() {
	if [[ $FLAVOUR == legacy ]]; then
		xt_save | awk '/^# / { six = /^# ip6/ } !(six && /^-A NETAVARK-(DN|HOSTPORT-DNAT)/)'
	else
		xt_save
	fi
}

same_rules() {
	local theirs
	theirs setup c1 "$FIRST"
	theirs setup c2 "$SECOND"
	theirs=$(comparable)
	fresh_host
	host mkdir -p "$CONFIG"
	ours setup c1 "$FIRST"
	ours setup c2 "$SECOND"
	equal "$(comparable)" "$theirs"
	# The other one adds nothing, either.
	host ip -n c1 link delete eth0
	theirs setup c1 "$FIRST"
	equal "$(comparable)" "$theirs"
}

@test "FW-070 the rules are the same as those of another netavark, text for text" {
	with_each same_rules "${PEER:+$PEER/netavark}"
}

reload() {
	local before
	ours setup c1 "$FIRST"
	ours setup c2 "$SECOND"
	before=$(comparable | sort)
	xt_flush
	# The command came with 1.17.
	if host "$OTHER" firewall-reload --help >/dev/null 2>&1; then
		theirs firewall-reload
		equal "$(comparable | sort)" "$before"
		xt_flush
	fi
	ours firewall-reload
	equal "$(comparable | sort)" "$before"
	theirs teardown c1 "$FIRST"
	theirs teardown c2 "$SECOND"
	theirs setup c1 "$FIRST"
	before=$(comparable | sort)
	xt_flush
	ours firewall-reload
	equal "$(comparable | sort)" "$before"
	ours teardown c1 "$FIRST"
	nothing_left
}

@test "FW-081 the state files of another netavark bring its rules back with ours, and the other way round" {
	with_each reload "${PEER:+$PEER/netavark}"
}

other_driver() {
	theirs setup c1 "$FIRST"
	# An upgrade from a release that knew iptables only to ours, whose default is another one.
	unset NETAVARK_FW
	host rm -f "$CONFIG/firewall/firewall-driver"
	ours setup c2 "$SECOND"
	[[ $(nft_table) == *10.89.3.3:80* ]]
	ours teardown c1 "$FIRST"
	[[ $(xt_save) != *10.89.3.2:* && $(xt_save) != *fd10:88:a::2* ]]
	ours teardown c2 "$SECOND"
	nothing_left
	equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
}

@test "FW-078 containers of a netavark that used iptables are stopped with our nftables driver without a rest" {
	with_each other_driver "$OLDEST"
}
