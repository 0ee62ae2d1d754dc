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
 * After the rules of containers that publish UDP ports were made: forgets the UDP flows to these
 * ports, on addresses of this host, that go elsewhere, and all flows to the containers' addresses
 * that do not fit the rules, which somebody else has left. Of containers without UDP ports nothing
 * can go wrong that is worth a walk through the kernel's table, which takes longer than the rest of
 * a setup: TCP and SCTP have connections, which end by themselves.
 */
void conntrack_settle(const struct fw_intent *in, size_t n, struct host *h);
