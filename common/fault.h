/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Fault injection at the doors: every call that leaves the process passes fault("name") first.
 * In builds with FAULT_INJECTION the environment variable NETAVARK_FAULT=<n>[:kill|:term] makes
 * the n-th door of the run fail with EIO, kill the process, or send it SIGTERM; NETAVARK_FAULT_LOG
 * names a file that receives the name of every door passed. Elsewhere it costs nothing.
 */

#include "common/error.h"

/*
 * A program with doors of its own beside those of the programs that it starts takes its specification
 * from other variables: NAME and NAME_LOG. They are removed from the environment, so that they are for
 * this process only.
 */
#ifdef FAULT_INJECTION
void fault_take(const char *name);
int fault(const char *door, struct error *err);

/* From now on no door counts, for a child that goes on when the run is over. */
void fault_stop(void);
#else
static inline void fault_stop(void)
{
}

static inline void fault_take(const char *name)
{
	(void)name;
}

static inline int fault(const char *door, struct error *err)
{
	(void)door;
	(void)err;
	return 0;
}
#endif
