/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The stack of "how to take it back". Whoever makes a thing pushes its undo in the same function,
 * right after the kernel said yes. A failed run calls undo_run(), which goes newest first and only
 * takes back what this run made. Problems on the way are logged, not returned: the error that is
 * reported is the one that made the run fail.
 */

#include "common/arena.h"
#include "common/error.h"

struct undo {
	struct arena *arena;
	struct undo_step *newest;
};

/* Takes one thing back; arg is what was pushed with it. */
typedef int (*undo_fn)(void *arg, struct error *err);

/*
 * Pushes one step. what names it for the log, for example "link eth0". The strings and arg must
 * live as long as the arena. A NULL undo is allowed and pushes nothing: work without roll-back.
 */
void undo_push(struct undo *undo, undo_fn fn, void *arg, const char *what);

/* Runs and removes all steps, newest first. Returns how many of them failed. */
int undo_run(struct undo *undo);

/* Forgets all steps: the run has succeeded. */
void undo_forget(struct undo *undo);
