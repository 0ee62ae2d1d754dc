/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/process.h"

static int shell(struct arena *a, const char *script, unsigned int seconds,
		 struct process_result *out, struct error *err)
{
	char *argv[] = {arena_strdup(a, "/bin/sh"), arena_strdup(a, "-c"), arena_strdup(a, script),
			NULL};

	return process_run(argv, process_env_with(a, "GREETING", "hello"), seconds, a, out, err);
}

static void process_run_reports_status_and_errors(void **state)
{
	static const struct {
		const char *script;
		int status;
		const char *errors;
	} rows[] = {
		{"exit 0", 0, ""},
		{"echo trouble >&2; exit 3", 3, "trouble\n"},
		{"echo out; echo \"$GREETING\" >&2", 0, "hello\n"},
		{"kill -9 $$", -1, ""},
		{"kill -TERM $$", -1, ""},
		{"cat; echo read >&2", 0, "read\n"},
		{"exec 2>&-; exit 4", 4, ""},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct process_result r;
		struct error err;

		assert_int_equal(shell(&a, rows[i].script, 10, &r, &err), 0);
		assert_int_equal(r.status, rows[i].status);
		assert_string_equal(r.errors, rows[i].errors);
		assert_false(r.timed_out);
	}
	arena_release(&a);
}

static void process_run_says_why_it_could_not_start(void **state)
{
	struct scratch *s = *state;
	char *missing[] = {scratch_path(s, "missing"), NULL};
	char *plain[] = {scratch_path(s, "plain"), NULL};
	struct process_result r;
	struct error err;

	assert_int_equal(process_run(missing, environ, 5, &s->arena, &r, &err), -ENOENT);
	assert_string_equal(err.text, "IO error: No such file or directory (os error 2)");
	close(open(plain[0], O_WRONLY | O_CREAT, 0644));
	assert_int_equal(process_run(plain, environ, 5, &s->arena, &r, &err), -EACCES);
}

static void process_run_kills_what_takes_too_long(void **state)
{
	static const char *const scripts[] = {"exec sleep 60", "exec 2>&-; exec sleep 60"};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(scripts); i++) {
		struct process_result r;
		struct error err;

		assert_int_equal(shell(&a, scripts[i], 1, &r, &err), 0);
		assert_true(r.timed_out);
		assert_int_equal(r.status, -1);
	}
	arena_release(&a);
}

static void process_run_limits_the_errors(void **state)
{
	struct arena a = {0};
	struct process_result r;
	struct error err;

	(void)state;
	assert_int_equal(shell(&a, "head -c 1000000 /dev/zero | tr '\\0' x >&2", 10, &r, &err), 0);
	assert_int_equal(r.status, 0);
	assert_in_range(strlen(r.errors), 1, 16384);
	arena_release(&a);
}

/* The child must not see our blocked signals, ignored signals or close-on-exec descriptors. */
static void process_run_starts_with_defaults(void **state)
{
	struct arena a = {0};
	struct process_result r;
	struct error err;
	sigset_t set, old;
	cleanup_close int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *script = arena_printf(&a, "[ ! -e /proc/self/fd/%d ] || exit 9; kill -TERM $$", fd);

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGTERM, SIG_IGN);
	assert_int_equal(shell(&a, script, 10, &r, &err), 0);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(r.status, -1);
	arena_release(&a);
}

/* ---- a program that is asked ---- */

static int ask(struct arena *a, const char *script, const char *document, unsigned int seconds,
	       struct process_answer *out, struct error *err)
{
	char *argv[] = {arena_strdup(a, "/bin/sh"), arena_strdup(a, "-c"), arena_strdup(a, script),
			NULL};

	signal(SIGPIPE, SIG_IGN);
	return process_ask(argv, document, 1000, seconds, a, out, err);
}

