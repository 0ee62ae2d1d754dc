/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <libnftnl/expr.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include "netavark/firewall/nft_expr.h"
#include "netavark/firewall/nft_rules.h"
#include "netavark/firewall/nft_map.h"
#include "tests/unit/intents.h"

static void cleanup_rule(struct nftnl_rule **r)
{
	nftnl_rule_free(*r);
}
#define cleanup_nft_rule __attribute__((cleanup(cleanup_rule)))

static struct nftnl_rule *encode(const struct rule *r)
{
	struct nftnl_rule *out = nftnl_rule_alloc();

	assert_non_null(out);
	nftnl_rule_set_str(out, NFTNL_RULE_CHAIN, r->chain);
	nft_expr_encode(r, 7, out);
	return out;
}

/* Every rule that can be planned: both isolation kinds, both forms of leaving a network, … */
static void all_rules(struct ruleset *set)
{
	static const enum isolation kinds[] = {ISOLATION_NEVER, ISOLATION_NORMAL, ISOLATION_STRICT};
	struct intent i;

	intent_make(&i);
	nft_rules_guard(set);
	nft_rules_base(set);
	nft_rules_network(&i.in.net, set);
	i.in.net.outbound4 = intent_addr("100.64.0.1");
	i.in.net.outbound6 = intent_addr("fd20::1");
	nft_rules_network(&i.in.net, set);
	for (size_t k = 0; k < array_size(kinds); k++) {
		i.in.net.isolation = kinds[k];
		nft_rules_isolation(&i.in.net, set);
	}
	nft_rules_dns(&i.in, set);
	nft_rules_ports(&i.in, set);
}

static void every_planned_rule_comes_back(void **state)
{
	struct arena a = {0};
	struct ruleset set = {.arena = &a};

	(void)state;
	all_rules(&set);
	for (size_t i = 0; i < set.n_rules; i++) {
		cleanup_nft_rule struct nftnl_rule *wire = encode(&set.rules[i]);
		const char *protocols = NULL;
		struct rule back;

		if (!nft_expr_decode(wire, NULL, &a, &back, &protocols) ||
		    !rule_equal(&set.rules[i], &back))
			fail_msg("%s came back as %s", rule_print(&set.rules[i], &a),
				 rule_print(&back, &a));
		assert_int_equal(protocols != NULL, set.rules[i].tcp_and_udp);
		if (protocols)
			assert_string_equal(protocols, NFT_EXPR_SET_NAME);
	}
	arena_release(&a);
}

static void rules_with_maps_come_back(void **state)
{
	struct arena a = {0};
	struct ruleset set = {.arena = &a, .table = &nft_map_table};
	struct intent i;

	(void)state;
	intent_make(&i);
	nft_map_base(&set);
	nft_map_network(&i.in, &set);
	for (size_t k = 0; k < set.n_rules; k++) {
		cleanup_nft_rule struct nftnl_rule *wire = encode(&set.rules[k]);
		const char *protocols;
		struct rule back;

		if (!nft_expr_decode(wire, &nft_map_table, &a, &back, &protocols) ||
		    !rule_equal(&set.rules[k], &back))
			fail_msg("%s came back as %s", rule_print(&set.rules[k], &a),
				 rule_print(&back, &a));
		/* In any other table there is no such map. */
		if (set.rules[k].map)
			assert_false(
				nft_expr_decode(wire, &nft_rules_table, &a, &back, &protocols));
	}
	arena_release(&a);
}

static void prefixes_of_every_length_come_back(void **state)
{
	static const char *const addrs[] = {"171.205.239.1",
					    "fdab:cdef:123:4567:89ab:cdef:8765:4321"};
	struct arena a = {0};

	(void)state;
	for (size_t k = 0; k < array_size(addrs); k++) {
		struct prefix p = {.addr = intent_addr(addrs[k])};

		for (int len = 0; len <= prefix_max_len(p.addr.family); len++) {
			p.len = (uint8_t)len;
			struct prefix masked = prefix_masked(&p);
			struct rule r = {.chain = "C",
					 .saddr = masked,
					 .daddr = masked,
					 .not_daddr = true,
					 .verdict = VERDICT_ACCEPT},
				    back;
			cleanup_nft_rule struct nftnl_rule *wire = encode(&r);
			const char *protocols;

			assert_true(nft_expr_decode(wire, NULL, &a, &back, &protocols));
			if (!rule_equal(&r, &back))
				fail_msg("%s came back as %s", rule_print(&r, &a),
					 rule_print(&back, &a));
		}
	}
	arena_release(&a);
}

