# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Our aardvark-dns beside that of another release: the same files, the same questions. For tests that
# have loaded tests/integration/aardvark.bash.
#
# shellcheck disable=SC2016 # eval expands its text later

# A container with a name of its own network only in IPv4, and what Podman gives it for resolv.conf.
inhabited_network() {
	bridge_address 10.89.0.1/24 fd00:89::1/64
	network web <<-EOF
		10.89.0.1,fd00:89::1
		id1 10.89.0.2  four,alias
		id2 10.89.0.3 fd00:89::3 both
		id3  fd00:89::4 six
	EOF
	resolver 127.0.0.10
	echo nameserver 127.0.0.10 >"$RESOLV"
	container 10.89.0.2/24 fd00:89::2/64
	printf 'search dns.podman\nnameserver 10.89.0.1\n' >"$BATS_TEST_TMPDIR/container.conf"
}

# answers PROGRAM — what a server says to a list of questions: for each its code and its records, one a line.
answers() {
	host env RUST_LOG=error "$1" --config "$CONF" -p 53 run
	# One that was started by a loader of its own has another name; the pid file is all there is.
	PID=$(<"$CONF/aardvark.pid")
	HELPERS+=("$PID")
	wait_for eval '[ -n "$(inside dig +short +time=1 +tries=1 @10.89.0.1 four)" ]'
	local question
	while read -r question; do
		# Keeps differences of one question together.
		echo "== $question"
		# Lists of options are meant to be split.
		# shellcheck disable=SC2086
		inside dig +time=2 +tries=1 +noall +comments +answer +nocookie @10.89.0.1 $question |
			sed -nE 's/.*status: ([A-Z]+),.*/\1/p; t; /^[^;]/p' | tr -s '\t ' ' ' | sed "s/^/$question: /"
	done <"$AARDVARK_TESTS/../compat/dns-questions.txt"
	kill -TERM "$PID"
	wait_for ended "$PID"
	unset "HELPERS[-1]"
	rm -f "$CONF/aardvark.pid"
}

# listed RELEASE — the lines of dns-differences.md below the heading of a release.
listed() {
	awk -v heading="## $1" '/^## / { on = $0 == heading } on && sub(/^    /, "")' \
		"$AARDVARK_TESTS/../compat/dns-differences.md"
}

# differs_as_listed PROGRAM RELEASE — asks both and holds the differences to the list.
differs_as_listed() {
	inhabited_network
	answers "$1" >"$BATS_TEST_TMPDIR/theirs"
	answers "$AARDVARK" >"$BATS_TEST_TMPDIR/ours"
	[[ -s $BATS_TEST_TMPDIR/theirs && -s $BATS_TEST_TMPDIR/ours ]]
	diff -U 1 --label theirs --label ours "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours" |
		sed 1,2d | grep '^[-+]' >"$BATS_TEST_TMPDIR/difference" || true
	diff -u --label listed --label found <(listed "$2") "$BATS_TEST_TMPDIR/difference"
}
