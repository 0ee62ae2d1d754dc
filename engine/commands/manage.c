/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::commands"
#include "engine/commands/commands.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "common/text.h"
#include "engine/monitor.h"
#include "engine/options.h"
#include "engine/runtime.h"
#include "engine/unit.h"

#define STATUS_RUNNING 2 /* of rm, as Podman's */

const struct cli_option commands_stop[] = {
	{'a', "all", NULL, "All containers"},
	{'i', "ignore", NULL, "Names that do not exist are fine"},
	{'t', "time", "SECONDS", "Time until it is killed"},
	{0},
};

const struct cli_option commands_kill[] = {
	{'a', "all", NULL, "All containers that run"},
	{'s', "signal", "SIGNAL", "By name or number; KILL"},
	{0},
};

const struct cli_option commands_rm[] = {
	{'a', "all", NULL, "All containers"},
	{'f', "force", NULL, "Stop it first"},
	{'i', "ignore", NULL, "Names that do not exist are fine"},
	{'t', "time", "SECONDS", "With --force: time until it is killed; 0"},
	{'v', "volumes", NULL, "Remove its anonymous volumes; there are none yet"},
	{0},
};

const struct cli_option commands_all[] = {
	{'a', "all", NULL, "All containers"},
	{0},
};

const struct cli_option commands_wait[] = {
	{0, "condition", "STATE", "exited, stopped, running or removed"},
	{'i', "ignore", NULL, "Names that do not exist are fine"},
	{0},
};

/* ---- stop, restart, kill ---- */

static int stop_one(struct container *c, const struct cli_line *line, struct error *err)
{
	long long seconds = -1;
	int r = cli_number(line, "time", -1, INT_MAX, &seconds, err);

	return r < 0 ? r : lifecycle_stop(c, seconds, err);
}

/* With --rm a container is gone when it has stopped. */
static int stop_and_forget(struct container *c, const struct cli_line *line, struct error *err)
{
	int r = stop_one(c, line, err);

	return r == -ENOENT && record_is(c->create, "remove") ? 0 : r;
}

int command_stop(struct engine *e, const struct cli_line *line, struct error *err)
{
	return commands_each(e, line, true, stop_and_forget, err);
}

static int restart_one(struct container *c, const struct cli_line *line, struct error *err)
{
	int r = stop_one(c, line, err);

	return r < 0 ? r : lifecycle_start(c, NULL, err);
}

int command_restart(struct engine *e, const struct cli_line *line, struct error *err)
{
	return commands_each(e, line, true, restart_one, err);
}

static int kill_one(struct container *c, const struct cli_line *line, struct error *err)
{
	const char *text = cli_value(line, "signal", "KILL");
	int number = unit_signal(text);

	if (!number)
		return fail(err, EINVAL, "--signal: there is no signal \"%s\"", text);
	if (cli_flag(line, "all") && !state_is_alive(state_of(c).state))
		return -ENOENT;
	return lifecycle_signal(c, number, err);
}

int command_kill(struct engine *e, const struct cli_line *line, struct error *err)
{
	return commands_each(e, line, true, kill_one, err);
}

/* ---- rm ---- */

static int rm_one(struct container *c, const struct cli_line *line, struct error *err)
{
	struct view v = state_of(c);
	long long seconds = 0;
	int r = cli_number(line, "time", -1, INT_MAX, &seconds, err);

	if (r == 0 && (state_is_alive(v.state) || v.state == STATE_RESTARTING)) {
		if (!cli_flag(line, "force")) {
			c->engine->status = STATUS_RUNNING;
			return fail(err, EBUSY,
				    "the container %s is %s; stop it first, or use --force",
				    c->name, state_name(v.state));
		}
	}
	if (r == 0)
		r = lifecycle_stop(c, seconds, err);
	if (r == -ENOENT)
		return 0; /* --rm has done it */
	return r < 0 ? r : lifecycle_remove(c, err);
}

int command_rm(struct engine *e, const struct cli_line *line, struct error *err)
{
	return commands_each(e, line, true, rm_one, err);
}

/* ---- pause, rename, update ---- */

static int pause_one(struct container *c, const struct cli_line *line, struct error *err)
{
	struct view v = state_of(c);

	(void)line;
	if (v.state != STATE_RUNNING)
		return fail(err, EINVAL, "the container %s is %s, not running", c->name,
			    state_name(v.state));
	return lifecycle_pause(c, true, err);
}

static int unpause_one(struct container *c, const struct cli_line *line, struct error *err)
{
	struct view v = state_of(c);

	(void)line;
	if (v.state != STATE_PAUSED)
		return fail(err, EINVAL, "the container %s is %s, not paused", c->name,
			    state_name(v.state));
	return lifecycle_pause(c, false, err);
}

