/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::commands::firewalld_reload"

#include "common/log.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/run.h"
#include "netavark/firewall/firewalld_bus.h"

/* What went wrong this time may have gone away when firewalld reloads again. */
static void reload(const struct command_line *line)
{
	struct run run = {0};

	run_begin(&run, line);
	run_default_config(&run);
	if (command_firewall_reload_rules(&run) < 0) {
		undo_run(&run.host.undo);
		log_error("failed to reload firewall rules: %s", run.err.text);
	}
	run_close(&run);
}

/* Listens before the first time, so that no reload falls between. */
int command_firewalld_reload(const struct command_line *line)
{
	struct firewalld_bus *bus = NULL;
	struct run run = {0};

	run_begin(&run, line);
	int r = firewalld_bus_open(&bus, &run.err);
	if (r == 0)
		r = firewalld_bus_watch(bus, &run.err);
	while (r == 0) {
		reload(line);
		r = firewalld_bus_wait(bus, &run.err);
	}
	firewalld_bus_close(bus);
	return run_end(&run, r);
}
