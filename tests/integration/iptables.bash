# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2034 # scripts for the shell on the host; variables of the tests that load this
#
# For the tests of the iptables backend: both places where the kernel keeps the rules of iptables, and
# the programs that show them.

FLAVOURS=(nft legacy)
ORIGINAL_PATH=$PATH

# flavour NAME — from now on the host's iptables is this one: a directory of links heads PATH.
flavour() {
	FLAVOUR=$1
	local dir=$BATS_TEST_TMPDIR/bin-$1 program
	mkdir -p "$dir"
	for program in iptables ip6tables iptables-save ip6tables-save iptables-restore ip6tables-restore; do
		ln -sf "$(PATH=$ORIGINAL_PATH command -v "${program/tables/tables-$1}")" "$dir/$program"
	done
	export PATH=$dir:$ORIGINAL_PATH NETAVARK_FW=iptables
}

# for_each_flavour FUNCTION... — runs it on a host of its own for each of them.
for_each_flavour() {
	local each
	for each in "${FLAVOURS[@]}"; do
		[[ -z ${FLAVOUR-} ]] || fresh_host
		flavour "$each"
		echo "---- iptables-$each"
		"$@"
	done
}

# Another host that nothing has happened on.
fresh_host() {
	kill -KILL "$LAUNCHER"
	rm -rf "$CONFIG" "$BATS_TEST_TMPDIR/ready"
	start_host
}

# xt_exists PROGRAM TABLE — looks without making the table come to be.
xt_exists() {
	local proc=/proc/net/ip_tables_names family=ip
	[[ $1 == iptables ]] || proc=/proc/net/ip6_tables_names family=ip6
	if [[ $FLAVOUR == legacy ]]; then
		host grep -qsx "$2" "$proc"
	else
		host nft list tables | grep -qx "table $family $2"
	fi
}

# All tables of iptables that exist, in the form of the golden files.
xt_save() {
	local program table
	for program in iptables ip6tables; do
		for table in filter nat; do
			xt_exists "$program" "$table" || continue
			echo "# $program-save -t $table"
			host "$program-save" -t "$table" | sed -E '/^[#*C]/d; s/\[[0-9]+:[0-9]+\]/[0:0]/'
		done
	done
}

# xt_rules TABLE CHAIN [PROGRAM] — its rules as "iptables -S" prints them.
xt_rules() {
	host "${3-iptables}" -t "$1" -S "$2" | grep '^-A' || true
}

# The rules that are never removed, for both families.
xt_empty() {
	equal "$(xt_save | sed '/NETAVARK_ISOLATION_1 - /d')" "$(<"$GOLDEN/iptables-empty.iptables")"
}

# Nothing is there that only looking could have made.
no_legacy_tables() {
	is "" bash -c 'cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null'
}

# xt_flush — all rules and chains of iptables go, as by somebody who wants to begin anew.
xt_flush() {
	if [[ $FLAVOUR == nft ]]; then
		host nft flush ruleset
	else
		host bash -c 'for p in iptables ip6tables; do for t in filter nat; do $p -t $t -F; $p -t $t -X; done; done'
	fi
}
