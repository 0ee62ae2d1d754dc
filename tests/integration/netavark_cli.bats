#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2001,SC2016,SC2030,SC2031,SC2154 # scripts for other shells; variables of bats
#
# The command line of netavark: options, streams, exit codes, logs.

load helpers

# usage_error ARGUMENT... — free text on stderr, nothing on stdout, status 2.
usage_error() {
	run --separate-stderr timeout 10 "$NETAVARK" "$@" </dev/null
	equal "$*: $status" "$*: 2"
	equal "$output" ""
	[[ -n $stderr ]]
}

# ---- version, help, usage -----------------------------------------------------------------------

@test "NV-001 the version is one line on stdout" {
	for option in --version -V; do
		run --separate-stderr "$NETAVARK" "$option"
		equal "$status $stderr" "0 "
		[[ $output =~ ^netavark\ 2\.[0-9]+\.[0-9]+$ ]]
	done
}

@test "NV-002 NV-003 the version command prints build information in a fixed order" {
	run --separate-stderr "$NETAVARK" version
	equal "$status $stderr" "0 "
	equal "$(jq -r 'keys_unsorted | join(" ")' <<<"$output")" \
		"version commit build_time target default_fw_driver"
	[[ ${lines[0]} == "{" && ${lines[1]} == '  "version": '* ]]
	[[ $(jq -r .version <<<"$output") =~ ^2\.[0-9]+\.[0-9]+(-rc[0-9]|-dev)?$ ]]
	[[ $(jq -r .commit <<<"$output") =~ ^([0-9a-f]{40})?$ ]]
	[[ $(jq -r .build_time <<<"$output") =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(Z|[+]00:00)$ ]]
	equal "$(jq -r .default_fw_driver <<<"$output")" nftables
}

@test "NV-004 a configuration path that is not UTF-8 is accepted" {
	run --separate-stderr "$NETAVARK" --config $'/run/\xff.d' version
	equal "$status" 0
	document one
	CONFIG=$BATS_TEST_TMPDIR/$'\xff.d'
	attach c1
	host test -e "$CONFIG/firewall/networks/$(jq -r .network_info.web.id "$DOC")"
	detach c1
}

@test "NV-005 NV-006 NV-007 NV-008 wrong usage ends with 2 and a text on stderr" {
	usage_error
	usage_error frobnicate
	usage_error --frob setup /run/netns/c1
	usage_error --conf /x setup /run/netns/c1
	usage_error setup --config /x /run/netns/c1
	usage_error setup /run/netns/c1 --rootless=true
	usage_error setup
	usage_error setup ""
	usage_error setup a b
	usage_error teardown
	usage_error teardown ""
	usage_error version x
	usage_error --config
	usage_error --file
}

@test "NV-009 rootless takes only true and false" {
	for word in yes TRUE True 1 0 no ""; do
		usage_error "--rootless=$word" setup /run/netns/c1
	done
}

@test "NV-010 NV-012 every way to write an option means the same, once" {
	usage_error --config /a --config /b setup /run/netns/c1
	usage_error --rootless true -r true setup /run/netns/c1
	document one
	for way in --rootless=true "--rootless true" "-r true" -rtrue -r=true; do
		# shellcheck disable=SC2086 # the words are what is tested
		attach c1 "$DOC" $way --plugin-directory /a --plugin-directory /b
		# What distinguishes rootless: there are no state files.
		equal "$way: $(files)" "$way: "
		# shellcheck disable=SC2086
		detach c1 "$DOC" $way
	done
}

@test "NV-011 an empty path of the DNS server means that there is none" {
	document one dns
	AARDVARK='' attach c1
	status_is '["10.71.0.1","fd71:5:9::1"]' .web.dns_server_ips
	equal "$(server)" ""
}

@test "NV-014 help comes on stdout" {
	for arguments in --help -h help "setup --help" "teardown -h" "help setup"; do
		# shellcheck disable=SC2086
		run --separate-stderr "$NETAVARK" $arguments
		equal "$arguments: $status $stderr" "$arguments: 0 "
		[[ -n $output ]]
	done
}

# ---- streams ------------------------------------------------------------------------------------

@test "NV-015 NV-016 the document comes from stdin, -f -, a pipe or a file" {
	document one v4
	netavark setup /run/netns/c1 <"$DOC"
	equal "$status" 0
	netavark teardown /run/netns/c1 <"$DOC"
	equal "$status" 0
	netavark -f - setup /run/netns/c1 <"$DOC"
	equal "$status" 0
	netavark --file=- teardown /run/netns/c1 <"$DOC"
	equal "$status" 0
	run --separate-stderr host bash -c 'exec "$1" --config "$2" -f /dev/fd/7 setup /run/netns/c1 7< <(cat "$3")' \
		pipe "$NETAVARK" "$CONFIG" "$DOC"
	equal "$status $stderr" "0 "
	[[ $output == '{"web":'* ]]
	detach c1
}

