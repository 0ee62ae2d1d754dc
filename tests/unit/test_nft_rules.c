/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

/* The layout as a whole is what the golden tests are about; here stand the parts and the corners. */

#include "common/text.h"
#include "netavark/firewall/nft_rules.h"
#include "tests/unit/intents.h"
#include "tests/unit/table.h"

/* All rules of one chain, a line each. */
static char *rules_of(const struct ruleset *set, const char *chain)
{
	struct text t = text_new(set->arena);

	for (size_t i = 0; i < set->n_rules; i++)
		if (strcmp(set->rules[i].chain, chain) == 0)
			text_printf(&t, "%s\n", rule_print(&set->rules[i], set->arena));
	return t.s;
}

static void chain_names_are_upstreams(void **state)
{
	static const struct {
		const char *id, *subnet, *suffix, *name;
	} rows[] = {
		{"53ce4390f2adb1681eb1", "10.88.0.0/16", "", "nv_53ce4390_10_88_0_0_nm16"},
		{"ec79dd0cad82083c8ac5", "fd10:88:a::/64", "", "nv_ec79dd0c_fd10-88-a--_nm64"},
		{"53ce4390f2adb1681eb1", "10.88.0.0/16", "_dnat",
		 "nv_53ce4390_10_88_0_0_nm16_dnat"},
		{"abc", "10.77.5.9/16", "", "nv_abc_10_77_0_0_nm16"},
		{"abc", "fd10::1:2:3:4/64", "_dnat", "nv_abc_fd10--_nm64_dnat"},
		{"abc", "0.0.0.0/0", "", "nv_abc_0_0_0_0_nm0"},
		{"abc", "::/0", "", "nv_abc_--_nm0"},
		{"", "10.0.0.1/32", "", "nv__10_0_0_1_nm32"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct prefix p = intent_prefix(rows[i].subnet);

		assert_string_equal(nft_chain_name(rows[i].id, &p, rows[i].suffix, &a),
				    rows[i].name);
	}
	arena_release(&a);
}

static void base_is_ten_chains_and_eight_rules(void **state)
{
	struct arena a = {0};
	struct ruleset set = {.arena = &a};

	(void)state;
	nft_rules_base(&set);
	assert_int_equal(set.n_chains, 10);
	assert_int_equal(set.n_rules, 8);
	assert_string_equal(rules_of(&set, NFT_FORWARD),
			    "ct state invalid drop\n"
			    "ct mark & 0x00001000 == 0x00001000 accept\n"
			    "jump NETAVARK-ISOLATION-1\n");
	arena_release(&a);
}

/* What is set up twice is there once. */
static void second_setup_adds_nothing(void **state)
{
	struct arena a = {0};
	struct ruleset table = {.arena = &a};
	struct intent i;

	(void)state;
	intent_make(&i);
	table_setup(&table, &i.in);
	char *first = ruleset_print(&table, NFT_TABLE);
	table_setup(&table, &i.in);
	assert_string_equal(ruleset_print(&table, NFT_TABLE), first);
	arena_release(&a);
}

static void isolation_rules_follow_the_option(void **state)
{
	static const struct {
		enum isolation isolation;
		const char *one, *two, *three;
	} rows[] = {
		{ISOLATION_NEVER, "", "", "oifname \"podman1\" drop\n"},
		{ISOLATION_NORMAL,
		 "iifname \"podman1\" oifname != \"podman1\" jump NETAVARK-ISOLATION-2\n",
		 "oifname \"podman1\" drop\n", ""},
		{ISOLATION_STRICT,
		 "iifname \"podman1\" oifname != \"podman1\" jump NETAVARK-ISOLATION-3\n",
		 "oifname \"podman1\" drop\n", ""},
	};
	struct arena a = {0};

	(void)state;
	for (size_t k = 0; k < array_size(rows); k++) {
		struct ruleset set = {.arena = &a};
		struct intent i;

		intent_make(&i);
		i.in.net.isolation = rows[k].isolation;
		nft_rules_isolation(&i.in.net, &set);
		assert_string_equal(rules_of(&set, NFT_ISOLATION_1), rows[k].one);
		assert_string_equal(rules_of(&set, NFT_ISOLATION_2), rows[k].two);
		assert_string_equal(rules_of(&set, NFT_ISOLATION_3), rows[k].three);
	}
	arena_release(&a);
}

static void isolation_rules_know_their_bridge(void **state)
{
	static const enum isolation kinds[] = {ISOLATION_NEVER, ISOLATION_NORMAL, ISOLATION_STRICT};
	struct arena a = {0};
	struct ruleset set = {.arena = &a}, base = {.arena = &a};
	struct intent i;

	(void)state;
	intent_make(&i);
	for (size_t k = 0; k < array_size(kinds); k++) {
		i.in.net.isolation = kinds[k];
		nft_rules_isolation(&i.in.net, &set);
	}
	for (size_t k = 0; k < set.n_rules; k++) {
		assert_true(nft_is_isolation_of(&set.rules[k], "podman1"));
		assert_false(nft_is_isolation_of(&set.rules[k], "podman10"));
		assert_false(nft_is_isolation_of(&set.rules[k], "podman"));
	}
	nft_rules_base(&base);
	for (size_t k = 0; k < base.n_rules; k++)
		assert_false(nft_is_isolation_of(&base.rules[k], "podman1"));
	arena_release(&a);
}

/* The order of setups does not move the two rules that have a fixed place. */
static void fixed_places_hold_in_any_order(void **state)
{
	static const enum isolation orders[][3] = {
		{ISOLATION_NEVER, ISOLATION_NORMAL, ISOLATION_STRICT},
		{ISOLATION_STRICT, ISOLATION_NEVER, ISOLATION_NEVER},
		{ISOLATION_NORMAL, ISOLATION_STRICT, ISOLATION_NEVER},
	};
	static const char *const bridges[] = {"b0", "b1", "b2"};
	struct arena a = {0};

	(void)state;
	for (size_t k = 0; k < array_size(orders); k++) {
		struct ruleset table = {.arena = &a};

		for (size_t n = 0; n < array_size(bridges); n++) {
			struct intent i;

			intent_make(&i);
			i.subnets[0].addr.bytes[1] = (uint8_t)n;
			i.in.net.bridge = bridges[n];
			i.in.net.isolation = orders[k][n];
			table_setup(&table, &i.in);
		}
		assert_true(text_ends_with(rules_of(&table, NFT_ISOLATION_3),
					   "jump NETAVARK-ISOLATION-2\n"));
		assert_true(text_starts_with(rules_of(&table, NFT_FORWARD),
					     "ct state invalid drop\n"
					     "ct mark & 0x00001000 == 0x00001000 accept\n"
					     "jump NETAVARK-ISOLATION-1\nip "));
	}
	arena_release(&a);
}

static void redirects_need_another_port_and_an_address(void **state)
{
	struct arena a = {0};
	struct intent i;

	(void)state;
	intent_make(&i);
	struct ruleset both = {.arena = &a}, none = {.arena = &a}, v6 = {.arena = &a};
	nft_rules_dns(&i.in, &both);
	assert_string_equal(rules_of(&both, NFT_DNAT),
			    "ip daddr 10.90.0.1 meta l4proto { tcp, udp } th dport 53 dnat ip to "
			    "10.90.0.1:5353\n"
			    "ip6 daddr fd90::1 meta l4proto { tcp, udp } th dport 53 dnat ip6 to "
			    "[fd90::1]:5353\n");
	for (size_t k = 0; k < both.n_rules; k++)
		assert_int_equal(both.rules[k].position, AT_HEAD);
	i.in.me.ip4 = (struct addr){0};
	nft_rules_dns(&i.in, &v6);
	assert_int_equal(v6.n_rules, 1);
	i.in.net.dns_port = 53;
	nft_rules_dns(&i.in, &none);
	assert_int_equal(none.n_rules, 0);
	arena_release(&a);
}

static void no_ports_without_a_list_or_on_internal_networks(void **state)
{
	struct arena a = {0};
	struct ruleset set = {.arena = &a};
	struct intent i;

	(void)state;
	intent_make(&i);
	i.in.net.internal = true;
	nft_rules_ports(&i.in, &set);
	i.in.net.internal = false;
	i.in.me.has_ports = false;
	nft_rules_ports(&i.in, &set);
	assert_int_equal(set.n_chains, 0);
	assert_int_equal(set.n_rules, 0);
	i.in.me.has_ports = true;
	i.in.me.n_ports = 0;
	nft_rules_ports(&i.in, &set);
	assert_int_equal(set.n_chains, 2);
	assert_int_equal(set.n_rules, 0);
	arena_release(&a);
}

/* What belongs to one mapping in one family stands together and has a number of its own. */
static void mappings_are_told_apart(void **state)
{
	struct arena a = {0};
	struct ruleset set = {.arena = &a};
	struct intent i;
	int seen[32] = {0};

	(void)state;
	intent_make(&i);
	nft_rules_ports(&i.in, &set);
	for (size_t k = 0; k < set.n_rules; k++) {
		int m = set.rules[k].mapping;

		assert_in_range(m, 1, array_size(seen) - 1);
		assert_true(!seen[m] || set.rules[k - 1].mapping == m);
		if (!seen[m])
			assert_string_equal(set.rules[k].chain, NFT_DNAT);
		seen[m]++;
	}
	assert_int_equal(seen[1], 4); /* tcp 8080, IPv4: jump, two marks, DNAT */
	assert_int_equal(seen[2], 3); /* and IPv6, where localhost needs no mark */
	assert_int_equal(seen[3], 6); /* a range of three */
	arena_release(&a);
}

static void range_ends_with_the_last_port(void **state)
{
	struct arena a = {0};
	struct ruleset set = {.arena = &a};
	struct intent i;

	(void)state;
	intent_make(&i);
	i.ports[0].host_port = 64536;
	i.ports[0].container_port = 1;
	i.ports[0].range = 1000;
	i.in.me.n_ports = 1;
	i.in.me.ip6 = (struct addr){0};
	nft_rules_ports(&i.in, &set);
	assert_int_equal(set.n_rules, 3 + 1000);
	assert_string_equal(rule_print(&set.rules[0], &a),
			    "tcp dport 64536-65535 jump nv_aabbccdd_10_90_0_0_nm24_dnat");
	assert_string_equal(rule_print(&set.rules[1002], &a),
			    "tcp dport 65535 ct mark set meta mark | 0x00001000 dnat ip to "
			    "10.90.0.2:1000");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("FW-024 FW-025 rules: names of chains, ids of any length, host bits masked",
		     chain_names_are_upstreams),
		TEST("rules: ten fixed chains, eight fixed rules",
		     base_is_ten_chains_and_eight_rules),
		TEST("FW-027 rules: the plan of a second setup is the first's",
		     second_setup_adds_nothing),
		TEST("FW-017 rules: isolation follows the option",
		     isolation_rules_follow_the_option),
		TEST("FW-050 rules: isolation of podman1 is not that of podman10",
		     isolation_rules_know_their_bridge),
		TEST("FW-018 rules: fixed places hold in any order of setups",
		     fixed_places_hold_in_any_order),
		TEST("FW-022 rules: DNS redirects need another port than 53 and an address",
		     redirects_need_another_port_and_an_address),
		TEST("FW-015 FW-020 rules: no list, no chains; internal, no ports",
		     no_ports_without_a_list_or_on_internal_networks),
		TEST("rules: mappings are numbered and stand together", mappings_are_told_apart),
		TEST("FW-013 rules: a range of 1000 ends with the last port",
		     range_ends_with_the_last_port),
	};

	return cmocka_run_group_tests_name("nft_rules", tests, NULL, NULL);
}
