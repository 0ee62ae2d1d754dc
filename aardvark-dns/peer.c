/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/peer.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/cleanup.h"

struct addr peer_addr(const union socket_address *sa)
{
	struct addr a = {.family = (uint8_t)sa->any.sa_family};

	if (a.family == AF_INET)
		memcpy(a.bytes, &sa->v4.sin_addr, 4);
	else
		memcpy(a.bytes, &sa->v6.sin6_addr, 16);
	return a;
}

socklen_t peer_sockaddr(const struct addr *addr, uint16_t port, union socket_address *out)
{
	memset(out, 0, sizeof(*out));
	out->any.sa_family = addr->family;
	if (addr->family == AF_INET) {
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, addr->bytes, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_port = htons(port);
	memcpy(&out->v6.sin6_addr, addr->bytes, 16);
	return sizeof(out->v6);
}

bool peer_equal(const struct peer *a, const struct peer *b)
{
	struct addr addr_a = peer_addr(&a->from), addr_b = peer_addr(&b->from);

	/* The port stands at the same place in both families. */
	return addr_equal(&addr_a, &addr_b) && a->from.v4.sin_port == b->from.v4.sin_port;
}

bool peer_is_host(const struct addr *addr)
{
	union socket_address sa;
	socklen_t len = peer_sockaddr(addr, 0, &sa);
	cleanup_close int fd = socket(addr->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, &sa.any, len) == 0;
}
