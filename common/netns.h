/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Network namespaces. The only caller of setns(2), one of the doors. */

#include <stdbool.h>

#include "common/cleanup.h"
#include "common/error.h"

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
