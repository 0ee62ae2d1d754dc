#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2034,SC2154 # expanded in containers; a counter
#
# The same command lines through Podman and through tjalk; what the container sees, and what is told about it,
# is compared.

load podman

TJALK=$(realpath -m "${TJALK:-$(dirname "$NETAVARK")/../engine/tjalk}")
ROOT=$BATS_FILE_TMPDIR/root

setup_file() {
	bats_require_minimum_version 1.5.0
	local obstacle
	obstacle=$(podman_obstacle)
	[[ -z $obstacle ]] || skip "$obstacle"
	sandbox_start
	podman_configure >/dev/null
	# Debian gives its Podman three capabilities more than upstream does.
	sed -i '1a default_capabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"]' \
		"$BATS_FILE_TMPDIR/containers.conf"
	local applet
	for applet in grep id env ls sort touch stat readlink; do
		ln -s busybox "$BATS_FILE_TMPDIR/root/bin/$applet"
	done
	mkdir -p "$BATS_FILE_TMPDIR/root/etc" "$BATS_FILE_TMPDIR/root/tmp"
	printf '%s\n' root:x:0:0:root:/root:/bin/sh bob:x:1000:1000::/home/bob:/bin/sh >"$BATS_FILE_TMPDIR/root/etc/passwd"
	printf '%s\n' root:x:0: bob:x:1000: extra:x:77:bob >"$BATS_FILE_TMPDIR/root/etc/group"
}

ours() {
	local command=$1 options=()
	shift
	[[ $command != run && $command != create ]] || options=(--cgroups disabled --ulimit nofile=1024:1024 --ulimit nproc=1024:1024)
	inside "$TJALK" --root /run/tjalk-lib --config /run/tjalk-etc --netavark "$NETAVARK" --aardvark-dns "$AARDVARK" \
		"$command" "${options[@]}" "$@"
}

# both ARGUMENT... — runs a command line through both; status and output must be the same.
both() {
	local theirs_status=0 ours_status=0 theirs our
	theirs=$(podman "$@" 2>/dev/null) || theirs_status=$?
	our=$(ours "$@" 2>/dev/null) || ours_status=$?
	same "$ours_status: $our" "$theirs_status: $theirs" || { echo "with: $*"; return 1; }
}

# in_both OPTION... -- COMMAND... — the same for a container of its own.
in_both() {
	local options=()
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	both run --rm --network none "${options[@]}" --rootfs "$ROOT" "$@"
}

@test "what a process sees is what it sees with Podman: statuses, capabilities, users, environment, files (EN-030, EN-031, EN-038)" {
	in_both -- sh -c 'exit 7'
	in_both -- nosuchprogram
	in_both -- /etc/passwd
	in_both -- sh -c 'kill -9 $$'
	in_both -- grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status
	in_both --cap-drop ALL --cap-add NET_ADMIN --cap-add chown -- grep ^Cap /proc/self/status
	in_both -u bob -- grep ^Cap /proc/self/status
	in_both -- id
	in_both -u bob -- id
	in_both -u bob --group-add root -- id
	in_both -u 5:6 -- id
	in_both -u nobodyknows -- id
	in_both --security-opt no-new-privileges -- grep NoNewPrivs /proc/self/status
	in_both -e A=b -e B=c -w /tmp --hostname box -- sh -c 'pwd; env | grep -v ^container= | sort'
	in_both -u bob -- sh -c 'echo $HOME'
	in_both --entrypoint sh -- -c 'echo $0 $#' a b
	in_both --entrypoint '["sh", "-c"]' -- 'echo two words'
	in_both -- ls /dev
	in_both -- sh -c 'grep -E "^(Max open files|Max core)" /proc/self/limits; umask'
	in_both --umask 0077 -- sh -c umask
	in_both --read-only -- sh -c 'touch /x 2>/dev/null; echo $?; touch /tmp/x; echo $?'
	in_both --sysctl net.ipv4.ip_default_ttl=77 -- cat /proc/sys/net/ipv4/ip_default_ttl
	in_both --tmpfs /tmp:size=1m -- sh -c 'grep -o " /tmp tmpfs.*size=1024k" /proc/mounts'
	in_both --device /dev/zero:/dev/nought -- stat -c %t:%T:%a /dev/nought
	in_both -v "$ROOT/etc:/data:ro" -- sh -c 'ls /data; touch /data/x 2>/dev/null; echo $?'
	in_both --privileged -- grep -E '^(Cap|Seccomp:)' /proc/self/status
	in_both --restart sometimes -- true
}

