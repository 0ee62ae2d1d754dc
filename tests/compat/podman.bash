# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A place where an unmodified Podman runs with our programs and cannot touch the machine.
#
# One sandbox per test file: new mount, network, PID, IPC and UTS namespaces held by a shell that is
# process 1 of the PID namespace. When it is killed, everything Podman started dies with it, and
# the mounts and links go with the namespaces.
#
# What is set up differently from an ordinary machine, and why:
#   /run, /dev/shm, /var/lib/containers   tmpfs. Podman's run directory for networks
#       (/run/containers/networks), the lock /run/lock/netavark.lock and the shared memory segment
#       /dev/shm/libpod_lock have fixed names; /run/systemd must be absent so that netavark starts the
#       DNS server directly and not in a scope of the machine's systemd.
#   /sys   mounted anew, because sysfs shows the network namespace that it was mounted in, with a plain
#       cgroup2 below it: crun refuses a /sys/fs/cgroup that is neither a cgroup2 mount nor complete in
#       version 1, as on kernels started with both hierarchies. All hierarchies can be mounted twice.
#   cgroups="disabled"   no controller has to be free for us in that cgroup2.
#   default_ulimits   Podman's defaults for root raise limits, which needs CAP_SYS_RESOURCE.
#   events_logger, log_driver   files; there is no journal inside.
#   storage driver vfs   overlay cannot be stacked on overlay, which the temporary directory may be.
#
# Variables: NETAVARK and AARDVARK name the programs; without them those of the test build are used.
# PODMAN_ROOT is a tree made by fetch_root.sh, with the Podman of another Debian release: it becomes the
# root of the sandbox, under an overlay, so nothing is written to it.
# NETAVARK_FW is handed on, as the firewall driver for all that Podman starts.

TREE=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
NETAVARK=$(realpath -m "${NETAVARK:-$TREE/build/check/netavark/netavark}")
AARDVARK=$(realpath -m "${AARDVARK:-$TREE/build/check/aardvark-dns/aardvark-dns}")

CONFIG=/run/containers/networks

PODMAN_ROOT=${PODMAN_ROOT:+$(realpath -m "$PODMAN_ROOT")}

# Prints why Podman cannot run here; prints nothing if it can.
podman_obstacle() {
	local program
	for program in podman crun conmon busybox socat nft jq nsenter; do
		if [[ -z $PODMAN_ROOT ]]; then
			command -v "$program" >/dev/null || { echo "$program is not installed"; return; }
		elif [[ -z $(PATH=$PODMAN_ROOT/usr/bin:$PODMAN_ROOT/usr/sbin type -P "$program") ]]; then
			echo "no $program in ${PODMAN_ROOT##*/}"
			return
		fi
	done
	((UID == 0)) || { echo "needs root"; return; }
	grep -qw cgroup2 /proc/filesystems || { echo "kernel without cgroup2"; return; }
	unshare --mount --net --pid --fork --mount-proc true 2>/dev/null || echo "cannot make namespaces"
}

# enter_root ROOT DIRECTORY... — another tree becomes the root; the directories stay where they are.
enter_root() {
	local root=$1 new=/mnt dir
	mount -t tmpfs tmpfs "$new"
	mkdir "$new/upper" "$new/work" "$new/root"
	mount -t overlay overlay -o "lowerdir=$root,upperdir=$new/upper,workdir=$new/work" "$new/root"
	new=$new/root
	mount -t proc proc "$new/proc"
	mount --rbind /dev "$new/dev"
	for dir in "${@:2}"; do
		mkdir -p "$new$dir"
		mount --bind "$dir" "$new$dir"
	done
	mkdir -p "$new/old"
	cd "$new"
	pivot_root . old
	cd /
	umount --lazy /old
	PATH=/usr/sbin:/usr/bin:/sbin:/bin
	hash -r
}

# Process 1 of the sandbox. Says "ready" on the fifo $1 and then only waits (bash reaps what it inherits).
# A limit on its own life makes sure that nothing stays when the test run itself is killed.
sandbox_main() {
	set -e
	local ready=$1 dir
	mount --make-rprivate /
	[[ -z $2 ]] || enter_root "${@:2}"
	for dir in /run /dev/shm /var/lib/containers; do
		mkdir -p "$dir"
		mount -t tmpfs tmpfs "$dir"
	done
	mkdir -p /run/lock /run/netns
	mount -t sysfs sysfs /sys
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	# No real resolver is ever asked: 192.0.2.0/24 is set aside for documentation.
	echo "nameserver 192.0.2.53" >/run/resolv.conf
	mount --bind /run/resolv.conf "$(realpath /etc/resolv.conf)"
	ip link set lo up
	# The outside world: another namespace, joined by a cable.
	ip netns add outside
	ip link add uplink type veth peer name eth0 netns outside
	ip address add 198.51.100.1/24 dev uplink
	ip address add 2001:db8:1::1/64 dev uplink nodad
	ip link set uplink up
	ip -n outside address add 198.51.100.2/24 dev eth0
	ip -n outside address add 2001:db8:1::2/64 dev eth0 nodad
	ip -n outside link set lo up
	ip -n outside link set eth0 up
	echo ready >"$ready"
	sleep 600 &
	wait $!
}

