/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::ipam"
#include "netavark/ipam.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "common/log.h"

bool ipam_range(const struct subnet *s, struct addr *first, struct addr *last)
{
	struct prefix net = prefix_masked(&s->net);
	bool ipv4 = net.addr.family == AF_INET;
	struct addr bound;

	if (net.len > (ipv4 ? 30 : 127))
		return false;
	*first = addr_plus(&net.addr, 1);
	*last = prefix_last(&net);
	if (ipv4)
		last->bytes[3]--; /* all ones: never below zero */
	if (s->start && addr_parse(s->start, &bound) && addr_compare(&bound, first) > 0)
		*first = bound;
	if (s->end && addr_parse(s->end, &bound) && addr_compare(&bound, last) < 0)
		*last = bound;
	return addr_compare(first, last) <= 0;
}

static int check_bound(const struct subnet *s, const char *name, const char *text, bool with_place,
		       struct addr *out, struct error *err)
{
	int r = 0;

	if (!text)
		return 0;
	if (!addr_parse(text, out))
		r = fail(err, EINVAL, "invalid %s: invalid IP address syntax%s%s%s", name,
			 with_place ? ": \"" : "", with_place ? text : "", with_place ? "\"" : "");
	else if (!prefix_contains(&s->net, out))
		r = fail(err, EINVAL, "lease range %s %s not in subnet %s", name, addr_str(out),
			 prefix_str(&s->net));
	return r < 0 && with_place ? reader_place(&s->at, "lease_range", err) : r;
}

int ipam_check_range(const struct subnet *s, bool with_place, struct error *err)
{
	struct addr start = {0}, end = {0};
	int r = check_bound(s, "start_ip", s->start, with_place, &start, err);

	if (r == 0)
		r = check_bound(s, "end_ip", s->end, with_place, &end, err);
	if (r < 0 || !start.family || !end.family || addr_compare(&start, &end) <= 0)
		return r;
	r = fail(err, EINVAL, "lease range start_ip %s must be less than or equal to end_ip %s",
		 addr_str(&start), addr_str(&end));
	return with_place ? reader_place(&s->at, "lease_range", err) : r;
}

static int check_room(const struct subnet *s, struct error *err)
{
	struct addr first, last;

	if (ipam_range(s, &first, &last))
		return 0;
	fail(err, EINVAL, "IPAM error: failed to find free IP in range: %s has no room",
	     prefix_str(&s->net));
	return reader_place(&s->at, "subnet", err);
}

int ipam_check_overlaps(const struct network_setup *net, struct error *err)
{
	for (size_t i = 0; i < net->n_subnets; i++) {
		const struct prefix *p = &net->subnets[i].net;

		for (size_t k = 0; k < i; k++) {
			const struct prefix *other = &net->subnets[k].net;

			if (prefix_equal(p, other))
				return fail(err, EINVAL, "duplicate subnet defined: %s",
					    prefix_str(other));
			if (prefix_overlaps(p, other))
				return fail(err, EINVAL, "overlapping subnets: %s and %s",
					    prefix_str(other), prefix_str(p));
		}
	}
	return 0;
}

int ipam_check_gateway(const struct subnet *s, bool with_place, struct error *err)
{
	if (!s->gateway.family || prefix_contains(&s->net, &s->gateway))
		return 0;
	int r = fail(err, EINVAL, "gateway %s not in subnet %s", addr_str(&s->gateway),
		     prefix_str(&s->net));
	return with_place ? reader_place(&s->at, "gateway", err) : r;
}

static void plan_subnets(const struct plan *plan, const struct network_setup *net,
			 struct network_plan *out)
{
	out->subnets = net->subnets;
	out->n_subnets = net->n_subnets;
	out->gateways = arena_alloc(plan->arena, net->n_subnets * sizeof(*out->gateways));
	for (size_t i = 0; i < net->n_subnets; i++) {
		const struct subnet *s = &net->subnets[i];

		out->has_ipv6 |= s->net.addr.family == AF_INET6;
		if (s->gateway.family)
			out->gateways[out->n_gateways++] = (struct prefix){s->gateway, s->net.len};
	}
}

static int check_static_ips(const struct network_setup *net, struct error *err)
{
	const struct attachment *me = &net->me;

	for (size_t i = 0; i < me->n_static_ips; i++)
		for (size_t k = 0; k < i; k++)
			if (addr_equal(&me->static_ips[i], &me->static_ips[k])) {
				fail(err, EINVAL, "duplicate static ip %s",
				     addr_str(&me->static_ips[i]));
				return reader_place(&me->at, "static_ips", err);
			}
	return 0;
}

/* Subnet order first, then the order of static_ips inside each subnet. */
static int plan_static(const struct plan *plan, const struct network_setup *net,
		       struct network_plan *out, struct error *err)
{
	const struct attachment *me = &net->me;
	int r = check_static_ips(net, err);

