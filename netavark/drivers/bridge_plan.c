/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::bridge"
#include "netavark/drivers/bridge.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "netavark/announce.h"
#include "netavark/drivers/interface.h"
#include "netavark/extension.h"
#include "netavark/hash.h"
#include "netavark/ipam.h"
#include "netavark/number.h"

#define DEFAULT_ROUTE_METRIC 100
#define VLAN_RESERVED	     4095 /* the last of 12 bits */

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
	r = interface_check_name(out->bridge, "get bridge interface", &net->at, "network_interface",
				 err);
	if (r == 0)
		r = interface_check_name(out->container_if, "create veth pair", &net->me.at,
					 "interface_name", err);
	if (r == 0 && host_if)
		r = interface_check_name(out->host_if, "create veth pair", &host_if->at, NULL, err);
	return r;
}

/* ---- options ---- */

int bridge_parse_isolation(const char *text, enum isolation *out, struct error *err)
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
	const char *text = option_text(net->options, net->n_options, "isolate");

	if (!text)
		text = plan->options->default_isolate;
	if (text)
		return bridge_parse_isolation(text, &out->isolation, err);
	if (plan->req->networks_are_array)
		out->isolation = ISOLATION_STRICT;
	else if (*net->created || strcmp(plan->firewall, "iptables") == 0)
		out->isolation = ISOLATION_NEVER;
	else
		out->isolation = ISOLATION_STRICT;
	return 0;
}

static int read_vrf(const struct network_setup *net, const char **out, struct error *err)
{
	const struct option *o = option_find(net->options, net->n_options, "vrf");

	*out = o ? o->value : "";
	if (!o)
		return 0;
	return interface_check_name(o->value, "get vrf to set up bridge interface", &o->at, NULL,
				    err);
}

int bridge_parse_vlan(const char *text, uint16_t *out, struct error *err)
{
	uint64_t n;
	const char *why = number_parse(text, UINT16_MAX, &n);

	if (why)
		return fail(err, EINVAL, "unable to parse \"vlan\": %s", why);
	if (n >= VLAN_RESERVED)
		return fail(err, EINVAL, "vlan must be between 0 and %d", VLAN_RESERVED - 1);
	*out = (uint16_t)n;
	return 0;
}

static int read_vlan(const struct network_setup *net, uint16_t *out, struct error *err)
{
	const struct option *o = option_find(net->options, net->n_options, "vlan");
	int r = o ? bridge_parse_vlan(o->value, out, err) : 0;

	/* Passes for a number of a VLAN in a network's configuration; no port can have it. */
	if (r == 0 && o && *out == 0) {
		fail(err, EINVAL, "a bridge port cannot be in vlan 0");
		return reader_place(&o->at, NULL, err);
	}
	return r;
}

static int plan_options(const struct plan *plan, const struct network_setup *net,
			struct network_plan *out, struct error *err)
{
	int r;

	out->metric = DEFAULT_ROUTE_METRIC;
	r = option_u32(net->options, net->n_options, "mtu", &out->mtu, err);
	if (r == 0)
		r = plan_isolation(plan, net, out, err);
	if (r == 0)
		r = option_u32(net->options, net->n_options, "metric", &out->metric, err);
	if (r == 0)
		r = option_bool(net->options, net->n_options, "no_default_route",
				&out->no_default_route, err);
	if (r == 0)
		r = read_vrf(net, &out->vrf, err);
	if (r == 0)
		r = read_vlan(net, &out->vlan, err);
	if (r == 0 && net->me.mac) {
		r = number_parse_mac(net->me.mac, out->mac, err);
		out->has_mac = r == 0;
	}
	return r;
}

int bridge_read_extensions(const struct network_setup *net, struct network_plan *out,
			   struct error *err)
{
	struct fw_extras *extras = &out->extras;
	const struct {
		enum extension_key key;
		bool *value;
	} switches[] = {
		{EXTENSION_CONNTRACK_FLUSH, &out->flush_conntrack},
		{EXTENSION_HAIRPIN, &out->hairpin},
		{EXTENSION_LOOPBACK_GUARD, &extras->guard},
		{EXTENSION_NFT_COMMENTS, &extras->comments},
	};
	bool icc = true, dns_icc = false;
	int r = extension_bool(EXTENSION_ICC, net, &icc, err);

	if (r == 0)
		r = extension_bool(EXTENSION_DNS_ICC, net, &dns_icc, err);
	out->isolated = !icc;
	out->dns.hidden = !icc && !dns_icc;
	if (r == 0)
		r = extension_gateway_metric(net, &out->metric, err);
	out->flush_conntrack = out->hairpin = extras->guard = true;
	for (size_t i = 0; r == 0 && i < array_size(switches); i++)
		r = extension_bool(switches[i].key, net, switches[i].value, err);
	if (r == 0)
		r = extension_layout(net, &extras->layout, err);
	if (r == 0)
		r = extension_addr(EXTENSION_PUBLISH_DEFAULT_IP, net, &out->publish_ip, err);
	/* On a bridge of ours the kernel announces addresses itself, as its settings say. */
	out->announcements = out->unmanaged ? ANNOUNCE_BY_DEFAULT : 0;
	return r < 0 ? r
		     : extension_number(EXTENSION_ANNOUNCE, net, ANNOUNCE_MAX, &out->announcements,
					err);
}

