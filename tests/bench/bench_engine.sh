#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How long "run --rm … true" takes with tjalk and with Podman, in alternation, on a host of their own.
#
#   tests/bench/bench_engine.sh [ROUNDS]      prints "WHAT PROGRAM median minimum maximum", in milliseconds
#
# NETAVARK, AARDVARK and TJALK name the programs, by default those of the release build. PODMAN_HELPERS is the
# directory of Podman's network programs; by default the distribution's.

set -euo pipefail
tree=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
export TJALK=${TJALK:-$tree/build/release/engine/tjalk} NETAVARK=${NETAVARK:-$tree/build/release/netavark/netavark}
export AARDVARK=${AARDVARK:-$tree/build/release/aardvark-dns/aardvark-dns} PODMAN_HELPERS=${PODMAN_HELPERS:-/usr/lib/podman}

make_host() {
	mount --make-rprivate /
	local dir applet
	for dir in /run /dev/shm /var/lib/containers; do
		mkdir -p "$dir"
		mount -t tmpfs tmpfs "$dir"
	done
	mkdir -p /run/netns /run/lock /run/root/{bin,etc} /run/tjalk-etc/networks
	mount -t sysfs sysfs /sys
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	ip link set lo up
	cp "$(command -v busybox)" /run/root/bin/
	for applet in sh true; do ln -s busybox "/run/root/bin/$applet"; done
	cat >/run/containers.conf <<-END
		[containers]
		cgroups = "disabled"
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		log_driver = "k8s-file"
		[network]
		network_backend = "netavark"
		network_config_dir = "/run/podman-networks"
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		helper_binaries_dir = ["$PODMAN_HELPERS"]
		runtime = "crun"
	END
	cat >/run/storage.conf <<-END
		[storage]
		driver = "vfs"
		graphroot = "/var/lib/containers/storage"
		runroot = "/run/containers/storage"
	END
	export CONTAINERS_CONF=/run/containers.conf CONTAINERS_STORAGE_CONF=/run/storage.conf HOME=/run
}

ours() {
	"$TJALK" --root /run/tjalk-lib --config /run/tjalk-etc --netavark "$NETAVARK" --aardvark-dns "$AARDVARK" "$@"
}

timed() { # FILE COMMAND...
	local file=$1 from=${EPOCHREALTIME/./}
	shift
	"$@" >/dev/null 2>&1
	echo "$((${EPOCHREALTIME/./} - from))" >>"$file"
}

report() { # WHAT PROGRAM FILE
	sort -n "$3" | awk -v what="$1" -v program="$2" '{ t[NR] = $1 / 1000 }
		END { printf "%-8s %-7s median %7.1f  minimum %7.1f  maximum %7.1f ms\n", what, program, t[int((NR + 1) / 2)], t[1], t[NR] }'
}

run_all() {
	local rounds=$1 network i
	make_host
	podman network create bench >/dev/null
	ours network create bench >/dev/null
	for network in none bench; do
		# Once without a clock, for caches.
		ours run --rm --cgroups disabled --network "$network" --rootfs /run/root true
		podman run --rm --network "$network" --rootfs /run/root true
		for ((i = 0; i < rounds; i++)); do
			timed "/run/ours.$network" ours run --rm --cgroups disabled --network "$network" --rootfs /run/root true
			timed "/run/podman.$network" podman run --rm --network "$network" --rootfs /run/root true
		done
		report "$([[ $network == none ]] && echo none || echo bridge)" tjalk "/run/ours.$network"
		report "$([[ $network == none ]] && echo none || echo bridge)" podman "/run/podman.$network"
	done
}

if [[ ${1-} == --on-private-host ]]; then
	run_all "$2"
else
	exec unshare --mount --net --pid --ipc --uts --fork --kill-child=KILL --mount-proc \
		bash "${BASH_SOURCE[0]}" --on-private-host "${1:-10}"
fi
