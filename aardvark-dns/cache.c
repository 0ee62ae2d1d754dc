/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "aardvark-dns/relay.h"
#include "aardvark-dns/table.h"

#define BUCKETS	       1024
#define ENTRY_OVERHEAD 32 /* of malloc(3) and the lists, about */

struct entry {
	LIST_ENTRY(entry) by_key;
	TAILQ_ENTRY(entry) by_use;
	uint64_t stored, expires; /* seconds */
	size_t reply_len;
	const uint8_t *reply; /* behind the key */
	size_t key_len;
	uint8_t key[];
};

struct cache {
	struct hash_key hash_key;
	LIST_HEAD(bucket, entry) buckets[BUCKETS];
	TAILQ_HEAD(entries, entry) by_use; /* the one not used for longest first */
	struct cache_stats stats;
	uint8_t reply[WIRE_TCP_MAX];
};

uint64_t cache_servers_add(const struct cache *c, uint64_t set, const struct resolver *server)
{
	uint64_t address = hash_bytes(&c->hash_key, server->addr.bytes, addr_size(&server->addr));
	uint64_t zone = hash_bytes(&c->hash_key, server->zone, strlen(server->zone));

	return set + (address << 32 | zone);
}

bool cache_key_make(const struct query *q, uint64_t servers, struct cache_key *out)
{
	struct wire w = {.data = out->bytes, .room = sizeof(out->bytes)};
	uint8_t edns = (uint8_t)(q->edns.present | q->edns.dnssec_ok << 1);

	if (relay_has_options(q))
		return false;
	wire_put(&w, q->name, q->name_len);
	wire_put16(&w, q->type);
	wire_put16(&w, q->class);
	wire_put16(&w, q->flags & (WIRE_RD | WIRE_AD | WIRE_CD));
	wire_put(&w, &edns, 1);
	wire_put(&w, &servers, sizeof(servers));
	out->len = w.len;
	return !w.bad;
}

/* --- Lifetimes --- */

/* A walk over the records of an answer. */
struct walk {
	struct wire_reader reader;
	size_t section;	   /* offset of its counter in the header */
	unsigned int left; /* records of it */
};

static struct walk walk_start(const uint8_t *reply, size_t len)
{
	struct walk w = {.reader = {.data = reply, .len = len, .at = WIRE_HEADER_SIZE},
			 .section = WIRE_AT_ANSWERS,
			 .left = wire_load16(reply + WIRE_AT_ANSWERS)};
	uint8_t name[WIRE_NAME_MAX];

	wire_get_name(&w.reader, name);
	wire_get32(&w.reader);
	return w;
}

/* The next record with a lifetime; false at the end, or where it is cut off. */
static bool walk_next(struct walk *w, struct wire_record *out)
{
	for (;;) {
		while (!w->left && w->section < WIRE_AT_ADDITIONAL) {
			w->section += 2;
			w->left = wire_load16(w->reader.data + w->section);
		}
		if (!w->left || w->reader.bad)
			return false;
		w->left--;
		wire_get_record(&w->reader, out);
		/* What stands at the place of OPT's lifetime are flags. */
		if (!w->reader.bad && out->type != TYPE_OPT)
			return true;
	}
}

/* How long it is said that there is nothing (RFC 2308 section 5); 0 if it is not said. */
static uint32_t negative_seconds(const struct wire_record *soa)
{
	struct wire_reader r = {.data = soa->data, .len = soa->data_len};

	if (soa->data_len < 22)
		return 0;
	r.at = r.len - 4u;
	uint32_t minimum = wire_get32(&r);
	return minimum < soa->ttl ? minimum : soa->ttl;
}

/* For how many seconds an answer may be kept. */
static uint32_t lifetime(const uint8_t *reply, size_t len)
{
	uint32_t seconds = CACHE_SECONDS_MAX, negative = 0;
	bool positive = wire_load16(reply + WIRE_AT_ANSWERS) > 0;
	uint16_t flags = wire_load16(reply + WIRE_AT_FLAGS);
	unsigned int rcode = flags & WIRE_RCODE;
	struct walk w = walk_start(reply, len);
	struct wire_record rec;

	if ((flags & WIRE_TC) || (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN))
		return 0;
	while (walk_next(&w, &rec)) {
		/* More than that is none (RFC 2181 section 8). */
		uint32_t ttl = rec.ttl > INT32_MAX ? 0 : rec.ttl;

		if (ttl < seconds)
			seconds = ttl;
		if (w.section != WIRE_AT_AUTHORITY || rec.type != TYPE_SOA)
			continue;
		/* Also behind the aliases of an answer: they lead to nothing. */
		positive = false;
		negative = negative_seconds(&rec);
	}
	if (w.reader.bad || w.left)
		return 0;
	if (rcode == RCODE_NOERROR && positive)
		return seconds;
	if (negative < seconds)
		seconds = negative;
	return seconds < CACHE_NEGATIVE_SECONDS ? seconds : CACHE_NEGATIVE_SECONDS;
}

