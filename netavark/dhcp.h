/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The client side of DHCP: asks the proxy, which is a process of its own because a lease has to be
 * renewed as long as the container lives.
 */

#include "netavark/drivers/driver.h"

/*
 * Gets a lease for a network whose interface is up; the proxy puts it onto the interface. Fills the
 * network's addresses, their gateway, the name servers and the domain.
 * Undo:    the lease is given back.
 * Errors:  "unable to obtain lease: …"; -EINTR "interrupted by signal <n>" if one comes meanwhile.
 */
int dhcp_take(const struct plan *plan, struct network_plan *net, const uint8_t mac[MAC_SIZE],
	      struct host *h, struct error *err) must_check;

/* Gives the lease of a network back. Errors: "get container interface <name>: …", "drop DHCP lease: …". */
int dhcp_release(const struct plan *plan, const struct network_plan *net, struct host *h,
		 struct error *err) must_check;
