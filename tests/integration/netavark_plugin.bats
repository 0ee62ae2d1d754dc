#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# Drivers that are programs: how they are found, what they are told, what is made of their answers.

load helpers

PLUGINS=$TREE/tests/integration/plugins

# with_plugins ARGUMENT... — runs netavark with the plugins of the tests and those that a test has made.
with_plugins() {
	netavark --plugin-directory "$BATS_TEST_TMPDIR/plugins" --plugin-directory "$PLUGINS" "$@"
}

# plugin NAME — makes a plugin out of standard input, a script. $told is the document it gets.
plugin() {
	mkdir -p "$BATS_TEST_TMPDIR/plugins"
	{ printf '#!/bin/bash\ntold=%s\n' "$BATS_TEST_TMPDIR/told"; cat; } >"$BATS_TEST_TMPDIR/plugins/$1"
	chmod +x "$BATS_TEST_TMPDIR/plugins/$1"
}

# on_plugin NAME [EDIT] — the document of a container on a network of that driver, in $DOC.
on_plugin() {
	document "$1" "v4 | net.driver = \"$1\" | ${2-.}"
}

EMPTY='{"dns_search_domains":null,"dns_server_ips":null,"interfaces":null}'

# ---- finding ------------------------------------------------------------------------------------

@test "NV-154 NV-158 the first program of that name in the directories is the plugin" {
	local a=$BATS_TEST_TMPDIR/a b=$BATS_TEST_TMPDIR/b c=$BATS_TEST_TMPDIR/c
	mkdir -p "$a/mine" "$b" "$c"
	printf 'no program' >"$b/mine"
	printf '#!/bin/sh\ncat >/dev/null\necho from c >&2\necho "{}"\n' >"$c/real"
	chmod +x "$c/real"
	ln -s real "$c/mine"
	on_plugin mine
	netavark --plugin-directory "$a" --plugin-directory="$b" --plugin-directory "$c" -f "$DOC" setup /run/netns/c1
	equal "$status $stderr" "0 from c"
	rm "$b/mine"
	cp "$c/real" "$b/mine"
	sed -i 's/from c/from b/' "$b/mine"
	netavark --plugin-directory "$c" --plugin-directory "$b" -f "$DOC" setup /run/netns/c1
	equal "$status $stderr" "0 from c"
	netavark --plugin-directory "$b" --plugin-directory "$c" -f "$DOC" setup /run/netns/c1
	equal "$status $stderr" "0 from b"

	remember
	rm "$c/mine" "$b/mine"
	netavark --plugin-directory "$a" --plugin-directory "$b" --plugin-directory "$c" -f "$DOC" setup /run/netns/c1
	refused 'unknown network driver "mine"'
	netavark --plugin-directory "$a" -f "$DOC" teardown /run/netns/c1
	refused 'unknown network driver "mine"'
	netavark -f "$DOC" setup /run/netns/c1
	refused 'unknown network driver "mine"'
	local name
	for name in ../c/real "$c/real" . .. c/real ""; do
		document odd "v4 | net.driver = \"$name\""
		netavark --plugin-directory "$c" --plugin-directory "$BATS_TEST_TMPDIR" --plugin-directory / -f "$DOC" setup /run/netns/c1
		refused "unknown network driver \"$name\""
	done
	nothing_changed
}

# ---- what it is told ----------------------------------------------------------------------------

