/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "netavark/create.h"
#include "netavark/report.h"
#include "tests/unit/planning.h"

#define ID  "0123456789abcdefABCDEF6789abcdef0123456789abcdef0123456789abcdef"
#define NOW "2026-01-31T12:00:00.123456789Z"

/* What the cases change: a piece of this text is replaced by another, and perhaps a second one. */
#define NAME	  "'name':'lab'"
#define ID_MEMBER "'id':'" ID "'"
#define DRIVER	  "'driver':'bridge'"
#define INTERNAL  "'internal':false"
#define DNS	  "'dns_enabled':true"
#define IPV6	  "'ipv6_enabled':false"
#define MORE	  ",'more':0" /* for members that are added to the network */
#define POOLS	  "[{'base':'10.89.0.0/16','size':24}]"
#define USED	  "'10.88.0.0/16','10.89.0.0/24'"
#define CHECK	  "'check_used_subnets':true"
#define PREFIX	  "'default_interface_name':'podman'"

static const char document[] =
	"{'network':{'created':'0001-01-01T00:00:00Z'," NAME "," ID_MEMBER "," DRIVER "," INTERNAL
	"," DNS "," IPV6 MORE "},"
	"'used':{'interfaces':['podman0','used0'],'names':{'podman':'1','podman5':'2'},"
	"'subnets':[" USED ",'127.0.0.0/8','::1/128','fd00:4:4:4:4::/64']},"
	"'options':{'subnet_pools':" POOLS "," PREFIX "," CHECK "}}";

static const char *const links[] = {"lo", "eth0", "podman1", "podman2"};

static char *edit(struct arena *a, const char *text, const char *from, const char *to)
{
	const char *at = from ? strstr(text, from) : NULL;

	if (!from)
		return arena_strdup(a, text);
	if (!at)
		fail_msg("%s is not in the document", from);
	return arena_printf(a, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* Not random, but another number each time. */
static void count(void *out, size_t n)
{
	static unsigned char next;

	memset(out, 0, n);
	((unsigned char *)out)[n - 1] = ++next;
}

struct row {
	const char *from, *to;	 /* in the document above */
	const char *from2, *to2; /* NULL: no second change */
	const char *expected;
};

/* The line that is printed, or the text of the error. */
static char *answer_of(const struct row *row, struct arena *a, int *out_r)
{
	const struct options options = {0};
	struct create c = {0};
	struct document doc = {0};
	struct error err;
	char *text = edit(a, edit(a, document, row->from, row->to), row->from2, row->to2);
	char *answer;

	text = planning_quotes(a, text);
	*out_r = document_open(&doc, a, text, strlen(text), &err);
	if (*out_r == 0)
		*out_r = create_read(&doc, &c, &err);
	if (*out_r < 0)
		fail_msg("%s is not read: %s", row->to, err.text);
	c.options = &options;
	c.links = (const char **)(uintptr_t)links;
	c.n_links = array_size(links);
	c.now = NOW;
	c.random = count;
	*out_r = create_plan(&c, &err);
	answer = *out_r < 0 ? arena_strdup(a, err.text) : report_network(&c.net, a);
	create_close(&c);
	document_close(&doc);
	return answer;
}

static void completes(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena a = {0};
		int r;
		char *answer = answer_of(&rows[i], &a, &r);

		if (r < 0)
			fail_msg("%s is refused: %s", rows[i].to, answer);
		assert_string_equal(answer, planning_quotes(&a, rows[i].expected));
		arena_release(&a);
	}
}

static void refuses(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena a = {0};
		int r;
		char *answer = answer_of(&rows[i], &a, &r);

		if (r == 0)
			fail_msg("%s is accepted: %s", rows[i].to, answer);
		assert_string_equal(answer, rows[i].expected);
		arena_release(&a);
	}
}

#define OUT(dns, driver, internal, ipv6, rest)                                                     \
	"{'created':'" NOW "','dns_enabled':" dns ",'driver':'" driver "','id':'" ID               \
	"','internal':" internal ",'ipv6_enabled':" ipv6 ",'name':'lab'" rest "}\n"
#define BRIDGE(rest)	   OUT("true", "bridge", "false", "false", ",'network_interface':'podman3'" rest)
#define BRIDGE6(rest)	   OUT("true", "bridge", "false", "true", ",'network_interface':'podman3'" rest)
#define LOCAL		   ",'ipam_options':{'driver':'host-local'}"
#define SUBNETS(list)	   LOCAL ",'subnets':[" list "]"
#define SUBNET(gw, subnet) "{'gateway':'" gw "','subnet':'" subnet "'}"
#define AUTOMATIC	   SUBNETS(SUBNET("10.89.1.1", "10.89.1.0/24"))
#define GIVEN(list)	   ",'subnets':[" list "]"

