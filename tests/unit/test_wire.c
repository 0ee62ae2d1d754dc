/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "aardvark-dns/wire.h"
#include "common/cleanup.h"

static struct wire_reader reader(const void *data, size_t len)
{
	return (struct wire_reader){.data = data, .len = len};
}

static void wire_reader_stays_bad_after_the_first_failure(void **state)
{
	struct wire_reader r = reader("\1\2\3", 3);

	(void)state;
	assert_int_equal(wire_get16(&r), 0x0102);
	assert_int_equal(wire_get16(&r), 0);
	assert_true(r.bad);
	assert_null(wire_get(&r, 1));
}

static void wire_writer_never_passes_its_room(void **state)
{
	uint8_t bytes[4] = {0};
	struct wire w = {.data = bytes, .room = 3};

	(void)state;
	wire_put16(&w, 0xabcd);
	wire_put16(&w, 0xffff);
	assert_true(w.bad);
	assert_int_equal(w.len, 2);
	wire_put(&w, "x", 1);
	assert_int_equal(w.len, 2);
	assert_memory_equal(bytes, "\xab\xcd\0\0", 4);
}

static void wire_get_name_lowers_ascii_only(void **state)
{
	static const uint8_t in[] = "\3WeB\2\xc3\x84";
	struct wire_reader r = reader(in, sizeof(in));
	uint8_t name[WIRE_NAME_MAX];

	(void)state;
	assert_int_equal(wire_get_name(&r, name), sizeof(in));
	assert_memory_equal(name, "\3web\2\xc3\x84", sizeof(in));
}

static void wire_get_name_rejects(void **state)
{
	uint8_t too_long[300], name[WIRE_NAME_MAX];
	struct {
		const void *data;
		size_t len;
	} rows[] = {
		{"\xc0\x0c", 2}, /* a pointer */
		{"\x40"
		 "a\0",
		 3}, /* label types that were given up */
		{"\x80"
		 "a\0",
		 3},
		{"\3ab", 3},  /* cut inside a label */
		{"\3abc", 4}, /* cut before the root label */
		{too_long, sizeof(too_long)},
	};

	(void)state;
	memset(too_long, 1, sizeof(too_long));
	for (size_t i = 0; i < array_size(rows); i++) {
		struct wire_reader r = reader(rows[i].data, rows[i].len);

		assert_int_equal(wire_get_name(&r, name), 0);
		assert_true(r.bad);
	}
}

/* 127 labels of one byte and the root label: 255 bytes, the longest name there is. */
static void wire_get_name_takes_255_bytes(void **state)
{
	uint8_t in[256], name[WIRE_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < 254; i += 2)
		memcpy(in + i, "\1a", 2);
	in[254] = 0;
	struct wire_reader r = reader(in, 255);
	assert_int_equal(wire_get_name(&r, name), 255);
	assert_false(r.bad);
}

static void wire_get_record_reads_all_fields(void **state)
{
	static const uint8_t in[] = "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1";
	struct wire_reader r = reader(in, sizeof(in) - 1);
	struct wire_record rec;

	(void)state;
	wire_get_record(&r, &rec);
	assert_false(r.bad);
	assert_false(rec.root_owner);
	assert_int_equal(rec.type, TYPE_A);
	assert_int_equal(rec.ttl, 300);
	assert_int_equal(rec.data_len, 4);
	assert_memory_equal(rec.data, "\xc0\0\2\1", 4);
	assert_int_equal(r.at, r.len);
}

static void wire_name_from_text_table(void **state)
{
	static const char label63[] =
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123";
	static const char label64[] =
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234";
	struct {
		const char *text;
		size_t len; /* on the wire */
	} rows[] = {
		{"web", 4}, {"a.b", 4},	     {"Web.", 4},   {"_x", 3},	  {"1st", 4},
		{"*", 2},   {"\xc3\xa4", 3}, {label63, 64}, {"a\\.b", 5}, {"", 0},
		{".", 0},   {".a", 0},	     {"a..b", 0},   {"a..", 0},	  {label64, 0},
	};
	uint8_t wire[WIRE_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_int_equal(wire_name_from_text(rows[i].text, strlen(rows[i].text), wire),
				 rows[i].len);
	assert_int_equal(wire_name_from_text("WeB", 3, wire), 4);
	assert_memory_equal(wire, "\3web", 4);
}

static void wire_name_from_text_takes_253_bytes_and_not_254(void **state)
{
	char text[255];
	uint8_t wire[WIRE_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? '.' : 'a';
	assert_int_equal(wire_name_from_text(text, 253, wire), 254);
	assert_int_equal(wire_name_from_text(text, 255, wire), 0);
}

static void wire_name_print_escapes(void **state)
{
	static const uint8_t name[] = "\7a\n\"%n\\b\1c";
	char text[WIRE_NAME_TEXT_MAX];
	uint8_t long_name[WIRE_NAME_MAX];

	(void)state;
	wire_name_print(name, sizeof(name), text);
	assert_string_equal(text, "a\\010\\034%n\\092b.c");
	wire_name_print((const uint8_t *)"", 1, text);
	assert_string_equal(text, ".");
	memset(long_name, 1, sizeof(long_name));
	wire_name_print(long_name, sizeof(long_name), text);
	assert_true(strlen(text) < WIRE_NAME_TEXT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_reader_stays_bad_after_the_first_failure),
		cmocka_unit_test(wire_writer_never_passes_its_room),
		cmocka_unit_test(wire_get_name_lowers_ascii_only),
		cmocka_unit_test(wire_get_name_rejects),
		cmocka_unit_test(wire_get_name_takes_255_bytes),
		cmocka_unit_test(wire_get_record_reads_all_fields),
		TEST("AV-075 names that can exist on the wire, and that cannot",
		     wire_name_from_text_table),
		cmocka_unit_test(wire_name_from_text_takes_253_bytes_and_not_254),
		TEST("AV-164 a name becomes one line of printable text", wire_name_print_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
