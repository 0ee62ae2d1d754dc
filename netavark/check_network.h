/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What can be said about one network of a document. */

#include "netavark/check.h"
#include "netavark/keys.h"

/* Members of an object that nobody reads. */
void check_network_members(struct check *c, const struct reader *at, enum keys_object object);

/* The definition, with its subnets, routes, options and labels. */
void check_network_definition(struct check *c, const struct network_setup *net);

/* Values of the options of extension.h, whose keys begin with prefix. */
void check_network_extensions(struct check *c, const struct option *list, size_t n,
			      const char *prefix);

/* The container's part. */
void check_network_attachment(struct check *c, const struct network_setup *net);
