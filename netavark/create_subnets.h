/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Subnets of a network that is created: finding free ones, checking and completing those it has. */

#include "netavark/create.h"

/*
 * Adds a subnet of the pools, the first one that is free if c->compares_subnets, else the first.
 * Errors:  "could not find free subnet from subnet pools", or what is wrong with the last bad pool.
 */
int create_subnets_add_ipv4(struct create *c, struct error *err) must_check;

/* Adds fd…::/64 with 56 random bits, a free one in any case. */
int create_subnets_add_ipv6(struct create *c, struct error *err) must_check;

/* Checks all subnets of the network, adds missing gateways and sets ipv6_enabled. */
int create_subnets_complete(struct create *c, struct error *err) must_check;
