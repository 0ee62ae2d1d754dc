/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One call to the DHCP proxy. One of the doors. */

#include "common/cleanup.h"
#include "netavark/dhcp_message.h"

/* Errors: socket "<path>": <why> (os error <n>), is the netavark-dhcp-proxy.socket unit enabled? */
int dhcp_call_open(const char *path, int *out_fd, struct error *err) must_check;

/*
 * One request on a fresh connection, and its answer, whose "lease" is an object; document_close() it.
 * Errors:  the proxy's own text; -ETIMEDOUT; -EINTR if a signal is waiting that is held back.
 */
int dhcp_call_ask(int fd, const char *op, const struct dhcp_config *config, struct arena *a,
		  struct document *out, struct error *err) must_check;
