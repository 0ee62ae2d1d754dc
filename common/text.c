/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct text text_new(struct arena *a)
{
	return (struct text){.arena = a, .s = arena_alloc(a, 64), .room = 64};
}

void text_add_bytes(struct text *t, const char *s, size_t len)
{
	if (t->len + len + 1 > t->room) {
		size_t room = (t->len + len + 1) * 2;
		char *bigger = arena_alloc(t->arena, room);

		memcpy(bigger, t->s, t->len);
		t->s = bigger;
		t->room = room;
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
	t->s[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_add(t, arena_vprintf(t->arena, fmt, args));
	va_end(args);
}

char *text_quote(struct arena *a, const char *s)
{
	struct text t = text_new(a);

	text_add(&t, "\"");
	for (; *s; s++) {
		static const char plain[] = "\"\\\n\t\r", escaped[] = "\"\\ntr";
		const char *hit = strchr(plain, *s);

		if (hit) {
			text_add_bytes(&t, "\\", 1);
			text_add_bytes(&t, &escaped[hit - plain], 1);
		} else {
			text_add_bytes(&t, s, 1);
		}
	}
	text_add(&t, "\"");
	return t.s;
}

bool text_starts_with(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) == 0;
}

bool text_ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

size_t text_split(struct arena *a, const char *s, char sep, char ***out_parts)
{
	char **parts = NULL;
	size_t n = 0;

	for (;;) {
		size_t len = (size_t)(strchrnul(s, sep) - s);

		parts = arena_grow(a, parts, n, sizeof(*parts));
		parts[n++] = arena_strndup(a, s, len);
		if (!s[len])
			break;
		s += len + 1;
	}
	*out_parts = parts;
	return n;
}

#define WORD_MAX 64

/*
 * In how many letters two words differ: inserted, left out, another one, or two neighbours swapped.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][WORD_MAX + 1];
	size_t len = strlen(b);

	for (size_t k = 0; k <= len; k++)
		rows[0][k] = (unsigned int)k;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned int *now = rows[i % 3], *before = rows[(i + 2) % 3];

		now[0] = (unsigned int)i;
		for (size_t k = 1; k <= len; k++) {
			unsigned int best = before[k - 1] + (a[i - 1] != b[k - 1]);

			if (before[k] + 1 < best)
				best = before[k] + 1;
			if (now[k - 1] + 1 < best)
				best = now[k - 1] + 1;
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
			    rows[(i + 1) % 3][k - 2] + 1 < best)
				best = rows[(i + 1) % 3][k - 2] + 1;
			now[k] = best;
		}
	}
	return rows[strlen(a) % 3][len];
}

const char *text_closest(const char *word, const char *const *list, size_t n)
{
	unsigned int smallest = 3;
	const char *out = NULL;

	for (size_t i = 0; i < n && strlen(word) <= WORD_MAX; i++) {
		unsigned int d = strlen(list[i]) <= WORD_MAX ? distance(word, list[i]) : smallest;

		if (d < smallest && d < strlen(list[i])) {
			smallest = d;
			out = list[i];
		}
	}
	return out;
}

/* Length of the valid UTF-8 sequence at s, 0 if there is none (RFC 3629). */
static size_t sequence_length(const unsigned char *s)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

	if (s[0] < 0x80)
		return 1;
	size_t n = s[0] >= 0xf0 && s[0] < 0xf5	 ? 4
		   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
						 : 0;
	uint32_t point = n ? s[0] & (0xffu >> (n + 1)) : 0;

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (s[i] & 0x3f);
	}
	if (n && (point < smallest[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)))
		return 0;
	return n;
}

char *text_to_utf8(struct arena *a, const char *s)
{
	struct text t = text_new(a);

	while (*s) {
		size_t n = sequence_length((const unsigned char *)s);

		text_add_bytes(&t, n ? s : "\xef\xbf\xbd", n ? n : 3);
		s += n ? n : 1;
	}
	return t.s;
}

char *text_utc(struct arena *a, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char buf[32];

	gmtime_r(&t, &tm);
	strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return arena_strdup(a, buf);
}
