/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/zones.h"

#include <string.h>

#include "common/cleanup.h"

/* What is only needed while a snapshot is built. */
struct builder {
	struct zones *z;
	struct arena *arena;
	struct arena scratch; /* for all of the build */
	struct arena passing; /* for one network */
	const char **ids;     /* of the containers; only their identity matters later */
	struct table by_id;
	uint8_t *wire; /* room for the names of the network being built */
};

uint32_t zones_hash_addr(const struct zones *z, const struct addr *addr)
{
	return hash_bytes(&z->key, addr->bytes, addr_size(addr));
}

const struct zone_name *zones_find_name(const struct zone_network *net, uint32_t hash,
					const uint8_t *name, size_t len)
{
	uint32_t cursor = hash, i;

	while ((i = table_next(&net->by_name, hash, &cursor)) != TABLE_END)
		if (net->names[i].len == len && memcmp(net->names[i].wire, name, len) == 0)
			return &net->names[i];
	return NULL;
}

const struct zone_host *zones_find_host(const struct zone_network *net, uint32_t hash,
					const struct addr *addr)
{
	uint32_t cursor = hash, i;

	while ((i = table_next(&net->by_addr, hash, &cursor)) != TABLE_END)
		if (addr_equal(&net->hosts[i].addr, addr))
			return &net->hosts[i];
	return NULL;
}

/* --- Building: containers --- */

static uint32_t container_index(struct builder *b, const char *id)
{
	struct zones *z = b->z;
	uint32_t hash = hash_bytes(&z->key, id, strlen(id)), cursor = hash, i;

	while ((i = table_next(&b->by_id, hash, &cursor)) != TABLE_END)
		if (strcmp(b->ids[i], id) == 0)
			return i;
	i = (uint32_t)z->n_containers++;
	b->ids[i] = id;
	strncpy(z->containers[i].id, id, ZONE_ID_MAX - 1);
	table_add(&b->by_id, hash, i);
	return i;
}

/* Networks come in order, so a repetition can only be the last one. */
static void add_network(struct arena *a, uint32_t **list, size_t *n, uint32_t network)
{
	if (*n && (*list)[*n - 1] == network)
		return;
	*list = arena_grow(a, *list, *n, sizeof(**list));
	(*list)[(*n)++] = network;
}

/* --- Building: names and hosts of one network --- */

static size_t count_names(const struct config_network *in, size_t *out_bytes)
{
	size_t n = 0;

	*out_bytes = 0;
	for (size_t i = 0; i < in->n_entries; i++) {
		n += in->entries[i].n_names;
		for (size_t k = 0; k < in->entries[i].n_names; k++)
			*out_bytes += in->entries[i].names[k].len;
	}
	return n;
}

static size_t count_addrs(const struct config_network *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_entries; i++)
		n += in->entries[i].n_addrs;
	return n;
}

static uint32_t name_index(struct builder *b, struct zone_network *net, const struct name *name)
{
	uint32_t hash = hash_bytes(&b->z->key, name->wire, name->len);
	const struct zone_name *found = zones_find_name(net, hash, name->wire, name->len);

	if (found)
		return (uint32_t)(found - net->names);
	net->names[net->n_names] =
		(struct zone_name){.wire = memcpy(b->wire, name->wire, name->len),
				   .len = (uint8_t)name->len};
	b->wire += name->len;
	table_add(&net->by_name, hash, (uint32_t)net->n_names);
	return (uint32_t)net->n_names++;
}

static uint32_t host_index(struct builder *b, struct zone_network *net, const struct addr *addr)
{
	uint32_t hash = zones_hash_addr(b->z, addr);
	const struct zone_host *found = zones_find_host(net, hash, addr);

	if (found)
		return (uint32_t)(found - net->hosts);
	net->hosts[net->n_hosts] = (struct zone_host){.addr = *addr};
	table_add(&net->by_addr, hash, (uint32_t)net->n_hosts);
	return (uint32_t)net->n_hosts++;
}

/*
 * The distinct pairs (name, host) of a network in file order. A name and an address belong
 * together if a line has both; lines and columns may repeat them. Hosts have few names, so those
 * of one are in a list; one that has many gets a table.
 */
struct pairs {
	struct pair {
		uint32_t name, host;
		uint32_t next_plus_1; /* of the same host, 0: none */
	} * list;
	size_t n, n_max;
	struct {
		uint32_t last_plus_1, n;
	} * of_host;
	struct table table; /* pairs of hosts with more than MANY_NAMES; made when it is needed */
	struct arena *arena;
};

