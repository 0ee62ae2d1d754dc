/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "aardvark-dns/upstream.h"
#include "common/cleanup.h"

static struct resolver server(uint8_t last)
{
	return (struct resolver){.addr = {.family = AF_INET, .bytes = {127, 0, 0, last}}};
}

static void upstream_penalty_doubles_up_to_a_minute(void **state)
{
	static const unsigned int penalties[] = {2, 4, 8, 16, 32, 60, 60, 60};
	struct upstreams u = {0};
	struct resolver s = server(1);
	struct upstream *up = upstream_get(&u, &s, false, 1);
	uint64_t now = 1000;

	(void)state;
	assert_int_equal(upstream_state(up, now), UPSTREAM_GOOD);
	for (size_t i = 0; i < array_size(penalties); i++) {
		upstream_failed(up, now);
		upstream_failed(up, now + 1); /* another question to it at the same time */
		assert_int_equal(upstream_state(up, now + penalties[i] * 1000 - 1), UPSTREAM_BAD);
		now += penalties[i] * 1000;
		assert_int_equal(upstream_state(up, now), UPSTREAM_PROBE);
	}
	upstream_answered(up, 100);
	assert_int_equal(upstream_state(up, now), UPSTREAM_GOOD);
	assert_int_equal(up->counts.failed, 2 * array_size(penalties));
	upstream_failed(up, now);
	assert_int_equal(upstream_state(up, now + 2000), UPSTREAM_PROBE);
}

static void upstream_get_keeps_transports_apart(void **state)
{
	struct upstreams u = {0};
	struct resolver s = server(1), zoned = s;

	(void)state;
	strcpy(zoned.zone, "br0");
	upstream_failed(upstream_get(&u, &s, false, 1), 1);
	assert_int_equal(upstream_state(upstream_get(&u, &s, false, 2), 2), UPSTREAM_BAD);
	assert_int_equal(upstream_state(upstream_get(&u, &s, true, 2), 2), UPSTREAM_GOOD);
	assert_int_equal(upstream_state(upstream_get(&u, &zoned, false, 2), 2), UPSTREAM_GOOD);
}

static void upstream_get_forgets_the_least_used(void **state)
{
	struct upstreams u = {0};
	struct resolver first = server(1), second = server(2), s;

	(void)state;
	upstream_failed(upstream_get(&u, &first, false, 1), 1);
	upstream_failed(upstream_get(&u, &second, false, 2), 2);
	for (uint8_t i = 3; i <= UPSTREAMS_MAX; i++) {
		s = server(i);
		upstream_get(&u, &s, false, i);
	}
	upstream_get(&u, &first, false, 100);
	s = server(200);
	upstream_get(&u, &s, false, 101); /* takes the place of the second */
	assert_int_equal(upstream_get(&u, &first, false, 102)->failures, 1);
	assert_int_equal(upstream_get(&u, &second, false, 103)->failures, 0);
}

static void upstream_quantiles_come_from_buckets(void **state)
{
	struct upstream up = {0};

	(void)state;
	assert_int_equal(upstream_quantile_us(&up.counts, 50), 0);
	for (int i = 0; i < 98; i++)
		upstream_answered(&up, 200);
	upstream_answered(&up, 70000);
	upstream_answered(&up, 3600000000u);
	assert_int_equal(upstream_quantile_us(&up.counts, 50), 256);
	assert_int_equal(upstream_quantile_us(&up.counts, 98), 256);
	assert_int_equal(upstream_quantile_us(&up.counts, 99), 93184);
	assert_true(upstream_quantile_us(&up.counts, 100) == UINT64_MAX);
	for (size_t i = 1; i < UPSTREAM_BUCKETS; i++)
		assert_true(upstream_bucket_us(i) > upstream_bucket_us(i - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("BU-056 a server that fails is left out for twice as long each time",
		     upstream_penalty_doubles_up_to_a_minute),
		TEST("what TCP says of a server means nothing for UDP",
		     upstream_get_keeps_transports_apart),
		TEST("the number of servers is bounded", upstream_get_forgets_the_least_used),
		TEST("quantiles come from buckets", upstream_quantiles_come_from_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