@test "NV-155 a plugin is told the verb, the path as it was given, and the container's part of the document" {
	plugin tell <<-'END'
		printf '%s\n' "$#" "$@" "$PWD" "$WORD" >"$told.arguments"
		cat >"$told"
		echo '{}'
	END
	on_plugin tell 'port(8080; 80; "tcp") | .dns_servers = ["9.9.9.9"] | .container_hostname = "h" |
		net.labels = {a: "b"} | net.options = {} | net.unheard = 1 | net.network_dns_servers = null |
		net.routes = [{destination: "10.1.0.0/16", gateway: "10.71.0.9"}, {destination: "10.2.0.0/16", route_type: "blackhole"}]'
	WORD=inherited run --separate-stderr host bash -c 'cd /run/netns && "$@"' x "$NETAVARK" --config "$CONFIG" \
		--plugin-directory "$BATS_TEST_TMPDIR/plugins" -f "$DOC" setup c1
	equal "$status $stderr" "0 "
	equal "$(paste -sd' ' "$BATS_TEST_TMPDIR/told.arguments")" "2 setup c1 /run/netns inherited"
	equal "$(jq . "$BATS_TEST_TMPDIR/told")" "$(jq . <<-'END'
		{"container_id": "c0ffee01", "container_name": "one",
		 "port_mappings": [{"container_port": 80, "host_ip": "", "host_port": 8080, "protocol": "tcp", "range": 1}],
		 "network": {"dns_enabled": false, "driver": "tell",
		  "id": "1111222233334444555566667777888811112222333344445555666677778888", "internal": false,
		  "ipv6_enabled": false, "name": "web", "network_interface": "br-web", "options": {},
		  "ipam_options": {"driver": "host-local"},
		  "subnets": [{"gateway": "10.71.0.1", "subnet": "10.71.0.0/24"}],
		  "routes": [{"gateway": "10.71.0.9", "destination": "10.1.0.0/16", "metric": null},
		   {"destination": "10.2.0.0/16", "metric": null, "route_type": "blackhole"}],
		  "labels": {"a": "b"}},
		 "network_options": {"aliases": null, "interface_name": "eth0", "static_ips": ["10.71.0.11"],
		  "static_mac": null, "options": null}}
	END
	)"
	valid plugin-exec <"$BATS_TEST_TMPDIR/told"
	on_plugin tell 'me.aliases = [] | me.static_mac = "02:00:00:00:00:01" | me.options = {a: "b"} | automatic |
		net.created = "2026-01-31T12:00:00Z" | del(net.ipam_options, net.subnets, net.network_interface)'
	with_plugins -f "$DOC" teardown /run/netns/c1
	equal "$status $output$stderr" "0 "
	equal "$(paste -sd' ' "$BATS_TEST_TMPDIR/told.arguments")" "2 teardown /run/netns/c1 / "
	equal "$(jq -c '.port_mappings, .network, .network_options' "$BATS_TEST_TMPDIR/told")" "$(
		echo null
		echo '{"created":"2026-01-31T12:00:00Z","dns_enabled":false,"driver":"tell","id":"1111222233334444555566667777888811112222333344445555666677778888","internal":false,"ipv6_enabled":false,"name":"web"}'
		echo '{"aliases":[],"interface_name":"eth0","static_ips":null,"static_mac":"02:00:00:00:00:01","options":{"a":"b"}}'
	)"
	valid plugin-exec <"$BATS_TEST_TMPDIR/told"
}

