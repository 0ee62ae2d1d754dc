/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/firewall/nft_expr.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include "common/cleanup.h"
#include "netavark/firewall/iptables_xt.h"

#define OFFSET_SADDR4 12
#define OFFSET_DADDR4 16
#define OFFSET_SADDR6 8
#define OFFSET_DADDR6 24
#define OFFSET_PROTO4 9
#define OFFSET_DPORT  2

/* ---- writing ---- */

static struct nftnl_expr *add(struct nftnl_rule *r, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (!e)
		abort(); /* out of memory, like the arena */
	nftnl_rule_add_expr(r, e);
	return e;
}

static void load_meta(struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *e = add(r, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void load_ct(struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *e = add(r, "ct");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

static void load_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = add(r, "payload");

	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void compare(struct nftnl_rule *r, uint32_t op, const void *data, uint32_t len)
{
	struct nftnl_expr *e = add(r, "cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

static void mask(struct nftnl_rule *r, const void *and, const void * xor, uint32_t len)
{
	struct nftnl_expr *e = add(r, "bitwise");

	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, and, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static void mask_u32(struct nftnl_rule *r, uint32_t and, uint32_t xor)
{
	mask(r, &and, &xor, sizeof(and));
}

static void compare_u32(struct nftnl_rule *r, uint32_t op, uint32_t value)
{
	compare(r, op, &value, sizeof(value));
}

static void put_local(struct nftnl_rule *r)
{
	struct nftnl_expr *e = add(r, "fib");

	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	compare_u32(r, NFT_CMP_EQ, RTN_LOCAL);
}

static void put_interface(struct nftnl_rule *r, uint32_t key, uint32_t op, const char *name)
{
	char padded[IFNAMSIZ] = "";

	memcpy(padded, name, strnlen(name, IFNAMSIZ - 1));
	load_meta(r, key);
	compare(r, op, padded, sizeof(padded));
}

/* A prefix of whole bytes compares just them; any other the masked address: as nft(8) does. */
static void put_prefix(struct nftnl_rule *r, const struct prefix *p, bool source, bool not )
{
	static const uint8_t zero[16];
	bool ipv4 = p->addr.family == AF_INET;
	uint32_t offset = ipv4 ? (source ? OFFSET_SADDR4 : OFFSET_DADDR4)
			       : (source ? OFFSET_SADDR6 : OFFSET_DADDR6);
	uint32_t size = (uint32_t)addr_size(&p->addr);
	uint32_t op = not ? NFT_CMP_NEQ : NFT_CMP_EQ;

	if (p->len && p->len % 8 == 0) {
		load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, offset, p->len / 8u);
		compare(r, op, p->addr.bytes, p->len / 8u);
		return;
	}
	struct prefix ones = {{p->addr.family, {0}}, p->len};
	memset(ones.addr.bytes, 0xff, size);
	ones = prefix_masked(&ones);
	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, offset, size);
	mask(r, ones.addr.bytes, zero, size);
	compare(r, op, p->addr.bytes, size);
}

static void put_addresses(struct nftnl_rule *r, const struct rule *in)
{
	uint8_t family = in->saddr.addr.family ? in->saddr.addr.family : in->daddr.addr.family;
	uint8_t nfproto = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;

	if (!family)
		return;
	load_meta(r, NFT_META_NFPROTO);
	compare(r, NFT_CMP_EQ, &nfproto, sizeof(nfproto));
	if (in->saddr.addr.family)
		put_prefix(r, &in->saddr, true, false);
	if (in->daddr.addr.family)
		put_prefix(r, &in->daddr, false, in->not_daddr);
}

static void put_set(struct nftnl_rule *r, uint32_t set_id)
{
	struct nftnl_expr *e = add(r, "lookup");

	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, NFT_EXPR_SET_NAME);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, set_id);
}

static void put_dport(struct nftnl_rule *r, const struct rule *in)
{
	uint16_t first = htons(in->dport), last = htons(in->dport_last);

	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, OFFSET_DPORT, sizeof(first));
	if (!in->dport_last) {
		compare(r, NFT_CMP_EQ, &first, sizeof(first));
		return;
	}
	struct nftnl_expr *e = add(r, "range");
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_FROM_DATA, &first, sizeof(first));
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_TO_DATA, &last, sizeof(last));
}

