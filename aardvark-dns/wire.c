/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/wire.h"

#include <stdio.h>
#include <string.h>

#define POINTER_BITS 0xc0u

const uint8_t *wire_get(struct wire_reader *r, size_t len)
{
	if (r->bad || r->len - r->at < len) {
		r->bad = true;
		return NULL;
	}
	const uint8_t *p = r->data + r->at;
	r->at += len;
	return p;
}

uint16_t wire_get16(struct wire_reader *r)
{
	const uint8_t *p = wire_get(r, 2);

	return p ? wire_load16(p) : 0;
}

uint32_t wire_get32(struct wire_reader *r)
{
	uint32_t high = wire_get16(r);

	return high << 16 | wire_get16(r);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

size_t wire_get_name(struct wire_reader *r, uint8_t *out)
{
	size_t len = 0;

	for (;;) {
		const uint8_t *label = wire_get(r, 1);
		if (!label || *label > WIRE_LABEL_MAX || len + 1u + *label > WIRE_NAME_MAX)
			break;
		out[len++] = *label;
		if (*label == 0)
			return len;
		const uint8_t *text = wire_get(r, *label);
		for (size_t i = 0; text && i < *label; i++)
			out[len++] = lower(text[i]);
	}
	r->bad = true;
	return 0;
}

static void skip_name(struct wire_reader *r)
{
	size_t len = 0;

	for (;;) {
		const uint8_t *label = wire_get(r, 1);
		if (!label || *label == 0)
			return;
		if ((*label & POINTER_BITS) == POINTER_BITS) {
			wire_get(r, 1);
			return;
		}
		len += 1u + *label;
		if (*label > WIRE_LABEL_MAX || len >= WIRE_NAME_MAX)
			r->bad = true;
		wire_get(r, *label);
	}
}

void wire_get_record(struct wire_reader *r, struct wire_record *out)
{
	struct wire_record rec = {.start = r->at};

	skip_name(r);
	rec.root_owner = r->at - rec.start == 1;
	rec.type = wire_get16(r);
	rec.class = wire_get16(r);
	rec.ttl = wire_get32(r);
	rec.data_len = wire_get16(r);
	rec.data = wire_get(r, rec.data_len);
	*out = rec;
}

void wire_put(struct wire *w, const void *data, size_t len)
{
	if (w->bad || w->room - w->len < len) {
		w->bad = true;
		return;
	}
	if (len)
		memcpy(w->data + w->len, data, len);
	w->len += len;
}

void wire_put16(struct wire *w, uint16_t value)
{
	uint8_t bytes[2];

	wire_store16(bytes, value);
	wire_put(w, bytes, sizeof(bytes));
}

void wire_put32(struct wire *w, uint32_t value)
{
	uint8_t bytes[4];

	wire_store16(bytes, (uint16_t)(value >> 16));
	wire_store16(bytes + 2, (uint16_t)value);
	wire_put(w, bytes, sizeof(bytes));
}

void wire_set16(struct wire *w, size_t at, uint16_t value)
{
	if (!w->bad)
		wire_store16(w->data + at, value);
}

size_t wire_name_from_text(const char *text, size_t len, uint8_t *out)
{
	size_t at = 0, label = 0; /* out[label] is where the length of the current label goes */

	if (len && text[len - 1] == '.')
		len--;
	if (len == 0 || len > WIRE_NAME_MAX - 2)
		return 0;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '.') {
			out[++at] = lower((uint8_t)text[i]);
			continue;
		}
		size_t size = at - label;
		if (size == 0 || size > WIRE_LABEL_MAX)
			return 0;
		out[label] = (uint8_t)size;
		label = ++at;
	}
	return at;
}

void wire_name_print(const uint8_t *name, size_t len, char out[WIRE_NAME_TEXT_MAX])
{
	size_t used = 0, left = 0; /* left: bytes until the next length byte */

	for (size_t i = 0; i < len && used + 5 < WIRE_NAME_TEXT_MAX; i++) {
		uint8_t c = name[i];

		if (left == 0) {
			left = c;
			if (i > 0 && c)
				out[used++] = '.';
			continue;
		}
		left--;
		if (c > ' ' && c < 0x7f && c != '\\' && c != '"')
			out[used++] = (char)c;
		else
			used += (size_t)snprintf(out + used, 5, "\\%03u", c);
	}
	if (used == 0)
		out[used++] = '.';
	out[used] = '\0';
}
