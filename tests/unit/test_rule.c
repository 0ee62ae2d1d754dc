/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <netinet/in.h>

#include <linux/netfilter.h>

#include "common/cleanup.h"
#include "netavark/firewall/rule.h"

#define V4(...)                                                                                    \
	(struct addr)                                                                              \
	{                                                                                          \
		AF_INET,                                                                           \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define FD90                                                                                       \
	(struct addr)                                                                              \
	{                                                                                          \
		AF_INET6,                                                                          \
		{                                                                                  \
			0xfd, 0x90, [15] = 2                                                       \
		}                                                                                  \
	}

/* Every field at work, so that a comparison that forgets one is found out. */
static struct rule full_rule(void)
{
	return (struct rule){
		.chain = "C",
		.saddr = {V4(10, 0, 0, 0), 8},
		.daddr = {V4(10, 1, 0, 0), 16},
		.not_daddr = true,
		.proto = IPPROTO_TCP,
		.dport = 80,
		.dport_last = 90,
		.iif = "a",
		.oif = "b",
		.not_oif = true,
		.ct_state = CT_INVALID,
		.mark = 1,
		.ct_mark = 2,
		.local = true,
		.set_mark = 4,
		.set_ct_mark = 8,
		.verdict = VERDICT_DNAT,
		.target = "T",
		.to_addr = V4(10, 2, 0, 1),
		.to_port = 8080,
	};
}

static void rule_equal_sees_every_field(void **state)
{
	const struct rule same = full_rule();
	struct rule r[21];

	(void)state;
	for (size_t i = 0; i < array_size(r); i++)
		r[i] = full_rule();
	assert_true(rule_equal(&same, &r[0]));
	r[0].chain = "D";
	r[1].saddr.len = 9;
	r[2].daddr.addr.bytes[1] = 2;
	r[3].not_daddr = false;
	r[4].proto = IPPROTO_UDP;
	r[5].tcp_and_udp = true;
	r[6].dport = 81;
	r[7].dport_last = 0;
	r[8].iif = "ab";
	r[9].oif = NULL;
	r[10].not_oif = false;
	r[11].ct_state = CT_ESTABLISHED;
	r[12].mark = 0;
	r[13].ct_mark = 3;
	r[14].local = false;
	r[15].set_mark = 0;
	r[16].set_ct_mark = 0;
	r[17].verdict = VERDICT_SNAT;
	r[18].target = "U";
	r[19].to_addr.bytes[3] = 2;
	r[20].to_port = 8081;
	for (size_t i = 0; i < array_size(r); i++)
		if (rule_equal(&same, &r[i]) || rule_equal(&r[i], &same))
			fail_msg("change %zu is not seen", i);
}

static void rule_equal_ignores_place_and_mapping(void **state)
{
	struct rule a = full_rule(), b = full_rule();
	char chain[] = "C", target[] = "T";

	(void)state;
	b.chain = chain;
	b.target = target;
	b.position = AT_HEAD;
	b.mapping = 3;
	assert_true(rule_equal(&a, &b));
}

static void rule_print_reads_like_nft(void **state)
{
	const struct {
		struct rule rule;
		const char *text;
	} rows[] = {
		{{.verdict = VERDICT_NONE}, ""},
		{{.verdict = VERDICT_ACCEPT}, "accept"},
		{{.verdict = VERDICT_DROP}, "drop"},
		{{.verdict = VERDICT_RETURN}, "return"},
		{{.verdict = VERDICT_MASQUERADE}, "masquerade"},
		{{.verdict = VERDICT_JUMP, .target = "X"}, "jump X"},
		{{.local = true, .verdict = VERDICT_JUMP, .target = "X"},
		 "fib daddr type local jump X"},
		{{.mark = 0x2000, .verdict = VERDICT_MASQUERADE},
		 "meta mark & 0x00002000 == 0x00002000 masquerade"},
		{{.set_mark = 0x2000}, "meta mark set meta mark | 0x00002000"},
		{{.iif = "a", .oif = "b", .not_oif = true, .verdict = VERDICT_DROP},
		 "iifname \"a\" oifname != \"b\" drop"},
		{{.saddr = {V4(10, 0, 0, 0), 8},
		  .daddr = {V4(10, 0, 0, 1), 32},
		  .verdict = VERDICT_ACCEPT},
		 "ip saddr 10.0.0.0/8 ip daddr 10.0.0.1 accept"},
		{{.daddr = {V4(224), 4}, .not_daddr = true, .verdict = VERDICT_MASQUERADE},
		 "ip daddr != 224.0.0.0/4 masquerade"},
		{{.daddr = {FD90, 128}, .verdict = VERDICT_ACCEPT}, "ip6 daddr fd90::2 accept"},
		{{.proto = IPPROTO_SCTP, .dport = 9, .verdict = VERDICT_ACCEPT},
		 "sctp dport 9 accept"},
		{{.proto = IPPROTO_UDP, .dport = 9, .dport_last = 11, .verdict = VERDICT_ACCEPT},
		 "udp dport 9-11 accept"},
		{{.tcp_and_udp = true, .dport = 53, .verdict = VERDICT_ACCEPT},
		 "meta l4proto { tcp, udp } th dport 53 accept"},
		{{.ct_state = CT_ESTABLISHED | CT_RELATED, .verdict = VERDICT_ACCEPT},
		 "ct state established,related accept"},
		{{.ct_state = CT_INVALID, .verdict = VERDICT_DROP}, "ct state invalid drop"},
		{{.ct_mark = 0x1000, .verdict = VERDICT_ACCEPT},
		 "ct mark & 0x00001000 == 0x00001000 accept"},
		{{.set_ct_mark = 0x1000,
		  .verdict = VERDICT_DNAT,
		  .to_addr = V4(10, 0, 0, 2),
		  .to_port = 80},
		 "ct mark set meta mark | 0x00001000 dnat ip to 10.0.0.2:80"},
		{{.verdict = VERDICT_DNAT, .to_addr = FD90, .to_port = 80},
		 "dnat ip6 to [fd90::2]:80"},
		{{.verdict = VERDICT_SNAT, .to_addr = V4(10, 0, 0, 2)}, "snat ip to 10.0.0.2"},
		{{.verdict = VERDICT_SNAT, .to_addr = FD90}, "snat ip6 to fd90::2"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(rule_print(&rows[i].rule, &a), rows[i].text);
	arena_release(&a);
}

static void ruleset_print_reads_like_a_listing(void **state)
{
	struct arena a = {0};
	struct ruleset set = {.arena = &a};

	(void)state;
	ruleset_add_chain(&set, (struct chain){"IN", "filter", NF_INET_LOCAL_IN, 0});
	ruleset_add_chain(&set, (struct chain){"POST", "nat", NF_INET_POST_ROUTING, 100});
	ruleset_add_chain(&set, (struct chain){"PRE", "nat", NF_INET_PRE_ROUTING, -100});
	ruleset_add_chain(&set, (struct chain){.name = "plain"});
	ruleset_add(&set, (struct rule){.chain = "plain", .verdict = VERDICT_DROP});
	ruleset_add(&set, (struct rule){.chain = "IN", .verdict = VERDICT_ACCEPT});
	ruleset_add(&set, (struct rule){.chain = "plain", .verdict = VERDICT_ACCEPT});
	assert_string_equal(ruleset_print(&set, "t"),
			    "table inet t {\n"
			    "\tchain IN {\n"
			    "\t\ttype filter hook input priority filter; policy accept;\n"
			    "\t\taccept\n"
			    "\t}\n\n"
			    "\tchain POST {\n"
			    "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
			    "\t}\n\n"
			    "\tchain PRE {\n"
			    "\t\ttype nat hook prerouting priority dstnat; policy accept;\n"
			    "\t}\n\n"
			    "\tchain plain {\n"
			    "\t\tdrop\n"
			    "\t\taccept\n"
			    "\t}\n"
			    "}\n");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("rules: a change of any field makes them unequal",
		     rule_equal_sees_every_field),
		TEST("rules: position and mapping do not count, texts do by value",
		     rule_equal_ignores_place_and_mapping),
		TEST("rules: printed as nft prints them", rule_print_reads_like_nft),
		TEST("rules: a table as nft lists it", ruleset_print_reads_like_a_listing),
	};

	return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
