/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::conntrack"
#include "netavark/firewall/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "common/fault.h"
#include "common/log.h"

/* Since Linux 5.8; older headers do not have them, and older kernels return every entry. */
#define FILTER		   25 /* CTA_FILTER */
#define FILTER_ORIG_FLAGS  1
#define FILTER_REPLY_FLAGS 2
#define FILTER_SOURCE	   (1u << 0)
#define FILTER_PROTOCOL	   (1u << 3)
#define FILTER_PORT	   (1u << 5) /* the destination's */

#define READ_BYTES    65536
#define REQUEST_BYTES 1024
#define FEW_ENTRIES   1024u /* read all of them: cheaper than to walk the table for each question */
#define FEW_PORTS     4u    /* ask for single ports; for more, ask for all of UDP */

struct tuple {
	struct addr src, dst;
	uint8_t proto;
	uint16_t sport, dport; /* host order */
};

struct entry { /* a flow as the kernel knows it */
	struct tuple orig, reply;
	const struct nlattr *key; /* the CTA_TUPLE_ORIG itself */
	const struct nlattr *zone, *id;
};

/* What the kernel is asked for; a zero field asks for everything. */
struct question {
	uint8_t family, proto;
	uint16_t dport; /* of the original direction, host order */
	struct addr orig_src, reply_src;
};

struct table {
	struct mnl_socket *socket;
	struct host *host;
	char *answers; /* READ_BYTES, for what comes in */
	uint32_t seq, n_entries;
	const struct fw_intent *intents;
	size_t n_intents;
	bool (*is_stale)(const struct table *t, const struct entry *e);
	struct prefix *local; /* the host's addresses */
	size_t n_local;
	struct nlmsghdr **stale; /* requests to delete what was found */
	size_t n_stale;
};

/* ---- messages ---- */

/* In buf, which has REQUEST_BYTES. */
static struct nlmsghdr *request_new(void *buf, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	return h;
}

static int ask(struct table *t, struct nlmsghdr *request, mnl_cb_t on_data)
{
	unsigned int port = mnl_socket_get_portid(t->socket);
	int r = MNL_CB_OK;

	request->nlmsg_seq = ++t->seq;
	if (mnl_socket_sendto(t->socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		ssize_t got = mnl_socket_recvfrom(t->socket, t->answers, READ_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		r = mnl_cb_run(t->answers, (size_t)got, t->seq, port, on_data, t);
	}
	return r < 0 ? -errno : 0;
}

static void put_source(struct nlmsghdr *h, const struct addr *a)
{
	struct nlattr *ip = mnl_attr_nest_start(h, CTA_TUPLE_IP);

	mnl_attr_put(h, a->family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, addr_size(a),
		     a->bytes);
	mnl_attr_nest_end(h, ip);
}

static void put_protocol(struct nlmsghdr *h, const struct question *q)
{
	struct nlattr *proto = mnl_attr_nest_start(h, CTA_TUPLE_PROTO);

	mnl_attr_put_u8(h, CTA_PROTO_NUM, q->proto);
	if (q->dport)
		mnl_attr_put_u16(h, CTA_PROTO_DST_PORT, htons(q->dport));
	mnl_attr_nest_end(h, proto);
}

static void put_question(struct nlmsghdr *h, const struct question *q)
{
	uint32_t orig = (q->orig_src.family ? FILTER_SOURCE : 0) |
			(q->proto ? FILTER_PROTOCOL : 0) | (q->dport ? FILTER_PORT : 0);
	uint32_t reply = q->reply_src.family ? FILTER_SOURCE : 0;

	if (orig) {
		struct nlattr *tuple = mnl_attr_nest_start(h, CTA_TUPLE_ORIG);

		if (q->orig_src.family)
			put_source(h, &q->orig_src);
		if (q->proto)
			put_protocol(h, q);
		mnl_attr_nest_end(h, tuple);
	}
	if (reply) {
		struct nlattr *tuple = mnl_attr_nest_start(h, CTA_TUPLE_REPLY);

		put_source(h, &q->reply_src);
		mnl_attr_nest_end(h, tuple);
	}
	if (orig || reply) {
		struct nlattr *filter = mnl_attr_nest_start(h, FILTER);

		mnl_attr_put_u32(h, FILTER_ORIG_FLAGS, orig);
		mnl_attr_put_u32(h, FILTER_REPLY_FLAGS, reply);
		mnl_attr_nest_end(h, filter);
	}
}

/* ---- reading ---- */

static void read_addresses(const struct nlattr *ip, struct tuple *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, ip)
	{
		uint16_t type = mnl_attr_get_type(attr);
		bool source = type == CTA_IP_V4_SRC || type == CTA_IP_V6_SRC;
		struct addr *a = source ? &out->src : &out->dst;

		a->family = type == CTA_IP_V4_SRC || type == CTA_IP_V4_DST ? AF_INET : AF_INET6;
		if (mnl_attr_get_payload_len(attr) == addr_size(a))
			memcpy(a->bytes, mnl_attr_get_payload(attr), addr_size(a));
	}
}

static void read_protocol(const struct nlattr *proto, struct tuple *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, proto)
	{
		if (mnl_attr_get_type(attr) == CTA_PROTO_NUM)
			out->proto = mnl_attr_get_u8(attr);
		else if (mnl_attr_get_type(attr) == CTA_PROTO_SRC_PORT)
			out->sport = ntohs(mnl_attr_get_u16(attr));
		else if (mnl_attr_get_type(attr) == CTA_PROTO_DST_PORT)
			out->dport = ntohs(mnl_attr_get_u16(attr));
	}
}

