/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::monitor"
#include "engine/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "common/process.h"
#include "common/text.h"
#include "engine/runtime.h"
#include "engine/shim.h"

#define START_SECONDS 120
#define ANSWER_MAX    65536

struct words {
	struct arena *arena;
	const char **list;
	size_t n;
};

static void word(struct words *w, const char *s)
{
	w->list = arena_grow(w->arena, w->list, w->n, sizeof(*w->list));
	w->list[w->n++] = s;
}

static void pair(struct words *w, const char *option, const char *value)
{
	word(w, option);
	word(w, value);
}

char *monitor_log_path(const struct container *c)
{
	const json_t *log = json_object_get(c->create, "log");

	if (strcmp(record_str(log, "driver"), "none") == 0)
		return NULL;
	if (*record_str(log, "path"))
		return arena_strdup(c->engine->arena, record_str(log, "path"));
	return store_file(c, "ctr.log");
}

char *monitor_exit_file(const struct container *c)
{
	return store_run_path(c->engine, "exits/%s", c->id);
}

static void log_words(struct words *w, const struct container *c)
{
	const json_t *log = json_object_get(c->create, "log");
	const char *path = monitor_log_path(c);

	pair(w, "-l", path ? arena_printf(w->arena, "k8s-file:%s", path) : "none");
	pair(w, "--log-level", "warning");
	if (record_int(log, "max-size") > 0)
		pair(w, "--log-size-max",
		     arena_printf(w->arena, "%lld", (long long)record_int(log, "max-size")));
	if (*record_str(log, "tag"))
		pair(w, "--log-tag", record_str(log, "tag"));
}

/* conmon is told that our own program is the runtime; the marker comes first, see shim.h. */
static void runtime_words(struct words *w, const struct container *c,
			  const struct cgroup_host *host)
{
	size_t n;
	const char **command = runtime_command(c->engine, host->manager, &n);

	pair(w, "-r", c->engine->self);
	pair(w, "--runtime-arg", arena_printf(w->arena, SHIM_OPTION "%s", c->run_dir));
	for (size_t i = 0; i < n; i++)
		pair(w, "--runtime-arg", command[i]);
}

static void exit_words(struct words *w, const struct container *c)
{
	const struct engine *e = c->engine;
	const struct {
		const char *option, *value;
	} list[] = {
		{"--root", e->root},
		{"--runroot", e->runroot},
		{"--config", e->config},
		{"--runtime", e->runtime},
		{"--netavark", e->netavark},
		{"--aardvark-dns", e->aardvark},
		{"--conmon", e->conmon},
		{"--cgroup-manager", e->cgroup_manager},
		{"--firewall-driver", e->firewall_driver},
	};

	pair(w, "--exit-command", e->self);
	for (size_t i = 0; i < array_size(list); i++)
		if (list[i].value) {
			pair(w, "--exit-command-arg", list[i].option);
			pair(w, "--exit-command-arg", list[i].value);
		}
	pair(w, "--exit-command-arg", "container");
	pair(w, "--exit-command-arg", "cleanup");
	pair(w, "--exit-command-arg", c->id);
}

static const char **command_line(const struct container *c, const struct cgroup_host *host)
{
	struct words w = {.arena = c->engine->arena};

	if (host->manager == CGROUP_SYSTEMD &&
	    strcmp(record_str(c->create, "cgroups"), "no-conmon") != 0) {
		/* So that the end of a login or of a service does not end it. */
		word(&w, "/usr/bin/systemd-run");
		word(&w, "--quiet");
		word(&w, "--scope");
		word(&w, "--collect");
		word(&w, "--slice=machine.slice");
		word(&w,
		     arena_printf(w.arena, "--unit=tjalk-conmon-%s", store_short(w.arena, c->id)));
	}
	word(&w, c->engine->conmon);
	pair(&w, "--api-version", "1");
	pair(&w, "-c", c->id);
	pair(&w, "-u", c->id);
	pair(&w, "-n", c->name);
	pair(&w, "-b", c->run_dir);
	pair(&w, "-p", store_run_file(c, "pidfile"));
	pair(&w, "-P", store_run_file(c, "conmon.pid"));
	pair(&w, "--exit-dir", store_run_path(c->engine, "exits"));
	word(&w, "--full-attach");
	log_words(&w, c);
	/* With -i it closes stdin when the first client leaves; a terminal shall stay open. */
	if (record_is(c->create, "terminal"))
		word(&w, "-t");
	else if (record_is(c->create, "stdin"))
		word(&w, "-i");
	if (record_int(c->create, "timeout"))
		pair(&w, "-T",
		     arena_printf(w.arena, "%lld", (long long)record_int(c->create, "timeout")));
	runtime_words(&w, c, host);
	exit_words(&w, c);
	word(&w, NULL);
	return w.list;
}

