/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/answer.h"

#include <string.h>

#define POINTER_TO_QUESTION 0xc00c
#define OPT_SIZE	    11 /* bytes of an OPT record without options */
#define EDNS_DO		    0x8000u
#define CLASSIC_UDP_MAX	    512 /* RFC 1035 section 4.2.1 */

/* Text forms of the reverse trees, as on the wire. */
static const uint8_t in_addr_arpa[] = "\7in-addr\4arpa";
static const uint8_t ip6_arpa[] = "\3ip6\4arpa";

bool answer_set_search(struct answer_rules *rules, const char *domain)
{
	while (*domain == '.')
		domain++;
	size_t len = strlen(domain);
	while (len && domain[len - 1] == '.')
		len--;
	rules->search_len = 0;
	if (len == 0)
		return true;
	size_t wire_len = wire_name_from_text(domain, len, rules->search);
	if (!wire_len)
		return false;
	rules->search[wire_len] = 0;
	rules->search_len = wire_len + 1;
	return true;
}

size_t answer_client_limit(const struct query *q)
{
	return q->edns.present && q->edns.size > CLASSIC_UDP_MAX ? q->edns.size : CLASSIC_UDP_MAX;
}

/* --- Writing a reply --- */

static void put_header(const struct query *q, enum rcode rcode, uint16_t questions,
		       struct wire *reply)
{
	unsigned int flags = WIRE_QR | (q->flags & (WIRE_OPCODE | WIRE_RD | WIRE_CD));

	/* Without RA dig warns that recursion is not available. */
	if (q->flags & WIRE_RD)
		flags |= WIRE_RA;
	wire_put16(reply, q->id);
	wire_put16(reply, (uint16_t)(flags | (rcode & WIRE_RCODE)));
	wire_put16(reply, questions);
	wire_put16(reply, 0);
	wire_put32(reply, 0);
}

static void begin(const struct query *q, enum rcode rcode, struct wire *reply)
{
	put_header(q, rcode, 1, reply);
	wire_put(reply, q->bytes + WIRE_HEADER_SIZE, q->question_len);
}

static void end(const struct query *q, enum rcode rcode, struct wire *reply)
{
	if (!q->edns.present)
		return;
	wire_put(reply, "", 1); /* its owner is the root */
	wire_put16(reply, TYPE_OPT);
	wire_put16(reply, ANSWER_UDP_MAX);
	wire_put32(reply, (uint32_t)rcode >> 4 << 24 | (q->edns.dnssec_ok ? EDNS_DO : 0));
	wire_put16(reply, 0);
	wire_set16(reply, WIRE_AT_ADDITIONAL, 1);
}

void answer_empty(const struct query *q, enum rcode rcode, struct wire *reply)
{
	begin(q, rcode, reply);
	end(q, rcode, reply);
}

/* An answer under construction. */
struct records {
	const struct query *q;
	struct wire *reply;
	size_t room; /* of the whole reply, for later */
	unsigned int n;
};

static struct records records_begin(const struct asked *asked, const struct query *q,
				    struct wire *reply)
{
	struct records rs = {.q = q, .reply = reply, .room = reply->room};
	size_t limit = answer_client_limit(q);

	if (!asked->tcp && limit < rs.room)
		rs.room = limit;
	reply->room = rs.room - (q->edns.present ? OPT_SIZE : 0);
	begin(q, RCODE_NOERROR, reply);
	return rs;
}

/* Adds a record whose owner is the question and whose TTL is 0: containers come and go. */
static void records_add(struct records *rs, const void *data, size_t len, const void *more,
			size_t more_len)
{
	struct wire *w = rs->reply;
	size_t before = w->len;

	if (w->bad)
		return;
	wire_put16(w, POINTER_TO_QUESTION);
	wire_put16(w, rs->q->type);
	wire_put16(w, CLASS_IN);
	wire_put32(w, 0);
	wire_put16(w, (uint16_t)(len + more_len));
	wire_put(w, data, len);
	wire_put(w, more, more_len);
	if (w->bad)
		w->len = before; /* only whole records */
	else
		rs->n++;
}

static void records_end(struct records *rs)
{
	struct wire *w = rs->reply;
	bool cut = w->bad;

	w->bad = false;
	w->room = rs->room;
	wire_set16(w, WIRE_AT_ANSWERS, (uint16_t)rs->n);
	if (cut)
		wire_set16(w, WIRE_AT_FLAGS, wire_load16(w->data + WIRE_AT_FLAGS) | WIRE_TC);
	end(rs->q, RCODE_NOERROR, w);
}

