/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/cleanup.h"
#include "common/reader.h"

/* One document and what is read of it; documents are written with ' for ". */
struct reading {
	struct arena arena;
	struct document doc;
	struct error err;
	struct reader root;
};

static char *json(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	return copy;
}

static int start(struct reading *r, const char *text)
{
	*r = (struct reading){.arena = {0}};
	char *copy = json(&r->arena, text);
	int code = document_open(&r->doc, &r->arena, copy, strlen(copy), &r->err);

	if (code == 0)
		r->root = document_root(&r->doc);
	return code;
}

static void end(struct reading *r)
{
	document_close(&r->doc);
	arena_release(&r->arena);
}

static void document_open_refuses_broken_texts(void **state)
{
	static const struct {
		const char *text, *starts;
	} rows[] = {
		{"", "EOF while parsing a value"},
		{"{'a':", "EOF while parsing"},
		{"{'a':1", "EOF while parsing"},
		{"{'a':1} x", "trailing characters"},
		{"{'a':1,'a':2}", "duplicate field"},
		{"{a:1}", ""},
		{"{'a':01}", ""},
		{"{'a':'\\ud800'}", ""},
		{"nonsense", ""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct reading r;

		assert_int_equal(start(&r, rows[i].text), -EINVAL);
		assert_int_equal(r.err.code, EINVAL);
		if (strncmp(r.err.text, rows[i].starts, strlen(rows[i].starts)) != 0 ||
		    !strstr(r.err.text, " at line 1 column "))
			fail_msg("%s: \"%s\"", rows[i].text, r.err.text);
		end(&r);
	}
}

static void document_open_says_where_an_empty_text_ends(void **state)
{
	struct reading r;

	(void)state;
	assert_int_equal(start(&r, ""), -EINVAL);
	assert_memory_equal(r.err.text, "EOF while parsing a value", 25);
	assert_non_null(strstr(r.err.text, "at line 1 column 0"));
	end(&r);
}

static void document_open_accepts_space_behind(void **state)
{
	struct reading r;

	(void)state;
	assert_int_equal(start(&r, " {'a':1} \n\t \r\n"), 0);
	assert_true(read_has(&r.root, "a"));
	end(&r);
}

static void document_open_limits_the_depth(void **state)
{
	struct arena a = {0};
	size_t depth = 100000;
	char *text = arena_alloc(&a, depth + 1);
	struct document doc;
	struct error err;

	(void)state;
	memset(text, '[', depth);
	assert_int_equal(document_open(&doc, &a, text, depth, &err), -EINVAL);
	document_close(&doc);
	arena_release(&a);
}

static void document_root_is_an_object(void **state)
{
	static const char *const rows[] = {"[]", "5", "'x'", "null"};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct reading r;

		assert_int_equal(start(&r, rows[i]), 0);
		assert_true(r.doc.failed);
		assert_non_null(strstr(r.err.text, "expected a map"));
		end(&r);
	}
}

static void values_are_read(void **state)
{
	struct reading r;

	(void)state;
	assert_int_equal(start(&r, "{'s':'text','t':true,'f':false,'p':65535,'m':4294967295,"
				   "'a':'fd00::1','c':'10.0.0.5/8','null':null,'o':{'k':'v'},"
				   "'l':['x','y'],'e':[]}"),
			 0);
	assert_string_equal(read_string(&r.root, "s"), "text");
	assert_true(read_bool(&r.root, "t"));
	assert_false(read_bool(&r.root, "f"));
	assert_int_equal(read_u16(&r.root, "p"), 65535);
	assert_int_equal(read_u32_or(&r.root, "m", 1), UINT32_MAX);
	struct addr a = read_addr_or_none(&r.root, "a");
	assert_string_equal(addr_str(&a), "fd00::1");
	struct prefix p = read_prefix(&r.root, "c");
	assert_string_equal(prefix_str(&p), "10.0.0.5/8");
	struct reader o = read_object(&r.root, "o"), *list;
	assert_string_equal(read_string(&o, "k"), "v");
	assert_string_equal(o.pointer, "/o");
	assert_int_equal(read_array_or_none(&r.root, "l", &list), 2);
	assert_string_equal(read_self_string(&list[1]), "y");
	assert_string_equal(list[1].pointer, "/l/1");
	assert_int_equal(read_array(&r.root, "l", &list), 2);
	assert_int_equal(read_u32(&r.root, "m"), UINT32_MAX);
	struct reader c = read_member(&r.root, "c");
	p = read_self_prefix(&c);
	assert_string_equal(prefix_str(&p), "10.0.0.5/8");
	assert_int_equal(read_array_or_none(&r.root, "e", &list), 0);
	assert_false(r.doc.failed);
	end(&r);
}

