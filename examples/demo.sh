#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shows what netavark and aardvark-dns do, on a host that exists only for this purpose.
#
# Two containers, "web" and "db", join one network with IPv4, IPv6 and names. They find each other,
# a client outside reaches the ports that web publishes, and in the end nothing is left. Every
# claim is checked; the status is 0 only if all of them hold.
#
# The host is a set of new mount, network and PID namespaces. Their process 1 is this script; when it
# ends, for whatever reason, the kernel ends everything in them and drops their links, rules and files.
#
# NETAVARK and AARDVARK_DNS name the programs; without them those of the release build are shown.

# shellcheck disable=SC2317 # most functions are called through step
set -Eeuo pipefail

tree=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
NETAVARK=$(realpath -m "${NETAVARK:-$tree/build/release/netavark/netavark}")
AARDVARK_DNS=$(realpath -m "${AARDVARK_DNS:-$tree/build/release/aardvark-dns/aardvark-dns}")
TJALK=$(realpath -m "${TJALK:-$tree/build/release/engine/tjalk}")

config=/run/demo/config
network=lab
gateway4=10.89.7.1 gateway6=fd89:7::1
host4=198.51.100.1 host6=2001:db8:1::1
client4=198.51.100.2 client6=2001:db8:1::2

# ---- What the reader sees --------------------------------------------------------------------------

bold='' green='' red='' plain=''
if [[ -t 1 ]]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi
good=0 bad=0

heading() {
	printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

indent() {
	sed 's/^./      &/'
}

passed() {
	good=$((good + 1))
	printf '  %s✓%s %s\n' "$green" "$plain" "$1"
}

failed() {
	bad=$((bad + 1))
	printf '  %s✗%s %s\n' "$red" "$plain" "$1"
}

# step TITLE COMMAND — runs it; shows its output only if it fails.
step() {
	local title=$1 output
	shift
	if output=$("$@" 2>&1); then
		passed "$title"
	else
		failed "$title"
		[[ -z $output ]] || indent <<<"$output"
	fi
}

# step_is TITLE EXPECTED COMMAND — its output must be exactly that.
step_is() {
	local title=$1 expected=$2 output
	shift 2
	output=$("$@" 2>&1) || true
	if [[ $output == "$expected" ]]; then
		passed "$title: ${expected:-nothing}"
	else
		failed "$title: expected ${expected:-nothing}, got ${output:-nothing}"
	fi
}

finish() {
	heading "$good of $((good + bad)) steps as they should be"
	((bad == 0)) || exit 1
	exit 0
}

give_up() {
	failed "$1"
	finish
}

# wait_for COMMAND — until it succeeds, at most about five seconds.
wait_for() {
	local try
	for ((try = 0; try < 100; try++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	return 1
}

# ---- The host, the client outside, the containers --------------------------------------------------

# A host with a cable to a client outside. No link-local addresses, so that nothing changes by itself.
make_host() {
	mount --make-rprivate /
	mount -t tmpfs tmpfs /run
	mkdir -p /run/netns "$config"
	ip link set lo up
	ip netns add outside
	ip link add uplink type veth peer name eth0 netns outside
	ip link set uplink addrgenmode none up
	ip address add "$host4/24" dev uplink
	ip address add "$host6/64" dev uplink nodad
	ip -n outside link set eth0 addrgenmode none up
	ip -n outside address add "$client4/24" dev eth0
	ip -n outside address add "$client6/64" dev eth0 nodad
}

# As an engine would: an empty network namespace, and an /etc of its own.
make_container() {
	mkdir -p "/run/demo/$1/etc"
	echo "hosts: files dns" >"/run/demo/$1/etc/nsswitch.conf"
	ip netns add "$1"
}

# What the engine does with the status document: name servers and search domain.
configure_resolver() {
	jq -r '.[] | (.dns_server_ips[] | "nameserver " + .), "search " + (.dns_search_domains | join(" "))' \
		"/run/demo/$1/status.json" >"/run/demo/$1/etc/resolv.conf"
}

# inside CONTAINER COMMAND
inside() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # expanded by the inner shell
	nsenter --net="/run/netns/$name" unshare --mount \
		bash -c 'mount --bind "$0" /etc && exec "$@"' "/run/demo/$name/etc" "$@"
}

outside() {
	ip netns exec outside "$@"
}

id_of() {
	sha256sum <<<"$1" | cut -c 1-64
}

# request CONTAINER — the document for set-up and teardown. There are no addresses in it: netavark chooses them.
request() {
	local ports='[]' alias=store
	if [[ $1 == web ]]; then
		alias=frontend
		ports='[
			{"host_ip": "", "host_port": 8080, "container_port": 80, "range": 1, "protocol": "tcp"},
			{"host_ip": "", "host_port": 9000, "container_port": 9000, "range": 1, "protocol": "udp"}
		]'
	fi
	jq -n --arg id "$(id_of "$1")" --arg name "$1" --arg alias "$alias" --argjson ports "$ports" \
		--arg network "$network" --arg network_id "$(id_of "$network")" \
		--arg gateway4 "$gateway4" --arg gateway6 "$gateway6" '{
		container_id: $id, container_name: $name, port_mappings: $ports,
		networks: [{name: $network, interface_name: "eth0", aliases: [$alias]}],
		network_info: {($network): {
			name: $network, id: $network_id, driver: "bridge", network_interface: "br-lab",
			subnets: [
				{subnet: "10.89.7.0/24", gateway: $gateway4},
				{subnet: "fd89:7::/64", gateway: $gateway6}
			],
			ipv6_enabled: true, internal: false, dns_enabled: true,
			ipam_options: {driver: "host-local"}
		}}
	}'
}

