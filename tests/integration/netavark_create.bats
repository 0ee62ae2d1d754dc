#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2001,SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# netavark create: what comes from outside of the document, and how it is told. What is decided from the
# document alone stands in tests/unit/test_create.c.

load helpers

PLUGINS=$TREE/tests/integration/plugins
ID=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

# request [EDIT] — what Podman sends for a new bridge network "lab", changed by a jq program, in $DOC.
request() {
	DOC=$BATS_TEST_TMPDIR/create.json
	jq -c "def net: .network; ${1-.}" >"$DOC" <<-END
		{"network": {"name": "lab", "id": "$ID", "driver": "bridge", "created": "0001-01-01T00:00:00Z",
		  "ipv6_enabled": false, "internal": false, "dns_enabled": true},
		 "used": {"interfaces": ["podman0"], "names": {"podman": "2f259bab93aa"},
		  "subnets": ["10.88.0.0/16", "10.89.0.0/24", "127.0.0.0/8", "::1/128"]},
		 "options": {"subnet_pools": [{"base": "10.89.0.0/16", "size": 24}], "default_interface_name": "podman",
		  "check_used_subnets": true}}
	END
}

# create — must succeed in silence. Sets CREATED.
create() {
	netavark create <"$DOC"
	equal "$status $stderr" "0 " || { echo "$output"; return 1; }
	CREATED=$output
	valid netavark-network <<<"$CREATED"
}

# refuses TEXT [EDIT] — a request that is refused.
refuses() {
	request "${2-.}"
	netavark create <"$DOC"
	refused "$1"
}

@test "NV-270 NV-275 NV-293 NV-296 a network is completed, printed on one line, and nothing is changed" {
	remember
	request
	valid netavark-create <"$DOC"
	local before after created
	before=$(date +%s)
	create
	after=$(date +%s)
	created=$(jq -r .created <<<"$CREATED")
	[[ $created =~ ^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z$ ]]
	created=$(date -d "$created" +%s)
	((before <= created && created <= after))
	equal "$(sed 's/"created":"[^"]*"/"created":"now"/' <<<"$CREATED")" '{"created":"now","dns_enabled":true,"driver":"bridge","id":"'$ID'","internal":false,"ipv6_enabled":false,"name":"lab","network_interface":"podman1","ipam_options":{"driver":"host-local"},"subnets":[{"gateway":"10.89.1.1","subnet":"10.89.1.0/24"}]}'
	netavark --file "$DOC" create
	equal "$status $(jq .subnets <<<"$output")" "0 $(jq .subnets <<<"$CREATED")"
	# As Podman calls it, without a directory for state.
	run --separate-stderr host "$NETAVARK" --rootless=false create <"$DOC"
	equal "$status $stderr" "0 "
	nothing_changed
	[[ ! -e $CONFIG ]]
}

@test "NV-270 what create has made can be set up" {
	request 'net.ipv6_enabled = true | net.labels = {a: "b"} | net.options = {isolate: "1", metric: "7"}'
	create
	DOC=$BATS_TEST_TMPDIR/made.json
	jq '{container_id: "c0ffee", container_name: "one", networks: [{name: "lab", interface_name: "eth0"}],
		network_info: {lab: .}}' <<<"$CREATED" >"$DOC"
	attach c1
	equal "$(link_names)" "lo podman1 veth0"
	equal "$(addresses podman1)" "$(jq -r '[.subnets[] | "\(.gateway)/\(.subnet | split("/")[1])"] | join(" ")' <<<"$CREATED")"
	detach c1
}

@test "NV-274 NV-290 the names of the host's links count" {
	host ip link add podman1 type bridge
	host ip link add podman2 type veth peer name podman4
	request '.used.interfaces += ["podman3"]'
	create
	equal "$(jq -r .network_interface <<<"$CREATED")" podman5
	# A given name is not compared with them.
	request 'net.network_interface = "podman2"'
	create
	equal "$(jq -r .network_interface <<<"$CREATED")" podman2
	request 'net.driver = "macvlan" | net.network_interface = "podman4"'
	create
	equal "$(jq -c '[.dns_enabled, .network_interface, .ipam_options.driver, .subnets]' <<<"$CREATED")" '[false,"podman4","dhcp",null]'
	refuses "parent interface podman9 does not exist" 'net.driver = "macvlan" | net.network_interface = "podman9"'
}

