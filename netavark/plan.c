/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::plan"
#include "netavark/plan.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "netavark/drivers/driver.h"
#include "netavark/ipam.h"
#include "netavark/ports.h"

int plan_problem(const struct plan *plan, const struct error *err)
{
	if (!plan->teardown)
		return -err->code;
	log_error("%s", err->text);
	return 0;
}

int plan_step(const struct plan *plan, int r, const struct error *err)
{
	return r < 0 ? plan_problem(plan, err) : 0;
}

/* ---- ports ---- */

/* Ports are only looked at if a network uses them: upstream accepts any text elsewhere. */
static int plan_ports(struct plan *plan, struct error *err)
{
	bool used = false;

	for (size_t i = 0; i < plan->n_networks; i++)
		used |= plan->networks[i].uses_firewall && !plan->networks[i].internal;
	for (size_t i = 0; used && i < plan->req->n_ports; i++) {
		struct error one;

		if (ports_add(plan->arena, &plan->req->ports[i], &plan->ports, &plan->n_ports,
			      &one) < 0 &&
		    plan_problem(plan, &one) < 0) {
			*err = one;
			return -err->code;
		}
	}
	return 0;
}

/* ---- networks ---- */

/* In the words in which the kernel's answer would come. */
static int fail_same_interface(const struct network_setup *net, struct error *err)
{
	if (strcmp(net->driver, "bridge") == 0)
		return fail_netlink(err, EEXIST,
				    "create veth pair: interface %s already exists on container "
				    "namespace",
				    net->me.interface);
	fail_netlink(err, EEXIST, "rename tmp %s interface", net->driver);
	return reader_place(&net->me.at, "interface_name", err);
}

static int check_unique(const struct plan *plan, const struct network_setup *net, struct error *err)
{
	for (const struct network_setup *n = plan->req->networks; n < net; n++) {
		/* The same network under two keys would get one entry in the status, too. */
		if (strcmp(n->asked_as, net->asked_as) == 0 ||
		    (n->driver && strcmp(n->name, net->name) == 0))
			return fail(err, EINVAL, "network %s passed twice", net->asked_as);
		/* What a plugin makes of the name is its own affair. */
		if (!plan->teardown && !driver_is_plugin(n->driver) &&
		    !driver_is_plugin(net->driver) &&
		    strcmp(n->me.interface, net->me.interface) == 0)
			return fail_same_interface(net, err);
	}
	return 0;
}

static int plan_network(struct plan *plan, const struct network_setup *net, struct error *err)
{
	struct network_plan *out = &plan->networks[plan->n_networks];

	if (!net->driver)
		return fail(err, ENOENT, "network info for network %s not found", net->asked_as);
	*out = (struct network_plan){
		.setup = net,
		.driver = driver_find(net->driver),
		.name = net->name,
		.id = net->id,
	};
	int r = check_unique(plan, net, err);
	if (r == 0)
		r = out->driver->plan(plan, net, out, err);
	if (r == 0)
		plan->n_networks++;
	return r;
}

static struct plan plan_new(const struct request *req, const struct options *options,
			    struct arena *a)
{
	return (struct plan){
		.req = req,
		.options = options,
		.arena = a,
		.networks = arena_alloc(a, req->n_networks * sizeof(struct network_plan)),
	};
}

int plan_setup(const struct request *req, const struct options *options, const char *firewall,
	       struct arena *a, struct plan *out, struct error *err)
{
	struct plan plan = plan_new(req, options, a);
	int r = 0;

	plan.firewall = firewall;
	for (size_t i = 0; r == 0 && i < req->n_networks; i++)
		r = plan_network(&plan, &req->networks[i], err);
	if (r == 0)
		r = plan_ports(&plan, err);
	if (r < 0)
		return r;
	*out = plan;
	return 0;
}

int plan_teardown(const struct request *req, const struct options *options, const char *firewall,
		  struct arena *a, struct plan *out, struct error *err)
{
	struct plan plan = plan_new(req, options, a);

	plan.firewall = firewall;
	plan.teardown = true;
	for (size_t i = 0; i < req->n_networks; i++) {
		struct error one;

		if (plan_network(&plan, &req->networks[i], &one) < 0)
			error_collect(err, &one);
	}
	int r = plan_ports(&plan, err);
	*out = plan;
	return r;
}

/* ---- what the firewall needs ---- */

static void note_address(const struct network_plan *net, int family, struct addr *ip,
			 struct prefix *subnet)
{
	for (size_t i = 0; i < net->n_addresses; i++) {
		const struct prefix *p = &net->addresses[i].prefix;

		if (p->addr.family == family) {
			*ip = p->addr;
			*subnet = prefix_masked(p);
			return;
		}
	}
}

/* Ports that name no address of the host get the network's default, if it has one. */
static struct fw_port *ports_of(const struct plan *plan, const struct network_plan *net)
{
	const struct addr *ip = &net->publish_ip;

	if (!ip->family || !plan->n_ports)
		return plan->ports;
	struct fw_port *list =
		arena_memdup(plan->arena, plan->ports, plan->n_ports * sizeof(*list));
	for (size_t i = 0; i < plan->n_ports; i++) {
		if (*list[i].host_ip)
			continue;
		list[i].host_ip = arena_strdup(plan->arena, addr_str(ip));
		list[i].ipv4 = ip->family == AF_INET;
		list[i].ipv6 = ip->family == AF_INET6;
		if (!addr_is_zero(ip))
			list[i].host_addr = *ip;
	}
	return list;
}

