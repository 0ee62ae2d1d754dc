/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/relay.h"

#include <string.h>

#define EDNS_DO 0x8000u

/* Options between two neighbours (RFC 7873, 7828, 7830): not ours to pass on. */
enum { OPTION_COOKIE = 10, OPTION_KEEPALIVE = 11, OPTION_PADDING = 12 };

static bool is_of_one_hop(uint16_t code)
{
	return code == OPTION_COOKIE || code == OPTION_KEEPALIVE || code == OPTION_PADDING;
}

bool relay_has_options(const struct query *q)
{
	struct wire_reader options = {.data = q->edns.options, .len = q->edns.options_len};
	const uint8_t *data;
	uint16_t code, len;

	while (query_next_option(&options, &code, &data, &len))
		if (!is_of_one_hop(code))
			return true;
	return false;
}

static void put_options(const struct query *q, struct wire *out)
{
	struct wire_reader options = {.data = q->edns.options, .len = q->edns.options_len};
	const uint8_t *data;
	uint16_t code, len;

	while (query_next_option(&options, &code, &data, &len)) {
		if (is_of_one_hop(code))
			continue;
		wire_put16(out, code);
		wire_put16(out, len);
		wire_put(out, data, len);
	}
}

static void put_edns(const struct query *q, struct wire *out)
{
	uint16_t size = q->edns.size < RELAY_UDP_MAX ? q->edns.size : RELAY_UDP_MAX;

	wire_put(out, "", 1);
	wire_put16(out, TYPE_OPT);
	wire_put16(out, size);
	wire_put32(out, q->edns.dnssec_ok ? EDNS_DO : 0);
	size_t at = out->len;
	wire_put16(out, 0);
	put_options(q, out);
	wire_set16(out, at, (uint16_t)(out->len - at - 2));
}

void relay_query(const struct query *q, struct wire *out)
{
	wire_put16(out, 0);
	wire_put16(out, q->flags & (WIRE_RD | WIRE_AD | WIRE_CD));
	wire_put16(out, 1);
	wire_put32(out, 0);
	wire_put16(out, q->edns.present);
	wire_put(out, q->bytes + WIRE_HEADER_SIZE, q->question_len);
	if (q->edns.present)
		put_edns(q, out);
}

/* Reads a header and its question. Returns false if they are not whole, or not one question. */
static bool read_start(struct wire_reader *r, uint16_t *out_flags, uint8_t name[WIRE_NAME_MAX],
		       size_t *out_name_len, uint32_t *out_type_class)
{
	wire_get16(r);
	*out_flags = wire_get16(r);
	bool one = wire_get16(r) == 1;
	wire_get(r, 6);
	*out_name_len = wire_get_name(r, name);
	*out_type_class = wire_get32(r);
	return one && !r->bad;
}

bool relay_is_reply(const uint8_t *query, size_t query_len, const uint8_t *reply, size_t len)
{
	struct wire_reader a = {.data = query, .len = query_len}, b = {.data = reply, .len = len};
	uint8_t name_a[WIRE_NAME_MAX], name_b[WIRE_NAME_MAX];
	size_t len_a, len_b;
	uint16_t flags_a, flags_b;
	uint32_t question_a, question_b;

	if (!read_start(&a, &flags_a, name_a, &len_a, &question_a) ||
	    !read_start(&b, &flags_b, name_b, &len_b, &question_b))
		return false;
	return wire_load16(query) == wire_load16(reply) && (flags_b & WIRE_QR) &&
	       !((flags_a ^ flags_b) & WIRE_OPCODE) && len_a == len_b &&
	       memcmp(name_a, name_b, len_a) == 0 && question_a == question_b;
}

