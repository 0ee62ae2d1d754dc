/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::bridge"
#include "netavark/drivers/bridge.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "netavark/hash.h"
#include "netavark/ipam.h"
#include "netavark/number.h"

#define DEFAULT_ROUTE_METRIC 100

static const char *value_of(const struct network_setup *net, const char *key)
{
	const struct option *o = option_find(net->options, net->n_options, key);

	return o ? o->value : NULL;
}

/*
 * The kernel refuses such names too, but only after other things were made. The text is the
 * kernel's own error behind the context it would appear in.
 */
static int check_interface_name(const char *name, const char *context, const struct reader *at,
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
	size_t used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": \"%s\"", name);
	return reader_place(at, key, err);
}

static int plan_names(const struct plan *plan, const struct network_setup *net,
		      struct network_plan *out, struct error *err)
{
	const struct option *host_if =
		option_find(net->me.options, net->me.n_options, "host_interface_name");
	int r;

	out->bridge = net->interface;
	out->container_if = net->me.interface;
	out->host_if = host_if ? host_if->value : "";
	out->hash_name = hash_network_name(plan->arena, net->name);
	if (!*out->bridge)
		return fail(err, EINVAL, "no bridge interface name given");
	if (!*out->container_if)
		return fail(err, EINVAL, "no container interface name given");
	r = check_interface_name(out->bridge, "get bridge interface", &net->at, "network_interface",
				 err);
	if (r == 0)
		r = check_interface_name(out->container_if, "create veth pair", &net->me.at,
					 "interface_name", err);
	if (r == 0 && host_if)
		r = check_interface_name(out->host_if, "create veth pair", &host_if->at, NULL, err);
	return r;
}

/* ---- options ---- */

static int read_number(const struct network_setup *net, const char *key, uint32_t *out,
		       struct error *err)
{
	const char *text = value_of(net, key), *why;
	uint64_t n;

	if (!text)
		return 0;
	why = number_parse(text, UINT32_MAX, &n);
	if (why)
		return fail(err, EINVAL, "unable to parse \"%s\": %s", key, why);
	*out = (uint32_t)n;
	return 0;
}

static int read_flag(const struct network_setup *net, const char *key, bool *out, struct error *err)
{
	const char *text = value_of(net, key);

	if (text && !number_parse_bool(text, out))
		return fail(err, EINVAL,
			    "unable to parse \"%s\": provided string was not `true` or `false`",
			    key);
	return 0;
}

static int read_outbound(const struct network_setup *net, const char *key, int family,
			 struct addr *out, struct error *err)
{
	const char *text = value_of(net, key);
	struct addr a;

	if (!text)
		return 0;
	if (!addr_parse(text, &a) || a.family != family)
		return fail(err, EINVAL, "unable to parse \"%s\": invalid %s address syntax", key,
			    family == AF_INET ? "IPv4" : "IPv6");
	*out = a;
	return 0;
}

static int isolation_from(const char *text, enum isolation *out, struct error *err)
{
	bool on = false;

	if (strcmp(text, "strict") == 0) {
		*out = ISOLATION_STRICT;
	} else if (!*text || number_parse_bool(text, &on)) {
		*out = on ? ISOLATION_NORMAL : ISOLATION_NEVER;
	} else {
		return fail(err, EINVAL, "invalid isolate option \"%s\"", text);
	}
	return 0;
}

/*
 * Without the option the answer depends on who asks: netavark 2 isolates strictly, but containers
 * of a Podman up to 5.x live on networks that may talk to each other. Podman 6 sends an array;
 * earlier ones send a map in which every network has "created".
 */
static int plan_isolation(const struct plan *plan, const struct network_setup *net,
			  struct network_plan *out, struct error *err)
{
	const char *text = value_of(net, "isolate");

