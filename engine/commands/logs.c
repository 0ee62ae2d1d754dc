/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::commands"
#include "engine/logs.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>

#include "common/text.h"
#include "engine/commands/commands.h"
#include "engine/monitor.h"

const struct cli_option commands_logs[] = {
	{'f', "follow", NULL, "Go on until the container ends"},
	{'n', "names", NULL, "The container's name in front of each line"},
	{0, "since", "TIME", "Only later lines: 2026-01-31T12:00:00, or 10m ago"},
	{0, "tail", "N", "Only the last lines"},
	{'t', "timestamps", NULL, "The time in front of each line"},
	{0, "until", "TIME", "Only earlier lines"},
	{0},
};

static int filter_of(const struct cli_line *line, struct arena *a, struct logs_filter *f,
		     struct error *err)
{
	const char *since = cli_value(line, "since", NULL), *until = cli_value(line, "until", NULL);
	char *from = NULL, *to = NULL;

	*f = (struct logs_filter){.tail = -1, .stamps = cli_flag(line, "timestamps"), .prefix = ""};
	if (since && !logs_parse_time(since, a, &from))
		return fail(err, EINVAL, "--since: \"%s\" is not a time", since);
	if (until && !logs_parse_time(until, a, &to))
		return fail(err, EINVAL, "--until: \"%s\" is not a time", until);
	f->since = from;
	f->until = to;
	if (strcmp(cli_value(line, "tail", ""), "all") == 0)
		return 0;
	return cli_number(line, "tail", -1, INT_MAX, &f->tail, err);
}

static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		continue;
}

/* conmon holds the log: what it writes is there when it ends. */
static int follow(struct container *c, struct logs_reader *r, const char *path, struct error *err)
{
	cleanup_close int monitor = c->run ? state_open_monitor(c) : -1;
	cleanup_close int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (watch < 0 || inotify_add_watch(watch, path, IN_MODIFY) < 0)
		return fail_errno(err, errno, "watch %s", path);
	for (;;) {
		struct pollfd p[] = {{.fd = watch, .events = POLLIN},
				     {.fd = monitor, .events = POLLIN}};
		int status = logs_print(r, err);

		if (status < 0 || monitor < 0)
			return status;
		poll(p, array_size(p), -1);
		drain(watch);
		if (p[1].revents)
			return logs_print(r, err);
	}
}

static int print_one(struct container *c, const struct cli_line *line, struct logs_filter *f,
		     struct error *err)
{
	const char *path = monitor_log_path(c);
	struct logs_reader reader = {.filter = f};

	if (!path)
		return fail(err, ENOTSUP, "the container %s was made with --log-driver none",
			    c->name);
	cleanup_fclose FILE *file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? 0 : fail_errno(err, errno, "%s", path);
	if (cli_flag(line, "names"))
		f->prefix = arena_printf(c->engine->arena, "%s ", c->name);
	reader.file = file;
	int r = logs_seek_tail(&reader, err);
	if (r == 0)
		r = cli_flag(line, "follow") ? follow(c, &reader, path, err)
					     : logs_print(&reader, err);
	return r;
}

int command_logs(struct engine *e, const struct cli_line *line, struct error *err)
{
	struct logs_filter filter;
	int r = filter_of(line, e->arena, &filter, err);

	for (size_t i = 0; r == 0 && i < line->n_args; i++) {
		struct container *c;

		r = commands_load(e, line->args[i], false, &c, err);
		if (r == 0)
			r = print_one(c, line, &filter, err);
	}
	return r;
}
