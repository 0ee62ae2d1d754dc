#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Which promises of tests/promises.txt have a test with their number in its title?
#
#   tests/coverage.sh            a table
#   tests/coverage.sh --missing  the promises without a test, with their text
#   tests/coverage.sh --write    puts the table into tests/README.md
#   tests/coverage.sh --check    fails if the table there is not the present one

set -euo pipefail
cd "${BASH_SOURCE[0]%/*}"
begin='<!-- coverage: written by tests/coverage.sh -->' end='<!-- end of coverage -->'

# The numbers that stand in titles of tests: of bats files, cmocka's tables, golden cases, TAP scripts.
tested() {
	grep -rhoE '\b(NV|FW|AV|BU|EN)-[0-9]{3}\b' --include='*.bats' --include='test_*.c' --include='*.json' --include='*.sh' --include='replay.c' . |
		sort -u
}

promised() {
	grep -oE '^(NV|FW|AV|BU|EN)-[0-9]{3}' promises.txt
}

# 001 002 003 005 → 001–003, 005
ranges() {
	awk '
		function flush() { if (first != "") printf "%s%s", (n++ ? ", " : ""), (first == last ? first : first "–" last) }
		{ number = substr($1, 4); if (last != "" && number + 0 == last + 1) { last = number; next } flush(); first = last = number }
		END { flush(); print "" }'
}

table() {
	local area name covered missing
	echo "| | Area | With a test | Without |"
	echo "| --- | --- | --- | --- |"
	for area in "NV netavark" "FW firewall" "AV aardvark-dns" "BU beyond upstream" "EN engine"; do
		name=${area#* } area=${area%% *}
		covered=$(comm -12 <(promised | grep "^$area" | sort) <(tested) | ranges)
		missing=$(comm -23 <(promised | grep "^$area" | sort) <(tested) | ranges)
		echo "| $area | $name | ${covered:-none} | ${missing:-none} |"
	done
}

case ${1-} in
"") table ;;
--missing)
	comm -23 <(promised | sort) <(tested) | while read -r number; do grep "^$number" promises.txt; done
	;;
--write | --check)
	new=$(awk -v begin="$begin" -v end="$end" -v table="$(table)" '
		$0 == begin { print; print table; skip = 1 }
		$0 == end { skip = 0 }
		!skip' README.md)
	if [[ $1 == --write ]]; then
		printf '%s\n' "$new" >README.md
	else
		diff -u README.md <(printf '%s\n' "$new")
	fi
	;;
*)
	echo "usage: tests/coverage.sh [--missing|--write|--check]" >&2
	exit 2
	;;
esac
