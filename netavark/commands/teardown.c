/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::commands::teardown"
#include <errno.h>
#include <signal.h>

#include "common/log.h"
#include "netavark/apply.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/input.h"
#include "netavark/firewall/store.h"

struct run {
	struct arena arena;
	struct options options;
	struct input input;
	struct request request;
	const struct firewall *fw;
	struct host host;
	struct plan plan;
};

static int prepare(struct run *run, struct error *err)
{
	struct options *o = &run->options;
	int r = input_read(o, &run->arena, &run->input, err);

	if (r == 0)
		r = input_parse(&run->input, &run->arena, &run->request, err);
	if (r == 0)
		r = options_read_dns_port(o, err);
	if (r == 0 && !o->config)
		r = fail(err, EINVAL, "--config not specified but required for netavark teardown");
	if (r < 0)
		return r;
	/* The backend that made the rules, unless the caller says otherwise. */
	if (!o->firewall_driver)
		o->firewall_driver = store_read_driver(o, &run->arena);
	r = firewall_choose(o->firewall_driver, &run->fw, err);
	if (r < 0)
		return r;
	if (log_enabled(LOG_LEVEL_INFO, "netavark::firewall"))
		log_write(LOG_LEVEL_INFO, "netavark::firewall", "%s", run->fw->announcement);
	return host_open(&run->host, err);
}

/* A container that is gone already leaves work on the host side all the same. */
static void open_container(struct run *run, const char *netns, struct error *all)
{
	struct error err = {0};
	int r = host_open_container(&run->host, netns, &err);

	if (r == -ENOENT)
		log_warn("container netns not found: %s", err.text);
	else if (r < 0)
		error_collect(all, &err);
}

int command_teardown(const struct command_line *line)
{
	struct run run = {.host = HOST_CLOSED};
	struct error err = {0};

	/* Half a teardown helps nobody: it goes on to its end. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	run.options = options_from(line, &run.arena);
	run.host.options = &run.options;
	run.host.arena = &run.arena;
	run.host.undo.arena = &run.arena;
	int r = prepare(&run, &err);
	if (r == 0) {
		open_container(&run, line->args[0], &err);
		r = plan_teardown(&run.request, &run.options, run.fw->name, &run.arena, &run.plan,
				  &err);
	}
	if (r == 0)
		apply_teardown(&run.plan, run.fw, &run.host, &err);
	r = err.code ? input_report(&err, &run.arena) : 0;
	host_close(&run.host);
	input_close(&run.input);
	arena_release(&run.arena);
	return r;
}