@test "NV-155 the plan shows what a plugin would be told, and does not run it" {
	on_plugin stderr-plugin
	with_plugins -f "$DOC" plan
	equal "$status $stderr" "0 "
	equal "${lines[1]}" "network web"
	equal "${lines[2]}" "  plugin $PLUGINS/stderr-plugin"
	equal "$(jq -r .network.driver <<<"${lines[3]#  input }")" stderr-plugin
}

@test "NV-157 a plugin that does not read, or reads and writes a lot, does not block us" {
	local big='net.labels = {a: ("x" * 300000)}'
	plugin deaf <<<'echo "{}"'
	on_plugin deaf "$big"
	with_plugins -f "$DOC" setup /run/netns/c1
	equal "$status $output" "0 {\"web\":$EMPTY}"
	plugin closes <<<'exec <&-; sleep 0.1; echo "{}"'
	on_plugin closes "$big"
	with_plugins -f "$DOC" setup /run/netns/c1
	equal "$status $output" "0 {\"web\":$EMPTY}"
	# It answers before it has read, and more than a pipe holds.
	plugin talker <<<'printf "{\"x\": \"%0300000d\"}" 0; [[ $(wc -c) -gt 300000 ]]'
	on_plugin talker "$big"
	with_plugins -f "$DOC" setup /run/netns/c1
	equal "$status $output" "0 {\"web\":$EMPTY}"
	# It leaves a process that keeps its stdout.
	plugin parent <<<'cat >/dev/null; sleep 100 & echo "{}"'
	on_plugin parent
	with_plugins -f "$DOC" setup /run/netns/c1
	equal "$status $output" "0 {\"web\":$EMPTY}"
}

# ---- what it answers ----------------------------------------------------------------------------

@test "NV-150 NV-156 what a plugin says of a failure, or does wrong, is reported, and nothing stays" {
	remember
	on_plugin error-plugin
	with_plugins -f "$DOC" setup /run/netns/c1
	refused 'plugin "error-plugin" failed: exit code 1, message: setup error'
	with_plugins -f "$DOC" teardown /run/netns/c1
	refused 'plugin "error-plugin" failed: exit code 1, message: teardown error'

	local answer expected
	while IFS=$'\t' read -r answer expected; do
		plugin bad <<<"cat >/dev/null; [[ \$1 == teardown ]] && exit; $answer"
		on_plugin bad
		with_plugins -f "$DOC" setup /run/netns/c1
		refused_like "plugin \"bad\" failed: $expected" || { echo "$answer"; return 1; }
	done <<-'END'
		echo "no json"; exit 3	plugin "bad": exit code 3, parse error: * at line 1 column *
		exit 4	plugin "bad": exit code 4, parse error: EOF while parsing a value* at line 1 column 0
		echo '{"message": "x"}'; exit 5	plugin "bad": exit code 5, parse error: missing field `error` at *
		echo '{"error": 7}'; exit 5	plugin "bad": exit code 5, parse error: invalid type: integer `7`, expected a string at /error *
		echo '{"error": "a \"b\"\nc"}'; exit 255	exit code 255, message: a "b"?c
		kill -9 $$	plugin "bad" killed by signal
		kill -TERM $$	plugin "bad" killed by signal
		echo "no json"	JSON Decoding error: * at line 1 column *
		:	JSON Decoding error: EOF while parsing a value* at line 1 column 0
		echo '[]'	JSON Decoding error: invalid type: sequence, expected a map *
		echo '{"dns_server_ips": ["x"]}'	JSON Decoding error: invalid IP address syntax: "x" at /dns_server_ips/0 *
		echo '{"dns_search_domains": "x"}'	JSON Decoding error: invalid type: string "x", expected a sequence at /dns_search_domains *
		echo '{"interfaces": {"eth0": {"subnets": []}}}'	JSON Decoding error: missing field `mac_address` at /interfaces/eth0 *
		echo '{"interfaces": {"eth0": {"mac_address": "", "subnets": [{"ipnet": "10.0.0.1"}]}}}'	JSON Decoding error: invalid IP address syntax: "10.0.0.1" at /interfaces/eth0/subnets/0/ipnet *
		head -c 2000000 /dev/zero	plugin "bad" answered more than 1048576 bytes
		printf '{"dns_search_domains": ["%040000d"]}' 0	plugin "bad" reported a status of more than 32768 bytes
	END
	nothing_changed

	# Without a first line that says who reads it, the kernel cannot run a script.
	printf 'echo {}\n' >"$BATS_TEST_TMPDIR/plugins/bad"
	with_plugins -f "$DOC" setup /run/netns/c1
	refused 'plugin "bad" failed: IO error: Exec format error (os error 8)'
}

@test "NV-156 a plugin that does not end is ended, with all it has started, and what it did is undone" {
	plugin slow <<-'END'
		cat >/dev/null
		if [[ $1 == teardown ]]; then
			rm "$told.made"
			exit
		fi
		touch "$told.made"
		sleep 300 &
		echo $! >"$told.child"
		wait
	END
	on_plugin slow
	NETAVARK_PLUGIN_TIMEOUT=1 with_plugins -f "$DOC" setup /run/netns/c1
	refused 'plugin "slow" failed: plugin "slow" did not end within 1 seconds'
	[[ ! -e $BATS_TEST_TMPDIR/told.made ]]
	wait_for host sh -c '! kill -0 '"$(<"$BATS_TEST_TMPDIR/told.child")"
	local value
	for value in 0 -1 x 90000; do
		NETAVARK_PLUGIN_TIMEOUT=$value with_plugins -f "$DOC" setup /run/netns/c1
		refused_like "Invalid NETAVARK_PLUGIN_TIMEOUT $value: *"
	done
}

@test "NV-157 others do not wait for a plugin that takes its time" {
	plugin patient <<-'END'
		cat >/dev/null
		touch "$told.$1"
		until [[ -e $told.go ]]; do sleep 0.02; done
		echo '{}'
	END
	local verb
	document other 'number(2)'
	local other=$DOC
	on_plugin patient
	for verb in setup teardown; do
		rm -f "$BATS_TEST_TMPDIR/told.go"
		host "$NETAVARK" --config "$CONFIG" --plugin-directory "$BATS_TEST_TMPDIR/plugins" -f "$DOC" \
			"$verb" /run/netns/c1 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
		wait_for test -e "$BATS_TEST_TMPDIR/told.$verb"
		# It would be refused if the lock were held, as nobody tells the plugin to go on.
		attach c2 "$other"
		detach c2 "$other"
		touch "$BATS_TEST_TMPDIR/told.go"
		wait $!
	done
	equal "$(<"$BATS_TEST_TMPDIR/out")" ""
}

@test "NV-151 what a plugin writes to stderr comes out unchanged" {
	on_plugin stderr-plugin
	with_plugins -f "$DOC" setup /run/netns/c1
	equal "$status $stderr" "0 stderr setup"
	equal "$output" "{\"web\":$EMPTY}"
	with_plugins -f "$DOC" teardown /run/netns/c1
	equal "$status $output $stderr" "0  stderr teardown"
	# In the order of time, and before our own line.
	run host bash -c '"$@" 2>&1' x "$NETAVARK" --config "$CONFIG" --plugin-directory "$PLUGINS" -f "$DOC" setup /run/netns/c1
	equal "$output" "stderr setup"$'\n'"{\"web\":$EMPTY}"
}

@test "NV-152 the status of a plugin stands under the name of its network, in our order" {
	plugin status <<-'END'
		cat >/dev/null
		echo '{"interfaces": {"net0": {"other": 1, "subnets": [{"ipnet": "FD00:0::5/64"},
			{"gateway": "10.0.0.1", "ipnet": "10.0.0.2/24", "x": 1}], "mac_address": "02:00:00:00:00:07"},
			"net1": {"mac_address": "", "subnets": null}}, "version": 2,
			"dns_server_ips": ["fd00:0::53", "9.9.9.9"], "dns_search_domains": ["a.example"]}'
	END
	document status 'v4 | second | net.driver = "status"'
	with_plugins -f "$DOC" setup /run/netns/c1
	equal "$status $stderr" "0 "
	equal "$(jq -c .web <<<"$output")" '{"dns_search_domains":["a.example"],"dns_server_ips":["fd00::53","9.9.9.9"],"interfaces":{"net0":{"mac_address":"02:00:00:00:00:07","subnets":[{"gateway":null,"ipnet":"fd00::5/64"},{"gateway":"10.0.0.1","ipnet":"10.0.0.2/24"}]},"net1":{"mac_address":"","subnets":null}}}'
	equal "$(jq -rc 'keys_unsorted' <<<"$output")" '["web","back"]'
	equal "$(addresses c1 eth1)" "10.72.0.11/24"
}

