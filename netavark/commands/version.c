/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "netavark/commands/commands.h"
#include "netavark/firewall/firewall.h"

int command_version(const struct command_line *line)
{
	(void)line;
	printf("{\n"
	       "  \"version\": \"%s\",\n"
	       "  \"commit\": \"%s\",\n"
	       "  \"build_time\": \"%s\",\n"
	       "  \"target\": \"%s\",\n"
	       "  \"default_fw_driver\": \"%s\"\n"
	       "}\n",
	       VERSION, COMMIT, BUILD_TIME, TARGET, firewall_nft.name);
	return fflush(stdout) == 0 ? 0 : 1;
}
