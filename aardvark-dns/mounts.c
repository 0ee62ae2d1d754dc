/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/log.h"

/* What the server opens while it runs. Symbolic links of these lead to what is needed, too. */
static const char *const needed[] = {
	"/etc/resolv.conf",
	"/dev/null",
	"/dev/log",
	"/proc/self",
	"/etc/localtime",
	/* Where resolv.conf may be made to point to. */
	"/run/systemd/resolve/stub-resolv.conf",
	"/run/NetworkManager/resolv.conf",
	"/run/resolvconf/resolv.conf",
	"/var/run/log",
};

struct paths {
	struct arena *arena;
	const char **list;
	size_t n;
};

static void add(struct paths *p, const char *path)
{
	p->list = arena_grow(p->arena, p->list, p->n, sizeof(*p->list));
	p->list[p->n++] = arena_strdup(p->arena, path);
}

static void add_with_target(struct paths *p, const char *path)
{
	cleanup_free char *target = realpath(path, NULL);

	add(p, path);
	if (target && strcmp(target, path) != 0)
		add(p, target);
}

/* Whether one needs what is mounted there to get to a path. */
static bool leads_to(const char *mount_point, const struct paths *p)
{
	size_t len = strlen(mount_point);

	for (size_t i = 0; i < p->n; i++)
		if (strncmp(p->list[i], mount_point, len) == 0 &&
		    (p->list[i][len] == '/' || p->list[i][len] == '\0' || len == 1))
			return true;
	return false;
}

/* The kernel writes blanks, tabs, newlines and backslashes as \ooo. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (*s == '\\' && strspn(s + 1, "01234567") >= 3) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* The mount points below the root that lead to needed paths, outer ones first. */
static void read_mount_points(const struct paths *wanted, struct paths *out)
{
	cleanup_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0) {
		char *save = NULL, *word = strtok_r(line, " ", &save);

		for (int i = 0; word && i < 4; i++)
			word = strtok_r(NULL, " ", &save);
		if (!word)
			continue;
		unescape(word);
		if (strcmp(word, "/") != 0 && leads_to(word, wanted))
			add(out, word);
	}
}

static int clone_mount(const char *path)
{
	return open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* Puts copies of single mounts together to a tree. Returns a descriptor of its root. */
static int build_tree(const struct paths *points)
{
	cleanup_close int root = clone_mount("/");

	if (root < 0 || move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -1;
	for (size_t i = 0; i < points->n; i++) {
		cleanup_close int fd = clone_mount(points->list[i]);

		/* One that is hidden by a later one, or has gone meanwhile. */
		if (fd >= 0)
			(void)move_mount(fd, "", root, points->list[i] + 1,
					 MOVE_MOUNT_F_EMPTY_PATH);
	}
	return steal_fd(&root);
}

static int replace_root(const struct paths *points)
{
	cleanup_close int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), root = -1;

	if (old < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -1;
	root = build_tree(points);
	if (root < 0 || fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return -1;
	/* The old root lies below the new one now; going out by it takes all the rest along. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -1;
	return 0;
}

void mounts_isolate(const char *dir)
{
	struct arena arena = {0};
	struct paths wanted = {.arena = &arena}, points = {.arena = &arena};

	add_with_target(&wanted, dir);
	for (size_t i = 0; i < array_size(needed); i++)
		add_with_target(&wanted, needed[i]);
	read_mount_points(&wanted, &points);
	if (replace_root(&points) < 0)
		log_debug("no mount namespace of our own: %s", strerror(errno));
	arena_release(&arena);
}
