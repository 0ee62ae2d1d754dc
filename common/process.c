/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::process"
#include "common/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "common/fault.h"
#include "common/log.h"
#include "common/text.h"

#define ERRORS_MAX 16384

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#define KEPT_FIRST 3

/*
 * Descriptors to keep are first brought out of the way of the numbers that they will have. Returns the
 * lowest free number behind them, or -1.
 */
static int keep_descriptors(posix_spawn_file_actions_t *files, const int *keep, size_t n,
			    int *moved)
{
	for (size_t i = 0; i < n; i++) {
		moved[i] = fcntl(keep[i], F_DUPFD_CLOEXEC, KEPT_FIRST + (int)n);
		if (moved[i] < 0)
			return -1;
		posix_spawn_file_actions_adddup2(files, moved[i], KEPT_FIRST + (int)i);
	}
	return KEPT_FIRST + (int)n;
}

/* fds are its stdin, stdout and stderr; -1 means /dev/null. */
static int start(char *const argv[], char *const envp[], const char *dir, const int fds[3],
		 const int *keep, size_t n_keep, bool own_group, pid_t *out)
{
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	int *moved = calloc(n_keep + 1, sizeof(*moved));
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int r;

	if (!moved)
		return ENOMEM;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	for (int i = 0; i < 3; i++) {
		if (fds[i] < 0)
			posix_spawn_file_actions_addopen(&files, i, "/dev/null", O_RDWR, 0);
		else
			posix_spawn_file_actions_adddup2(&files, fds[i], i);
	}
	if (dir)
		posix_spawn_file_actions_addchdir_np(&files, dir);
	int behind = keep_descriptors(&files, keep, n_keep, moved);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, own_group ? flags | POSIX_SPAWN_SETPGROUP : flags);
	if (behind < 0) {
		r = errno;
	} else {
		/* What our caller forgot to close. */
		posix_spawn_file_actions_addclosefrom_np(&files, behind);
		r = posix_spawn(out, argv[0], &files, &attr, argv, envp);
	}
	for (size_t i = 0; i < n_keep; i++)
		if (moved[i] > 0)
			close(moved[i]);
	free(moved);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

int process_start(char *const argv[], char *const envp[], const char *dir, const int fds[3],
		  const int *keep, size_t n_keep, pid_t *out, struct error *err)
{
	int r = fault("process_start", err);

	if (r < 0)
		return r;
	log_debug("starting %s", argv[0]);
	r = start(argv, envp, dir, fds, keep, n_keep, false, out);
	return r > 0 ? fail_errno(err, r, "%s", argv[0]) : 0;
}

int process_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * Collects what comes until the end of the process or of the stream, which a child of it may keep
 * open for ever; false if the deadline came first.
 */
static bool collect(int fd, int process, int64_t deadline, struct text *errors)
{
	char buf[1024];

	for (;;) {
		struct pollfd p[] = {{.fd = fd, .events = POLLIN},
				     {.fd = process, .events = POLLIN}};
		int64_t left = deadline - now_ms();

		if (left <= 0)
			return false;
		int r = poll(p, array_size(p), (int)left);
		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0)
			return false;
		if (!p[0].revents)
			return true;
		ssize_t got = read(fd, buf, sizeof(buf));
		if (got <= 0)
			return true;
		if (errors->len + (size_t)got <= ERRORS_MAX)
			text_add_bytes(errors, buf, (size_t)got);
	}
}

/* Waits for the end of a process that has closed its stderr; false if the deadline came first. */
static bool wait_until(pid_t pid, int process, int64_t deadline, int *status)
{
	struct pollfd p = {.fd = process, .events = POLLIN};
	pid_t r;

	while ((r = waitpid(pid, status, WNOHANG)) == 0 && now_ms() < deadline)
		poll(&p, 1, (int)(deadline - now_ms()));
	return r != 0;
}

int process_run(char *const argv[], char *const envp[], unsigned int seconds, struct arena *a,
		struct process_result *out, struct error *err)
{
	int ends[2], status = 0;
	int64_t deadline = now_ms() + (int64_t)seconds * 1000;
	struct text errors = text_new(a);
	pid_t pid;
	int r = fault("process_run", err);

	if (r < 0)
		return r;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, errno, "pipe");
	cleanup_close int in = ends[0];
	cleanup_close int errors_fd = ends[1];
	log_debug("starting %s", argv[0]);
	r = start(argv, envp, NULL, (const int[]){-1, -1, errors_fd}, NULL, 0, false, &pid);
	if (r > 0)
		return fail_errno(err, r, "%s", "");
	close(steal_fd(&errors_fd));
	cleanup_close int process = pidfd_open(pid, 0);
	out->timed_out = !collect(in, process, deadline, &errors) ||
			 !wait_until(pid, process, deadline, &status);
	if (out->timed_out) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	out->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	out->errors = errors.s;
	return 0;
}

/* ---- a program that is asked ---- */

struct talk {
	int to, from;	   /* our ends of its stdin and stdout; -1: closed */
	int process;	   /* a pidfd */
	const char *input; /* what it has not taken yet */
	size_t left, max;
	struct text answer;
	bool too_long;
};

