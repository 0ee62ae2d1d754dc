/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * All that is wrong with a text, in the order of the text, for people (with the line and a caret below
 * the place) and for programs.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/place.h"

#define PROBLEMS_MAX 1000 /* further ones are not noted */

struct problem {
	bool warning;	     /* else an error */
	const char *code;    /* "E_TYPE"; NULL until somebody has given it one */
	const char *pointer; /* where it is, as a JSON pointer */
	struct place at;
	const char *message, *hint; /* hint: NULL if there is none */
};

struct problems {
	struct arena *arena;
	const char *text; /* the document */
	size_t len;
	struct problem *list;
	size_t n, n_errors;
};

/*
 * Notes a problem; its place, unless it has one, is found by its pointer. What has been noted at the
 * same pointer stays alone: one mistake is one problem. Only of missing members (code E_MISSING) an
 * object may have several. Returns false if it was not taken.
 */
bool problems_add(struct problems *p, struct problem one);

/* Whether an error was noted at this pointer or below. */
bool problems_below(const struct problems *p, const char *pointer);

/* For people: what is at most one line of the document is shown. name is that of the document. */
char *problems_print(const struct problems *p, const char *name, bool color);

/* {"schema_version":1,"problems":[…]} with a line feed. */
char *problems_print_json(const struct problems *p, bool pretty);