	if (!text)
		text = plan->options->default_isolate;
	if (text)
		return isolation_from(text, &out->isolation, err);
	if (plan->req->networks_are_array)
		out->isolation = ISOLATION_STRICT;
	else if (net->has_created || strcmp(plan->firewall, "iptables") == 0)
		out->isolation = ISOLATION_NEVER;
	else
		out->isolation = ISOLATION_STRICT;
	return 0;
}

/* Options that change the network's shape: leaving them out would be worse than refusing. */
static int refuse_unsupported(const struct network_setup *net, struct error *err)
{
	static const char *const keys[] = {"vrf", "vlan"};

	for (size_t i = 0; i < array_size(keys); i++) {
		const struct option *o = option_find(net->options, net->n_options, keys[i]);

		if (o && *o->value) {
			fail(err, EOPNOTSUPP, "option \"%s\" is not supported: \"%s\"", keys[i],
			     o->value);
			return reader_place(&o->at, NULL, err);
		}
	}
	return 0;
}

static int plan_options(const struct plan *plan, const struct network_setup *net,
			struct network_plan *out, struct error *err)
{
	int r;

	out->metric = DEFAULT_ROUTE_METRIC;
	r = read_number(net, "mtu", &out->mtu, err);
	if (r == 0)
		r = plan_isolation(plan, net, out, err);
	if (r == 0)
		r = read_number(net, "metric", &out->metric, err);
	if (r == 0)
		r = read_flag(net, "no_default_route", &out->no_default_route, err);
	if (r == 0)
		r = refuse_unsupported(net, err);
	if (r == 0 && net->me.mac) {
		r = number_parse_mac(net->me.mac, out->mac, err);
		out->has_mac = r == 0;
	}
	return r;
}

static int plan_mode(const struct network_setup *net, struct network_plan *out, struct error *err)
{
	const char *mode = value_of(net, "mode");
	bool dhcp = net->ipam_driver && strcmp(net->ipam_driver, "dhcp") == 0;

	out->unmanaged = mode && strcmp(mode, "unmanaged") == 0;
	if (mode && *mode && !out->unmanaged && strcmp(mode, "managed") != 0)
		return fail(err, EINVAL, "invalid bridge mode \"%s\"", mode);
	if (dhcp && !out->unmanaged)
		return fail(err, EINVAL,
			    "cannot use dhcp ipam driver without using the option mode=unmanaged");
	if (dhcp)
		return fail(err, EOPNOTSUPP, "ipam driver dhcp is not supported");
	int r = read_outbound(net, "outbound_addr4", AF_INET, &out->outbound4, err);
	if (r == 0)
		r = read_outbound(net, "outbound_addr6", AF_INET6, &out->outbound6, err);
	return r;
}

/* ---- sysctls ---- */

static void add_sysctl(struct arena *a, struct sysctl_setting **list, size_t *n, const char *name,
		       const char *value)
{
	*list = arena_grow(a, *list, *n, sizeof(**list));
	(*list)[(*n)++] = (struct sysctl_setting){.name = name, .value = value};
}

static char *interface_sysctl(struct arena *a, int family, const char *interface, const char *key)
{
	return arena_printf(a, "net/%s/conf/%s/%s", family == AF_INET ? "ipv4" : "ipv6", interface,
			    key);
}

static void plan_host_sysctls(struct arena *a, struct network_plan *out)
{
	struct sysctl_setting **list = &out->host_sysctls;
	size_t *n = &out->n_host_sysctls;
	const char *b = out->bridge;

	if (out->internal)
		add_sysctl(a, list, n, interface_sysctl(a, AF_INET, b, "forwarding"), "0");
	if (out->internal && out->has_ipv6)
		add_sysctl(a, list, n, interface_sysctl(a, AF_INET6, b, "forwarding"), "0");
	if (!out->internal)
		add_sysctl(a, list, n, "net/ipv4/ip_forward", "1");
	if (!out->internal && out->has_ipv6)
		add_sysctl(a, list, n, "net/ipv6/conf/all/forwarding", "1");
	if (!out->internal)
		add_sysctl(a, list, n, interface_sysctl(a, AF_INET, b, "route_localnet"), "1");
	if (out->has_ipv6) {
		add_sysctl(a, list, n, interface_sysctl(a, AF_INET6, b, "accept_dad"), "0");
		add_sysctl(a, list, n, interface_sysctl(a, AF_INET6, b, "accept_ra"), "0");
	}
	add_sysctl(a, list, n, interface_sysctl(a, AF_INET, b, "rp_filter"), "2");
}

