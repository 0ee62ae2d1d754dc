/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::runtime"
#include "engine/runtime.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/process.h"
#include "common/text.h"

#define RUNTIME_SECONDS 60

bool runtime_is_crun(const struct engine *e)
{
	const char *slash = strrchr(e->runtime, '/');

	return text_starts_with(slash ? slash + 1 : e->runtime, "crun");
}

int runtime_look(const struct container *c, struct cgroup_host *out, struct error *err)
{
	int r = cgroup_look(c->engine->cgroup_manager, out, err);

	if (r == 0 && strcmp(record_str(c->create, "cgroups"), "disabled") == 0)
		out->manager = CGROUP_DISABLED;
	return r;
}

const char **runtime_command(struct engine *e, enum cgroup_manager manager, size_t *out_n)
{
	const char **argv = arena_alloc(e->arena, 8 * sizeof(*argv));
	size_t n = 0;

	argv[n++] = e->runtime;
	/*
	 * crun keeps its own directory: some versions cannot restore with another one, and ids are unique
	 * among all engines.
	 */
	if (!runtime_is_crun(e)) {
		argv[n++] = "--root";
		argv[n++] = store_run_path(e, "runc");
	}
	if (manager == CGROUP_SYSTEMD)
		argv[n++] = "--systemd-cgroup";
	if (manager == CGROUP_DISABLED && runtime_is_crun(e))
		argv[n++] = "--cgroup-manager=disabled";
	*out_n = n;
	return argv;
}

/* "2026-01-31T12:00:00.000000Z: text" → "text" */
static const char *skip_stamp(const char *s)
{
	const char *colon = strstr(s, "Z: ");

	if (strlen(s) > 20 && s[4] == '-' && s[10] == 'T' && colon && colon - s < 40)
		return colon + 3;
	return s;
}

char *runtime_message(struct arena *a, const char *text)
{
	char **lines, *message = NULL;
	size_t n = text_split(a, text, '\n', &lines);

	for (size_t i = 0; i < n; i++) {
		const char *line = skip_stamp(lines[i]);
		/* runc: time="…" level=error msg="…" */
		const char *msg = strstr(line, "msg=\"");

		if (!*line)
			continue;
		if (msg && text_starts_with(line, "time="))
			line = arena_strndup(a, msg + 5,
					     strlen(msg + 5) - text_ends_with(msg, "\""));
		message =
			message ? arena_printf(a, "%s; %s", message, line) : arena_strdup(a, line);
	}
	return message ? message : arena_strdup(a, "the runtime says nothing");
}

int runtime_exit_status(const char *message)
{
	static const struct {
		const char *text;
		int status;
	} table[] = {
		{"not found in $path", RUNTIME_NOT_FOUND},
		{"no such file or directory", RUNTIME_NOT_FOUND},
		{"permission denied", RUNTIME_NOT_EXECUTABLE},
		{"operation not permitted", RUNTIME_NOT_EXECUTABLE},
		{"exec format error", RUNTIME_NOT_EXECUTABLE},
		{"is a directory", RUNTIME_NOT_EXECUTABLE},
	};

	for (size_t i = 0; i < array_size(table); i++)
		if (strcasestr(message, table[i].text))
			return table[i].status;
	return 125;
}

int runtime_run(struct container *c, const char *const *args, struct error *err)
{
	struct engine *e = c->engine;
	struct process_result result;
	struct cgroup_host host;
	size_t n = 0, extra = 0;

	int r = runtime_look(c, &host, err);
	if (r < 0)
		return r;
	const char **head = runtime_command(e, host.manager, &n);
	while (args[extra])
		extra++;
	const char **argv = arena_alloc(e->arena, (n + extra + 1) * sizeof(*argv));
	memcpy(argv, head, n * sizeof(*argv));
	memcpy(argv + n, args, extra * sizeof(*argv));
	r = process_run((char *const *)argv, environ, RUNTIME_SECONDS, e->arena, &result, err);
	if (r < 0)
		return wrap(err, "%s", e->runtime);
	if (result.timed_out)
		return fail(err, ETIMEDOUT, "%s %s: takes longer than %d s", e->runtime, args[0],
			    RUNTIME_SECONDS);
	if (result.status != 0)
		return fail(err, EIO, "%s %s: %s", e->runtime, args[0],
			    runtime_message(e->arena, result.errors));
	return 0;
}
