/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is known about the DNS servers that were asked: whether they answer, and how fast. Kept for
 * each transport on its own. Bounded: the one that was not used for longest is forgotten.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/resolvconf.h"

#define UPSTREAMS_MAX	     64
#define UPSTREAM_BUCKETS     35
#define UPSTREAM_PENALTY_MS  2000 /* after the first failure; doubled with each further one */
#define UPSTREAM_PENALTY_MAX 60000

struct upstream {
	struct resolver server; /* family 0: this place is free */
	bool tcp;
	uint64_t used_ms;
	unsigned int failures; /* in a row, each after a penalty */
	uint64_t bad_until_ms;
	struct upstream_counts {
		uint64_t asked, answered, failed;
		uint64_t wrong;			/* replies that were none */
		uint64_t rtt[UPSTREAM_BUCKETS]; /* by upstream_bucket_us() */
	} counts;
};

struct upstreams {
	struct upstream list[UPSTREAMS_MAX];
};

enum upstream_state {
	UPSTREAM_GOOD,
	UPSTREAM_PROBE, /* it failed, but that is some time ago: worth another try */
	UPSTREAM_BAD,
};

/* The entry of a server, made if there is none. It is valid until the next call. */
struct upstream *upstream_get(struct upstreams *u, const struct resolver *server, bool tcp,
			      uint64_t now_ms);

enum upstream_state upstream_state(const struct upstream *up, uint64_t now_ms);

/* It was asked and did not answer, or refused. Failures during a penalty count as one. */
void upstream_failed(struct upstream *up, uint64_t now_ms);
void upstream_answered(struct upstream *up, uint64_t rtt_us);

/* The longest time, in microseconds, that falls into a bucket. */
uint64_t upstream_bucket_us(size_t bucket);

/* The time that a share of the answers, in percent, has not exceeded; 0 if there was none. */
uint64_t upstream_quantile_us(const struct upstream_counts *c, unsigned int percent);
