#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lists of options are meant to be split, eval expands its text later, and bats runs each test in a
# process of its own.
# shellcheck disable=SC2086,SC2016,SC2030,SC2031

load aardvark

# The host's DNS servers.
resolv() {
	printf 'nameserver %s\n' "$@" >"$RESOLV"
}

@test "AV-110 the container's servers come before the network's and the host's" {
	usual_network
	bridge_address 10.90.0.1/24
	host ip address add 10.90.0.2/32 dev lo
	host ip address add 10.90.0.4/32 dev lo
	resolver 127.0.0.10 127.0.0.11 127.0.0.12
	resolv 127.0.0.10
	network other <<-EOF
		10.90.0.1 127.0.0.11
		id4 10.90.0.2  own 127.0.0.12
		id5 10.90.0.4  none
		id1 10.90.0.5  db
	EOF
	start
	equal "$(ask_short @10.89.0.1 -b 10.89.0.3 x.test)" 127.0.0.10
	equal "$(ask_short @10.90.0.1 -b 10.90.0.4 x.test)" 127.0.0.11
	equal "$(ask_short @10.90.0.1 -b 10.90.0.2 x.test)" 127.0.0.12
	# db is in both networks, of which one has a server.
	equal "$(ask_short @10.89.0.1 -b 10.89.0.2 x.test)" 127.0.0.11
}

@test "AV-111 without proxy nothing leaves" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	host env AARDVARK_NO_PROXY= "$AARDVARK" -c "$CONF" -p 53 run
	equal "$(ask_code @10.89.0.1 x.test)" NXDOMAIN
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	equal "$(recorded)" ""
}

@test "AV-112 AV-113 an internal network is no way out, not even for strangers" {
	bridge_address 10.91.0.1/24 10.89.0.1/24
	host ip address add 10.91.0.2/32 dev lo
	host ip address add 10.91.0.3/32 dev lo
	resolver 127.0.0.10
	resolv 127.0.0.10
	network "in%int" <<-EOF
		10.91.0.1 127.0.0.10
		id1 10.91.0.2  inner 127.0.0.10
		id2 10.91.0.3  both
	EOF
	network out <<-EOF
		10.89.0.1
		id2 10.89.0.3  both
	EOF
	start
	equal "$(ask_code @10.91.0.1 -b 10.91.0.2 x.test)" NXDOMAIN
	equal "$(ask_code @10.89.0.1 -b 10.91.0.2 x.test NS)" NXDOMAIN
	equal "$(ask_short @10.91.0.1 -b 10.91.0.2 both)" 10.91.0.3
	container 10.91.0.77/24
	equal "$(inside dig +tries=1 +noall +comments @10.91.0.1 x.test |
		grep -c NXDOMAIN)" 1
	equal "$(recorded)" ""
	equal "$(ask_short @10.91.0.1 -b 10.91.0.3 x.test)" 127.0.0.10
	equal "$(ask_short @10.91.0.1 y.test)" 127.0.0.10 # the host itself
}

@test "AV-114 what the server says is passed on, and the next one is not asked" {
	usual_network
	resolver 127.0.0.10 127.0.0.11
	resolv 127.0.0.10 127.0.0.11
	start
	for code in REFUSED SERVFAIL NXDOMAIN NOTIMP FORMERR; do
		equal "$(ask_code @10.89.0.1 "$code.test")" "$code"
		equal "$(ask_code +noedns @10.89.0.1 "$code.test")" "$code"
		equal "$(ask_code +tcp @10.89.0.1 "$code.test")" "$code"
		equal "$code $(count_recorded "$code")" "$code 3"
	done
	equal "$(ask_code @10.89.0.1 refused)" REFUSED # a single label
	equal "$(count_recorded 127.0.0.11)" 0
}

