/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Global options and environment of one run, with upstream's defaults. */

#include <stdbool.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/command.h"
#include "common/error.h"

struct options {
	const char *file;	     /* NULL or "-": stdin */
	const char *config;	     /* NULL if not given */
	const char *aardvark_binary; /* may be "" */
	const char *ipam_dir;	     /* NULL: below config */
	const char *firewall_driver; /* lower case; NULL if the caller has not chosen */
	const char *default_isolate; /* NETAVARK_DEFAULT_ISOLATE or NULL */
	const char **plugin_dirs;    /* in the order to search them */
	size_t n_plugin_dirs;
	bool rootless;
	uint16_t dns_port;
};

/* The table of global options, for command_main(). */
extern const struct command_option options_table[];
extern const size_t options_count;

/*
 * The main() of a program that is called as netavark, with these options and the given commands.
 * Returns the exit status.
 */
int options_main(const char *about, const struct command *commands, size_t n_commands, int argc,
		 char **argv);

/* Takes the values from the command line and the environment; nothing is checked yet. */
struct options options_from(const struct command_line *line, struct arena *a);

/* Errors: "Invalid NETAVARK_DNS_PORT <value>: <why>". */
int options_read_dns_port(struct options *o, struct error *err) must_check;

/*
 * How many seconds a plugin may take: NETAVARK_PLUGIN_TIMEOUT, or 60.
 * Errors:  "Invalid NETAVARK_PLUGIN_TIMEOUT <value>: <why>".
 */
int options_plugin_seconds(unsigned int *out, struct error *err) must_check;
