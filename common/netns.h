/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Network namespaces. The only caller of setns(2), one of the doors. */

#include <stdbool.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/undo.h"

/* Opens a namespace file, close-on-exec. Errors: those of open(2), without the path. */
int netns_open(const char *path, int *out_fd, struct error *err) must_check;

/* Whether two descriptors are of the same namespace. */
bool netns_is_same(int a, int b);

/*
 * Runs fn(arg, err) with the calling thread in namespace ns_fd, then returns to home_fd. Ends the
 * process if it cannot return: no code may go on in the wrong namespace.
 * Errors:  "setns: IO error: …", or what fn returned.
 */
int netns_run(int ns_fd, int home_fd, int (*fn)(void *arg, struct error *err), void *arg,
	      struct error *err) must_check;

/*
 * Makes a network namespace that lives as long as it is mounted at path: the file is made, the loopback
 * interface is up. home_fd is the namespace to return to.
 * Undo:    unmounted and removed. undo may be NULL.
 * Errors:  -EEXIST if there is such a file.
 */
int netns_create(const char *path, int home_fd, struct arena *a, struct undo *undo,
		 struct error *err) must_check;

/* Takes it away again; one that is not there, or only half made, is fine. */
int netns_remove(const char *path, struct error *err) must_check;

/* Whether a namespace is mounted there, and not only a file left from it. */
bool netns_is_mounted(const char *path);
