/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::ipam"
#include "netavark/lease.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "common/log.h"
#include "common/text.h"
#include "netavark/hash.h"
#include "netavark/ipam.h"

#define LOCK_SECONDS  5
#define FILE_SIZE_MAX (64u << 20)
#define FILE_VERSION  1

/* One network's file, open for change: its lock is held. */
struct store {
	const char *dir, *path;
	struct arena *arena;
	int lock;
	bool existed;
	json_t *root; /* owned */
};

static const char *directory(const struct options *o, struct arena *a)
{
	return o->ipam_dir ? o->ipam_dir : arena_printf(a, "%s/netavark-ipam", o->config);
}

/* [a-zA-Z0-9][a-zA-Z0-9_.-]*: what the names of networks usually are. */
static bool is_plain_name(const char *name)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return *name && !strchr("_.-", *name) && !name[strspn(name, plain)];
}

static const char *file_of(const struct options *o, const char *network, struct arena *a)
{
	return arena_printf(a, "%s/%s.json", directory(o, a),
			    is_plain_name(network) ? network : hash_file_name(a, network));
}

static bool well_formed(const json_t *root)
{
	size_t i;
	json_t *lease, *subnet;

	if (json_integer_value(json_object_get(root, "version")) != FILE_VERSION ||
	    !json_is_array(json_object_get(root, "subnets")) ||
	    !json_is_array(json_object_get(root, "leases")))
		return false;
	json_array_foreach (json_object_get(root, "subnets"), i, subnet)
		if (!json_is_string(json_object_get(subnet, "subnet")) ||
		    !json_is_string(json_object_get(subnet, "last")))
			return false;
	json_array_foreach (json_object_get(root, "leases"), i, lease)
		if (!json_is_string(json_object_get(lease, "container_id")) ||
		    !json_is_string(json_object_get(lease, "interface")) ||
		    !json_is_array(json_object_get(lease, "addresses")))
			return false;
	return true;
}

static int load(struct store *s, const struct network_plan *net, struct error *err)
{
	char *text;
	size_t len;
	json_error_t e;
	int r = file_read(s->path, FILE_SIZE_MAX, s->arena, &text, &len, err);

	s->existed = r == 0;
	if (r == -ENOENT) {
		s->root =
			json_pack("{s:i, s:s, s:s, s:[], s:[]}", "version", FILE_VERSION, "network",
				  net->name, "network_id", net->id, "subnets", "leases");
		return 0;
	}
	if (r < 0)
		return wrap(err, "IPAM error: failed to read lease file %s", s->path);
	s->root = json_loadb(text, len, 0, &e);
	if (!s->root)
		return fail(err, EINVAL, "IPAM error: failed to read lease file %s: %s at line %d",
			    s->path, e.text, e.line);
	if (!well_formed(s->root))
		return fail(err, EINVAL,
			    "IPAM error: failed to read lease file %s: not a lease file", s->path);
	return 0;
}

static void close_store(struct store *s)
{
	json_decref(s->root);
	if (s->lock >= 0)
		close(s->lock);
}

static int open_store(struct store *s, const struct options *o, const struct network_plan *net,
		      struct arena *a, struct error *err)
{
	*s = (struct store){.dir = directory(o, a),
			    .path = file_of(o, net->name, a),
			    .arena = a,
			    .lock = -1};
	int r = file_make_dirs(s->dir, 0700, err);
	if (r < 0)
		return wrap(err, "IPAM error: %s", s->dir);
	r = file_lock(arena_printf(a, "%s/lock", s->dir), LOCK_SECONDS, &s->lock, err);
	if (r == -ETIMEDOUT)
		return fail(err, ETIMEDOUT, "IPAM error: timed out waiting for %s/lock", s->dir);
	if (r < 0)
		return wrap(err, "IPAM error");
	r = load(s, net, err);
	if (r < 0)
		close_store(s);
	return r;
}

/* A writer that was killed leaves its temporary file behind; whoever has the lock removes it. */
static void sweep_temporary_files(const struct store *s)
{
	DIR *dir = opendir(s->dir);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (strstr(e->d_name, ".tmp."))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
}

static int save(struct store *s, struct error *err)
{
	cleanup_free char *text = json_dumps(s->root, JSON_COMPACT);
	char *temp = arena_printf(s->arena, "%s.tmp.%d", s->path, (int)getpid());

	sweep_temporary_files(s);
	int r = file_replace(s->path, temp, text, strlen(text), s->arena, NULL, err);
	return r < 0 ? wrap(err, "IPAM error: %s", s->path) : 0;
}

