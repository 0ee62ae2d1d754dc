/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * struct rule ↔ the kernel's expressions, in the form that nft(8) writes and prints; in tables of
 * iptables, in that of iptables-nft. Both directions stand in one file so that they cannot drift
 * apart. Pure.
 */

#include <libnftnl/rule.h>

#include "netavark/firewall/rule.h"

#define NFT_EXPR_SET_NAME "__set%d" /* the kernel fills in the number */

/* Adds the expressions of r, in the form that its table has; set_id is the batch's number of its set if r->tcp_and_udp. */
void nft_expr_encode(const struct rule *r, uint32_t set_id, struct nftnl_rule *out);

/*
 * Reads the kernel's rule of table t. Returns false for a rule with anything in it that we never write: it is
 * somebody else's and equal to none of ours. A rule with an anonymous set of protocols has its name
 * in *out_set; whether it holds just tcp and udp is for the caller to find out.
 */
bool nft_expr_decode(struct nftnl_rule *in, const struct table *t, struct arena *a,
		     struct rule *out, const char **out_set);