/* ---- the bytes on the wire are those that nft(8) itself writes ---- */

static void expressions_are_those_of_nft(void **state)
{
	static const struct {
		size_t rule; /* of nft_rules_base() */
		const char *names;
	} rows[] = {
		{0, "meta bitwise cmp masq "},	  {1, "meta bitwise meta "},
		{2, "fib cmp immediate "},	  {4, "ct bitwise cmp immediate "},
		{5, "ct bitwise cmp immediate "}, {6, "immediate "},
	};
	struct arena a = {0};
	struct ruleset set = {.arena = &a};

	(void)state;
	nft_rules_base(&set);
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup_nft_rule struct nftnl_rule *wire = encode(&set.rules[rows[i].rule]);
		struct nftnl_expr_iter *it = nftnl_expr_iter_create(wire);
		char names[128] = "";

		for (struct nftnl_expr *e = nftnl_expr_iter_next(it); e;
		     e = nftnl_expr_iter_next(it))
			sprintf(names + strlen(names), "%s ",
				nftnl_expr_get_str(e, NFTNL_EXPR_NAME));
		nftnl_expr_iter_destroy(it);
		assert_string_equal(names, rows[i].names);
	}
	arena_release(&a);
}

/* ---- rules of others ---- */

static struct nftnl_expr *append(struct nftnl_rule *r, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	assert_non_null(e);
	nftnl_rule_add_expr(r, e);
	return e;
}

static struct nftnl_expr *last_of(struct nftnl_rule *r)
{
	struct nftnl_expr_iter *it = nftnl_expr_iter_create(r);
	struct nftnl_expr *last = NULL;

	for (struct nftnl_expr *e = nftnl_expr_iter_next(it); e; e = nftnl_expr_iter_next(it))
		last = e;
	nftnl_expr_iter_destroy(it);
	return last;
}

