/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "aardvark-dns/relay.h"
#include "common/cleanup.h"
#include "tests/unit/dns.h"

/* What a server gets for the query in m. */
static struct wire asked(const struct message *m, uint8_t *room, size_t size)
{
	struct wire out = {.data = room, .room = size};
	struct query q;
	enum rcode error;

	assert_int_equal(query_parse(m->bytes, m->w.len, &q, &error), QUERY_FINE);
	relay_query(&q, &out);
	assert_false(out.bad);
	return out;
}

static void relay_query_is_built_anew(void **state)
{
	struct message in;
	uint8_t room[1024];

	(void)state;
	message_start(&in, WIRE_AA | WIRE_RD | WIRE_RA | WIRE_AD | WIRE_CD | 0x40 | 3, "a.B", 15,
		      1);
	size_t question_end = in.w.len;
	message_add_record(&in, WIRE_AT_ADDITIONAL, 250, 0, "key", 3);
	struct wire out = asked(&in, room, sizeof(room));
	assert_int_equal(out.len, question_end);
	assert_int_equal(header(&out, 0), 0);
	assert_int_equal(header(&out, WIRE_AT_FLAGS), WIRE_RD | WIRE_AD | WIRE_CD);
	assert_int_equal(header(&out, WIRE_AT_ADDITIONAL), 0);
	assert_memory_equal(out.data + 12, in.bytes + 12, question_end - 12);
}

static void relay_query_passes_edns_without_options_of_one_hop(void **state)
{
	static const uint8_t options[] = "\0\12\0\2ab\xfd\xe9\0\1x\0\13\0\0\0\14\0\1p\0\10\0\0";
	struct message in;
	uint8_t room[1024];
	struct query q;
	enum rcode error;

	(void)state;
	message_start(&in, WIRE_RD, "a", 1, 1);
	message_add_opt(&in, 9000, 0x8000, options, sizeof(options) - 1);
	struct wire out = asked(&in, room, sizeof(room));
	assert_int_equal(query_parse(out.data, out.len, &q, &error), QUERY_FINE);
	assert_true(q.edns.present);
	assert_true(q.edns.dnssec_ok);
	assert_int_equal(q.edns.size, 4096);
	assert_int_equal(q.edns.options_len, 9);
	assert_memory_equal(q.edns.options, "\xfd\xe9\0\1x\0\10\0\0", 9);
}

static void relay_is_reply_table(void **state)
{
	struct message query, reply;
	const struct {
		const char *name;
		uint16_t flags, type, class;
		bool expected;
	} rows[] = {
		{"www.Test", WIRE_QR | WIRE_RA, 1, 1, true},
		{"WWW.tEST", WIRE_QR, 1, 1, true},
		{"www.test", 0, 1, 1, false},
		{"www.test", WIRE_QR | 0x2800, 1, 1, false},
		{"www.tesu", WIRE_QR, 1, 1, false},
		{"www.test.x", WIRE_QR, 1, 1, false},
		{"www.test", WIRE_QR, 28, 1, false},
		{"www.test", WIRE_QR, 1, 3, false},
	};

	(void)state;
	message_start(&query, WIRE_RD, "www.Test", 1, 1);
	for (size_t i = 0; i < array_size(rows); i++) {
		message_start(&reply, rows[i].flags, rows[i].name, rows[i].type, rows[i].class);
		assert_int_equal(relay_is_reply(query.bytes, query.w.len, reply.bytes, reply.w.len),
				 rows[i].expected);
	}
	message_start(&reply, WIRE_QR, "www.test", 1, 1);
	for (size_t len = 0; len < reply.w.len; len++)
		assert_false(relay_is_reply(query.bytes, query.w.len, reply.bytes, len));
	wire_set16(&reply.w, 0, 0x1235);
	assert_false(relay_is_reply(query.bytes, query.w.len, reply.bytes, reply.w.len));
	wire_set16(&reply.w, 0, 0x1234);
	wire_set16(&reply.w, WIRE_AT_QUESTIONS, 2);
	assert_false(relay_is_reply(query.bytes, query.w.len, reply.bytes, reply.w.len));
}

static void relay_resembles_by_id_or_question(void **state)
{
	struct message query, other;

	(void)state;
	message_start(&query, WIRE_RD, "a.b", TYPE_A, CLASS_IN);
	wire_store16(query.bytes, 7);
	message_start(&other, WIRE_QR, "A.b", TYPE_A, CLASS_IN);
	wire_store16(other.bytes, 8);
	assert_true(relay_resembles(query.bytes, query.w.len, other.bytes, other.w.len));
	message_start(&other, WIRE_QR, "a.c", TYPE_A, CLASS_IN);
	wire_store16(other.bytes, 8);
	assert_false(relay_resembles(query.bytes, query.w.len, other.bytes, other.w.len));
	wire_store16(other.bytes, 7);
	assert_true(relay_resembles(query.bytes, query.w.len, other.bytes, 2));
	assert_false(relay_resembles(query.bytes, query.w.len, other.bytes, 1));
	assert_false(relay_resembles(query.bytes, query.w.len, other.bytes, 0));
}

