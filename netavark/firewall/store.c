/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::state"
#include "netavark/firewall/store.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "common/file.h"
#include "common/log.h"
#include "common/text.h"
#include "netavark/ports.h"

#define LOCK_SECONDS  20
#define FILE_SIZE_MAX (16u << 20)

static char *path_of(const struct options *o, struct arena *a, const char *rest)
{
	return arena_printf(a, "%s/firewall/%s", o->config, rest);
}

static char *network_path(const struct host *h, const struct fw_intent *in)
{
	return arena_printf(h->arena, "%s/firewall/networks/%s", h->options->config, in->net.id);
}

static char *ports_path(const struct host *h, const struct fw_intent *in)
{
	return arena_printf(h->arena, "%s/firewall/ports/%s_%s", h->options->config, in->net.id,
			    in->me.container_id);
}

int store_lock(const struct host *h, int *out_fd, struct error *err)
{
	const char *dir = path_of(h->options, h->arena, "");
	int r = file_make_dirs(dir, 0755, err);

	if (r < 0)
		return wrap(err, "create firewall config dir \"%s\"", dir);
	r = file_lock(path_of(h->options, h->arena, "firewall-reload.lock"), LOCK_SECONDS, out_fd,
		      err);
	if (r != -ETIMEDOUT)
		return r;
	log_warn("%s, going on without it", err->text);
	return 0;
}

/* ---- JSON ---- */

static json_t *addr_json(const struct addr *a)
{
	return a->family ? json_string(addr_str(a)) : json_null();
}

static json_t *prefix_json(const struct prefix *p)
{
	return p->addr.family ? json_string(prefix_str(p)) : json_null();
}

static json_t *network_json(const struct fw_network *net)
{
	json_t *root = json_object(), *subnets = net->n_subnets ? json_array() : json_null();

	for (size_t i = 0; i < net->n_subnets; i++)
		json_array_append_new(subnets, prefix_json(&net->subnets[i]));
	json_object_set_new(root, "subnets", subnets);
	json_object_set_new(root, "bridge_name", json_string(net->bridge));
	json_object_set_new(root, "network_id", json_string(net->id));
	json_object_set_new(root, "network_hash_name", json_string(net->hash_name));
	json_object_set_new(root, "isolation", json_string(isolation_name(net->isolation)));
	json_object_set_new(root, "dns_port", json_integer(net->dns_port));
	json_object_set_new(root, "internal", json_boolean(net->internal));
	if (net->outbound4.family)
		json_object_set_new(root, "outbound_addr4", addr_json(&net->outbound4));
	if (net->outbound6.family)
		json_object_set_new(root, "outbound_addr6", addr_json(&net->outbound6));
	return root;
}

static json_t *mappings_json(const struct fw_ports *me)
{
	json_t *list = me->has_ports ? json_array() : json_null();

	for (size_t i = 0; me->has_ports && i < me->n_ports; i++) {
		const struct fw_port *p = &me->ports[i];

		json_array_append_new(list, json_pack("{s:i, s:s, s:i, s:s, s:i}", "container_port",
						      p->container_port, "host_ip", p->host_ip,
						      "host_port", p->host_port, "protocol",
						      p->protocol, "range", p->range));
	}
	return list;
}

/* As the options are written; only what differs from the defaults, for readers that know none. */
static json_t *extras_json(const struct fw_extras *e)
{
	json_t *root = json_object();

	if (!e->guard)
		json_object_set_new(root, "loopback_guard", json_string("false"));
	if (e->comments)
		json_object_set_new(root, "nft_comments", json_string("true"));
	if (e->layout == LAYOUT_MAP)
		json_object_set_new(root, "nft_layout", json_string("map"));
	return root;
}

