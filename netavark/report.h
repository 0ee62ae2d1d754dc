/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The one line of JSON that a command prints on stdout. */

#include "netavark/drivers/driver.h"

/*
 * The status document of a setup: network name → what the container got. One line, with its line
 * feed, in the arena.
 */
char *report_status(const struct plan *plan, const struct network_status *list, size_t n);

/* The definition of a network, as create prints it. */
char *report_network(const struct network_setup *net, struct arena *a);

/* {"error":"…"} and a line feed; invalid UTF-8 is replaced. */
char *report_error(const struct error *err, struct arena *a);
