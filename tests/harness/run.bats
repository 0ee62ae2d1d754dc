#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run.sh decides whether everything else passed, so it is tested first.
# shellcheck disable=SC2016 # the parts' commands are expanded by the shell that runs them

setup() {
	RUN=$BATS_TEST_DIRNAME/../run.sh
}

# Runs the harness on the given parts and compares its status and last line.
expect() {
	local status_wanted=$1 last_wanted=$2
	shift 2
	run "$RUN" "$@"
	echo "$output"
	[[ $status -eq $status_wanted ]]
	[[ ${lines[-1]} == "$last_wanted" ]]
}

@test "results of all parts are added up, and all passing is status 0" {
	expect 0 "3 passed, 0 failed, 0 skipped" \
		one='echo 1..2; echo ok 1 - a; echo ok 2 - b' two='echo 1..1; echo ok 1 - c'
}

@test "a failed test is counted and its output is shown in full" {
	expect 1 "1 passed, 1 failed, 0 skipped" \
		bad='echo 1..2; echo "not ok 1 - red"; echo "# because"; echo ok 2 - b; echo aside >&2; exit 1'
	[[ $output == *"not ok 1 - red"*"# because"*"err: aside"* ]]
}

@test "output of a passed test is not shown" {
	expect 0 "1 passed, 0 failed, 0 skipped" quiet='echo 1..1; echo ok 1 - a; echo "# chatter"'
	[[ $output != *chatter* ]]
}

@test "skipped tests are neither passed nor failed and are listed by name" {
	expect 0 "1 passed, 0 failed, 2 skipped" \
		some='echo 1..3; echo ok 1 - a; echo "ok 2 - b # SKIP no kernel"; echo "not ok 3 # SKIP c"'
	[[ $output == *"Skipped:"*"some: ok 2 - b # SKIP no kernel"*"some: not ok 3 # SKIP c"* ]]
}

@test "a part that is skipped as a whole is one skip" {
	expect 0 "0 passed, 0 failed, 1 skipped" whole='echo "1..0 # skip no such program"'
}

@test "a part that dies before its plan fails" {
	expect 1 "0 passed, 1 failed, 0 skipped" dead='exit 139'
	[[ $output == *"printed no plan, status 139"* ]]
}

@test "a part that prints nothing and ends well fails" {
	expect 1 "0 passed, 1 failed, 0 skipped" mute=true
}

@test "a part that dies after some results fails" {
	expect 1 "1 passed, 1 failed, 0 skipped" cut='echo 1..3; echo ok 1 - a; kill -SEGV $$'
	[[ $output == *"1 results instead of 3"* ]]
}

@test "a program that dies among others is not hidden by the last one" {
	expect 1 "2 passed, 1 failed, 0 skipped" \
		loop='echo 1..2; echo ok 1 - a; echo 1..1; echo ok 1 - b'
}

@test "more results than planned fail" {
	expect 1 "2 passed, 1 failed, 0 skipped" extra='echo 1..1; echo ok 1 - a; echo ok 2 - b'
}

@test "a bad status without a failed test fails" {
	expect 1 "1 passed, 1 failed, 0 skipped" leak='echo 1..1; echo ok 1 - a; exit 23'
	[[ $output == *"ended with status 23 although no test failed"* ]]
}

@test "a part that hangs is stopped and fails" {
	expect 1 "1 passed, 1 failed, 0 skipped" --timeout 1 hang='echo 1..2; echo ok 1 - a; sleep 100'
	[[ $output == *"took longer than 1 s"* ]]
}

@test "two jobs run side by side and both are counted" {
	# Each part ends only when it has seen the other one.
	local meet='set -e; exec 3<>"$MEET/$ME" 4<>"$MEET/$YOU"; echo here >&4; read -r -t 20 <&3; echo 1..1; echo ok 1 - met'
	mkfifo "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	export MEET=$BATS_TEST_TMPDIR
	expect 0 "2 passed, 0 failed, 0 skipped" --jobs 2 a="ME=a YOU=b; $meet" b="ME=b YOU=a; $meet"
}

@test "a program of cmocka is counted right" {
	expect 1 "1 passed, 2 failed, 1 skipped" \
		unit='[[ $CMOCKA_MESSAGE_OUTPUT == TAP ]] || exit 1; printf "%s\n" 1..4 "ok 1 - a" "not ok 2 - b" \
			"# 0x1 != 0x2" "not ok 3 # SKIP c" "not ok 4 - d" "# not ok - group"; exit 2'
}

@test "output of each part is kept when a directory is given" {
	expect 0 "1 passed, 0 failed, 0 skipped" --logs "$BATS_TEST_TMPDIR/logs" one='echo 1..1; echo ok 1 - a'
	[[ $(<"$BATS_TEST_TMPDIR/logs/one.out") == $'1..1\nok 1 - a' ]]
}

@test "wrong usage is status 2" {
	run "$RUN"
	[[ $status -eq 2 ]]
	run "$RUN" nameless
	[[ $status -eq 2 ]]
	run "$RUN" --jobs 0 a=true
	[[ $status -eq 2 ]]
}
