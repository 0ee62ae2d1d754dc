/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <netinet/in.h>
#include <stdlib.h>

#include <libnftnl/rule.h>

#include "netavark/firewall/iptables_rules.h"
#include "netavark/firewall/iptables_xt.h"
#include "netavark/firewall/nft_expr.h"
#include "tests/unit/intents.h"

static const int families[] = {AF_INET, AF_INET6};

/* Every rule that can be planned for one family, in both tables. */
static void all_rules(int family, struct ruleset *filter, struct ruleset *nat)
{
	static const enum isolation kinds[] = {ISOLATION_NEVER, ISOLATION_NORMAL, ISOLATION_STRICT};
	struct intent i;

	intent_make(&i);
	i.in.net.hash_name = "0123456789ABC";
	i.in.me.container_id = "c0ffee";
	i.in.me.network_name = "podman1";
	iptables_rules_filter(&i.in.net, family, filter);
	ruleset_add(filter, iptables_rules_isolated(family));
	for (size_t k = 0; k < array_size(kinds); k++) {
		i.in.net.isolation = kinds[k];
		iptables_rules_isolation(&i.in.net, family, filter);
	}
	iptables_rules_nat(&i.in.net, family, nat);
	i.in.net.outbound4 = intent_addr("100.64.0.1");
	i.in.net.outbound6 = intent_addr("fd20::1");
	iptables_rules_nat(&i.in.net, family, nat);
	iptables_rules_ports_base(&i.in, family, nat);
	iptables_rules_dns(&i.in, family, nat);
	iptables_rules_ports(&i.in, family, nat);
}

/* The rules of both families and tables, one after another. */
static struct ruleset everything(struct arena *a)
{
	struct ruleset all = {.arena = a};

	for (size_t f = 0; f < array_size(families); f++) {
		struct ruleset sets[] = {
			{.arena = a, .table = iptables_rules_filter_table(families[f])},
			{.arena = a, .table = iptables_rules_nat_table(families[f])},
		};

		all_rules(families[f], &sets[0], &sets[1]);
		for (size_t s = 0; s < array_size(sets); s++) {
			all.table = sets[s].table;
			for (size_t i = 0; i < sets[s].n_rules; i++)
				ruleset_add(&all, sets[s].rules[i]);
		}
	}
	return all;
}

/* What stands in the head of an entry, which is not a matter of matches and targets. */
static struct rule head_of(const struct rule *r)
{
	struct rule head = {
		.table = r->table,
		.chain = r->chain,
		.saddr = r->saddr,
		.daddr = r->daddr,
		.not_daddr = r->not_daddr,
		.proto = r->proto,
		.iif = r->iif,
		.oif = r->oif,
		.not_oif = r->not_oif,
	};

	if (r->verdict == VERDICT_ACCEPT || r->verdict == VERDICT_DROP ||
	    r->verdict == VERDICT_JUMP) {
		head.verdict = r->verdict;
		head.target = r->target;
	}
	return head;
}

static bool read_parts(struct arena *a, const struct xt_part *matches, size_t n,
		       const struct xt_part *target, struct rule *out)
{
	for (size_t i = 0; i < n; i++)
		if (!iptables_xt_read_match(&matches[i], a, out))
			return false;
	return !target || iptables_xt_read_target(target, out);
}

static void every_planned_rule_comes_back(void **state)
{
	struct arena a = {0};
	struct ruleset all = everything(&a);

	(void)state;
	assert_true(all.n_rules > 80);
	for (size_t i = 0; i < all.n_rules; i++) {
		struct xt_part parts[XT_MATCHES_MAX], target;
		size_t n = iptables_xt_matches(&all.rules[i], &a, parts);
		bool has_target = iptables_xt_target(&all.rules[i], &a, &target);
		struct rule back = head_of(&all.rules[i]);

		if (!read_parts(&a, parts, n, has_target ? &target : NULL, &back) ||
		    !rule_equal(&all.rules[i], &back))
			fail_msg("%s came back as %s", rule_print(&all.rules[i], &a),
				 rule_print(&back, &a));
	}
	arena_release(&a);
}

/* The same through the expressions of nf_tables. */
static void every_planned_rule_comes_back_from_expressions(void **state)
{
	struct arena a = {0};
	struct ruleset all = everything(&a);

	(void)state;
	for (size_t i = 0; i < all.n_rules; i++) {
		const struct rule *r = &all.rules[i];
		struct nftnl_rule *wire = nftnl_rule_alloc();
		const char *set;
		struct rule back;

		nftnl_rule_set_str(wire, NFTNL_RULE_CHAIN, r->chain);
		nft_expr_encode(r, 0, wire);
		if (!nft_expr_decode(wire, r->table, &a, &back, &set) || !rule_equal(r, &back))
			fail_msg("%s came back as %s", rule_print(r, &a), rule_print(&back, &a));
		nftnl_rule_free(wire);
	}
	arena_release(&a);
}

