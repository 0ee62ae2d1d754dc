/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The system calls that the server can still make once it runs. */

#include <stdbool.h>

#include "common/cleanup.h"
#include "common/error.h"

enum sandbox {
	SANDBOX_OFF,
	SANDBOX_ERROR, /* a call that is not on the list fails with EPERM */
	SANDBOX_KILL,  /* it ends the process */
};

/* Reads "off", "error" or "kill"; NULL is the default. False if it is none of them. */
bool sandbox_parse(const char *text, enum sandbox *out);

/* For good. A kernel without seccomp(2) is not an error: a debug line says so. */
int sandbox_enter(enum sandbox how, struct error *err) must_check;
