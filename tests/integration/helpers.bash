# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables of the tests that load this, and those that run sets
#
# Helpers for the tests of netavark. Every test has a host of its own: new mount, network and PID
# namespaces, held by a shell that is process 1 of the PID namespace. When it is killed, all that
# was started on the host dies with it, and links, rules and mounts go with their namespaces.
# Containers are named network namespaces of that host.
#
# Variables: NETAVARK and AARDVARK name the programs; without them those of the test build are
# used. The fault tests need a build with FAULT_INJECTION.
#
# In a VM (tests/vm) IN_VM is set, and SLOWNESS, by which patience is multiplied.

TREE=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
NETAVARK=$(realpath -m "${NETAVARK:-$TREE/build/check/netavark/netavark}")
AARDVARK=$(realpath -m "${AARDVARK:-$TREE/build/check/aardvark-dns/aardvark-dns}")
GOLDEN=$TREE/tests/golden
SLOWNESS=${SLOWNESS:-1}

# What the machine's own environment says must not matter.
unset RUST_LOG NETAVARK_LOG NETAVARK_FW NETAVARK_DNS_PORT NETAVARK_DEFAULT_ISOLATE \
	NETAVARK_IPAM_DIR NETAVARK_CONF NETAVARK_ANNOUNCE NETAVARK_CT_FLUSH NETAVARK_GUARD NETAVARK_HAIRPIN \
	NETAVARK_NFT_COMMENTS NETAVARK_NFT_LAYOUT NETAVARK_FAULT NETAVARK_FAULT_LOG DBUS_SYSTEM_BUS_ADDRESS

setup() {
	bats_require_minimum_version 1.5.0
	CONFIG=$BATS_TEST_TMPDIR/config
	start_host
}

teardown() {
	# A test that ran to its end is not explained.
	[[ ${BATS_TEST_COMPLETED-} == 1 ]] || explain
	[[ -z ${LAUNCHER-} ]] || kill -KILL "$LAUNCHER" 2>/dev/null
	return 0
}

# ---- the host -----------------------------------------------------------------------------------

# Process 1 of the host. It reaps what it inherits, and does not outlive a test run that was killed.
host_main() {
	set -e
	mount --make-rprivate /
	mount -t tmpfs tmpfs /run
	mkdir -p /run/netns
	ip link set lo up
	local container
	for container in c1 c2; do
		ip netns add "$container"
		# Once up, the loopback keeps its IPv4 address for ever. So it has it from the beginning,
		# and a setup that failed can be held to leaving nothing behind.
		ip -n "$container" link set lo up
		ip -n "$container" link set lo down
	done
	echo ready >"$1"
	sleep "$2" &
	wait $!
}

# Makes the host, with the containers c1 and c2. Sets LAUNCHER and HOST, its process 1.
start_host() {
	local fifo=$BATS_TEST_TMPDIR/ready answer=
	mkfifo "$fifo"
	unshare --mount --net --pid --fork --kill-child=KILL --mount-proc \
		bash -c "$(declare -f host_main); host_main '$fifo' $((${HOST_SECONDS:-120} * SLOWNESS))" \
		>"$BATS_TEST_TMPDIR/host.log" 2>&1 3>&- &
	LAUNCHER=$!
	disown
	# Opened for both directions, so that neither side waits for the other to open it.
	read -r -t $((20 * SLOWNESS)) answer <>"$fifo" || true
	if [[ $answer != ready ]]; then
		cat "$BATS_TEST_TMPDIR/host.log"
		return 1
	fi
	HOST=$(tr -d ' ' <"/proc/$LAUNCHER/task/$LAUNCHER/children")
}

# Runs a command on the host.
host() {
	nsenter --target "$HOST" --mount --net --pid -- "$@" 3>&-
}

# on CONTAINER COMMAND — runs a command in the network of a container.
on() {
	host ip netns exec "$@"
}

# traced CALLS COMMAND... — runs a command on the host and notes these system calls of it in $TRACE.
# LeakSanitizer cannot work beside strace.
traced() {
	TRACE=$BATS_TEST_TMPDIR/trace
	host env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" strace -e trace="$1" -o "$TRACE" "${@:2}"
}

# Runs the rest of its standard input as a script on the host, for loops that must be quick. It
# knows the functions of this file.
host_script() {
	local script
	script=$(declare -f snapshot snapshot_links snapshot_files snapshot_rules forget_rules)
	host bash -euc "$script
$(cat)" script "$@"
}