struct fw_intent plan_intent(const struct plan *plan, const struct network_plan *net)
{
	const struct network_setup *def = net->setup;
	struct arena *a = plan->arena;
	struct fw_intent in = {
		.net =
			{
				.bridge = net->bridge,
				.id = net->id,
				.hash_name = net->hash_name,
				.isolation = net->isolation,
				.dns_port = plan->options->dns_port,
				.internal = net->internal,
				.outbound4 = net->outbound4,
				.outbound6 = net->outbound6,
				.n_subnets = def->n_subnets,
				.subnets = arena_alloc(a, def->n_subnets * sizeof(struct prefix)),
			},
		.me =
			{
				.container_id = plan->req->container_id,
				.network_name = net->name,
				.has_ports = plan->req->has_ports,
				.ports = ports_of(plan, net),
				.n_ports = plan->n_ports,
				.n_dns_servers = net->n_gateways,
				.dns_servers =
					arena_alloc(a, net->n_gateways * sizeof(struct addr)),
			},
		.extras = net->extras,
		.flush_conntrack = net->flush_conntrack,
	};

	/* Without address management, too: somebody else gives out addresses of these subnets. */
	for (size_t i = 0; i < def->n_subnets; i++)
		in.net.subnets[i] = def->subnets[i].net;
	for (size_t i = 0; i < net->n_gateways; i++)
		in.me.dns_servers[i] = net->gateways[i].addr;
	note_address(net, AF_INET, &in.me.ip4, &in.me.subnet4);
	note_address(net, AF_INET6, &in.me.ip6, &in.me.subnet6);
	return in;
}

/* ---- as text ---- */

static void print_sysctls(struct text *t, const char *where, const struct sysctl_setting *list,
			  size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_printf(t, "  sysctl %s %s = %s\n", where, list[i].name, list[i].value);
}

static void print_route(struct text *t, const struct route *r)
{
	static const char *const without_gateway[] = {
		[RTN_BLACKHOLE] = "blackhole",
		[RTN_UNREACHABLE] = "unreachable",
		[RTN_PROHIBIT] = "prohibit",
	};

	text_printf(t, "  route %s %s%s metric %u\n", prefix_str(&r->destination),
		    r->gateway.family ? "via " : without_gateway[r->type], addr_str(&r->gateway),
		    r->metric);
}

static void print_addresses(struct text *t, const struct network_plan *net)
{
	for (size_t i = 0; i < net->n_subnets; i++)
		text_printf(t, "  subnet %s\n", prefix_str(&net->subnets[i].net));
	for (size_t i = 0; i < net->n_gateways; i++)
		text_printf(t, "  gateway %s\n", prefix_str(&net->gateways[i]));
	for (size_t i = 0; i < net->n_addresses; i++)
		text_printf(t, "  address %s\n", prefix_str(&net->addresses[i].prefix));
	if (net->outbound4.family)
		text_printf(t, "  outbound address %s\n", addr_str(&net->outbound4));
	if (net->outbound6.family)
		text_printf(t, "  outbound address %s\n", addr_str(&net->outbound6));
	for (size_t i = 0; net->ipam == IPAM_AUTOMATIC && i < net->n_subnets; i++) {
		struct addr first, last;

		if (ipam_range(&net->subnets[i], &first, &last))
			text_printf(t, "  address from %s - %s\n", addr_str(&first),
				    addr_str(&last));
	}
	if (net->ipam == IPAM_DHCP)
		text_add(t, "  address by DHCP\n");
	if (net->internal || net->no_default_route)
		text_add(t, "  no default route\n");
	else if (net->n_gateways)
		text_printf(t, "  default route metric %u\n", net->metric);
	for (size_t i = 0; i < net->n_routes; i++)
		print_route(t, &net->routes[i]);
	if (net->announcements && net->ipam != IPAM_NONE)
		text_printf(t, "  announced to the neighbours: %u times\n", net->announcements);
}

char *plan_print(const struct plan *plan)
{
	struct text t = text_new(plan->arena);

	text_printf(&t, "container %s\n", plan->req->container_id);
	for (size_t i = 0; i < plan->n_ports; i++) {
		const struct fw_port *p = &plan->ports[i];

		text_printf(&t, "  port %s %u-%u to %u, host address %s%s%s\n", p->protocol,
			    p->host_port, p->host_port + (p->range ? p->range - 1u : 0),
			    p->container_port,
			    p->host_addr.family ? addr_str(&p->host_addr) : "any",
			    p->ipv4 ? ", ipv4" : "", p->ipv6 ? ", ipv6" : "");
	}
	for (size_t i = 0; i < plan->n_networks; i++) {
		const struct network_plan *net = &plan->networks[i];

		text_printf(&t, "network %s\n", net->name);
		net->driver->print(net, &t);
		print_addresses(&t, net);
		print_sysctls(&t, "host", net->host_sysctls, net->n_host_sysctls);
		print_sysctls(&t, "container", net->container_sysctls, net->n_container_sysctls);
		for (size_t k = 0; net->dns.wanted && k < net->dns.n_bind; k++)
			text_printf(&t, "  name server %s\n", addr_str(&net->dns.bind[k]));
		for (size_t k = 0; net->dns.wanted && k < net->dns.n_names; k++)
			text_printf(&t, "  name %s\n", net->dns.names[k]);
	}
	return t.s;
}
