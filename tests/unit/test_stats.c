/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "aardvark-dns/stats.h"
#include "common/cleanup.h"

#define MANY 2000

/* A snapshot of n containers that are called first, first + 1, … */
static void make_zones(struct zones *z, struct zone_container *room, unsigned int first, size_t n)
{
	*z = (struct zones){.containers = room, .n_containers = n};
	for (size_t i = 0; i < n; i++)
		snprintf(room[i].id, sizeof(room[i].id), "%012u", first + (unsigned int)i);
}

static void ask(struct stats *s, uint32_t container)
{
	const struct zone_listener listener = {0};
	const struct zone_host host = {.container = container};
	const struct view view = {.listener = &listener, .host = &host};

	stats_count(s, &(struct finished){.view = &view});
}

static json_int_t queries_of(const struct stats *s, const char *id)
{
	json_t *report = stats_report(s, NULL, id);
	json_t *tally = json_object_get(json_object_get(report, "containers"), id);
	json_int_t n = json_integer_value(json_object_get(tally, "queries"));

	json_decref(report);
	return n;
}

static void stats_drops_only_those_who_are_gone(void **state)
{
	static struct zone_container old[MANY], new[3];
	struct stats *s = stats_new();
	struct zones z;

	(void)state;
	make_zones(&z, old, 0, MANY);
	stats_set_zones(s, &z);
	for (uint32_t i = 0; i < MANY; i++)
		ask(s, i);
	/* The last two stay, another one comes, and only that one asks. */
	make_zones(&z, new, MANY - 2, array_size(new));
	stats_set_zones(s, &z);
	ask(s, 2);
	assert_int_equal(queries_of(s, "000000000000"), 0);
	assert_int_equal(queries_of(s, "000000001998"), 1);
	assert_int_equal(queries_of(s, "000000001999"), 1);
	assert_int_equal(queries_of(s, "000000002000"), 1);
	stats_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("BU-088 counters of those who are gone are dropped, others never",
		     stats_drops_only_those_who_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
