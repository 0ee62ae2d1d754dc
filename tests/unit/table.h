/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The tables as they are after a setup, as far as that can be known without a kernel: planned rules,
 * each at its position, none twice.
 */

#include <string.h>

#include "netavark/firewall/iptables_rules.h"
#include "netavark/firewall/nft_rules.h"

static inline bool table_has(const struct ruleset *table, const struct rule *rule)
{
	for (size_t i = 0; i < table->n_rules; i++)
		if (rule_equal(&table->rules[i], rule))
			return true;
	return false;
}

static inline void table_add_chain(struct ruleset *table, const struct chain *chain)
{
	for (size_t i = 0; i < table->n_chains; i++)
		if (strcmp(table->chains[i].name, chain->name) == 0)
			return;
	ruleset_add_chain(table, *chain);
}

/* In front of all rules is in front of those of its chain, too. */
static inline void table_add_rule(struct ruleset *table, const struct rule *rule)
{
	if (table_has(table, rule))
		return;
	ruleset_add(table, *rule);
	if (rule->position != AT_HEAD)
		return;
	memmove(table->rules + 1, table->rules, (table->n_rules - 1) * sizeof(*table->rules));
	table->rules[0] = *rule;
}

static inline void table_add(struct ruleset *table, const struct ruleset *set)
{
	for (size_t i = 0; i < set->n_chains; i++)
		table_add_chain(table, &set->chains[i]);
	for (size_t i = 0; i < set->n_rules; i++)
		table_add_rule(table, &set->rules[i]);
}

/* What the backend does for one network of a container, in its order. */
static inline void table_setup(struct ruleset *table, const struct fw_intent *in)
{
	struct ruleset base = {.arena = table->arena}, set = {.arena = table->arena};

	nft_rules_base(&base);
	table_add(table, &base);
	nft_rules_network(&in->net, &set);
	nft_rules_isolation(&in->net, &set);
	nft_rules_dns(in, &set);
	if (in->extras.layout != LAYOUT_MAP)
		nft_rules_ports(in, &set);
	table_add(table, &set);
}

/* The tables of iptables: filter and nat of IPv4, then of IPv6. */
static inline void table_xt_init(struct ruleset tables[4], struct arena *a)
{
	for (size_t i = 0; i < 4; i++) {
		int family = i < 2 ? AF_INET : AF_INET6;

		tables[i] = (struct ruleset){
			.arena = a,
			.table = i % 2 ? iptables_rules_nat_table(family)
				       : iptables_rules_filter_table(family),
		};
	}
}

/* What the iptables backend does for one network of a container. */
static inline void table_xt_setup(struct ruleset tables[4], const struct fw_intent *in)
{
	for (size_t i = 0; i < 4; i++) {
		int family = i < 2 ? AF_INET : AF_INET6;
		struct ruleset set = {.arena = tables[i].arena, .table = tables[i].table};

		if (i % 2) {
			iptables_rules_nat(&in->net, family, &set);
			iptables_rules_ports_base(in, family, &set);
			iptables_rules_dns(in, family, &set);
			iptables_rules_ports(in, family, &set);
		} else {
			iptables_rules_filter(&in->net, family, &set);
			iptables_rules_isolation(&in->net, family, &set);
			if (set.n_rules && in->net.isolation != ISOLATION_NEVER)
				ruleset_add(&set, iptables_rules_isolated(family));
		}
		table_add(&tables[i], &set);
	}
}

/* Those that were used, each below a line with the command that prints it. */
static inline char *table_xt_print(struct ruleset tables[4])
{
	static const char *const commands[] = {"iptables-save -t filter", "iptables-save -t nat",
					       "ip6tables-save -t filter", "ip6tables-save -t nat"};
	struct text t = text_new(tables[0].arena);

	for (size_t i = 0; i < 4; i++)
		if (tables[i].n_chains)
			text_printf(&t, "# %s\n%s", commands[i],
				    ruleset_print_xt(&tables[i],
						     i % 2 ? iptables_rules_nat_chains
							   : iptables_rules_filter_chains));
	return t.s;
}

/*
 * Those chains of a printed table that the wanted text has, in its order. A wanted text that
 * begins with the table itself wants all of it.
 */
static inline char *table_excerpt(struct arena *a, const char *table, const char *wanted)
{
	struct text t = text_new(a);

	if (!text_starts_with(wanted, "\tchain "))
		return arena_strdup(a, table);
	for (const char *head = wanted; head; head = strstr(head + 1, "\tchain ")) {
		const char *end = strchrnul(head, '\n');
		const char *at = strstr(table, arena_strndup(a, head, (size_t)(end - head)));
		const char *close = at ? strstr(at, "\n\t}\n") : NULL;

		if (close)
			text_add_bytes(&t, at, (size_t)(close + 4 - at));
	}
	return t.s;
}