/* ---- what it answers ---- */

/* One line, or less if it ends before. */
static int read_line(int fd, struct arena *a, char **out, struct error *err)
{
	char *line = arena_alloc(a, ANSWER_MAX);
	size_t len = 0;

	while (len < ANSWER_MAX - 1 && !memchr(line, '\n', len)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int ready = poll(&p, 1, START_SECONDS * 1000);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return fail(err, ETIMEDOUT, "conmon does not answer");
		ssize_t got = read(fd, line + len, ANSWER_MAX - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	*out = line;
	return 0;
}

static int read_answer(struct container *c, int fd, pid_t *out_pid, struct error *err)
{
	struct engine *e = c->engine;
	char *line = NULL, *errors = NULL;
	struct error ignored;
	int r = read_line(fd, e->arena, &line, err);

	if (r < 0)
		return r;
	json_t *answer = record_own(&e->pool, json_loads(line, 0, NULL));
	if (record_int(answer, "data") > 0) {
		*out_pid = (pid_t)record_int(answer, "data");
		return 0;
	}
	if (!answer) {
		if (file_read(store_run_file(c, "conmon.err"), ANSWER_MAX, e->arena, &errors, NULL,
			      &ignored) < 0)
			errors = NULL;
		return fail(err, EIO, "conmon: %s",
			    errors && *errors ? errors : "it has ended without a word");
	}
	const char *message = runtime_message(e->arena, record_str(answer, "message"));
	e->status = runtime_exit_status(message);
	return fail(err, EIO, "cannot start the container: %s", message);
}

int monitor_start(struct container *c, const struct cgroup_host *host, const struct ports *ports,
		  pid_t *out_pid, struct error *err)
{
	struct engine *e = c->engine;
	int *keep = arena_alloc(e->arena, (ports->n + 1) * sizeof(*keep)), ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, errno, "pipe");
	cleanup_close int in = ends[0];
	cleanup_close int out = ends[1];
	cleanup_close int errors = open(store_run_file(c, "conmon.err"),
					O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (errors < 0)
		return fail_errno(err, errno, "%s", store_run_file(c, "conmon.err"));
	keep[0] = out;
	for (size_t i = 0; i < ports->n; i++)
		keep[i + 1] = ports->fds[i];
	char **env = process_env_with(e->arena, "_OCI_SYNCPIPE", "3");
	/* It leaves the file "oom" where it is started. */
	int r = process_start((char *const *)command_line(c, host), env, c->run_dir,
			      (const int[]){-1, -1, errors}, keep, ports->n + 1, &pid, err);
	if (r < 0)
		return wrap(err, "conmon");
	close(steal_fd(&out));
	r = read_answer(c, in, out_pid, err);
	process_wait(pid); /* the first of its processes ends at once */
	return r;
}

/* ---- what it leaves ---- */

static bool read_number(struct arena *a, const char *path, long *out)
{
	struct error err;
	char *text, *end;

	if (file_read(path, 64, a, &text, NULL, &err) < 0)
		return false;
	*out = strtol(text, &end, 10);
	return end != text;
}

pid_t monitor_pid(const struct container *c)
{
	long pid = 0;

	read_number(c->engine->arena, store_run_file(c, "conmon.pid"), &pid);
	return (pid_t)pid;
}

bool monitor_exit_status(const struct container *c, int *out)
{
	long status;

	if (!read_number(c->engine->arena, monitor_exit_file(c), &status))
		return false;
	*out = (int)status;
	return true;
}

unsigned long long monitor_start_time(pid_t pid)
{
	struct arena a = {0};
	struct error err;
	char *text, *at;
	unsigned long long start = 0;

	if (pid > 0 &&
	    file_read(arena_printf(&a, "/proc/%d/stat", (int)pid), 4096, &a, &text, NULL, &err) ==
		    0 &&
	    (at = strrchr(text, ')'))) {
		/* After the name, which may contain anything: state is field 3. A zombie does not count. */
		bool zombie = at[1] == ' ' && (at[2] == 'Z' || at[2] == 'X');

		for (int field = 2; at && field < 22; field++)
			at = strchr(at + 1, ' ');
		if (at && !zombie)
			start = strtoull(at + 1, NULL, 10);
	}
	arena_release(&a);
	return start;
}
