/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "common/cleanup.h"
#include "common/text.h"

struct row {
	const char *in, *out;
};

static void text_grows_and_stays_a_string(void **state)
{
	struct arena a = {0};
	struct text t = text_new(&a);

	(void)state;
	assert_string_equal(t.s, "");
	for (int i = 0; i < 300; i++) {
		text_printf(&t, "%03d", i);
		assert_int_equal(t.len, 3 * (i + 1));
		assert_int_equal(strlen(t.s), t.len);
	}
	assert_memory_equal(t.s, "000001002", 9);
	assert_string_equal(t.s + t.len - 3, "299");
	text_add_bytes(&t, "xyz", 1);
	text_add(&t, "");
	assert_string_equal(t.s + t.len - 4, "299x");
	arena_release(&a);
}

static void text_quote_escapes(void **state)
{
	static const struct row rows[] = {
		{"", "\"\""},
		{"plain name", "\"plain name\""},
		{"newline\n2", "\"newline\\n2\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"\t\r", "\"\\t\\r\""},
		{"\xc3\xa4", "\"\xc3\xa4\""},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(text_quote(&a, rows[i].in), rows[i].out);
	arena_release(&a);
}

static void text_starts_and_ends(void **state)
{
	(void)state;
	assert_true(text_starts_with("nv_1", "nv_"));
	assert_true(text_starts_with("nv_", ""));
	assert_false(text_starts_with("nv", "nv_"));
	assert_true(text_ends_with("a_dnat", "_dnat"));
	assert_true(text_ends_with("x", ""));
	assert_false(text_ends_with("nat", "_dnat"));
	assert_false(text_ends_with("_dnat2", "_dnat"));
}

static void text_split_keeps_empty_parts(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *joined; /* with | */
	} rows[] = {{"", 1, ""},	   {"a", 1, "a"},
		    {"a,b", 2, "a|b"},	   {",", 2, "|"},
		    {"a,,b,", 4, "a||b|"}, {",,,", 4, "|||"},
		    {"a b,c", 2, "a b|c"}, {"1,2,3,4,5,6,7,8,9", 9, "1|2|3|4|5|6|7|8|9"}};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct text joined = text_new(&a);
		char **parts;

		assert_int_equal(text_split(&a, rows[i].in, ',', &parts), rows[i].n);
		for (size_t k = 0; k < rows[i].n; k++)
			text_printf(&joined, "%s%s", k ? "|" : "", parts[k]);
		assert_string_equal(joined.s, rows[i].joined);
	}
	arena_release(&a);
}

#define BAD "\xef\xbf\xbd"

static void text_to_utf8_replaces_what_is_not_valid(void **state)
{
	static const struct row rows[] = {
		{"plain", "plain"},
		{"\x7f", "\x7f"},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"a\xff"
		 "b",
		 "a" BAD "b"},
		{"\xc3", BAD},
		{"\x80", BAD},
		{"\xc0\xaf", BAD BAD},		       /* overlong / */
		{"\xe0\x80\x80", BAD BAD BAD},	       /* overlong NUL */
		{"\xed\xa0\x80", BAD BAD BAD},	       /* a surrogate */
		{"\xed\x9f\xbf", "\xed\x9f\xbf"},      /* the last code point before them */
		{"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* beyond U+10FFFF */
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
		{"\xf0\x9f\x98", BAD BAD BAD}, /* cut */
		{"\xf5\x80\x80\x80", BAD BAD BAD BAD},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(text_to_utf8(&a, rows[i].in), rows[i].out);
	arena_release(&a);
}

static void text_utc_prints_rfc3339(void **state)
{
	struct arena a = {0};

	(void)state;
	assert_string_equal(text_utc(&a, 0), "1970-01-01T00:00:00Z");
	assert_string_equal(text_utc(&a, 1769860800), "2026-01-31T12:00:00Z");
	assert_string_equal(text_utc(&a, 4102444800), "2100-01-01T00:00:00Z");
	arena_release(&a);
}

static void the_closest_word_is_found(void **state)
{
	static const char *const words[] = {"isolate", "mtu", "mode", "metric"};
	static const struct {
		const char *word, *closest;
	} rows[] = {
		{"isolat", "isolate"}, {"isloate", "isolate"},
		{"iso", NULL},	       {"mut", "mtu"},
		{"Mtu", "mtu"},	       {"mods", "mode"},
		{"metrik", "metric"},  {"", NULL},
		{"zz", NULL},	       {"isolatexx", "isolate"},
		{"isolatexxx", NULL},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const char *got = text_closest(rows[i].word, words, array_size(words));

		assert_string_equal(got ? got : "nothing",
				    rows[i].closest ? rows[i].closest : "nothing");
	}
	/* Words of any length. */
	static char huge[1000];
	memset(huge, 'x', sizeof(huge) - 1);
	assert_null(text_closest(huge, words, array_size(words)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("text: the closest word", the_closest_word_is_found),
		TEST("text: grows and is a string at any time", text_grows_and_stays_a_string),
		TEST("NV-035 text: quotes, backslashes and controls are escaped in names",
		     text_quote_escapes),
		TEST("text: starts and ends", text_starts_and_ends),
		TEST("text: splitting keeps empty parts", text_split_keeps_empty_parts),
		TEST("text: invalid UTF-8 becomes U+FFFD", text_to_utf8_replaces_what_is_not_valid),
		TEST("text: time in UTC", text_utc_prints_rfc3339),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
