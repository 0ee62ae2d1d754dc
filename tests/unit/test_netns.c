/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/namespace.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/netns.h"

#define OWN "/proc/self/ns/net"

static int home = -1, other = -1;

static ino_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static ino_t here(void)
{
	struct stat st;

	assert_int_equal(stat(OWN, &st), 0);
	return st.st_ino;
}

static int note_namespace(void *arg, struct error *err)
{
	(void)err;
	*(ino_t *)arg = here();
	return 0;
}

static int refuse(void *arg, struct error *err)
{
	(void)arg;
	return fail(err, EBUSY, "no");
}

static void netns_run_goes_there_and_comes_back(void **state)
{
	ino_t there = 0;
	struct error err;

	(void)state;
	assert_int_equal(netns_run(other, home, note_namespace, &there, &err), 0);
	assert_int_equal(there, inode_of(other));
	assert_int_equal(here(), inode_of(home));
}

static void netns_run_comes_back_after_a_failure(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(netns_run(other, home, refuse, NULL, &err), -EBUSY);
	assert_string_equal(err.text, "no");
	assert_int_equal(here(), inode_of(home));
}

static void netns_run_refuses_what_is_no_namespace(void **state)
{
	cleanup_close int file = open("/dev/null", O_RDONLY);
	struct error err;

	(void)state;
	assert_int_equal(netns_run(file, home, note_namespace, NULL, &err), -EINVAL);
	assert_string_equal(err.text, "setns: IO error: Invalid argument (os error 22)");
	assert_int_equal(here(), inode_of(home));
}

static void netns_open_is_close_on_exec(void **state)
{
	struct error err;
	int fd = -1;

	(void)state;
	assert_int_equal(netns_open(OWN, &fd, &err), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(netns_open("/nonexistent", &fd, &err), -ENOENT);
	assert_string_equal(err.text, "IO error: No such file or directory (os error 2)");
}

/* Two namespaces: the one the tests run in, and another one behind a descriptor. */
static bool make_namespaces(void)
{
	if (!namespace_enter("netns"))
		return false;
	other = open(OWN, O_RDONLY | O_CLOEXEC);
	if (unshare(CLONE_NEWNET) < 0)
		return false;
	home = open(OWN, O_RDONLY | O_CLOEXEC);
	return other >= 0 && home >= 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("namespaces: a function runs inside and the caller comes back",
		     netns_run_goes_there_and_comes_back),
		TEST("namespaces: the caller comes back after a failure",
		     netns_run_comes_back_after_a_failure),
		TEST("NV-028 namespaces: a plain file is none",
		     netns_run_refuses_what_is_no_namespace),
		TEST("namespaces: opened close-on-exec, a missing file is an IO error",
		     netns_open_is_close_on_exec),
	};

	return make_namespaces() ? cmocka_run_group_tests_name("netns", tests, NULL, NULL) : 0;
}
