/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/firewall/iptables_xt.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_sctp.h>
#include <linux/netfilter/xt_tcpudp.h>

#include "common/cleanup.h"

#define PORT_MAX 0xffff

static struct xt_part part(const char *name, uint8_t revision, const void *data, size_t size,
			   struct arena *a)
{
	char *copy = arena_alloc(a, XT_ALIGN(size));

	memcpy(copy, data, size);
	return (struct xt_part){name, revision, copy, XT_ALIGN(size)};
}

/* ---- writing ---- */

static uint16_t last_port(const struct rule *r)
{
	return r->dport_last ? r->dport_last : r->dport;
}

static struct xt_part tcp_part(const struct rule *r, struct arena *a)
{
	const struct xt_tcp m = {.spts = {0, PORT_MAX}, .dpts = {r->dport, last_port(r)}};

	return part("tcp", 0, &m, sizeof(m), a);
}

static struct xt_part udp_part(const struct rule *r, struct arena *a)
{
	const struct xt_udp m = {.spts = {0, PORT_MAX}, .dpts = {r->dport, last_port(r)}};

	return part("udp", 0, &m, sizeof(m), a);
}

static struct xt_part sctp_part(const struct rule *r, struct arena *a)
{
	struct xt_sctp_info m;

	memset(&m, 0, sizeof(m)); /* with the gaps, which are compared, too */
	m.dpts[0] = r->dport;
	m.dpts[1] = last_port(r);
	for (size_t i = 0; i < array_size(m.flag_info); i++)
		m.flag_info[i].chunktype = (uint8_t)-1;
	m.flags = XT_SCTP_DEST_PORTS;
	return part("sctp", 0, &m, sizeof(m), a);
}

static struct xt_part port_part(const struct rule *r, struct arena *a)
{
	return r->proto == IPPROTO_TCP	 ? tcp_part(r, a)
	       : r->proto == IPPROTO_UDP ? udp_part(r, a)
					 : sctp_part(r, a);
}

static struct xt_part comment_part(const struct rule *r, struct arena *a)
{
	struct xt_comment_info m = {0};

	memcpy(m.comment, r->comment, strnlen(r->comment, sizeof(m.comment) - 1));
	return part("comment", 0, &m, sizeof(m), a);
}

static struct xt_part mark_part(const struct rule *r, struct arena *a)
{
	struct xt_mark_mtinfo1 m;

	memset(&m, 0, sizeof(m));
	m.mark = m.mask = r->mark;
	return part("mark", 1, &m, sizeof(m), a);
}

static struct xt_part local_part(struct arena *a)
{
	const struct xt_addrtype_info_v1 m = {.dest = XT_ADDRTYPE_LOCAL};

	return part("addrtype", 1, &m, sizeof(m), a);
}

static struct xt_part state_part(const struct rule *r, struct arena *a)
{
	struct xt_conntrack_mtinfo3 m;

	memset(&m, 0, sizeof(m));
	m.match_flags = XT_CONNTRACK_STATE;
	m.state_mask = (uint16_t)r->ct_state;
	return part("conntrack", 3, &m, sizeof(m), a);
}

size_t iptables_xt_matches(const struct rule *r, struct arena *a, struct xt_part *out)
{
	size_t n = 0;

	if (r->dport)
		out[n++] = port_part(r, a);
	if (r->comment)
		out[n++] = comment_part(r, a);
	if (r->mark)
		out[n++] = mark_part(r, a);
	if (r->local)
		out[n++] = local_part(a);
	if (r->ct_state)
		out[n++] = state_part(r, a);
	return n;
}

static struct xt_part set_mark_part(const struct rule *r, struct arena *a)
{
	const struct xt_mark_tginfo2 t = {.mark = r->set_mark, .mask = r->set_mark};

	return part("MARK", 2, &t, sizeof(t), a);
}

static uint32_t ipv4_of(const struct addr *a)
{
	uint32_t v;

	memcpy(&v, a->bytes, sizeof(v));
	return v;
}

/* MASQUERADE and SNAT still have the structures of the time when there was only IPv4. */
static struct xt_part source_part4(const char *name, const struct addr *to, struct arena *a)
{
	struct nf_nat_ipv4_multi_range_compat t = {.rangesize = 1};

	if (to->family) {
		t.range[0].flags = NF_NAT_RANGE_MAP_IPS;
		t.range[0].min_ip = t.range[0].max_ip = ipv4_of(to);
	}
	return part(name, 0, &t, sizeof(t), a);
}

static struct xt_part source_part6(const char *name, const struct addr *to, struct arena *a)
{
	struct nf_nat_range t = {0};

