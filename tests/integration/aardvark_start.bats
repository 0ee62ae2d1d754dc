#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lists of options are meant to be split, eval expands its text later, and bats runs each test in a
# process of its own.
# shellcheck disable=SC2086,SC2016,SC2030,SC2031,SC2012

load aardvark

# A start that must fail: status 1, a reason, no process, no pid file.
start_fails() {
	run --separate-stderr host timeout 10 "$AARDVARK" --config "$CONF" -p 53 run
	equal "$status" 1
	equal "$output" ""
	[ -n "$stderr" ]
	[ ! -e "$CONF/aardvark.pid" ]
	[ -z "$(host ss -Hlnup sport = :53 | grep aardvark-dns || true)" ]
}

@test "AV-010 when the start returns every listener answers" {
	usual_network
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		start
		equal "$(ask_short +time=1 @10.89.0.1 db)" 10.89.0.2
		equal "$(ask_short +time=1 @fd00:89::1 db AAAA)" fd00:89::2
		kill "$PID"
		wait_for ended "$PID"
	done
	start
	equal "$(ask_short +tcp @10.89.0.1 db)" 10.89.0.2
	equal "$(ask_short +tcp @fd00:89::1 db)" 10.89.0.2
}

@test "AV-011 AV-012 AV-013 every address that cannot be bound has its line" {
	bridge_address 10.89.0.1/24 10.89.0.4/24 fd00:89::1/64 10.89.0.5/24
	echo "10.89.0.1,10.89.0.4,fd00:89::1,10.89.0.5" | network web
	host socat -u UDP-RECV:53,bind=10.89.0.1 - &
	HELPERS+=($!)
	host socat -u TCP-LISTEN:53,bind=10.89.0.4 - &
	HELPERS+=($!)
	host socat -u "UDP6-RECV:53,bind=[fd00:89::1],ipv6only" - &
	HELPERS+=($!)
	wait_for eval '[ $(host ss -Hlnut | wc -l) = 3 ]'
	start_fails
	[[ $stderr == *"failed to bind udp listener on 10.89.0.1:53: Address already in use"* ]]
	[[ $stderr == *"failed to bind tcp listener on 10.89.0.4:53: Address already in use"* ]]
	[[ $stderr == *"failed to bind udp listener on [fd00:89::1]:53: Address already in use"* ]]
	[[ $stderr != *10.89.0.5* ]]
}

@test "AV-014 AV-015 nothing to serve is a failure that leaves nothing behind" {
	start_fails
	echo "nonsense" | network web
	start_fails
	[[ $stderr == *"no usable network"* ]]
	rm "$CONF/web"
	run host "$AARDVARK" --config "$CONF/missing" -p 53 run
	equal "$status" 1
	touch "$CONF/file"
	run host "$AARDVARK" --config "$CONF/file" -p 53 run
	equal "$status" 1
}

@test "AV-008 AV-016 the standard streams end with the start" {
	usual_network
	# cat sees the end of the pipe only if the server has closed it.
	output=$(host timeout 5 "$AARDVARK" -c "$CONF" -p 53 run 2>&1 | timeout 2 cat)
	equal "$output" ""
	PID=$(server_pid)
	for fd in 0 1 2; do
		equal "$(readlink "/proc/$PID/fd/$fd")" /dev/null
	done
}

@test "AV-017 no descriptor of the caller is kept" {
	usual_network
	echo >"$BATS_TEST_TMPDIR/kept"
	exec 9<"$BATS_TEST_TMPDIR/kept" 200<"$BATS_TEST_TMPDIR/kept" 5<"$BATS_TEST_TMPDIR/kept"
	nsenter -t "$HOST" -n -m -- "$AARDVARK" -c "$CONF" -p 53 run
	exec 9<&- 200<&- 5<&-
	run ls -l "/proc/$(server_pid)/fd"
	[[ $output != *kept* ]]
	[[ $output != *"$(readlink /proc/self/fd/3)"* ]]
}

@test "AV-018 AV-174 the daemon is detached, and a relative directory still works" {
	usual_network
	chmod 0700 "$CONF"
	nsenter -t "$HOST" -n -m --wd="$BATS_TEST_TMPDIR" -- "$AARDVARK" -c conf -p 53 run 3>&-
	PID=$(server_pid)
	equal "$(readlink "/proc/$PID/cwd")" /
	read -r _ _ _ _ _ session terminal _ <"/proc/$PID/stat"
	equal "$session $terminal" "$PID 0"
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	reload
	wait_for eval '[ "$(ask_short @10.89.0.1 new)" = 10.89.0.9 ]'
	rm "$CONF/web"
	reload
	wait_for ended "$PID"
	[ ! -e "$CONF/aardvark.pid" ]
}

