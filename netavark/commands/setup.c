/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::commands::setup"
#include <errno.h>
#include <string.h>

#include "common/file.h"
#include "common/log.h"
#include "netavark/apply.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/input.h"
#include "netavark/report.h"

struct run {
	struct arena arena;
	struct options options;
	struct input input;
	struct request request;
	const struct firewall *fw;
	struct host host;
	struct plan plan;
};

/* The order decides which error wins when several things are wrong. */
static int prepare(struct run *run, const char *netns, struct error *err)
{
	struct options *o = &run->options;
	int r = input_read(o, &run->arena, &run->input, err);

	if (r == 0 && access(netns, R_OK) < 0)
		r = fail_errno(err, errno, "invalid namespace path");
	if (r == 0)
		r = input_parse(&run->input, &run->arena, &run->request, err);
	if (r == 0)
		r = firewall_choose(o->firewall_driver, &run->fw, err);
	if (r < 0)
		return r;
	if (log_enabled(LOG_LEVEL_INFO, "netavark::firewall"))
		log_write(LOG_LEVEL_INFO, "netavark::firewall", "%s", run->fw->announcement);
	r = options_read_dns_port(o, err);
	if (r == 0)
		r = host_open(&run->host, err);
	if (r == 0)
		r = host_open_container(&run->host, netns, err);
	if (r == 0 && !o->config)
		r = fail(err, EINVAL, "--config not specified but required for netavark setup");
	if (r == 0)
		r = plan_setup(&run->request, o, run->fw->name, &run->arena, &run->plan, err);
	return r;
}

static int change(struct run *run, struct error *err)
{
	struct network_status *status =
		arena_alloc(&run->arena, run->plan.n_networks * sizeof(*status));

	apply_hold_signals();
	int r = apply_setup(&run->plan, run->fw, &run->host, status, err);
	if (r == 0)
		r = apply_interrupted(err);
	if (r < 0)
		return r;
	char *line = report_status(&run->plan, status, run->plan.n_networks);
	r = file_write_fd(STDOUT_FILENO, line, strlen(line), err);
	return r < 0 ? wrap(err, "write status") : 0;
}

int command_setup(const struct command_line *line)
{
	struct run run = {.host = HOST_CLOSED};
	struct error err = {0};

	run.options = options_from(line, &run.arena);
	run.host.options = &run.options;
	run.host.arena = &run.arena;
	run.host.undo.arena = &run.arena;
	int r = prepare(&run, line->args[0], &err);
	if (r == 0)
		r = change(&run, &err);
	if (r < 0) {
		undo_run(&run.host.undo);
		r = input_report(&err, &run.arena);
	}
	host_close(&run.host);
	input_close(&run.input);
	arena_release(&run.arena);
	return r;
}