@test "NV-017 NV-018 an error is one line of JSON with one key, a teardown prints nothing" {
	document one
	netavark -f "$DOC" setup /run/netns/none
	refused "invalid namespace path: IO error: No such file or directory (os error 2)"
	valid netavark-error <<<"$output"
	attach c1
	netavark -f "$DOC" teardown /run/netns/c1
	equal "$status $output" "0 "
}

@test "NV-019 a usual setup and teardown are silent at level warn" {
	document one 'second | dns | port(8080; 80; "tcp")'
	RUST_LOG=netavark=warn attach c1
	RUST_LOG=netavark=warn detach c1
}

@test "NV-020 the writer of a large document is not blocked by a bad namespace path" {
	document one '.container_hostname = ("x" * 1048576)'
	run --separate-stderr host timeout 10 bash -c 'set -o pipefail
		(cat "$3" && echo written >&2) | "$1" --config "$2" setup /run/netns/none' \
		pipe "$NETAVARK" "$CONFIG" "$DOC"
	refused "invalid namespace path: IO error: No such file or directory (os error 2)"
	equal "$stderr" written
}

@test "NV-021 a status that cannot be written takes everything back" {
	document one 'dns | port(8080; 80; "tcp")'
	remember
	run --separate-stderr host bash -c '"$1" --config "$2" -a "$3" -f "$4" setup /run/netns/c1 >/dev/full' \
		full "$NETAVARK" "$CONFIG" "$AARDVARK" "$DOC"
	equal "$status" 1
	[[ $stderr == *"No space left on device"* ]]
	nothing_changed
}

@test "NV-022 NV-023 FW-002 FW-003 the name of the firewall driver is checked, in any case" {
	document one v4
	remember
	for name in bogus "" iptable; do
		NETAVARK_FW=$name netavark -f "$DOC" setup /run/netns/c1
		refused "Must provide a valid firewall backend, got $name"
		netavark --firewall-driver "$name" -f "$DOC" setup /run/netns/c1
		refused "Must provide a valid firewall backend, got $name"
	done
	NETAVARK_FW=BOGUS netavark -f "$DOC" setup /run/netns/c1
	refused "Must provide a valid firewall backend, got bogus"
	nothing_changed
	NETAVARK_FW=NFTABLES attach c1
	equal "$(host nft list tables)" $'table inet netavark\ntable inet netavark-guard'
	detach c1
	host nft flush ruleset
	NETAVARK_FW=bogus attach c1 "$DOC" --firewall-driver None
	is "" nft list ruleset
}

@test "FW-005 the driver firewalld is refused in its own words, and nothing changes" {
	document one 'v4 | port(8080; 80; "tcp")'
	remember
	netavark --firewall-driver firewalld -f "$DOC" setup /run/netns/c1
	refused "firewalld driver is not supported by this build"
	NETAVARK_FW=Firewalld netavark -f "$DOC" setup /run/netns/c1
	refused "firewalld driver is not supported by this build"
	nothing_changed
	# A record of it, made by another netavark, is not taken for one of ours.
	host bash -c 'mkdir -p "$1/firewall"; printf firewalld >"$1/firewall/firewall-driver"' - "$CONFIG"
	netavark firewall-reload
	refused "firewalld driver is not supported by this build"
	is "" nft list ruleset
}

@test "NV-024 the port of the DNS server is checked" {
	document one
	remember
	NETAVARK_DNS_PORT=abc netavark -f "$DOC" setup /run/netns/c1
	refused "Invalid NETAVARK_DNS_PORT abc: invalid digit found in string"
	NETAVARK_DNS_PORT=70000 netavark -f "$DOC" setup /run/netns/c1
	refused "Invalid NETAVARK_DNS_PORT 70000: number too large to fit in target type"
	NETAVARK_DNS_PORT='' netavark -f "$DOC" setup /run/netns/c1
	refused "Invalid NETAVARK_DNS_PORT : cannot parse integer from empty string"
	NETAVARK_DNS_PORT=-1 netavark -f "$DOC" teardown /run/netns/c1
	refused "Invalid NETAVARK_DNS_PORT -1: invalid digit found in string"
	nothing_changed
}

@test "NV-025 NV-026 a missing file is named before, a missing namespace before what is in the document" {
	netavark -f /nowhere setup /run/netns/c1
	refused "failed to load network options: IO error: No such file or directory (os error 2)"
	netavark -f / setup /run/netns/c1
	refused "failed to load network options: IO error: Is a directory (os error 21)"
	netavark setup /run/netns/none <<<'{"broken'
	refused "invalid namespace path: IO error: No such file or directory (os error 2)"
}

@test "NV-027 the configuration directory is required" {
	document one
	for command in setup teardown; do
		run --separate-stderr host "$NETAVARK" -f "$DOC" "$command" /run/netns/c1
		refused "--config not specified but required for netavark $command"
	done
}

