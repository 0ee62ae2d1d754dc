/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall" /* the choice is known under this name */
#include "netavark/commands/run.h"

#include <errno.h>
#include <string.h>

#include "common/file.h"
#include "common/log.h"
#include "netavark/report.h"

#define INPUT_MAX      (8u << 20)
#define DEFAULT_CONFIG "/run/containers/networks"

void run_begin(struct run *run, const struct command_line *line)
{
	const struct host closed = HOST_CLOSED;

	run->context = "failed to load network options";
	run->options = options_from(line, &run->arena);
	run->host = closed;
	run->host.options = &run->options;
	run->host.arena = run->host.undo.arena = &run->arena;
}

int run_read(struct run *run)
{
	const char *file = run->options.file;
	int r;

	if (!file || strcmp(file, "-") == 0)
		r = file_read_fd(STDIN_FILENO, INPUT_MAX, &run->arena, &run->text, &run->len,
				 &run->err);
	else
		r = file_read(file, INPUT_MAX, &run->arena, &run->text, &run->len, &run->err);
	return r < 0 ? wrap(&run->err, "%s", run->context) : 0;
}

int run_parse(struct run *run)
{
	int r = document_open(&run->doc, &run->arena, run->text, run->len, &run->err);

	if (r == 0)
		r = request_read(&run->doc, &run->request, &run->err);
	return r < 0 ? wrap(&run->err, "%s: IO error", run->context) : 0;
}

int run_configure(struct run *run)
{
	int r = conf_load(&run->options, &run->arena, &run->conf, &run->err);

	if (r == 0)
		conf_apply(&run->conf, &run->request, &run->arena);
	return r;
}

int run_choose_firewall(struct run *run, const char *name)
{
	int r = firewall_choose(name, &run->fw, &run->err);

	if (r == 0)
		log_info("%s", run->fw->announcement);
	return r;
}

int run_need_config(struct run *run, const char *command)
{
	if (run->options.config)
		return 0;
	return fail(&run->err, EINVAL, "--config not specified but required for netavark %s",
		    command);
}

void run_default_config(struct run *run)
{
	if (!run->options.config)
		run->options.config = DEFAULT_CONFIG;
}

static void print_error(struct run *run)
{
	char *line = report_error(&run->err, &run->arena);
	struct error ignored;

	if (file_write_fd(STDOUT_FILENO, line, strlen(line), &ignored) < 0)
		fprintf(stderr, "netavark: %s\n", run->err.text);
}

void run_close(struct run *run)
{
	host_close(&run->host);
	document_close(&run->doc);
	conf_close(&run->conf);
	arena_release(&run->arena);
}

int run_end(struct run *run, int r)
{
	if (r < 0) {
		undo_run(&run->host.undo);
		print_error(run);
	}
	run_close(run);
	return r < 0 ? 1 : 0;
}
