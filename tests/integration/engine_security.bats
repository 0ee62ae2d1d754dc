#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2034,SC2154 # expanded in containers; counters, and what the helpers read

load engine

# in_new OPTION... -- COMMAND... — runs a script of one line in a container of its own.
in_new() {
	local options=()
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	run --separate-stderr engine run --rm --network none "${options[@]}" --rootfs "$ROOTFS" "$@"
}

# The document of a container that was only started, without a network.
document_of() {
	engine run -d --name doc --network none "$@" --rootfs "$ROOTFS" sleep 100 >/dev/null
	host cat "/run/tjalk/containers/$(field doc .Id)/config.json"
	engine rm -f doc >/dev/null
}

# The first group directory of the container that a controller of version 1, or the second version, has.
group_file() {
	local id=$1 v1=$2 v2=$3 file
	for file in /sys/fs/cgroup/${v1%%/*}/"$GROUP/$id/${v1#*/}" /sys/fs/cgroup/"$GROUP/$id/$v2"; do
		if [[ -r $file ]]; then
			cat "$file"
			return
		fi
	done
	return 1
}

@test "defaults: eleven capabilities, a filter, masked and read-only paths, a read-only /sys (EN-030)" {
	in_new -- grep -E '^(Cap...|Seccomp|NoNewPrivs):' /proc/self/status
	equal "$output" "$(printf 'CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\nNoNewPrivs:\t0\nSeccomp:\t2' \
		0 0x800405fb 0x800405fb 0x800405fb 0)"
	in_new -- sh -c 'cat /proc/keys /proc/timer_list /proc/interrupts | wc -c; ls /sys/firmware /proc/acpi | grep -vc :
		for f in /proc/sys/kernel/hostname /proc/sysrq-trigger; do ( : >$f ) 2>/dev/null || echo read-only; done
		mkdir /sys/fs/x 2>/dev/null || echo read-only; cat /proc/self/mounts | grep -c "sysfs ro"'
	equal "$output" $'0\n1\nread-only\nread-only\nread-only\n1'
	in_new --security-opt no-new-privileges -- grep NoNewPrivs /proc/self/status
	equal "$output" $'NoNewPrivs:\t1'
	in_new --security-opt unmask=/proc/keys --security-opt mask=/etc/group -- sh -c 'cat /etc/group; cat /proc/keys | wc -l'
	((output > 0))
}

@test "capabilities: one alone; none for somebody who is not root, but what was added (EN-031)" {
	in_new --cap-drop ALL --cap-add net_admin -- grep -E '^Cap(Eff|Bnd)' /proc/self/status
	equal "$output" $'CapEff:\t0000000000001000\nCapBnd:\t0000000000001000'
	in_new -u bob -- grep -E '^Cap(Prm|Eff|Amb)' /proc/self/status
	equal "$output" $'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000'
	in_new -u bob --cap-add CAP_NET_RAW -- grep -E '^Cap(Eff|Amb)' /proc/self/status
	equal "$output" $'CapEff:\t0000000000002000\nCapAmb:\t0000000000002000'
	in_new --cap-add nonsense -- true
	equal "$status $stderr" '125 Error: there is no capability "nonsense"'
}