static void put_ports(struct nftnl_rule *r, const struct rule *in, uint32_t set_id)
{
	if (!in->proto && !in->tcp_and_udp)
		return;
	load_meta(r, NFT_META_L4PROTO);
	if (in->tcp_and_udp)
		put_set(r, set_id);
	else
		compare(r, NFT_CMP_EQ, &in->proto, sizeof(in->proto));
	if (in->dport)
		put_dport(r, in);
}

static void put_mark(struct nftnl_rule *r, uint32_t mark)
{
	load_meta(r, NFT_META_MARK);
	mask_u32(r, mark, 0);
	compare_u32(r, NFT_CMP_EQ, mark);
}

static void put_match(struct nftnl_rule *r, const struct rule *in, uint32_t set_id)
{
	if (in->local)
		put_local(r);
	if (in->mark)
		put_mark(r, in->mark);
	if (in->iif)
		put_interface(r, NFT_META_IIFNAME, in->not_iif ? NFT_CMP_NEQ : NFT_CMP_EQ, in->iif);
	if (in->oif)
		put_interface(r, NFT_META_OIFNAME, in->not_oif ? NFT_CMP_NEQ : NFT_CMP_EQ, in->oif);
	put_addresses(r, in);
	put_ports(r, in, set_id);
	if (in->ct_state) {
		load_ct(r, NFT_CT_STATE);
		mask_u32(r, in->ct_state, 0);
		compare_u32(r, NFT_CMP_NEQ, 0);
	}
	if (in->ct_dnat) {
		load_ct(r, NFT_CT_STATUS);
		mask_u32(r, IPS_DST_NAT, 0);
		compare_u32(r, NFT_CMP_NEQ, 0);
	}
	if (in->ct_mark) {
		load_ct(r, NFT_CT_MARK);
		mask_u32(r, in->ct_mark, 0);
		compare_u32(r, NFT_CMP_EQ, in->ct_mark);
	}
}

static void put_marks(struct nftnl_rule *r, const struct rule *in)
{
	if (in->add_ct_mark) {
		load_ct(r, NFT_CT_MARK);
		mask_u32(r, ~in->add_ct_mark, in->add_ct_mark);
		struct nftnl_expr *e = add(r, "ct");
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	}
	if (in->set_mark) {
		load_meta(r, NFT_META_MARK);
		mask_u32(r, ~in->set_mark, in->set_mark);
		struct nftnl_expr *e = add(r, "meta");
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
	}
	if (in->set_ct_mark) {
		load_meta(r, NFT_META_MARK);
		mask_u32(r, ~in->set_ct_mark, in->set_ct_mark);
		struct nftnl_expr *e = add(r, "ct");
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	}
}

/* As nft(8) keeps comments. */
static void put_note(struct nftnl_rule *r, const char *text)
{
	struct nftnl_udata_buf *buf = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	if (!buf)
		abort();
	nftnl_udata_put_strz(buf, NFTNL_UDATA_RULE_COMMENT, text);
	nftnl_rule_set_data(r, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(buf),
			    nftnl_udata_buf_len(buf));
	nftnl_udata_buf_free(buf);
}

static void put_verdict(struct nftnl_rule *r, uint32_t verdict, const char *target)
{
	struct nftnl_expr *e = add(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
	if (target)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, target);
}

static void load_data(struct nftnl_rule *r, uint32_t reg, const void *data, size_t len)
{
	struct nftnl_expr *e = add(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, reg);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, data, (uint32_t)len);
}

static void add_nat(struct nftnl_rule *r, uint32_t type, uint32_t family, uint32_t proto_reg)
{
	struct nftnl_expr *e = add(r, "nat");

	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, type);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY,
			   family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	if (proto_reg)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, proto_reg);
}

