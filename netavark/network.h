/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The definition of a network as JSON: what create prints, and what plugins are told. */

#include <jansson.h>

#include "netavark/request.h"

/*
 * The definition with its keys in upstream's order. What was absent is left out, except "metric",
 * "start_ip" and "end_ip", which are null then. Addresses are canonical. The caller owns the result.
 */
json_t *network_json(const struct network_setup *net);

/* Lists as they stand in documents. The caller owns the result. */
json_t *network_addrs_json(const struct addr *list, size_t n);
json_t *network_options_json(const struct option *list, size_t n);
