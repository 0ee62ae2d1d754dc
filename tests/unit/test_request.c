/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/planning.h"

static void refuses(const struct planning_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct planning p;
		int r = planning_read_edited(&p, rows[i].from, rows[i].to);

		if (r != -EINVAL || !strstr(p.err.text, rows[i].error))
			fail_msg("\"%s\" for \"%s\": %d, %s", rows[i].to, rows[i].from, r,
				 r < 0 ? p.err.text : "accepted");
		planning_end(&p);
	}
}

static void standard_document_is_read(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(planning_read(&p, STANDARD_DOCUMENT), 0);
	assert_string_equal(p.req.container_id, "c0ffee");
	assert_string_equal(p.req.container_name, "web");
	assert_string_equal(p.req.hostname, "");
	assert_false(p.req.networks_are_array);
	assert_true(p.req.has_ports);
	assert_int_equal(p.req.n_ports, 1);
	assert_int_equal(p.req.ports[0].host_port, 8080);
	assert_int_equal(p.req.ports[0].container_port, 80);
	assert_int_equal(p.req.n_networks, 1);

	const struct network_setup *net = &p.req.networks[0];
	assert_string_equal(net->asked_as, "blue");
	assert_string_equal(net->driver, "bridge");
	assert_string_equal(net->interface, "br-blue");
	assert_null(net->ipam_driver);
	assert_int_equal(net->n_subnets, 1);
	assert_string_equal(prefix_str(&net->subnets[0].net), "10.90.0.0/24");
	assert_string_equal(addr_str(&net->subnets[0].gateway), "10.90.0.1");
	assert_string_equal(net->me.interface, "eth0");
	assert_int_equal(net->me.n_static_ips, 1);
	assert_null(net->me.mac);
	planning_end(&p);
}

static void both_forms_give_the_same(void **state)
{
	struct planning p;

	(void)state;
	assert_int_equal(planning_read_edited(&p, "{'blue':{'interface_name'",
					      "{'blue':{'name':'other','interface_name'"),
			 0);
	assert_string_equal(p.req.networks[0].asked_as, "blue");
	planning_end(&p);
	assert_int_equal(planning_read_edited(
				 &p,
				 "{'blue':{'interface_name':'eth0','static_ips':['10.90.0.2']}}",
				 "[{'name':'blue','interface_name':'eth0',"
				 "'static_ips':['10.90.0.2']}]"),
			 0);
	assert_true(p.req.networks_are_array);
	assert_int_equal(p.req.n_networks, 1);
	assert_string_equal(p.req.networks[0].asked_as, "blue");
	assert_string_equal(p.req.networks[0].name, "blue");
	assert_string_equal(p.req.networks[0].me.interface, "eth0");
	assert_int_equal(p.req.networks[0].me.n_static_ips, 1);
	planning_end(&p);
}

/* Networks are attached in the order of the text, which decides the interface indices. */
static void order_is_that_of_the_text(void **state)
{
	static const char *const rows[] = {
		"{'z':{'interface_name':'eth0'},'blue':{'interface_name':'eth1'},"
		"'a':{'interface_name':'eth2'}}",
		"[{'name':'z','interface_name':'eth0'},{'name':'blue','interface_name':'eth1'},"
		"{'name':'a','interface_name':'eth2'}]",
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct planning p;

		assert_int_equal(planning_read_edited(&p,
						      "{'blue':{'interface_name':'eth0',"
						      "'static_ips':['10.90.0.2']}}",
						      rows[i]),
				 0);
		assert_int_equal(p.req.n_networks, 3);
		assert_string_equal(p.req.networks[0].asked_as, "z");
		assert_null(p.req.networks[0].driver);
		assert_string_equal(p.req.networks[1].asked_as, "blue");
		assert_string_equal(p.req.networks[1].driver, "bridge");
		assert_string_equal(p.req.networks[2].asked_as, "a");
		planning_end(&p);
	}
}