#define MANY_NAMES 16

static uint32_t pair_hash(const struct hash_key *key, const struct pair *pair)
{
	uint32_t both[] = {pair->name, pair->host};

	return hash_bytes(key, both, sizeof(both));
}

static bool pair_is_known(const struct pairs *p, const struct hash_key *key,
			  const struct pair *pair)
{
	if (p->of_host[pair->host].n <= MANY_NAMES) {
		uint32_t i = p->of_host[pair->host].last_plus_1;

		while (i && p->list[i - 1].name != pair->name)
			i = p->list[i - 1].next_plus_1;
		return i;
	}
	uint32_t hash = pair_hash(key, pair), cursor = hash, i;
	while ((i = table_next(&p->table, hash, &cursor)) != TABLE_END)
		if (p->list[i].name == pair->name && p->list[i].host == pair->host)
			return true;
	return false;
}

/* A host has got one name more. */
static void pair_index(struct pairs *p, const struct hash_key *key, uint32_t host)
{
	uint32_t i = p->of_host[host].last_plus_1;

	if (p->of_host[host].n <= MANY_NAMES)
		return;
	if (!p->table.slots)
		table_init(&p->table, p->arena, p->n_max);
	/* The first time all of them, later only the new one. */
	do {
		table_add(&p->table, pair_hash(key, &p->list[i - 1]), i - 1);
		i = p->list[i - 1].next_plus_1;
	} while (i && p->of_host[host].n == MANY_NAMES + 1);
}

static void pair_add(struct pairs *p, const struct hash_key *key, uint32_t name, uint32_t host)
{
	struct pair pair = {name, host, p->of_host[host].last_plus_1};

	if (pair_is_known(p, key, &pair))
		return;
	p->list[p->n++] = pair;
	p->of_host[host].last_plus_1 = (uint32_t)p->n;
	p->of_host[host].n++;
	pair_index(p, key, host);
}

static void count_pair(struct zone_network *net, const struct pair *pair)
{
	struct zone_name *name = &net->names[pair->name];

	net->hosts[pair->host].n_names++;
	if (net->hosts[pair->host].addr.family == AF_INET)
		name->n_v4++;
	else
		name->n_v6++;
}

static void fill_pair(struct zone_network *net, const struct pair *pair)
{
	struct zone_name *name = &net->names[pair->name];
	struct zone_host *host = &net->hosts[pair->host];

	host->names[host->n_names++] = pair->name;
	if (host->addr.family == AF_INET)
		memcpy(name->v4[name->n_v4++], host->addr.bytes, 4);
	else
		memcpy(name->v6[name->n_v6++], host->addr.bytes, 16);
}

/* Counts first, so that all lists fit into three blocks. */
static void connect_names_and_hosts(struct builder *b, struct zone_network *net,
				    const struct pairs *pairs)
{
	size_t n_v4 = 0, n_v6 = 0;

	for (size_t i = 0; i < pairs->n; i++)
		count_pair(net, &pairs->list[i]);
	for (size_t i = 0; i < net->n_names; i++) {
		n_v4 += net->names[i].n_v4;
		n_v6 += net->names[i].n_v6;
	}
	uint8_t(*v4)[4] = arena_alloc(b->arena, n_v4 * sizeof(*v4));
	uint8_t(*v6)[16] = arena_alloc(b->arena, n_v6 * sizeof(*v6));
	uint32_t *names = arena_alloc(b->arena, pairs->n * sizeof(*names));
	for (size_t i = 0; i < net->n_names; i++) {
		struct zone_name *name = &net->names[i];

		name->v4 = v4;
		name->v6 = v6;
		v4 += name->n_v4;
		v6 += name->n_v6;
		name->n_v4 = name->n_v6 = 0;
	}
	for (size_t i = 0; i < net->n_hosts; i++) {
		struct zone_host *host = &net->hosts[i];

		host->names = names;
		names += host->n_names;
		host->n_names = 0;
	}
	for (size_t i = 0; i < pairs->n; i++)
		fill_pair(net, &pairs->list[i]);
}

static const struct addr *copy_addrs(struct builder *b, const struct addr *list, size_t n)
{
	return arena_memdup(b->arena, list, n * sizeof(*list));
}

