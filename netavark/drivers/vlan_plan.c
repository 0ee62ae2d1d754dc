/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::vlan"
#include "netavark/drivers/vlan.h"

#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "netavark/announce.h"
#include "netavark/drivers/interface.h"
#include "netavark/extension.h"
#include "netavark/ipam.h"
#include "netavark/number.h"

/* Below the bridge driver's 100, so that the way through the macvlan wins. */
#define DEFAULT_ROUTE_METRIC 99

struct mode {
	const char *driver, *name;
	uint32_t value;
};

static const struct mode modes[] = {
	/* The first one of a driver is its default. */
	{"macvlan", "bridge", MACVLAN_MODE_BRIDGE}, {"macvlan", "private", MACVLAN_MODE_PRIVATE},
	{"macvlan", "vepa", MACVLAN_MODE_VEPA},	    {"macvlan", "passthru", MACVLAN_MODE_PASSTHRU},
	{"macvlan", "source", MACVLAN_MODE_SOURCE}, {"ipvlan", "l2", IPVLAN_MODE_L2},
	{"ipvlan", "l3", IPVLAN_MODE_L3},	    {"ipvlan", "l3s", IPVLAN_MODE_L3S},
};

static int plan_names(const struct network_setup *net, struct network_plan *out, struct error *err)
{
	char context[64];
	int r;

	out->container_if = net->me.interface;
	out->macvlan.parent = net->interface;
	if (!*out->container_if)
		return fail(err, EINVAL, "no container interface name given");
	snprintf(context, sizeof(context), "create %s interface", net->driver);
	r = interface_check_name(out->container_if, context, &net->me.at, "interface_name", err);
	if (r == 0)
		r = interface_check_name(out->macvlan.parent, "", &net->at, "network_interface",
					 err);
	return r;
}

int vlan_read_options(const struct network_setup *net, struct network_plan *out, struct error *err)
{
	const struct option *list = net->options;
	size_t n = net->n_options;
	int r;

	out->metric = DEFAULT_ROUTE_METRIC;
	r = option_u32(list, n, "mtu", &out->mtu, err);
	if (r == 0)
		r = option_u32(list, n, "metric", &out->metric, err);
	if (r == 0)
		r = option_bool(list, n, "no_default_route", &out->no_default_route, err);
	if (r < 0 || strcmp(net->driver, "macvlan") != 0)
		return r;
	out->macvlan.has_bc_cutoff = option_find(list, n, "bclim") != NULL;
	return option_i32(list, n, "bclim", &out->macvlan.bc_cutoff, err);
}

int vlan_read_mode(const struct network_setup *net, struct network_plan *out, struct error *err)
{
	const char *text = option_text(net->options, net->n_options, "mode");

	for (size_t i = 0; i < array_size(modes); i++) {
		if (strcmp(modes[i].driver, net->driver) != 0)
			continue;
		if (text && *text && strcmp(modes[i].name, text) != 0)
			continue;
		out->macvlan.mode_name = modes[i].name;
		out->macvlan.mode = modes[i].value;
		return 0;
	}
	return fail(err, EINVAL, "invalid %s mode \"%s\"", net->driver, text);
}

/* An ipvlan has the address of its parent, whatever is asked for. */
static int plan_mac(const struct network_setup *net, struct network_plan *out, struct error *err)
{
	int r;

	if (!net->me.mac || strcmp(net->driver, "macvlan") != 0)
		return 0;
	r = number_parse_mac(net->me.mac, out->mac, err);
	out->has_mac = r == 0;
	return r;
}

/* In the modes of layer 3 there are no neighbours. */
int vlan_read_extensions(const struct network_setup *net, struct network_plan *out,
			 struct error *err)
{
	bool layer3 = strcmp(net->driver, "ipvlan") == 0 && out->macvlan.mode != IPVLAN_MODE_L2;

	int r = extension_gateway_metric(net, &out->metric, err);

	if (r < 0)
		return r;
	out->announcements = layer3 ? 0 : ANNOUNCE_BY_DEFAULT;
	return extension_number(EXTENSION_ANNOUNCE, net, ANNOUNCE_MAX, &out->announcements, err);
}

int vlan_plan(const struct plan *plan, const struct network_setup *net, struct network_plan *out,
	      struct error *err)
{
	int r = plan_names(net, out, err);

	if (r < 0)
		return r;
	out->internal = net->internal;
	r = plan_step(plan, vlan_read_options(net, out, err), err);
	if (r == 0)
		r = plan_step(plan, ipam_plan(plan, net, out, err), err);
	if (r == 0)
		r = plan_step(plan, vlan_read_mode(net, out, err), err);
	if (r == 0)
		r = plan_step(plan, plan_mac(net, out, err), err);
	if (r == 0)
		r = plan_step(plan, vlan_read_extensions(net, out, err), err);
	if (r < 0)
		return r;
	sysctl_add(plan->arena, &out->container_sysctls, &out->n_container_sysctls,
		   sysctl_of(plan->arena, AF_INET6, out->container_if, "autoconf"), "0");
	return 0;
}

void vlan_print(const struct network_plan *net, struct text *t)
{
	const struct macvlan_plan *m = &net->macvlan;

	text_printf(t, "  %s on %s, mode %s%s\n", net->driver->name,
		    *m->parent ? m->parent : "the default route's device", m->mode_name,
		    net->internal ? ", internal" : "");
	text_printf(t, "  interface %s", net->container_if);
	if (net->has_mac)
		text_printf(t, ", mac " MAC_TEXT, MAC_ARGS(net->mac));
	if (net->mtu)
		text_printf(t, ", mtu %u", net->mtu);
	if (m->has_bc_cutoff)
		text_printf(t, ", bclim %d", m->bc_cutoff);
	text_add(t, "\n");
}
