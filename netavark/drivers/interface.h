/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The container's interface, as far as all drivers that make a link treat it alike: its name, its
 * settings, addresses and routes.
 */

#include "netavark/host.h"
#include "netavark/plan.h"

/*
 * Finds the names that the kernel would refuse only after other things were made. The text is the
 * kernel's own error behind context, which may be empty, then the name and its place.
 * Errors:  -ERANGE, -EINVAL.
 */
int interface_check_name(const char *name, const char *context, const struct reader *at,
			 const char *key, struct error *err) must_check;

/*
 * Says that there is no interface of this name, which was asked for at this place.
 * Returns -ENODEV.
 */
int interface_missing(const char *name, const struct reader *at, const char *key,
		      struct error *err);

/* Gives the container's settings of the plan their values. */
int interface_set_sysctls(const struct network_plan *net, struct host *h,
			  struct error *err) must_check;

/*
 * Gives the interface its addresses, sets it up, and adds the default and the static routes.
 * what names it in errors: "add ip addr to <what>", "set <what> up".
 * Undo:    none, all of it goes with the link; see interface_remove_routes() for the exception.
 */
int interface_configure(const struct network_plan *net, struct host *h, int index, const char *what,
			struct error *err) must_check;

/*
 * Teardown: deletes the static routes, which may lead through another interface and so outlive
 * this one. Collects errors; a route that is gone already is none.
 */
void interface_remove_routes(const struct network_plan *net, struct host *h, struct error *all);

/* Teardown: deletes the link by its name in the container. -ENODEV if it is not there. */
int interface_delete(const struct network_plan *net, struct host *h, struct error *err) must_check;
