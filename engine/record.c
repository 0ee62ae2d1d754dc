/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::record"
#include "engine/record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/text.h"

#define RECORD_MAX (16u << 20)

json_t *record_own(struct record_pool *pool, json_t *value)
{
	pool->list = arena_grow(pool->arena, pool->list, pool->n, sizeof(*pool->list));
	pool->list[pool->n++] = value;
	return value;
}

void record_release(struct record_pool *pool)
{
	for (size_t i = 0; i < pool->n; i++)
		json_decref(pool->list[i]);
	pool->n = 0;
}

int record_read(struct record_pool *pool, const char *path, json_t **out, struct error *err)
{
	json_error_t e;
	char *text;
	size_t len;
	int r = file_read(path, RECORD_MAX, pool->arena, &text, &len, err);

	if (r < 0)
		return wrap(err, "%s", path);
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
	if (!value)
		return fail(err, EINVAL, "%s: line %d: %s", path, e.line, e.text);
	record_own(pool, value);
	if (!json_is_object(value))
		return fail(err, EINVAL, "%s: is not an object", path);
	if (record_int(value, "version") > RECORD_VERSION)
		return fail(err, ENOTSUP, "%s: was written by a newer version of this program",
			    path);
	*out = value;
	return 0;
}

int record_write(struct record_pool *pool, const char *path, const json_t *value, struct error *err)
{
	cleanup_free char *text = json_dumps(value, JSON_INDENT(1));
	char *temp = arena_printf(pool->arena, "%s.tmp.%d", path, (int)getpid());

	if (!text)
		return fail(err, EINVAL, "%s: cannot be written as JSON", path);
	int r = file_replace(path, temp, text, strlen(text), pool->arena, NULL, err);
	return r < 0 ? wrap(err, "%s", path) : 0;
}

const char *record_str(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

json_int_t record_int(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool record_is(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

json_t *record_array(json_t *object, const char *key)
{
	json_t *member = json_object_get(object, key);

	if (!json_is_array(member)) {
		member = json_array();
		json_object_set_new(object, key, member);
	}
	return member;
}

json_t *record_object(json_t *object, const char *key)
{
	json_t *member = json_object_get(object, key);

	if (!json_is_object(member)) {
		member = json_object();
		json_object_set_new(object, key, member);
	}
	return member;
}

const char **record_strings(const json_t *object, const char *key, struct arena *a)
{
	const json_t *array = json_object_get(object, key), *value;
	const char **list = arena_alloc(a, (json_array_size(array) + 1) * sizeof(*list));
	size_t i, n = 0;

	json_array_foreach (array, i, value)
		if (json_is_string(value))
			list[n++] = json_string_value(value);
	return list;
}

/* A new string value; NULL counts as "". */
static json_t *string_of(const char *s)
{
	json_t *value = json_string(s ? s : "");
	struct arena a = {0};

	if (!value)
		value = json_string(text_to_utf8(&a, s));
	arena_release(&a);
	return value;
}

void record_push(json_t *array, const char *s)
{
	json_array_append_new(array, string_of(s));
}

void record_set(json_t *object, const char *key, const char *s)
{
	json_object_set_new(object, key, string_of(s));
}

json_t *record_list(const char *const *strings)
{
	json_t *array = json_array();

	for (; strings && *strings; strings++)
		record_push(array, *strings);
	return array;
}
