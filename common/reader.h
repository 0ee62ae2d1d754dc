/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A sticky reader over JSON. The first failure is remembered with its place; after it every
 * read_*() gives a harmless value (0, "", an empty array), so nobody checks after every field: the
 * caller looks at document.failed once, at the end. Strings are borrowed from the JSON values and
 * live as long as the document. Errors read
 *   <what is wrong>: <found value> at <JSON pointer> (line L column C)
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/arena.h"
#include "common/error.h"
#include "common/problem.h"

struct document {
	struct arena *arena;
	const char *text;
	size_t len;
	json_t *root; /* owned: document_close() */
	bool failed;
	struct error *err; /* the caller's, filled by the first failure */
	/*
	 * Not NULL: failures are noted here, all of them, and reading goes on with harmless values;
	 * failed stays false.
	 */
	struct problems *problems;
	const char *name;   /* of the file, for messages; NULL goes without saying */
	const char *marked; /* while problems are noted: the place of the last own finding */
};

struct reader {
	struct document *doc;
	json_t *value;	     /* borrowed; NULL for an absent optional member and after a failure */
	const char *pointer; /* where it stands: "/networks/blue" */
	const char *name;    /* its key in the parent object, "" for elements of arrays */
};

/*
 * Parses a text, which must stay in place. A document is one JSON object; duplicated keys,
 * trailing text and more than 2048 levels are refused.
 * Errors:  -EINVAL with line and column.
 */
int document_open(struct document *doc, struct arena *a, const char *text, size_t len,
		  struct error *err);
/* The same for a document whose problems are all noted. out must stay where it is. */
int document_open_noting(struct document *doc, struct problems *out, struct arena *a,
			 const char *text, size_t len, struct error *err);
struct reader document_root(struct document *doc);
void document_close(struct document *doc);

/* Members. A required one that is missing or null is a failure; read_*_or() give a default. */
const char *read_string(const struct reader *r, const char *key);
const char *read_string_or(const struct reader *r, const char *key, const char *fallback);
bool read_bool(const struct reader *r, const char *key);
bool read_bool_or(const struct reader *r, const char *key, bool fallback);
uint16_t read_u16(const struct reader *r, const char *key);
uint32_t read_u32(const struct reader *r, const char *key);
uint32_t read_u32_or(const struct reader *r, const char *key, uint32_t fallback);
struct addr read_addr_or_none(const struct reader *r, const char *key);
struct prefix read_prefix(const struct reader *r, const char *key);

/* Whether the member is there and not null. */
bool read_has(const struct reader *r, const char *key);

/* A member of any type; its value is NULL if it is absent or null. */
struct reader read_member(const struct reader *r, const char *key);
struct reader read_object(const struct reader *r, const char *key);
struct reader read_object_or_none(const struct reader *r, const char *key);

/* An array member: its elements as readers. 0 elements if it is absent. */
size_t read_array(const struct reader *r, const char *key, struct reader **out);
size_t read_array_or_none(const struct reader *r, const char *key, struct reader **out);
/* The members of an object in the order of the text, each with its name. */
size_t read_members(const struct reader *object, struct reader **out);

/* The value of the reader itself, for elements of arrays and free maps. */
const char *read_self_string(const struct reader *r);
struct addr read_self_addr(const struct reader *r);
struct prefix read_self_prefix(const struct reader *r);

/* An own finding about the member key, or about the value itself if key is NULL. */
void reader_fail(const struct reader *r, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * " at <JSON pointer> (line L column C)" behind an error. Returns -err->code. Where problems are noted
 * the text stays as it is, and the pointer is what document.marked tells.
 */
int reader_place(const struct reader *at, const char *key, struct error *err);
