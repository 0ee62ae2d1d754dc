#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2153,SC2154 # scripts of jq; variables of bats
#
# Working with the DNS server: its files, its start and its end.

load helpers

# dns_file NAME — what stands in the file of a network.
dns_file() {
	cat "$CONFIG/aardvark-dns/$1"
}

# dns_files — the names of all of them.
dns_files() {
	(cd "$CONFIG/aardvark-dns" && find . -mindepth 1 | sort | paste -sd' ')
}

# asked CONTAINER QUESTION... — the answers of the network's server.
asked() {
	on "$1" dig +short +tries=1 +time=5 "${@:2}"
}

# fake_server SCRIPT — a server that only writes down how it was called, and then runs the script.
fake_server() {
	AARDVARK=$BATS_TEST_TMPDIR/aardvark-fake
	cat >"$AARDVARK" <<-END
		#!/bin/bash
		echo "\$0 \$*" >>"$BATS_TEST_TMPDIR/calls"
		$1
	END
	chmod +x "$AARDVARK"
}

calls() {
	cat "$BATS_TEST_TMPDIR/calls"
}

# ---- files --------------------------------------------------------------------------------------

@test "NV-210 NV-212 header and container lines have every combination of fields" {
	document one 'dns | me.aliases = ["www", "web-1"] | net.network_dns_servers = ["192.0.2.54", "2001:db8::54"] |
		.dns_servers = ["192.0.2.53"]'
	local first=$DOC
	attach c1
	equal "$(dns_file web)" "$(cat <<-'END'
		10.71.0.1,fd71:5:9::1 192.0.2.54,2001:db8::54
		c0ffee01 10.71.0.11 fd71:5:9::11 one,www,web-1 192.0.2.53
	END
	)"
	equal "$(stat -c %a "$CONFIG/aardvark-dns/web")" 644
	# The header stays as the first one wrote it.
	document two 'number(2) | dns | me.static_ips = ["fd71:5:9::12", "fd71:5:9::13"] |
		net.options.no_default_route = "true" | net.network_dns_servers = ["192.0.2.55"]'
	attach c2
	host ip netns add c3
	document three 'number(3) | dns | me.static_ips = ["10.71.0.13", "10.71.0.14"] | .container_name = "" |
		net.options.no_default_route = "true"'
	RUST_LOG=off attach c3
	equal "$(dns_file web)" "$(cat <<-'END'
		10.71.0.1,fd71:5:9::1 192.0.2.54,2001:db8::54
		c0ffee01 10.71.0.11 fd71:5:9::11 one,www,web-1 192.0.2.53
		c0ffee02  fd71:5:9::12,fd71:5:9::13 number2
		c0ffee03 10.71.0.13,10.71.0.14  
	END
	)"
	detach c1 "$first"
	equal "$(dns_file web | sed 1d | cut -d' ' -f1 | paste -sd' ')" "c0ffee02 c0ffee03"
	detach c3
	document two 'number(2) | dns'
	detach c2
	equal "$(dns_files)" ""
}

@test "NV-210 a container is found by its whole id" {
	document long 'dns | .container_id = "c0ffee01c0ffee01"'
	attach c2
	document one dns
	local first=$DOC
	attach c1
	detach c1 "$first"
	equal "$(dns_file web | sed 1d)" "c0ffee01c0ffee01 10.71.0.11 fd71:5:9::11 one"
}

@test "NV-211 the file of an internal network says so, also if it was not one before" {
	document one 'dns | internal'
	attach c1
	equal "$(dns_files)" "./aardvark.pid ./web%int"
	equal "$(dns_file web%int)" "$(printf '10.71.0.1,fd71:5:9::1\nc0ffee01 10.71.0.11 fd71:5:9::11 one')"
	detach c1
	equal "$(dns_files)" ""
	document one dns
	local first=$DOC
	attach c1
	document two 'number(2) | dns | internal'
	attach c2
	equal "$(dns_files)" "./aardvark.pid ./web%int"
	equal "$(dns_file web%int | wc -l)" 3
	detach c1 "$first"
	detach c2
	equal "$(dns_files)" ""
}

