/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The decision about one query and, where we know it, the answer. Pure: no sockets, no clock, no
 * allocation, nothing remembered.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/query.h"
#include "aardvark-dns/wire.h"
#include "aardvark-dns/zones.h"

#define ANSWER_UDP_MAX 1232 /* bytes of an answer over UDP; also what we tell clients */

enum answer {
	ANSWER_DROP,
	ANSWER_REPLY,		/* the reply is written */
	ANSWER_FORWARD,		/* ask the client's DNS servers */
	ANSWER_FORWARD_IF_HOST, /* likewise if the client is this host, else RCODE_NXDOMAIN */
};

/* How this server was started. */
struct answer_rules {
	uint8_t search[WIRE_NAME_MAX]; /* search domain, lower case, root label included */
	size_t search_len;	       /* 0: none */
	bool no_proxy;		       /* never forward */
};

/* Who asks where. */
struct asked {
	const struct zones *zones;
	const struct zone_listener *listener;
	struct addr client;
	bool tcp;
};

/* What the caller needs to forward the query, or to count it. */
struct answer_context {
	bool whole;	    /* it is a proper query; the rest is set only then */
	struct query query; /* borrows the message */
	struct view view;
};

/*
 * Answers one query.
 * Shape:   reply is empty and has room for ANSWER_UDP_MAX bytes, over TCP for WIRE_TCP_MAX.
 */
enum answer answer(const struct answer_rules *rules, const struct asked *asked,
		   const uint8_t *message, size_t len, struct answer_context *out_context,
		   struct wire *reply);

/* Writes a reply without records to a query: header, question, and OPT if the query had one. */
void answer_empty(const struct query *q, enum rcode rcode, struct wire *reply);

/* The largest reply over UDP that the client takes, at least 512 bytes. */
size_t answer_client_limit(const struct query *q);

/*
 * Sets the search domain; dots at its ends do not matter, "" and "." mean none.
 * Returns false if no such domain can exist.
 */
bool answer_set_search(struct answer_rules *rules, const char *domain);
