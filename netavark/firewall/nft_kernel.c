/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::nft"
#include "netavark/firewall/nft_kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "common/fault.h"
#include "common/log.h"
#include "netavark/firewall/nft_expr.h"

#define READ_BYTES    65536 /* the kernel fills at most 32 KiB per datagram of a dump */
#define MESSAGE_BYTES 16384 /* more than any single message of a batch */
#define INET_PROTO    12    /* nft's number for the type of a set of protocols */
#define DUMP_TRIES    30

int nft_open(struct nft *nft, struct arena *a, struct error *err)
{
	int big = 1 << 20, r = fault("nft_open", err);

	if (r < 0)
		return wrap(err, "nftables error");
	*nft = (struct nft){.arena = a, .seq = (uint32_t)time(NULL)};
	nft->buf = arena_alloc(a, READ_BYTES);
	nft->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nft->socket || mnl_socket_bind(nft->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = fail_errno(err, errno, "nftables error: open netlink socket");
		nft_close(nft);
		return r;
	}
	setsockopt(mnl_socket_get_fd(nft->socket), SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	return 0;
}

void nft_close(struct nft *nft)
{
	if (nft->socket)
		mnl_socket_close(nft->socket);
	nft->socket = NULL;
}

/* ---- questions ---- */

static int exchange_once(struct nft *nft, struct nlmsghdr *request, mnl_cb_t on_data, void *arg)
{
	unsigned int port = mnl_socket_get_portid(nft->socket);
	int r;

	request->nlmsg_seq = ++nft->seq;
	if (mnl_socket_sendto(nft->socket, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t got = mnl_socket_recvfrom(nft->socket, nft->buf, READ_BYTES);

		if (got < 0 && errno == EINTR) {
			r = MNL_CB_OK;
			continue;
		}
		if (got < 0)
			return -errno;
		r = mnl_cb_run(nft->buf, (size_t)got, nft->seq, port, on_data, arg);
		if (r < 0)
			return -errno;
	} while (r > MNL_CB_STOP);
	return 0;
}

/* Reads what an interrupted dump left in the socket. */
static void drain(struct nft *nft)
{
	char buf[1024];

	while (recv(mnl_socket_get_fd(nft->socket), buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC) > 0)
		;
}

/* Asks, and asks again if somebody changed the ruleset in the middle of a dump. */
static int ask(struct nft *nft, struct nlmsghdr *request, mnl_cb_t on_data, void (*reset)(void *),
	       void *arg)
{
	int r = -EINTR;

	for (int i = 0; i < DUMP_TRIES && (r == -EINTR || r == -ENOBUFS); i++) {
		if (i)
			drain(nft);
		if (reset)
			reset(arg);
		r = exchange_once(nft, request, on_data, arg);
	}
	return r;
}

static struct nlmsghdr *request_new(struct nft *nft, uint8_t family, uint16_t type, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(arena_alloc(nft->arena, 1024), type, family, flags, 0);
}

/* How errors about a table begin. */
static const char *prefix(const struct table *t)
{
	if (!t || !t->xt)
		return "nftables error";
	return t->family == NFPROTO_IPV4 ? "iptables" : "ip6tables";
}

static int fail_nft(struct error *err, int r, const struct table *t, const char *what,
		    const char *name)
{
	return fail_errno(err, -r, "%s: %s%s%s", prefix(t), what, *name ? " " : "", name);
}

static int on_generation(const struct nlmsghdr *h, void *arg)
{
	struct nlattr *attr;

	mnl_attr_for_each (attr, h, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFTA_GEN_ID)
			*(uint32_t *)arg = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

int nft_begin(struct nft *nft, struct error *err)
{
	int r = fault("nft_begin", err);

	if (r < 0)
		return wrap(err, "nftables error");
	r = ask(nft, request_new(nft, AF_UNSPEC, NFT_MSG_GETGEN, NLM_F_ACK), on_generation, NULL,
		&nft->generation);
	return r < 0 ? fail_nft(err, r, NULL, "get generation", "") : 0;
}

int nft_find_table(struct nft *nft, const struct table *t, bool *out, struct error *err)
{
	int r = fault("nft_find_table", err);

	if (r < 0)
		return wrap(err, "nftables error");
	struct nlmsghdr *request = request_new(nft, t->family, NFT_MSG_GETTABLE, NLM_F_ACK);
	mnl_attr_put_strz(request, NFTA_TABLE_NAME, t->name);
	r = ask(nft, request, NULL, NULL, NULL);
	*out = r == 0;
	return r < 0 && r != -ENOENT ? fail_nft(err, r, t, "get table", t->name) : 0;
}

static int find_chain(struct nft *nft, const struct table *t, const char *name, bool *out,
		      struct error *err)
{
	struct nlmsghdr *request = request_new(nft, t->family, NFT_MSG_GETCHAIN, NLM_F_ACK);

	mnl_attr_put_strz(request, NFTA_CHAIN_TABLE, t->name);
	mnl_attr_put_strz(request, NFTA_CHAIN_NAME, name);
	int r = ask(nft, request, NULL, NULL, NULL);
	*out = r == 0;
	return r < 0 && r != -ENOENT ? fail_nft(err, r, t, "get chain", name) : 0;
}

struct rule_dump {
	struct arena *arena;
	struct live_chain *chain;
};

static int on_rule(const struct nlmsghdr *h, void *arg)
{
	struct rule_dump *dump = arg;
	struct live_chain *c = dump->chain;
	struct nftnl_rule *in = nftnl_rule_alloc();

	if (!in)
		abort();
	if (nftnl_rule_nlmsg_parse(h, in) == 0 &&
	    strcmp(nftnl_rule_get_str(in, NFTNL_RULE_CHAIN), c->name) == 0) {
		struct live_rule live = {.handle = nftnl_rule_get_u64(in, NFTNL_RULE_HANDLE)};

		live.ours = nft_expr_decode(in, c->table, dump->arena, &live.rule, &live.set);
		c->rules = arena_grow(dump->arena, c->rules, c->n_rules, sizeof(*c->rules));
		c->rules[c->n_rules++] = live;
	}
	nftnl_rule_free(in);
	return MNL_CB_OK;
}

static void forget_rules(void *arg)
{
	struct rule_dump *dump = arg;

	dump->chain->rules = NULL;
	dump->chain->n_rules = 0;
}

int nft_read_chain(struct nft *nft, const struct table *t, const char *name, struct live_chain *out,
		   struct error *err)
{
	struct rule_dump dump = {nft->arena, out};
	int r = fault("nft_read_chain", err);

	if (r < 0)
		return wrap(err, "nftables error");
	*out = (struct live_chain){.table = t, .name = name};
	struct nlmsghdr *request = request_new(nft, t->family, NFT_MSG_GETRULE, NLM_F_DUMP);
	mnl_attr_put_strz(request, NFTA_RULE_TABLE, t->name);
	mnl_attr_put_strz(request, NFTA_RULE_CHAIN, name);
	r = ask(nft, request, on_rule, forget_rules, &dump);
	if (r < 0 && r != -ENOENT)
		return fail_nft(err, r, t, "list chain", name);
	/* A dump of a chain that is not there is as empty as one that has no rules. */
	out->exists = out->n_rules > 0;
	return out->exists ? 0 : find_chain(nft, t, name, &out->exists, err);
}

struct chain_dump {
	struct arena *arena;
	const char *table, **names;
	size_t n;
};

static int on_chain(const struct nlmsghdr *h, void *arg)
{
	struct chain_dump *dump = arg;
	struct nftnl_chain *in = nftnl_chain_alloc();

	if (!in)
		abort();
	if (nftnl_chain_nlmsg_parse(h, in) == 0 &&
	    strcmp(nftnl_chain_get_str(in, NFTNL_CHAIN_TABLE), dump->table) == 0) {
		dump->names = arena_grow(dump->arena, dump->names, dump->n, sizeof(*dump->names));
		dump->names[dump->n++] =
			arena_strdup(dump->arena, nftnl_chain_get_str(in, NFTNL_CHAIN_NAME));
	}
	nftnl_chain_free(in);
	return MNL_CB_OK;
}

static void forget_chains(void *arg)
{
	((struct chain_dump *)arg)->n = 0;
	((struct chain_dump *)arg)->names = NULL;
}

int nft_list_chains(struct nft *nft, const struct table *t, const char ***out, size_t *out_n,
		    struct error *err)
{
	struct chain_dump dump = {.arena = nft->arena, .table = t->name};
	int r = fault("nft_list_chains", err);

	if (r < 0)
		return wrap(err, "nftables error");
	r = ask(nft, request_new(nft, t->family, NFT_MSG_GETCHAIN, NLM_F_DUMP), on_chain,
		forget_chains, &dump);
	if (r < 0)
		return fail_nft(err, r, t, "list chains", "");
	*out = dump.names;
	*out_n = dump.n;
	return 0;
}

struct set_dump {
	unsigned int tcp, udp, other;
};

static int on_element(struct nftnl_set_elem *e, void *arg)
{
	struct set_dump *dump = arg;
	uint32_t len = 0;
	const uint8_t *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (key && len >= 1 && key[0] == IPPROTO_TCP)
		dump->tcp++;
	else if (key && len >= 1 && key[0] == IPPROTO_UDP)
		dump->udp++;
	else
		dump->other++;
	return 0;
}

static int on_elements(const struct nlmsghdr *h, void *arg)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		abort();
	if (nftnl_set_elems_nlmsg_parse(h, set) == 0)
		nftnl_set_elem_foreach(set, on_element, arg);
	nftnl_set_free(set);
	return MNL_CB_OK;
}

static void forget_elements(void *arg)
{
	*(struct set_dump *)arg = (struct set_dump){0};
}

int nft_is_tcp_and_udp(struct nft *nft, const struct table *t, const char *set, bool *out,
		       struct error *err)
{
	struct set_dump dump;
	int r = fault("nft_read_set", err);

	if (r < 0)
		return wrap(err, "nftables error");
	struct nlmsghdr *request = request_new(nft, t->family, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, t->name);
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set);
	r = ask(nft, request, on_elements, forget_elements, &dump);
	*out = r == 0 && dump.tcp == 1 && dump.udp == 1 && !dump.other;
	return r < 0 && r != -ENOENT ? fail_nft(err, r, t, "list set", set) : 0;
}

/* ---- maps: keys and data are of parts that begin at whole words ---- */

#define TYPE_IPV4 7 /* nft's numbers for the types of the parts */
#define TYPE_IPV6 8
#define TYPE_PORT 13
#define PARTS_MAX 24 /* bytes: an IPv6 address, a protocol and a port */

static uint32_t join_types(uint32_t a, uint32_t b)
{
	return a << 6 | b;
}

static uint32_t put_part(uint8_t *to, uint32_t at, const void *data, size_t size)
{
	memcpy(to + at, data, size);
	return at + (uint32_t)(size + 3) / 4 * 4;
}

static uint32_t element_key(const struct element *e, uint8_t out[PARTS_MAX])
{
	uint16_t port = htons(e->port);
	uint32_t len = 0;

	memset(out, 0, PARTS_MAX);
	if (e->map->by_host)
		len = put_part(out, len, e->host_addr.bytes, addr_size(&e->host_addr));
	len = put_part(out, len, &e->proto, sizeof(e->proto));
	return put_part(out, len, &port, sizeof(port));
}

static uint32_t element_data(const struct element *e, uint8_t out[PARTS_MAX])
{
	uint16_t port = htons(e->to_port);
	uint32_t len = 0;

	memset(out, 0, PARTS_MAX);
	len = put_part(out, len, e->to.bytes, addr_size(&e->to));
	return put_part(out, len, &port, sizeof(port));
}

struct map_dump {
	struct arena *arena;
	const struct map *map;
	struct element *list;
	size_t n;
};

static int on_map_element(struct nftnl_set_elem *in, void *arg)
{
	struct map_dump *dump = arg;
	uint32_t key_len = 0, data_len = 0, host = 0, size = dump->map->family == AF_INET ? 4 : 16;
	const uint8_t *key = nftnl_set_elem_get(in, NFTNL_SET_ELEM_KEY, &key_len);
	const uint8_t *data = nftnl_set_elem_get(in, NFTNL_SET_ELEM_DATA, &data_len);
	struct element e = {.map = dump->map, .to = {.family = dump->map->family}};

	if (dump->map->by_host)
		host = size;
	if (!key || !data || key_len < host + 6 || data_len < size + 2)
		return 0;
	if (host) {
		e.host_addr.family = dump->map->family;
		memcpy(e.host_addr.bytes, key, host);
	}
	e.proto = key[host];
	e.port = (uint16_t)(key[host + 4] << 8 | key[host + 5]);
	memcpy(e.to.bytes, data, size);
	e.to_port = (uint16_t)(data[size] << 8 | data[size + 1]);
	dump->list = arena_grow(dump->arena, dump->list, dump->n, sizeof(*dump->list));
	dump->list[dump->n++] = e;
	return 0;
}

static int on_map_elements(const struct nlmsghdr *h, void *arg)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		abort();
	if (nftnl_set_elems_nlmsg_parse(h, set) == 0)
		nftnl_set_elem_foreach(set, on_map_element, arg);
	nftnl_set_free(set);
	return MNL_CB_OK;
}