static void null_is_like_absence(void **state)
{
	static const char *const rows[] = {"{}", "{'x':null}"};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct reading r;
		struct reader *list;

		assert_int_equal(start(&r, rows[i]), 0);
		assert_false(read_has(&r.root, "x"));
		assert_string_equal(read_string_or(&r.root, "x", "fallback"), "fallback");
		assert_true(read_bool_or(&r.root, "x", true));
		assert_int_equal(read_u32_or(&r.root, "x", 7), 7);
		assert_int_equal(read_addr_or_none(&r.root, "x").family, 0);
		assert_int_equal(read_array_or_none(&r.root, "x", &list), 0);
		assert_null(read_object_or_none(&r.root, "x").value);
		assert_false(r.doc.failed);
		assert_string_equal(read_string(&r.root, "x"), "");
		assert_true(r.doc.failed);
		assert_string_equal(r.err.text, "missing field `x` at / (line 1 column 1)");
		end(&r);
	}
}

static void do_string(const struct reader *r)
{
	read_string(r, "x");
}

static void do_string_or(const struct reader *r)
{
	read_string_or(r, "x", NULL);
}

static void do_bool(const struct reader *r)
{
	read_bool(r, "x");
}

static void do_u16(const struct reader *r)
{
	read_u16(r, "x");
}

static void do_u32(const struct reader *r)
{
	read_u32_or(r, "x", 0);
}

static void do_addr(const struct reader *r)
{
	read_addr_or_none(r, "x");
}

static void do_prefix(const struct reader *r)
{
	read_prefix(r, "x");
}

static void do_object(const struct reader *r)
{
	read_object(r, "x");
}

static void do_array(const struct reader *r)
{
	struct reader *list;

	read_array_or_none(r, "x", &list);
}