static void add_entry(struct builder *b, struct zone_network *net, const struct config_entry *e,
		      struct pairs *pairs)
{
	uint32_t network = (uint32_t)(net - b->z->networks), container = container_index(b, e->id);
	struct zone_container *c = &b->z->containers[container];
	uint32_t *names = arena_alloc(&b->passing, e->n_names * sizeof(*names));
	const struct addr *servers =
		net->internal || !e->n_servers ? NULL : copy_addrs(b, e->servers, e->n_servers);

	add_network(b->arena, &c->networks, &c->n_networks, network);
	if (!e->n_addrs)
		return; /* its names have no address, and so do not exist */
	for (size_t n = 0; n < e->n_names; n++)
		names[n] = name_index(b, net, &e->names[n]);
	for (size_t a = 0; a < e->n_addrs; a++) {
		uint32_t host = host_index(b, net, &e->addrs[a]);

		/* A later line is newer: netavark appends, and a stale line may stand above. */
		net->hosts[host].container = container;
		net->hosts[host].servers = servers;
		net->hosts[host].n_servers = servers ? (uint32_t)e->n_servers : 0;
		for (size_t n = 0; n < e->n_names; n++)
			pair_add(pairs, &b->z->key, names[n], host);
	}
}

static size_t count_pairs(const struct config_network *in)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n_entries; i++)
		n += in->entries[i].n_names * in->entries[i].n_addrs;
	return n;
}

static void build_network(struct builder *b, struct zone_network *net,
			  const struct config_network *in)
{
	size_t bytes, names = count_names(in, &bytes), addrs = count_addrs(in);
	size_t n_pairs = count_pairs(in);
	struct pairs pairs = {
		.list = arena_alloc(&b->passing, n_pairs * sizeof(*pairs.list)),
		.n_max = n_pairs,
		.of_host = arena_alloc(&b->passing, addrs * sizeof(*pairs.of_host)),
		.arena = &b->passing,
	};

	*net = (struct zone_network){
		.name = arena_strdup(b->arena, in->name),
		.internal = in->internal,
		.servers = copy_addrs(b, in->servers, in->n_servers),
		.n_servers = in->n_servers,
		.names = arena_alloc(b->arena, names * sizeof(*net->names)),
		.hosts = arena_alloc(b->arena, addrs * sizeof(*net->hosts)),
	};
	b->wire = arena_alloc(b->arena, bytes);
	table_init(&net->by_name, b->arena, names);
	table_init(&net->by_addr, b->arena, addrs);
	for (size_t i = 0; i < in->n_entries; i++)
		add_entry(b, net, &in->entries[i], &pairs);
	connect_names_and_hosts(b, net, &pairs);
}

/* --- Building: the whole --- */

static struct zone_listener *listener_ensure(struct zones *z, const struct addr *addr)
{
	for (size_t i = 0; i < z->n_listeners; i++)
		if (addr_equal(&z->listeners[i].addr, addr))
			return &z->listeners[i];
	z->listeners[z->n_listeners].addr = *addr;
	return &z->listeners[z->n_listeners++];
}

static void build_listeners(struct builder *b, const struct config_network *networks, size_t n)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += networks[i].n_listen;
	b->z->listeners = arena_alloc(b->arena, total * sizeof(*b->z->listeners));
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < networks[i].n_listen; k++) {
			struct zone_listener *l = listener_ensure(b->z, &networks[i].listen[k]);

			add_network(b->arena, &l->networks, &l->n_networks, (uint32_t)i);
		}
	}
}

static const struct zone_place *find_place(const struct zones *z, uint32_t hash,
					   const struct addr *addr)
{
	uint32_t cursor = hash, i;

	while ((i = table_next(&z->by_addr, hash, &cursor)) != TABLE_END) {
		const struct zone_place *p = &z->places[i];

		if (addr_equal(&z->networks[p->network].hosts[p->host].addr, addr))
			return p;
	}
	return NULL;
}

static void build_places(struct builder *b, size_t total)
{
	struct zones *z = b->z;

	z->places = arena_alloc(b->arena, total * sizeof(*z->places));
	table_init(&z->by_addr, b->arena, total);
	for (uint32_t n = 0; n < z->n_networks; n++) {
		for (uint32_t h = 0; h < z->networks[n].n_hosts; h++) {
			const struct addr *addr = &z->networks[n].hosts[h].addr;
			uint32_t hash = zones_hash_addr(z, addr);

			if (find_place(z, hash, addr))
				continue;
			table_add(&z->by_addr, hash, (uint32_t)z->n_places);
			z->places[z->n_places++] = (struct zone_place){n, h};
		}
	}
}

