# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Helpers for the tests of aardvark-dns. Every test has a network and a mount namespace of its own,
# held by a sleeping process, and a configuration directory. Nothing outside is touched; only
# processes that the test has started are signalled.

# bats reads from what its tests have as descriptor 3 until everybody has closed it.

AARDVARK_TESTS=$(realpath "${BASH_SOURCE[0]%/*}")

# A system call that is not on the server's list ends it, so that no test passes without it.
export AARDVARK_SECCOMP=${AARDVARK_SECCOMP-kill}

setup() {
	bats_require_minimum_version 1.5.0
	AARDVARK=$(realpath "${AARDVARK:-$AARDVARK_TESTS/../../build/check/aardvark-dns/aardvark-dns}")
	CONF=$BATS_TEST_TMPDIR/conf
	RESOLV=$BATS_TEST_TMPDIR/resolv.conf
	RECORD=$BATS_TEST_TMPDIR/queries
	HELPERS=()
	mkdir "$CONF"
	: >"$RESOLV"
	: >"$RECORD"
	# The server has closed its stderr by then.
	export ASAN_OPTIONS="${ASAN_OPTIONS-}:log_path=$BATS_TEST_TMPDIR/sanitizer"
	export UBSAN_OPTIONS="${UBSAN_OPTIONS-}:log_path=$BATS_TEST_TMPDIR/sanitizer"
	unshare -n -m --propagation private sleep 300 3>&- &
	HOST=$!
	HELPERS+=("$HOST")
	wait_for unshared "$HOST"
	host ip link set lo up
	host mount --bind "$RESOLV" /etc/resolv.conf
	host ip link add br0 type bridge
	host ip link set br0 up
}

teardown() {
	local pid bad=0
	# It ends by itself, so that the sanitizer can look for what was not freed.
	if pid=$(server_pid); then
		kill -TERM "$pid" 2>/dev/null
		wait_for ended "$pid" || kill -KILL "$pid" 2>/dev/null
	fi
	if compgen -G "$BATS_TEST_TMPDIR/sanitizer.*" >/dev/null; then
		cat "$BATS_TEST_TMPDIR"/sanitizer.*
		bad=1
	fi
	if [ -n "${BATS_ERROR_STATUS:-}" ] && [ "${BATS_ERROR_STATUS:-0}" != 0 ]; then
		echo "# queries that left:"
		cat "$RECORD"
	fi
	for pid in "${HELPERS[@]}"; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	return "$bad"
}

# Runs a command until it succeeds; gives up after five seconds.
wait_for() {
	local end=$((SECONDS + 5))
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS > end)); then
			echo "gave up waiting for: $*"
			return 1
		fi
		sleep 0.01
	done
}

unshared() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ] &&
		[ "$(cat "/proc/$1/comm")" = sleep ]
}

# Runs a command in the namespaces of the test's host.
host() {
	nsenter -t "$HOST" -n -m -- "$@" 3>&-
}

# A container: a network namespace with one interface in br0. Prints nothing; sets $CONTAINER.
container() {
	unshare -n sleep 300 3>&- &
	CONTAINER=$!
	HELPERS+=("$CONTAINER")
	wait_for unshared "$CONTAINER"
	host ip link add "v$CONTAINER" type veth peer name eth0 netns "$CONTAINER"
	host ip link set "v$CONTAINER" master br0 up
	inside ip link set eth0 up
	local address
	for address; do
		inside ip address add "$address" dev eth0 nodad
	done
}

# Runs a command in the network namespace of the last container.
inside() {
	nsenter -t "$CONTAINER" -n -- "$@" 3>&-
}

# Gives br0 addresses.
bridge_address() {
	local address
	for address; do
		case $address in
		*:*) host ip address add "$address" dev br0 nodad ;;
		*) host ip address add "$address" dev br0 ;;
		esac
	done
}

# Writes a network file from standard input.
network() {
	cat >"$CONF/$1"
}

# The network of most tests: one bridge, two containers whose addresses the host has, too, so that
# a client is chosen by "dig -b".
usual_network() {
	bridge_address 10.89.0.1/24 fd00:89::1/64
	host ip address add 10.89.0.2/32 dev lo
	host ip address add 10.89.0.3/32 dev lo
	network web <<-EOF
		10.89.0.1,fd00:89::1
		id1 10.89.0.2 fd00:89::2 db,alias
		id2 10.89.0.3  front
	EOF
}

# Starts the server, which must succeed. Arguments stand before "run".
start() {
	host timeout 10 "$AARDVARK" --config "$CONF" -p 53 "$@" run
	PID=$(server_pid)
}

# The server of this test by its pid file.
server_pid() {
	local pid
	pid=$(cat "$CONF/aardvark.pid" 2>/dev/null) && [ -n "$pid" ] &&
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = aardvark-dns ] && echo "$pid"
}

reload() {
	kill -HUP "$PID"
}

# A process that is gone or only waits to be collected.
ended() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"
}

# A scripted resolver on some addresses of the host, which are added if need be.
resolver() {
	local address
	for address; do
		case $address in
		127.* | ::1) ;;
		*%*) ;;
		*:*) host ip address add "$address/128" dev lo nodad ;;
		*) host ip address add "$address/32" dev lo ;;
		esac
	done
	nsenter -t "$HOST" -n -m -- python3 "$AARDVARK_TESTS/aardvark_resolver.py" \
		"$RECORD" "$@" 3>&- &
	RESOLVER=$!
	HELPERS+=("$RESOLVER")
	wait_for grep -q ready "$RECORD"
}

# What the resolvers were asked so far.
recorded() {
	grep -v ready "$RECORD" || true
}

count_recorded() {
	recorded | grep -c "$@" || true
}

# dig with one try. Arguments as for dig; the answer's text goes to standard output. It does not
# share the host's mounts: dig itself stumbles over some of the resolv.conf files of the tests.
ask() {
	nsenter -t "$HOST" -n -- timeout 15 dig +time=6 +tries=1 +nocookie "$@" 3>&-
}

ask_short() {
	ask +short "$@"
}

# The response code of a query.
ask_code() {
	ask +noall +comments "$@" | sed -n 's/.*status: \([A-Z]*\).*/\1/p'
}

# Compares, with both values in the output of a failure.
equal() {
	if [ "$1" != "$2" ]; then
		printf 'expected: %q\n     got: %q\n' "$2" "$1"
		return 1
	fi
}

# For tests that compare memory.
skip_under_sanitizer() {
	if grep -q __asan_init "$AARDVARK"; then
		skip "memory means nothing under the sanitizer"
	fi
}

# within MS FROM — whether no more than this time is over; the sanitizer needs some of its own.
within() {
	local limit=$1
	! grep -q __asan_init "$AARDVARK" || limit=$((limit * 10))
	(($(now_ms) - $2 < limit))
}

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}
