/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Connection tracking remembers where a flow goes, whatever the rules say later: a client that
 * keeps sending UDP would never reach the container that replaces its old one, and a container
 * could receive what was meant for the one that had its address before. One of the doors. All of
 * it is best effort: what goes wrong is logged at debug level and never fails a run.
 */

#include "netavark/firewall/firewall.h"
#include "netavark/host.h"

/*
 * Forgets every flow from or to the containers' addresses, after they have been taken away. Only
 * intents with flush_conntrack count.
 */
void conntrack_forget(const struct fw_intent *in, size_t n, struct host *h);

/*
 * The same before the addresses begin to count, for what nobody has cleaned up. On a host with
 * very many flows only those that somebody else began: each look at the kernel's table costs.
 */
void conntrack_claim(const struct fw_intent *in, size_t n, struct host *h);

/*
 * After the rules were made: forgets the UDP flows to published ports, on addresses of this host,
 * that go elsewhere. TCP and SCTP have connections, which end by themselves.
 */
void conntrack_redirect(const struct fw_intent *in, size_t n, struct host *h);
