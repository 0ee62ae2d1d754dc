/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Makes a plan real, or takes it away. Both hold the lock of the config directory, but not while they
 * wait for a DHCP server.
 */

#include "netavark/drivers/driver.h"

/*
 * Makes everything in the plan: leases, links, state files, firewall rules, DNS. out has room for
 * plan->n_networks.
 * Undo:    all of it is in host->undo; the caller runs that on failure.
 * Errors:  the first failure, or "interrupted by signal <n>".
 */
int apply_setup(struct plan *plan, const struct firewall *fw, struct host *h,
		struct network_status *out, struct error *err) must_check;

/* Removes everything, whatever fails on the way; err collects. */
void apply_teardown(struct plan *plan, const struct firewall *fw, struct host *h,
		    struct error *err);

/*
 * Holds back SIGTERM, SIGINT and SIGHUP, so that a setup ends whole or not at all.
 * apply_interrupted() says whether one of them is waiting: -EINTR with its text, else 0.
 */
void apply_hold_signals(void);
int apply_interrupted(struct error *err) must_check;
