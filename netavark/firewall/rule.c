/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/firewall/rule.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "common/cleanup.h"
#include "common/text.h"

void ruleset_add(struct ruleset *set, struct rule rule)
{
	set->rules = arena_grow(set->arena, set->rules, set->n_rules, sizeof(*set->rules));
	rule.table = set->table;
	set->rules[set->n_rules++] = rule;
}

void ruleset_add_chain(struct ruleset *set, struct chain chain)
{
	set->chains = arena_grow(set->arena, set->chains, set->n_chains, sizeof(*set->chains));
	set->chains[set->n_chains++] = chain;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_match(const struct rule *a, const struct rule *b)
{
	return prefix_equal(&a->saddr, &b->saddr) && prefix_equal(&a->daddr, &b->daddr) &&
	       a->not_daddr == b->not_daddr && a->proto == b->proto &&
	       a->tcp_and_udp == b->tcp_and_udp && a->dport == b->dport &&
	       a->dport_last == b->dport_last && same_text(a->iif, b->iif) &&
	       same_text(a->oif, b->oif) && a->not_oif == b->not_oif && a->not_iif == b->not_iif &&
	       a->ct_dnat == b->ct_dnat && a->ct_state == b->ct_state && a->mark == b->mark &&
	       a->ct_mark == b->ct_mark && a->local == b->local &&
	       same_text(a->comment, b->comment);
}

static bool same_action(const struct rule *a, const struct rule *b)
{
	return a->set_mark == b->set_mark && a->set_ct_mark == b->set_ct_mark &&
	       a->add_ct_mark == b->add_ct_mark && a->map == b->map && a->verdict == b->verdict &&
	       same_text(a->target, b->target) && addr_equal(&a->to_addr, &b->to_addr) &&
	       a->to_port == b->to_port && a->to_port_last == b->to_port_last;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	/* Among thousands of rules for ports these tell most apart, and are quick to compare. */
	return a->dport == b->dport && a->verdict == b->verdict && a->table == b->table &&
	       same_text(a->chain, b->chain) && same_match(a, b) && same_action(a, b);
}

/* ---- as text ---- */

static const char *family_word(const struct addr *a)
{
	return a->family == AF_INET ? "ip" : "ip6";
}

static const char *proto_word(uint8_t proto)
{
	return proto == IPPROTO_TCP ? "tcp" : proto == IPPROTO_UDP ? "udp" : "sctp";
}

static void print_prefix(struct text *t, const char *field, bool not, const struct prefix *p)
{
	if (!p->addr.family)
		return;
	bool host = p->len == prefix_max_len(p->addr.family);
	text_printf(t, "%s %s %s%s ", family_word(&p->addr), field, not ? "!= " : "",
		    host ? addr_str(&p->addr) : prefix_str(p));
}

static void print_ports(struct text *t, const struct rule *r)
{
	if (r->tcp_and_udp)
		text_add(t, "meta l4proto { tcp, udp } th ");
	else if (r->proto)
		text_printf(t, "%s ", proto_word(r->proto));
	if (r->dport_last)
		text_printf(t, "dport %u-%u ", r->dport, r->dport_last);
	else if (r->dport)
		text_printf(t, "dport %u ", r->dport);
}

static void print_ct_state(struct text *t, uint32_t state)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {{CT_INVALID, "invalid"},
		     {CT_ESTABLISHED, "established"},
		     {CT_RELATED, "related"},
		     {CT_NEW, "new"}};
	const char *comma = "";

	if (!state)
		return;
	text_add(t, "ct state ");
	for (size_t i = 0; i < array_size(names); i++) {
		if (state & names[i].bit) {
			text_printf(t, "%s%s", comma, names[i].name);
			comma = ",";
		}
	}
	text_add(t, " ");
}

static void print_match(struct text *t, const struct rule *r)
{
	if (r->local)
		text_add(t, "fib daddr type local ");
	if (r->mark)
		text_printf(t, "meta mark & 0x%08x == 0x%08x ", r->mark, r->mark);
	if (r->iif)
		text_printf(t, "iifname %s\"%s\" ", r->not_iif ? "!= " : "", r->iif);
	if (r->oif)
		text_printf(t, "oifname %s\"%s\" ", r->not_oif ? "!= " : "", r->oif);
	print_prefix(t, "saddr", false, &r->saddr);
	print_prefix(t, "daddr", r->not_daddr, &r->daddr);
	print_ports(t, r);
	print_ct_state(t, r->ct_state);
	if (r->ct_dnat)
		text_add(t, "ct status dnat ");
	if (r->ct_mark)
		text_printf(t, "ct mark & 0x%08x == 0x%08x ", r->ct_mark, r->ct_mark);
}

