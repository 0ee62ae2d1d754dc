/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The log that conmon writes: "2026-01-31T12:00:00.000000000+00:00 stdout F text". */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

struct logs_line {
	const char *stamp; /* not terminated: STAMP_LEN bytes up to the blank */
	size_t stamp_len;
	bool is_error; /* written to stderr */
	bool partial;  /* the next piece belongs to the same line */
	const char *text;
	size_t len;
};

/* Takes one line of the file apart; false if it is none of conmon's. */
bool logs_parse(const char *line, size_t len, struct logs_line *out);

/*
 * A point in time as people give it: "2026-01-31T12:00:00[.5][Z]", seconds since 1970, or "10m" ago.
 * The result compares with stamps as text does: it is in UTC with nanoseconds.
 */
bool logs_parse_time(const char *text, struct arena *a, char **out);

/* The same form of a stamp in any time zone. */
bool logs_utc(const char *stamp, size_t len, char out[40]);

struct logs_filter {
	const char *since, *until; /* as from logs_parse_time(); NULL: no limit */
	long long tail;		   /* lines; -1: all */
	bool stamps;
	const char *prefix; /* in front of each line; "" for none */
};

/* Where reading has come to. */
struct logs_reader {
	FILE *file;
	const struct logs_filter *filter;
	bool out_open, error_open; /* a line of the stream has begun and goes on */
};

/* Goes to the first line that is wanted. */
int logs_seek_tail(struct logs_reader *r, struct error *err) must_check;

/* Prints what is there now. Errors: those of reading. */
int logs_print(struct logs_reader *r, struct error *err) must_check;