@test "NV-028 NV-029 the namespace may have a relative path but must be one" {
	document one v4
	touch "$BATS_TEST_TMPDIR/file"
	for path in "$BATS_TEST_TMPDIR/file" /tmp; do
		netavark -f "$DOC" setup "$path"
		refused "setns: IO error: Invalid argument (os error 22)"
	done
	for command in setup teardown; do
		run --separate-stderr host bash -c 'cd /run/netns && "$@" c1' x \
			"$NETAVARK" --config "$CONFIG" -f "$DOC" "$command"
		equal "$status" 0
	done
}

# ---- logs ---------------------------------------------------------------------------------------

@test "NV-030 NV-031 FW-001 the first line at level info names the firewall driver" {
	document one v4
	RUST_LOG=info netavark -f "$DOC" setup /run/netns/c1
	equal "$(head -1 <<<"$stderr")" "[INFO  netavark::firewall] Using nftables firewall driver"
	[[ $stderr == *"Adding route (dest: 0.0.0.0/0, gw: 10.71.0.1, metric 100)"* ]]
	equal "$(grep -vE '^\[INFO  netavark(::[a-z_]+)*\] .' <<<"$stderr")" ""
	RUST_LOG=info netavark -f "$DOC" teardown /run/netns/c1
	equal "$(head -1 <<<"$stderr")" "[INFO  netavark::firewall] Using nftables firewall driver"
	[[ $stderr == *"removing bridge br-web"* ]]
	local word
	for word in iptables IPTables; do
		RUST_LOG=info netavark --firewall-driver $word -f "$DOC" setup /run/netns/c1
		equal "$(head -1 <<<"$stderr")" "[INFO  netavark::firewall] Using iptables firewall driver"
		netavark -f "$DOC" teardown /run/netns/c1
	done
	RUST_LOG=info netavark --firewall-driver none -f "$DOC" setup /run/netns/c1
	equal "$(head -1 <<<"$stderr")" "[INFO  netavark::firewall] Not using firewall"
}

# log_level FILTER — what a setup with one warning and several infos writes, by level.
log_level() {
	RUST_LOG=$1 netavark -f "$DOC" setup /run/netns/c1
	[[ $status == 0 ]]
	grep -oE '^\[[A-Z]+' <<<"$stderr" | sort -u | tr -d '[\n'
	netavark -f "$DOC" teardown /run/netns/c1
	[[ $status == 0 ]]
}

@test "NV-032 NV-033 NV-034 the log filter chooses by level and longest module name" {
	document one 'v4 | dns | me.aliases = ["a b"]'
	equal "$(log_level "")" ""
	equal "$(log_level off)" ""
	equal "$(log_level error)" ""
	equal "$(log_level netavark=fatal)" ""
	equal "$(log_level netavark=panic)" ""
	equal "$(log_level WARN)" WARN
	equal "$(log_level netavark=warn)" WARN
	equal "$(log_level info)" INFOWARN
	equal "$(log_level netavark)" DEBUGINFOWARN
	equal "$(log_level aardvark=info)" ""
	equal "$(log_level netavark=info,netavark::bridge=error)" INFO
	equal "$(log_level netavark::bridge=error,netavark=warn)" ""
	equal "$(log_level netavark::bridge=warn,netavark::firewall=error)" WARN
	RUST_LOG=netavark=info,netavark::firewall=error netavark -f "$DOC" setup /run/netns/c1
	[[ $stderr == *"[INFO "* && $stderr != *firewall]* ]]
	detach c1
	RUST_LOG=netavark=loud netavark -f "$DOC" setup /run/netns/c1
	[[ $stderr == *"warning: invalid logging spec '"*"loud', ignoring it"* ]]
}

@test "NV-035 each bad name gives one warning that shows it quoted, and nothing else" {
	document one 'v4 | dns | me.aliases = ["good", "", "with blank", "comma,2", "newline\n2", "q\"uote d"]'
	RUST_LOG=netavark=warn netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 0
	equal "$(sed 's/ netavark::[a-z:_]*//' <<<"$stderr")" "$(cat <<-'END'
		[WARN ] invalid network alias "": name is empty, ignoring this name
		[WARN ] invalid network alias "with blank": name contains invalid chars, ignoring this name
		[WARN ] invalid network alias "comma,2": name contains invalid chars, ignoring this name
		[WARN ] invalid network alias "newline\n2": name contains invalid chars, ignoring this name
		[WARN ] invalid network alias "q\"uote d": name contains invalid chars, ignoring this name
	END
	)"
	equal "$(tail -1 "$CONFIG/aardvark-dns/web")" "c0ffee01 10.71.0.11  one,good"
}

@test "NV-036 our own name of the log filter wins" {
	document one v4
	RUST_LOG=info NETAVARK_LOG=error attach c1
	RUST_LOG=off NETAVARK_LOG=info netavark -f "$DOC" teardown /run/netns/c1
	[[ $stderr == "[INFO  netavark::firewall]"* ]]
}
