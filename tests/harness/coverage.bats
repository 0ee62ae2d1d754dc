#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/README.md says which promises have a test; it must not fall behind.

@test "the table of tested promises is the present one" {
	"$BATS_TEST_DIRNAME/../coverage.sh" --check
}

@test "every number in a test is that of a promise" {
	cd "$BATS_TEST_DIRNAME/.."
	run bash -c "comm -13 <(grep -oE '^[A-Z]{2}-[0-9]{3}' promises.txt | sort -u) \
		<(grep -rhoE '\b(NV|FW|AV|BU)-[0-9]{3}\b' unit integration compat schema | sort -u)"
	[[ -z $output ]] || { echo "unknown: $output"; return 1; }
}
