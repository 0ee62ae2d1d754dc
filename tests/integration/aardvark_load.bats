#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many names, many queries, many reloads. What is measured is the time on the processor, the best of
# several tries, and it is held to twice the promise: there is other work on the machine.
#
# Lists of options are meant to be split, eval expands its text later, and bats runs each test in a
# process of its own.
# shellcheck disable=SC2086,SC2016,SC2030,SC2031

load aardvark

# many N — a network of N containers with one name and two addresses each.
many() {
	bridge_address 10.64.0.1/10 2>/dev/null || true
	awk -v n="$1" 'BEGIN {
		print "10.64.0.1"
		for (i = 0; i < n; i++)
			printf "id%d 10.%d.%d.%d fd00::%x name%d\n", i, 65 + i / 62500, i / 250 % 250, i % 250 + 1, i + 1, i
	}' >"$CONF/web"
}

rss() {
	awk '/VmRSS/ { print $2 }' "/proc/$PID/status"
}

descriptors() {
	find "/proc/$PID/fd" -type l | wc -l
}

@test "AV-021 AV-153 a start with many names is quick, and needs little memory" {
	skip_under_sanitizer
	while read -r names ms kib; do
		many "$names"
		host python3 - "$AARDVARK" "$CONF" "$ms" <<-'EOF'
			import os, resource, signal, subprocess, sys, time
			def children():
			    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
			    return (usage.ru_utime + usage.ru_stime) * 1e3
			best = 1e9
			for _ in range(12):
			    begin = children()
			    subprocess.run([sys.argv[1], "-c", sys.argv[2], "-p", "53", "run"], check=True)
			    pid = int(open(sys.argv[2] + "/aardvark.pid").read())
			    own = int(open(f"/proc/{pid}/schedstat").read().split()[0]) / 1e6
			    best = min(best, children() - begin + own)
			    os.kill(pid, signal.SIGTERM)
			    while os.path.exists(sys.argv[2] + "/aardvark.pid"):
			        time.sleep(0.001)
			    if best <= float(sys.argv[3]):
			        break
			print(f"best start: {best:.1f} ms")
			sys.exit(best > 2 * float(sys.argv[3]))
		EOF
		start
		echo "$names names: $(rss) KiB"
		(($(rss) <= kib))
		kill "$PID"
		wait_for ended "$PID"
	done <<-'EOF'
		1 3 3072
		1000 4 3584
		10000 15 6900
	EOF
}

@test "AV-040 a new line is answered right after the signal" {
	skip_under_sanitizer
	while read -r names ms; do
		many "$names"
		start
		host python3 - "$PID" "$CONF/web" "$ms" <<-'EOF'
			import os, signal, socket, struct, sys, time
			s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			s.connect(("10.64.0.1", 53))
			s.settimeout(5)
			def ask(name):
			    s.send(struct.pack(">HHHHHH", 7, 0, 1, 0, 0, 0) + bytes([len(name)]) + name +
			           b"\3dns\6podman\0\0\1\0\1")
			    return s.recv(512)[3] & 15
			def cpu():
			    return int(open(f"/proc/{sys.argv[1]}/schedstat").read().split()[0]) / 1e6
			best = 1e9
			for i in range(12):
			    name = b"new%d" % i
			    assert ask(name) == 3
			    with open(sys.argv[2], "a") as f:
			        f.write(f"new{i} 10.99.0.{i + 1}  new{i}\n")
			    begin = cpu()
			    os.kill(int(sys.argv[1]), signal.SIGHUP)
			    while ask(name) != 0:
			        time.sleep(0.001)
			    best = min(best, cpu() - begin)
			    if best <= float(sys.argv[3]):
			        break
			print(f"best reload: {best:.2f} ms")
			sys.exit(best > 2 * float(sys.argv[3]))
		EOF
		kill "$PID"
		wait_for ended "$PID"
	done <<-'EOF'
		1 0.5
		1000 1.5
		10000 10
	EOF
}

