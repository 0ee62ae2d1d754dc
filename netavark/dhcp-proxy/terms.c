/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/dhcp-proxy/terms.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

struct prefix terms_prefix(const struct terms *t)
{
	struct prefix p = {.addr = t->address};

	for (size_t i = 0; i < addr_size(&t->mask); i++)
		p.len = (uint8_t)(p.len + __builtin_popcount(t->mask.bytes[i]));
	return p;
}

static bool routers_differ(const struct terms_list *a, const struct terms_list *b)
{
	if (a->n != b->n)
		return true;
	for (size_t i = 0; i < a->n; i++)
		if (!addr_equal(&a->list[i], &b->list[i]))
			return true;
	return false;
}

bool terms_differ(const struct terms *a, const struct terms *b)
{
	if (!addr_equal(&a->address, &b->address) || !addr_equal(&a->mask, &b->mask) ||
	    routers_differ(&a->routers, &b->routers) || a->n_routes != b->n_routes)
		return true;
	for (size_t i = 0; i < a->n_routes; i++)
		if (!prefix_equal(&a->routes[i].destination, &b->routes[i].destination) ||
		    !addr_equal(&a->routes[i].gateway, &b->routes[i].gateway))
			return true;
	return false;
}

static json_t *list_json(const struct terms_list *l)
{
	json_t *out = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(out, json_string(addr_str(&l->list[i])));
	return out;
}

static json_t *routes_json(const struct terms *t)
{
	json_t *out = json_array();

	for (size_t i = 0; i < t->n_routes; i++) {
		const struct addr_text to = prefix_print(&t->routes[i].destination);

		json_array_append_new(out, json_pack("{s:s, s:s}", "destination", to.s, "gateway",
						     addr_str(&t->routes[i].gateway)));
	}
	return out;
}

/* A server may send any bytes. */
static json_t *name_json(const char *name)
{
	struct arena scratch = {0};
	json_t *out = json_string(text_to_utf8(&scratch, name));

	arena_release(&scratch);
	return out;
}

json_t *terms_json(const struct terms *t)
{
	const bool is_lease = t->address.family != 0;
	json_t *out = json_object();
	char mac[sizeof("00:00:00:00:00:00")] = "";

	if (is_lease)
		snprintf(mac, sizeof(mac), MAC_TEXT, MAC_ARGS(t->mac));
	json_object_set_new(out, "t1", json_integer(t->t1));
	json_object_set_new(out, "t2", json_integer(t->t2));
	json_object_set_new(out, "lease_time", json_integer(t->lease_time));
	json_object_set_new(out, "mtu", json_integer(t->mtu));
	json_object_set_new(out, "domain_name", name_json(t->domain));
	json_object_set_new(out, "mac_address", json_string(mac));
	json_object_set_new(out, "is_v6", json_false());
	json_object_set_new(out, "siaddr", json_string(addr_str(&t->next_server)));
	json_object_set_new(out, "yiaddr", json_string(addr_str(&t->address)));
	json_object_set_new(out, "srv_id", json_string(addr_str(&t->server)));
	json_object_set_new(out, "subnet_mask", json_string(addr_str(&t->mask)));
	json_object_set_new(out, "broadcast_addr", json_string(""));
	json_object_set_new(out, "dns_servers", list_json(&t->dns));
	json_object_set_new(out, "gateways", list_json(&t->routers));
	json_object_set_new(out, "ntp_servers", list_json(&t->ntp));
	json_object_set_new(out, "host_name", name_json(t->host_name));
	if (t->n_routes)
		json_object_set_new(out, "routes", routes_json(t));
	return out;
}