static int plan_extensions(const struct plan *plan, const struct network_setup *net,
			   struct network_plan *out, struct error *err)
{
	int r = bridge_read_extensions(net, out, err);

	out->hairpin &= plan->req->n_ports > 0;
	return r;
}

int bridge_parse_mode(const char *text, bool *out_unmanaged, struct error *err)
{
	*out_unmanaged = strcmp(text, "unmanaged") == 0;
	if (*text && !*out_unmanaged && strcmp(text, "managed") != 0)
		return fail(err, EINVAL, "invalid bridge mode \"%s\"", text);
	return 0;
}

static int plan_mode(const struct network_setup *net, struct network_plan *out, struct error *err)
{
	const char *mode = option_text(net->options, net->n_options, "mode");
	bool dhcp = net->ipam_driver && strcmp(net->ipam_driver, "dhcp") == 0;
	int r = mode ? bridge_parse_mode(mode, &out->unmanaged, err) : 0;

	if (r < 0)
		return r;
	if (dhcp && !out->unmanaged)
		return fail(err, EINVAL,
			    "cannot use dhcp ipam driver without using the option mode=unmanaged");
	r = option_addr(net->options, net->n_options, "outbound_addr4", AF_INET, &out->outbound4,
			err);
	if (r == 0)
		r = option_addr(net->options, net->n_options, "outbound_addr6", AF_INET6,
				&out->outbound6, err);
	return r;
}

/* ---- sysctls ---- */

static void plan_host_sysctls(struct arena *a, struct network_plan *out)
{
	struct sysctl_setting **list = &out->host_sysctls;
	size_t *n = &out->n_host_sysctls;
	const char *b = out->bridge;

	if (out->internal)
		sysctl_add(a, list, n, sysctl_of(a, AF_INET, b, "forwarding"), "0");
	if (out->internal && out->has_ipv6)
		sysctl_add(a, list, n, sysctl_of(a, AF_INET6, b, "forwarding"), "0");
	if (!out->internal)
		sysctl_add(a, list, n, "net/ipv4/ip_forward", "1");
	if (!out->internal && out->has_ipv6)
		sysctl_add(a, list, n, "net/ipv6/conf/all/forwarding", "1");
	if (!out->internal)
		sysctl_add(a, list, n, sysctl_of(a, AF_INET, b, "route_localnet"), "1");
	if (out->has_ipv6) {
		sysctl_add(a, list, n, sysctl_of(a, AF_INET6, b, "accept_dad"), "0");
		sysctl_add(a, list, n, sysctl_of(a, AF_INET6, b, "accept_ra"), "0");
	}
	sysctl_add(a, list, n, sysctl_of(a, AF_INET, b, "rp_filter"), "2");
}

static void plan_container_sysctls(struct arena *a, struct network_plan *out)
{
	struct sysctl_setting **list = &out->container_sysctls;
	size_t *n = &out->n_container_sysctls;
	const char *c = out->container_if;

	sysctl_add(a, list, n, sysctl_of(a, AF_INET6, c, "autoconf"), "0");
	if (out->has_ipv6)
		sysctl_add(a, list, n, sysctl_of(a, AF_INET6, c, "accept_dad"), "0");
	sysctl_add(a, list, n, sysctl_of(a, AF_INET, c, "arp_notify"), "1");
	sysctl_add(a, list, n, sysctl_of(a, AF_INET, c, "rp_filter"), "2");
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
	/* Who asks must be known all the same, but by no name that anybody would look for. */
	if (out->dns.hidden) {
		add_dns_name(plan->arena, &out->dns, id);
		return;
	}
	add_dns_name(plan->arena, &out->dns, plan->req->container_name);
	for (size_t i = 0; i < net->me.n_aliases; i++)
		add_dns_name(plan->arena, &out->dns, net->me.aliases[i]);
}

int bridge_plan(const struct plan *plan, const struct network_setup *net, struct network_plan *out,
		struct error *err)
{
	out->internal = net->internal;
	out->vrf = "";
	int r = plan_names(plan, net, out, err);

	if (r < 0)
		return r;
	r = plan_step(plan, ipam_plan(plan, net, out, err), err);
	if (r == 0)
		r = plan_step(plan, plan_options(plan, net, out, err), err);
	if (r == 0)
		r = plan_step(plan, plan_mode(net, out, err), err);
	if (r == 0)
		r = plan_step(plan, plan_extensions(plan, net, out, err), err);
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

void bridge_print(const struct network_plan *net, struct text *t)
{
	static const char *const isolations[] = {"no", "from other isolated networks",
						 "from all other networks"};

	text_printf(t, "  bridge %s%s%s%s%s\n", net->bridge, net->unmanaged ? ", unmanaged" : "",
		    net->internal ? ", internal" : "", *net->vrf ? ", in vrf " : "", net->vrf);
	text_printf(t, "  isolated: %s\n", isolations[net->isolation]);
	if (net->isolated)
		text_add(t, "  isolated from the other containers of the network\n");
	text_printf(t, "  interface %s, host end %s", net->container_if,
		    *net->host_if ? net->host_if : "(kernel's choice)");
	if (net->has_mac)
		text_printf(t, ", mac " MAC_TEXT, MAC_ARGS(net->mac));
	if (net->mtu)
		text_printf(t, ", mtu %u", net->mtu);
	if (net->vlan)
		text_printf(t, ", vlan %u", net->vlan);
	text_add(t, "\n");
}
