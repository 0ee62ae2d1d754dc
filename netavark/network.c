/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/network.h"

static void set_string(json_t *to, const char *key, const char *value)
{
	json_object_set_new(to, key, json_string(value));
}

static void set_string_or_null(json_t *to, const char *key, const char *value)
{
	json_object_set_new(to, key, value ? json_string(value) : json_null());
}

json_t *network_addrs_json(const struct addr *list, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, json_string(addr_str(&list[i])));
	return out;
}

json_t *network_options_json(const struct option *list, size_t n)
{
	json_t *out = json_object();

	for (size_t i = 0; i < n; i++)
		set_string(out, list[i].key, list[i].value);
	return out;
}

/* A map that is empty stays if it was written. */
static void set_options(json_t *to, const struct network_setup *net, const char *key,
			const struct option *list, size_t n)
{
	if (n || read_has(&net->at, key))
		json_object_set_new(to, key, network_options_json(list, n));
}

static json_t *subnet_json(const struct subnet *s)
{
	json_t *out = json_object();

	if (s->gateway.family)
		set_string(out, "gateway", addr_str(&s->gateway));
	if (s->at.value && read_has(&s->at, "lease_range")) {
		json_t *range = json_object();

		set_string_or_null(range, "end_ip", s->end);
		set_string_or_null(range, "start_ip", s->start);
		json_object_set_new(out, "lease_range", range);
	}
	set_string(out, "subnet", prefix_str(&s->net));
	return out;
}

static void set_subnets(json_t *to, const struct network_setup *net)
{
	json_t *list;

	if (!net->has_subnets)
		return;
	list = json_array();
	for (size_t i = 0; i < net->n_subnets; i++)
		json_array_append_new(list, subnet_json(&net->subnets[i]));
	json_object_set_new(to, "subnets", list);
}

static json_t *route_json(const struct static_route *r)
{
	json_t *out = json_object();

	if (r->gateway.family)
		set_string(out, "gateway", addr_str(&r->gateway));
	set_string(out, "destination", prefix_str(&r->destination));
	json_object_set_new(out, "metric", r->has_metric ? json_integer(r->metric) : json_null());
	if (read_has(&r->at, "route_type"))
		set_string(out, "route_type", r->type);
	return out;
}

static void set_routes(json_t *to, const struct network_setup *net)
{
	json_t *list;

	if (!read_has(&net->at, "routes"))
		return;
	list = json_array();
	for (size_t i = 0; i < net->n_routes; i++)
		json_array_append_new(list, route_json(&net->routes[i]));
	json_object_set_new(to, "routes", list);
}

json_t *network_json(const struct network_setup *net)
{
	json_t *out = json_object();

	if (*net->created)
		set_string(out, "created", net->created);
	json_object_set_new(out, "dns_enabled", json_boolean(net->dns_enabled));
	set_string(out, "driver", net->driver);
	set_string(out, "id", net->id);
	json_object_set_new(out, "internal", json_boolean(net->internal));
	json_object_set_new(out, "ipv6_enabled", json_boolean(net->ipv6_enabled));
	set_string(out, "name", net->name);
	if (*net->interface)
		set_string(out, "network_interface", net->interface);
	set_options(out, net, "options", net->options, net->n_options);
	set_options(out, net, "ipam_options", net->ipam_options, net->n_ipam_options);
	set_subnets(out, net);
	set_routes(out, net);
	if (read_has(&net->at, "network_dns_servers"))
		json_object_set_new(out, "network_dns_servers",
				    network_addrs_json(net->dns_servers, net->n_dns_servers));
	set_options(out, net, "labels", net->labels, net->n_labels);
	return out;
}
