#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts of jq; variables of bats
#
# check: all that is wrong with a document, and nothing is changed.

load helpers

# checked [OPTION...] — checks $DOC on this machine; nothing but reading is done. Sets status and output.
checked() {
	run --separate-stderr timeout 40 "$NETAVARK" check "$@" -f "$DOC"
	equal "$stderr" ""
}

# problems FILTER — a part of the last JSON report.
problems() {
	jq -c "[.problems[] | $1]" <<<"$output"
}

# broken_documents DIRECTORY — a document N.json for every line of netavark_broken.txt, and what must
# be said of it in N.txt.
broken_documents() {
	local edit expectation count=0
	while IFS=$'\t' read -r edit expectation; do
		[[ -n $edit && $edit != "#"* ]] || continue
		base_document | jq -c "$JQ_WORDS $edit" >"$1/$count.json"
		printf '%s\n' "$expectation" >"$1/$count.txt"
		count=$((count + 1))
	done <"$BATS_TEST_DIRNAME/netavark_broken.txt"
}

@test "BU-010 check: help, wrong usage, closed pipe, JSON" {
	local option
	run --separate-stderr "$NETAVARK" check --help
	equal "$status $stderr" "0 "
	for option in --file --kind --strict --json --pretty --color --help; do
		[[ $output == *" $option"* ]]
	done
	run --separate-stderr "$NETAVARK" check --bogus
	equal "$status $output" "2 "
	[[ $stderr == *"--bogus"*"Usage: netavark"*"check"* ]]
	run "$NETAVARK" check --kind=bogus
	equal "$status" 2
	document one 'net.internal = 5 | net.options = {isolat: "true"}'
	checked --json
	equal "$status ${#lines[@]}" "3 1"
	valid netavark-check <<<"$output"
	local compact=$output
	checked --pretty
	((${#lines[@]} > 5))
	equal "$(jq -c . <<<"$output")" "$compact"
	# Nobody reads: no message, no signal.
	run bash -c 'set -o pipefail; (trap "" PIPE; exec "$@") 2>&1 >&3 3>&- | cat' _ "$NETAVARK" check -f "$DOC" 3> >(:)
	equal "$output" ""
	((status <= 3))
	run --separate-stderr "$NETAVARK" check -f /nonexistent
	equal "$status $output" "1 "
	equal "$stderr" "netavark: cannot read the document: IO error: No such file or directory (os error 2)"
}

@test "check: the text shows the line with a caret below the value, and what may be meant" {
	DOC=$BATS_TEST_TMPDIR/text.json
	base_document | jq "$JQ_WORDS"' net.subnets[0].gateway = "10.99.0.1" | net.options = {isolat: "true"}' |
		sed 's/"gateway": "10.99/\t&/' >"$DOC"
	checked
	equal "$status" 3
	equal "$output" "$DOC:22:23: error: gateway 10.99.0.1 not in subnet 10.71.0.0/24 [E_GATEWAY]
$(printf '     %11s"gateway": "10.99.0.1"\n     %22s^~~~~~~~~~~' '' '')
     at /network_info/web/subnets/0/gateway
$DOC:36:19: warning: unknown option \"isolat\" of the driver bridge [E_UNKNOWN]
$(printf '     %8s"isolat": "true"\n     %18s^~~~~~' '' '')
     at /network_info/web/options/isolat
     hint: did you mean \"isolate\"?
$DOC: 1 error, 1 warning"
	checked --color=always
	[[ $output == *$'\e[1;31merror\e[0m: gateway'* ]]
	NO_COLOR=1 checked --color=auto
	[[ $output != *$'\e'* ]]
	# One long line with letters of several bytes.
	document long '.container_name = "ööööööööööööööööööööööööööööööööööö" | .container_id = "ü/" | .networks = {}'
	checked
	equal "$(sed -n 2,3p <<<"$output")" '     {"container_id":"ü/","container_name":"öööööööö…
                     ^~~~'
}

@test "check: warnings alone are no failure, unless strict" {
	document one 'net.options = {isolat: "true"} | net.labels = {"netavark.anounce": "1", "com.example.a": "b"} |
		.futur = 1 | me.aliases = ["a b"] | me.static_ips = ["10.71.0.1"] | port(80; 80; "tcp") |
		.port_mappings[0].range = 5 | port(84; 1; "tcp") | .port_mappings[1].host_ip = "127.0.0.1"'
	checked --json
	equal "$status" 0
	equal "$(problems 'select(.severity != "warning")')" '[]'
	equal "$(problems '"\(.code) \(.pointer) \(.hint // "")"' | jq -r '.[]' | sort)" \
'E_ADDRESS /networks/web/static_ips/0 
E_NAME /networks/web/aliases/0 
E_PORT /port_mappings/1/host_port 
E_UNKNOWN /futur 
E_UNKNOWN /network_info/web/labels/netavark.anounce did you mean "netavark.announce"?
E_UNKNOWN /network_info/web/options/isolat did you mean "isolate"?'
	checked --json --strict
	equal "$status" 3
	equal "$(problems 'select(.severity != "error")')" '[]'
	document good 'second | port(80; 80; "tcp")'
	checked --strict
	equal "$status $output" "0 $DOC: 0 errors, 0 warnings"
}

@test "BU-015 check: five independent mistakes are all reported in one run" {
	document five 'second | me.static_mac = "zz" | net.subnets[0].gateway = "10.99.0.1" | del(.container_name) |
		.network_info.back.internal = "no" | port(70000; 80; "tcp")'
	checked --json
	equal "$status" 3
	equal "$(problems '"\(.severity) \(.code) \(.pointer)"' | jq -r '.[]' | sort)" \
'error E_GATEWAY /network_info/web/subnets/0/gateway
error E_MAC /networks/web/static_mac
error E_MISSING 
error E_TYPE /network_info/back/internal
error E_VALUE /port_mappings/0/host_port'
	# In one object, too, and of values that have a place only together.
	document more 'second | net.options = {mtu: "x", metric: "-1", isolate: "very"} | me.interface_name = "eth1" |
		me.static_ips = ["10.72.0.5", "10.71.0.9", "10.71.0.9"] | net.subnets += [{subnet: "10.71.0.128/25"}]'
	checked --json
	equal "$(problems .pointer | jq -r '.[]' | sort | paste -sd' ')" \
		"/network_info/web/options/isolate /network_info/web/options/metric /network_info/web/options/mtu /network_info/web/subnets/2/subnet /networks/back/interface_name /networks/web/static_ips/0 /networks/web/static_ips/2"
}

# A setup refuses these documents, see netavark_document.bats; check does so with a place for each, and so
# does the schema where it can: it knows types and forms, not whether two values fit.
@test "BU-013 BU-016 check: every broken document is refused, by the schema, too, where it can tell" {
	local dir=$BATS_TEST_TMPDIR/docs file report pointer wrong='' refused
	mkdir "$dir"
	broken_documents "$dir"
	cp "$TREE"/tests/schema/broken/*.json "$dir"
	cp "$TREE"/examples/requests/*.json "$dir"
	"$TREE/tests/schema/check_schemas.py" --validate netavark-request "$dir"/*.json 2>"$dir/schema" || true
	refused=$(grep -oE "^$dir/[^:]*" "$dir/schema" | sort -u)
	for file in "$dir"/*.json; do
		status=0
		report=$("$NETAVARK" check -j -f "$file") || status=$?
		if [[ -e $TREE/examples/requests/${file##*/} ]]; then
			[[ $status == 0 ]] || wrong+="$file: $report"$'\n'
			[[ $refused != *"$file"* ]] || wrong+="$file: refused by the schema"$'\n'
			continue
		fi
		# What is only seen when it is done: the bridge of somebody else is not there.
		[[ ! -e ${file%json}txt ]] || ! grep -q "the bridge must already exist" "${file%json}txt" || continue
		[[ $status == 3 ]] || wrong+="$(cat "$file"): status $status"$'\n'
		# Where an error of setup names a place, it is among ours.
		pointer=$(grep -oE ' & /[a-z][^ ]*$' "${file%json}txt" 2>/dev/null) || pointer=
		[[ -z $pointer ]] || jq -e --arg p "${pointer# & }" 'any(.problems[]; .pointer | startswith($p))' <<<"$report" >/dev/null ||
			wrong+="$(cat "$file"): $pointer not in $report"$'\n'
		# What is wrong with a type or with the form of one value is known to the schema.
		if jq -e 'any(.problems[]; .code == "E_TYPE" or .code == "E_MISSING")' <<<"$report" >/dev/null; then
			[[ $refused == *"$file"* ]] || wrong+="the schema accepts $(cat "$file"): $report"$'\n'
		fi
	done
	equal "$wrong" ""
}

@test "BU-011 check: nothing is changed, no privileges are needed" {
	document one 'second | port(80; 80; "tcp")'
	remember
	netavark check -f "$DOC"
	equal "$status $stderr" "0 "
	netavark check --json <"$DOC"
	equal "$status $stderr" "0 "
	nothing_changed
	equal "$(files)" ""
	chmod 755 "$BATS_TEST_TMPDIR" && chmod 644 "$DOC"
	run setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "$NETAVARK" check <"$DOC"
	equal "$status $output" "0 <stdin>: 0 errors, 0 warnings"
}

@test "check: definitions for create" {
	local base='{"network": {"dns_enabled": true, "driver": "bridge", "internal": false, "ipv6_enabled": false, "name": "lab",
		"id": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
		"used": {"interfaces": [], "names": {}, "subnets": []},
		"options": {"subnet_pools": [{"base": "10.89.0.0/16", "size": 24}], "default_interface_name": "podman", "check_used_subnets": true}}'
	DOC=$BATS_TEST_TMPDIR/create.json
	jq -c . <<<"$base" >"$DOC"
	checked --kind=create
	equal "$status" 0
	jq -c '.network.subnets = [{subnet: "10.1.0.0/24", gateway: "10.2.0.1"}] | .options.subnet_pools[0].size = "x" |
		.network.options = {mtu: "x"} | del(.used.names)' <<<"$base" >"$DOC"
	checked --kind=create --json
	equal "$status" 3
	equal "$(problems .pointer)" '["/network/subnets/0/gateway","/network/options/mtu","/used","/options/subnet_pools/0/size"]'
	jq -c '.network.id = "x"' <<<"$base" >"$DOC"
	checked --kind=create --json
	equal "$(problems .message)" '["Network id must be a hexadecimal string \"x\""]'
}

