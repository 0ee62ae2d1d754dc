/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The control socket, for people and programs that want to look into a running server. It stands
 * beside the configuration directory, not in it, where another server would take it for a network.
 * One JSON object a line is a request, one a line the reply:
 *
 *   {"command": "stats", "network": NAME, "container": ID}    the last two may be missing
 *   {"command": "dump"}  {"command": "flush"}  {"command": "reload"}  {"command": "ping"}
 *   {"command": "log"}   after its reply a line for each query, until the client hangs up
 *
 * A request that makes no sense gets {"error": TEXT}.
 */

#include <event2/event.h>
#include <stdbool.h>

#include "aardvark-dns/service.h"
#include "common/cleanup.h"
#include "common/error.h"

#define CONTROL_SUFFIX	    ".ctl"
#define CONTROL_REQUEST_MAX 4096 /* bytes of a line */
#define CONTROL_CLIENTS_MAX 16
#ifdef FAULT_INJECTION
#define CONTROL_IDLE_SECONDS 2 /* for tests */
#else
#define CONTROL_IDLE_SECONDS 30
#endif

struct control;

/* What the owner does for a client. */
struct control_owner {
	bool (*reload)(void *arg); /* false if the directory could not be read */
	void *arg;
};

/*
 * Opens the socket of a directory, whose server we are: one that is left over is replaced.
 * Shape:   dir is absolute.
 * Errors:  those of bind(2).
 */
int control_open(const char *dir, struct service *service, const struct control_owner *owner,
		 struct control **out, struct error *err) must_check;

/* Removes the socket if it still is ours. NULL is fine. */
void control_close(struct control *c);

/*
 * The address of the socket of a directory: of any length, by way of a descriptor of the directory
 * it is in, which the caller closes.
 */
struct sockaddr_un;
int control_address(const char *dir, int *out_dir_fd, struct sockaddr_un *out,
		    struct error *err) must_check;

/*
 * Answers one request that has arrived on no connection; for control.c, and for fuzzing.
 * Shape:   line is len bytes. *out_log tells that the client is to get the log.
 */
json_t *control_answer(struct control *c, const char *line, size_t len, bool *out_log);