static void load_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = append(r, "payload");

	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void load_meta(struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *e = append(r, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void load_ct(struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *e = append(r, "ct");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

static void compare(struct nftnl_rule *r, uint32_t op, const void *data, uint32_t len)
{
	struct nftnl_expr *e = append(r, "cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

static void mask(struct nftnl_rule *r, const void *and, const void * xor, uint32_t len)
{
	struct nftnl_expr *e = append(r, "bitwise");

	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, and, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static void verdict(struct nftnl_rule *r, int value)
{
	struct nftnl_expr *e = append(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)value);
	if (value == NFT_GOTO)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, "X");
}

static void family(struct nftnl_rule *r, uint8_t nfproto)
{
	load_meta(r, NFT_META_NFPROTO);
	compare(r, NFT_CMP_EQ, &nfproto, 1);
}

static void with_counter(struct nftnl_rule *r)
{
	append(r, "counter");
	verdict(r, NF_ACCEPT);
}

static void with_log(struct nftnl_rule *r)
{
	nftnl_expr_set_str(append(r, "log"), NFTNL_EXPR_LOG_PREFIX, "x");
	verdict(r, NF_ACCEPT);
}

static void with_limit(struct nftnl_rule *r)
{
	append(r, "limit");
	verdict(r, NF_ACCEPT);
}

static void with_goto(struct nftnl_rule *r)
{
	verdict(r, NFT_GOTO);
}

static void with_queue(struct nftnl_rule *r)
{
	verdict(r, NF_QUEUE);
}

static void with_continue(struct nftnl_rule *r)
{
	verdict(r, NFT_CONTINUE);
}

static void with_link_header(struct nftnl_rule *r)
{
	load_payload(r, NFT_PAYLOAD_LL_HEADER, 12, 4);
	compare(r, NFT_CMP_EQ, "\12\0\0\1", 4);
	verdict(r, NF_ACCEPT);
}

static void with_source_port(struct nftnl_rule *r)
{
	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2);
	compare(r, NFT_CMP_EQ, "\0\x35", 2);
	verdict(r, NF_ACCEPT);
}

/* Inside the packet: offset 2 there is not the port of the packet itself. */
static void with_inner_header(struct nftnl_rule *r)
{
	load_payload(r, NFT_PAYLOAD_INNER_HEADER, 2, 2);
	compare(r, NFT_CMP_EQ, "\0\x35", 2);
	verdict(r, NF_ACCEPT);
}

static void with_other_network_field(struct nftnl_rule *r)
{
	family(r, NFPROTO_IPV4);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 8, 1);
	compare(r, NFT_CMP_EQ, "\x40", 1);
	verdict(r, NF_ACCEPT);
}

static void with_address_without_family(struct nftnl_rule *r)
{
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
	compare(r, NFT_CMP_EQ, "\12\0\0\1", 4);
	verdict(r, NF_ACCEPT);
}

static void with_not_source(struct nftnl_rule *r)
{
	family(r, NFPROTO_IPV4);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
	compare(r, NFT_CMP_NEQ, "\12\0\0\1", 4);
	verdict(r, NF_ACCEPT);
}

static void with_greater_than(struct nftnl_rule *r)
{
	family(r, NFPROTO_IPV4);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
	compare(r, NFT_CMP_GT, "\12\0\0\1", 4);
	verdict(r, NF_ACCEPT);
}

static void with_gaps_in_the_mask(struct nftnl_rule *r)
{
	family(r, NFPROTO_IPV4);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
	mask(r, "\xff\0\xff\0", "\0\0\0\0", 4);
	compare(r, NFT_CMP_EQ, "\12\0\1\0", 4);
	verdict(r, NF_ACCEPT);
}

/* An address that is changed before it is compared. */
static void with_xor_on_an_address(struct nftnl_rule *r)
{
	family(r, NFPROTO_IPV4);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
	mask(r, "\xff\xf0\0\0", "\1\0\0\0", 4);
	compare(r, NFT_CMP_EQ, "\12\0\0\0", 4);
	verdict(r, NF_ACCEPT);
}

static void with_not_family(struct nftnl_rule *r)
{
	load_meta(r, NFT_META_NFPROTO);
	compare(r, NFT_CMP_NEQ, "\2", 1);
	verdict(r, NF_ACCEPT);
}

/* A family that is neither IPv4 nor IPv6. */
static void with_bridge_family(struct nftnl_rule *r)
{
	family(r, NFPROTO_BRIDGE);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 8, 16);
	compare(r, NFT_CMP_EQ, "0123456789abcdef", 16);
	verdict(r, NF_ACCEPT);
}

static void with_family_alone(struct nftnl_rule *r)
{
	family(r, NFPROTO_IPV6);
	verdict(r, NF_ACCEPT);
}

static void with_interface_index(struct nftnl_rule *r)
{
	load_meta(r, NFT_META_IIF);
	compare(r, NFT_CMP_EQ, "\1\0\0\0", 4);
	verdict(r, NF_ACCEPT);
}

static void with_interface_wildcard(struct nftnl_rule *r)
{
	load_meta(r, NFT_META_IIFNAME);
	compare(r, NFT_CMP_EQ, "pod", 3);
	verdict(r, NF_ACCEPT);
}

static void with_not_a_wildcard(struct nftnl_rule *r)
{
	load_meta(r, NFT_META_IIFNAME);
	compare(r, NFT_CMP_NEQ, "pod", 3);
	verdict(r, NF_ACCEPT);
}

static void with_whole_mark(struct nftnl_rule *r)
{
	load_meta(r, NFT_META_MARK);
	compare(r, NFT_CMP_EQ, "\0\x20\0\0", 4);
	verdict(r, NF_ACCEPT);
}

static void with_ct_status(struct nftnl_rule *r)
{
	load_ct(r, NFT_CT_STATUS);
	mask(r, "\x10\0\0\0", "\0\0\0\0", 4);
	compare(r, NFT_CMP_NEQ, "\0\0\0\0", 4);
	verdict(r, NF_ACCEPT);
}

static void with_exact_ct_state(struct nftnl_rule *r)
{
	load_ct(r, NFT_CT_STATE);
	compare(r, NFT_CMP_EQ, "\2\0\0\0", 4);
	verdict(r, NF_ACCEPT);
}

static void with_two_destinations(struct nftnl_rule *r)
{
	family(r, NFPROTO_IPV4);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 16, 4);
	compare(r, NFT_CMP_NEQ, "\12\0\0\1", 4);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 16, 4);
	compare(r, NFT_CMP_NEQ, "\12\0\0\2", 4);
	verdict(r, NF_ACCEPT);
}

