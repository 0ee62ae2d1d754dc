/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::shim"
#include "engine/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/text.h"
#include "engine/record.h"

#define UNIFIED "/sys/fs/cgroup/unified"

/* "," separates options and ":" directories, unless a backslash stands in front. */
static char *escape(struct arena *a, const char *path)
{
	struct text t = text_new(a);

	for (; *path; path++)
		text_printf(&t, "%s%c", strchr(",:\\", *path) ? "\\" : "", *path);
	return t.s;
}

static int mount_root(const json_t *plan, struct arena *a, struct error *err)
{
	const char *rootfs = record_str(plan, "rootfs"), *merged = record_str(plan, "merged");
	int r = fault("shim_mount", err);

	if (r < 0)
		return r;
	if (!record_is(plan, "overlay")) {
		if (mount(rootfs, merged, NULL, MS_BIND | MS_REC, NULL) < 0)
			return fail_errno(err, errno, "mount %s", rootfs);
		return 0;
	}
	char *options = arena_printf(a, "lowerdir=%s,upperdir=%s,workdir=%s", escape(a, rootfs),
				     escape(a, record_str(plan, "upper")),
				     escape(a, record_str(plan, "work")));
	if (mount("overlay", merged, "overlay", 0, options) < 0)
		return fail_errno(err, errno, "overlay mount of %s", rootfs);
	return 0;
}

static int open_inside(int root, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Makes a directory of the container and those above it; links cannot lead out of it. */
static int make_inside(int root, const char *path, uid_t uid, gid_t gid, struct error *err)
{
	char above[PATH_MAX], name[PATH_MAX];
	cleanup_close int there = open_inside(root, path);

	if (there >= 0 || strcmp(path, "/") == 0 || strlen(path) >= PATH_MAX)
		return 0;
	strcpy(above, path);
	strcpy(name, path);
	char *parent = dirname(above), *last = basename(name);
	int r = make_inside(root, parent, uid, gid, err);
	if (r < 0)
		return r;
	cleanup_close int dir = open_inside(root, parent);
	if (dir < 0 || mkdirat(dir, last, 0755) < 0 || fchownat(dir, last, uid, gid, 0) < 0)
		return fail_errno(err, errno, "working directory %s", path);
	return 0;
}

static int make_working_directory(const json_t *plan, struct error *err)
{
	cleanup_close int root = open(record_str(plan, "merged"), O_PATH | O_CLOEXEC);

	if (root < 0)
		return fail_errno(err, errno, "%s", record_str(plan, "merged"));
	return make_inside(root, record_str(plan, "cwd"), (uid_t)record_int(plan, "uid"),
			   (gid_t)record_int(plan, "gid"), err);
}

static int prepare(const json_t *plan, struct arena *a, struct error *err)
{
	int r = fault("shim_unshare", err);

	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return fail_errno(err, errno, "mount namespace");
	/* crun refuses hosts with both versions of control groups if the second has controllers. */
	if (record_is(plan, "hybrid") && umount2(UNIFIED, MNT_DETACH) < 0 && errno != EINVAL)
		return fail_errno(err, errno, "unmount " UNIFIED);
	r = mount_root(plan, a, err);
	return r < 0 ? r : make_working_directory(plan, err);
}

static bool is_create(char **argv)
{
	for (; *argv; argv++)
		if (strcmp(*argv, "create") == 0)
			return true;
	return false;
}

int shim_main(char **argv)
{
	const char *run_dir = argv[1] + strlen(SHIM_OPTION);
	struct arena arena = {0};
	struct record_pool pool = {.arena = &arena};
	struct error err;
	json_t *plan;
	int r = 0;

	if (!argv[2]) {
		fprintf(stderr, "tjalk: %s: no runtime\n", argv[1]);
		return 125;
	}
	if (is_create(argv + 2)) {
		r = record_read(&pool, arena_printf(&arena, "%s/root.json", run_dir), &plan, &err);
		if (r == 0)
			r = prepare(plan, &arena, &err);
	}
	if (r == 0) {
		execv(argv[2], argv + 2);
		fail_errno(&err, errno, "%s", argv[2]);
	}
	fprintf(stderr, "%s\n", err.text);
	record_release(&pool);
	arena_release(&arena);
	return 125;
}
