/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Answers of the host's DNS servers, kept for as long as their records live. Bounded in bytes: what
 * was not used for longest goes first. Names of containers are never in here, nor are failures.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/query.h"
#include "aardvark-dns/resolvconf.h"

#define CACHE_BYTES_DEFAULT    (1u << 20)
#define CACHE_SECONDS_MAX      300
#define CACHE_NEGATIVE_SECONDS 30

struct cache;

/* What makes two questions the same: all of a query that servers may heed, and who is asked. */
struct cache_key {
	size_t len;
	uint8_t bytes[WIRE_NAME_MAX + 18];
};

struct cache_stats {
	size_t entries, bytes, bytes_max;
	uint64_t hits, misses, stored, evicted;
};

/* max_bytes 0: a cache that keeps nothing. NULL if there is no memory. */
struct cache *cache_new(size_t max_bytes);
void cache_free(struct cache *c); /* NULL is fine */

/* A set of servers as a number; start with 0 and add each. The order does not matter. */
uint64_t cache_servers_add(const struct cache *c, uint64_t set, const struct resolver *server);

/* False if answers to this query must not be kept: it has options that only its server knows. */
bool cache_key_make(const struct query *q, uint64_t servers, struct cache_key *out);

/*
 * Keeps an answer if it may be kept: it is whole, says NOERROR or NXDOMAIN, and all its records
 * live for at least a second. One that says that there is nothing must tell how long that holds.
 * Units:   now in seconds of any clock that never goes back.
 */
void cache_add(struct cache *c, const struct cache_key *key, uint64_t now, const uint8_t *reply,
	       size_t len);

/*
 * The answer to a question, with what is left of its TTLs and without AA, or NULL. It is valid
 * until the next call.
 */
const uint8_t *cache_find(struct cache *c, const struct cache_key *key, uint64_t now,
			  size_t *out_len);

/* Returns how many answers there were. */
size_t cache_flush(struct cache *c);
struct cache_stats cache_stats(const struct cache *c);
