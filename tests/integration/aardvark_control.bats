#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lists of options are meant to be split, eval expands its text later, and bats runs each test in a
# process of its own.
# shellcheck disable=SC2086,SC2016,SC2030,SC2031,SC2154

load aardvark

# Asks the server with a command of the program.
control() {
	host timeout 10 "$AARDVARK" "$1" --config "$CONF" "${@:2}"
}

# talk REQUEST... — sends lines to the socket and prints the replies.
talk() {
	printf '%s\n' "$@" | host timeout 10 socat -t5 - "UNIX:$CONF.ctl"
}

# A part of the counters.
stats() {
	control stats --json "${@:2}" | jq -c "$1"
}

valid() {
	"$BATS_TEST_DIRNAME/../schema/check_schemas.py" --validate "$1" -
}

@test "BU-088 after a thousand queries every counter is right" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	start
	host python3 "$BATS_TEST_DIRNAME/aardvark_mix.py"
	control stats --json >"$BATS_TEST_TMPDIR/stats"
	valid aardvark-stats <"$BATS_TEST_TMPDIR/stats"
	jq -S 'del(.upstreams[]["p50_us", "p95_us", "p99_us"], .cache.bytes)' "$BATS_TEST_TMPDIR/stats" >"$BATS_TEST_TMPDIR/actual"
	jq -S . >"$BATS_TEST_TMPDIR/expected" <<-'EOF'
		{"total": {"queries": 1000, "udp": 900, "tcp": 100, "unanswered": 0,
		   "types": {"A": 600, "AAAA": 200, "MX": 99, "PTR": 100, "OTHER": 1},
		   "rcodes": {"NOERROR": 879, "NXDOMAIN": 100, "REFUSED": 20, "FORMERR": 1},
		   "sources": {"local": 880, "cache": 99, "server": 21}},
		 "ignored": 3, "waiting": 0,
		 "networks": {"web": {"queries": 999, "udp": 899, "tcp": 100, "unanswered": 0,
		   "types": {"A": 600, "AAAA": 200, "MX": 99, "PTR": 100},
		   "rcodes": {"NOERROR": 879, "NXDOMAIN": 100, "REFUSED": 20},
		   "sources": {"local": 879, "cache": 99, "server": 21}}},
		 "containers": {"id1": {"queries": 300, "udp": 200, "tcp": 100, "unanswered": 0,
		   "types": {"AAAA": 200, "PTR": 100}, "rcodes": {"NOERROR": 300},
		   "sources": {"local": 300, "cache": 0, "server": 0}}},
		 "cache": {"entries": 1, "bytes_max": 1048576, "hits": 99, "misses": 21, "stored": 1, "evicted": 0},
		 "upstreams": [{"server": "127.0.0.10", "transport": "udp", "working": true,
		   "asked": 21, "answered": 21, "failed": 0, "wrong": 0}]}
	EOF
	diff -u "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/actual"
	equal "$(stats .containers.id1.queries --container id1)" 300
	equal "$(stats '[.total, .networks.web.queries]' --network web)" "[null,999]"
	# A reload keeps them.
	control reload
	equal "$(stats .total.queries)" 1000
	run control stats
	[[ $output == *"all: 1000 queries, 900 by UDP, 100 by TCP"* ]]
}

@test "BU-088 failures and silence are counted, too" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	echo "id9 10.89.0.3  x 127.0.0.12" >>"$CONF/web"
	start
	equal "$(ask_code @10.89.0.1 -b 10.89.0.2 silent.test)" SERVFAIL
	run ask +time=1 @10.89.0.1 -b 10.89.0.3 refused.test
	equal "$(stats '.total | [.queries, .unanswered, .rcodes]')" '[2,1,{"SERVFAIL":1}]'
	equal "$(stats '[.upstreams[] | [.server, .asked, .failed, .working]] | sort')" \
		'[["127.0.0.10",1,1,false],["127.0.0.12",1,1,false]]'
}

@test "BU-089 the log has every query once, in order" {
	usual_network
	start
	control log --json >"$BATS_TEST_TMPDIR/log" &
	HELPERS+=($!)
	wait_for eval '[ "$(ask_short @10.89.0.1 db; wc -l <"$BATS_TEST_TMPDIR/log")" != "10.89.0.2 0" ] && [ -s "$BATS_TEST_TMPDIR/log" ]'
	for i in {1..200}; do
		echo "@10.89.0.1 -b 10.89.0.2 n$i.dns.podman"
	done >"$BATS_TEST_TMPDIR/batch"
	ask +short -f "$BATS_TEST_TMPDIR/batch"
	wait_for grep -q n200 "$BATS_TEST_TMPDIR/log"
	equal "$(jq -r 'select(.name | startswith("n")).name' "$BATS_TEST_TMPDIR/log")" \
		"$(printf 'n%s.dns.podman\n' {1..200})"
	valid aardvark-query < <(tail -n 1 "$BATS_TEST_TMPDIR/log")
	equal "$(tail -n 1 "$BATS_TEST_TMPDIR/log" | jq -c 'del(.time, .microseconds)')" \
		'{"client":"db","address":"10.89.0.2","transport":"udp","name":"n200.dns.podman","type":"A","rcode":"NXDOMAIN","answers":0,"source":"local"}'
}

