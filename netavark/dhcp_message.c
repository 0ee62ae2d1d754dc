/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/dhcp_message.h"

#include <jansson.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/text.h"

void dhcp_message_put_length(uint8_t out[DHCP_MESSAGE_LEN_SIZE], size_t len)
{
	for (size_t i = 0; i < DHCP_MESSAGE_LEN_SIZE; i++)
		out[i] = (uint8_t)(len >> (8 * (DHCP_MESSAGE_LEN_SIZE - 1 - i)));
}

size_t dhcp_message_get_length(const uint8_t in[DHCP_MESSAGE_LEN_SIZE])
{
	size_t len = 0;

	for (size_t i = 0; i < DHCP_MESSAGE_LEN_SIZE; i++)
		len = len << 8 | in[i];
	return len;
}

char *dhcp_message_request(const char *op, const struct dhcp_config *config, struct arena *a)
{
	const struct {
		const char *key, *value;
	} strings[] = {
		{"host_iface", config->host_iface},
		{"container_iface", config->container_iface},
		{"container_mac_addr", config->mac},
		{"domain_name", config->domain_name},
		{"host_name", config->host_name},
		{"ns_path", config->ns_path},
		{"container_id", config->container_id},
	};
	json_t *object = json_object();

	for (size_t i = 0; i < array_size(strings); i++)
		json_object_set_new(object, strings[i].key,
				    json_string(text_to_utf8(a, strings[i].value)));
	json_object_set_new(object, "version", json_integer(config->version));
	json_object_set_new(object, "metric", json_integer(config->metric));
	json_object_set_new(object, "no_default_route", json_boolean(config->no_default_route));
	json_t *root = json_pack("{s:s, s:o}", "op", op, "config", object);
	cleanup_free char *text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return arena_strdup(a, text ? text : "{}");
}

struct dhcp_config dhcp_message_read_config(const struct reader *config)
{
	return (struct dhcp_config){
		.host_iface = read_string(config, "host_iface"),
		.container_iface = read_string(config, "container_iface"),
		.mac = read_string(config, "container_mac_addr"),
		.domain_name = read_string(config, "domain_name"),
		.host_name = read_string(config, "host_name"),
		.version = read_u16(config, "version"),
		.ns_path = read_string(config, "ns_path"),
		.container_id = read_string(config, "container_id"),
		.metric = read_u32_or(config, "metric", DHCP_MESSAGE_METRIC),
		.no_default_route = read_bool_or(config, "no_default_route", false),
	};
}
