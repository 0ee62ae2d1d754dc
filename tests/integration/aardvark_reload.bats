#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lists of options are meant to be split, eval expands its text later, and bats runs each test in a
# process of its own.
# shellcheck disable=SC2086,SC2016,SC2030,SC2031

load aardvark

# Waits until a name has an address.
becomes() {
	wait_for eval "[ \"\$(ask_short +time=1 $1)\" = '$2' ]"
}

sockets() {
	host ss -Hlnute sport = :53 | grep -o 'ino:[0-9]*' | sort
}

@test "AV-041 AV-043 lines come and go, sockets stay" {
	usual_network
	start
	local before
	before=$(sockets)
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	reload
	becomes "@10.89.0.1 new" 10.89.0.9
	sed -i /id3/d "$CONF/web"
	reload
	becomes "@10.89.0.1 new.dns.podman" ""
	equal "$(ask_code @10.89.0.1 new.dns.podman)" NXDOMAIN
	equal "$(sockets)" "$before"
}

@test "AV-042 BU-057 no query is lost during reloads" {
	usual_network
	start
	host python3 - "$PID" "$CONF" <<-'EOF'
		import os, signal, socket, struct, sys, time
		pid, conf = int(sys.argv[1]), sys.argv[2]
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.connect(("10.89.0.1", 53))
		s.settimeout(1)
		slowest = 0
		for i in range(1000):
		    if i % 20 == 0:
		        path = f"{conf}/other{i % 3}"
		        if os.path.exists(path):
		            os.unlink(path)
		        else:
		            open(path, "w").write(f"127.1.0.{i % 3 + 1}\n")
		        os.kill(pid, signal.SIGHUP)
		    begin = time.monotonic()
		    s.send(struct.pack(">HHHHHH", i, 0, 1, 0, 0, 0) + b"\2db\0\0\1\0\1")
		    reply = s.recv(512)
		    assert struct.unpack(">H", reply[:2])[0] == i
		    slowest = max(slowest, time.monotonic() - begin)
		    time.sleep(0.001)
		print("slowest", slowest)
		assert slowest < 0.1
	EOF
}

@test "AV-044 AV-045 listeners follow the headers" {
	usual_network
	bridge_address 10.90.0.1/24 10.91.0.1/24
	printf '10.90.0.1\nx 10.90.0.2  other\n' | network other
	start
	becomes "@10.90.0.1 other" 10.90.0.2
	rm "$CONF/other"
	reload
	wait_for eval '[[ $(host ss -Hlnut) != *10.90.0.1* ]]'
	printf '10.91.0.1\nx 10.90.0.2  other\n' | network other
	reload
	becomes "@10.91.0.1 other" 10.90.0.2
	# The address moves to another network.
	printf '10.90.0.1\nx 10.90.0.2  other\n' | network other
	printf '10.91.0.1\ny 10.91.0.2  third\n' | network third
	reload
	becomes "@10.91.0.1 third" 10.91.0.2
	equal "$(ask_code @10.91.0.1 other.dns.podman)" NXDOMAIN
}

@test "AV-046 an address that is missing at a reload is bound once it is there" {
	usual_network
	start
	printf '10.90.0.1\nx 10.90.0.2  other\n' | network other
	reload
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	bridge_address 10.90.0.1/24
	becomes "@10.90.0.1 other" 10.90.0.2
}

@test "AV-047 a file that is being written keeps its old state" {
	usual_network
	start
	for content in "" "10.89." "nonsense header"; do
		printf '%s' "$content" >"$CONF/web"
		reload
		for _ in 1 2 3; do
			equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
		done
	done
	printf '10.89.0.1\nid1 10.89.0.44  db\n' >"$CONF/web"
	becomes "@10.89.0.1 db" 10.89.0.44 # without a signal
}

