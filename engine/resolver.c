/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::resolver"
#include "engine/resolver.h"

#include <errno.h>
#include <string.h>

#include "common/addr.h"
#include "common/file.h"
#include "common/text.h"
#include "engine/record.h"

#define CONF_MAX     65536
#define SERVERS_MAX  3 /* as many as the C library asks */
#define STUB_SERVER  "127.0.0.53"
#define REAL_SERVERS "/run/systemd/resolve/resolv.conf"

static bool has(const json_t *array, const char *s)
{
	const json_t *value;
	size_t i;

	json_array_foreach (array, i, value)
		if (strcmp(json_string_value(value), s) == 0)
			return true;
	return false;
}

static void push_once(json_t *array, const char *s)
{
	if (!has(array, s))
		record_push(array, s);
}

/* ---- hosts ---- */

/* The address of the host in the container's first network that has a gateway; "" if none has. */
static const char *gateway(const json_t *status)
{
	const json_t *network, *interface, *subnet;
	const char *key, *inner;
	size_t i;

	json_object_foreach ((json_t *)status, key, network)
		json_object_foreach (json_object_get(network, "interfaces"), inner, interface)
			json_array_foreach (json_object_get(interface, "subnets"), i, subnet)
				if (*record_str(subnet, "gateway"))
					return record_str(subnet, "gateway");
	return "";
}

static void own_addresses(struct text *t, const json_t *status, const char *hostname,
			  const char *name, struct arena *a)
{
	const json_t *network, *interface, *subnet;
	const char *key, *inner;
	bool any = false;
	size_t i;

	json_object_foreach ((json_t *)status, key, network)
		json_object_foreach (json_object_get(network, "interfaces"), inner, interface)
			json_array_foreach (json_object_get(interface, "subnets"), i, subnet) {
				const char *net = record_str(subnet, "ipnet");

				text_printf(t, "%s\t%s %s\n",
					    arena_strndup(a, net, strcspn(net, "/")), hostname,
					    name);
				any = true;
			}
	if (!any)
		text_printf(t, "127.0.1.1\t%s %s\n", hostname, name);
}

int resolver_hosts(const json_t *create, const json_t *status, const char *hostname,
		   const char *name, struct arena *a, char **out, struct error *err)
{
	const char *host = gateway(status), *file = record_str(create, "hosts_file"), *mode;
	struct text t = text_new(a);
	const json_t *line;
	char *base = NULL;
	size_t i;

	mode = record_str(json_object_get(create, "namespaces"), "net");
	if (!*host && strcmp(mode, "host") == 0)
		host = "127.0.0.1";
	if (strcmp(file, "host") == 0)
		file = "/etc/hosts";
	if (*file && strcmp(file, "none") != 0 && file_read(file, 1 << 20, a, &base, NULL, err) < 0)
		return wrap(err, "%s", file);
	if (!base || !*base)
		text_add(&t, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n");
	else
		text_printf(&t, "%s%s", base, text_ends_with(base, "\n") ? "" : "\n");
	json_array_foreach (json_object_get(create, "hosts"), i, line) {
		const char *ip = record_str(line, "ip");

		if (strcmp(ip, "host-gateway") == 0 && !*host)
			return fail(err, EINVAL,
				    "--add-host: without a network there is no "
				    "host-gateway");
		text_printf(&t, "%s\t%s\n", strcmp(ip, "host-gateway") == 0 ? host : ip,
			    record_str(line, "name"));
	}
	if (*host)
		text_printf(&t, "%s\thost.containers.internal host.docker.internal\n", host);
	own_addresses(&t, status, hostname, name, a);
	*out = t.s;
	return 0;
}

/* ---- resolv.conf ---- */

/* "nameserver x" and "search a b" lines of a text; each word once. */
static void words_of(const char *text, const char *keyword, json_t *to, struct arena *a)
{
	char **lines, *save = NULL;
	size_t n = text_split(a, text, '\n', &lines);

	for (size_t i = 0; i < n; i++) {
		char *w = strtok_r(lines[i], " \t\r", &save);

		if (!w || strcmp(w, keyword) != 0)
			continue;
		while ((w = strtok_r(NULL, " \t\r", &save)))
			push_once(to, w);
	}
}

static bool is_loopback(const char *server)
{
	return text_starts_with(server, "127.") || strcmp(server, "::1") == 0;
}

static void host_servers(const char *host_text, bool own_network, json_t *servers, struct arena *a)
{
	json_t *all = json_array(), *value;
	size_t i;

	words_of(host_text, "nameserver", all, a);
	json_array_foreach (all, i, value)
		if (!own_network || !is_loopback(json_string_value(value)))
			push_once(servers, json_string_value(value));
	json_decref(all);
}

/* Those of all networks, each once. */
static void of_networks(const json_t *status, const char *member, json_t *to)
{
	const json_t *network, *value;
	const char *key;
	size_t i;

	json_object_foreach ((json_t *)status, key, network)
		json_array_foreach (json_object_get(network, member), i, value)
			push_once(to, json_string_value(value));
}

static void print_list(struct text *t, const char *keyword, const json_t *words)
{
	const json_t *value;
	size_t i;

	if (!json_array_size(words))
		return;
	text_add(t, keyword);
	json_array_foreach (words, i, value)
		text_printf(t, " %s", json_string_value(value));
	text_add(t, "\n");
}

char *resolver_conf_from(const json_t *create, const json_t *status, const char *host_text,
			 bool own_network, struct arena *a)
{
	json_t *servers = json_array(), *search = json_array(), *options = json_array();
	const json_t *given = json_object_get(create, "dns_search"), *value;
	struct text t = text_new(a);
	bool names;
	size_t i;

	of_networks(status, "dns_server_ips", servers);
	names = json_array_size(servers) > 0;
	/* Where names are served, --dns is for the server of the network and not for this file. */
	if (!names)
		json_array_extend(servers, json_object_get(create, "dns"));
	if (!json_array_size(servers))
		host_servers(host_text, own_network, servers, a);
	if (json_array_size(given))
		json_array_extend(search, (json_t *)given);
	else if (names)
		of_networks(status, "dns_search_domains", search);
	else
		words_of(host_text, "search", search, a);
	json_array_extend(options, json_object_get(create, "dns_options"));
	if (!json_array_size(options) && !names)
		words_of(host_text, "options", options, a);
	if (!has(search, "."))
		print_list(&t, "search", search);
	json_array_foreach (servers, i, value)
		if (i < SERVERS_MAX)
			text_printf(&t, "nameserver %s\n", json_string_value(value));
	print_list(&t, "options", options);
	json_decref(servers);
	json_decref(search);
	json_decref(options);
	return t.s;
}

int resolver_conf(const json_t *create, const json_t *status, struct arena *a, char **out,
		  struct error *err)
{
	const char *mode = record_str(json_object_get(create, "namespaces"), "net");
	char *text = NULL, *real;
	int r = file_read("/etc/resolv.conf", CONF_MAX, a, &text, NULL, err);

	if (r < 0 && r != -ENOENT)
		return wrap(err, "/etc/resolv.conf");
	if (!text)
		text = arena_strdup(a, "");
	bool own = strcmp(mode, "host") != 0;
	/* The host's stub server cannot be reached from another network; it knows whom to ask. */
	if (own && strstr(text, STUB_SERVER) &&
	    file_read(REAL_SERVERS, CONF_MAX, a, &real, NULL, err) == 0)
		text = real;
	*out = resolver_conf_from(create, status, text, own, a);
	return 0;
}
