/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::commands::update"
#include <errno.h>
#include <string.h>

#include "common/file.h"
#include "common/text.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/run.h"
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

static int update(struct run *run, const struct command_line *line)
{
	const char *network = line->args[0];
	struct host *h = &run->host;
	struct addr *servers = NULL;
	size_t n = 0;
	int r = read_servers(&line->options[0], h->arena, &servers, &n, &run->err);

	if (r == 0 && (strchr(network, '/') || strcmp(network, "..") == 0))
		r = fail(&run->err, EINVAL, "%s is no name of a network", network);
	if (r == 0 && file_exists(h->options->aardvark_binary)) {
		r = host_lock(h, &run->err);
		if (r == 0)
			r = dns_update(h, network, servers, n, &run->err);
	}
	return r < 0 ? wrap(&run->err, "unable to modify network dns servers") : 0;
}

int command_update(const struct command_line *line)
{
	struct run run = {0};

	run_begin(&run, line);
	int r = options_read_dns_port(&run.options, &run.err);
	if (r == 0)
		r = run_need_config(&run, "update");
	if (r == 0)
		r = update(&run, line);
	return run_end(&run, r);
}
