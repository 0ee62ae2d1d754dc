/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Published ports in maps, in a table of their own beside "inet netavark": a packet costs the same
 * whatever number of ports there is. Upstream cannot read tables with everything that is needed
 * here, so nothing of it stands in its table. A container's ports stand either here or there.
 */

#include "netavark/firewall/job.h"

#define NFT_MAP_TABLE "netavark-ports"
#define NFT_MAP_LIMIT 128 /* so many ports of the host are rules before others go into maps */

extern const struct table nft_map_table;

/* Its chains and rules, and what the network of a container needs besides. Pure. */
void nft_map_base(struct ruleset *out);
void nft_map_network(const struct fw_intent *in, struct ruleset *out);

/* The container's ports, one element each, in the order of the mappings. Pure. */
size_t nft_map_elements(const struct fw_intent *in, struct arena *a, struct element **out);

/* A whole table as nft(8) lists it, the elements of each map in the order given. */
char *nft_map_print(const struct ruleset *set, const struct element *list, size_t n);

/*
 * Where the ports of one setup shall stand, if that is left to us: as rules up to NFT_MAP_LIMIT
 * ports of the host, in_rules of which are there.
 */
void nft_map_choose(struct fw_intent *in, size_t n, size_t in_rules);

/* Plans what is missing of those intents that want maps, and what of others must go. */
int nft_map_plan_add(struct job *j, const struct fw_intent *in, size_t n,
		     struct error *err) must_check;

/* Plans the removal of all that leads to the containers, and of the table with its last element. */
int nft_map_plan_remove(struct job *j, const struct fw_intent *in, size_t n,
			struct error *err) must_check;
