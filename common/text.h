/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Small string helpers. Results live in an arena. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

/*
 * Text that grows. Sticky in the sense that memory never fails: append as you go and use .s,
 * which is always a string.
 */
struct text {
	struct arena *arena;
	char *s;
	size_t len, room;
};

struct text text_new(struct arena *a);
void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const char *s, size_t len);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* s between double quotes, with \" \\ \n \t \r escaped, as names stand in messages. */
char *text_quote(struct arena *a, const char *s);

bool text_starts_with(const char *s, const char *start);
bool text_ends_with(const char *s, const char *end);

/* Splits at sep; empty parts are kept. Returns the number of parts, at least 1. */
size_t text_split(struct arena *a, const char *s, char sep, char ***out_parts);

/* The word of a list that differs from this one in at most two letters, or NULL: what may be meant. */
const char *text_closest(const char *word, const char *const *list, size_t n);

/* Invalid UTF-8 becomes U+FFFD, so that the result can stand in JSON. */
char *text_to_utf8(struct arena *a, const char *s);

/* Time in UTC: "2026-01-31T12:00:00Z". */
char *text_utc(struct arena *a, int64_t seconds);
