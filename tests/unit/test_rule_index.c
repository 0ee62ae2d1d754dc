/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "common/cleanup.h"
#include "netavark/firewall/rule_index.h"

#define MANY 1000

static struct rule rule_number(unsigned int i)
{
	return (struct rule){.chain = "C",
			     .dport = (uint16_t)(1 + i % (MANY / 2)),
			     .verdict = VERDICT_JUMP,
			     .target = "D"};
}

/* Every rule stands at two positions; both are found, the later one first. */
static void equal_rules_are_found_from_the_end(void **state)
{
	struct arena a = {0};
	struct rule_index ix = {0};

	(void)state;
	for (unsigned int i = 0; i < MANY; i++) {
		struct rule r = rule_number(i);

		rule_index_add(&ix, &r, &a);
	}
	for (unsigned int i = 0; i < MANY / 2; i++) {
		struct rule r = rule_number(i);
		uint32_t found[4], n = 0;

		for (uint32_t at = rule_index_last(&ix, &r); at != RULE_INDEX_NONE;
		     at = rule_index_before(&ix, at)) {
			struct rule there = rule_number(at);

			if (rule_equal(&there, &r) && n < array_size(found))
				found[n++] = at;
		}
		assert_int_equal(n, 2);
		assert_int_equal(found[0], i + MANY / 2);
		assert_int_equal(found[1], i);
	}
	arena_release(&a);
}

static void nothing_is_found_where_nothing_is(void **state)
{
	struct rule_index empty = {0};
	struct rule r = rule_number(1);

	(void)state;
	assert_int_equal(rule_index_last(&empty, &r), RULE_INDEX_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("rule index: equal rules are found, from the end",
		     equal_rules_are_found_from_the_end),
		TEST("rule index: nothing is found where nothing is",
		     nothing_is_found_where_nothing_is),
	};

	return cmocka_run_group_tests_name("rule_index", tests, NULL, NULL);
}
