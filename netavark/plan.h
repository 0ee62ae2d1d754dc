/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What we will do, complete: every default applied, every text parsed, every name final. Made from
 * the request without touching anything, so that every mistake is found before the first change.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/netlink.h"
#include "common/sysctl.h"
#include "netavark/firewall/firewall.h"
#include "netavark/options.h"
#include "netavark/request.h"

enum ipam_kind {
	IPAM_STATIC,	/* the caller has chosen the addresses */
	IPAM_AUTOMATIC, /* ours chooses, one per subnet, when the plan is applied */
	IPAM_DHCP,	/* a DHCP server does, see netavark/dhcp.h */
	IPAM_NONE,
};

struct address_plan {
	struct prefix prefix; /* the container's address with the length of its subnet */
	struct addr gateway;  /* of that subnet, or none */
};

struct dns_entry {
	bool wanted, hidden; /* hidden: its names are not for the others */
	struct addr *bind;   /* where the server listens for this network */
	size_t n_bind;
	const char **names; /* of the container, all usable */
	size_t n_names;
};

struct macvlan_plan {	    /* of macvlan and ipvlan */
	const char *parent; /* "": the device of the default route */
	const char *mode_name;
	uint32_t mode; /* in the kernel's numbers */
	bool has_bc_cutoff;
	int32_t bc_cutoff;
};

struct network_plan {
	const struct network_setup *setup;
	const struct driver *driver;
	const char *name, *id, *hash_name;
	const char *bridge;		    /* NULL: the driver has none */
	const char *container_if, *host_if; /* host_if "": the kernel chooses */
	struct macvlan_plan macvlan;
	bool unmanaged, internal, no_default_route, has_ipv6;
	enum isolation isolation;
	uint32_t mtu, metric;	/* mtu in bytes, 0: see netavark(1) */
	uint32_t announcements; /* of each address to the neighbours */
	const char *vrf;	/* that a new bridge is put into, or "" */
	uint16_t vlan;		/* of the host end; 0: none */
	bool has_mac;
	uint8_t mac[MAC_SIZE];
	enum ipam_kind ipam;
	const struct subnet *subnets; /* those that count, which is none with IPAM_NONE */
	size_t n_subnets;
	struct prefix *gateways; /* for the bridge, in the order of the subnets */
	size_t n_gateways;
	struct address_plan *addresses; /* filled by lease_take() or dhcp_take() if they choose */
	size_t n_addresses;
	struct addr *lease_servers; /* name servers and domain of a DHCP lease */
	size_t n_lease_servers;
	const char *lease_domain; /* NULL or "": none */
	struct route *routes;	  /* the static ones */
	size_t n_routes;
	struct sysctl_setting *host_sysctls; /* for the bridge, if it is made by this run */
	size_t n_host_sysctls;
	struct sysctl_setting *container_sysctls;
	size_t n_container_sysctls;
	const char *plugin, *plugin_input; /* the driver's program, and the document it is given */
	unsigned int plugin_seconds;
	bool uses_firewall, flush_conntrack;
	bool isolated; /* from the other containers of the network, by the bridge */
	bool hairpin;  /* where the kernel shows bridged frames to the firewall */
	struct fw_extras extras;
	struct addr publish_ip; /* for ports without an address of the host; none: any */
	struct addr outbound4, outbound6;
	struct dns_entry dns;
};

struct plan {
	const struct request *req;
	const struct options *options;
	struct arena *arena;
	const char *firewall; /* the name of the backend */
	bool teardown;	      /* what is wrong is logged and left out, it does not end the plan */
	struct fw_port *ports;
	size_t n_ports;
	struct network_plan *networks;
	size_t n_networks;
};

/*
 * Plans a setup. firewall is the backend's name, which the isolation default depends on.
 * Errors:  -EINVAL, -ENOENT; the text is complete.
 */
int plan_setup(const struct request *req, const struct options *options, const char *firewall,
	       struct arena *a, struct plan *out, struct error *err) must_check;

/*
 * Plans a teardown: networks that cannot be planned are left out and their errors collected, data
 * that cannot be used is logged at error level. Returns 0 also then; err->collected tells.
 */
int plan_teardown(const struct request *req, const struct options *options, const char *firewall,
		  struct arena *a, struct plan *out, struct error *err) must_check;

/* In setup returns the error; in teardown logs it and returns 0. */
int plan_problem(const struct plan *plan, const struct error *err) must_check;

/* The same for the result r of a step of planning. */
int plan_step(const struct plan *plan, int r, const struct error *err) must_check;

/* What the firewall shall do for one network, once its addresses are known. */
struct fw_intent plan_intent(const struct plan *plan, const struct network_plan *net);

/* The plan as text, for people and tests. */
char *plan_print(const struct plan *plan);