# netavark setup|teardown CONTAINER
netavark() {
	"$NETAVARK" --config "$config" --aardvark-binary "$AARDVARK_DNS" "$1" "/run/netns/$2" \
		<"/run/demo/$2/request.json"
}

# timed TITLE COMMAND — a step that shows how long it took; its output goes to /run/demo/output.
timed() {
	local title=$1 from=$EPOCHREALTIME
	shift
	"$@" >/run/demo/output 2>/run/demo/errors || {
		failed "$title"
		cat /run/demo/output /run/demo/errors | indent
		finish
	}
	passed "$title$(awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf " in %.1f ms", (b - a) * 1000 }')"
}

set_up() {
	make_container "$1"
	request "$1" >"/run/demo/$1/request.json"
	timed "netavark setup $1" netavark setup "$1"
	mv /run/demo/output "/run/demo/$1/status.json"
	configure_resolver "$1"
}

tear_down() {
	timed "netavark teardown $1" netavark teardown "$1"
	if [[ -s /run/demo/output || -s /run/demo/errors ]]; then
		failed "teardown of $1 says nothing"
		cat /run/demo/output /run/demo/errors | indent
	fi
}

# address CONTAINER 4|6 — from the status document.
address() {
	jq -r --arg pattern "$([[ $2 == 6 ]] && echo : || echo '[.]')" \
		'.[].interfaces.eth0.subnets[].ipnet | select(test($pattern)) | sub("/.*"; "")' \
		"/run/demo/$1/status.json"
}

# ---- Traffic ---------------------------------------------------------------------------------------

listens() {
	[[ -n $(inside "$1" ss --no-header --listening --numeric "-$2" "sport = :$3") ]]
}

# web says hello on TCP port 80 and UDP port 9000, over both families.
serve() {
	inside web socat TCP6-LISTEN:80,fork,reuseaddr,ipv6only=0 SYSTEM:'echo hello from web' 2>/dev/null &
	inside web socat UDP6-RECVFROM:9000,fork,ipv6only=0 SYSTEM:'echo hello from web' 2>/dev/null &
	if ! wait_for listens web t 80 || ! wait_for listens web u 9000; then
		give_up "web listens"
	fi
}

tcp_client=(timeout 5 socat -T 5 -u)

