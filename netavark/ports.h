/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Published ports: as they are written in documents and state files, and what they mean. */

#include "common/reader.h"
#include "netavark/firewall/firewall.h"

struct port_mapping {
	const char *host_ip; /* as written; "" is any address of both families */
	const char *protocol;
	uint16_t host_port, container_port, range;
	struct reader at; /* where it stands, for errors */
};

/* The array "port_mappings" of an object; 0 if it is absent. */
size_t ports_read(const struct reader *r, struct port_mapping **out);

/*
 * Adds what a mapping means to a list: one port for each of its protocols.
 * Errors:  -EINVAL: host address, ports, range or protocol.
 */
int ports_add(struct arena *a, const struct port_mapping *m, struct fw_port **list, size_t *n,
	      struct error *err) must_check;

/* IPPROTO_* of "tcp", "udp", "sctp"; -1 for any other word. */
int ports_protocol(const char *name);
