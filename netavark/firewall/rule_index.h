/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Finds equal rules among many: a hash over the positions of a list that the caller keeps. With
 * thousands of ports, comparing each rule with each other one would take seconds.
 */

#include "netavark/firewall/rule.h"

#define RULE_INDEX_NONE UINT32_MAX

struct rule_index {
	uint32_t *hashes, *before; /* by position */
	uint32_t n;
	uint32_t *last; /* by bucket */
	uint32_t n_buckets;
};

/* Notes the rule that has the next position. */
void rule_index_add(struct rule_index *ix, const struct rule *r, struct arena *a);

/*
 * The last position that may hold a rule equal to this one, and the one before it, down to
 * RULE_INDEX_NONE. Whether the rules are equal is for the caller to see.
 */
uint32_t rule_index_last(const struct rule_index *ix, const struct rule *r);
uint32_t rule_index_before(const struct rule_index *ix, uint32_t position);
