/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_GAPS 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_GAPS 1
#endif

#ifdef ARENA_GAPS
#include <sanitizer/asan_interface.h>
#define GAP	       32
#define poison(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define GAP	       0
#define poison(p, n)   ((void)0)
#define unpoison(p, n) ((void)0)
#endif

#define ALIGN	   _Alignof(max_align_t)
#define CHUNK_SIZE 16384 /* a usual request fits into one or two */

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char data[];
};

static struct arena_chunk *chunk_new(struct arena *a, size_t need)
{
	size_t size = need > CHUNK_SIZE ? need : CHUNK_SIZE;
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);

	if (!chunk) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
	*chunk = (struct arena_chunk){.next = a->chunks, .size = size};
	poison(chunk->data, size);
	a->chunks = chunk;
	return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t need = ((size ? size : 1) + GAP + ALIGN - 1) / ALIGN * ALIGN;
	struct arena_chunk *chunk = a->chunks;

	if (!chunk || chunk->size - chunk->used < need)
		chunk = chunk_new(a, need);
	void *p = chunk->data + chunk->used;
	chunk->used += need;
	unpoison(p, size);
	return memset(p, 0, size);
}

void *arena_memdup(struct arena *a, const void *data, size_t size)
{
	void *copy = arena_alloc(a, size);

	return size ? memcpy(copy, data, size) : copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		len = 0;
	char *text = arena_alloc(a, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *text = arena_vprintf(a, fmt, args);
	va_end(args);
	return text;
}

void *arena_grow(struct arena *a, void *list, size_t n, size_t size)
{
	/* The capacity is the next power of two, at least 4, so it need not be stored. */
	if (list && (n < 4 || (n & (n - 1)) != 0))
		return list;
	void *bigger = arena_alloc(a, (n < 4 ? 4 : n * 2) * size);
	return list && n ? memcpy(bigger, list, n * size) : bigger;
}

size_t arena_used(const struct arena *a)
{
	size_t used = 0;

	for (const struct arena_chunk *c = a->chunks; c; c = c->next)
		used += c->used;
	return used;
}

void arena_release(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *next = a->chunks->next;

		unpoison(a->chunks->data, a->chunks->size);
		free(a->chunks);
		a->chunks = next;
	}
}
