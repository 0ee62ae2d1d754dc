/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "netavark/commands/commands.h"
#include "netavark/commands/run.h"

static bool is_kind(const char *value)
{
	return strcmp(value, "setup") == 0 || strcmp(value, "create") == 0 ||
	       strcmp(value, "conf") == 0;
}

static bool is_color(const char *value)
{
	return strcmp(value, "auto") == 0 || strcmp(value, "always") == 0 ||
	       strcmp(value, "never") == 0;
}

const struct command_option command_check_options[CHECK_N_OPTIONS] = {
	[CHECK_FILE] = {.letter = 'f',
			.name = "file",
			.metavar = "FILE",
			.help = "Read the document from FILE instead of stdin"},
	[CHECK_KIND] = {.name = "kind",
			.metavar = "KIND",
			.help = "What it is for: setup (default), create or conf",
			.valid = is_kind},
	[CHECK_STRICT] = {.name = "strict", .help = "Warnings are errors"},
	[CHECK_JSON] = {.letter = 'j', .name = "json", .help = "Print one line of JSON"},
	[CHECK_PRETTY] = {.letter = 'p', .name = "pretty", .help = "Print indented JSON"},
	[CHECK_COLOR] = {.name = "color",
			 .metavar = "WHEN",
			 .help = "auto (default), always or never",
			 .valid = is_color},
};

static bool wants_color(const struct command_line *line)
{
	const char *when = command_value(&line->options[CHECK_COLOR], "auto");
	const char *no_color = getenv("NO_COLOR");

	if (strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

static void make_strict(struct problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->list[i].warning = false;
	p->n_errors = p->n;
}

/* Fills *out. Only a text that cannot be had is an error. */
static int find_problems(struct run *run, const char *kind, struct problems *out)
{
	struct check c = {
		.doc = &run->doc,
		.arena = &run->arena,
		.problems = out,
		.options = &run->options,
		.conf = &run->conf,
	};
	int r = run_read(run);

	if (r == 0 && strcmp(kind, "setup") == 0)
		r = conf_load(&run->options, &run->arena, &run->conf, &run->err);
	if (r == 0)
		r = firewall_choose(run->options.firewall_driver, &run->fw, &run->err);
	if (r < 0)
		return r;
	c.firewall = run->fw->name;
	if (document_open_noting(&run->doc, out, &run->arena, run->text, run->len, &c.err) < 0)
		return 0;
	if (strcmp(kind, "create") == 0)
		check_create(&c);
	else if (strcmp(kind, "conf") == 0)
		check_conf(&c);
	else
		check_setup(&c);
	check_name_problems(&c);
	return 0;
}

static int print(struct run *run, const struct command_line *line, const struct problems *p)
{
	const char *file = run->options.file;
	bool pretty = line->options[CHECK_PRETTY].n;
	char *text = pretty || line->options[CHECK_JSON].n
			     ? problems_print_json(p, pretty)
			     : problems_print(p, file && strcmp(file, "-") != 0 ? file : "<stdin>",
					      wants_color(line));

	return file_write_fd(STDOUT_FILENO, text, strlen(text), &run->err);
}

int command_check(const struct command_line *line)
{
	struct run run = {0};
	struct problems problems = {0};

	run_begin(&run, line);
	run.context = "cannot read the document";
	run.options.file = command_value(&line->options[CHECK_FILE], run.options.file);
	int r = find_problems(&run, command_value(&line->options[CHECK_KIND], "setup"), &problems);
	if (r == 0) {
		if (line->options[CHECK_STRICT].n)
			make_strict(&problems);
		r = print(&run, line, &problems);
	}
	/* Who closes the pipe has seen enough. */
	if (r < 0 && r != -EPIPE)
		fprintf(stderr, "netavark: %s\n", run.err.text);
	int status = r < 0 ? 1 : problems.n_errors ? 3 : 0;
	run_end(&run, 0);
	return status;
}
