#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2034,SC2154 # expanded in containers; counters, and what the helpers read

load engine

# faulty DOOR ARGUMENT... — runs the program with a fault at its n-th door ("7", "7:kill").
faulty() {
	local door=$1
	shift
	host env TJALK_FAULT="$door" timeout 60 "$TJALK" --root "$STORE/lib" --config "$STORE/etc" --netavark "$NETAVARK" \
		--aardvark-dns "$AARDVARK" run -d --name x --cgroup-parent "/$GROUP" --network one --network two \
		-p 8080:80 -v /run/netns:/data:ro "$@" --rootfs "$ROOTFS:O" sleep 100
}

# The numbers of the doors that a start with two networks, a port and a volume passes: every STEP-th.
doors() {
	local log=$BATS_TEST_TMPDIR/doors n
	host env TJALK_FAULT_LOG="$log" timeout 60 "$TJALK" --root "$STORE/lib" --config "$STORE/etc" --netavark "$NETAVARK" \
		--aardvark-dns "$AARDVARK" run -d --name x --cgroup-parent "/$GROUP" --network one --network two \
		-p 8080:80 --rootfs "$ROOTFS:O" sleep 100 >/dev/null
	engine rm -f x >/dev/null
	n=$(wc -l <"$log")
	((n > 30))
	seq 1 "$1" "$n"
}

# The engine of the sanitizer is slow; a part of the doors is enough there.
step() {
	sanitized && echo 9 || echo "$1"
}

@test "a fault at any door of a start: an error, and nothing is left (EN-076)" {
	network one 1
	network two 2
	before
	local n
	for n in $(doors "$(step 4)"); do
		run --separate-stderr faulty "$n"
		if ((status == 0)); then
			engine rm -f x >/dev/null # a door whose failure is no obstacle
		else
			equal "$status" 125
			[[ $stderr == *"injected fault at door $n"* ]]
			engine rm -f --ignore x >/dev/null
		fi
		[[ $(traces) == "$TRACES" ]] || clean || { echo "door $n: $stderr"; return 1; }
	done
}

@test "the group above a container goes with the last one, also while another engine starts one" {
	before
	engine run -d --name x --cgroup-parent "/$GROUP" --network none --rootfs "$ROOTFS" sleep 100 >/dev/null
	# What a start of another engine holds.
	host flock --shared /sys/fs/cgroup sleep 0.5 &
	wait_for eval '! host flock --nonblock --exclusive /sys/fs/cgroup true'
	engine rm -f x >/dev/null
	clean
}

@test "killed at any door of a start: the next command shows the truth, and rm -f leaves nothing (EN-070)" {
	network one 1
	network two 2
	before
	local n shown
	for n in $(doors "$(step 5)"); do
		run --separate-stderr faulty "$n:kill"
		shown=$(engine ps -a --format '{{.State}}')
		case $shown in
		"" | created | exited) equal "$(host pgrep -x sleep -a | grep -c ' 100$' || true)" 0 ;;
		running) [[ -d /proc/$HOST/root/proc/$(field x .State.Pid) ]] ;;
		*) equal "$shown" "a state" ;;
		esac
		engine rm -f -a >/dev/null
		[[ $(traces) == "$TRACES" ]] || clean || { echo "door $n"; return 1; }
	done
}

@test "the monitor is killed: state, stop and rm are right; the status is 255, with the reason (EN-071)" {
	network one 1
	before
	engine run -d --name m --network one --rootfs "$ROOTFS" sleep 100
	host kill -KILL "$(field m .State.ConmonPid)"
	[[ $(engine ps --format '{{.Status}}') == *"(unmonitored)" ]]
	tjalk attach m
	equal "$status" 125
	[[ $stderr == *"has lost its monitor"* ]]
	run -0 engine stop -t 0 m
	equal "$(field m '.State | "\(.Status) \(.ExitCode) \(.Error)"')" "exited 255 monitor lost"
	run -0 engine start m
	host kill -KILL "$(field m .State.ConmonPid)" "$(field m .State.Pid)"
	equal "$(field m '.State | "\(.Status) \(.ExitCode) \(.Error)"')" "exited 255 monitor lost"
	run -0 engine rm m
	clean
}

@test "the exit command is prevented: the next ps has the status, and cleans up (EN-072)" {
	network one 1
	before
	local program=$BATS_TEST_TMPDIR/tjalk
	cp "$TJALK" "$program"
	TJALK=$program engine run -d --name p --network one --rootfs "$ROOTFS" sh -c 'trap "exit 6" TERM; echo up; while :; do usleep 20000; done'
	until [[ $(engine logs p) == up ]]; do sleep 0.02; done
	rm "$program"
	local monitor
	monitor=$(field p .State.ConmonPid)
	run -0 engine kill -s TERM p
	host sh -c "while [ -d /proc/$monitor ]; do sleep 0.02; done"
	[[ $(engine ps -a --format '{{.Status}}') == "Exited (6) "* ]]
	equal "$(host ls /run/netns | grep -c tjalk || true)" 0
	run -0 engine rm p
	clean
}

@test "the namespace's mount is taken away: rm -f leaves no rule and no name (EN-073)" {
	network one 1
	before
	engine run -d --name n --network one -p 8080:80 --rootfs "$ROOTFS" sleep 100
	host sh -c 'umount /run/netns/tjalk-* && rm /run/netns/tjalk-*'
	run -0 engine rm -f n
	clean
}

