/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "common/fault.h"
#include "common/file.h"

#ifndef FAULT_INJECTION
#error "the tests are built with fault injection"
#endif

/*
 * The counter lives as long as the process, so every case runs in a child of its own. Passes n
 * doors and returns the child's wait status; its exit status is the number of the door that failed.
 */
static int doors_until_failure(int n)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		for (int i = 1; i <= n; i++) {
			struct error err;

			if (fault("door", &err) < 0)
				_exit(err.code == EIO ? i : 99);
		}
		_exit(0);
	}
	assert_true(pid > 0);
	waitpid(pid, &status, 0);
	return status;
}

static void fault_is_silent_without_variables(void **state)
{
	(void)state;
	unsetenv("NETAVARK_FAULT");
	assert_int_equal(doors_until_failure(3), 0);
}

static void fault_fails_the_nth_door_only(void **state)
{
	struct error err;

	(void)state;
	setenv("NETAVARK_FAULT", "1", 1);
	assert_int_equal(fault("first", &err), -EIO);
	assert_string_equal(err.text, "injected fault at door 1 (first): IO error: Input/output "
				      "error (os error 5)");
	assert_int_equal(fault("second", &err), 0);
	setenv("NETAVARK_FAULT", "3", 1);
	assert_int_equal(fault("third", &err), -EIO);
	unsetenv("NETAVARK_FAULT");
}

static void fault_kills_and_terminates(void **state)
{
	int status;

	(void)state;
	setenv("NETAVARK_FAULT", "5:kill", 1);
	status = doors_until_failure(4);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	setenv("NETAVARK_FAULT", "5:term", 1);
	status = doors_until_failure(4);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	setenv("NETAVARK_FAULT", "6", 1);
	status = doors_until_failure(4);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	unsetenv("NETAVARK_FAULT");
}

static void fault_log_names_every_door(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "doors"), *text;
	struct error err;

	setenv("NETAVARK_FAULT_LOG", path, 1);
	assert_int_equal(fault("link_add", &err), 0);
	assert_int_equal(fault("route_add", &err), 0);
	unsetenv("NETAVARK_FAULT_LOG");
	assert_int_equal(file_read(path, 1000, &s->arena, &text, NULL, &err), 0);
	assert_string_equal(text, "4 link_add\n5 route_add\n");
}

int main(void)
{
	/* In this order: the doors passed in the parent are counted on. */
	const struct CMUnitTest tests[] = {
		TEST("faults: none without the variable", fault_is_silent_without_variables),
		TEST("faults: the n-th door fails with EIO and its name, the others pass",
		     fault_fails_the_nth_door_only),
		TEST("faults: a door can kill or terminate", fault_kills_and_terminates),
		TEST_WITH_FILES("faults: the log names every door with its number",
				fault_log_names_every_door),
	};

	unsetenv("NETAVARK_FAULT_LOG");
	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
