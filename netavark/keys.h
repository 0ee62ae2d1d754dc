/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The words of the documents: which options a driver reads, and which members an object has. Unknown
 * ones are never an error by themselves, but mostly a slip of the pen.
 */

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"

enum keys_type { /* of the value of an option */
		 KEYS_TEXT,
		 KEYS_U32,
		 KEYS_I32,
		 KEYS_BOOL,
		 KEYS_IPV4,
		 KEYS_IPV6,
		 KEYS_ISOLATION,
		 KEYS_MODE,
};

struct keys_option {
	const char *key;
	enum keys_type type;
	unsigned int drivers; /* bits: who reads it */
};

/* The options of networks that a driver reads itself, not those of extension.h. */
const struct keys_option *keys_option(const char *driver, const char *key);

/*
 * Whether an option of a network or of a container's part in it may be a slip of the pen: nobody knows
 * the key, and it is not in somebody else's name space (which has a dot). What plugins read is their
 * own affair. *out_closest is the key that may be meant, or NULL.
 */
bool keys_is_odd_option(const char *driver, const char *key, bool of_container,
			const char **out_closest, struct arena *a);

/* The same for a label: only those that begin with "netavark." are looked at. */
bool keys_is_odd_label(const char *label, const char **out_closest, struct arena *a);

/* The same for a key of netavark.conf. */
bool keys_is_odd_key(const char *key, const char **out_closest, struct arena *a);

enum keys_object {
	KEYS_REQUEST,
	KEYS_ATTACHMENT,
	KEYS_NETWORK,
	KEYS_SUBNET,
	KEYS_LEASE_RANGE,
	KEYS_ROUTE,
	KEYS_PORT,
	KEYS_CREATE,
	KEYS_CREATE_USED,
	KEYS_CREATE_OPTIONS,
	KEYS_CREATE_POOL,
};

/* The members of an object of a document. */
const char *const *keys_members(enum keys_object object, size_t *out_n);
