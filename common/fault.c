/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/fault.h"

#ifdef FAULT_INJECTION

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char *path, unsigned long count, const char *door)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	dprintf(fd, "%lu %s\n", count, door);
	close(fd);
}

/* Set by fault_take(); live as long as the process. */
static char *taken_spec, *taken_log;
static bool taken;

void fault_take(const char *name)
{
	char log_name[64];
	const char *spec = getenv(name), *log;

	snprintf(log_name, sizeof(log_name), "%s_LOG", name);
	log = getenv(log_name);
	taken = true;
	taken_spec = spec ? strdup(spec) : NULL;
	taken_log = log ? strdup(log) : NULL;
	unsetenv(name);
	unsetenv(log_name);
}

void fault_stop(void)
{
	fault_take("NETAVARK_FAULT");
	free(taken_spec);
	free(taken_log);
	taken_spec = taken_log = NULL;
}

int fault(const char *door, struct error *err)
{
	static unsigned long passed; /* the fault counter */
	const char *spec = taken ? taken_spec : getenv("NETAVARK_FAULT");
	const char *log = taken ? taken_log : getenv("NETAVARK_FAULT_LOG");
	char *kind = NULL;

	if (!spec && !log)
		return 0;
	passed++;
	if (log)
		note(log, passed, door);
	if (!spec || strtoul(spec, &kind, 10) != passed)
		return 0;
	if (strcmp(kind, ":kill") == 0)
		raise(SIGKILL);
	if (strcmp(kind, ":term") == 0)
		return raise(SIGTERM);
	return fail_errno(err, EIO, "injected fault at door %lu (%s)", passed, door);
}

#endif
