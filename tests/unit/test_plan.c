/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/planning.h"

#define OPTIONS	  "'options':{}"
#define PORT	  "'host_port':8080"
#define INTERFACE "'interface_name':'eth0'"

static void names_are_checked(void **state)
{
	static const struct planning_row rows[] = {
		{"'network_interface':'br-blue',", "", "no bridge interface name given"},
		{"'br-blue'", "''", "no bridge interface name given"},
		{"'eth0'", "''", "no container interface name given"},
		{"'br-blue'", "'a-name-of-17-bytes'",
		 "get bridge interface: Netlink error: Numerical result out of range (os error "
		 "34): \"a-name-of-17-bytes\" at /network_info/blue/network_interface"},
		{"'eth0'", "'exactly-16-bytes'",
		 "create veth pair: Netlink error: Numerical result out of range (os error 34): "
		 "\"exactly-16-bytes\" at /networks/blue/interface_name"},
		{"'eth0'", "'a b'",
		 "create veth pair: Netlink error: Invalid argument (os error 22): \"a b\" at "
		 "/networks/blue/interface_name"},
		{"'eth0'", "'a/b'",
		 "create veth pair: Netlink error: Invalid argument (os error 22): \"a/b\" at "
		 "/networks/blue/interface_name"},
		{INTERFACE, INTERFACE ",'options':{'host_interface_name':'..'}",
		 "create veth pair: Netlink error: Invalid argument (os error 22): \"..\" at "
		 "/networks/blue/options/host_interface_name"},
	};

	(void)state;
	planning_refuses(rows, array_size(rows));
}

static void options_are_checked(void **state)
{
	static const struct planning_row rows[] = {
		{OPTIONS, "'options':{'mtu':'abc'}",
		 "unable to parse \"mtu\": invalid digit found in string"},
		{OPTIONS, "'options':{'mtu':''}",
		 "unable to parse \"mtu\": cannot parse integer from empty string"},
		{OPTIONS, "'options':{'mtu':'-1'}",
		 "unable to parse \"mtu\": invalid digit found in string"},
		{OPTIONS, "'options':{'metric':'4294967296'}",
		 "unable to parse \"metric\": number too large to fit in target type"},
		{OPTIONS, "'options':{'isolate':'yes'}", "invalid isolate option \"yes\""},
		{OPTIONS, "'options':{'isolate':'STRICT'}", "invalid isolate option \"STRICT\""},
		{OPTIONS, "'options':{'no_default_route':'yes'}",
		 "unable to parse \"no_default_route\": provided string was not `true` or `false`"},
		{OPTIONS, "'options':{'no_default_route':''}",
		 "unable to parse \"no_default_route\": provided string was not `true` or `false`"},
		{OPTIONS, "'options':{'mode':'bogus'}", "invalid bridge mode \"bogus\""},
		{OPTIONS, "'options':{'outbound_addr4':'fd00::1'}",
		 "unable to parse \"outbound_addr4\": invalid IPv4 address syntax"},
		{OPTIONS, "'options':{'outbound_addr4':'1.2.3.4/32'}",
		 "unable to parse \"outbound_addr4\": invalid IPv4 address syntax"},
		{OPTIONS, "'options':{'outbound_addr6':'1.2.3.4'}",
		 "unable to parse \"outbound_addr6\": invalid IPv6 address syntax"},
		{INTERFACE, INTERFACE ",'static_mac':''",
		 "unable to parse mac address : cannot parse integer from empty string"},
		{INTERFACE, INTERFACE ",'static_mac':'aa:bb:cc:dd:ee'",
		 "invalid mac length for address: aa:bb:cc:dd:ee"},
		{OPTIONS, "'ipam_options':{'driver':'dhcp'}",
		 "cannot use dhcp ipam driver without using the option mode=unmanaged"},
	};

	(void)state;
	planning_refuses(rows, array_size(rows));
}

