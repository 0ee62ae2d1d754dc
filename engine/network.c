/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::network"
#include "engine/network.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/file.h"
#include "common/log.h"
#include "common/netlink.h"
#include "common/process.h"
#include "common/text.h"
#include "engine/resolver.h"

#define NETAVARK_SECONDS 60
#define ANSWER_MAX	 (4u << 20)

/* ---- netavark ---- */

static const char *error_of(struct engine *e, const struct process_answer *answer)
{
	json_t *doc = record_own(&e->pool, json_loadb(answer->text, answer->len, 0, NULL));
	const char *text = record_str(doc, "error");

	if (answer->timed_out)
		return "netavark does not come to an end";
	return *text ? text
		     : arena_printf(e->arena, "netavark failed with status %d", answer->status);
}

/* Asks netavark; *out is its answer, or NULL if it says nothing. args end with NULL. */
static int ask(struct engine *e, const char *const *args, const char *document, json_t **out,
	       struct error *err)
{
	const char *argv[24] = {e->netavark,
				"--config",
				store_run_path(e, "networks"),
				"--ipam-dir",
				store_run_path(e, "ipam"),
				"--rootless",
				"false",
				"--aardvark-binary",
				e->aardvark};
	struct process_answer answer;
	size_t n = 9;

	if (e->firewall_driver) {
		argv[n++] = "--firewall-driver";
		argv[n++] = e->firewall_driver;
	}
	for (; *args; args++)
		argv[n++] = *args;
	int r = process_ask((char *const *)argv, document, ANSWER_MAX, NETAVARK_SECONDS, e->arena,
			    &answer, err);
	if (r < 0)
		return wrap(err, "%s", e->netavark);
	if (answer.status != 0 || answer.too_long)
		return fail(err, EIO, "network: %s", error_of(e, &answer));
	*out = NULL;
	if (answer.len)
		*out = record_own(&e->pool, json_loadb(answer.text, answer.len, 0, NULL));
	return 0;
}

static int ask_json(struct engine *e, const char *const *args, const json_t *document, json_t **out,
		    struct error *err)
{
	cleanup_free char *text = json_dumps(document, JSON_COMPACT);

	return ask(e, args, text ? text : "", out, err);
}

/* ---- definitions ---- */

static char *definition_path(struct engine *e, const char *name)
{
	return arena_printf(e->arena, "%s/networks/%s.json", e->config, name);
}

static int check_definition(const json_t *network, const char *name, const char *path,
			    struct error *err)
{
	if (strcmp(record_str(network, "name"), name) != 0)
		return fail(err, EINVAL, "%s: the name in it is \"%s\"", path,
			    record_str(network, "name"));
	if (!*record_str(network, "id") || !*record_str(network, "driver"))
		return fail(err, EINVAL, "%s: has no id or no driver", path);
	return 0;
}

static int load_file(struct engine *e, const char *name, json_t **out, struct error *err)
{
	const char *path = definition_path(e, name);
	int r = record_read(&e->pool, path, out, err);

	if (r == -ENOENT)
		return fail(err, ENOENT, "no such network: %s", name);
	return r < 0 ? r : check_definition(*out, name, path, err);
}

int network_load(struct engine *e, const char *name, json_t **out, struct error *err)
{
	cleanup_close int lock = -1;
	int r;

	if (!store_name_is_valid(name))
		return fail(err, EINVAL, "\"%s\" is not the name of a network", name);
	r = load_file(e, name, out, err);
	if (r != -ENOENT || strcmp(name, NETWORK_DEFAULT) != 0)
		return r;
	r = store_lock_common(e, "networks", &lock, err);
	if (r == 0)
		r = load_file(e, name, out, err);
	if (r != -ENOENT)
		return r;
	json_t *wish = record_own(&e->pool, json_pack("{s:s,s:s,s:b,s:b,s:b}", "name", name,
						      "driver", "bridge", "dns_enabled", 1,
						      "internal", 0, "ipv6_enabled", 0));
	r = network_create(e, wish, true, out, err);
	return r < 0 ? r : network_write(e, *out, err);
}

int network_write(struct engine *e, const json_t *network, struct error *err)
{
	int r = file_make_dirs(arena_printf(e->arena, "%s/networks", e->config), 0755, err);

	if (r < 0)
		return wrap(err, "%s/networks", e->config);
	return record_write(&e->pool, definition_path(e, record_str(network, "name")), network,
			    err);
}

