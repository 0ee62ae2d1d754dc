/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::commands::update"
#include <errno.h>
#include <string.h>

#include "common/file.h"
#include "common/text.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/input.h"
#include "netavark/dns.h"

/* All values of the option, each a list with commas; one empty value means no servers. */
static int read_servers(const struct command_values *v, struct arena *a, struct addr **out,
			size_t *out_n, struct error *err)
{
	struct addr *list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		char **items;
		size_t n_items = *v->list[i] ? text_split(a, v->list[i], ',', &items) : 0;

		for (size_t k = 0; k < n_items; k++) {
			list = arena_grow(a, list, n, sizeof(*list));
			if (!addr_parse(items[k], &list[n++]))
				return fail(err, EINVAL, "invalid IP address syntax: %s", items[k]);
		}
	}
	*out = list;
	*out_n = n;
	return 0;
}

static int update(struct host *h, const struct command_line *line, struct error *err)
{
	struct addr *servers = NULL;
	size_t n = 0;
	int r = read_servers(&line->options[0], h->arena, &servers, &n, err);

	if (r == 0 && (strchr(line->args[0], '/') || strcmp(line->args[0], "..") == 0))
		r = fail(err, EINVAL, "%s is no name of a network", line->args[0]);
	if (r < 0 || !file_exists(h->options->aardvark_binary))
		return r;
	r = host_lock(h, err);
	return r < 0 ? r : dns_update(h, line->args[0], servers, n, err);
}

int command_update(const struct command_line *line)
{
	struct arena arena = {0};
	struct options options = options_from(line, &arena);
	struct host host = HOST_CLOSED;
	struct error err = {0};
	int r = options_read_dns_port(&options, &err);

	host.options = &options;
	host.arena = host.undo.arena = &arena;
	if (r == 0 && !options.config)
		r = fail(&err, EINVAL, "--config not specified but required for netavark update");
	if (r == 0) {
		r = update(&host, line, &err);
		if (r < 0)
			wrap(&err, "unable to modify network dns servers");
	}
	if (r < 0) {
		undo_run(&host.undo);
		r = input_report(&err, &arena);
	}
	host_close(&host);
	arena_release(&arena);
	return r;
}
