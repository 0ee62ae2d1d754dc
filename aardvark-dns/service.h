/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What both transports share: the data in force, and what happens to queries of other names. */

#include <event2/event.h>
#include <stdint.h>

#include "aardvark-dns/answer.h"
#include "aardvark-dns/attached.h"
#include "aardvark-dns/cache.h"
#include "aardvark-dns/forward.h"
#include "aardvark-dns/relay.h"
#include "aardvark-dns/stats.h"
#include "aardvark-dns/resolvconf.h"
#include "aardvark-dns/zones.h"

#define SERVICE_UDP_MAX (RELAY_UDP_MAX + 512) /* bytes of any reply over UDP */

struct service {
	struct event_base *base;
	const struct zones *zones; /* replaced as a whole by a reload */
	struct answer_rules rules;
	struct resolvconf resolvconf;
	struct cache *cache;
	struct forwarder *forwarder;
	struct stats *stats;
	struct attached attached;
	/* Whom to tell of every query that has found its end; NULL: nobody. */
	void (*tell)(void *arg, const struct finished *f);
	void *tell_arg;
	uint64_t turn_us; /* when queries were handed over; only kept if somebody wants to know */
	uint16_t port;	  /* of every listener, host order */
	struct {
		bool looked; /* at the file in this turn of the loop */
		bool known;  /* cleared when the snapshot or the file changes */
		struct resolver list[RESOLVCONF_SERVERS_MAX];
		size_t n;
		uint64_t set; /* for the cache */
	} host;		      /* the host's servers, own listeners left out */
};

/* Puts another snapshot into force. */
void service_set_zones(struct service *s, const struct zones *zones);

/*
 * Refuses a query of a client that is neither a container that we know nor near: writes another
 * reply in place of the one that is there. Returns false if the client is served.
 */
bool service_refuses(struct service *s, const struct answer_context *c, const struct addr *client,
		     struct wire *reply);

/* Reads the file that names the host's servers again if it has changed. */
void service_refresh(struct service *s);

/*
 * Called when the loop hands over queries: the first one that needs the host's servers looks at
 * the file, the others take its word.
 */
void service_new_turn(struct service *s);

/*
 * The answer of the cache to a query that answer() wants forwarded, if there is one.
 * Shape:   the verdict was ANSWER_FORWARD. reply is empty and has room for SERVICE_UDP_MAX bytes,
 *          over TCP for WIRE_TCP_MAX.
 */
bool service_cached(struct service *s, const struct answer_context *c, bool tcp,
		    struct wire *reply);

/* Who waits for the end of a forward. */
struct waiter {
	struct peer peer;
	struct addr client;
	bool tcp;
	void *owner;
	forward_done done;
};

/* A query was answered at once; counts it. c is from answer(). */
void service_answered(struct service *s, const struct answer_context *c, const struct asked *asked,
		      enum source source, const uint8_t *reply, size_t len);

/* The end of a query that was given to service_forward(); counts it. */
void service_forwarded(struct service *s, const struct zone_listener *listener,
		       const struct addr *client, bool tcp, const struct forward_end *end);

/*
 * Handles a query that answer() does not answer itself: forwards it, or refuses that.
 * Shape:   verdict is one of the ANSWER_FORWARD… values. done may be called before this returns.
 */
void service_forward(struct service *s, enum answer verdict, const struct answer_context *c,
		     const struct waiter *w);
