/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A DHCP client as RFC 2131 describes it, without sockets and clocks: the caller tells what came in
 * and what time it is, the client says what to send and when to wake it. Pure.
 * Units:   times are milliseconds of one clock that never goes back.
 */

#include "netavark/dhcp-proxy/packet.h"

enum client_state {
	CLIENT_SELECTING,  /* waits for an offer */
	CLIENT_REQUESTING, /* waits for the confirmation of an offer */
	CLIENT_BOUND,	   /* waits for T1; nothing is expected from the server */
	CLIENT_RENEWING,   /* asks the server that granted the lease */
	CLIENT_REBINDING,  /* asks any server */
};

enum client_event {
	CLIENT_NOTHING,
	CLIENT_GRANTED, /* client->lease is new, or extended */
	CLIENT_LOST,	/* the lease that was held must not be used any more */
};

struct client_step { /* what the caller has to do */
	enum client_event event;
	bool send;
	struct packet_request message;
};

struct client {
	struct packet_identity who;
	uint32_t (*random)(void);
	enum client_state state;
	int64_t wake;	    /* when to call client_tick() */
	struct addr wanted; /* the address it had; asked for, not insisted on */
	struct terms lease; /* the offer until it is confirmed */
	bool holds;	    /* the lease is granted and not over */
	uint8_t server_mac[MAC_SIZE];
	uint32_t xid;
	int64_t began; /* the exchange */
	int64_t asked; /* the last time a request was sent: a lease counts from there */
	unsigned int tries, refusals;
	int64_t renew_at, rebind_at, over_at;
};

/* Begins with a search for a server. wanted: an address it has had before, or none. */
struct client_step client_start(struct client *c, const struct packet_identity *who,
				const struct addr *wanted, uint32_t (*random)(void), int64_t now);

/* A reply has come; those that are not meant for us, or not now, change nothing. */
struct client_step client_take(struct client *c, const struct packet_reply *reply, int64_t now);

/* The time client->wake has come. Earlier calls change nothing. */
struct client_step client_tick(struct client *c, int64_t now);

/* What gives the lease back. */
struct packet_request client_release(const struct client *c);
