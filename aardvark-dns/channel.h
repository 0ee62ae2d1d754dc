/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Exchanges with DNS servers through c-ares. One exchange is one query to one server; who asks
 * whom after whom is decided in forward.c. c-ares keeps the sockets, matches replies to queries
 * and notices refusals.
 */

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/resolvconf.h"
#include "common/cleanup.h"
#include "common/error.h"

/* Wrong replies to a query that may be accidents. After more than that somebody is guessing. */
#define EXCHANGE_WRONG_MAX 100

struct pool;
struct exchange;

/*
 * An exchange has ended by itself: with a reply to the query, or with NULL if the server refused
 * or could not be reached, or if there were too many wrong replies. The exchange is gone
 * afterwards. Must not call exchange_ functions but exchange_wrong(); activate an event for that.
 */
typedef void (*exchange_done)(struct exchange *x, void *arg, const uint8_t *reply, size_t len);

int pool_new(struct event_base *base, struct pool **out, struct error *err) must_check;
void pool_free(struct pool *p); /* no done function is called; NULL is fine */

/*
 * Sends a query, with a random ID in place of its own. UDP, or a TCP connection.
 * Shape:   server->zone is looked up now: the interface may be new.
 * Returns NULL if the server refused at once, is unknown to the kernel, or nothing can be opened.
 */
struct exchange *exchange_start(struct pool *p, const struct resolver *server, bool tcp,
				const uint8_t *query, size_t len, exchange_done done, void *arg);

/*
 * Sends the same datagram again, from the same socket and with the same ID. Does nothing over TCP.
 * Returns false if the server has refused meanwhile; the exchange is then still to be dropped.
 */
bool exchange_repeat(struct exchange *x);

/* How many wrong replies were ignored. More than EXCHANGE_WRONG_MAX have ended the exchange. */
unsigned int exchange_wrong(const struct exchange *x);

/* Ends an exchange; done is not called. NULL is fine. */
void exchange_drop(struct exchange *x);
