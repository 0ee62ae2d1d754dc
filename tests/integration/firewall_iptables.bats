#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts for other shells; variables of bats
#
# The iptables backend: rules as upstream 1.17 prints them, in the legacy tables and in those of
# iptables-nft.

load helpers
load iptables

H=CBEAD8FE640F4 # what the names of the chains of network "web" end in

# ---- what upstream prints -----------------------------------------------------------------------

input_b() {
	NETAVARK_DNS_PORT=5353 attach c1 "$GOLDEN/nft-input-b.json"
	equal "$(xt_save)" "$(<"$GOLDEN/nft-input-b.iptables")"
	host ip -n c1 link delete eth0
	NETAVARK_DNS_PORT=5353 attach c1 "$GOLDEN/nft-input-b.json"
	equal "$(xt_save)" "$(<"$GOLDEN/nft-input-b.iptables")"
	NETAVARK_DNS_PORT=5353 detach c1 "$GOLDEN/nft-input-b.json"
	equal "$(xt_save)" "$(<"$GOLDEN/iptables-empty.iptables")"
	# Not a rule anywhere else.
	equal "$(host nft list tables 2>/dev/null | grep inet)" "table inet netavark-guard"
	[[ $FLAVOUR == legacy ]] || no_legacy_tables
	[[ $FLAVOUR == nft ]] || is "table inet netavark-guard" nft list tables
}

@test "FW-070 FW-072 FW-027 dual stack with all kinds of ports and another DNS port is upstream's ruleset, also the second time" {
	for_each_flavour input_b
}

golden_documents() {
	local file case environment
	for file in "$GOLDEN"/ports-*.iptables "$GOLDEN"/{nft-input-a,nft-two-networks,nft-outbound,nft-internal,odd-lengths,dns-port-one-family}.iptables; do
		case=${file%.iptables} environment=()
		[[ ! -e $case.env ]] || mapfile -t environment <"$case.env"
		[[ -z ${environment[*]} ]] || export "${environment[@]}"
		attach c1 "$case.json"
		# What the containers before have left, other than the fixed rules, would be seen here.
		equal "$(xt_save | sed '/NETAVARK_ISOLATION_1 - /d' | without_fixed)" "$(without_fixed <"$file")"
		detach c1 "$case.json"
		[[ -z ${environment[*]} ]] || unset "${environment[@]%%=*}"
	done
	xt_empty
}

# What is never removed, and the lines between the tables, stay away.
without_fixed() {
	grep -vxF -f "$GOLDEN/iptables-empty.iptables" || true
}

@test "FW-072 FW-073 FW-074 every kind of port, range, host address and network is what iptables shows" {
	for_each_flavour golden_documents
}

isolation() {
	local number
	attach_isolated
	equal "$(xt_save)" "$(<"$GOLDEN/nft-isolation.iptables")"
	for number in 5 3 1; do
		detach "i$number" "$BATS_TEST_TMPDIR/isolated$number.json"
	done
	equal "$(xt_save | grep -E '^-A (FORWARD|NETAVARK_ISOLATION)')" \
		"$(grep -E '^-A (FORWARD|NETAVARK_ISOLATION)' "$GOLDEN/nft-isolation.iptables" | grep -v 'isolate[135] ')"
	for number in 2 4; do
		equal "$(xt_rules filter FORWARD | head -1)" "-A FORWARD -j NETAVARK_ISOLATION_1"
		detach "i$number" "$BATS_TEST_TMPDIR/isolated$number.json"
	done
	equal "$(xt_rules filter FORWARD)" '-A FORWARD -m comment --comment "netavark firewall rules" -j NETAVARK_FORWARD'
	detach i6 "$BATS_TEST_TMPDIR/isolated6.json"
	xt_empty
	# The option changes while a container runs; the jump that somebody has removed comes back.
	isolated 1 strict
	attach i1
	host iptables -D FORWARD -j NETAVARK_ISOLATION_1
	isolated 2 false
	attach i2
	equal "$(xt_rules filter FORWARD | head -1)" "-A FORWARD -j NETAVARK_ISOLATION_1"
	jq '.container_id = "f1" | .networks[].static_ips = ["10.89.0.3", "fd91::3"] | .network_info[].options.isolate = "false"' \
		"$BATS_TEST_TMPDIR/isolated1.json" >"$BATS_TEST_TMPDIR/changed.json"
	attach i3 "$BATS_TEST_TMPDIR/changed.json"
	equal "$(xt_rules filter NETAVARK_ISOLATION_1; xt_rules filter NETAVARK_ISOLATION_2; xt_rules filter FORWARD | wc -l)" 1
	equal "$(xt_rules filter NETAVARK_ISOLATION_3)" "$(printf -- '-A NETAVARK_ISOLATION_3 %s\n' \
		'-o isolate1 -j DROP' '-o isolate2 -j DROP' '-j NETAVARK_ISOLATION_2')"
}