# ---- together with others -----------------------------------------------------------------------

@test "NV-153 a teardown calls the plugin also when the namespace is gone, and goes on after an error" {
	plugin notes <<<'echo "$@" >>"$told"; cat >/dev/null; echo "{}"'
	document both 'second | net.driver = "notes"'
	with_plugins -f "$DOC" setup /run/netns/c1
	host ip netns delete c1
	RUST_LOG=warn with_plugins -f "$DOC" teardown /run/netns/c1
	equal "$status $output" "0 "
	[[ $stderr == *"container netns not found: "* ]]
	equal "$(cat "$BATS_TEST_TMPDIR/told")" "setup /run/netns/c1"$'\n'"teardown /run/netns/c1"
	equal "$(link_names)" lo

	document both 'second | net.driver = "error-plugin"'
	document one 'second | del(.networks.web, .network_info.web)'
	attach c2
	with_plugins -f "$BATS_TEST_TMPDIR/both.json" teardown /run/netns/c2
	refused 'plugin "error-plugin" failed: exit code 1, message: teardown error'
	equal "$(link_names)" lo
}

@test "NV-250 when a later network fails, the plugin is asked to take its part back" {
	plugin notes <<<'echo "$@" >>"$told"; cat >/dev/null; echo "{}"'
	document both 'v4 | second | net.driver = "notes" | .networks.back.interface_name = "lo"'
	remember
	with_plugins -f "$DOC" setup /run/netns/c1
	refused_like "create veth pair: *"
	equal "$(cat "$BATS_TEST_TMPDIR/told")" "setup /run/netns/c1"$'\n'"teardown /run/netns/c1"
	nothing_changed
	# One that has failed has done nothing that is known.
	document both 'v4 | second | net.driver = "error-plugin" | .networks |= {back, web}'
	with_plugins -f "$DOC" setup /run/netns/c1
	refused 'plugin "error-plugin" failed: exit code 1, message: setup error'
	nothing_changed
}

