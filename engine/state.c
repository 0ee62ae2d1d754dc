/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::state"
#include "engine/state.h"

#include <string.h>
#include <sys/pidfd.h>

#include "common/file.h"
#include "engine/monitor.h"

static const char *const names[] = {"created", "running",    "paused",
				    "exited",  "restarting", "exited"};

const char *state_name(enum state s)
{
	return names[s];
}

bool state_is_alive(enum state s)
{
	return s == STATE_RUNNING || s == STATE_PAUSED;
}

const char *state_boot_id(struct arena *a)
{
	struct error err;
	char *text;

	if (file_read("/proc/sys/kernel/random/boot_id", 64, a, &text, NULL, &err) < 0)
		return "";
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* Whether the process that a record names by PID and start time is still there. */
static bool is_alive(const json_t *record, const char *pid_key, const char *start_key)
{
	unsigned long long now = monitor_start_time((pid_t)record_int(record, pid_key));

	return now && now == (unsigned long long)record_int(record, start_key);
}

static struct view without_run(const struct container *c)
{
	const json_t *waiting = json_object_get(c->state, "restarting");

	if (is_alive(waiting, "pid", "start"))
		return (struct view){.state = STATE_RESTARTING};
	return (struct view){.state = *record_str(c->state, "started") ? STATE_EXITED
								       : STATE_CREATED};
}

struct view state_of(const struct container *c)
{
	if (!c->run)
		return without_run(c);
	if (strcmp(record_str(c->run, "boot_id"), state_boot_id(c->engine->arena)) != 0 ||
	    !is_alive(c->run, "pid", "start"))
		return (struct view){.state = STATE_LEFT_OVER};
	return (struct view){
		.state = record_is(c->run, "paused") ? STATE_PAUSED : STATE_RUNNING,
		.pid = (pid_t)record_int(c->run, "pid"),
		.unmonitored = !is_alive(c->run, "conmon_pid", "conmon_start"),
	};
}

static int open_alive(const json_t *run, const char *pid_key, const char *start_key)
{
	int fd = pidfd_open((pid_t)record_int(run, pid_key), 0);

	/* Looked at after it was opened: so it cannot be another process by then. */
	if (fd >= 0 && !is_alive(run, pid_key, start_key)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int state_open_process(const struct container *c)
{
	return open_alive(c->run, "pid", "start");
}

int state_open_monitor(const struct container *c)
{
	return open_alive(c->run, "conmon_pid", "conmon_start");
}
