/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "common/addr.h"
#include "common/cleanup.h"

static struct addr addr(const char *text)
{
	struct addr a = {0};

	assert_true(addr_parse(text, &a));
	return a;
}

static struct prefix prefix(const char *text)
{
	struct prefix p = {0};

	assert_true(prefix_parse(text, &p));
	return p;
}

static void addr_parse_and_print_are_canonical(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"10.88.0.1", "10.88.0.1"},
		{"::", "::"},
		{"::1", "::1"},
		{"FD10:0088:000A:0:0:0:0:2", "fd10:88:a::2"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
		{"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct addr a = addr(rows[i].in);

		assert_string_equal(addr_str(&a), rows[i].out);
	}
}

static void addr_parse_rejects(void **state)
{
	static const char *const rows[] = {
		"",
		"10",
		"10.1.1",
		"10.1.1.1.1",
		"010.1.1.1",
		"10.1.1.01",
		"256.1.1.1",
		"10.1.1.1/16",
		"10.1.1.1 ",
		" 10.1.1.1",
		"10..1.1",
		"a.b.c.d",
		"1.2.3.-4",
		"0x0a.1.1.1",
		":",
		":::",
		"1::2::3",
		"fe80::1%eth0",
		"[::1]",
		"::1/128",
		"12345::",
		"::g",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"::10.0.0.256",
	};
	struct addr out = {.family = 99};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (addr_parse(rows[i], &out))
			fail_msg("accepted \"%s\"", rows[i]);
	assert_int_equal(out.family, 99);
}

static void prefix_parse_keeps_host_bits(void **state)
{
	static const char *const rows[] = {
		"0.0.0.0/0", "10.88.0.5/16", "10.0.0.1/32", "::/0", "fd00::7/64", "::1/128",
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct prefix p = prefix(rows[i]);

		assert_string_equal(prefix_str(&p), rows[i]);
	}
}

static void prefix_parse_rejects(void **state)
{
	static const char *const rows[] = {
		"",
		"10.0.0.0",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/08",
		"10.0.0.0/8 ",
		"10.0.0.0/8/8",
		"10.0.0.0/ 8",
		"10.0.0.0/0x8",
		"10.0.0.0/255.0.0.0",
		"/8",
		"fd00::/129",
		"fd00::/1000",
		"fd00::/4294967297",
		"010.0.0.0/8",
		"10.0.0/8",
		"fd00::%1/64",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/8",
	};
	struct prefix out = {.len = 99};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		if (prefix_parse(rows[i], &out))
			fail_msg("accepted \"%s\"", rows[i]);
	assert_int_equal(out.len, 99);
}

static void addr_none_is_empty(void **state)
{
	static const struct addr none = {0};
	static const struct prefix nowhere = {0};
	struct addr v4 = addr("0.0.0.0"), v6 = addr("::");

	(void)state;
	assert_string_equal(addr_str(&none), "");
	assert_string_equal(prefix_str(&nowhere), "");
	assert_int_equal(addr_size(&none), 0);
	assert_int_equal(addr_size(&v4), 4);
	assert_int_equal(addr_size(&v6), 16);
	assert_false(addr_is_zero(&none));
	assert_true(addr_is_zero(&v4));
	assert_true(addr_is_zero(&v6));
	assert_false(prefix_contains(&nowhere, &none));
}

static void addr_compare_orders_by_family_then_value(void **state)
{
	static const char *const rising[] = {"0.0.0.0",	 "9.255.255.255", "10.0.0.0",
					     "10.0.0.1", "10.0.1.0",	  "255.255.255.255",
					     "::",	 "::1",		  "::1:0",
					     "ff::",	 "fd00::"};

	(void)state;
	for (size_t i = 0; i < array_size(rising); i++) {
		for (size_t k = 0; k < array_size(rising); k++) {
			struct addr a = addr(rising[i]), b = addr(rising[k]);
			int r = addr_compare(&a, &b);

			assert_true(i < k ? r < 0 : i > k ? r > 0 : r == 0);
			assert_true(addr_equal(&a, &b) == (i == k));
		}
	}
}

static void addr_is_link_local6_knows_the_tenth_bit(void **state)
{
	static const struct {
		const char *text;
		bool yes;
	} rows[] = {{"fe80::1", true},	{"febf:ffff::", true}, {"fec0::1", false},
		    {"fe7f::1", false}, {"fd80::1", false},    {"169.254.0.1", false}};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct addr a = addr(rows[i].text);

		assert_true(addr_is_link_local6(&a) == rows[i].yes);
	}
}

