/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What both transports share: the data in force, and what happens to queries of other names. */

#include <event2/event.h>
#include <stdint.h>

#include "aardvark-dns/answer.h"
#include "aardvark-dns/forward.h"
#include "aardvark-dns/resolvconf.h"
#include "aardvark-dns/zones.h"

struct service {
	struct event_base *base;
	const struct zones *zones; /* replaced as a whole by a reload */
	struct answer_rules rules;
	struct resolvconf resolvconf;
	struct forwarder *forwarder;
	uint16_t port; /* of every listener, host order */
};

/* Who waits for the end of a forward. */
struct waiter {
	struct peer peer;
	struct addr client;
	bool tcp;
	void *owner;
	forward_done done;
};

/*
 * Handles a query that answer() does not answer itself: forwards it, or refuses that.
 * Shape:   verdict is one of the ANSWER_FORWARD… values. done may be called before this returns.
 */
void service_forward(struct service *s, enum answer verdict, const struct answer_context *c,
		     const struct waiter *w);