/* ---- inside the file ---- */

static const char *member(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_t *find_lease(const struct store *s, const char *container, const char *interface,
			  size_t *out_index)
{
	json_t *lease;
	size_t i;

	json_array_foreach (json_object_get(s->root, "leases"), i, lease) {
		if (strcmp(member(lease, "container_id"), container) == 0 &&
		    strcmp(member(lease, "interface"), interface) == 0) {
			*out_index = i;
			return lease;
		}
	}
	return NULL;
}

/* The entry that remembers the last address handed out of a subnet; made if need be. */
static json_t *subnet_entry(const struct store *s, const struct prefix *subnet)
{
	struct prefix masked = prefix_masked(subnet);
	struct addr_text text = prefix_print(&masked);
	json_t *entries = json_object_get(s->root, "subnets"), *entry;
	size_t i;

	json_array_foreach (entries, i, entry)
		if (strcmp(member(entry, "subnet"), text.s) == 0)
			return entry;
	entry = json_pack("{s:s, s:s}", "subnet", text.s, "last", "");
	json_array_append_new(entries, entry);
	return entry;
}

struct addr_set {
	struct addr *list;
	size_t n;
};

static int compare(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static void set_add(struct addr_set *set, struct arena *a, const struct addr *addr)
{
	set->list = arena_grow(a, set->list, set->n, sizeof(*set->list));
	set->list[set->n++] = *addr;
}

/* The host's device that carries the network; index 0 if it is not there. */
static int find_carrier(const struct network_plan *net, struct host *host, struct link_info *out,
			struct error *err)
{
	const char *name = net->bridge ? net->bridge : net->macvlan.parent;

	return *name ? link_find(host->nl, name, out, err)
		     : route_default_link(host->nl, RT_TABLE_MAIN, out, err);
}

/* Everything that may not be handed out: leases, gateways, what the carrier itself has. */
static int taken_addresses(const struct store *s, const struct network_plan *net, struct host *host,
			   struct addr_set *out, struct error *err)
{
	json_t *lease, *text;
	size_t i, k, n = 0;
	struct addr a;
	struct link_info carrier;
	struct prefix *own;

	json_array_foreach (json_object_get(s->root, "leases"), i, lease)
		json_array_foreach (json_object_get(lease, "addresses"), k, text)
			if (json_is_string(text) && addr_parse(json_string_value(text), &a))
				set_add(out, s->arena, &a);
	for (i = 0; i < net->n_gateways; i++)
		set_add(out, s->arena, &net->gateways[i].addr);
	int r = find_carrier(net, host, &carrier, err);
	if (r == 0 && carrier.index)
		r = address_list(host->nl, carrier.index, s->arena, &own, &n, err);
	for (i = 0; r == 0 && i < n; i++)
		set_add(out, s->arena, &own[i].addr);
	if (out->n)
		qsort(out->list, out->n, sizeof(*out->list), compare);
	return r;
}

static bool is_taken(const struct addr_set *set, const struct addr *a)
{
	return set->n && bsearch(a, set->list, set->n, sizeof(*a), compare);
}

/* Next-fit: up from last, once around. At most one step per taken address, whatever the size. */
static bool choose(const struct addr_set *taken, const struct addr *first, const struct addr *last,
		   const struct addr *previous, struct addr *out)
{
	bool inside = previous->family && addr_compare(previous, first) >= 0 &&
		      addr_compare(previous, last) < 0;
	struct addr start = inside ? addr_plus(previous, 1) : *first, a = start;

	while (is_taken(taken, &a)) {
		a = addr_compare(&a, last) == 0 ? *first : addr_plus(&a, 1);
		if (addr_equal(&a, &start))
			return false;
	}
	*out = a;
	return true;
}

/* Whether the lease has one address in each subnet and nothing else. */
static bool lease_fits(const json_t *lease, const struct network_plan *net)
{
	const json_t *list = json_object_get(lease, "addresses");
	struct addr a;

	if (json_array_size(list) != net->n_subnets)
		return false;
	for (size_t i = 0; i < net->n_subnets; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || !addr_parse(text, &a) || !prefix_contains(&net->subnets[i].net, &a))
			return false;
	}
	return true;
}

static void addresses_from(const json_t *lease, struct network_plan *net, struct arena *arena)
{
	const json_t *list = json_object_get(lease, "addresses");

	net->addresses = arena_alloc(arena, json_array_size(list) * sizeof(*net->addresses));
	net->n_addresses = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		struct addr a;

		for (size_t k = 0; text && addr_parse(text, &a) && k < net->n_subnets; k++)
			if (prefix_contains(&net->subnets[k].net, &a))
				net->addresses[net->n_addresses++] =
					(struct address_plan){{a, net->subnets[k].net.len},
							      net->subnets[k].gateway};
	}
}