@test "FW-071 NV-121 isolation makes upstream's rules, off without the option, and holds until the last isolated network goes" {
	for_each_flavour isolation
}

# ---- where the rules go -------------------------------------------------------------------------

where() {
	local nft legacy
	nft=$(host nft list tables | grep -cE 'ip6? (nat|filter)$' || true)
	legacy=$(host bash -c 'cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null' | wc -l)
	echo "nft $nft legacy $legacy"
}

@test "FW-007 FW-008 FW-009 BU-052 the rules are where the host's iptables looks, or where NETAVARK_IPTABLES says" {
	document one 'v4 | port(8080; 80; "tcp")'
	flavour nft
	attach c1
	equal "$(where)" "nft 2 legacy 0"
	fresh_host
	flavour legacy
	attach c1
	equal "$(where)" "nft 0 legacy 2"
	# Containers of one network stay together, whatever happened to iptables.
	flavour nft
	document two 'number(2) | v4'
	attach c2
	equal "$(where)" "nft 0 legacy 2"
	fresh_host
	NETAVARK_IPTABLES=legacy attach c1
	equal "$(where)" "nft 0 legacy 2"
	fresh_host
	flavour legacy
	NETAVARK_IPTABLES=nft attach c1
	equal "$(where)" "nft 2 legacy 0"
	fresh_host
	remember
	NETAVARK_IPTABLES=both netavark -f "$DOC" setup /run/netns/c1
	refused 'invalid NETAVARK_IPTABLES "both": expected legacy or nft'
	nothing_changed
}

# bats test_tags=vm
@test "BU-052 FW-007 legacy tables come to be where the kernel has not loaded their modules yet" {
	[[ -n ${IN_VM-} ]] || skip "the machine's modules are left alone"
	host modprobe -r iptable_nat iptable_filter ip_tables ip6table_nat ip6table_filter ip6_tables
	document one 'port(8080; 80; "tcp")'
	flavour legacy
	attach c1
	equal "$(where)" "nft 0 legacy 4"
	detach c1
}

# without_iptables COMMAND — runs ours with a PATH where there is no iptables, or one that nobody knows.
without_iptables() {
	PATH=$BATS_TEST_TMPDIR/none host "$NETAVARK" --config "$CONFIG" -f "$DOC" "$@"
}

@test "FW-007 without an iptables that is known, legacy tables that are in use decide" {
	flavour nft
	document one 'v4 | port(8080; 80; "tcp")'
	mkdir "$BATS_TEST_TMPDIR/none"
	local nsenter
	nsenter=$(command -v nsenter)
	ln -s "$nsenter" "$BATS_TEST_TMPDIR/none/nsenter"
	without_iptables setup /run/netns/c1 >/dev/null
	equal "$(where)" "nft 2 legacy 0"
	fresh_host
	host iptables-legacy -N somebody
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/none/iptables"
	chmod +x "$BATS_TEST_TMPDIR/none/iptables"
	without_iptables setup /run/netns/c1 >/dev/null
	equal "$(where)" "nft 0 legacy 2"
}

no_program() {
	document one 'port(8080; 80; "tcp")'
	local command
	for command in setup teardown; do
		traced execve,execveat,fork,vfork,clone,clone3 "$NETAVARK" --config "$CONFIG" -f "$DOC" "$command" /run/netns/c1
		equal "$(grep -cE 'exec|clone|fork' "$TRACE")" 1
	done
}

