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

static int start(char *const argv[], char *const envp[], int errors_fd, pid_t *out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, errors_fd, 2);
	posix_spawn_file_actions_addclosefrom_np(&files, 3); /* what our caller forgot to close */
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	int r = posix_spawn(out, argv[0], &files, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
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
static bool wait_until(pid_t pid, int64_t deadline, int *status)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	pid_t r;

	while ((r = waitpid(pid, status, WNOHANG)) == 0 && now_ms() < deadline)
		nanosleep(&pause, NULL);
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
	r = start(argv, envp, errors_fd, &pid);
	if (r > 0)
		return fail_errno(err, r, "%s", "");
	close(steal_fd(&errors_fd));
	cleanup_close int process = pidfd_open(pid, 0);
	out->timed_out =
		!collect(in, process, deadline, &errors) || !wait_until(pid, deadline, &status);
	if (out->timed_out) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	out->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	out->errors = errors.s;
	return 0;
}

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