@test "the filter for system calls is Podman's, field by field (EN-032)" {
	local set id theirs our
	local normal='.linux.seccomp | .architectures |= (. // [] | sort) | .syscalls |= ([.[] | {action, names: (.names | sort), args: [(.args // [])[] | {index, op, value, valueTwo: (.valueTwo // 0)}], errnoRet}] | sort)'
	for set in "" SYS_ADMIN; do
		id=$(podman run -d --network none ${set:+--cap-add "$set"} --rootfs "$ROOT" sleep 100)
		theirs=$(inside sh -c "cat /var/lib/containers/storage/*-containers/$id/userdata/config.json" | jq -cS "$normal")
		podman rm -f -t 0 "$id" >/dev/null
		id=$(ours run -d --network none ${set:+--cap-add "$set"} --rootfs "$ROOT" sleep 100)
		our=$(inside cat "/run/tjalk/containers/$id/config.json" | jq -cS "$normal")
		ours rm -f "$id" >/dev/null
		((${#our} > 1000))
		same "$our" "$theirs"
	done
}

@test "what inspect tells is what Podman's tells, as far as both have it (EN-010)" {
	local program fields theirs our
	fields='.[0] | {Name, Path, Args, Running: .State.Running, Paused: .State.Paused, OOM: .State.OOMKilled, Exit: .State.ExitCode, Status: .State.Status,
		Tty: .Config.Tty, Stdin: .Config.OpenStdin, Dir: .Config.WorkingDir, Host: .Config.Hostname, Labels: (.Config.Labels // {}),
		Privileged: .HostConfig.Privileged, ReadOnly: .HostConfig.ReadonlyRootfs, Auto: .HostConfig.AutoRemove, Shm: .HostConfig.ShmSize,
		Ports: .NetworkSettings.Ports,
		Mounts: [.Mounts[] | {Type, Source, Destination, RW}]}'
	for program in podman ours; do
		status=0
		"$program" run --name same --network none --hostname box -w /tmp -l a=b -v "$ROOT/etc:/data:ro" --rootfs "$ROOT" sh -c 'exit 3' ||
			status=$?
		same "$status" 3
		"$program" inspect same | jq -S "$fields" >"$BATS_TEST_TMPDIR/$program"
		"$program" rm same >/dev/null
	done
	diff -u "$BATS_TEST_TMPDIR/podman" "$BATS_TEST_TMPDIR/ours"
	# rm of one that runs, rm of none, a name that is taken, an option that is none.
	for program in podman ours; do
		{
			"$program" run -d --name same --network none --rootfs "$ROOT" sleep 100 >/dev/null; echo "$?"
			"$program" rm same >/dev/null 2>&1; echo "$?"
			"$program" create --name same --network none --rootfs "$ROOT" true >/dev/null 2>&1; echo "$?"
			"$program" exec same sh -c 'exit 5'; echo "$?"
			"$program" kill -s KILL same >/dev/null; "$program" wait same
			"$program" run --nosuchoption 2>/dev/null; echo "$?"
			"$program" rm -f same >/dev/null; echo "$?"
			"$program" container exists same; echo "$?"
		} >"$BATS_TEST_TMPDIR/$program.statuses" || true
	done
	same "$(head -n 1 "$BATS_TEST_TMPDIR/ours.statuses")" 0
	diff -u "$BATS_TEST_TMPDIR/podman.statuses" "$BATS_TEST_TMPDIR/ours.statuses"
}

@test "run takes at most half of Podman's time, without a network and with a bridge (EN-140)" {
	local try
	# Others use the machine, too: one undisturbed measurement of three is enough.
	for try in 1 2 3; do
		TJALK=$TJALK NETAVARK=$NETAVARK AARDVARK=$AARDVARK "$TREE/tests/bench/bench_engine.sh" 5 >"$BATS_TEST_TMPDIR/times"
		cat "$BATS_TEST_TMPDIR/times"
		awk '{ t[$1, $2] = $4 } END { exit !(NR == 4 && t["none", "tjalk"] * 2 <= t["none", "podman"] && t["bridge", "tjalk"] * 2 <= t["bridge", "podman"]) }' \
			"$BATS_TEST_TMPDIR/times" && return
	done
	return 1
}