/* Reads the rule with one bit of one part turned. */
static bool is_equal_with_bit(struct arena *a, const struct rule *r, struct xt_part *parts,
			      size_t n, const struct xt_part *target, struct xt_part *turned,
			      size_t bit)
{
	uint8_t *copy = arena_memdup(a, turned->data, turned->size);
	const struct xt_part before = *turned;
	struct rule back = head_of(r);

	copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	turned->data = copy;
	bool same = read_parts(a, parts, n, target, &back) && rule_equal(r, &back);
	*turned = before;
	return same;
}

/*
 * How many bytes of a part say something; the rest is padding, room that is not used, or what the
 * kernel keeps there for itself.
 */
static size_t meaningful(const struct rule *r, const struct xt_part *p)
{
	static const struct {
		const char *name;
		size_t size;
	} sizes[] = {{"tcp", 12}, {"udp", 9}, {"mark", 9}, {"addrtype", 8}, {"MARK", 8}};
	bool ipv4 = r->table == iptables_rules_nat_table(AF_INET);

	for (size_t i = 0; i < array_size(sizes); i++)
		if (strcmp(sizes[i].name, p->name) == 0)
			return sizes[i].size;
	if (strcmp(p->name, "comment") == 0)
		return strlen(r->comment) + 1;
	if (strcmp(p->name, "MASQUERADE") == 0)
		return ipv4 ? 8 : 4;
	if (strcmp(p->name, "SNAT") == 0)
		return ipv4 ? 16 : 36;
	return 0;
}

static void one_bit_makes_a_rule_unequal(void **state)
{
	struct arena a = {0};
	struct ruleset all = everything(&a);

	(void)state;
	for (size_t i = 0; i < all.n_rules; i++) {
		const struct rule *r = &all.rules[i];
		struct xt_part parts[XT_MATCHES_MAX + 1];
		size_t n = iptables_xt_matches(r, &a, parts);
		bool has_target = iptables_xt_target(r, &a, &parts[n]);

		for (size_t p = 0; p < n + has_target; p++)
			for (size_t bit = 0; bit < meaningful(r, &parts[p]) * 8; bit++)
				if (is_equal_with_bit(&a, r, parts, n,
						      has_target ? &parts[n] : NULL, &parts[p],
						      bit))
					fail_msg("bit %zu of %s makes no difference: %s", bit,
						 parts[p].name, rule_print(r, &a));
	}
	arena_release(&a);
}

/* ---- the bytes that iptables 1.8 writes ---- */

static char *hex(struct arena *a, const struct xt_part *p, size_t size)
{
	const uint8_t *data = p->data;
	char *text = arena_alloc(a, size * 2 + 1);

	assert_true(p->size >= size);
	for (size_t i = 0; i < size; i++)
		sprintf(text + i * 2, "%02x", data[i]);
	return text;
}

static void bytes_are_those_of_iptables(void **state)
{
	const struct table *nat4 = iptables_rules_nat_table(AF_INET);
	const struct {
		struct rule rule;
		const char *name, *bytes;
		uint8_t revision;
		size_t size;
	} rows[] = {
		{{.table = nat4, .proto = IPPROTO_TCP, .dport = 8080},
		 "tcp",
		 "0000ffff901f901f",
		 0,
		 16},
		{{.table = nat4, .proto = IPPROTO_UDP, .dport = 9000, .dport_last = 9002},
		 "udp",
		 "0000ffff28232a23",
		 0,
		 16},
		{{.table = nat4, .proto = IPPROTO_SCTP, .dport = 8080},
		 "sctp",
		 "901f901f00000000",
		 0,
		 296},
		{{.table = nat4, .local = true}, "addrtype", "0000040000000000", 1, 8},
		{{.table = nat4, .mark = 0x2000}, "mark", "002000000020000000", 1, 16},
		{{.table = nat4, .comment = "hi"}, "comment", "686900", 0, 256},
		{{.table = nat4, .set_mark = 0x2000}, "MARK", "0020000000200000", 2, 8},
		{{.table = nat4, .verdict = VERDICT_MASQUERADE},
		 "MASQUERADE",
		 "0100000000000000",
		 0,
		 24},
		{{.table = iptables_rules_nat_table(AF_INET6), .verdict = VERDICT_MASQUERADE},
		 "MASQUERADE",
		 "0000000000000000",
		 0,
		 40},
		{{.table = nat4,
		  .verdict = VERDICT_DNAT,
		  .to_addr = intent_addr("10.89.3.2"),
		  .to_port = 80},
		 "DNAT",
		 "030000000a5903020000000000000000000000000a59030200000000000000000000000000500050",
		 2,
		 48},
		{{.table = nat4,
		  .dport = 0,
		  .verdict = VERDICT_DNAT,
		  .to_addr = intent_addr("10.89.3.2"),
		  .to_port = 8000,
		  .to_port_last = 8002},
		 "DNAT",
		 "230000000a5903020000000000000000000000000a5903020000000000000000000000001f401f42",
		 2,
		 48},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct xt_part p;

		if (iptables_xt_matches(&rows[i].rule, &a, &p) == 0)
			assert_true(iptables_xt_target(&rows[i].rule, &a, &p));
		assert_string_equal(p.name, rows[i].name);
		assert_int_equal(p.revision, rows[i].revision);
		assert_int_equal(p.size, rows[i].size);
		assert_string_equal(hex(&a, &p, strlen(rows[i].bytes) / 2), rows[i].bytes);
	}
	arena_release(&a);
}

