/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::commands"
#include "engine/commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/file.h"
#include "common/log.h"
#include "engine/options.h"
#include "engine/terminal.h"

const struct cli_option commands_start[] = {
	{'a', "attach", NULL, "Connect stdout and stderr"},
	{0, "all", NULL, "All containers"},
	{0, "detach-keys", "KEYS", "How to leave a terminal: ctrl-p,ctrl-q"},
	{0, "filter", "restart-policy=P", "With --all: only those"},
	{'i', "interactive", NULL, "Connect stdin, too"},
	{0, "sig-proxy", NULL, "Hand signals on to the container"},
	{0},
};

const struct cli_option commands_attach[] = {
	{0, "detach-keys", "KEYS", "How to leave a terminal: ctrl-p,ctrl-q"},
	{0, "no-stdin", NULL, "Do not connect stdin"},
	{0, "sig-proxy", NULL, "Hand signals on to the container"},
	{0},
};

/* ---- create ---- */

static int write_cidfile(const struct cli_line *line, const char *id, struct error *err)
{
	const char *path = cli_value(line, "cidfile", NULL);

	if (!path)
		return 0;
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail_errno(err, errno, "--cidfile %s", path);
	return file_write_fd(fd, id, strlen(id), err);
}

/* --replace: whoever has the name goes first. */
static int remove_namesake(struct engine *e, const struct cli_line *line, const char *name,
			   struct error *err)
{
	struct container *c;
	int r;

	if (!cli_flag(line, "replace"))
		return 0;
	if (!cli_value(line, "name", NULL))
		return fail(err, EINVAL, "--replace needs --name");
	r = commands_load(e, name, true, &c, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = lifecycle_stop(c, 0, err);
	if (r == 0)
		r = lifecycle_remove(c, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	store_close(c);
	return 0;
}

/* A new container, locked. */
static int make(struct engine *e, const struct cli_line *line, struct container **out,
		struct error *err)
{
	const char *cidfile = cli_value(line, "cidfile", NULL);
	json_t *create;
	int r = terminal_check_keys(cli_value(line, "detach-keys", ""), err);

	if (r == 0 && cidfile && file_exists(cidfile))
		r = fail(err, EEXIST, "--cidfile: %s is there already", cidfile);
	if (r == 0)
		r = options_build(e, line, &create, err);
	if (r == 0)
		r = remove_namesake(e, line, record_str(create, "name"), err);
	if (r == 0)
		r = lifecycle_create(e, create, out, err);
	if (r < 0)
		return r;
	r = write_cidfile(line, (*out)->id, err);
	if (r < 0) {
		struct error ignored;

		if (lifecycle_remove(*out, &ignored) < 0)
			log_warn("%s", ignored.text);
		store_close(*out);
	}
	return r;
}

int command_create(struct engine *e, const struct cli_line *line, struct error *err)
{
	struct container *c;
	int r = make(e, line, &c, err);

	if (r < 0)
		return r;
	store_close(c);
	printf("%s\n", c->id);
	return 0;
}

/* ---- run ---- */

/* A container that could not be started stays, as "created", but not with --rm. */
static int not_started(struct container *c, int r)
{
	struct error ignored;

	if (record_is(c->create, "remove") && lifecycle_remove(c, &ignored) < 0)
		log_warn("%s", ignored.text);
	store_close(c);
	return r;
}

int command_run(struct engine *e, const struct cli_line *line, struct error *err)
{
	bool detach = cli_flag(line, "detach");
	cleanup_close int socket = -1;
	struct container *c;

	terminal_hold_signals();
	int r = make(e, line, &c, err);
	if (r < 0)
		return r;
	r = lifecycle_start(c, detach ? NULL : &socket, err);
	if (r < 0)
		return not_started(c, r);
	if (detach) {
		store_close(c);
		printf("%s\n", c->id);
		return 0;
	}
	store_close(c);
	return commands_follow(c, socket, line, err);
}

/* ---- start ---- */

static int start_one(struct container *c, const struct cli_line *line, struct error *err)
{
	const char *filter = cli_value(line, "filter", "");
	const char *policy = record_str(json_object_get(c->create, "restart"), "policy");
	bool stopped = record_is(c->state, "stopped_by_user");

	if (*filter && strncmp(filter, "restart-policy=", 15) != 0)
		return fail(err, EINVAL, "--filter: \"%s\" is not restart-policy=POLICY", filter);
	if (*filter && strcmp(filter + 15, policy) != 0)
		return 0;
	/* After a boot it is started again only if nobody had stopped it before. */
	if (*filter && strcmp(policy, "unless-stopped") == 0 &&
	    (stopped || state_of(c).state == STATE_CREATED))
		return 0;
	json_object_del(c->state, "restart_count");
	json_object_del(c->state, "restart_delay");
	return lifecycle_start(c, NULL, err);
}

static int start_attached(struct engine *e, const struct cli_line *line, struct error *err)
{
	cleanup_close int socket = -1;
	struct container *c;
	int r = terminal_check_keys(cli_value(line, "detach-keys", ""), err);

	if (r == 0)
		r = commands_load(e, line->args[0], true, &c, err);
	if (r < 0)
		return r;
	r = lifecycle_start(c, &socket, err);
	if (r == 0 && socket < 0)
		r = lifecycle_attach(c, &socket, err); /* it was running */
	store_close(c);
	return r < 0 ? r : commands_follow(c, socket, line, err);
}

int command_start(struct engine *e, const struct cli_line *line, struct error *err)
{
	bool attach = cli_flag(line, "interactive");

	for (size_t i = 0; i < line->n_given; i++)
		attach = attach || strcmp(line->given[i].option->name, "attach") == 0;
	terminal_hold_signals();
	if (!attach)
		return commands_each(e, line, true, start_one, err);
	if (line->n_args != 1)
		return fail(err, EINVAL, "start --attach: needs one container");
	return start_attached(e, line, err);
}

int command_attach(struct engine *e, const struct cli_line *line, struct error *err)
{
	cleanup_close int socket = -1;
	struct container *c;
	int r = terminal_check_keys(cli_value(line, "detach-keys", ""), err);

	if (r == 0)
		r = commands_load(e, line->args[0], false, &c, err);
	if (r < 0)
		return r;
	struct view v = lifecycle_look(c);
	if (!state_is_alive(v.state))
		return fail(err, ESRCH, "the container %s does not run", c->name);
	if (v.unmonitored)
		return fail(err, EPIPE,
			    "the container %s has lost its monitor: there is nothing to "
			    "attach to",
			    c->name);
	r = lifecycle_attach(c, &socket, err);
	return r < 0 ? r : commands_follow(c, socket, line, err);
}
