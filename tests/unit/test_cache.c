/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "aardvark-dns/cache.h"
#include "common/cleanup.h"
#include "tests/unit/dns.h"

/* mname and rname are the root; refresh and the others do not matter; the minimum is 9. */
static const uint8_t soa[22] = {[21] = 9};

static struct query query_of(const struct message *m)
{
	struct query q;
	enum rcode error;

	assert_int_equal(query_parse(m->bytes, m->w.len, &q, &error), QUERY_FINE);
	return q;
}

static struct cache_key key_of(const char *name, uint16_t flags, uint64_t servers)
{
	struct message m;
	struct cache_key key;

	message_start(&m, flags, name, TYPE_A, CLASS_IN);
	struct query q = query_of(&m);
	assert_true(cache_key_make(&q, servers, &key));
	return key;
}

/* A reply with an address that lives for so long. */
static void reply_start(struct message *m, const char *name, unsigned int rcode)
{
	message_start(m, (uint16_t)(WIRE_QR | WIRE_AA | rcode), name, TYPE_A, CLASS_IN);
}

static void add_address(struct message *m, uint32_t ttl)
{
	message_add_record(m, WIRE_AT_ANSWERS, TYPE_A, ttl, "\1\2\3\4", 4);
}

static uint32_t ttl_at(const uint8_t *reply, const struct message *m)
{
	struct wire_reader r = {.data = reply, .len = m->w.len, .at = m->w.len - 10};

	return wire_get32(&r);
}

static void cache_counts_lifetimes_down(void **state)
{
	struct cache *c = cache_new(100000);
	struct cache_key key = key_of("a.b", WIRE_RD, 0);
	struct message m;
	const uint8_t *found;
	size_t len;

	(void)state;
	reply_start(&m, "a.b", RCODE_NOERROR);
	add_address(&m, 20);
	cache_add(c, &key, 1000, m.bytes, m.w.len);
	found = cache_find(c, &key, 1000, &len);
	assert_non_null(found);
	assert_int_equal(len, m.w.len);
	assert_int_equal(ttl_at(found, &m), 20);
	assert_int_equal(wire_load16(found + WIRE_AT_FLAGS), WIRE_QR);
	found = cache_find(c, &key, 1019, &len);
	assert_non_null(found);
	assert_int_equal(ttl_at(found, &m), 1);
	assert_null(cache_find(c, &key, 1020, &len));
	assert_int_equal(cache_stats(c).entries, 0);
	cache_free(c);
}

static void cache_keeps_flags_of_opt(void **state)
{
	struct cache *c = cache_new(100000);
	struct cache_key key = key_of("a", WIRE_RD, 0);
	struct message m;
	size_t len;

	(void)state;
	reply_start(&m, "a", RCODE_NOERROR);
	add_address(&m, 20);
	message_add_opt(&m, 1232, 0x8000, NULL, 0);
	cache_add(c, &key, 0, m.bytes, m.w.len);
	const uint8_t *found = cache_find(c, &key, 5, &len);
	assert_non_null(found);
	assert_memory_equal(found + len - 11, m.bytes + len - 11, 11);
	cache_free(c);
}