	if (to->family) {
		t.flags = NF_NAT_RANGE_MAP_IPS;
		memcpy(&t.min_addr, to->bytes, sizeof(to->bytes));
		t.max_addr = t.min_addr;
	}
	return part(name, to->family ? 1 : 0, &t, sizeof(t), a);
}

static struct xt_part dnat_part(const struct rule *r, struct arena *a)
{
	uint16_t last = r->to_port_last ? r->to_port_last : r->to_port;
	struct nf_nat_range2 t = {.flags = NF_NAT_RANGE_MAP_IPS};

	memcpy(&t.min_addr, r->to_addr.bytes, addr_size(&r->to_addr));
	t.max_addr = t.min_addr;
	if (r->to_port) {
		t.flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
		t.min_proto.all = htons(r->to_port);
		t.max_proto.all = htons(last);
	}
	if (r->to_port_last) {
		t.flags |= NF_NAT_RANGE_PROTO_OFFSET;
		t.base_proto.all = htons(r->dport);
	}
	return part("DNAT", 2, &t, sizeof(t), a);
}

bool iptables_xt_target(const struct rule *r, struct arena *a, struct xt_part *out)
{
	bool ipv4 = r->table->family == NFPROTO_IPV4;

	if (r->set_mark)
		*out = set_mark_part(r, a);
	else if (r->verdict == VERDICT_DNAT)
		*out = dnat_part(r, a);
	else if (r->verdict == VERDICT_MASQUERADE || r->verdict == VERDICT_SNAT)
		*out = (ipv4 ? source_part4
			     : source_part6)(r->verdict == VERDICT_SNAT ? "SNAT" : "MASQUERADE",
					     &r->to_addr, a);
	else
		return false;
	return true;
}

/* ---- reading ---- */

/* A copy, as the place of the data need not be aligned. */
static bool read_data(const struct xt_part *p, void *out, size_t size)
{
	if (p->size < size)
		return false;
	memcpy(out, p->data, size);
	return true;
}

static bool read_ports(struct rule *r, uint8_t proto, const uint16_t dports[2])
{
	if (r->proto != proto || r->dport || !dports[0] || dports[1] < dports[0])
		return false;
	r->dport = dports[0];
	r->dport_last = dports[1] > dports[0] ? dports[1] : 0;
	return true;
}

static bool read_tcp(const struct xt_part *p, struct rule *r)
{
	struct xt_tcp m;

	return read_data(p, &m, sizeof(m)) && m.spts[0] == 0 && m.spts[1] == PORT_MAX &&
	       !m.option && !m.flg_mask && !m.flg_cmp && !m.invflags &&
	       read_ports(r, IPPROTO_TCP, m.dpts);
}

static bool read_udp(const struct xt_part *p, struct rule *r)
{
	struct xt_udp m;

	return read_data(p, &m, sizeof(m)) && m.spts[0] == 0 && m.spts[1] == PORT_MAX &&
	       !m.invflags && read_ports(r, IPPROTO_UDP, m.dpts);
}

static bool read_sctp(const struct xt_part *p, struct rule *r)
{
	struct xt_sctp_info m;

	return read_data(p, &m, sizeof(m)) && m.flags == XT_SCTP_DEST_PORTS && !m.invflags &&
	       read_ports(r, IPPROTO_SCTP, m.dpts);
}

static bool read_comment(const struct xt_part *p, struct arena *a, struct rule *r)
{
	if (r->comment)
		return false;
	r->comment = arena_strndup(a, p->data, strnlen(p->data, p->size));
	return true;
}

static bool read_mark(const struct xt_part *p, struct rule *r)
{
	struct xt_mark_mtinfo1 m;

	if (!read_data(p, &m, sizeof(m)) || m.mark != m.mask || m.invert || r->mark)
		return false;
	r->mark = m.mark;
	return true;
}

static bool read_local(const struct xt_part *p, struct rule *r)
{
	struct xt_addrtype_info_v1 m;

	if (!read_data(p, &m, sizeof(m)) || m.source || m.dest != XT_ADDRTYPE_LOCAL || m.flags ||
	    r->local)
		return false;
	r->local = true;
	return true;
}

static bool read_state(const struct xt_part *p, struct rule *r)
{
	struct xt_conntrack_mtinfo3 m;

	if (!read_data(p, &m, sizeof(m)) || m.match_flags != XT_CONNTRACK_STATE || m.invert_flags ||
	    r->ct_state)
		return false;
	r->ct_state = m.state_mask;
	return true;
}