/* Each part of a key, and of what is found, begins at a register of its own. */
static void put_map(struct nftnl_rule *r, const struct map *map)
{
	bool ipv4 = map->family == AF_INET;
	uint32_t words = ipv4 ? 1 : 4, reg = map->by_host ? words : 0;
	uint8_t nfproto = ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	if (map->by_host) {
		load_meta(r, NFT_META_NFPROTO);
		compare(r, NFT_CMP_EQ, &nfproto, sizeof(nfproto));
		load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, ipv4 ? OFFSET_DADDR4 : OFFSET_DADDR6,
			     words * 4);
	}
	struct nftnl_expr *e = add(r, "meta");
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_L4PROTO);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG32_00 + reg);
	e = add(r, "payload");
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, OFFSET_DPORT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, sizeof(uint16_t));
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG32_00 + reg + 1);
	e = add(r, "lookup");
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, map->name);
	add_nat(r, NFT_NAT_DNAT, map->family, NFT_REG32_00 + words);
}

static void put_nat(struct nftnl_rule *r, const struct rule *in)
{
	uint16_t port = htons(in->to_port);

	if (in->map) {
		put_map(r, in->map);
		return;
	}
	load_data(r, NFT_REG_1, in->to_addr.bytes, addr_size(&in->to_addr));
	if (in->to_port)
		load_data(r, NFT_REG_2, &port, sizeof(port));
	add_nat(r, in->verdict == VERDICT_DNAT ? NFT_NAT_DNAT : NFT_NAT_SNAT, in->to_addr.family,
		in->to_port ? NFT_REG_2 : 0);
}

static void put_action(struct nftnl_rule *out, const struct rule *r)
{
	switch (r->verdict) {
	case VERDICT_NONE:
		break;
	case VERDICT_ACCEPT:
		put_verdict(out, NF_ACCEPT, NULL);
		break;
	case VERDICT_DROP:
		put_verdict(out, NF_DROP, NULL);
		break;
	case VERDICT_RETURN:
		put_verdict(out, (uint32_t)NFT_RETURN, NULL);
		break;
	case VERDICT_JUMP:
		put_verdict(out, (uint32_t)NFT_JUMP, r->target);
		break;
	case VERDICT_MASQUERADE:
		add(out, "masq");
		break;
	case VERDICT_SNAT:
	case VERDICT_DNAT:
		put_nat(out, r);
		break;
	}
}

/* ---- writing as iptables-nft does ---- */

/* The expression keeps the data and frees it. */
static void *malloced(const struct xt_part *p)
{
	void *copy = malloc(p->size);

	if (!copy)
		abort();
	return memcpy(copy, p->data, p->size);
}

static void put_xt_match(struct nftnl_rule *r, const struct xt_part *p)
{
	struct nftnl_expr *e = add(r, "match");

	nftnl_expr_set_str(e, NFTNL_EXPR_MT_NAME, p->name);
	nftnl_expr_set_u32(e, NFTNL_EXPR_MT_REV, p->revision);
	nftnl_expr_set(e, NFTNL_EXPR_MT_INFO, malloced(p), (uint32_t)p->size);
}

static void put_xt_target(struct nftnl_rule *r, const struct xt_part *p)
{
	struct nftnl_expr *e = add(r, "target");

	nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, p->name);
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, p->revision);
	nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, malloced(p), (uint32_t)p->size);
}

static void put_xt_interface(struct nftnl_rule *r, uint32_t key, uint32_t op, const char *name)
{
	load_meta(r, key);
	compare(r, op, name, (uint32_t)strlen(name) + 1);
}

/* The family is that of the table, so nothing asks for it. */
static void put_xt_head(struct nftnl_rule *r, const struct rule *in)
{
	if (in->proto) {
		load_meta(r, NFT_META_L4PROTO);
		compare(r, NFT_CMP_EQ, &in->proto, sizeof(in->proto));
		/* What matches and targets of xtables are told of the rule around them. */
		nftnl_rule_set_u32(r, NFTNL_RULE_COMPAT_PROTO, in->proto);
		nftnl_rule_set_u32(r, NFTNL_RULE_COMPAT_FLAGS, 0);
	}
	if (in->saddr.addr.family)
		put_prefix(r, &in->saddr, true, false);
	if (in->daddr.addr.family)
		put_prefix(r, &in->daddr, false, in->not_daddr);
	if (in->iif)
		put_xt_interface(r, NFT_META_IIFNAME, NFT_CMP_EQ, in->iif);
	if (in->oif)
		put_xt_interface(r, NFT_META_OIFNAME, in->not_oif ? NFT_CMP_NEQ : NFT_CMP_EQ,
				 in->oif);
}