static void print_nat(struct text *t, const char *word, const struct rule *r)
{
	const char *open = r->to_addr.family == AF_INET6 && r->to_port ? "[" : "";

	text_printf(t, "%s %s to %s%s%s ", word, family_word(&r->to_addr), open,
		    addr_str(&r->to_addr), *open ? "]" : "");
	if (r->to_port) {
		t->s[--t->len] = '\0';
		text_printf(t, ":%u ", r->to_port);
	}
}

static void print_map(struct text *t, const struct map *map)
{
	const char *family = map->family == AF_INET ? "ip" : "ip6";

	text_printf(t, "dnat %s to ", family);
	if (map->by_host)
		text_printf(t, "%s daddr . ", family);
	text_printf(t, "meta l4proto . th dport map @%s ", map->name);
}

static void print_action(struct text *t, const struct rule *r)
{
	if (r->set_mark)
		text_printf(t, "meta mark set meta mark | 0x%08x ", r->set_mark);
	if (r->set_ct_mark)
		text_printf(t, "ct mark set meta mark | 0x%08x ", r->set_ct_mark);
	if (r->add_ct_mark)
		text_printf(t, "ct mark set ct mark | 0x%08x ", r->add_ct_mark);
	switch (r->verdict) {
	case VERDICT_NONE:
		break;
	case VERDICT_ACCEPT:
		text_add(t, "accept ");
		break;
	case VERDICT_DROP:
		text_add(t, "drop ");
		break;
	case VERDICT_RETURN:
		text_add(t, "return ");
		break;
	case VERDICT_JUMP:
		text_printf(t, "jump %s ", r->target);
		break;
	case VERDICT_MASQUERADE:
		text_add(t, "masquerade ");
		break;
	case VERDICT_SNAT:
		print_nat(t, "snat", r);
		break;
	case VERDICT_DNAT:
		if (r->map)
			print_map(t, r->map);
		else
			print_nat(t, "dnat", r);
		break;
	}
}

/* ---- as text of iptables ---- */

static void print_xt_prefix(struct text *t, const char *option, bool not, const struct prefix *p)
{
	if (p->addr.family)
		text_printf(t, " %s%s %s", not ? "! " : "", option, prefix_str(p));
}

static void print_xt_ct_state(struct text *t, uint32_t state)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {{CT_INVALID, "INVALID"},
		     {CT_RELATED, "RELATED"},
		     {CT_ESTABLISHED, "ESTABLISHED"}};
	const char *comma = "";

	if (!state)
		return;
	text_add(t, " -m conntrack --ctstate ");
	for (size_t i = 0; i < array_size(names); i++) {
		if (state & names[i].bit) {
			text_printf(t, "%s%s", comma, names[i].name);
			comma = ",";
		}
	}
}

static void print_xt_match(struct text *t, const struct rule *r)
{
	print_xt_prefix(t, "-s", false, &r->saddr);
	print_xt_prefix(t, "-d", r->not_daddr, &r->daddr);
	if (r->iif)
		text_printf(t, " -i %s", r->iif);
	if (r->oif)
		text_printf(t, " %s-o %s", r->not_oif ? "! " : "", r->oif);
	if (r->proto)
		text_printf(t, " -p %s", proto_word(r->proto));
	if (r->dport)
		text_printf(t, " -m %s --dport %u", proto_word(r->proto), r->dport);
	if (r->dport_last)
		text_printf(t, ":%u", r->dport_last);
	if (r->comment)
		text_printf(t, " -m comment --comment %s", text_quote(t->arena, r->comment));
	if (r->mark)
		text_printf(t, " -m mark --mark 0x%x/0x%x", r->mark, r->mark);
	if (r->local)
		text_add(t, " -m addrtype --dst-type LOCAL");
	print_xt_ct_state(t, r->ct_state);
}

static void print_xt_destination(struct text *t, const struct rule *r)
{
	bool brackets = r->to_addr.family == AF_INET6 && r->to_port;

	text_printf(t, "%s%s%s", brackets ? "[" : "", addr_str(&r->to_addr), brackets ? "]" : "");
	if (r->to_port)
		text_printf(t, ":%u", r->to_port);
	if (r->to_port_last)
		text_printf(t, "-%u/%u", r->to_port_last, r->dport);
}

