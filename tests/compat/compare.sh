#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# compare.sh [PATTERN] — the same document to the netavark of a Debian release and to ours, each on a fresh
# host, and what they make of it compared: links, addresses, routes, sysctls, rules, files, the command line of
# the DNS server, the status document, exit status, and all of it again after the teardown. Prints TAP; a
# difference that compare_known.txt does not list fails. PATTERN chooses cases by name.
#
# Variables: PEER, a tree made by fetch_root.sh; NETAVARK, our program; COMPARE_KEEP, a directory that keeps
# what was seen; with COMPARE_AGAIN=1 that is compared once more, and nothing is run.
# shellcheck disable=SC2016 # scripts for the shell on the host

set -uo pipefail
BATS_TEST_TMPDIR=
# shellcheck source=tests/integration/helpers.bash
source "${BASH_SOURCE[0]%/*}/../integration/helpers.bash"
HERE=$TREE/tests/compat
PATTERN=${1-*}
CONFIG=/run/config

if [[ -z ${PEER-} || ! -x $PEER/usr/lib/podman/netavark ]]; then
	echo "1..0 # SKIP no other netavark: PEER=${PEER-} is not a tree made by tests/compat/fetch_root.sh"
	exit 0
fi
PEER=$(realpath "$PEER")
VERSION=$(chroot "$PEER" /usr/lib/podman/netavark --version)
VERSION=${VERSION#netavark }
SCRATCH=$(mktemp -d)
KEEP=${COMPARE_KEEP:-$SCRATCH/seen}
mkdir -p "$KEEP"
trap 'stop_host; rm -rf "$SCRATCH"' EXIT

# ---- cases ----

# Every golden and example document, and every edit of the base document in compare_cases.txt, as
# NAME.json and NAME.env.
write_cases() {
	local file name environment edit
	mkdir "$SCRATCH/cases"
	for file in "$GOLDEN"/*.json "$TREE"/examples/requests/*.json; do
		name=${file##*/}
		cp "$file" "$SCRATCH/cases/$name"
		[[ ! -f ${file%.json}.env ]] || cp "${file%.json}.env" "$SCRATCH/cases/${name%.json}.env"
	done
	while IFS='|' read -r name environment edit; do
		[[ -n $name && $name != \#* ]] || continue
		name=${name%% *}
		base_document | jq -c "$JQ_WORDS $edit" >"$SCRATCH/cases/$name.json" ||
			{ echo "compare_cases.txt: $name: not a jq program: $edit" >&2; exit 2; }
		[[ -z ${environment// /} ]] || xargs -n 1 <<<"$environment" >"$SCRATCH/cases/$name.env"
	done <"$HERE/compare_cases.txt"
}

# ---- one side ----

stop_host() {
	[[ -z ${LAUNCHER-} ]] || kill -KILL "$LAUNCHER" 2>/dev/null
	LAUNCHER=
}

# What stands in for the DNS server, for both alike: it notes how it was called and lives until it is killed.
write_server() {
	cat >"$1" <<-'END'
		#!/bin/sh
		echo "server: $*" >>/run/server.log
		(trap "echo hangup >>/run/server.log" HUP
		 while :; do sleep 100 & wait; done) >/dev/null 2>&1 </dev/null &
		echo $! >"$2/aardvark.pid.new"
		tr -d "\n" <"$2/aardvark.pid.new" >"$2/aardvark.pid"
		rm "$2/aardvark.pid.new"
	END
	chmod +x "$1"
}

fresh_host() {
	BATS_TEST_TMPDIR=$(mktemp -d -p "$SCRATCH")
	start_host || exit 1
	write_server "$BATS_TEST_TMPDIR/server"
	# The peer lives in a root of its own, but sees the same host. All hosts have an uplink with a default route.
	host bash -ec '
		mkdir "$2" /run/case
		cp "$3" /run/case/server
		for d in run proc sys dev; do mount --rbind /$d "$1/$d"; done
		ip link add uplink mtu 1450 type veth peer name far
		ip address add 198.51.100.1/24 dev uplink
		ip address add 2001:db8:1::1/64 dev uplink nodad
		ip link set uplink address 02:00:00:00:00:01 up
		ip link set far address 02:00:00:00:00:02 up
		ip route add default via 198.51.100.2' - "$PEER" "$CONFIG" "$BATS_TEST_TMPDIR/server"
}

# run_side ours|theirs COMMAND — output and status of one call, the document on standard input.
run_side() {
	local environment=() root=()
	[[ ! -f $CASE.env ]] || mapfile -t environment <"$CASE.env"
	if [[ $1 == theirs ]]; then
		root=(chroot "$PEER" /usr/lib/podman/netavark)
	else
		root=("$NETAVARK")
	fi
	host env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin NETAVARK_FW=nftables "${environment[@]}" timeout 40 "${root[@]}" \
		--config "$CONFIG" --aardvark-binary=/run/case/server "$2" /run/netns/c1 <"$CASE.json" 2>/dev/null 3>&- |
		normal_status | sed "s/^/$2: /"
	echo "$2: exit status ${PIPESTATUS[0]}"
}

# Addresses that the kernel makes up are not compared, nor is the order of networks, which is random elsewhere.
normal_status() {
	jq -cS . | sed -E 's/"mac_address":"[0-9a-f]([26ae])(:[0-9a-f]{2}){5}"/"mac_address":"made up"/g'
}

# Everything on the host that a setup may have touched, as text that does not depend on chance.
look() {
	host_script "$CONFIG" <<-'END'
		config=$1
		links() {
			ip "$@" -json -details link | jq -r '.[] | "link \(.ifname) kind \(.linkinfo.info_kind) mode \(.linkinfo.info_data.mode // "-") master \(.master // "-") mtu \(.mtu) " +
				"\(if .flags | index("UP") then "up" else "down" end)"'
			ip "$@" -json address | jq -r '.[] | .ifname as $dev | .addr_info[] | select(.scope != "link") |
				"address \($dev) \(.local)/\(.prefixlen) broadcast \(.broadcast // "-") scope \(.scope)"'
			for family in -4 -6; do
				ip "$@" $family route show table all | grep -vE 'fe80|ff00|multicast' | sed 's/ *$//; s/^/route /'
			done
		}
		sysctls() {
			grep -H . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding \
				/proc/sys/net/ipv4/conf/*/{forwarding,route_localnet,rp_filter,arp_notify} \
				/proc/sys/net/ipv6/conf/*/{forwarding,accept_dad,accept_ra,autoconf,disable_ipv6,ndisc_notify}
		}
		for container in c1 c2; do
			links -n $container | sed "s/^/$container /"
			ip netns exec $container bash -c "$(declare -f sysctls); sysctls" | sed "s/^/$container /"
		done
		links
		sysctls
		nft list ruleset
		[[ ! -d $config ]] || find "$config" -type f | sort | while read -r file; do
			case $file in
			*.lock | *.pid) echo "file $file" ;;
			*) echo "file $file: $(cat "$file")" ;;
			esac
		done
		find /run/sysctl.d -type f -exec grep -H . {} + 2>/dev/null | sort
		cat /run/server.log 2>/dev/null
		true
	END
}

side() {
	fresh_host
	{
		run_side "$1" setup
		look | sed 's/^/set up: /'
		run_side "$1" teardown
		look | sed 's/^/torn down: /'
	} >"$KEEP/$NAME.$1" 2>&1
	stop_host
}

# ---- comparing ----

# Differences without those that compare_known.txt explains for this case and this version.
unexplained() {
	local versions cases expression script=()
	while IFS=$'\t' read -r versions cases expression _; do
		[[ -n $versions && $versions != \#* ]] || continue
		# shellcheck disable=SC2053 # they are patterns
		[[ $VERSION == $versions && $NAME == $cases ]] && script+=(-e "$expression")
	done <"$HERE/compare_known.txt"
	diff <(sed -E "${script[@]:--e;}" "$KEEP/$NAME.theirs") <(sed -E "${script[@]:--e;}" "$KEEP/$NAME.ours") | grep '^[<>]'
}

write_cases
# shellcheck disable=SC2206 # it is a pattern
cases=("$SCRATCH"/cases/$PATTERN.json)
echo "1..${#cases[@]}"
number=0 bad=0
for CASE in "${cases[@]%.json}"; do
	NAME=${CASE##*/}
	# In turns, so that neither always finds the machine as the other left it.
	if ((number++ % 2)); then order=(ours theirs); else order=(theirs ours); fi
	[[ -n ${COMPARE_AGAIN-} ]] || for one in "${order[@]}"; do side "$one"; done
	difference=$(unexplained)
	if [[ -n $difference ]]; then
		echo "not ok $number - $NAME: differs from netavark $VERSION"
		head -n 60 <<<"$difference" | sed 's/^/# /'
		bad=1
	else
		echo "ok $number - $NAME: as netavark $VERSION"
	fi
done
exit $bad
