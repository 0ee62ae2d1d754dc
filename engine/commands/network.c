/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::commands"
#include "engine/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/text.h"
#include "engine/commands/commands.h"
#include "engine/options.h"

const struct cli_option commands_network_create[] = {
	{0, "disable-dns", NULL, "No names in this network"},
	{0, "dns", "ADDRESS", "Name server that this network asks"},
	{'d', "driver", "DRIVER", "bridge, macvlan, ipvlan, or a plugin"},
	{0, "gateway", "ADDRESS", "Gateway of the subnet before"},
	{0, "ignore", NULL, "A network of that name is fine"},
	{0, "interface-name", "NAME", "The bridge, or the parent interface"},
	{0, "internal", NULL, "No way out"},
	{0, "ip-range", "CIDR", "Part of the subnet before that addresses are taken from"},
	{0, "ipam-driver", "DRIVER", "host-local, dhcp, none"},
	{0, "ipv6", NULL, "IPv6, too"},
	{0, "label", "KEY=VALUE", "Label"},
	{'o', "opt", "KEY=VALUE", "Option of the driver"},
	{0, "route", "DEST,GATEWAY[,METRIC]", "Static route in the containers"},
	{0, "subnet", "CIDR", "Subnet"},
	{0},
};

const struct cli_option commands_network_ls[] = {
	{0, "format", "FORMAT", "json, or fields: {{.name}} {{.driver}}"},
	{'q', "quiet", NULL, "Only names"},
	{0},
};

const struct cli_option commands_network_rm[] = {
	{'f', "force", NULL, "Remove the containers that use it, too; do not ask"},
	{0},
};

const struct cli_option commands_network_connect[] = {
	{0, "alias", "NAME", "Further DNS name in the network"},
	{0, "ip", "ADDRESS", "IPv4 address"},
	{0, "ip6", "ADDRESS", "IPv6 address"},
	{0, "mac-address", "MAC", "Ethernet address"},
	{0},
};

const struct cli_option commands_network_update[] = {
	{0, "dns-add", "ADDRESS", "Ask this name server, too"},
	{0, "dns-drop", "ADDRESS", "Do not ask it any more"},
	{0},
};

/* ---- create ---- */

/* First and last address of a part of the subnet. */
static int lease_range(const char *text, json_t *subnet, struct error *err)
{
	struct prefix p;

	if (!prefix_parse(text, &p))
		return fail(err, EINVAL, "--ip-range: \"%s\" is not ADDRESS/LENGTH", text);
	struct prefix low = prefix_masked(&p);
	struct addr first = low.addr, last = prefix_last(&p);
	json_object_set_new(subnet, "lease_range",
			    json_pack("{s:s,s:s}", "start_ip", addr_str(&first), "end_ip",
				      addr_str(&last)));
	return 0;
}

/* --subnet, --gateway and --ip-range come in groups: the n-th of each belong together. */
static int subnets_of(const struct cli_line *line, json_t *network, struct arena *a,
		      struct error *err)
{
	const char **subnets = cli_values(line, "subnet", a),
		   **gateways = cli_values(line, "gateway", a);
	const char **ranges = cli_values(line, "ip-range", a);
	json_t *list = record_array(network, "subnets");
	int r = 0;

	for (; r == 0 && *subnets; subnets++) {
		json_t *subnet = json_pack("{s:s}", "subnet", *subnets);

		json_array_append_new(list, subnet);
		if (*gateways)
			record_set(subnet, "gateway", *gateways++);
		if (*ranges)
			r = lease_range(*ranges++, subnet, err);
	}
	if (r == 0 && (*gateways || *ranges))
		r = fail(err, EINVAL, "%s: there is no --subnet for it",
			 *gateways ? "--gateway" : "--ip-range");
	if (!json_array_size(list))
		json_object_del(network, "subnets");
	return r;
}

static int routes_of(const struct cli_line *line, json_t *network, struct arena *a,
		     struct error *err)
{
	for (const char **v = cli_values(line, "route", a); *v; v++) {
		char **parts, *end;
		size_t n = text_split(a, *v, ',', &parts);

		if (n < 2 || n > 3)
			return fail(err, EINVAL, "--route: \"%s\" is not DEST,GATEWAY[,METRIC]",
				    *v);
		json_t *route =
			json_pack("{s:s,s:s}", "destination", parts[0], "gateway", parts[1]);
		json_array_append_new(record_array(network, "routes"), route);
		if (n < 3)
			continue;
		long metric = strtol(parts[2], &end, 10);
		if (*end || end == parts[2] || metric < 0)
			return fail(err, EINVAL, "--route: \"%s\": metric", *v);
		json_object_set_new(route, "metric", json_integer(metric));
	}
	return 0;
}

