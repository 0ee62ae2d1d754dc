/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the drivers macvlan and ipvlan refuse, and in which order. Plans are in tests/golden. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/planning.h"

#define SUBNET "'subnets':[{'subnet':'10.90.0.0/24','gateway':'10.90.0.1'}],"
#define IPS    ",'static_ips':['10.90.0.2']"

struct row {
	const char *driver, *me, *net, *options, *error;
};

static const char *document(struct arena *a, const struct row *row)
{
	return arena_printf(
		a,
		"{'container_id':'c0ffee','container_name':'web','networks':{'lan':{%s}},"
		"'network_info':{'lan':{'name':'lan','id':'aabbccdd','driver':'%s',%s"
		"'internal':false,'dns_enabled':false,'ipv6_enabled':false,"
		"'options':{%s}}}}",
		row->me, row->driver, row->net, row->options);
}

static int plan_row(struct planning *p, const struct row *row, bool teardown)
{
	struct arena a = {0};
	int r = planning_read(p, document(&a, row));

	arena_release(&a);
	if (r < 0)
		fail_msg("%s: not read", p->err.text);
	return planning_plan(p, "nftables", teardown);
}

static void refuses(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct planning p;

		if (plan_row(&p, &rows[i], false) == 0)
			fail_msg("accepted: %s", rows[i].error);
		assert_string_equal(planning_error(&p), rows[i].error);
		planning_end(&p);
	}
}

