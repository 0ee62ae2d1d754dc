/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/table.h"

#include <string.h>
#include <sys/random.h>

struct table_slot {
	uint32_t hash;
	uint32_t index_plus_1; /* 0: free */
};

struct hash_key hash_key_random(void)
{
	struct hash_key key = {0};

	/* Up to 256 bytes come whole or not at all, and the kernel's pool is ready long before us. */
	while (getrandom(&key, sizeof(key), 0) < 0)
		;
	return key;
}

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

uint32_t hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
	uint64_t v[4] = {key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
			 key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u};
	const uint8_t *p = data;
	uint64_t word, last = (uint64_t)len << 56;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&word, p, 8);
		sip_word(v, word);
	}
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	word = v[0] ^ v[1] ^ v[2] ^ v[3];
	return (uint32_t)(word ^ word >> 32);
}

void table_init(struct table *t, struct arena *a, size_t n)
{
	size_t slots = 2;

	while (3 * slots < 4 * n)
		slots *= 2;
	t->slots = arena_alloc(a, slots * sizeof(*t->slots));
	t->mask = (uint32_t)(slots - 1);
}

void table_add(struct table *t, uint32_t hash, uint32_t index)
{
	uint32_t at = hash & t->mask;

	while (t->slots[at].index_plus_1)
		at = (at + 1) & t->mask;
	t->slots[at] = (struct table_slot){hash, index + 1};
}

uint32_t table_next(const struct table *t, uint32_t hash, uint32_t *cursor)
{
	for (;;) {
		const struct table_slot *slot = &t->slots[(*cursor)++ & t->mask];

		if (!slot->index_plus_1)
			return TABLE_END;
		if (slot->hash == hash)
			return slot->index_plus_1 - 1;
	}
}
