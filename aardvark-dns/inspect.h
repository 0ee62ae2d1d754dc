/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What a running server tells about itself, as JSON. The schemas describe the documents. */

#include <jansson.h>

#include "aardvark-dns/service.h"

/* Counters, cache and upstream servers; network and container as for stats_report(). */
json_t *inspect_stats(const struct service *s, const char *network, const char *container);

/* All names and addresses that are served. */
json_t *inspect_dump(const struct service *s);

/* A line of the log. */
json_t *inspect_query(const struct finished *f, uint64_t now_us);
