/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What netavark and the DHCP proxy say to each other. A connection carries one request and its answer,
 * each a length of four bytes, most significant first, and a JSON object:
 *   {"op": "setup" or "teardown", "config": {…}}
 *   {"lease": {…}} or {"error": "<text>"}
 * schemas/dhcp-request.schema.json and dhcp-answer.schema.json describe both.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/reader.h"

#define DHCP_MESSAGE_SOCKET   "/run/podman/nv-proxy.sock"
#define DHCP_MESSAGE_MAX      (64u << 10) /* bytes of JSON */
#define DHCP_MESSAGE_LEN_SIZE 4
#define DHCP_MESSAGE_METRIC   100

struct dhcp_config {
	const char *host_iface;	     /* the bridge, or the parent device */
	const char *container_iface; /* in the namespace at ns_path */
	const char *mac;	     /* of the container's interface, as text */
	const char *domain_name;
	const char *host_name; /* "": none is told to the server */
	const char *ns_path;
	const char *container_id; /* "": no client identifier is sent */
	uint16_t version;	  /* 0: IPv4 */
	/* Ours, optional: */
	uint32_t metric; /* of the default route */
	bool no_default_route;
};

void dhcp_message_put_length(uint8_t out[DHCP_MESSAGE_LEN_SIZE], size_t len);
size_t dhcp_message_get_length(const uint8_t in[DHCP_MESSAGE_LEN_SIZE]);

/* The JSON of a request, without the length. */
char *dhcp_message_request(const char *op, const struct dhcp_config *config, struct arena *a);

/* The configuration of a request. What is wrong with it is in the reader's document. */
struct dhcp_config dhcp_message_read_config(const struct reader *config);
