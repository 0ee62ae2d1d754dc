/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/command.h"

#include <errno.h>
#include <string.h>

#define SHOW_HELP    1
#define SHOW_VERSION 2

struct scan {
	const struct program *program;
	struct arena *arena;
	char **argv;
	int argc, i;
	struct error err;
};

static int usage_error(struct scan *s, const char *what, const char *value)
{
	return fail(&s->err, EINVAL, "%s '%s'", what, value);
}

static const struct command_option *find_option(const struct command_option *list, size_t n,
						const char *arg, const char **value)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list[i].name);

		*value = NULL;
		if (strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, list[i].name, len) == 0 &&
		    (arg[2 + len] == '\0' || arg[2 + len] == '=')) {
			if (arg[2 + len])
				*value = arg + 2 + len + 1;
			return &list[i];
		}
		if (arg[1] != '-' && list[i].letter && arg[1] == list[i].letter) {
			if (arg[2])
				*value = arg + 2 + (arg[2] == '=');
			return &list[i];
		}
	}
	return NULL;
}

/* One option of a list, with its value. Returns 0, a SHOW_ value, or -errno. */
static int take_option(struct scan *s, const struct command_option *list, size_t n,
		       struct command_values *values, bool with_version)
{
	const char *arg = s->argv[s->i], *value;
	const struct command_option *o = find_option(list, n, arg, &value);

	if (!o && (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0))
		return SHOW_HELP;
	if (!o && with_version && (strcmp(arg, "-V") == 0 || strcmp(arg, "--version") == 0))
		return SHOW_VERSION;
	if (!o)
		return usage_error(s, "unexpected argument", arg);
	if (!o->metavar && value)
		return usage_error(s, "no value is taken by", arg);
	if (!o->metavar)
		value = "";
	if (!value) {
		if (s->i + 1 >= s->argc ||
		    (s->argv[s->i + 1][0] == '-' && s->argv[s->i + 1][1] != '\0'))
			return usage_error(s, "a value is required for", arg);
		value = s->argv[++s->i];
	}
	if (o->valid && !o->valid(value))
		return fail(&s->err, EINVAL, "invalid value '%s' for '--%s'", value, o->name);
	struct command_values *v = &values[o - list];
	if (v->n && !o->repeatable)
		return usage_error(s, "the option cannot be used twice:", arg);
	v->list = arena_grow(s->arena, v->list, v->n, sizeof(*v->list));
	v->list[v->n++] = value;
	return 0;
}

static void print_options(FILE *to, const struct command_option *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char left[64];

		if (list[i].metavar)
			snprintf(left, sizeof(left), "--%s <%s>", list[i].name, list[i].metavar);
		else
			snprintf(left, sizeof(left), "--%s", list[i].name);
		if (list[i].letter)
			fprintf(to, "  -%c, %-34s %s\n", list[i].letter, left, list[i].help);
		else
			fprintf(to, "      %-34s %s\n", left, list[i].help);
	}
}

static void print_args(FILE *to, const struct command *c)
{
	for (size_t i = 0; i < c->n_options; i++)
		if (c->options[i].required)
			fprintf(to, " --%s <%s>", c->options[i].name, c->options[i].metavar);
	for (size_t i = 0; c->args[i]; i++)
		fprintf(to, " <%s>", c->args[i]);
}

static void print_program_help(FILE *to, const struct program *p)
{
	fprintf(to, "%s\n\nUsage: %s [OPTIONS] <COMMAND>\n\nCommands:\n", p->about, p->name);
	for (size_t i = 0; i < p->n_commands; i++)
		fprintf(to, "  %-18s %s\n", p->commands[i].name, p->commands[i].help);
	fprintf(to, "  %-18s %s\n\nOptions:\n", "help", "Print this text, or that of a command");
	print_options(to, p->options, p->n_options);
	fprintf(to, "  -h, %-34s %s\n  -V, %-34s %s\n", "--help", "Print help", "--version",
		"Print the version");
}

static void print_usage(FILE *to, const struct program *p, const struct command *c)
{
	fprintf(to, "Usage: %s [GLOBAL OPTIONS] %s%s", p->name, c->name,
		c->n_options ? " [OPTIONS]" : "");
	print_args(to, c);
	fprintf(to, "\n\n");
}