@test "after a reboot: exited, started again, no stale address; policies count (EN-074, EN-077)" {
	network one 1
	engine run -d --name plain --network one --rootfs "$ROOTFS" sleep 100
	engine run -d --name always --restart always --network one --rootfs "$ROOTFS" sleep 100
	engine run -d --name stopped --restart unless-stopped --network one --rootfs "$ROOTFS" sleep 100
	engine run -d --name unless --restart unless-stopped --network one --rootfs "$ROOTFS" sleep 100
	run -0 engine stop -t 0 stopped
	# What a boot does: no process, no link, no rule, an empty /run.
	host sh -c 'kill -KILL $(pgrep -x conmon; pgrep -x aardvark-dns; pgrep -x -f "sleep 100")
		until ! pgrep -x -f "sleep 100"; do sleep 0.02; done
		for n in /run/netns/tjalk-*; do umount $n; rm $n; done
		nft flush ruleset; ip link del br-one; rm -rf /run/tjalk /run/crun' >/dev/null
	equal "$(engine ps -a --format '{{.Names}} {{.State}}' | sort | paste -s -d ' ')" \
		"always exited plain exited stopped exited unless exited"
	run -0 engine start --all --filter restart-policy=always
	run -0 engine start --all --filter restart-policy=unless-stopped
	equal "$(engine ps --format '{{.Names}}' | sort | paste -s -d ' ')" "always unless"
	equal "$(field always .NetworkSettings.Networks.one.IPAddress)" 10.91.0.2
	run -0 engine start plain
	equal "$(host jq -r '[.leases[].addresses[0]] | sort | join(" ")' /run/tjalk/ipam/one.json)" "10.91.0.2 10.91.0.3 10.91.0.4"
	run -0 engine rm -f -a
}

@test "the disk is full: the old state stays readable, and the command fails (EN-075)" {
	host sh -c "mkdir $STORE/lib; mount -t tmpfs -o size=64k tmpfs $STORE/lib"
	engine create --name full --network none --rootfs "$ROOTFS" true
	host sh -c "dd if=/dev/zero of=$STORE/lib/filler 2>/dev/null || true"
	tjalk rename full other
	equal "$status" 125
	[[ $stderr == *"No space left on device"* ]]
	equal "$(engine ps -a --format '{{.Names}} {{.State}}')" "full created"
	host rm "$STORE/lib/filler"
	run -0 engine rename full other
	run -0 engine rm other
}

@test "restart policies: how often, with growing delays; always, but not after stop (EN-077)" {
	engine run -d --name r --restart on-failure:3 --network none --rootfs "$ROOTFS" sh -c 'date +%s%N; exit 1'
	until [[ $(engine logs r | wc -l) == 4 && $(field r .State.Status) == exited ]]; do sleep 0.05; done
	equal "$(field r ' | "\(.RestartCount) \(.State.ExitCode)"')" "3 1"
	local stamps
	mapfile -t stamps < <(engine logs -t r | cut -d' ' -f1 | while read -r t; do date -d "$t" +%s%N; done)
	((stamps[1] - stamps[0] >= 100000000 && stamps[2] - stamps[1] >= 200000000 && stamps[3] - stamps[2] >= 400000000))
	engine run -d --name a --restart always --network none --rootfs "$ROOTFS" sh -c 'echo run; exec sleep 100'
	until [[ $(engine logs a) == run ]]; do sleep 0.02; done
	engine kill a
	until [[ $(engine logs a) == $'run\nrun' ]]; do sleep 0.02; done
	run -0 engine stop -t 0 a
	equal "$(field a .State.Status)" exited
	host sh -c 'until ! pgrep -x conmon; do sleep 0.02; done' >/dev/null
	equal "$(field a .State.Status)" exited
	tjalk run --restart sometimes --network none --rootfs "$ROOTFS" true
	equal "$status" 125
	[[ $stderr == *'"sometimes" is not one of no,'* ]]
}

@test "five hundred containers are listed in a moment; the program is small (EN-141, EN-142)" {
	local id
	engine create --name first --network none --rootfs "$ROOTFS" true
	id=$(field first .Id)
	host_script "$STORE/lib" "$id" <<-'END'
		for ((i = 0; i < 499; i++)); do
			other=$(printf '%08x%s' "$i" "${2:8}")
			mkdir "$1/containers/$other"
			sed "s/$2/$other/; s/\"first\"/\"number$i\"/" "$1/containers/$2/create.json" >"$1/containers/$other/create.json"
		done
	END
	local from best=1000000 took try
	for try in 1 2 3 4 5; do
		from=${EPOCHREALTIME/./}
		equal "$(engine ps -a -q | wc -l)" 500
		took=$((${EPOCHREALTIME/./} - from))
		((took < best)) && best=$took
	done
	if ! sanitized; then
		((best < 400000)) || equal "$best us" "less than 200 ms, and the start of the tools" # noise of a shared machine
		strip -o "$BATS_TEST_TMPDIR/stripped" "$TJALK"
		(($(stat -c %s "$BATS_TEST_TMPDIR/stripped") < 1048576))
	fi
}