/* The order in which all iptables-nft list and delete rules; some matches are not of xtables. */
static void put_xt(struct nftnl_rule *r, const struct rule *in)
{
	struct xt_part parts[XT_MATCHES_MAX], target;
	struct arena scratch = {0};
	size_t n = iptables_xt_matches(in, &scratch, parts);

	put_xt_head(r, in);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(parts[i].name, "tcp") == 0 || strcmp(parts[i].name, "udp") == 0)
			put_dport(r, in);
		else if (strcmp(parts[i].name, "mark") == 0)
			put_mark(r, in->mark);
		else
			put_xt_match(r, &parts[i]);
	}
	add(r, "counter");
	if (iptables_xt_target(in, &scratch, &target))
		put_xt_target(r, &target);
	else
		put_action(r, in);
	arena_release(&scratch);
}

void nft_expr_encode(const struct rule *r, uint32_t set_id, struct nftnl_rule *out)
{
	if (r->table && r->table->xt) {
		put_xt(out, r);
		return;
	}
	put_match(out, r, set_id);
	put_marks(out, r);
	if (r->note)
		put_note(out, r->note);
	put_action(out, r);
}

/* ---- reading ---- */

/* What register 1 holds while the expressions of one rule go by. */
enum source { FROM_NOTHING, FROM_META, FROM_CT, FROM_FIB, FROM_NETWORK, FROM_TRANSPORT };

struct scan {
	struct arena *arena;
	struct rule *rule;
	const char *set;
	bool ours;
	bool xt; /* written by iptables-nft, or in its way */
	enum source source;
	uint32_t key; /* of meta and ct */
	uint32_t offset, len;
	bool half_range; /* a port was compared with the lower end of a range */
	bool masked;
	uint8_t and[16], xor[16];
	uint32_t mask_len;
	uint8_t family;	     /* of the addresses to come */
	uint8_t data[2][16]; /* registers 1 and 2 as loaded by immediate */
	uint32_t data_len[2];
};

static uint32_t u32_of(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t u32_or(const struct nftnl_expr *e, uint16_t attribute, uint32_t fallback)
{
	return nftnl_expr_is_set(e, attribute) ? nftnl_expr_get_u32(e, attribute) : fallback;
}

static bool is_zero(const uint8_t *data, size_t size)
{
	static const uint8_t zero[16];

	return memcmp(data, zero, size) == 0;
}

static void load(struct scan *s, enum source source, uint32_t key)
{
	s->ours &= !s->half_range;
	s->source = source;
	s->key = key;
	s->masked = false;
}

/* Register 1 is what was loaded from there, with some bits set. */
static bool adds_bits_to(const struct scan *s, enum source source, uint32_t key)
{
	return s->source == source && s->key == key && s->masked &&
	       s->mask_len == sizeof(uint32_t) && u32_of(s->and) == ~u32_of(s->xor);
}

static bool adds_bits_to_mark(const struct scan *s)
{
	return adds_bits_to(s, FROM_META, NFT_META_MARK);
}

static void read_meta(struct scan *s, const struct nftnl_expr *e)
{
	uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_META_SREG)) {
		load(s, FROM_META, key);
		return;
	}
	if (key == NFT_META_MARK && adds_bits_to_mark(s) && !s->rule->set_mark)
		s->rule->set_mark = u32_of(s->xor);
	else
		s->ours = false;
}

static void read_ct(struct scan *s, const struct nftnl_expr *e)
{
	uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY);

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_CT_SREG)) {
		load(s, FROM_CT, key);
		s->ours &= !nftnl_expr_is_set(e, NFTNL_EXPR_CT_DIR);
		return;
	}
	if (key == NFT_CT_MARK && adds_bits_to(s, FROM_CT, NFT_CT_MARK) && !s->rule->add_ct_mark)
		s->rule->add_ct_mark = u32_of(s->xor);
	else if (key == NFT_CT_MARK && adds_bits_to_mark(s) && !s->rule->set_ct_mark)
		s->rule->set_ct_mark = u32_of(s->xor);
	else
		s->ours = false;
}