int network_remove(struct engine *e, const char *name, struct error *err)
{
	return file_remove(definition_path(e, name), e->arena, NULL, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of definition files, sorted. */
static size_t file_names(struct engine *e, char ***out)
{
	DIR *dir = opendir(arena_printf(e->arena, "%s/networks", e->config));
	char **names = NULL;
	size_t n = 0;

	for (struct dirent *d; dir && (d = readdir(dir));) {
		size_t len = strlen(d->d_name);

		if (len <= 5 || !text_ends_with(d->d_name, ".json"))
			continue;
		names = arena_grow(e->arena, names, n, sizeof(*names));
		names[n++] = arena_strndup(e->arena, d->d_name, len - 5);
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(names, n, sizeof(*names), by_name);
	*out = names;
	return n;
}

int network_list(struct engine *e, json_t **out, size_t *bad, struct error *err)
{
	json_t *list = record_own(&e->pool, json_array()), *network;
	struct error one;
	char **names;
	size_t n = file_names(e, &names);

	(void)err;
	for (size_t i = 0; i < n; i++) {
		if (load_file(e, names[i], &network, &one) == 0) {
			json_array_append(list, network);
			continue;
		}
		log_warn("network %s is left out: %s", names[i], one.text);
		if (bad)
			(*bad)++;
	}
	*out = list;
	return 0;
}

/* ---- new networks ---- */

/* What is taken: by our networks, and by the interfaces of the host. */
static int collect_used(struct engine *e, json_t *used, struct error *err)
{
	json_t *interfaces = record_array(used, "interfaces"),
	       *names = record_object(used, "names");
	json_t *subnets = record_array(used, "subnets"), *list, *network, *subnet;
	struct prefix *addresses;
	struct nl_sock *nl;
	size_t i, j, n;
	int r = network_list(e, &list, NULL, err);

	if (r < 0)
		return r;
	json_array_foreach (list, i, network) {
		record_set(names, record_str(network, "name"), record_str(network, "id"));
		if (strcmp(record_str(network, "driver"), "bridge") != 0)
			continue;
		record_push(interfaces, record_str(network, "network_interface"));
		json_array_foreach (json_object_get(network, "subnets"), j, subnet)
			record_push(subnets, record_str(subnet, "subnet"));
	}
	r = netlink_open(&nl, err);
	if (r < 0)
		return r;
	r = address_list_all(nl, e->arena, &addresses, &n, err);
	netlink_close(nl);
	for (i = 0; r == 0 && i < n; i++) {
		struct prefix p = prefix_masked(&addresses[i]);

		record_push(subnets, prefix_str(&p));
	}
	return r;
}

int network_create(struct engine *e, json_t *network, bool used_checked, json_t **out,
		   struct error *err)
{
	const char *const args[] = {"create", NULL};
	const char *id = store_new_id(e->arena, err);

	if (!id)
		return -err->code;
	record_set(network, "id", id);
	json_t *input =
		record_own(&e->pool, json_pack("{s:O,s:{},s:{s:[{s:s,s:i}],s:s,s:b}}", "network",
					       network, "used", "options", "subnet_pools", "base",
					       "10.86.0.0/16", "size", 24, "default_interface_name",
					       "tjalk", "check_used_subnets", used_checked));
	int r = collect_used(e, json_object_get(input, "used"), err);
	if (r == 0)
		r = ask_json(e, args, input, out, err);
	if (r == 0 && !json_is_object(*out))
		r = fail(err, EIO, "network: netavark create answers nothing");
	return r;
}

/* ---- who uses what ---- */

json_t *network_of(const struct container *c)
{
	json_t *now = json_object_get(c->state, "networks");

	return json_is_array(now) ? now : json_object_get(c->create, "networks");
}

static json_t *find_entry(json_t *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry)
		if (strcmp(record_str(entry, "name"), name) == 0)
			return entry;
	return NULL;
}

int network_users(struct engine *e, const char *name, const char ***out, struct error *err)
{
	const char **ids;
	size_t n = 0;
	int r = store_list(e, &ids, err);

	if (r < 0)
		return r;
	for (size_t i = 0; ids[i]; i++) {
		struct container *c;

		if (store_load(e, ids[i], false, &c, err) == 0 && find_entry(network_of(c), name))
			ids[n++] = ids[i];
	}
	ids[n] = NULL;
	*out = ids;
	return 0;
}

/* Whether the container has an address in a network now. */
static bool has_address(struct container *c, const char *network, const char *address)
{
	const json_t *status = json_object_get(network_status(c), network), *interface, *subnet;
	size_t len = strlen(address), i;
	const char *key;

	json_object_foreach (json_object_get((json_t *)status, "interfaces"), key, interface)
		json_array_foreach (json_object_get(interface, "subnets"), i, subnet) {
			const char *net = record_str(subnet, "ipnet");

			if (strncmp(net, address, len) == 0 && net[len] == '/')
				return true;
		}
	return false;
}

int network_check_entry(struct engine *e, const char *id, const json_t *entry, struct error *err)
{
	const char *const keys[] = {"ip", "ip6"}, **ids, *name = record_str(entry, "name");
	int r = 0;

	if (!*record_str(entry, "ip") && !*record_str(entry, "ip6"))
		return 0;
	r = network_users(e, name, &ids, err);
	for (size_t i = 0; r == 0 && ids[i]; i++) {
		struct container *other;

		if (strcmp(ids[i], id) == 0 || store_load(e, ids[i], false, &other, err) < 0)
			continue;
		for (size_t k = 0; k < array_size(keys); k++) {
			const char *address = record_str(entry, keys[k]);

			if (*address && has_address(other, name, address))
				return fail(err, EADDRINUSE,
					    "network %s: the address %s is in use by the container "
					    "%s",
					    name, address, other->name);
		}
	}
	return r;
}

/* ---- requests ---- */

/* The first of eth0, eth1, … that no entry of the list has. */
static char *free_interface(struct engine *e, json_t *list)
{
	for (int n = 0;; n++) {
		char *name = arena_printf(e->arena, "eth%d", n);
		json_t *entry;
		bool taken = false;
		size_t i;

		json_array_foreach (list, i, entry)
			taken = taken || strcmp(record_str(entry, "interface_name"), name) == 0;
		if (!taken)
			return name;
	}
}

static bool is_leased(const json_t *leases, const struct addr *a)
{
	const json_t *lease, *text;
	struct addr other;
	size_t i, j;

	json_array_foreach (leases, i, lease)
		json_array_foreach (json_object_get(lease, "addresses"), j, text)
			if (addr_parse(json_string_value(text), &other) && addr_equal(a, &other))
				return true;
	return false;
}

/* The first address of a subnet that nobody has. */
static bool free_address(const json_t *subnet, const json_t *leases, struct addr *out)
{
	struct addr gateway = {0};
	struct prefix net;

	if (!prefix_parse(record_str(subnet, "subnet"), &net))
		return false;
	addr_parse(record_str(subnet, "gateway"), &gateway);
	net = prefix_masked(&net);
	struct addr last = prefix_last(&net);
	for (uint64_t n = 1; n < UINT16_MAX; n++) {
		*out = addr_plus(&net.addr, n);
		if (!prefix_contains(&net, out) ||
		    (net.addr.family == AF_INET && addr_equal(out, &last)))
			return false;
		if (!addr_equal(out, &gateway) && !is_leased(leases, out))
			return true;
	}
	return false;
}

static bool is_covered(const json_t *subnet, const json_t *addresses)
{
	const json_t *text;
	struct prefix net;
	struct addr a;
	size_t i;

	json_array_foreach (addresses, i, text)
		if (prefix_parse(record_str(subnet, "subnet"), &net) &&
		    addr_parse(json_string_value(text), &a) && prefix_contains(&net, &a))
			return true;
	return false;
}

/*
 * netavark chooses all addresses in a network or none. Who asks for one of IPv4 shall get one of IPv6, too,
 * if the network has both; somebody who is quicker with the same one is found out by netavark.
 */
static void complete_addresses(struct engine *e, const json_t *network, json_t *addresses)
{
	json_t *lease_file = NULL, *subnet;
	struct error ignored;
	struct addr chosen;
	size_t i;

	if (!json_array_size(addresses))
		return;
	const char *path = store_run_path(e, "ipam/%s.json", record_str(network, "name"));
	if (record_read(&e->pool, path, &lease_file, &ignored) < 0)
		lease_file = NULL;
	json_array_foreach (json_object_get(network, "subnets"), i, subnet)
		if (!is_covered(subnet, addresses) &&
		    free_address(subnet, json_object_get(lease_file, "leases"), &chosen))
			record_push(addresses, addr_str(&chosen));
}

/* What the request says about the container's part in one network. */
static json_t *part(struct container *c, const json_t *entry, json_t *so_far)
{
	const char *const addresses[] = {record_str(entry, "ip"), record_str(entry, "ip6")};
	const char *interface = record_str(entry, "interface_name"),
		   *mac = record_str(entry, "mac");
	json_t *p = json_pack("{s:s,s:s}", "name", record_str(entry, "name"), "interface_name",
			      *interface ? interface : free_interface(c->engine, so_far));
	json_t *aliases = record_array(p, "aliases");

	for (size_t i = 0; i < array_size(addresses); i++)
		if (*addresses[i])
			record_push(record_array(p, "static_ips"), addresses[i]);
	if (*mac)
		record_set(p, "static_mac", mac);
	json_array_extend(aliases, json_object_get(entry, "aliases"));
	record_push(aliases, store_short(c->engine->arena, c->id));
	if (json_object_get(entry, "options"))
		json_object_set(p, "options", json_object_get(entry, "options"));
	return p;
}

static json_t *request_head(struct container *c)
{
	const char *hostname = record_str(c->create, "hostname");
	json_t *dns = json_object_get(c->create, "dns");
	json_t *request =
		record_own(&c->engine->pool,
			   json_pack("{s:s,s:s,s:s,s:[],s:{}}", "container_id", c->id,
				     "container_name", c->name, "container_hostname",
				     *hostname ? hostname : store_short(c->engine->arena, c->id),
				     "networks", "network_info"));

	if (json_array_size(json_object_get(c->create, "ports")))
		json_object_set(request, "port_mappings", json_object_get(c->create, "ports"));
	if (json_array_size(dns))
		json_object_set(request, "dns_servers", dns);
	return request;
}

static int add_to_request(struct container *c, json_t *request, const json_t *entry,
			  json_t *occupied, struct error *err)
{
	json_t *network;
	int r = network_load(c->engine, record_str(entry, "name"), &network, err);

	if (r == 0)
		r = network_check_entry(c->engine, c->id, entry, err);
	if (r < 0)
		return r;
	json_t *p = part(c, entry, occupied);
	complete_addresses(c->engine, network, json_object_get(p, "static_ips"));
	json_array_append(occupied, p);
	if (occupied != json_object_get(request, "networks"))
		json_array_append(json_object_get(request, "networks"), p);
	json_decref(p);
	json_object_set(json_object_get(request, "network_info"), record_str(entry, "name"),
			network);
	return 0;
}

/* ---- setup and teardown ---- */

json_t *network_status(struct container *c)
{
	struct error err;
	json_t *status;

	if (record_read(&c->engine->pool, store_run_file(c, "status.json"), &status, &err) < 0)
		status = record_own(&c->engine->pool, json_object());
	return status;
}

struct connection {
	struct container *c;
	const char *netns;
};

static int undo_setup(void *arg, struct error *err)
{
	const struct connection *made = arg;

	return network_teardown(made->c, made->netns, err);
}

int network_setup(struct container *c, const char *netns, struct undo *undo, struct error *err)
{
	const char *const args[] = {"setup", netns, NULL};
	json_t *request = request_head(c), *entry, *status;
	struct engine *e = c->engine;
	size_t i;
	int r = 0;

	json_array_foreach (network_of(c), i, entry)
		if (r == 0)
			r = add_to_request(c, request, entry, json_object_get(request, "networks"),
					   err);
	if (r == 0)
		r = record_write(&e->pool, store_run_file(c, "net.json"), request, err);
	if (r == 0)
		r = ask_json(e, args, request, &status, err);
	if (r < 0)
		return r;
	struct connection *made = arena_alloc(e->arena, sizeof(*made));
	*made = (struct connection){c, netns};
	undo_push(undo, undo_setup, made, "network");
	return record_write(&e->pool, store_run_file(c, "status.json"), status, err);
}

int network_teardown(struct container *c, const char *netns, struct error *err)
{
	const char *const args[] = {"teardown", netns, NULL};
	struct engine *e = c->engine;
	json_t *request, *answer;
	int r = record_read(&e->pool, store_run_file(c, "net.json"), &request, err);

	if (r == -ENOENT)
		return 0; /* it was never connected */
	if (r == 0)
		r = ask_json(e, args, request, &answer, err);
	return r;
}

int network_connect(struct container *c, const char *netns, json_t *entry, struct error *err)
{
	const char *const args[] = {"setup", netns, NULL};
	json_t *all, *one = request_head(c), *answer, *status = network_status(c);
	const char *const back[] = {"teardown", netns, NULL};
	const char *name = record_str(entry, "name");
	struct engine *e = c->engine;
	struct error ignored;
	int r = record_read(&e->pool, store_run_file(c, "net.json"), &all, err);

	if (r == -ENOENT) {
		all = request_head(c);
		r = 0;
	}
	if (r == 0)
		r = add_to_request(c, one, entry, record_array(all, "networks"), err);
	if (r < 0)
		return r;
	json_object_set(record_object(all, "network_info"), name,
			json_object_get(json_object_get(one, "network_info"), name));
	/* The whole, with what is to come, is on disk first: a teardown then covers it in any case. */
	r = record_write(&e->pool, store_run_file(c, "net.json"), all, err);
	if (r == 0)
		r = ask_json(e, args, one, &answer, err);
	if (r < 0)
		return r;
	json_object_update(status, answer);
	r = record_write(&e->pool, store_run_file(c, "status.json"), status, err);
	if (r < 0 && ask_json(e, back, one, &answer, &ignored) < 0)
		log_warn("%s", ignored.text);
	return r;
}

/* Keeps, or leaves out, one network of a request. */
static json_t *request_part(struct container *c, json_t *all, const char *name, bool keep)
{
	json_t *request = record_own(&c->engine->pool, json_copy(all)), *entry, *info;
	json_t *networks = json_array(), *infos = json_object();
	const char *key;
	size_t i;

	json_array_foreach (json_object_get(all, "networks"), i, entry)
		if ((strcmp(record_str(entry, "name"), name) == 0) == keep)
			json_array_append(networks, entry);
	json_object_foreach (json_object_get(all, "network_info"), key, info)
		if ((strcmp(key, name) == 0) == keep)
			json_object_set(infos, key, info);
	json_object_set_new(request, "networks", networks);
	json_object_set_new(request, "network_info", infos);
	return request;
}

int network_disconnect(struct container *c, const char *netns, const char *name, struct error *err)
{
	const char *const args[] = {"teardown", netns, NULL};
	json_t *all, *answer, *status = network_status(c);
	struct engine *e = c->engine;
	int r = record_read(&e->pool, store_run_file(c, "net.json"), &all, err);

	if (r == 0)
		r = ask_json(e, args, request_part(c, all, name, true), &answer, err);
	if (r == 0)
		r = record_write(&e->pool, store_run_file(c, "net.json"),
				 request_part(c, all, name, false), err);
	if (r < 0)
		return r;
	json_object_del(status, name);
	return record_write(&e->pool, store_run_file(c, "status.json"), status, err);
}

int network_reload(struct engine *e, struct error *err)
{
	const char *const args[] = {"firewall-reload", NULL};
	json_t *answer;

	return ask(e, args, "", &answer, err);
}

int network_update_servers(struct engine *e, const char *name, const char *const *servers,
			   struct error *err)
{
	struct text list = text_new(e->arena);
	const char *const args[] = {"update", name, "--network-dns-servers", NULL, NULL};
	const char *argv[5];
	json_t *answer;

	for (; *servers; servers++)
		text_printf(&list, "%s%s", list.len ? "," : "", *servers);
	memcpy(argv, args, sizeof(argv));
	argv[3] = list.s;
	return ask(e, argv, "", &answer, err);
}

/* ---- files ---- */

static int put(struct container *c, const char *name, const char *text, bool in_place,
	       struct error *err)
{
	const char *path = store_run_file(c, name);
	int r;

	if (!in_place) {
		r = file_replace(path, arena_printf(c->engine->arena, "%s.tmp", path), text,
				 strlen(text), c->engine->arena, NULL, err);
	} else {
		cleanup_fclose FILE *f = fopen(path, "we");

		if (!f || fputs(text, f) < 0 || fflush(f) != 0)
			return fail_errno(err, errno, "%s", path);
		r = 0;
	}
	return r < 0 ? wrap(err, "%s", path) : 0;
}

int network_write_files(struct container *c, const char *hostname, bool in_place, struct error *err)
{
	struct arena *a = c->engine->arena;
	const json_t *status = network_status(c);
	char *hosts, *resolv;
	int r = resolver_hosts(c->create, status, hostname, c->name, a, &hosts, err);

	if (r == 0)
		r = resolver_conf(c->create, status, a, &resolv, err);
	if (r == 0)
		r = put(c, "hosts", hosts, in_place, err);
	if (r == 0)
		r = put(c, "resolv.conf", resolv, in_place, err);
	if (r < 0 || in_place)
		return r;
	r = put(c, "hostname", arena_printf(a, "%s\n", hostname), false, err);
	if (r == 0)
		r = put(c, "containerenv",
			arena_printf(a, "engine=\"tjalk-%s\"\nname=\"%s\"\nid=\"%s\"\n", VERSION,
				     c->name, c->id),
			false, err);
	return r;
}
