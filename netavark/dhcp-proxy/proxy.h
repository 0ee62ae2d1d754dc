/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The DHCP proxy: a server on a Unix socket that gets leases for containers and keeps them. It runs
 * until a signal comes, or until nobody has needed it for a while.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/error.h"

struct proxy_options {
	const char *dir;
	unsigned int lease_seconds; /* for getting one lease */
	uint64_t idle_seconds;	    /* without a request and a lease; 0: for ever */
};

/* Runs to the end. Errors: what keeps it from starting. */
int proxy_run(const struct proxy_options *options, struct error *err) must_check;
