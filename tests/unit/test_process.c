/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

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
		TEST("processes: environment with one variable replaced",
		     process_env_with_replaces_one_variable),
		TEST_WITH_FILES("processes: found in PATH only if executable",
				process_find_in_path_takes_the_first_that_can_run),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
