/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::dhcp_proxy"
#include "netavark/dhcp-proxy/install.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "common/log.h"

int install_open(const struct install_target *target, struct host *h, struct link_info *out,
		 struct error *err)
{
	int r = host_open_container(h, target->ns_path, err);

	if (r == 0)
		r = link_find(h->container_nl, target->interface, out, err);
	if (r == 0 && !out->index)
		r = fail_netlink(err, ENODEV, "%s", "");
	return r;
}

/* A gateway outside of the subnet is taken to be on the link: the server must know. */
static struct route route_from(const struct terms *t, int index, const struct prefix *destination,
			       const struct addr *gateway, uint32_t metric)
{
	const struct prefix subnet = terms_prefix(t);

	return (struct route){
		.destination = *destination,
		.gateway = *gateway,
		.metric = metric,
		.type = RTN_UNICAST,
		.link = index,
		.on_link = gateway->family && !prefix_contains(&subnet, gateway),
	};
}

typedef int (*route_fn)(struct nl_sock *nl, const struct route *route, struct error *err);

/* Calls fn for every route of the lease until one fails, but an error of the code `fine` is none. */
static int for_routes(const struct install_target *target, const struct terms *t, struct host *h,
		      int index, route_fn fn, int fine, struct error *err)
{
	static const struct prefix everything = {{.family = AF_INET}, 0};
	int r = 0;

	for (size_t i = 0; (r == 0 || r == fine) && i < t->n_routes; i++) {
		const struct terms_route *tr = &t->routes[i];
		const struct route route =
			route_from(t, index, &tr->destination, &tr->gateway, target->metric);

		if (tr->destination.len || !target->no_default_route)
			r = fn(h->container_nl, &route, err);
	}
	if ((r == 0 || r == fine) && t->routers.n && !target->no_default_route) {
		const struct route route =
			route_from(t, index, &everything, &t->routers.list[0], target->metric);

		r = fn(h->container_nl, &route, err);
	}
	return r == fine ? 0 : r;
}

static int add_routes(const struct install_target *target, const struct terms *t, struct host *h,
		      int index, struct error *err)
{
	int r = for_routes(target, t, h, index, route_add, -EEXIST, err);

	return r < 0 ? wrap(err, "add route") : 0;
}

int install_add(const struct install_target *target, const struct terms *t, struct host *h,
		int index, struct error *err)
{
	const struct prefix p = terms_prefix(t);
	int r = address_add(h->container_nl, index, &p, &h->undo, err);

	if (r == -EEXIST) /* of a lease before this one */
		r = 0;
	if (r < 0)
		return wrap(err, "add ip addr");
	return add_routes(target, t, h, index, err);
}

/*
 * The new address comes before the old one goes, so that the interface is never without. If both are
 * in one subnet, the kernel takes the younger one away together with the elder: hence the second look.
 */
static int exchange_addresses(struct host *h, int index, const struct prefix *old,
			      const struct prefix *new, struct error *err)
{
	bool there = true;
	int r = 0;

	if (new)
		r = address_add(h->container_nl, index, new, NULL, err);
	if (r < 0 && r != -EEXIST)
		return r;
	r = old ? address_delete(h->container_nl, index, old, err) : 0;
	if (r == -EADDRNOTAVAIL) /* the container has removed it itself */
		r = 0;
	if (r == 0 && new)
		r = address_exists(h->container_nl, index, new, &there, err);
	return r == 0 && !there ? address_add(h->container_nl, index, new, NULL, err) : r;
}

static int replace_open(const struct install_target *target, const struct terms *old,
			const struct terms *new, struct host *h, int index, struct error *err)
{
	struct prefix before, after;
	int r = 0;

	if (old) {
		before = terms_prefix(old);
		r = for_routes(target, old, h, index, route_delete, -ESRCH, err);
		if (r < 0)
			return wrap(err, "delete route");
	}
	if (new)
		after = terms_prefix(new);
	if (!old || !new || !prefix_equal(&before, &after))
		r = exchange_addresses(h, index, old ? &before : NULL, new ? &after : NULL, err);
	if (r < 0)
		return wrap(err, "change ip addr");
	return new ? add_routes(target, new, h, index, err) : 0;
}

int install_replace(const struct install_target *target, const struct terms *old,
		    const struct terms *new, struct error *err)
{
	struct host h = HOST_CLOSED;
	struct link_info link = {0};
	int r = host_open(&h, err);

	if (r == 0)
		r = install_open(target, &h, &link, err);
	if (r == 0)
		r = replace_open(target, old, new, &h, link.index, err);
	host_close(&h);
	return r;
}