@test "NV-281 random IPv6 subnets are unique local ones, another each time" {
	request 'net.ipv6_enabled = true'
	for _ in 1 2 3 4; do
		create
		jq -r '.subnets[1] | "\(.subnet) \(.gateway)"' <<<"$CREATED" >>"$BATS_TEST_TMPDIR/subnets"
	done
	equal "$(grep -cE '^fd[0-9a-f]{0,2}:[0-9a-f:]+::/64 fd[0-9a-f:]+::1$' "$BATS_TEST_TMPDIR/subnets")" 4
	equal "$(sort -u "$BATS_TEST_TMPDIR/subnets" | wc -l)" 4
}

# not_read PATTERN [EDIT] — a document that cannot be read as a request.
not_read() {
	request "${2-.}"
	netavark create <"$DOC"
	refused_like "failed to load network create: IO error: $1"
}

@test "NV-284 documents that cannot be read are refused with place and value" {
	not_read 'invalid IP address syntax: "x" at /network/network_dns_servers/0 *' 'net.network_dns_servers = ["x"]'
	not_read 'invalid IP address syntax: "10.1.0.0" at /used/subnets/0 *' '.used.subnets = ["10.1.0.0"]'
	not_read 'invalid IP address syntax: "10.1.0.0/33" at /network/subnets/0/subnet *' 'net.subnets = [{subnet: "10.1.0.0/33"}]'
	not_read 'missing field `network` at *' 'del(.network)'
	not_read 'missing field `name` at /network *' 'del(.network.name)'
	not_read 'missing field `used` at *' 'del(.used)'
	not_read 'missing field `interfaces` at /used *' 'del(.used.interfaces)'
	not_read 'missing field `names` at /used *' 'del(.used.names)'
	not_read 'missing field `subnets` at /used *' 'del(.used.subnets)'
	not_read 'missing field `options` at *' 'del(.options)'
	not_read 'missing field `subnet_pools` at /options *' 'del(.options.subnet_pools)'
	not_read 'missing field `check_used_subnets` at /options *' 'del(.options.check_used_subnets)'
	not_read 'missing field `base` at /options/subnet_pools/0 *' '.options.subnet_pools = [{size: 24}]'
	not_read 'missing field `size` at /options/subnet_pools/0 *' 'del(.options.subnet_pools[0].size)'
	not_read 'invalid value: integer `4294967296`, expected u32 at /options/subnet_pools/0/size *' '.options.subnet_pools[0].size = 4294967296'
	not_read 'invalid type: integer `5`, expected a string at /used/names/a *' '.used.names.a = 5'
	not_read 'invalid type: integer `1400`, expected a string at /network/options/mtu *' 'net.options = {mtu: 1400}'
	netavark create </dev/null
	refused_like "failed to load network create: IO error: EOF while parsing a value* at line 1 column 0"
	netavark -f /nowhere create
	refused "failed to load network create: IO error: No such file or directory (os error 2)"
	run --separate-stderr "$NETAVARK" create lab
	equal "$status $output" "2 "
}