# Starts the sandbox; sets and exports SANDBOX, the PID of its process 1 as seen from here.
sandbox_start() {
	local ready=$BATS_FILE_TMPDIR/ready answer launcher program
	for program in "$NETAVARK" "$AARDVARK"; do
		[[ -x $program ]] || { echo "$program is not built"; return 1; }
	done
	mkfifo "$ready"
	# The programs may lie outside of the tree.
	unshare --mount --net --pid --ipc --uts --fork --kill-child=KILL --mount-proc \
		bash -c "$(declare -f sandbox_main enter_root)"'; sandbox_main "$@"' - "$ready" "$PODMAN_ROOT" \
		"$TREE" "${NETAVARK%/*}" "${AARDVARK%/*}" "$BATS_FILE_TMPDIR" \
		>"$BATS_FILE_TMPDIR/sandbox.log" 2>&1 3>&- &
	launcher=$!
	disown
	# Opened for both directions, so that neither side waits for the other to open it.
	read -r -t 20 answer <>"$ready" || true
	if [[ $answer != ready ]]; then
		cat "$BATS_FILE_TMPDIR/sandbox.log"
		kill -KILL "$launcher" 2>/dev/null
		return 1
	fi
	SANDBOX_LAUNCHER=$launcher
	SANDBOX=$(pgrep -P "$launcher")
	export SANDBOX SANDBOX_LAUNCHER
}

sandbox_stop() {
	if [[ -n ${SANDBOX_LAUNCHER-} ]]; then
		kill -KILL "$SANDBOX_LAUNCHER"
	fi
}

# Runs a command in the sandbox, for at most a minute. Nothing of the caller's environment gets in: Podman
# would hand proxy settings on to containers, for example.
inside() {
	nsenter --target "$SANDBOX" --mount --net --pid --ipc --uts -- \
		env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/run \
		${NETAVARK_FW:+NETAVARK_FW="$NETAVARK_FW"} \
		CONTAINERS_CONF="$BATS_FILE_TMPDIR/containers.conf" \
		CONTAINERS_STORAGE_CONF="$BATS_FILE_TMPDIR/storage.conf" \
		timeout 60 "$@" 3>&-
}

outside() {
	inside ip netns exec outside "$@"
}

podman() {
	inside podman "$@"
}

# podman_is_at_least VERSION
podman_is_at_least() {
	printf '%s\n' "$1" "$(podman --version | awk '{ print $3 }')" | sort --check=quiet --version-sort
}

# containers.conf, storage.conf, the programs' directory and the image "box".
podman_configure() {
	local dir=$BATS_FILE_TMPDIR applet
	mkdir -p "$dir/helpers" "$dir/root/bin" "$dir/root/www"
	ln -s "$NETAVARK" "$dir/helpers/netavark"
	ln -s "$AARDVARK" "$dir/helpers/aardvark-dns"
	cat >"$dir/containers.conf" <<-END
		[containers]
		cgroups = "disabled"
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		log_driver = "k8s-file"
		[network]
		network_backend = "netavark"
		network_config_dir = "$dir/networks"
		netavark_plugin_dirs = ["$TREE/examples/plugins"]
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		helper_binaries_dir = ["$dir/helpers"]
		runtime = "crun"
	END
	cat >"$dir/storage.conf" <<-END
		[storage]
		driver = "vfs"
		graphroot = "/var/lib/containers/storage"
		runroot = "/run/containers/storage"
	END
	cp "$(command -v busybox)" "$dir/root/bin/busybox"
	for applet in sh sleep httpd nslookup timeout wget cat; do
		ln -s busybox "$dir/root/bin/$applet"
	done
	# What holds the namespaces of a pod.
	printf '#!/bin/sh\nexec sleep 600\n' >"$dir/root/bin/pause"
	chmod +x "$dir/root/bin/pause"
	tar -C "$dir/root" -c . >"$dir/box.tar"
	podman import "$dir/box.tar" box
}

# What most files begin and end with. OBSTACLE is why Podman cannot run here, or empty.
setup_file() {
	OBSTACLE=$(podman_obstacle)
	export OBSTACLE
	if [[ -z $OBSTACLE ]]; then
		sandbox_start
		podman_configure
	fi
}

teardown_file() {
	sandbox_stop
}

# container NAME [PODMAN OPTIONS] — starts one that serves its own name on TCP port 80.
container() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # expanded in the container
	podman run --detach --name "$name" --env NAME="$name" "$@" box \
		sh -c 'echo "$NAME" >/www/index.html; exec httpd -f -p 80 -h /www'
	wait_for "$name to listen" listens "$name" t 80
}

pid_of() {
	podman inspect --format '{{.State.Pid}}' "$1"
}

# in_netns_of NAME COMMAND — with the sandbox's own programs in the container's network.
in_netns_of() {
	local pid
	pid=$(pid_of "$1")
	shift
	inside nsenter --target "$pid" --net -- "$@"
}

