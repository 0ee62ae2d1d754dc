/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Counters of queries: of all, and of each network and container that has asked. They outlive a
 * reload; those of networks and containers that are gone are dropped when there are too many.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/zones.h"

enum source { SOURCE_LOCAL, SOURCE_CACHE, SOURCE_SERVER, SOURCES };

/* A query that has found its end. */
struct finished {
	const struct view *view; /* NULL: it was no proper query */
	struct addr client;
	bool tcp;
	const uint8_t *question; /* name, type and class as they were written; NULL if none */
	size_t question_len;
	const uint8_t *reply; /* NULL: the client gets none */
	size_t reply_len;
	enum source source;
	uint64_t started_us; /* 0: just now */
};

struct stats;

struct stats *stats_new(void); /* NULL if there is no memory */
void stats_free(struct stats *s);

/* Another snapshot is in force. */
void stats_set_zones(struct stats *s, const struct zones *zones);

void stats_count(struct stats *s, const struct finished *f);

/* A datagram or message that is not even answered with an error. */
void stats_count_ignored(struct stats *s);

/*
 * The counters as JSON: {"total": …, "networks": {…}, "containers": {…}}.
 * Shape:   network and container limit the result to one; NULL: all. A container is named by the
 *          first twelve characters of its ID or by more of them.
 */
json_t *stats_report(const struct stats *s, const char *network, const char *container);

#define STATS_NAME_MAX (4 * 256 + 1)

/*
 * The name of a network or container as it is shown: what is not printable ASCII as \ddd. They may
 * hold any byte, JSON and terminals may not.
 */
void stats_print_name(const char *name, char room[STATS_NAME_MAX]);

const char *stats_rcode_name(unsigned int rcode);
const char *stats_source_name(enum source source);

/* The name of a type, or TYPEn; into room if it has none. */
const char *stats_type_name(uint16_t type, char room[16]);
