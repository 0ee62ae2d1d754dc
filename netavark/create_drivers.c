/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/create_drivers.h"

#include <errno.h>
#include <string.h>

#include "common/text.h"
#include "netavark/create_subnets.h"
#include "netavark/drivers/bridge.h"
#include "netavark/drivers/plugin.h"
#include "netavark/drivers/vlan.h"
#include "netavark/extension.h"

#define DOCKER_MTU    "com.docker.network.driver.mtu"
#define DOCKER_BRIDGE "com.docker.network.bridge.name"
#define NAMES_MAX     1000000

static bool is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

static const char *value_of(const struct create *c, const char *key)
{
	return option_text(c->net.options, c->net.n_options, key);
}

/* An option that the driver does not know; NULL if it knows all of them. */
static const char *find_unknown(const struct create *c, const char *const *known, size_t n)
{
	for (size_t i = 0; i < c->net.n_options; i++) {
		const char *key = c->net.options[i].key;

		if (!create_is_in(known, n, key) && !extension_is_known(key))
			return key;
	}
	return NULL;
}

/* ---- bridge ---- */

/* Docker's names become ours. */
static int translate_options(struct create *c, struct error *err)
{
	struct network_setup *net = &c->net;
	const char *mtu = value_of(c, DOCKER_MTU), *bridge = value_of(c, DOCKER_BRIDGE);
	struct option *list = arena_alloc(c->arena, (net->n_options + 1) * sizeof(*list));
	size_t n = 0;

	if (!mtu && !bridge)
		return 0;
	for (size_t i = 0; i < net->n_options; i++) {
		const char *key = net->options[i].key;

		if (!is(key, DOCKER_MTU) && !is(key, DOCKER_BRIDGE) && !(mtu && is(key, "mtu")))
			list[n++] = net->options[i];
	}
	if (mtu)
		list[n++] = (struct option){.key = "mtu", .value = mtu};
	net->options = list;
	net->n_options = n;
	if (!bridge)
		return 0;
	net->interface = bridge;
	return create_check_interface(bridge, err);
}

static int check_bridge_values(struct create *c, struct error *err)
{
	const struct option *list = c->net.options;
	size_t n = c->net.n_options;
	const char *isolate = value_of(c, "isolate"), *vlan = value_of(c, "vlan");
	enum isolation isolation;
	uint16_t vlan_number;
	struct addr outbound;
	uint32_t number;
	bool flag;
	int r = option_u32(list, n, "mtu", &number, err);

	if (r == 0 && isolate)
		r = bridge_parse_isolation(isolate, &isolation, err);
	if (r == 0)
		r = option_u32(list, n, "metric", &number, err);
	if (r == 0)
		r = option_bool(list, n, "no_default_route", &flag, err);
	if (r == 0 && vlan)
		r = bridge_parse_vlan(vlan, &vlan_number, err);
	if (r == 0)
		r = option_addr(list, n, "outbound_addr4", AF_INET, &outbound, err);
	if (r == 0)
		r = option_addr(list, n, "outbound_addr6", AF_INET6, &outbound, err);
	return r;
}

static int check_bridge_options(struct create *c, bool *out_unmanaged, struct error *err)
{
	static const char *const known[] = {
		"mode", "mtu",	"isolate",	  "metric",	   "no_default_route",
		"vrf",	"vlan", "outbound_addr4", "outbound_addr6"};
	const char *unknown = find_unknown(c, known, array_size(known));
	const char *mode = value_of(c, "mode");
	struct network_plan ignored = {0};
	int r;

	if (unknown)
		return fail(err, EINVAL, "unsupported bridge network option: %s", unknown);
	r = check_bridge_values(c, err);
	*out_unmanaged = false;
	if (r == 0 && mode)
		r = bridge_parse_mode(mode, out_unmanaged, err);
	return r < 0 ? r : bridge_read_extensions(&c->net, &ignored, err);
}

/* The first free name of the kind that the caller uses. */
static int name_bridge(struct create *c, struct error *err)
{
	if (!c->default_interface)
		return fail(err, EINVAL, "default interface name is not set");
	for (unsigned int i = 1; i < NAMES_MAX; i++) {
		const char *name = arena_printf(c->arena, "%s%u", c->default_interface, i);

		if (create_is_in(c->links, c->n_links, name) ||
		    create_is_in(c->used_interfaces, c->n_used_interfaces, name) ||
		    create_is_in(c->used_names, c->n_used_names, name))
			continue;
		c->net.interface = name;
		return create_check_interface(name, err);
	}
	return fail(err, EEXIST, "Could not find a free device name after 1,000,000 attempts");
}