static void plan_container_sysctls(struct arena *a, struct network_plan *out)
{
	struct sysctl_setting **list = &out->container_sysctls;
	size_t *n = &out->n_container_sysctls;
	const char *c = out->container_if;

	add_sysctl(a, list, n, interface_sysctl(a, AF_INET6, c, "autoconf"), "0");
	if (out->has_ipv6)
		add_sysctl(a, list, n, interface_sysctl(a, AF_INET6, c, "accept_dad"), "0");
	add_sysctl(a, list, n, interface_sysctl(a, AF_INET, c, "arp_notify"), "1");
	add_sysctl(a, list, n, interface_sysctl(a, AF_INET, c, "rp_filter"), "2");
}

/* ---- names for the DNS server ---- */

static void add_dns_name(struct arena *a, struct dns_entry *dns, const char *name)
{
	const char *why = !*name		  ? "name is empty"
			  : strpbrk(name, " ,\n") ? "name contains invalid chars"
						  : NULL;

	if (why) {
		log_warn("invalid network alias %s: %s, ignoring this name", text_quote(a, name),
			 why);
		return;
	}
	dns->names = arena_grow(a, dns->names, dns->n_names, sizeof(*dns->names));
	dns->names[dns->n_names++] = name;
}

static void plan_dns(const struct plan *plan, const struct network_setup *net,
		     struct network_plan *out)
{
	const char *id = plan->req->container_id;

	if (!net->dns_enabled)
		return;
	if (strpbrk(id, " ,\n")) {
		log_warn("invalid container id %s: it contains invalid chars",
			 text_quote(plan->arena, id));
		return;
	}
	out->dns.bind = arena_alloc(plan->arena, out->n_gateways * sizeof(*out->dns.bind));
	for (size_t i = 0; !out->unmanaged && i < out->n_gateways; i++)
		out->dns.bind[out->dns.n_bind++] = out->gateways[i].addr;
	if (!out->unmanaged && !out->dns.n_bind && !plan->teardown) {
		log_warn("network %s has no gateway for the DNS server to listen on", net->name);
		return;
	}
	out->dns.wanted = true;
	if (plan->teardown)
		return;
	add_dns_name(plan->arena, &out->dns, plan->req->container_name);
	for (size_t i = 0; i < net->me.n_aliases; i++)
		add_dns_name(plan->arena, &out->dns, net->me.aliases[i]);
}

/* In a teardown a step that fails is logged and left out. */
static int step(const struct plan *plan, int r, const struct error *err)
{
	return r < 0 ? plan_problem(plan, err) : 0;
}

int bridge_plan(const struct plan *plan, const struct network_setup *net, struct network_plan *out,
		struct error *err)
{
	out->internal = net->internal;
	int r = plan_names(plan, net, out, err);

	if (r < 0)
		return r;
	r = step(plan, ipam_plan(plan, net, out, err), err);
	if (r == 0)
		r = step(plan, plan_options(plan, net, out, err), err);
	if (r == 0)
		r = step(plan, plan_mode(net, out, err), err);
	if (r < 0)
		return r;
	out->uses_firewall = !out->unmanaged && (!net->internal || net->dns_enabled);
	if (!out->unmanaged) {
		plan_host_sysctls(plan->arena, out);
		plan_container_sysctls(plan->arena, out);
	}
	plan_dns(plan, net, out);
	return 0;
}