@test "AV-115 AV-124 answers arrive as they were sent" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	run ask +noadflag +noall +answer +comments +question @10.89.0.1 LoWeR.TeSt
	[[ $output == *"LoWeR.TeSt."*"300"*"127.0.0.10"* ]]
	[[ $output == *"flags: qr aa rd ra;"* ]]
	equal "$(ask_short @10.89.0.1 unknown.test TYPE65280)" '\# 8 00FF016279746573'
	ask +dnssec +adflag +cdflag +bufsize=3000 +ednsopt=65001:aabb @10.89.0.1 x.test
	equal "$(recorded | awk 'END { print $7, $8, $9 }')" "0130 3000 65001"
	ask +cookie=0102030405060708 +keepalive +padding=64 @10.89.0.1 x.test
	equal "$(recorded | awk 'END { print $9 }')" "-"
	ask +noedns @10.89.0.1 x.test
	equal "$(recorded | awk 'END { print $8 }')" "-"
	run ask +noedns +noall +comments @10.89.0.1 unasked.test
	[[ $output == *"ADDITIONAL: 0"* ]]
}

@test "AV-116 servers of all kinds of addresses, over both transports" {
	usual_network
	container
	host ip address add fe80::53/64 dev br0 nodad
	resolver 192.0.2.53 2001:db8::53 127.0.0.10 ::1 "fe80::53%br0"
	for server in 192.0.2.53 2001:db8::53 127.0.0.10 ::1 "fe80::53%br0"; do
		resolv "$server"
		if [ -z "${PID:-}" ]; then start; else reload; fi
		wait_for eval '[ "$(ask_short @10.89.0.1 x.test)" = "${server%\%*}" ]'
		equal "$(ask_short +tcp @10.89.0.1 x.test)" "${server%\%*}"
	done
}

@test "AV-117 three servers of the host count, and all that are configured" {
	usual_network
	resolver 127.0.0.14
	resolv 127.0.0.11 127.0.0.12 127.0.0.13 127.0.0.14
	start
	equal "$(ask_code @10.89.0.1 x.test)" SERVFAIL
	echo "id9 10.89.0.3  four 127.0.0.11,127.0.0.12,127.0.0.13,127.0.0.14" >>"$CONF/web"
	reload
	wait_for eval '[ "$(ask_short @10.89.0.1 -b 10.89.0.3 x.test)" = 127.0.0.14 ]'
}

@test "AV-118 the second configured server is asked when the first is silent" {
	usual_network
	resolver 127.0.0.11
	# A listener that never answers, over both transports.
	host socat -u UDP-RECVFROM:53,bind=127.0.0.10,fork - >/dev/null &
	HELPERS+=($!)
	host socat -u TCP-LISTEN:53,bind=127.0.0.10,fork - >/dev/null &
	HELPERS+=($!)
	wait_for eval '[ $(host ss -Hlnut src 127.0.0.10 | wc -l) = 2 ]'
	echo "id9 10.89.0.3  two 127.0.0.10,127.0.0.11" >>"$CONF/web"
	start
	for transport in +notcp +tcp; do
		run ask $transport @10.89.0.1 -b 10.89.0.3 x.test
		[[ $output == *127.0.0.11* ]]
		local ms
		ms=$(sed -n 's/.*Query time: \([0-9]*\) msec.*/\1/p' <<<"$output")
		echo "$transport: $ms ms"
		((ms >= 2000 && ms < 3900))
	done
}

@test "AV-119 a server that refuses costs no time" {
	usual_network
	resolver 127.0.0.13
	echo "id9 10.89.0.3  x 127.0.0.10,127.0.0.11,127.0.0.12,127.0.0.13" >>"$CONF/web"
	start
	for transport in +notcp +tcp; do
		run ask $transport @10.89.0.1 -b 10.89.0.3 x.test
		[[ $output == *127.0.0.13* ]]
		(($(sed -n 's/.*Query time: \([0-9]*\) msec.*/\1/p' <<<"$output") < 50))
	done
}

