#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Our programs and the distribution's follow each other under running containers of one Podman, as in an
# upgrade or a way back. UPSTREAM names the directory of the distribution's programs.

load podman

UPSTREAM=${UPSTREAM:-/usr/lib/podman}

setup() {
	[[ -z $OBSTACLE ]] || skip "Podman cannot run here: $OBSTACLE"
	for program in netavark aardvark-dns; do
		[[ -x $UPSTREAM/$program ]] || skip "the distribution's $program is not installed"
	done
	podman network create --ipv6 --subnet 10.77.1.0/24 --subnet fd77:1::/64 blue
	BEFORE=$(host_state)
}

teardown() {
	[[ -z $OBSTACLE ]] || return 0
	[[ ${BATS_TEST_COMPLETED-} == 1 || -n ${BATS_TEST_SKIPPED-} ]] || dump
	use netavark "$NETAVARK"
	use aardvark-dns "$AARDVARK"
	podman rm --all --force --time 0
	podman network prune --force
}

# use PROGRAM PATH — what Podman runs under that name from now on.
use() {
	ln -sfn "$2" "$BATS_FILE_TMPDIR/helpers/$1"
}

server_program() {
	inside readlink "/proc/$(inside pgrep -x aardvark-dns)/exe"
}

# web was started with one DNS server, db comes with the other one in its place.
swap_servers() {
	use aardvark-dns "$1"
	container web --network blue:alias=frontend
	same "$(server_program)" "$(realpath "$1")"
	use aardvark-dns "$2"
	container db --network blue:alias=store
	same "$(lookup web store a)" "$(address4 db blue)"
	same "$(lookup web store aaaa)" "$(address6 db blue)"
	same "$(lookup db frontend a)" "$(address4 web blue)"
	# The old server is killed; the new one takes its place at the next change.
	inside pkill -KILL -x aardvark-dns
	container third --network blue
	same "$(server_program)" "$(realpath "$2")"
	for name in web frontend db store third; do
		[[ -n $(lookup third "$name" a) ]]
	done
	podman rm --force --time 0 web db third
	wait_for "the DNS server to go" dns_gone
	same "$(host_state)" "$BEFORE"
}

dns_gone() {
	! inside pgrep -x aardvark-dns
}

@test "AV-183 our DNS server takes over from the distribution's, with its files" {
	swap_servers "$UPSTREAM/aardvark-dns" "$AARDVARK"
}

@test "AV-183 the distribution's DNS server takes over from ours, with its files" {
	swap_servers "$AARDVARK" "$UPSTREAM/aardvark-dns"
}

@test "FW-078 a container of the distribution's netavark is stopped with ours without an error and a rest" {
	command -v iptables >/dev/null || skip "the distribution's netavark needs iptables"
	use netavark "$UPSTREAM/netavark"
	container web --network blue --publish 8080:80
	use netavark "$NETAVARK"
	same "$(podman rm --force --time 0 web 2>&1)" web
	wait_for "the DNS server to go" dns_gone
	same "$(host_state)" "$BEFORE"
}
