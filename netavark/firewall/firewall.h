/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What should hold in the firewall, and who makes it so. struct fw_intent is exactly what the state
 * files keep, so a reload is add() for every saved intent.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/undo.h"

enum isolation { ISOLATION_NEVER, ISOLATION_NORMAL, ISOLATION_STRICT };

struct fw_port {
	const char *host_ip;   /* as written, for the state file */
	const char *protocol;  /* "tcp", "udp" or "sctp" */
	uint8_t proto;	       /* IPPROTO_* */
	bool ipv4, ipv6;       /* the families it holds for */
	struct addr host_addr; /* only this address of the host; none: any */
	uint16_t host_port, container_port;
	uint16_t range; /* as written: 0 and 1 both mean one port */
};

/* Where the nftables backend puts published ports; see nft_map.h. */
enum fw_layout { LAYOUT_AUTO, LAYOUT_UPSTREAM, LAYOUT_MAP };

struct fw_extras {     /* what a container wants beyond upstream's rules; see store.c */
	bool guard;    /* nobody from outside reaches the loopback addresses */
	bool comments; /* rules of ports say whose they are */
	enum fw_layout layout;
};

struct fw_network {
	struct prefix *subnets; /* host bits as written */
	size_t n_subnets;
	const char *bridge, *id, *hash_name;
	enum isolation isolation;
	uint16_t dns_port;
	bool internal;
	struct addr outbound4, outbound6; /* none: masquerade */
};

struct fw_ports { /* one container's part */
	const char *container_id, *network_name;
	bool has_ports; /* false: no port list at all, which is less than an empty one */
	struct fw_port *ports;
	size_t n_ports;
	struct addr ip4, ip6;		/* the first address of each family, or none */
	struct prefix subnet4, subnet6; /* masked */
	struct addr *dns_servers;	/* the gateways */
	size_t n_dns_servers;
};

/* One forwarding as it stands in the rules: a port of the host and where it leads. */
struct fw_forward {
	uint8_t proto;
	struct addr host_addr; /* none: any */
	uint16_t host_port;
	struct addr to;
};

struct fw_intent {
	struct fw_network net;
	struct fw_ports me;
	struct fw_extras extras;
	/*
	 * Whether another container of the network wants a forwarding that stands in the way of
	 * ours: then the earlier one wins; else it is a leftover and goes. NULL: nobody knows.
	 */
	bool (*is_claimed)(const void *claims, const char *network_id, const struct fw_forward *f);
	const void *claims;
	bool last_container;  /* for remove(): the network's own rules go too */
	bool converts;	      /* for add(): its ports may stand in the other layout */
	bool flush_conntrack; /* forget flows that the rules would send elsewhere now */
};

struct firewall {
	const char *name;	  /* as in --firewall-driver and the state file */
	const char *announcement; /* the line logged when it is chosen */
	bool idle;		  /* it makes no rules, and others may have made theirs */
	/* Whether its own settings can be used; NULL if it has none. For a setup, before any change. */
	int (*check)(struct error *err);
	/*
	 * Decides what is left to the backend, before the intents are written down; NULL if
	 * nothing is.
	 */
	int (*prepare)(struct fw_intent *in, size_t n, struct arena *a, struct error *err);
	/*
	 * Makes all intents true in one transaction. Adding what is there changes nothing.
	 * Undo:    the ruleset is as before.
	 */
	int (*add)(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo,
		   struct error *err);
	/* Removes the container's rules; with last_container also the network's. What is absent
	 * is not an error. */
	int (*remove)(const struct fw_intent *in, size_t n, struct arena *a, struct error *err);
};

extern const struct firewall firewall_nft, firewall_iptables, firewall_none;

/*
 * Chooses the backend by name; NULL means the default.
 * Errors:  -EINVAL "Must provide a valid firewall backend, got <name>".
 */
int firewall_choose(const char *name, const struct firewall **out, struct error *err) must_check;

/*
 * fw->remove(), and then what is left of the rules for the same networks that another backend made
 * before the driver was changed. A failure of the latter is logged only.
 */
int firewall_remove(const struct firewall *fw, const struct fw_intent *in, size_t n,
		    struct arena *a, struct error *err) must_check;

/* How isolation is called in the state files: "Never", "Normal", "Strict". */
const char *isolation_name(enum isolation isolation);