static void read_tuple(const struct nlattr *tuple, struct tuple *out)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, tuple)
	{
		if (mnl_attr_get_type(attr) == CTA_TUPLE_IP)
			read_addresses(attr, out);
		else if (mnl_attr_get_type(attr) == CTA_TUPLE_PROTO)
			read_protocol(attr, out);
	}
}

static struct entry read_entry(const struct nlmsghdr *h)
{
	struct entry e = {0};
	const struct nlattr *attr;

	mnl_attr_for_each (attr, h, sizeof(struct nfgenmsg)) {
		switch (mnl_attr_get_type(attr)) {
		case CTA_TUPLE_ORIG:
			read_tuple(attr, &e.orig);
			e.key = attr;
			break;
		case CTA_TUPLE_REPLY:
			read_tuple(attr, &e.reply);
			break;
		case CTA_ZONE:
			e.zone = attr;
			break;
		case CTA_ID:
			e.id = attr;
			break;
		}
	}
	return e;
}

static void copy_attribute(struct nlmsghdr *h, const struct nlattr *attr)
{
	if (attr)
		mnl_attr_put(h, attr->nla_type, mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
}

static int on_entry(const struct nlmsghdr *h, void *arg)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(h);
	struct table *t = arg;
	struct arena *a = t->host->arena;
	const struct entry e = read_entry(h);
	char buf[REQUEST_BYTES];

	if (!e.key || !t->is_stale(t, &e))
		return MNL_CB_OK;
	/* By its identity: a new flow of the same addresses is another one. */
	struct nlmsghdr *request =
		request_new(buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, g->nfgen_family);
	copy_attribute(request, e.key);
	copy_attribute(request, e.zone);
	copy_attribute(request, e.id);
	t->stale = arena_grow(a, t->stale, t->n_stale, sizeof(struct nlmsghdr *));
	t->stale[t->n_stale++] = arena_memdup(a, request, request->nlmsg_len);
	return MNL_CB_OK;
}

