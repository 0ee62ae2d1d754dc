/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/cleanup.h"
#include "common/place.h"

static const char text[] = "{\n"
			   "  \"a\": 1,\n"
			   "\t\"list\": [ 10, [20, 21], {\"deep\": \"}],{[\"} ],\n"
			   "  \"quo\\\"te\": \"x\\\\\",\n"
			   "  \"sl/ash\": {\"til~de\": null},\n"
			   "  \"\": true,\n"
			   "  \"last\":-1.5e3\n"
			   "}\n";

static void place_find_follows_pointers(void **state)
{
	static const struct {
		const char *pointer;
		unsigned int line, column;
	} rows[] = {
		{"", 1, 1},
		{"/a", 2, 8},
		{"/list", 3, 10},
		{"/list/0", 3, 12},
		{"/list/1", 3, 16},
		{"/list/1/1", 3, 21},
		{"/list/2", 3, 26},
		{"/list/2/deep", 3, 35},
		{"/quo\"te", 4, 14},
		{"/sl~1ash", 5, 13},
		{"/sl~1ash/til~0de", 5, 24},
		{"/", 6, 7},
		{"/last", 7, 10},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct place at;

		if (!place_find(text, sizeof(text) - 1, rows[i].pointer, &at))
			fail_msg("%s not found", rows[i].pointer);
		if (at.line != rows[i].line || at.column != rows[i].column)
			fail_msg("%s found at %u:%u", rows[i].pointer, at.line, at.column);
	}
}

static void place_find_says_no(void **state)
{
	static const char *const rows[] = {"/b",	"/list/3", "/list/1/2", "/a/0",
					   "/list/2/x", "/las",	   "/lastt",	"/quo\"te/0"};
	struct place at = {77, 77};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (place_find(text, sizeof(text) - 1, rows[i], &at))
			fail_msg("%s found", rows[i]);
	assert_int_equal(at.line, 77);
}

/* The text ends where its length says; it need not be a string. */
static void place_find_never_reads_past_the_end(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = malloc(len ? len : 1);
		struct place at;

		assert_non_null(copy);
		memcpy(copy, text, len);
		place_find(copy, len, "/sl~1ash/til~0de", &at);
		place_find(copy, len, "/list/2/deep", &at);
		place_find(copy, len, "/none", &at);
		free(copy);
	}
}

static void place_find_in_the_smallest_documents(void **state)
{
	struct place at;

	(void)state;
	assert_false(place_find("{}", 2, "/a", &at));
	assert_false(place_find("[]", 2, "/0", &at));
	assert_false(place_find("5", 1, "/0", &at));
	assert_true(place_find("  5", 3, "", &at));
	assert_int_equal(at.column, 3);
	assert_true(place_find("[5]", 3, "/0", &at));
	assert_int_equal(at.column, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("places: members, elements, escaped names and empty names are found",
		     place_find_follows_pointers),
		TEST("places: what is not there is not found", place_find_says_no),
		TEST("places: cut documents are not read past their end",
		     place_find_never_reads_past_the_end),
		TEST("places: the smallest documents", place_find_in_the_smallest_documents),
	};

	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