static void read_payload(struct scan *s, const struct nftnl_expr *e)
{
	uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);

	load(s, base == NFT_PAYLOAD_NETWORK_HEADER ? FROM_NETWORK : FROM_TRANSPORT, 0);
	s->offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	s->len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	s->ours &= (base == NFT_PAYLOAD_NETWORK_HEADER || base == NFT_PAYLOAD_TRANSPORT_HEADER) &&
		   !nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_SREG);
}

static void read_fib(struct scan *s, const struct nftnl_expr *e)
{
	load(s, FROM_FIB, 0);
	s->ours &= nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_FLAGS) == NFTA_FIB_F_DADDR &&
		   nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_RESULT) == NFT_FIB_RESULT_ADDRTYPE;
}

static void read_bitwise(struct scan *s, const struct nftnl_expr *e)
{
	uint32_t len = 0, xor_len = 0;
	const void *and = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_MASK, &len);
	const void * xor = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_XOR, &xor_len);

	if (!and || !xor || len > sizeof(s->and) || len != xor_len || s->masked) {
		s->ours = false;
		return;
	}
	s->masked = true;
	s->mask_len = len;
	memcpy(s->and, and, len);
	memcpy(s->xor, xor, len);
}

/* Length of a netmask; -1 if the bits have gaps. */
static int mask_length(const uint8_t *m, size_t size)
{
	struct prefix p = {{size == 4 ? AF_INET : AF_INET6, {0}}, 0};
	int len = 0;

	while (len < (int)size * 8 && (m[len / 8] & (0x80 >> len % 8)))
		len++;
	memset(p.addr.bytes, 0xff, size);
	p.len = (uint8_t)len;
	p = prefix_masked(&p);
	return memcmp(p.addr.bytes, m, size) == 0 ? len : -1;
}

/* Newer iptables-nft looks for the protocol where IPv4 has it. */
static bool is_protocol(const struct scan *s, uint32_t op, uint32_t len)
{
	return s->xt && s->family == AF_INET && s->offset == OFFSET_PROTO4 && s->len == 1 &&
	       len == 1 && op == NFT_CMP_EQ && !s->masked && !s->rule->proto;
}

static void read_address(struct scan *s, uint32_t op, const uint8_t *data, uint32_t len)
{
	if (is_protocol(s, op, len)) {
		s->rule->proto = data[0];
		return;
	}
	bool ipv4 = s->family == AF_INET;
	uint32_t size = ipv4 ? 4 : 16;
	bool source = s->offset == (ipv4 ? OFFSET_SADDR4 : OFFSET_SADDR6);
	bool destination = s->offset == (ipv4 ? OFFSET_DADDR4 : OFFSET_DADDR6);
	struct prefix *p = source ? &s->rule->saddr : &s->rule->daddr;
	int bits = s->masked ? mask_length(s->and, size) : (int)len * 8;

	if (!s->family || (!source && !destination) || len > size || len != s->len || bits < 0 ||
	    (s->masked && (s->mask_len != size || !is_zero(s->xor, size))) || p->addr.family ||
	    (op == NFT_CMP_NEQ && source)) {
		s->ours = false;
		return;
	}
	p->addr.family = s->family;
	memcpy(p->addr.bytes, data, len);
	p->len = (uint8_t)bits;
	if (op == NFT_CMP_NEQ)
		s->rule->not_daddr = true;
}

/*
 * A whole name, padded with zeros, which iptables-nft cuts behind the first of them; a shorter
 * comparison is a wildcard.
 */
static bool is_whole_name(const struct scan *s, const uint8_t *data, uint32_t len)
{
	size_t n = strnlen((const char *)data, len);

	return (len == IFNAMSIZ || (s->xt && len == n + 1)) && n < len &&
	       is_zero(data + n, len - n);
}

static const char *interface_name(const struct scan *s, const uint8_t *data, uint32_t len)
{
	return arena_strndup(s->arena, (const char *)data, strnlen((const char *)data, len));
}

/* Whether the comparison asks for exactly the bits of the mask. */
static bool asks_for_bits(const struct scan *s, const uint8_t *data, uint32_t len)
{
	return len == sizeof(uint32_t) && s->masked && s->mask_len == len && is_zero(s->xor, len) &&
	       u32_of(data) == u32_of(s->and);
}

