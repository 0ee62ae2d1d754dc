/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The life of a container: made, started, stopped, cleaned up after, removed. */

#include "engine/state.h"
#include "engine/store.h"

/* Writes a new container and takes its name; starts nothing. */
int lifecycle_create(struct engine *e, json_t *create, struct container **out,
		     struct error *err) must_check;

/*
 * Starts a container that is locked. One that runs already is fine. With out_attach, a connection to
 * its monitor is made before its program starts, so that no output is lost.
 * Errors:  everything that was made is taken back; e->status is 126 or 127 where that fits.
 */
int lifecycle_start(struct container *c, int *out_attach, struct error *err) must_check;

/* Sends a signal to the first process of a container that runs. */
int lifecycle_signal(struct container *c, int number, struct error *err) must_check;

/*
 * Stops a locked container: the stop signal, after some seconds SIGKILL, then waits until it is cleaned
 * up. The lock is given back meanwhile and taken again. timeout -1: the container's own.
 */
int lifecycle_stop(struct container *c, long long timeout, struct error *err) must_check;

/* Waits until nothing runs of it; its lock must not be held. */
int lifecycle_wait(struct container *c, struct error *err) must_check;

/* Cleans up what is left of a locked container that has ended. Does nothing while it runs. */
int lifecycle_cleanup(struct container *c, struct error *err) must_check;

/* What conmon calls at the end: cleanup, then removal (--rm) or another start (--restart). */
int lifecycle_after_exit(struct container *c, struct error *err) must_check;

/* Looks at a container that is not locked, and cleans up if that is due and nobody else is at it. */
struct view lifecycle_look(struct container *c);

/* Removes a locked container that does not run. */
int lifecycle_remove(struct container *c, struct error *err) must_check;

/* Freezes it, or lets it go on. */
int lifecycle_pause(struct container *c, bool pause, struct error *err) must_check;

/* A connection to the monitor's attach socket. */
int lifecycle_attach(const struct container *c, int *out_fd, struct error *err) must_check;
