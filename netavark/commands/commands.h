/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One file, one command. Each returns the exit status. */

#include "common/command.h"

int command_setup(const struct command_line *line);
int command_teardown(const struct command_line *line);
int command_check(const struct command_line *line);
int command_plan(const struct command_line *line);
int command_create(const struct command_line *line);
int command_update(const struct command_line *line);
int command_firewall_reload(const struct command_line *line);
int command_firewalld_reload(const struct command_line *line);
int command_version(const struct command_line *line);

/*
 * dhcp-proxy stands in two tables: that of netavark, which becomes the other program, and that of the
 * other program, which does it. The options, by their index, are the same.
 */
enum {
	COMMAND_DHCP_PROXY_DIR,
	COMMAND_DHCP_PROXY_UDS,
	COMMAND_DHCP_PROXY_TIMEOUT,
	COMMAND_DHCP_PROXY_ACTIVITY,
	COMMAND_DHCP_PROXY_OPTIONS
};
extern const struct command_option command_dhcp_proxy_options[COMMAND_DHCP_PROXY_OPTIONS];
int command_dhcp_proxy(const struct command_line *line);

#define COMMAND_DHCP_PROXY_PROGRAM "netavark-dhcp-proxy"
#define COMMAND_DHCP_PROXY_ROW(function)                                                           \
	{                                                                                          \
		.name = "dhcp-proxy", .version_name = COMMAND_DHCP_PROXY_PROGRAM,                  \
		.options = command_dhcp_proxy_options, .n_options = COMMAND_DHCP_PROXY_OPTIONS,    \
		.run = (function), .help = "Run the server that gets DHCP leases for containers"   \
	}

enum {
	CHECK_FILE,
	CHECK_KIND,
	CHECK_STRICT,
	CHECK_JSON,
	CHECK_PRETTY,
	CHECK_COLOR,
	CHECK_N_OPTIONS
};
extern const struct command_option command_check_options[CHECK_N_OPTIONS];
