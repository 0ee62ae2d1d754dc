/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::commands"
#include "engine/commands/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/file.h"
#include "common/process.h"
#include "engine/document.h"
#include "engine/options.h"
#include "engine/runtime.h"
#include "engine/security.h"
#include "engine/terminal.h"

#define CONSOLE_SECONDS 30
#define RUNTIME_FAILED	255

const struct cli_option commands_exec[] = {
	{'d', "detach", NULL, "Do not wait for it"},
	{0, "detach-keys", "KEYS", "How to leave a terminal: ctrl-p,ctrl-q"},
	{'e', "env", "NAME[=VALUE]", "Environment variable"},
	{0, "env-file", "FILE", "Environment variables, one a line"},
	{'i', "interactive", NULL, "Connect stdin"},
	{0, "privileged", NULL, "All capabilities"},
	{'t', "tty", NULL, "Give it a terminal"},
	{'u', "user", "USER[:GROUP]", "User, by name or number"},
	{'w', "workdir", "DIR", "Working directory"},
	{0},
};

struct call {
	struct container *c;
	const struct cli_line *line;
	json_t *process;
	const char *file; /* the process document */
	const char *log;  /* what the runtime has to say, apart from the command's own stderr */
	struct error *err;
};

/* ---- the process document ---- */

static int set_user(struct call *x, const struct view *v)
{
	const char *spec = cli_value(x->line, "user", NULL);
	struct arena *a = x->c->engine->arena;
	const char *const none[] = {NULL};
	const char *const roots[] = {arena_printf(a, "/proc/%d/root", (int)v->pid), NULL};
	json_t *groups = json_array(), *user;
	struct user u;

	if (!spec) {
		json_decref(groups);
		return 0;
	}
	int r = user_resolve(roots, spec, none, a, &u, x->err);
	if (r < 0) {
		json_decref(groups);
		return r;
	}
	for (size_t i = 0; i < u.n_groups; i++)
		json_array_append_new(groups, json_integer(u.groups[i]));
	user = json_object_get(x->process, "user");
	json_object_set_new(user, "uid", json_integer(u.uid));
	json_object_set_new(user, "gid", json_integer(u.gid));
	json_object_set_new(user, "additionalGids", groups);
	options_environment(arena_printf(a, "HOME=%s", u.home), json_object_get(x->process, "env"));
	return 0;
}

static void set_capabilities(struct call *x)
{
	json_t *create = record_own(&x->c->engine->pool, json_copy(x->c->create));
	bool is_root = record_int(json_object_get(x->process, "user"), "uid") == 0;

	if (cli_flag(x->line, "privileged"))
		json_object_set_new(create, "privileged", json_true());
	json_t *bounding = security_bounding(create, x->c->engine->arena);
	json_object_set_new(x->process, "capabilities",
			    security_capabilities(create, bounding, is_root, x->c->engine->arena));
	json_decref(bounding);
}

static int set_environment(struct call *x)
{
	json_t *env = json_object_get(x->process, "env");
	struct arena *a = x->c->engine->arena;
	int r = 0;

	for (const char **f = cli_values(x->line, "env-file", a); r == 0 && *f; f++)
		r = options_env_file(*f, env, a, x->err);
	for (const char **v = cli_values(x->line, "env", a); *v; v++)
		options_environment(*v, env);
	return r;
}

static int build(struct call *x, const struct view *v)
{
	struct engine *e = x->c->engine;
	const char *dir = cli_value(x->line, "workdir", NULL);
	json_t *config;
	int r = record_read(&e->pool, store_run_file(x->c, "config.json"), &config, x->err);

	if (r < 0)
		return r;
	json_t *args = record_own(&e->pool, record_list((const char *const *)x->line->args + 1));
	x->process = record_own(&e->pool, document_exec(config, args));
	json_object_set_new(x->process, "terminal", json_boolean(cli_flag(x->line, "tty")));
	if (dir)
		record_set(x->process, "cwd", dir);
	r = set_user(x, v);
	if (r == 0)
		r = set_environment(x);
	if (r < 0)
		return r;
	set_capabilities(x);
	x->file = store_run_file(x->c, arena_printf(e->arena, "exec-%d.json", (int)getpid()));
	x->log = store_run_file(x->c, arena_printf(e->arena, "exec-%d.log", (int)getpid()));
	return record_write(&e->pool, x->file, x->process, x->err);
}

/* ---- running it ---- */

