/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the drivers that write rules of their own need where firewalld runs, too: it rejects what comes
 * from a subnet that it does not know, so ours go into its zone "trusted". Without a system bus, and
 * without firewalld on it, nothing happens.
 */

#include "netavark/firewall/firewall.h"

/*
 * Whether ports can be published at all: with StrictForwardPorts firewalld drops all that it was not
 * told of itself. Looks only if one of the intents publishes any, or redirects DNS.
 * Errors:  "Port forwarding not possible as firewalld StrictForwardPorts enabled". A firewalld that
 *          does not answer is none.
 */
int firewalld_check(const struct fw_intent *in, size_t n, struct arena *a,
		    struct error *err) must_check;

/*
 * Puts the subnets of all networks into the zone. A failure is logged only.
 * Undo:    those that were not in it are taken off.
 */
void firewalld_trust(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo);

/* Takes the subnets of those networks off it whose last container leaves. A failure is logged only. */
void firewalld_distrust(const struct fw_intent *in, size_t n, struct arena *a);
