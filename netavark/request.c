/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/request.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"

#define ROUTE_METRIC_DEFAULT 100

static size_t read_options(const struct reader *r, const char *key, struct option **out)
{
	struct reader map = read_object_or_none(r, key), *members;
	size_t n = read_members(&map, &members);

	*out = arena_alloc(r->doc->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++)
		(*out)[i] = (struct option){
			.key = members[i].name,
			.value = read_self_string(&members[i]),
			.at = members[i],
		};
	return n;
}

static size_t read_addrs(const struct reader *r, const char *key, struct addr **out)
{
	struct reader *items;
	size_t n = read_array_or_none(r, key, &items);

	*out = arena_alloc(r->doc->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++)
		(*out)[i] = read_self_addr(&items[i]);
	return n;
}

static size_t read_strings(const struct reader *r, const char *key, const char ***out)
{
	struct reader *items;
	size_t n = read_array_or_none(r, key, &items);

	*out = arena_alloc(r->doc->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++)
		(*out)[i] = read_self_string(&items[i]);
	return n;
}

static struct subnet read_subnet(const struct reader *r)
{
	struct reader range = read_object_or_none(r, "lease_range");
	struct subnet s = {
		.net = read_prefix(r, "subnet"),
		.gateway = read_addr_or_none(r, "gateway"),
		.at = *r,
	};

	if (range.value) {
		s.start = read_string_or(&range, "start_ip", NULL);
		s.end = read_string_or(&range, "end_ip", NULL);
	}
	return s;
}

static void read_subnets(const struct reader *r, struct network_setup *net)
{
	struct reader *items;

	net->has_subnets = read_has(r, "subnets");
	net->n_subnets = read_array_or_none(r, "subnets", &items);
	net->subnets = arena_alloc(r->doc->arena, net->n_subnets * sizeof(*net->subnets));
	for (size_t i = 0; i < net->n_subnets; i++)
		net->subnets[i] = read_subnet(&items[i]);
}

static void read_routes(const struct reader *r, struct network_setup *net)
{
	struct reader *items;

	net->n_routes = read_array_or_none(r, "routes", &items);
	net->routes = arena_alloc(r->doc->arena, net->n_routes * sizeof(*net->routes));
	for (size_t i = 0; i < net->n_routes; i++)
		net->routes[i] = (struct static_route){
			.destination = read_prefix(&items[i], "destination"),
			.gateway = read_addr_or_none(&items[i], "gateway"),
			.metric = read_u32_or(&items[i], "metric", ROUTE_METRIC_DEFAULT),
			.has_metric = read_has(&items[i], "metric"),
			.type = read_string_or(&items[i], "route_type", ""),
			.at = items[i],
		};
}

struct network_setup request_read_network(const struct reader *r)
{
	struct network_setup net = {
		.name = read_string(r, "name"),
		.id = read_string(r, "id"),
		.driver = read_string(r, "driver"),
		.interface = read_string_or(r, "network_interface", ""),
		.created = read_string_or(r, "created", ""),
		.internal = read_bool(r, "internal"),
		.dns_enabled = read_bool(r, "dns_enabled"),
		.ipv6_enabled = read_bool(r, "ipv6_enabled"),
		.at = *r,
	};

	read_subnets(r, &net);
	read_routes(r, &net);
	net.n_dns_servers = read_addrs(r, "network_dns_servers", &net.dns_servers);
	net.n_options = read_options(r, "options", &net.options);
	net.n_ipam_options = read_options(r, "ipam_options", &net.ipam_options);
	net.n_labels = read_options(r, "labels", &net.labels);
	const struct option *ipam = option_find(net.ipam_options, net.n_ipam_options, "driver");
	net.ipam_driver = ipam ? ipam->value : NULL;
	return net;
}

/*
 * A name that becomes a part of a file name. Longer ones than 200 bytes would leave no room for
 * what stands beside them.
 */
static const char *read_file_name(const struct reader *r, const char *key)
{
	const char *name = read_string(r, key);

	if (!*name)
		reader_fail(r, key, "%s may not be empty", key);
	else if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		reader_fail(r, key, "%s cannot be used as a file name", key);
	else if (strlen(name) > 200)
		reader_fail(r, key, "%s is longer than 200 bytes", key);
	return name;
}

static struct attachment read_attachment(const struct reader *r)
{
	struct attachment me = {
		.interface = read_string(r, "interface_name"),
		.mac = read_string_or(r, "static_mac", NULL),
		.at = *r,
	};

	me.n_static_ips = read_addrs(r, "static_ips", &me.static_ips);
	me.n_aliases = read_strings(r, "aliases", &me.aliases);
	me.n_options = read_options(r, "options", &me.options);
	return me;
}

/* The entries of "networks", an object or an array; each with the name it asks for. */
static size_t read_wanted(const struct reader *root, bool *is_array, struct reader **out,
			  const char ***out_names)
{
	struct reader networks = read_member(root, "networks");
	size_t n = 0;

	*is_array = json_is_array(networks.value);
	if (!networks.value)
		read_string(root, "networks"); /* says that the field is missing */
	else if (*is_array)
		n = read_array_or_none(root, "networks", out);
	else if (json_is_object(networks.value))
		n = read_members(&networks, out);
	else
		reader_fail(root, "networks",
			    "invalid type, expected array of network options or map");
	*out_names = arena_alloc(root->doc->arena, n * sizeof(**out_names));
	for (size_t i = 0; i < n; i++)
		(*out_names)[i] = *is_array ? read_string(&(*out)[i], "name") : (*out)[i].name;
	return n;
}

static void read_networks(const struct reader *root, struct request *out)
{
	struct reader infos = read_object(root, "network_info"), *defined, *wanted;
	size_t n_defined = read_members(&infos, &defined);
	const char **names;

	out->n_networks = read_wanted(root, &out->networks_are_array, &wanted, &names);
	out->networks = arena_alloc(root->doc->arena, out->n_networks * sizeof(*out->networks));
	struct network_setup *nets = arena_alloc(root->doc->arena, n_defined * sizeof(*nets));
	for (size_t i = 0; i < n_defined; i++) {
		nets[i] = request_read_network(&defined[i]);
		nets[i].name = read_file_name(&defined[i], "name");
		nets[i].id = read_file_name(&defined[i], "id");
	}
	for (size_t i = 0; i < out->n_networks; i++) {
		size_t k = 0;

		while (k < n_defined && strcmp(defined[k].name, names[i]) != 0)
			k++;
		out->networks[i] = k < n_defined ? nets[k] : (struct network_setup){0};
		out->networks[i].asked_as = names[i];
		out->networks[i].me = read_attachment(&wanted[i]);
	}
}

int request_read(struct document *doc, struct request *out, struct error *err)
{
	struct reader root;
	struct request req = {0};

	doc->err = err;
	root = document_root(doc);
	req = (struct request){
		.container_id = read_file_name(&root, "container_id"),
		.container_name = read_string(&root, "container_name"),
		.hostname = read_string_or(&root, "container_hostname", ""),
	};
	req.has_ports = read_has(&root, "port_mappings");
	req.n_ports = ports_read(&root, &req.ports);
	req.n_dns_servers = read_addrs(&root, "dns_servers", &req.dns_servers);
	read_networks(&root, &req);
	if (doc->failed)
		return -err->code;
	*out = req;
	return 0;
}