static int definition_of(struct engine *e, const struct cli_line *line, const char *name,
			 json_t **out, struct error *err)
{
	const char *driver = cli_value(line, "driver", "bridge");
	json_t *network =
		record_own(&e->pool, json_pack("{s:s,s:s,s:b,s:b,s:b}", "name", name, "driver",
					       driver, "internal", cli_flag(line, "internal"),
					       "ipv6_enabled", cli_flag(line, "ipv6"),
					       "dns_enabled", !cli_flag(line, "disable-dns")));
	const char **dns = cli_values(line, "dns", e->arena);
	const char **options = cli_values(line, "opt", e->arena);
	const char **labels = cli_values(line, "label", e->arena);
	int r = subnets_of(line, network, e->arena, err);

	if (r == 0)
		r = routes_of(line, network, e->arena, err);
	if (*dns)
		json_object_set_new(network, "network_dns_servers", record_list(dns));
	if (*options)
		options_map(options, record_object(network, "options"), e->arena);
	if (*labels)
		options_map(labels, record_object(network, "labels"), e->arena);
	if (cli_value(line, "interface-name", NULL))
		record_set(network, "network_interface", cli_value(line, "interface-name", NULL));
	/* "parent" is how Docker and Podman call it. */
	json_t *parent = json_object_get(json_object_get(network, "options"), "parent");
	if (parent) {
		json_object_set(network, "network_interface", parent);
		json_object_del(json_object_get(network, "options"), "parent");
	}
	if (cli_value(line, "ipam-driver", NULL))
		record_set(record_object(network, "ipam_options"), "driver",
			   cli_value(line, "ipam-driver", NULL));
	*out = network;
	return r;
}

/* network1, network2, … */
static const char *free_name(struct engine *e)
{
	struct error ignored;
	json_t *network;

	for (int n = 1;; n++) {
		const char *name = arena_printf(e->arena, "network%d", n);

		if (network_load(e, name, &network, &ignored) == -ENOENT)
			return name;
	}
}

int command_network_create(struct engine *e, const struct cli_line *line, struct error *err)
{
	cleanup_close int lock = -1;
	json_t *wish, *network;
	int r = store_lock_common(e, "networks", &lock, err);

	if (r < 0)
		return r;
	const char *name = line->n_args ? line->args[0] : free_name(e);
	r = definition_of(e, line, name, &wish, err);
	if (r == 0 && cli_flag(line, "ignore") && strcmp(name, NETWORK_DEFAULT) != 0 &&
	    network_load(e, name, &network, err) == 0) {
		printf("%s\n", name);
		return 0;
	}
	if (r == 0)
		r = network_create(e, wish, true, &network, err);
	if (r == 0)
		r = network_write(e, network, err);
	if (r == 0)
		printf("%s\n", name);
	return r;
}

/* ---- ls, inspect, exists ---- */

int command_network_ls(struct engine *e, const struct cli_line *line, struct error *err)
{
	const char *format = cli_value(line, "format", NULL);
	json_t *list, *network;
	size_t i, bad = 0;
	int width = 4, r = network_list(e, &list, &bad, err);

	if (r < 0)
		return r;
	if (format)
		return commands_print(list, format, e->arena, err);
	json_array_foreach (list, i, network) {
		int len = (int)strlen(record_str(network, "name"));

		width = len > width ? len : width;
	}
	if (!cli_flag(line, "quiet"))
		printf("%-12s  %-*s  %s\n", "NETWORK ID", width, "NAME", "DRIVER");
	json_array_foreach (list, i, network) {
		if (cli_flag(line, "quiet"))
			printf("%s\n", record_str(network, "name"));
		else
			printf("%.12s  %-*s  %s\n", record_str(network, "id"), width,
			       record_str(network, "name"), record_str(network, "driver"));
	}
	return bad ? 125 : 0;
}

/* {"ID": {"name": …, "interfaces": …}} of those that run. */
static int members(struct engine *e, const char *name, json_t *out, struct error *err)
{
	const char **ids;
	int r = network_users(e, name, &ids, err);

	for (; r == 0 && *ids; ids++) {
		struct container *c;

		if (store_load(e, *ids, false, &c, err) < 0 || !state_is_alive(state_of(c).state))
			continue;
		json_t *status = json_object_get(network_status(c), name);
		json_t *interfaces = json_object_get(status, "interfaces");
		json_object_set_new(out, *ids,
				    json_pack("{s:s,s:O*}", "name", c->name, "interfaces",
					      interfaces));
	}
	return r;
}

