/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The command line of our programs: global options, a command, its own options and arguments.
 * One table drives parsing, usage text and completion. Accepted: --opt value, --opt=value,
 * -o value, -ovalue, -o=value; no abbreviations; global options only before the command.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/arena.h"
#include "common/error.h"

#define COMMAND_OPTIONS_MAX 16
#define COMMAND_ARGS_MAX    2

struct command_option {
	char letter;	     /* 0: no short form */
	const char *name;    /* without the dashes */
	const char *metavar; /* how the value is called in the usage text; NULL: it has none */
	const char *help;
	bool repeatable;
	bool required;
	bool (*valid)(const char *value); /* NULL: any text */
};

struct command_values {
	const char **list; /* in the order given */
	size_t n;
};

struct command_line {
	const struct command *command;
	struct command_values globals[COMMAND_OPTIONS_MAX]; /* by index into program->options */
	struct command_values options[COMMAND_OPTIONS_MAX]; /* by index into command->options */
	const char *args[COMMAND_ARGS_MAX];
	char **argv; /* all words as they came, for handing them on */
};

struct command {
	const char *name;
	const char *args[COMMAND_ARGS_MAX + 1]; /* required arguments, ends with NULL */
	const char *help;
	const char *version_name; /* as what it answers --version; NULL: it does not know that */
	const struct command_option *options; /* its own; NULL if n_options is 0 */
	size_t n_options;
	int (*run)(const struct command_line *line); /* returns the exit status */
};

struct program {
	const char *name, *version, *about;
	const struct command_option *options;
	size_t n_options;
	const struct command *commands;
	size_t n_commands;
};

/*
 * Parses argv, prints help or version where asked, and runs the command. Returns the exit status:
 * that of the command; 0 after help and version; 2 after wrong usage, which is told on stderr.
 */
int command_main(const struct program *program, int argc, char **argv, struct arena *a);

/* The value of an option that is not repeatable, or fallback. */
const char *command_value(const struct command_values *v, const char *fallback);