@test "AV-120 AV-121 silence for configured servers, an error for the host's" {
	usual_network
	resolver 127.0.0.10 127.0.0.11
	resolv 127.0.0.10
	echo "id9 10.89.0.3  x 127.0.0.10,127.0.0.11" >>"$CONF/web"
	start
	(
		before=$(now_ms)
		equal "$(ask_code @10.89.0.1 silent.host)" SERVFAIL
		(($(now_ms) - before < 4500))
	) &
	local host_client=$!
	(equal "$(ask_code +tcp @10.89.0.1 -b 10.89.0.3 silent.tcp)" SERVFAIL) &
	local tcp_client=$!
	run ask @10.89.0.1 -b 10.89.0.3 silent.udp
	[[ $output == *"no servers could be reached"* ]]
	wait "$host_client"
	wait "$tcp_client"
	# Both servers were asked, three times each, from one port each.
	equal "$(recorded | awk '$1 == "udp" && $5 == "silent.udp"' | wc -l)" 6
	equal "$(recorded | awk '$1 == "udp" && $5 == "silent.udp" {print $2, $3, $4}' | sort -u | wc -l)" 2
}

@test "AV-121 without any server the answer is an error at once" {
	usual_network
	start
	run ask @10.89.0.1 x.test
	[[ $output == *SERVFAIL* ]]
	(($(sed -n 's/.*Query time: \([0-9]*\) msec.*/\1/p' <<<"$output") < 50))
}

@test "AV-122 AV-172 wrong replies are ignored, the right one is used" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	for name in a b c; do
		equal "$(ask_short @10.89.0.1 forged.$name.test)" 127.0.0.10
	done
	equal "$(recorded | wc -l)" 3
}

@test "AV-172 where somebody guesses at the reply the server is asked once more over TCP" {
	usual_network
	resolver 127.0.0.10 127.0.0.11
	resolv 127.0.0.10
	start
	equal "$(ask_short @10.89.0.1 guessed100.test)" 127.0.0.10
	equal "$(recorded | cut -d' ' -f1,5)" "udp guessed100.test"
	equal "$(ask_short @10.89.0.1 guessed150.test)" 127.0.0.10
	equal "$(recorded | cut -d' ' -f1,5 | tail -n +2 | tr '\n' ' ')" "udp guessed150.test tcp guessed150.test "
	# The same for servers of the configuration, of which the second one is not bothered.
	echo "id9 10.89.0.2  own 127.0.0.11,127.0.0.10" >>"$CONF/web"
	reload
	wait_for eval '[ "$(ask_short @10.89.0.1 own)" = 10.89.0.2 ]'
	equal "$(ask_short @10.89.0.1 -b 10.89.0.2 guessed151.test)" 127.0.0.11
	equal "$(recorded | awk '/guessed151/ { print $1, $2 }' | tr '\n' ' ')" "udp 127.0.0.11 tcp 127.0.0.11 "
	host "$AARDVARK" stats --json --config "$CONF" |
		jq -e '[.upstreams[] | select(.transport == "udp") | .wrong] == [201, 101]'
}

@test "AV-123 what is too large for the client is truncated" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	run ask +noall +comments +ignore +noedns @10.89.0.1 big40.test
	[[ $output == *" tc "* && $output == *"ANSWER: 0"* ]]
	run ask +noall +comments +ignore +bufsize=1232 @10.89.0.1 big40.test
	[[ $output != *" tc "* && $output == *"ANSWER: 40"* ]]
	run ask +noall +comments +ignore +bufsize=4096 @10.89.0.1 big250.test
	[[ $output != *" tc "* && $output == *"ANSWER: 250"* ]]
	run ask +noall +comments +ignore +bufsize=4096 @10.89.0.1 big300.test
	[[ $output == *" tc "* && $output == *"ANSWER: 0"* ]]
	run ask +noall +comments +ignore @10.89.0.1 cut.test
	[[ $output == *" tc "* ]]
	run ask +noall +comments +tcp @10.89.0.1 big4000.test
	[[ $output == *"ANSWER: 4000"* ]]
}

