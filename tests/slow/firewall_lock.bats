#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2154 # scripts for other shells; variables that run sets
#
# The lock of the firewall's state, when somebody does not give it up.

load ../integration/helpers

@test "FW-066 a lock that somebody keeps is waited for 20 s, and then done without" {
	document one 'v4 | port(8080; 80; "tcp")'
	host mkdir -p "$CONFIG/firewall"
	host flock "$CONFIG/firewall/firewall-reload.lock" bash -c 'echo held >"$1"; exec sleep 100' - \
		"$BATS_TEST_TMPDIR/held" 3>&- &
	wait_for test -s "$BATS_TEST_TMPDIR/held"
	local before=$EPOCHSECONDS
	NETAVARK_LOG=warn netavark -f "$DOC" setup /run/netns/c1
	local took=$((EPOCHSECONDS - before))
	equal "$status" 0
	[[ $stderr == "[WARN "*"firewall-reload.lock"*"going on without it" ]] || equal "$stderr" "a warning"
	((took >= 19 && took <= 30)) || equal "$took s" "20 s"
	nft_chain NETAVARK-HOSTPORT-DNAT | grep -q 'dport 8080 jump'
}