@test "the filter is that of Podman for the same profile and capabilities (EN-032)" {
	[[ -e /usr/share/containers/seccomp.json ]] || skip "no profile on this host"
	local set ours theirs
	# What Podman makes of the profile follows from its rules, written down once more in jq.
	for set in default sys_admin; do
		ours=$(document_of --cap-add "${set/default/CHOWN}" | jq -c '.linux.seccomp, .process.capabilities.bounding')
		theirs=$(jq -c --argjson caps "$(tail -n 1 <<<"$ours")" --arg arch "$(dpkg --print-architecture)" '
			def granted: . as $c | $caps | index($c) != null;
			[.syscalls[] | select(((.includes.arches // []) | length == 0 or index($arch) != null)
				and ((.includes.caps // []) | all(granted)) and ((.excludes.caps // []) | any(granted) | not)
				and ((.excludes.arches // []) | index($arch) == null)) |
				{action, names: (.names | sort), args: (.args // []), errnoRet}] |
			map(select(.names | length > 0)) | sort' /usr/share/containers/seccomp.json)
		equal "$(head -n 1 <<<"$ours" | jq -c '[.syscalls[] | {action, names: (.names | sort), args: (.args // []), errnoRet}] | sort')" "$theirs"
	done
	equal "$(document_of --privileged | jq -c '.linux.seccomp, .linux.maskedPaths')" $'null\n[]'
}

@test "without a profile nothing starts, but unconfined (EN-033)" {
	host sh -c 'mkdir /run/empty; mount --bind /run/empty /usr/share/containers'
	[[ ! -e /etc/containers/seccomp.json ]] || skip "the host has a profile of its own in /etc"
	before
	in_new -- true
	equal "$status" 125
	[[ $stderr == *"install the package golang-github-containers-common"* ]]
	clean
	in_new --security-opt seccomp=unconfined -- grep Seccomp: /proc/self/status
	equal "$output" $'Seccomp:\t0'
}

@test "ping works without NET_RAW (EN-034)" {
	in_new --cap-drop NET_RAW -- ping -c 1 -W 2 127.0.0.1
	equal "$status" 0
}

@test "limits: read back in the group; too much memory ends it (EN-035)" {
	local id
	id=$(engine run -d --name l --network none --memory 64m --pids-limit 77 --cpus 0.5 --cpuset-cpus 0 --rootfs "$ROOTFS" sleep 100)
	run group_file "$id" memory/memory.limit_in_bytes memory.max
	if ((status != 0)); then
		engine rm -f l
		skip "this host gives no control groups"
	fi
	equal "$output" 67108864
	equal "$(group_file "$id" pids/pids.max pids.max)" 77
	equal "$(group_file "$id" cpuset/cpuset.cpus cpuset.cpus)" 0
	[[ $(group_file "$id" cpu/cpu.cfs_quota_us cpu.max) == 50000* ]]
	run -0 engine update --memory 48m l
	equal "$(group_file "$id" memory/memory.limit_in_bytes memory.max)" 50331648
	engine rm -f l
	tjalk run --name o --network none --memory 16m --rootfs "$ROOTFS" sh -c 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done'
	equal "$status" 137
	equal "$(field o .State.OOMKilled)" true
}

@test "a host with both versions of control groups: crun runs, and the host's mounts stay (EN-036)" {
	host sh -c 'grep -q . /sys/fs/cgroup/unified/cgroup.controllers' || skip "this host has not both versions"
	local mounts
	mounts=$(host sh -c 'grep -v nsfs /proc/self/mountinfo')
	in_new -- cat /proc/self/cgroup
	[[ $output == *":/$GROUP/"* ]]
	equal "$(host sh -c 'grep -v nsfs /proc/self/mountinfo')" "$mounts"
}

@test "without CAP_SYS_RESOURCE and with few open files allowed it starts, with one warning at most (EN-037)" {
	run --separate-stderr host bash -c 'ulimit -Sn 1024; ulimit -Hn 4096
		exec setpriv --bounding-set -sys_resource --inh-caps -sys_resource "$@"' - "$TJALK" \
		--root "$STORE/lib" --config "$STORE/etc" run --rm --network none --ulimit nofile=100000 --rootfs "$ROOTFS" sh -c 'ulimit -Hn'
	equal "$status $output" "0 4096"
	equal "$stderr" "Warning: limit nofile is lowered to 4096, our own: we lack CAP_SYS_RESOURCE"
}

@test "read-only root, tmpfs, volumes, devices, settings, limits, names, users (EN-038)" {
	local dir=$BATS_TEST_TMPDIR/volume
	mkdir "$dir"
	echo content >"$dir/file"
	in_new --read-only -- sh -c 'touch /x 2>/dev/null || echo read-only; touch /tmp/x && echo writable'
	equal "$output" $'read-only\nwritable'
	in_new --tmpfs /tmp:size=1m,mode=1700 -- sh -c 'grep -o " /tmp tmpfs.*size=1024k,mode=1700" /proc/mounts; touch /tmp/x'
	[[ $output == *"nosuid,nodev"* ]]
	in_new -v "$dir:/data:ro,nosuid" -- sh -c 'cat /data/file; touch /data/x 2>/dev/null || echo read-only; grep " /data " /proc/mounts'
	[[ $output == $'content\nread-only\n'*nosuid* ]]
	in_new -v "$dir:/data" --mount "type=tmpfs,destination=/data/deep,tmpfs-size=1m" -- sh -c 'echo new >/data/new; stat -f -c %T /data/deep'
	equal "$(cat "$dir/new") $output" "new tmpfs"
	in_new -v "$dir:/data:O" -- sh -c 'echo changed >/data/file; cat /data/file'
	equal "$output $(cat "$dir/file")" "changed content"
	in_new -u bob -v "$dir:/data:U" -- stat -c %U:%G /data/file
	equal "$output" bob:bob
	in_new --device /dev/zero:/dev/nought:r -- sh -c 'head -c 3 /dev/nought | wc -c; stat -c %t:%T /dev/nought'
	equal "$output" $'3\n1:5'
	in_new --sysctl net.ipv4.ip_default_ttl=77 --hostname box --shm-size 1m --umask 0077 --ulimit core=5:6 -w /made/here -- \
		sh -c 'cat /proc/sys/net/ipv4/ip_default_ttl; hostname; grep -o "/dev/shm.*size=1024k" /proc/mounts | wc -l; umask; grep "core file" /proc/self/limits | tr -s " "; pwd'
	equal "$output" $'77\nbox\n1\n0077\nMax core file size 5 6 bytes \n/made/here'
	in_new -u bob --group-add root -- sh -c 'id -u; id -g; id -G'
	equal "$output" $'1000\n1000\n1000 0 77'
	in_new -u 5:6 -e A=1 -e A=2 -- sh -c 'id -u; id -g; echo $A'
	equal "$output" $'5\n6\n2'
	host rmdir "$ROOTFS/made/here" "$ROOTFS/made"
	in_new -v "$dir/nothing:/data" -- true
	equal "$status" 125
	[[ $stderr == *"No such file or directory" ]]
	in_new -v relative:/data -- true
	equal "$status" 125
	in_new --device /dev/nosuchdevice -- true
	equal "$status" 125
	in_new --ulimit nofile=5:4 -- true
	equal "$status" 125
}

@test "volumes cannot propagate back, which is told; rslave sees later mounts of the host (EN-039)" {
	local dir=$BATS_TEST_TMPDIR/volume
	mkdir "$dir"
	in_new -v "$dir:/data:rshared" -- true
	equal "$status" 125
	[[ $stderr == *"rshared is not possible"*"use rslave"* ]]
	host sh -c "mount --bind $dir $dir && mount --make-shared $dir && mkdir $dir/deep"
	engine run -d --name s --network none -v "$dir:/data:rslave" --rootfs "$ROOTFS" sleep 100
	host sh -c "mount -t tmpfs late $dir/deep && touch $dir/deep/file"
	engine exec s ls /data/deep/file
	engine rm -f s
}

@test "the document: both runtimes take it, and it has only keys of the specification (EN-041)" {
	document_of --memory 64m --cap-add SYS_ADMIN --device /dev/zero -v "$ROOTFS:/data:O" --init --annotation a=b >"$BATS_TEST_TMPDIR/doc"
	equal "$(jq -c 'keys' "$BATS_TEST_TMPDIR/doc")" '["annotations","hostname","linux","mounts","ociVersion","process","root"]'
	equal "$(jq -c '.process | keys' "$BATS_TEST_TMPDIR/doc")" \
		'["args","capabilities","cwd","env","noNewPrivileges","rlimits","terminal","user"]'
	equal "$(jq -c '.linux | keys - ["cgroupsPath","devices","maskedPaths","namespaces","readonlyPaths","resources","rootfsPropagation","seccomp","sysctl"]' "$BATS_TEST_TMPDIR/doc")" '[]'
	equal "$(jq -c '[.mounts[] | keys] | unique' "$BATS_TEST_TMPDIR/doc")" '[["destination","options","source","type"]]'
	RUNTIME=runc
	in_new --memory 64m --device /dev/zero --init -- echo fine
	equal "$output" fine
}

@test "privileged: all that we have, nothing hidden (EN-032)" {
	in_new --privileged -- sh -c 'grep -E "^(CapEff|Seccomp):" /proc/self/status; grep -c "sysfs rw" /proc/mounts'
	local held
	held=$(awk '/^CapPrm/ { print $2 }' "/proc/$HOST/status")
	equal "$output" $'CapEff:\t'"$held"$'\nSeccomp:\t0\n1'
}
