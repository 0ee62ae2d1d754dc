/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::commands::teardown"
#include <errno.h>
#include <signal.h>

#include "common/log.h"
#include "netavark/apply.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/run.h"
#include "netavark/firewall/store.h"

/* The container goes also if somebody has spoilt the host's settings since. */
static void configure(struct run *run)
{
	if (run_configure(run) < 0)
		log_error("%s", run->err.text);
	run->err = (struct error){0};
}

static int prepare(struct run *run)
{
	struct options *o = &run->options;
	int r = run_read(run);

	if (r == 0)
		r = run_parse(run);
	if (r == 0)
		configure(run);
	if (r == 0)
		r = options_read_dns_port(o, &run->err);
	if (r == 0)
		r = run_need_config(run, "teardown");
	if (r < 0)
		return r;
	/* The backend that made the rules, unless the caller says otherwise. */
	r = run_choose_firewall(run, o->firewall_driver ? o->firewall_driver
							: store_read_driver(o, &run->arena));
	return r < 0 ? r : host_open(&run->host, &run->err);
}

/* A container that is gone already leaves work on the host side all the same. */
static void open_container(struct run *run, const char *netns)
{
	struct error err = {0};
	int r = host_open_container(&run->host, netns, &err);

	if (r == -ENOENT)
		log_warn("container netns not found: %s", err.text);
	else if (r < 0)
		error_collect(&run->err, &err);
}

int command_teardown(const struct command_line *line)
{
	struct run run = {0};

	/* Half a teardown helps nobody: it goes on to its end. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	run_begin(&run, line);
	int r = prepare(&run);
	if (r == 0) {
		open_container(&run, line->args[0]);
		r = plan_teardown(&run.request, &run.options, run.fw->name, &run.arena, &run.plan,
				  &run.err);
	}
	if (r == 0)
		apply_teardown(&run.plan, run.fw, &run.host, &run.err);
	return run_end(&run, run.err.collected ? -run.err.code : r);
}