static void vlan_and_vrf_are_checked(void **state)
{
	static const struct planning_row rows[] = {
		{OPTIONS, "'options':{'vlan':'x'}",
		 "unable to parse \"vlan\": invalid digit found in string"},
		{OPTIONS, "'options':{'vlan':''}",
		 "unable to parse \"vlan\": cannot parse integer from empty string"},
		{OPTIONS, "'options':{'vlan':'-1'}",
		 "unable to parse \"vlan\": invalid digit found in string"},
		{OPTIONS, "'options':{'vlan':'65536'}",
		 "unable to parse \"vlan\": number too large to fit in target type"},
		{OPTIONS, "'options':{'vlan':'4095'}", "vlan must be between 0 and 4094"},
		{OPTIONS, "'options':{'vlan':'65535'}", "vlan must be between 0 and 4094"},
		{OPTIONS, "'options':{'vlan':'0'}",
		 "a bridge port cannot be in vlan 0 at /network_info/blue/options/vlan"},
		{OPTIONS, "'options':{'vrf':'a-name-of-17-bytes'}",
		 "get vrf to set up bridge interface: Netlink error: Numerical result out of range "
		 "(os error 34): \"a-name-of-17-bytes\" at /network_info/blue/options/vrf"},
		{OPTIONS, "'options':{'vrf':'a/b'}",
		 "get vrf to set up bridge interface: Netlink error: Invalid argument "
		 "(os error 22): \"a/b\" at /network_info/blue/options/vrf"},
	};

	(void)state;
	planning_refuses(rows, array_size(rows));
}

/* Each row has two mistakes; the one that upstream reports is reported. */
static void order_of_checks_is_upstreams(void **state)
{
	static const struct planning_row rows[] = {
		{"'br-blue','subnets':[{'subnet':'10.90.0.0/24','gateway':'10.90.0.1'}]",
		 "'','subnets':[{'subnet':'10.91.0.0/24'}]", "no bridge interface name given"},
		{"'10.90.0.2'", "'10.99.0.2'",
		 "not all static IPs matched a subnet: expected 1, got 0"},
		{"'subnet':'10.90.0.0/24','gateway':'10.90.0.1'}],'internal':false,"
		 "'dns_enabled':false,'ipv6_enabled':false,'options':{}",
		 "'subnet':'10.91.0.0/24'}],'internal':false,'dns_enabled':false,"
		 "'ipv6_enabled':false,'options':{'mtu':'x'}",
		 "not all static IPs matched a subnet: expected 1, got 0"},
		{OPTIONS, "'options':{'isolate':'x','mtu':'y'}",
		 "unable to parse \"mtu\": invalid digit found in string"},
		{OPTIONS, "'options':{'metric':'x','isolate':'y'}", "invalid isolate option \"y\""},
		{OPTIONS, "'options':{'no_default_route':'x','metric':'y'}",
		 "unable to parse \"metric\": invalid digit found in string"},
		{OPTIONS, "'options':{'vlan':'4095','no_default_route':'x'}",
		 "unable to parse \"no_default_route\": provided string was not `true` or `false`"},
		{OPTIONS, "'options':{'vlan':'4095','mode':'x'}",
		 "vlan must be between 0 and 4094"},
		{OPTIONS, "'options':{'outbound_addr4':'x','mode':'y'}",
		 "invalid bridge mode \"y\""},
		{OPTIONS, "'options':{'outbound_addr4':'x'},'ipam_options':{'driver':'dhcp'}",
		 "cannot use dhcp ipam driver without using the option mode=unmanaged"},
	};

	(void)state;
	planning_refuses(rows, array_size(rows));
}

