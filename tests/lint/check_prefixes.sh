#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two rules that compilers do not know:
#  - the file name is the prefix: what x.c exports begins with x_;
#  - few doors: only the files listed below make calls that change something outside the process.
# Takes the directory of a build, default build/release.

set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."
build=${1:-build/release}
bad=0

# Files whose subjects have names of their own, with the prefixes that count for them.
declare -A subjects=(
	[aardvark-dns/channel]="pool_ exchange_"
	[aardvark-dns/forward]="forward_ forwarder_"
	[aardvark-dns/syslog]="syslog_ log_limit_"
	[aardvark-dns/table]="table_ hash_"
	[aardvark-dns/zones]="zones_ view_"
	[common/addr]="addr_ prefix_"
	[common/error]="error_ fail wrap"
	[common/netlink]="netlink_ link_ address_ route_"
	[common/reader]="reader_ read_ document_"
	[netavark/drivers/drivers]="driver_"
	[netavark/drivers/bridge]="driver_bridge"
	[netavark/drivers/vlan]="driver_macvlan driver_ipvlan"
	[netavark/drivers/bridge_plan]="bridge_"
	[netavark/drivers/vlan_plan]="vlan_"
	[netavark/drivers/plugin]="plugin_ driver_plugin"
	[netavark/firewall/rule]="rule_ ruleset_ element_"
	[netavark/firewall/nft]="firewall_nft"
	[netavark/firewall/iptables]="firewall_iptables"
	[netavark/firewall/nft_kernel]="nft_"
	[netavark/firewall/nft_rules]="nft_rules_ nft_chain_name nft_is_isolation_of"
	[netavark/firewall/none]="firewall_none"
	[netavark/firewall/firewall]="firewall_ isolation_"
	[netavark/commands/setup]="command_setup"
	[netavark/commands/teardown]="command_teardown"
	[netavark/commands/create]="command_create"
	[netavark/commands/check]="command_check"
	[netavark/commands/plan]="command_plan"
	[netavark/commands/dhcp_proxy]="command_dhcp_proxy"
	[netavark/commands/firewall_reload]="command_firewall_reload"
	[netavark/commands/firewalld_reload]="command_firewalld_reload"
	[netavark/commands/update]="command_update"
	[netavark/commands/version]="command_version"
)

has_prefix() { # NAME PREFIX...
	local name=$1 prefix
	shift
	for prefix; do
		[[ $name == "$prefix"* ]] && return 0
	done
	return 1
}

while IFS= read -r file; do
	stem=${file%.c}
	[[ ${stem##*/} == main ]] && continue
	[[ -f $build/$stem.o ]] || { echo "$build/$stem.o: not built"; bad=1; continue; }
	read -ra prefixes <<<"${subjects[$stem]:-${stem##*/}_ ${stem##*/}}"
	# Commands are found by their names; which file one stands in is a matter of size.
	[[ $stem != engine/commands/* ]] || prefixes=(command_ commands_)
	while read -r name; do
		has_prefix "$name" "${prefixes[@]}" || { echo "$file: $name does not begin with ${prefixes[0]}"; bad=1; }
	done < <(nm --defined-only --extern-only --format=just-symbols "$build/$stem.o")
done < <(git ls-files 'common/*.c' 'netavark/*.c' 'aardvark-dns/*.c' 'engine/*.c')

doors='common/(file|process|netns|netlink|sysctl|fault)\.c|netavark/(announce|dhcp_call|dns|lease)\.c|netavark/dhcp-proxy/(raw|talk|proxy)\.c|netavark/firewall/(nft_kernel|conntrack)\.c'
doors+='|netavark/commands/.*|netavark/main\.c|netavark/host\.c|aardvark-dns/.*'
calls='(open|creat|unlink|unlinkat|rename|mkdir|socket|setns|fork|posix_spawn|execve|kill|bind|sendmsg)'
if git grep -nE "(^|[^a-z_>.])$calls\(" -- 'common/*.c' 'netavark/*.c' | grep -vE "^($doors):"; then
	echo "these calls belong into a door (see .github/CONTRIBUTING.md)"
	bad=1
fi
exit $bad