/* Which answers are kept, and for how long. */
static void cache_lifetime_table(void **state)
{
	static const struct {
		const char *what;
		unsigned int flags;
		uint32_t answer, authority; /* lifetimes of a record; 0 there: none */
		bool soa;
		uint64_t until; /* still there a second before; 0: never */
	} table[] = {
		{"a record", 0, 60, 0, false, 60},
		{"the shortest of all", 0, 60, 30, false, 30},
		{"not for ever", 0, INT32_MAX, 0, false, CACHE_SECONDS_MAX},
		{"a lifetime that is none", 0, (uint32_t)INT32_MAX + 1, 0, false, 0},
		{"an alias for nothing", 0, 60, 100, true, 9},
		{"nothing, and no word for how long", 0, 0, 0, false, 0},
		{"nothing, for as long as the SOA says", 0, 0, 100, true, 9},
		{"nothing, for as long as the SOA lives", 0, 0, 5, true, 5},
		{"no such name", RCODE_NXDOMAIN, 0, 100, true, 9},
		{"no such name, and no SOA", RCODE_NXDOMAIN, 0, 0, false, 0},
		{"an error", RCODE_SERVFAIL, 60, 0, false, 0},
		{"a refusal", RCODE_REFUSED, 60, 0, false, 0},
		{"cut off", WIRE_TC, 60, 0, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < array_size(table); i++) {
		struct cache *c = cache_new(100000);
		struct cache_key key = key_of("a", 0, 0);
		struct message m;
		size_t len;

		reply_start(&m, "a", table[i].flags);
		if (table[i].answer)
			add_address(&m, table[i].answer);
		if (table[i].authority)
			message_add_record(&m, WIRE_AT_AUTHORITY, table[i].soa ? TYPE_SOA : 2,
					   table[i].authority, soa, sizeof(soa));
		cache_add(c, &key, 7, m.bytes, m.w.len);
		uint64_t until = table[i].until;
		if ((until && !cache_find(c, &key, 7 + until - 1, &len)) ||
		    cache_find(c, &key, 7 + until, &len))
			fail_msg("%s", table[i].what);
		cache_free(c);
	}
}

static void cache_tells_questions_apart(void **state)
{
	struct cache *c = cache_new(100000);
	struct cache_key key = key_of("a.b", WIRE_RD, 1), other;
	struct message m;
	size_t len;

	(void)state;
	reply_start(&m, "a.b", RCODE_NOERROR);
	add_address(&m, 60);
	cache_add(c, &key, 0, m.bytes, m.w.len);
	other = key_of("A.B", WIRE_RD, 1);
	assert_non_null(cache_find(c, &other, 0, &len));
	other = key_of("a.b", WIRE_RD | WIRE_CD, 1);
	assert_null(cache_find(c, &other, 0, &len));
	other = key_of("a.b", WIRE_RD, 2);
	assert_null(cache_find(c, &other, 0, &len));
	other = key_of("a.c", WIRE_RD, 1);
	assert_null(cache_find(c, &other, 0, &len));
	message_start(&m, WIRE_RD, "a.b", TYPE_A, CLASS_IN);
	message_add_opt(&m, 1232, 0x8000, NULL, 0);
	struct query q = query_of(&m);
	assert_true(cache_key_make(&q, 1, &other));
	assert_null(cache_find(c, &other, 0, &len));
	cache_free(c);
}

static void cache_leaves_unknown_options_alone(void **state)
{
	struct message m;
	struct cache_key key;
	struct query q;

	(void)state;
	message_start(&m, WIRE_RD, "a", TYPE_A, CLASS_IN);
	message_add_opt(&m, 1232, 0, "\0\12\0\2ab", 6); /* a cookie is between neighbours */
	q = query_of(&m);
	assert_true(cache_key_make(&q, 0, &key));
	message_start(&m, WIRE_RD, "a", TYPE_A, CLASS_IN);
	message_add_opt(&m, 1232, 0, "\0\10\0\2ab", 6); /* a client's subnet */
	q = query_of(&m);
	assert_false(cache_key_make(&q, 0, &key));
}

static void cache_is_bounded(void **state)
{
	struct cache *c = cache_new(4000);
	struct message m;
	size_t len;
	char name[8];

	(void)state;
	reply_start(&m, "a", RCODE_NOERROR);
	add_address(&m, 60);
	struct cache_key first = key_of("n0", 0, 0), second = key_of("n1", 0, 0);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		struct cache_key key = key_of(name, 0, 0);
		cache_add(c, &key, 0, m.bytes, m.w.len);
		/* The first one is used all the time. */
		assert_non_null(cache_find(c, &first, 0, &len));
		assert_true(cache_stats(c).bytes <= 4000);
	}
	assert_null(cache_find(c, &second, 0, &len));
	assert_true(cache_stats(c).evicted > 50);
	assert_true(cache_stats(c).entries > 10);
	/* One that would take all the room is not kept. */
	for (int i = 0; i < 40; i++)
		add_address(&m, 60);
	cache_add(c, &second, 0, m.bytes, m.w.len);
	assert_null(cache_find(c, &second, 0, &len));
	assert_true(cache_flush(c) > 10);
	assert_int_equal(cache_stats(c).bytes, 0);
	cache_free(c);
}

static void cache_of_nothing_keeps_nothing(void **state)
{
	struct cache *c = cache_new(0);
	struct cache_key key = key_of("a", 0, 0);
	struct message m;
	size_t len;

	(void)state;
	reply_start(&m, "a", RCODE_NOERROR);
	add_address(&m, 60);
	cache_add(c, &key, 0, m.bytes, m.w.len);
	assert_null(cache_find(c, &key, 0, &len));
	cache_free(c);
}

static void cache_servers_add_minds_members_not_order(void **state)
{
	struct cache *c = cache_new(0);
	struct resolver a = {.addr = {.family = AF_INET, .bytes = {1}}},
			b = {.addr = {.family = AF_INET, .bytes = {2}}}, zoned = a;

	(void)state;
	strcpy(zoned.zone, "eth0");
	uint64_t ab = cache_servers_add(c, cache_servers_add(c, 0, &a), &b);
	assert_true(ab == cache_servers_add(c, cache_servers_add(c, 0, &b), &a));
	assert_true(ab != cache_servers_add(c, 0, &a));
	assert_true(cache_servers_add(c, 0, &zoned) != cache_servers_add(c, 0, &a));
	cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("BU-058 lifetimes run down, and AA goes", cache_counts_lifetimes_down),
		TEST("the flags of OPT are no lifetime", cache_keeps_flags_of_opt),
		TEST("BU-058 what is kept, and for how long", cache_lifetime_table),
		TEST("BU-059 different questions have different answers",
		     cache_tells_questions_apart),
		TEST("queries with unknown options are not kept",
		     cache_leaves_unknown_options_alone),
		TEST("the cache is bounded, the least used answer goes first", cache_is_bounded),
		TEST("a cache of no size keeps nothing", cache_of_nothing_keeps_nothing),
		TEST("a set of servers has no order", cache_servers_add_minds_members_not_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