static void ports_are_checked(void **state)
{
	static const struct planning_row rows[] = {
		{"'host_ip':''", "'host_ip':'abcd'",
		 "invalid host ip \"abcd\" provided for port 8080"},
		{"'host_ip':''", "'host_ip':'10.0.0.1/8'",
		 "invalid host ip \"10.0.0.1/8\" provided for port 8080"},
		{PORT ",'range':1", "'host_port':65535,'range':2",
		 "invalid port range: host port 65535 with range 2 exceeds 65535 at "
		 "/port_mappings/0/range"},
		{"'container_port':80,'host_port':8080,'range':1",
		 "'container_port':65000,'host_port':1,'range':1000",
		 "invalid port range: container port 65000 with range 1000 exceeds 65535 at "
		 "/port_mappings/0/range"},
		{PORT, "'host_port':0", "invalid port: 0 at /port_mappings/0/host_port"},
		{"'container_port':80", "'container_port':0",
		 "invalid port: 0 at /port_mappings/0/container_port"},
		{"'tcp'", "'icmp'", "unknown port protocol \"icmp\" at /port_mappings/0/protocol"},
		{"'tcp'", "'tcp,'", "unknown port protocol \"\" at /port_mappings/0/protocol"},
	};

	(void)state;
	planning_refuses(rows, array_size(rows));
}

/* Networks without firewall do not look at the ports, as upstream does not. */
static void ports_are_not_checked_where_nobody_uses_them(void **state)
{
#define FLAGS(internal, dns) "'internal':" internal ",'dns_enabled':" dns ",'ipv6_enabled':false,"
	static const char *const rows[] = {
		(FLAGS("true", "false") "'options':{}"),
		(FLAGS("true", "true") "'options':{}"),
		(FLAGS("false", "false") "'options':{'mode':'unmanaged'}"),
	};
	static const char rest[] = FLAGS("false", "false") "'options':{}";

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct arena a = {0};
		struct planning p;
		char *doc = planning_edit(&a, rest, rows[i]);

		memcpy(strstr(doc, "'tcp'"), "'xxx'", 5);
		assert_int_equal(planning_read(&p, doc), 0);
		if (planning_plan(&p, "nftables", false) < 0)
			fail_msg("%s", p.err.text);
		assert_int_equal(p.plan.n_ports, 0);
		planning_end(&p);
		arena_release(&a);
	}
}