static void feed(struct talk *t)
{
	ssize_t put = write(t->to, t->input, t->left);

	if (put > 0) {
		t->input += put;
		t->left -= (size_t)put;
	}
	/* A program that has closed its stdin does not want to know more. */
	if (t->left == 0 || (put < 0 && errno != EAGAIN && errno != EINTR))
		close(steal_fd(&t->to));
}

static void hear(struct talk *t)
{
	char buf[16384];
	ssize_t got = read(t->from, buf, sizeof(buf));

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		close(steal_fd(&t->from));
	} else if (t->answer.len + (size_t)got > t->max) {
		t->too_long = true;
	} else {
		text_add_bytes(&t->answer, buf, (size_t)got);
	}
}

/* Goes on until the program has ended and nothing is left to read; false: the deadline came first. */
static bool talk(struct talk *t, int64_t deadline)
{
	for (;;) {
		struct pollfd p[] = {{.fd = t->from, .events = POLLIN},
				     {.fd = t->to, .events = POLLOUT},
				     {.fd = t->process, .events = POLLIN}};
		int64_t left = deadline - now_ms();

		if (left <= 0)
			return false;
		if (poll(p, array_size(p), (int)left) < 0)
			continue;
		if (p[0].revents)
			hear(t);
		else if (p[2].revents)
			return true;
		if (p[1].revents)
			feed(t);
	}
}

/* Starts the program with pipes in both directions. */
static int start_asked(char *const argv[], struct talk *t, pid_t *out_pid, struct error *err)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return fail_errno(err, errno, "pipe");
	cleanup_close int its_stdin = in[0];
	t->to = in[1];
	if (pipe2(out, O_CLOEXEC) < 0)
		return fail_errno(err, errno, "pipe");
	cleanup_close int its_stdout = out[1];
	t->from = out[0];
	if (fcntl(t->to, F_SETFL, O_NONBLOCK) < 0)
		return fail_errno(err, errno, "pipe");
	log_debug("asking %s", argv[0]);
	int r = start(argv, environ, NULL, (const int[]){its_stdin, its_stdout, STDERR_FILENO},
		      NULL, 0, true, out_pid);
	if (r > 0)
		return fail_errno(err, r, "%s", "");
	t->process = pidfd_open(*out_pid, 0);
	if (t->process >= 0)
		return 0;
	r = fail_errno(err, errno, "pidfd_open");
	kill(-*out_pid, SIGKILL);
	waitpid(*out_pid, NULL, 0);
	return r;
}

static void stop_asked(struct talk *t)
{
	int *const fds[] = {&t->to, &t->from, &t->process};

	for (size_t i = 0; i < array_size(fds); i++)
		if (*fds[i] >= 0)
			close(steal_fd(fds[i]));
}

int process_ask(char *const argv[], const char *document, size_t max, unsigned int seconds,
		struct arena *a, struct process_answer *out, struct error *err)
{
	struct talk t = {.to = -1, .from = -1, .process = -1, .max = max, .answer = text_new(a)};
	int64_t deadline = now_ms() + (int64_t)seconds * 1000;
	int r = fault("process_ask", err), status = 0;
	pid_t pid = -1;

	t.input = document;
	t.left = strlen(document);
	if (r == 0)
		r = start_asked(argv, &t, &pid, err);
	if (r == 0) {
		*out = (struct process_answer){.timed_out = !talk(&t, deadline)};
		if (out->timed_out)
			kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		out->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		out->too_long = t.too_long;
		out->text = t.answer.s;
		out->len = t.answer.len;
	}
	stop_asked(&t);
	return r;
}

/* ---- where programs are ---- */

char **process_env_with(struct arena *a, const char *name, const char *value)
{
	size_t n = 0, len = strlen(name);
	char **env = NULL;

	for (char **e = environ; *e; e++) {
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			continue;
		env = arena_grow(a, env, n, sizeof(*env));
		env[n++] = *e;
	}
	env = arena_grow(a, env, n, sizeof(*env));
	env[n++] = arena_printf(a, "%s=%s", name, value);
	env = arena_grow(a, env, n, sizeof(*env));
	env[n] = NULL;
	return env;
}

char *process_find_in_path(struct arena *a, const char *name)
{
	const char *path = getenv("PATH");
	char **dirs;
	size_t n = text_split(a, path ? path : "", ':', &dirs);

	for (size_t i = 0; i < n; i++) {
		char *file = arena_printf(a, "%s/%s", *dirs[i] ? dirs[i] : ".", name);

		if (access(file, X_OK) == 0)
			return file;
	}
	return NULL;
}

/* The child of process_detach(): nothing of the parent's is left open. */
static void become_detached(unsigned int seconds)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	fault_stop();
	setsid();
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null < 0)
		close_range(0, 2, 0);
	close_range(3, ~0U, 0);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(seconds);
}

int process_detach(void (*work)(void *arg), void *arg, unsigned int seconds, struct error *err)
{
	int r = fault("process_detach", err);

	if (r < 0)
		return r;
	pid_t pid = fork();
	if (pid < 0)
		return fail_errno(err, errno, "fork");
	if (pid > 0)
		return 0;
	become_detached(seconds);
	work(arg);
	_exit(0);
}
