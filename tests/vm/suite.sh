#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# suite.sh SUITE [BATS ARGUMENT...] — runs tests with the kernel of a Debian release, in a VM (vmtest).
# NETAVARK, AARDVARK and the like are handed in; TAP comes out. Where there can be no VM, that is one
# skipped test with the reason.
#
# VM_TIMEOUT is what the whole may take, in seconds.

set -euo pipefail

tree=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
kernel=$tree/build/vm/$1
# What the tests start by the thousand.
hot="awk bash bats busybox cat chmod cut date env flock grep head ip jq ln ls mkdir mkfifo mktemp mount
	nft nsenter pgrep python3 readlink realpath rm sed sleep sort ss tail timeout touch tr true unshare wc"

skip() {
	echo "1..0 # skip the tests with the kernel of $suite: $1"
	exit
}

suite=$1
shift
[[ $(uname -m) == x86_64 ]] || skip "there are VMs for x86-64 only"
for program in qemu-system-x86_64 busybox cpio depmod xz; do
	type -P "$program" >/dev/null || skip "$program is missing"
done
[[ -x /usr/lib/qemu/virtiofsd || -x /usr/libexec/virtiofsd ]] || skip "virtiofsd is missing"
[[ -e $kernel/version ]] || skip "its package cannot be had"
reason=$(qemu-system-x86_64 -M none -accel tcg -nodefaults -nographic -monitor stdio <<<quit 2>&1) ||
	skip "QEMU does not run here: ${reason##*$'\n'}"
unshare --mount true || skip "no mount namespace"

share=()
[[ $(stat -c %m "$tree") == / ]] || share=(--share "$tree")
variables=(IN_VM=1 SLOWNESS=10)
for name in NETAVARK AARDVARK NETAVARK_PEER AARDVARK_DNS; do
	[[ -z ${!name-} ]] || variables+=("$name=${!name}")
done
cd "$tree"
exec tests/vm/vmtest --kernel "$kernel" --timeout "${VM_TIMEOUT:-600}" "${share[@]}" \
	--hot "$hot ${NETAVARK-} ${AARDVARK-}" -- sh -c 'modprobe br_netfilter; exec "$@"' - \
	env "${variables[@]}" bats --formatter tap "$@"
