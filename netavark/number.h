/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Numbers, booleans and hardware addresses in texts, with the messages that callers compare. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "common/netlink.h"

/*
 * An unsigned decimal number up to max; an optional leading + is accepted. Returns NULL and the
 * number, or why it is none.
 */
const char *number_parse(const char *text, uint64_t max, uint64_t *out);

/* The same with a sign, from INT32_MIN to INT32_MAX. */
const char *number_parse_i32(const char *text, int32_t *out);

/* "true", "false" and the further spellings 1 t T TRUE True 0 f F FALSE False. */
bool number_parse_bool(const char *text, bool *out);

/* Six hex bytes of one or two digits with ":" or "-" between them, mixed if need be. */
int number_parse_mac(const char *text, uint8_t out[MAC_SIZE], struct error *err) must_check;
