/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "common/command.h"
#include "netavark/commands/commands.h"
#include "netavark/options.h"

static const struct command_option update_options[] = {
	{.name = "network-dns-servers",
	 .metavar = "LIST",
	 .help = "Addresses with commas between; empty: none",
	 .repeatable = true,
	 .required = true},
};

static const struct command commands[] = {
	{.name = "setup",
	 .args = {"NETNS"},
	 .run = command_setup,
	 .help = "Connect a container to its networks and print what it got"},
	{.name = "teardown", .args = {"NETNS"}, .run = command_teardown, .help = "Undo setup"},
	{.name = "create",
	 .run = command_create,
	 .help = "Check and complete the definition of a network and print it; changes nothing"},
	{.name = "check",
	 .options = command_check_options,
	 .n_options = CHECK_N_OPTIONS,
	 .run = command_check,
	 .help = "Print all that is wrong with a document; changes nothing"},
	{.name = "plan",
	 .run = command_plan,
	 .help = "Print what setup would do with a document; changes nothing"},
	{.name = "update",
	 .args = {"NETWORK"},
	 .options = update_options,
	 .n_options = array_size(update_options),
	 .run = command_update,
	 .help = "Change the DNS servers that a running network asks"},
	{.name = "firewall-reload",
	 .run = command_firewall_reload,
	 .help = "Put back firewall rules that something else has removed"},
	{.name = "firewalld-reload",
	 .run = command_firewalld_reload,
	 .help = "Do that now, and whenever firewalld has reloaded; does not end"},
	COMMAND_DHCP_PROXY_ROW(command_dhcp_proxy),
	{.name = "version", .run = command_version, .help = "Print build information as JSON"},
};

int main(int argc, char **argv)
{
	return options_main("Connects containers to networks", commands, array_size(commands), argc,
			    argv);
}
