/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/report.h"

#include <jansson.h>
#include <stdlib.h>

#include "common/text.h"
#include "netavark/network.h"

#define SEARCH_DOMAIN "dns.podman"

static json_t *addresses_json(const struct network_plan *net)
{
	json_t *list = json_array();

	for (size_t i = 0; i < net->n_addresses; i++) {
		const struct address_plan *a = &net->addresses[i];
		json_t *gateway =
			a->gateway.family ? json_string(addr_str(&a->gateway)) : json_null();

		json_array_append_new(list, json_pack("{s:o, s:s}", "gateway", gateway, "ipnet",
						      prefix_str(&a->prefix)));
	}
	return list;
}

/* Those of the lease, unless the container has servers of its own, which its engine knows. */
static json_t *lease_servers_json(const struct plan *plan, const struct network_plan *net)
{
	return network_addrs_json(net->lease_servers,
				  plan->req->n_dns_servers ? 0 : net->n_lease_servers);
}

/*
 * Our server's addresses with DNS; without, the container's own servers are passed through. Networks
 * without a bridge have nothing to do with names.
 */
static json_t *servers_json(const struct plan *plan, const struct network_plan *net)
{
	json_t *out;

	if (net->ipam == IPAM_DHCP && !(net->bridge && net->setup->dns_enabled))
		return lease_servers_json(plan, net);
	if (!net->bridge)
		return json_array();
	if (!net->setup->dns_enabled)
		return network_addrs_json(plan->req->dns_servers, plan->req->n_dns_servers);
	if (net->unmanaged)
		return network_addrs_json(net->dns.bind, net->dns.n_bind);
	out = json_array();
	for (size_t i = 0; i < net->n_gateways; i++)
		json_array_append_new(out, json_string(addr_str(&net->gateways[i].addr)));
	return out;
}

static json_t *block_json(const struct plan *plan, const struct network_status *status)
{
	const struct network_plan *net = status->net;
	char mac[sizeof("00:00:00:00:00:00")];

	if (status->block)
		return json_loads(status->block, 0, NULL);
	json_t *domains = json_array(), *interfaces = json_object();
	if (net->bridge && net->setup->dns_enabled)
		json_array_append_new(domains, json_string(SEARCH_DOMAIN));
	else if (net->lease_domain && *net->lease_domain)
		json_array_append_new(domains, json_string(net->lease_domain));
	snprintf(mac, sizeof(mac), MAC_TEXT, MAC_ARGS(status->mac));
	json_object_set_new(interfaces, net->container_if,
			    json_pack("{s:s, s:o}", "mac_address", mac, "subnets",
				      addresses_json(net)));
	return json_pack("{s:o, s:o, s:o}", "dns_search_domains", domains, "dns_server_ips",
			 servers_json(plan, net), "interfaces", interfaces);
}

/* Takes root over. */
static char *print_line(json_t *root, struct arena *a)
{
	char *text = json_dumps(root, JSON_COMPACT);
	char *line = arena_printf(a, "%s\n", text ? text : "{}");

	free(text);
	json_decref(root);
	return line;
}

char *report_status(const struct plan *plan, const struct network_status *list, size_t n)
{
	json_t *root = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(root, list[i].net->name, block_json(plan, &list[i]));
	return print_line(root, plan->arena);
}

char *report_network(const struct network_setup *net, struct arena *a)
{
	return print_line(network_json(net), a);
}

char *report_error(const struct error *err, struct arena *a)
{
	return print_line(json_pack("{s:s}", "error", text_to_utf8(a, err->text)), a);
}
