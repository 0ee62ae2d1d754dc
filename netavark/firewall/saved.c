/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::state"
#include "netavark/firewall/saved.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/log.h"
#include "common/reader.h"
#include "netavark/ports.h"

#define FILE_SIZE_MAX (16u << 20)

struct entry { /* one file */
	const char *path;
	struct timespec written;
	bool network;		 /* it describes a network, else a container */
	bool usable;		 /* it is still there */
	struct fw_intent intent; /* what it says */
};

struct entries {
	struct entry *list;
	size_t n;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->written.tv_sec != y->written.tv_sec)
		return x->written.tv_sec < y->written.tv_sec ? -1 : 1;
	if (x->written.tv_nsec != y->written.tv_nsec)
		return x->written.tv_nsec < y->written.tv_nsec ? -1 : 1;
	if (x->network != y->network)
		return x->network ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void list_files(const struct host *h, const char *name, bool network, struct entries *out)
{
	const char *path = arena_printf(h->arena, "%s/firewall/%s", h->options->config, name);
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		struct stat st;

		if (fstatat(dirfd(dir), e->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		out->list = arena_grow(h->arena, out->list, out->n, sizeof(*out->list));
		out->list[out->n++] = (struct entry){
			.path = arena_printf(h->arena, "%s/%s", path, e->d_name),
			.written = st.st_mtim,
			.network = network,
		};
	}
	if (dir)
		closedir(dir);
}

/* ---- one file ---- */

static enum isolation read_isolation(const struct reader *r)
{
	const char *name = read_string(r, "isolation");

	for (int i = ISOLATION_NEVER; i <= ISOLATION_STRICT; i++)
		if (strcmp(name, isolation_name((enum isolation)i)) == 0)
			return (enum isolation)i;
	reader_fail(r, "isolation", "unknown isolation");
	return ISOLATION_NEVER;
}

static struct fw_network read_network(const struct reader *r)
{
	struct reader *items;
	struct fw_network net = {
		.bridge = read_string(r, "bridge_name"),
		.id = read_string_or(r, "network_id", ""),
		.hash_name = read_string(r, "network_hash_name"),
		.isolation = read_isolation(r),
		.dns_port = read_u16(r, "dns_port"),
		.internal = read_bool_or(r, "internal", false),
		.outbound4 = read_addr_or_none(r, "outbound_addr4"),
		.outbound6 = read_addr_or_none(r, "outbound_addr6"),
	};

	net.n_subnets = read_array_or_none(r, "subnets", &items);
	net.subnets = arena_alloc(r->doc->arena, net.n_subnets * sizeof(*net.subnets));
	for (size_t i = 0; i < net.n_subnets; i++)
		if (!prefix_parse(read_self_string(&items[i]), &net.subnets[i]))
			reader_fail(&items[i], NULL, "invalid IP address syntax");
	return net;
}

static struct prefix read_subnet(const struct reader *r, const char *key)
{
	struct prefix p = {0};

	if (read_has(r, key))
		p = read_prefix(r, key);
	return prefix_masked(&p);
}

static void read_ports(const struct reader *r, struct fw_ports *me)
{
	struct port_mapping *mappings;
	size_t n = ports_read(r, &mappings);
	struct error err;

	me->has_ports = read_has(r, "port_mappings");
	for (size_t i = 0; !r->doc->failed && i < n; i++)
		if (ports_add(r->doc->arena, &mappings[i], &me->ports, &me->n_ports, &err) < 0)
			reader_fail(&mappings[i].at, NULL, "%s", err.text);
}

static struct fw_ports read_container(const struct reader *r)
{
	struct reader *items;
	struct fw_ports me = {
		.container_id = read_string(r, "container_id"),
		.network_name = read_string(r, "network_name"),
		.ip4 = read_addr_or_none(r, "container_ip_v4"),
		.subnet4 = read_subnet(r, "subnet_v4"),
		.ip6 = read_addr_or_none(r, "container_ip_v6"),
		.subnet6 = read_subnet(r, "subnet_v6"),
	};

	read_ports(r, &me);
	me.n_dns_servers = read_array_or_none(r, "dns_server_ips", &items);
	me.dns_servers = arena_alloc(r->doc->arena, me.n_dns_servers * sizeof(*me.dns_servers));
	for (size_t i = 0; i < me.n_dns_servers; i++)
		me.dns_servers[i] = read_self_addr(&items[i]);
	return me;
}

static bool read_switch(const struct reader *r, const char *key, bool fallback)
{
	return r->value ? strcmp(read_string_or(r, key, fallback ? "true" : "false"), "true") == 0
			: fallback;
}

static struct fw_extras read_extras(const struct reader *r)
{
	const struct reader extras = read_object_or_none(r, "extensions");

	return (struct fw_extras){
		.guard = read_switch(&extras, "loopback_guard", true),
		.comments = read_switch(&extras, "nft_comments", false),
		.layout = extras.value && strcmp(read_string_or(&extras, "nft_layout", ""),
						 "map") == 0
				  ? LAYOUT_MAP
				  : LAYOUT_UPSTREAM,
	};
}

/* ---- all of them ---- */

/* Opens one file as a document that out keeps. Returns 0 with *out_doc NULL if it is gone. */
static int open_file(const struct host *h, const char *path, struct saved *out,
		     struct document **out_doc, struct error *err)
{
	struct document *doc = arena_alloc(h->arena, sizeof(*doc));
	char *text;
	size_t len;
	int r = file_read(path, FILE_SIZE_MAX, h->arena, &text, &len, err);

	*out_doc = NULL;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return wrap(err, "read firewall config: %s", path);
	r = document_open(doc, h->arena, text, len, err);
	if (r < 0)
		return wrap(err, "read firewall config: JSON Decoding error: %s", path);
	out->documents = arena_grow(h->arena, out->documents, out->n_documents, sizeof(*doc));
	out->documents[out->n_documents++] = *doc;
	*out_doc = doc;
	return 0;
}

static int read_network_file(const struct host *h, struct entry *e, struct saved *out,
			     struct error *err)
{
	struct document *doc;
	int r = open_file(h, e->path, out, &doc, err);

	if (r < 0 || !doc)
		return r;
	struct reader root = document_root(doc);
	e->intent.net = read_network(&root);
	e->usable = true;
	return doc->failed ? wrap(err, "read firewall config: JSON Decoding error: %s", e->path)
			   : 0;
}

/* A network's file may be newer than those of its containers: it is written again if it changes. */
static const struct fw_network *find_network(const struct entries *files, const char *id)
{
	for (size_t i = 0; i < files->n; i++) {
		const struct entry *e = &files->list[i];

		if (e->network && e->usable && strcmp(e->intent.net.id, id) == 0)
			return &e->intent.net;
	}
	return NULL;
}

static int read_container_file(const struct host *h, struct entry *e, const struct entries *files,
			       struct saved *out, struct error *err)
{
	struct document *doc;
	int r = open_file(h, e->path, out, &doc, err);

	if (r < 0 || !doc)
		return r;
	struct reader root = document_root(doc);
	const char *id = read_string_or(&root, "network_id", "");
	const struct fw_network *net = find_network(files, id);
	e->intent.me = read_container(&root);
	e->intent.extras = read_extras(&root);
	if (doc->failed)
		return wrap(err, "read firewall config: JSON Decoding error: %s", e->path);
	if (!net) {
		log_warn("%s: there is no state of its network, ignoring it", e->path);
		return 0;
	}
	e->intent.net = *net;
	e->usable = true;
	return 0;
}

static void keep_intents(const struct host *h, const struct entries *files, struct saved *out)
{
	out->intents = arena_alloc(h->arena, files->n * sizeof(*out->intents));
	for (size_t i = 0; i < files->n; i++)
		if (files->list[i].usable)
			out->intents[out->n++] = files->list[i].intent;
}

/*
 * The order in time is that of the setups, so the rules come back in their old order, and of two
 * containers that want the same port the first one has it again.
 */
int saved_read(const struct host *h, struct saved *out, struct error *err)
{
	struct entries files = {0};
	int r = 0;

	*out = (struct saved){0};
	list_files(h, "networks", true, &files);
	list_files(h, "ports", false, &files);
	if (files.n)
		qsort(files.list, files.n, sizeof(*files.list), compare_entries);
	for (size_t i = 0; r == 0 && i < files.n; i++)
		if (files.list[i].network)
			r = read_network_file(h, &files.list[i], out, err);
	for (size_t i = 0; r == 0 && i < files.n; i++)
		if (!files.list[i].network)
			r = read_container_file(h, &files.list[i], &files, out, err);
	if (r == 0)
		keep_intents(h, &files, out);
	return r;
}

void saved_close(struct saved *saved)
{
	for (size_t i = 0; i < saved->n_documents; i++)
		document_close(&saved->documents[i]);
}
