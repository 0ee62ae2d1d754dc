/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "netavark/ipam.h"
#include "tests/unit/planning.h"

#define SUBNETS "[{'subnet':'10.90.0.0/24','gateway':'10.90.0.1'}]"
#define STATIC	",'static_ips':['10.90.0.2']"
#define OPTIONS "'options':{}"

static void subnets_are_checked(void **state)
{
	static const struct planning_row rows[] = {
		{SUBNETS, "[{'subnet':'10.90.0.0/24'},{'subnet':'10.90.0.0/24'}]",
		 "duplicate subnet defined: 10.90.0.0/24"},
		{SUBNETS,
		 "[{'subnet':'fd90::/64'},{'subnet':'10.90.0.0/24'},{'subnet':'fd90::/64'}]",
		 "duplicate subnet defined: fd90::/64"},
		{SUBNETS, "[{'subnet':'10.90.0.0/24'},{'subnet':'10.0.0.0/8'}]",
		 "overlapping subnets: 10.90.0.0/24 and 10.0.0.0/8"},
		{SUBNETS, "[{'subnet':'10.0.0.0/8'},{'subnet':'10.90.0.5/24'}]",
		 "overlapping subnets: 10.0.0.0/8 and 10.90.0.5/24"},
		{SUBNETS, "[{'subnet':'fd90::/48'},{'subnet':'fd90:0:0:7::/64'}]",
		 "overlapping subnets: fd90::/48 and fd90:0:0:7::/64"},
		{"'gateway':'10.90.0.1'", "'gateway':'10.91.0.1'",
		 "gateway 10.91.0.1 not in subnet 10.90.0.0/24 at "
		 "/network_info/blue/subnets/0/gateway"},
		{"'gateway':'10.90.0.1'", "'gateway':'fd90::1'",
		 "gateway fd90::1 not in subnet 10.90.0.0/24 at "
		 "/network_info/blue/subnets/0/gateway"},
		{OPTIONS, "'ipam_options':{'driver':'someDriver'}",
		 "unsupported ipam driver someDriver"},
		{OPTIONS, "'ipam_options':{'driver':''}", "unsupported ipam driver "},
	};

	(void)state;
	planning_refuses(rows, array_size(rows));
}

static void static_addresses_are_checked(void **state)
{
	static const struct planning_row rows[] = {
		{"'10.90.0.2'", "'10.90.0.2','10.91.0.2'",
		 "not all static IPs matched a subnet: expected 2, got 1"},
		{"'10.90.0.2'", "'::ffff:10.90.0.2'",
		 "not all static IPs matched a subnet: expected 1, got 0"},
		{"'10.90.0.2'", "'fd90::2'",
		 "not all static IPs matched a subnet: expected 1, got 0"},
		{SUBNETS, "[]", "not all static IPs matched a subnet: expected 1, got 0"},
		{"'10.90.0.2'", "'10.90.0.2','10.90.0.2'",
		 "duplicate static ip 10.90.0.2 at /networks/blue/static_ips"},
	};

	(void)state;
	planning_refuses(rows, array_size(rows));
}

static void routes_are_checked(void **state)
{
#define ROUTE(text) "'routes':[{" text "}]"
	static const struct planning_row rows[] = {
		{OPTIONS, ROUTE("'destination':'10.1.0.0/16'"),
		 "route 10.1.0.0/16 requires a gateway for type unicast"},
		{OPTIONS, ROUTE("'destination':'10.1.2.3/16','route_type':'unicast'"),
		 "route 10.1.2.3/16 requires a gateway for type unicast"},
		{OPTIONS,
		 ROUTE("'destination':'10.1.0.0/"
		       "16','gateway':'10.90.0.9','route_type':'blackhole'"),
		 "route 10.1.0.0/16 must not have a gateway for type BlackHole"},
		{OPTIONS,
		 ROUTE("'destination':'10.1.0.0/16','gateway':'10.90.0.9',"
		       "'route_type':'unreachable'"),
		 "route 10.1.0.0/16 must not have a gateway for type Unreachable"},
		{OPTIONS,
		 ROUTE("'destination':'fd01::/64','gateway':'fd90::9','route_type':'prohibit'"),
		 "route fd01::/64 must not have a gateway for type Prohibit"},
		{OPTIONS, ROUTE("'destination':'fd01::/64','gateway':'10.90.0.9'"),
		 "route with ipv6 destination and ipv4 gateway (fd01::/64 via 10.90.0.9)"},
		{OPTIONS, ROUTE("'destination':'10.1.0.0/16','gateway':'fd90::9'"),
		 "route with ipv4 destination and ipv6 gateway (10.1.0.0/16 via fd90::9)"},
		{OPTIONS, ROUTE("'destination':'10.1.0.0/16','route_type':'throw'"),
		 "invalid route type \"throw\""},
		{OPTIONS, ROUTE("'destination':'10.1.0.0/16','route_type':'BlackHole'"),
		 "invalid route type \"BlackHole\""},
	};

	(void)state;
	planning_refuses(rows, array_size(rows));
}

