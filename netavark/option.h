/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Options of a network or of a container's part in it: texts in the document, read by the drivers
 * that know them. An option that is absent leaves the caller's default as it is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/cleanup.h"
#include "common/reader.h"

struct option {
	const char *key, *value;
	struct reader at;
};

/* The option, or NULL. */
const struct option *option_find(const struct option *list, size_t n, const char *key);

/* The text of an option, or NULL. */
const char *option_text(const struct option *list, size_t n, const char *key);

/* Errors:  -EINVAL, "unable to parse \"<key>\": <why>". */
int option_u32(const struct option *list, size_t n, const char *key, uint32_t *out,
	       struct error *err) must_check;
int option_i32(const struct option *list, size_t n, const char *key, int32_t *out,
	       struct error *err) must_check;
int option_bool(const struct option *list, size_t n, const char *key, bool *out,
		struct error *err) must_check;
int option_addr(const struct option *list, size_t n, const char *key, int family, struct addr *out,
		struct error *err) must_check;
