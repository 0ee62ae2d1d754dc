/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The life of the server: start in the background, reload, leave. */

#include <stdint.h>

struct daemon_options {
	const char *dir;    /* configuration directory */
	const char *search; /* search domain, or "" */
	uint16_t port;	    /* host order; 0: any */
};

/*
 * Starts the server in a process of its own and waits until it serves. Returns the exit status:
 * 0 if it serves, or if another server does and has been told to look at the directory again; 1
 * after a failure, which is told on stderr. The server itself does not return from here.
 */
int daemon_start(const struct daemon_options *options);
