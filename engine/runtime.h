/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The OCI runtime, crun or runc, by its command line. The only caller of it, but for the monitor. */

#include "engine/cgroup.h"
#include "engine/store.h"

#define RUNTIME_NOT_EXECUTABLE 126
#define RUNTIME_NOT_FOUND      127

/* "crun" or "runc", whatever the path. */
bool runtime_is_crun(const struct engine *e);

/* What the host offers for a container; one that was made with --cgroups disabled has none. */
int runtime_look(const struct container *c, struct cgroup_host *out, struct error *err) must_check;

/* The program and its global options; ends with NULL and has room for no more. */
const char **runtime_command(struct engine *e, enum cgroup_manager manager, size_t *out_n);

/*
 * Runs "start ID", "kill ID SIGNAL" and the like to its end. args end with NULL.
 * Errors:  what the runtime says.
 */
int runtime_run(struct container *c, const char *const *args, struct error *err) must_check;

/* The exit status that a message of the runtime stands for: 126, 127, or 125. */
int runtime_exit_status(const char *message);

/* The sentence in what a runtime writes to stderr, without time stamps and log decoration. */
char *runtime_message(struct arena *a, const char *text);
