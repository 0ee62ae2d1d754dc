/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#define LOG_MODULE "test"
#include "common/log.h"
#include "common/undo.h"

static char journal[64], step_a[] = "a", step_b[] = "b", step_c[] = "c", more[] = "m";

static int note(void *arg, struct error *err)
{
	(void)err;
	strcat(journal, arg);
	return 0;
}

static int refuse(void *arg, struct error *err)
{
	strcat(journal, arg);
	return fail(err, EBUSY, "still in use");
}

static char logged[256];

static void keep_line(enum log_level level, const char *module, const char *text)
{
	(void)module;
	if (level == LOG_LEVEL_ERROR)
		snprintf(logged, sizeof(logged), "%s", text);
}

static void undo_run_goes_newest_first(void **state)
{
	struct arena a = {0};
	struct undo undo = {.arena = &a};

	(void)state;
	journal[0] = '\0';
	undo_push(&undo, note, step_a, "a");
	undo_push(&undo, note, step_b, "b");
	undo_push(&undo, note, step_c, "c");
	assert_int_equal(undo_run(&undo), 0);
	assert_string_equal(journal, "cba");
	assert_int_equal(undo_run(&undo), 0);
	assert_string_equal(journal, "cba");
	arena_release(&a);
}

static void undo_run_goes_on_after_a_failure(void **state)
{
	struct arena a = {0};
	struct undo undo = {.arena = &a};

	(void)state;
	journal[0] = '\0';
	log_set_writer(keep_line);
	undo_push(&undo, note, step_a, "link a");
	undo_push(&undo, refuse, step_b, "link b");
	undo_push(&undo, note, step_c, "link c");
	assert_int_equal(undo_run(&undo), 1);
	log_set_writer(NULL);
	assert_string_equal(journal, "cba");
	assert_string_equal(logged, "could not take back link b: still in use");
	arena_release(&a);
}

static int push_more(void *arg, struct error *err)
{
	(void)err;
	strcat(journal, "p");
	undo_push(arg, note, more, "more");
	return 0;
}

/* Taking back may itself make things; they go too, before what is older. */
static void undo_run_takes_what_a_step_pushes(void **state)
{
	struct arena a = {0};
	struct undo undo = {.arena = &a};

	(void)state;
	journal[0] = '\0';
	undo_push(&undo, note, step_a, "a");
	undo_push(&undo, push_more, &undo, "p");
	assert_int_equal(undo_run(&undo), 0);
	assert_string_equal(journal, "pma");
	arena_release(&a);
}

static void undo_forget_leaves_nothing_to_run(void **state)
{
	struct arena a = {0};
	struct undo undo = {.arena = &a};

	(void)state;
	journal[0] = '\0';
	undo_push(&undo, note, step_a, "a");
	undo_forget(&undo);
	undo_push(&undo, note, step_b, "b");
	undo_push(NULL, note, step_c, "no stack, no step");
	assert_int_equal(undo_run(&undo), 0);
	assert_string_equal(journal, "b");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("undo: newest first, each step once", undo_run_goes_newest_first),
		TEST("NV-253 undo: a failed step is logged and the rest still runs",
		     undo_run_goes_on_after_a_failure),
		TEST("undo: steps pushed while it runs are run", undo_run_takes_what_a_step_pushes),
		TEST("undo: forgotten steps do not run", undo_forget_leaves_nothing_to_run),
	};

	return cmocka_run_group_tests_name("undo", tests, NULL, NULL);
}