static void set_meta(struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *e = append(r, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

/* The mark becomes a number instead of gaining a bit. */
static void with_fixed_mark(struct nftnl_rule *r)
{
	struct nftnl_expr *e = append(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, "\0\x20\0\0", 4);
	set_meta(r, NFT_META_MARK);
}

static void with_priority(struct nftnl_rule *r)
{
	load_meta(r, NFT_META_MARK);
	mask(r, "\xff\xdf\xff\xff", "\0\x20\0\0", 4);
	set_meta(r, NFT_META_PRIORITY);
}

static void lookup(struct nftnl_rule *r, const char *set, bool invert)
{
	struct nftnl_expr *e = append(r, "lookup");

	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	if (invert)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

static void with_set_of_addresses(struct nftnl_rule *r)
{
	family(r, NFPROTO_IPV4);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 12, 4);
	lookup(r, "blocked", false);
	verdict(r, NF_ACCEPT);
}

static void with_protocols_not_in_the_set(struct nftnl_rule *r)
{
	load_meta(r, NFT_META_L4PROTO);
	lookup(r, "__set0", true);
	verdict(r, NF_ACCEPT);
}

static void nat(struct nftnl_rule *r, uint32_t flags)
{
	struct nftnl_expr *data = append(r, "immediate"), *e;

	nftnl_expr_set_u32(data, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(data, NFTNL_EXPR_IMM_DATA, "\12\0\0\2", 4);
	e = append(r, "nat");
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, flags);
}

static void with_random_nat(struct nftnl_rule *r)
{
	nat(r, NF_NAT_RANGE_PROTO_RANDOM);
}

static void with_nat_to_a_range(struct nftnl_rule *r)
{
	struct nftnl_expr *data = append(r, "immediate");

	nftnl_expr_set_u32(data, NFTNL_EXPR_IMM_DREG, NFT_REG_2);
	nftnl_expr_set(data, NFTNL_EXPR_IMM_DATA, "\12\0\0\x9", 4);
	nat(r, 0);
	nftnl_expr_set_u32(last_of(r), NFTNL_EXPR_NAT_REG_ADDR_MAX, NFT_REG_2);
}

static void with_masquerade_to_ports(struct nftnl_rule *r)
{
	struct nftnl_expr *data = append(r, "immediate");

	nftnl_expr_set_u32(data, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(data, NFTNL_EXPR_IMM_DATA, "\4\0", 2);
	nftnl_expr_set_u32(append(r, "masq"), NFTNL_EXPR_MASQ_REG_PROTO_MIN, NFT_REG_1);
}

static void with_random_masquerade(struct nftnl_rule *r)
{
	nftnl_expr_set_u32(append(r, "masq"), NFTNL_EXPR_MASQ_FLAGS, NF_NAT_RANGE_PROTO_RANDOM);
}

static void with_masked_protocol(struct nftnl_rule *r)
{
	load_meta(r, NFT_META_L4PROTO);
	mask(r, "\x0f", "\0", 1);
	compare(r, NFT_CMP_EQ, "\6", 1);
	verdict(r, NF_ACCEPT);
}

static void with_masked_port(struct nftnl_rule *r)
{
	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	mask(r, "\0\xff", "\0\0", 2);
	struct nftnl_expr *e = append(r, "range");
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_FROM_DATA, "\0\1", 2);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_TO_DATA, "\0\2", 2);
	verdict(r, NF_ACCEPT);
}

/* Two bits asked for one after the other: not the same as the second one alone. */
static void with_two_marks(struct nftnl_rule *r)
{
	load_meta(r, NFT_META_MARK);
	mask(r, "\0\x10\0\0", "\0\0\0\0", 4);
	compare(r, NFT_CMP_EQ, "\0\x10\0\0", 4);
	load_meta(r, NFT_META_MARK);
	mask(r, "\0\x20\0\0", "\0\0\0\0", 4);
	compare(r, NFT_CMP_EQ, "\0\x20\0\0", 4);
	append(r, "masq");
}

static void with_fib_of_an_interface(struct nftnl_rule *r)
{
	struct nftnl_expr *e = append(r, "fib");

	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR | NFTA_FIB_F_IIF);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	compare(r, NFT_CMP_EQ, "\2\0\0\0", 4);
	verdict(r, NF_ACCEPT);
}

