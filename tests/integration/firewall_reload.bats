#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# netavark firewall-reload: rules that something else has removed come back.
# shellcheck disable=SC2016,SC2154 # scripts for the shell on the host; variables that run sets

load helpers

# Two containers with ports on a dual-stack network, and one of them on a second network.
running() {
	document one 'port(8080; 80; "tcp") | port(8053; 53; "udp") | second'
	ONE=$DOC
	document two 'number(2) | .port_mappings = [{host_ip: "192.0.2.9", host_port: 9000,
		container_port: 8000, range: 3, protocol: "tcp"}]'
	TWO=$DOC
	attach c1 "$ONE"
	attach c2 "$TWO"
	RULES=$(nft_table)
}

reload() {
	netavark firewall-reload
}

@test "NV-300 FW-082 after a flush the rules are the same as before" {
	running
	host nft flush ruleset
	reload
	equal "$status $output$stderr" "0 "
	equal "$(nft_table)" "$RULES"
	detach c1 "$ONE"
	detach c2 "$TWO"
	equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
}

@test "NV-303 FW-083 with the rules in place nothing changes, not even a handle" {
	running
	before=$(host nft -a list table inet netavark)
	reload
	reload
	equal "$status" 0
	equal "$(host nft -a list table inet netavark)" "$before"
}

@test "FW-031 of a partial flush exactly what is missing comes back" {
	running
	host nft flush chain inet netavark FORWARD
	host nft flush chain inet netavark NETAVARK-HOSTPORT-DNAT
	reload
	equal "$(nft_table)" "$RULES"
}

@test "NV-301 success is told at level info" {
	running
	RUST_LOG=info reload
	[[ $stderr == *"[INFO  netavark::commands::firewall_reload] Successfully reloaded firewall rules"* ]]
}

@test "NV-302 FW-084 without state, with empty and with missing directories there is nothing to do" {
	reload
	equal "$status $output$stderr" "0 "
	equal "$(host nft list ruleset)" ""
	host bash -c 'printf none >"$1/firewall/firewall-driver"' - "$CONFIG"
	reload
	equal "$status $output$stderr" "0 "
	mkdir "$CONFIG"/firewall/{networks,ports}
	reload
	equal "$status $output$stderr" "0 "
}

@test "NV-304 the driver is the recorded one, not that of the environment" {
	running
	host nft flush ruleset
	NETAVARK_FW=none reload
	equal "$(nft_table)" "$RULES"
	host nft flush ruleset
	printf none >"$CONFIG/firewall/firewall-driver"
	reload
	equal "$status $(host nft list ruleset)" "0 "
}

@test "NV-305 FW-084 a damaged file is named, and no other is half applied" {
	running
	host nft flush ruleset
	bad=$(echo "$CONFIG"/firewall/ports/*c0ffee02)
	echo '{"container_id":"c0ffee02","network_name":7}' >"$bad"
	reload
	refused_like "read firewall config: JSON Decoding error: $bad: *"
	equal "$(host nft list ruleset)" ""
	echo '{' >"$bad"
	reload
	refused_like "read firewall config: JSON Decoding error: $bad: *"
	equal "$(host nft list ruleset)" ""
}

@test "NV-306 FW-081 files of older and newer releases are read" {
	running
	host nft flush ruleset
	# The networks' files become the newer ones, as if an option had changed.
	for file in "$CONFIG"/firewall/ports/* "$CONFIG"/firewall/networks/*; do
		jq -c 'del(.internal) | .some_new_key = {}' "$file" >"$BATS_TEST_TMPDIR/new"
		cp "$BATS_TEST_TMPDIR/new" "$file"
	done
	reload
	equal "$status" 0
	# Only the order may be another one.
	equal "$(nft_table | sort)" "$(sort <<<"$RULES")"
}

@test "FW-082 of two that want the same port the first one wins after a reload, too" {
	document one 'port(8080; 80; "tcp")'
	attach c1
	document two 'number(2) | port(8080; 80; "tcp")'
	attach c2
	before=$(nft_table)
	host nft flush ruleset
	reload
	equal "$(nft_table)" "$before"
}

@test "FW-086 a container that stops while a reload is at work leaves no rule" {
	running
	detach c1 "$ONE"
	RULES=$(nft_table)
	attach c1 "$ONE"
	# It has read the records, and takes its time with the rules.
	traced openat,sendto,sendmsg -e inject=sendto,sendmsg:delay_enter=100000 \
		"$NETAVARK" --config "$CONFIG" firewall-reload >"$BATS_TEST_TMPDIR/reload" 2>&1 3>&- &
	local reload=$!
	wait_for grep -q 'firewall/ports/.*c0ffee01' "$BATS_TEST_TMPDIR/trace"
	detach c1 "$ONE"
	wait "$reload"
	equal "$(<"$BATS_TEST_TMPDIR/reload")" ""
	equal "$(nft_table)" "$RULES"
}
