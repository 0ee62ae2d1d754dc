/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Reading the state files back (see store.h), those of older and newer releases, too. */

#include "netavark/firewall/firewall.h"
#include "netavark/host.h"

struct saved {
	struct fw_intent
		*intents; /* for each network one without a container, then its containers */
	size_t n;
	struct document *documents; /* what the strings are borrowed from */
	size_t n_documents;
};

/*
 * Reads all networks and all containers, in the order in which their files were written. Files and
 * directories that are not there are no error: somebody may be tearing down.
 * Errors:  "read firewall config: JSON Decoding error: <path>: …".
 */
int saved_read(const struct host *h, struct saved *out, struct error *err) must_check;
void saved_close(struct saved *saved);