static void print_command_help(FILE *to, const struct program *p, const struct command *c)
{
	fprintf(to, "%s\n\n", c->help);
	print_usage(to, p, c);
	fprintf(to, "Options:\n");
	print_options(to, c->options, c->n_options);
	fprintf(to, "  -h, %-34s %s\n", "--help", "Print help");
	if (c->version_name)
		fprintf(to, "  -V, %-34s %s\n", "--version", "Print the version");
}

static const struct command *find_command(const struct program *p, const char *name)
{
	for (size_t i = 0; i < p->n_commands; i++)
		if (strcmp(p->commands[i].name, name) == 0)
			return &p->commands[i];
	return NULL;
}

static int check_required(struct scan *s, const struct command *c, struct command_line *line,
			  size_t n_args)
{
	for (size_t i = 0; c->args[i]; i++)
		if (i >= n_args || !*line->args[i])
			return usage_error(s, "a value is required for", c->args[i]);
	for (size_t i = 0; i < c->n_options; i++)
		if (c->options[i].required && !line->options[i].n)
			return usage_error(s, "a required option is missing:", c->options[i].name);
	return 0;
}

/* What follows the command word. Returns 0, SHOW_HELP, or -errno. */
static int scan_command(struct scan *s, struct command_line *line)
{
	const struct command *c = line->command;
	size_t n_args = 0, n_wanted = 0;
	bool only_args = false;

	while (c->args[n_wanted])
		n_wanted++;
	for (; s->i < s->argc; s->i++) {
		const char *arg = s->argv[s->i];

		if (!only_args && strcmp(arg, "--") == 0) {
			only_args = true;
		} else if (!only_args && arg[0] == '-' && arg[1]) {
			int r = take_option(s, c->options, c->n_options, line->options,
					    c->version_name != NULL);
			if (r)
				return r;
		} else if (n_args < n_wanted) {
			line->args[n_args++] = arg;
		} else {
			return usage_error(s, "unexpected argument", arg);
		}
	}
	return check_required(s, c, line, n_args);
}

/* The global options. Leaves s->i at the command word. */
static int scan_globals(struct scan *s, struct command_line *line)
{
	for (; s->i < s->argc && s->argv[s->i][0] == '-'; s->i++) {
		int r = take_option(s, s->program->options, s->program->n_options, line->globals,
				    true);
		if (r)
			return r;
	}
	return 0;
}

static int show_help_of(const struct program *p, const char *name)
{
	const struct command *c = name ? find_command(p, name) : NULL;

	if (name && !c && strcmp(name, "help") != 0) {
		fprintf(stderr, "error: unknown command '%s'\n", name);
		return 2;
	}
	if (c)
		print_command_help(stdout, p, c);
	else
		print_program_help(stdout, p);
	return 0;
}

/* What there is to say instead of running a command. Returns the exit status. */
static int answer(const struct scan *s, const struct command *c, int r)
{
	const struct program *p = s->program;

	if (r == SHOW_VERSION) {
		printf("%s %s\n", c ? c->version_name : p->name, p->version);
		return 0;
	}
	if (r == SHOW_HELP)
		return show_help_of(p, c ? c->name : NULL);
	fprintf(stderr, "error: %s\n\n", s->err.text);
	if (c)
		print_usage(stderr, p, c);
	fprintf(stderr, "For more information, try '%s --help'.\n", p->name);
	return 2;
}

int command_main(const struct program *program, int argc, char **argv, struct arena *a)
{
	struct scan s = {.program = program, .arena = a, .argv = argv, .argc = argc, .i = 1};
	struct command_line line = {.argv = argv};
	int r = scan_globals(&s, &line);

	if (r)
		return answer(&s, NULL, r);
	if (s.i >= argc) {
		print_program_help(stderr, program);
		return 2;
	}
	const char *name = argv[s.i++];
	if (strcmp(name, "help") == 0)
		return show_help_of(program, s.i < argc ? argv[s.i] : NULL);
	const struct command *c = line.command = find_command(program, name);
	if (!c)
		return answer(&s, NULL, usage_error(&s, "unknown command", name));
	r = scan_command(&s, &line);
	return r ? answer(&s, c, r) : c->run(&line);
}

const char *command_value(const struct command_values *v, const char *fallback)
{
	return v->n ? v->list[0] : fallback;
}