# needs FEATURE... — skips the test where the kernel lacks one of them: bridge_vlans, br_netfilter,
# sctp, or a kind of link like dummy, vlan, vrf, macvlan, ipvlan. In a VM that is a failure, for its
# kernels have them all.
needs() {
	local feature
	for feature; do
		! kernel_has "$feature" || continue
		[[ -n ${IN_VM-} ]] || skip "the kernel has no $feature"
		echo "the kernel has no $feature"
		return 1
	done
}

kernel_has() {
	local kind=("$1")
	case $1 in
	sctp)
		host python3 -c 'import socket as s; s.socket(s.AF_INET, s.SOCK_STREAM, s.IPPROTO_SCTP)'
		return
		;;
	br_netfilter)
		[[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]]
		return
		;;
	bridge_vlans) kind=(bridge vlan_filtering 1) ;;
	vrf) kind+=(table 9) ;;
	vlan) kind+=(id 9) ;;
	esac
	# Some need a link below them, the others do not mind.
	host ip link add below type bridge
	host ip link add link below name needed type "${kind[@]}"
	local answer=$?
	host ip link delete needed
	host ip link delete below
	return $answer
} &>/dev/null

# Another machine with the addresses .2 on the same cable as the host's .1.
connect_outside() {
	host bash -ec '
		ip netns add outside
		ip link add uplink type veth peer name eth0 netns outside
		ip address add 198.51.100.1/24 dev uplink
		ip address add 2001:db8:1::1/64 dev uplink nodad
		ip link set uplink up
		ip -n outside address add 198.51.100.2/24 dev eth0
		ip -n outside address add 2001:db8:1::2/64 dev eth0 nodad
		ip -n outside link set lo up
		ip -n outside link set eth0 up'
}

# ---- documents ----------------------------------------------------------------------------------

# The document of most tests: container "one" on the dual-stack network "web".
base_document() {
	cat <<-'END'
		{"container_id": "c0ffee01", "container_name": "one",
		 "networks": {"web": {"interface_name": "eth0",
		   "static_ips": ["10.71.0.11", "fd71:5:9::11"]}},
		 "network_info": {"web": {"name": "web", "driver": "bridge", "network_interface": "br-web",
		   "id": "1111222233334444555566667777888811112222333344445555666677778888",
		   "subnets": [{"subnet": "10.71.0.0/24", "gateway": "10.71.0.1"},
		     {"subnet": "fd71:5:9::/64", "gateway": "fd71:5:9::1"}],
		   "ipv6_enabled": true, "internal": false, "dns_enabled": false,
		   "ipam_options": {"driver": "host-local"}}}}
	END
}

# What edits of it are made of.
# shellcheck disable=SC2016 # the dollars are jq's
JQ_WORDS='
	def net: .network_info.web;
	def me: .networks.web;
	def number($n): .container_id = "c0ffee0\($n)" | .container_name = "number\($n)" |
		me.static_ips = ["10.71.0.1\($n)", "fd71:5:9::1\($n)"];
	def automatic: del(me.static_ips);
	def v4: net.subnets |= .[:1] | net.ipv6_enabled = false |
		if me.static_ips then me.static_ips |= map(select(contains(":") | not)) else . end;
	def dns: net.dns_enabled = true;
	def internal: net.internal = true;
	def port($host; $container; $protocol): .port_mappings += [{host_ip: "", host_port: $host,
		container_port: $container, range: 1, protocol: $protocol}];
	def second: .networks.back = {interface_name: "eth1", static_ips: ["10.72.0.11"]} |
		.network_info.back = (net | .name = "back" | .network_interface = "br-back" |
			.id = "9999aaaabbbbccccddddeeeeffff00009999aaaabbbbccccddddeeeeffff0000" |
			.ipv6_enabled = false | .subnets = [{subnet: "10.72.0.0/24", gateway: "10.72.0.1"}]);
	def as_array: .networks = [.networks | to_entries[] | .value + {name: .key}];
'

# document NAME [EDIT] — writes the base document, changed by a jq program, to the file NAME.json
# and puts its path into $DOC.
document() {
	DOC=$BATS_TEST_TMPDIR/$1.json
	base_document | jq -c "$JQ_WORDS ${2-.}" >"$DOC"
}

# ---- the program --------------------------------------------------------------------------------

# netavark ARGUMENT... — runs the program on the host; sets status, output and stderr.
netavark() {
	run --separate-stderr host timeout $((40 * SLOWNESS)) "$NETAVARK" --config "$CONFIG" \
		--aardvark-binary="$AARDVARK" "$@"
}

