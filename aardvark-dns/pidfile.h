/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The pid file, by which netavark finds the server, and its lock, by which a second start finds
 * the first: exclusive while a server starts, shared once it is ready, free when it is dead.
 */

#include "common/cleanup.h"
#include "common/error.h"

struct pidfile {
	int fd; /* holds the lock; -1: not ours */
	const char *path;
};

/*
 * Becomes the server of a directory, or leaves it to the one that is there.
 * Shape:   dir is absolute; path is that of the file in it; both live as long as the result.
 * Returns  0: the file is ours and names this process; 1: another server has been sent SIGHUP.
 * Errors:  -EBUSY if that one lives in another network namespace, or is not ready in 5 seconds;
 *          those of open(2) and write(2).
 */
int pidfile_take(const char *dir, const char *path, struct pidfile *out,
		 struct error *err) must_check;

/* From now on others may hand over to us. */
void pidfile_ready(const struct pidfile *p);

/* Removes the file if it still is ours, and lets go of the lock. */
void pidfile_remove(struct pidfile *p);