@test "NV-271 NV-272 NV-273 NV-276 NV-278 NV-279 NV-280 NV-286 NV-289 NV-291 NV-292 what Podman's users see" {
	refuses "Network name must be supplied" 'net.name = ""'
	refuses "network already exists podman" 'net.name = "podman"'
	refuses "bridge name podman0 already in use" 'net.network_interface = "podman0"'
	refuses "gateway 10.1.0.1 not in subnet 10.5.0.0/16" 'net.subnets = [{subnet: "10.5.0.0/16", gateway: "10.1.0.1"}]'
	refuses "subnet 10.88.3.4/24 is already used on the host or by another config" 'net.subnets = [{subnet: "10.88.3.4/24"}]'
	refuses "overlapping subnets: 10.5.0.0/16 and 10.5.1.0/24" 'net.subnets = [{subnet: "10.5.0.0/16"}, {subnet: "10.5.1.0/24"}]'
	refuses "could not create gateway for subnet 10.5.0.0/31 because it has a 31 or greater subnet prefix" 'net.subnets = [{subnet: "10.5.0.0/31"}]'
	refuses 'unable to parse "mtu": invalid digit found in string' 'net.options = {mtu: "abc"}'
	refuses "None ipam driver is set but subnets are given" 'net.ipam_options = {driver: "none"} | net.subnets = [{subnet: "10.5.0.0/16"}]'
	refuses "ipam driver dhcp is not supported with ipvlan" 'net.driver = "ipvlan"'
	refuses "route destination invalid" 'net.routes = [{destination: "10.5.0.1/16", gateway: "10.89.1.9"}]'
}

@test "BU-008 options beyond upstream are kept, and their values are checked" {
	request 'net.options = {hairpin: "false", loopback_guard: "0"} | net.labels = {"netavark.nft_comments": "true"}'
	create
	equal "$(jq -c '[.options, .labels]' <<<"$CREATED")" '[{"hairpin":"false","loopback_guard":"0"},{"netavark.nft_comments":"true"}]'
	local edit
	for edit in 'net.options = {hairpin: "maybe"}' 'net.labels = {"netavark.hairpin": "maybe"}'; do
		request "$edit"
		netavark create <"$DOC"
		refused_like 'invalid hairpin "maybe": expected * at /network/*'
	done
	request 'net.driver = "macvlan" | net.options = {announce: "often"}'
	netavark create <"$DOC"
	refused_like 'invalid announce "often": expected * at /network/options/announce *'
}

@test "NV-295 a pool without end is searched in no time" {
	request '.options.subnet_pools = [{base: "0.0.0.0/0", size: 32}] | .used.subnets = ["0.0.0.0/1", "128.0.0.0/1"]'
	run --separate-stderr host timeout 2 "$NETAVARK" create <"$DOC"
	refused "Subnet address overflow"
	request '.options.subnet_pools[0].size = 0'
	run --separate-stderr host timeout 2 "$NETAVARK" create <"$DOC"
	refused "Failed to create network from pool: invalid IP prefix length"
}

@test "NV-296 a failure at any door is reported, and nothing is printed besides" {
	remember
	request
	local door=0
	while true; do
		door=$((door + 1))
		NETAVARK_FAULT=$door netavark create <"$DOC"
		[[ $status == 1 ]] || break
		refused_like "*injected fault*"
	done
	equal "$status" 0
	((door >= 2))
	nothing_changed
	run --separate-stderr host bash -c '"$1" create <"$2" >/dev/full' x "$NETAVARK" "$DOC"
	equal "$status" 1
	[[ $stderr == *"No space left on device"* ]]
}

# ---- plugins ------------------------------------------------------------------------------------

# own ANSWER — makes the plugin "own", which keeps what it is told in $TOLD and answers with the output of
# a jq program.
own() {
	TOLD=$BATS_TEST_TMPDIR/told
	mkdir -p "$BATS_TEST_TMPDIR/plugins"
	printf '#!/bin/bash\ntee %q | jq -c %q\n[[ "$*" == create ]]\n' "$TOLD" "$1" >"$BATS_TEST_TMPDIR/plugins/own"
	chmod +x "$BATS_TEST_TMPDIR/plugins/own"
}

with_plugins() {
	netavark --plugin-directory "$BATS_TEST_TMPDIR/plugins" --plugin-directory "$PLUGINS" \
		--plugin-directory "$TREE/examples/plugins" "$@"
}