static void route_metric_of_zero_is_kept(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(planning_of(&p, OPTIONS,
				     "'routes':[{'destination':'10.1.0.0/16',"
				     "'gateway':'10.90.0.9','metric':0},"
				     "{'destination':'10.2.0.0/16','gateway':'10.90.0.9'}]"),
			 0);
	assert_int_equal(p.plan.networks[0].routes[0].metric, 0);
	assert_int_equal(p.plan.networks[0].routes[1].metric, 100);
	planning_end(&p);
}

/* One row: the container has no static address, and the network's subnets are these. */
struct range_row {
	const char *subnets, *error;
};

static int plan_automatic(struct planning *p, const char *subnets)
{
	struct arena a = {0};
	char *doc = planning_edit(&a, STATIC, "");
	char *at = strstr(doc, SUBNETS);
	int r = planning_read(p, arena_printf(&a, "%.*s%s%s", (int)(at - doc), doc, subnets,
					      at + strlen(SUBNETS)));

	arena_release(&a);
	return r < 0 ? r : planning_plan(p, "nftables", false);
}

static void lease_ranges_are_checked(void **state)
{
#define RANGE(subnet, range) "[{'subnet':'" subnet "','lease_range':{" range "}}]"
#define AT_RANGE	     " at /network_info/blue/subnets/0/lease_range"
#define AT_SUBNET	     " at /network_info/blue/subnets/0/subnet"
	static const struct range_row rows[] = {
		{RANGE("10.90.0.0/24", "'start_ip':'10.90.0'"),
		 "invalid start_ip: invalid IP address syntax: \"10.90.0\"" AT_RANGE},
		{RANGE("10.90.0.0/24", "'end_ip':''"),
		 "invalid end_ip: invalid IP address syntax: \"\"" AT_RANGE},
		{RANGE("10.90.0.0/24", "'start_ip':'10.91.0.5'"),
		 "lease range start_ip 10.91.0.5 not in subnet 10.90.0.0/24" AT_RANGE},
		{RANGE("10.90.0.0/24", "'end_ip':'fd90::5'"),
		 "lease range end_ip fd90::5 not in subnet 10.90.0.0/24" AT_RANGE},
		{RANGE("10.90.0.0/24", "'start_ip':'10.90.0.9','end_ip':'10.90.0.8'"),
		 "lease range start_ip 10.90.0.9 must be less than or equal to end_ip "
		 "10.90.0.8" AT_RANGE},
		{RANGE("10.90.0.0/24", "'end_ip':'10.90.0.0'"),
		 "IPAM error: failed to find free IP in range: 10.90.0.0/24 has no room" AT_SUBNET},
		{"[{'subnet':'10.90.0.0/31'}]",
		 "IPAM error: failed to find free IP in range: 10.90.0.0/31 has no room" AT_SUBNET},
		{"[{'subnet':'10.90.0.0/32'}]",
		 "IPAM error: failed to find free IP in range: 10.90.0.0/32 has no room" AT_SUBNET},
		{"[{'subnet':'fd90::1/128'}]",
		 "IPAM error: failed to find free IP in range: fd90::1/128 has no room" AT_SUBNET},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct planning p;

		assert_int_equal(plan_automatic(&p, rows[i].subnets), -EINVAL);
		assert_true(p.read);
		assert_string_equal(planning_error(&p), rows[i].error);
		planning_end(&p);
	}
}

static void lease_range_is_not_looked_at_with_static_addresses(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(planning_of(&p, "'gateway':'10.90.0.1'",
				     "'lease_range':{'start_ip':'nonsense'}"),
			 0);
	assert_int_equal(p.plan.networks[0].ipam, IPAM_STATIC);
	planning_end(&p);
}