@test "BU-089 a reader that does not follow loses lines and delays nobody" {
	usual_network
	start
	host python3 - "$CONF.ctl" <<-'EOF'
		import json, socket, struct, sys, time
		dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		dns.connect(("10.89.0.1", 53))
		dns.settimeout(5)
		def ask(n):
		    begin = time.process_time_ns(), time.monotonic()
		    for i in range(n):
		        dns.send(struct.pack(">HHHHHH", i & 0xffff, 0, 1, 0, 0, 0) + b"\2db\0\0\1\0\1")
		        assert struct.unpack(">H", dns.recv(512)[:2])[0] == i & 0xffff
		    return time.monotonic() - begin[1]
		log = socket.socket(socket.AF_UNIX)
		log.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		log.connect(sys.argv[1])
		log.sendall(b'{"command":"log"}\n')
		file = log.makefile()
		assert json.loads(file.readline()) == {"log": True}
		for _ in range(8):  # until its buffers are full
		    ask(1000)
		without = min(ask(300) for _ in range(8))
		print("300 queries beside a stuck reader:", without)
		# Now it reads: what it has missed is told, and lines and losses add up.
		log.settimeout(5)
		lines = lost = 0
		while lines + lost < 10401:
		    line = json.loads(file.readline())
		    lost += line.get("lost", 0)
		    lines += "name" in line
		    if lines + lost == 10400:  # all so far; the next query carries the number
		        break
		    if not lost and lines > 500 and lines % 500 == 0:
		        ask(1)
		assert lost > 0 and lines > 0, (lost, lines)
	EOF
}

@test "BU-090 AV-164 no name can break a line" {
	usual_network
	printf '10.90.0.1\nx 10.90.0.2  "q\\"\n' >"$CONF/$(printf 'net"\n\001\xff')"
	bridge_address 10.90.0.1/24
	start
	control log --json >"$BATS_TEST_TMPDIR/log" &
	HELPERS+=($!)
	wait_for eval 'ask_short @10.89.0.1 db >/dev/null; [ -s "$BATS_TEST_TMPDIR/log" ]'
	host python3 - <<-'EOF'
		import socket, struct
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.connect(("10.90.0.1", 53))
		s.settimeout(5)
		name = bytes([len(b'a"\\\n\0\xff%n{}')]) + b'a"\\\n\0\xff%n{}' + b"\3dns\6podman\0"
		s.send(struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + name + b"\xff\x00\0\1")
		s.recv(512)
	EOF
	wait_for grep -q TYPE65280 "$BATS_TEST_TMPDIR/log"
	equal "$(tail -n 1 "$BATS_TEST_TMPDIR/log" | jq -r .name)" 'a\034\092\010\000\255%n{}.dns.podman'
	control dump --json | valid aardvark-dump
	control stats --json | valid aardvark-stats
	equal "$(control dump | grep -c '^network')" 2
	# It is shown alike everywhere, and has nothing that a terminal would obey.
	equal "$(control dump --json | jq -r '.networks[].name' | grep -v web)" 'net"\010\001\255'
	equal "$(control stats --json | jq -r '.networks | keys[]' | grep -v web)" 'net"\010\001\255'
}

