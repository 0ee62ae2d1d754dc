/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::conf"
#include "netavark/conf.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/log.h"
#include "common/text.h"

#define CONF_MAX (1u << 20)
#define NETWORKS "networks"

/* ---- one file ---- */

/* Texts, and for those who write by hand also true, false and numbers. */
static const char *read_value(const struct reader *r)
{
	if (json_is_boolean(r->value))
		return json_is_true(r->value) ? "true" : "false";
	if (json_is_integer(r->value))
		return arena_printf(r->doc->arena, "%" JSON_INTEGER_FORMAT,
				    json_integer_value(r->value));
	return read_self_string(r);
}

static size_t read_values(const struct reader *object, const char *but, struct option **out)
{
	struct reader *members;
	size_t n_members = read_members(object, &members), n = 0;

	*out = arena_alloc(object->doc->arena, n_members * sizeof(**out));
	for (size_t i = 0; i < n_members; i++) {
		if (but && strcmp(members[i].name, but) == 0)
			continue;
		(*out)[n++] = (struct option){
			.key = members[i].name,
			.value = read_value(&members[i]),
			.at = members[i],
		};
	}
	return n;
}

/* The entries of single networks, each with its values. */
static size_t read_networks(struct document *doc, struct reader **out)
{
	struct reader root = {.doc = doc, .value = doc->root, .pointer = "", .name = ""};
	struct reader map = read_object_or_none(&root, NETWORKS);

	return read_members(&map, out);
}

void conf_read(struct document *doc, struct conf_file *out)
{
	struct reader root = document_root(doc), *networks;
	struct option *ignored;

	out->n_all = read_values(&root, NETWORKS, &out->all);
	size_t n = read_networks(doc, &networks);
	for (size_t i = 0; i < n; i++) {
		if (!json_is_object(networks[i].value))
			reader_fail(&networks[i], NULL, "invalid type, expected a map");
		read_values(&networks[i], NULL, &ignored);
	}
}

/* ---- all files ---- */

static int read_file(const char *path, struct arena *a, struct conf *conf, struct error *err)
{
	struct error ignored;
	char *text;
	size_t len;

	if (!file_exists(path))
		return 0;
	if (file_read(path, CONF_MAX, a, &text, &len, &ignored) < 0) {
		log_info("%s is left out: %s", path, ignored.text);
		return 0;
	}
	conf->files = arena_grow(a, conf->files, conf->n, sizeof(*conf->files));
	struct conf_file *file = &conf->files[conf->n++];
	*file = (struct conf_file){.path = path};
	struct document *doc = arena_alloc(a, sizeof(*doc));
	file->doc = doc;
	int r = document_open(doc, a, text, len, err);
	if (r < 0)
		return wrap(err, "%s", path);
	doc->name = path;
	conf_read(doc, file);
	return doc->failed ? -err->code : 0;
}

static int is_conf(const struct dirent *entry)
{
	return *entry->d_name != '.' && text_ends_with(entry->d_name, ".conf");
}

/* netavark.conf, and what stands in netavark.conf.d beside it. */
static int read_place(const char *dir, struct arena *a, struct conf *conf, struct error *err)
{
	const char *drop_ins = arena_printf(a, "%s/netavark.conf.d", dir);
	struct dirent **list = NULL;
	int r = read_file(arena_printf(a, "%s/netavark.conf", dir), a, conf, err);
	int n = scandir(drop_ins, &list, is_conf, alphasort);

	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = read_file(arena_printf(a, "%s/%s", drop_ins, list[i]->d_name), a, conf,
				      err);
		free(list[i]);
	}
	free(list);
	return r;
}

static const char *user_dir(struct arena *a)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && *config)
		return arena_printf(a, "%s/containers", config);
	return home && *home ? arena_printf(a, "%s/.config/containers", home) : NULL;
}

int conf_load(const struct options *options, struct arena *a, struct conf *out, struct error *err)
{
	const char *only = getenv("NETAVARK_CONF");
	const char *dirs[] = {"/usr/share/containers", "/etc/containers",
			      options->rootless ? user_dir(a) : NULL};
	int r = 0;

	*out = (struct conf){0};
	if (only)
		return read_file(only, a, out, err);
	for (size_t i = 0; r == 0 && i < array_size(dirs); i++)
		if (dirs[i])
			r = read_place(dirs[i], a, out, err);
	return r;
}

/* ---- what counts ---- */

static void add_options(struct arena *a, struct option **list, size_t *n, const struct option *more,
			size_t n_more)
{
	for (size_t i = 0; i < n_more; i++) {
		*list = arena_grow(a, *list, *n, sizeof(**list));
		(*list)[(*n)++] = more[i];
	}
}

size_t conf_options(const struct conf *conf, const char *network, struct arena *a,
		    struct option **out)
{
	size_t n = 0;

	*out = NULL;
	for (size_t i = conf->n; network && i-- > 0;) {
		struct reader *networks;
		struct option *values;
		size_t n_networks = read_networks(conf->files[i].doc, &networks);

		for (size_t k = 0; k < n_networks; k++) {
			if (strcmp(networks[k].name, network) != 0)
				continue;
			size_t n_values = read_values(&networks[k], NULL, &values);
			add_options(a, out, &n, values, n_values);
		}
	}
	for (size_t i = conf->n; i-- > 0;)
		add_options(a, out, &n, conf->files[i].all, conf->files[i].n_all);
	return n;
}

void conf_apply(const struct conf *conf, struct request *req, struct arena *a)
{
	for (size_t i = 0; conf->n && i < req->n_networks; i++) {
		struct network_setup *net = &req->networks[i];

		if (net->driver)
			net->n_host_options = conf_options(conf, net->name, a, &net->host_options);
	}
}

void conf_close(struct conf *conf)
{
	for (size_t i = 0; i < conf->n; i++)
		document_close(conf->files[i].doc);
	*conf = (struct conf){0};
}
