/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Finds where a value stands in a JSON text, for error messages: the parser keeps no positions, and
 * only a refused document needs one.
 */

#include <stdbool.h>
#include <stddef.h>

struct place {
	unsigned int line, column; /* both count from 1; columns count bytes */
};

/*
 * The place of the first byte of the value that the JSON pointer (RFC 6901) names; "" is the whole
 * document. The text must be valid JSON. Returns false if there is no such value.
 */
bool place_find(const char *text, size_t len, const char *pointer, struct place *out);
