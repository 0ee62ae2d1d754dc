#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2034,SC2154 # expanded in containers; counters, and what the helpers read

load engine

# Options of containers without a network, which start quickest.
ALONE=(--network none --rootfs "$ROOTFS")

# on_terminal STEP... -- ARGUMENT... — tjalk on a terminal.
on_terminal() {
	local steps=()
	while [[ $1 != -- ]]; do
		steps+=("$1")
		shift
	done
	shift
	host "$TREE/tests/integration/engine_terminal.py" "${steps[@]}" -- "$TJALK" --root "$STORE/lib" \
		--config "$STORE/etc" "$@"
}

@test "run: the status is the program's, and nothing is left, with crun and with runc (EN-001, EN-020)" {
	before
	for RUNTIME in crun runc; do
		tjalk run --rm "${ALONE[@]}" sh -c 'exit 7'
		equal "$status $output$stderr" "7 "
		clean
	done
}

@test "run: stdout and stderr arrive apart, byte for byte (EN-002)" {
	before
	engine run --rm "${ALONE[@]}" \
		sh -c 'dd if=/dev/urandom bs=64k count=160 2>/dev/null | tee /tmp/d; sha256sum /tmp/d >&2; rm /tmp/d' \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	equal "$(stat -c %s "$BATS_TEST_TMPDIR/out")" 10485760
	equal "$(sha256sum <"$BATS_TEST_TMPDIR/out" | cut -d' ' -f1)" "$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/err")"
	# One that ends at once loses nothing either.
	local try
	for try in 1 2 3; do
		tjalk run --rm "${ALONE[@]}" echo "word $try"
		equal "$status $output" "0 word $try"
	done
	clean
}

@test "run -i: stdin reaches the container, its end, too; without -i there is nothing to read (EN-003)" {
	seq 100000 >"$BATS_TEST_TMPDIR/in"
	run -0 engine run -i --rm "${ALONE[@]}" sha256sum <"$BATS_TEST_TMPDIR/in"
	equal "${output%% *}" "$(sha256sum <"$BATS_TEST_TMPDIR/in" | cut -d' ' -f1)"
	run -0 engine run --rm "${ALONE[@]}" sh -c 'cat; echo end' <"$BATS_TEST_TMPDIR/in"
	equal "$output" end
}

@test "run -it: the size of the window, its changes, detaching and attaching, the terminal afterwards (EN-004)" {
	run -0 on_terminal expect:ready size:30x100 expect:30 'send:\x10\x11' -- \
		run -it --name t "${ALONE[@]}" sh -c \
		'stty size; echo ready; while [ "$(stty size)" != "30 100" ]; do usleep 20000; done; stty size; exec cat'
	[[ $output == *"24 80"*ready*"30 100"*"status 0, restored" ]]
	equal "$(field t .State.Status)" running
	run -0 on_terminal 'send:hello\n' expect:hello expect:hello 'send:\x04' -- attach t
	[[ $output == *hello*"status 0, restored" ]]
	run -0 on_terminal expect:up 'send:\x04' -- run --rm -it "${ALONE[@]}" sh -c 'echo up; cat; exit 3'
	[[ $output == *"status 3, restored" ]]
}

@test "create: no process, mount, namespace or rule; start of one that runs changes nothing (EN-005, EN-006)" {
	before
	tjalk create --name c "${ALONE[@]}" sh -c 'cat /tmp/mark; echo written >/tmp/mark; sleep 60'
	equal "$status" 0
	local id=$output
	host cat "$STORE/lib/containers/$id/create.json" | valid engine-container
	# Its name and its directory are all there is of it.
	equal "$(traces | grep -vx -e "$id" -e c)" "$TRACES"
	equal "$(field c .State.Status)" created
	run -0 engine start c
	local pid
	pid=$(field c .State.Pid)
	run -0 engine start c
	equal "$(field c .State.Pid)" "$pid"
	wait_for host test -e "$ROOTFS/tmp/mark"
	run -0 engine stop -t 0 c
	run -0 engine start c
	until [[ $(engine logs c) == written ]]; do sleep 0.05; done
	run -0 engine rm -f c
	host rm "$ROOTFS/tmp/mark"
	clean
}

