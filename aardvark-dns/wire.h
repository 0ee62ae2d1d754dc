/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * DNS messages as bytes (RFC 1035 section 4). A reader and a writer, both sticky: after the first
 * failure they do nothing more and stay bad, so callers check once, at the end.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_HEADER_SIZE   12
#define WIRE_NAME_MAX	   255 /* bytes of a name on the wire, root label included */
#define WIRE_LABEL_MAX	   63
#define WIRE_TCP_MAX	   65535
#define WIRE_NAME_TEXT_MAX 256 /* of a printed name, NUL included */

/* Offsets of the counters in the header. */
#define WIRE_AT_FLAGS	   2
#define WIRE_AT_QUESTIONS  4
#define WIRE_AT_ANSWERS	   6
#define WIRE_AT_AUTHORITY  8
#define WIRE_AT_ADDITIONAL 10

/* The second word of the header. */
#define WIRE_QR	    0x8000u
#define WIRE_OPCODE 0x7800u
#define WIRE_AA	    0x0400u
#define WIRE_TC	    0x0200u
#define WIRE_RD	    0x0100u
#define WIRE_RA	    0x0080u
#define WIRE_AD	    0x0020u
#define WIRE_CD	    0x0010u
#define WIRE_RCODE  0x000fu

enum wire_type {
	TYPE_A = 1,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_AAAA = 28,
	TYPE_OPT = 41,
	TYPE_IXFR = 251,
	TYPE_AXFR = 252,
};

enum wire_class { CLASS_IN = 1, CLASS_ANY = 255 };

enum rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_BADVERS = 16, /* its upper bits stand in the OPT record (RFC 6891) */
};

struct wire_reader {
	const uint8_t *data;
	size_t len, at;
	bool bad; /* something was cut off or malformed */
};

struct wire_record {
	size_t start; /* offset of its owner in the message */
	bool root_owner;
	uint16_t type, class;
	uint32_t ttl; /* seconds */
	const uint8_t *data;
	uint16_t data_len;
};

/* Bytes, or NULL if that many are not there. Numbers are 0 once the reader is bad. */
const uint8_t *wire_get(struct wire_reader *r, size_t len);
uint16_t wire_get16(struct wire_reader *r);
uint32_t wire_get32(struct wire_reader *r);

/*
 * Reads a name without compression, in ASCII lower case, root label included.
 * Shape:   out has room for WIRE_NAME_MAX bytes. Returns the length, 0 if the reader is bad.
 */
size_t wire_get_name(struct wire_reader *r, uint8_t *out);

/*
 * Reads a record. Its owner may be compressed; where the pointer leads is not followed, as the
 * owner's text is never needed.
 */
void wire_get_record(struct wire_reader *r, struct wire_record *out);

struct wire {
	uint8_t *data;
	size_t len, room; /* bytes; len never exceeds room */
	bool bad;	  /* something did not fit */
};

void wire_put(struct wire *w, const void *data, size_t len);
void wire_put16(struct wire *w, uint16_t value);
void wire_put32(struct wire *w, uint32_t value);
void wire_set16(struct wire *w, size_t at, uint16_t value); /* at + 2 <= len */

static inline uint16_t wire_load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void wire_store16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/*
 * Turns text into a lower-case name without the root label. One dot at the end is dropped.
 * Shape:   text is len bytes and may hold any byte; out has room for WIRE_NAME_MAX bytes.
 *          Returns the length; 0 if no such name can exist (empty, a label that is empty or above
 *          63 bytes, more than 254 bytes in all).
 */
size_t wire_name_from_text(const char *text, size_t len, uint8_t *out);

/*
 * Prints a name for a log line: everything outside printable ASCII, and backslash, as \DDD.
 * Shape:   name is len bytes without compression, with or without the root label.
 */
void wire_name_print(const uint8_t *name, size_t len, char out[WIRE_NAME_TEXT_MAX]);
