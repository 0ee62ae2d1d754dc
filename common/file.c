/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::file"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "common/fault.h"
#include "common/log.h"

#define READ_ROOM 16384

#define OLD_CONTENT_MAX (16u << 20) /* bytes kept for the undo of a replaced file */

/* Many small files are read in one run; pipes, and files of the kernel, do not tell their size. */
static size_t first_room(int fd)
{
	struct stat st;
	bool known = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;

	return known && st.st_size < READ_ROOM ? (size_t)st.st_size + 2 : READ_ROOM;
}

int file_read_fd(int fd, size_t max, struct arena *a, char **out, size_t *out_len,
		 struct error *err)
{
	size_t len = 0, room = first_room(fd);
	char *data = arena_alloc(a, room);
	bool too_big = false;

	for (;;) {
		if (len + 1 == room) {
			char *bigger = arena_alloc(a, room * 2);

			memcpy(bigger, data, len);
			data = bigger;
			room *= 2;
		}
		ssize_t got = read(fd, data + len, room - len - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, errno, "%s", "");
		if (got == 0)
			break;
		len += (size_t)got;
		if (len > max) {
			too_big = true;
			len = 0; /* drain: whoever writes to us must not block */
		}
	}
	if (too_big)
		return fail(err, EFBIG, "more than %zu bytes", max);
	data[len] = '\0';
	*out = data;
	if (out_len)
		*out_len = len;
	return 0;
}

int file_read(const char *path, size_t max, struct arena *a, char **out, size_t *out_len,
	      struct error *err)
{
	int r = fault("file_read", err);
	if (r < 0)
		return r;
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, errno, "%s", "");
	return file_read_fd(fd, max, a, out, out_len, err);
}

bool file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

bool file_is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

void file_unlock_fd(int fd)
{
	flock(fd, LOCK_UN);
}

int file_write_fd(int fd, const char *data, size_t len, struct error *err)
{
	while (len) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail_errno(err, errno, "%s", "");
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

struct old_file {
	const char *path, *temp, *data; /* data NULL: there was no file */
	size_t len;
};

static int write_flushed(const char *path, const char *data, size_t len, struct error *err)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail_errno(err, errno, "%s", "");
	int r = file_write_fd(fd, data, len, err);
	if (r < 0)
		return r;
	/* The kernel's own stamps are some milliseconds coarse; the order of records matters. */
	struct timespec now[2];
	clock_gettime(CLOCK_REALTIME, &now[0]);
	now[1] = now[0];
	if (futimens(fd, now) < 0)
		return fail_errno(err, errno, "%s", "");
	return fsync(fd) < 0 ? fail_errno(err, errno, "%s", "") : 0;
}

static int flush_directory_of(const char *path, struct error *err)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "%s", path);
	cleanup_close int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Some file systems cannot flush a directory and say EINVAL. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return fail_errno(err, errno, "%s", "");
	return 0;
}

static int restore(void *arg, struct error *err)
{
	const struct old_file *old = arg;

	if (!old->data) {
		if (unlink(old->path) < 0 && errno != ENOENT)
			return fail_errno(err, errno, "%s", "");
		return 0;
	}
	int r = write_flushed(old->temp, old->data, old->len, err);
	if (r < 0)
		return r;
	if (rename(old->temp, old->path) < 0)
		return fail_errno(err, errno, "%s", "");
	return 0;
}

static int remember(const char *path, const char *temp, struct arena *a, struct old_file **out,
		    struct error *err)
{
	struct old_file *old = arena_alloc(a, sizeof(*old));
	char *data = NULL;

	*old = (struct old_file){.path = arena_strdup(a, path), .temp = arena_strdup(a, temp)};
	int r = file_read(path, OLD_CONTENT_MAX, a, &data, &old->len, err);
	if (r < 0 && r != -ENOENT)
		return r;
	old->data = data;
	*out = old;
	return 0;
}

int file_replace(const char *path, const char *temp, const char *data, size_t len, struct arena *a,
		 struct undo *undo, struct error *err)
{
	struct old_file *old = NULL;
	int r = undo ? remember(path, temp, a, &old, err) : 0;

	if (r == 0)
		r = fault("file_replace", err);
	if (r < 0)
		return r;
	if (old && old->data && old->len == len && memcmp(old->data, data, len) == 0)
		return 0;
	log_debug("writing %s, %zu bytes", path, len);
	r = write_flushed(temp, data, len, err);
	if (r == 0)
		r = fault("file_rename", err);
	if (r == 0 && rename(temp, path) < 0)
		r = fail_errno(err, errno, "%s", "");
	if (r < 0) {
		unlink(temp);
		return r;
	}
	if (old)
		undo_push(undo, restore, old, arena_printf(a, "file %s", path));
	return flush_directory_of(path, err);
}

int file_remove(const char *path, struct arena *a, struct undo *undo, struct error *err)
{
	struct old_file *old = NULL;
	int r = undo ? remember(path, arena_printf(a, "%s.tmp", path), a, &old, err) : 0;

	if (r == 0)
		r = fault("file_remove", err);
	if (r < 0)
		return r;
	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, errno, "%s", "");
	log_debug("removed %s", path);
	if (old && old->data)
		undo_push(undo, restore, old, arena_printf(a, "removal of %s", path));
	return 0;
}

