#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# Every call with which a setup leaves the process (a "door", see common/fault.h) fails once, or a
# signal comes there. After each of these runs the host must be as before.

load helpers
load iptables

# sweep KIND EXPECTED [OPTION...] — sets the document in $DOC up in c1 with a fault of a kind ("" or ":term") at
# the first, second, third … door until a run passes fewer doors. An error must match EXPECTED. Sets
# SWEPT, TOLERATED and UNTOUCHED: how many doors were tried, at how many of them the setup succeeded
# all the same, and how many signals came before signals are held back. With a pattern in SWEEP_ONLY
# only the doors whose names match it are tried. SWEEP_STEP=4 tries every fourth door, from another one in
# each test.
sweep() {
	local result every step=${SWEEP_STEP:-1}
	result=$(host_script "$NETAVARK" "$CONFIG" "$AARDVARK" "$DOC" "$step" "$((BATS_TEST_NUMBER % step))" "$@" <<-'END'
		netavark=$1 config=$2 aardvark=$3 document=$4 step=$5 offset=$6 kind=$7 expected=$8
		shift 8
		options=("$@")
		door=0 tolerated=0 untouched=0
		run() {
			"$netavark" --config "$config" -a "$aardvark" -f "$document" "${options[@]}" "$@" /run/netns/c1
		}
		complain() {
			printf 'door %s: %s\n' "$(sed -n "${door}p" /run/doors)" "$*" >&2
			exit 1
		}
		before=$(snapshot "$config" c1 c2)
		rm -rf /run/leases
		! [[ -d $config/netavark-ipam ]] || cp -a "$config/netavark-ipam" /run/leases
		ip_forward=$(</proc/sys/net/ipv4/ip_forward) forwarding=$(</proc/sys/net/ipv6/conf/all/forwarding)
		# Takes back what a success leaves: an empty table, forwarding, a loopback that is up, and the last
		# address given out.
		restore() {
			run teardown || complain "teardown failed"
			[[ $before == *NETAVARK* ]] || forget_rules
			echo "$ip_forward" >/proc/sys/net/ipv4/ip_forward
			echo "$forwarding" >/proc/sys/net/ipv6/conf/all/forwarding
			ip -n c1 link set lo down
			rm -rf "$config/netavark-ipam"
			! [[ -d /run/leases ]] || cp -a /run/leases "$config/netavark-ipam"
		}
		# The second run has the same directories to begin with as all that follow.
		for try in ${SWEEP_ONLY:+first second}; do
			rm -f /run/all
			NETAVARK_FAULT_LOG=/run/all run setup >/dev/null
			restore
		done
		while true; do
			door=$((door + 1)) status=0
			((door % step == offset)) || continue
			[[ -z ${SWEEP_ONLY-} || $(sed -n "$door,\$p" /run/all | head -n 1) =~ ${SWEEP_ONLY-}|^$ ]] || continue
			rm -f /run/doors
			answer=$(NETAVARK_FAULT=$door$kind NETAVARK_FAULT_LOG=/run/doors run setup 2>/run/errors) || status=$?
			# The server notes its own doors behind ours, counted from one.
			passed=$(sort -rn /run/doors | sed 's/ .*//; q')
			case $status in
			0)
				restore
				((door <= passed)) || break
				# Only what helps but is not needed: the file for systemd, a look at an old file, flows, and
				# the announcement of the addresses, which comes last.
				[[ $(sed -n "${door}p" /run/doors) =~ (file_(make_dirs|create|read)|conntrack_open|address_list_all)$ ||
					$(sed -n "1,${door}p" /run/doors) == *" announce"* ]] || complain "went unnoticed"
				tolerated=$((tolerated + 1)) ;;
			143)
				untouched=$((untouched + 1))
				[[ -z $answer ]] || complain "printed $answer" ;;
			1)
				error=$(jq -er 'select(keys == ["error"]) | .error' <<<"$answer") || complain "printed $answer"
				[[ $(wc -l <<<"$answer") == 1 ]] || complain "more than one line: $answer"
				[[ $error =~ $expected ]] || complain "error $error" ;;
			*)
				complain "status $status" ;;
			esac
			after=$(snapshot "$config" c1 c2)
			[[ $after == "$before" ]] || {
				cat /run/errors >&2
				diff -u <(echo "$before") <(echo "$after") >&2 || true
				complain "not as before; it said $answer"
			}
		done
		[[ -z $(ls "$config"/aardvark.new* "$config"/*.tmp* 2>/dev/null) ]] || complain "temporary files: $(ls "$config")"
		echo "$((door - 1)) $tolerated $untouched"
	END
	)
	read -r SWEPT TOLERATED UNTOUCHED <<<"$result"
	((step == 1)) || every=", every ${step}th"
	echo "# swept $SWEPT doors${1:+ with $1}${every-}, $TOLERATED of them without consequence" >&3
}

# Two networks, dual stack, ports, DNS, leases, and the file for systemd.
full_document() {
	document "$1" "number($2) | second | automatic | del(.networks.back.static_ips) | dns |
		.network_info.back.dns_enabled = true | port($((8080 + $2)); 80; \"tcp\") | port($((9090 + $2)); 90; \"udp\") |
		.network_info.back.internal = $3 |
		net.routes = [{destination: \"10.80.0.0/16\", gateway: \"10.71.0.9\"}]"
	host mkdir -p /run/systemd/system
}

# Where systemd seems to run, the server is started through this.
setup_file() {
	mkdir "$BATS_FILE_TMPDIR/bin"
	printf '#!/bin/bash\nshift 2\nexec "$@"\n' >"$BATS_FILE_TMPDIR/bin/systemd-run"
	chmod +x "$BATS_FILE_TMPDIR/bin/systemd-run"
	export PATH=$BATS_FILE_TMPDIR/bin:$PATH
}

# The other container that was there before still has all it had.
other_works() {
	on c2 timeout 20 socat TCP-LISTEN:80,fork,reuseaddr SYSTEM:'echo hello' 3>&- &
	wait_for on c2 sh -c 'ss -Hltn sport = 80 | grep -q .'
	equal "$(host timeout 5 socat -u TCP:127.0.0.1:8082 -)" hello
	local server
	for server in 10.71.0.1 fd71:5:9::1 10.72.0.1; do
		equal "$(on c2 dig +short +tries=1 "@$server" number2 | sort | paste -sd' ')" "10.71.0.2 10.72.0.2"
	done
}

@test "NV-250 NV-251 NV-181 a failure at any door leaves the host as it was" {
	full_document one 1 false
	sweep "" '.'
	((SWEPT >= 60 && TOLERATED <= 12))
}

@test "NV-251 NV-255 a signal at any door of a setup takes everything back" {
	full_document one 1 true
	sweep :term '^interrupted by signal 15$'
	((SWEPT >= 60 && TOLERATED == 0 && UNTOUCHED <= 12))
}

@test "NV-251 NV-252 a failure at any door does no harm to a container that runs on the same networks" {
	full_document other 2 false
	attach c2
	full_document one 1 false
	sweep "" '.'
	((SWEPT >= 60 && TOLERATED <= 12))
	other_works
}

@test "NV-252 NV-255 a signal at any door does no harm to a container that runs on the same networks" {
	full_document other 2 false
	attach c2
	full_document one 1 false
	sweep :term '^interrupted by signal 15$'
	((SWEPT >= 60 && TOLERATED == 0))
	other_works
}

# A macvlan whose name the host has, too.
macvlan_document() {
	connect_outside
	host ip link add eth0 type bridge
	document one 'automatic | net.driver = "macvlan" | net.network_interface = "uplink" |
		net.routes = [{destination: "10.80.0.0/16", gateway: "10.71.0.9"}]'
}

@test "NV-250 NV-251 NV-136 a failure at any door of a macvlan leaves the host and the container as they were" {
	macvlan_document
	sweep "" '.'
	((SWEPT >= 20 && TOLERATED <= 5))
}

@test "NV-255 a signal at any door of a macvlan takes everything back" {
	macvlan_document
	sweep :term '^interrupted by signal 15$'
	((SWEPT >= 20 && TOLERATED == 0 && UNTOUCHED <= 12))
}

@test "NV-250 NV-251 NV-255 what a plugin has set up is taken back, too, whatever fails or comes" {
	mkdir "$BATS_TEST_TMPDIR/plugins"
	# It makes a file, and complains if it is not asked in turns.
	cat >"$BATS_TEST_TMPDIR/plugins/file" <<-END
		#!/bin/sh
		cat >/dev/null
		case \$1 in
		setup) set -C && echo made >"$CONFIG/made" && echo '{}' ;;
		teardown) rm "$CONFIG/made" ;;
		esac || { echo '{"error": "out of turn"}'; exit 1; }
	END
	chmod +x "$BATS_TEST_TMPDIR/plugins/file"
	document one 'v4 | port(8080; 80; "tcp") | second | .network_info.back.driver = "file" | .networks |= {back, web}'
	host mkdir "$CONFIG"
	sweep "" 'injected fault at door' --plugin-directory "$BATS_TEST_TMPDIR/plugins"
	((SWEPT >= 20))
	sweep :term '^interrupted by signal 15$' --plugin-directory "$BATS_TEST_TMPDIR/plugins"
}

# Two networks of both families with ports, one of them isolated.
rules_document() {
	document one 'second | port(8080; 80; "tcp") | port(9000; 8000; "udp") | .port_mappings[1].range = 3 |
		net.options.isolate = "strict"'
}

sweep_iptables() {
	rules_document
	export SWEEP_ONLY='iptables_|nft_(begin|has_chain|commit)'
	sweep "" '^ip6?tables: .*injected fault at door'
	SWEEP_ONLY=_commit
	sweep :term '^interrupted by signal 15$'
}

@test "BU-049 FW-060 with iptables a failure or signal at any door takes back what was made, in both of its places" {
	for_each_flavour sweep_iptables
}

sweep_beside_another() {
	document other 'number(2) | second | .networks.back.static_ips = ["10.72.0.12"] | port(8082; 80; "tcp") | net.options.isolate = "strict"'
	attach c2
	rules_document
	export SWEEP_ONLY=_commit
	sweep "" '^ip6?tables: .*injected fault at door'
}

@test "BU-049 with iptables a failure does no harm to the rules of a container that runs" {
	for_each_flavour sweep_beside_another
}

@test "NV-255 every signal that ends a program is answered with its number" {
	document one 'dns | port(8080; 80; "tcp")'
	remember
	local signal number
	while read -r signal number; do
		# It waits at the lock when the signal comes.
		run host flock --close "$CONFIG.lock" bash -c '
			mkdir -p "$2"
			exec 8>"$2/netavark-link.lock"
			flock 8
			"$1" --config "$2" -a "$3" -f "$4" setup /run/netns/c1 8>&- &
			until [[ $(</proc/$!/comm) == netavark && $(ls -l /proc/$!/fd) == *netavark-link.lock* ]]; do
				sleep 0.01
			done
			kill -"$5" $!
			exec 8>&-
			wait $!' x "$NETAVARK" "$CONFIG" "$AARDVARK" "$DOC" "$signal"
		refused "interrupted by signal $number"
		nothing_changed
	done <<-'END'
		HUP 1
		INT 2
		TERM 15
	END
}
