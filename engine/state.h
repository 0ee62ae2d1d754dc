/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a container is doing. Computed from files and the kernel, never trusted from a file alone. */

#include "engine/store.h"

enum state {
	STATE_CREATED,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_EXITED,
	STATE_RESTARTING, /* waits until it is started again */
	STATE_LEFT_OVER	  /* something of it is there that must be cleaned up: then it is exited */
};

struct view {
	enum state state;
	pid_t pid;	  /* of the first process; 0 if it does not run */
	bool unmonitored; /* it runs, but its conmon is gone */
};

struct view state_of(const struct container *c);
const char *state_name(enum state s);
bool state_is_alive(enum state s); /* running or paused */

/* A descriptor of the first process, or of conmon; -1 if it does not run (any more). */
int state_open_process(const struct container *c);
int state_open_monitor(const struct container *c);

const char *state_boot_id(struct arena *a);
