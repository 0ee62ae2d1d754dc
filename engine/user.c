/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "common/file.h"
#include "common/text.h"

#define DATABASE_MAX (1u << 20)

int user_open_in(const char *root, const char *path)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	cleanup_close int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/* The lines of a file in the container; none if it does not have it. */
static size_t lines_of(const char *const *roots, const char *path, struct arena *a, char ***out)
{
	struct error err;
	char *text;

	for (; *roots; roots++) {
		cleanup_close int fd = user_open_in(*roots, path);

		if (fd >= 0 && file_read_fd(fd, DATABASE_MAX, a, &text, NULL, &err) == 0)
			return text_split(a, text, '\n', out);
	}
	return 0;
}

static bool is_number(const char *text, unsigned int *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	unsigned long n = strtoul(text, &end, 10);
	*out = (unsigned int)n;
	return !*end && n < UINT32_MAX;
}

/* A line of passwd or group with at least n fields whose first or third is the name or number. */
static char **find_entry(const char *const *roots, const char *path, const char *what, size_t n,
			 struct arena *a)
{
	unsigned int number, third;
	bool numeric = is_number(what, &number);
	char **lines, **fields;
	size_t n_lines = lines_of(roots, path, a, &lines);

	for (size_t i = 0; i < n_lines; i++) {
		if (text_split(a, lines[i], ':', &fields) < n)
			continue;
		if (strcmp(fields[0], what) == 0 ||
		    (numeric && is_number(fields[2], &third) && third == number))
			return fields;
	}
	return NULL;
}

static int find_group(const char *const *roots, const char *what, struct arena *a, gid_t *out,
		      struct error *err)
{
	char **fields = find_entry(roots, "etc/group", what, 3, a);

	if ((fields && is_number(fields[2], out)) || is_number(what, out))
		return 0;
	return fail(err, ENOENT, "the container has no group \"%s\"", what);
}

static void add_group(struct user *u, gid_t gid, struct arena *a)
{
	for (size_t i = 0; i < u->n_groups; i++)
		if (u->groups[i] == gid)
			return;
	u->groups = arena_grow(a, u->groups, u->n_groups, sizeof(*u->groups));
	u->groups[u->n_groups++] = gid;
}

/* The groups that count the user among their members. */
static void add_memberships(const char *const *roots, const char *name, struct arena *a,
			    struct user *u)
{
	char **lines, **fields, **members;
	size_t n = lines_of(roots, "etc/group", a, &lines);
	gid_t gid;

	for (size_t i = 0; i < n; i++) {
		if (text_split(a, lines[i], ':', &fields) < 4 || !is_number(fields[2], &gid))
			continue;
		size_t n_members = text_split(a, fields[3], ',', &members);
		for (size_t j = 0; j < n_members; j++)
			if (strcmp(members[j], name) == 0)
				add_group(u, gid, a);
	}
}

int user_resolve(const char *const *roots, const char *spec, const char *const *more,
		 struct arena *a, struct user *out, struct error *err)
{
	char *name = arena_strdup(a, *spec ? spec : "0"), *group = strchr(name, ':');
	int r = 0;

	*out = (struct user){.home = "/"};
	if (group)
		*group++ = '\0';
	char **fields = find_entry(roots, "etc/passwd", name, 6, a);
	if (fields && is_number(fields[2], &out->uid) && is_number(fields[3], &out->gid)) {
		out->home = *fields[5] ? fields[5] : "/";
		if (!group)
			add_memberships(roots, fields[0], a, out);
	} else if (!is_number(name, &out->uid)) {
		return fail(err, ENOENT, "the container has no user \"%s\"", name);
	} else if (out->uid == 0) {
		out->home = "/root";
	}
	if (group && *group)
		r = find_group(roots, group, a, &out->gid, err);

	for (; r == 0 && *more; more++) {
		gid_t gid;

		r = find_group(roots, *more, a, &gid, err);
		if (r == 0)
			add_group(out, gid, a);
	}
	/* Whoever is named has the first group among the further ones, too, as with Podman. */
	if (r == 0 && *spec)
		add_group(out, out->gid, a);
	return r;
}
