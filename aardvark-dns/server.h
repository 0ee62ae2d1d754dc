/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The listening sockets: one for UDP and one for TCP for every address of the snapshot. */

#include "aardvark-dns/service.h"
#include "common/cleanup.h"
#include "common/error.h"

struct server;

int server_new(struct service *service, struct server **out, struct error *err) must_check;
void server_free(struct server *s); /* NULL is fine */

/*
 * Puts a snapshot into force: closes listeners that are gone, opens new ones, and lets those that
 * stay as they are. What cannot be opened is tried again for a while, and at the next call.
 * Shape:   the old snapshot is not used any more when this returns.
 * Errors:  of the sockets that could not be opened, one line for each; all others are open.
 *          A missing IPv6 address alone is only logged if any other listener is open.
 */
int server_apply(struct server *s, const struct zones *zones, struct error *err) must_check;

/* Closes all sockets and connections. */
void server_close(struct server *s);
