#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# netavark update: other DNS servers for a network that runs.
# shellcheck disable=SC2154 # variables that run sets

load helpers

# A container on a network with names; sets FILE, its data file.
running() {
	document one "dns | net.network_dns_servers = [\"192.0.2.54\"] | ${1-.}"
	attach c1
	FILE=$CONFIG/aardvark-dns/web${2-}
	CONTAINER=$(sed 1d "$FILE")
}

update() {
	netavark update "$@"
}

header_is() {
	equal "$(<"$FILE")" "$1"$'\n'"$CONTAINER"
}

@test "NV-260 NV-018 the header gets the new servers; containers and server stay" {
	running
	before=$(server)
	update web --network-dns-servers 192.0.2.60,2001:db8::60
	equal "$status $output$stderr" "0 "
	header_is "10.71.0.1,fd71:5:9::1 192.0.2.60,2001:db8::60"
	equal "$(server)" "$before"
}

@test "NV-261 NV-266 an empty value removes them, and the server is told of that, too" {
	running
	host strace -f -e trace=kill -o "$BATS_TEST_TMPDIR/trace" env ASAN_OPTIONS=detect_leaks=0 "$NETAVARK" \
		--config "$CONFIG" --aardvark-binary "$AARDVARK" update web --network-dns-servers=
	header_is "10.71.0.1,fd71:5:9::1"
	grep -q 'SIGHUP) *= 0' "$BATS_TEST_TMPDIR/trace"
}

@test "NV-262 a network without a file is left alone" {
	update web --network-dns-servers 192.0.2.60
	equal "$status $output$stderr" "0 "
	[[ ! -e $CONFIG/aardvark-dns ]]
}

@test "NV-263 standard input is not looked at" {
	running
	run --separate-stderr host "$NETAVARK" --config "$CONFIG" -a "$AARDVARK" \
		update web --network-dns-servers 192.0.2.60 <<<null
	equal "$status $output$stderr" "0 "
	header_is "10.71.0.1,fd71:5:9::1 192.0.2.60"
}

@test "NV-264 a list and the option given twice are the same" {
	running
	update web --network-dns-servers 192.0.2.60 --network-dns-servers 192.0.2.61
	header_is "10.71.0.1,fd71:5:9::1 192.0.2.60,192.0.2.61"
	update web --network-dns-servers 192.0.2.60,192.0.2.61
	header_is "10.71.0.1,fd71:5:9::1 192.0.2.60,192.0.2.61"
}

@test "NV-265 a bad address is refused and the file stays" {
	running
	update web --network-dns-servers 192.0.2.60,192.0.2.500
	refused "unable to modify network dns servers: invalid IP address syntax: 192.0.2.500"
	header_is "10.71.0.1,fd71:5:9::1 192.0.2.54"
}

@test "NV-266 an internal network is found, too" {
	running internal %int
	update web --network-dns-servers 192.0.2.60
	equal "$status" 0
	header_is "10.71.0.1,fd71:5:9::1 192.0.2.60"
}

@test "NV-013 without the option, and with an empty name, the usage is wrong" {
	update web
	equal "$status $output" "2 "
	update "" --network-dns-servers 192.0.2.60
	equal "$status $output" "2 "
}

@test "NV-027 update needs --config" {
	run --separate-stderr host "$NETAVARK" update web --network-dns-servers 192.0.2.60
	refused "--config not specified but required for netavark update"
}

@test "a server that is gone is an error that says so, and the file stays" {
	running
	host rm "$CONFIG/aardvark-dns/aardvark.pid"
	update web --network-dns-servers 192.0.2.60
	refused "unable to modify network dns servers: failed to get aardvark pid: IO error: No such file or directory (os error 2)"
	header_is "10.71.0.1,fd71:5:9::1 192.0.2.54"
}

@test "a name with a slash is refused" {
	update ../web --network-dns-servers 192.0.2.60
	refused "unable to modify network dns servers: ../web is no name of a network"
}
