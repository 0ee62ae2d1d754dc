/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/file.h"
#include "netavark/apply.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/run.h"
#include "netavark/report.h"
#include "netavark/stray.h"

/* The order decides which error wins when several things are wrong. */
static int prepare(struct run *run, const char *netns)
{
	struct error *err = &run->err;
	int r = run_read(run);

	if (r == 0 && access(netns, R_OK) < 0)
		r = fail_errno(err, errno, "invalid namespace path");
	if (r == 0)
		r = run_parse(run);
	if (r == 0)
		r = run_configure(run);
	if (r == 0)
		r = stray_report(&run->request, &run->conf, &run->arena, err);
	if (r == 0)
		r = run_choose_firewall(run, run->options.firewall_driver);
	if (r == 0 && run->fw->check)
		r = run->fw->check(err);
	if (r == 0)
		r = options_read_dns_port(&run->options, err);
	if (r == 0)
		r = host_open(&run->host, err);
	if (r == 0)
		r = host_open_container(&run->host, netns, err);
	if (r == 0)
		r = run_need_config(run, "setup");
	if (r == 0)
		r = plan_setup(&run->request, &run->options, run->fw->name, &run->arena, &run->plan,
			       err);
	return r;
}

static int change(struct run *run)
{
	struct network_status *status =
		arena_alloc(&run->arena, run->plan.n_networks * sizeof(*status));
	struct error *err = &run->err;

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
	struct run run = {0};

	run_begin(&run, line);
	int r = prepare(&run, line->args[0]);
	if (r == 0)
		r = change(&run);
	return run_end(&run, r);
}
