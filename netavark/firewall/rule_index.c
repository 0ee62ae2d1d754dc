/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/firewall/rule_index.h"

#include <string.h>

#define FIRST_BUCKETS 64u

/* ---- a hash of what most differs between rules; equal rules have equal ones ---- */

static uint32_t mix(uint32_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

static uint32_t mix_text(uint32_t h, const char *s)
{
	return s ? mix(h, s, strlen(s) + 1) : mix(h, "", 1);
}

static uint32_t mix_addr(uint32_t h, const struct addr *a)
{
	return mix(h, a->bytes, addr_size(a));
}

static uint32_t hash_of(const struct rule *r)
{
	const uint16_t numbers[] = {r->proto, r->dport, r->dport_last, r->to_port,
				    (uint16_t)r->verdict};
	uint32_t h = mix(2166136261u, numbers, sizeof(numbers));

	h = mix_text(h, r->chain);
	h = mix_text(h, r->target);
	h = mix_text(h, r->iif);
	h = mix_text(h, r->oif);
	h = mix_addr(h, &r->saddr.addr);
	h = mix_addr(h, &r->daddr.addr);
	return mix_addr(h, &r->to_addr);
}

/* ---- the index ---- */

static void link_in(struct rule_index *ix, uint32_t position)
{
	uint32_t b = ix->hashes[position] % ix->n_buckets;

	ix->before[position] = ix->last[b];
	ix->last[b] = position;
}

static void make_buckets(struct rule_index *ix, uint32_t n, struct arena *a)
{
	ix->n_buckets = n;
	ix->last = arena_alloc(a, n * sizeof(*ix->last));
	memset(ix->last, 0xff, n * sizeof(*ix->last));
	for (uint32_t i = 0; i < ix->n; i++)
		link_in(ix, i);
}

void rule_index_add(struct rule_index *ix, const struct rule *r, struct arena *a)
{
	ix->hashes = arena_grow(a, ix->hashes, ix->n, sizeof(*ix->hashes));
	ix->before = arena_grow(a, ix->before, ix->n, sizeof(*ix->before));
	ix->hashes[ix->n] = hash_of(r);
	if (ix->n >= ix->n_buckets)
		make_buckets(ix, ix->n_buckets ? ix->n_buckets * 4 : FIRST_BUCKETS, a);
	link_in(ix, ix->n++);
}

static uint32_t skip_others(const struct rule_index *ix, uint32_t position, uint32_t hash)
{
	while (position != RULE_INDEX_NONE && ix->hashes[position] != hash)
		position = ix->before[position];
	return position;
}

uint32_t rule_index_last(const struct rule_index *ix, const struct rule *r)
{
	uint32_t hash = hash_of(r);

	return ix->n_buckets ? skip_others(ix, ix->last[hash % ix->n_buckets], hash)
			     : RULE_INDEX_NONE;
}

uint32_t rule_index_before(const struct rule_index *ix, uint32_t position)
{
	return skip_others(ix, ix->before[position], ix->hashes[position]);
}
