/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Packet sockets that carry DHCP for one hardware address, packet(7). One of the doors. They hear
 * what comes in on an interface before anything else decides about it, as long as they are open.
 */

#include "common/cleanup.h"
#include "common/error.h"
#include "netavark/dhcp-proxy/packet.h"

/* Opens a socket on an interface of the calling thread's namespace; non-blocking, close-on-exec. */
int raw_open(int index, const uint8_t mac[MAC_SIZE], int *out_fd, struct error *err) must_check;

int raw_send(int fd, const struct packet_identity *who, const struct packet_request *request,
	     struct error *err) must_check;

/* The next reply that is waiting. Returns 1, or 0 if there is none. Broken ones are passed over. */
int raw_receive(int fd, struct packet_reply *out) must_check;
