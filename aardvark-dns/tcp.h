/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Clients that ask over TCP. */

#include "aardvark-dns/service.h"
#include "common/cleanup.h"

struct tcp;

int tcp_new(struct service *service, struct tcp **out, struct error *err) must_check;
void tcp_free(struct tcp *t); /* NULL is fine */

/*
 * Takes one connection from a listening socket.
 * Shape:   *zone is where the caller keeps the listener's current data; it must stay valid until
 *          tcp_close_of(zone).
 * Returns  1 if there may be more, 0 if there is none, -errno if none can be taken now.
 */
int tcp_accept(struct tcp *t, int listening_fd, const struct zone_listener *const *zone);

/* Closes the connections that came through this listener. */
void tcp_close_of(struct tcp *t, const struct zone_listener *const *zone);
