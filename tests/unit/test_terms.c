/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "netavark/dhcp-proxy/terms.h"

static struct terms some(void)
{
	return (struct terms){
		.address = {AF_INET, {10, 60, 0, 50}},
		.mask = {AF_INET, {255, 255, 255, 0}},
		.routers = {.list = {{AF_INET, {10, 60, 0, 1}}}, .n = 1},
		.routes = {{{{AF_INET, {10, 80}}, 16}, {AF_INET, {10, 60, 0, 2}}}},
		.n_routes = 1,
		.dns = {.list = {{AF_INET, {10, 60, 0, 3}}}, .n = 1},
	};
}

static void terms_differ_only_in_what_the_interface_shows(void **state)
{
	const struct terms a = some();
	struct terms b = some();

	(void)state;
	b.lease_time = 7;
	b.dns.n = 0;
	assert_false(terms_differ(&a, &b));
	b = some();
	b.address.bytes[3]++;
	assert_true(terms_differ(&a, &b));
	b = some();
	b.mask.bytes[3] = 128;
	assert_true(terms_differ(&a, &b));
	b = some();
	b.routers.list[0].bytes[3]++;
	assert_true(terms_differ(&a, &b));
	b = some();
	b.routers.n = 0;
	assert_true(terms_differ(&a, &b));
	b = some();
	b.routes[0].destination.len = 15;
	assert_true(terms_differ(&a, &b));
	b = some();
	b.routes[0].gateway = (struct addr){0};
	assert_true(terms_differ(&a, &b));
	b = some();
	b.n_routes = 0;
	assert_true(terms_differ(&a, &b));
}

static void terms_prefix_counts_the_mask(void **state)
{
	static const struct {
		uint8_t mask[4];
		uint8_t len;
	} rows[] = {{{255, 255, 255, 255}, 32}, {{255, 255, 240, 0}, 20}, {{0, 0, 0, 0}, 0}};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct terms t = some();

		memcpy(t.mask.bytes, rows[i].mask, 4);
		assert_int_equal(terms_prefix(&t).len, rows[i].len);
	}
}

static void terms_json_is_valid_whatever_a_server_sends(void **state)
{
	struct terms t = some();

	(void)state;
	strcpy(t.domain, "lan\xff\"\n");
	json_t *lease = terms_json(&t);
	char *text = json_dumps(lease, JSON_COMPACT);
	assert_non_null(strstr(text, "\"domain_name\":\"lan\xef\xbf\xbd\\\"\\n\""));
	assert_non_null(strstr(
		text, "\"routes\":[{\"destination\":\"10.80.0.0/16\",\"gateway\":\"10.60.0.2\"}]"));
	free(text);
	json_decref(lease);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-201 lease terms: what makes a difference to the container",
		     terms_differ_only_in_what_the_interface_shows),
		TEST("NV-191 lease terms: the length of the prefix", terms_prefix_counts_the_mask),
		TEST("lease terms: names of a server are made fit for JSON",
		     terms_json_is_valid_whatever_a_server_sends),
	};

	return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
