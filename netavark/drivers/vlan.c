/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::vlan"
#include "netavark/drivers/vlan.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "netavark/drivers/interface.h"

/*
 * macvlan and ipvlan: the container gets an interface of its own on a device of the host. The two
 * differ in the kind and its modes, which the plan has. There is nothing on the host's side: no
 * bridge, no rules, nothing that outlives the container.
 */

#define TEMPORARY_NAMES 3

static int find_parent(const struct network_plan *net, struct host *h, struct link_info *out,
		       struct error *err)
{
	const char *name = net->macvlan.parent;
	int r;

	if (!*name) {
		r = route_default_link(h->nl, RT_TABLE_MAIN, out, err);
		if (r == 0 && !out->index)
			r = fail(err, ENODEV, "failed to get default route interface");
		return r;
	}
	r = link_find(h->nl, name, out, err);
	if (r == 0 && !out->index)
		r = interface_missing(name, &net->setup->at, "network_interface", err);
	return r;
}

static void choose_temporary_name(char name[IFNAMSIZ])
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = (size_t)snprintf(name, IFNAMSIZ, "mv-");

	for (size_t end = n + 10; n < end; n++)
		name[n] = chars[arc4random_uniform(sizeof(chars) - 1)];
	name[n] = '\0';
}

/*
 * Older kernels do not make a link in the container if the host has one of that name. So it is made
 * under a name that nobody has and renamed where it is.
 */
static int make_renamed(struct macvlan_spec spec, struct host *h, const char *final,
			struct error *err)
{
	char name[IFNAMSIZ];
	struct link_info link;
	int r = -EEXIST;

	spec.name = name;
	for (int i = 0; r == -EEXIST && i < TEMPORARY_NAMES; i++) {
		choose_temporary_name(name);
		r = link_add_macvlan(h->nl, h->container_nl, &spec, &h->undo, err);
	}
	if (r < 0)
		return wrap(err, "create %s interface", spec.kind);
	r = link_find(h->container_nl, name, &link, err);
	if (r == 0 && !link.index)
		r = fail_netlink(err, ENODEV, "%s", "");
	if (r < 0)
		return wrap(err, "get tmp %s interface", spec.kind);
	r = link_rename(h->container_nl, link.index, final, &h->undo, err);
	return r < 0 ? wrap(err, "rename tmp %s interface", spec.kind) : 0;
}

static int make_link(const struct network_plan *net, struct host *h, const struct link_info *parent,
		     struct error *err)
{
	const struct macvlan_spec spec = {
		.kind = net->driver->name,
		.name = net->container_if,
		.container_ns = h->container_ns,
		.parent = parent->index,
		.mtu = net->mtu,
		.mac = net->has_mac ? net->mac : NULL,
		.mode = net->macvlan.mode,
		.has_bc_cutoff = net->macvlan.has_bc_cutoff,
		.bc_cutoff = net->macvlan.bc_cutoff,
	};
	int r = link_add_macvlan(h->nl, h->container_nl, &spec, &h->undo, err);

	if (r == -EEXIST)
		return make_renamed(spec, h, net->container_if, err);
	if (r == -EINVAL && net->mtu > parent->mtu)
		error_explain(err, ": mtu %u is above the %u of %s", net->mtu, parent->mtu,
			      parent->name);
	else if (r == -EOPNOTSUPP)
		error_explain(err, ", is %s enabled in the kernel?", spec.kind);
	return r < 0 ? wrap(err, "create %s interface", spec.kind) : 0;
}

static int vlan_setup(struct network_plan *net, struct host *h, struct network_status *out,
		      struct error *err)
{
	const char *kind = net->driver->name;
	struct link_info parent, link;
	int r = find_parent(net, h, &parent, err);

	if (r == 0)
		r = make_link(net, h, &parent, err);
	if (r == 0)
		r = interface_set_sysctls(net, h, err);
	if (r < 0)
		return r;
	r = link_find(h->container_nl, net->container_if, &link, err);
	if (r == 0 && !link.index)
		r = fail_netlink(err, ENODEV, "%s", "");
	if (r < 0)
		return wrap(err, "get %s interface", kind);
	r = interface_configure(net, h, link.index, kind, err);
	if (r < 0)
		return r;
	*out = (struct network_status){.net = net, .index = link.index};
	memcpy(out->mac, link.mac, MAC_SIZE);
	return 0;
}

static void vlan_teardown(const struct network_plan *net, struct host *h, bool *out_complete,
			  struct error *all)
{
	struct error err;

	*out_complete = false;
	if (!h->container_nl)
		return; /* it has taken everything along */
	interface_remove_routes(net, h, all);
	int r = interface_delete(net, h, &err);
	if (r == -ENODEV)
		interface_missing(net->container_if, &net->setup->me.at, "interface_name", &err);
	if (r < 0)
		error_collect(all, &err);
}

const struct driver driver_macvlan = {
	.name = "macvlan",
	.plan = vlan_plan,
	.print = vlan_print,
	.setup = vlan_setup,
	.teardown = vlan_teardown,
};

const struct driver driver_ipvlan = {
	.name = "ipvlan",
	.plan = vlan_plan,
	.print = vlan_print,
	.setup = vlan_setup,
	.teardown = vlan_teardown,
};
