/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message of a client: taken apart, answered, and written anew for a server.
 * Input: one byte that says who asks whom, and how; the message.
 */
#include "tests/fuzz/fuzz.h"

#include "aardvark-dns/answer.h"
#include "aardvark-dns/relay.h"

static const struct {
	const char *client, *listener;
} pairs[] = {
	{"10.89.0.2", "10.89.0.1"}, {"10.89.0.3", "10.89.1.1"}, {"10.89.2.2", "10.89.2.1"},
	{"192.0.2.1", "10.89.0.1"}, {"192.0.2.1", "10.89.2.1"}, {"fd00:89::2", "fd00:89::1"},
};

static struct addr address(const char *text)
{
	struct addr a;

	must(addr_parse(text, &a));
	return a;
}

/* A reply must be one that any client can read. */
static void check_reply(const uint8_t *query, const struct wire *reply, size_t room, bool whole)
{
	struct wire_reader r = {.data = reply->data, .len = reply->len, .at = WIRE_HEADER_SIZE};
	uint8_t name[WIRE_NAME_MAX];
	size_t n = 0;

	must(!reply->bad && reply->len >= WIRE_HEADER_SIZE && reply->len <= room);
	must(memcmp(reply->data, query, 2) == 0);
	must(reply->data[2] & 0x80);
	must(!(wire_load16(reply->data + WIRE_AT_FLAGS) & WIRE_AD));
	for (size_t at = WIRE_AT_ANSWERS; at <= WIRE_AT_ADDITIONAL; at += 2)
		n += wire_load16(reply->data + at);
	if (whole) {
		wire_get_name(&r, name);
		wire_get32(&r);
	}
	for (size_t i = 0; i < n; i++) {
		struct wire_record rec;

		wire_get_record(&r, &rec);
	}
	must(!r.bad && r.at == reply->len);
}

static void check_forward(const struct query *q)
{
	static uint8_t room[RELAY_QUERY_MAX];
	struct wire out = {.data = room, .room = sizeof(room)};
	enum rcode error;
	struct query again;

	relay_query(q, &out);
	must(!out.bad);
	must(query_parse(out.data, out.len, &again, &error) == QUERY_FINE);
	must(again.name_len == q->name_len && memcmp(again.name, q->name, q->name_len) == 0);
	must(again.type == q->type && again.edns.present == q->edns.present);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[WIRE_TCP_MAX];
	static struct answer_rules rules;
	static struct answer_context context;
	const struct zones *zones = fuzz_zones();

	if (size < 1)
		return 0;
	bool tcp = data[0] & 0x80;
	struct addr listener = address(pairs[data[0] % array_size(pairs)].listener);
	struct asked asked = {
		.zones = zones,
		.listener = zones_find_listener(zones, &listener),
		.client = address(pairs[data[0] % array_size(pairs)].client),
		.tcp = tcp,
	};
	struct wire reply = {.data = room, .room = tcp ? WIRE_TCP_MAX : ANSWER_UDP_MAX};
	must(answer_set_search(&rules, data[0] & 0x40 ? "" : "dns.podman"));
	enum answer verdict = answer(&rules, &asked, data + 1, size - 1, &context, &reply);
	if (verdict == ANSWER_REPLY)
		check_reply(data + 1, &reply, reply.room, context.whole);
	else if (verdict != ANSWER_DROP)
		check_forward(&context.query);
	return 0;
}