bool iptables_xt_read_match(const struct xt_part *p, struct arena *a, struct rule *r)
{
	static const struct {
		const char *name;
		uint8_t revision;
		bool (*read)(const struct xt_part *p, struct rule *r);
	} readers[] = {
		{"tcp", 0, read_tcp},	{"udp", 0, read_udp},	     {"sctp", 0, read_sctp},
		{"mark", 1, read_mark}, {"addrtype", 1, read_local}, {"conntrack", 3, read_state},
	};

	if (strcmp(p->name, "comment") == 0)
		return read_comment(p, a, r);
	for (size_t i = 0; i < array_size(readers); i++)
		if (p->revision == readers[i].revision && strcmp(p->name, readers[i].name) == 0)
			return readers[i].read(p, r);
	return false;
}

static struct addr addr_of(const struct rule *r, const union nf_inet_addr *from)
{
	struct addr a = {r->table->family == NFPROTO_IPV4 ? AF_INET : AF_INET6, {0}};

	memcpy(a.bytes, from, addr_size(&a));
	return a;
}

static bool read_set_mark(const struct xt_part *p, struct rule *r)
{
	struct xt_mark_tginfo2 t;

	if (!read_data(p, &t, sizeof(t)) || t.mark != t.mask)
		return false;
	r->set_mark = t.mark;
	return true;
}

/* The three revisions of NAT, as the newest. */
static bool read_range(const struct xt_part *p, const struct rule *r, struct nf_nat_range2 *out)
{
	struct nf_nat_ipv4_multi_range_compat old;
	struct nf_nat_range range;

	memset(out, 0, sizeof(*out));
	if (p->revision == 2)
		return read_data(p, out, sizeof(*out));
	/* Revision 0 of IPv6's MASQUERADE has the structure of revision 1. */
	if (p->revision == 1 || r->table->family == NFPROTO_IPV6) {
		if (!read_data(p, &range, sizeof(range)))
			return false;
		memcpy(out, &range, sizeof(range));
		return true;
	}
	if (!read_data(p, &old, sizeof(old)) || old.rangesize != 1)
		return false;
	out->flags = old.range[0].flags;
	out->min_addr.ip = old.range[0].min_ip;
	out->max_addr.ip = old.range[0].max_ip;
	out->min_proto.all = old.range[0].min.all;
	out->max_proto.all = old.range[0].max.all;
	return true;
}

static bool read_masquerade(const struct xt_part *p, struct rule *r)
{
	struct nf_nat_range2 t;

	r->verdict = VERDICT_MASQUERADE;
	return read_range(p, r, &t) && !t.flags;
}

static bool read_snat(const struct xt_part *p, struct rule *r)
{
	struct nf_nat_range2 t;

	if (!read_range(p, r, &t) || t.flags != NF_NAT_RANGE_MAP_IPS)
		return false;
	r->verdict = VERDICT_SNAT;
	r->to_addr = addr_of(r, &t.min_addr);
	const struct addr last = addr_of(r, &t.max_addr);
	return addr_equal(&r->to_addr, &last);
}

static bool read_dnat(const struct xt_part *p, struct rule *r)
{
	const uint32_t ports = NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED;
	struct nf_nat_range2 t;

	if (!read_range(p, r, &t) || (t.flags & ~NF_NAT_RANGE_PROTO_OFFSET) != ports)
		return false;
	bool range = t.flags & NF_NAT_RANGE_PROTO_OFFSET;
	r->verdict = VERDICT_DNAT;
	r->to_addr = addr_of(r, &t.min_addr);
	r->to_port = ntohs(t.min_proto.all);
	r->to_port_last = range ? ntohs(t.max_proto.all) : 0;
	const struct addr last = addr_of(r, &t.max_addr);
	return addr_equal(&r->to_addr, &last) &&
	       (range ? ntohs(t.base_proto.all) == r->dport : t.max_proto.all == t.min_proto.all);
}

bool iptables_xt_read_target(const struct xt_part *p, struct rule *r)
{
	static const struct {
		const char *name;
		uint8_t revision_min, revision_max;
		bool (*read)(const struct xt_part *p, struct rule *r);
	} readers[] = {
		{"MARK", 2, 2, read_set_mark},
		{"MASQUERADE", 0, 0, read_masquerade},
		{"SNAT", 0, 2, read_snat},
		{"DNAT", 0, 2, read_dnat},
	};

	for (size_t i = 0; i < array_size(readers); i++)
		if (strcmp(p->name, readers[i].name) == 0)
			return p->revision >= readers[i].revision_min &&
			       p->revision <= readers[i].revision_max && readers[i].read(p, r);
	return false;
}