static void forget_map(void *arg)
{
	((struct map_dump *)arg)->n = 0;
	((struct map_dump *)arg)->list = NULL;
}

int nft_read_map(struct nft *nft, const struct table *t, const struct map *map,
		 struct element **out, size_t *out_n, struct error *err)
{
	struct map_dump dump = {.arena = nft->arena, .map = map};
	int r = fault("nft_read_map", err);

	if (r < 0)
		return wrap(err, "nftables error");
	struct nlmsghdr *request = request_new(nft, t->family, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, t->name);
	mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, map->name);
	r = ask(nft, request, on_map_elements, forget_map, &dump);
	*out = dump.list;
	*out_n = dump.n;
	return r < 0 && r != -ENOENT ? fail_nft(err, r, t, "list map", map->name) : 0;
}

/* ---- the batch ---- */

struct batch {
	char *data;
	size_t len, room;
	uint32_t first_seq, seq;
	size_t *op_of; /* message → operation, for errors */
	size_t n_messages;
	uint32_t n_sets;
};

/* Room for one more message, with its header. */
static struct nlmsghdr *message_begin(struct batch *b, uint8_t family, uint16_t type,
				      uint16_t flags, size_t op)
{
	if (b->room - b->len < MESSAGE_BYTES) {
		b->room = (b->room + MESSAGE_BYTES) * 2;
		b->data = realloc(b->data, b->room);
		if (!b->data)
			abort();
	}
	if (b->n_messages % 64 == 0) {
		b->op_of = realloc(b->op_of, (b->n_messages + 64) * sizeof(*b->op_of));
		if (!b->op_of)
			abort();
	}
	b->op_of[b->n_messages++] = op;
	return nftnl_nlmsg_build_hdr(b->data + b->len, type, family, flags, b->seq++);
}

