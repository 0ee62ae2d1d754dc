/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Network drivers: three verbs each. A table lists them; there is no registration. Any other driver is
 * a program, see plugin.h.
 */

#include "common/text.h"
#include "netavark/host.h"
#include "netavark/plan.h"

struct network_status { /* what setup() reports beyond the plan */
	const struct network_plan *net;
	int index;	       /* of the container's interface */
	uint8_t mac[MAC_SIZE]; /* the same, read back from the kernel */
	const char *block;     /* what a plugin reported, as JSON; NULL: made from the plan */
};

struct driver {
	const char *name;
	/* Setup and teardown may take long: they are called without the lock of the host. */
	bool slow;
	/* Fills out from the request; pure. */
	int (*plan)(const struct plan *plan, const struct network_setup *net,
		    struct network_plan *out, struct error *err);
	/* Adds what plan_print() says of the links: lines that begin with two blanks. */
	void (*print)(const struct network_plan *net, struct text *t);
	/* Makes the links, addresses and routes. Undo: pushed to host->undo. */
	int (*setup)(struct network_plan *net, struct host *host, struct network_status *out,
		     struct error *err);
	/*
	 * The container's part goes; errors are collected. *out_complete says that the network's
	 * part has to go as well, which remove_network() does once the firewall rules are gone.
	 */
	void (*teardown)(const struct network_plan *net, struct host *host, bool *out_complete,
			 struct error *all);
	/* NULL if teardown never says so. */
	void (*remove_network)(const struct network_plan *net, struct host *host,
			       struct error *all);
};

/* What is not built in is a plugin, whose plan() looks for its program. */
const struct driver *driver_find(const char *name);
bool driver_is_plugin(const char *name);

extern const struct driver driver_bridge, driver_macvlan, driver_ipvlan, driver_plugin;