@test "AV-125 a TCP client's query goes out over TCP" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	ask +tcp @10.89.0.1 x.test
	ask @10.89.0.1 y.test
	equal "$(recorded | awk '{ print $1 }' | tr '\n' ' ')" "tcp udp "
}

@test "AV-127 AV-128 a changed resolv.conf is followed without a signal" {
	usual_network
	resolver 127.0.0.10 127.0.0.11
	host umount /etc/resolv.conf
	mkdir "$BATS_TEST_TMPDIR/etc"
	host mount --bind "$BATS_TEST_TMPDIR/etc" /etc
	local file=$BATS_TEST_TMPDIR/etc/resolv.conf
	echo "nameserver 127.0.0.10" >"$file"
	start
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.10
	echo "nameserver 127.0.0.11" >"$file"
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.11
	for last in 10 11 10 11 10; do
		echo "nameserver 127.0.0.$last" >"$file.new"
		mv "$file.new" "$file"
		equal "$(ask_short @10.89.0.1 x.test)" "127.0.0.$last"
	done
	echo "nameserver 127.0.0.11" >"$file.one"
	ln -sf resolv.conf.one "$file"
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.11
	echo "nameserver 127.0.0.10" >"$file.two"
	mv "$file.two" "$file.one"
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.10
	rm "$file"
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.10
	echo "nameserver 127.0.0.11" >"$file"
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.11
}

@test "AV-129 the variables of the resolver library mean nothing" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	host env RES_OPTIONS="use-vc rotate timeout:1 ndots:9" LOCALDOMAIN=a.b HOSTALIASES=/x \
		"$AARDVARK" -c "$CONF" -p 53 run
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.10
	equal "$(recorded | awk '{ print $1, $5 }')" "udp x.test"
}

@test "AV-130 the server never asks itself" {
	usual_network
	resolver 127.0.0.10
	resolv 10.89.0.1 127.0.0.10
	echo "id9 10.89.0.3  x 10.89.0.1,fd00:89::1" >>"$CONF/web"
	start
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.10
	equal "$(ask_code @10.89.0.1 -b 10.89.0.3 x.test)" SERVFAIL
	equal "$(recorded | wc -l)" 1
}

@test "AV-131 a loop through another forwarder ends" {
	usual_network
	host socat UDP-RECVFROM:53,bind=127.0.0.10,fork UDP-SENDTO:10.89.0.1:53 &
	HELPERS+=($!)
	wait_for eval '[ $(host ss -Hlnu src 127.0.0.10 | wc -l) = 1 ]'
	resolv 127.0.0.10
	start
	equal "$(ask_code @10.89.0.1 x.test)" SERVFAIL
}

@test "AV-132 identical questions are asked once" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	container 10.89.0.50/24
	inside python3 - <<-'EOF'
		import socket, struct
		query = lambda i: struct.pack(">HHHHHH", i, 0x100, 1, 0, 0, 0) + b"\4slow\4test\0\0\1\0\1"
		socks = []
		for i in range(60):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.connect(("10.89.0.1", 53))
		    s.settimeout(5)
		    s.send(query(i))
		    socks.append(s)
		for i, s in enumerate(socks):
		    reply = s.recv(512)
		    assert struct.unpack(">H", reply[:2])[0] == i
		    assert reply.endswith(bytes([127, 0, 0, 10]))
	EOF
	(($(recorded | awk '{ print $4 }' | sort -u | wc -l) <= 2))
}

@test "AV-133 a slow server holds nobody up" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	ask @10.89.0.1 silent.test >/dev/null &
	local waiting=$!
	wait_for eval '[ $(count_recorded silent) -ge 1 ]'
	local before
	before=$(now_ms)
	equal "$(ask_short @10.89.0.1 db)" 10.89.0.2
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.10
	(($(now_ms) - before < 1500))
	kill "$waiting" 2>/dev/null || true
}