static void with_direction(struct nftnl_rule *r)
{
	load_ct(r, NFT_CT_MARK);
	nftnl_expr_set_u8(last_of(r), NFTNL_EXPR_CT_DIR, 1);
	mask(r, "\0\x10\0\0", "\0\0\0\0", 4);
	compare(r, NFT_CMP_EQ, "\0\x10\0\0", 4);
	verdict(r, NF_ACCEPT);
}

static void foreign_rules_are_not_ours(void **state)
{
	static const struct {
		const char *what;
		void (*make)(struct nftnl_rule *r);
	} rows[] = {
		{"counter", with_counter},
		{"log", with_log},
		{"limit", with_limit},
		{"goto", with_goto},
		{"queue", with_queue},
		{"continue", with_continue},
		{"link layer header", with_link_header},
		{"source port", with_source_port},
		{"inner header", with_inner_header},
		{"other field of the network header", with_other_network_field},
		{"address without family", with_address_without_family},
		{"saddr !=", with_not_source},
		{"saddr >", with_greater_than},
		{"mask with gaps", with_gaps_in_the_mask},
		{"address ^ 1.0.0.0", with_xor_on_an_address},
		{"family !=", with_not_family},
		{"family bridge", with_bridge_family},
		{"family alone", with_family_alone},
		{"interface index", with_interface_index},
		{"interface wildcard", with_interface_wildcard},
		{"iifname != pod*", with_not_a_wildcard},
		{"mark == without mask", with_whole_mark},
		{"ct status", with_ct_status},
		{"ct state ==", with_exact_ct_state},
		{"two destinations", with_two_destinations},
		{"mark set to a number", with_fixed_mark},
		{"priority", with_priority},
		{"set of addresses", with_set_of_addresses},
		{"protocols not in a set", with_protocols_not_in_the_set},
		{"dnat random", with_random_nat},
		{"dnat to a range", with_nat_to_a_range},
		{"masquerade to ports", with_masquerade_to_ports},
		{"masquerade random", with_random_masquerade},
		{"masked protocol", with_masked_protocol},
		{"masked port", with_masked_port},
		{"two marks", with_two_marks},
		{"fib with iif", with_fib_of_an_interface},
		{"ct original mark", with_direction},
	};
	struct arena a = {0};
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		cleanup_nft_rule struct nftnl_rule *wire = nftnl_rule_alloc();
		const char *protocols;
		struct rule r;

		nftnl_rule_set_str(wire, NFTNL_RULE_CHAIN, "C");
		rows[i].make(wire);
		if (nft_expr_decode(wire, NULL, &a, &r, &protocols)) {
			print_error("%s: taken for %s\n", rows[i].what, rule_print(&r, &a));
			wrong++;
		}
	}
	arena_release(&a);
	assert_int_equal(wrong, 0);
}

/* What the kernel fills in or an administrator adds around a rule does not make it foreign. */
static void harmless_additions_stay_ours(void **state)
{
	struct arena a = {0};
	struct rule wanted = {.chain = "C",
			      .verdict = VERDICT_DNAT,
			      .to_addr = intent_addr("10.0.0.2")},
		    back;
	cleanup_nft_rule struct nftnl_rule *wire = nftnl_rule_alloc();
	const char *protocols;

	(void)state;
	nftnl_rule_set_str(wire, NFTNL_RULE_CHAIN, "C");
	nftnl_rule_set_data(wire, NFTNL_RULE_USERDATA, "\0\3hi", 5);
	nat(wire, NF_NAT_RANGE_MAP_IPS);
	nftnl_expr_set_u32(last_of(wire), NFTNL_EXPR_NAT_REG_ADDR_MAX, NFT_REG_1);
	assert_true(nft_expr_decode(wire, NULL, &a, &back, &protocols));
	assert_true(rule_equal(&wanted, &back));
	arena_release(&a);
}