@test "stop: the stop signal, then SIGKILL; the status says which (EN-007)" {
	engine run -d --name polite "${ALONE[@]}" sh -c 'trap "exit 5" TERM; echo up; while :; do usleep 20000; done'
	engine run -d --name deaf "${ALONE[@]}" sh -c 'trap "" TERM; echo up; while :; do usleep 20000; done'
	engine run -d --name own --stop-signal USR1 "${ALONE[@]}" \
		sh -c 'trap "exit 6" USR1; echo up; while :; do usleep 20000; done'
	local name
	for name in polite deaf own; do
		until [[ $(engine logs "$name") == up ]]; do sleep 0.02; done
	done
	run -0 engine stop polite own
	equal "$(field polite .State.ExitCode) $(field own .State.ExitCode)" "5 6"
	local from=$EPOCHREALTIME
	run -0 engine stop -t 1 deaf
	local took=$(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
	equal "$(field deaf .State.ExitCode)" 137
	((took >= 1000 && took < 2500)) || equal "$took ms" "1000 ms"
}

@test "kill: exactly that signal, to the first process (EN-008)" {
	engine run -d --name k "${ALONE[@]}" \
		sh -c 'for s in HUP USR1 USR2 TERM; do trap "echo $s" $s; done; echo up; while :; do usleep 20000; done'
	until [[ $(engine logs k) == up ]]; do sleep 0.02; done
	run -0 engine kill -s USR1 k
	until [[ $(engine logs k) == $'up\nUSR1' ]]; do sleep 0.02; done
	run -0 engine kill --signal 15 k
	until [[ $(engine logs k) == $'up\nUSR1\nTERM' ]]; do sleep 0.02; done
	tjalk kill -s NONSENSE k
	equal "$status $stderr" '125 Error: --signal: there is no signal "NONSENSE"'
	run -0 engine kill k
	run -0 engine wait k
	equal "$output" 137
}

@test "pause: a counter stands still, exec is refused, unpause goes on (EN-009)" {
	engine run -d --name p "${ALONE[@]}" sh -c 'while :; do echo x; usleep 5000; done'
	until [[ -n $(engine logs p) ]]; do sleep 0.02; done
	run -0 engine pause p
	equal "$(field p .State.Status)" paused
	local before after
	before=$(engine logs p | wc -l)
	tjalk exec p true
	equal "$status $stderr" "125 Error: the container p is paused: unpause it first"
	after=$(engine logs p | wc -l)
	equal "$after" "$before"
	run -0 engine unpause p
	until (($(engine logs p | wc -l) > before)); do sleep 0.02; done
	run -0 engine pause p
	run -0 engine rm -f p
}

@test "a container in the background is listed; rm refuses while it runs; its name is free at once (EN-010, EN-050)" {
	network web 1
	before
	tjalk run -d --name one --network web --rootfs "$ROOTFS" sleep 100
	equal "$status" 0
	local id=$output
	equal "${#id}" 64
	equal "$(engine ps --format '{{.ID}} {{.Names}} {{.State}}')" "${id:0:12} one running"
	equal "$(field one .NetworkSettings.Networks.web.IPAddress)" 10.91.0.2
	equal "$(field one .NetworkSettings.Networks.web.GlobalIPv6Address)" fd91::2
	run -0 host ping -c 1 -W 2 10.91.0.2
	run -0 host ping -c 1 -W 2 fd91::2
	tjalk rm one
	equal "$status" 2
	[[ $stderr == *"is running"* ]]
	equal "$(field one .State.Status)" running
	run -0 engine rm -f one
	tjalk run -d --rm --name one "${ALONE[@]}" sleep 100
	equal "$status" 0
	run -0 engine rm -f one
	clean
}

@test "wait: the status before, during and after the end, and with --rm (EN-011)" {
	engine run -d --name w "${ALONE[@]}" sh -c 'exit 4'
	run -0 engine wait w
	equal "$output" 4
	run -0 engine wait w
	equal "$output" 4
	local id
	id=$(engine run -d --rm --name gone "${ALONE[@]}" sh -c 'trap "exit 9" TERM; echo up; while :; do usleep 20000; done')
	until [[ $(engine logs gone) == up ]]; do sleep 0.02; done
	engine wait gone >"$BATS_TEST_TMPDIR/status" &
	local waiter=$!
	host sh -c 'until pgrep -f "wait gone" >/dev/null; do sleep 0.02; done'
	run -0 engine kill -s TERM "${id:0:6}"
	wait "$waiter"
	equal "$(cat "$BATS_TEST_TMPDIR/status")" 9
	tjalk wait gone
	equal "$status $stderr" "125 Error: no such container: gone"
}

@test "exec: status, user, directory, environment, stdin, terminal, background, a killed process (EN-012)" {
	engine run -d --name e -e A=b "${ALONE[@]}" sleep 100
	tjalk exec e sh -c 'exit 9'
	equal "$status" 9
	tjalk exec -u bob -w /tmp -e C=d e sh -c 'id -u; id -G; pwd; echo $A$C $HOME'
	equal "$output" $'1000\n1000 77\n/tmp\nbd /home/bob'
	run -0 engine exec -i e cat <<<"through stdin"
	equal "$output" "through stdin"
	run -0 engine exec e cat <<<"not through stdin"
	equal "$output" ""
	tjalk exec e sh -c 'kill -9 $$'
	equal "$status" 137
	run -127 engine exec e nosuchprogram
	run -126 engine exec e /etc/passwd
	run -0 on_terminal expect:24 size:33x99 expect:33 -- exec -it e \
		sh -c 'stty size; while [ "$(stty size)" != "33 99" ]; do usleep 20000; done; stty size; exit 3'
	[[ $output == *"24 80"*"33 99"*"status 3, restored" ]]
	run -0 engine exec -d e touch /tmp/made
	wait_for host test -e "$ROOTFS/tmp/made"
	host rm "$ROOTFS/tmp/made"
	tjalk exec -u nobody e true
	equal "$status $stderr" '125 Error: the container has no user "nobody"'
}

@test "logs: what was written, in order; tail, times, long lines, and following to the end (EN-013)" {
	engine run --name l "${ALONE[@]}" sh -c 'seq 1 30; head -c 20000 /dev/zero | sed "s/./x/g"; echo; echo last' >"$BATS_TEST_TMPDIR/out"
	engine logs l >"$BATS_TEST_TMPDIR/logs"
	cmp "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/logs"
	equal "$(engine logs --tail 1 l)" last
	equal "$(engine logs --tail 3 l | head -n 1)" 30
	equal "$(engine logs --tail 0 l)" ""
	[[ $(engine logs -t --tail 1 l) =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T.*\ last$ ]]
	equal "$(engine logs --since 1h l | wc -l)" "$(wc -l <"$BATS_TEST_TMPDIR/out")"
	equal "$(engine logs --until 2020-01-01T00:00:00Z l)$(engine logs --since 2100-01-01T00:00:00 l)" ""
	engine run -d --name f "${ALONE[@]}" sh -c 'echo one; until [ -e /tmp/go ]; do usleep 20000; done; echo two'
	engine logs -f f >"$BATS_TEST_TMPDIR/followed" &
	local follower=$!
	until [[ $(cat "$BATS_TEST_TMPDIR/followed") == one ]]; do sleep 0.02; done
	host touch "$ROOTFS/tmp/go"
	wait "$follower"
	host rm "$ROOTFS/tmp/go"
	equal "$(cat "$BATS_TEST_TMPDIR/followed")" $'one\ntwo'
}

@test "attach: two clients see the output, and one leaves the other alone (EN-014)" {
	engine run -d --name a "${ALONE[@]}" sh -c 'until [ -e /tmp/go ]; do echo tick; usleep 20000; done; echo done'
	engine attach --no-stdin a >"$BATS_TEST_TMPDIR/one" &
	local one=$!
	host timeout 60 "$TJALK" --root "$STORE/lib" --config "$STORE/etc" attach a >"$BATS_TEST_TMPDIR/other" &
	local other=$!
	until grep -q tick "$BATS_TEST_TMPDIR/one" && grep -q tick "$BATS_TEST_TMPDIR/other"; do sleep 0.02; done
	kill -KILL "$other"
	wait "$other" || true
	host touch "$ROOTFS/tmp/go"
	wait "$one"
	host rm "$ROOTFS/tmp/go"
	equal "$(tail -n 1 "$BATS_TEST_TMPDIR/one")" "done"
}

@test "rename: visible at once, and the old name is free (EN-015)" {
	engine create --name old "${ALONE[@]}" true
	run -0 engine rename old new
	equal "$(engine ps -a --format '{{.Names}}')" new
	run -0 engine create --name old "${ALONE[@]}" true
	tjalk rename old new
	equal "$status" 125
	[[ $stderr == *'"new" is already in use'* ]]
	run -0 engine container exists old
	run -0 engine rm new
	run -1 engine container exists new
}

@test "one name for one container; fifty at the same time all run, and leave nothing (EN-016)" {
	network web 1
	before
	local i
	for i in 1 2 3 4 5 6; do
		engine create --name same "${ALONE[@]}" true >"$BATS_TEST_TMPDIR/name.$i" 2>&1 &
	done
	wait
	equal "$(grep -lE '^[0-9a-f]{64}$' "$BATS_TEST_TMPDIR"/name.* | wc -l)" 1
	equal "$(grep -l 'already in use' "$BATS_TEST_TMPDIR"/name.* | wc -l)" 5
	run -0 engine rm same
	local n=50
	! sanitized || n=12
	for ((i = 0; i < n; i++)); do
		LIMIT=110 engine run --rm --network "$([[ $((i % 2)) == 0 ]] && echo web || echo none)" --rootfs "$ROOTFS" \
			echo "number $i" >"$BATS_TEST_TMPDIR/many.$i" 2>&1 &
	done
	wait
	for ((i = 0; i < n; i++)); do
		equal "$(cat "$BATS_TEST_TMPDIR/many.$i")" "number $i"
	done
	clean
}

@test "statuses: 127 for what is missing, 126 for what cannot run, 125 for the rest, with the reason (EN-017)" {
	before
	for RUNTIME in crun runc; do
		run -127 --separate-stderr engine run --rm "${ALONE[@]}" nosuchprogram
		[[ $stderr == *nosuchprogram* ]]
		run -126 engine run --rm "${ALONE[@]}" /etc/passwd
		run -126 engine run --rm "${ALONE[@]}" /tmp
	done
	tjalk run --entripoint x "${ALONE[@]}" true
	equal "$status $stderr" "125 Error: unknown option: --entripoint; did you mean --entrypoint?"
	tjalk run --network none --rootfs /nosuchdirectory true
	equal "$status $stderr" "125 Error: root file system /nosuchdirectory: No such file or directory"
	tjalk run --rm "${ALONE[@]}"
	equal "$status $stderr" "125 Error: no command given"
	tjalk run alpine true
	equal "$status" 125
	[[ $stderr == *"there are no images yet"* ]]
	tjalk frobnicate
	equal "$status $stderr" "125 Error: unknown command: frobnicate"
	clean
}

@test "nothing is mounted on the host, neither while a container runs nor afterwards (EN-018)" {
	local mounts
	mounts=$(host sh -c 'grep -v nsfs /proc/self/mountinfo')
	engine run -d --name m --network none --rootfs "$ROOTFS:O" sh -c 'echo new >/etc/new; sleep 100'
	until engine exec m cat /etc/new 2>/dev/null; do sleep 0.02; done
	equal "$(host sh -c 'grep -v nsfs /proc/self/mountinfo')" "$mounts"
	run host test -e "$ROOTFS/etc/new"
	equal "$status" 1
	run -0 engine stop -t 0 m
	equal "$(host sh -c 'grep -v nsfs /proc/self/mountinfo')" "$mounts"
	run -0 engine start m
	equal "$(engine exec m cat /etc/new)" new
	run -0 engine rm -f m
}

@test "--init: what nobody waits for is reaped, and signals arrive (EN-019)" {
	command -v catatonit >/dev/null || skip "catatonit is not installed"
	engine run -d --name i --init "${ALONE[@]}" sh -c 'trap "exit 8" TERM; (sleep 0.05 &); echo up; while :; do usleep 20000; done'
	until [[ $(engine logs i) == up ]]; do sleep 0.02; done
	until ! engine exec i ps -o args | grep -qx 'sleep 0.05'; do sleep 0.02; done
	run engine exec i sh -c 'grep -l "^State:.Z" /proc/[0-9]*/status'
	equal "$output" ""
	run -0 engine stop i
	equal "$(field i .State.ExitCode)" 8
}