bool relay_resembles(const uint8_t *query, size_t query_len, const uint8_t *message, size_t len)
{
	struct wire_reader a = {.data = query, .len = query_len}, b = {.data = message, .len = len};
	uint8_t name_a[WIRE_NAME_MAX], name_b[WIRE_NAME_MAX];
	size_t len_a, len_b;
	uint16_t flags;
	uint32_t question_a, question_b;

	if (len >= 2 && wire_load16(query) == wire_load16(message))
		return true;
	return read_start(&a, &flags, name_a, &len_a, &question_a) &&
	       read_start(&b, &flags, name_b, &len_b, &question_b) && len_a == len_b &&
	       memcmp(name_a, name_b, len_a) == 0 && question_a == question_b;
}

struct relay_client relay_client_of(const struct query *q, size_t limit)
{
	return (struct relay_client){
		.id = q->id,
		.question = q->bytes + WIRE_HEADER_SIZE,
		.question_len = q->question_len,
		.edns = q->edns.present,
		.recurse = q->flags & WIRE_RD,
		.limit = limit,
	};
}

/* The rest of a reply after its question. */
struct tail {
	bool whole; /* every record is there */
	size_t end; /* of the last record */
	bool has_opt;
	struct wire_record opt;
	unsigned int before_opt; /* additional records that stand before it */
};

static struct tail read_tail(const uint8_t *reply, size_t len, size_t question_len)
{
	struct wire_reader r = {.data = reply, .len = len, .at = WIRE_HEADER_SIZE + question_len};
	struct tail t = {0};

	for (size_t at = WIRE_AT_ANSWERS; at <= WIRE_AT_ADDITIONAL; at += 2) {
		unsigned int n = wire_load16(reply + at);

		for (unsigned int i = 0; i < n && !r.bad; i++) {
			struct wire_record rec;

			wire_get_record(&r, &rec);
			if (r.bad || at != WIRE_AT_ADDITIONAL || t.has_opt || rec.type != TYPE_OPT)
				continue;
			t.has_opt = true;
			t.opt = rec;
			t.before_opt = i;
		}
	}
	t.whole = !r.bad;
	t.end = r.at;
	return t;
}

/* The client's ID and letters, RA for who asked for recursion; the rest is the server's. */
static void put_start(const struct relay_client *client, const uint8_t *reply, struct wire *out)
{
	uint16_t flags = wire_load16(reply + WIRE_AT_FLAGS);

	wire_put16(out, client->id);
	wire_put16(out, client->recurse ? flags | WIRE_RA : flags);
	wire_put(out, reply + WIRE_AT_QUESTIONS, WIRE_HEADER_SIZE - WIRE_AT_QUESTIONS);
	wire_put(out, client->question, client->question_len);
}

static void put_truncated(const struct relay_client *client, const uint8_t *reply,
			  const struct tail *t, struct wire *out)
{
	bool opt = client->edns && t->has_opt;

	put_start(client, reply, out);
	wire_set16(out, WIRE_AT_FLAGS, wire_load16(out->data + WIRE_AT_FLAGS) | WIRE_TC);
	wire_set16(out, WIRE_AT_ANSWERS, 0);
	wire_set16(out, WIRE_AT_AUTHORITY, 0);
	wire_set16(out, WIRE_AT_ADDITIONAL, opt);
	if (opt) {
		wire_put(out, "", 1);
		wire_put16(out, TYPE_OPT);
		wire_put16(out, t->opt.class);
		wire_put32(out, t->opt.ttl);
		wire_put16(out, 0);
	}
}

void relay_reply(const struct relay_client *client, const uint8_t *reply, size_t len,
		 struct wire *out)
{
	struct tail t = read_tail(reply, len, client->question_len);
	bool drop_opt = t.has_opt && !client->edns;
	/* What follows OPT goes with it: moving it would break compressed names. */
	size_t end = drop_opt ? t.opt.start : t.end, rest = WIRE_HEADER_SIZE + client->question_len;

	if (!t.whole || end > client->limit) {
		put_truncated(client, reply, &t, out);
		return;
	}
	put_start(client, reply, out);
	wire_put(out, reply + rest, end - rest);
	if (drop_opt)
		wire_set16(out, WIRE_AT_ADDITIONAL, (uint16_t)t.before_opt);
}
