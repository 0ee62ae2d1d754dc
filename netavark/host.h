/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The machine being changed: all open handles of one run. */

#include "common/netlink.h"
#include "common/undo.h"
#include "netavark/options.h"

struct host {
	struct nl_sock *nl, *container_nl; /* container_nl is NULL when its namespace is gone */
	int ns, container_ns;		   /* -1: not open */
	const char *netns;		   /* the path of the container's, as the caller wrote it */
	int lock;			   /* orders everything below the config directory */
	struct arena *arena;
	struct undo undo;
	const struct options *options;
};

#define HOST_CLOSED                                                                                \
	{                                                                                          \
		.ns = -1, .container_ns = -1, .lock = -1                                           \
	}

/*
 * Opens the sockets in both namespaces and the container's namespace itself. Its path is kept, also if
 * it cannot be opened, and must stay in place.
 * Errors:  "open container netns: open <path>: …", "setns: …", "host netlink socket: …".
 */
int host_open(struct host *h, struct error *err) must_check;
int host_open_container(struct host *h, const char *path, struct error *err) must_check;

/*
 * Waits for the lock of the config directory, which is made if need be and orders links, rules, state
 * and DNS files, and for that of the namespace, if host_open() was called: it orders callers with
 * different directories.
 */
int host_lock(struct host *h, struct error *err) must_check;

/* Lets others go on meanwhile, for waiting; host_lock() comes back. */
void host_unlock(struct host *h);

/*
 * The end of work without the lock. r is what the work has returned, and is returned again if it was
 * an error; otherwise what host_lock() says.
 */
int host_lock_again(struct host *h, int r, struct error *err) must_check;

void host_close(struct host *h);

/* Runs fn in the container's namespace. */
int host_in_container(struct host *h, int (*fn)(void *arg, struct error *err), void *arg,
		      struct error *err) must_check;
