/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A hash table from keys to small numbers, which the caller uses as index into an array of its
 * own. It holds no keys: the caller compares the candidates. Built once, never shrunk.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

/* Names and addresses come from outside, so hashes are keyed: nobody can aim at one slot. */
struct hash_key {
	uint64_t k0, k1;
};

/* A key from the kernel's random numbers. */
struct hash_key hash_key_random(void);

/* SipHash-1-3 (Aumasson, Bernstein 2012), folded to 32 bits. */
uint32_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

struct table {
	struct table_slot *slots;
	uint32_t mask; /* number of slots - 1, the number a power of two */
};

#define TABLE_END UINT32_MAX

/* Makes room for n entries; the table is never more than three quarters full. */
void table_init(struct table *t, struct arena *a, size_t n);
void table_add(struct table *t, uint32_t hash, uint32_t index);

/*
 * Walks the entries with this hash: start with *cursor = hash, call until TABLE_END.
 * Entries come in the order in which they were added.
 */
uint32_t table_next(const struct table *t, uint32_t hash, uint32_t *cursor);