static void networks_are_checked(void **state)
{
	static const struct planning_row rows[] = {
		{"{'blue':{'interface_name'", "{'green':{'interface_name'",
		 "network info for network green not found"},
		{"'driver':'bridge'", "'driver':'macvlan2'", "unknown network driver \"macvlan2\""},
		{"{'blue':{'interface_name':'eth0','static_ips':['10.90.0.2']}}",
		 "[{'name':'blue','interface_name':'eth0','static_ips':['10.90.0.2']},"
		 "{'name':'blue','interface_name':'eth1','static_ips':['10.90.0.3']}]",
		 "network blue passed twice"},
		{"'static_ips':['10.90.0.2']}},'network_info':{",
		 "'static_ips':['10.90.0.2']},'red':{'interface_name':'eth0'}},'network_info':{"
		 "'red':{'name':'red','id':'1','driver':'bridge','network_interface':'br1',"
		 "'internal':false,'dns_enabled':false,'ipv6_enabled':false},",
		 "create veth pair: interface eth0 already exists on container namespace: "
		 "Netlink error: File exists (os error 17)"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct planning p;

		assert_true(planning_of(&p, rows[i].from, rows[i].to) < 0);
		assert_string_equal(p.err.text, rows[i].error);
		planning_end(&p);
	}
}

static void isolation_default_follows_the_caller(void **state)
{
#define ARRAY "[{'name':'blue','interface_name':'eth0','static_ips':['10.90.0.2']}]"
#define MAP   "{'blue':{'interface_name':'eth0','static_ips':['10.90.0.2']}}"
	static const struct {
		const char *networks, *created, *environment, *firewall;
		enum isolation wanted;
	} rows[] = {
		{ARRAY, "2026-01-31T12:00:00Z", NULL, "nftables", ISOLATION_STRICT},
		{ARRAY, "", NULL, "nftables", ISOLATION_STRICT},
		{ARRAY, "", NULL, "iptables", ISOLATION_STRICT},
		{MAP, "2026-01-31T12:00:00Z", NULL, "nftables", ISOLATION_NEVER},
		{MAP, "2026-01-31T12:00:00Z", NULL, "iptables", ISOLATION_NEVER},
		{MAP, "", NULL, "nftables", ISOLATION_STRICT},
		{MAP, "", NULL, "none", ISOLATION_STRICT},
		{MAP, "", NULL, "iptables", ISOLATION_NEVER},
		{ARRAY, "", "false", "nftables", ISOLATION_NEVER},
		{MAP, "", "true", "nftables", ISOLATION_NORMAL},
		{MAP, "2026-01-31T12:00:00Z", "strict", "nftables", ISOLATION_STRICT},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		for (int teardown = 0; teardown <= 1; teardown++) {
			struct arena a = {0};
			struct planning p;
			char *doc = planning_edit(&a, MAP, rows[i].networks);
			char *at = strstr(doc, OPTIONS);

			doc = arena_printf(&a, "%.*s'created':'%s',%s", (int)(at - doc), doc,
					   rows[i].created, at);
			assert_int_equal(planning_read(&p, doc), 0);
			p.options.default_isolate = rows[i].environment;
			assert_int_equal(planning_plan(&p, rows[i].firewall, teardown), 0);
			assert_int_equal(p.plan.networks[0].isolation, rows[i].wanted);
			planning_end(&p);
			arena_release(&a);
		}
	}
}

static void bad_names_are_warned_of_one_by_one(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(planning_read_edited(&p, "'dns_enabled':false", "'dns_enabled':true"), 0);
	const char *aliases[] = {"", "new\nline", "good", "a,b", "two words"};
	p.req.networks[0].me.aliases = aliases;
	p.req.networks[0].me.n_aliases = array_size(aliases);
	assert_int_equal(planning_plan(&p, "nftables", false), 0);
	assert_int_equal(p.logged, 4);
	assert_string_equal(p.line, "invalid network alias \"two words\": name contains invalid "
				    "chars, ignoring this name");
	assert_int_equal(p.plan.networks[0].dns.n_names, 2);
	planning_end(&p);
}

static void bad_container_id_gets_no_name(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(planning_read_edited(&p, "'dns_enabled':false", "'dns_enabled':true"), 0);
	p.req.container_id = "c0 ffee";
	assert_int_equal(planning_plan(&p, "nftables", false), 0);
	assert_false(p.plan.networks[0].dns.wanted);
	assert_int_equal(p.logged, 1);
	assert_string_equal(p.line, "invalid container id \"c0 ffee\": it contains invalid chars");
	planning_end(&p);
}

/* Everything that can be taken away is taken away, whatever is wrong with the rest. */
static void teardown_goes_on(void **state)
{
	static const struct {
		const char *from, *to;
		int logged;
	} rows[] = {
		{OPTIONS, "'options':{'isolate':'bogus'}", 1},
		{OPTIONS, "'options':{'mtu':'x'}", 1},
		{OPTIONS, "'options':{'mode':'bogus'}", 1},
		{"'10.90.0.2'", "'10.99.0.2'", 1},
		{"'static_ips':['10.90.0.2']", "'static_ips':['10.90.0.2','10.90.0.2']", 1},
		{OPTIONS, "'ipam_options':{'driver':'bogus'}", 1},
		{"'host_ip':''", "'host_ip':'abcd'", 1},
		{"'tcp'", "'icmp'", 1},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct planning p;

		assert_int_equal(planning_read_edited(&p, rows[i].from, rows[i].to), 0);
		assert_int_equal(planning_plan(&p, "nftables", true), 0);
		assert_int_equal(p.err.collected, 0);
		assert_int_equal(p.plan.n_networks, 1);
		assert_string_equal(p.plan.networks[0].bridge, "br-blue");
		if (p.logged != rows[i].logged)
			fail_msg("%s: %d lines logged", rows[i].to, p.logged);
		planning_end(&p);
	}
}

static void teardown_collects_networks_it_cannot_plan(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(planning_read_edited(&p, "'networks':{",
					      "'networks':{'a':{'interface_name':'eth8'},"
					      "'b':{'interface_name':'eth9'},"),
			 0);
	assert_int_equal(planning_plan(&p, "nftables", true), 0);
	assert_int_equal(p.plan.n_networks, 1);
	assert_int_equal(p.err.collected, 2);
	assert_string_equal(p.err.text, "netavark encountered multiple errors:\n"
					"\t- network info for network a not found\n"
					"\t- network info for network b not found");
	planning_end(&p);
}

static void intent_has_the_first_address_of_each_family(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(
		planning_of(&p,
			    "'10.90.0.2']}},'network_info':{'blue':{'name':'blue','id':"
			    "'aabbccdd00112233','driver':'bridge','network_interface':'br-blue',"
			    "'subnets':[{'subnet':'10.90.0.0/24','gateway':'10.90.0.1'}]",
			    "'fd90::9','10.90.0.2','10.90.0.3','fd90::8']}},'network_info':{'blue':"
			    "{'name':'blue','id':'aabbccdd00112233','driver':'bridge',"
			    "'network_interface':'br-blue','subnets':[{'subnet':'fd90::5/64',"
			    "'gateway':'fd90::1'},{'subnet':'10.90.0.7/24'}]"),
		0);
	struct fw_intent in = plan_intent(&p.plan, &p.plan.networks[0]);
	assert_string_equal(addr_str(&in.me.ip4), "10.90.0.2");
	assert_string_equal(prefix_str(&in.me.subnet4), "10.90.0.0/24");
	assert_string_equal(addr_str(&in.me.ip6), "fd90::9");
	assert_string_equal(prefix_str(&in.me.subnet6), "fd90::/64");
	assert_int_equal(in.net.n_subnets, 2);
	assert_string_equal(prefix_str(&in.net.subnets[1]), "10.90.0.7/24");
	assert_int_equal(in.me.n_dns_servers, 1);
	assert_string_equal(addr_str(&in.me.dns_servers[0]), "fd90::1");
	assert_false(in.last_container);
	planning_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-095 NV-096 plan: names of interfaces", names_are_checked),
		TEST("NV-055 NV-104 NV-105 NV-107 plan: options", options_are_checked),
		TEST("NV-103 plan: VLAN and VRF are checked", vlan_and_vrf_are_checked),
		TEST("plan: of two mistakes the one that upstream reports",
		     order_of_checks_is_upstreams),
		TEST("NV-059 FW-061 plan: port mappings", ports_are_checked),
		TEST("plan: port mappings that no network uses are not looked at",
		     ports_are_not_checked_where_nobody_uses_them),
		TEST("NV-049 NV-051 NV-092 plan: networks unknown, doubled, with unknown driver or "
		     "equal interface",
		     networks_are_checked),
		TEST("NV-121 plan: isolation without the option, setup and teardown alike",
		     isolation_default_follows_the_caller),
		TEST("NV-035 plan: one warning for each bad name",
		     bad_names_are_warned_of_one_by_one),
		TEST("NV-224 plan: a bad container id gets no DNS entry",
		     bad_container_id_gets_no_name),
		TEST("NV-240 plan of a teardown: bad data is logged and left out",
		     teardown_goes_on),
		TEST("plan of a teardown: networks that are not described are collected",
		     teardown_collects_networks_it_cannot_plan),
		TEST("plan: the firewall gets the first address of each family, masked subnets",
		     intent_has_the_first_address_of_each_family),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
