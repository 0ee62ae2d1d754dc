/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One-shot memory: everything a run derives from its request lives here and goes with the
 * process; a server gives each snapshot an arena of its own. Exhaustion ends the process, so no
 * caller checks. Under ASan every object is followed by a poisoned gap.
 */

#include <stdarg.h>
#include <stddef.h>

struct arena {
	struct arena_chunk *chunks; /* newest first */
};

/* Zeroed memory, aligned for any type. size 0 gives a valid, distinct pointer. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_memdup(struct arena *a, const void *data, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

/*
 * Room for one more element: returns an array that holds the n old elements and space for at
 * least one more. Use as  list = arena_grow(a, list, n, sizeof(*list)); list[n++] = x;
 */
void *arena_grow(struct arena *a, void *list, size_t n, size_t size);

/* Bytes handed out so far, gaps and padding included. */
size_t arena_used(const struct arena *a);

/* Frees everything. The arena may be used again. */
void arena_release(struct arena *a);
