/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/create.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "common/text.h"
#include "netavark/create_drivers.h"
#include "netavark/create_subnets.h"
#include "netavark/drivers/driver.h"
#include "netavark/ipam.h"

#define ID_LEN	   64
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* ---- reading ---- */

static size_t read_names(const struct reader *r, const char *key, const char ***out)
{
	struct reader *items;
	size_t n = read_array(r, key, &items);

	*out = arena_alloc(r->doc->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++)
		(*out)[i] = read_self_string(&items[i]);
	return n;
}

/* The keys of a map; its values are not used, but they must be strings. */
static size_t read_keys(const struct reader *r, const char *key, const char ***out)
{
	struct reader map = read_object(r, key), *members;
	size_t n = read_members(&map, &members);

	*out = arena_alloc(r->doc->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++) {
		read_self_string(&members[i]);
		(*out)[i] = members[i].name;
	}
	return n;
}

static size_t read_prefixes(const struct reader *r, const char *key, struct prefix **out)
{
	struct reader *items;
	size_t n = read_array(r, key, &items);

	*out = arena_alloc(r->doc->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++)
		(*out)[i] = read_self_prefix(&items[i]);
	return n;
}

static size_t read_pools(const struct reader *r, const char *key, struct subnet_pool **out)
{
	struct reader *items;
	size_t n = read_array(r, key, &items);

	*out = arena_alloc(r->doc->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++)
		(*out)[i] = (struct subnet_pool){
			.base = read_prefix(&items[i], "base"),
			.size = read_u32(&items[i], "size"),
		};
	return n;
}

int create_read(struct document *doc, struct create *out, struct error *err)
{
	doc->err = err;
	struct reader root = document_root(doc), network = read_object(&root, "network");
	struct reader used = read_object(&root, "used"), options = read_object(&root, "options");
	struct create c = {
		.arena = doc->arena,
		.net = request_read_network(&network),
		.default_interface = read_string_or(&options, "default_interface_name", NULL),
		.check_used_subnets = read_bool(&options, "check_used_subnets"),
	};

	c.n_used_interfaces = read_names(&used, "interfaces", &c.used_interfaces);
	c.n_used_names = read_keys(&used, "names", &c.used_names);
	c.n_used_subnets = read_prefixes(&used, "subnets", &c.used_subnets);
	c.n_pools = read_pools(&options, "subnet_pools", &c.pools);
	if (doc->failed)
		return -err->code;
	*out = c;
	return 0;
}

/* ---- names ---- */

bool create_is_name(const char *name)
{
	return isalnum((unsigned char)*name) && name[strspn(name, NAME_CHARS)] == '\0';
}

bool create_is_in(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static int check_name(const struct create *c, struct error *err)
{
	const char *name = c->net.name;

	if (!*name)
		return fail(err, EINVAL, "Network name must be supplied");
	if (!create_is_name(name))
		return fail(err, EINVAL,
			    "Invalid characters in network name %s: must match "
			    "[a-zA-Z0-9][a-zA-Z0-9_.-]*",
			    text_quote(c->arena, name));
	/* Podman recognises these words. */
	if (create_is_in(c->used_names, c->n_used_names, name))
		return fail(err, EEXIST, "network already exists %s", name);
	return 0;
}

static int check_id(const struct create *c, struct error *err)
{
	const char *id = c->net.id;

	if (!*id)
		return fail(err, EINVAL, "Network id must be supplied");
	if (strlen(id) != ID_LEN || id[strspn(id, "0123456789abcdefABCDEF")])
		return fail(err, EINVAL, "Network id must be a hexadecimal string %s",
			    text_quote(c->arena, id));
	return 0;
}

int create_check_interface(const char *name, struct error *err)
{
	const char *bad = strpbrk(name, "/: \t\n\v\f\r");

	if (strlen(name) >= IFNAMSIZ)
		return fail(err, EINVAL,
			    "Interface name is too long: interface names must be %d characters or "
			    "less: %s",
			    IFNAMSIZ - 1, name);
	if (!*name || strcmp(name, "..") == 0)
		return fail(err, EINVAL, "Interface name cannot be . or ..");
	if (bad)
		return fail(err, EINVAL, "Interface name cannot contain\"%c\"", *bad);
	return 0;
}

/* ---- address management ---- */

void create_set_ipam_driver(struct create *c, const char *driver)
{
	struct network_setup *net = &c->net;
	struct option *list = arena_alloc(c->arena, (net->n_ipam_options + 1) * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < net->n_ipam_options; i++)
		if (strcmp(net->ipam_options[i].key, "driver") != 0)
			list[n++] = net->ipam_options[i];
	if (driver)
		list[n++] = (struct option){.key = "driver", .value = driver};
	net->ipam_options = list;
	net->n_ipam_options = n;
	net->ipam_driver = driver;
}

static int check_ipam(struct create *c, struct error *err)
{
	const char *driver = c->net.ipam_driver;

	if (driver && !*driver)
		create_set_ipam_driver(c, NULL);
	if (!driver || !*driver || strcmp(driver, "host-local") == 0 || strcmp(driver, "dhcp") == 0)
		return 0;
	if (strcmp(driver, "none") != 0)
		return fail(err, EINVAL, "Unsupported ipam driver: %s", driver);
	if (c->net.n_subnets)
		return fail(err, EINVAL, "None ipam driver is set but subnets are given");
	return 0;
}

/* ---- the whole ---- */

static int apply_driver(struct create *c, struct error *err)
{
	const char *driver = c->net.driver;

	if (driver_is_plugin(driver))
		return create_drivers_plugin(c, err);
	if (strcmp(driver, "bridge") == 0)
		return create_drivers_bridge(c, err);
	return create_drivers_vlan(c, err);
}

/* A plugin may have had its say about all of this. */
static int check_dns(struct create *c, struct error *err)
{
	if (c->net.ipam_driver && strcmp(c->net.ipam_driver, "none") == 0)
		c->net.dns_enabled = false;
	if (!c->net.dns_enabled && read_has(&c->net.at, "network_dns_servers"))
		return fail(err, EINVAL,
			    "cannot set NetworkDNSServers if DNS is not enabled for the network");
	return 0;
}

static int check_routes(const struct create *c, struct error *err)
{
	for (size_t i = 0; i < c->net.n_routes; i++) {
		const struct static_route *route = &c->net.routes[i];
		struct prefix masked = prefix_masked(&route->destination);
		uint8_t type;

		if (!addr_equal(&masked.addr, &route->destination.addr))
			return fail(err, EINVAL, "route destination invalid");
		int r = ipam_route_type(route, true, &type, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int create_plan(struct create *c, struct error *err)
{
	int r = check_name(c, err);

	if (r == 0)
		r = check_id(c, err);
	if (r == 0 && read_has(&c->net.at, "network_interface"))
		r = create_check_interface(c->net.interface, err);
	if (r == 0)
		r = check_ipam(c, err);
	if (r == 0)
		r = apply_driver(c, err);
	if (r == 0)
		r = check_dns(c, err);
	if (r == 0)
		r = create_subnets_complete(c, err);
	if (r == 0)
		r = check_routes(c, err);
	c->net.created = c->now;
	return r;
}

void create_close(struct create *c)
{
	document_close(&c->plugin_answer);
}