/* Whether the comparison asks for any of the bits of the mask. */
static bool asks_for_any_bit(const struct scan *s, const uint8_t *data, uint32_t len)
{
	return len == sizeof(uint32_t) && s->masked && s->mask_len == len && is_zero(s->xor, len) &&
	       is_zero(data, len);
}

/* A second match of one kind is never ours: struct rule has one place for it. */
static void compare_meta(struct scan *s, uint32_t op, const uint8_t *data, uint32_t len)
{
	struct rule *r = s->rule;
	bool plain = op == NFT_CMP_EQ && !s->masked;

	switch (s->key) {
	case NFT_META_NFPROTO:
		s->ours &=
			plain && !s->family && (data[0] == NFPROTO_IPV4 || data[0] == NFPROTO_IPV6);
		s->family = data[0] == NFPROTO_IPV4 ? AF_INET : AF_INET6;
		break;
	case NFT_META_L4PROTO:
		s->ours &= plain && !r->proto && !r->tcp_and_udp;
		r->proto = data[0];
		break;
	case NFT_META_IIFNAME:
		s->ours &= !s->masked && !r->iif && is_whole_name(s, data, len);
		r->iif = interface_name(s, data, len);
		r->not_iif = op == NFT_CMP_NEQ;
		break;
	case NFT_META_OIFNAME:
		s->ours &= !s->masked && !r->oif && is_whole_name(s, data, len);
		r->oif = interface_name(s, data, len);
		r->not_oif = op == NFT_CMP_NEQ;
		break;
	case NFT_META_MARK:
		s->ours &= op == NFT_CMP_EQ && asks_for_bits(s, data, len) && !r->mark;
		r->mark = u32_of(data);
		break;
	default:
		s->ours = false;
	}
}

static void compare_ct(struct scan *s, uint32_t op, const uint8_t *data, uint32_t len)
{
	struct rule *r = s->rule;

	if (s->key == NFT_CT_STATE && op == NFT_CMP_NEQ && asks_for_any_bit(s, data, len) &&
	    !r->ct_state)
		r->ct_state = u32_of(s->and);
	else if (s->key == NFT_CT_STATUS && op == NFT_CMP_NEQ && asks_for_any_bit(s, data, len) &&
		 u32_of(s->and) == IPS_DST_NAT)
		r->ct_dnat = true;
	else if (s->key == NFT_CT_MARK && op == NFT_CMP_EQ && asks_for_bits(s, data, len) &&
		 !r->ct_mark)
		r->ct_mark = u32_of(data);
	else
		s->ours = false;
}

static bool is_first_dport(const struct scan *s)
{
	return s->source == FROM_TRANSPORT && s->offset == OFFSET_DPORT &&
	       s->len == sizeof(uint16_t) && !s->masked && !s->rule->dport;
}

/* "A-B" as older nft writes it: two comparisons of the port that was loaded once. */
static void compare_dport(struct scan *s, uint32_t op, const uint8_t *data, uint32_t len)
{
	uint16_t port = len == 2 ? (uint16_t)(data[0] << 8 | data[1]) : 0;

	s->ours &= len == 2;
	if (op == NFT_CMP_LTE) {
		s->ours &= s->half_range && !s->masked;
		s->half_range = false;
		s->rule->dport_last = port;
		return;
	}
	s->ours &= (op == NFT_CMP_EQ || op == NFT_CMP_GTE) && is_first_dport(s);
	s->half_range = op == NFT_CMP_GTE;
	s->rule->dport = port;
}

static void read_cmp(struct scan *s, const struct nftnl_expr *e)
{
	uint32_t len = 0, op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP);
	const uint8_t *data = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &len);

	if (!data || !len ||
	    (op != NFT_CMP_EQ && op != NFT_CMP_NEQ && s->source != FROM_TRANSPORT)) {
		s->ours = false;
		return;
	}
	switch (s->source) {
	case FROM_META:
		compare_meta(s, op, data, len);
		break;
	case FROM_CT:
		compare_ct(s, op, data, len);
		break;
	case FROM_FIB:
		s->rule->local = true;
		s->ours &= op == NFT_CMP_EQ && len == 4 && u32_of(data) == RTN_LOCAL && !s->masked;
		break;
	case FROM_NETWORK:
		read_address(s, op, data, len);
		break;
	case FROM_TRANSPORT:
		compare_dport(s, op, data, len);
		break;
	case FROM_NOTHING:
		s->ours = false;
	}
}

