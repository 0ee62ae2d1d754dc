/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/create.h"

#include <string.h>
#include <time.h>

#include "common/file.h"
#include "common/text.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/run.h"
#include "netavark/network.h"
#include "netavark/report.h"

static int read_request(struct run *run, struct create *c)
{
	struct error *err = &run->err;
	int r = run_read(run);

	if (r < 0)
		return r;
	r = document_open(&run->doc, &run->arena, run->text, run->len, err);
	if (r == 0)
		r = create_read(&run->doc, c, err);
	return r < 0 ? wrap(err, "%s: IO error", run->context) : 0;
}

static int look_at_host(struct run *run, struct create *c)
{
	struct timespec now;
	int r = netlink_open(&run->host.nl, &run->err);

	if (r < 0)
		return wrap(&run->err, "host netlink socket");
	clock_gettime(CLOCK_REALTIME, &now);
	c->now = arena_printf(&run->arena, "%.19s.%09ldZ", text_utc(&run->arena, now.tv_sec),
			      now.tv_nsec);
	c->options = &run->options;
	c->random = arc4random_buf;
	r = link_list_names(run->host.nl, &run->arena, &c->links, &c->n_links, &run->err);
	return r < 0 ? wrap(&run->err, "get host interfaces") : 0;
}

static int create(struct run *run, struct create *c)
{
	int r = read_request(run, c);

	if (r == 0)
		r = look_at_host(run, c);
	if (r == 0)
		r = create_plan(c, &run->err);
	if (r < 0)
		return r;
	char *line = report_network(&c->net, &run->arena);
	r = file_write_fd(STDOUT_FILENO, line, strlen(line), &run->err);
	return r < 0 ? wrap(&run->err, "write network") : 0;
}

int command_create(const struct command_line *line)
{
	struct run run = {0};
	struct create c = {0};

	run_begin(&run, line);
	run.context = "failed to load network create";
	int r = create(&run, &c);
	create_close(&c);
	return run_end(&run, r);
}
