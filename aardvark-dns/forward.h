/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Questions that other DNS servers answer. Servers are asked one after the other; equal questions
 * that are on their way are asked once. Bounded in number, per client and in all.
 */

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/cache.h"
#include "aardvark-dns/peer.h"
#include "aardvark-dns/query.h"
#include "aardvark-dns/resolvconf.h"
#include "aardvark-dns/upstream.h"
#include "common/cleanup.h"
#include "common/error.h"

#define FORWARD_SERVERS_MAX 16

struct forwarder;

/* The end of a question. */
struct forward_end {
	const uint8_t *message; /* for the client; NULL: it gets none */
	size_t len;
	const uint8_t *question; /* as the client has written it */
	size_t question_len;
	bool asked; /* servers were asked */
	uint64_t started_us;
};

/*
 * Called once for every forward_start(), unless forward_forget() comes first; it may call
 * forward_forget().
 */
typedef void (*forward_done)(void *owner, const struct peer *peer, const struct forward_end *end);

struct forward_request {
	const struct query *query;
	const struct resolver *servers;
	size_t n_servers; /* 1 to FORWARD_SERVERS_MAX */
	/*
	 * The servers come from the configuration files. Then a UDP client gets no answer if all
	 * of them fail: upstream's test suite measures that.
	 */
	bool configured;
	bool tcp;	    /* how the client asked, and how we ask */
	struct addr client; /* for the limit per client */
	struct peer peer;   /* handed to done */
	void *owner;	    /* likewise; for forward_forget() */
	forward_done done;
};

/* cache: where answers of servers that are not configured go; lives as long as the forwarder. */
int forwarder_new(struct event_base *base, struct cache *cache, struct forwarder **out,
		  struct error *err) must_check;
void forwarder_free(struct forwarder *f); /* NULL is fine; nobody is told */

/* Everything is copied. done may be called before this returns. */
void forward_start(struct forwarder *f, const struct forward_request *request);

/* What is known about servers, and how many questions wait. */
const struct upstreams *forward_upstreams(const struct forwarder *f);
size_t forward_waiting(const struct forwarder *f);

/* Nothing more is told to this owner. */
void forward_forget(struct forwarder *f, const void *owner);
