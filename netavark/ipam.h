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

/*
 * What create and setup have in common about subnets and routes. The texts are complete; with_place
 * adds the value and its place in the document.
 */
int ipam_check_overlaps(const struct network_setup *net, struct error *err) must_check;
int ipam_check_gateway(const struct subnet *s, bool with_place, struct error *err) must_check;
int ipam_check_range(const struct subnet *s, bool with_place, struct error *err) must_check;

/*
 * The type of a route, RTN_*, and whether it has a gateway if and only if it needs one. as_written:
 * a refused type is called as in the document, else as upstream's setup calls it.
 */
int ipam_route_type(const struct static_route *route, bool as_written, uint8_t *out,
		    struct error *err) must_check;

/* The whole of one static route. */
int ipam_plan_route(const struct static_route *in, struct route *out, struct error *err) must_check;
