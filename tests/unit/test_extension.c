/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "netavark/extension.h"
#include "tests/unit/planning.h"

#define WITHOUT "'options':{}}}"

static void more_specific_channel_wins(void **state)
{
	static const struct {
		const char *container, *network, *label, *environment, *conf, *value;
		enum extension_source source;
	} rows[] = {
		{"a", "b", "c", "d", "e", "a", EXTENSION_CONTAINER},
		{NULL, "b", "c", "d", "e", "b", EXTENSION_NETWORK},
		{NULL, NULL, "c", "d", "e", "c", EXTENSION_LABEL},
		{NULL, NULL, NULL, "d", "e", "d", EXTENSION_ENVIRONMENT},
		{NULL, NULL, NULL, NULL, "e", "e", EXTENSION_CONF},
		{NULL, NULL, NULL, NULL, NULL, NULL, EXTENSION_DEFAULT},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct option me = {"conntrack_flush", rows[i].container, {0}},
			      net = {"conntrack_flush", rows[i].network, {0}},
			      label = {"netavark.conntrack_flush", rows[i].label, {0}},
			      conf = {"conntrack_flush", rows[i].conf, {0}};
		struct network_setup setup = {
			.options = &net,
			.n_options = rows[i].network != NULL,
			.labels = &label,
			.n_labels = rows[i].label != NULL,
			.host_options = &conf,
			.n_host_options = rows[i].conf != NULL,
			.me = {.options = &me, .n_options = rows[i].container != NULL},
		};

		if (rows[i].environment)
			setenv("NETAVARK_CT_FLUSH", rows[i].environment, 1);
		else
			unsetenv("NETAVARK_CT_FLUSH");
		struct extension e = extension_find(EXTENSION_CONNTRACK_FLUSH, &setup);
		assert_int_equal(e.source, rows[i].source);
		assert_string_equal(e.value ? e.value : "none",
				    rows[i].value ? rows[i].value : "none");
	}
}

static void unusable_values_are_refused_with_their_place(void **state)
{
	static const struct planning_row rows[] = {
		{WITHOUT, "'options':{'conntrack_flush':'maybe'}}}",
		 "invalid conntrack_flush \"maybe\": expected true or false at "
		 "/network_info/blue/options/conntrack_flush"},
		{WITHOUT, "'options':{},'labels':{'netavark.conntrack_flush':''}}}",
		 "invalid conntrack_flush \"\": expected true or false at "
		 "/network_info/blue/labels/netavark.conntrack_flush"},
		{WITHOUT, "'options':{'announce':'21'}}}",
		 "invalid announce \"21\": expected a number from 0 to 20 at "
		 "/network_info/blue/options/announce"},
		{WITHOUT, "'options':{'announce':'-1'}}}",
		 "invalid announce \"-1\": expected a number from 0 to 20 at "
		 "/network_info/blue/options/announce"},
		{"'interface_name':'eth0',",
		 "'interface_name':'eth0','options':{'conntrack_flush':'2'},",
		 "invalid conntrack_flush \"2\": expected true or false at "
		 "/networks/blue/options/conntrack_flush"},
	};

	(void)state;
	planning_refuses(rows, array_size(rows));
}

static void unusable_variables_are_named(void **state)
{
	static const struct planning_row row = {
		WITHOUT, WITHOUT, "invalid NETAVARK_CT_FLUSH \"no\": expected true or false"};

	(void)state;
	setenv("NETAVARK_CT_FLUSH", "no", 1);
	planning_refuses(&row, 1);
	unsetenv("NETAVARK_CT_FLUSH");
}

static void labels_of_others_do_not_count(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(planning_of(&p, WITHOUT,
				     "'options':{},'labels':{'conntrack_flush':'maybe',"
				     "'netavark':'x','netavark.conntrack_flush':'0'}}}"),
			 0);
	assert_false(p.plan.networks[0].flush_conntrack);
	planning_end(&p);
}

static void keys_have_other_names(void **state)
{
	static const char *const options[] = {"'options':{'icc':'false'}}}",
					      "'options':{'enable_icc':'false'}}}",
					      "'labels':{'netavark.enable_icc':'0'}}}"};
	struct planning p;

	(void)state;
	for (size_t i = 0; i < array_size(options); i++) {
		assert_int_equal(planning_of(&p, WITHOUT, options[i]), 0);
		assert_true(p.plan.networks[0].isolated);
		planning_end(&p);
	}
	assert_int_equal(planning_of(&p, WITHOUT, "'options':{'icc':'true'}}}"), 0);
	assert_false(p.plan.networks[0].isolated);
	planning_end(&p);
}

static void priorities_become_metrics(void **state)
{
	static const struct {
		const char *options;
		uint32_t metric;
	} rows[] = {
		{"'options':{}}}", 100},
		{"'options':{'gateway_priority':'0'}}}", 100},
		{"'options':{'gateway_priority':'1'}}}", 98},
		{"'options':{'gateway_priority':'98'}}}", 1},
		{"'options':{'gateway_priority':'5','metric':'7'}}}", 94},
		{"'options':{'metric':'7'}}}", 7},
	};
	struct planning p;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		assert_int_equal(planning_of(&p, WITHOUT, rows[i].options), 0);
		assert_int_equal(p.plan.networks[0].metric, rows[i].metric);
		planning_end(&p);
	}
}

static void values_are_judged_by_themselves(void **state)
{
	static const struct {
		const char *key, *value, *expected;
	} rows[] = {
		{"icc", "1", NULL},
		{"enable_icc", "perhaps", "true or false"},
		{"announce", "20", NULL},
		{"announce", "21", "a number from 0 to 20"},
		{"gateway_priority", "", "a number from 0 to 98"},
		{"unknown", "anything", NULL},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const char *expected = extension_expected(rows[i].key, rows[i].value, &a);

		assert_string_equal(expected ? expected : "fine",
				    rows[i].expected ? rows[i].expected : "fine");
	}
	arena_release(&a);
}

static void numbers_are_read(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(planning_of(&p, WITHOUT, "'options':{'announce':'20'}}}"), 0);
	assert_int_equal(p.plan.networks[0].announcements, 20);
	planning_end(&p);
	assert_int_equal(planning_of(&p, WITHOUT, WITHOUT), 0);
	assert_int_equal(p.plan.networks[0].announcements, 0);
	planning_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("extension: the more specific channel wins", more_specific_channel_wins),
		TEST("BU-008 extension: unusable values are refused with their place",
		     unusable_values_are_refused_with_their_place),
		TEST("extension: numbers", numbers_are_read),
		TEST("extension: keys have other names", keys_have_other_names),
		TEST("extension: priorities of gateways become metrics", priorities_become_metrics),
		TEST("extension: values are judged by themselves", values_are_judged_by_themselves),
		TEST("extension: an unusable variable is named", unusable_variables_are_named),
		TEST("extension: labels of others do not count", labels_of_others_do_not_count),
	};

	return cmocka_run_group_tests_name("extension", tests, NULL, NULL);
}