	if (r < 0)
		return r;
	out->addresses = arena_alloc(plan->arena, me->n_static_ips * sizeof(*out->addresses));
	for (size_t i = 0; i < net->n_subnets; i++) {
		const struct subnet *s = &net->subnets[i];

		for (size_t k = 0; k < me->n_static_ips; k++)
			if (prefix_contains(&s->net, &me->static_ips[k]))
				out->addresses[out->n_addresses++] = (struct address_plan){
					.prefix = {me->static_ips[k], s->net.len},
					.gateway = s->gateway,
				};
	}
	if (net->has_subnets && out->n_addresses != me->n_static_ips)
		return fail(err, EINVAL,
			    "not all static IPs matched a subnet: expected %zu, got %zu",
			    me->n_static_ips, out->n_addresses);
	return 0;
}

/* ---- routes ---- */

int ipam_route_type(const struct static_route *route, bool as_written, uint8_t *out,
		    struct error *err)
{
	static const struct {
		const char *text, *shown;
		uint8_t type;
	} types[] = {
		{"", "Unicast", RTN_UNICAST},
		{"unicast", "Unicast", RTN_UNICAST},
		{"blackhole", "BlackHole", RTN_BLACKHOLE},
		{"unreachable", "Unreachable", RTN_UNREACHABLE},
		{"prohibit", "Prohibit", RTN_PROHIBIT},
	};
	const struct addr_text dst = prefix_print(&route->destination);
	size_t i = 0;

	while (i < array_size(types) && strcmp(route->type, types[i].text) != 0)
		i++;
	if (i == array_size(types))
		return fail(err, EINVAL, "invalid route type \"%s\"", route->type);
	if (types[i].type == RTN_UNICAST && !route->gateway.family)
		return fail(err, EINVAL, "route %s requires a gateway for type unicast", dst.s);
	if (types[i].type != RTN_UNICAST && route->gateway.family)
		return fail(err, EINVAL, "route %s must not have a gateway for type %s", dst.s,
			    as_written ? types[i].text : types[i].shown);
	*out = types[i].type;
	return 0;
}

int ipam_plan_route(const struct static_route *in, struct route *out, struct error *err)
{
	const struct addr_text dst = prefix_print(&in->destination);
	int r = ipam_route_type(in, false, &out->type, err);

	if (r < 0)
		return r;
	if (in->gateway.family && in->gateway.family != in->destination.addr.family)
		return fail(err, EINVAL, "route with %s destination and %s gateway (%s via %s)",
			    in->destination.addr.family == AF_INET ? "ipv4" : "ipv6",
			    in->gateway.family == AF_INET ? "ipv4" : "ipv6", dst.s,
			    addr_str(&in->gateway));
	out->destination = in->destination;
	out->gateway = in->gateway;
	out->metric = in->metric;
	return 0;
}

static int plan_routes(const struct plan *plan, const struct network_setup *net,
		       struct network_plan *out, struct error *err)
{
	out->routes = arena_alloc(plan->arena, net->n_routes * sizeof(*out->routes));
	for (size_t i = 0; i < net->n_routes; i++) {
		int r = ipam_plan_route(&net->routes[i], &out->routes[out->n_routes], err);

		if (r < 0)
			return r;
		out->n_routes++;
	}
	return 0;
}

static int plan_host_local(const struct plan *plan, const struct network_setup *net,
			   struct network_plan *out, struct error *err)
{
	int r = ipam_check_overlaps(net, err);

	for (size_t i = 0; r == 0 && i < net->n_subnets; i++)
		r = ipam_check_gateway(&net->subnets[i], true, err);
	if (r < 0)
		return r;
	plan_subnets(plan, net, out);
	if (net->n_subnets && !net->me.n_static_ips)
		out->ipam = IPAM_AUTOMATIC;
	for (size_t i = 0; r == 0 && out->ipam == IPAM_AUTOMATIC && i < net->n_subnets; i++) {
		r = ipam_check_range(&net->subnets[i], true, err);
		if (r == 0)
			r = check_room(&net->subnets[i], err);
	}
	if (r == 0 && out->ipam == IPAM_STATIC)
		r = plan_static(plan, net, out, err);
	return r < 0 ? r : plan_routes(plan, net, out, err);
}

int ipam_plan(const struct plan *plan, const struct network_setup *net, struct network_plan *out,
	      struct error *err)
{
	const char *driver = net->ipam_driver ? net->ipam_driver : "host-local";

	if (strcmp(driver, "none") == 0) {
		out->ipam = IPAM_NONE;
		return 0;
	}
	if (strcmp(driver, "dhcp") == 0) {
		out->ipam = IPAM_DHCP; /* the driver says what it thinks of it */
		return 0;
	}
	if (strcmp(driver, "host-local") != 0)
		return fail(err, EINVAL, "unsupported ipam driver %s", driver);
	return plan_host_local(plan, net, out, err);
}