static void process_ask_gives_a_document_and_reads_the_answer(void **state)
{
	static const struct {
		const char *script;
		int status;
		const char *text;
	} rows[] = {
		{"cat", 0, "document"},
		{"exit 0", 0, ""},
		{"exec <&-; echo early", 0, "early\n"},
		{"exec >&-; cat >/dev/null", 0, ""},
		{"echo one; cat; echo two; exit 7", 7, "one\ndocumenttwo\n"},
		{"echo some; kill -9 $$", -1, "some\n"},
		{"sleep 20 & echo parent", 0, "parent\n"},
		{"trap 'echo held; exit' TERM; kill -TERM $$", 0, "held\n"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct process_answer r;
		struct error err;

		assert_int_equal(ask(&a, rows[i].script, "document", 10, &r, &err), 0);
		assert_int_equal(r.status, rows[i].status);
		assert_string_equal(r.text, rows[i].text);
		assert_int_equal(r.len, strlen(rows[i].text));
		assert_false(r.timed_out || r.too_long);
	}
	arena_release(&a);
}

/* More than both pipes hold, whoever begins. */
static void process_ask_is_not_blocked_by_size(void **state)
{
	static const char *const scripts[] = {
		"cat",
		"cat >/dev/null; head -c 300000 /dev/zero",
		"head -c 300000 /dev/zero; cat >/dev/null",
		"head -c 300000 /dev/zero",
	};
	struct arena a = {0};
	char *big = arena_alloc(&a, 300001);

	(void)state;
	memset(big, 'x', 300000);
	for (size_t i = 0; i < array_size(scripts); i++) {
		struct process_answer r;
		struct error err;

		assert_int_equal(ask(&a, scripts[i], big, 10, &r, &err), 0);
		assert_int_equal(r.status, 0);
		assert_true(r.too_long);
		assert_in_range(r.len, 0, 1000);
	}
	arena_release(&a);
}

static void process_ask_kills_all_of_what_takes_too_long(void **state)
{
	struct scratch *s = *state;
	struct arena *a = &s->arena;
	struct process_answer r;
	struct error err;

	assert_int_equal(ask(a, "trap '' TERM; exec >&- <&-; sleep 60; :", "", 1, &r, &err), 0);
	assert_true(r.timed_out);
	assert_int_equal(r.status, -1);
	/* The lock is free again when the grandchild that held it is gone. */
	char *lock = scratch_path(s, "lock");
	char *script = arena_printf(a, "exec 9>%s; flock 9; sleep 60; :", lock);
	assert_int_equal(ask(a, script, "", 1, &r, &err), 0);
	assert_true(r.timed_out);
	script = arena_printf(a, "flock --timeout 10 %s true", lock);
	assert_int_equal(ask(a, script, "", 20, &r, &err), 0);
	assert_int_equal(r.status, 0);
}

static void process_ask_says_why_it_could_not_start(void **state)
{
	struct scratch *s = *state;
	char *missing[] = {scratch_path(s, "missing"), NULL};
	struct process_answer r;
	struct error err;

	assert_int_equal(process_ask(missing, "x", 10, 5, &s->arena, &r, &err), -ENOENT);
	assert_string_equal(err.text, "IO error: No such file or directory (os error 2)");
}

/* ---- where programs are ---- */

static const char *find_in(char *const *env, const char *name, size_t *out_n)
{
	const char *found = NULL;

	*out_n = 0;
	for (; *env; env++) {
		if (strncmp(*env, name, strlen(name)) == 0 && (*env)[strlen(name)] == '=') {
			found = *env + strlen(name) + 1;
			++*out_n;
		}
	}
	return found;
}

static void process_env_with_replaces_one_variable(void **state)
{
	struct arena a = {0};
	size_t n;

	(void)state;
	setenv("UNIT_A", "old", 1);
	setenv("UNIT_AB", "other", 1);
	char **env = process_env_with(&a, "UNIT_A", "new");
	assert_string_equal(find_in(env, "UNIT_A", &n), "new");
	assert_int_equal(n, 1);
	assert_string_equal(find_in(env, "UNIT_AB", &n), "other");
	assert_string_equal(getenv("UNIT_A"), "old");
	env = process_env_with(&a, "UNIT_NEW", "");
	assert_string_equal(find_in(env, "UNIT_NEW", &n), "");
	arena_release(&a);
}

static void process_find_in_path_takes_the_first_that_can_run(void **state)
{
	struct scratch *s = *state;
	char *a = scratch_path(s, "a"), *b = scratch_path(s, "b");
	char *saved = arena_strdup(&s->arena, getenv("PATH"));

	mkdir(a, 0755);
	mkdir(b, 0755);
	close(open(scratch_path(s, "a/tool"), O_WRONLY | O_CREAT, 0644));
	close(open(scratch_path(s, "b/tool"), O_WRONLY | O_CREAT, 0755));
	setenv("PATH", arena_printf(&s->arena, "/nonexistent:%s:%s", a, b), 1);
	char *found = process_find_in_path(&s->arena, "tool");
	char *none = process_find_in_path(&s->arena, "no-such-tool");
	unsetenv("PATH");
	char *without = process_find_in_path(&s->arena, "no-such-tool");
	setenv("PATH", saved, 1);
	assert_string_equal(found, scratch_path(s, "b/tool"));
	assert_null(none);
	assert_null(without);
}

/* What the child finds, written into a file. */
static void report(void *path)
{
	sigset_t blocked;
	struct stat in, null;
	size_t open = 0;

	for (int fd = 3; fd < 64; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	bool silent =
		fstat(0, &in) == 0 && stat("/dev/null", &null) == 0 && in.st_rdev == null.st_rdev;
	FILE *out = fopen(path, "w");
	if (!out)
		_exit(1);
	fprintf(out, "open %zu, silent %d, leader %d, term %s, int %s", open, silent,
		getsid(0) == getpid(), sigismember(&blocked, SIGTERM) ? "blocked" : "free",
		signal(SIGINT, SIG_DFL) == SIG_DFL ? "default" : "ignored");
	fclose(out);
}

static void detached_child_has_nothing_of_the_parents(void **state)
{
	char *path = scratch_path(*state, "report"), text[256] = "";
	int extra = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), status;
	struct error err;
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	signal(SIGINT, SIG_IGN);
	int r = process_detach(report, path, 10, &err);
	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	assert_int_equal(r, 0);
	assert_true(wait(&status) > 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(pread(extra, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "open 0, silent 1, leader 1, term free, int default");
	close(extra);
}

static void wait_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void detached_child_ends_in_time(void **state)
{
	struct error err;
	int status;

	(void)state;
	assert_int_equal(process_detach(wait_for_ever, NULL, 1, &err), 0);
	assert_true(wait(&status) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("processes: status, signals and what was written to stderr",
		     process_run_reports_status_and_errors),
		TEST_WITH_FILES("processes: one that cannot start says why",
				process_run_says_why_it_could_not_start),
		TEST("processes: killed when the time is over",
		     process_run_kills_what_takes_too_long),
		TEST("processes: endless errors are limited", process_run_limits_the_errors),
		TEST("NV-221 processes: default signals, no inherited descriptors",
		     process_run_starts_with_defaults),
		TEST("NV-155 processes: one that is asked gets a document and answers",
		     process_ask_gives_a_document_and_reads_the_answer),
		TEST("NV-157 processes: asking is not blocked by what the pipes cannot hold",
		     process_ask_is_not_blocked_by_size),
		TEST_WITH_FILES("processes: what is asked is killed with all it has started",
				process_ask_kills_all_of_what_takes_too_long),
		TEST_WITH_FILES("processes: asking one that cannot start says why",
				process_ask_says_why_it_could_not_start),
		TEST("processes: environment with one variable replaced",
		     process_env_with_replaces_one_variable),
		TEST_WITH_FILES("processes: found in PATH only if executable",
				process_find_in_path_takes_the_first_that_can_run),
		TEST_WITH_FILES("processes: a detached child has nothing of the parent's",
				detached_child_has_nothing_of_the_parents),
		TEST("processes: a detached child does not live longer than it may",
		     detached_child_ends_in_time),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