# Whether it is built with a sanitizer, which costs time and memory.
sanitized() {
	grep -q __asan_init "$NETAVARK"
}

# attach CONTAINER [DOCUMENT] [OPTION...] — a setup that must succeed in silence. Sets STATUS.
attach() {
	local container=$1 document=${2-$DOC}
	netavark "${@:3}" --file "$document" setup "/run/netns/$container"
	equal "$status $stderr" "0 " || { echo "$output"; return 1; }
	STATUS=$output
}

# detach CONTAINER [DOCUMENT] [OPTION...] — a teardown that must succeed in silence.
detach() {
	local container=$1 document=${2-$DOC}
	netavark "${@:3}" --file "$document" teardown "/run/netns/$container"
	equal "$status $output$stderr" "0 "
}

# refused TEXT — the last run failed with this error, in the one form an error has.
refused() {
	equal "$status" 1
	equal "$output" "$(jq -nc --arg e "$1" '{error: $e}')"
}

# refused_like PATTERN — the same for a part of the error; sets ERROR.
refused_like() {
	equal "$status ${#lines[@]}" "1 1"
	ERROR=$(jq -er 'select(keys == ["error"]) | .error' <<<"$output")
	# shellcheck disable=SC2053 # it is a pattern
	[[ $ERROR == $1 ]] || equal "$ERROR" "$1"
}

# valid SCHEMA — standard input matches a schema.
valid() {
	"$TREE/tests/schema/check_schemas.py" --validate "$1" -
}

# isolated NUMBER OPTION — the document of a container on a network of its own, like upstream's.
isolated() {
	DOC=$BATS_TEST_TMPDIR/isolated$1.json
	jq --arg n "$1" --arg isolate "$2" '
		(.network_info.isolate1 | .name = "isolate\($n)" | .network_interface = "isolate\($n)" |
			.id = "\($n)\($n)\($n)\($n)\($n)\($n)\($n)\($n)" |
			.subnets = [{subnet: "10.89.\(($n | tonumber) - 1).0/24", gateway: "10.89.\(($n | tonumber) - 1).1"},
				{subnet: "fd9\($n)::/64", gateway: "fd9\($n)::1"}] |
			if $isolate == "" then del(.options) else .options.isolate = $isolate end) as $net |
		.container_id = "e\($n)" | .network_info = {"isolate\($n)": $net} |
		.networks = {"isolate\($n)": {interface_name: "eth0",
			static_ips: ["10.89.\(($n | tonumber) - 1).2", "fd9\($n)::2"]}}' "$GOLDEN/nft-isolate1.json" >"$DOC"
}

# Six containers i1 … i6 on networks of their own, isolated in every way.
attach_isolated() {
	local number option
	while read -r number option; do
		host ip netns add "i$number"
		isolated "$number" "$option"
		attach "i$number"
	done <<-'END'
		1 true
		2 true
		3 strict
		4 strict
		5 false
		6
	END
}

# ---- looking --------------------------------------------------------------------------------------

# equal ACTUAL EXPECTED — compares, with a difference in the output of a failure.
equal() {
	[[ $1 == "$2" ]] && return
	diff --label expected --label actual -u <(printf '%s\n' "$2") <(printf '%s\n' "$1") || true
	return 1
}

# is EXPECTED COMMAND... — the output of a command on the host is exactly this.
is() {
	local actual
	actual=$(host "${@:2}" 2>&1) || true
	equal "$actual" "$1"
}

# status_is EXPECTED FILTER — a part of the last status document.
status_is() {
	equal "$(jq -c "$2" <<<"$STATUS")" "$1"
}

