/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A network namespace of its own for a whole test program, with or without being root. */

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Leaves the namespace that the program was started in. Without privileges a user namespace comes
 * along, in which this process is privileged. Where the kernel permits neither, says in TAP that
 * the program is skipped and returns false.
 */
static inline bool namespace_enter(const char *program)
{
	if (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
		return true;
	printf("1..0 # SKIP %s: no network namespace of our own: %m\n", program);
	return false;
}