@test "NV-218 a server that would ask itself is refused for containers and networks" {
	document one 'dns | .dns_servers = ["192.0.2.1", "fd71:5:9::1"]'
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused 'error while applying dns entries: DNS server fd71:5:9::1 is the gateway of network "web"; using it would cause aardvark-dns to forward queries to itself.'
	equal "$(dns_files)" ""
	nothing_changed
	document one 'second | dns | net.network_dns_servers = ["10.72.0.1"] | .network_info.back.dns_enabled = true'
	netavark -f "$DOC" setup /run/netns/c1
	refused 'error while applying dns entries: network DNS server 10.72.0.1 matches the gateway of network "back"; using it would cause aardvark-dns to forward queries to itself.'
	equal "$(dns_files)" ""
	nothing_changed
}

@test "NV-219 on an unmanaged bridge the server listens where the bridge has addresses" {
	host bash -ec 'ip link add br-web type bridge
		ip address add 10.71.0.200/24 dev br-web
		ip address add 10.99.0.1/16 dev br-web
		ip address add fd71:5:9::200/64 dev br-web nodad
		ip address add fe80::200/64 dev br-web nodad
		ip link set br-web up'
	document one 'dns | net.options.mode = "unmanaged"'
	attach c1
	equal "$(dns_file web | head -1)" "10.71.0.200,10.99.0.1,fd71:5:9::200"
	status_is '["10.71.0.200","10.99.0.1","fd71:5:9::200"]' .web.dns_server_ips
	equal "$(asked c1 @10.71.0.200 one)" 10.71.0.11
	detach c1
	host bash -ec 'ip address flush dev br-web scope global'
	remember
	netavark -f "$DOC" setup /run/netns/c1
	refused "bridge 'br-web' in unmanaged mode has no usable IP addresses. Aardvark-dns requires at least one address (should not be an IPv6 link-local address) to bind to. Please add an IP address or disable DNS for this network (--disable-dns)."
	nothing_changed
}

@test "NV-224 a container id that cannot stand in the file gives a warning and no entry" {
	document one 'v4 | dns | .container_id = "with blank"'
	RUST_LOG=warn netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 0
	[[ $stderr == "[WARN  netavark::"*"invalid container id "*"with blank"* && $stderr != *$'\n'* ]]
	[[ ! -e $CONFIG/aardvark-dns/web ]]
	equal "$(server)" ""
	RUST_LOG=off detach c1
}

@test "NV-210 a network without gateway has no server, and a warning" {
	document one 'dns | del(net.subnets[].gateway)'
	RUST_LOG=warn netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 0
	[[ $stderr == "[WARN  netavark::"* ]]
	[[ ! -e $CONFIG/aardvark-dns/web ]]
	detach c1
}

@test "NV-225 nothing but network files and the pid file ever stands in the directory" {
	document one 'second | dns | .network_info.back.dns_enabled = true'
	traced openat,open,creat,rename,renameat,renameat2,linkat,mkdirat,mkdir \
		"$NETAVARK" --config "$CONFIG" -a "$AARDVARK" -f "$DOC" setup /run/netns/c1
	local names
	names=$(grep -oE '"[^"]*aardvark-dns/[^"]+"' "$TRACE" | grep -o 'config/aardvark-dns/.*"' |
		sed 's/"$//' | sort -u)
	equal "$names" "$(printf 'config/aardvark-dns/%s\n' aardvark.pid back web)"
}

# ---- the server ---------------------------------------------------------------------------------

@test "NV-213 NV-214 NV-215 the server starts with the first network, is signalled, and ends with the last" {
	document one dns
	local first=$DOC pid
	attach c1
	pid=$(<"$CONFIG/aardvark-dns/aardvark.pid")
	equal "$(server)" "$pid"
	is "$AARDVARK --config $CONFIG/aardvark-dns -p 53 run" ps -o args= -p "$pid"
	equal "$(asked c1 @10.71.0.1 one.dns.podman)" 10.71.0.11
	document two 'number(2) | dns'
	attach c2
	equal "$(server) $(<"$CONFIG/aardvark-dns/aardvark.pid")" "$pid $pid"
	equal "$(asked c1 @fd71:5:9::1 number2 AAAA)" fd71:5:9::12
	detach c1 "$first"
	equal "$(asked c2 @10.71.0.1 number2)" 10.71.0.12
	equal "$(server)" "$pid"
	detach c2
	# At once: a caller that lists processes and files next must not find them.
	equal "$(server) $(dns_files)" " "
}