@test "AV-048 AV-160 a bad line is skipped and named in the log" {
	usual_network
	host mount --bind "$BATS_TEST_TMPDIR" /dev
	mknod "$BATS_TEST_TMPDIR/null" c 1 3
	host socat -u UNIX-RECV:/dev/log STDOUT >"$BATS_TEST_TMPDIR/lines" &
	HELPERS+=($!)
	wait_for test -S "$BATS_TEST_TMPDIR/log"
	start
	echo "broken line" >>"$CONF/web"
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	reload
	becomes "@10.89.0.1 new" 10.89.0.9
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	cat "$BATS_TEST_TMPDIR/lines"
	grep -a "<12>[^<]* aardvark-dns\[$PID\]: web:4: " "$BATS_TEST_TMPDIR/lines"
	grep -a "<14>[^<]* aardvark-dns\[$PID\]: started" "$BATS_TEST_TMPDIR/lines"
}

@test "AV-049 after a burst of signals the last state is served" {
	usual_network
	start
	for i in {1..300}; do
		reload
	done
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	reload
	becomes "@10.89.0.1 new" 10.89.0.9
}

@test "AV-050 the directory may vanish for a while" {
	usual_network
	start
	mv "$CONF" "$CONF.away"
	reload
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	cp -r "$CONF.away" "$CONF"
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	reload
	becomes "@10.89.0.1 new" 10.89.0.9
}

@test "AV-051 the internal mark follows the file's name" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	start
	becomes "@10.89.0.1 -b 10.89.0.2 x.test" 127.0.0.10
	mv "$CONF/web" "$CONF/web%int"
	reload
	becomes "@10.89.0.1 -b 10.89.0.2 x.test" ""
	mv "$CONF/web%int" "$CONF/web"
	reload
	becomes "@10.89.0.1 -b 10.89.0.2 x.test" 127.0.0.10
}

@test "AV-053 memory does not grow with reloads" {
	skip_under_sanitizer
	usual_network
	for i in {1..1000}; do
		echo "id$i 10.88.$((i / 250)).$((i % 250))  name$i,alias$i"
	done >>"$CONF/web"
	start
	becomes "@10.89.0.1 name1" 10.88.0.1
	for round in {1..10}; do
		for _ in {1..10}; do
			reload
		done
		equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
		[ "$round" != 2 ] || first=$(awk '/VmRSS/ { print $2 }' "/proc/$PID/status")
	done
	last=$(awk '/VmRSS/ { print $2 }' "/proc/$PID/status")
	echo "$first kB, then $last kB"
	((last <= first * 11 / 10))
}

@test "AV-060 AV-064 the server leaves with the last network" {
	usual_network
	start
	rm "$CONF/web"
	local before
	before=$(now_ms)
	reload
	wait_for ended "$PID"
	within 100 "$before"
	[ ! -e "$CONF/aardvark.pid" ]
	equal "$(host ss -Hlnut sport = :53)" ""
	usual_network 2>/dev/null || printf '10.89.0.1\n' | network web
	start
	rm "$CONF/web" "$CONF/aardvark.pid"
	reload
	wait_for ended "$PID"
}

@test "AV-061 AV-062 a header alone, or files that make no sense, keep the server" {
	usual_network
	start
	echo 10.89.0.1 >"$CONF/web"
	reload
	wait_for eval '[ "$(ask_code @10.89.0.1 db.dns.podman)" = NXDOMAIN ]'
	echo nonsense >"$CONF/web"
	reload
	equal "$(ask_code @10.89.0.1 db.dns.podman)" NXDOMAIN
	kill -0 "$PID"
}

@test "AV-063 who comes when the last one leaves is served" {
	usual_network
	cp "$CONF/web" "$BATS_TEST_TMPDIR/web"
	for _ in {1..40}; do
		start
		# As netavark does it: remove and signal; then write and signal, or start.
		rm "$CONF/web"
		kill -HUP "$PID"
		cp "$BATS_TEST_TMPDIR/web" "$CONF/web"
		local pid
		pid=$(cat "$CONF/aardvark.pid" 2>/dev/null) || pid=
		if [ -z "$pid" ] || ! kill -HUP "$pid" 2>/dev/null; then
			start
		fi
		becomes "@10.89.0.1 db" 10.89.0.2
	done
}

@test "AV-065 another server's pid file is left alone" {
	usual_network
	start
	echo -n 4711 >"$CONF/new"
	mv "$CONF/new" "$CONF/aardvark.pid"
	kill "$PID"
	wait_for ended "$PID"
	equal "$(cat "$CONF/aardvark.pid")" 4711
}