static void store32(uint8_t *p, uint32_t value)
{
	wire_store16(p, (uint16_t)(value >> 16));
	wire_store16(p + 2, (uint16_t)value);
}

/* Takes the age of an answer off the lifetimes of its records. */
static void age(uint8_t *reply, size_t len, uint32_t seconds)
{
	struct walk w = walk_start(reply, len);
	struct wire_record rec;

	wire_store16(reply + WIRE_AT_FLAGS,
		     (uint16_t)(wire_load16(reply + WIRE_AT_FLAGS) & ~WIRE_AA));
	while (seconds && walk_next(&w, &rec))
		store32(reply + (rec.data - reply) - 6, rec.ttl > seconds ? rec.ttl - seconds : 0);
}

/* --- Entries --- */

static size_t entry_size(const struct entry *e)
{
	return sizeof(*e) + e->key_len + e->reply_len + ENTRY_OVERHEAD;
}

static struct bucket *bucket_of(struct cache *c, const struct cache_key *key)
{
	return &c->buckets[hash_bytes(&c->hash_key, key->bytes, key->len) % BUCKETS];
}

static void entry_free(struct cache *c, struct entry *e)
{
	LIST_REMOVE(e, by_key);
	TAILQ_REMOVE(&c->by_use, e, by_use);
	c->stats.entries--;
	c->stats.bytes -= entry_size(e);
	free(e);
}

static struct entry *entry_find(struct cache *c, const struct cache_key *key)
{
	struct entry *e;

	LIST_FOREACH(e, bucket_of(c, key), by_key)
	if (e->key_len == key->len && memcmp(e->key, key->bytes, key->len) == 0)
		return e;
	return NULL;
}

static struct entry *entry_new(const struct cache_key *key, const uint8_t *reply, size_t len)
{
	struct entry *e = calloc(1, sizeof(*e) + key->len + len);

	if (!e)
		return NULL;
	e->key_len = key->len;
	memcpy(e->key, key->bytes, key->len);
	e->reply = memcpy(e->key + key->len, reply, len);
	e->reply_len = len;
	return e;
}

void cache_add(struct cache *c, const struct cache_key *key, uint64_t now, const uint8_t *reply,
	       size_t len)
{
	uint32_t seconds = lifetime(reply, len);
	struct entry *e = entry_find(c, key);

	if (e)
		entry_free(c, e);
	/* One answer shall not drive out all others. */
	if (!seconds || len > c->stats.bytes_max / 8)
		return;
	e = entry_new(key, reply, len);
	if (!e)
		return;
	e->stored = now;
	e->expires = now + seconds;
	LIST_INSERT_HEAD(bucket_of(c, key), e, by_key);
	TAILQ_INSERT_TAIL(&c->by_use, e, by_use);
	c->stats.entries++;
	c->stats.stored++;
	c->stats.bytes += entry_size(e);
	while (c->stats.bytes > c->stats.bytes_max) {
		entry_free(c, TAILQ_FIRST(&c->by_use));
		c->stats.evicted++;
	}
}

const uint8_t *cache_find(struct cache *c, const struct cache_key *key, uint64_t now,
			  size_t *out_len)
{
	struct entry *e = entry_find(c, key);

	if (e && now >= e->expires) {
		entry_free(c, e);
		e = NULL;
	}
	if (!e) {
		c->stats.misses++;
		return NULL;
	}
	c->stats.hits++;
	TAILQ_REMOVE(&c->by_use, e, by_use);
	TAILQ_INSERT_TAIL(&c->by_use, e, by_use);
	memcpy(c->reply, e->reply, e->reply_len);
	age(c->reply, e->reply_len, (uint32_t)(now - e->stored));
	*out_len = e->reply_len;
	return c->reply;
}

size_t cache_flush(struct cache *c)
{
	size_t n = c->stats.entries;

	while (!TAILQ_EMPTY(&c->by_use))
		entry_free(c, TAILQ_FIRST(&c->by_use));
	return n;
}

struct cache_stats cache_stats(const struct cache *c)
{
	return c->stats;
}

struct cache *cache_new(size_t max_bytes)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->hash_key = hash_key_random();
	c->stats.bytes_max = max_bytes;
	TAILQ_INIT(&c->by_use);
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	cache_flush(c);
	free(c);
}
