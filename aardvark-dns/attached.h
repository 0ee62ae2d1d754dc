/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Who is near: the subnets of the interfaces that have an address we listen on, and this host. A
 * query of anybody else has come by way of a router, and the names of containers, and forwarding
 * for strangers, are none of its business.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/zones.h"
#include "common/addr.h"

struct attached {
	struct attached_subnet {
		struct addr addr, mask;
	} * list;
	size_t n;
	uint64_t read_ms; /* 0: not read */
};

/*
 * Whether an address is near. Asks the kernel at most once a second, and only about addresses that
 * are in none of the subnets known so far.
 */
bool attached_has(struct attached *a, const struct zones *zones, const struct addr *addr,
		  uint64_t now_ms);

/* The listeners have changed. */
void attached_forget(struct attached *a);
