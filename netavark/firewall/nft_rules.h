/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Intent → rules in upstream's nftables layout: table "inet netavark", ten fixed chains and one or
 * two per subnet. Pure.
 */

#include "netavark/firewall/firewall.h"
#include "netavark/firewall/rule.h"

#define NFT_TABLE "netavark"
#define NFT_GUARD "netavark-guard"
extern const struct table nft_rules_table, nft_rules_guard_table;

#define NFT_MARK_HAIRPIN 0x2000u /* packet mark: masquerade it, it comes back to its own network */
#define NFT_MARK_DNAT	 0x1000u /* connection mark: to a published port, isolation does not hold */

/* The ten fixed chains and the eight fixed rules. */
void nft_rules_base(struct ruleset *out);

/* What a network needs, without its isolation. */
void nft_rules_network(const struct fw_network *net, struct ruleset *out);

/* The isolation rules of a bridge. */
void nft_rules_isolation(const struct fw_network *net, struct ruleset *out);

/* The redirects to a DNS server on another port, one per gateway. */
void nft_rules_dns(const struct fw_intent *in, struct ruleset *out);

/* The table that keeps everybody from outside away from the loopback addresses. */
void nft_rules_guard(struct ruleset *out);

/* The container's published ports; rule.mapping says which rules belong together. */
void nft_rules_ports(const struct fw_intent *in, struct ruleset *out);

/* "nv_<id8>_<subnet>" of a masked subnet; with suffix "_dnat" the chain of its ports. */
char *nft_chain_name(const char *network_id, const struct prefix *subnet, const char *suffix,
		     struct arena *a);

/* Whether one rule in an isolation chain is about this bridge. */
bool nft_is_isolation_of(const struct rule *r, const char *bridge);

/* The names of chains that are read and written by others too. */
#define NFT_INPUT	"INPUT"
#define NFT_FORWARD	"FORWARD"
#define NFT_POSTROUTING "POSTROUTING"
#define NFT_PREROUTING	"PREROUTING"
#define NFT_OUTPUT	"OUTPUT"
#define NFT_DNAT	"NETAVARK-HOSTPORT-DNAT"
#define NFT_SETMARK	"NETAVARK-HOSTPORT-SETMARK"
#define NFT_ISOLATION_1 "NETAVARK-ISOLATION-1"
#define NFT_ISOLATION_2 "NETAVARK-ISOLATION-2"
#define NFT_ISOLATION_3 "NETAVARK-ISOLATION-3"
