/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Control groups: which manager, where a container's group is, what is in it. */

#include <stdbool.h>
#include <sys/types.h>

#include "engine/store.h"

enum cgroup_manager { CGROUP_DISABLED, CGROUP_CGROUPFS, CGROUP_SYSTEMD };

struct cgroup_host {
	bool v2; /* one hierarchy for everything */
	bool hybrid; /* several, and the second version has controllers: crun needs that out of the way */
	bool swap; /* limits on swap are possible */
	enum cgroup_manager manager;
};

/*
 * Looks at the host. wanted is "cgroupfs", "systemd", "disabled" or NULL for what the host offers.
 * Errors:  -EINVAL for another word.
 */
int cgroup_look(const char *wanted, struct cgroup_host *out, struct error *err) must_check;
const char *cgroup_manager_name(enum cgroup_manager m);

/* cgroupsPath of the OCI document; NULL if there are no groups. */
const char *cgroup_path(const struct cgroup_host *h, const char *parent, const char *id,
			struct arena *a);

/* The processes of a process's group and of those below it. */
size_t cgroup_processes(pid_t pid, struct arena *a, pid_t **out);

/*
 * From before a container's group is made until it is there: the group above it stays. The lock is that
 * of the host, as other engines with other trees use the same groups. *out_fd may be -1.
 */
int cgroup_hold(int *out_fd, struct error *err) must_check;

/*
 * Removes the group above a container's, if it is empty: runtimes remove a container's own group only.
 */
void cgroup_tidy(const char *path, struct arena *a);