int file_make_dirs(const char *path, mode_t mode, struct error *err)
{
	char copy[PATH_MAX];
	int r = fault("file_make_dirs", err);

	if (r < 0)
		return r;
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	snprintf(copy, sizeof(copy), "%s", path); /* a longer one was too long for mkdir, too */
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return fail_errno(err, errno, "%s", "");
		*p = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return fail_errno(err, errno, "%s", "");
	return 0;
}

/* The entry that waits until everything else below the top is gone. */
static bool is_last(const FTSENT *f, const char *last)
{
	return last && f->fts_level == 1 && strcmp(f->fts_name, last) == 0;
}

static int remove_entry(const FTSENT *f, struct error *err)
{
	if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR || f->fts_info == FTS_NS)
		return f->fts_errno == ENOENT ? 0
					      : fail_errno(err, f->fts_errno, "%s", f->fts_path);
	if ((f->fts_info == FTS_DP ? rmdir : unlink)(f->fts_accpath) < 0 && errno != ENOENT)
		return fail_errno(err, errno, "%s", f->fts_path);
	return 0;
}

int file_remove_tree(const char *path, const char *last, struct error *err)
{
	char *const roots[] = {(char *)path, NULL};
	char kept[PATH_MAX];
	int r = fault("file_remove_tree", err);

	if (r < 0 || !file_exists(path))
		return r;
	log_debug("removing %s", path);
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	if (!fts)
		return fail_errno(err, errno, "%s", "");
	for (FTSENT *f; r == 0 && (f = fts_read(fts));)
		if (f->fts_info != FTS_D && f->fts_level > 0 && !is_last(f, last))
			r = remove_entry(f, err);
	fts_close(fts);
	if (r < 0)
		return r;
	snprintf(kept, sizeof(kept), "%s/%s", path, last ? last : "");
	if (last && unlink(kept) < 0 && errno != ENOENT)
		return fail_errno(err, errno, "%s", last);
	return rmdir(path) < 0 ? fail_errno(err, errno, "%s", "") : 0;
}

static void on_alarm(int sig)
{
	(void)sig; /* only there to interrupt flock() */
}

/* flock() that gives up with EINTR after some seconds; the timer repeats so that none is missed. */
static int flock_within(int fd, unsigned int seconds)
{
	struct sigaction act = {.sa_handler = on_alarm}, old;
	struct itimerval on = {{.tv_usec = 50000}, {.tv_sec = seconds}}, off = {{0, 0}, {0, 0}};

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &on, NULL);
	int r = flock(fd, LOCK_EX), code = errno;
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &old, NULL);
	return r < 0 ? -code : 0;
}

int file_lock_fd(int fd, const char *path, unsigned int seconds, struct error *err)
{
	int r = fault("file_lock", err);
	if (r < 0)
		return r;
	r = flock_within(fd, seconds);
	if (r == -EINTR)
		return fail(err, ETIMEDOUT, "timed out waiting for lock %s", path);
	if (r < 0)
		return fail_errno(err, -r, "lock %s", path);
	log_debug("locked %s", path);
	return 0;
}

int file_lock(const char *path, unsigned int seconds, int *out_fd, struct error *err)
{
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(err, errno, "open lock %s", path);
	int r = file_lock_fd(fd, path, seconds, err);
	if (r < 0)
		return r;
	*out_fd = steal_fd(&fd);
	return 0;
}

int file_create(const char *path, const char *data, struct arena *a, struct undo *undo,
		struct error *err)
{
	int r = fault("file_create", err);
	if (r < 0)
		return r;
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == EEXIST ? 0 : fail_errno(err, errno, "%s", "");
	r = file_write_fd(fd, data, strlen(data), err);
	if (r < 0) {
		unlink(path);
		return r;
	}
	struct old_file *old = arena_alloc(a, sizeof(*old));
	*old = (struct old_file){.path = arena_strdup(a, path)};
	undo_push(undo, restore, old, arena_printf(a, "file %s", path));
	return 0;
}

struct renamed_file {
	const char *from, *to;
};

static int rename_back(void *arg, struct error *err)
{
	const struct renamed_file *f = arg;

	return rename(f->to, f->from) < 0 ? fail_errno(err, errno, "%s", "") : 0;
}

int file_rename(const char *from, const char *to, struct arena *a, struct undo *undo,
		struct error *err)
{
	int r = fault("file_rename", err);
	if (r < 0)
		return r;
	if (rename(from, to) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, errno, "%s", "");
	log_debug("renamed %s to %s", from, to);
	struct renamed_file *f = arena_alloc(a, sizeof(*f));
	*f = (struct renamed_file){arena_strdup(a, from), arena_strdup(a, to)};
	undo_push(undo, rename_back, f, arena_printf(a, "renaming of %s", from));
	return 0;
}
