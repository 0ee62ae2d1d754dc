/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * struct rule ↔ the matches and targets of xtables, in the revisions that iptables 1.8 writes. What
 * the two places of iptables' rules have in common: the legacy tables have them in entries, nf_tables
 * in expressions. Both directions stand in one file so that they cannot drift apart. Pure.
 */

#include "netavark/firewall/rule.h"

struct xt_part { /* a match or a target, without its header */
	const char *name;
	uint8_t revision;
	const void *data;
	size_t size; /* padded as in the kernel's table */
};

#define XT_MATCHES_MAX 5

/*
 * The matches of a rule apart from addresses, interfaces and protocol, in the order of iptables: the
 * port, the comment, the mark, the kind of address, the state of the connection. Returns their number.
 */
size_t iptables_xt_matches(const struct rule *r, struct arena *a, struct xt_part *out);

/* The target, if the rule ends in one and not in a verdict or jump. */
bool iptables_xt_target(const struct rule *r, struct arena *a, struct xt_part *out);

/*
 * Puts a match or target that was read into *r. The protocol and the addresses must be in it already.
 * Returns false for one that is never ours.
 */
bool iptables_xt_read_match(const struct xt_part *p, struct arena *a, struct rule *r);
bool iptables_xt_read_target(const struct xt_part *p, struct rule *r);