@test "NV-213 another port is handed on, and the firewall redirects to it" {
	document one dns
	NETAVARK_DNS_PORT=5353 attach c1
	is "$AARDVARK --config $CONFIG/aardvark-dns -p 5353 run" ps -o args= -p "$(server)"
	equal "$(asked c1 @10.71.0.1 one)" 10.71.0.11
	equal "$(asked c1 @fd71:5:9::1 one AAAA)" fd71:5:9::11
	equal "$(asked c1 +tcp @10.71.0.1 one)" 10.71.0.11
	NETAVARK_DNS_PORT=5353 detach c1
	equal "$(server)" ""
}

@test "NV-216 FW-068 a server that cannot start is named, and everything is taken back" {
	local expected script
	document one 'second | dns | port(8080; 80; "tcp")'
	remember
	while IFS=$'\t' read -r expected script; do
		fake_server "$script"
		netavark -f "$DOC" setup /run/netns/c1
		refused "error while applying dns entries: $expected"
		equal "$(dns_files)" ""
		nothing_changed
		[[ $(nft_table) != *10.71.0* ]]
	done <<-'END'
		aardvark-dns exited unexpectedly without error message	exit 1
		aardvark-dns failed to start: no good	echo '  no good ' >&2; exit 3
		aardvark-dns failed to start: two\nlines	printf 'two\\nlines' >&2; kill -KILL $$
	END
	chmod -x "$AARDVARK"
	netavark -f "$DOC" setup /run/netns/c1
	refused "error while applying dns entries: IO error: Permission denied (os error 13)"
	nothing_changed
	equal "$(dns_files)" ""
}

@test "NV-213 the end of the first process with status 0 means ready, whoever still has its stderr" {
	fake_server 'sleep 60 & exit 0'
	document one 'v4 | dns'
	local before=$SECONDS
	attach c1
	((SECONDS - before < 5))
}

@test "NV-216 a server that does not come up is given up in time" {
	fake_server 'exec sleep 60'
	document one dns
	remember
	local before=$SECONDS
	netavark -f "$DOC" setup /run/netns/c1
	refused "error while applying dns entries: aardvark-dns failed to start: timed out"
	((SECONDS - before < 10))
	nothing_changed
	is "" pgrep -x -f 'sleep 60'
}

@test "NV-217 without the server's program a setup goes on without DNS" {
	AARDVARK=/nowhere/aardvark-dns
	document one 'v4 | dns'
	RUST_LOG=info netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 0
	grep -qxF '[INFO  netavark::commands::setup] dns disabled because aardvark-dns path "/nowhere/aardvark-dns" does not exists' <<<"$stderr"
	[[ ! -e $CONFIG/aardvark-dns/web ]]
	detach c1
}

@test "NV-220 systemd-run is used exactly when systemd runs and the tool is there" {
	fake_server 'exit 0'
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/bash\necho "systemd-run $*" >>"%s"\n' "$BATS_TEST_TMPDIR/calls" >"$BATS_TEST_TMPDIR/bin/systemd-run"
	chmod +x "$BATS_TEST_TMPDIR/bin/systemd-run"
	document one 'v4 | dns'
	local server_line="$AARDVARK --config $CONFIG/aardvark-dns -p 53 run"
	# try PATH [OPTION...] — how the server is called.
	try() {
		: >"$BATS_TEST_TMPDIR/calls"
		run host env "PATH=$1" "$NETAVARK" --config "$CONFIG" -a "$AARDVARK" -f "$DOC" "${@:2}" setup /run/netns/c1
		equal "$status" 0
		RUST_LOG=off detach c1 "$DOC" "${@:2}"
		head -1 "$BATS_TEST_TMPDIR/calls"
	}
	equal "$(try "$BATS_TEST_TMPDIR/bin:$PATH")" "$server_line"
	host mkdir -p /run/systemd/system
	equal "$(try "$BATS_TEST_TMPDIR/bin:$PATH")" "systemd-run -q --scope $server_line"
	equal "$(try "$BATS_TEST_TMPDIR/bin:$PATH" --rootless=true)" "systemd-run -q --scope --user $server_line"
	equal "$(try "$BATS_TEST_TMPDIR")" "$server_line"
}

