/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The commands that talk to a running server by its control socket. */

#include <stdbool.h>

struct control_request {
	const char *dir;		 /* configuration directory of the server */
	const char *command;		 /* as on the socket */
	const char *network, *container; /* NULL: all */
	bool json; /* print what the server says instead of a text for people */
};

/*
 * Sends a request and prints the reply; the log is printed until the server ends or the caller
 * closes its end. Returns the exit status: 1 if there is no server or it refuses, told on stderr.
 */
int control_client_run(const struct control_request *request);