static json_t *ports_json(const struct fw_intent *in)
{
	const struct fw_ports *me = &in->me;
	json_t *root = json_object(), *servers = json_array();

	for (size_t i = 0; i < me->n_dns_servers; i++)
		json_array_append_new(servers, addr_json(&me->dns_servers[i]));
	json_object_set_new(root, "container_id", json_string(me->container_id));
	json_object_set_new(root, "network_id", json_string(in->net.id));
	json_object_set_new(root, "port_mappings", mappings_json(me));
	json_object_set_new(root, "network_name", json_string(me->network_name));
	json_object_set_new(root, "network_hash_name", json_string(in->net.hash_name));
	json_object_set_new(root, "container_ip_v4", addr_json(&me->ip4));
	json_object_set_new(root, "subnet_v4", prefix_json(&me->subnet4));
	json_object_set_new(root, "container_ip_v6", addr_json(&me->ip6));
	json_object_set_new(root, "subnet_v6", prefix_json(&me->subnet6));
	json_object_set_new(root, "dns_port", json_integer(in->net.dns_port));
	json_object_set_new(root, "dns_server_ips", servers);
	json_object_set_new(root, "internal", json_boolean(in->net.internal));
	json_t *extras = extras_json(&in->extras);
	if (json_object_size(extras))
		json_object_set(root, "extensions", extras);
	json_decref(extras);
	return root;
}

/* ---- writing ---- */

static int write_file(struct host *h, const char *path, const char *text, struct error *err)
{
	/* Upstream reads every file of the two directories, so ours come into being above them. */
	char *temp = path_of(h->options, h->arena, arena_printf(h->arena, ".new.%d", getpid()));

	return file_replace(path, temp, text, strlen(text), h->arena, &h->undo, err);
}

static int write_json(struct host *h, const char *path, json_t *root, const char *what,
		      struct error *err)
{
	cleanup_free char *text = json_dumps(root, JSON_COMPACT);
	int r;

	json_decref(root);
	if (!text)
		return fail(err, EILSEQ, "create %s config \"%s\": not valid UTF-8", what, path);
	r = write_file(h, path, text, err);
	return r < 0 ? wrap(err, "create %s config \"%s\"", what, path) : 0;
}

static int make_dir(const struct host *h, const char *name, struct error *err)
{
	const char *path = path_of(h->options, h->arena, name);
	int r = file_make_dirs(path, 0755, err);

	return r < 0 ? wrap(err, "create firewall config dir \"%s\"", path) : 0;
}

/* The driver's name stays when a setup fails, as documented; so it has no undo. */
static int write_driver(const struct firewall *fw, struct host *h, struct error *err)
{
	const char *path = path_of(h->options, h->arena, "firewall-driver");
	const char *old = store_read_driver(h->options, h->arena);
	char *temp = arena_printf(h->arena, "%s.%d", path, getpid());
	int r;

	if (old && strcmp(old, fw->name) == 0)
		return 0;
	r = file_replace(path, temp, fw->name, strlen(fw->name), h->arena, NULL, err);
	return r < 0 ? wrap(err, "create firewall config \"%s\"", path) : 0;
}

int store_write(const struct firewall *fw, const struct fw_intent *in, struct host *h,
		struct error *err)
{
	int r = make_dir(h, "networks", err);

	if (r == 0)
		r = make_dir(h, "ports", err);
	if (r == 0)
		r = write_driver(fw, h, err);
	if (r == 0)
		r = write_json(h, network_path(h, in), network_json(&in->net), "network", err);
	if (r == 0)
		r = write_json(h, ports_path(h, in), ports_json(in), "port", err);
	return r;
}

int store_remove(const struct fw_intent *in, struct host *h, struct error *err)
{
	const char *path = ports_path(h, in);
	int r = file_remove(path, h->arena, NULL, err);

	if (r < 0)
		return wrap(err, "remove port config \"%s\"", path);
	if (!in->last_container)
		return 0;
	path = network_path(h, in);
	r = file_remove(path, h->arena, NULL, err);
	return r < 0 ? wrap(err, "remove network config \"%s\"", path) : 0;
}

/* ---- reading ---- */