static int on_statistics(const struct nlmsghdr *h, void *arg)
{
	struct table *t = arg;
	const struct nlattr *attr;

	mnl_attr_for_each (attr, h, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == CTA_STATS_GLOBAL_ENTRIES)
			t->n_entries = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

/* ---- what is stale ---- */

static const struct addr *address_of(const struct fw_intent *in, int family)
{
	return family == AF_INET ? &in->me.ip4 : &in->me.ip6;
}

static bool is_of_container(const struct table *t, const struct entry *e)
{
	for (size_t i = 0; i < t->n_intents; i++) {
		const struct addr *ip = address_of(&t->intents[i], e->orig.src.family);

		if (t->intents[i].flush_conntrack && ip->family &&
		    (addr_equal(&e->orig.src, ip) || addr_equal(&e->reply.src, ip)))
			return true;
	}
	return false;
}

static bool is_local(const struct table *t, const struct addr *a)
{
	if (a->family == AF_INET && a->bytes[0] == 127)
		return true;
	for (size_t i = 0; i < t->n_local; i++)
		if (addr_equal(&t->local[i].addr, a))
			return true;
	return false;
}

static bool publishes(const struct fw_port *p, int family)
{
	return p->proto == IPPROTO_UDP && (family == AF_INET ? p->ipv4 : p->ipv6);
}

/* Whether the flow goes where the rules of this port would send it. */
static bool fits(const struct fw_intent *in, const struct fw_port *p, const struct entry *e)
{
	unsigned int n = p->range ? p->range : 1, at = (unsigned int)e->orig.dport - p->host_port;

	return p->proto == e->orig.proto && at < n &&
	       addr_equal(&e->reply.src, address_of(in, e->reply.src.family)) &&
	       e->reply.sport == p->container_port + at;
}

static bool is_left_behind(const struct fw_intent *in, const struct entry *e)
{
	const struct addr *ip = address_of(in, e->reply.src.family);

	if (!ip->family || !addr_equal(&e->reply.src, ip))
		return false;
	for (size_t k = 0; k < in->me.n_ports; k++)
		if (fits(in, &in->me.ports[k], e))
			return false;
	return true;
}

/* Whether the port takes the flow, and it goes elsewhere. */
static bool leads_elsewhere(const struct table *t, const struct fw_intent *in,
			    const struct fw_port *p, const struct entry *e)
{
	const struct tuple *to = &e->orig;
	unsigned int n = p->range ? p->range : 1, at = (unsigned int)to->dport - p->host_port;

	if (!publishes(p, to->dst.family) || to->proto != IPPROTO_UDP || at >= n)
		return false;
	if (p->host_addr.family ? !addr_equal(&p->host_addr, &to->dst) : !is_local(t, &to->dst))
		return false;
	return !fits(in, p, e);
}

static bool is_misdirected(const struct table *t, const struct entry *e)
{
	for (size_t i = 0; i < t->n_intents; i++) {
		const struct fw_intent *in = &t->intents[i];

		if (!in->flush_conntrack || in->net.internal)
			continue;
		if (is_left_behind(in, e))
			return true;
		if (!address_of(in, e->orig.dst.family)->family)
			continue;
		for (size_t k = 0; k < in->me.n_ports; k++)
			if (leads_elsewhere(t, in, &in->me.ports[k], e))
				return true;
	}
	return false;
}

/* ---- questions ---- */

static int look(struct table *t, const struct question *q)
{
	char buf[REQUEST_BYTES];
	struct nlmsghdr *request = request_new(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, q->family);

	put_question(request, q);
	return ask(t, request, on_entry);
}

static int look_at_addresses(struct table *t, bool both_ends)
{
	static const int families[] = {AF_INET, AF_INET6};
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n_intents * array_size(families); i++) {
		const struct addr *ip = address_of(&t->intents[i / 2], families[i % 2]);

		if (!ip->family || !t->intents[i / 2].flush_conntrack)
			continue;
		r = look(t, &(struct question){.family = ip->family, .reply_src = *ip});
		if (r == 0 && both_ends)
			r = look(t, &(struct question){.family = ip->family, .orig_src = *ip});
	}
	return r;
}

static int look_for_both_ends(struct table *t)
{
	return look_at_addresses(t, true);
}

static void add_port(uint16_t *list, size_t *n, size_t max, unsigned int port)
{
	for (size_t i = 0; i < *n && i < max; i++)
		if (list[i] == port)
			return;
	if (*n < max)
		list[*n] = (uint16_t)port;
	(*n)++;
}

