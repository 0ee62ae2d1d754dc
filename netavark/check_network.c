/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/check_network.h"

#include <string.h>

#include "common/text.h"
#include "netavark/drivers/bridge.h"
#include "netavark/drivers/interface.h"
#include "netavark/drivers/plugin.h"
#include "netavark/drivers/vlan.h"
#include "netavark/extension.h"
#include "netavark/ipam.h"
#include "netavark/number.h"

void check_network_members(struct check *c, const struct reader *at, enum keys_object object)
{
	struct reader *members;
	size_t n = read_members(at, &members), n_known;
	const char *const *known = keys_members(object, &n_known);

	for (size_t i = 0; i < n; i++) {
		const char *name = members[i].name;
		size_t k = 0;

		while (k < n_known && strcmp(known[k], name) != 0)
			k++;
		if (k == n_known)
			check_warning(c, &members[i], NULL,
				      check_hint(c, text_closest(name, known, n_known)),
				      "unknown member %s", text_quote(c->arena, name));
	}
}

/* ---- subnets and routes ---- */

static void check_subnet(struct check *c, const struct subnet *s)
{
	struct reader range = read_object_or_none(&s->at, "lease_range");

	check_network_members(c, &s->at, KEYS_SUBNET);
	check_network_members(c, &range, KEYS_LEASE_RANGE);
	if (check_is_bad(c, &s->at, "subnet"))
		return;
	if (!check_is_bad(c, &s->at, "gateway"))
		check_note(c, ipam_check_gateway(s, false, &c->err), &s->at, "gateway");
	if (range.value && !check_is_bad(c, &range, NULL))
		check_note(c, ipam_check_range(s, true, &c->err), &s->at, "lease_range");
}

static void check_overlaps(struct check *c, const struct network_setup *net, size_t i)
{
	const struct subnet *s = &net->subnets[i];

	for (size_t k = 0; k < i; k++) {
		const struct prefix *other = &net->subnets[k].net;
		const struct addr_text shown = prefix_print(other);

		if (check_is_bad(c, &net->subnets[k].at, "subnet"))
			continue;
		if (prefix_equal(&s->net, other))
			check_error(c, &s->at, "subnet", NULL, "duplicate subnet defined: %s",
				    shown.s);
		else if (prefix_overlaps(&s->net, other))
			check_error(c, &s->at, "subnet", NULL, "overlapping subnets: %s and %s",
				    shown.s, prefix_str(&s->net));
	}
}

static void check_subnets(struct check *c, const struct network_setup *net)
{
	for (size_t i = 0; i < net->n_subnets; i++) {
		check_subnet(c, &net->subnets[i]);
		if (!check_is_bad(c, &net->subnets[i].at, "subnet"))
			check_overlaps(c, net, i);
	}
}

static void check_routes(struct check *c, const struct network_setup *net)
{
	for (size_t i = 0; i < net->n_routes; i++) {
		const struct static_route *route = &net->routes[i];
		struct route ignored;

		check_network_members(c, &route->at, KEYS_ROUTE);
		if (!check_is_bad(c, &route->at, NULL))
			check_note(c, ipam_plan_route(route, &ignored, &c->err), &route->at, NULL);
	}
}

/* ---- options ---- */

static int check_value(struct check *c, const struct network_setup *net, const struct option *o,
		       enum keys_type type)
{
	struct network_plan ignored = {0};
	enum isolation isolation;
	struct addr address;
	uint32_t number;
	int32_t signed_number;
	bool flag;

	switch (type) {
	case KEYS_TEXT:
		break;
	case KEYS_U32:
		return option_u32(o, 1, o->key, &number, &c->err);
	case KEYS_I32:
		return option_i32(o, 1, o->key, &signed_number, &c->err);
	case KEYS_BOOL:
		return option_bool(o, 1, o->key, &flag, &c->err);
	case KEYS_IPV4:
		return option_addr(o, 1, o->key, AF_INET, &address, &c->err);
	case KEYS_IPV6:
		return option_addr(o, 1, o->key, AF_INET6, &address, &c->err);
	case KEYS_ISOLATION:
		return bridge_parse_isolation(o->value, &isolation, &c->err);
	case KEYS_MODE:
		return strcmp(net->driver, "bridge") == 0
			       ? bridge_parse_mode(o->value, &flag, &c->err)
			       : vlan_read_mode(net, &ignored, &c->err);
	}
	return 0;
}