int command_network_inspect(struct engine *e, const struct cli_line *line, struct error *err)
{
	json_t *list = record_own(&e->pool, json_array()), *network;
	int r = 0;

	for (size_t i = 0; r == 0 && i < line->n_args; i++) {
		r = network_load(e, line->args[i], &network, err);
		if (r < 0)
			return r;
		json_array_append(list, network);
		r = members(e, line->args[i], record_object(network, "containers"), err);
	}
	return r < 0 ? r : commands_print(list, cli_value(line, "format", NULL), e->arena, err);
}

int command_network_exists(struct engine *e, const struct cli_line *line, struct error *err)
{
	json_t *list, *network;
	size_t i;
	int r = network_list(e, &list, NULL, err);

	if (r < 0)
		return r;
	json_array_foreach (list, i, network)
		if (strcmp(record_str(network, "name"), line->args[0]) == 0)
			return 0;
	return 1;
}

/* ---- rm, prune ---- */

static int remove_users(struct engine *e, const char **ids, struct error *err)
{
	for (; *ids; ids++) {
		struct container *c;
		int r = store_load(e, *ids, true, &c, err);

		if (r == -ENOENT)
			continue;
		if (r == 0)
			r = lifecycle_stop(c, 0, err);
		if (r == 0)
			r = lifecycle_remove(c, err);
		if (r < 0 && r != -ENOENT)
			return r;
		store_close(c);
	}
	return 0;
}

static int remove_network(struct engine *e, const char *name, bool force, struct error *err)
{
	cleanup_close int lock = -1;
	const char **ids;
	json_t *network;
	struct container *c;
	int r = strcmp(name, NETWORK_DEFAULT) == 0 ? 0 : network_load(e, name, &network, err);

	if (r == 0)
		r = network_users(e, name, &ids, err);
	if (r < 0)
		return r;
	if (ids[0] && !force) {
		e->status = 2;
		r = store_load(e, ids[0], false, &c, err);
		return fail(err, EBUSY, "network %s is used by the container %s; -f removes both",
			    name, r == 0 ? c->name : ids[0]);
	}
	r = remove_users(e, ids, err);
	if (r == 0)
		r = store_lock_common(e, "networks", &lock, err);
	return r < 0 ? r : network_remove(e, name, err);
}

int command_network_rm(struct engine *e, const struct cli_line *line, struct error *err)
{
	int status = 0;

	for (size_t i = 0; i < line->n_args; i++) {
		e->status = 1;
		if (remove_network(e, line->args[i], cli_flag(line, "force"), err) < 0) {
			fprintf(stderr, "Error: %s\n", err->text);
			status = e->status;
		} else {
			printf("%s\n", line->args[i]);
		}
	}
	return status;
}

int command_network_prune(struct engine *e, const struct cli_line *line, struct error *err)
{
	json_t *list, *network;
	size_t i;
	int r = network_list(e, &list, NULL, err);

	(void)line;
	json_array_foreach (list, i, network) {
		const char *name = record_str(network, "name"), **ids;

		if (r == 0)
			r = network_users(e, name, &ids, err);
		if (r < 0)
			return r;
		if (ids[0])
			continue;
		r = network_remove(e, name, err);
		if (r == 0)
			printf("%s\n", name);
	}
	return r;
}

/* ---- connect, disconnect ---- */

/* From now on the container's networks stand in its state. */
static json_t *own_list(struct container *c)
{
	json_t *list = json_object_get(c->state, "networks");

	if (!json_is_array(list)) {
		list = json_deep_copy(json_object_get(c->create, "networks"));
		json_object_set_new(c->state, "networks", list);
	}
	return list;
}

static size_t index_of(const json_t *list, const char *name)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry)
		if (strcmp(record_str(entry, "name"), name) == 0)
			return i;
	return SIZE_MAX;
}

static int check_mode(const struct container *c, struct error *err)
{
	const char *mode = record_str(json_object_get(c->create, "namespaces"), "net");

	if (strcmp(mode, "bridge") != 0)
		return fail(err, EINVAL, "the container %s was made with --network %s", c->name,
			    mode);
	return 0;
}

static const char *hostname_of(const struct container *c)
{
	const char *given = record_str(c->create, "hostname");

	return *given ? given : store_short(c->engine->arena, c->id);
}

