/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "netavark/report.h"
#include "tests/unit/planning.h"

static void errors_are_one_line_of_json(void **state)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
		{"plain", "{\"error\":\"plain\"}\n"},
		{"", "{\"error\":\"\"}\n"},
		{"a \"b\" \\ c", "{\"error\":\"a \\\"b\\\" \\\\ c\"}\n"},
		{"two:\n\t- one", "{\"error\":\"two:\\n\\t- one\"}\n"},
		{"\x01", "{\"error\":\"\\u0001\"}\n"},
		{"Stra\xc3\x9f\x65", "{\"error\":\"Stra\xc3\x9f\x65\"}\n"},
		{"bad \xff byte", "{\"error\":\"bad \xef\xbf\xbd byte\"}\n"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct error err;

		fail(&err, EINVAL, "%s", rows[i].text);
		assert_string_equal(report_error(&err, &a), rows[i].line);
	}
	arena_release(&a);
}

/* The status of the planned container, whose interface has the address 02:00:00:00:00:2a. */
static char *status_of(struct planning *p)
{
	struct network_status status = {.net = p->plan.networks, .mac = {2, [5] = 42}};

	return report_status(&p->plan, &status, p->plan.n_networks);
}

static void status_follows_the_plan(void **state)
{
#define STATUS(domains, servers, subnets)                                                          \
	"{\"blue\":{\"dns_search_domains\":[" domains "],\"dns_server_ips\":[" servers "],"        \
	"\"interfaces\":{\"eth0\":{\"mac_address\":\"02:00:00:00:00:2a\",\"subnets\":[" subnets    \
	"]}}}}\n"
#define SUBNET(gateway, ipnet) "{\"gateway\":" gateway ",\"ipnet\":\"" ipnet "\"}"
	static const struct {
		const char *from, *to, *line;
	} rows[] = {
		{"'blue'", "'blue'", STATUS("", "", SUBNET("\"10.90.0.1\"", "10.90.0.2/24"))},
		{",'gateway':'10.90.0.1'", "", STATUS("", "", SUBNET("null", "10.90.0.2/24"))},
		{"'dns_enabled':false", "'dns_enabled':true",
		 STATUS("\"dns.podman\"", "\"10.90.0.1\"",
			SUBNET("\"10.90.0.1\"", "10.90.0.2/24"))},
		{"'options':{}", "'ipam_options':{'driver':'none'}", STATUS("", "", "")},
		{"{'container_id'", "{'dns_servers':['9.9.9.9'],'container_id'",
		 STATUS("", "\"9.9.9.9\"", SUBNET("\"10.90.0.1\"", "10.90.0.2/24"))},
		{"'10.90.0.2'", "'10.90.0.9','10.90.0.2'",
		 STATUS("", "",
			SUBNET("\"10.90.0.1\"", "10.90.0.9/24") "," SUBNET("\"10.90.0.1\"",
									   "10.90.0.2/24"))},
		{"{'blue':{'interface_name':'eth0','static_ips':['10.90.0.2']}}", "{}", "{}\n"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct planning p;

		assert_int_equal(planning_of(&p, rows[i].from, rows[i].to), 0);
		assert_string_equal(status_of(&p), rows[i].line);
		planning_end(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-017 report: an error is one line of JSON, whatever is in it",
		     errors_are_one_line_of_json),
		TEST("NV-043 NV-060 NV-061 NV-063 NV-064 NV-065 report: the status of a container",
		     status_follows_the_plan),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
