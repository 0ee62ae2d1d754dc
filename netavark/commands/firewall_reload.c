/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::commands::firewall_reload"

#include "common/log.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/run.h"
#include "netavark/extension.h"
#include "netavark/firewall/firewalld.h"
#include "netavark/firewall/saved.h"
#include "netavark/firewall/store.h"

/*
 * The layout that is demanded becomes that of all containers; otherwise each keeps its own. Both
 * places are looked into in any case.
 */
static int convert(struct run *run, struct saved *saved)
{
	enum fw_layout layout = LAYOUT_AUTO;
	int r = extension_layout(NULL, &layout, &run->err);

	for (size_t i = 0; r == 0 && i < saved->n; i++) {
		struct fw_intent *in = &saved->intents[i];
		bool changes = layout != LAYOUT_AUTO && in->extras.layout != layout;

		if (!in->me.container_id)
			continue;
		in->converts = true;
		if (changes) {
			in->extras.layout = layout;
			r = store_write(run->fw, in, &run->host, &run->err);
		}
	}
	return r;
}

int command_firewall_reload_rules(struct run *run)
{
	struct host *h = &run->host;
	cleanup_close int lock = -1;
	struct saved saved;
	int r = host_lock(h, &run->err);

	if (r == 0)
		r = store_lock(h, &lock, &run->err);
	if (r < 0)
		return r;
	const char *driver = store_read_driver(h->options, h->arena);
	if (!driver)
		return 0; /* nothing has ever been set up */
	r = firewall_choose(driver, &run->fw, &run->err);
	if (r < 0)
		return r;
	r = saved_read(h, &saved, &run->err);
	if (r == 0)
		r = convert(run, &saved);
	if (r == 0)
		r = run->fw->add(saved.intents, saved.n, h->arena, &h->undo, &run->err);
	if (r == 0 && !run->fw->idle && !h->options->rootless)
		firewalld_trust(saved.intents, saved.n, h->arena, &h->undo);
	saved_close(&saved);
	if (r == 0)
		log_info("Successfully reloaded firewall rules");
	return r;
}

int command_firewall_reload(const struct command_line *line)
{
	struct run run = {0};

	run_begin(&run, line);
	run_default_config(&run);
	return run_end(&run, command_firewall_reload_rules(&run));
}
