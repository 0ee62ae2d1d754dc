/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Numbers with units, as people write them: "64m", "1.5", "10s". */

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

/* Bytes, with an optional b, k, m, g or t, also as "kb"; -1 where negative is allowed. */
bool unit_parse(const char *text, bool minus_one, int64_t *out);

/* A decimal number with at most nine places, times 10^9. */
bool unit_parse_nano(const char *text, int64_t *out);

/* Seconds since, in words: "5 minutes ago". */
char *unit_age(struct arena *a, int64_t seconds);

/* A signal by number, or by name with or without SIG, any case; 0 if there is none. */
int unit_signal(const char *text);
