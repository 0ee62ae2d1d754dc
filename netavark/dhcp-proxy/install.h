/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Puts what a lease grants onto the container's interface, and takes it off again. */

#include "netavark/dhcp-proxy/terms.h"
#include "netavark/host.h"

struct install_target {
	const char *ns_path, *interface;
	uint32_t metric; /* of the default route */
	bool no_default_route;
};

/*
 * Opens the container's side of h, whose host side is open, and finds the interface.
 * Errors:  "open container netns: open <path>: …"; -ENODEV without the interface.
 */
int install_open(const struct install_target *target, struct host *h, struct link_info *out,
		 struct error *err) must_check;

/* The address and the routes of a new lease. Undo: pushed to h->undo. */
int install_add(const struct install_target *target, const struct terms *t, struct host *h,
		int index, struct error *err) must_check;

/*
 * Exchanges one lease for another; old or new may be NULL. Opens and closes the namespace itself.
 * What the container has removed meanwhile is not missed.
 */
int install_replace(const struct install_target *target, const struct terms *old,
		    const struct terms *new, struct error *err) must_check;
