/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/file.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/run.h"

static int print(struct run *run)
{
	const char *driver = run->options.firewall_driver;
	int r = run_read(run);

	if (r == 0)
		r = run_parse(run);
	if (r == 0)
		r = run_configure(run);
	if (r == 0)
		r = run_choose_firewall(run, driver);
	if (r == 0)
		r = plan_setup(&run->request, &run->options, run->fw->name, &run->arena, &run->plan,
			       &run->err);
	if (r < 0)
		return r;
	char *text = plan_print(&run->plan);
	r = file_write_fd(STDOUT_FILENO, text, strlen(text), &run->err);
	return r < 0 ? wrap(&run->err, "write plan") : 0;
}

int command_plan(const struct command_line *line)
{
	struct run run = {0};

	run_begin(&run, line);
	return run_end(&run, print(&run));
}