static void wrong_values_say_what_and_where(void **state)
{
	static const struct {
		const char *value;
		void (*read)(const struct reader *r);
		const char *what;
	} rows[] = {
		{"5", do_string, "invalid type: integer `5`, expected a string"},
		{"true", do_string, "invalid type: boolean `true`, expected a string"},
		{"{}", do_string, "invalid type: map, expected a string"},
		{"[]", do_string_or, "invalid type: sequence, expected a string"},
		{"'x'", do_bool, "invalid type: string \"x\", expected a boolean"},
		{"1", do_bool, "invalid type: integer `1`, expected a boolean"},
		{"80.5", do_u16, "invalid type: floating point `80.5`, expected u16"},
		{"'80'", do_u16, "invalid type: string \"80\", expected u16"},
		{"70000", do_u16, "invalid value: integer `70000`, expected u16"},
		{"-1", do_u16, "invalid value: integer `-1`, expected u16"},
		{"4294967296", do_u32, "invalid value: integer `4294967296`, expected u32"},
		{"'010.1.1.1'", do_addr, "invalid IP address syntax: \"010.1.1.1\""},
		{"'10.1.1.1/16'", do_addr, "invalid IP address syntax: \"10.1.1.1/16\""},
		{"'10.0.0.0'", do_prefix, "invalid IP address syntax: \"10.0.0.0\""},
		{"5", do_prefix, "invalid type: integer `5`, expected a string"},
		{"'x'", do_object, "invalid type: string \"x\", expected a map"},
		{"{}", do_array, "invalid type: map, expected a sequence"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct reading r;
		char doc[128], wanted[256];

		snprintf(doc, sizeof(doc), "{\n  'x': %s}", rows[i].value);
		snprintf(wanted, sizeof(wanted), "%s at /x (line 2 column 8)", rows[i].what);
		assert_int_equal(start(&r, doc), 0);
		rows[i].read(&r.root);
		assert_true(r.doc.failed);
		assert_string_equal(r.err.text, wanted);
		end(&r);
	}
}

static void reader_remembers_the_first_failure(void **state)
{
	struct reading r;
	struct reader *list;

	(void)state;
	assert_int_equal(start(&r, "{'a':1,'b':'text','l':['x'],'o':{'k':'v'}}"), 0);
	read_string(&r.root, "a");
	char *first = arena_strdup(&r.arena, r.err.text);
	read_bool(&r.root, "b");
	read_u16(&r.root, "missing");
	reader_fail(&r.root, "b", "own finding");
	assert_string_equal(r.err.text, first);
	assert_string_equal(read_string(&r.root, "b"), "");
	assert_int_equal(read_array_or_none(&r.root, "l", &list), 0);
	struct reader o = read_object(&r.root, "o");
	assert_null(o.value);
	assert_int_equal(read_members(&o, &list), 0);
	end(&r);
}

static void reader_fail_names_the_member(void **state)
{
	struct reading r;

	(void)state;
	assert_int_equal(start(&r, "{'net/1':{'mtu':'abc'}}"), 0);
	struct reader net = read_object(&r.root, "net/1");
	reader_fail(&net, "mtu", "is %s", "odd");
	assert_string_equal(r.err.text, "is odd: \"abc\" at /net~11/mtu (line 1 column 17)");
	end(&r);
}

static void huge_values_are_cut_in_messages(void **state)
{
	char doc[4096] = "{'x':'";
	struct reading r;

	(void)state;
	memset(doc + 6, 'y', 3000);
	strcpy(doc + 3006, "'}");
	assert_int_equal(start(&r, doc), 0);
	do_addr(&r.root);
	assert_true(strlen(r.err.text) < 300);
	assert_non_null(strstr(r.err.text, "… at /x (line 1 column 6)"));
	end(&r);
}

static void members_come_in_the_order_of_the_text(void **state)
{
	struct reading r;
	struct reader *list;

	(void)state;
	assert_int_equal(start(&r, "{'z':1,'a':2,'m':3,'b':4}"), 0);
	assert_int_equal(read_members(&r.root, &list), 4);
	assert_string_equal(list[0].name, "z");
	assert_string_equal(list[1].name, "a");
	assert_string_equal(list[2].name, "m");
	assert_string_equal(list[3].name, "b");
	assert_string_equal(list[2].pointer, "/m");
	end(&r);
}

/* All failures, none because of another one; and reading goes on. */
static void problems_are_noted_and_reading_goes_on(void **state)
{
	struct problems problems;
	struct reading r = {.arena = {0}};
	char *text = json(&r.arena, "{'a':5,'b':{'c':'x'},'d':['q',1],'e':'10.0.0.300','f':7}");

	(void)state;
	assert_int_equal(document_open_noting(&r.doc, &problems, &r.arena, text, strlen(text),
					      &r.err),
			 0);
	r.root = document_root(&r.doc);
	struct reader b = read_object(&r.root, "b"), none = read_object(&r.root, "none"), *items;
	assert_string_equal(read_string(&r.root, "a"), "");
	read_bool(&b, "c");
	read_string(&b, "missing");
	read_string(&none, "below-missing");
	assert_int_equal(read_array(&r.root, "d", &items), 2);
	read_self_string(&items[1]);
	read_addr_or_none(&r.root, "e");
	read_prefix(&r.root, "no-prefix");
	assert_int_equal(read_u16(&r.root, "f"), 7);
	assert_false(r.doc.failed);
	assert_int_equal(problems.n, 7);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("reader: problems are noted, and reading goes on",
		     problems_are_noted_and_reading_goes_on),
		TEST("NV-048 documents: broken, cut, trailing and doubled are refused",
		     document_open_refuses_broken_texts),
		TEST("documents: an empty text ends at column 0",
		     document_open_says_where_an_empty_text_ends),
		TEST("NV-048 documents: white space behind is fine",
		     document_open_accepts_space_behind),
		TEST("documents: depth is limited", document_open_limits_the_depth),
		TEST("documents: only an object", document_root_is_an_object),
		TEST("reader: every kind of value", values_are_read),
		TEST("NV-045 NV-047 reader: null is like absence, required members must be there",
		     null_is_like_absence),
		TEST("NV-046 NV-053 NV-057 reader: wrong values say what was found and where",
		     wrong_values_say_what_and_where),
		TEST("reader: the first failure stays, later reads give nothing",
		     reader_remembers_the_first_failure),
		TEST("reader: own findings name the member", reader_fail_names_the_member),
		TEST("reader: huge values are cut in messages", huge_values_are_cut_in_messages),
		TEST("NV-042 reader: members in the order of the text",
		     members_come_in_the_order_of_the_text),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