static const char **command_line(struct call *x, const char *socket)
{
	struct engine *e = x->c->engine;
	struct cgroup_host host = {.manager = CGROUP_CGROUPFS};
	struct error ignored;
	size_t n;

	if (runtime_look(x->c, &host, &ignored) < 0)
		host.manager = CGROUP_CGROUPFS;
	const char **head = runtime_command(e, host.manager, &n);
	const char **argv = arena_alloc(e->arena, (n + 12) * sizeof(*argv));
	memcpy(argv, head, n * sizeof(*argv));
	argv[n++] = "--log";
	argv[n++] = x->log;
	argv[n++] = "exec";
	argv[n++] = "--process";
	argv[n++] = x->file;
	if (cli_flag(x->line, "detach"))
		argv[n++] = "--detach";
	if (socket) {
		argv[n++] = "--console-socket";
		argv[n++] = socket;
	}
	argv[n++] = x->c->id;
	return argv;
}

/* A status of 255 is the runtime's if it has something to say; it says so on stderr, too. */
static int exit_status(struct call *x, pid_t pid)
{
	int status = process_wait(pid);
	struct error ignored;
	char *text;

	if (status == RUNTIME_FAILED &&
	    file_read(x->log, 65536, x->c->engine->arena, &text, NULL, &ignored) == 0 && *text)
		status = runtime_exit_status(text);
	return status;
}

static int plain(struct call *x)
{
	bool interactive = cli_flag(x->line, "interactive"), detach = cli_flag(x->line, "detach");
	const int fds[] = {interactive ? STDIN_FILENO : -1, detach ? -1 : STDOUT_FILENO,
			   STDERR_FILENO};
	pid_t pid;

	int r = process_start((char *const *)command_line(x, NULL), environ, NULL, fds, NULL, 0,
			      &pid, x->err);
	return r < 0 ? r : exit_status(x, pid);
}

static int listen_at(const char *path, struct error *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(at.sun_path))
		return fail(err, ENAMETOOLONG, "%s", path);
	strcpy(at.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 1) < 0)
		return fail_errno(err, errno, "console socket %s", path);
	return steal_fd(&fd);
}

/* The descriptor that the runtime sends; -1 if it has ended without one. */
static int receive_terminal(int listener, int process)
{
	struct pollfd p[] = {{.fd = listener, .events = POLLIN}, {.fd = process, .events = POLLIN}};
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char byte[64];
	struct iovec data = {byte, sizeof(byte)};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	int fd = -1;

	if (poll(p, array_size(p), CONSOLE_SECONDS * 1000) <= 0 || !p[0].revents)
		return -1;
	cleanup_close int from = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (from < 0 || recvmsg(from, &m, MSG_CMSG_CLOEXEC) < 0)
		return -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int with_terminal(struct call *x)
{
	struct engine *e = x->c->engine;
	/* The run directory's path may be too long for an address; this one is not. */
	const char *path =
		arena_printf(e->arena, "%s/c%d", store_run_path(e, "exits"), (int)getpid());
	cleanup_close int listener = listen_at(path, x->err);
	pid_t pid;

	if (listener < 0)
		return listener;
	int r = process_start((char *const *)command_line(x, path), environ, NULL,
			      (const int[]){-1, -1, STDERR_FILENO}, NULL, 0, &pid, x->err);
	if (r < 0) {
		unlink(path);
		return r;
	}
	cleanup_close int process = pidfd_open(pid, 0);
	cleanup_close int master = receive_terminal(listener, process);
	unlink(path);
	if (master < 0)
		return exit_status(x, pid);
	struct terminal_session s = {
		.remote = master,
		.tty = true,
		.use_stdin = cli_flag(x->line, "interactive"),
		.detach_keys = cli_value(x->line, "detach-keys", "ctrl-p,ctrl-q"),
		.process = -1,
	};
	if (terminal_talk(&s) == TERMINAL_DETACHED)
		return 0;
	return exit_status(x, pid);
}

int command_exec(struct engine *e, const struct cli_line *line, struct error *err)
{
	struct call x = {.line = line, .err = err};
	int r = terminal_check_keys(cli_value(line, "detach-keys", ""), err);

	if (r == 0)
		r = commands_load(e, line->args[0], false, &x.c, err);
	if (r < 0)
		return r;
	struct view v = lifecycle_look(x.c);
	if (v.state == STATE_PAUSED)
		return fail(err, EBUSY, "the container %s is paused: unpause it first", x.c->name);
	if (v.state != STATE_RUNNING)
		return fail(err, ESRCH, "the container %s does not run", x.c->name);
	r = build(&x, &v);
	if (r < 0)
		return r;
	r = cli_flag(line, "tty") && !cli_flag(line, "detach") ? with_terminal(&x) : plain(&x);
	unlink(x.file);
	unlink(x.log);
	return r;
}
