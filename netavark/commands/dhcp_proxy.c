/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "netavark/commands/commands.h"
#include "netavark/number.h"
#include "netavark/report.h"

static bool is_u32(const char *value)
{
	uint64_t n;

	return number_parse(value, UINT32_MAX, &n) == NULL;
}

static bool is_u64(const char *value)
{
	uint64_t n;

	return number_parse(value, UINT64_MAX, &n) == NULL;
}

const struct command_option command_dhcp_proxy_options[COMMAND_DHCP_PROXY_OPTIONS] = {
	[COMMAND_DHCP_PROXY_DIR] = {.letter = 'd',
				    .name = "dir",
				    .metavar = "DIR",
				    .help = "Directory of the socket and the lease file"},
	[COMMAND_DHCP_PROXY_UDS] = {.letter = 'u',
				    .name = "uds",
				    .metavar = "PATH",
				    .help = "Accepted; the socket is in the directory"},
	[COMMAND_DHCP_PROXY_TIMEOUT] = {.letter = 't',
					.name = "timeout",
					.metavar = "SECONDS",
					.help = "Time limit for getting a lease, default 8",
					.valid = is_u32},
	[COMMAND_DHCP_PROXY_ACTIVITY] =
		{.letter = 'a',
		 .name = "activity-timeout",
		 .metavar = "SECONDS",
		 .help = "Ends when idle for so long, default 300; 0: never",
		 .valid = is_u64},
};

/* The program that stands beside the one that runs; NULL with an error. */
static char *find_program(struct arena *a, struct error *err)
{
	char self[PATH_MAX];
	const ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0) {
		fail_errno(err, errno, "read link /proc/self/exe");
		return NULL;
	}
	self[len] = '\0';
	return arena_printf(a, "%s/" COMMAND_DHCP_PROXY_PROGRAM, dirname(self));
}

/*
 * The proxy is a program of its own, because libevent would cost every setup and teardown about a tenth
 * of a millisecond (measured: `netavark version` 1.01 ms, linked with libevent_core 1.12 ms) and nothing
 * but the proxy uses it. It takes our place with the same words, so process lists look as ever.
 */
int command_dhcp_proxy(const struct command_line *line)
{
	struct arena arena = {0};
	struct error err, ignored;
	const char *program = find_program(&arena, &err);

	if (program) {
		execv(program, line->argv);
		fail_errno(&err, errno, "%s", program);
	}
	const char *text = report_error(&err, &arena);
	if (file_write_fd(STDOUT_FILENO, text, strlen(text), &ignored) < 0)
		fprintf(stderr, "netavark: %s\n", err.text);
	arena_release(&arena);
	return 1;
}