static json_t *new_lease(const struct store *s, const struct plan *plan,
			 const struct network_plan *net, const char *kind)
{
	return json_pack("{s:s, s:s, s:s, s:[], s:s}", "container_id", plan->req->container_id,
			 "interface", net->container_if, "kind", kind, "addresses", "since",
			 text_utc(s->arena, time(NULL)));
}

/* ---- undo: change back what this run changed, whatever others did meanwhile ---- */

struct taken_lease {
	const struct plan *plan;
	const struct network_plan *net;
	const char **old_last; /* for each subnet the last address before; NULL: not touched */
	const char *old_lease; /* the one that was replaced, as JSON, or NULL */
	bool existed;
};

static int give_back(void *arg, struct error *err)
{
	struct taken_lease *t = arg;
	struct store s;
	size_t i;
	int r = open_store(&s, t->plan->options, t->net, t->plan->arena, err);

	if (r < 0)
		return r;
	if (find_lease(&s, t->plan->req->container_id, t->net->container_if, &i))
		json_array_remove(json_object_get(s.root, "leases"), i);
	if (t->old_lease)
		json_array_append_new(json_object_get(s.root, "leases"),
				      json_loads(t->old_lease, 0, NULL));
	for (i = 0; t->old_last && i < t->net->n_subnets; i++)
		if (t->old_last[i])
			json_object_set_new(subnet_entry(&s, &t->net->subnets[i].net), "last",
					    json_string(t->old_last[i]));
	if (!t->existed && json_array_size(json_object_get(s.root, "leases")) == 0)
		r = file_remove(s.path, s.arena, NULL, err);
	else
		r = save(&s, err);
	close_store(&s);
	return r;
}

/* Pushed before the file is written: giving back what was never stored changes nothing. */
static void push_give_back(struct host *host, struct taken_lease t)
{
	undo_push(&host->undo, give_back, arena_memdup(t.plan->arena, &t, sizeof(t)),
		  arena_printf(t.plan->arena, "address lease in network %s", t.net->name));
}

/* Takes the container's lease out of the list. Returns it as text for give_back(), or NULL. */
static const char *replace_lease(struct store *s, const struct plan *plan,
				 const struct network_plan *net)
{
	size_t i;
	json_t *old = find_lease(s, plan->req->container_id, net->container_if, &i);
	cleanup_free char *text = old ? json_dumps(old, JSON_COMPACT) : NULL;

	if (old)
		json_array_remove(json_object_get(s->root, "leases"), i);
	return text ? arena_strdup(plan->arena, text) : NULL;
}

/* ---- setup ---- */

static int fill_lease(struct store *s, const struct network_plan *net, struct host *host,
		      json_t *lease, const char **old_last, struct error *err)
{
	struct addr_set taken = {0};
	int r = taken_addresses(s, net, host, &taken, err);

	for (size_t i = 0; r == 0 && i < net->n_subnets; i++) {
		json_t *entry = subnet_entry(s, &net->subnets[i].net);
		struct addr first, last, previous = {0}, found;

		addr_parse(member(entry, "last"), &previous);
		ipam_range(&net->subnets[i], &first, &last);
		if (!choose(&taken, &first, &last, &previous, &found)) {
			struct addr_text from = addr_print(&first), to = addr_print(&last);

			return fail(err, ENOSPC,
				    "IPAM error: failed to find free IP in range: %s - %s", from.s,
				    to.s);
		}
		old_last[i] = arena_strdup(s->arena, member(entry, "last"));
		json_object_set_new(entry, "last", json_string(addr_str(&found)));
		json_array_append_new(json_object_get(lease, "addresses"),
				      json_string(addr_str(&found)));
	}
	return r;
}

static int take_automatic(struct store *s, struct plan *plan, struct network_plan *net,
			  struct host *host, struct error *err)
{
	json_t *leases = json_object_get(s->root, "leases");
	size_t i;
	json_t *held = find_lease(s, plan->req->container_id, net->container_if, &i);

