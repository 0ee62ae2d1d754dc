/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * JSON documents of our own: what a container was made with, what it is doing. They are kept as JSON
 * in memory, too, so that keys which a newer version has written survive. Readers forgive: what is
 * absent or of another type counts as "", 0, false.
 */

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

#define RECORD_VERSION 1

/* Documents that live as long as the run. */
struct record_pool {
	struct arena *arena;
	json_t **list;
	size_t n;
};

/* Hands a document over to the pool and returns it. */
json_t *record_own(struct record_pool *pool, json_t *value);
void record_release(struct record_pool *pool);

/*
 * Reads a document; *out belongs to the pool.
 * Errors:  -ENOENT; -EINVAL "PATH: …" if it is no JSON object; -ENOTSUP if a newer version wrote it.
 */
int record_read(struct record_pool *pool, const char *path, json_t **out,
		struct error *err) must_check;

/* Puts it in place of the old one by renaming, with a new line for each member. */
int record_write(struct record_pool *pool, const char *path, const json_t *value,
		 struct error *err) must_check;

const char *record_str(const json_t *object, const char *key); /* never NULL */
json_int_t record_int(const json_t *object, const char *key);
bool record_is(const json_t *object, const char *key);

/* A member that is an array or object; the given kind is made if it is absent. */
json_t *record_array(json_t *object, const char *key);
json_t *record_object(json_t *object, const char *key);

/* The strings of an array member; ends with NULL. */
const char **record_strings(const json_t *object, const char *key, struct arena *a);

/* Appends or sets a string; what is not UTF-8 is made so. */
void record_push(json_t *array, const char *s);
void record_set(json_t *object, const char *key, const char *s);
json_t *record_list(const char *const *strings); /* a new array of a NULL-ended list */