static void ipam_range_is_what_may_be_handed_out(void **state)
{
	static const struct {
		const char *subnet, *start, *end, *first, *last;
	} rows[] = {
		{"10.90.0.0/24", NULL, NULL, "10.90.0.1", "10.90.0.254"},
		{"10.90.0.9/24", NULL, NULL, "10.90.0.1", "10.90.0.254"},
		{"10.90.0.0/30", NULL, NULL, "10.90.0.1", "10.90.0.2"},
		{"10.90.0.0/31", NULL, NULL, NULL, NULL},
		{"10.90.0.0/32", NULL, NULL, NULL, NULL},
		{"10.0.0.0/8", NULL, NULL, "10.0.0.1", "10.255.255.254"},
		{"fd90::/64", NULL, NULL, "fd90::1", "fd90::ffff:ffff:ffff:ffff"},
		{"fd90::/127", NULL, NULL, "fd90::1", "fd90::1"},
		{"fd90::/128", NULL, NULL, NULL, NULL},
		{"10.90.0.0/24", "10.90.0.0", "10.90.0.255", "10.90.0.1", "10.90.0.254"},
		{"10.90.0.0/24", "10.90.0.10", "10.90.0.10", "10.90.0.10", "10.90.0.10"},
		{"10.90.0.0/24", NULL, "10.90.0.5", "10.90.0.1", "10.90.0.5"},
		{"10.90.0.0/24", "10.90.0.255", NULL, NULL, NULL},
		{"fd90::/64", "fd90::100", NULL, "fd90::100", "fd90::ffff:ffff:ffff:ffff"},
		{"fd90::/64", "fd90::", "fd90::ffff:ffff:ffff:ffff", "fd90::1",
		 "fd90::ffff:ffff:ffff:ffff"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct subnet s = {.start = rows[i].start, .end = rows[i].end};
		struct addr first, last;

		assert_true(prefix_parse(rows[i].subnet, &s.net));
		bool any = ipam_range(&s, &first, &last);
		assert_int_equal(any, rows[i].first != NULL);
		if (!any)
			continue;
		assert_string_equal(addr_str(&first), rows[i].first);
		assert_string_equal(addr_str(&last), rows[i].last);
	}
}

static void kind_depends_on_driver_and_addresses(void **state)
{
	static const struct {
		const char *from, *to;
		enum ipam_kind kind;
	} rows[] = {
		{STATIC, STATIC, IPAM_STATIC},
		{STATIC, "", IPAM_AUTOMATIC},
		{STATIC, ",'static_ips':[]", IPAM_AUTOMATIC},
		{STATIC, ",'static_ips':null", IPAM_AUTOMATIC},
		{OPTIONS, "'ipam_options':{'driver':'host-local'}", IPAM_STATIC},
		{OPTIONS, "'ipam_options':{'driver':'none'}", IPAM_NONE},
		{OPTIONS, "'ipam_options':{}", IPAM_STATIC},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct planning p;

		if (planning_of(&p, rows[i].from, rows[i].to) < 0)
			fail_msg("%s: %s", rows[i].to, p.err.text);
		assert_int_equal(p.plan.networks[0].ipam, rows[i].kind);
		planning_end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-118 NV-170 addresses: subnets, gateways and drivers", subnets_are_checked),
		TEST("NV-171 addresses: static ones must have a subnet, each once",
		     static_addresses_are_checked),
		TEST("NV-162 routes: gateways, families and types", routes_are_checked),
		TEST("NV-163 routes: metric 100 unless given, also 0",
		     route_metric_of_zero_is_kept),
		TEST("NV-174 NV-185 lease ranges: what is wrong with them",
		     lease_ranges_are_checked),
		TEST("NV-183 lease ranges: not looked at with static addresses",
		     lease_range_is_not_looked_at_with_static_addresses),
		TEST("NV-173 NV-174 NV-185 lease ranges: first and last address",
		     ipam_range_is_what_may_be_handed_out),
		TEST("NV-173 addresses: ours to choose only without static ones",
		     kind_depends_on_driver_and_addresses),
	};

	return cmocka_run_group_tests_name("ipam", tests, NULL, NULL);
}
