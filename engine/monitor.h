/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The monitor, conmon, which stays with a container: log, exit status, attach. The only caller of it. */

#include "engine/cgroup.h"
#include "engine/ports.h"
#include "engine/store.h"

/*
 * Starts conmon and with it the container, up to the point where it waits for "start". conmon keeps
 * the reserved ports until the container's end.
 * Errors:  what the runtime or conmon says; e->status is 126 or 127 where that is the reason.
 */
int monitor_start(struct container *c, const struct cgroup_host *host, const struct ports *ports,
		  pid_t *out_pid, struct error *err) must_check;

/* The PID of the container's conmon, as it has written it; 0 if it has not. */
pid_t monitor_pid(const struct container *c);

/* Field 22 of /proc/PID/stat: with the PID it names a process for ever. 0: no such process. */
unsigned long long monitor_start_time(pid_t pid);

/* The exit status that conmon has left; false if there is none (yet). */
bool monitor_exit_status(const struct container *c, int *out);
char *monitor_exit_file(const struct container *c);

char *monitor_log_path(const struct container *c); /* NULL: there is no log */
