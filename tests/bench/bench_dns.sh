#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# aardvark-dns beside others: queries per second, processor time per query, memory.
#
#   tests/bench/bench_dns.sh [--rounds N] [--seconds N] [--names N,N] [--check] [--goals] NAME=PROGRAM...
#
# The programs take turns, each with a server of its own in namespaces of this script, which ask it by
# way of a veth pair; everything else on the machine disturbs them alike. Printed are medians, and of
# the ratios to the first program the median over the rounds. With --check the status is 1 if a promise
# (BU-063: twice the queries, a third of the memory) is not kept against the others.
#
# hit: a name of a container; miss: a name below the search domain that does not exist; ptr: an address;
# outside: a hundred names that another server knows, again and again; uncached: such names, each of
# them once; tcp: hit over TCP. p50 and p99 are waits at a thousand queries a second, of the p99 the
# lowest of the rounds. reload: milliseconds from a new line and a SIGHUP to its first answer.
#
# A PROGRAM called dnsmasq gets the names as a file of hosts; "echo" stands for a responder of our own
# that sends every query back with one address: what the kernel and dnsperf allow. --goals prints what
# the first program is to reach, what it has reached, and whether that is enough.

set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
rounds=5 seconds=2 sizes=1,100,1000,10000 check='' goals=''
while [[ ${1-} == --* ]]; do
	case $1 in
	--rounds) rounds=$2 && shift ;;
	--seconds) seconds=$2 && shift ;;
	--names) sizes=$2 && shift ;;
	--check) check=1 ;;
	--goals) goals=1 ;;
	*) sed -n '6p' "$0" && exit 2 ;;
	esac
	shift
done
(($#)) || { sed -n '6p' "$0" && exit 2; }

if [[ -z ${BENCH_INSIDE-} ]]; then
	export BENCH_INSIDE=1
	exec unshare --net --mount --pid --fork --kill-child=KILL --mount-proc "$0" --rounds "$rounds" \
		--seconds "$seconds" --names "$sizes" ${check:+--check} ${goals:+--goals} "$@"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -D_GNU_SOURCE -o "$work/responder" "$here/responder.c"
echo "nameserver 127.0.0.153" >"$work/resolv.conf"
mount --bind "$work/resolv.conf" /etc/resolv.conf
mount -t tmpfs tmpfs /run
ip link set lo up
ip netns add client
ip link add bench0 type veth peer name eth0 netns client
ip address add 10.64.0.1/10 dev bench0
ip link set bench0 up
ip -n client address add 10.127.0.1/10 dev eth0
ip -n client link set eth0 up
"$work/responder" 127.0.0.153 &

ticks=$(getconf CLK_TCK)

# What the tables are asked: files for dnsperf.
questions() {
	local n=$1
	awk -v n="$n" 'BEGIN { for (i = 0; i < n; i++) print "name" i, "A" }' >"$work/hit"
	awk -v n="$n" 'BEGIN { for (i = 0; i < n; i++) print "none" i ".dns.podman A" }' >"$work/miss"
	awk -v n="$n" 'BEGIN { for (i = 0; i < n; i++) printf "%d.%d.%d.10.in-addr.arpa PTR\n", i % 250 + 1, i / 250 % 250, 65 + i / 62500 }' >"$work/ptr"
	awk 'BEGIN { for (i = 0; i < 100; i++) print "host" i ".example A" }' >"$work/outside"
	# More than are asked in a run; a new run has others.
	awk -v salt="$RANDOM" 'BEGIN { for (i = 0; i < 300000; i++) print "u" i "-" salt ".example A" }' >"$work/uncached"
	cp "$work/hit" "$work/tcp"
}

network() {
	awk -v n="$1" 'BEGIN {
		print "10.64.0.1"
		for (i = 0; i < n; i++)
			printf "%064d 10.%d.%d.%d fd00::%x name%d\n", i, 65 + i / 62500, i / 250 % 250, i % 250 + 1, i + 1, i
	}' >"$2/net"
}

cpu() {
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# launch PROGRAM DIRECTORY — starts a server; its process ID is in DIRECTORY/aardvark.pid.
launch() {
	case ${1##*/} in
	echo)
		"$work/responder" 10.64.0.1 &
		echo $! >"$2/aardvark.pid"
		;;
	dnsmasq)
		awk 'NR > 1 { print $2, $4, $4 ".dns.podman"; print $3, $4, $4 ".dns.podman" }' "$2/net" >"$2.hosts"
		"$1" --conf-file=/dev/null --no-resolv --no-hosts --addn-hosts="$2.hosts" --server=127.0.0.153 \
			--listen-address=10.64.0.1 --bind-interfaces --local=/dns.podman/ --user=root \
			--pid-file="$2/aardvark.pid" >/dev/null 2>&1
		;;
	*) RUST_LOG=error "$1" --config "$2" -p 53 run >/dev/null 2>&1 ;;
	esac
}

