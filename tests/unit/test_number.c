/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "netavark/number.h"

#define EMPTY	  "cannot parse integer from empty string"
#define BAD_DIGIT "invalid digit found in string"
#define TOO_SMALL "number too small to fit in target type"
#define TOO_LARGE "number too large to fit in target type"

static void number_parse_accepts(void **state)
{
	static const struct {
		const char *text;
		uint64_t max, n;
	} rows[] = {
		{"0", 10, 0},
		{"+7", 10, 7},
		{"007", 10, 7},
		{"10", 10, 10},
		{"65535", UINT16_MAX, 65535},
		{"4294967295", UINT32_MAX, UINT32_MAX},
		{"+0", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint64_t n = 99;

		assert_null(number_parse(rows[i].text, rows[i].max, &n));
		assert_int_equal(n, rows[i].n);
	}
}

static void number_parse_i32_accepts_a_sign(void **state)
{
	static const struct {
		const char *text, *why;
		int32_t n;
	} rows[] = {
		{"0", NULL, 0},
		{"-0", NULL, 0},
		{"-1", NULL, -1},
		{"+7", NULL, 7},
		{"2147483647", NULL, INT32_MAX},
		{"-2147483648", NULL, INT32_MIN},
		{"2147483648", TOO_LARGE, 0},
		{"-2147483649", TOO_SMALL, 0},
		{"", EMPTY, 0},
		{"-", BAD_DIGIT, 0},
		{"--1", BAD_DIGIT, 0},
		{"-+1", BAD_DIGIT, 0},
		{"- 1", BAD_DIGIT, 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		int32_t n = 0;
		const char *why = number_parse_i32(rows[i].text, &n);

		assert_string_equal(why ? why : "", rows[i].why ? rows[i].why : "");
		assert_int_equal(n, rows[i].n);
	}
}

static void number_parse_says_why_not(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		const char *why;
	} rows[] = {
		{"", 10, EMPTY},
		{"abc", 10, BAD_DIGIT},
		{"-1", 10, BAD_DIGIT},
		{" 1", 10, BAD_DIGIT},
		{"1 ", 10, BAD_DIGIT},
		{"0x1", 10, BAD_DIGIT},
		{"1a", 10, BAD_DIGIT},
		{"1.5", 10, BAD_DIGIT},
		{"+", 10, BAD_DIGIT},
		{"++1", 10, BAD_DIGIT},
		{"11", 10, TOO_LARGE},
		{"70000", UINT16_MAX, TOO_LARGE},
		{"4294967296", UINT32_MAX, TOO_LARGE},
		{"99999999999999999999999999", UINT32_MAX, TOO_LARGE},
		{"99999999999999999999999999x", UINT32_MAX, BAD_DIGIT},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint64_t n = 99;
		const char *why = number_parse(rows[i].text, rows[i].max, &n);

		assert_non_null(why);
		assert_string_equal(why, rows[i].why);
		assert_int_equal(n, 99);
	}
}

static void number_parse_bool_knows_all_spellings(void **state)
{
	static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True"};
	static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False"};
	static const char *const neither[] = {"", "yes", "tRUE", "2", "true ", "on", "strict"};
	bool value;

	(void)state;
	for (size_t i = 0; i < array_size(yes); i++) {
		value = false;
		assert_true(number_parse_bool(yes[i], &value) && value);
	}
	for (size_t i = 0; i < array_size(no); i++) {
		value = true;
		assert_true(number_parse_bool(no[i], &value) && !value);
	}
	for (size_t i = 0; i < array_size(neither); i++)
		assert_false(number_parse_bool(neither[i], &value));
}

static void number_parse_mac_accepts(void **state)
{
	static const struct {
		const char *text, *normal;
	} rows[] = {
		{"aa:bb:cc:dd:ee:ff", "aa:bb:cc:dd:ee:ff"},
		{"AA-BB-CC-DD-EE-0F", "aa:bb:cc:dd:ee:0f"},
		{"aa:bb-cc:dd-ee:ff", "aa:bb:cc:dd:ee:ff"},
		{"a:b:c:d:e:f", "0a:0b:0c:0d:0e:0f"},
		{"00:00:00:00:00:00", "00:00:00:00:00:00"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint8_t mac[MAC_SIZE];
		char text[32];
		struct error err;

		assert_int_equal(number_parse_mac(rows[i].text, mac, &err), 0);
		snprintf(text, sizeof(text), MAC_TEXT, MAC_ARGS(mac));
		assert_string_equal(text, rows[i].normal);
	}
}

static void number_parse_mac_says_why_not(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "unable to parse mac address : " EMPTY},
		{"aa:bb:cc:dd:ee", "invalid mac length for address: aa:bb:cc:dd:ee"},
		{"aa:bb:cc:dd:ee:ff:00", "invalid mac length for address: aa:bb:cc:dd:ee:ff:00"},
		{"aa:bb:cc:dd:ee:gg", "unable to parse mac address aa:bb:cc:dd:ee:gg: " BAD_DIGIT},
		{"aa:bb::dd:ee:ff", "unable to parse mac address aa:bb::dd:ee:ff: " EMPTY},
		{"aabbccddeeff", "unable to parse mac address aabbccddeeff: " TOO_LARGE},
		{"aa:bb:cc:dd:ee:100",
		 "unable to parse mac address aa:bb:cc:dd:ee:100: " TOO_LARGE},
		{"aa:bb:cc:dd:ee:", "unable to parse mac address aa:bb:cc:dd:ee:: " EMPTY},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		uint8_t mac[MAC_SIZE] = {7};
		struct error err;

		assert_int_equal(number_parse_mac(rows[i].text, mac, &err), -EINVAL);
		assert_string_equal(err.text, rows[i].error);
		assert_int_equal(mac[0], 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("numbers: with a sign", number_parse_i32_accepts_a_sign),
		TEST("numbers: decimal, leading + and zeros", number_parse_accepts),
		TEST("NV-024 NV-104 numbers: why a text is none", number_parse_says_why_not),
		TEST("NV-087 booleans: every spelling", number_parse_bool_knows_all_spellings),
		TEST("NV-054 hardware addresses: both separators, short bytes, either case",
		     number_parse_mac_accepts),
		TEST("NV-055 hardware addresses: why a text is none",
		     number_parse_mac_says_why_not),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