@test "AV-019 AV-020 AV-152 the process looks as others expect" {
	usual_network
	start
	equal "$(tr '\0' ' ' <"/proc/$PID/cmdline")" "$AARDVARK --config $CONF -p 53 run "
	equal "$(cat "/proc/$PID/comm")" aardvark-dns
	equal "$(readlink "/proc/$PID/ns/net")" "$(readlink "/proc/$HOST/ns/net")"
	equal "$(ls "/proc/$PID/task" | wc -l)" 1
	[ "$(ls "/proc/$PID/fd" | wc -l)" -le 44 ]
}

@test "AV-022 no resolv.conf stops the start" {
	usual_network
	for text in "" "nameserver abc" "nameserver fe80::1%nosuch" "nameserver 10.0.0.1%br0" \
		$'nameserver 1.1.1.1 2.2.2.2\nnameserver \xff\xfe'; do
		printf '%s' "$text" >"$RESOLV"
		start
		equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
		kill "$PID"
		wait_for ended "$PID"
	done
	host umount /etc/resolv.conf
	host mount --bind "$BATS_TEST_TMPDIR" /etc # there is none now
	start
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
}

@test "AV-023 special files in the directory do no harm" {
	usual_network
	mkfifo "$CONF/fifo"
	mkdir "$CONF/directory"
	ln -s nowhere "$CONF/dangling"
	ln -s /dev/zero "$CONF/device"
	echo 10.89.0.77 >"$CONF/.hidden"
	local before
	before=$(now_ms)
	start
	[ $(($(now_ms) - before)) -lt 500 ]
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
}

@test "AV-024 BU-064 a tentative IPv6 address is waited for" {
	usual_network
	container # a port for the bridge, without which it has no carrier
	host ip address add fd00:90::1/64 dev br0
	[[ $(host ip address show dev br0) == *tentative* ]]
	echo "10.89.0.1,fd00:90::1" >"$CONF/web"
	echo "id1 10.89.0.2  db" >>"$CONF/web"
	start
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	wait_for eval '[[ $(host ip address show dev br0) != *tentative* ]]'
	equal "$(ask_short @fd00:90::1 db)" 10.89.0.2
}

@test "AV-025 an only address that nobody has is a failure" {
	echo "fd00:99::1" | network web
	start_fails
	[[ $stderr == *"failed to bind udp listener on [fd00:99::1]:53: Cannot assign"* ]]
	echo "10.99.0.1" | network web
	start_fails
	[[ $stderr == *"failed to bind udp listener on 10.99.0.1:53: Cannot assign"* ]]
}

@test "AV-026 many networks need more descriptors than the soft limit" {
	local i
	for i in {1..100}; do
		echo "10.77.$i.1,fd00:77:$i::1" | network "n$i"
		echo "address add 10.77.$i.1/24 dev br0"
		echo "address add fd00:77:$i::1/64 dev br0 nodad"
	done >"$BATS_TEST_TMPDIR/addresses"
	host ip -batch "$BATS_TEST_TMPDIR/addresses"
	ulimit -Sn 128
	start
	equal "$(host ss -Hlnut sport = :53 | wc -l)" 400
}

@test "AV-030 the pid file holds only the digits of the one who listens" {
	usual_network
	start
	equal "$(od -An -c "$CONF/aardvark.pid" | tr -d ' \n')" "$PID"
	[[ $(host ss -Hlnup sport = :53) == *"pid=$PID,"* ]]
}

@test "AV-031 a SIGHUP as soon as there is a pid file is harmless" {
	usual_network
	for _ in {1..30}; do
		host "$AARDVARK" -c "$CONF" -p 53 run &
		local starter=$!
		until [ -s "$CONF/aardvark.pid" ]; do :; done
		kill -HUP "$(cat "$CONF/aardvark.pid")"
		wait "$starter"
		PID=$(server_pid)
		[ -n "$PID" ]
		equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
		kill "$PID"
		wait_for ended "$PID"
	done
}

@test "AV-032 a second start hands over to the first" {
	usual_network
	start
	local first=$PID
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	start
	equal "$PID" "$first"
	wait_for eval '[ "$(ask_short @10.89.0.1 new)" = 10.89.0.9 ]'
	equal "$(host ss -Hlnu sport = :53 | wc -l)" 2
}

