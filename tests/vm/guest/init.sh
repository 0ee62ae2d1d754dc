#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
#
# /init of the VM's initramfs: makes the root and goes there.

export PATH=/bin:/sbin:/usr/bin:/usr/sbin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do
	insmod "/modules/$module" 2>/dev/null
done </modules/order

give_up() {
	echo "vmtest: $1" >/dev/console
	reboot -f
}

mount -t virtiofs -o ro root /lower || give_up "cannot mount the root"
mount -t tmpfs -o mode=755,size=75% upper /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /new ||
	give_up "cannot mount the overlay"
mount --move /dev /new/dev
mount --move /proc /new/proc
mount --move /sys /new/sys
mount -t tmpfs -o mode=755 run /new/run
mkdir /new/run/vmtest
cp /control/* /bin/busybox /new/run/vmtest/
# The root need not know this kernel.
modules=/new/lib/modules/$(uname -r)
mkdir -p /new/lib/modules
mount -t tmpfs modules /new/lib/modules
mkdir "$modules"
mount -t virtiofs -o ro modules "$modules"
exec switch_root /new /run/vmtest/busybox ash /run/vmtest/main
