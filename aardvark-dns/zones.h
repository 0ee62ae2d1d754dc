/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the server knows, as one snapshot: networks, names, addresses, and who may see what.
 * Built by zones_build() from what the configuration files say and never changed afterwards; a
 * reload builds a new one. All of it lives in one arena.
 */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aardvark-dns/table.h"
#include "common/addr.h"
#include "common/arena.h"

/* --- What a configuration file says: made by config.c, needed only while zones_build() runs --- */

struct name {
	const uint8_t *wire; /* lower case, without the root label */
	size_t len;
};

/* One container line. */
struct config_entry {
	const char *id;	    /* lower case */
	struct addr *addrs; /* IPv4 first, then IPv6, each in column order */
	size_t n_addrs;
	struct name *names; /* in column order */
	size_t n_names;
	struct addr *servers;
	size_t n_servers;
};

/* One file. */
struct config_network {
	const char *name;
	bool internal;
	struct addr *listen;
	size_t n_listen;
	struct addr *servers;
	size_t n_servers;
	struct config_entry *entries;
	size_t n_entries;
};

/* --- The snapshot --- */

/* A name in a network and its addresses, in file order, each once. */
struct zone_name {
	const uint8_t *wire; /* lower case, without the root label */
	uint8_t len;
	uint32_t n_v4, n_v6;
	uint8_t (*v4)[4];
	uint8_t (*v6)[16];
};

/* A container address in a network: who has it, what it is called. */
struct zone_host {
	struct addr addr;
	uint32_t container; /* index into zones->containers */
	uint32_t *names;    /* indices into the network's names, in column order, each once */
	uint32_t n_names;
	uint32_t n_servers;
	const struct addr *servers; /* DNS servers of this container, from its last line */
};

struct zone_network {
	const char *name;
	bool internal;
	const struct addr *servers;
	size_t n_servers;
	struct zone_name *names;
	size_t n_names;
	struct zone_host *hosts;
	size_t n_hosts;
	struct table by_name, by_addr;
};

#define ZONE_ID_MAX 13 /* as Podman shows an ID, NUL included */

struct zone_container {
	char id[ZONE_ID_MAX]; /* the beginning; containers are told apart by all of it */
	uint32_t *networks;   /* in the order of their names */
	size_t n_networks;
};

/* An address to listen on. Usually of one network; nothing forbids two headers to share it. */
struct zone_listener {
	struct addr addr;
	uint32_t *networks; /* in the order of their names */
	size_t n_networks;
};

struct zones {
	struct hash_key key;
	struct zone_network *networks; /* by name */
	size_t n_networks;
	struct zone_container *containers;
	size_t n_containers;
	struct zone_listener *listeners;
	size_t n_listeners;
	struct zone_place {
		uint32_t network, host;
	} * places; /* the first network that knows each address */
	size_t n_places;
	struct table by_addr;
};

/*
 * Builds a snapshot in arena a.
 * Shape:   networks are sorted by name, names differ. Everything is copied.
 */
const struct zones *zones_build(struct arena *a, const struct hash_key *key,
				const struct config_network *networks, size_t n);

/* The listener with this address, or NULL. */
const struct zone_listener *zones_find_listener(const struct zones *z, const struct addr *addr);

/* --- What one client sees --- */

struct view {
	const struct zones *zones;
	const struct zone_listener *listener;
	const struct zone_host *host;	 /* NULL: no container has the client's address */
	const struct zone_network *home; /* where the host is from; NULL likewise */
	const uint32_t *networks;
	size_t n_networks;
	bool only_internal; /* all of them are internal networks */
};

/* Decides which networks a client sees that asks this listener. Never fails. */
struct view zones_view(const struct zones *z, const struct zone_listener *listener,
		       const struct addr *client);

/*
 * The networks of a view, those of the listener first: start with *cursor = 0, call until NULL.
 */
const struct zone_network *view_next(const struct view *v, size_t *cursor);

/* A name in a network, or NULL. hash is hash_bytes(&zones->key, name, len). */
const struct zone_name *zones_find_name(const struct zone_network *net, uint32_t hash,
					const uint8_t *name, size_t len);

/* A container address in a network, or NULL. hash is zones_hash_addr(). */
const struct zone_host *zones_find_host(const struct zone_network *net, uint32_t hash,
					const struct addr *addr);
uint32_t zones_hash_addr(const struct zones *z, const struct addr *addr);

#define VIEW_SERVERS_MAX 16

/* Whether the configuration files name DNS servers for this client. */
bool view_has_servers(const struct view *v);

/*
 * The DNS servers that the configuration files name for this client: the container's own, else
 * those of its networks in order. Each once; internal networks contribute none.
 * Shape:   out has room for VIEW_SERVERS_MAX. Returns their number.
 */
size_t view_servers(const struct view *v, struct addr *out);