# percentiles KIND — p50 and p99 in µs at a thousand queries a second.
percentiles() {
	ip netns exec client dnsperf -v -s 10.64.0.1 -d "$work/$1" -c 1 -Q 1000 -l 1 2>/dev/null |
		awk '/^> / && $NF ~ /^[0-9.]+$/ { print $NF * 1e6 }' | sort -n |
		awk '{ v[NR] = $1 } END { print NR ? int(v[int((NR + 1) / 2)]) : 0, NR ? int(v[int((NR * 99 + 99) / 100)]) : 0 }'
}

# reload_ms FILE LINE PID — milliseconds until the name "fresh" of a new line is answered.
reload_ms() {
	ip netns exec client python3 - "$@" <<'END'
import os, signal, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.64.0.1", 53))
s.settimeout(0.02)
query = b"\0\7\1\0\0\1\0\0\0\0\0\0\5fresh\3dns\6podman\0\0\1\0\1"
with open(sys.argv[1], "a") as f:
    f.write(sys.argv[2] + "\n")
begin = time.monotonic()
os.kill(int(sys.argv[3]), signal.SIGHUP)
while time.monotonic() < begin + 5:
    s.send(query)
    try:
        if s.recv(512)[7]:
            break
    except TimeoutError:
        pass
print(f"{(time.monotonic() - begin) * 1e3:.2f}")
END
}

