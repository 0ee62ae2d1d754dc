/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* An intent with everything in it, for tests of the rules. */

#include <netinet/in.h>

#include "common/cleanup.h"
#include "netavark/firewall/firewall.h"

static inline struct addr intent_addr(const char *text)
{
	struct addr a = {0};

	assert_true(addr_parse(text, &a));
	return a;
}

static inline struct prefix intent_prefix(const char *text)
{
	struct prefix p = {0};

	assert_true(prefix_parse(text, &p));
	return p;
}

/* Dual stack, ports of every kind, DNS on another port. The lists may be changed by the test. */
struct intent {
	struct fw_intent in;
	struct prefix subnets[2];
	struct addr gateways[2];
	struct fw_port ports[5];
};

static inline void intent_make(struct intent *i)
{
	*i = (struct intent){
		.subnets = {intent_prefix("10.90.0.7/24"), intent_prefix("fd90::/64")},
		.gateways = {intent_addr("10.90.0.1"), intent_addr("fd90::1")},
		.ports = {{.proto = IPPROTO_TCP,
			   .ipv4 = true,
			   .ipv6 = true,
			   .host_port = 8080,
			   .container_port = 80,
			   .range = 1},
			  {.proto = IPPROTO_UDP,
			   .ipv4 = true,
			   .host_port = 9000,
			   .container_port = 7000,
			   .range = 3},
			  {.proto = IPPROTO_SCTP,
			   .ipv6 = true,
			   .host_port = 3868,
			   .container_port = 3868},
			  {.proto = IPPROTO_TCP,
			   .ipv4 = true,
			   .host_port = 8443,
			   .container_port = 443,
			   .host_addr = intent_addr("192.168.188.25")},
			  {.proto = IPPROTO_TCP,
			   .ipv6 = true,
			   .host_port = 8443,
			   .container_port = 443,
			   .host_addr = intent_addr("fd65::1")}},
	};
	i->in = (struct fw_intent){
		.net = {.subnets = i->subnets,
			.n_subnets = array_size(i->subnets),
			.bridge = "podman1",
			.id = "aabbccdd00112233",
			.isolation = ISOLATION_STRICT,
			.dns_port = 5353},
		.me = {.has_ports = true,
		       .ports = i->ports,
		       .n_ports = array_size(i->ports),
		       .ip4 = intent_addr("10.90.0.2"),
		       .ip6 = intent_addr("fd90::2"),
		       .subnet4 = intent_prefix("10.90.0.0/24"),
		       .subnet6 = intent_prefix("fd90::/64"),
		       .dns_servers = i->gateways,
		       .n_dns_servers = array_size(i->gateways)},
	};
}
