/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * DHCP messages inside UDP, IPv4 and Ethernet: values to bytes and back. Pure.
 * Source:  RFC 2131, 2132, 3442 (classless routes; 249 is Microsoft's number for them).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "netavark/dhcp-proxy/terms.h"

#define PACKET_MAX	     1024 /* bytes; the longest message we send is below it */
#define PACKET_CLIENT_ID_MAX 255
#define PACKET_HOST_NAME_MAX 255

enum packet_type {
	PACKET_DISCOVER = 1,
	PACKET_OFFER = 2,
	PACKET_REQUEST = 3,
	PACKET_ACK = 5,
	PACKET_NAK = 6,
	PACKET_RELEASE = 7,
};

struct packet_identity { /* who asks */
	uint8_t mac[MAC_SIZE];
	uint8_t client_id[PACKET_CLIENT_ID_MAX]; /* option 61 */
	size_t client_id_len;			 /* 0: not sent */
	char host_name[PACKET_HOST_NAME_MAX + 1];
};

struct packet_request {
	enum packet_type type;
	uint32_t xid;
	uint16_t secs;		       /* since the exchange began */
	struct addr ciaddr;	       /* none, or the address that is held */
	struct addr requested, server; /* options 50 and 54; none: left out */
	bool unicast;		       /* from ciaddr to the server at server_mac, else broadcast */
	uint8_t server_mac[MAC_SIZE];
	struct addr server_addr;
};

struct packet_reply {
	enum packet_type type;
	uint32_t xid;
	uint8_t from[MAC_SIZE]; /* the hardware address of who sent the frame */
	struct terms terms;
};

/* Writes a whole Ethernet frame. Returns its length. */
size_t packet_build(const struct packet_identity *who, const struct packet_request *request,
		    uint8_t out[PACKET_MAX]);

/*
 * Reads a whole Ethernet frame. Returns false if it is no reply of a DHCP server, or a broken one.
 * Checksums are not looked at: between interfaces of one machine nobody computes them.
 */
bool packet_parse(const uint8_t *frame, size_t len, struct packet_reply *out);