# addresses [CONTAINER] DEVICE — all but the link-local ones, on one line.
addresses() {
	if [[ $# == 2 ]]; then
		host ip -n "$1" -j address show dev "$2"
	else
		host ip -j address show dev "$1"
	fi | jq -r '[.[].addr_info[] | select(.scope != "link") | "\(.local)/\(.prefixlen)"] | join(" ")'
}

link_names() {
	host ip -j link | jq -r '[.[].ifname] | join(" ")'
}

# routes CONTAINER [OPTION...] — its routes that somebody has set.
routes() {
	host ip -n "$1" "${@:2}" route show proto static | sed 's/ *$//'
}

sysctl_of() {
	on "$1" cat "/proc/sys/net/$2"
}

host_sysctl() {
	host cat "/proc/sys/net/$1"
}

# nft_chain NAME — as it is printed, but without the table around it; nft before 1.0.7 does not
# know the name of the priority on the output hook.
nft_chain() {
	host nft list chain inet netavark "$1" | sed '1d;$d' | normal_nft
}

nft_table() {
	host nft list table inet netavark | normal_nft
}

normal_nft() {
	sed 's/hook output priority -100/hook output priority dstnat/'
}

# server — the process of the DNS server as numbered on the host, or nothing.
server() {
	host pgrep -x aardvark-dns || true
}

# files — everything below the configuration directory with its content, apart from locks.
files() {
	[[ ! -d $CONFIG ]] || (cd "$CONFIG" && find . -type f ! -name '*lock' | sort)
}

# ---- comparing before and after -----------------------------------------------------------------

# What goes up and down by itself while ports come and go is left out, and so are the addresses
# and routes that the kernel gives to links that are up.
snapshot_links() {
	ip "$@" address | sed -E 's/NO-CARRIER,|,LOWER_UP//g; s/ (qdisc|state) [A-Za-z]+//g; s/ (mngtmp|nodad|tentative)//g' |
		grep -vE 'inet6 fe80|valid_lft'
	ip "$@" route show table all | grep -vE 'fe80|ff00::/8' || true
}

snapshot_files() {
	local config=$1
	[[ ! -d $config ]] || find "$config" /run/sysctl.d -type f ! -name '*lock' ! -name firewall-driver \
		! -name aardvark.pid -exec sha256sum {} + 2>/dev/null | sort
}

# Rules of nf_tables, and of the legacy tables that are there: those can be emptied, but never go.
snapshot_rules() {
	local family table
	# It complains about tables of iptables; counters go on by themselves.
	nft list ruleset 2>/dev/null | sed -E 's/counter packets [0-9]+ bytes [0-9]+/counter/'
	for family in ip ip6; do
		# shellcheck disable=SC2013 # one word a line
		for table in $(cat "/proc/net/${family}_tables_names" 2>/dev/null); do
			"${family}tables-legacy-save" -t "$table" | grep -E '^(-|:.* - )' || true
		done
	done
}

# What stays after the last container, of every driver, goes.
forget_rules() {
	local family table
	for table in "inet netavark" "inet netavark-guard" "ip filter" "ip nat" "ip6 filter" "ip6 nat"; do
		# shellcheck disable=SC2086 # words
		! nft list table $table >/dev/null 2>&1 || nft delete table $table
	done
	for family in ip ip6; do
		# shellcheck disable=SC2013 # one word a line
		for table in $(cat "/proc/net/${family}_tables_names" 2>/dev/null); do
			"${family}tables-legacy" -t "$table" -F
			"${family}tables-legacy" -t "$table" -X
		done
	done
}

# snapshot CONFIG CONTAINER... — everything that a setup that failed must leave as it was.
snapshot() {
	local config=$1 container
	shift
	snapshot_links
	for container; do
		echo "$container"
		snapshot_links -n "$container"
	done
	snapshot_rules
	snapshot_files "$config"
	grep -H . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/{all,default}/forwarding \
		/proc/sys/net/ipv4/conf/{all,default}/{forwarding,rp_filter,route_localnet}
	pgrep -l aardvark || true
}

remember() {
	BEFORE=$(host_script "$CONFIG" c1 c2 <<<'snapshot "$@"')
}

# nothing_changed — the host and both containers are as they were at remember.
nothing_changed() {
	local after
	after=$(host_script "$CONFIG" c1 c2 <<<'snapshot "$@"')
	equal "$after" "$BEFORE"
}

# Runs a command until it succeeds; gives up after ten seconds.
wait_for() {
	local end=$((SECONDS + 10 * SLOWNESS))
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS > end)); then
			echo "gave up waiting for: $*"
			return 1
		fi
		sleep 0.02
	done
}

# ---- when a test fails --------------------------------------------------------------------------

explain() {
	[[ -n ${HOST-} && -d /proc/$HOST ]] || return 0
	echo "---- last run: status ${status-}"
	echo "stdout: ${output-}"
	echo "stderr: ${stderr-}"
	local container
	for container in "" $(host ip netns list | cut -d' ' -f1); do
		echo "---- links and routes ${container:+in }$container"
		host ip ${container:+-n "$container"} address
		host ip ${container:+-n "$container"} route show table all
	done
	echo "---- rules"
	host nft list ruleset
	echo "---- files"
	files
	[[ ! -d $CONFIG ]] || (cd "$CONFIG" && find . -type f -exec grep -H '' {} +) || true
	echo "---- logs"
	cat "$BATS_TEST_TMPDIR/host.log"
}