@test "a reload reads only what has changed" {
	usual_network
	printf '10.89.0.1\nx 10.90.0.2  other\n' | network other
	# Stamps are coarse: only old ones prove that nothing has changed since.
	touch -d '1 minute ago' "$CONF"/*
	sleep 2.1
	start
	ASAN_OPTIONS='' strace -p "$PID" -o "$BATS_TEST_TMPDIR/trace" -e trace=openat 2>"$BATS_TEST_TMPDIR/strace" &
	HELPERS+=($!)
	wait_for grep -q attached "$BATS_TEST_TMPDIR/strace"
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	reload
	wait_for eval '[ "$(ask_short @10.89.0.1 new)" = 10.89.0.9 ]'
	equal "$(ask_short @10.89.0.1 other)" 10.90.0.2
	# It lets go of the server, which LeakSanitizer looks at when it ends.
	kill "${HELPERS[-1]}"
	wait "${HELPERS[-1]}" || true
	grep -q '"web"' "$BATS_TEST_TMPDIR/trace"
	run grep -c '"other"' "$BATS_TEST_TMPDIR/trace"
	equal "$output" 0
}

@test "AV-150 AV-151 a flood of one client harms neither memory nor others" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	# Names that start with "no" go to a server that never answers.
	host socat -u UDP-RECV:53,bind=127.0.0.12 - >/dev/null &
	HELPERS+=($!)
	wait_for eval '[ $(host ss -Hlnu src 127.0.0.12 | wc -l) = 1 ]'
	echo "id9 10.89.0.3  flood 127.0.0.12" >>"$CONF/web"
	start
	ask_short @10.89.0.1 x.test
	local before after
	before=$(rss)
	host python3 - <<-'EOF'
		import socket, struct, time
		def client(address):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.bind((address, 0))
		    s.connect(("10.89.0.1", 53))
		    s.settimeout(5)
		    return s
		def query(i, name):
		    return struct.pack(">HHHHHH", i & 0xffff, 0x100, 1, 0, 0, 0) + bytes([len(name)]) + name
		flood, other = client("10.89.0.3"), client("10.89.0.2")
		waits, answered = [], 0
		for i in range(20000):
		    flood.send(query(i, b"no%d" % i) + b"\4test\0\0\1\0\1")
		    if i % 100 == 0:  # local names, and names that a working server has
		        begin = time.monotonic()
		        other.send(query(i, b"db") + b"\0\0\1\0\1")
		        assert other.recv(512)[:2] == struct.pack(">H", i & 0xffff)
		        waits.append(time.monotonic() - begin)
		        other.send(query(i, b"yes%d" % i) + b"\4test\0\0\1\0\1")
		        answered += other.recv(512)[3] & 15 == 0
		waits.sort()
		print("local: median", waits[100], "p99", waits[197], "forwarded:", answered, "of 200")
		assert answered >= 198 and waits[100] < 0.01
	EOF
	after=$(rss)
	echo "$before KiB, then $after KiB; $(descriptors) descriptors"
	grep -q __asan_init "$AARDVARK" || ((after <= before + 2048))
	(($(descriptors) <= 60))
	equal "$(ask_short @10.89.0.1 y.test)" 127.0.0.10
}

@test "AV-154 under a mixed load with reloads and changing servers nothing grows" {
	skip_under_sanitizer
	usual_network
	resolver 127.0.0.10 127.0.0.11
	echo nameserver 127.0.0.10 >"$RESOLV"
	for i in {1..300}; do
		echo "id$i 10.88.$((i / 250)).$((i % 250 + 1))  name$i,alias$i"
	done >>"$CONF/web"
	start
	round() {
		host python3 - "$PID" "$CONF" "$RESOLV" "$1" <<-'EOF'
			import os, random, signal, socket, struct, sys
			pid, conf, resolv, seed = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
			random.seed(seed)
			def question(name):
			    return b"".join(bytes([len(p)]) + p for p in name.split(b".")) + b"\0\0\1\0\1"
			udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			udp.connect(("10.89.0.1", 53))
			udp.settimeout(6)
			for i in range(3000):
			    name = random.choice([b"db", b"name%d" % random.randrange(300), b"x%d.test" % i, b"same.test",
			                          b"gone.dns.podman", b"refused.test"])
			    message = struct.pack(">HHHHHH", i, 0x100, 1, 0, 0, 0) + question(name)
			    if i % 10 == 0:
			        with socket.create_connection(("10.89.0.1", 53), 6) as tcp:
			            tcp.sendall(struct.pack(">H", len(message)) + message)
			            if i % 20 == 0:
			                assert len(tcp.recv(65535)) > 2
			    else:
			        udp.send(message)
			        assert udp.recv(4096)[:2] == message[:2]
			    if i % 30 == 0:
			        with open(conf + "/other", "w") as f:
			            f.write("127.0.1.1\n" + "".join(f"o{k} 10.77.0.{k}  o{k}\n" for k in range(1, random.randrange(2, 99))))
			        os.kill(pid, signal.SIGHUP)
			    if i % 100 == 0:
			        with open(resolv, "w") as f:
			            f.write(f"nameserver 127.0.0.1{random.randrange(2)}\n")
		EOF
	}
	round 1
	round 2
	local rss fds
	rss=$(rss) fds=$(descriptors)
	round 3
	round 4
	round 5
	echo "$rss KiB and $fds descriptors, then $(rss) KiB and $(descriptors)"
	(($(rss) <= rss * 11 / 10 && $(descriptors) <= fds + 4))
}

@test "AV-162 a stuck system log delays nothing" {
	usual_network
	host mount --bind "$BATS_TEST_TMPDIR" /dev
	mknod "$BATS_TEST_TMPDIR/null" c 1 3
	# It never reads.
	host python3 - "$BATS_TEST_TMPDIR/log" <<-'EOF' &
		import os, socket, sys, time
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		parent = os.getppid()
		while os.getppid() == parent:
		    time.sleep(0.1)
	EOF
	HELPERS+=($!)
	wait_for test -S "$BATS_TEST_TMPDIR/log"
	RUST_LOG=debug start
	for _ in {1..300}; do # more lines than its queue holds
		reload
		ask_short +time=1 @10.89.0.1 db >/dev/null
	done &
	local loop=$!
	wait "$loop"
	equal "$(ask_short +time=1 @10.89.0.1 db)" 10.89.0.2
	[[ $(cat "/proc/$PID/wchan" 2>/dev/null) != *unix* ]]
}

@test "AV-163 a thousand bad packets or failures fill no log" {
	usual_network
	host mount --bind "$BATS_TEST_TMPDIR" /dev
	mknod "$BATS_TEST_TMPDIR/null" c 1 3
	host socat -u UNIX-RECV:/dev/log,rcvbuf=1000000 STDOUT >"$BATS_TEST_TMPDIR/lines" &
	HELPERS+=($!)
	wait_for test -S "$BATS_TEST_TMPDIR/log"
	echo nameserver 127.0.0.99 >"$RESOLV" # refuses
	start
	host python3 - <<-'EOF'
		import socket, struct
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.connect(("10.89.0.1", 53))
		s.settimeout(5)
		for i in range(1000):
		    s.send(struct.pack(">HHHHHH", i, 0x100, 1, 0, 0, 0) + b"\5x%04d\4test\0\0\1\0\1" % i)
		    assert s.recv(512)[3] & 15 == 2
		for i in range(1000):
		    s.send(b"\0" * (i % 30) + b"\xff")
	EOF
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	echo "$(grep -ac aardvark-dns "$BATS_TEST_TMPDIR/lines") lines"
	(($(grep -ac aardvark-dns "$BATS_TEST_TMPDIR/lines") <= 10))
}

@test "AV-171 BU-061 ids and ports of ten thousand queries are spread evenly" {
	usual_network
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	AARDVARK_CACHE_SIZE=0 start
	host python3 - <<-'EOF'
		import socket, struct
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.connect(("10.89.0.1", 53))
		s.settimeout(10)
		for i in range(10000):
		    s.send(struct.pack(">HHHHHH", i, 0x100, 1, 0, 0, 0) + b"\5x%04d\4test\0\0\1\0\1" % i)
		    s.recv(512)
	EOF
	recorded | python3 -c '
import sys
rows = [line.split() for line in sys.stdin]
ports, ids = [int(r[2]) for r in rows], [int(r[3]) for r in rows]
assert len(rows) == 10000, len(rows)
# Of 28 000 ports a neighbour has the same one once in three such runs; more than five times is no chance.
assert sum(a == b for a, b in zip(ports, ports[1:])) <= 5
low, high = map(int, open("/proc/sys/net/ipv4/ip_local_port_range").read().split())
def chi_square(values, low, high, bins=100):
    counts = [0] * bins
    for v in values:
        counts[(v - low) * bins // (high - low + 1)] += 1
    expected = len(values) / bins
    return sum((c - expected) ** 2 / expected for c in counts)
# 99 degrees of freedom: above 160 once in ten thousand times.
for name, value in ("ids", chi_square(ids, 0, 65535)), ("ports", chi_square(ports, low, high)), \
        ("low bits of ids", chi_square([i & 255 for i in ids], 0, 255, 128) - 28):
    print(name, round(value, 1))
    assert value < 160
'
}
