/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"

#define WAIT_STEP_MS 10
#define WAIT_STEPS   500
#define AGAIN	     2 /* look at the file once more */

/* The number in the file, 0 if it is none. */
static pid_t read_pid(int fd)
{
	char text[16];
	ssize_t len = pread(fd, text, sizeof(text), 0);
	long pid = 0;

	if (len <= 0 || len > 10)
		return 0;
	for (ssize_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		pid = pid * 10 + (text[i] - '0');
	}
	return pid <= INT32_MAX ? (pid_t)pid : 0;
}

static bool same_directory(const char *arg, const char *dir)
{
	struct stat a, b;

	if (strncmp(arg, "--config=", 9) == 0)
		arg += 9;
	else if (strncmp(arg, "-c", 2) == 0)
		arg += 2 + (arg[2] == '=');
	return stat(arg, &a) == 0 && stat(dir, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/*
 * Whether a process is a DNS server of this directory, by its command line. Upstream's does not
 * lock the file, so this is how it is found.
 */
static bool is_server_of(pid_t pid, const char *dir)
{
	char path[64], text[4096];

	if (pid <= 0 || pid == getpid() || pid == getppid())
		return false;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len <= 0)
		return false;
	text[len] = '\0';
	if (strcmp(basename(text), "aardvark-dns") != 0)
		return false;
	for (const char *arg = text + strlen(text) + 1; arg < text + len; arg += strlen(arg) + 1)
		if (same_directory(arg, dir))
			return true;
	return false;
}

static bool in_other_netns(pid_t pid)
{
	struct stat own, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return stat("/proc/self/ns/net", &own) == 0 && stat(path, &other) == 0 &&
	       (own.st_ino != other.st_ino || own.st_dev != other.st_dev);
}

static int hand_over(pid_t pid, const char *dir, struct error *err)
{
	if (pid <= 0)
		return AGAIN;
	if (in_other_netns(pid))
		return fail(err, EBUSY,
			    "the server of %s runs in another network namespace, pid %d", dir,
			    (int)pid);
	if (kill(pid, SIGHUP) == 0) {
		log_info("handed over to the server that is running, pid %d", (int)pid);
		return 1;
	}
	return errno == ESRCH ? AGAIN : fail(err, errno, "cannot signal pid %d", (int)pid);
}

static bool is_at_path(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Exactly the digits: netavark takes the whole content for a number. */
static int write_pid(int fd, const char *path, struct error *err)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", (int)getpid());
	int r = fault("pidfile_write", err);

	if (r == 0 && ftruncate(fd, 0) < 0)
		r = fail_errno(err, errno, "%s", "");
	if (r == 0)
		r = file_write_fd(fd, text, (size_t)len, err);
	return r < 0 ? wrap(err, "write pid file %s", path) : 0;
}

/* One look at the file. Returns 0, 1, AGAIN, or -errno. */
static int try_take(const char *dir, const char *path, struct pidfile *out, struct error *err)
{
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return fail(err, errno, "cannot open the pid file %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (flock(fd, LOCK_SH | LOCK_NB) < 0 || !is_at_path(fd, path))
			return AGAIN; /* it is starting, or leaving */
		return hand_over(read_pid(fd), dir, err);
	}
	if (!is_at_path(fd, path))
		return AGAIN;
	/*
	 * Upstream's server holds no lock; and ours, between its exclusive and its shared one, may
	 * leave a gap.
	 */
	pid_t pid = read_pid(fd);
	if (is_server_of(pid, dir))
		return hand_over(pid, dir, err);
	int r = write_pid(fd, path, err);
	if (r < 0) {
		unlink(path);
		return r;
	}
	*out = (struct pidfile){.fd = steal_fd(&fd), .path = path};
	return 0;
}

int pidfile_take(const char *dir, const char *path, struct pidfile *out, struct error *err)
{
	struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};

	for (int i = 0; i < WAIT_STEPS; i++) {
		int r = try_take(dir, path, out, err);
		if (r != AGAIN)
			return r;
		nanosleep(&step, NULL);
	}
	return fail(err, EBUSY, "another server of %s is starting, but does not become ready", dir);
}

void pidfile_ready(const struct pidfile *p)
{
	while (flock(p->fd, LOCK_SH) < 0 && errno == EINTR)
		;
}

void pidfile_remove(struct pidfile *p)
{
	if (p->fd < 0)
		return;
	if (is_at_path(p->fd, p->path) && unlink(p->path) < 0)
		log_error("cannot remove %s: %s", p->path, strerror(errno));
	close(p->fd);
	p->fd = -1;
}
