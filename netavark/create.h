/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * netavark create: the definition of a new network, checked against what there is already and completed
 * with a name for its bridge, subnets and gateways. Decides from the document, the names of the host's
 * links and the random numbers it is given; changes nothing. Only a plugin, if it is its driver, is run.
 */

#include "netavark/options.h"
#include "netavark/request.h"

struct subnet_pool {
	struct prefix base;
	uint32_t size; /* prefix length of the subnets that it is divided into */
};

struct create {
	struct arena *arena;
	struct network_setup net; /* as asked for; create_plan() makes the answer of it */
	const char **used_interfaces, **used_names;
	size_t n_used_interfaces, n_used_names;
	struct prefix *used_subnets;
	size_t n_used_subnets;
	struct subnet_pool *pools;
	size_t n_pools;
	const char *default_interface; /* NULL if absent */
	bool check_used_subnets;
	bool compares_subnets; /* decided by the driver: with those that are used */

	/* From the host. */
	const struct options *options;
	const char **links;
	size_t n_links;
	const char *now; /* RFC 3339 */
	void (*random)(void *out, size_t n);

	struct document plugin_answer; /* what net borrows from after a plugin was asked */
};

/*
 * Reads a document, which must stay open as long as out is used. Fills all but the host's part.
 * Errors:  -EINVAL with place and value.
 */
int create_read(struct document *doc, struct create *out, struct error *err) must_check;

/* Checks and completes c->net. Errors: the first thing that is wrong; netavark(1) has no more on them. */
int create_plan(struct create *c, struct error *err) must_check;

void create_close(struct create *c);

/* ---- the parts of create_plan() ---- */

/* A name of a network or a bridge: letters, digits and, but not in front, "_", "." and "-". */
bool create_is_name(const char *name);
int create_check_interface(const char *name, struct error *err) must_check;
bool create_is_in(const char *const *list, size_t n, const char *name);
void create_set_ipam_driver(struct create *c, const char *driver);