static void addr_plus_carries_and_wraps(void **state)
{
	static const struct {
		const char *from;
		uint64_t n;
		const char *to;
	} rows[] = {
		{"10.0.0.1", 0, "10.0.0.1"},
		{"10.0.0.255", 1, "10.0.1.0"},
		{"10.255.255.255", 1, "11.0.0.0"},
		{"255.255.255.255", 1, "0.0.0.0"},
		{"0.0.0.0", UINT32_MAX, "255.255.255.255"},
		{"::ffff:ffff:ffff:ffff", 1, "0:0:0:1::"},
		{"fd00::", UINT64_MAX, "fd00::ffff:ffff:ffff:ffff"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 2, "::1"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct addr a = addr(rows[i].from), sum = addr_plus(&a, rows[i].n);

		assert_string_equal(addr_str(&sum), rows[i].to);
	}
}

static void prefix_bounds_for_every_kind_of_length(void **state)
{
	static const struct {
		const char *prefix, *masked, *last;
	} rows[] = {
		{"10.88.3.5/16", "10.88.0.0/16", "10.88.255.255"},
		{"10.88.3.5/0", "0.0.0.0/0", "255.255.255.255"},
		{"10.88.3.5/7", "10.0.0.0/7", "11.255.255.255"},
		{"10.88.3.5/23", "10.88.2.0/23", "10.88.3.255"},
		{"10.88.3.5/30", "10.88.3.4/30", "10.88.3.7"},
		{"10.88.3.5/31", "10.88.3.4/31", "10.88.3.5"},
		{"10.88.3.5/32", "10.88.3.5/32", "10.88.3.5"},
		{"fd00::1:2/0", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"fd00:0:0:17::1/60", "fd00:0:0:10::/60", "fd00::1f:ffff:ffff:ffff:ffff"},
		{"fd00::1:2/64", "fd00::/64", "fd00::ffff:ffff:ffff:ffff"},
		{"fd00::1:2/127", "fd00::1:2/127", "fd00::1:3"},
		{"fd00::1:2/128", "fd00::1:2/128", "fd00::1:2"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct prefix p = prefix(rows[i].prefix), masked = prefix_masked(&p);
		struct addr last = prefix_last(&p);

		assert_string_equal(prefix_str(&masked), rows[i].masked);
		assert_string_equal(addr_str(&last), rows[i].last);
		assert_true(prefix_contains(&p, &last));
		assert_true(prefix_contains(&p, &masked.addr));
	}
}

static void prefix_contains_looks_at_family_and_mask(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool yes;
	} rows[] = {
		{"10.88.0.0/16", "10.88.255.255", true},
		{"10.88.0.0/16", "10.89.0.0", false},
		{"10.88.9.9/16", "10.88.0.1", true},
		{"0.0.0.0/0", "1.2.3.4", true},
		{"0.0.0.0/0", "::", false},
		{"::/0", "0.0.0.0", false},
		{"10.0.0.0/8", "::ffff:10.0.0.1", false},
		{"fd00::/63", "fd00:0:0:1::1", true},
		{"fd00::/63", "fd00:0:0:2::1", false},
		{"10.0.0.1/32", "10.0.0.2", false},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct prefix p = prefix(rows[i].prefix);
		struct addr a = addr(rows[i].addr);

		assert_true(prefix_contains(&p, &a) == rows[i].yes);
	}
}

static void prefix_overlaps_both_ways(void **state)
{
	static const struct {
		const char *a, *b;
		bool yes;
	} rows[] = {
		{"10.0.0.0/8", "10.88.0.0/16", true},	 {"10.88.0.0/16", "10.89.0.0/16", false},
		{"10.88.0.0/16", "10.88.0.0/16", true},	 {"fd00::/48", "fd00:0:0:1::/64", true},
		{"fd00::/64", "fd00:0:0:1::/64", false}, {"0.0.0.0/0", "::/0", false},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct prefix a = prefix(rows[i].a), b = prefix(rows[i].b);

		assert_true(prefix_overlaps(&a, &b) == rows[i].yes);
		assert_true(prefix_overlaps(&b, &a) == rows[i].yes);
	}
}

static void prefix_equal_counts_host_bits_and_length(void **state)
{
	struct prefix a = prefix("10.88.0.0/16"), b = prefix("10.88.0.1/16"),
		      c = prefix("10.88.0.0/17");

	(void)state;
	assert_true(prefix_equal(&a, &a));
	assert_false(prefix_equal(&a, &b));
	assert_false(prefix_equal(&a, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("addresses: parsed and printed in canonical form",
		     addr_parse_and_print_are_canonical),
		TEST("NV-053 addresses: leading zeros, prefixes, zones and blanks are refused",
		     addr_parse_rejects),
		TEST("prefixes: host bits are kept", prefix_parse_keeps_host_bits),
		TEST("prefixes: bad lengths and netmasks are refused", prefix_parse_rejects),
		TEST("addresses: none is empty and in no prefix", addr_none_is_empty),
		TEST("addresses: ordered by family, then by value",
		     addr_compare_orders_by_family_then_value),
		TEST("addresses: fe80::/10 is link-local, its neighbours are not",
		     addr_is_link_local6_knows_the_tenth_bit),
		TEST("addresses: addition carries and wraps", addr_plus_carries_and_wraps),
		TEST("prefixes: first and last address, whatever the length",
		     prefix_bounds_for_every_kind_of_length),
		TEST("prefixes: contain only addresses of their family",
		     prefix_contains_looks_at_family_and_mask),
		TEST("prefixes: overlap is symmetric", prefix_overlaps_both_ways),
		TEST("prefixes: equal only with host bits and length",
		     prefix_equal_counts_host_bits_and_length),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
