/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::interface"
#include "netavark/drivers/interface.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"

static int add_name_and_place(const char *name, const struct reader *at, const char *key,
			      struct error *err)
{
	error_explain(err, ": \"%s\"", name);
	return reader_place(at, key, err);
}

int interface_check_name(const char *name, const char *context, const struct reader *at,
			 const char *key, struct error *err)
{
	int code = 0;

	if (strlen(name) >= IFNAMSIZ)
		code = ERANGE;
	else if (strpbrk(name, "/: \t\n\v\f\r") || strcmp(name, ".") == 0 ||
		 strcmp(name, "..") == 0)
		code = EINVAL;
	if (!code)
		return 0;
	fail_netlink(err, code, "%s", context);
	return add_name_and_place(name, at, key, err);
}

int interface_missing(const char *name, const struct reader *at, const char *key, struct error *err)
{
	fail_netlink(err, ENODEV, "%s", "");
	return add_name_and_place(name, at, key, err);
}

/* ---- settings ---- */

struct container_settings {
	const struct network_plan *net;
	struct arena *arena;
};

static int set_container_sysctls(void *arg, struct error *err)
{
	const struct container_settings *s = arg;

	for (size_t i = 0; i < s->net->n_container_sysctls; i++) {
		const struct sysctl_setting *setting = &s->net->container_sysctls[i];
		bool autoconf = text_ends_with(setting->name, "/autoconf");
		int r = sysctl_set(setting, s->arena, NULL, err);

		/* Without IPv6 there is no such setting, and a container may have /proc read-only. */
		if (autoconf && (r == -ENOENT || r == -EROFS))
			continue;
		if (r < 0)
			return r;
	}
	return 0;
}

int interface_set_sysctls(const struct network_plan *net, struct host *h, struct error *err)
{
	struct container_settings settings = {net, h->arena};

	return host_in_container(h, set_container_sysctls, &settings, err);
}

/* ---- routes ---- */

static int add_default_route(const struct network_plan *net, struct host *h,
			     const struct addr *gateway, struct error *err)
{
	struct route route = {
		.destination = {{.family = gateway->family}, 0},
		.gateway = *gateway,
		.metric = net->metric,
		.type = RTN_UNICAST,
	};
	const struct addr_text dst = prefix_print(&route.destination), gw = addr_print(gateway);

	log_info("Adding route (dest: %s, gw: %s, metric %u)", dst.s, gw.s, route.metric);
	int r = route_add(h->container_nl, &route, err);
	return r < 0 ? wrap(err, "add default route (dest: %s, gw: %s, metric %u)", dst.s, gw.s,
			    route.metric)
		     : 0;
}

static int add_default_routes(const struct network_plan *net, struct host *h, struct error *err)
{
	static const int families[] = {AF_INET, AF_INET6};

	if (net->internal || net->no_default_route)
		return 0;
	for (size_t f = 0; f < array_size(families); f++) {
		for (size_t i = 0; i < net->n_gateways; i++) {
			if (net->gateways[i].addr.family != families[f])
				continue;
			int r = add_default_route(net, h, &net->gateways[i].addr, err);
			if (r < 0)
				return r;
			break;
		}
	}
	return 0;
}

static char *route_shown(struct arena *a, const struct route *r)
{
	const char *type = r->type == RTN_BLACKHOLE	? "Blackhole "
			   : r->type == RTN_UNREACHABLE ? "Unreachable "
			   : r->type == RTN_PROHIBIT	? "Prohibit "
							: "";

	if (r->gateway.family)
		return arena_printf(a, "(dest: %s, gw: %s, metric %u)", prefix_str(&r->destination),
				    addr_str(&r->gateway), r->metric);
	return arena_printf(a, "(%sdest: %s, metric %u)", type, prefix_str(&r->destination),
			    r->metric);
}

static int add_static_routes(const struct network_plan *net, struct host *h, struct error *err)
{
	for (size_t i = 0; i < net->n_routes; i++) {
		const char *shown = route_shown(h->arena, &net->routes[i]);

		log_info("Adding route %s", shown);
		int r = route_add(h->container_nl, &net->routes[i], err);
		if (r < 0)
			return wrap(err, "add static route %s", shown);
	}
	return 0;
}

int interface_configure(const struct network_plan *net, struct host *h, int index, const char *what,
			struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < net->n_addresses; i++)
		r = address_add(h->container_nl, index, &net->addresses[i].prefix, NULL, err);
	if (r < 0)
		return wrap(err, "add ip addr to %s", what);
	r = link_set_up(h->container_nl, index, NULL, err);
	if (r < 0)
		return wrap(err, "set %s up", what);
	r = add_default_routes(net, h, err);
	return r < 0 ? r : add_static_routes(net, h, err);
}

/* ---- teardown ---- */

void interface_remove_routes(const struct network_plan *net, struct host *h, struct error *all)
{
	for (size_t i = 0; i < net->n_routes; i++) {
		struct error err;

		log_info("Deleting route %s", route_shown(h->arena, &net->routes[i]));
		int r = route_delete(h->container_nl, &net->routes[i], &err);
		if (r < 0 && r != -ESRCH)
			error_collect(all, &err);
	}
}

int interface_delete(const struct network_plan *net, struct host *h, struct error *err)
{
	struct link_info link;
	int r = link_find(h->container_nl, net->container_if, &link, err);

	if (r < 0)
		return r;
	return link.index ? link_delete(h->container_nl, link.index, err)
			  : fail_netlink(err, ENODEV, "%s", "");
}