# ---- the example --------------------------------------------------------------------------------

# host_device [EDIT] — the document of the example plugin, which gives a veth end "card0" away.
host_device() {
	document device "net.driver = \"host-device\" | net.network_interface = \"card0\" | net.ipam_options.driver = \"none\" |
		del(net.subnets, me.static_ips) | ${1-.}"
}

with_example() {
	netavark --plugin-directory "$TREE/examples/plugins" -f "$DOC" "$@"
}

make_card() {
	host bash -ec '
		ip netns add cable
		ip link add card0 address 02:00:00:00:00:0c type veth peer name far netns cable
		ip -n cable address add 192.0.2.1/24 dev far
		ip -n cable link set far up
		ip address add 192.0.2.2/24 dev card0
		ip address add 192.0.2.3/24 dev card0
		ip address add 2001:db8:7::2/64 dev card0 nodad
		ip link set card0 up'
	card_is_up
}

# The carrier takes a moment.
card_is_up() {
	wait_for host sh -c 'ip link show card0 | grep -q "state UP"'
}

@test "example host-device: an interface goes into the container and comes back as it was" {
	make_card
	remember
	host_device
	with_example setup /run/netns/c1
	equal "$status $stderr" "0 "
	valid netavark-status <<<"$output"
	equal "$output" '{"web":{"dns_search_domains":[],"dns_server_ips":[],"interfaces":{"eth0":{"mac_address":"02:00:00:00:00:0c","subnets":[{"gateway":null,"ipnet":"192.0.2.2/24"},{"gateway":null,"ipnet":"192.0.2.3/24"},{"gateway":null,"ipnet":"2001:db8:7::2/64"}]}}}}'
	equal "$(link_names)" lo
	on c1 ping -qc 1 -W 5 192.0.2.1
	# A second container cannot have it.
	with_example setup /run/netns/c2
	refused 'plugin "host-device" failed: exit code 1, message: host-device: card0 belongs to a container already'
	with_example teardown /run/netns/c1
	equal "$status $output$stderr" "0 "
	on c1 ip link set lo down
	card_is_up
	nothing_changed
	# Again, without addresses and down.
	host ip address flush dev card0
	host ip link set card0 down
	remember
	with_example setup /run/netns/c1
	with_example teardown /run/netns/c1
	equal "$status $output$stderr" "0 "
	on c1 ip link set lo down
	nothing_changed
}

@test "example host-device: a setup that fails gives the interface back" {
	make_card
	remember
	host_device '.networks.web.interface_name = "lo"'
	with_example setup /run/netns/c1
	refused_like 'plugin "host-device" failed: exit code 1, message: host-device: the container has lo already'
	nothing_changed
	host_device 'second | .network_info.back.driver = "bridge" | .networks.back.interface_name = "lo"'
	with_example setup /run/netns/c1
	refused_like "create veth pair: *"
	card_is_up
	nothing_changed
	host_device '.network_info.web.network_interface = "none0"'
	with_example setup /run/netns/c1
	refused_like 'plugin "host-device" failed: exit code 1, message: host-device: *none0* does not exist*'
	nothing_changed
}

@test "example host-device: when the namespace is gone before, so is a virtual interface" {
	make_card
	host_device
	with_example setup /run/netns/c1
	equal "$status" 0
	host ip netns delete c1
	wait_for host sh -c '! ip -n cable link show far'
	with_example teardown /run/netns/c1
	equal "$status $output $stderr" "0  host-device: card0 has gone away with its container"
	with_example teardown /run/netns/c1
	equal "$status $output$stderr" "0 "
}
