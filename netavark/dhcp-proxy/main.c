/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `netavark dhcp-proxy` becomes this program; see netavark/commands/dhcp_proxy.c. */
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/file.h"
#include "netavark/commands/commands.h"
#include "netavark/dhcp-proxy/proxy.h"
#include "netavark/number.h"
#include "netavark/options.h"
#include "netavark/report.h"

#define DEFAULT_DIR "/run/podman"

/* The option has been checked. */
static uint64_t number_of(const struct command_values *v, const char *fallback)
{
	uint64_t n = 0;

	(void)number_parse(command_value(v, fallback), UINT64_MAX, &n);
	return n;
}

static int run(const struct command_line *line)
{
	const struct command_values *o = line->options;
	const char *dir = getenv("NETAVARK_PROXY_RUN_DIR_ENV");
	const struct proxy_options options = {
		.dir = dir && *dir ? dir : command_value(&o[COMMAND_DHCP_PROXY_DIR], DEFAULT_DIR),
		.lease_seconds = (unsigned int)number_of(&o[COMMAND_DHCP_PROXY_TIMEOUT], "8"),
		.idle_seconds = number_of(&o[COMMAND_DHCP_PROXY_ACTIVITY], "300"),
	};
	struct arena arena = {0};
	struct error err;
	int r = proxy_run(&options, &err);

	if (r < 0) {
		const char *text = report_error(&err, &arena);

		if (file_write_fd(STDOUT_FILENO, text, strlen(text), &err) < 0)
			fprintf(stderr, "netavark: %s\n", err.text);
		arena_release(&arena);
	}
	return r < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct command commands[] = {COMMAND_DHCP_PROXY_ROW(run)};

	return options_main("Gets DHCP leases for containers and keeps them", commands,
			    array_size(commands), argc, argv);
}