/* The record after netavark has said yes; the files that are mounted in the container. */
static int finish_change(struct container *c, bool alive, struct error *err)
{
	int r = store_write_state(c, err);

	return r < 0 || !alive ? r : network_write_files(c, hostname_of(c), true, err);
}

static int connect_locked(struct container *c, const struct cli_line *line, struct error *err)
{
	bool alive = state_is_alive(state_of(c).state);
	json_t *list = own_list(c), *entry, *network;
	struct arena *a = c->engine->arena;
	const char *name = line->args[0];
	int r = check_mode(c, err);

	if (r == 0)
		r = network_load(c->engine, name, &network, err);
	if (r == 0 && index_of(list, name) != SIZE_MAX)
		r = fail(err, EEXIST, "the container %s is in network %s already", c->name, name);
	if (r == 0)
		r = options_network_entry(name, &entry, a, err);
	if (r < 0)
		return r;
	record_own(&c->engine->pool, entry);
	r = options_network_details(line, entry, a, err);
	for (const char **v = cli_values(line, "alias", a); *v; v++)
		record_push(record_array(entry, "aliases"), *v);
	if (r == 0)
		r = network_check_entry(c->engine, c->id, entry, err);
	if (r == 0 && alive)
		r = network_connect(c, record_str(c->run, "netns"), entry, err);
	if (r < 0)
		return r;
	json_array_append(list, entry);
	return finish_change(c, alive, err);
}

int command_network_connect(struct engine *e, const struct cli_line *line, struct error *err)
{
	struct container *c;
	int r = commands_load(e, line->args[1], true, &c, err);

	if (r == 0) {
		r = connect_locked(c, line, err);
		store_close(c);
	}
	return r;
}

static int disconnect_locked(struct container *c, const char *name, struct error *err)
{
	bool alive = state_is_alive(state_of(c).state);
	json_t *list = own_list(c);
	size_t i = index_of(list, name);
	int r = check_mode(c, err);

	if (r == 0 && i == SIZE_MAX)
		r = fail(err, ENOENT, "the container %s is not in network %s", c->name, name);
	if (r == 0 && alive)
		r = network_disconnect(c, record_str(c->run, "netns"), name, err);
	if (r < 0)
		return r;
	json_array_remove(list, i);
	return finish_change(c, alive, err);
}

int command_network_disconnect(struct engine *e, const struct cli_line *line, struct error *err)
{
	struct container *c;
	int r = commands_load(e, line->args[1], true, &c, err);

	if (r == 0) {
		r = disconnect_locked(c, line->args[0], err);
		store_close(c);
	}
	return r;
}

/* ---- reload, update ---- */

static int reload_one(struct container *c, const struct cli_line *line, struct error *err)
{
	(void)line;
	if (!state_is_alive(state_of(c).state))
		return cli_flag(line, "all")
			       ? -ENOENT
			       : fail(err, ESRCH, "the container %s does not run", c->name);
	return 0;
}

int command_network_reload(struct engine *e, const struct cli_line *line, struct error *err)
{
	/* netavark puts back the rules of all containers at once. */
	int r = network_reload(e, err);

	return r < 0 || (!line->n_args && !cli_flag(line, "all"))
		       ? r
		       : commands_each(e, line, false, reload_one, err);
}

static void drop(json_t *list, const char *address)
{
	json_t *value;
	size_t i;

	json_array_foreach (list, i, value)
		if (strcmp(json_string_value(value), address) == 0) {
			json_array_remove(list, i);
			return;
		}
}

int command_network_update(struct engine *e, const struct cli_line *line, struct error *err)
{
	cleanup_close int lock = -1;
	json_t *network;
	int r = network_load(e, line->args[0], &network, err);

	if (r == 0)
		r = store_lock_common(e, "networks", &lock, err);
	if (r == 0)
		r = network_load(e, line->args[0], &network, err);
	if (r < 0)
		return r;
	json_t *servers = record_array(network, "network_dns_servers");
	for (const char **v = cli_values(line, "dns-drop", e->arena); *v; v++)
		drop(servers, *v);
	for (const char **v = cli_values(line, "dns-add", e->arena); *v; v++) {
		drop(servers, *v);
		record_push(servers, *v);
	}
	r = network_update_servers(e, line->args[0],
				   record_strings(network, "network_dns_servers", e->arena), err);
	if (r == 0 && !json_array_size(servers))
		json_object_del(network, "network_dns_servers");
	return r < 0 ? r : network_write(e, network, err);
}
