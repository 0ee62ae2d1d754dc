/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define SHOWN_BEFORE 48 /* bytes of a long line that are shown around a place */
#define SHOWN_AFTER  40

#define RED    "\033[1;31m"
#define YELLOW "\033[1;33m"
#define PLAIN  "\033[0m"

static bool is_missing(const struct problem *one)
{
	return one->code && strcmp(one->code, "E_MISSING") == 0;
}

static bool is_noted(const struct problems *p, const struct problem *one)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct problem *old = &p->list[i];

		if (strcmp(old->pointer, one->pointer) == 0 && (!old->warning || one->warning) &&
		    (is_missing(old) == is_missing(one)) &&
		    (!is_missing(one) || strcmp(old->message, one->message) == 0))
			return true;
	}
	return false;
}

/* A member that is not there is at the place of what should have it. */
static struct place find_place(const struct problems *p, const char *pointer)
{
	char *part = arena_strdup(p->arena, pointer), *end;
	struct place at;

	while (!place_find(p->text, p->len, part, &at)) {
		end = strrchr(part, '/');
		if (!end)
			return (struct place){1, 1};
		*end = '\0';
	}
	return at;
}

static bool is_behind(const struct problem *a, const struct problem *b)
{
	return a->at.line > b->at.line || (a->at.line == b->at.line && a->at.column > b->at.column);
}

bool problems_add(struct problems *p, struct problem one)
{
	size_t i = p->n;

	if (p->n >= PROBLEMS_MAX || is_noted(p, &one))
		return false;
	if (!one.at.line)
		one.at = find_place(p, one.pointer);
	p->list = arena_grow(p->arena, p->list, p->n, sizeof(*p->list));
	for (; i > 0 && is_behind(&p->list[i - 1], &one); i--)
		p->list[i] = p->list[i - 1];
	p->list[i] = one;
	p->n++;
	p->n_errors += !one.warning;
	return true;
}

bool problems_below(const struct problems *p, const char *pointer)
{
	size_t len = strlen(pointer);

	for (size_t i = 0; i < p->n; i++)
		if (!p->list[i].warning && strncmp(p->list[i].pointer, pointer, len) == 0 &&
		    (p->list[i].pointer[len] == '\0' || p->list[i].pointer[len] == '/'))
			return true;
	return false;
}

/* ---- for people ---- */

/* What comes from a document must not steer the terminal. */
static void add_harmless(struct text *t, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool control = (unsigned char)s[i] < ' ' || s[i] == 0x7f;

		text_add_bytes(t, control ? " " : &s[i], 1);
	}
}

static bool is_inside_sequence(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* How many bytes the value at s takes, as far as it is worth underlining. */
static size_t token_length(const char *s, const char *end)
{
	const char *p = s;

	if (p < end && *p == '"') {
		for (p++; p < end && *p != '"' && *p != '\n'; p++)
			if (*p == '\\' && p + 1 < end)
				p++;
		return (size_t)(p - s) + (p < end && *p == '"');
	}
	while (p < end && (*p == '-' || *p == '.' || *p == '+' || (*p >= '0' && *p <= '9') ||
			   (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')))
		p++;
	return p > s ? (size_t)(p - s) : 1;
}

/* The line of the place, or a part of it if it is long, and a caret below the value. */
static void add_excerpt(struct text *t, const struct problems *p, const struct place *at)
{
	const char *line = p->text, *end, *s, *from, *to;

	for (unsigned int i = 1; i < at->line && line; i++) {
		line = memchr(line, '\n', p->len - (size_t)(line - p->text));
		line = line ? line + 1 : NULL;
	}
	if (!line || p->len == 0)
		return;
	end = memchr(line, '\n', p->len - (size_t)(line - p->text));
	end = end ? end : p->text + p->len;
	s = at->column && at->column - 1 < (size_t)(end - line) ? line + at->column - 1 : end;
	from = s - line > SHOWN_BEFORE ? s - SHOWN_BEFORE : line;
	to = end - s > SHOWN_AFTER ? s + SHOWN_AFTER : end;
	while (from < s && is_inside_sequence(*from))
		from++;
	while (to < end && is_inside_sequence(*to))
		to++;
	text_add(t, from > line ? "    …" : "     ");
	add_harmless(t, from, (size_t)(to - from));
	text_add(t, to < end ? "…\n     " : "\n     ");
	for (const char *q = from; q < s; q++)
		if (!is_inside_sequence(*q))
			text_add(t, " ");
	text_add(t, "^");
	size_t len = token_length(s, to);
	for (size_t i = 1; i < len; i++)
		if (!is_inside_sequence(s[i]))
			text_add(t, "~");
	text_add(t, "\n");
}

static void add_problem(struct text *t, const struct problems *p, const struct problem *one,
			const char *name, bool color)
{
	const char *kind = one->warning ? "warning" : "error";

	add_harmless(t, name, strlen(name));
	text_printf(t, ":%u:%u: %s%s%s: ", one->at.line, one->at.column,
		    !color	   ? ""
		    : one->warning ? YELLOW
				   : RED,
		    kind, color ? PLAIN : "");
	add_harmless(t, one->message, strlen(one->message));
	text_printf(t, " [%s]\n", one->code);
	add_excerpt(t, p, &one->at);
	if (*one->pointer) {
		text_add(t, "     at ");
		add_harmless(t, one->pointer, strlen(one->pointer));
		text_add(t, "\n");
	}
	if (one->hint) {
		text_add(t, "     hint: ");
		add_harmless(t, one->hint, strlen(one->hint));
		text_add(t, "\n");
	}
}

char *problems_print(const struct problems *p, const char *name, bool color)
{
	struct text t = text_new(p->arena);
	size_t warnings = p->n - p->n_errors;

	for (size_t i = 0; i < p->n; i++)
		add_problem(&t, p, &p->list[i], name, color);
	add_harmless(&t, name, strlen(name));
	text_printf(&t, ": %zu %s, %zu %s%s\n", p->n_errors, p->n_errors == 1 ? "error" : "errors",
		    warnings, warnings == 1 ? "warning" : "warnings",
		    p->n >= PROBLEMS_MAX ? ", and no more are counted" : "");
	return t.s;
}

/* ---- for programs ---- */

static json_t *problem_json(const struct problem *one, struct arena *a)
{
	json_t *out = json_pack("{s:s, s:s, s:s, s:i, s:i, s:s}", "severity",
				one->warning ? "warning" : "error", "code", one->code, "pointer",
				text_to_utf8(a, one->pointer), "line", (int)one->at.line, "column",
				(int)one->at.column, "message", text_to_utf8(a, one->message));

	if (one->hint)
		json_object_set_new(out, "hint", json_string(text_to_utf8(a, one->hint)));
	return out;
}

char *problems_print_json(const struct problems *p, bool pretty)
{
	json_t *list = json_array(), *root;

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(list, problem_json(&p->list[i], p->arena));
	root = json_pack("{s:i, s:o}", "schema_version", 1, "problems", list);
	char *text = json_dumps(root, pretty ? JSON_INDENT(2) : JSON_COMPACT);
	char *out = arena_printf(p->arena, "%s\n", text ? text : "{}");
	free(text);
	json_decref(root);
	return out;
}
