/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The other end of a query, and addresses as the kernel has them. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/addr.h"

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct peer {
	union socket_address from;
	socklen_t from_len;
	struct addr to;	   /* our address, if the socket is bound to none; else family 0 */
	uint32_t to_index; /* interface of a link-local one */
};

struct addr peer_addr(const union socket_address *sa);

/* Returns the length to pass to bind(2) or connect(2). port is in host order. */
socklen_t peer_sockaddr(const struct addr *addr, uint16_t port, union socket_address *out);

bool peer_equal(const struct peer *a, const struct peer *b);

/* Whether this host has the address: the kernel lets us bind to it. */
bool peer_is_host(const struct addr *addr);
