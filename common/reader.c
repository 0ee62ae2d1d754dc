/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/place.h"
#include "common/text.h"

#define SHOWN_MAX 120 /* bytes of a found value in a message */
#define VALUE_MAX 40  /* longer lists and maps are not shown */

/* ": <value>" behind the text of an error, unless it is a long list or map. */
static void add_value(const json_t *found, struct error *err)
{
	size_t used = strlen(err->text);
	char *shown = found ? json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	if (shown &&
	    ((!json_is_object(found) && !json_is_array(found)) || strlen(shown) <= VALUE_MAX))
		snprintf(err->text + used, sizeof(err->text) - used, ": %.*s%s", SHOWN_MAX, shown,
			 strlen(shown) > SHOWN_MAX ? "…" : "");
	free(shown);
}

/* " at <pointer> (line L column C)" behind the text of an error. */
static void add_place(const struct document *doc, const char *pointer, struct error *err)
{
	size_t used = strlen(err->text);
	struct place at;

	if (!place_find(doc->text, doc->len, pointer, &at))
		at = (struct place){1, 1};
	snprintf(err->text + used, sizeof(err->text) - used, " at %s (line %u column %u)%s%s",
		 *pointer ? pointer : "/", at.line, at.column, doc->name ? " of " : "",
		 doc->name ? doc->name : "");
}

/* code: what it is called in a list of problems, NULL if that depends on the member. */
static void note(const struct reader *r, const char *code, const json_t *found, const char *pointer,
		 const char *what)
{
	struct document *doc = r->doc;

	if (doc->failed)
		return;
	fail(doc->err, EINVAL, "%s", what);
	add_value(found, doc->err);
	if (doc->problems) {
		problems_add(doc->problems,
			     (struct problem){
				     .code = code,
				     .pointer = pointer,
				     .message = arena_strdup(doc->arena, doc->err->text),
			     });
		return;
	}
	doc->failed = true;
	add_place(doc, pointer, doc->err);
}

static char *pointer_of(const struct reader *r, const char *key)
{
	struct text t = text_new(r->doc->arena);

	text_add(&t, r->pointer);
	text_add(&t, "/");
	for (; *key; key++) {
		if (*key == '~' || *key == '/')
			text_add(&t, *key == '~' ? "~0" : "~1");
		else
			text_add_bytes(&t, key, 1);
	}
	return t.s;
}

void reader_fail(const struct reader *r, const char *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *what = arena_vprintf(r->doc->arena, fmt, args);
	va_end(args);
	if (key) {
		struct reader member = read_member(r, key);

		note(r, NULL, member.value, member.pointer, what);
	} else {
		note(r, NULL, r->value, r->pointer, what);
	}
}

static const char *describe(const struct document *doc, const json_error_t *e)
{
	switch (json_error_code(e)) {
	case json_error_premature_end_of_input:
		return arena_printf(doc->arena, "%s: %s",
				    doc->len ? "EOF while parsing a document"
					     : "EOF while parsing a value",
				    e->text);
	case json_error_end_of_input_expected:
		return arena_printf(doc->arena, "trailing characters: %s", e->text);
	case json_error_duplicate_key:
		return arena_printf(doc->arena, "duplicate field: %s", e->text);
	default:
		return arena_strdup(doc->arena, e->text);
	}
}

int document_open_noting(struct document *doc, struct problems *out, struct arena *a,
			 const char *text, size_t len, struct error *err)
{
	json_error_t e;

	if (out)
		*out = (struct problems){.arena = a, .text = text, .len = len};
	*doc = (struct document){.arena = a, .text = text, .len = len, .err = err, .problems = out};
	doc->root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (doc->root)
		return 0;
	const char *what = describe(doc, &e);
	struct place at = {len ? (unsigned int)e.line : 1, len ? (unsigned int)e.column : 0};
	doc->failed = true;
	if (out)
		problems_add(out, (struct problem){.code = "E_SYNTAX",
						   .pointer = "",
						   .at = at,
						   .message = what});
	return fail(err, EINVAL, "%s at line %u column %u", what, at.line, at.column);
}

