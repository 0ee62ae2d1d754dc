/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One query from a client, taken apart. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/wire.h"

struct query {
	const uint8_t *bytes; /* the message, borrowed */
	size_t question_len;  /* bytes of name, type and class, from offset WIRE_HEADER_SIZE */
	uint16_t id, flags;
	uint16_t type, class;
	uint8_t name[WIRE_NAME_MAX]; /* lower case, root label included */
	size_t name_len;
	struct query_edns {
		bool present, dnssec_ok;
		uint8_t version;
		uint16_t size; /* the client's limit for UDP, in bytes, as written */
		const uint8_t *options;
		uint16_t options_len;
	} edns;
};

enum query_result {
	QUERY_FINE,
	QUERY_IGNORE, /* too short, or a reply: answering could start an endless exchange */
	QUERY_ERROR,  /* answer with *out_error and a bare header */
};

/*
 * Takes a message apart and checks all of it. Records other than OPT are only stepped over.
 * Shape:   out->id and out->flags are set unless the result is QUERY_IGNORE; the rest only with
 *          QUERY_FINE.
 * Errors:  RCODE_NOTIMP for other opcodes, RCODE_FORMERR for what cannot be read.
 */
enum query_result query_parse(const uint8_t *bytes, size_t len, struct query *out,
			      enum rcode *out_error);

/* The next EDNS option of a list that query_parse() has accepted; false at the end. */
bool query_next_option(struct wire_reader *options, uint16_t *out_code, const uint8_t **out_data,
		       uint16_t *out_len);
