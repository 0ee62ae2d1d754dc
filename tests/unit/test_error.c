/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/cleanup.h"
#include "common/error.h"

static void fail_kinds_have_their_own_text(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(fail(&err, EINVAL, "bad %s", "thing"), -EINVAL);
	assert_string_equal(err.text, "bad thing");
	assert_int_equal(err.code, EINVAL);
	assert_int_equal(fail_errno(&err, ENOENT, "open %d", 7), -ENOENT);
	assert_string_equal(err.text, "open 7: IO error: No such file or directory (os error 2)");
	assert_int_equal(fail_netlink(&err, EEXIST, "%s", ""), -EEXIST);
	assert_string_equal(err.text, "Netlink error: File exists (os error 17)");
}

static void the_old_text_may_be_part_of_the_new_one(void **state)
{
	struct error err;

	(void)state;
	fail(&err, ENOENT, "first, of some length");
	assert_int_equal(fail(&err, EPERM, "%s; %s", "second", err.text), -EPERM);
	assert_string_equal(err.text, "second; first, of some length");
	fail_errno(&err, EPERM, "%s again", err.text);
	assert_string_equal(err.text, "second; first, of some length again: IO error: "
				      "Operation not permitted (os error 1)");
}

static void fail_without_code_is_still_a_failure(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(fail(&err, 0, "x"), -EIO);
	assert_int_equal(err.code, EIO);
}

static void wrap_puts_context_in_front(void **state)
{
	struct error err;

	(void)state;
	fail(&err, EPERM, "inner");
	assert_int_equal(wrap(&err, "middle %d", 1), -EPERM);
	assert_int_equal(wrap(&err, "outer"), -EPERM);
	assert_string_equal(err.text, "outer: middle 1: inner");
}

/* What is cut is the end: the context says more than the tail of a huge value. */
static void long_texts_are_cut(void **state)
{
	static char big[ERROR_TEXT_MAX * 2];
	struct error err;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	fail(&err, EINVAL, "%s", big);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	wrap(&err, "context");
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	assert_memory_equal(err.text, "context: xxx", 12);
	wrap(&err, "%s", big);
	assert_true(strlen(err.text) < ERROR_TEXT_MAX);
	assert_int_equal(fail_errno(&err, EIO, "%s", big), -EIO);
	assert_true(strlen(err.text) < ERROR_TEXT_MAX);
}

static void error_collect_makes_a_flat_list(void **state)
{
	struct error all = {0}, one;

	(void)state;
	fail(&one, ENODEV, "first");
	error_collect(&all, &one);
	assert_string_equal(all.text, "first");
	assert_int_equal(all.code, ENODEV);
	fail(&one, EPERM, "second");
	error_collect(&all, &one);
	fail(&one, EPERM, "third: %s", "deep");
	error_collect(&all, &one);
	assert_string_equal(all.text, "netavark encountered multiple errors:\n\t- first\n\t- "
				      "second\n\t- third: deep");
	assert_int_equal(all.code, ENODEV);
	assert_int_equal(all.collected, 3);
}

static void error_collect_stays_in_bounds(void **state)
{
	static char big[ERROR_TEXT_MAX];
	struct error all = {0}, one;

	(void)state;
	memset(big, 'y', sizeof(big) - 1);
	for (int i = 0; i < 4; i++) {
		fail(&one, EIO, "%s", big);
		error_collect(&all, &one);
	}
	assert_true(strlen(all.text) < ERROR_TEXT_MAX);
	assert_int_equal(all.collected, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("errors: own findings, system calls and netlink read as callers know them",
		     fail_kinds_have_their_own_text),
		TEST("errors: code 0 becomes EIO", fail_without_code_is_still_a_failure),
		TEST("errors: a new text may contain the old one",
		     the_old_text_may_be_part_of_the_new_one),
		TEST("errors: context comes first", wrap_puts_context_in_front),
		TEST("errors: long texts are cut, the context stays", long_texts_are_cut),
		TEST("NV-232 errors: one reads plainly, several as a flat list",
		     error_collect_makes_a_flat_list),
		TEST("errors: a list of long texts stays in bounds", error_collect_stays_in_bounds),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