static void message_end(struct batch *b, const struct nlmsghdr *h)
{
	b->len += MNL_ALIGN(h->nlmsg_len);
}

static void frame(struct batch *b, uint16_t type, uint32_t generation)
{
	struct nlmsghdr *h = message_begin(b, AF_UNSPEC, 0, 0, 0);
	struct nfgenmsg *g = mnl_nlmsg_get_payload(h);

	h->nlmsg_type = type;
	g->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (type == NFNL_MSG_BATCH_BEGIN)
		mnl_attr_put_u32(h, NFNL_BATCH_GENID, htonl(generation));
	message_end(b, h);
}

static void put_table(struct batch *b, const struct op *op, size_t i)
{
	bool adds = op->kind == OP_ADD_TABLE;
	struct nlmsghdr *h =
		message_begin(b, op->table->family, adds ? NFT_MSG_NEWTABLE : NFT_MSG_DELTABLE,
			      adds ? NLM_F_CREATE : 0, i);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, op->table->name);
	message_end(b, h);
}

static void put_chain(struct batch *b, const struct op *op, size_t i)
{
	bool adds = op->kind == OP_ADD_CHAIN;
	struct nlmsghdr *h =
		message_begin(b, op->table->family, adds ? NFT_MSG_NEWCHAIN : NFT_MSG_DELCHAIN,
			      adds ? NLM_F_CREATE : 0, i);
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (!c)
		abort();
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, op->table->name);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, op->chain.name);
	if (adds && op->chain.type) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, op->chain.type);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, op->chain.hook);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, op->chain.priority);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	nftnl_chain_nlmsg_build_payload(h, c);
	nftnl_chain_free(c);
	message_end(b, h);
}

