/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Log lines to the system's log, and limits to how many of a kind. The C library's syslog(3) may
 * block on a stuck daemon; this never does.
 */

#include <stdbool.h>
#include <time.h>

#include "common/log.h"

/* A log_writer. Lines that cannot be sent at once are dropped. */
void syslog_write(enum log_level level, const char *module, const char *text);

/* Five lines in ten seconds. Zeroed at the start. */
struct log_limit {
	time_t since; /* CLOCK_MONOTONIC */
	unsigned int n;
};

/* Whether one more line of this kind may be written; the last one before a pause says so. */
bool log_limit_allows(struct log_limit *l);
