#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for the shell on the host; variables that run sets
# Two that want the same port of the host: one is running, or is only a leftover.

load helpers

# A container "one" with a port, a second one with the same.
two_of_the_same() {
	document one 'port(8080; 80; "tcp")'
	ONE=$DOC
	document two 'number(2) | port(8080; 80; "tcp")'
	TWO=$DOC
	CHAIN=nv_11112222_10_71_0_0_nm24_dnat
}

targets() {
	nft_chain "$CHAIN" | grep -oE 'dnat ip to .*'
}

@test "FW-041 a rule that leads a port to nobody is removed when somebody else gets the port" {
	two_of_the_same
	attach c1 "$ONE"
	# Its state goes, its rules stay: what an upgrade in between leaves behind.
	host bash -c 'rm "$1"/firewall/ports/*; ip -n c1 link delete eth0; ip netns delete c1' - "$CONFIG"
	attach c2 "$TWO"
	equal "$(targets)" "dnat ip to 10.71.0.12:80"
	detach c2 "$TWO"
}

@test "a port that a running container has is not taken away from it, and a warning names it" {
	two_of_the_same
	attach c1 "$ONE"
	RUST_LOG=warn netavark --file "$TWO" setup /run/netns/c2
	equal "$status" 0
	[[ $stderr == *"host port 8080 is already forwarded to 10.71.0.11"* ]]
	equal "$(targets)" $'dnat ip to 10.71.0.11:80\ndnat ip to 10.71.0.12:80'
	detach c1 "$ONE"
	equal "$(targets)" "dnat ip to 10.71.0.12:80"
	detach c2 "$TWO"
	equal "$(nft_table)" "$(<"$GOLDEN/nft-empty.nft")"
}

@test "of two containers with the same port the one that goes leaves the marks in front of the other one's rule" {
	two_of_the_same
	attach c1 "$ONE"
	local before
	before=$(nft_chain "$CHAIN")
	netavark --file "$TWO" setup /run/netns/c2
	detach c2 "$TWO"
	equal "$(nft_chain "$CHAIN")" "$before"
	netavark --file "$TWO" setup /run/netns/c2
	detach c1 "$ONE"
	equal "$(nft_chain "$CHAIN")" "${before/10.71.0.11:80/10.71.0.12:80}"
}

@test "a rootless caller keeps no state, so it only warns" {
	two_of_the_same
	attach c1 "$ONE" --rootless=true
	RUST_LOG=warn netavark --rootless=true --file "$TWO" setup /run/netns/c2
	equal "$status" 0
	[[ $stderr == *"host port 8080 is already forwarded to 10.71.0.11"* ]]
	equal "$(targets)" $'dnat ip to 10.71.0.11:80\ndnat ip to 10.71.0.12:80'
}
