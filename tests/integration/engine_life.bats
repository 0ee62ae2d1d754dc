#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016 # expanded in containers

load engine

@test "run: the status is the program's, and nothing is left, with crun and with runc (EN-001, EN-020)" {
	before
	for RUNTIME in crun runc; do
		tjalk run --rm --network none --rootfs "$ROOTFS" sh -c 'exit 7'
		equal "$status $output$stderr" "7 "
		clean
	done
}

@test "run: stdout and stderr arrive apart, byte for byte (EN-002)" {
	before
	engine run --rm --network none --rootfs "$ROOTFS" \
		sh -c 'dd if=/dev/urandom bs=64k count=160 2>/dev/null | tee /tmp/d; sha256sum /tmp/d >&2; rm /tmp/d' \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	equal "$(stat -c %s "$BATS_TEST_TMPDIR/out")" 10485760
	equal "$(sha256sum <"$BATS_TEST_TMPDIR/out" | cut -d' ' -f1)" "$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/err")"
	clean
}

@test "run: a container on a dual-stack network, in the background, listed and removed (EN-010, EN-050)" {
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
	tjalk run -d --rm --name one --network none --rootfs "$ROOTFS" sleep 100
	equal "$status" 0
	run -0 engine rm -f one
	clean
}
