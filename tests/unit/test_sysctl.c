/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/namespace.h"
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/file.h"
#include "common/sysctl.h"

#define FORWARD "net/ipv4/conf/lo/forwarding"

static const struct sysctl_setting on = {FORWARD, "1"}, off = {FORWARD, "0"};

static void assert_setting(const char *value)
{
	struct arena a = {0};
	struct error err;
	char *text;

	assert_int_equal(file_read("/proc/sys/" FORWARD, 100, &a, &text, NULL, &err), 0);
	assert_memory_equal(text, value, strlen(value));
	arena_release(&a);
}

static void sysctl_set_is_undone(void **state)
{
	struct arena a = {0};
	struct undo undo = {.arena = &a};
	struct error err;

	(void)state;
	assert_int_equal(sysctl_set(&off, &a, NULL, &err), 0);
	assert_setting("0");
	assert_int_equal(sysctl_set(&on, &a, &undo, &err), 0);
	assert_setting("1");
	assert_int_equal(undo_run(&undo), 0);
	assert_setting("0");
	arena_release(&a);
}

static void sysctl_set_does_not_write_what_is_right(void **state)
{
	struct arena a = {0};
	struct undo undo = {.arena = &a};
	struct error err;

	(void)state;
	assert_int_equal(sysctl_set(&off, &a, NULL, &err), 0);
	assert_int_equal(sysctl_set(&off, &a, &undo, &err), 0);
	assert_null(undo.newest);
	arena_release(&a);
}

static void sysctl_set_names_what_it_could_not_set(void **state)
{
	static const struct sysctl_setting missing = {"net/ipv4/conf/none/forwarding", "1"},
					   bad = {FORWARD, "x"};
	struct arena a = {0};
	struct undo undo = {.arena = &a};
	struct error err;

	(void)state;
	assert_int_equal(sysctl_set(&missing, &a, &undo, &err), -ENOENT);
	assert_string_equal(err.text, "set sysctl net/ipv4/conf/none/forwarding: IO error: No "
				      "such file or directory (os error 2)");
	assert_int_equal(sysctl_set(&bad, &a, &undo, &err), -EINVAL);
	assert_string_equal(err.text,
			    "set sysctl " FORWARD ": IO error: Invalid argument (os error 22)");
	assert_null(undo.newest);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("sysctls: set and taken back", sysctl_set_is_undone),
		TEST("NV-110 sysctls: a value that is right is not written",
		     sysctl_set_does_not_write_what_is_right),
		TEST("NV-111 sysctls: the error names the setting",
		     sysctl_set_names_what_it_could_not_set),
	};

	if (!namespace_enter("sysctl"))
		return 0;
	return cmocka_run_group_tests_name("sysctl", tests, NULL, NULL);
}