/* --- Names and addresses --- */

/* Whether an earlier network of the view has this address for the name, too. */
static bool given_before(const struct view *v, const struct zone_network *now, uint32_t hash,
			 const struct zone_name *name, const uint8_t *addr, size_t size)
{
	const struct zone_network *net;
	size_t cursor = 0;

	while ((net = view_next(v, &cursor)) && net != now) {
		const struct zone_name *other = zones_find_name(net, hash, name->wire, name->len);
		const uint8_t *list = !other ? NULL : size == 4 ? *other->v4 : *other->v6;

		for (uint32_t i = 0; list && i < (size == 4 ? other->n_v4 : other->n_v6); i++)
			if (memcmp(list + i * size, addr, size) == 0)
				return true;
	}
	return false;
}

static void add_addresses(struct records *rs, const struct view *v, const struct zone_network *net,
			  uint32_t hash, const struct zone_name *name)
{
	size_t size = rs->q->type == TYPE_A ? 4 : 16;
	uint32_t n = rs->q->type == TYPE_A ? name->n_v4 : name->n_v6;

	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *addr = rs->q->type == TYPE_A ? name->v4[i] : name->v6[i];

		if (v->n_networks == 1 || !given_before(v, net, hash, name, addr, size))
			records_add(rs, addr, size, NULL, 0);
	}
}

/* A name of ours. Types that we have nothing for get an empty answer, never another server's. */
static bool answer_name(const struct asked *asked, const struct answer_context *c, size_t key_len,
			struct wire *reply)
{
	const struct query *q = &c->query;
	uint32_t hash = hash_bytes(&asked->zones->key, q->name, key_len);
	const struct zone_network *net;
	struct records rs;
	bool found = false;
	size_t cursor = 0;

	while ((net = view_next(&c->view, &cursor))) {
		const struct zone_name *name = zones_find_name(net, hash, q->name, key_len);
		if (!name)
			continue;
		if (!found)
			rs = records_begin(asked, q, reply);
		found = true;
		if (q->type == TYPE_A || q->type == TYPE_AAAA)
			add_addresses(&rs, &c->view, net, hash, name);
	}
	if (found)
		records_end(&rs);
	return found;
}

/* RFC 6761 section 6.3: the loopback addresses, and nobody else is asked. */
static bool answer_localhost(const struct asked *asked, const struct query *q, struct wire *reply)
{
	static const uint8_t localhost[] = "\11localhost";
	static const uint8_t v4[] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
	size_t at = 0;

	while (q->name_len - at > sizeof(localhost))
		at += 1u + q->name[at];
	if (q->name_len - at != sizeof(localhost) ||
	    memcmp(q->name + at, localhost, sizeof(localhost)) != 0)
		return false;
	struct records rs = records_begin(asked, q, reply);
	if (q->type == TYPE_A)
		records_add(&rs, v4, sizeof(v4), NULL, 0);
	if (q->type == TYPE_AAAA)
		records_add(&rs, v6, sizeof(v6), NULL, 0);
	records_end(&rs);
	return true;
}

/* --- Reverse names --- */

/* A label of one to three digits, up to 255, without leading zeros. */
static bool read_octet(const uint8_t *label, uint8_t *out)
{
	unsigned int value = 0;

	if (label[0] < 1 || label[0] > 3 || (label[0] > 1 && label[1] == '0'))
		return false;
	for (unsigned int i = 1; i <= label[0]; i++) {
		if (label[i] < '0' || label[i] > '9')
			return false;
		value = value * 10 + (label[i] - '0');
	}
	*out = (uint8_t)value;
	return value <= 255;
}

static bool read_reverse_v4(const uint8_t *name, size_t len, struct addr *out)
{
	size_t at = 0;

	out->family = AF_INET;
	for (int i = 3; i >= 0; i--) {
		if (at >= len || !read_octet(name + at, &out->bytes[i]))
			return false;
		at += 1u + name[at];
	}
	return len - at == sizeof(in_addr_arpa) && memcmp(name + at, in_addr_arpa, len - at) == 0;
}

