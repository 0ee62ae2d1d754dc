/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Links, addresses and routes through rtnetlink(7). One of the doors. A socket is opened inside
 * its namespace and stays there. Errors carry the kernel's errno and read "Netlink error: …";
 * callers put in front what they were doing.
 */

#include <net/if.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/undo.h"

#define MAC_SIZE    6
#define MAC_TEXT    "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_ARGS(m) (m)[0], (m)[1], (m)[2], (m)[3], (m)[4], (m)[5]

struct link_info {
	int index; /* 0: no such link */
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ]; /* "bridge", "veth"; "" for loopback and hardware */
	uint8_t mac[MAC_SIZE];
	bool has_mac, up;
	uint32_t mtu;
	int master; /* index of the bridge it is a port of, or 0 */
	int peer;   /* IFLA_LINK: for a veth the index of the other end in its own namespace */
	bool vlan_filtering; /* of a bridge */
	uint32_t table;	     /* of a VRF: its routing table */
};

struct bridge_spec {
	const char *name;
	uint32_t mtu; /* bytes; 0: not set, it follows the ports */
	int master;   /* index of the VRF, or 0 */
	bool vlan_filtering;
};

struct veth_spec {
	const char *host_name; /* NULL or "": the kernel chooses veth<n> */
	const char *container_name;
	int container_ns;   /* descriptor of the namespace that gets the container end */
	int master;	    /* index of the bridge */
	uint32_t mtu;	    /* bytes; 0: the kernel's default */
	const uint8_t *mac; /* of the container end; NULL: the kernel chooses */
};

struct macvlan_spec {
	const char *kind; /* "macvlan" or "ipvlan" */
	const char *name;
	int container_ns;   /* descriptor of the namespace that gets the link */
	int parent;	    /* index of the device below, in the namespace of the socket */
	uint32_t mtu;	    /* bytes; 0: that of the parent */
	const uint8_t *mac; /* NULL: the kernel chooses; an ipvlan has its parent's */
	uint32_t mode;	    /* MACVLAN_MODE_… or IPVLAN_MODE_… */
	bool has_bc_cutoff; /* macvlan: how busy a broadcast group must be to be queued, -1 never */
	int32_t bc_cutoff;  /* not known to kernels before 6.4, which ignore it */
};

struct route {
	struct prefix destination; /* host bits as written */
	struct addr gateway;	   /* none for the types without */
	uint32_t metric;	   /* smaller wins */
	uint8_t type;		   /* RTN_UNICAST, RTN_BLACKHOLE, … */
	int link;		   /* index of the device; 0: the gateway decides */
	bool on_link;		   /* the gateway is on the link although no subnet says so */
};

int netlink_open(struct nl_sock **out, struct error *err) must_check;
void netlink_close(struct nl_sock *nl);

/* out->index is 0 if there is no such link; that is not an error. */
int link_find(struct nl_sock *nl, const char *name, struct link_info *out,
	      struct error *err) must_check;
/* The names of all links, into the arena. */
int link_list_names(struct nl_sock *nl, struct arena *a, const char ***out, size_t *out_n,
		    struct error *err) must_check;
int link_find_index(struct nl_sock *nl, int index, struct link_info *out,
		    struct error *err) must_check;

/*
 * Undo:    the link is deleted by name if it is still there and, for a
 *          bridge, if nobody has attached a port meanwhile. nl must outlive the undo stack.
 * Errors:  -EEXIST if the name is taken; -ERANGE, -EINVAL for names the kernel refuses.
 */
int link_add_bridge(struct nl_sock *nl, const struct bridge_spec *spec, struct undo *undo,
		    struct error *err) must_check;

/*
 * Makes both ends in one request, the container end inside its namespace, so that it never exists
 * in the host under its final name. One queue per end: the kernel would otherwise allocate one per
 * possible CPU and shrink them again, at the price of a grace period.
 * Undo:    the container end is deleted through container_nl, the other goes with it.
 */
int link_add_veth(struct nl_sock *nl, struct nl_sock *container_nl, const struct veth_spec *spec,
		  struct undo *undo, struct error *err) must_check;