const struct zones *zones_build(struct arena *a, const struct hash_key *key,
				const struct config_network *networks, size_t n)
{
	struct zones *z = arena_alloc(a, sizeof(*z));
	struct builder b = {.z = z, .arena = a};
	size_t entries = 0, hosts = 0;

	z->key = *key;
	z->networks = arena_alloc(a, n * sizeof(*z->networks));
	z->n_networks = n;
	for (size_t i = 0; i < n; i++)
		entries += networks[i].n_entries;
	z->containers = arena_alloc(a, entries * sizeof(*z->containers));
	b.ids = arena_alloc(&b.scratch, entries * sizeof(*b.ids));
	table_init(&b.by_id, &b.scratch, entries);
	for (size_t i = 0; i < n; i++) {
		build_network(&b, &z->networks[i], &networks[i]);
		hosts += z->networks[i].n_hosts;
		arena_release(&b.passing);
	}
	arena_release(&b.scratch);
	build_places(&b, hosts);
	build_listeners(&b, networks, n);
	return z;
}

const struct zone_listener *zones_find_listener(const struct zones *z, const struct addr *addr)
{
	for (size_t i = 0; i < z->n_listeners; i++)
		if (addr_equal(&z->listeners[i].addr, addr))
			return &z->listeners[i];
	return NULL;
}

/* --- Views --- */

static bool has_network(const uint32_t *list, size_t n, uint32_t network)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == network)
			return true;
	return false;
}

/*
 * The container that a client is. An address of a listener's own network counts first: networks
 * may use the same addresses.
 */
static const struct zone_host *find_client(const struct zones *z, const struct zone_listener *l,
					   const struct addr *client,
					   const struct zone_network **out_home)
{
	uint32_t hash = zones_hash_addr(z, client);

	for (size_t i = 0; i < l->n_networks; i++) {
		*out_home = &z->networks[l->networks[i]];
		const struct zone_host *host = zones_find_host(*out_home, hash, client);
		if (host)
			return host;
	}
	const struct zone_place *place = find_place(z, hash, client);
	*out_home = place ? &z->networks[place->network] : NULL;
	return place ? &(*out_home)->hosts[place->host] : NULL;
}

struct view zones_view(const struct zones *z, const struct zone_listener *listener,
		       const struct addr *client)
{
	struct view v = {
		.zones = z,
		.listener = listener,
		.networks = listener->networks,
		.n_networks = listener->n_networks,
		.only_internal = true,
	};

	v.host = find_client(z, listener, client, &v.home);
	if (v.host) {
		v.networks = z->containers[v.host->container].networks;
		v.n_networks = z->containers[v.host->container].n_networks;
	}
	for (size_t i = 0; i < v.n_networks; i++)
		v.only_internal = v.only_internal && z->networks[v.networks[i]].internal;
	return v;
}

const struct zone_network *view_next(const struct view *v, size_t *cursor)
{
	while (*cursor < 2 * v->n_networks) {
		bool first_round = *cursor < v->n_networks;
		uint32_t network = v->networks[first_round ? *cursor : *cursor - v->n_networks];

		(*cursor)++;
		if (has_network(v->listener->networks, v->listener->n_networks, network) ==
		    first_round)
			return &v->zones->networks[network];
	}
	return NULL;
}

static size_t add_servers(struct addr *out, size_t n, const struct addr *servers, size_t n_servers)
{
	for (size_t i = 0; i < n_servers && n < VIEW_SERVERS_MAX; i++) {
		bool known = false;

		for (size_t k = 0; k < n; k++)
			known = known || addr_equal(&out[k], &servers[i]);
		if (!known)
			out[n++] = servers[i];
	}
	return n;
}

bool view_has_servers(const struct view *v)
{
	const struct zone_network *net;
	size_t cursor = 0;

	if (v->host && v->host->n_servers)
		return true;
	while ((net = view_next(v, &cursor)))
		if (!net->internal && net->n_servers)
			return true;
	return false;
}

size_t view_servers(const struct view *v, struct addr *out)
{
	const struct zone_network *net;
	size_t cursor = 0, n = 0;

	if (v->host && v->host->n_servers)
		return add_servers(out, 0, v->host->servers, v->host->n_servers);
	while ((net = view_next(v, &cursor)))
		if (!net->internal)
			n = add_servers(out, n, net->servers, net->n_servers);
	return n;
}
