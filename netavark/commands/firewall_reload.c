/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::commands::firewall_reload"

#include "common/log.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/input.h"
#include "netavark/firewall/saved.h"
#include "netavark/firewall/store.h"

#define DEFAULT_CONFIG "/run/containers/networks" /* Podman's, when it runs as root */

/* Puts back what is missing. A rule that is there stays as it is, so it can be run at any time. */
static int reload(struct host *h, struct error *err)
{
	cleanup_close int lock = -1;
	const struct firewall *fw;
	struct saved saved;
	int r = host_lock(h, err);

	if (r == 0)
		r = store_lock(h, &lock, err);
	if (r < 0)
		return r;
	const char *driver = store_read_driver(h->options, h->arena);
	if (!driver)
		return 0; /* nothing has ever been set up */
	r = firewall_choose(driver, &fw, err);
	if (r < 0)
		return r;
	r = saved_read(h, &saved, err);
	if (r == 0)
		r = fw->add(saved.intents, saved.n, h->arena, &h->undo, err);
	saved_close(&saved);
	if (r == 0)
		log_info("Successfully reloaded firewall rules");
	return r;
}

int command_firewall_reload(const struct command_line *line)
{
	struct arena arena = {0};
	struct options options = options_from(line, &arena);
	struct host host = HOST_CLOSED;
	struct error err = {0};

	if (!options.config)
		options.config = DEFAULT_CONFIG;
	host.options = &options;
	host.arena = host.undo.arena = &arena;
	int r = reload(&host, &err);
	if (r < 0) {
		undo_run(&host.undo);
		r = input_report(&err, &arena);
	}
	host_close(&host);
	arena_release(&arena);
	return r;
}
