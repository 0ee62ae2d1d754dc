/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The command line as users of Docker and Podman know it: global options, a command of one or two
 * words, options with and without values, short ones combined, any number of arguments. The tables
 * that it reads drive parsing, usage text and completion.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/arena.h"
#include "common/error.h"

#define CLI_TABLES_MAX 4 /* lists of options that a command may share with others */

struct cli_option {
	char letter;	     /* 0: no short form */
	const char *name;    /* without the dashes; NULL ends a list */
	const char *metavar; /* how the value is called in the usage text; NULL: a flag */
	const char *help;
};

struct cli_given {
	const struct cli_option *option;
	const char *value; /* "true" or "false" of a flag */
};

struct engine;
struct cli_line;

struct cli_command {
	const char *name; /* "ps" or "network create" */
	const char *args; /* usage text of the arguments, "" for none */
	const char *help;
	size_t min_args, max_args;
	bool stops;  /* what follows the first argument belongs to somebody else */
	bool hidden; /* for programs, not for people */
	const struct cli_option *options[CLI_TABLES_MAX];
	int (*run)(struct engine *e, const struct cli_line *line, struct error *err);
};

struct cli_program {
	const char *name, *version, *about;
	const struct cli_option *globals;
	const struct cli_command *commands; /* ends with a name of NULL */
};

struct cli_line {
	const struct cli_program *program;
	const struct cli_command *command; /* NULL: help or version was asked for */
	struct cli_given *given;	   /* in the order of the command line, globals first */
	size_t n_given;
	char **args; /* ends with NULL */
	size_t n_args;
	bool help, version;
	const char *topic; /* of "help TOPIC" */
};

/* Errors: -EINVAL; the text names the word and the nearest one that would be right. */
int cli_parse(const struct cli_program *program, int argc, char **argv, struct arena *a,
	      struct cli_line *out, struct error *err);

/* Prints the usage text of the command, or of the program. */
void cli_help(const struct cli_line *line, FILE *to);

/* Prints one word a line: what may stand next. For shell completion. */
void cli_words(const struct cli_program *program, char **words, size_t n, FILE *to);

/* The last value given, or fallback. */
const char *cli_value(const struct cli_line *line, const char *name, const char *fallback);
bool cli_flag(const struct cli_line *line, const char *name);
bool cli_flag_or(const struct cli_line *line, const char *name, bool fallback);

/* All values given, in order; ends with NULL. */
const char **cli_values(const struct cli_line *line, const char *name, struct arena *a);

/* A number in a range, or fallback. Errors: "--name: …". */
int cli_number(const struct cli_line *line, const char *name, long long min, long long max,
	       long long *value, struct error *err);
