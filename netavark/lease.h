/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The built-in host-local address management: one lease file per network, changed under a lock by
 * writing a new file and renaming it over, so that at any kill point it is the old or the new one.
 * The key of a lease is the network, the container and the interface. Errors: "IPAM error: …".
 */

#include "netavark/host.h"
#include "netavark/plan.h"

/*
 * Setup: chooses the addresses of all networks of the plan that need it (next-fit: the first free
 * one after the last handed out) and stores the leases. A lease that the container has already is
 * used again. Static addresses are entered where a lease file exists, and refused if another
 * container holds them.
 * Undo:    what this run changed is changed back.
 */
int lease_take(struct plan *plan, struct host *host, struct error *err) must_check;

/* Teardown: fills the addresses of the plan from the leases. No lease: a warning. */
int lease_recall(struct plan *plan, struct error *err) must_check;

/* Teardown: gives back what the container holds in the networks. Collects errors. */
void lease_release(const struct plan *plan, struct error *all);