/* The published UDP ports, at most max of them; returns how many there are, or more than max. */
static size_t list_ports(const struct table *t, uint16_t *list, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_intents; i++) {
		const struct fw_ports *me = &t->intents[i].me;

		for (size_t k = 0; t->intents[i].flush_conntrack && k < me->n_ports; k++) {
			unsigned int count = me->ports[k].range ? me->ports[k].range : 1;

			if (me->ports[k].proto != IPPROTO_UDP)
				continue;
			for (unsigned int p = 0; n <= max && p < count; p++)
				add_port(list, &n, max, me->ports[k].host_port + p);
		}
	}
	return n;
}

/* A filter needs a family. */
static int look_at_ports_of(struct table *t, int family, const uint16_t *ports, size_t n)
{
	struct question q = {.family = (uint8_t)family, .proto = IPPROTO_UDP};
	int r = 0;

	if (n > FEW_PORTS)
		return look(t, &q);
	for (size_t i = 0; r == 0 && i < n; i++) {
		q.dport = ports[i];
		r = look(t, &q);
	}
	return r;
}

static bool has_family(const struct table *t, int family)
{
	for (size_t i = 0; i < t->n_intents; i++)
		if (t->intents[i].flush_conntrack && address_of(&t->intents[i], family)->family)
			return true;
	return false;
}

static int look_at_ports(struct table *t)
{
	static const int families[] = {AF_INET, AF_INET6};
	uint16_t ports[FEW_PORTS];
	size_t n = list_ports(t, ports, FEW_PORTS);
	int r = 0;

	for (size_t i = 0; r == 0 && i < array_size(families); i++)
		if (has_family(t, families[i]))
			r = look_at_ports_of(t, families[i], ports, n);
	return r < 0 ? r : look_at_addresses(t, false);
}

static int open_table(struct table *t)
{
	char buf[REQUEST_BYTES];
	struct error err;
	int r = fault("conntrack_open", &err);

	if (r < 0)
		return r;
	t->answers = arena_alloc(t->host->arena, READ_BYTES);
	t->seq = (uint32_t)time(NULL);
	t->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!t->socket || mnl_socket_bind(t->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return ask(t, request_new(buf, IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK, AF_UNSPEC),
		   on_statistics);
}

static int delete_stale(struct table *t)
{
	int r = 0;

	for (size_t i = 0; i < t->n_stale; i++) {
		int one = ask(t, t->stale[i], NULL);

		if (one < 0 && one != -ENOENT) /* it has ended meanwhile */
			r = one;
	}
	if (t->n_stale)
		log_debug("forgot %zu flows", t->n_stale);
	return r;
}

/* Only needed where there are flows at all. */
static int list_local(struct table *t)
{
	struct error err;

	if (t->is_stale != is_misdirected || !t->n_entries)
		return 0;
	return address_list_all(t->host->nl, t->host->arena, &t->local, &t->n_local, &err);
}

static void flush(struct table *t, int (*look_closely)(struct table *t))
{
	int r = open_table(t);

	if (r == 0)
		r = list_local(t);
	if (r == 0 && t->n_entries)
		r = t->n_entries <= FEW_ENTRIES ? look(t, &(struct question){0}) : look_closely(t);
	if (r == 0)
		r = delete_stale(t);
	if (r < 0)
		log_debug("cannot flush connection tracking: %s", strerror(-r));
	if (t->socket)
		mnl_socket_close(t->socket);
}

static bool is_wanted(const struct fw_intent *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in[i].flush_conntrack)
			return true;
	return false;
}

void conntrack_forget(const struct fw_intent *in, size_t n, struct host *h)
{
	struct table t = {.host = h, .intents = in, .n_intents = n, .is_stale = is_of_container};

	if (is_wanted(in, n))
		flush(&t, look_for_both_ends);
}

void conntrack_settle(const struct fw_intent *in, size_t n, struct host *h)
{
	struct table t = {.host = h, .intents = in, .n_intents = n, .is_stale = is_misdirected};
	uint16_t first;

	if (list_ports(&t, &first, 1))
		flush(&t, look_at_ports);
}
