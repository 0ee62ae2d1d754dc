#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2034,SC2153 # variables of bash's completion and of bats
#
# What the shell offers when somebody presses the tabulator key.

TREE=$(cd "${BATS_TEST_FILENAME%/*}/../.." && pwd)
NETAVARK=$(realpath -m "${NETAVARK:-$TREE/build/check/netavark/netavark}")
AARDVARK=$(realpath -m "${AARDVARK:-$TREE/build/check/aardvark-dns/aardvark-dns}")

# compopt only works while bash itself completes; it is noted here what it was asked for.
compopt() {
	ASKED="$*"
}

# offered PROGRAM WORD... — what is offered for the last word.
offered() {
	# shellcheck disable=SC1091
	source "$TREE/common/dist/completion.bash"
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) ASKED=
	_netavark "$1" "${!#}" "${*: -2:1}"
	printf '%s\n' "${COMPREPLY[@]-}" ${ASKED:+"($ASKED)"} | sort | paste -sd' '
}

# is EXPECTED WORD... — what is offered is exactly this.
is() {
	local actual
	actual=$(offered "${@:2}")
	[[ $actual == "$1" ]] || { echo "expected: $1"; echo "offered:  $actual"; return 1; }
}

@test "commands and options are offered as the programs know them" {
	local words
	words=" $(offered "$NETAVARK" "") "
	for word in setup teardown create check plan update firewall-reload firewalld-reload version help --plugin-directory --config --file; do
		[[ $words == *" $word "* ]] || { echo "$word is missing in $words"; return 1; }
	done
	is "create" "$NETAVARK" cr
	is "--plugin-directory" "$NETAVARK" --config /x --pl
	is "--network-dns-servers" "$NETAVARK" update --net
	words=" $(offered "$AARDVARK" "") "
	[[ $words == *" run "* && $words == *" --config "* ]]
}

@test "values are offered where there is a choice, files and directories where they belong" {
	is "false true" "$NETAVARK" --rootless ""
	is "conf create setup" "$NETAVARK" check --kind ""
	is "always auto" "$NETAVARK" check --color a
	is "none" "$NETAVARK" --firewall-driver no
	is " (-o default)" "$NETAVARK" --file ""
	is " (-o default -o dirnames)" "$NETAVARK" --plugin-directory ""
	is " (-o default)" "$NETAVARK" setup x
	is "--help" "$NETAVARK" create -
	is "" "$NETAVARK" --no-such-thing
}
