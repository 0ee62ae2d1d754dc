/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/upstream.h"

#include <string.h>

static bool is_of(const struct upstream *up, const struct resolver *server, bool tcp)
{
	return up->server.addr.family && up->tcp == tcp &&
	       addr_equal(&up->server.addr, &server->addr) &&
	       strcmp(up->server.zone, server->zone) == 0;
}

struct upstream *upstream_get(struct upstreams *u, const struct resolver *server, bool tcp,
			      uint64_t now_ms)
{
	struct upstream *oldest = &u->list[0];

	for (size_t i = 0; i < UPSTREAMS_MAX; i++) {
		struct upstream *up = &u->list[i];

		if (is_of(up, server, tcp)) {
			up->used_ms = now_ms;
			return up;
		}
		if (up->used_ms < oldest->used_ms)
			oldest = up;
	}
	*oldest = (struct upstream){.server = *server, .tcp = tcp, .used_ms = now_ms};
	return oldest;
}

enum upstream_state upstream_state(const struct upstream *up, uint64_t now_ms)
{
	if (!up->failures)
		return UPSTREAM_GOOD;
	return now_ms < up->bad_until_ms ? UPSTREAM_BAD : UPSTREAM_PROBE;
}

void upstream_failed(struct upstream *up, uint64_t now_ms)
{
	uint64_t penalty = UPSTREAM_PENALTY_MS;

	up->counts.failed++;
	if (upstream_state(up, now_ms) == UPSTREAM_BAD)
		return;
	for (unsigned int i = 0; i < up->failures && penalty < UPSTREAM_PENALTY_MAX; i++)
		penalty *= 2;
	up->failures++;
	up->bad_until_ms =
		now_ms + (penalty < UPSTREAM_PENALTY_MAX ? penalty : UPSTREAM_PENALTY_MAX);
}

/* Two buckets for each doubling, from 64 µs to 6 s, and one for the rest. */
uint64_t upstream_bucket_us(size_t bucket)
{
	return bucket + 1 >= UPSTREAM_BUCKETS ? UINT64_MAX
					      : (bucket % 2 ? 91ULL : 64ULL) << bucket / 2;
}

void upstream_answered(struct upstream *up, uint64_t rtt_us)
{
	size_t bucket = 0;

	while (rtt_us > upstream_bucket_us(bucket))
		bucket++;
	up->counts.rtt[bucket]++;
	up->counts.answered++;
	up->failures = 0;
}

uint64_t upstream_quantile_us(const struct upstream_counts *c, unsigned int percent)
{
	uint64_t seen = 0, wanted = (c->answered * percent + 99) / 100;

	for (size_t i = 0; i < UPSTREAM_BUCKETS && c->answered; i++) {
		seen += c->rtt[i];
		if (seen >= wanted)
			return upstream_bucket_us(i);
	}
	return 0;
}