int command_pause(struct engine *e, const struct cli_line *line, struct error *err)
{
	return commands_each(e, line, true, pause_one, err);
}

int command_unpause(struct engine *e, const struct cli_line *line, struct error *err)
{
	return commands_each(e, line, true, unpause_one, err);
}

int command_rename(struct engine *e, const struct cli_line *line, struct error *err)
{
	const char *name = line->args[1], *old;
	struct container *c;

	if (!store_name_is_valid(name))
		return fail(err, EINVAL, "\"%s\" cannot be a name", name);
	int r = commands_load(e, line->args[0], true, &c, err);
	if (r < 0)
		return r;
	old = c->name;
	r = strcmp(old, name) == 0 ? 0 : store_take_name(e, name, c->id, err);
	if (r == 0 && strcmp(old, name) != 0) {
		record_set(c->state, "name", name);
		r = store_write_state(c, err);
		store_drop_name(e, r < 0 ? name : old, c->id);
	}
	store_close(c);
	return r;
}

int command_update(struct engine *e, const struct cli_line *line, struct error *err)
{
	json_t *resources = record_own(&e->pool, json_object());
	struct container *c;
	int r = options_resources(line, e->arena, resources, err);

	if (r == 0)
		r = commands_load(e, line->args[0], true, &c, err);
	if (r < 0)
		return r;
	const char *path = store_run_file(c, "resources.json");
	const char *const args[] = {"update", "--resources", path, c->id, NULL};
	if (!state_is_alive(state_of(c).state))
		r = fail(err, ESRCH, "the container %s does not run", c->name);
	if (r == 0)
		r = record_write(&e->pool, path, resources, err);
	if (r == 0)
		r = runtime_run(c, args, err);
	store_close(c);
	if (r == 0)
		printf("%s\n", c->id);
	return r;
}

/* ---- wait ---- */

static int wait_removed(struct container *c, struct error *err)
{
	int r;

	/* Nothing announces it: what is waited for may be a person. */
	while ((r = store_load(c->engine, c->id, false, &c, err)) == 0)
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	return r == -ENOENT ? 0 : r;
}

static int wait_running(struct container *c, struct error *err)
{
	int r = 0;

	while (r == 0 && !state_is_alive(state_of(c).state)) {
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
		r = store_load(c->engine, c->id, false, &c, err);
	}
	return r;
}

static int wait_one(struct container *c, const char *condition, struct error *err)
{
	int status = 0, r = 0;

	if (strcmp(condition, "running") == 0) {
		r = wait_running(c, err);
		if (r == 0)
			printf("-1\n");
		return r;
	}
	struct view v = lifecycle_look(c);
	if (state_is_alive(v.state))
		r = lifecycle_wait(c, err);
	if (r == 0 && strcmp(condition, "removed") == 0)
		r = wait_removed(c, err);
	if (r < 0)
		return r;
	if (!monitor_exit_status(c, &status)) {
		struct container *again;

		r = store_load(c->engine, c->id, false, &again, err);
		if (r < 0)
			return r;
		status = (int)record_int(again->state, "exit_code");
	}
	printf("%d\n", status);
	return 0;
}

int command_wait(struct engine *e, const struct cli_line *line, struct error *err)
{
	const char *condition = cli_value(line, "condition", "exited");
	static const char *const known[] = {"exited", "stopped", "running", "removed"};
	bool found = false;
	int r = 0;

	for (size_t i = 0; i < array_size(known); i++)
		found = found || strcmp(condition, known[i]) == 0;
	if (!found)
		return fail(err, EINVAL,
			    "--condition: \"%s\" is not exited, stopped, running or removed",
			    condition);
	for (size_t i = 0; r == 0 && i < line->n_args; i++) {
		struct container *c;

		r = commands_load(e, line->args[i], false, &c, err);
		if (r == -ENOENT && cli_flag(line, "ignore")) {
			printf("-1\n");
			r = 0;
			continue;
		}
		if (r == 0)
			r = wait_one(c, condition, err);
		fflush(stdout);
	}
	return r;
}

/* ---- for scripts, and for the monitor ---- */

int command_exists(struct engine *e, const struct cli_line *line, struct error *err)
{
	const char *id;
	int r = store_find(e, line->args[0], &id, err);

	return r == -ENOENT ? 1 : r;
}

int command_cleanup(struct engine *e, const struct cli_line *line, struct error *err)
{
	struct container *c;
	int r = commands_load(e, line->args[0], true, &c, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0) {
		r = lifecycle_after_exit(c, err);
		store_close(c);
	}
	return r;
}