@test "NV-294 a plugin has its say, and what it says is checked like the rest" {
	own '.options.added = "1" | .subnets = [{subnet: "10.88.0.0/16"}] | .unknown = 1 | .labels = null'
	request 'net.driver = "own" | net.options = {any: "thing"} | net.unknown = 1'
	with_plugins create <"$DOC"
	equal "$status $stderr" "0 "
	valid plugin-create <"$TOLD"
	equal "$(jq -c . "$TOLD")" '{"created":"0001-01-01T00:00:00Z","dns_enabled":true,"driver":"own","id":"'$ID'","internal":false,"ipv6_enabled":false,"name":"lab","options":{"any":"thing"}}'
	equal "$(jq -c 'del(.created)' <<<"$output")" '{"dns_enabled":true,"driver":"own","id":"'$ID'","internal":false,"ipv6_enabled":false,"name":"lab","options":{"any":"thing","added":"1"},"subnets":[{"gateway":"10.88.0.1","subnet":"10.88.0.0/16"}]}'
	[[ $(jq -r .created <<<"$output") == 20* ]]

	local answer text
	while IFS=$'\t' read -r answer text; do
		own "$answer"
		with_plugins create <"$DOC"
		refused_like "$text" || { echo "$answer"; return 1; }
	done <<-'END'
		.name = "x"	own plugin invalid result: changed network name
		.id = "x"	own plugin invalid result: changed network ID
		.driver = "bridge"	own plugin invalid result: changed network driver
		.ipam_options.driver = "none" | .network_dns_servers = []	cannot set NetworkDNSServers if DNS is not enabled for the network
		.subnets = [{subnet: "10.1.0.0/16", gateway: "10.2.0.1"}]	gateway 10.2.0.1 not in subnet 10.1.0.0/16
		.routes = [{destination: "10.1.0.0/16"}]	route 10.1.0.0/16 requires a gateway for type unicast
		del(.name)	JSON Decoding error: missing field `name` at *
		.subnets = [{subnet: "x"}]	JSON Decoding error: invalid IP address syntax: "x" at /subnets/0/subnet *
		[]	JSON Decoding error: invalid type: sequence, expected a map *
		empty	JSON Decoding error: EOF while parsing a value*
	END
	own .
	printf 'exit 3\n' >>"$BATS_TEST_TMPDIR/plugins/own"
	with_plugins create <"$DOC"
	refused_like 'plugin "own": exit code 3, parse error: missing field `error` at *'

	request 'net.driver = "error-plugin"'
	with_plugins create <"$DOC"
	refused "exit code 1, message: create error"
	netavark create <"$DOC"
	refused "plugin directory not provided"
	request 'net.driver = "nobody"'
	with_plugins create <"$DOC"
	refused 'plugin for driver "nobody" not found in plugin directories'
	request 'net.driver = "../plugins/own"'
	with_plugins create <"$DOC"
	refused 'plugin for driver "../plugins/own" not found in plugin directories'
	request 'net.driver = "stderr-plugin"'
	with_plugins create <"$DOC"
	equal "$status $stderr" "0 stderr create"
	# The general checks come before.
	own .
	rm "$TOLD"
	request 'net.driver = "own" | net.name = ""'
	with_plugins create <"$DOC"
	refused "Network name must be supplied"
	[[ ! -e $TOLD ]]
}

@test "NV-294 example host-device: create wants an interface and no subnets" {
	request 'net.driver = "host-device" | net.network_interface = "card0"'
	with_plugins create <"$DOC"
	equal "$status $stderr" "0 "
	equal "$(jq -c '[.dns_enabled, .network_interface, .ipam_options, .subnets]' <<<"$output")" '[false,"card0",{"driver":"none"},null]'
	request 'net.driver = "host-device"'
	with_plugins create <"$DOC"
	refused_like "exit code 1, message: host-device: name the interface to give away*"
	request 'net.driver = "host-device" | net.network_interface = "card0" | net.subnets = [{subnet: "10.5.0.0/16"}]'
	with_plugins create <"$DOC"
	refused_like "exit code 1, message: host-device: the interface keeps its addresses*"
}