@test "AV-052 a forwarded query survives a reload" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	ask_short @10.89.0.1 slow.test >"$BATS_TEST_TMPDIR/answer" &
	local client=$!
	wait_for eval '[ $(count_recorded slow) -ge 1 ]'
	echo "id3 10.89.0.9  new" >>"$CONF/web"
	reload
	wait "$client"
	equal "$(cat "$BATS_TEST_TMPDIR/answer")" 127.0.0.10
}

@test "a server that was quick before may take its time" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	for i in {1..30}; do
		echo "@10.89.0.1 x$i.test"
	done >"$BATS_TEST_TMPDIR/batch"
	ask +short -f "$BATS_TEST_TMPDIR/batch"
	equal "$(ask_short @10.89.0.1 slow.test)" 127.0.0.10
	equal "$(ask_short +tcp @10.89.0.1 slow.a.test)" 127.0.0.10
}

# How long a query took, milliseconds, from what dig has printed.
query_ms() {
	sed -n 's/.*Query time: \([0-9]*\) msec.*/\1/p' <<<"$output"
}

@test "BU-055 when the host's servers do not answer the client gets an error in time" {
	usual_network
	resolver 127.0.0.10 127.0.0.11
	resolv 127.0.0.10 127.0.0.11 192.0.2.99 # the last one is unreachable
	start
	local -a clients=()
	for name in silent garbage; do
		(
			run ask "@10.89.0.1" "$name.test"
			[[ $output == *SERVFAIL* ]] && (($(query_ms) < 4500))
		) &
		clients+=($!)
		(
			run ask +tcp "@10.89.0.1" "$name.tcp"
			[[ $output == *SERVFAIL* ]] && (($(query_ms) < 4500))
		) &
		clients+=($!)
	done
	for client in "${clients[@]}"; do
		wait "$client"
	done
	resolv 127.0.0.12 127.0.0.13 # nobody is there
	run ask @10.89.0.1 x.test
	[[ $output == *SERVFAIL* ]]
	(($(query_ms) < 500))
}

@test "BU-056 a dead server of the host costs one question little, and the next ones nothing" {
	usual_network
	resolver 127.0.0.11
	resolv 127.0.0.10 127.0.0.11 127.0.0.12
	# The first one takes all and says nothing.
	host socat -u UDP-RECV:53,bind=127.0.0.10 - >/dev/null &
	HELPERS+=($!)
	wait_for eval '[ $(host ss -Hlnu src 127.0.0.10 | wc -l) = 1 ]'
	start
	run ask @10.89.0.1 first.test
	[[ $output == *127.0.0.11* ]]
	echo "first: $(query_ms) ms"
	(($(query_ms) >= 350 && $(query_ms) < 1000))
	for i in {1..5}; do
		run ask @10.89.0.1 next$i.test
		[[ $output == *127.0.0.11* ]]
		(($(query_ms) < 50))
	done
	# Two seconds later it gets a chance beside the other one, which costs nothing either.
	sleep 2.1
	run ask @10.89.0.1 later.test
	[[ $output == *127.0.0.11* ]]
	(($(query_ms) < 50))
}

@test "BU-056 a server that is back is used again" {
	usual_network
	resolver 127.0.0.11
	resolv 127.0.0.10 127.0.0.11
	start
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.11 # the first one refuses
	resolver 127.0.0.10
	sleep 2.1 # its penalty
	wait_for eval '[ "$(ask_short @10.89.0.1 back$RANDOM.test)" = 127.0.0.10 ]'
	equal "$(ask_short @10.89.0.1 y.test)" 127.0.0.10
}

