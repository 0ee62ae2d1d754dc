/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Drivers that are programs. A plugin is called as "<program> <verb> [<path of the namespace>]" with a
 * JSON document on its stdin; it answers on stdout, an error as {"error":…} with an exit status that is
 * not 0. Stderr is ours. examples/plugins has one to read, schemas/plugin-* describe the documents.
 */

#include "netavark/drivers/driver.h"

/*
 * The program of a driver: the first one of that name in the plugin directories. NULL if there is none,
 * or if the name is not that of a file in a directory.
 */
char *plugin_find(const struct options *options, const char *driver, struct arena *a);

/*
 * Lets the plugin check and complete the definition of a network, for create; the answer is read into
 * doc, which the caller closes whatever happens, and *out.
 * Errors:  the plugin's own, and what is wrong with its answer.
 */
int plugin_create(const char *program, const struct network_setup *net, struct document *doc,
		  struct network_setup *out, struct arena *a, struct error *err) must_check;