	if (held && lease_fits(held, net)) {
		addresses_from(held, net, plan->arena);
		return 0;
	}

	const char *old_lease = replace_lease(s, plan, net);
	json_t *lease = new_lease(s, plan, net, "auto");
	const char **old_last = arena_alloc(plan->arena, net->n_subnets * sizeof(*old_last));
	int r = fill_lease(s, net, host, lease, old_last, err);
	json_array_append_new(leases, lease);
	if (r < 0)
		return r;
	addresses_from(lease, net, plan->arena);
	push_give_back(host, (struct taken_lease){plan, net, old_last, old_lease, s->existed});
	return save(s, err);
}

static const char *holder_of(const struct store *s, const struct addr *a, const char *not_id)
{
	json_t *lease, *text;
	size_t i, k;
	struct addr held;

	json_array_foreach (json_object_get(s->root, "leases"), i, lease)
		json_array_foreach (json_object_get(lease, "addresses"), k, text)
			if (json_is_string(text) && addr_parse(json_string_value(text), &held) &&
			    addr_equal(&held, a) &&
			    strcmp(member(lease, "container_id"), not_id) != 0)
				return member(lease, "container_id");
	return NULL;
}

static int enter_static(struct store *s, struct plan *plan, struct network_plan *net,
			struct host *host, struct error *err)
{
	json_t *leases = json_object_get(s->root, "leases"), *lease;
	size_t i;

	for (i = 0; i < net->n_addresses; i++) {
		const struct addr *a = &net->addresses[i].prefix.addr;
		const char *holder = holder_of(s, a, plan->req->container_id);

		if (holder)
			return fail(err, EADDRINUSE,
				    "IPAM error: requested ip address %s is already allocated "
				    "to container ID %s",
				    addr_str(a), holder);
	}
	const char *old_lease = replace_lease(s, plan, net);
	lease = new_lease(s, plan, net, "static");
	for (i = 0; i < net->n_addresses; i++)
		json_array_append_new(json_object_get(lease, "addresses"),
				      json_string(addr_str(&net->addresses[i].prefix.addr)));
	json_array_append_new(leases, lease);
	push_give_back(host, (struct taken_lease){plan, net, NULL, old_lease, s->existed});
	return save(s, err);
}

int lease_take(struct plan *plan, struct host *host, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_networks; i++) {
		struct network_plan *net = &plan->networks[i];
		bool automatic = net->ipam == IPAM_AUTOMATIC;
		struct store s;

		if (!automatic && (net->ipam != IPAM_STATIC || !net->n_addresses ||
				   !file_exists(file_of(plan->options, net->name, plan->arena))))
			continue;
		r = open_store(&s, plan->options, net, plan->arena, err);
		if (r < 0)
			return r;
		r = automatic ? take_automatic(&s, plan, net, host, err)
			      : enter_static(&s, plan, net, host, err);
		close_store(&s);
	}
	return r;
}

/* ---- teardown ---- */

int lease_recall(struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_networks; i++) {
		struct network_plan *net = &plan->networks[i];
		struct store s;
		json_t *lease = NULL;
		size_t k;

		if (net->ipam != IPAM_AUTOMATIC)
			continue;
		if (file_exists(file_of(plan->options, net->name, plan->arena))) {
			int r = open_store(&s, plan->options, net, plan->arena, err);
			if (r < 0)
				return r;
			lease = find_lease(&s, plan->req->container_id, net->container_if, &k);
			if (lease)
				addresses_from(lease, net, plan->arena);
			close_store(&s);
		}
		if (!lease)
			log_warn("no address lease for container %s in network %s",
				 plan->req->container_id, net->name);
	}
	return 0;
}

void lease_release(const struct plan *plan, struct error *all)
{
	for (size_t i = 0; i < plan->n_networks; i++) {
		const struct network_plan *net = &plan->networks[i];
		struct error one;
		struct store s;
		size_t k;

		if (!file_exists(file_of(plan->options, net->name, plan->arena)))
			continue;
		int done = open_store(&s, plan->options, net, plan->arena, &one);
		if (done == 0) {
			if (find_lease(&s, plan->req->container_id, net->container_if, &k)) {
				json_array_remove(json_object_get(s.root, "leases"), k);
				done = save(&s, &one);
			}
			close_store(&s);
		}
		if (done < 0)
			error_collect(all, &one);
	}
}