static bool read_reverse_v6(const uint8_t *name, size_t len, struct addr *out)
{
	static const char digits[] = "0123456789abcdef";

	if (len != 64 + sizeof(ip6_arpa) || memcmp(name + 64, ip6_arpa, sizeof(ip6_arpa)) != 0)
		return false;
	*out = (struct addr){.family = AF_INET6};
	for (size_t i = 0; i < 32; i++) {
		const char *digit = name[2 * i + 1] ? strchr(digits, name[2 * i + 1]) : NULL;

		if (name[2 * i] != 1 || !digit)
			return false;
		out->bytes[15 - i / 2] |= (uint8_t)((digit - digits) << (i % 2 ? 4 : 0));
	}
	return true;
}

static void add_names(struct records *rs, const struct zone_network *net,
		      const struct zone_host *host)
{
	for (uint32_t i = 0; i < host->n_names; i++) {
		const struct zone_name *name = &net->names[host->names[i]];

		records_add(rs, name->wire, name->len, "", 1);
	}
}

static bool answer_reverse(const struct asked *asked, const struct answer_context *c,
			   struct wire *reply)
{
	const struct query *q = &c->query;
	const struct zone_network *net;
	struct addr addr = {0};
	size_t cursor = 0;

	if (!read_reverse_v4(q->name, q->name_len, &addr) &&
	    !read_reverse_v6(q->name, q->name_len, &addr))
		return false;
	uint32_t hash = zones_hash_addr(asked->zones, &addr);
	while ((net = view_next(&c->view, &cursor))) {
		const struct zone_host *host = zones_find_host(net, hash, &addr);
		if (!host)
			continue;
		struct records rs = records_begin(asked, q, reply);
		add_names(&rs, net, host);
		records_end(&rs);
		return true;
	}
	return false;
}

/* --- The decision --- */

/*
 * How many bytes of the name stand before the search domain. Returns false, and the length
 * without the root label, if the name is not below it.
 */
static bool strip_search(const struct answer_rules *rules, const struct query *q, size_t *out_len)
{
	size_t at = 0;

	*out_len = q->name_len - 1;
	if (!rules->search_len || q->name_len < rules->search_len)
		return false;
	while (at < q->name_len - rules->search_len)
		at += 1u + q->name[at];
	if (at != q->name_len - rules->search_len ||
	    memcmp(q->name + at, rules->search, rules->search_len) != 0)
		return false;
	*out_len = at;
	return true;
}

static enum answer reply_empty(const struct query *q, enum rcode rcode, struct wire *reply)
{
	answer_empty(q, rcode, reply);
	return ANSWER_REPLY;
}

static enum answer may_forward(const struct answer_rules *rules, const struct answer_context *c,
			       struct wire *reply)
{
	if (rules->no_proxy || (c->view.host && c->view.only_internal))
		return reply_empty(&c->query, RCODE_NXDOMAIN, reply);
	/* An unregistered address on an internal network must not be a way out of it. */
	return c->view.only_internal ? ANSWER_FORWARD_IF_HOST : ANSWER_FORWARD;
}

static enum answer decide(const struct answer_rules *rules, const struct asked *asked,
			  const struct answer_context *c, struct wire *reply)
{
	const struct query *q = &c->query;
	size_t key_len;
	bool below_search = strip_search(rules, q, &key_len);

	if (q->type == TYPE_PTR && answer_reverse(asked, c, reply))
		return ANSWER_REPLY;
	if (key_len && answer_name(asked, c, key_len, reply))
		return ANSWER_REPLY;
	if (below_search)
		return reply_empty(q, key_len ? RCODE_NXDOMAIN : RCODE_NOERROR, reply);
	if (answer_localhost(asked, q, reply))
		return ANSWER_REPLY;
	return may_forward(rules, c, reply);
}

enum answer answer(const struct answer_rules *rules, const struct asked *asked,
		   const uint8_t *message, size_t len, struct answer_context *out_context,
		   struct wire *reply)
{
	struct query *q = &out_context->query;
	enum rcode error = RCODE_NOERROR;
	enum query_result result = query_parse(message, len, q, &error);

	out_context->whole = result == QUERY_FINE;
	if (result == QUERY_IGNORE)
		return ANSWER_DROP;
	if (result == QUERY_ERROR) {
		put_header(q, error, 0, reply);
		return ANSWER_REPLY;
	}
	out_context->view = zones_view(asked->zones, asked->listener, &asked->client);
	if (q->edns.version != 0)
		return reply_empty(q, RCODE_BADVERS, reply);
	if ((q->class != CLASS_IN && q->class != CLASS_ANY) || q->type == TYPE_AXFR ||
	    q->type == TYPE_IXFR)
		return reply_empty(q, RCODE_REFUSED, reply);
	return decide(rules, asked, out_context, reply);
}