/* ---- names ---- */

static void names_and_ids_are_checked(void **state)
{
	static const struct row rows[] = {
		{NAME, "'name':''", NULL, NULL, "Network name must be supplied"},
		{NAME, "'name':'-lab'", NULL, NULL,
		 "Invalid characters in network name \"-lab\": must match "
		 "[a-zA-Z0-9][a-zA-Z0-9_.-]*"},
		{NAME, "'name':'la\\u00e9b'", NULL, NULL,
		 "Invalid characters in network name \"la\u00e9b\": must match "
		 "[a-zA-Z0-9][a-zA-Z0-9_.-]*"},
		{NAME, "'name':'a b'", ID_MEMBER, "'id':''",
		 "Invalid characters in network name \"a b\": must match "
		 "[a-zA-Z0-9][a-zA-Z0-9_.-]*"},
		{NAME, "'name':'lab\\n'", NULL, NULL,
		 "Invalid characters in network name \"lab\\n\": must match "
		 "[a-zA-Z0-9][a-zA-Z0-9_.-]*"},
		{NAME, "'name':'podman5'", NULL, NULL, "network already exists podman5"},
		{ID_MEMBER, "'id':''", NULL, NULL, "Network id must be supplied"},
		{ID_MEMBER, "'id':'abc'", NULL, NULL,
		 "Network id must be a hexadecimal string \"abc\""},
		{ID, "g123456789abcdefABCDEF6789abcdef0123456789abcdef0123456789abcdef", NULL, NULL,
		 "Network id must be a hexadecimal string "
		 "\"g123456789abcdefABCDEF6789abcdef0123456789abcdef0123456789abcdef\""},
		{MORE, ",'network_interface':'a234567890123456'", NULL, NULL,
		 "Interface name is too long: interface names must be 15 characters or less: "
		 "a234567890123456"},
		{MORE, ",'network_interface':''", NULL, NULL, "Interface name cannot be . or .."},
		{MORE, ",'network_interface':'..'", NULL, NULL, "Interface name cannot be . or .."},
		{MORE, ",'network_interface':'.'", NULL, NULL, "bridge name . is invalid"},
		{MORE, ",'network_interface':'a/b'", NULL, NULL,
		 "Interface name cannot contain\"/\""},
		{MORE, ",'network_interface':'a:b'", NULL, NULL,
		 "Interface name cannot contain\":\""},
		{MORE, ",'network_interface':'a b'", NULL, NULL,
		 "Interface name cannot contain\" \""},
		{MORE, ",'network_interface':'-b'", NULL, NULL, "bridge name -b is invalid"},
		{MORE, ",'network_interface':'used0'", NULL, NULL,
		 "bridge name used0 already in use"},
		{MORE, ",'options':{'com.docker.network.bridge.name':'a234567890123456'}", NULL,
		 NULL,
		 "Interface name is too long: interface names must be 15 characters or less: "
		 "a234567890123456"},
		{PREFIX, "'other':0", NULL, NULL, "default interface name is not set"},
		{PREFIX, "'default_interface_name':'a23456789012345'", NULL, NULL,
		 "Interface name is too long: interface names must be 15 characters or less: "
		 "a234567890123451"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

static void bridges_get_the_first_free_name(void **state)
{
	static const struct row rows[] = {
		{MORE, "", NULL, NULL, BRIDGE(AUTOMATIC)},
		{MORE, ",'network_interface':null", NULL, NULL, BRIDGE(AUTOMATIC)},
		{"'used0'", "'podman3','podman4','podman7'", NULL, NULL,
		 OUT("true", "bridge", "false", "false",
		     ",'network_interface':'podman6'" AUTOMATIC)},
		{MORE, ",'network_interface':'eth0'", NULL, NULL,
		 OUT("true", "bridge", "false", "false", ",'network_interface':'eth0'" AUTOMATIC)},
		/* Several networks may share a bridge. */
		{MORE, ",'network_interface':'used0','options':{'vlan':'7'}", NULL, NULL,
		 OUT("true", "bridge", "false", "false",
		     ",'network_interface':'used0','options':{'vlan':'7'}" SUBNETS(
			     SUBNET("10.89.0.1", "10.89.0.0/24")))},
		{MORE, ",'network_interface':'used0','options':{'mode':'unmanaged'}", NULL, NULL,
		 OUT("true", "bridge", "false", "false",
		     ",'network_interface':'used0','options':{'mode':'unmanaged'}" SUBNETS(
			     SUBNET("10.89.0.1", "10.89.0.0/24")))},
	};

	(void)state;
	completes(rows, array_size(rows));
}

/* ---- subnets ---- */

static void subnets_are_taken_from_the_pools(void **state)
{
#define POOL(pools, subnets, gateway, subnet)                                                      \
	{                                                                                          \
		POOLS, pools, USED, subnets, BRIDGE(SUBNETS(SUBNET(gateway, subnet)))              \
	}
	static const struct row rows[] = {
		POOL(POOLS, "'10.1.0.0/16'", "10.89.0.1", "10.89.0.0/24"),
		/* Used ones that are smaller, larger, in the middle, with host bits. */
		POOL(POOLS, "'10.89.0.77/32','10.89.1.128/25'", "10.89.2.1", "10.89.2.0/24"),
		POOL(POOLS, "'10.89.0.0/17'", "10.89.128.1", "10.89.128.0/24"),
		POOL(POOLS, "'10.89.1.1/24','10.89.0.1/24'", "10.89.2.1", "10.89.2.0/24"),
		/* The second pool, after one that is full and one of the other family. */
		POOL("[{'base':'10.1.0.0/30','size':31},{'base':'fd10::/48','size':64},"
		     "{'base':'10.2.0.0/16','size':30}]",
		     "'10.1.0.1/31','10.1.0.2/31'", "10.2.0.1", "10.2.0.0/30"),
		/* One that is bad does not spoil the next. */
		POOL("[{'base':'10.1.0.0/16','size':0},{'base':'10.2.0.0/16','size':24}]",
		     "'10.77.0.0/16'", "10.2.0.1", "10.2.0.0/24"),
		POOL("[{'base':'10.1.2.3/16','size':16}]", "'10.77.0.0/16'", "10.1.0.1",
		     "10.1.0.0/16"),
		POOL("[{'base':'0.0.0.0/0','size':30}]",
		     "'0.0.0.0/1','128.0.0.0/2','192.0.0.0/3',"
		     "'224.0.0.0/4','240.0.0.0/5','248.0.0.0/6','252.0.0.0/7','254.0.0.0/8'",
		     "255.0.0.1", "255.0.0.0/30"),
	};
	static const struct row unchecked[] = {
		{CHECK, "'check_used_subnets':false", NULL, NULL,
		 BRIDGE(SUBNETS(SUBNET("10.89.0.1", "10.89.0.0/24")))},
	};

	(void)state;
	completes(rows, array_size(rows));
	completes(unchecked, array_size(unchecked));
}

static void bad_and_full_pools_are_refused(void **state)
{
#define BAD "Failed to create network from pool: invalid IP prefix length"
	static const struct row rows[] = {
		{POOLS, "[]", NULL, NULL, "could not find free subnet from subnet pools"},
		{POOLS, "[{'base':'fd10::/48','size':64}]", NULL, NULL,
		 "could not find free subnet from subnet pools"},
		{POOLS, "[{'base':'10.88.0.0/16','size':24}]", NULL, NULL,
		 "could not find free subnet from subnet pools"},
		{POOLS, "[{'base':'10.88.0.0/16','size':32}]", USED, "'0.0.0.0/0'",
		 "could not find free subnet from subnet pools"},
		{POOLS, "[{'base':'10.1.0.0/16','size':0}]", NULL, NULL, BAD},
		{POOLS, "[{'base':'10.1.0.0/16','size':15}]", NULL, NULL, BAD},
		{POOLS, "[{'base':'10.1.0.0/16','size':33}]", NULL, NULL, BAD},
		{POOLS, "[{'base':'10.1.0.0/16','size':256}]", NULL, NULL, BAD},
		{POOLS, "[{'base':'10.1.0.0/16','size':4294967295}]", NULL, NULL, BAD},
		{POOLS, "[{'base':'10.1.0.0/16','size':33},{'base':'10.88.0.0/16','size':24}]",
		 NULL, NULL, BAD},
		{POOLS, "[{'base':'255.255.0.0/16','size':24}]", USED, "'255.255.0.0/16'",
		 "Subnet address overflow"},
		{POOLS, "[{'base':'10.1.0.0/16','size':32}]", NULL, NULL,
		 "could not create gateway for subnet 10.1.0.0/32 because it has a 31 or greater "
		 "subnet prefix"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

static void given_subnets_are_kept(void **state)
{
	static const struct row rows[] = {
		{MORE, GIVEN("{'subnet':'10.5.0.0/16'}"), NULL, NULL,
		 BRIDGE(SUBNETS(SUBNET("10.5.0.1", "10.5.0.0/16")))},
		{MORE, GIVEN("{'subnet':'10.5.6.7/16'}"), NULL, NULL,
		 BRIDGE(SUBNETS(SUBNET("10.5.0.1", "10.5.6.7/16")))},
		{MORE, GIVEN("{'subnet':'10.5.0.0/16','gateway':'10.5.255.255'}"), NULL, NULL,
		 BRIDGE(SUBNETS(SUBNET("10.5.255.255", "10.5.0.0/16")))},
		{MORE, GIVEN("{'subnet':'10.5.0.0/30'},{'subnet':'10.6.0.0/16'}"), NULL, NULL,
		 BRIDGE(SUBNETS(
			 SUBNET("10.5.0.1", "10.5.0.0/30") "," SUBNET("10.6.0.1", "10.6.0.0/16")))},
		{MORE,
		 GIVEN("{'subnet':'10.5.0.0/16','lease_range':{'start_ip':'10.5.9.0',"
		       "'end_ip':'10.5.9.0'}}"),
		 NULL, NULL,
		 BRIDGE(SUBNETS("{'gateway':'10.5.0.1','lease_range':{'end_ip':'10.5.9.0',"
				"'start_ip':'10.5.9.0'},'subnet':'10.5.0.0/16'}"))},
		{MORE, GIVEN("{'subnet':'10.5.0.0/16','lease_range':{'end_ip':'10.5.9.0'}}"), NULL,
		 NULL,
		 BRIDGE(SUBNETS("{'gateway':'10.5.0.1','lease_range':{'end_ip':'10.5.9.0',"
				"'start_ip':null},'subnet':'10.5.0.0/16'}"))},
		/* Without the check, one that is used; a /31 with its own gateway. */
		{MORE, GIVEN("{'subnet':'10.88.0.0/31','gateway':'10.88.0.1'}"), CHECK,
		 "'check_used_subnets':false",
		 BRIDGE(SUBNETS(SUBNET("10.88.0.1", "10.88.0.0/31")))},
		{MORE, ",'options':{'vlan':'7'}" GIVEN("{'subnet':'10.88.0.0/16'}"), NULL, NULL,
		 BRIDGE(",'options':{'vlan':'7'}" SUBNETS(SUBNET("10.88.0.1", "10.88.0.0/16")))},
	};

	(void)state;
	completes(rows, array_size(rows));
}

static void bad_subnets_are_refused(void **state)
{
#define RANGE(range) GIVEN("{'subnet':'10.5.0.0/16','lease_range':{" range "}}")
	static const struct row rows[] = {
		{MORE, GIVEN("{'subnet':'10.5.0.0/16','gateway':'10.6.0.1'}"), NULL, NULL,
		 "gateway 10.6.0.1 not in subnet 10.5.0.0/16"},
		{MORE, GIVEN("{'subnet':'10.5.0.0/16','gateway':'fd00::1'}"), NULL, NULL,
		 "gateway fd00::1 not in subnet 10.5.0.0/16"},
		{MORE, RANGE("'start_ip':'x'"), NULL, NULL,
		 "invalid start_ip: invalid IP address syntax"},
		{MORE, RANGE("'end_ip':''"), NULL, NULL,
		 "invalid end_ip: invalid IP address syntax"},
		{MORE, RANGE("'start_ip':'10.6.0.1'"), NULL, NULL,
		 "lease range start_ip 10.6.0.1 not in subnet 10.5.0.0/16"},
		{MORE, RANGE("'start_ip':'FD00::0:1'"), NULL, NULL,
		 "lease range start_ip fd00::1 not in subnet 10.5.0.0/16"},
		{MORE, RANGE("'end_ip':'10.6.0.1'"), NULL, NULL,
		 "lease range end_ip 10.6.0.1 not in subnet 10.5.0.0/16"},
		{MORE, RANGE("'start_ip':'10.5.1.1','end_ip':'10.5.1.0'"), NULL, NULL,
		 "lease range start_ip 10.5.1.1 must be less than or equal to end_ip 10.5.1.0"},
		{MORE, GIVEN("{'subnet':'10.88.5.0/24'}"), NULL, NULL,
		 "subnet 10.88.5.0/24 is already used on the host or by another config"},
		{MORE, GIVEN("{'subnet':'FD00:4:4:4::/63'}"), NULL, NULL,
		 "subnet fd00:4:4:4::/63 is already used on the host or by another config"},
		{MORE, GIVEN("{'subnet':'fd00:4:4:4:4::/64'}"), NULL, NULL,
		 "subnet fd00:4:4:4:4::/64 is already used on the host or by another config"},
		{MORE, GIVEN("{'subnet':'10.5.0.0/16'},{'subnet':'10.5.0.0/16'}"), NULL, NULL,
		 "duplicate subnet defined: 10.5.0.0/16"},
		{MORE, GIVEN("{'subnet':'10.5.0.0/16'},{'subnet':'10.5.6.0/24'}"), NULL, NULL,
		 "overlapping subnets: 10.5.0.0/16 and 10.5.6.0/24"},
		{MORE, GIVEN("{'subnet':'10.5.0.0/31'}"), NULL, NULL,
		 "could not create gateway for subnet 10.5.0.0/31 because it has a 31 or greater "
		 "subnet prefix"},
		{MORE, GIVEN("{'subnet':'10.5.0.9/32'}"), NULL, NULL,
		 "could not create gateway for subnet 10.5.0.9/32 because it has a 31 or greater "
		 "subnet prefix"},
		{MORE, GIVEN("{'subnet':'fd05::9/128'}"), NULL, NULL,
		 "could not create gateway for subnet fd05::9/128 because it has a 128 or greater "
		 "subnet prefix"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

static void ipv6_gets_what_is_missing(void **state)
{
#define V6 "'ipv6_enabled':true"
	static const struct row rows[] = {
		{IPV6, V6, NULL, NULL,
		 BRIDGE6(SUBNETS(SUBNET("10.89.1.1", "10.89.1.0/24") "," SUBNET(
			 "fd00:0:0:1::1", "fd00:0:0:1::/64")))},
		{IPV6, V6, MORE, GIVEN("{'subnet':'10.5.0.0/16'}"),
		 BRIDGE6(SUBNETS(SUBNET("10.5.0.1", "10.5.0.0/16") "," SUBNET("fd00:0:0:2::1",
									      "fd00:0:0:2::/64")))},
		{IPV6, V6, MORE, GIVEN("{'subnet':'fd05::/64'}"),
		 BRIDGE6(SUBNETS(
			 SUBNET("fd05::1", "fd05::/64") "," SUBNET("10.89.1.1", "10.89.1.0/24")))},
		{IPV6, V6, MORE, GIVEN("{'subnet':'fd05::/64'},{'subnet':'10.5.0.0/16'}"),
		 BRIDGE6(SUBNETS(
			 SUBNET("fd05::1", "fd05::/64") "," SUBNET("10.5.0.1", "10.5.0.0/16")))},
		/* The subnet itself enables it, and then nothing is added. */
		{MORE, GIVEN("{'subnet':'fd05::/127'}"), NULL, NULL,
		 BRIDGE6(SUBNETS(SUBNET("fd05::1", "fd05::/127")))},
		/* One that is used is not taken, even if nothing else is checked. */
		{IPV6, V6, USED "", "'fd00:0:0:3::/64'",
		 BRIDGE6(SUBNETS(SUBNET("10.89.0.1", "10.89.0.0/24") "," SUBNET(
			 "fd00:0:0:4::1", "fd00:0:0:4::/64")))},
	};
	static const struct row used_up[] = {
		{IPV6, V6, USED, "'fd00::/8'", "failed to get random ipv6 subnet"},
	};

	(void)state;
	completes(rows, array_size(rows));
	refuses(used_up, array_size(used_up));
}

static void internal_networks_need_a_gateway_for_names_only(void **state)
{
	static const struct row rows[] = {
		{INTERNAL, "'internal':true", NULL, NULL,
		 OUT("true", "bridge", "true", "false",
		     ",'network_interface':'podman3'" AUTOMATIC)},
		{INTERNAL, "'internal':true", DNS, "'dns_enabled':false",
		 OUT("false", "bridge", "true", "false",
		     ",'network_interface':'podman3'" SUBNETS("{'subnet':'10.89.1.0/24'}"))},
		{INTERNAL "," DNS, "'internal':true,'dns_enabled':false", MORE,
		 GIVEN("{'subnet':'10.5.0.0/32','gateway':'10.5.0.0'}"),
		 OUT("false", "bridge", "true", "false",
		     ",'network_interface':'podman3'" SUBNETS(SUBNET("10.5.0.0", "10.5.0.0/32")))},
		{INTERNAL "," DNS, "'internal':true,'dns_enabled':false", MORE,
		 GIVEN("{'subnet':'10.5.0.0/32'}"),
		 OUT("false", "bridge", "true", "false",
		     ",'network_interface':'podman3'" SUBNETS("{'subnet':'10.5.0.0/32'}"))},
	};

	(void)state;
	completes(rows, array_size(rows));
}

/* ---- options ---- */

static void bridge_options_are_kept_and_translated(void **state)
{
#define KEPT(options)                                                                              \
	{                                                                                          \
		MORE, ",'options':{" options "}", NULL, NULL,                                      \
			BRIDGE(",'options':{" options "}" AUTOMATIC)                               \
	}
	static const struct row rows[] = {
		KEPT(""),
		KEPT("'mtu':'1400','isolate':'strict','metric':'7','no_default_route':'true',"
		     "'vrf':'red','mode':'managed'"),
		KEPT("'outbound_addr4':'192.0.2.1','outbound_addr6':'fd00::1'"),
		KEPT("'no_default_route':'1','isolate':'1'"),
		KEPT("'isolate':'','mode':'','conntrack_flush':'false'"),
		{MORE,
		 ",'options':{'com.docker.network.driver.mtu':'1400',"
		 "'com.docker.network.bridge.name':'br9'}",
		 NULL, NULL,
		 OUT("true", "bridge", "false", "false",
		     ",'network_interface':'br9','options':{'mtu':'1400'}" AUTOMATIC)},
		{MORE, ",'options':{'com.docker.network.bridge.name':'br9'}", NULL, NULL,
		 OUT("true", "bridge", "false", "false",
		     ",'network_interface':'br9','options':{}" AUTOMATIC)},
	};

	(void)state;
	completes(rows, array_size(rows));
}

static void bad_options_are_refused(void **state)
{
#define OPTION(option, text)                                                                       \
	{                                                                                          \
		MORE, ",'options':{" option "}", NULL, NULL, text                                  \
	}
#define NO_BOOL "provided string was not `true` or `false`"
	static const struct row rows[] = {
		OPTION("'bogus':'1'", "unsupported bridge network option: bogus"),
		OPTION("'MTU':'1400'", "unsupported bridge network option: MTU"),
		OPTION("'bclim':'1'", "unsupported bridge network option: bclim"),
		OPTION("'mtu':'abc'", "unable to parse \"mtu\": invalid digit found in string"),
		OPTION("'mtu':'-1'", "unable to parse \"mtu\": invalid digit found in string"),
		OPTION("'com.docker.network.driver.mtu':'x'",
		       "unable to parse \"mtu\": invalid digit found in string"),
		OPTION("'vlan':'abc'", "unable to parse \"vlan\": invalid digit found in string"),
		OPTION("'vlan':'99999'",
		       "unable to parse \"vlan\": number too large to fit in target type"),
		OPTION("'vlan':'4095'", "vlan must be between 0 and 4094"),
		OPTION("'metric':''",
		       "unable to parse \"metric\": cannot parse integer from empty string"),
		OPTION("'isolate':'yes'", "invalid isolate option \"yes\""),
		OPTION("'no_default_route':'yes'",
		       "unable to parse \"no_default_route\": " NO_BOOL),
		OPTION("'outbound_addr4':'fd00::1'",
		       "unable to parse \"outbound_addr4\": invalid IPv4 address syntax"),
		OPTION("'outbound_addr6':'x'",
		       "unable to parse \"outbound_addr6\": invalid IPv6 address syntax"),
		OPTION("'mode':'bogus'", "invalid bridge mode \"bogus\""),
	};

	(void)state;
	refuses(rows, array_size(rows));
}

static void ipam_drivers_are_checked(void **state)
{
	static const struct row good[] = {
		{MORE, ",'ipam_options':{'driver':'none'}", NULL, NULL,
		 OUT("false", "bridge", "false", "false",
		     ",'network_interface':'podman3','ipam_options':{'driver':'none'}")},
		{MORE, ",'ipam_options':{'driver':'none'},'subnets':[]", NULL, NULL,
		 OUT("false", "bridge", "false", "false",
		     ",'network_interface':'podman3','ipam_options':{'driver':'none'},"
		     "'subnets':[]")},
		{MORE, ",'ipam_options':{'driver':'dhcp'}", NULL, NULL,
		 BRIDGE(",'ipam_options':{'driver':'dhcp'}")},
		{MORE, ",'ipam_options':{'driver':''}", NULL, NULL, BRIDGE(AUTOMATIC)},
		{MORE, ",'ipam_options':{'driver':'host-local','a':'b'}", NULL, NULL,
		 BRIDGE(",'ipam_options':{'a':'b','driver':'host-local'},'subnets':[" SUBNET(
			 "10.89.1.1", "10.89.1.0/24") "]")},
	};
	static const struct row bad[] = {
		{MORE, ",'ipam_options':{'driver':'none'}" GIVEN("{'subnet':'10.5.0.0/16'}"), NULL,
		 NULL, "None ipam driver is set but subnets are given"},
		{MORE, ",'ipam_options':{'driver':'bogus'}", NULL, NULL,
		 "Unsupported ipam driver: bogus"},
	};

	(void)state;
	completes(good, array_size(good));
	refuses(bad, array_size(bad));
}

/* ---- macvlan and ipvlan ---- */

static void macvlan_and_ipvlan_have_their_own_rules(void **state)
{
#define VLAN(driver, rest) OUT("false", driver, "false", "false", rest)
#define MACVLAN		   "'driver':'macvlan'"
#define IPVLAN		   "'driver':'ipvlan'"
	static const struct row good[] = {
		{DRIVER, MACVLAN, NULL, NULL, VLAN("macvlan", ",'ipam_options':{'driver':'dhcp'}")},
		{DRIVER, MACVLAN, MORE, ",'ipam_options':{'driver':'dhcp'},'subnets':[]",
		 VLAN("macvlan", ",'ipam_options':{'driver':'dhcp'},'subnets':[]")},
		{DRIVER, MACVLAN, MORE, ",'ipam_options':{'driver':'none'}",
		 VLAN("macvlan", ",'ipam_options':{'driver':'none'}")},
		/* Subnets are not compared with those of the host: they are the host's. */
		{DRIVER, MACVLAN, MORE,
		 ",'network_interface':'eth0'" GIVEN("{'subnet':'10.88.0.0/16'}"),
		 VLAN("macvlan",
		      ",'network_interface':'eth0'" SUBNETS(SUBNET("10.88.0.1", "10.88.0.0/16")))},
		{DRIVER "," INTERNAL, MACVLAN ",'internal':true", MORE,
		 GIVEN("{'subnet':'10.88.0.0/16'}"),
		 OUT("false", "macvlan", "true", "false", SUBNETS("{'subnet':'10.88.0.0/16'}"))},
		{DRIVER, MACVLAN, MORE,
		 ",'options':{'mode':'passthru','mtu':'1','metric':'2','no_default_route':'1',"
		 "'bclim':'-1'}",
		 VLAN("macvlan", ",'options':{'mode':'passthru','mtu':'1','metric':'2',"
				 "'no_default_route':'1','bclim':'-1'},"
				 "'ipam_options':{'driver':'dhcp'}")},
		{DRIVER, IPVLAN, MORE, ",'options':{'mode':'l3s'}" GIVEN("{'subnet':'fd05::/64'}"),
		 OUT("false", "ipvlan", "false", "true",
		     ",'options':{'mode':'l3s'}" SUBNETS(SUBNET("fd05::1", "fd05::/64")))},
		{DRIVER, IPVLAN, MORE, ",'ipam_options':{'driver':'none'}",
		 VLAN("ipvlan", ",'ipam_options':{'driver':'none'}")},
	};
	static const struct row bad[] = {
		{DRIVER, MACVLAN, MORE, ",'network_interface':'none0'",
		 "parent interface none0 does not exist"},
		{DRIVER, IPVLAN, NULL, NULL, "ipam driver dhcp is not supported with ipvlan"},
		{DRIVER, IPVLAN, MORE, ",'ipam_options':{'driver':'dhcp'}",
		 "ipam driver dhcp is not supported with ipvlan"},
		{DRIVER, MACVLAN, MORE, ",'ipam_options':{'driver':'host-local'}",
		 "macvlan driver needs at least one subnet specified when the host-local ipam "
		 "driver is set"},
		{DRIVER, MACVLAN, MORE,
		 ",'ipam_options':{'driver':'dhcp'}" GIVEN("{'subnet':'10.5.0.0/16'}"),
		 "ipam driver dhcp set but subnets are set"},
		{DRIVER, MACVLAN, MORE, ",'options':{'isolate':'true'}",
		 "unsupported vlan network option: isolate"},
		{DRIVER, IPVLAN, MORE, ",'options':{'bclim':'1'},'ipam_options':{'driver':'none'}",
		 "unsupported ipvlan network option bclim"},
		{DRIVER, MACVLAN, MORE, ",'options':{'mode':'l2'}", "invalid macvlan mode \"l2\""},
		{DRIVER, IPVLAN, MORE,
		 ",'options':{'mode':'bridge'},'ipam_options':{'driver':'none'}",
		 "invalid ipvlan mode \"bridge\""},
		{DRIVER, MACVLAN, MORE, ",'options':{'bclim':'x'}",
		 "unable to parse \"bclim\": invalid digit found in string"},
		{DRIVER, MACVLAN, MORE, ",'options':{'mtu':'x'}",
		 "unable to parse \"mtu\": invalid digit found in string"},
		{DRIVER, MACVLAN, MORE, ",'network_dns_servers':['9.9.9.9']",
		 "cannot set NetworkDNSServers if DNS is not enabled for the network"},
		{DRIVER, "'driver':'own'", NULL, NULL, "plugin directory not provided"},
	};

	(void)state;
	completes(good, array_size(good));
	refuses(bad, array_size(bad));
}

/* ---- the rest ---- */

static void dns_servers_need_dns(void **state)
{
	static const struct row good[] = {
		{MORE, ",'network_dns_servers':['9.9.9.9','FD00::0:1']", NULL, NULL,
		 BRIDGE(AUTOMATIC ",'network_dns_servers':['9.9.9.9','fd00::1']")},
		{MORE, ",'network_dns_servers':[]", NULL, NULL,
		 BRIDGE(AUTOMATIC ",'network_dns_servers':[]")},
		{DNS, "'dns_enabled':false", MORE, ",'network_dns_servers':null",
		 OUT("false", "bridge", "false", "false",
		     ",'network_interface':'podman3'" AUTOMATIC)},
	};
	static const struct row bad[] = {
		{DNS, "'dns_enabled':false", MORE, ",'network_dns_servers':['9.9.9.9']",
		 "cannot set NetworkDNSServers if DNS is not enabled for the network"},
		{DNS, "'dns_enabled':false", MORE, ",'network_dns_servers':[]",
		 "cannot set NetworkDNSServers if DNS is not enabled for the network"},
		{MORE, ",'ipam_options':{'driver':'none'},'network_dns_servers':[]", NULL, NULL,
		 "cannot set NetworkDNSServers if DNS is not enabled for the network"},
	};

	(void)state;
	completes(good, array_size(good));
	refuses(bad, array_size(bad));
}

static void routes_are_checked_and_kept(void **state)
{
#define ROUTES(route) ",'routes':[" route "]"
	static const struct row good[] = {
		{MORE,
		 ROUTES("{'destination':'10.9.0.0/16','gateway':'fd00::9','metric':5},"
			"{'destination':'10.8.0.0/16','route_type':'blackhole'},"
			"{'destination':'0.0.0.0/0','gateway':'10.89.1.9','route_type':'unicast'}"),
		 NULL, NULL,
		 BRIDGE(AUTOMATIC ROUTES(
			 "{'gateway':'fd00::9','destination':'10.9.0.0/16','metric':5},"
			 "{'destination':'10.8.0.0/16','metric':null,'route_type':'blackhole'},"
			 "{'gateway':'10.89.1.9','destination':'0.0.0.0/0','metric':null,"
			 "'route_type':'unicast'}"))},
	};
	static const struct row bad[] = {
		{MORE, ROUTES("{'destination':'10.9.0.1/16','gateway':'10.89.1.9'}"), NULL, NULL,
		 "route destination invalid"},
		{MORE, ROUTES("{'destination':'10.9.0.0/16'}"), NULL, NULL,
		 "route 10.9.0.0/16 requires a gateway for type unicast"},
		{MORE,
		 ROUTES("{'destination':'10.9.0.0/16','gateway':'10.89.1.9',"
			"'route_type':'blackhole'}"),
		 NULL, NULL, "route 10.9.0.0/16 must not have a gateway for type blackhole"},
		{MORE, ROUTES("{'destination':'10.9.0.0/16','route_type':'Blackhole'}"), NULL, NULL,
		 "invalid route type \"Blackhole\""},
	};

	(void)state;
	completes(good, array_size(good));
	refuses(bad, array_size(bad));
}

static void labels_are_kept(void **state)
{
	static const struct row rows[] = {
		{MORE, ",'labels':{}", NULL, NULL, BRIDGE(AUTOMATIC ",'labels':{}")},
		{MORE, ",'labels':{'z':'1','a':'2'}", NULL, NULL,
		 BRIDGE(AUTOMATIC ",'labels':{'z':'1','a':'2'}")},
	};

	(void)state;
	completes(rows, array_size(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-271 NV-272 NV-273 create: names and ids are checked",
		     names_and_ids_are_checked),
		TEST("NV-270 NV-273 NV-274 create: a bridge gets the first free name",
		     bridges_get_the_first_free_name),
		TEST("NV-270 NV-278 NV-295 create: a subnet is taken from the pools",
		     subnets_are_taken_from_the_pools),
		TEST("NV-295 create: bad and full pools are refused, and soon",
		     bad_and_full_pools_are_refused),
		TEST("NV-275 NV-277 create: given subnets, gateways and ranges are kept",
		     given_subnets_are_kept),
		TEST("NV-276 NV-277 NV-278 NV-279 NV-280 create: bad subnets are refused",
		     bad_subnets_are_refused),
		TEST("NV-281 NV-282 create: IPv6 gets what is missing", ipv6_gets_what_is_missing),
		TEST("NV-283 create: an internal network has a gateway only for names",
		     internal_networks_need_a_gateway_for_names_only),
		TEST("NV-285 NV-287 NV-288 create: options of a bridge are kept and translated",
		     bridge_options_are_kept_and_translated),
		TEST("NV-285 NV-286 NV-288 create: bad options are refused",
		     bad_options_are_refused),
		TEST("NV-289 create: drivers of address management", ipam_drivers_are_checked),
		TEST("NV-290 NV-291 create: macvlan and ipvlan have rules of their own",
		     macvlan_and_ipvlan_have_their_own_rules),
		TEST("NV-284 create: DNS servers need DNS", dns_servers_need_dns),
		TEST("NV-292 create: routes are checked and kept", routes_are_checked_and_kept),
		TEST("NV-293 create: labels are kept", labels_are_kept),
	};

	return cmocka_run_group_tests_name("create", tests, NULL, NULL);
}