@test "FW-006 no other program is executed" {
	for_each_flavour no_program
}

@test "FW-009 with nftables neither setup nor teardown makes a legacy table" {
	document one 'port(8080; 80; "tcp")'
	attach c1
	detach c1
	no_legacy_tables
	equal "$(host nft list tables)" $'table inet netavark\ntable inet netavark-guard'
}

# ---- containers come and go ---------------------------------------------------------------------

two_containers() {
	document two 'number(2) | port(8081; 80; "tcp") | port(8080; 81; "udp")'
	attach c2
	local before
	before=$(xt_save)
	document one 'port(8080; 80; "tcp") | port(9000; 8000; "udp") | .port_mappings[1].range = 3 |
		port(8443; 443; "tcp") | .port_mappings[2].host_ip = "192.0.2.9"'
	attach c1
	detach c1
	equal "$(xt_save)" "$before"
	# The same mapping twice, and two containers with one port.
	document one 'port(8081; 80; "tcp") | port(8081; 80; "tcp")'
	RUST_LOG=warn netavark -f "$DOC" setup /run/netns/c1
	[[ $status == 0 && $stderr == *"host port 8081 is already forwarded to 10.71.0.12"* ]]
	detach c1
	equal "$(xt_save)" "$before"
	detach c2 "$BATS_TEST_TMPDIR/two.json"
	xt_empty
}

@test "FW-040 FW-047 of two containers one leaves with its own rules, also with the same port" {
	for_each_flavour two_containers
}

disconnected() {
	local before
	document one 'port(8080; 80; "tcp") | port(9000; 8000; "udp")'
	attach c1
	before=$(xt_save)
	document back 'second | port(8080; 80; "tcp") | port(9000; 8000; "udp") | .networks |= {back}'
	local back=$DOC
	document two 'number(2) | second | .networks |= {back} | .networks.back.static_ips = ["10.72.0.12"]'
	attach c2
	attach c1 "$back"
	[[ $(xt_save) == *"--to-destination 10.72.0.11:80"* ]]
	detach c1 "$back"
	[[ $(xt_save) != *10.72.0.11* ]]
	detach c2
	equal "$(xt_save)" "$before"
}

@test "FW-040 a container that leaves one of its networks keeps its ports on the other one" {
	for_each_flavour disconnected
}

leftover() {
	document one 'v4 | port(8080; 80; "tcp")'
	attach c1
	host bash -c 'rm "$1"/firewall/ports/*; ip -n c1 link delete eth0' - "$CONFIG"
	document two 'number(2) | v4 | port(8080; 80; "tcp")'
	attach c2
	equal "$(xt_rules nat "NETAVARK-DN-$H" | grep -o 'DNAT .*')" "DNAT --to-destination 10.71.0.12:80"
}

@test "FW-041 a rule that leads a port to nobody is removed when somebody else gets the port" {
	for_each_flavour leftover
}

flushed() {
	local table program
	document one 'port(8080; 80; "tcp")'
	attach c1
	for program in iptables ip6tables; do
		for table in filter nat; do
			host "$program" -t "$table" -F
			host "$program" -t "$table" -X
		done
	done
	detach c1
	equal "$(link_names)" lo
	# Chain by chain, and rule by rule.
	attach c1
	host iptables -t nat -F NETAVARK-HOSTPORT-DNAT
	host iptables -t nat -F "NETAVARK-DN-$H"
	host iptables -t nat -X "NETAVARK-DN-$H"
	host iptables -F NETAVARK_INPUT
	host ip6tables -t nat -D "NETAVARK-DN-$H" 1
	host ip6tables -D NETAVARK_FORWARD 2
	detach c1
	xt_empty
}

@test "FW-077 a teardown after iptables -F and -X, or of single rules, has nothing to complain about" {
	for_each_flavour flushed
}

