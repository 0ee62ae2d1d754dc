/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of a network, as in the configuration directory: parsed, and made a snapshot. */
#include "tests/fuzz/fuzz.h"

/* What was built must lead back to itself. */
static void check_network(const struct zones *z, const struct zone_network *net)
{
	for (size_t i = 0; i < net->n_names; i++) {
		const struct zone_name *name = &net->names[i];
		uint32_t hash = hash_bytes(&z->key, name->wire, name->len);

		must(zones_find_name(net, hash, name->wire, name->len) == name);
		must(name->n_v4 + name->n_v6 > 0);
	}
	for (size_t i = 0; i < net->n_hosts; i++) {
		const struct zone_host *host = &net->hosts[i];

		must(zones_find_host(net, zones_hash_addr(z, &host->addr), &host->addr) == host);
		must(host->container < z->n_containers);
		for (uint32_t k = 0; k < host->n_names; k++)
			must(host->names[k] < net->n_names);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0}, result = {0};
	struct config_network net;
	struct hash_key key = {1, 2};
	struct error err;
	bool suspect;

	log_filter("off");
	char *text = arena_strndup(&arena, (const char *)data, size);
	if (config_parse("file", text, size, &arena, &net, &suspect, &err) == 0) {
		net.name = "file";
		const struct zones *z = zones_build(&result, &key, &net, 1);
		must(z->n_networks == 1 && z->n_listeners >= 1);
		check_network(z, &z->networks[0]);
		for (size_t i = 0; i < z->n_listeners; i++) {
			struct view v = zones_view(z, &z->listeners[i], &z->listeners[i].addr);
			struct addr servers[VIEW_SERVERS_MAX];

			must(view_servers(&v, servers) <= VIEW_SERVERS_MAX);
		}
	}
	arena_release(&arena);
	arena_release(&result);
	return 0;
}
