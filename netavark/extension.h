/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Options that upstream does not have. Each has one key on all channels, and the more specific
 * channel wins:
 *   1. the container's attachment   networks.<network>.options.<key>
 *   2. the network                  network_info.<network>.options.<key>
 *   3. a label of the network       network_info.<network>.labels["netavark.<key>"]
 *   4. the environment, for all networks of the host
 *   5. netavark.conf, see conf.h
 *   6. the built-in default
 * All values are text. One that cannot be used is an error of the plan, before any change.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "netavark/firewall/firewall.h"
#include "netavark/request.h"

#define EXTENSION_LABEL_PREFIX "netavark."

#define EXTENSION_GATEWAY_PRIORITY_MAX 98

enum extension_key {
	EXTENSION_ANNOUNCE,
	EXTENSION_CONNTRACK_FLUSH,
	EXTENSION_DNS_ICC,
	EXTENSION_GATEWAY_PRIORITY,
	EXTENSION_HAIRPIN,
	EXTENSION_ICC,
	EXTENSION_LOOPBACK_GUARD,
	EXTENSION_NFT_COMMENTS,
	EXTENSION_NFT_LAYOUT,
	EXTENSION_PUBLISH_DEFAULT_IP,
	EXTENSION_STRICT_OPTIONS,
};

enum extension_source {
	EXTENSION_DEFAULT,
	EXTENSION_CONF,
	EXTENSION_ENVIRONMENT,
	EXTENSION_LABEL,
	EXTENSION_NETWORK,
	EXTENSION_CONTAINER,
};

struct extension {
	const char *key;
	const char *value; /* NULL: not set anywhere */
	enum extension_source source;
	struct reader at;     /* where it stands in the document, if it does */
	const char *variable; /* of the environment, if the value comes from there */
};

/* Whether there is such a key. */
bool extension_is_known(const char *key);

/* The i-th of all keys, NULL behind the last one. */
const char *extension_key(size_t i);

/* What a value of this key has to be if it is not that, else NULL. */
const char *extension_expected(const char *key, const char *value, struct arena *a);

/* The value that counts for a container on a network, and where it comes from. */
struct extension extension_find(enum extension_key key, const struct network_setup *net);

/*
 * The value as an IPv4 or IPv6 address.
 * Errors:  as extension_bool().
 */
int extension_addr(enum extension_key key, const struct network_setup *net, struct addr *out,
		   struct error *err) must_check;

/* NFT_LAYOUT; net may be NULL, then only the environment counts. Errors: as extension_bool(). */
int extension_layout(const struct network_setup *net, enum fw_layout *out,
		     struct error *err) must_check;

/*
 * The value as one of some words; *out becomes its index.
 * Errors:  as extension_bool().
 */
int extension_word(enum extension_key key, const struct network_setup *net,
		   const char *const *words, size_t n, unsigned int *out,
		   struct error *err) must_check;

/*
 * gateway_priority as the metric of default routes, below those of networks that have none: the higher
 * priority gets the smaller metric. *out stays as it is if there is no priority, or it is 0.
 */
int extension_gateway_metric(const struct network_setup *net, uint32_t *out,
			     struct error *err) must_check;

/*
 * The value as true/false (also 1/0); *out keeps its default if the option is not set.
 * Errors:  -EINVAL 'invalid <key> "<value>": expected … at <place>'.
 */
int extension_bool(enum extension_key key, const struct network_setup *net, bool *out,
		   struct error *err) must_check;

/* The same for a number from 0 to max. */
int extension_number(enum extension_key key, const struct network_setup *net, uint32_t max,
		     uint32_t *out, struct error *err) must_check;