void check_network_extensions(struct check *c, const struct option *list, size_t n,
			      const char *prefix)
{
	for (size_t i = 0; i < n; i++) {
		const char *key = list[i].key, *expected;

		if (!text_starts_with(key, prefix) || check_is_bad(c, &list[i].at, NULL))
			continue;
		key += strlen(prefix);
		expected = extension_expected(key, list[i].value, c->arena);
		if (expected)
			check_error(c, &list[i].at, NULL, NULL, "invalid %s \"%s\": expected %s",
				    key, list[i].value, expected);
	}
}

static void check_options(struct check *c, const struct network_setup *net)
{
	for (size_t i = 0; i < net->n_options; i++) {
		const struct option *o = &net->options[i];
		const struct keys_option *known = keys_option(net->driver, o->key);
		const char *closest;

		if (check_is_bad(c, &o->at, NULL))
			continue;
		if (known)
			check_note(c, check_value(c, net, o, known->type), &o->at, NULL);
		else if (keys_is_odd_option(net->driver, o->key, false, &closest, c->arena))
			check_warning(c, &o->at, NULL, check_hint(c, closest),
				      "unknown option %s of the driver %s",
				      text_quote(c->arena, o->key), net->driver);
	}
	check_network_extensions(c, net->options, net->n_options, "");
	check_network_extensions(c, net->labels, net->n_labels, EXTENSION_LABEL_PREFIX);
	for (size_t i = 0; i < net->n_labels; i++) {
		const struct option *label = &net->labels[i];
		const char *closest;

		if (keys_is_odd_label(label->key, &closest, c->arena))
			check_warning(c, &label->at, NULL, check_hint(c, closest),
				      "unknown label %s", text_quote(c->arena, label->key));
	}
}

static void check_driver(struct check *c, const struct network_setup *net)
{
	static const char *const drivers[] = {"bridge", "macvlan", "ipvlan"};

	if (driver_is_plugin(net->driver) && !plugin_find(c->options, net->driver, c->arena))
		check_error(c, &net->at, "driver",
			    check_hint(c, text_closest(net->driver, drivers, array_size(drivers))),
			    "unknown network driver \"%s\"", net->driver);
}

static void check_ipam_driver(struct check *c, const struct network_setup *net)
{
	static const char *const drivers[] = {"host-local", "none", "dhcp"};
	const char *driver = net->ipam_driver;

	for (size_t i = 0; driver && i < array_size(drivers); i++)
		if (strcmp(drivers[i], driver) == 0)
			return;
	if (driver)
		check_error(c, &net->at, "ipam_options/driver",
			    check_hint(c, text_closest(driver, drivers, array_size(drivers))),
			    "unsupported ipam driver %s", driver);
}

void check_network_definition(struct check *c, const struct network_setup *net)
{
	check_network_members(c, &net->at, KEYS_NETWORK);
	check_subnets(c, net);
	if (check_is_bad(c, &net->at, "driver"))
		return;
	check_driver(c, net);
	if (driver_is_plugin(net->driver))
		return;
	check_ipam_driver(c, net);
	check_routes(c, net);
	check_options(c, net);
	if (*net->interface && !check_is_bad(c, &net->at, "network_interface"))
		check_note(c,
			   interface_check_name(net->interface, "", &net->at, "network_interface",
						&c->err),
			   &net->at, "network_interface");
}

/* ---- the container's part ---- */

static const struct subnet *find_subnet(const struct network_setup *net, const struct addr *ip)
{
	for (size_t i = 0; i < net->n_subnets; i++)
		if (prefix_contains(&net->subnets[i].net, ip))
			return &net->subnets[i];
	return NULL;
}

