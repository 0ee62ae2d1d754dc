/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/attached.h"

#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "aardvark-dns/peer.h"

#define ASK_AGAIN_MS 1000

static bool is_ip(const struct sockaddr *sa)
{
	return sa && (sa->sa_family == AF_INET || sa->sa_family == AF_INET6);
}

static struct addr addr_of(const struct sockaddr *sa)
{
	union socket_address copy = {0};

	memcpy(&copy, sa, sa->sa_family == AF_INET ? sizeof(copy.v4) : sizeof(copy.v6));
	return peer_addr(&copy);
}

/* Whether we listen on an address of this interface. */
static bool is_ours(const struct ifaddrs *all, const char *interface, const struct zones *zones)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!is_ip(i->ifa_addr) || strcmp(i->ifa_name, interface) != 0)
			continue;
		struct addr addr = addr_of(i->ifa_addr), any = {.family = addr.family};
		if (zones_find_listener(zones, &addr) || zones_find_listener(zones, &any))
			return true;
	}
	return false;
}

static void add_subnet(struct attached *a, const struct ifaddrs *i)
{
	void *list = realloc(a->list, (a->n + 1) * sizeof(*a->list));

	if (!list)
		return;
	a->list = list;
	a->list[a->n++] = (struct attached_subnet){addr_of(i->ifa_addr), addr_of(i->ifa_netmask)};
}

static void read_subnets(struct attached *a, const struct zones *zones)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;
	a->n = 0;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (is_ip(i->ifa_addr) && is_ip(i->ifa_netmask) && is_ours(all, i->ifa_name, zones))
			add_subnet(a, i);
	freeifaddrs(all);
}

static bool contains(const struct attached_subnet *s, const struct addr *addr)
{
	if (s->addr.family != addr->family)
		return false;
	for (size_t i = 0; i < addr_size(addr); i++)
		if ((s->addr.bytes[i] ^ addr->bytes[i]) & s->mask.bytes[i])
			return false;
	return true;
}

static bool find(const struct attached *a, const struct addr *addr)
{
	for (size_t i = 0; i < a->n; i++)
		if (contains(&a->list[i], addr))
			return true;
	return false;
}

bool attached_has(struct attached *a, const struct zones *zones, const struct addr *addr,
		  uint64_t now_ms)
{
	if (find(a, addr))
		return true;
	if (a->read_ms == 0 || now_ms >= a->read_ms + ASK_AGAIN_MS) {
		a->read_ms = now_ms;
		read_subnets(a, zones);
		if (find(a, addr))
			return true;
	}
	return peer_is_host(addr);
}

void attached_forget(struct attached *a)
{
	free(a->list);
	*a = (struct attached){0};
}
