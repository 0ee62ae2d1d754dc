#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The server as the programs of others see it: resolvers of C libraries, dig, kdig, host; and beside
# aardvark-dns of another release.
#
# Lists of options are meant to be split, eval expands its text later, and bats runs each test in a
# process of its own.
# shellcheck disable=SC2086,SC2016,SC2030,SC2031

load aardvark
load ../compat/dns

PEER_DNS=/usr/lib/podman/aardvark-dns

# Runs a command as a container does, with its resolv.conf.
contained() {
	nsenter -t "$CONTAINER" -n -- unshare -m --propagation private sh -c '
		mount --bind "$0" /etc/resolv.conf && exec "$@"' "$BATS_TEST_TMPDIR/container.conf" "$@" 3>&-
}

# The resolver of a C library: resolve CC OPTION... — compiles the program with it.
build_resolve() {
	"$@" -o "$BATS_TEST_TMPDIR/resolve" "$BATS_TEST_DIRNAME/../compat/resolve.c"
}

check_resolve() {
	local line
	while read -r line; do
		equal "$(contained "$BATS_TEST_TMPDIR/resolve" "${line%% *}")" "$line"
	done <<-'EOF'
		four 10.89.0.2
		alias.dns.podman 10.89.0.2
		FOUR 10.89.0.2
		six fd00:89::4
		nosuch.dns.podman (no such name)
		nxdomain.test (no such name)
	EOF
	equal "$(contained "$BATS_TEST_TMPDIR/resolve" both | tr ' ' '\n' | sort | tr '\n' ' ')" \
		"10.89.0.3 both fd00:89::3 "
	# One that is answered by another server, for one family only.
	[[ $(contained "$BATS_TEST_TMPDIR/resolve" x.test) == "x.test 127.0.0.10"* ]]
}

@test "BU-054 the resolver of musl finds the names of an IPv4-only network" {
	inhabited_network
	start
	build_resolve musl-gcc -static
	check_resolve
}

@test "BU-054 the resolver of glibc finds the same, and so do host and getent" {
	inhabited_network
	start
	build_resolve gcc
	check_resolve
	run contained host four
	equal "$status" 0
	[[ $output == *"has address 10.89.0.2"* && $output != *NXDOMAIN* ]]
	[[ $(contained getent ahostsv4 alias) == "10.89.0.2 "* ]]
}

@test "kdig and dig agree, over both transports and families" {
	inhabited_network
	start
	for server in 10.89.0.1 fd00:89::1; do
		for name in "four A" "four AAAA" "both AAAA" "four.dns.podman MX" "-x 10.89.0.2"; do
			equal "$(inside kdig +short +notcp @$server $name)" "$(inside dig +short +notcp @$server $name)"
			equal "$(inside kdig +short +tcp @$server $name)" "$(inside dig +short +tcp @$server $name)"
		done
		# kdig complains of what it does not understand.
		run inside kdig +edns +dnssec +cookie +nsid +padding=128 @$server both
		echo "$output"
		[[ $status == 0 && $output == *"10.89.0.3"* && $output != *";; WARNING"* && $output != *";; ERROR"* ]]
	done
	run inside kdig @10.89.0.1 +tcp +keepopen four both six AAAA
	equal "$(grep -c 'status: NOERROR' <<<"$output")" 3
	[[ $(inside dig @10.89.0.1 four) != *"recursion requested but not available"* ]]
}

@test "beside aardvark-dns 1.4 of Debian 12 the answers differ only as listed" {
	[ -x "$PEER_DNS" ] || skip "no aardvark-dns of the distribution"
	differs_as_listed "$PEER_DNS" 1.4
}
