/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Kernel settings below /proc/sys, in the namespace of the calling thread. One of the doors. */

#include <stdbool.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/undo.h"

struct sysctl_setting {
	const char *name; /* with slashes: "net/ipv4/ip_forward" */
	const char *value;
};

/* "net/ipv4/conf/<interface>/<key>", or the same for ipv6. */
char *sysctl_of(struct arena *a, int family, const char *interface, const char *key);

/* Appends a setting to a list in the arena. */
void sysctl_add(struct arena *a, struct sysctl_setting **list, size_t *n, const char *name,
		const char *value);

/* Whether a setting exists and has this value. */
bool sysctl_has(const char *name, const char *value, struct arena *a);

/*
 * Gives a setting its value. One that has it already is not written, so a read-only /proc is fine
 * as long as the values are right.
 * Undo:    the old value comes back. undo may be NULL, for settings that go with their interface.
 * Errors:  "set sysctl <name>: IO error: …"; -ENOENT if there is no such setting.
 */
int sysctl_set(const struct sysctl_setting *s, struct arena *a, struct undo *undo,
	       struct error *err) must_check;