@test "BU-058 a question is asked once in the lifetime of its answer, which runs down" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	equal "$(ask_short @10.89.0.1 ttl2.test)" 127.0.0.10
	equal "$(ask_short @10.89.0.1 TTL2.test)" 127.0.0.10
	equal "$(ask_short +tcp @10.89.0.1 ttl2.test)" 127.0.0.10
	equal "$(count_recorded -i ttl2)" 1
	ask @10.89.0.1 ttl300.test >/dev/null
	# The question is repeated as it was written; the answer is not authoritative any more.
	run ask +noall +comments +question +answer @10.89.0.1 TtL300.test
	[[ $output == *"TtL300.test."*"flags: qr rd ra"* || $output == *"flags: qr rd ra"*"TtL300.test."* ]]
	wait_for eval '(($(ask +noall +answer @10.89.0.1 ttl300.test | awk "{ print \$2 }") < 300))'
	equal "$(count_recorded ttl300)" 1
	wait_for eval 'ask_short @10.89.0.1 ttl2.test; [ "$(count_recorded ttl2.test)" = 2 ]'
	# A name that does not exist is remembered for as long as its zone says, a failure never.
	for _ in 1 2 3; do
		equal "$(ask_code @10.89.0.1 soa5.test)" NXDOMAIN
		equal "$(ask_code @10.89.0.1 nxdomain.test)" NXDOMAIN
		equal "$(ask_code @10.89.0.1 servfail.test)" SERVFAIL
	done
	equal "$(count_recorded soa5)" 1
	equal "$(count_recorded nxdomain)" 3
	equal "$(count_recorded servfail)" 3
	# DNSSEC, and options that we do not know, make it another question.
	ask_short +dnssec @10.89.0.1 ttl300.test
	ask_short +ednsopt=65001:aabb @10.89.0.1 ttl300.test
	ask_short +ednsopt=65001:aabb @10.89.0.1 ttl300.test
	equal "$(count_recorded ttl300)" 4
}

@test "BU-058 the cache keeps to the client's limit, and forgets when the servers change" {
	usual_network
	resolver 127.0.0.10 127.0.0.11
	resolv 127.0.0.10
	start
	ask @10.89.0.1 +tcp big100.test >/dev/null
	run ask +noall +comments +ignore +noedns @10.89.0.1 big100.test
	[[ $output == *" tc "* && $output == *"ANSWER: 0"* ]]
	run ask +noall +comments +ignore +bufsize=4096 @10.89.0.1 big100.test
	[[ $output != *" tc "* && $output == *"ANSWER: 100"* ]]
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.10
	resolv 127.0.0.11
	equal "$(ask_short @10.89.0.1 x.test)" 127.0.0.11
	kill "$PID"
	wait_for ended "$PID"
	AARDVARK_CACHE_SIZE=0 start
	ask_short @10.89.0.1 y.test
	ask_short @10.89.0.1 y.test
	equal "$(count_recorded y.test)" 2
}

@test "BU-059 configured servers are asked every time, and nobody else gets their answers" {
	usual_network
	resolver 127.0.0.10 127.0.0.12
	resolv 127.0.0.10
	echo "id2 10.89.0.3  front 127.0.0.12" >>"$CONF/web"
	start
	for _ in 1 2; do
		equal "$(ask_short @10.89.0.1 -b 10.89.0.2 x.test)" 127.0.0.10
		equal "$(ask_short @10.89.0.1 -b 10.89.0.3 x.test)" 127.0.0.12
	done
	equal "$(recorded | awk '{ print $2 }' | sort | uniq -c | tr -s ' \n' ' ')" " 1 127.0.0.10 2 127.0.0.12 "
}

@test "AV-171 every query has an ID and a port of its own" {
	usual_network
	resolver 127.0.0.10
	resolv 127.0.0.10
	start
	for i in {1..20}; do
		echo "@10.89.0.1 +qid=7 x$i.test"
	done >"$BATS_TEST_TMPDIR/batch"
	ask +short -f "$BATS_TEST_TMPDIR/batch"
	(($(recorded | awk '{ print $4 }' | sort -u | wc -l) >= 19))
	(($(recorded | awk '{ print $3 }' | uniq | wc -l) == 20))
}
