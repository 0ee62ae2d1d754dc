/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the caller wrote, typed: the document of setup and teardown. Mirrors
 * schemas/netavark-request.schema.json. Strings are borrowed from the JSON. Only what can be said
 * about a value by itself is checked here; everything that needs a second value is planning.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/cleanup.h"
#include "common/reader.h"
#include "netavark/option.h"
#include "netavark/ports.h"

struct subnet {
	struct prefix net;	 /* host bits as written */
	struct addr gateway;	 /* none if absent */
	const char *start, *end; /* lease_range, as written; NULL if absent */
	struct reader at;
};

struct static_route {
	struct prefix destination;
	struct addr gateway;
	uint32_t metric;
	bool has_metric;
	const char *type;
	struct reader at;
};

struct attachment { /* this container's part of one network */
	const char *interface;
	const char *mac; /* NULL if absent */
	struct addr *static_ips;
	size_t n_static_ips;
	const char **aliases;
	size_t n_aliases;
	struct option *options;
	size_t n_options;
	struct reader at;
};

struct network_setup {	      /* one network: its definition and the container's part */
	const char *asked_as; /* the name in "networks", the key in "network_info" */
	const char *driver;   /* NULL: "network_info" does not describe it */
	const char *name, *id, *interface, *ipam_driver;
	const char *created; /* "" if absent: from Podman up to 5.x it is there */
	bool internal, dns_enabled, ipv6_enabled;
	bool has_subnets; /* the key is there, even if the list is empty */
	struct subnet *subnets;
	size_t n_subnets;
	struct static_route *routes;
	size_t n_routes;
	struct addr *dns_servers; /* forwarders of this network */
	size_t n_dns_servers;
	struct option *options; /* driver options, still text */
	size_t n_options;
	struct option *ipam_options;
	size_t n_ipam_options;
	struct option *labels;
	size_t n_labels;
	struct option *host_options; /* of netavark.conf, see conf.h; the first of a key counts */
	size_t n_host_options;
	struct attachment me;
	struct reader at;
};

struct request {
	const char *container_id, *container_name, *hostname;
	bool networks_are_array; /* the form that Podman 6 sends */
	bool has_ports;		 /* "port_mappings" is there and not null */
	struct port_mapping *ports;
	size_t n_ports;
	struct addr *dns_servers; /* the container's own resolvers */
	size_t n_dns_servers;
	struct network_setup *networks; /* in the order to attach them */
	size_t n_networks;
};

/*
 * Reads a whole document. doc must stay open as long as out is used.
 * Errors:  -EINVAL; the text names the place and the value.
 */
int request_read(struct document *doc, struct request *out, struct error *err) must_check;

/* Reads the definition of one network, without the container's part. */
struct network_setup request_read_network(const struct reader *r);