/* ---- one bit ---- */

struct bits {
	struct nftnl_rule *wire;
	size_t wanted; /* this one of all bits is turned */
	size_t seen;
};

static void turn_bit(struct nftnl_expr *e, uint16_t field, struct bits *b)
{
	uint32_t len = 0;
	const void *data = nftnl_expr_is_set(e, field) ? nftnl_expr_get(e, field, &len) : NULL;
	uint8_t copy[64];

	if (!data || len > sizeof(copy))
		return;
	if (b->wanted >= b->seen && b->wanted < b->seen + len * 8) {
		size_t bit = b->wanted - b->seen;

		memcpy(copy, data, len);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		nftnl_expr_set(e, field, copy, len);
	}
	b->seen += len * 8;
}

/* The fields that hold data, which is where one rule differs from its neighbour. */
static int turn_bit_of(struct nftnl_expr *e, void *arg)
{
	static const struct {
		const char *name;
		uint16_t field;
	} fields[] = {
		{"cmp", NFTNL_EXPR_CMP_DATA},		{"bitwise", NFTNL_EXPR_BITWISE_MASK},
		{"bitwise", NFTNL_EXPR_BITWISE_XOR},	{"range", NFTNL_EXPR_RANGE_FROM_DATA},
		{"range", NFTNL_EXPR_RANGE_TO_DATA},	{"immediate", NFTNL_EXPR_IMM_DATA},
		{"payload", NFTNL_EXPR_PAYLOAD_OFFSET}, {"payload", NFTNL_EXPR_PAYLOAD_BASE},
		{"payload", NFTNL_EXPR_PAYLOAD_LEN},	{"cmp", NFTNL_EXPR_CMP_OP},
		{"nat", NFTNL_EXPR_NAT_TYPE},		{"nat", NFTNL_EXPR_NAT_FAMILY},
		{"meta", NFTNL_EXPR_META_KEY},		{"ct", NFTNL_EXPR_CT_KEY},
		{"fib", NFTNL_EXPR_FIB_FLAGS},		{"fib", NFTNL_EXPR_FIB_RESULT},
		{"range", NFTNL_EXPR_RANGE_OP},
	};

	for (size_t i = 0; i < array_size(fields); i++)
		if (strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), fields[i].name) == 0)
			turn_bit(e, fields[i].field, arg);
	return 0;
}

static void one_bit_makes_a_rule_unequal(void **state)
{
	struct arena a = {0};
	struct ruleset set = {.arena = &a};
	int wrong = 0;

	(void)state;
	all_rules(&set);
	for (size_t i = 0; i < set.n_rules && wrong < 10; i++) {
		struct bits b = {.wanted = 0};

		do {
			cleanup_nft_rule struct nftnl_rule *wire = encode(&set.rules[i]);
			const char *protocols;
			struct rule back;

			b.seen = 0;
			nftnl_expr_foreach(wire, turn_bit_of, &b);
			if (b.wanted < b.seen &&
			    nft_expr_decode(wire, NULL, &a, &back, &protocols) &&
			    rule_equal(&set.rules[i], &back)) {
				print_error("bit %zu of %zu makes no difference: %s\n", b.wanted,
					    b.seen, rule_print(&set.rules[i], &a));
				wrong++;
			}
			b.wanted++;
		} while (b.wanted < b.seen && wrong < 10);
	}
	arena_release(&a);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("expressions: every planned rule comes back", every_planned_rule_comes_back),
		TEST("expressions: rules with maps come back", rules_with_maps_come_back),
		TEST("FW-051 expressions: prefixes of every length come back",
		     prefixes_of_every_length_come_back),
		TEST("expressions: the kinds and the order of nft", expressions_are_those_of_nft),
		TEST("FW-045 expressions: what others write is not taken for ours",
		     foreign_rules_are_not_ours),
		TEST("expressions: comments and what the kernel fills in are harmless",
		     harmless_additions_stay_ours),
		TEST("FW-045 expressions: one other bit makes a rule unequal",
		     one_bit_makes_a_rule_unequal),
	};

	return cmocka_run_group_tests_name("nft_expr", tests, NULL, NULL);
}