static void read_range(struct scan *s, const struct nftnl_expr *e)
{
	uint32_t from_len = 0, to_len = 0;
	const uint8_t *from = nftnl_expr_get(e, NFTNL_EXPR_RANGE_FROM_DATA, &from_len);
	const uint8_t *to = nftnl_expr_get(e, NFTNL_EXPR_RANGE_TO_DATA, &to_len);

	if (!from || !to || from_len != 2 || to_len != 2 || !is_first_dport(s) ||
	    nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) != NFT_RANGE_EQ) {
		s->ours = false;
		return;
	}
	s->rule->dport = (uint16_t)(from[0] << 8 | from[1]);
	s->rule->dport_last = (uint16_t)(to[0] << 8 | to[1]);
}

/* By its name: what the key is made of is the same in all rules that use a map of ours. */
static void read_map_lookup(struct scan *s, const char *name)
{
	const struct map *const *maps = s->rule->table ? s->rule->table->maps : NULL;

	while (maps && *maps && strcmp((*maps)->name, name) != 0)
		maps++;
	s->ours &= maps && *maps && !s->rule->map;
	s->rule->map = maps ? *maps : NULL;
	s->source = FROM_NOTHING;
}

static void read_lookup(struct scan *s, const struct nftnl_expr *e)
{
	const char *set = nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET);

	if (set && nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG)) {
		read_map_lookup(s, set);
		return;
	}

	if (s->source != FROM_META || s->key != NFT_META_L4PROTO || s->masked || !set || s->set ||
	    s->rule->proto || nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG) ||
	    u32_or(e, NFTNL_EXPR_LOOKUP_FLAGS, 0) != 0) {
		s->ours = false;
		return;
	}
	s->set = arena_strdup(s->arena, set);
	s->rule->tcp_and_udp = true;
}

static void read_verdict(struct scan *s, const struct nftnl_expr *e)
{
	const char *target = nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN);

	switch ((int)nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT)) {
	case NF_ACCEPT:
		s->rule->verdict = VERDICT_ACCEPT;
		break;
	case NF_DROP:
		s->rule->verdict = VERDICT_DROP;
		break;
	case NFT_RETURN:
		s->rule->verdict = VERDICT_RETURN;
		break;
	case NFT_JUMP:
		s->rule->verdict = VERDICT_JUMP;
		s->rule->target = target ? arena_strdup(s->arena, target) : "";
		break;
	default:
		s->ours = false;
	}
}

static void read_immediate(struct scan *s, const struct nftnl_expr *e)
{
	uint32_t reg = nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_DREG), len = 0;

	if (reg == NFT_REG_VERDICT) {
		read_verdict(s, e);
		return;
	}
	const void *data = nftnl_expr_get(e, NFTNL_EXPR_IMM_DATA, &len);
	if (!data || len > 16 || reg < NFT_REG_1 || reg > NFT_REG_2) {
		s->ours = false;
		return;
	}
	memcpy(s->data[reg - NFT_REG_1], data, len);
	s->data_len[reg - NFT_REG_1] = len;
}

/* One address and one port; the kernel fills in the ends of the ranges and the flags for them. */
static bool is_plain_nat(const struct nftnl_expr *e)
{
	const uint32_t filled_in = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED;

	return u32_or(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, 0) == NFT_REG_1 &&
	       u32_or(e, NFTNL_EXPR_NAT_REG_ADDR_MAX, NFT_REG_1) == NFT_REG_1 &&
	       u32_or(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2) == NFT_REG_2 &&
	       u32_or(e, NFTNL_EXPR_NAT_REG_PROTO_MAX, NFT_REG_2) == NFT_REG_2 &&
	       (u32_or(e, NFTNL_EXPR_NAT_FLAGS, 0) & ~filled_in) == 0;
}