# measure NAME PROGRAM SIZE ROUND — lines on stdout: name size kind round qps us rss p50 p99
measure() {
	local dir=$work/conf pid kind before after qps done_ mode memory line
	rm -rf "$dir" && mkdir "$dir"
	network "$3" "$dir"
	launch "$2" "$dir"
	pid=$(<"$dir/aardvark.pid")
	# An old one says that it is ready before it is.
	for _ in {1..200}; do
		! ip netns exec client dig +short +time=1 +tries=1 @10.64.0.1 name0 >/dev/null || break
		sleep 0.02
	done
	memory=$(rss "$pid")
	for kind in hit miss ptr outside uncached tcp; do
		[[ $kind != tcp || ${2##*/} != echo ]] || continue
		mode=udp
		[[ $kind != tcp ]] || mode=tcp
		before=$(cpu "$pid")
		ip netns exec client dnsperf -m "$mode" -s 10.64.0.1 -d "$work/$kind" -c 4 -q 64 -l "$seconds" \
			>"$work/out" 2>&1 || true
		after=$(cpu "$pid")
		qps=$(awk '/Queries per second/ { printf "%d", $4 }' "$work/out")
		done_=$(awk '/Queries completed/ { print $3 }' "$work/out")
		line="$1 $3 $kind $4 ${qps:-0} $(awk -v t=$((after - before)) -v hz="$ticks" -v n="${done_:-0}" \
			'BEGIN { printf "%.2f", n ? t * 1e6 / hz / n : 0 }') $memory"
		[[ $kind == tcp ]] && echo "$line 0 0" || echo "$line $(percentiles "$kind")"
	done
	case ${2##*/} in
	echo) ;;
	dnsmasq) echo "$1 $3 reload $4 $(reload_ms "$dir.hosts" "10.127.0.9 fresh fresh.dns.podman" "$pid")" ;;
	*) echo "$1 $3 reload $4 $(reload_ms "$dir/net" "fresh 10.127.0.9  fresh" "$pid")" ;;
	esac
	kill -KILL "$pid"
	while [[ -e /proc/$pid ]] && ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null; do :; done
}

for size in ${sizes//,/ }; do
	questions "$size"
	for ((round = 0; round < rounds; round++)); do
		programs=("$@")
		for ((i = 0; i < $#; i++)); do
			program=${programs[(i + round) % $#]}
			measure "${program%%=*}" "${program#*=}" "$size" "$round"
		done
	done
done >"$work/lines"

for program; do
	[[ $program == *=echo ]] || printf '%s: %s\n' "${program%%=*}" "$("${program#*=}" --version | head -n 1)"
done
echo "$rounds rounds of $seconds s, $(nproc) processors, $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg)"
awk -v first="${1%%=*}" -v check="$check" '
	function median(list, n,    i, j, t) {
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && list[j] < list[j - 1]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
		return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
	}
	function over(what, name, size, kind,    r, list) {
		split("", list)
		for (r = 0; r <= rounds; r++) list[r + 1] = value[what, name, size, kind, r]
		return median(list, rounds + 1)
	}
	function ratio(what, name, size, kind,    r, list, n) {
		split("", list)
		for (r = 0; r <= rounds; r++)
			if (value[what, name, size, kind, r] > 0)
				list[++n] = value[what, first, size, kind, r] / value[what, name, size, kind, r]
		return n ? median(list, n) : 0
	}
	$3 == "reload" { next }
	{
		if (!(($2, $3, $1) in seen)) { order[++n] = $2 SUBSEP $3 SUBSEP $1; seen[$2, $3, $1] = 1 }
		value["qps", $1, $2, $3, $4] = $5; value["us", $1, $2, $3, $4] = $6; value["kib", $1, $2, $3, $4] = $7
		value["p50", $1, $2, $3, $4] = $8
		if (!(($1, $2, $3) in p99) || $9 < p99[$1, $2, $3]) p99[$1, $2, $3] = $9
		if ($4 > rounds) rounds = $4
	}
	END {
		print "| names | kind | program | queries/s | µs of processor | KiB at start | p50 µs | p99 µs | queries, " first " to it | µs | memory |"
		print "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
		for (i = 1; i <= n; i++) {
			split(order[i], p, SUBSEP)
			q = ratio("qps", p[3], p[1], p[2]); m = ratio("kib", p[3], p[1], p[2])
			printf "| %d | %s | %s | %d | %.2f | %d | %d | %d | %.2f | %.2f | %.2f |\n", p[1], p[2], p[3], over("qps", p[3], p[1], p[2]),
				over("us", p[3], p[1], p[2]), over("kib", p[3], p[1], p[2]), over("p50", p[3], p[1], p[2]), p99[p[3], p[1], p[2]], q, ratio("us", p[3], p[1], p[2]), m
			if (check && p[3] ~ /^debian/ && (q < 2 || (m > 1 / 3 && p[1] >= 10000))) { bad = 1; print "BU-063 is not kept: " p[2] " with " p[1] " names against " p[3] }
		}
		exit bad
	}' "$work/lines" || failed=$?
echo
awk '
	$3 == "reload" { if (!(($1, $2) in best)) { order[++n] = $1 SUBSEP $2 } if (!(($1, $2) in best) || $5 < best[$1, $2]) best[$1, $2] = $5 }
	END {
		print "| program | names | reload, ms, shortest |"
		print "| --- | --- | --- |"
		for (i = 1; i <= n; i++) { split(order[i], p, SUBSEP); print "| " p[1] " | " p[2] " | " best[p[1], p[2]] " |" }
	}' "$work/lines"
[[ -z $goals ]] || { echo; awk -v first="${1%%=*}" -f "$here/goals_dns.awk" "$work/lines"; }
exit "${failed-0}"
