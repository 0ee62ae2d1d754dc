/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/fault.h"

#ifdef FAULT_INJECTION

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

void fault_stop(void)
{
	unsetenv("NETAVARK_FAULT");
	unsetenv("NETAVARK_FAULT_LOG");
}

int fault(const char *door, struct error *err)
{
	static unsigned long passed; /* the fault counter */
	const char *spec = getenv("NETAVARK_FAULT"), *log = getenv("NETAVARK_FAULT_LOG");
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
