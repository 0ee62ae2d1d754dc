/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The messages of forwarding: what we send to a DNS server for a client, and what the client gets
 * of the server's reply. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/query.h"
#include "aardvark-dns/wire.h"

#define RELAY_UDP_MAX	4096 /* bytes of a reply that we are ready to take over UDP */
#define RELAY_QUERY_MAX 65535

/*
 * Writes the query for the server: ID 0, flags RD, AD and CD of the client, its question letter
 * by letter, and OPT if it sent one, without the options that concern one hop only.
 */
void relay_query(const struct query *q, struct wire *out);

/* Whether a query has EDNS options that servers get to see. */
bool relay_has_options(const struct query *q);

/*
 * Whether a message can be the reply to a query from relay_query(): a reply, with its ID, opcode,
 * and question; the case of letters does not matter.
 */
bool relay_is_reply(const uint8_t *query, size_t query_len, const uint8_t *reply, size_t len);

/* Whether a message that is no reply to a query has its ID or its question. */
bool relay_resembles(const uint8_t *query, size_t query_len, const uint8_t *message, size_t len);

/* What a client needs to be sent in a reply. */
struct relay_client {
	uint16_t id;
	const uint8_t *question; /* as it wrote it: name, type, class */
	size_t question_len;
	bool edns;    /* it sent an OPT record */
	bool recurse; /* it set RD */
	size_t limit; /* bytes */
};

/* The client that sent a query. */
struct relay_client relay_client_of(const struct query *q, size_t limit);

/*
 * Writes the reply for a client: the server's bytes with the client's ID and question. If they are
 * too many, or cut off, only header, question and OPT, with TC set.
 * Shape:   relay_is_reply() has accepted the message. out has room for len bytes, or the limit if
 *          that is less, and for a header, the question and an OPT record.
 */
void relay_reply(const struct relay_client *client, const uint8_t *reply, size_t len,
		 struct wire *out);