@test "NV-221 the server gets our log level, /dev/null, and no descriptor of ours" {
	# Not the shell, which opens descriptors of its own.
	AARDVARK=$BATS_TEST_TMPDIR/aardvark-fake
	cat >"$AARDVARK" <<-END
		#!/usr/bin/python3
		import os
		open_ones = [n for n in range(256) if os.path.exists(f"/proc/self/fd/{n}")]
		with open("$BATS_TEST_TMPDIR/seen", "w") as seen:
		    print("level", os.environ["RUST_LOG"], file=seen)
		    print(os.readlink("/proc/self/fd/0"), os.readlink("/proc/self/fd/1"), open_ones, file=seen)
	END
	chmod +x "$AARDVARK"
	document one 'v4 | dns'
	local expected filter
	while read -r expected filter; do
		# Descriptor 9 is one that a caller forgot, as Podman's pipes.
		run --separate-stderr host env ${filter:+"RUST_LOG=$filter"} bash -c 'exec 9</dev/null; exec "$@" 2>/dev/null' x \
			"$NETAVARK" --config "$CONFIG" -a "$AARDVARK" -f "$DOC" setup /run/netns/c1
		equal "$status" 0
		equal "$(<"$BATS_TEST_TMPDIR/seen")" "level $expected"$'\n'"/dev/null /dev/null [0, 1, 2]"
		RUST_LOG=off detach c1
	done <<-'END'
		ERROR
		DEBUG debug
		INFO netavark=info
	END
}

@test "NV-222 a server that was killed is replaced by the next setup, and by a teardown that leaves others" {
	document one dns
	local first=$DOC pid
	attach c1
	pid=$(server)
	host kill -KILL "$pid"
	wait_for ended "$pid"
	document two 'number(2) | dns'
	attach c2
	[[ $(server) != "$pid" && -n $(server) ]]
	equal "$(asked c1 @10.71.0.1 number2)" 10.71.0.12
	pid=$(server)
	host kill -KILL "$pid"
	wait_for ended "$pid"
	detach c1 "$first"
	equal "$(asked c2 @10.71.0.1 number2)" 10.71.0.12
	pid=$(server)
	host kill -KILL "$pid"
	wait_for ended "$pid"
	detach c2
	equal "$(server) $(dns_files)" " "
}

ended() {
	host bash -c '[[ ! -e /proc/$1 ]]' x "$1"
}

@test "NV-222 a pid file that names somebody else does no harm" {
	document one 'v4 | dns'
	mkdir -p "$CONFIG/aardvark-dns"
	host sleep 100 3>&- &
	local bystander
	wait_for host pgrep -x -f 'sleep 100'
	bystander=$(host pgrep -x -f 'sleep 100')
	echo "$bystander" >"$CONFIG/aardvark-dns/aardvark.pid"
	attach c1
	equal "$(asked c1 @10.71.0.1 one)" 10.71.0.11
	is "sleep 100" ps -o args= -p "$bystander"
}

@test "NV-223 a server in another namespace is said to be there, and the setup goes on" {
	document one 'v4 | dns'
	mkdir -p "$CONFIG/aardvark-dns"
	printf '10.99.0.1\nx 10.99.0.2  x\n' >"$CONFIG/aardvark-dns/elsewhere"
	host ip -n c2 address add 10.99.0.1/24 dev lo
	host ip -n c2 link set lo up
	on c2 "$AARDVARK" --config "$CONFIG/aardvark-dns" -p 53 run
	netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 0
	[[ $stderr == "[ERROR netavark::"*"] aardvark-dns runs in a different netns, dns will not work for this container. To resolve please stop all containers, kill the aardvark-dns process, remove the $CONFIG"*" directory and then start the containers again" ]]
}

@test "NV-226 twenty setups at once on one network make twenty lines and one server" {
	document one '.container_id = "ID" | automatic | dns | net.options.mtu = "1500"'
	local answers
	answers=$(host bash -c 'for i in $(seq 20); do echo "netns add p$i"; done | ip -batch -
		for i in $(seq 20); do
			sed "s/\"ID\"/\"id$i\"/" "$4" | "$1" --config "$2" -a "$3" setup "/run/netns/p$i" &
		done
		wait' x "$NETAVARK" "$CONFIG" "$AARDVARK" "$DOC" 2>&1)
	equal "$(jq -c 'keys' <<<"$answers" | sort | uniq -c | xargs)" "20 [web]"
	equal "$(dns_file web | sed 1d | cut -d' ' -f1 | sort -V | paste -sd' ')" "$(printf 'id%s\n' {1..20} | paste -sd' ')"
	equal "$(server | wc -l)" 1
	equal "$(on p7 dig +short @10.71.0.1 one | wc -l)" 20
}

@test "NV-227 a teardown without the file of the network says nothing of DNS" {
	document one dns
	AARDVARK=/nowhere attach c1
	detach c1
	attach c1
	rm "$CONFIG/aardvark-dns/web"
	detach c1
	equal "$(link_names)" lo
}
