/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Planning the addresses of one network from the document. Pure. */

#include "netavark/plan.h"

/* Fills subnets, gateways, addresses, routes and the IPAM kind of out. */
int ipam_plan(const struct plan *plan, const struct network_setup *net, struct network_plan *out,
	      struct error *err) must_check;

/*
 * The range of addresses that containers may get automatically: without the network's own, the
 * IPv4 broadcast and the IPv6 subnet-router anycast address, narrowed by lease_range. Returns false
 * if no address is left.
 */
bool ipam_range(const struct subnet *s, struct addr *first, struct addr *last);
