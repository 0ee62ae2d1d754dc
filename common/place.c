/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/place.h"

#include <stdlib.h>
#include <string.h>

struct scan {
	const char *p, *end;
};

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && strchr(" \t\r\n", *s->p))
		s->p++;
}

static void advance(struct scan *s)
{
	if (s->p < s->end)
		s->p++;
}

static void skip_string(struct scan *s)
{
	for (advance(s); s->p < s->end && *s->p != '"'; advance(s))
		if (*s->p == '\\')
			advance(s);
	advance(s);
}

/* Over one value of any kind, without recursion: only the depth of brackets counts. */
static void skip_value(struct scan *s)
{
	int depth = 0;

	do {
		skip_blanks(s);
		if (s->p >= s->end)
			return;
		if (*s->p == '"') {
			skip_string(s);
		} else if (strchr("[{", *s->p)) {
			depth++;
			s->p++;
		} else if (strchr("]}", *s->p)) {
			depth--;
			s->p++;
		} else if (strchr(",:", *s->p)) {
			s->p++;
		} else {
			while (s->p < s->end && !strchr(" \t\r\n,:]}", *s->p))
				s->p++;
		}
	} while (depth > 0);
}

/* Whether the string at s is the pointer part; of escapes only the plain ones are compared. */
static bool key_is(const struct scan *s, const char *part, size_t len)
{
	const char *k = s->p + 1;
	size_t i = 0;

	while (i < len && k < s->end && *k != '"') {
		char want = part[i++];

		if (want == '~' && i < len)
			want = part[i++] == '1' ? '/' : '~';
		if (*k == '\\')
			k++;
		if (*k++ != want)
			return false;
	}
	return i == len && k < s->end && *k == '"';
}

/* Steps from an object or array to the member named by the pointer part. */
static bool step_into(struct scan *s, const char *part, size_t len)
{
	bool object = s->p < s->end && *s->p == '{';
	unsigned long index = 0, wanted = strtoul(part, NULL, 10);

	if (s->p >= s->end || !strchr("[{", *s->p))
		return false;
	for (advance(s);; advance(s)) {
		skip_blanks(s);
		if (s->p >= s->end || strchr("]}", *s->p))
			return false;
		bool hit = object ? key_is(s, part, len) : index++ == wanted;
		if (object) {
			skip_string(s);
			skip_blanks(s);
			advance(s); /* over the colon */
			skip_blanks(s);
		}
		if (hit)
			return true;
		skip_value(s);
		skip_blanks(s);
		if (s->p >= s->end || *s->p != ',')
			return false;
	}
}

bool place_find(const char *text, size_t len, const char *pointer, struct place *out)
{
	struct scan s = {text, text + len};

	skip_blanks(&s);
	while (*pointer == '/') {
		size_t part = strcspn(++pointer, "/");

		if (!step_into(&s, pointer, part))
			return false;
		pointer += part;
	}
	*out = (struct place){1, 1};
	for (const char *p = text; p < s.p; p++) {
		out->column++;
		if (*p == '\n') {
			out->line++;
			out->column = 1;
		}
	}
	return true;
}