static void add_protocol(struct nftnl_set *s, uint8_t proto)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();

	if (!e)
		abort();
	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, &proto, sizeof(proto));
	nftnl_set_elem_add(s, e);
}

/* The anonymous set { tcp, udp } of one rule; it dies with the rule. */
static void put_protocol_set(struct batch *b, const struct table *t, uint32_t id, size_t i)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (!s)
		abort();
	nftnl_set_set_str(s, NFTNL_SET_TABLE, t->name);
	nftnl_set_set_str(s, NFTNL_SET_NAME, NFT_EXPR_SET_NAME);
	nftnl_set_set_u32(s, NFTNL_SET_ID, id);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, INET_PROTO);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, 1);
	nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, 2);
	add_protocol(s, IPPROTO_TCP);
	add_protocol(s, IPPROTO_UDP);

	struct nlmsghdr *h = message_begin(b, t->family, NFT_MSG_NEWSET, NLM_F_CREATE, i);
	nftnl_set_nlmsg_build_payload(h, s);
	message_end(b, h);
	h = message_begin(b, t->family, NFT_MSG_NEWSETELEM, NLM_F_CREATE, i);
	nftnl_set_elems_nlmsg_build_payload(h, s);
	message_end(b, h);
	nftnl_set_free(s);
}

static void put_map(struct batch *b, const struct op *op, size_t i)
{
	const struct map *map = op->element.map;
	const struct element sample = {.map = map,
				       .host_addr = {.family = map->family},
				       .to = {.family = map->family}};
	uint32_t address = map->family == AF_INET ? TYPE_IPV4 : TYPE_IPV6;
	uint32_t protocol = map->by_host ? join_types(address, INET_PROTO) : INET_PROTO;
	struct nftnl_set *s = nftnl_set_alloc();
	uint8_t parts[PARTS_MAX];

	if (!s)
		abort();
	nftnl_set_set_str(s, NFTNL_SET_TABLE, op->table->name);
	nftnl_set_set_str(s, NFTNL_SET_NAME, map->name);
	nftnl_set_set_u32(s, NFTNL_SET_ID, ++b->n_sets);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_MAP);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, join_types(protocol, TYPE_PORT));
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, element_key(&sample, parts));
	nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, join_types(address, TYPE_PORT));
	nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, element_data(&sample, parts));
	struct nlmsghdr *h = message_begin(b, op->table->family, NFT_MSG_NEWSET, NLM_F_CREATE, i);
	nftnl_set_nlmsg_build_payload(h, s);
	message_end(b, h);
	nftnl_set_free(s);
}

