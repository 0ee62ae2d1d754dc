/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Tells the neighbours which hardware address a container's addresses have now, for those that
 * remember an older one: gratuitous ARP requests, and unsolicited neighbour advertisements that
 * override. One of the doors.
 */

#include "netavark/drivers/driver.h"

#define ANNOUNCE_BY_DEFAULT 2 /* times, where neighbours are not ours */
#define ANNOUNCE_MAX	    20

/*
 * Announces the addresses of all networks whose plan says so: at once, and further times 100 ms
 * apart, by a child that nobody waits for. An IPv6 address is not announced before the kernel knows
 * that nobody else has it.
 * Errors:  only logged, the container works without.
 */
void announce(const struct network_status *list, size_t n, struct host *h);
