/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "common/cleanup.h"
#include "common/problem.h"
#include "common/text.h"

static struct problems problems_of(struct arena *a, const char *text)
{
	return (struct problems){.arena = a, .text = text, .len = strlen(text)};
}

static bool add(struct problems *p, bool warning, const char *code, const char *pointer,
		const char *message)
{
	return problems_add(p, (struct problem){.warning = warning,
						.code = code,
						.pointer = pointer,
						.message = message});
}

static void problems_are_in_the_order_of_the_text(void **state)
{
	struct arena a = {0};
	struct problems p = problems_of(&a, "{\"a\": 1,\n \"b\": [2, 3]}");

	(void)state;
	assert_true(add(&p, false, "E_X", "/b/1", "third"));
	assert_true(add(&p, true, "E_X", "/a", "first"));
	assert_true(add(&p, false, "E_X", "/b", "second"));
	assert_int_equal(p.n, 3);
	assert_int_equal(p.n_errors, 2);
	assert_string_equal(p.list[0].message, "first");
	assert_string_equal(p.list[1].message, "second");
	assert_string_equal(p.list[2].message, "third");
	assert_int_equal(p.list[2].at.line, 2);
	assert_int_equal(p.list[2].at.column, 11);
	arena_release(&a);
}

static void one_mistake_is_one_problem(void **state)
{
	struct arena a = {0};
	struct problems p = problems_of(&a, "{\"a\": 1}");

	(void)state;
	assert_true(add(&p, true, "E_X", "/a", "doubtful"));
	assert_true(add(&p, false, "E_X", "/a", "wrong"));
	assert_false(add(&p, false, "E_Y", "/a", "wrong in another way"));
	assert_false(add(&p, true, "E_Y", "/a", "doubtful, too"));
	assert_true(add(&p, false, "E_MISSING", "", "b is missing"));
	assert_true(add(&p, false, "E_MISSING", "", "c is missing"));
	assert_false(add(&p, false, "E_MISSING", "", "c is missing"));
	assert_int_equal(p.n, 4);
	arena_release(&a);
}

static void members_that_are_missing_stand_where_they_should_be(void **state)
{
	struct arena a = {0};
	struct problems p = problems_of(&a, "{\"a\": {}}");

	(void)state;
	assert_true(add(&p, false, "E_X", "/a/b/c", "no such thing"));
	assert_int_equal(p.list[0].at.column, 7);
	assert_true(problems_below(&p, "/a"));
	assert_true(problems_below(&p, "/a/b/c"));
	assert_false(problems_below(&p, "/a/bb"));
	assert_false(problems_below(&p, "/a/b/c/d"));
	arena_release(&a);
}

static void number_of_problems_is_limited(void **state)
{
	struct arena a = {0};
	struct problems p = problems_of(&a, "{}");

	(void)state;
	for (int i = 0; i < PROBLEMS_MAX + 5; i++)
		add(&p, false, "E_X", arena_printf(&a, "/%d", i), "no");
	assert_int_equal(p.n, PROBLEMS_MAX);
	assert_non_null(strstr(problems_print(&p, "x", false), "no more are counted"));
	arena_release(&a);
}

static void terminals_are_not_steered(void **state)
{
	struct arena a = {0};
	struct problems p = problems_of(&a, "\"a\033[2Jb\"");

	(void)state;
	add(&p, false, "E_X", "", "no \033[2J such\nthing");
	char *text = problems_print(&p, "evil\033name", false);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "evil name:1:1: error: no  [2J such thing [E_X]\n"));
	arena_release(&a);
}

static void places_outside_of_the_text_are_harmless(void **state)
{
	static const struct place places[] = {{1, 0}, {1, 1}, {1, 99}, {5, 1}, {2, 3}};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(places) * 2; i++) {
		struct problems p = problems_of(&a, i % 2 ? "" : "{\n");

		problems_add(&p, (struct problem){.code = "E_X",
						  .pointer = "",
						  .at = places[i / 2],
						  .message = "end"});
		assert_non_null(strstr(problems_print(&p, "x", false), "error: end [E_X]\n"));
	}
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("problems: in the order of the text", problems_are_in_the_order_of_the_text),
		TEST("problems: one mistake is one problem", one_mistake_is_one_problem),
		TEST("problems: members that are missing stand where they should be",
		     members_that_are_missing_stand_where_they_should_be),
		TEST("problems: their number is limited", number_of_problems_is_limited),
		TEST("problems: terminals are not steered", terminals_are_not_steered),
		TEST("problems: places outside of the text are harmless",
		     places_outside_of_the_text_are_harmless),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
