/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::netns"
#include "common/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/fault.h"
#include "common/log.h"

int netns_open(const char *path, int *out_fd, struct error *err)
{
	int r = fault("netns_open", err);
	if (r < 0)
		return r;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, errno, "%s", "");
	*out_fd = fd;
	return 0;
}

bool netns_is_same(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

int netns_run(int ns_fd, int home_fd, int (*fn)(void *arg, struct error *err), void *arg,
	      struct error *err)
{
	int r = fault("setns", err);
	if (r < 0)
		return r;
	if (setns(ns_fd, CLONE_NEWNET) < 0)
		return fail_errno(err, errno, "setns");
	r = fn(arg, err);
	if (setns(home_fd, CLONE_NEWNET) < 0) {
		log_error("cannot return to the host's network namespace: %s", strerror(errno));
		abort();
	}
	return r;
}
