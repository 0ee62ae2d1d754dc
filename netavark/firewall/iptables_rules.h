/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Intent → rules in the iptables layout of upstream 1.8 to 1.17: the tables filter and nat of each
 * family that the network or the container has. Pure.
 */

#include "netavark/firewall/firewall.h"
#include "netavark/firewall/rule.h"

/* The tables of a family, AF_INET or AF_INET6. */
const struct table *iptables_rules_filter_table(int family);
const struct table *iptables_rules_nat_table(int family);

/* Their chains that are there from the beginning, up to a NULL, in the order of iptables-save. */
extern const char *const iptables_rules_filter_chains[], *const iptables_rules_nat_chains[];

/*
 * Each fills a set of one family's table; nothing, if the network has no subnet in the family, or
 * the container no address.
 */

/* The table filter, without isolation. BEFORE_REST: behind the jump of iptables_rules_isolated(). */
void iptables_rules_filter(const struct fw_network *net, int family, struct ruleset *out);

/* The isolation rules of a bridge. */
void iptables_rules_isolation(const struct fw_network *net, int family, struct ruleset *out);

/* The jump that has to stand in FORWARD while any bridge is isolated. */
struct rule iptables_rules_isolated(int family);

/* The network's part of the table nat. */
void iptables_rules_nat(const struct fw_network *net, int family, struct ruleset *out);

/* What all published ports of the host share. */
void iptables_rules_ports_base(const struct fw_intent *in, int family, struct ruleset *out);

/* The redirects to a DNS server on another port, two per gateway. */
void iptables_rules_dns(const struct fw_intent *in, int family, struct ruleset *out);

/* The container's published ports; rule.mapping says which rules belong together. */
void iptables_rules_ports(const struct fw_intent *in, int family, struct ruleset *out);

/* "NETAVARK-<hash>", and "NETAVARK-DN-<hash>" for the ports. */
char *iptables_rules_chain(const struct fw_network *net, struct arena *a);
char *iptables_rules_ports_chain(const struct fw_network *net, struct arena *a);

bool iptables_rules_is_ports_chain(const char *name, const struct fw_network *net);

/* Whether a comment says that the rule belongs to this container. */
bool iptables_rules_is_of(const char *comment, const char *container_id);

/* The names of chains that are read and written by others too. */
#define IPT_INPUT	     "INPUT"
#define IPT_FORWARD	     "FORWARD"
#define IPT_OUTPUT	     "OUTPUT"
#define IPT_PREROUTING	     "PREROUTING"
#define IPT_POSTROUTING	     "POSTROUTING"
#define IPT_NETAVARK_INPUT   "NETAVARK_INPUT"
#define IPT_NETAVARK_FORWARD "NETAVARK_FORWARD"
#define IPT_ISOLATION_1	     "NETAVARK_ISOLATION_1"
#define IPT_ISOLATION_2	     "NETAVARK_ISOLATION_2"
#define IPT_ISOLATION_3	     "NETAVARK_ISOLATION_3"
#define IPT_DNAT	     "NETAVARK-HOSTPORT-DNAT"
#define IPT_MASQ	     "NETAVARK-HOSTPORT-MASQ"
#define IPT_SETMARK	     "NETAVARK-HOSTPORT-SETMARK"

/* The comments of the jump to NETAVARK_FORWARD: today's, and that of releases before 1.8. */
#define IPT_COMMENT	"netavark firewall rules"
#define IPT_COMMENT_OLD "netavark firewall plugin rules"