static void read_nat(struct scan *s, const struct nftnl_expr *e)
{
	uint32_t type = nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_TYPE);
	uint32_t family = nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_FAMILY);
	bool port = nftnl_expr_is_set(e, NFTNL_EXPR_NAT_REG_PROTO_MIN);
	struct rule *r = s->rule;

	r->verdict = type == NFT_NAT_DNAT ? VERDICT_DNAT : VERDICT_SNAT;
	if (r->map) {
		s->ours &= type == NFT_NAT_DNAT && port;
		return;
	}
	r->to_addr.family = family == NFPROTO_IPV4 ? AF_INET : AF_INET6;
	memcpy(r->to_addr.bytes, s->data[0], addr_size(&r->to_addr));
	if (port)
		r->to_port = (uint16_t)(s->data[1][0] << 8 | s->data[1][1]);
	s->ours &= is_plain_nat(e) && (type == NFT_NAT_DNAT || type == NFT_NAT_SNAT) &&
		   (family == NFPROTO_IPV4 || family == NFPROTO_IPV6) &&
		   s->data_len[0] == addr_size(&r->to_addr) && (!port || s->data_len[1] == 2);
}

static void read_masq(struct scan *s, const struct nftnl_expr *e)
{
	s->rule->verdict = VERDICT_MASQUERADE;
	s->ours &= u32_or(e, NFTNL_EXPR_MASQ_FLAGS, 0) == 0 &&
		   !nftnl_expr_is_set(e, NFTNL_EXPR_MASQ_REG_PROTO_MIN);
}

/* ---- reading what only tables of iptables have ---- */

static void read_counter(struct scan *s, const struct nftnl_expr *e)
{
	(void)e;
	s->ours &= s->xt;
}

static void read_xt_match(struct scan *s, const struct nftnl_expr *e)
{
	struct xt_part p = {
		.name = nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME),
		.revision = (uint8_t)nftnl_expr_get_u32(e, NFTNL_EXPR_MT_REV),
	};
	uint32_t size = 0;

	p.data = nftnl_expr_get(e, NFTNL_EXPR_MT_INFO, &size);
	p.size = size;
	s->ours &= s->xt && p.name && p.data && iptables_xt_read_match(&p, s->arena, s->rule);
}

static void read_xt_target(struct scan *s, const struct nftnl_expr *e)
{
	struct xt_part p = {
		.name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME),
		.revision = (uint8_t)nftnl_expr_get_u32(e, NFTNL_EXPR_TG_REV),
	};
	uint32_t size = 0;

	p.data = nftnl_expr_get(e, NFTNL_EXPR_TG_INFO, &size);
	p.size = size;
	s->ours &= s->xt && p.name && p.data && iptables_xt_read_target(&p, s->rule);
}

static int read_expr(struct nftnl_expr *e, void *arg)
{
	static const struct {
		const char *name;
		void (*read)(struct scan *s, const struct nftnl_expr *e);
	} readers[] = {
		{"meta", read_meta},	   {"ct", read_ct},
		{"payload", read_payload}, {"fib", read_fib},
		{"cmp", read_cmp},	   {"bitwise", read_bitwise},
		{"range", read_range},	   {"lookup", read_lookup},
		{"nat", read_nat},	   {"immediate", read_immediate},
		{"masq", read_masq},	   {"counter", read_counter},
		{"match", read_xt_match},  {"target", read_xt_target},
	};
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct scan *s = arg;

	for (size_t i = 0; i < array_size(readers); i++) {
		if (strcmp(readers[i].name, name) == 0) {
			readers[i].read(s, e);
			return 0;
		}
	}
	s->ours = false; /* log, limit, … */
	return 0;
}

bool nft_expr_decode(struct nftnl_rule *in, const struct table *t, struct arena *a,
		     struct rule *out, const char **out_set)
{
	struct scan s = {.arena = a, .rule = out, .ours = true, .xt = t && t->xt};

	*out = (struct rule){
		.table = t,
		.chain = arena_strdup(a, nftnl_rule_get_str(in, NFTNL_RULE_CHAIN)),
	};
	if (s.xt)
		s.family = t->family == NFPROTO_IPV4 ? AF_INET : AF_INET6;
	nftnl_expr_foreach(in, read_expr, &s);
	if (!s.xt && s.family && !out->map && !out->saddr.addr.family && !out->daddr.addr.family)
		s.ours = false; /* everything of one family, which ours never ask for */
	s.ours &= !s.half_range;
	*out_set = s.set;
	return s.ours;
}
