#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
#
# Process 1 of the VM: prepares what a running system has, and runs the command. Uses nothing but
# busybox, which is in memory.

# shellcheck source=/dev/null # made by vmtest
. /run/vmtest/variables
mkdir -p /run/vmtest/bin
/run/vmtest/busybox --install -s /run/vmtest/bin
export PATH=/run/vmtest/bin HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8

port() {
	for entry in /sys/class/virtio-ports/*; do
		[ "$(cat "$entry/name" 2>/dev/null)" != "$1" ] || echo "/dev/${entry##*/}"
	done
}

mkdir -p /dev/pts /dev/shm /run/lock /scratch
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs shm /dev/shm
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
# The root is an overlay: an overlay of the tests needs another place for its upper layer.
mkdir -p /var/lib/containers
mount -t tmpfs -o mode=755 containers /var/lib/containers
mount -t tmpfs -o mode=1777 scratch /scratch
export TMPDIR=/scratch
i=0
for share in $SHARES; do
	mkdir -p "$share"
	mount -t virtiofs -o ro "share$i" "$share"
	i=$((i + 1))
done
ip link set lo up
hostname vmtest
# A file that is touched moves to the upper layer, which is memory.
xargs -r touch -c </run/vmtest/hot
cd "$DIRECTORY" || cd /

outside=$PATH
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ -n "$SHELL_WANTED" ]; then
	setsid -c /bin/bash </dev/hvc0 >/dev/hvc0 2>&1
	status=0
else
	status_port=$(PATH=$outside port status)
	echo started >"$status_port"
	setsid /bin/bash /run/vmtest/command </dev/null >"$(PATH=$outside port out)" 2>"$(PATH=$outside port err)"
	status=$?
	echo $status >"$status_port"
fi
# The end is a reset, which QEMU takes for a reason to exit; it needs neither ACPI nor an init system.
echo b >/proc/sysrq-trigger
sleep 5
