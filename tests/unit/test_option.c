/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "netavark/option.h"

static const struct option list[] = {
	{.key = "mtu", .value = "1400"},
	{.key = "metric", .value = "4294967296"},
	{.key = "empty", .value = ""},
	{.key = "yes", .value = "1"},
	{.key = "perhaps", .value = "maybe"},
	{.key = "ip", .value = "192.0.2.1"},
	{.key = "network", .value = "192.0.2.0/24"},
};

static void option_find_finds_by_whole_key(void **state)
{
	(void)state;
	assert_string_equal(option_find(list, array_size(list), "mtu")->value, "1400");
	assert_string_equal(option_text(list, array_size(list), "empty"), "");
	assert_null(option_find(list, array_size(list), "mt"));
	assert_null(option_text(list, array_size(list), "mtus"));
}

static void absent_option_leaves_the_default(void **state)
{
	uint32_t number = 7;
	bool flag = true;
	struct addr a = {.family = AF_INET6};
	struct error err;

	(void)state;
	assert_int_equal(option_u32(NULL, 0, "mtu", &number, &err), 0);
	assert_int_equal(option_bool(NULL, 0, "yes", &flag, &err), 0);
	assert_int_equal(option_addr(NULL, 0, "ip", AF_INET, &a, &err), 0);
	assert_int_equal(number, 7);
	assert_true(flag);
	assert_int_equal(a.family, AF_INET6);
}

static void options_are_parsed(void **state)
{
	uint32_t number = 0;
	bool flag = false;
	struct addr a = {0};
	struct error err;

	(void)state;
	assert_int_equal(option_u32(list, array_size(list), "mtu", &number, &err), 0);
	assert_int_equal(option_bool(list, array_size(list), "yes", &flag, &err), 0);
	assert_int_equal(option_addr(list, array_size(list), "ip", AF_INET, &a, &err), 0);
	assert_int_equal(number, 1400);
	assert_true(flag);
	assert_string_equal(addr_str(&a), "192.0.2.1");
}

static void bad_option_is_named(void **state)
{
	uint32_t number = 7;
	bool flag = true;
	struct addr a = {0};
	struct error err;

	(void)state;
	assert_int_equal(option_u32(list, array_size(list), "metric", &number, &err), -EINVAL);
	assert_string_equal(err.text, "unable to parse \"metric\": number too large to fit in "
				      "target type");
	assert_int_equal(option_u32(list, array_size(list), "empty", &number, &err), -EINVAL);
	assert_string_equal(err.text,
			    "unable to parse \"empty\": cannot parse integer from empty string");
	assert_int_equal(option_bool(list, array_size(list), "perhaps", &flag, &err), -EINVAL);
	assert_string_equal(err.text, "unable to parse \"perhaps\": provided string was not "
				      "`true` or `false`");
	assert_int_equal(option_addr(list, array_size(list), "ip", AF_INET6, &a, &err), -EINVAL);
	assert_string_equal(err.text, "unable to parse \"ip\": invalid IPv6 address syntax");
	assert_int_equal(option_addr(list, array_size(list), "network", AF_INET, &a, &err),
			 -EINVAL);
	assert_string_equal(err.text, "unable to parse \"network\": invalid IPv4 address syntax");
	assert_int_equal(number, 7);
	assert_true(flag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("options: found by the whole key", option_find_finds_by_whole_key),
		TEST("options: an absent one leaves the default", absent_option_leaves_the_default),
		TEST("options: numbers, booleans and addresses", options_are_parsed),
		TEST("options: a bad one is named", bad_option_is_named),
	};

	return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
