/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::cgroup"
#include "engine/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <time.h>

#include "common/file.h"
#include "common/log.h"
#include "common/text.h"

#define TOP	     "/sys/fs/cgroup"
#define TIDY_WAIT_MS 1000

static const char *const manager_names[] = {"disabled", "cgroupfs", "systemd"};

const char *cgroup_manager_name(enum cgroup_manager m)
{
	return manager_names[m];
}

/* Whether a kernel file has any text in it. */
static bool has_text(const char *path)
{
	FILE *f = fopen(path, "re");
	int c = f ? getc(f) : EOF;

	if (f)
		fclose(f);
	return c != EOF && c != '\n';
}

static bool is_v2(void)
{
	struct statfs fs;

	return statfs(TOP, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static bool is_writable(bool v2)
{
	return access(v2 ? TOP : TOP "/pids", W_OK) == 0 ||
	       (!v2 && access(TOP "/memory", W_OK) == 0);
}

int cgroup_look(const char *wanted, struct cgroup_host *out, struct error *err)
{
	*out = (struct cgroup_host){.v2 = is_v2(), .manager = CGROUP_DISABLED};
	out->hybrid = !out->v2 && has_text(TOP "/unified/cgroup.controllers");
	out->swap = out->v2 || file_exists(TOP "/memory/memory.memsw.limit_in_bytes");
	if (!wanted) {
		if (file_exists("/run/systemd/system") &&
		    file_exists("/run/dbus/system_bus_socket"))
			out->manager = CGROUP_SYSTEMD;
		else if (is_writable(out->v2))
			out->manager = CGROUP_CGROUPFS;
		return 0;
	}
	for (int i = 0; i < (int)array_size(manager_names); i++)
		if (strcmp(wanted, manager_names[i]) == 0) {
			out->manager = (enum cgroup_manager)i;
			return 0;
		}
	return fail(err, EINVAL, "cgroup manager \"%s\": is not cgroupfs, systemd or disabled",
		    wanted);
}

const char *cgroup_path(const struct cgroup_host *h, const char *parent, const char *id,
			struct arena *a)
{
	if (h->manager == CGROUP_DISABLED)
		return NULL;
	if (h->manager == CGROUP_SYSTEMD)
		return arena_printf(a, "%s:tjalk:%s", *parent ? parent : "machine.slice", id);
	return arena_printf(a, "%s%s/%s", *parent == '/' ? "" : "/", *parent ? parent : "tjalk",
			    id);
}

/* The directories that a group has: one, or one in each hierarchy. */
static size_t directories_of(const char *group, struct arena *a, char ***out)
{
	struct dirent *d;
	char **list = NULL;
	size_t n = 0;

	if (is_v2()) {
		list = arena_grow(a, list, n, sizeof(*list));
		list[n++] = arena_printf(a, TOP "%s", group);
		*out = list;
		return n;
	}
	DIR *dir = opendir(TOP);
	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		list = arena_grow(a, list, n, sizeof(*list));
		list[n++] = arena_printf(a, TOP "/%s%s", d->d_name, group);
	}
	if (dir)
		closedir(dir);
	*out = list;
	return n;
}

/* The group of a process in the pids hierarchy, or in the only one, as a directory. */
static char *directory_of_process(pid_t pid, struct arena *a)
{
	struct error err;
	char *text, **lines, **fields, *found = NULL;

	if (file_read(arena_printf(a, "/proc/%d/cgroup", (int)pid), 1 << 16, a, &text, NULL, &err) <
	    0)
		return NULL;
	size_t n = text_split(a, text, '\n', &lines);
	for (size_t i = 0; i < n; i++) {
		if (text_split(a, lines[i], ':', &fields) != 3)
			continue;
		if (is_v2() && strcmp(fields[0], "0") == 0)
			found = arena_printf(a, TOP "%s", fields[2]);
		else if (!is_v2() && strcmp(fields[1], "pids") == 0)
			found = arena_printf(a, TOP "/pids%s", fields[2]);
	}
	return found;
}

static void read_processes(const char *path, struct arena *a, pid_t **list, size_t *n)
{
	struct error err;
	char *text, *end;

	if (file_read(path, 1 << 20, a, &text, NULL, &err) < 0)
		return;
	for (char *at = text; *at; at = *end ? end + 1 : end) {
		long pid = strtol(at, &end, 10);

		if (end == at)
			break;
		*list = arena_grow(a, *list, *n, sizeof(**list));
		(*list)[(*n)++] = (pid_t)pid;
	}
}

size_t cgroup_processes(pid_t pid, struct arena *a, pid_t **out)
{
	char *top = directory_of_process(pid, a);
	char *const roots[] = {top, NULL};
	size_t n = 0;

	*out = NULL;
	FTS *fts = top && !text_ends_with(top, "/")
			   ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL)
			   : NULL;
	for (FTSENT *f; fts && (f = fts_read(fts));)
		if (f->fts_info == FTS_D)
			read_processes(arena_printf(a, "%s/cgroup.procs", f->fts_path), a, out, &n);
	if (fts)
		fts_close(fts);
	return n;
}

int cgroup_hold(int *out_fd, struct error *err)
{
	int fd = open(TOP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*out_fd = -1;
	if (fd < 0)
		return 0; /* a host without control groups */
	if (flock(fd, LOCK_SH) < 0) {
		close(fd);
		return fail_errno(err, errno, "lock " TOP);
	}
	*out_fd = fd;
	return 0;
}

/* Whether it is there and has no groups below it. */
static bool is_childless(const char *dir_path)
{
	struct dirent *d;
	DIR *dir = opendir(dir_path);
	bool childless = dir != NULL;

	while (dir && (d = readdir(dir)))
		if (d->d_type == DT_DIR && d->d_name[0] != '.')
			childless = false;
	if (dir)
		closedir(dir);
	return childless;
}

/* Others hold the lock for as long as one container needs to start. */
static bool lock_alone(int fd)
{
	const struct timespec pause = {0, 5000000};

	for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited += 5) {
		if (waited >= TIDY_WAIT_MS)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

void cgroup_tidy(const char *path, struct arena *a)
{
	cleanup_close int lock = open(TOP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char **dirs, parent[PATH_MAX];
	bool empty = false;

	if (*path != '/')
		return;
	snprintf(parent, sizeof(parent), "%s", path);
	const char *group = dirname(parent);
	if (strcmp(group, "/") == 0 || lock < 0)
		return;
	size_t n = directories_of(group, a, &dirs);
	for (size_t i = 0; i < n; i++)
		empty = empty || is_childless(dirs[i]);
	/* While it is in use nobody waits: who leaves it last will tidy up. */
	if (!empty || !lock_alone(lock))
		return;
	for (size_t i = 0; i < n; i++)
		rmdir(dirs[i]);
}