static void documents_are_accepted(void **state)
{
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"'blue':{'interface_name'", "'blue':{'extra':{},'interface_name'"},
		{"{'container_id'", "{'unknown':[1,2],'container_id'"},
		{"'internal':false", "'internal':false,'created':'0001-01-01T00:00:00Z'"},
		{"'internal':false", "'internal':false,'created':'2026-01-31T12:00:00+05:30'"},
		{"'internal':false", "'internal':false,'labels':{'a':'b'}"},
		{"{'container_id'", "{'container_hostname':null,'container_id'"},
		{"'interface_name':'eth0'",
		 "'interface_name':'eth0','static_mac':null,'aliases':null,'options':null"},
		{"'options':{}", "'options':null,'routes':null,'network_dns_servers':null,"
				 "'ipam_options':null,'labels':null,'created':null"},
		{"'network_info':{", "'network_info':{'surplus':{'name':'s','id':'1','driver':'x',"
				     "'internal':false,'dns_enabled':false,"
				     "'ipv6_enabled':false},"},
		{"'gateway':'10.90.0.1'", "'gateway':null,'lease_range':null"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct planning p;

		if (planning_read_edited(&p, rows[i].from, rows[i].to) < 0)
			fail_msg("%s: %s", rows[i].to, p.err.text);
		planning_end(&p);
	}
}

static void absent_lists_differ_from_empty_ones(void **state)
{
	static const struct {
		const char *from, *to;
		bool ports, subnets;
	} rows[] = {
		{"'container_port':80", "'container_port':80", true, true},
		{"'port_mappings':[{'host_ip':'','container_port':80,'host_port':8080,'range':1,"
		 "'protocol':'tcp'}],",
		 "", false, true},
		{"'port_mappings':[{'host_ip':'','container_port':80,'host_port':8080,'range':1,"
		 "'protocol':'tcp'}],",
		 "'port_mappings':[],", true, true},
		{"'port_mappings':[{'host_ip':'','container_port':80,'host_port':8080,'range':1,"
		 "'protocol':'tcp'}],",
		 "'port_mappings':null,", false, true},
		{"'subnets':[{'subnet':'10.90.0.0/24','gateway':'10.90.0.1'}],", "", true, false},
		{"'subnets':[{'subnet':'10.90.0.0/24','gateway':'10.90.0.1'}],", "'subnets':null,",
		 true, false},
		{"'subnets':[{'subnet':'10.90.0.0/24','gateway':'10.90.0.1'}],", "'subnets':[],",
		 true, true},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct planning p;

		assert_int_equal(planning_read_edited(&p, rows[i].from, rows[i].to), 0);
		assert_int_equal(p.req.has_ports, rows[i].ports);
		assert_int_equal(p.req.networks[0].has_subnets, rows[i].subnets);
		planning_end(&p);
	}
}