static void put_element(struct batch *b, const struct op *op, size_t i)
{
	bool adds = op->kind == OP_ADD_ELEMENT;
	struct nftnl_set *s = nftnl_set_alloc();
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();
	uint8_t parts[PARTS_MAX];
	uint32_t len = element_key(&op->element, parts);

	if (!s || !e)
		abort();
	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, parts, len);
	len = element_data(&op->element, parts);
	if (adds)
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_DATA, parts, len);
	nftnl_set_elem_add(s, e);
	nftnl_set_set_str(s, NFTNL_SET_TABLE, op->table->name);
	nftnl_set_set_str(s, NFTNL_SET_NAME, op->element.map->name);
	struct nlmsghdr *h =
		message_begin(b, op->table->family, adds ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
			      adds ? NLM_F_CREATE : 0, i);
	nftnl_set_elems_nlmsg_build_payload(h, s);
	message_end(b, h);
	nftnl_set_free(s);
}

static void put_rule(struct batch *b, const struct op *op, size_t i)
{
	bool adds = op->kind == OP_ADD_RULE;
	bool append = adds && !op->handle && op->rule.position != AT_HEAD;
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (!r)
		abort();
	if (adds && op->rule.tcp_and_udp)
		put_protocol_set(b, op->table, ++b->n_sets, i);
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, op->table->family);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, op->table->name);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, op->rule.chain);
	if (adds)
		nft_expr_encode(&op->rule, b->n_sets, r);
	if (op->handle)
		nftnl_rule_set_u64(r, adds ? NFTNL_RULE_POSITION : NFTNL_RULE_HANDLE, op->handle);
	struct nlmsghdr *h =
		message_begin(b, op->table->family, adds ? NFT_MSG_NEWRULE : NFT_MSG_DELRULE,
			      (uint16_t)((adds ? NLM_F_CREATE : 0) | (append ? NLM_F_APPEND : 0)),
			      i);
	nftnl_rule_nlmsg_build_payload(h, r);
	nftnl_rule_free(r);
	message_end(b, h);
}

