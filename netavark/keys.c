/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/keys.h"

#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"
#include "netavark/extension.h"

enum { BRIDGE = 1, MACVLAN = 2, IPVLAN = 4, ALL = 7 };

static const struct keys_option options[] = {
	{"mode", KEYS_MODE, ALL},
	{"mtu", KEYS_U32, ALL},
	{"metric", KEYS_U32, ALL},
	{"no_default_route", KEYS_BOOL, ALL},
	{"isolate", KEYS_ISOLATION, BRIDGE},
	{"vlan", KEYS_U32, BRIDGE},
	{"vrf", KEYS_TEXT, BRIDGE},
	{"outbound_addr4", KEYS_IPV4, BRIDGE},
	{"outbound_addr6", KEYS_IPV6, BRIDGE},
	{"bclim", KEYS_I32, MACVLAN},
};

/* Of a container's part of a network. */
static const char *const container_options[] = {"host_interface_name"};

static unsigned int driver_bit(const char *driver)
{
	if (strcmp(driver, "bridge") == 0)
		return BRIDGE;
	if (strcmp(driver, "macvlan") == 0)
		return MACVLAN;
	return strcmp(driver, "ipvlan") == 0 ? IPVLAN : 0;
}

const struct keys_option *keys_option(const char *driver, const char *key)
{
	for (size_t i = 0; i < array_size(options); i++)
		if ((options[i].drivers & driver_bit(driver)) && strcmp(options[i].key, key) == 0)
			return &options[i];
	return NULL;
}

static bool is_in(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

/* Adds the keys of extension.h to a list of n words. */
static const char **add_extensions(const char **list, size_t *n, struct arena *a)
{
	const char *key;

	for (size_t i = 0; (key = extension_key(i)); i++) {
		list = arena_grow(a, list, *n, sizeof(*list));
		list[(*n)++] = key;
	}
	return list;
}

bool keys_is_odd_option(const char *driver, const char *key, bool of_container,
			const char **out_closest, struct arena *a)
{
	const char **known = NULL;
	size_t n = 0;

	*out_closest = NULL;
	if (!driver_bit(driver) || strchr(key, '.'))
		return false;
	for (size_t i = 0; !of_container && i < array_size(options); i++) {
		if (!(options[i].drivers & driver_bit(driver)))
			continue;
		known = arena_grow(a, known, n, sizeof(*known));
		known[n++] = options[i].key;
	}
	for (size_t i = 0; of_container && i < array_size(container_options); i++) {
		known = arena_grow(a, known, n, sizeof(*known));
		known[n++] = container_options[i];
	}
	known = add_extensions(known, &n, a);
	if (is_in(known, n, key) || extension_is_known(key))
		return false;
	*out_closest = text_closest(key, known, n);
	return true;
}

bool keys_is_odd_key(const char *key, const char **out_closest, struct arena *a)
{
	size_t n = 0;
	const char **known = add_extensions(NULL, &n, a);

	*out_closest = NULL;
	if (extension_is_known(key))
		return false;
	*out_closest = text_closest(key, known, n);
	return true;
}

bool keys_is_odd_label(const char *label, const char **out_closest, struct arena *a)
{
	const char *closest;

	*out_closest = NULL;
	if (!text_starts_with(label, EXTENSION_LABEL_PREFIX) ||
	    !keys_is_odd_key(label + strlen(EXTENSION_LABEL_PREFIX), &closest, a))
		return false;
	if (closest)
		*out_closest = arena_printf(a, EXTENSION_LABEL_PREFIX "%s", closest);
	return true;
}

/* ---- members ---- */

static const char *const request[] = {
	"container_id", "container_name", "container_hostname", "networks",
	"network_info", "port_mappings",  "dns_servers",
};
static const char *const attachment[] = {
	"name", "interface_name", "static_ips", "static_mac", "aliases", "options",
};
static const char *const network[] = {
	"name",		"id",	       "driver",  "network_interface",
	"created",	"subnets",     "routes",  "ipv6_enabled",
	"internal",	"dns_enabled", "options", "network_dns_servers",
	"ipam_options", "labels",
};
static const char *const subnet[] = {"subnet", "gateway", "lease_range"};
static const char *const lease_range[] = {"start_ip", "end_ip"};
static const char *const route[] = {"destination", "gateway", "metric", "route_type"};
static const char *const port[] = {
	"host_ip", "container_port", "host_port", "range", "protocol",
};
static const char *const create[] = {"network", "used", "options"};
static const char *const create_used[] = {"interfaces", "names", "subnets"};
static const char *const create_options[] = {
	"subnet_pools",
	"default_interface_name",
	"check_used_subnets",
};
static const char *const create_pool[] = {"base", "size"};

#define MEMBERS(list)                                                                              \
	{                                                                                          \
		list, array_size(list)                                                             \
	}

static const struct {
	const char *const *list;
	size_t n;
} objects[] = {
	[KEYS_REQUEST] = MEMBERS(request),
	[KEYS_ATTACHMENT] = MEMBERS(attachment),
	[KEYS_NETWORK] = MEMBERS(network),
	[KEYS_SUBNET] = MEMBERS(subnet),
	[KEYS_LEASE_RANGE] = MEMBERS(lease_range),
	[KEYS_ROUTE] = MEMBERS(route),
	[KEYS_PORT] = MEMBERS(port),
	[KEYS_CREATE] = MEMBERS(create),
	[KEYS_CREATE_USED] = MEMBERS(create_used),
	[KEYS_CREATE_OPTIONS] = MEMBERS(create_options),
	[KEYS_CREATE_POOL] = MEMBERS(create_pool),
};

const char *const *keys_members(enum keys_object object, size_t *out_n)
{
	*out_n = objects[object].n;
	return objects[object].list;
}
