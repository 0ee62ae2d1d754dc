/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/dhcp.h"

#include <errno.h>

#include "netavark/apply.h"
#include "netavark/dhcp_call.h"

/* ---- setup ---- */

static struct dhcp_config config_of(const struct plan *plan, const struct network_plan *net,
				    const uint8_t mac[MAC_SIZE], const struct host *h)
{
	const struct option *metric =
		option_find(net->setup->options, net->setup->n_options, "metric");

	return (struct dhcp_config){
		.host_iface = "",
		.container_iface = net->container_if,
		.mac = arena_printf(plan->arena, MAC_TEXT, MAC_ARGS(mac)),
		.domain_name = "",
		.host_name = plan->req->hostname ? plan->req->hostname : "",
		.ns_path = h->netns,
		.container_id = plan->req->container_id,
		.metric = metric ? net->metric : DHCP_MESSAGE_METRIC,
		.no_default_route = net->no_default_route || net->internal,
	};
}

/* The bridge, or the device that the container's interface is made of. */
static int find_host_iface(const struct network_plan *net, struct host *h, struct arena *a,
			   const char **out, struct error *err)
{
	struct link_info own, parent;

	if (net->bridge) {
		*out = net->bridge;
		return 0;
	}
	int r = link_find(h->container_nl, net->container_if, &own, err);
	if (r == 0)
		r = link_find_index(h->nl, own.peer, &parent, err);
	if (r == 0)
		*out = arena_strdup(a, parent.name);
	return r;
}

struct taken_lease {
	struct dhcp_config config;
	struct arena *arena;
};

static int give_back(void *arg, struct error *err)
{
	const struct taken_lease *taken = arg;
	struct document answer = {0};
	cleanup_close int fd = -1;
	int r = dhcp_call_open(DHCP_MESSAGE_SOCKET, &fd, err);

	if (r == 0)
		r = dhcp_call_ask(fd, "teardown", &taken->config, taken->arena, &answer, err);
	document_close(&answer);
	return r;
}

static int ask_for_lease(const struct dhcp_config *config, struct host *h, struct document *answer,
			 struct error *err)
{
	struct taken_lease *taken = arena_alloc(h->arena, sizeof(*taken));
	cleanup_close int fd = -1;
	int r = dhcp_call_open(DHCP_MESSAGE_SOCKET, &fd, err);

	if (r < 0)
		return r;
	r = dhcp_call_ask(fd, "setup", config, h->arena, answer, err);
	if (r == -EINTR)
		return apply_interrupted(err);
	if (r < 0)
		return wrap(err, "get DHCP lease");
	*taken = (struct taken_lease){*config, h->arena};
	undo_push(&h->undo, give_back, taken, arena_printf(h->arena, "lease of %s", config->mac));
	return 0;
}

static int read_addr(const char *text, const char *what, struct addr *out, struct error *err)
{
	if (addr_parse(text, out))
		return 0;
	return fail(err, EINVAL, "bad %s address: invalid IP address syntax", what);
}

static int read_servers(const struct reader *lease, struct network_plan *net, struct arena *a,
			struct error *err)
{
	struct reader *list;
	const size_t n = read_array_or_none(lease, "dns_servers", &list);
	int r = 0;

	net->lease_servers = arena_alloc(a, n * sizeof(*net->lease_servers));
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = read_addr(read_self_string(&list[i]), "dns", &net->lease_servers[i], err);
		net->n_lease_servers = i + 1;
	}
	return r;
}

static int read_gateway(const struct reader *lease, struct addr *out, struct error *err)
{
	struct reader *list;

	if (read_array_or_none(lease, "gateways", &list) == 0)
		return 0;
	return read_addr(read_self_string(&list[0]), "gateway", out, err);
}

static int read_lease(const struct reader *lease, struct network_plan *net, struct arena *a,
		      struct error *err)
{
	struct address_plan *address = arena_alloc(a, sizeof(*address));
	struct addr mask = {0};
	int r = read_addr(read_string(lease, "yiaddr"), "ip", &address->prefix.addr, err);

	if (r == 0)
		r = read_addr(read_string(lease, "subnet_mask"), "subnet mask", &mask, err);
	if (r == 0)
		r = read_gateway(lease, &address->gateway, err);
	if (r == 0)
		r = read_servers(lease, net, a, err);
	if (lease->doc->failed)
		return -lease->doc->err->code;
	if (r < 0)
		return r;
	for (size_t i = 0; i < addr_size(&mask); i++)
		address->prefix.len += (uint8_t)__builtin_popcount(mask.bytes[i]);
	net->addresses = address;
	net->n_addresses = 1;
	net->lease_domain = arena_strdup(a, read_string_or(lease, "domain_name", ""));
	return 0;
}

static int take(struct dhcp_config *config, struct network_plan *net, struct host *h,
		struct document *answer, struct error *err)
{
	int r = find_host_iface(net, h, h->arena, &config->host_iface, err);

	if (r == 0)
		r = ask_for_lease(config, h, answer, err);
	if (r < 0)
		return r;
	const struct reader root = document_root(answer), lease = read_object(&root, "lease");
	return read_lease(&lease, net, h->arena, err);
}

int dhcp_take(const struct plan *plan, struct network_plan *net, const uint8_t mac[MAC_SIZE],
	      struct host *h, struct error *err)
{
	struct dhcp_config config = config_of(plan, net, mac, h);
	struct document answer = {0};
	int r = take(&config, net, h, &answer, err);

	document_close(&answer);
	return r < 0 && r != -EINTR ? wrap(err, "unable to obtain lease") : r;
}

/* ---- teardown ---- */

int dhcp_release(const struct plan *plan, const struct network_plan *net, struct host *h,
		 struct error *err)
{
	struct link_info link;
	int r = link_find(h->container_nl, net->container_if, &link, err);

	if (r == 0 && !link.index)
		r = fail_netlink(err, ENODEV, "%s", "");
	if (r < 0)
		return wrap(err, "get container interface %s", net->container_if);
	struct taken_lease lease = {config_of(plan, net, link.mac, h), h->arena};
	r = give_back(&lease, err);
	return r < 0 ? wrap(err, "drop DHCP lease") : 0;
}