static void put_op(struct batch *b, const struct op *op, size_t i)
{
	switch (op->kind) {
	case OP_ADD_TABLE:
	case OP_DELETE_TABLE:
		put_table(b, op, i);
		break;
	case OP_ADD_CHAIN:
	case OP_DELETE_CHAIN:
		put_chain(b, op, i);
		break;
	case OP_ADD_RULE:
	case OP_DELETE_RULE:
		put_rule(b, op, i);
		break;
	case OP_ADD_MAP:
		put_map(b, op, i);
		break;
	case OP_ADD_ELEMENT:
	case OP_DELETE_ELEMENT:
		put_element(b, op, i);
		break;
	}
}

/* The whole batch must be one datagram: the socket has to take it. */
static void make_room(struct nft *nft, size_t len)
{
	int fd = mnl_socket_get_fd(nft->socket), want = (int)len + 4096;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &want, sizeof(want)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &want, sizeof(want));
}

/* The kernel works the batch off inside sendmsg(): all errors are queued when it returns. */
static int read_errors(struct nft *nft, uint32_t *out_seq)
{
	int code = 0;

	for (;;) {
		ssize_t got =
			recv(mnl_socket_get_fd(nft->socket), nft->buf, READ_BYTES, MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == ENOBUFS)
			code = code ? code : -ERESTART; /* errors were lost: look again */
		if (got < 0 && errno != ENOBUFS)
			return code;
		int left = (int)got;
		for (struct nlmsghdr *h = (void *)nft->buf; got > 0 && mnl_nlmsg_ok(h, left);
		     h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type == NLMSG_ERROR && e->error && !code) {
				code = e->error;
				*out_seq = e->msg.nlmsg_seq;
			}
		}
	}
}

