#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lists of options are meant to be split, eval expands its text later, and bats runs each test in a
# process of its own.
# shellcheck disable=SC2086,SC2016,SC2030,SC2031

load aardvark

# A Python script on the host; query(id, name) and exchange helpers are there.
script() {
	cat >"$BATS_TEST_TMPDIR/script.py" <<-'EOF'
		import socket, struct, sys, time
		def query(i, name, qtype=1):
		    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split(".") if l)
		    q = struct.pack(">HHHHHH", i, 0x100, 1, 0, 0, 0) + labels + b"\0"
		    return q + struct.pack(">HH", qtype, 1)
		def framed(message):
		    return struct.pack(">H", len(message)) + message
		def connect(address="10.89.0.1", source=None):
		    s = socket.create_connection((address, 53), 5, source and (source, 0))
		    s.settimeout(8)
		    return s
		def receive(s):
		    head = s.recv(2, socket.MSG_WAITALL)
		    if len(head) < 2:
		        return None
		    return s.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
		def ident(reply):
		    return struct.unpack(">H", reply[:2])[0]
	EOF
	cat >>"$BATS_TEST_TMPDIR/script.py"
	host timeout 30 python3 "$BATS_TEST_TMPDIR/script.py" "$@"
}

@test "AV-140 silent, dripping and finished connections end after three seconds" {
	usual_network
	start
	script <<-'EOF'
		import select
		def is_closed(s):
		    try:
		        return s.recv(1) == b""
		    except ConnectionResetError: # it had sent bytes that nobody read
		        return True
		begin = time.monotonic()
		silent, partial, dripping, asked = (connect() for _ in range(4))
		partial.send(b"\0\x3c\n")
		asked.send(framed(query(1, "db")))
		assert ident(receive(asked)) == 1
		waiting = {silent, partial, dripping, asked}
		while waiting and time.monotonic() - begin < 6:
		    ready, _, _ = select.select(list(waiting), [], [], 0.3)
		    for s in ready:
		        assert is_closed(s)
		        took = time.monotonic() - begin
		        assert 2.8 < took < 3.5, took
		        waiting.discard(s)
		    if dripping in waiting:
		        dripping.send(b"\1")
		assert not waiting
	EOF
}

@test "AV-140 BU-060 pipelined queries, half close, and messages that make no sense" {
	usual_network
	start
	script <<-'EOF'
		s = connect()
		s.send(b"".join(framed(query(i, "db")) for i in range(50)))
		assert [ident(receive(s)) for _ in range(50)] == list(range(50))
		s.send(framed(b"nonsense!") + framed(query(7, "db")))
		assert ident(receive(s)) == 7
		s.send(framed(query(8, "db")))
		s.shutdown(socket.SHUT_WR)
		assert ident(receive(s)) == 8
		begin = time.monotonic()
		assert s.recv(1) == b"" and time.monotonic() - begin < 1
		s = connect()
		s.send(b"\0\0")
		assert s.recv(1) == b"" and time.monotonic() - begin < 1
		s = connect()
		s.send(framed(query(9, "db"))[:7])
		s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		s.close()
		s = connect()
		s.send(framed(query(10, "db")))
		assert ident(receive(s)) == 10
	EOF
}

@test "AV-140 local answers do not wait for a forwarded one" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	start
	script <<-'EOF'
		s = connect()
		s.send(framed(query(1, "silent.test")) + framed(query(2, "db")) + framed(query(3, "x.test")))
		s.shutdown(socket.SHUT_WR)
		assert ident(receive(s)) == 2
		assert ident(receive(s)) == 3
		reply = receive(s)
		assert ident(reply) == 1 and reply[3] & 15 == 2
		assert s.recv(1) == b""
	EOF
}

@test "AV-140 a truncated query costs no CPU" {
	usual_network
	start
	printf '\0\x3c\n' | host socat -u - TCP:10.89.0.1:53
	local before after
	before=$(awk '{ print $14 + $15 }' "/proc/$PID/stat")
	sleep 0.5 # the time in which it would use some
	after=$(awk '{ print $14 + $15 }' "/proc/$PID/stat")
	((after - before <= 2))
	equal "$(ask_short +tcp @10.89.0.1 db)" 10.89.0.2
}

@test "AV-141 idle connections of one client do not keep others out" {
	usual_network
	start
	script <<-'EOF'
		idle = [connect(source="10.89.0.2") for _ in range(300)]
		begin = time.monotonic()
		s = connect(source="10.89.0.3")
		s.send(framed(query(1, "db")))
		assert ident(receive(s)) == 1
		assert time.monotonic() - begin < 0.2
	EOF
}

@test "AV-142 running out of descriptors ends nothing" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	(
		ulimit -n 40
		start
	)
	PID=$(server_pid)
	script <<-'EOF'
		many = [connect(source="10.89.0.%d" % (2 + i % 2)) for i in range(60)]
		u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		u.connect(("10.89.0.1", 53))
		u.settimeout(2)
		for i in range(200):
		    u.send(query(i, "silent.x%d" % i))
		u.send(query(999, "db"))
		while ident(u.recv(512)) != 999:
		    pass
		for s in many:
		    s.close()
		s = connect()
		s.send(framed(query(1, "db")))
		assert ident(receive(s)) == 1
	EOF
}

@test "AV-143 a client that never reads is bounded and dropped" {
	skip_under_sanitizer
	usual_network
	for i in {1..1000}; do
		echo "id$i 10.88.$((i / 250)).$((i % 250))  crowd"
	done >>"$CONF/web"
	start
	script "$PID" <<-'EOF'
		def rss():
		    return [int(l.split()[1]) for l in open(f"/proc/{sys.argv[1]}/status") if "VmRSS" in l][0]
		s = connect()
		s.setblocking(False)
		before = rss()
		begin = time.monotonic()
		burst = framed(query(1, "crowd")) * 100
		try:
		    while time.monotonic() - begin < 8:
		        try:
		            s.send(burst)
		        except BlockingIOError:
		            time.sleep(0.05)
		except (ConnectionResetError, BrokenPipeError):
		    pass
		took = time.monotonic() - begin
		assert took < 7, took
		assert rss() - before < 1500, (before, rss())
	EOF
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
}
