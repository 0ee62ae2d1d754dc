/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The legacy tables of iptables, through libiptc. One of the doors. A table that nobody has used does
 * not exist: asking the kernel for it would create it, so /proc is looked at first. Each table is
 * committed as a whole, under the lock that iptables-legacy takes, too.
 */

#include "netavark/firewall/job.h"

extern const struct kernel iptables_legacy;

/* Whether the table exists in this network namespace; does not create it. */
bool iptables_legacy_has(const struct table *t);
