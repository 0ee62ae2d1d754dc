/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is particular to a driver when a network is created. */

#include "netavark/create.h"

int create_drivers_bridge(struct create *c, struct error *err) must_check;
/* macvlan and ipvlan. */
int create_drivers_vlan(struct create *c, struct error *err) must_check;
/* Any other: the driver's own program checks and completes the definition. */
int create_drivers_plugin(struct create *c, struct error *err) must_check;
