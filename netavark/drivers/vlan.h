/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "netavark/drivers/driver.h"

/* The planning half of the drivers macvlan and ipvlan. Pure. */
int vlan_plan(const struct plan *plan, const struct network_setup *net, struct network_plan *out,
	      struct error *err) must_check;

/* The driver's options, which create checks, too. */
int vlan_read_options(const struct network_setup *net, struct network_plan *out,
		      struct error *err) must_check;
int vlan_read_mode(const struct network_setup *net, struct network_plan *out,
		   struct error *err) must_check;
int vlan_read_extensions(const struct network_setup *net, struct network_plan *out,
			 struct error *err) must_check;

void vlan_print(const struct network_plan *net, struct text *t);
