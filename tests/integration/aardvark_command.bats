#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lists of options are meant to be split, eval expands its text later, and bats runs each test in a
# process of its own.
# shellcheck disable=SC2086,SC2016,SC2030,SC2031

load aardvark

@test "AV-001 the version is one line on stdout" {
	for option in --version -V; do
		run --separate-stderr "$AARDVARK" "$option"
		equal "$status" 0
		equal "$output" "aardvark-dns 2.1.0"
		equal "$stderr" ""
	done
}

@test "AV-001 version and help touch neither network nor syslog nor files outside" {
	for arguments in --version version help; do
		# LeakSanitizer cannot work beside strace.
		ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 \
			strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=socket,openat "$AARDVARK" "$arguments"
		run grep -vE 'ld.so|\.so\.|/proc|exited|locale' "$BATS_TEST_TMPDIR/trace"
		equal "$output" ""
	done
}

@test "AV-002 version prints four strings in order" {
	run --separate-stderr "$AARDVARK" version
	equal "$status" 0
	python3 - "$output" <<-'EOF'
		import json, sys
		pairs = json.loads(sys.argv[1], object_pairs_hook=list)
		assert [k for k, _ in pairs] == ["version", "commit", "build_time", "target"], pairs
		assert all(isinstance(v, str) for _, v in pairs), pairs
		assert pairs[0][1] == "2.1.0"
	EOF
}

@test "AV-003 help comes on stdout" {
	for arguments in "--help" "-h" "help" "help run" "run --help" "version -h"; do
		run --separate-stderr $AARDVARK $arguments
		equal "$status" 0
		[ -n "$output" ]
		equal "$stderr" ""
	done
}

@test "AV-004 wrong usage ends with 2 and a text on stderr" {
	for arguments in "" "walk" "--frob run" "run extra" "run --config X" "--config" "-p" \
		"-p abc run" "-p 70000 run" "-p -1 run" "-p 1x run" "-p 99999999999 run" \
		"--port= run" "version extra"; do
		run --separate-stderr $AARDVARK $arguments
		equal "$arguments: $status" "$arguments: 2"
		equal "$output" ""
		[ -n "$stderr" ]
	done
}

@test "AV-005 options can be written in every usual way" {
	usual_network
	for way in "--config $CONF --port 53 --filter-search-domain a.b" \
		"--config=$CONF --port=53 --filter-search-domain=a.b" "-c $CONF -p 53 -f a.b" \
		"-c$CONF -p53 -fa.b" "-c=$CONF -p=53 -f=a.b"; do
		host $AARDVARK $way run
		equal "$(ask_short @10.89.0.1 db.a.b)" 10.89.0.2
		pid=$(server_pid)
		kill "$pid"
		wait_for ended "$pid"
	done
}

@test "AV-006 the default port is 5533, and port 0 lets the kernel choose" {
	usual_network
	host "$AARDVARK" -c "$CONF" run
	equal "$(ask_short @10.89.0.1 -p 5533 db)" 10.89.0.2
	PID=$(server_pid)
	kill "$PID"
	wait_for ended "$PID"
	host "$AARDVARK" -c "$CONF" -p 0 run
	equal "$(host ss -Hlnu | wc -l)" 2
	equal "$(host ss -Hlnt | wc -l)" 2
}

@test "AV-007 run without a directory fails at once" {
	run --separate-stderr timeout 1 "$AARDVARK" run
	equal "$status" 1
	equal "$output" ""
	[ -n "$stderr" ]
}

@test "AV-165 RUST_LOG in every spelling" {
	usual_network
	for level in error WARN Info debug TRACE off OFF aardvark_dns=debug netavark=debug,info; do
		run --separate-stderr host env "RUST_LOG=$level" "$AARDVARK" -c "$CONF" -p 53 run
		equal "$level: $status $stderr" "$level: 0 "
		pid=$(server_pid)
		kill "$pid"
		wait_for ended "$pid"
	done
	run --separate-stderr host env RUST_LOG=loud "$AARDVARK" -c "$CONF" -p 53 run
	equal "$status" 0
	[[ $stderr == *loud* ]]
}
