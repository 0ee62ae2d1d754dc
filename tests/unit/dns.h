/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* DNS messages for unit tests, made from text. */

#include <stdbool.h>
#include <stdint.h>

#include "aardvark-dns/wire.h"

struct message {
	struct wire w;
	uint8_t bytes[WIRE_TCP_MAX];
};

/* A query with one question. Labels are split at dots; "" is the root. Case is kept. */
static inline void message_start(struct message *m, uint16_t flags, const char *name, uint16_t type,
				 uint16_t class)
{
	m->w = (struct wire){.data = m->bytes, .room = sizeof(m->bytes)};
	wire_put16(&m->w, 0x1234);
	wire_put16(&m->w, flags);
	wire_put16(&m->w, 1);
	wire_put16(&m->w, 0);
	wire_put32(&m->w, 0);
	while (*name) {
		size_t len = strcspn(name, ".");
		uint8_t size = (uint8_t)len;

		wire_put(&m->w, &size, 1);
		wire_put(&m->w, name, len);
		name += len + (name[len] == '.');
	}
	wire_put(&m->w, "", 1);
	wire_put16(&m->w, type);
	wire_put16(&m->w, class);
}

/* An OPT record, counted in the header. */
static inline void message_add_opt(struct message *m, uint16_t size, uint32_t ttl,
				   const void *options, uint16_t len)
{
	wire_put(&m->w, "", 1);
	wire_put16(&m->w, TYPE_OPT);
	wire_put16(&m->w, size);
	wire_put32(&m->w, ttl);
	wire_put16(&m->w, len);
	wire_put(&m->w, options, len);
	wire_set16(&m->w, WIRE_AT_ADDITIONAL,
		   (uint16_t)(wire_load16(m->bytes + WIRE_AT_ADDITIONAL) + 1));
}

/* A record whose owner points to the question; at is the header's count for its section. */
static inline void message_add_record(struct message *m, size_t at, uint16_t type, uint32_t ttl,
				      const void *data, uint16_t len)
{
	wire_put16(&m->w, 0xc00c);
	wire_put16(&m->w, type);
	wire_put16(&m->w, CLASS_IN);
	wire_put32(&m->w, ttl);
	wire_put16(&m->w, len);
	wire_put(&m->w, data, len);
	wire_set16(&m->w, at, (uint16_t)(wire_load16(m->bytes + at) + 1));
}

static inline uint16_t header(const struct wire *w, size_t at)
{
	return wire_load16(w->data + at);
}

static inline unsigned int rcode_of(const struct wire *w)
{
	return header(w, WIRE_AT_FLAGS) & WIRE_RCODE;
}
