/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message of a server: checked, kept, and handed to a client.
 * Input: one byte of choices; the message. Its ID is made to fit, as no fuzzer needs to guess it.
 */
#include "tests/fuzz/fuzz.h"

#include "aardvark-dns/cache.h"
#include "aardvark-dns/relay.h"

static const uint8_t query[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0\1a\1b\0\0\1\0\1";
#define QUERY_SIZE (sizeof(query) - 1)

static void check_relayed(const struct relay_client *client, const struct wire *out, size_t len)
{
	size_t least = WIRE_HEADER_SIZE + client->question_len + 11;

	must(!out->bad && out->len <= (client->limit > least ? client->limit : least));
	must(out->len <= len + 11);
	must(wire_load16(out->data) == client->id);
	must(memcmp(out->data + WIRE_HEADER_SIZE, client->question, client->question_len) == 0);
}

static void check_cached(struct cache *cache, const struct query *q, const uint8_t *reply,
			 size_t len)
{
	struct cache_key key;
	size_t found_len;

	must(cache_key_make(q, 0, &key));
	cache_add(cache, &key, 100, reply, len);
	const uint8_t *found = cache_find(cache, &key, 100, &found_len);
	must(!found || (found_len == len && memcmp(found + 4, reply + 4, len - 4) == 0));
	found = cache_find(cache, &key, 103, &found_len);
	must(!found || found_len == len);
	must(!cache_find(cache, &key, 100 + CACHE_SECONDS_MAX, &found_len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t reply[WIRE_TCP_MAX], room[2 * WIRE_TCP_MAX];
	static struct cache *cache;
	enum rcode error;
	struct query q;

	if (size < 1 || size - 1 > sizeof(reply))
		return 0;
	if (!cache)
		cache = cache_new(CACHE_BYTES_DEFAULT);
	size_t len = size - 1;
	memcpy(reply, data + 1, len);
	if (len >= 2)
		memcpy(reply, query, 2);
	must(query_parse(query, QUERY_SIZE, &q, &error) == QUERY_FINE);
	if (!relay_is_reply(query, QUERY_SIZE, reply, len))
		return 0;
	struct relay_client client = relay_client_of(&q, data[0] & 1 ? 512 : WIRE_TCP_MAX);
	client.edns = data[0] & 2;
	struct wire out = {.data = room, .room = sizeof(room)};
	relay_reply(&client, reply, len, &out);
	check_relayed(&client, &out, len);
	check_cached(cache, &q, reply, len);
	return 0;
}