# quickly WORDS... — under 100 ms of the processor's time, which does not depend on what else it has to do,
# and under 128 MiB of address space. Sanitizers take more of both.
quickly() {
	local time=$BATS_TEST_TMPDIR/time milliseconds
	run --separate-stderr bash -c 'time=$1 sanitized=$2 TIMEFORMAT="%U %S"; shift 2
		[[ $sanitized ]] || ulimit -v 131072
		exec 3>&2; { time "$@" 2>&3; } 2>"$time"' _ "$time" "$(! sanitized || echo yes)" "$@"
	milliseconds=$(awk '{ print ($1 + $2) * 1000 }' "$time")
	((milliseconds < 100)) || sanitized || { echo "took $milliseconds ms"; return 1; }
}

@test "BU-019 ten megabytes, and brackets ten thousand deep, are refused at once" {
	document base
	{ head -c 10485760 /dev/zero | tr '\0' ' '; cat "$DOC"; } >"$BATS_TEST_TMPDIR/big.json"
	{ printf '{"container_id": '; head -c 10000 /dev/zero | tr '\0' '['; } >"$BATS_TEST_TMPDIR/deep.json"
	for document in big deep; do
		DOC=$BATS_TEST_TMPDIR/$document.json
		quickly "$NETAVARK" --config "$CONFIG" -f "$DOC" setup /proc/self/ns/net
		equal "$status" 1
		jq -er '.error | length > 20' <<<"$output"
		quickly "$NETAVARK" check -f "$DOC"
		((status == 1 || status == 3))
	done
	[[ $output == *"maximum parsing depth"*"[E_SYNTAX]"* ]]
	quickly "$NETAVARK" check -f "$BATS_TEST_TMPDIR/big.json"
	equal "$status $output" "1 "
	[[ $stderr == "netavark: cannot read the document: more than 8388608 bytes"* ]]
}
