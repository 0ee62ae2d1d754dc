# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables of the tests that load this, and those that run sets
#
# Helpers for the tests of tjalk, beside those of netavark: a host as there, with control groups, a
# root file system made of busybox, and trees of its own for the engine.
#
# TJALK names the program; without it that beside NETAVARK is used.

load helpers

TJALK=$(realpath -m "${TJALK:-$(dirname "$NETAVARK")/../engine/tjalk}")
RUNTIME=${RUNTIME:-crun}
ROOTFS=$BATS_FILE_TMPDIR/rootfs
GROUP=tjalk-test-$$-$BATS_TEST_NUMBER
STORE=/run/store
unset TJALK_FAULT TJALK_FAULT_LOG

setup_file() {
	make_rootfs "$BATS_FILE_TMPDIR/rootfs"
}

setup() {
	bats_require_minimum_version 1.5.0
	CONFIG=/run/tjalk/networks
	local program
	for program in crun conmon busybox; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
	start_host
	host mkdir -p "$STORE"
}

teardown() {
	[[ ${BATS_TEST_COMPLETED-} == 1 ]] || explain_engine
	[[ -z ${LAUNCHER-} ]] || kill -KILL "$LAUNCHER" 2>/dev/null
	remove_groups
}

# What is run in containers.
make_rootfs() {
	local dir=$1 applet
	mkdir -p "$dir"/{bin,etc,tmp,var/tmp}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	for applet in sh sleep cat echo ls true false id ip env wget httpd nslookup hostname mount ps kill \
		stat dd touch mkdir sha256sum tty stty seq head tail grep sed nc chmod readlink usleep date wc; do
		ln -s busybox "$dir/bin/$applet"
	done
	# That of busybox wants a raw socket, as old ones did.
	cp "$(command -v ping)" "$dir/bin/ping"
	ldd "$(command -v ping)" | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "$dir${library%/*}"
		cp "$library" "$dir$library"
	done
	printf '%s\n' root:x:0:0:root:/root:/bin/sh bob:x:1000:1000::/home/bob:/bin/sh >"$dir/etc/passwd"
	printf '%s\n' root:x:0: bob:x:1000: extra:x:77:bob >"$dir/etc/group"
}

# The groups of this test, which the kernel keeps while processes are dying in them.
remove_groups() {
	local dir try
	for dir in /sys/fs/cgroup/"$GROUP" /sys/fs/cgroup/*/"$GROUP"; do
		[[ -d $dir ]] || continue
		for ((try = 0; try < 100; try++)); do
			find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null && break
			sleep 0.02
		done
	done
	return 0
}

# engine ARGUMENT... — runs the program on the host. New containers get a control group that this test
# can find again.
engine() {
	local options=()
	if [[ $1 == run || $1 == create ]]; then
		options=("$1" --cgroup-parent "/$GROUP")
		shift
	fi
	host timeout "${LIMIT:-60}" "$TJALK" --root "$STORE/lib" --config "$STORE/etc" --runtime "$RUNTIME" \
		--netavark "$NETAVARK" --aardvark-dns "$AARDVARK" "${options[@]}" "$@"
}

# tjalk ARGUMENT... — the same under run: sets status, output and stderr.
tjalk() {
	run --separate-stderr engine "$@"
}

# network NAME NUMBER [EDIT] — a dual-stack network with names: 10.9NUMBER.0.0/24 and fd9NUMBER::/64. EDIT is a
# jq program.
network() {
	local id
	id=$(sha256sum <<<"$1" | cut -c 1-64)
	host mkdir -p "$STORE/etc/networks"
	jq -n --arg name "$1" --arg id "$id" --arg n "$2" '{name: $name, id: $id, driver: "bridge",
		network_interface: "br-\($name)", internal: false, dns_enabled: true, ipv6_enabled: true,
		subnets: [{subnet: "10.9\($n).0.0/24", gateway: "10.9\($n).0.1"},
			{subnet: "fd9\($n)::/64", gateway: "fd9\($n)::1"}],
		ipam_options: {driver: "host-local"}} | '"${3-.}" | host tee "$STORE/etc/networks/$1.json" >/dev/null
}

# field CONTAINER FIELD — from inspect, a jq path.
field() {
	engine inspect "$1" | jq -r ".[0]$2"
}

# Everything that a container leaves traces in.
traces() {
	host_script "$STORE" "$GROUP" <<-'END'
		echo "processes:"; ps -e -o comm= | grep -xE 'conmon|crun|runc|netavark|aardvark-dns|tjalk|httpd|sleep [0-9]+' || true
		echo "mounts:"; sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo | sort
		echo "namespaces:"; ls /run/netns
		echo "links:"; ip -brief link | awk '{ print $1 }' | sort
		echo "rules:"; nft list ruleset 2>/dev/null | grep -E '10\.9|fd9|dport' || true
		echo "groups:"; find /sys/fs/cgroup -maxdepth 3 -type d -path "*$2*" 2>/dev/null || true
		echo "leases:"; cat /run/tjalk/ipam/*.json 2>/dev/null | jq -c '.leases[]' 2>/dev/null || true
		echo "sockets:"; ss --no-header --listening --numeric --tcp --udp | awk '{ print $1, $5 }' | sort
		echo "run directories:"; ls /run/tjalk/containers 2>/dev/null || true
		echo "containers:"; ls "$1/lib/containers" "$1/lib/names" 2>/dev/null | grep . || true
	END
}

# before; … ; clean — nothing is left of what has been run in between.
before() {
	engine ps -a >/dev/null
	TRACES=$(traces)
}

clean() {
	local try now
	for ((try = 0; try < 50; try++)); do
		now=$(traces)
		[[ $now == "$TRACES" ]] && return
		sleep 0.1 # the name server and the kernel end some things a little later
	done
	equal "$now" "$TRACES"
}

explain_engine() {
	[[ -n ${HOST-} && -d /proc/$HOST ]] || return 0
	echo "---- engine"
	engine ps -a || true
	# shellcheck disable=SC2016 # expanded on the host
	host sh -c 'for d in /run/tjalk/containers/*; do echo "$d"; ls "$d"; cat "$d/run.json" "$d/conmon.err"; done' 2>/dev/null || true
	explain
}