static void required_keys_are_missed(void **state)
{
	static const struct planning_row rows[] = {
		{"'container_id':'c0ffee',", "", "missing field `container_id` at / "},
		{"'container_name':'web',", "", "missing field `container_name` at / "},
		{"'networks'", "'other'", "missing field `networks` at / "},
		{"'network_info'", "'other'", "missing field `network_info` at / "},
		{"'interface_name':'eth0',", "",
		 "missing field `interface_name` at /networks/blue "},
		{"'name':'blue',", "", "missing field `name` at /network_info/blue "},
		{"'id':'aabbccdd00112233',", "", "missing field `id` at /network_info/blue "},
		{"'driver':'bridge',", "", "missing field `driver` at /network_info/blue "},
		{"'internal':false,", "", "missing field `internal` at /network_info/blue "},
		{"'dns_enabled':false,", "", "missing field `dns_enabled` at /network_info/blue "},
		{"'ipv6_enabled':false,", "",
		 "missing field `ipv6_enabled` at /network_info/blue "},
		{"'subnet':'10.90.0.0/24',", "",
		 "missing field `subnet` at /network_info/blue/subnets/0 "},
		{"'host_ip':'',", "", "missing field `host_ip` at /port_mappings/0 "},
		{"'container_port':80,", "", "missing field `container_port` at /port_mappings/0 "},
		{"'host_port':8080,", "", "missing field `host_port` at /port_mappings/0 "},
		{"'range':1,", "", "missing field `range` at /port_mappings/0 "},
		{",'protocol':'tcp'", "", "missing field `protocol` at /port_mappings/0 "},
		{"{'blue':{'interface_name'", "[{'interface_name'", ""},
		{"'options':{}", "'routes':[{'gateway':'10.90.0.9'}]",
		 "missing field `destination` at /network_info/blue/routes/0 "},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

static void wrong_types_are_refused(void **state)
{
	static const struct planning_row rows[] = {
		{"'c0ffee'", "5", "invalid type: integer `5`, expected a string"},
		{"'internal':false", "'internal':'no'",
		 "invalid type: string \"no\", expected a boolean"},
		{"'internal':false", "'internal':0",
		 "invalid type: integer `0`, expected a boolean"},
		{"'host_port':8080", "'host_port':'8080'",
		 "invalid type: string \"8080\", expected u16"},
		{"'host_port':8080", "'host_port':80.5",
		 "invalid type: floating point `80.5`, expected u16"},
		{"'host_port':8080", "'host_port':70000",
		 "invalid value: integer `70000`, expected u16"},
		{"'container_port':80", "'container_port':-1",
		 "invalid value: integer `-1`, expected u16"},
		{"'range':1", "'range':65536", "invalid value: integer `65536`, expected u16"},
		{"'options':{}", "'options':{'mtu':1500}",
		 "invalid type: integer `1500`, expected a string at "
		 "/network_info/blue/options/mtu "},
		{"'options':{}", "'options':[]", "invalid type: sequence, expected a map"},
		{"'options':{}", "'labels':{'a':1}",
		 "invalid type: integer `1`, expected a string"},
		{"['10.90.0.2']", "'10.90.0.2'",
		 "invalid type: string \"10.90.0.2\", expected a sequence"},
		{"['10.90.0.2']", "[5]", "invalid type: integer `5`, expected a string"},
		{"{'blue':{'interface_name':'eth0','static_ips':['10.90.0.2']}}", "'blue'",
		 "invalid type, expected array of network options or map: \"blue\" at /networks "},
		{"'options':{}", "'routes':[{'destination':'10.0.0.0/8','metric':4294967296}]",
		 "invalid value: integer `4294967296`, expected u32"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

static void bad_addresses_are_refused(void **state)
{
	static const struct planning_row rows[] = {
		{"'10.90.0.2'", "'010.90.0.2'",
		 "invalid IP address syntax: \"010.90.0.2\" at /networks/blue/static_ips/0 "
		 "(line 1 column 204)"},
		{"'10.90.0.2'", "'10.90.0.2/24'", "invalid IP address syntax"},
		{"'10.90.0.2'", "''", "invalid IP address syntax"},
		{"'10.90.0.2'", "'fe80::1%eth0'", "invalid IP address syntax"},
		{"'10.90.0.0/24'", "'10.90.0.0'",
		 "invalid IP address syntax: \"10.90.0.0\" at "
		 "/network_info/blue/subnets/0/subnet "},
		{"'10.90.0.0/24'", "'10.90.0.0/33'", "invalid IP address syntax"},
		{"'10.90.0.0/24'", "'fd00::/129'", "invalid IP address syntax"},
		{"'10.90.0.1'", "'gateway'", "invalid IP address syntax"},
		{"'options':{}", "'network_dns_servers':['dns.example']",
		 "invalid IP address syntax"},
		{"{'container_id'", "{'dns_servers':['1.1.1'],'container_id'",
		 "invalid IP address syntax: \"1.1.1\" at /dns_servers/0 "},
		{"'options':{}", "'routes':[{'destination':'10.0.0.0'}]",
		 "invalid IP address syntax"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

/* They become parts of file names. */
static void names_must_be_fit_for_files(void **state)
{
	static const struct planning_row rows[] = {
		{"'c0ffee'", "''", "container_id may not be empty: \"\" at /container_id "},
		{"'c0ffee'", "'..'", "container_id cannot be used as a file name"},
		{"'c0ffee'", "'a/b'", "container_id cannot be used as a file name"},
		{"'name':'blue'", "'name':'../blue'", "name cannot be used as a file name"},
		{"'name':'blue'", "'name':'.'", "name cannot be used as a file name"},
		{"'name':'blue'", "'name':''", "name may not be empty"},
		{"'id':'aabbccdd00112233'", "'id':'/'", "id cannot be used as a file name"},
	};

	(void)state;
	refuses(rows, array_size(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("request: the standard document", standard_document_is_read),
		TEST("NV-040 request: networks as map and as array", both_forms_give_the_same),
		TEST("NV-041 NV-042 request: networks in the order of the text",
		     order_is_that_of_the_text),
		TEST("NV-044 NV-047 NV-050 NV-056 request: unknown keys, nulls, surplus networks "
		     "and any date are accepted",
		     documents_are_accepted),
		TEST("request: no list differs from an empty one",
		     absent_lists_differ_from_empty_ones),
		TEST("NV-045 NV-058 request: each required key is missed",
		     required_keys_are_missed),
		TEST("NV-046 NV-052 NV-057 request: wrong types are refused",
		     wrong_types_are_refused),
		TEST("NV-053 request: bad addresses and prefixes are refused",
		     bad_addresses_are_refused),
		TEST("request: names that cannot be part of a file name are refused",
		     names_must_be_fit_for_files),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