int document_open(struct document *doc, struct arena *a, const char *text, size_t len,
		  struct error *err)
{
	return document_open_noting(doc, NULL, a, text, len, err);
}

void document_close(struct document *doc)
{
	json_decref(doc->root);
	doc->root = NULL;
}

/* "integer `5`", "string "x"", "map": how the wrong value is called. */
static const char *kind_of(const struct reader *r)
{
	struct arena *a = r->doc->arena;
	const json_t *v = r->value;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "map";
	case JSON_ARRAY:
		return "sequence";
	case JSON_STRING:
		return arena_printf(a, "string \"%.*s\"", SHOWN_MAX, json_string_value(v));
	case JSON_INTEGER:
		return arena_printf(a, "integer `%" JSON_INTEGER_FORMAT "`", json_integer_value(v));
	case JSON_REAL:
		return arena_printf(a, "floating point `%g`", json_real_value(v));
	case JSON_TRUE:
		return "boolean `true`";
	case JSON_FALSE:
		return "boolean `false`";
	default:
		return "null";
	}
}

static void wrong_type(const struct reader *r, const char *expected)
{
	note(r, "E_TYPE", NULL, r->pointer,
	     arena_printf(r->doc->arena, "invalid type: %s, expected %s", kind_of(r), expected));
}

struct reader document_root(struct document *doc)
{
	struct reader root = {.doc = doc, .value = doc->root, .pointer = "", .name = ""};

	if (doc->root && !json_is_object(doc->root))
		wrong_type(&root, "a map");
	return root;
}

struct reader read_member(const struct reader *r, const char *key)
{
	struct reader m = {.doc = r->doc, .pointer = pointer_of(r, key), .name = key};
	json_t *value = r->doc->failed ? NULL : json_object_get(r->value, key);

	if (!json_is_null(value))
		m.value = value;
	return m;
}

bool read_has(const struct reader *r, const char *key)
{
	return read_member(r, key).value != NULL;
}

/* A member that must be there. Its value is NULL after the failure that says it is not. */
static struct reader required(const struct reader *r, const char *key)
{
	struct reader m = read_member(r, key);

	if (r->value && !json_is_object(r->value))
		wrong_type(r, "a map");
	else if (r->value && !m.value && !r->doc->failed)
		note(r, "E_MISSING", NULL, r->pointer,
		     arena_printf(r->doc->arena, "missing field `%s`", key));
	return m;
}

const char *read_self_string(const struct reader *r)
{
	if (r->value && !json_is_string(r->value))
		wrong_type(r, "a string");
	return !r->doc->failed && json_is_string(r->value) ? json_string_value(r->value) : "";
}

const char *read_string(const struct reader *r, const char *key)
{
	struct reader m = required(r, key);

	return read_self_string(&m);
}

const char *read_string_or(const struct reader *r, const char *key, const char *fallback)
{
	struct reader m = read_member(r, key);

	return m.value ? read_self_string(&m) : fallback;
}

static bool self_bool(const struct reader *r)
{
	if (r->value && !json_is_boolean(r->value))
		wrong_type(r, "a boolean");
	return json_is_true(r->value);
}

bool read_bool(const struct reader *r, const char *key)
{
	struct reader m = required(r, key);

	return self_bool(&m);
}

bool read_bool_or(const struct reader *r, const char *key, bool fallback)
{
	struct reader m = read_member(r, key);

	return m.value ? self_bool(&m) : fallback;
}

static json_int_t self_integer(const struct reader *r, json_int_t max, const char *type)
{
	if (!r->value)
		return 0;
	if (!json_is_integer(r->value)) {
		wrong_type(r, type);
		return 0;
	}
	json_int_t n = json_integer_value(r->value);
	if (n < 0 || n > max) {
		note(r, "E_VALUE", NULL, r->pointer,
		     arena_printf(r->doc->arena,
				  "invalid value: integer `%" JSON_INTEGER_FORMAT "`, expected %s",
				  n, type));
		return 0;
	}
	return n;
}

