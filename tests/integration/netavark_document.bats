#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts of jq; variables of bats
#
# The document: what is read from it, and what is refused before anything is changed.

load helpers

CONTEXT="failed to load network options: IO error: "

# ---- what is refused ----------------------------------------------------------------------------

# explains ERROR EXPECTATION — see netavark_broken.txt.
explains() {
	local error=$1 expectation=$2 part
	case $expectation in
	==*) [[ $error == "${expectation#==}" ]] && return ;;
	*)
		while [[ -n $expectation ]]; do
			part=${expectation%% & *}
			[[ $error == *"$part"* ]] || return 1
			[[ $expectation == *" & "* ]] || return 0
			expectation=${expectation#* & }
		done
		;;
	esac
	return 1
}

# try_broken EXPECTATION — the document in $DOC; prints what is wrong.
try_broken() {
	local answer error status=0
	answer=$(host timeout 10 "$NETAVARK" --config "$CONFIG" -f "$DOC" setup /run/netns/c1 2>&1) || status=$?
	[[ $status == 1 ]] || echo "status $status"
	[[ $answer != *$'\n'* ]] || echo "more than one line: $answer"
	error=$(jq -er 'select(keys == ["error"]) | .error' <<<"$answer" 2>&1) || echo "not an error object: $answer"
	printf '%s\t%s\n' "$(cat "$DOC")" "$error" >>"$BATS_TEST_TMPDIR/errors"
	explains "$error" "$1" || printf '  expected: %s\n       got: %s\n' "$1" "$error"
}

# A mistake in one line does not hide those in others. The host is looked at after each section of
# the table: what one document leaves behind does not go away by itself.
@test "NV-045 NV-046 NV-049 NV-051 NV-052 NV-053 NV-055 NV-057 NV-058 NV-059 NV-095 NV-096 NV-104 NV-105 NV-107 NV-118 NV-162 NV-170 NV-171 NV-185 FW-061 BU-013 every broken document is refused with its place and value, and nothing changes" {
	local edit expectation problem problems='' count=0
	remember
	while IFS=$'\t' read -r edit expectation; do
		[[ $edit != "# ----"* ]] || nothing_changed
		[[ -n $edit && $edit != "#"* ]] || continue
		document broken "$edit"
		problem=$(try_broken "$expectation" || true)
		[[ -z $problem ]] || problems+="$edit"$'\n'"$problem"$'\n'
		count=$((count + 1))
	done <"$BATS_TEST_DIRNAME/netavark_broken.txt"
	equal "$problems" ""
	nothing_changed
	((count >= 100))
	# Where a message names a place, it is the right one; so it is in most.
	count=$("$BATS_TEST_DIRNAME/places.py" <"$BATS_TEST_TMPDIR/errors")
	((count >= 60)) || { echo "$count"; return 1; }
}

# refuses_text TEXT PATTERN — a document that is not JSON as it should be.
refuses_text() {
	netavark setup /run/netns/c1 <<<"$1"
	refused_like "$CONTEXT$2"
}

@test "NV-048 text that is no JSON document is refused with its position" {
	document one
	remember
	netavark setup /run/netns/c1 </dev/null
	refused_like "${CONTEXT}EOF while parsing a value*at line 1 column 0"
	netavark setup /run/netns/c1 < <(head -c 300 "$DOC")
	refused_like "${CONTEXT}EOF while parsing *line 1 column 300*"
	netavark setup /run/netns/c1 < <(cat "$DOC"; echo '{"x": 1}')
	refused_like "${CONTEXT}trailing characters*line 2 column *"
	refuses_text '{"container_id": oops}' "*line 1 column 2[0-9]*"
	refuses_text '[1, 2]' "*invalid type: sequence, expected a map*"
	refuses_text '"text"' '*invalid type: string "text", expected a map*'
	refuses_text '{"container_id": "a", "container_id": "b"}' "*duplicate field*container_id*"
	refuses_text $'{"container_id": "\xff"}' "*line 1 column *"
	nothing_changed
	{ cat "$DOC"; printf ' \n\t\r\n'; } >"$BATS_TEST_TMPDIR/blanks.json"
	attach c1 "$BATS_TEST_TMPDIR/blanks.json"
}

