/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/query.h"

#define EDNS_DO 0x8000u

bool query_next_option(struct wire_reader *options, uint16_t *out_code, const uint8_t **out_data,
		       uint16_t *out_len)
{
	if (options->bad || options->at == options->len)
		return false;
	*out_code = wire_get16(options);
	*out_len = wire_get16(options);
	*out_data = wire_get(options, *out_len);
	return !options->bad;
}

static bool options_are_fine(const struct wire_record *rec)
{
	struct wire_reader options = {.data = rec->data, .len = rec->data_len};
	uint16_t code, len;
	const uint8_t *data;

	while (query_next_option(&options, &code, &data, &len))
		;
	return !options.bad;
}

/* An OPT record. Its fields have their own meaning (RFC 6891 section 6.1.2). */
static bool take_edns(struct query *q, const struct wire_record *rec)
{
	if (q->edns.present || !rec->root_owner || !options_are_fine(rec))
		return false;
	q->edns = (struct query_edns){
		.present = true,
		.dnssec_ok = rec->ttl & EDNS_DO,
		.version = (uint8_t)(rec->ttl >> 16),
		.size = rec->class,
		.options = rec->data,
		.options_len = rec->data_len,
	};
	return true;
}

static bool read_records(struct wire_reader *r, const uint16_t counts[3], struct query *q)
{
	for (int section = 0; section < 3; section++) {
		for (unsigned int i = 0; i < counts[section] && !r->bad; i++) {
			struct wire_record rec;

			wire_get_record(r, &rec);
			if (!r->bad && section == 2 && rec.type == TYPE_OPT && !take_edns(q, &rec))
				return false;
		}
	}
	return !r->bad;
}

enum query_result query_parse(const uint8_t *bytes, size_t len, struct query *out,
			      enum rcode *out_error)
{
	struct wire_reader r = {.data = bytes, .len = len};
	uint16_t counts[3];

	if (len < WIRE_HEADER_SIZE)
		return QUERY_IGNORE;
	out->bytes = bytes;
	out->id = wire_get16(&r);
	out->flags = wire_get16(&r);
	out->edns = (struct query_edns){0};
	if (out->flags & WIRE_QR)
		return QUERY_IGNORE;
	*out_error = RCODE_NOTIMP;
	if (out->flags & WIRE_OPCODE)
		return QUERY_ERROR;
	*out_error = RCODE_FORMERR;
	if (wire_get16(&r) != 1)
		return QUERY_ERROR;
	for (int i = 0; i < 3; i++)
		counts[i] = wire_get16(&r);
	out->name_len = wire_get_name(&r, out->name);
	out->type = wire_get16(&r);
	out->class = wire_get16(&r);
	out->question_len = r.at - WIRE_HEADER_SIZE;
	return read_records(&r, counts, out) ? QUERY_FINE : QUERY_ERROR;
}
