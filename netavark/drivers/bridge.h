/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "netavark/drivers/driver.h"

/* The planning half of the bridge driver. Pure. */
int bridge_plan(const struct plan *plan, const struct network_setup *net, struct network_plan *out,
		struct error *err) must_check;

/* What create checks, too: options beyond upstream, and texts of options. */
int bridge_read_extensions(const struct network_setup *net, struct network_plan *out,
			   struct error *err) must_check;
int bridge_parse_isolation(const char *text, enum isolation *out, struct error *err) must_check;
int bridge_parse_vlan(const char *text, uint16_t *out, struct error *err) must_check;
int bridge_parse_mode(const char *text, bool *out_unmanaged, struct error *err) must_check;

void bridge_print(const struct network_plan *net, struct text *t);