@test "NV-047 null is like absence for every optional key" {
	document plain 'v4 | del(net.ipam_options)'
	attach c1
	local expected=$STATUS
	detach c1
	document one 'v4 | .port_mappings = null | .dns_servers = null | .container_hostname = null |
		me.aliases = null | me.options = null | me.static_mac = null |
		net.routes = null | net.options = null | net.labels = null | net.ipam_options = null |
		net.created = null | net.network_dns_servers = null | net.subnets[0].lease_range = null'
	attach c1
	equal "$(jq -c 'del(.web.interfaces.eth0.mac_address)' <<<"$STATUS")" \
		"$(jq -c 'del(.web.interfaces.eth0.mac_address)' <<<"$expected")"
	detach c1
	document one 'v4 | net.subnets[0].gateway = null'
	attach c1
	status_is '[{"gateway":null,"ipnet":"10.71.0.11/24"}]' .web.interfaces.eth0.subnets
	document two 'automatic | v4 | number(2) | automatic | me.static_ips = null | .networks.web.interface_name = "eth9"'
	attach c2
	status_is '["10.71.0.2/24"]' '[.web.interfaces.eth9.subnets[].ipnet]'
}

# ---- what is accepted ---------------------------------------------------------------------------

@test "NV-040 map and array form give equal results" {
	document map 'second | me.static_mac = "02:00:00:00:00:11" | .networks.back.static_mac = "02:00:00:00:00:12"'
	attach c1
	local from_map=$STATUS
	detach c1
	document array 'second | me.static_mac = "02:00:00:00:00:11" | .networks.back.static_mac = "02:00:00:00:00:12" | as_array'
	attach c1
	equal "$STATUS" "$from_map"
	detach c1
	equal "$(link_names)" lo
}

@test "NV-041 NV-042 interfaces are made in the order of the document, in both forms" {
	local edit expected
	while read -r expected edit; do
		document order "second | $edit"
		attach c1
		is "$expected" ip netns exec c1 bash -c 'for i in 2 3; do ip -o link | sed -n "s/^$i: \([a-z0-9]*\)@.*/\1/p"; done | paste -sd,'
		equal "$(jq -r 'keys_unsorted | join(",")' <<<"$STATUS")" \
			"$(jq -r '.networks | if type == "array" then map(.name) else keys_unsorted end | join(",")' "$DOC")"
		detach c1
		# Interface numbers only start at 2 in a namespace that never had any.
		host ip netns delete c1
		host ip netns add c1
	done <<-'END'
		eth0,eth1 .
		eth1,eth0 .networks = {back: .networks.back, web: .networks.web}
		eth0,eth1 as_array
		eth1,eth0 as_array | .networks |= reverse
	END
}

@test "NV-043 without networks the answer is empty and the loopback is up" {
	for networks in '{}' '[]'; do
		host ip -n c1 link set lo down
		document none ".networks = $networks"
		attach c1
		equal "$STATUS" "{}"
		is 1 ip netns exec c1 bash -c 'ip -j link show lo | jq "[.[].flags[] | select(. == \"UP\")] | length"'
		detach c1
	done
	equal "$(link_names)" lo
}

@test "NV-044 NV-050 unknown keys and networks that are not asked for are ignored" {
	document one 'second | del(.networks.back) | .network_info.back.driver = "unknown-one" |
		.future = {a: [1]} | me.future = 1 | net.future = [{}] | net.subnets[0].future = true |
		net.options["com.example.future"] = "x" | port(8080; 80; "tcp") | .port_mappings[0].future = null |
		net.routes = [{destination: "10.80.0.0/16", gateway: "10.71.0.9", future: 1}]'
	attach c1
	status_is '["web"]' keys
	detach c1
}

@test "NV-054 NV-088 a MAC may be written in several ways and is reported in one" {
	for mac in "02:42:0a:47:00:05" "02-42-0A-47-00-05" "2:42-a:47:0:5"; do
		document one "v4 | me.static_mac = \"$mac\""
		attach c1
		status_is '"02:42:0a:47:00:05"' .web.interfaces.eth0.mac_address
		is '"02:42:0a:47:00:05"' bash -c 'ip -n c1 -j link show eth0 | jq ".[0].address"'
		detach c1
	done
	remember
	for mac in 01:00:5e:00:00:01 00:00:00:00:00:00; do
		document one "v4 | me.static_mac = \"$mac\""
		netavark -f "$DOC" setup /run/netns/c1
		refused "create veth pair: Netlink error: Cannot assign requested address (os error 99)"
		nothing_changed
	done
}

@test "NV-056 a date of creation is accepted in every form" {
	for date in 0001-01-01T00:00:00Z 2026-01-31T12:00:00.123456789+05:30 2026-01-31T12:00:00Z; do
		document one "v4 | net.created = \"$date\""
		attach c1
		detach c1
	done
}

@test "NV-056 document errors of a teardown are errors, too" {
	document one 'del(.container_name)'
	netavark -f "$DOC" teardown /run/netns/c1
	refused_like "${CONTEXT}missing field \`container_name\`*"
	valid netavark-error <<<"$output"
}
