/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/file.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/input.h"
#include "netavark/plan.h"

static int print(const struct options *o, struct arena *a, struct input *in, struct error *err)
{
	struct request request;
	struct plan plan;
	int r = input_read(o, a, in, err);

	if (r == 0)
		r = input_parse(in, a, &request, err);
	if (r == 0)
		r = plan_setup(&request, o, o->firewall_driver ? o->firewall_driver : "nftables", a,
			       &plan, err);
	if (r < 0)
		return r;
	char *text = plan_print(&plan);
	return file_write_fd(STDOUT_FILENO, text, strlen(text), err);
}

int command_plan(const struct command_line *line)
{
	struct arena arena = {0};
	struct input in = {0};
	struct error err = {0};
	struct options options = options_from(line, &arena);
	int r = print(&options, &arena, &in, &err);

	if (r < 0)
		r = input_report(&err, &arena);
	input_close(&in);
	arena_release(&arena);
	return r;
}