const char *store_read_driver(const struct options *o, struct arena *a)
{
	struct error err;
	char *text;

	if (file_read(path_of(o, a, "firewall-driver"), 256, a, &text, NULL, &err) < 0)
		return NULL;
	text[strcspn(text, " \t\r\n")] = '\0';
	return *text ? text : NULL;
}

static json_t *read_json(const struct host *h, const char *path)
{
	struct error err;
	json_error_t e;
	char *text;
	size_t len;

	if (file_read(path, FILE_SIZE_MAX, h->arena, &text, &len, &err) < 0)
		return NULL;
	json_t *root = json_loadb(text, len, 0, &e);
	if (!root)
		log_warn("%s: %s, ignoring it", path, e.text);
	return root;
}

static void recall_isolation(const json_t *root, enum isolation *out)
{
	const char *name = json_string_value(json_object_get(root, "isolation"));

	for (int i = ISOLATION_NEVER; name && i <= ISOLATION_STRICT; i++)
		if (strcmp(name, isolation_name((enum isolation)i)) == 0)
			*out = (enum isolation)i;
}

static void recall_address(const json_t *root, const char *ip_key, const char *subnet_key,
			   struct addr *ip, struct prefix *subnet)
{
	const char *a = json_string_value(json_object_get(root, ip_key));
	const char *p = json_string_value(json_object_get(root, subnet_key));

	if (a && p && addr_parse(a, ip) && prefix_parse(p, subnet))
		*subnet = prefix_masked(subnet);
}

void store_recall(const struct host *h, struct fw_intent *in)
{
	json_t *net = read_json(h, network_path(h, in));
	json_t *ports = NULL;

	recall_isolation(net, &in->net.isolation);
	json_decref(net);
	if (in->me.ip4.family || in->me.ip6.family)
		return;
	ports = read_json(h, ports_path(h, in));
	recall_address(ports, "container_ip_v4", "subnet_v4", &in->me.ip4, &in->me.subnet4);
	recall_address(ports, "container_ip_v6", "subnet_v6", &in->me.ip6, &in->me.subnet6);
	json_decref(ports);
}

/* ---- claims ---- */

static bool mapping_covers(const json_t *mapping, const struct fw_forward *f)
{
	const char *protocol = json_string_value(json_object_get(mapping, "protocol"));
	const char *host_ip = json_string_value(json_object_get(mapping, "host_ip"));
	json_int_t first = json_integer_value(json_object_get(mapping, "host_port"));
	json_int_t range = json_integer_value(json_object_get(mapping, "range"));
	struct addr a = {0};

	if (!protocol || !host_ip || ports_protocol(protocol) != f->proto)
		return false;
	if (addr_parse(host_ip, &a) && addr_is_zero(&a))
		a = (struct addr){0};
	return addr_equal(&a, &f->host_addr) && f->host_port >= first &&
	       f->host_port < first + (range ? range : 1);
}

static bool file_claims(const struct host *h, const char *name, const struct fw_forward *f)
{
	const char *key = f->to.family == AF_INET ? "container_ip_v4" : "container_ip_v6";
	json_t *root = read_json(h, arena_printf(h->arena, "%s/firewall/ports/%s",
						 h->options->config, name));
	const char *ip = json_string_value(json_object_get(root, key));
	json_t *mapping;
	struct addr a;
	size_t i;
	bool claims = false;

	if (ip && addr_parse(ip, &a) && addr_equal(&a, &f->to))
		json_array_foreach (json_object_get(root, "port_mappings"), i, mapping)
			claims |= mapping_covers(mapping, f);
	json_decref(root);
	return claims;
}

bool store_is_claimed(const void *host, const char *network_id, const struct fw_forward *f)
{
	const struct host *h = host;
	DIR *dir = opendir(path_of(h->options, h->arena, "ports"));
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir)))
		found = text_starts_with(e->d_name, network_id) && file_claims(h, e->d_name, f);
	if (dir)
		closedir(dir);
	return found;
}