@test "BU-091 clients of the socket cannot do harm" {
	usual_network
	start
	equal "$(stat -c %a "$CONF.ctl")" 600
	host python3 - "$CONF.ctl" <<-'EOF'
		import json, os, random, socket, sys, time
		def client():
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(sys.argv[1])
		    s.settimeout(10)
		    return s
		def refused(data):
		    s = client()
		    s.sendall(data)
		    s.shutdown(socket.SHUT_WR)
		    return b"error" in s.recv(1000)
		assert refused(b"\n") and refused(b"{}\n") and refused(b"[1]\n") and refused(b'{"command":7}\n')
		assert refused(b'{"command":"stop"}\n') and refused(b"\0\xff" * 100 + b"\n")
		assert refused(b"[" * 4000 + b"\n")
		s = client()
		s.sendall(b"x" * 4095)
		time.sleep(0.05)
		s.sendall(b"y" * 10)
		assert b"too long" in s.recv(1000)
		random.seed(3)
		for _ in range(300):
		    s = client()
		    try:
		        s.sendall(random.randbytes(random.randrange(3000)) + b"\n")
		    except OSError:
		        pass
		    s.close()
		# Sixteen at most; and those that say nothing have to go.
		idle = [client() for _ in range(16)]
		time.sleep(0.05)
		assert b"too many" in client().recv(1000)
		for s in idle:
		    assert s.recv(1000) == b""
		# One that asks and does not read the answers gets no more of them.
		s = client()
		s.setblocking(False)
		try:
		    while True:
		        s.send(b'{"command":"dump"}\n' * 100)
		except BlockingIOError:
		    pass
	EOF
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	equal "$(server_pid)" "$PID"
	equal "$(control ping | cut -d, -f1)" "version 2.1.0"
}

@test "the socket stands beside the directory, and every command has its answer" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	start
	equal "$(ls -A "$CONF")" "$(printf 'aardvark.pid\nweb')"
	ask_short @10.89.0.1 x.test
	control ping --json | valid aardvark-reply
	equal "$(control flush)" "1 answers dropped from the cache"
	ask_short @10.89.0.1 x.test
	equal "$(count_recorded x.test)" 2
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	equal "$(control reload)" "1 networks, 3 containers"
	equal "$(ask_short @10.89.0.1 new)" 10.89.0.9
	equal "$(control dump | sed -n '/10.89.0.2/p')" "  10.89.0.2        id1 db,alias"
	equal "$(talk '{"command":"ping"}' '{"command":"flush"}' | tail -n 1)" '{"flushed":1}'
	# The global option will do as well, and a directory is what it is relative to.
	run host env -C "$BATS_TEST_TMPDIR" "$AARDVARK" -c conf/ ping
	equal "$status" 0
	kill "$PID"
	wait_for ended "$PID"
	[ ! -e "$CONF.ctl" ]
	run --separate-stderr control ping
	equal "$status" 1
	[[ $stderr == "no server answers at $CONF.ctl: No such file or directory" ]]
}

@test "a socket that was left behind is replaced, a file is not" {
	usual_network
	start
	kill -KILL "$PID"
	wait_for ended "$PID"
	[ -S "$CONF.ctl" ]
	start
	control ping
	kill "$PID"
	wait_for ended "$PID"
	echo precious >"$CONF.ctl"
	start # without a socket
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	equal "$(cat "$CONF.ctl")" precious
}

@test "a client may be ahead with its requests, and readers of the log that left leave no trace" {
	usual_network
	start
	host python3 - "$CONF.ctl" <<-'EOF'
		import socket, sys, threading, time
		def client():
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(sys.argv[1])
		    s.settimeout(10)
		    return s
		# More requests than fit anywhere, and nobody reads the replies until all are sent.
		s = client()
		sender = threading.Thread(target=s.sendall, args=(b'{"command":"dump"}\n' * 20000,))
		sender.start()
		sender.join(1)
		replies = s.makefile("rb")
		for _ in range(20000):
		    assert replies.readline().startswith(b'{"port":53,')
		sender.join()
		s.shutdown(socket.SHUT_WR)
		assert replies.read() == b""
		# No query arrives that could show that they are gone.
		for half in False, True:
		    readers = [client() for _ in range(16)]
		    for s in readers:
		        s.sendall(b'{"command":"log"}\n')
		        assert b"log" in s.recv(1000)
		        if half:
		            s.shutdown(socket.SHUT_WR)
		    time.sleep(0.05)
		    for s in readers:
		        s.close()
		    s = client()
		    s.sendall(b'{"command":"ping"}\n')
		    assert b"version" in s.recv(1000)
		    s.shutdown(socket.SHUT_WR)
		    assert s.recv(1000) == b""
	EOF
}

@test "who gets no answer is told why" {
	usual_network
	start
	host python3 - "$CONF.ctl" "$AARDVARK" "$CONF" <<-'EOF'
		import socket, subprocess, sys
		held = []
		for _ in range(16):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(sys.argv[1])
		    held.append(s)
		for command in "log", "ping":
		    done = subprocess.run([sys.argv[2], command, "-c", sys.argv[3]], capture_output=True, timeout=10)
		    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"too many clients\n"), done
	EOF
	run --separate-stderr control stats --network $'\xff'
	equal "$status $stderr" "1 a name is not valid UTF-8"
	# The last network goes, and the server with it; but it still replies.
	rm "$CONF/web"
	equal "$(control reload)" "0 networks, 0 containers"
	wait_for ended "$PID"
}