static void foreign_parts_are_not_ours(void **state)
{
	static const uint8_t zero[512];
	const struct xt_part parts[] = {
		{"limit", 0, zero, 48},	  {"multiport", 1, zero, 48},  {"tcp", 1, zero, 16},
		{"tcp", 0, zero, 4},	  {"conntrack", 2, zero, 168}, {"conntrack", 3, zero, 168},
		{"addrtype", 0, zero, 8}, {"mark", 0, zero, 16},
	};
	const struct xt_part targets[] = {
		{"LOG", 0, zero, 32},	     {"REDIRECT", 0, zero, 24}, {"MARK", 1, zero, 16},
		{"MASQUERADE", 1, zero, 24}, {"DNAT", 2, zero, 48},	{"DNAT", 3, zero, 48},
		{"SNAT", 0, zero, 24},	     {"DNAT", 2, zero, 8},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(parts); i++) {
		struct rule r = {.table = iptables_rules_nat_table(AF_INET), .proto = IPPROTO_TCP};

		assert_false(iptables_xt_read_match(&parts[i], &a, &r));
	}
	for (size_t i = 0; i < array_size(targets); i++) {
		struct rule r = {.table = iptables_rules_nat_table(AF_INET), .proto = IPPROTO_TCP};

		assert_false(iptables_xt_read_target(&targets[i], &r));
	}
	arena_release(&a);
}

/* A name and an id that do not fit together: the id stays, which a teardown looks for. */
static void long_names_give_way_to_the_id(void **state)
{
	char name[400], id[65];
	struct arena a = {0};
	struct ruleset set = {.arena = &a, .table = iptables_rules_nat_table(AF_INET)};
	struct intent i;
	struct xt_part parts[XT_MATCHES_MAX];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	memset(id, 'c', sizeof(id) - 1);
	name[sizeof(name) - 1] = id[sizeof(id) - 1] = '\0';
	intent_make(&i);
	i.in.net.hash_name = "0123456789ABC";
	i.in.me.network_name = name;
	i.in.me.container_id = id;
	iptables_rules_ports(&i.in, AF_INET, &set);
	const struct rule *jump = &set.rules[3];
	assert_int_equal(strlen(jump->comment), 255);
	assert_true(iptables_rules_is_of(jump->comment, id));
	assert_false(iptables_rules_is_of(jump->comment, id + 1));
	assert_int_equal(iptables_xt_matches(jump, &a, parts), 2);
	assert_string_equal(parts[1].data, jump->comment);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("FW-070 xtables: every planned rule comes back",
		     every_planned_rule_comes_back),
		TEST("FW-070 xtables: and from the expressions of iptables-nft",
		     every_planned_rule_comes_back_from_expressions),
		TEST("FW-079 xtables: one other bit makes a rule unequal",
		     one_bit_makes_a_rule_unequal),
		TEST("FW-070 xtables: revisions, sizes and bytes of iptables 1.8",
		     bytes_are_those_of_iptables),
		TEST("FW-079 xtables: what others write is not taken for ours",
		     foreign_parts_are_not_ours),
		TEST("FW-076 xtables: a long name gives way to the container's id",
		     long_names_give_way_to_the_id),
	};

	return cmocka_run_group_tests_name("iptables_xt", tests, NULL, NULL);
}