static void names_are_checked(void **state)
{
	static const struct row rows[] = {
		{"macvlan", "'interface_name':''", "", "", "no container interface name given"},
		{"macvlan", "'interface_name':'a-name-of-17-byte'", "", "",
		 "create macvlan interface: Netlink error: Numerical result out of range (os error "
		 "34): \"a-name-of-17-byte\" at /networks/lan/interface_name"},
		{"ipvlan", "'interface_name':'eth 0'", "", "",
		 "create ipvlan interface: Netlink error: Invalid argument (os error 22): "
		 "\"eth 0\" at /networks/lan/interface_name"},
		{"macvlan", "'interface_name':'eth0'", "'network_interface':'../../eth0',", "",
		 "Netlink error: Invalid argument (os error 22): \"../../eth0\" at "
		 "/network_info/lan/network_interface"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

static void options_are_checked(void **state)
{
#define ME "'interface_name':'eth0'"
	static const struct row rows[] = {
		{"macvlan", ME, "", "'mode':'public'", "invalid macvlan mode \"public\""},
		{"macvlan", ME, "", "'mode':'l2'", "invalid macvlan mode \"l2\""},
		{"ipvlan", ME, "", "'mode':'bridge'", "invalid ipvlan mode \"bridge\""},
		{"ipvlan", ME, "", "'mtu':'-1'",
		 "unable to parse \"mtu\": invalid digit found in string"},
		{"macvlan", ME, "", "'metric':'4294967296'",
		 "unable to parse \"metric\": number too large to fit in target type"},
		{"macvlan", ME, "", "'no_default_route':'maybe'",
		 "unable to parse \"no_default_route\": provided string was not `true` or `false`"},
		{"macvlan", ME, "", "'bclim':'-'",
		 "unable to parse \"bclim\": invalid digit found in string"},
		{"macvlan", ME, "", "'bclim':''",
		 "unable to parse \"bclim\": cannot parse integer from empty string"},
		{"macvlan", ME, "", "'bclim':'-2147483649'",
		 "unable to parse \"bclim\": number too small to fit in target type"},
		{"macvlan", ME, "", "'bclim':'2147483648'",
		 "unable to parse \"bclim\": number too large to fit in target type"},
		{"macvlan", ME ",'static_mac':'02:00'", "", "",
		 "invalid mac length for address: 02:00"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

static void addresses_are_checked(void **state)
{
	static const struct row rows[] = {
		{"macvlan", ME IPS,
		 "'subnets':[{'subnet':'10.90.0.0/24'},{'subnet':'10.90.0.0/24'}],", "",
		 "duplicate subnet defined: 10.90.0.0/24"},
		{"ipvlan", ME IPS,
		 "'subnets':[{'subnet':'10.90.0.0/24'},{'subnet':'10.90.0.0/16'}],", "",
		 "overlapping subnets: 10.90.0.0/24 and 10.90.0.0/16"},
		{"macvlan", ME ",'static_ips':['10.90.0.2','10.91.0.2']", SUBNET, "",
		 "not all static IPs matched a subnet: expected 2, got 1"},
		{"macvlan", ME IPS,
		 SUBNET "'routes':[{'destination':'10.1.0.0/16','route_type':'unicast'}],", "",
		 "route 10.1.0.0/16 requires a gateway for type unicast"},
		{"macvlan", ME, "'ipam_options':{'driver':'someDriver'},", "",
		 "unsupported ipam driver someDriver"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

/* Everything below is wrong; one row after the other, the first mistake is taken out. */
static void order_of_checks_is_upstreams(void **state)
{
#define WRONG_ROUTE SUBNET "'routes':[{'destination':'10.1.0.0/16'}],"
	static const struct row rows[] = {
		{"macvlan", "'interface_name':'','static_mac':'x'" IPS, WRONG_ROUTE,
		 "'mode':'x','mtu':'x','metric':'x'", "no container interface name given"},
		{"macvlan", ME ",'static_mac':'x'" IPS, WRONG_ROUTE,
		 "'mode':'x','mtu':'x','metric':'y'",
		 "unable to parse \"mtu\": invalid digit found in string"},
		{"macvlan", ME ",'static_mac':'x'" IPS, WRONG_ROUTE, "'mode':'x','metric':'y'",
		 "unable to parse \"metric\": invalid digit found in string"},
		{"macvlan", ME ",'static_mac':'x'" IPS, WRONG_ROUTE, "'mode':'x'",
		 "route 10.1.0.0/16 requires a gateway for type unicast"},
		{"macvlan", ME ",'static_mac':'x'" IPS, SUBNET, "'mode':'x'",
		 "invalid macvlan mode \"x\""},
		{"macvlan", ME ",'static_mac':'x'" IPS, SUBNET, "",
		 "unable to parse mac address x: invalid digit found in string"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

static void options_of_others_do_not_matter(void **state)
{
	static const struct row rows[] = {
		{"macvlan", ME, "", "'vlan':'x','vrf':'y','isolate':'z','mode':''", NULL},
		{"ipvlan", ME ",'static_mac':'x'", "", "'bclim':'x','mtu':'0','mode':''", NULL},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct planning p;

		if (plan_row(&p, &rows[i], false) < 0)
			fail_msg("%s", p.err.text);
		assert_int_equal(p.plan.networks[0].mtu, 0);
		assert_int_equal(p.plan.networks[0].metric, 99);
		assert_false(p.plan.networks[0].has_mac || p.plan.networks[0].uses_firewall ||
			     p.plan.networks[0].dns.wanted);
		planning_end(&p);
	}
}

static void teardown_goes_on_with_bad_options(void **state)
{
	static const struct row row = {"macvlan", ME ",'static_mac':'x'" IPS,
				       SUBNET "'routes':[{'destination':'10.1.0.0/16',"
					      "'gateway':'10.90.0.9'}],",
				       "'mode':'x','mtu':'y'", NULL};
	struct planning p;

	(void)state;
	assert_int_equal(plan_row(&p, &row, true), 0);
	assert_int_equal(p.err.collected, 0);
	assert_int_equal(p.plan.n_networks, 1);
	assert_int_equal(p.plan.networks[0].n_routes, 1);
	assert_int_equal(p.logged, 3);
	planning_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("macvlan: names that the kernel would refuse later", names_are_checked),
		TEST("NV-144 macvlan: bad options are refused", options_are_checked),
		TEST("NV-142 NV-162 macvlan: bad subnets, addresses and routes are refused",
		     addresses_are_checked),
		TEST("macvlan: which mistake is reported first", order_of_checks_is_upstreams),
		TEST("macvlan: options of other drivers do not matter",
		     options_of_others_do_not_matter),
		TEST("macvlan: teardown logs bad options and goes on",
		     teardown_goes_on_with_bad_options),
	};

	return cmocka_run_group_tests_name("vlan_plan", tests, NULL, NULL);
}
