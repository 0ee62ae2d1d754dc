/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Our standard streams and a container's, connected: through the monitor's socket (attach), or through
 * the terminal that the runtime hands over (exec -t).
 */

#include <stdbool.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

struct terminal_session {
	int remote;		 /* the socket, or the master of the terminal */
	bool packets;		 /* it is the socket: packets with the stream's number in front */
	bool tty;		 /* the container has a terminal: ours is made transparent */
	bool use_stdin;		 /* ours is handed on */
	bool out, errors;	 /* which streams are shown */
	const char *size_fifo;	 /* where the monitor takes window sizes; NULL: the remote itself */
	const char *detach_keys; /* "ctrl-p,ctrl-q"; "" for none */
	int process;		 /* a pidfd that gets the signals sent to us; -1: none */
};

enum terminal_end { TERMINAL_ENDED, TERMINAL_DETACHED };

/* Errors: -EINVAL if the detach keys are none. */
int terminal_check_keys(const char *keys, struct error *err) must_check;

/* Blocks the signals that a session hands on, so that none is lost before it begins. */
void terminal_hold_signals(void);

/* Tells the monitor the size of our window; before the program starts, so that it never sees another. */
void terminal_send_size(const char *size_fifo);

/*
 * Copies until the other side ends, or the person leaves. Our terminal is as before afterwards.
 * Returns a terminal_end.
 */
int terminal_talk(const struct terminal_session *s);
