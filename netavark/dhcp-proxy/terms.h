/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The terms of a lease: everything that a DHCP server has granted, as values. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/netlink.h"

#define TERMS_LIST_MAX	 16
#define TERMS_ROUTES_MAX 32
#define TERMS_NAME_MAX	 256	    /* bytes, NUL included */
#define TERMS_FOR_EVER	 UINT32_MAX /* a lease_time that never ends */

struct terms_list {
	struct addr list[TERMS_LIST_MAX];
	size_t n;
};

struct terms_route {
	struct prefix destination;
	struct addr gateway; /* none: on the link */
};

struct terms {
	uint8_t mac[MAC_SIZE];
	uint32_t lease_time, t1, t2; /* seconds; 0: the server did not say */
	uint32_t mtu;		     /* bytes; 0: the server did not say */
	struct addr address, mask;
	struct addr server;	 /* its identifier, option 54 */
	struct addr next_server; /* siaddr */
	struct terms_list dns, ntp;
	struct terms_list
		routers; /* the default ones; from the classless routes if there are any */
	char domain[TERMS_NAME_MAX], host_name[TERMS_NAME_MAX];
	struct terms_route routes[TERMS_ROUTES_MAX]; /* classless ones but the default */
	size_t n_routes;
};

/* The address with the length of its mask. */
struct prefix terms_prefix(const struct terms *t);

/* Whether a container with the first terms needs other addresses or routes for the second ones. */
bool terms_differ(const struct terms *a, const struct terms *b);

/* As in the lease file and in answers; a new reference. Zeroed terms give an all-empty lease. */
json_t *terms_json(const struct terms *t);