# listens NAME t|u PORT
listens() {
	[[ -n $(in_netns_of "$1" ss --no-header --listening --numeric "-$2" "sport = :$3") ]]
}

# serve_udp NAME PORT — answers every datagram with the container's name.
serve_udp() {
	# The tests' own program in the container's network: busybox has no UDP server.
	in_netns_of "$1" sh -c "socat UDP6-RECVFROM:$2,fork,ipv6only=0 SYSTEM:'echo $1' >/dev/null 2>&1 &"
	wait_for "$1 to listen" listens "$1" u "$2"
}

# wait_for WHAT COMMAND — until the command succeeds; at most about ten seconds.
wait_for() {
	local what=$1 try
	shift
	for ((try = 0; try < 100; try++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	echo "waited in vain for $what"
	return 1
}

# fetch HOST:PORT — over TCP, from the outside namespace.
fetch() {
	outside timeout 5 busybox wget -q -O - "http://$1/"
}

# fetch_from NAME HOST[:PORT] — the same from a container, which looks up the host's name itself.
fetch_from() {
	podman exec "$1" timeout 5 wget -q -O - "http://$2/"
}

# ask_udp ADDRESS PORT — sends a datagram from the outside namespace and prints the answer. As any UDP client
# must, it asks again when nothing comes back.
ask_udp() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	outside bash -c 'exec 3<>"/dev/udp/$1/$2"
		for try in 1 2 3 4 5; do echo ping >&3; timeout 1 head -n 1 <&3 && exit 0; done; exit 1' - "$@"
}

# lookup NAME-OF-CONTAINER HOST a|aaaa [SERVER] — what busybox in the container resolves, one address per line.
lookup() {
	podman exec "$1" nslookup -type="$3" "$2" ${4+"$4"} |
		awk '/^Name:/ { answer = 1 } answer && /^Address/ { print $NF }' | sort -u
}

# What a container has on a network.
address4() {
	podman inspect --format "{{(index .NetworkSettings.Networks \"$2\").IPAddress}}" "$1"
}

address6() {
	podman inspect --format "{{(index .NetworkSettings.Networks \"$2\").GlobalIPv6Address}}" "$1"
}

mac() {
	podman inspect --format "{{(index .NetworkSettings.Networks \"$2\").MacAddress}}" "$1"
}

# " 10.77.1.2/24 fd77:1::2/64" as the kernel has it.
kernel_addresses() {
	in_netns_of "$1" ip -brief address show dev "$2" scope global |
		awk '{ for (i = 3; i <= NF; i++) printf " %s", $i }'
}

# reload_prints ID ARGUMENTS — runs network reload and compares everything it prints, errors too.
# The distribution's aardvark-dns 1.x complains where no syslog listens; that is not ours to judge.
reload_prints() {
	local id=$1
	shift
	same "$(podman network reload "$@" 2>&1 | grep -vx 'failed to connect to syslog: Initialization')" "$id"
}

same() {
	[[ $1 == "$2" ]] || { printf 'expected: %s\nbut got:  %s\n' "$2" "$1"; return 1; }
}

# Whether the program under test is the distribution's 1.x, which has faults that ours must not have.
netavark_1() {
	[[ $("$NETAVARK" --version) == "netavark 1."* ]]
}

# nft comments on what iptables made, on stderr; that is of no use here.
rules() {
	inside nft list ruleset 2>/dev/null
}

# Everything that a container leaves traces in, as text; nothing in it varies while no container runs.
host_state() {
	echo "links:"; inside ip -brief link | awk '{ print $1 }' | sort
	echo "addresses:"; inside ip -brief address | sort
	echo "routes:"; inside ip route; inside ip -6 route
	echo "rules with a container's network:"; rules | grep -E '10\.77\.|fd77:' || true
	# 1.x leaves the chain for ports behind.
	echo "chains of networks:"
	rules | grep -oE "chain (nv_[^ ]*|NETAVARK-$(netavark_1 || echo '(DN-)?')[0-9A-F]{13}) " || true
	echo "namespaces:"; inside ip netns list | awk '{ print $1 }' | sort
	echo "DNS files:"; inside find "$CONFIG" -path '*/aardvark-dns/*' 2>/dev/null || true
	echo "port and network records:"
	inside find "$CONFIG/firewall/networks" "$CONFIG/firewall/ports" -type f 2>/dev/null || true
	echo "processes:"; inside ps -e -o comm= | grep -xE 'conmon|crun|netavark|aardvark-dns|httpd|socat' || true
	echo "sockets:"; inside ss --no-header --listening --numeric --tcp --udp
}

# For the person who reads the log of a failed test.
dump() {
	echo "--- sandbox ---"
	host_state
	rules
	inside sh -c "head -v -n 50 $CONFIG/aardvark-dns/*" 2>/dev/null
	podman ps --all
	# shellcheck disable=SC2016 # expanded in the sandbox
	inside sh -c 'for c in $(podman ps -q); do podman inspect --format "{{.Name}} {{json .NetworkSettings.Networks}}" $c; done'
	cat "$BATS_FILE_TMPDIR/sandbox.log"
} 2>&1
