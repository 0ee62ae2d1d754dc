/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Users and groups of a container, from its own /etc/passwd and /etc/group. */

#include <stdbool.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

struct user {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary */
	size_t n_groups;
	const char *home; /* "/" if its passwd does not know it */
};

/*
 * Opens a file of a container. Links in it cannot lead out of the root. Returns a descriptor or -errno.
 */
int user_open_in(const char *root, const char *path);

/*
 * Finds out who "USER[:GROUP]" is; "" is root. The first of the roots that has a file counts; they end
 * with NULL. more names further groups, and ends with NULL.
 * Errors:  -ENOENT for a name that the container does not know.
 */
int user_resolve(const char *const *roots, const char *spec, const char *const *more,
		 struct arena *a, struct user *out, struct error *err) must_check;