# UDP may lose a datagram: ask again when nothing comes back.
# shellcheck disable=SC2016 # expanded by the inner shell
udp_client=(bash -c 'exec 3<>"/dev/udp/$0/$1"
	for try in 1 2 3 4 5; do echo hello >&3; timeout 1 head -n 1 <&3 && exit 0; done; exit 1')

# ask NAME TYPE SERVER — what dig in the container db gets.
ask() {
	inside db dig +short +time=2 +tries=2 "@$3" "$1" "$2"
}

# reverse ADDRESS SERVER — the names of an address.
reverse() {
	inside db dig +short +time=2 +tries=2 "@$2" -x "$1" | paste -s -d ' '
}

# ---- What must not change --------------------------------------------------------------------------

# Those that run; the host has a PID namespace of its own.
our_programs() {
	grep -sxhE 'netavark|aardvark-dns' /proc/[0-9]*/comm || true
}

host_state() {
	echo "links:"
	ip -brief link
	echo "addresses:"
	ip -brief address
	echo "routes:"
	ip route
	ip -6 route
	echo "rules for routes:"
	ip rule
	echo "listening sockets:"
	ss --no-header --listening --numeric --tcp --udp
	echo "programs:"
	our_programs
	echo "settings of interfaces, except for forwarding:"
	# Some settings cannot be read while they are unset, which grep reports. With IPv4 forwarding the kernel
	# itself switches all/accept_redirects off.
	{ grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf || true; } |
		grep -vE '/(mc_)?forwarding:|ipv4/conf/all/accept_redirects:' | sort
}

# As newer versions of nft print it: numbers without leading zeros, the priority by name on every hook.
rules() {
	nft list "$@" | sed -e 's/0x0*/0x/g' -e 's/priority -100;/priority dstnat;/'
}

# Permanent by design: ten chains and eight rules that serve every network.
fixed_table() {
	cat <<'END'
table inet netavark {
	chain INPUT {
		type filter hook input priority filter; policy accept;
	}

	chain FORWARD {
		type filter hook forward priority filter; policy accept;
		ct state invalid drop
		ct mark & 0x1000 == 0x1000 accept
		jump NETAVARK-ISOLATION-1
	}

	chain POSTROUTING {
		type nat hook postrouting priority srcnat; policy accept;
		meta mark & 0x2000 == 0x2000 masquerade
	}

	chain PREROUTING {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local jump NETAVARK-HOSTPORT-DNAT
	}

	chain OUTPUT {
		type nat hook output priority dstnat; policy accept;
		fib daddr type local jump NETAVARK-HOSTPORT-DNAT
	}

	chain NETAVARK-HOSTPORT-DNAT {
	}

	chain NETAVARK-HOSTPORT-SETMARK {
		meta mark set meta mark | 0x2000
	}

	chain NETAVARK-ISOLATION-1 {
	}

	chain NETAVARK-ISOLATION-2 {
	}

	chain NETAVARK-ISOLATION-3 {
		jump NETAVARK-ISOLATION-2
	}
}
END
}

# Permanent as well: keeps containers away from what the host offers on 127.0.0.0/8 only.
guard_table() {
	cat <<'END'
table inet netavark-guard {
	chain INPUT {
		type filter hook input priority filter - 1; policy accept;
		iifname != "lo" ip daddr 127.0.0.0/8 ct state new ct status dnat accept
		iifname != "lo" ip daddr 127.0.0.0/8 ct state new drop
	}
}
END
}

compare() {
	diff --unified "$1" "$2"
}

only_known_tables() {
	! nft list tables | grep -vxE 'table inet netavark(-guard)?'
}

same_table() {
	compare <("$1") <(rules table inet "$2")
}

# Prints the files below the configuration directory that should not be there any more.
unexpected_files() {
	local file
	while IFS= read -r file; do
		case $file in
		*.lock | netavark-ipam/lock | firewall/firewall-driver) ;;
		netavark-ipam/*.json)
			jq -e '.leases == []' "$config/$file" >/dev/null || echo "$file: has leases"
			;;
		*) echo "$file" ;;
		esac
	done < <(find "$config" ! -type d -printf '%P\n')
}

# ---- The story -------------------------------------------------------------------------------------

show_start() {
	heading "A host, a client outside, and two programs"
	echo "  $("$NETAVARK" --version) and $("$AARDVARK_DNS" --version)"
	ip -brief address | indent
	host_state >/run/demo/before
	step_is "packet filter rules" "" nft list ruleset
	step "the client outside reaches the host" outside ping -c 1 -W 2 "$host4"
	step "… over IPv6, too" outside ping -6 -c 1 -W 2 "$host6"
}

show_setup() {
	heading "Two containers join the network $network"
	set_up web
	set_up db
	echo "    the status document of web:"
	jq . /run/demo/web/status.json | indent
}

show_addresses() {
	local name
	heading "Addresses, chosen by netavark from the network's two subnets"
	for name in web db; do
		echo "    $name:"
		inside "$name" ip -brief address show up | indent
		inside "$name" ip route show default | indent
		inside "$name" ip -6 route show default | indent
	done
	echo "    host:"
	ip -brief address | indent
	step "web has the addresses that the status document states" \
		grep -qF "$(address web 4)/24 $(address web 6)/64" <(inside web ip -brief address show eth0)
	step "db has others" \
		grep -qF "$(address db 4)/24 $(address db 6)/64" <(inside db ip -brief address show eth0)
}

show_rules() {
	heading "Packet filter rules: nft list table inet netavark"
	nft list table inet netavark | indent
	step "web's TCP port is forwarded to it" grep -qF "dnat ip to $(address web 4):80" <(nft list ruleset)
	step "web's UDP port is forwarded to it over IPv6" \
		grep -qF "dnat ip6 to [$(address web 6)]:9000" <(nft list ruleset)
}

show_names() {
	local server name
	heading "Names, asked from inside db: dig @<gateway> <name>"
	for server in "$gateway4" "$gateway6"; do
		for name in web frontend web.dns.podman; do
			step_is "@$server $name A" "$(address web 4)" ask "$name" A "$server"
			step_is "@$server $name AAAA" "$(address web 6)" ask "$name" AAAA "$server"
		done
	done
	for server in "$gateway4" "$gateway6"; do
		step_is "@$server -x $(address web 4)" "web. frontend." reverse "$(address web 4)" "$server"
		step_is "@$server -x $(address web 6)" "web. frontend." reverse "$(address web 6)" "$server"
	done
}

show_traffic() {
	heading "Traffic between the containers, by name"
	serve
	step "db pings web over IPv4" inside db ping -4 -c 1 -W 2 web
	step "db pings frontend over IPv6" inside db ping -6 -c 1 -W 2 frontend
	step "web pings db over IPv6" inside web ping -6 -c 1 -W 2 db
	step "web pings store over IPv4" inside web ping -4 -c 1 -W 2 store
	step_is "db connects to frontend over IPv4" "hello from web" inside db "${tcp_client[@]}" TCP4:frontend:80 -
	step_is "db connects to web over IPv6" "hello from web" inside db "${tcp_client[@]}" TCP6:web:80 -
}

show_ports() {
	heading "Published ports, from the client outside"
	step_is "TCP $host4:8080" "hello from web" outside "${tcp_client[@]}" "TCP4:$host4:8080" -
	step_is "TCP [$host6]:8080" "hello from web" outside "${tcp_client[@]}" "TCP6:[$host6]:8080" -
	step_is "UDP $host4:9000" "hello from web" outside "${udp_client[@]}" "$host4" 9000
	step_is "UDP [$host6]:9000" "hello from web" outside "${udp_client[@]}" "$host6" 9000
	step_is "and from the host itself, TCP 127.0.0.1:8080" "hello from web" \
		"${tcp_client[@]}" TCP4:127.0.0.1:8080 -
	step "a container reaches the client, behind the host's address" inside db ping -c 1 -W 2 "$client4"
	step "… over IPv6, too" inside db ping -6 -c 1 -W 2 "$client6"
}

show_teardown() {
	heading "The containers leave"
	tear_down db
	step_is "web still serves" "hello from web" outside "${tcp_client[@]}" "TCP4:$host4:8080" -
	step_is "db is no longer known" "" inside web dig +short +time=2 +tries=2 "@$gateway4" db.dns.podman A
	tear_down web
	step "the name server ends by itself" wait_for no_server
}

no_server() {
	[[ -z $(our_programs) ]]
}

show_leftovers() {
	heading "What is left"
	step "links, addresses, routes, sockets, programs and settings are as before" \
		compare /run/demo/before <(host_state)
	step "no other table was made" only_known_tables
	nft list ruleset | indent
	step "the table holds its fixed part only" same_table fixed_table netavark
	if nft list table inet netavark-guard >/dev/null 2>&1; then
		step "the guard of the host's loopback addresses is as documented" same_table guard_table netavark-guard
	fi
	step "forwarding stays switched on, as documented" \
		grep -qxE '1 1' <(paste -d ' ' /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding)
	find "$config" -printf '%y %P\n' | sort -k 2 | indent
	step_is "files besides locks, empty directories, the driver's name and a lease file without leases" "" unexpected_files
}

# ---- The same with whole containers ----------------------------------------------------------------

tjalk() {
	"$TJALK" --root /run/demo/tjalk --config /run/demo/etc --netavark "$NETAVARK" --aardvark-dns "$AARDVARK_DNS" "$@"
}

make_root() {
	local applet
	mkdir -p /run/demo/root/{bin,etc,www}
	cp "$(command -v busybox)" /run/demo/root/bin/
	for applet in sh ip wget httpd nslookup; do
		ln -s busybox "/run/demo/root/bin/$applet"
	done
	echo "hello from a container" >/run/demo/root/www/index.html
}

# What a name means in the container "store".
lookup() {
	tjalk exec store nslookup "$1.dns.podman" 2>/dev/null |
		awk '/^Name:/ { answer = 1 } answer && /^Address/ { print $NF }' | sort | paste -s -d ' '
}

# The addresses that inspect states.
stated() {
	tjalk inspect "$1" | jq -r '.[0].NetworkSettings.Networks.yard | "\(.IPAddress) \(.GlobalIPv6Address)"'
}

show_engine() {
	local name
	heading "Whole containers: $("$TJALK" --version), with crun and conmon"
	make_root
	host_state >/run/demo/before
	step "network create --ipv6 yard" tjalk network create --ipv6 yard
	timed "run -d --name shop -p 8088:80" tjalk run -d --name shop --network yard -p 8088:80 \
		--rootfs /run/demo/root:O httpd -f -p 80 -h /www
	timed "run -d --name store" tjalk run -d --name store --network yard --rootfs /run/demo/root:O sh -c 'sleep 600'
	tjalk ps | indent
	for name in shop store; do
		step_is "store finds $name" "$(stated "$name")" lookup "$name"
	done
	step "shop listens" wait_for tjalk exec store wget -q -O - http://shop/
	step_is "store fetches http://shop/" "hello from a container" tjalk exec store wget -q -O - http://shop/
	step_is "the client outside fetches $host4:8088" "hello from a container" \
		outside busybox wget -q -O - "http://$host4:8088/"
	step_is "… and [$host6]:8088" "hello from a container" outside busybox wget -q -O - "http://[$host6]:8088/"
	step "rm -f shop store" tjalk rm -f shop store
	step_is "containers that are left" "" tjalk ps -a -q
	step "the name server ends by itself" wait_for no_server
	step "the host is as before" compare /run/demo/before <(host_state)
}

# ---- Start -----------------------------------------------------------------------------------------

refuse() {
	echo "demo: $1" >&2
	exit 1
}

check_requirements() {
	local program
	((UID == 0)) || refuse "must be run as root: it makes namespaces"
	for program in ip ss nft jq dig socat ping nsenter unshare busybox crun conmon; do
		command -v "$program" >/dev/null || refuse "the program $program is missing"
	done
	for program in "$NETAVARK" "$AARDVARK_DNS" "$TJALK"; do
		[[ -x $program ]] || refuse "$program is missing: run make first"
		# The demo mounts an empty file system of its own there.
		[[ $program != /run/* ]] || refuse "$program must not be below /run"
	done
}

if [[ ${1-} != --on-private-host ]]; then
	check_requirements
	export NETAVARK AARDVARK_DNS TJALK
	unshare --mount --net --pid --fork --kill-child=KILL --mount-proc \
		bash "$tree/examples/demo.sh" --on-private-host &
	host=$!
	# Process 1 of a PID namespace does not hear signals, so it is ended for good.
	trap 'kill -KILL "$host" 2>/dev/null && wait "$host" 2>/dev/null || true' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	status=0
	wait "$host" || status=$?
	trap - EXIT
	exit "$status"
fi

trap 'failed "line $LINENO of the demo: $BASH_COMMAND"' ERR
make_host
show_start
show_setup
show_addresses
show_rules
show_names
show_traffic
show_ports
show_teardown
show_leftovers
show_engine
finish