missing_rules() {
	document one 'port(8080; 80; "tcp") | net.options.isolate = "strict"'
	attach c1
	local all
	all=$(xt_save)
	host iptables -F NETAVARK_FORWARD
	host iptables -D INPUT 1
	host iptables -D FORWARD 2
	host iptables -t nat -D POSTROUTING 2
	host iptables -t nat -F "NETAVARK-$H"
	host iptables -t nat -D "NETAVARK-DN-$H" 1
	document two 'number(2) | net.options.isolate = "strict"'
	attach c2
	# A rule for a port has no other place than the end, which matters to nobody.
	equal "$(xt_save | grep -v "^-A NETAVARK-DN-$H")" "$(grep -v "^-A NETAVARK-DN-$H" <<<"$all")"
}

@test "FW-031 rules that somebody has deleted come back with the next container, each in its place" {
	for_each_flavour missing_rules
}

# docker_like — chains and rules like those of Docker, and an administrator's in our chains.
docker_like() {
	host iptables-restore --noflush <<-'END'
		*filter
		:DOCKER-USER - [0:0]
		-A FORWARD -j DOCKER-USER
		-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A DOCKER-USER -s 10.71.0.0/24 -p tcp -m tcp --dport 25 -j DROP
		-A DOCKER-USER -j RETURN
		COMMIT
		*nat
		:DOCKER - [0:0]
		-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
		-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
		-A POSTROUTING -s 10.71.0.0/24 ! -d 10.0.0.0/8 -j MASQUERADE --random
		-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
		COMMIT
	END
	host iptables -P FORWARD DROP
}

# not_ours — what of the rules is neither ours nor a jump to ours, and the policies.
not_ours() {
	xt_save | grep -v NETAVARK
}

foreign_rules() {
	local before in_ours rule
	docker_like
	before=$(not_ours)
	document one 'v4 | port(8080; 80; "tcp") | net.options.isolate = "strict"'
	attach c1
	equal "$(not_ours)" "$before"
	equal "$(xt_rules filter FORWARD | head -3)" "$(printf -- '-A FORWARD %s\n' '-j NETAVARK_ISOLATION_1' \
		'-m comment --comment "netavark firewall rules" -j NETAVARK_FORWARD' '-j DOCKER-USER')"
	in_ours=("filter NETAVARK_FORWARD -s 10.71.0.0/24 -p tcp -m tcp --dport 25 -j DROP"
		"filter NETAVARK_INPUT -s 10.71.0.0/24 -i br-web -p udp -m udp --dport 53 -j ACCEPT"
		"filter NETAVARK_ISOLATION_2 -o br-web -m mark --mark 0x1 -j DROP"
		"nat POSTROUTING -s 10.71.0.0/24 -m mark --mark 0x1 -j NETAVARK-HOSTPORT-MASQ"
		"nat NETAVARK-HOSTPORT-DNAT -p tcp -m tcp --dport 8080 -m limit --limit 1/sec -j RETURN")
	for rule in "${in_ours[@]}"; do
		# shellcheck disable=SC2086 # words
		host iptables -t ${rule/ / -A }
	done
	detach c1
	equal "$(not_ours)" "$before"
	for rule in "${in_ours[@]}"; do
		# shellcheck disable=SC2086 # words
		host iptables -t ${rule/ / -D }
	done
	equal "$(xt_rules filter FORWARD; xt_rules nat POSTROUTING)" "$(printf -- '-A %s\n' \
		'FORWARD -m comment --comment "netavark firewall rules" -j NETAVARK_FORWARD' 'FORWARD -j DOCKER-USER' \
		'FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT' 'POSTROUTING -j NETAVARK-HOSTPORT-MASQ' \
		'POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE' 'POSTROUTING -s 10.71.0.0/24 ! -d 10.0.0.0/8 -j MASQUERADE --random')"
}

@test "FW-079 FW-045 rules, chains and policies of others keep their place and content, also those in our chains" {
	for_each_flavour foreign_rules
}