/* A reply of a server to "www.test", with n records of four bytes. */
static void server_reply(struct message *m, size_t n)
{
	message_start(m, WIRE_QR | WIRE_AA, "www.test", TYPE_A, CLASS_IN);
	for (size_t i = 0; i < n; i++)
		message_add_record(m, WIRE_AT_ANSWERS, TYPE_A, 300, "\1\2\3\4", 4);
}

static struct wire relayed(const struct message *m, size_t len, bool edns, size_t limit)
{
	static uint8_t room[WIRE_TCP_MAX + 300];
	struct wire out = {.data = room, .room = sizeof(room)};
	struct relay_client client = {
		.id = 0x4711,
		.question = (const uint8_t *)"\3WWW\4TEST\0\0\1\0\1",
		.question_len = 14,
		.edns = edns,
		.recurse = true,
		.limit = limit,
	};

	relay_reply(&client, m->bytes, len, &out);
	assert_false(out.bad);
	assert_int_equal(header(&out, 0), 0x4711);
	assert_memory_equal(out.data + 12, client.question, client.question_len);
	return out;
}

static void relay_reply_passes_the_rest_unchanged(void **state)
{
	struct message m;

	(void)state;
	server_reply(&m, 3);
	message_add_record(&m, WIRE_AT_AUTHORITY, 65280, 7, "\xff\0x", 3);
	struct wire out = relayed(&m, m.w.len, false, 512);
	assert_int_equal(out.len, m.w.len);
	assert_int_equal(header(&out, WIRE_AT_FLAGS), WIRE_QR | WIRE_AA | WIRE_RA);
	assert_memory_equal(out.data + 26, m.bytes + 26, m.w.len - 26);
}

static void relay_reply_removes_opt_that_nobody_asked_for(void **state)
{
	struct message m;

	(void)state;
	server_reply(&m, 1);
	size_t before_opt = m.w.len;
	message_add_opt(&m, 4096, 0, NULL, 0);
	struct wire out = relayed(&m, m.w.len, false, 512);
	assert_int_equal(out.len, before_opt);
	assert_int_equal(header(&out, WIRE_AT_ADDITIONAL), 0);
	out = relayed(&m, m.w.len, true, 512);
	assert_int_equal(out.len, m.w.len);
	assert_int_equal(header(&out, WIRE_AT_ADDITIONAL), 1);
}

static void expect_truncated(const struct wire *out, size_t additional)
{
	assert_true(header(out, WIRE_AT_FLAGS) & WIRE_TC);
	assert_int_equal(header(out, WIRE_AT_ANSWERS), 0);
	assert_int_equal(header(out, WIRE_AT_ADDITIONAL), additional);
	assert_int_equal(out->len, 26 + 11 * additional);
}

static void relay_reply_truncates_what_is_too_large(void **state)
{
	struct message m;

	(void)state;
	server_reply(&m, 40);
	struct wire out = relayed(&m, m.w.len, false, 512);
	expect_truncated(&out, 0);
	message_add_opt(&m, 4096, 0, NULL, 0);
	out = relayed(&m, m.w.len, true, 512);
	expect_truncated(&out, 1);
	out = relayed(&m, m.w.len, true, m.w.len);
	assert_int_equal(out.len, m.w.len);
	out = relayed(&m, m.w.len, true, m.w.len - 1);
	expect_truncated(&out, 1);
}

/* Cut anywhere, or with counts that promise more: never more than header and question. */
static void relay_reply_truncates_what_is_cut(void **state)
{
	struct message m;

	(void)state;
	server_reply(&m, 2);
	for (size_t len = 26; len < m.w.len; len++) {
		struct wire out = relayed(&m, len, false, 512);
		expect_truncated(&out, 0);
	}
	wire_set16(&m.w, WIRE_AT_ANSWERS, 60000);
	struct wire out = relayed(&m, m.w.len, false, 512);
	expect_truncated(&out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("AV-124 queries for servers", relay_query_is_built_anew),
		TEST("AV-124 EDNS for servers", relay_query_passes_edns_without_options_of_one_hop),
		TEST("AV-122 which replies are accepted", relay_is_reply_table),
		TEST("AV-172 what may be meant as a reply", relay_resembles_by_id_or_question),
		TEST("AV-115 replies pass unchanged", relay_reply_passes_the_rest_unchanged),
		TEST("AV-124 unasked OPT", relay_reply_removes_opt_that_nobody_asked_for),
		TEST("AV-123 replies above the limit", relay_reply_truncates_what_is_too_large),
		TEST("AV-123 cut replies", relay_reply_truncates_what_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
