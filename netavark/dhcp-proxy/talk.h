/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The connections of callers: one request each, answered when the lease is there (see
 * netavark/dhcp_message.h). How many there are, how long a request may be and how long it may take to
 * come is limited; further callers wait in the socket's queue.
 */

#include <event2/event.h>

#include "netavark/dhcp-proxy/keeper.h"

struct talks;

/* on_request is called for every request that could be read. */
int talk_open_all(struct event_base *base, struct keepers *keepers, int listening_fd,
		  void (*on_request)(void *arg), void *arg, struct talks **out,
		  struct error *err) must_check;

/* Ends all connections; the listening socket stays open. NULL is allowed. */
void talk_close_all(struct talks *all);