/*
 * Makes a macvlan or ipvlan right in the container's namespace. Kernels up to 6.12 at least look for
 * the name in the namespace of the socket, too; 6.18 does not.
 * Undo:    deleted through container_nl.
 * Errors:  -EEXIST if the name is taken on either side; -EINVAL for an MTU above the parent's;
 *          -EOPNOTSUPP if the kernel does not have the kind.
 */
int link_add_macvlan(struct nl_sock *nl, struct nl_sock *container_nl,
		     const struct macvlan_spec *spec, struct undo *undo,
		     struct error *err) must_check;

/*
 * Gives a link that this run has made, and that is down, its final name.
 * Undo:    the link is deleted by the new name.
 * Errors:  -EEXIST if the name is taken.
 */
int link_rename(struct nl_sock *nl, int index, const char *name, struct undo *undo,
		struct error *err) must_check;

/* Undo: set down again; NULL for a link that goes with its own undo. */
int link_set_up(struct nl_sock *nl, int index, struct undo *undo, struct error *err) must_check;
int link_set_mac(struct nl_sock *nl, int index, const uint8_t mac[MAC_SIZE],
		 struct error *err) must_check;

/*
 * Lets a port of a bridge send back what came from it. Errors also if it is no port of a bridge.
 * Undo:    none, it goes with the link.
 */
int link_set_hairpin(struct nl_sock *nl, int index, struct error *err) must_check;

/* A port of a bridge that exchanges nothing with other such ports. */
int link_set_isolated(struct nl_sock *nl, int index, struct error *err) must_check;
int link_delete(struct nl_sock *nl, int index, struct error *err) must_check;

/*
 * Makes a bridge tell the VLANs of its ports apart.
 * Undo:    switched off again.
 * Errors:  -EOPNOTSUPP if the kernel has no VLAN filtering.
 */
int link_filter_vlans(struct nl_sock *nl, int bridge, struct undo *undo,
		      struct error *err) must_check;

/*
 * What a port of a bridge receives without a tag belongs to this VLAN, and leaves it without one.
 * Undo:    none, it goes with the port.
 */
int link_set_port_vlan(struct nl_sock *nl, int port, uint16_t vlan, struct error *err) must_check;

/* Whether any link has this one as its master. */
int link_has_ports(struct nl_sock *nl, int master, bool *out, struct error *err) must_check;

/* IPv4 with its broadcast address, scope global. Undo: removed again; undo may be NULL. */
int address_add(struct nl_sock *nl, int index, const struct prefix *p, struct undo *undo,
		struct error *err) must_check;

/* Errors: -EADDRNOTAVAIL if it is not there. */
int address_delete(struct nl_sock *nl, int index, const struct prefix *p,
		   struct error *err) must_check;

/* Whether the link carries exactly this address and prefix length. */
int address_exists(struct nl_sock *nl, int index, const struct prefix *p, bool *out,
		   struct error *err) must_check;

/* All addresses of a link, in kernel order, into the arena. */
int address_list(struct nl_sock *nl, int index, struct arena *a, struct prefix **out, size_t *out_n,
		 struct error *err) must_check;

/* All addresses of all links. */
int address_list_all(struct nl_sock *nl, struct arena *a, struct prefix **out, size_t *out_n,
		     struct error *err) must_check;

/*
 * Table main, protocol static. Not exclusive for unicast with another gateway, as upstream.
 * Undo:    none, a route goes with its link.
 * Errors:  -EEXIST for an identical route; -ENETUNREACH if the gateway is not on-link.
 */
int route_add(struct nl_sock *nl, const struct route *route, struct error *err) must_check;
int route_delete(struct nl_sock *nl, const struct route *route, struct error *err) must_check;

/*
 * The device of the default route of a table (RT_TABLE_MAIN, or a VRF's), IPv4 before IPv6; index 0
 * if there is none.
 */
int route_default_link(struct nl_sock *nl, uint32_t table, struct link_info *out,
		       struct error *err) must_check;