uint16_t read_u16(const struct reader *r, const char *key)
{
	struct reader m = required(r, key);

	return (uint16_t)self_integer(&m, UINT16_MAX, "u16");
}

uint32_t read_u32(const struct reader *r, const char *key)
{
	struct reader m = required(r, key);

	return (uint32_t)self_integer(&m, UINT32_MAX, "u32");
}

uint32_t read_u32_or(const struct reader *r, const char *key, uint32_t fallback)
{
	struct reader m = read_member(r, key);

	return m.value ? (uint32_t)self_integer(&m, UINT32_MAX, "u32") : fallback;
}

struct addr read_self_addr(const struct reader *r)
{
	const char *text = read_self_string(r);
	struct addr a = {0};

	if (!r->doc->failed && r->value && !addr_parse(text, &a))
		note(r, NULL, r->value, r->pointer, "invalid IP address syntax");
	return a;
}

struct addr read_addr_or_none(const struct reader *r, const char *key)
{
	struct reader m = read_member(r, key);

	return m.value ? read_self_addr(&m) : (struct addr){0};
}

struct prefix read_self_prefix(const struct reader *r)
{
	const char *text = read_self_string(r);
	struct prefix p = {0};

	if (!r->doc->failed && r->value && !prefix_parse(text, &p))
		note(r, NULL, r->value, r->pointer, "invalid IP address syntax");
	return p;
}

struct prefix read_prefix(const struct reader *r, const char *key)
{
	struct reader m = required(r, key);

	return read_self_prefix(&m);
}

struct reader read_object_or_none(const struct reader *r, const char *key)
{
	struct reader m = read_member(r, key);

	if (m.value && !json_is_object(m.value)) {
		wrong_type(&m, "a map");
		m.value = NULL;
	}
	return m;
}

struct reader read_object(const struct reader *r, const char *key)
{
	required(r, key);
	return read_object_or_none(r, key);
}

size_t read_array_or_none(const struct reader *r, const char *key, struct reader **out)
{
	struct reader m = read_member(r, key);

	*out = NULL;
	if (m.value && !json_is_array(m.value))
		wrong_type(&m, "a sequence");
	if (!json_is_array(m.value) || r->doc->failed)
		return 0;
	size_t n = json_array_size(m.value);
	*out = arena_alloc(r->doc->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++)
		(*out)[i] = (struct reader){
			.doc = r->doc,
			.value = json_array_get(m.value, i),
			.pointer = arena_printf(r->doc->arena, "%s/%zu", m.pointer, i),
			.name = "",
		};
	return n;
}

size_t read_array(const struct reader *r, const char *key, struct reader **out)
{
	required(r, key);
	return read_array_or_none(r, key, out);
}

size_t read_members(const struct reader *object, struct reader **out)
{
	size_t n = 0;
	const char *key;
	json_t *value;

	*out = NULL;
	if (object->doc->failed || !json_is_object(object->value))
		return 0;
	*out = arena_alloc(object->doc->arena, json_object_size(object->value) * sizeof(**out));
	json_object_foreach (object->value, key, value)
		(*out)[n++] = (struct reader){
			.doc = object->doc,
			.value = value,
			.pointer = pointer_of(object, key),
			.name = key,
		};
	return n;
}

int reader_place(const struct reader *at, const char *key, struct error *err)
{
	size_t used = strlen(err->text);
	struct place place = {1, 1};
	char pointer[1024];

	snprintf(pointer, sizeof(pointer), "%s%s%s", at->pointer, key ? "/" : "", key ? key : "");
	if (at->doc->problems) {
		at->doc->marked = arena_strdup(at->doc->arena, pointer);
		return -err->code;
	}
	if (!place_find(at->doc->text, at->doc->len, pointer, &place))
		place_find(at->doc->text, at->doc->len, at->pointer, &place);
	snprintf(err->text + used, sizeof(err->text) - used, " at %s (line %u column %u)%s%s",
		 pointer, place.line, place.column, at->doc->name ? " of " : "",
		 at->doc->name ? at->doc->name : "");
	return -err->code;
}
