/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::commands"
#include "engine/commands/commands.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "common/text.h"
#include "engine/monitor.h"
#include "engine/terminal.h"

int commands_load(struct engine *e, const char *name, bool lock, struct container **out,
		  struct error *err)
{
	const char *id;
	int r = store_find(e, name, &id, err);

	return r < 0 ? r : store_load(e, id, lock, out, err);
}

/* ---- several containers ---- */

static int one(struct engine *e, const char *name, const struct cli_line *line, bool with_lock,
	       commands_fn fn, struct error *err)
{
	struct container *c = NULL;
	int r = commands_load(e, name, with_lock, &c, err);

	if (r < 0)
		return r;
	r = fn(c, line, err);
	store_close(c);
	return r;
}

/* The containers named on the command line, or in files with --cidfile, or all of them. */
static int names_of(struct engine *e, const struct cli_line *line, const char ***out,
		    struct error *err)
{
	if (!cli_flag(line, "all")) {
		if (line->n_args == 0 && !cli_flag(line, "ignore"))
			return fail(err, EINVAL, "%s: needs a container, or --all",
				    line->command->name);
		*out = (const char **)line->args;
		return 0;
	}
	return store_list(e, out, err);
}

int commands_each(struct engine *e, const struct cli_line *line, bool with_lock, commands_fn fn,
		  struct error *err)
{
	const char **names;
	int status = 0;
	int r = names_of(e, line, &names, err);

	if (r < 0)
		return r;
	for (; *names; names++) {
		e->status = 125;
		r = one(e, *names, line, with_lock, fn, err);
		if (r == -ENOENT && (cli_flag(line, "ignore") || cli_flag(line, "all")))
			continue;
		if (r < 0) {
			fprintf(stderr, "Error: %s\n", err->text);
			status = e->status;
		} else {
			printf("%s\n", *names);
		}
	}
	return status;
}

/* ---- a container in the foreground ---- */

static void wait_for_end(int process)
{
	struct pollfd p = {.fd = process, .events = POLLIN};

	while (process >= 0 && poll(&p, 1, -1) < 0)
		continue;
}

/* What it has ended with; also after it was removed. */
static int exit_status(struct container *c, struct error *err)
{
	struct container *again;
	int status = 255;

	if (monitor_exit_status(c, &status))
		return status;
	int r = store_load(c->engine, c->id, false, &again, err);
	if (r < 0)
		return r;
	lifecycle_look(again);
	return (int)record_int(again->state, "exit_code");
}

int commands_follow(struct container *c, int socket, const struct cli_line *line, struct error *err)
{
	cleanup_close int monitor = state_open_monitor(c);
	cleanup_close int process = state_open_process(c);
	const char **streams = cli_values(line, "attach", c->engine->arena);
	bool all = !*streams;
	struct terminal_session s = {
		.remote = socket,
		.packets = true,
		.tty = record_is(c->create, "terminal"),
		.use_stdin = record_is(c->create, "stdin"),
		.out = all,
		.errors = all,
		.size_fifo = store_run_file(c, "ctl"),
		.detach_keys = cli_value(line, "detach-keys", "ctrl-p,ctrl-q"),
		.process = cli_flag_or(line, "sig-proxy", true) ? process : -1,
	};

	for (; *streams; streams++) {
		s.out = s.out || strcasecmp(*streams, "stdout") == 0;
		s.errors = s.errors || strcasecmp(*streams, "stderr") == 0;
	}
	if (terminal_talk(&s) == TERMINAL_DETACHED)
		return 0;
	wait_for_end(monitor);
	return exit_status(c, err);
}

/* ---- output ---- */

/* The member that ".State.Pid" means. */
static const json_t *find_field(const json_t *object, const char *path, size_t len)
{
	char part[128];

	while (len && object) {
		size_t n;

		path += *path == '.';
		len -= len > 0;
		n = strcspn(path, ".");
		n = n > len ? len : n;
		if (!n || n >= sizeof(part))
			return NULL;
		memcpy(part, path, n);
		part[n] = '\0';
		object = json_object_get(object, part);
		path += n;
		len -= n;
	}
	return object;
}

static void add_value(struct text *t, const json_t *value)
{
	if (json_is_string(value)) {
		text_add(t, json_string_value(value));
		return;
	}
	char *s = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	text_add(t, s ? s : "");
	free(s);
}

static int add_field(struct text *t, const json_t *object, const char *start, size_t len,
		     struct error *err)
{
	bool as_json = false;

	while (len && *start == ' ')
		start++, len--;
	while (len && start[len - 1] == ' ')
		len--;
	if (len > 5 && strncmp(start, "json ", 5) == 0) {
		start += 5;
		len -= 5;
		as_json = true;
	}
	const json_t *value = *start == '.' && len == 1 ? object : find_field(object, start, len);
	if (*start != '.' || !value)
		return fail(err, EINVAL, "--format: there is no field %.*s", (int)len, start);
	if (as_json) {
		char *s = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		text_add(t, s ? s : "");
		free(s);
	} else {
		add_value(t, value);
	}
	return 0;
}

int commands_format(const json_t *object, const char *format, struct arena *a, char **out,
		    struct error *err)
{
	struct text t = text_new(a);

	while (*format) {
		const char *open = strstr(format, "{{"), *close = open ? strstr(open, "}}") : NULL;

		if (!close) {
			text_add(&t, format);
			break;
		}
		text_add_bytes(&t, format, (size_t)(open - format));
		int r = add_field(&t, object, open + 2, (size_t)(close - open - 2), err);
		if (r < 0)
			return r;
		format = close + 2;
	}
	*out = t.s;
	return 0;
}

int commands_print(const json_t *value, const char *format, struct arena *a, struct error *err)
{
	const json_t *item;
	char *text;
	size_t i;

	if (!format || strcmp(format, "json") == 0) {
		text = json_dumps(value, JSON_INDENT(5));
		printf("%s\n", text ? text : "");
		free(text);
		return 0;
	}
	json_array_foreach (value, i, item) {
		int r = commands_format(item, format, a, &text, err);

		if (r < 0)
			return r;
		printf("%s\n", text);
	}
	return 0;
}