/* shared: several networks may have this bridge. */
static int choose_bridge(struct create *c, bool shared, struct error *err)
{
	const char *name = c->net.interface;

	if (!*name)
		return name_bridge(c, err);
	if (!shared && create_is_in(c->used_interfaces, c->n_used_interfaces, name))
		return fail(err, EEXIST, "bridge name %s already in use", name);
	if (!create_is_name(name))
		return fail(err, EINVAL, "bridge name %s is invalid", name);
	return 0;
}

static bool has_family(const struct create *c, int family)
{
	for (size_t i = 0; i < c->net.n_subnets; i++)
		if (c->net.subnets[i].net.addr.family == family)
			return true;
	return false;
}

static int add_subnets(struct create *c, struct error *err)
{
	bool ipv6 = c->net.ipv6_enabled;
	int r = 0;

	if (!c->net.n_subnets || (ipv6 && !has_family(c, AF_INET)))
		r = create_subnets_add_ipv4(c, err);
	if (r == 0 && ipv6 && !has_family(c, AF_INET6))
		r = create_subnets_add_ipv6(c, err);
	return r;
}

int create_drivers_bridge(struct create *c, struct error *err)
{
	bool unmanaged = false, shared;
	int r = translate_options(c, err);

	if (r == 0)
		r = check_bridge_options(c, &unmanaged, err);
	shared = unmanaged || value_of(c, "vlan");
	c->compares_subnets = c->check_used_subnets && !shared;
	if (r == 0)
		r = choose_bridge(c, shared, err);
	if (r < 0 || (c->net.ipam_driver && !is(c->net.ipam_driver, "host-local")))
		return r;
	create_set_ipam_driver(c, "host-local");
	return add_subnets(c, err);
}

/* ---- macvlan and ipvlan ---- */

static int choose_vlan_ipam(struct create *c, struct error *err)
{
	const struct network_setup *net = &c->net;
	bool ipvlan = is(net->driver, "ipvlan");

	if (!net->ipam_driver)
		create_set_ipam_driver(c, net->n_subnets ? "host-local" : "dhcp");
	else if (is(net->ipam_driver, "host-local") && !net->n_subnets)
		return fail(err, EINVAL,
			    "%s driver needs at least one subnet specified when the host-local "
			    "ipam driver is set",
			    net->driver);
	if (!is(net->ipam_driver, "dhcp"))
		return 0;
	if (ipvlan)
		return fail(err, EINVAL, "ipam driver dhcp is not supported with ipvlan");
	if (net->n_subnets)
		return fail(err, EINVAL, "ipam driver dhcp set but subnets are set");
	return 0;
}

static int check_vlan_options(struct create *c, struct error *err)
{
	static const char *const known[] = {"mode", "mtu", "metric", "no_default_route", "bclim"};
	const char *unknown = find_unknown(c, known, array_size(known));
	struct network_plan ignored = {0};

	if (unknown)
		return fail(err, EINVAL, "unsupported vlan network option: %s", unknown);
	int r = vlan_read_options(&c->net, &ignored, err);
	if (r == 0)
		r = vlan_read_mode(&c->net, &ignored, err);
	if (r == 0 && is(c->net.driver, "ipvlan") && value_of(c, "bclim"))
		r = fail(err, EINVAL, "unsupported ipvlan network option bclim");
	return r < 0 ? r : vlan_read_extensions(&c->net, &ignored, err);
}

int create_drivers_vlan(struct create *c, struct error *err)
{
	const char *parent = c->net.interface;

	if (*parent && !create_is_in(c->links, c->n_links, parent))
		return fail(err, ENODEV, "parent interface %s does not exist", parent);
	c->net.dns_enabled = false;
	int r = choose_vlan_ipam(c, err);
	return r < 0 ? r : check_vlan_options(c, err);
}

/* ---- plugins ---- */

int create_drivers_plugin(struct create *c, struct error *err)
{
	const struct network_setup asked = c->net;
	struct network_setup *net = &c->net;
	const char *changed = NULL;

	if (!c->options->n_plugin_dirs)
		return fail(err, ENOENT, "plugin directory not provided");
	const char *program = plugin_find(c->options, asked.driver, c->arena);
	if (!program)
		return fail(err, ENOENT, "plugin for driver %s not found in plugin directories",
			    text_quote(c->arena, asked.driver));
	int r = plugin_create(program, &asked, &c->plugin_answer, net, c->arena, err);
	if (r < 0)
		return r;
	if (strcmp(net->name, asked.name) != 0)
		changed = "name";
	else if (strcmp(net->id, asked.id) != 0)
		changed = "ID";
	else if (strcmp(net->driver, asked.driver) != 0)
		changed = "driver";
	if (changed)
		return fail(err, EPROTO, "%s plugin invalid result: changed network %s",
			    asked.driver, changed);
	return 0;
}