static void print_xt_action(struct text *t, const struct rule *r)
{
	if (r->set_mark)
		text_printf(t, " -j MARK --set-xmark 0x%x/0x%x", r->set_mark, r->set_mark);
	switch (r->verdict) {
	case VERDICT_NONE:
		break;
	case VERDICT_ACCEPT:
		text_add(t, " -j ACCEPT");
		break;
	case VERDICT_DROP:
		text_add(t, " -j DROP");
		break;
	case VERDICT_RETURN:
		text_add(t, " -j RETURN");
		break;
	case VERDICT_JUMP:
		text_printf(t, " -j %s", r->target);
		break;
	case VERDICT_MASQUERADE:
		text_add(t, " -j MASQUERADE");
		break;
	case VERDICT_SNAT:
		text_add(t, " -j SNAT --to-source ");
		print_xt_destination(t, r);
		break;
	case VERDICT_DNAT:
		text_add(t, " -j DNAT --to-destination ");
		print_xt_destination(t, r);
		break;
	}
}

static char *print_xt(const struct rule *rule, struct arena *a)
{
	struct text t = text_new(a);

	text_printf(&t, "-A %s", rule->chain);
	print_xt_match(&t, rule);
	print_xt_action(&t, rule);
	return t.s;
}

char *element_print(const struct element *e, struct arena *a)
{
	const char *host = e->map->by_host ? arena_printf(a, "%s . ", addr_str(&e->host_addr)) : "";

	return arena_printf(a, "%s%s . %u : %s . %u", host, proto_word(e->proto), e->port,
			    addr_str(&e->to), e->to_port);
}

char *rule_print(const struct rule *rule, struct arena *a)
{
	struct text t = text_new(a);

	if (rule->table && rule->table->xt)
		return print_xt(rule, a);
	print_match(&t, rule);
	print_action(&t, rule);
	if (rule->note)
		text_printf(&t, "comment %s ", text_quote(a, rule->note));
	if (t.len)
		t.s[--t.len] = '\0';
	return t.s;
}

static void print_base(struct text *t, const struct chain *c)
{
	static const char *const hooks[] = {
		[NF_INET_PRE_ROUTING] = "prerouting",	[NF_INET_LOCAL_IN] = "input",
		[NF_INET_FORWARD] = "forward",		[NF_INET_LOCAL_OUT] = "output",
		[NF_INET_POST_ROUTING] = "postrouting",
	};
	static const struct {
		int32_t value;
		const char *name;
	} priorities[] = {{-100, "dstnat"}, {0, "filter"}, {100, "srcnat"}};

	text_printf(t, "\t\ttype %s hook %s priority ", c->type, hooks[c->hook]);
	for (size_t i = 0; i < array_size(priorities); i++) {
		int32_t more = c->priority - priorities[i].value;

		if (more > -10 && more < 10)
			text_add(t, priorities[i].name);
		if (more && more > -10 && more < 10)
			text_printf(t, " %c %d", more < 0 ? '-' : '+', abs(more));
	}
	text_add(t, "; policy accept;\n");
}

char *ruleset_print(const struct ruleset *set, const char *table)
{
	struct text t = text_new(set->arena);

	text_printf(&t, "table inet %s {\n", table);
	for (size_t i = 0; i < set->n_chains; i++) {
		const struct chain *c = &set->chains[i];

		text_printf(&t, "%s\tchain %s {\n", i ? "\n" : "", c->name);
		if (c->type)
			print_base(&t, c);
		for (size_t k = 0; k < set->n_rules; k++)
			if (strcmp(set->rules[k].chain, c->name) == 0)
				text_printf(&t, "\t\t%s\n", rule_print(&set->rules[k], set->arena));
		text_add(&t, "\t}\n");
	}
	text_add(&t, "}\n");
	return t.s;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The chains in the order of iptables-save: those of the table itself, then the others by name. */
static size_t order_chains(const struct ruleset *set, const char *const *builtin, const char ***out,
			   size_t *out_n_builtin)
{
	const char **names = NULL;
	size_t n = 0;

	for (; builtin[n]; n++) {
		names = arena_grow(set->arena, names, n, sizeof(*names));
		names[n] = builtin[n];
	}
	*out_n_builtin = n;
	for (size_t i = 0; i < set->n_chains; i++) {
		if (set->chains[i].type)
			continue;
		names = arena_grow(set->arena, names, n, sizeof(*names));
		names[n++] = set->chains[i].name;
	}
	qsort(names + *out_n_builtin, n - *out_n_builtin, sizeof(*names), compare_names);
	*out = names;
	return n;
}

char *ruleset_print_xt(const struct ruleset *set, const char *const *builtin)
{
	struct text t = text_new(set->arena);
	const char **names;
	size_t n_builtin, n = order_chains(set, builtin, &names, &n_builtin);

	for (size_t i = 0; i < n; i++)
		text_printf(&t, ":%s %s [0:0]\n", names[i], i < n_builtin ? "ACCEPT" : "-");
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < set->n_rules; k++)
			if (strcmp(set->rules[k].chain, names[i]) == 0)
				text_printf(&t, "%s\n", rule_print(&set->rules[k], set->arena));
	return t.s;
}
