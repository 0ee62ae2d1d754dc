/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "netavark/network.h"
#include "tests/unit/planning.h"

#define REQUIRED                                                                                   \
	"'dns_enabled':false,'driver':'d','id':'i','internal':true,'ipv6_enabled':false,'name':'"  \
	"n'"

/* A definition and how it is written: what is in front of the colon may have any order. */
static void definitions_are_written_in_order(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"{'name':'n','ipv6_enabled':false,'internal':true,'id':'i','driver':'d',"
		 "'dns_enabled':false,'unknown':1}",
		 "{" REQUIRED "}"},
		{"{" REQUIRED ",'subnets':null,'routes':null,'options':null,'labels':null,"
		 "'ipam_options':null,'network_dns_servers':null,'created':null,"
		 "'network_interface':null}",
		 "{" REQUIRED "}"},
		{"{" REQUIRED ",'labels':{},'network_dns_servers':[],'routes':[],'subnets':[],"
		 "'ipam_options':{},'options':{}}",
		 "{" REQUIRED ",'options':{},'ipam_options':{},'subnets':[],'routes':[],"
		 "'network_dns_servers':[],'labels':{}}"},
		{"{'created':'2026-01-31T12:00:00Z'," REQUIRED ",'network_interface':'br0',"
		 "'options':{'b':'1','a':'2'},'ipam_options':{'driver':'none'},"
		 "'labels':{'x':'y'},'network_dns_servers':['FD00::0:1','9.9.9.9']}",
		 "{'created':'2026-01-31T12:00:00Z'," REQUIRED ",'network_interface':'br0',"
		 "'options':{'b':'1','a':'2'},'ipam_options':{'driver':'none'},"
		 "'network_dns_servers':['fd00::1','9.9.9.9'],'labels':{'x':'y'}}"},
		{"{" REQUIRED ",'subnets':[{'subnet':'10.1.0.5/16'},{'subnet':'FD00::0/64',"
		 "'lease_range':{},'gateway':'fd00:0::1'},{'subnet':'10.2.0.0/16',"
		 "'gateway':null,'lease_range':{'start_ip':'10.2.0.9'}}]}",
		 "{" REQUIRED ",'subnets':[{'subnet':'10.1.0.5/16'},{'gateway':'fd00::1',"
		 "'lease_range':{'end_ip':null,'start_ip':null},'subnet':'fd00::/64'},"
		 "{'lease_range':{'end_ip':null,'start_ip':'10.2.0.9'},'subnet':'10.2.0.0/16'}]}"},
		{"{" REQUIRED ",'routes':[{'destination':'10.3.0.1/24','gateway':'10.1.0.9'},"
		 "{'destination':'10.4.0.0/16','route_type':'blackhole','metric':0},"
		 "{'destination':'fd01::/64','gateway':'fd00::9','metric':4294967295,"
		 "'route_type':''}]}",
		 "{" REQUIRED ",'routes':[{'gateway':'10.1.0.9','destination':'10.3.0.1/24',"
		 "'metric':null},{'destination':'10.4.0.0/16','metric':0,"
		 "'route_type':'blackhole'},{'gateway':'fd00::9','destination':'fd01::/64',"
		 "'metric':4294967295,'route_type':''}]}"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct arena a = {0};
		struct document doc;
		struct error err;
		const char *text = planning_quotes(&a, rows[i].in);

		assert_int_equal(document_open(&doc, &a, text, strlen(text), &err), 0);
		struct reader root = document_root(&doc);
		struct network_setup net = request_read_network(&root);
		if (doc.failed)
			fail_msg("%s: %s", rows[i].in, err.text);
		json_t *json = network_json(&net);
		char *line = json_dumps(json, JSON_COMPACT);
		assert_string_equal(line, planning_quotes(&a, rows[i].out));
		free(line);
		json_decref(json);
		document_close(&doc);
		arena_release(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-155 NV-293 networks: a definition is written in a fixed order, what was "
		     "absent is left out",
		     definitions_are_written_in_order),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