@test "AV-033 of twenty starts at once one becomes the server" {
	usual_network
	local pids=()
	for _ in {1..20}; do
		host timeout 10 "$AARDVARK" -c "$CONF" -p 53 run &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	PID=$(server_pid)
	[ -n "$PID" ]
	equal "$(host ss -Hlnup sport = :53 | grep -o 'pid=[0-9]*' | sort -u)" "pid=$PID"
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	reload
	wait_for eval '[ "$(ask_short @10.89.0.1 new)" = 10.89.0.9 ]'
}

@test "AV-034 a pid file that means nobody is overwritten" {
	usual_network
	host sleep 100 &
	local stranger=$!
	HELPERS+=("$stranger")
	for content in 999999 garbage "" "$stranger" "-1"; do
		printf '%s' "$content" >"$CONF/aardvark.pid"
		start
		[ -n "$PID" ]
		kill "$PID"
		wait_for ended "$PID"
	done
	kill -0 "$stranger"
}

@test "AV-035 a server in another network namespace is not taken for ours" {
	usual_network
	start
	run --separate-stderr unshare -n "$AARDVARK" -c "$CONF" -p 53 run
	equal "$status" 1
	[[ $stderr == *"another network namespace, pid $PID"* ]]
	kill -0 "$PID"
}

@test "AV-036 AV-038 which signals end the server, and how fast" {
	usual_network
	for signal in TERM INT; do
		start
		kill -PIPE "$PID"
		kill -USR1 "$PID"
		kill -USR2 "$PID"
		kill -ALRM "$PID"
		equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
		local before
		before=$(now_ms)
		kill "-$signal" "$PID"
		wait_for ended "$PID"
		within 150 "$before"
		[ ! -e "$CONF/aardvark.pid" ]
		equal "$(host ss -Hlnut sport = :53)" ""
	done
}

@test "AV-037 a killed server is replaced" {
	usual_network
	start
	local first=$PID
	kill -KILL "$first"
	wait_for ended "$first"
	[ -e "$CONF/aardvark.pid" ]
	start
	[ "$PID" != "$first" ]
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
}

@test "AV-161 the system log may be missing" {
	usual_network
	host mount --bind "$BATS_TEST_TMPDIR" /dev
	mknod "$BATS_TEST_TMPDIR/null" c 1 3
	run --separate-stderr host "$AARDVARK" -c "$CONF" -p 53 run
	equal "$status$output$stderr" 0
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
}

@test "BU-107 AV-170 the server is confined, and holds nothing of others" {
	usual_network
	# A mount that others may want to get rid of, and a namespace that one keeps alive.
	mkdir "$BATS_TEST_TMPDIR/foreign"
	host mount -t tmpfs foreign "$BATS_TEST_TMPDIR/foreign"
	host touch "$BATS_TEST_TMPDIR/foreign/namespace"
	host mount --bind "/proc/$HOST/ns/uts" "$BATS_TEST_TMPDIR/foreign/namespace"
	start
	[ "$(readlink "/proc/$PID/ns/mnt")" != "$(readlink "/proc/$HOST/ns/mnt")" ]
	equal "$(readlink "/proc/$PID/ns/net")" "$(readlink "/proc/$HOST/ns/net")"
	run cat "/proc/$PID/mountinfo"
	[[ $output != *foreign* ]]
	host umount "$BATS_TEST_TMPDIR/foreign/namespace"
	host umount "$BATS_TEST_TMPDIR/foreign"
	equal "$(awk '/^Seccomp:/ { print $2 }' "/proc/$PID/status")" 2
	# What it needs of the file system is there.
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	reload
	wait_for eval '[ "$(ask_short @10.89.0.1 new)" = 10.89.0.9 ]'
	kill "$PID"
	wait_for ended "$PID"
	[ ! -e "$CONF/aardvark.pid" ]
}

@test "AV-170 only one capability is left" {
	usual_network
	start
	for set in CapPrm CapEff CapBnd; do
		equal "$set $(awk "/$set/ {print \$2}" "/proc/$PID/status")" "$set 0000000000000400"
	done
	equal "$(awk '/CapInh|CapAmb/ {print $2}' "/proc/$PID/status" | sort -u)" 0000000000000000
	equal "$(awk '/NoNewPrivs/ {print $2}' "/proc/$PID/status")" 1
	bridge_address 10.90.0.1/24
	echo 10.90.0.1 | network other
	reload
	wait_for eval '[[ $(host ss -Hlnu sport = :53) == *10.90.0.1* ]]'
}