/* What somebody else on the network has or must have. */
static const char *taken_as(const struct subnet *s, const struct addr *ip)
{
	const struct prefix net = prefix_masked(&s->net);
	const struct addr last = prefix_last(&net);
	bool ipv4 = ip->family == AF_INET;

	if (s->gateway.family && addr_equal(&s->gateway, ip))
		return "the gateway";
	if (net.len + (ipv4 ? 2 : 1) > prefix_max_len(ip->family))
		return NULL;
	if (addr_equal(&net.addr, ip))
		return ipv4 ? "the network" : "all routers";
	return ipv4 && addr_equal(&last, ip) ? "broadcasts" : NULL;
}

static void check_static_ip(struct check *c, const struct network_setup *net, size_t i)
{
	const struct attachment *me = &net->me;
	const struct addr *ip = &me->static_ips[i];
	const struct subnet *s = find_subnet(net, ip);
	const char *key = arena_printf(c->arena, "static_ips/%zu", i), *taken;
	bool known = true;

	if (check_is_bad(c, &me->at, key))
		return;
	for (size_t k = 0; k < i; k++)
		if (addr_equal(ip, &me->static_ips[k]))
			check_error(c, &me->at, key, NULL, "duplicate static ip %s", addr_str(ip));
	for (size_t k = 0; k < net->n_subnets; k++)
		known &= net->subnets[k].net.addr.family != 0;
	if (!s && net->has_subnets && known)
		check_error(c, &me->at, key, NULL, "static ip %s is in no subnet of the network %s",
			    addr_str(ip), net->name);
	taken = s && !check_is_bad(c, &s->at, NULL) ? taken_as(s, ip) : NULL;
	if (taken)
		check_warning(c, &me->at, key, NULL, "static ip %s is the address of %s",
			      addr_str(ip), taken);
}

static void check_mac(struct check *c, const struct attachment *me)
{
	static const uint8_t none[MAC_SIZE];
	uint8_t mac[MAC_SIZE];

	if (!me->mac || check_is_bad(c, &me->at, "static_mac"))
		return;
	int r = number_parse_mac(me->mac, mac, &c->err);
	check_note(c, r, &me->at, "static_mac");
	if (r == 0 && ((mac[0] & 1) || memcmp(mac, none, MAC_SIZE) == 0))
		check_error(c, &me->at, "static_mac", NULL,
			    "mac address %s cannot belong to an interface", me->mac);
}

static void check_aliases(struct check *c, const struct attachment *me)
{
	for (size_t i = 0; i < me->n_aliases; i++) {
		const char *key = arena_printf(c->arena, "aliases/%zu", i);

		if (!check_is_bad(c, &me->at, key) &&
		    (!*me->aliases[i] || strpbrk(me->aliases[i], " ,\n")))
			check_warning(c, &me->at, key, NULL,
				      "alias %s cannot be a name in the DNS, it is left out",
				      text_quote(c->arena, me->aliases[i]));
	}
}

static void check_interface(struct check *c, const struct network_setup *net)
{
	const struct attachment *me = &net->me;

	if (check_is_bad(c, &me->at, NULL) && check_is_bad(c, &me->at, "interface_name"))
		return;
	if (!*me->interface)
		check_error(c, &me->at, "interface_name", NULL,
			    "no container interface name given");
	else
		check_note(c,
			   interface_check_name(me->interface, "", &me->at, "interface_name",
						&c->err),
			   &me->at, "interface_name");
}

void check_network_attachment(struct check *c, const struct network_setup *net)
{
	const struct attachment *me = &net->me;

	check_network_members(c, &me->at, KEYS_ATTACHMENT);
	if (!net->driver || driver_is_plugin(net->driver))
		return;
	check_interface(c, net);
	for (size_t i = 0; i < me->n_static_ips; i++)
		check_static_ip(c, net, i);
	if (strcmp(net->driver, "ipvlan") != 0)
		check_mac(c, me);
	check_aliases(c, me);
	check_network_extensions(c, me->options, me->n_options, "");
	for (size_t i = 0; i < me->n_options; i++) {
		const struct option *o = &me->options[i];
		const char *closest;

		if (keys_is_odd_option(net->driver, o->key, true, &closest, c->arena))
			check_warning(c, &o->at, NULL, check_hint(c, closest),
				      "unknown option %s of a container",
				      text_quote(c->arena, o->key));
	}
}