static int explain(struct nft *nft, const struct batch *b, const struct ops *ops, int code,
		   uint32_t seq, const struct op **out_busy, struct error *err)
{
	uint32_t message = seq - b->first_seq;

	if (code == -ERESTART || message >= b->n_messages)
		return fail_errno(err, -code, "nftables error: commit");
	const struct op *op = &ops->list[b->op_of[message]];
	if (code == -ENOENT && (op->kind == OP_DELETE_RULE || op->kind == OP_DELETE_ELEMENT))
		code = -ERESTART;
	if (code == -EBUSY && op->kind == OP_DELETE_CHAIN)
		*out_busy = op;
	return fail_errno(err, -code, "%s: %s", prefix(op->table), job_describe(op, nft->arena));
}

int nft_commit(struct nft *nft, const struct ops *ops, const struct op **out_busy,
	       struct error *err)
{
	struct batch b = {.seq = nft->seq + 1, .first_seq = nft->seq + 1};
	uint32_t seq = 0;
	int r = fault("nft_commit", err);

	if (r < 0)
		return wrap(err, "nftables error");
	frame(&b, NFNL_MSG_BATCH_BEGIN, nft->generation);
	for (size_t i = 0; i < ops->n; i++) {
		log_debug("%s", job_describe(&ops->list[i], nft->arena));
		put_op(&b, &ops->list[i], i);
	}
	frame(&b, NFNL_MSG_BATCH_END, 0);
	nft->seq = b.seq;
	make_room(nft, b.len);
	if (mnl_socket_sendto(nft->socket, b.data, b.len) < 0) {
		r = fail_errno(err, errno, "nftables error: send %zu bytes", b.len);
	} else {
		r = read_errors(nft, &seq);
		if (r < 0)
			r = explain(nft, &b, ops, r, seq, out_busy, err);
	}
	free(b.data);
	free(b.op_of);
	return r;
}

/* ---- for jobs ---- */

static int kernel_open(void **out, struct arena *a, struct error *err)
{
	struct nft *nft = arena_alloc(a, sizeof(*nft));

	*out = nft;
	return nft_open(nft, a, err);
}

static void kernel_close(void *k)
{
	nft_close(k);
}

static int kernel_begin(void *k, struct error *err)
{
	return nft_begin(k, err);
}

static int kernel_find_table(void *k, const struct table *t, bool *out, struct error *err)
{
	return nft_find_table(k, t, out, err);
}

static int kernel_read_chain(void *k, const struct table *t, const char *name,
			     struct live_chain *out, struct error *err)
{
	return nft_read_chain(k, t, name, out, err);
}

static int kernel_has_chain(void *k, const struct table *t, const char *name, bool *out,
			    struct error *err)
{
	int r = fault("nft_has_chain", err);

	return r < 0 ? wrap(err, "nftables error") : find_chain(k, t, name, out, err);
}

static int kernel_list_chains(void *k, const struct table *t, const char ***out, size_t *out_n,
			      struct error *err)
{
	return nft_list_chains(k, t, out, out_n, err);
}

static int kernel_is_tcp_and_udp(void *k, const struct table *t, const char *set, bool *out,
				 struct error *err)
{
	return nft_is_tcp_and_udp(k, t, set, out, err);
}

static int kernel_read_map(void *k, const struct table *t, const struct map *map,
			   struct element **out, size_t *out_n, struct error *err)
{
	return nft_read_map(k, t, map, out, out_n, err);
}

static int kernel_commit(void *k, const struct ops *ops, size_t *out_done,
			 const struct op **out_busy, struct error *err)
{
	int r = nft_commit(k, ops, out_busy, err);

	*out_done = r < 0 ? 0 : ops->n;
	return r;
}

const struct kernel nft_kernel = {
	.open = kernel_open,
	.close = kernel_close,
	.begin = kernel_begin,
	.find_table = kernel_find_table,
	.read_chain = kernel_read_chain,
	.has_chain = kernel_has_chain,
	.list_chains = kernel_list_chains,
	.is_tcp_and_udp = kernel_is_tcp_and_udp,
	.read_map = kernel_read_map,
	.commit = kernel_commit,
};