foreign_in_network() {
	document one 'v4 | port(8080; 80; "tcp")'
	attach c1
	host iptables -t nat -A "NETAVARK-DN-$H" -p tcp -m tcp --dport 1 -m limit --limit 1/sec -j RETURN
	host iptables -t nat -N somebody
	host iptables -t nat -A somebody -m limit --limit 1/sec -j "NETAVARK-$H"
	RUST_LOG=warn netavark -f "$DOC" teardown /run/netns/c1
	equal "$status $output" "0 "
	[[ $stderr == *"chain NETAVARK-DN-$H has rules of somebody else"* && $stderr == *"chain NETAVARK-$H is used by a rule of somebody else"* ]]
	equal "$(xt_rules nat "NETAVARK-$H"; xt_rules nat "NETAVARK-DN-$H" | wc -l)" 1
	attach c1
	equal "$(xt_rules nat "NETAVARK-$H" | wc -l)" 2
}

@test "FW-046 a network's chain that somebody else uses is emptied of ours and stays, with a warning" {
	for_each_flavour foreign_in_network
}

# ---- another driver before ----------------------------------------------------------------------

@test "FW-078 what the driver that was used before has left of a network goes with its teardown, in every direction" {
	local from to
	document one 'dns | port(8080; 80; "tcp") | net.options.isolate = "strict"'
	flavour legacy
	flavour nft
	for from in nftables iptables:nft iptables:legacy; do
		for to in nftables iptables:nft iptables:legacy; do
			[[ $from != "$to" ]] || continue
			fresh_host
			NETAVARK_FW=${from%:*} NETAVARK_IPTABLES=${from#*:} attach c1
			[[ $(all_rules) == *10.71.0.11* ]]
			NETAVARK_FW=${to%:*} NETAVARK_IPTABLES=${to#*:} detach c1
			[[ $(all_rules) != *10.71.0* && $(all_rules) != *br-web* && $(all_rules) != *"$H"* ]]
		done
	done
}

# Of all kinds, as far as they are there.
all_rules() {
	host nft list ruleset 2>/dev/null
	FLAVOUR=legacy PATH=$BATS_TEST_TMPDIR/bin-legacy:$PATH xt_save
}

# ---- reload -------------------------------------------------------------------------------------

reload() {
	rm -f "$BATS_TEST_TMPDIR/doors"
	NETAVARK_FAULT_LOG=$BATS_TEST_TMPDIR/doors netavark firewall-reload
}

reloaded() {
	local all bad
	netavark firewall-reload
	equal "$status $output$stderr" "0 "
	no_legacy_tables
	document one 'port(8080; 80; "tcp") | port(8053; 53; "udp") | second | net.options.isolate = "true"'
	attach c1
	document two 'number(2) | net.options.isolate = "true" | .port_mappings = [{host_ip: "192.0.2.9", host_port: 9000,
		container_port: 8000, range: 3, protocol: "tcp"}]'
	attach c2
	all=$(xt_save)
	reload
	equal "$status $(grep -c commit "$BATS_TEST_TMPDIR/doors")" "0 0"
	xt_flush
	# The driver is the one that was noted.
	NETAVARK_FW=none reload
	equal "$status $output$stderr" "0 "
	equal "$(xt_save)" "$all"
	host iptables -F NETAVARK_FORWARD
	host iptables -t nat -F NETAVARK-HOSTPORT-DNAT
	host ip6tables -D INPUT 1
	RUST_LOG=info reload
	[[ $stderr == *"Successfully reloaded firewall rules"* ]]
	equal "$(xt_save)" "$all"
	xt_flush
	bad=$(echo "$CONFIG"/firewall/ports/*c0ffee02)
	cp "$bad" "$BATS_TEST_TMPDIR/good"
	echo '{' >"$bad"
	reload
	refused_like "read firewall config: JSON Decoding error: $bad: *"
	equal "$(xt_save | grep -c NETAVARK || true)" 0
	# Keys that older releases did not write, and those of newer ones.
	jq -c 'del(.internal) | .some_new_key = {}' "$BATS_TEST_TMPDIR/good" >"$bad"
	reload
	equal "$(xt_save | sort)" "$(sort <<<"$all")"
}

@test "NV-300 NV-301 NV-302 NV-303 NV-304 NV-305 NV-306 FW-082 FW-083 FW-084 firewall-reload brings back the rules of iptables" {
	for_each_flavour reloaded
}

# ---- several at once ----------------------------------------------------------------------------

# storm NUMBER [OPTION] — that many setups at once, each on a network of its own; with "apart" each with
# a configuration directory of its own. Prints what they print.
storm() {
	document many 'v4 | net.name = "nNUMBER" | net.network_interface = "brNUMBER" | net.id = "NUMBERxxxxxxxx" | .container_id = "idNUMBER" |
		net.subnets = [{subnet: "10.100.NUMBER.0/24", gateway: "10.100.NUMBER.1"}] | me.static_ips = ["10.100.NUMBER.2"] |
		.networks = {"nNUMBER": me} | .network_info = {"nNUMBER": net} | net = null | del(.network_info.web)'
	host bash -c 'for i in $(seq "$4"); do echo "netns add s$i"; done | ip -batch -
		for i in $(seq "$4"); do
			sed "s/NUMBER/$i/g" "$3" | "$1" --config "$2${5:+-$i}" setup "/run/netns/s$i" &
		done
		wait' storm "$NETAVARK" "$CONFIG" "$DOC" "$@" 2>&1
}

together() {
	local noise program=$FLAVOUR
	# Somebody else who changes the same tables all the time, as one must: with the lock.
	host bash -c 'while ! [[ -e /run/stop ]]; do
			iptables-'"$program"' -w -A FORWARD -s 192.0.2.$((++n % 250)) -j ACCEPT && echo x >>/run/added
		done' 3>&- &
	noise=$!
	equal "$(storm 20 apart | grep -vc '^{"n[0-9]*":')" 0
	host touch /run/stop
	wait "$noise"
	equal "$(xt_rules filter FORWARD | grep -c 192.0.2)" "$(host bash -c 'wc -l </run/added')"
	equal "$(xt_rules filter FORWARD | grep -c NETAVARK)" 1
	equal "$(xt_rules filter INPUT; xt_rules nat PREROUTING; xt_rules nat OUTPUT; xt_rules nat NETAVARK-HOSTPORT-SETMARK)" "$(printf -- '-A %s\n' \
		'INPUT -m comment --comment "netavark firewall rules" -j NETAVARK_INPUT' \
		'PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT' \
		'OUTPUT -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT' \
		'NETAVARK-HOSTPORT-SETMARK -j MARK --set-xmark 0x2000/0x2000')"
	equal "$(xt_rules filter NETAVARK_FORWARD | wc -l) $(xt_rules filter NETAVARK_INPUT | wc -l)" "41 40"
	equal "$(xt_rules nat POSTROUTING | sort -u | wc -l) $(xt_rules nat POSTROUTING | wc -l)" "21 21"
}

@test "FW-069 FW-062 BU-050 setups at once, beside somebody who changes the tables with the lock, lose and double nothing" {
	! sanitized || skip "the sanitizer is too slow beside somebody who never rests"
	for_each_flavour together
}

# ---- one commit ---------------------------------------------------------------------------------

@test "BU-047 FW-115 a call is one transaction in nf_tables, and one commit for each legacy table" {
	document one 'second | port(8080; 80; "tcp")'
	flavour legacy
	local command
	for command in setup teardown; do
		traced setsockopt "$NETAVARK" --config "$CONFIG" -f "$DOC" "$command" /run/netns/c1
		# IPT_SO_SET_REPLACE and IP6T_SO_SET_REPLACE, filter and nat each.
		equal "$(grep -cE 'SOL_IPV?6?, (IPT_SO_SET_REPLACE|IP6T_SO_SET_REPLACE|0x40)' "$TRACE")" 4
	done
	fresh_host
	flavour nft
	for command in setup teardown; do
		rm -f "$BATS_TEST_TMPDIR/doors"
		NETAVARK_FAULT_LOG=$BATS_TEST_TMPDIR/doors netavark -f "$DOC" "$command" /run/netns/c1
		equal "$status $(grep -c nft_commit "$BATS_TEST_TMPDIR/doors")" "0 1"
	done
}
