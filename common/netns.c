/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::netns"
#include "common/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

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

/* ---- named namespaces ---- */

static int loopback_up(struct error *err)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return fail_errno(err, errno, "loopback interface");
	return 0;
}

/* In a new namespace: names it and comes back. */
static int fill_and_return(const char *path, int home_fd, struct error *err)
{
	int r = loopback_up(err);

	if (r == 0 && mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL) < 0)
		r = fail_errno(err, errno, "mount %s", path);
	if (setns(home_fd, CLONE_NEWNET) < 0) {
		log_error("cannot return to the host's network namespace: %s", strerror(errno));
		abort();
	}
	return r;
}

static int take_away(void *arg, struct error *err)
{
	return netns_remove(arg, err);
}

int netns_create(const char *path, int home_fd, struct arena *a, struct undo *undo,
		 struct error *err)
{
	int r = fault("netns_create", err);
	if (r < 0)
		return r;
	cleanup_close int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd < 0)
		return fail_errno(err, errno, "%s", path);
	if (unshare(CLONE_NEWNET) < 0)
		r = fail_errno(err, errno, "new network namespace");
	else
		r = fill_and_return(path, home_fd, err);
	if (r < 0) {
		unlink(path);
		return r;
	}
	log_debug("made network namespace %s", path);
	undo_push(undo, take_away, arena_strdup(a, path), "network namespace");
	return 0;
}

int netns_remove(const char *path, struct error *err)
{
	int r = fault("netns_remove", err);
	if (r < 0)
		return r;
	while (netns_is_mounted(path))
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return fail_errno(err, errno, "unmount %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return fail_errno(err, errno, "remove %s", path);
	return 0;
}

bool netns_is_mounted(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}
