/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::iptables"

/*
 * The iptables backend: what of the plan is missing in the tables filter and nat, and what goes. It
 * writes where the host's iptables looks, and removes wherever something is.
 */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "netavark/firewall/firewall.h"
#include "netavark/firewall/iptables_choice.h"
#include "netavark/firewall/iptables_legacy.h"
#include "netavark/firewall/iptables_rules.h"
#include "netavark/firewall/job.h"
#include "netavark/firewall/nft_guard.h"
#include "netavark/firewall/nft_kernel.h"

static const int families[] = {AF_INET, AF_INET6};

static struct ruleset new_set(struct job *j, const struct table *t)
{
	return (struct ruleset){.arena = j->arena, .table = t};
}

static int add_set(struct job *j, const struct ruleset *set, struct error *err)
{
	int r = set->n_chains ? job_add_table(j, set->table, err) : 0;

	if (r == 0)
		r = job_add_chains(j, set, err);
	for (size_t i = 0; r == 0 && i < set->n_rules; i++)
		r = job_add_rule_if_missing(j, &set->rules[i], err);
	return r;
}

/* ---- isolation ---- */

static const char *const isolation_chains[] = {IPT_ISOLATION_1, IPT_ISOLATION_2, IPT_ISOLATION_3};

static bool is_about(const struct rule *r, const char *bridge)
{
	return (r->iif && strcmp(r->iif, bridge) == 0) || (r->oif && strcmp(r->oif, bridge) == 0);
}

static bool is_wanted(const struct ruleset *set, const struct rule *r)
{
	for (size_t i = 0; i < set->n_rules; i++)
		if (rule_equal(&set->rules[i], r))
			return true;
	return false;
}

/* Deletes the isolation rules of the bridge, all but those that are wanted. */
static int remove_isolation(struct job *j, const struct table *t, const char *bridge,
			    const struct ruleset *wanted, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < array_size(isolation_chains); i++) {
		struct live_chain *c;

		r = job_view(j, t, isolation_chains[i], &c, err);
		for (size_t k = 0; r == 0 && k < c->n_rules; k++) {
			struct live_rule *live = &c->rules[k];

			if (live->ours && !live->taken && is_about(&live->rule, bridge) &&
			    !is_wanted(wanted, &live->rule))
				job_push_delete(j, live);
		}
	}
	return r;
}

/* Whether any bridge is isolated once the job is done. */
static int is_anything_isolated(struct job *j, const struct table *t, bool *out, struct error *err)
{
	struct live_chain *c;
	int r = job_view(j, t, IPT_ISOLATION_1, &c, err);

	*out = false;
	for (size_t i = 0; r == 0 && i < c->n_rules; i++)
		*out |= !c->rules[i].taken;
	for (size_t i = 0; i < j->ops.n; i++)
		*out |= j->ops.list[i].kind == OP_ADD_RULE && j->ops.list[i].table == t &&
			strcmp(j->ops.list[i].rule.chain, IPT_ISOLATION_1) == 0;
	return r;
}

/*
 * The jump to the isolation chains stands while they have something to do. Upstream takes it away with
 * the first of several isolated networks that goes.
 */
static int set_isolation_jump(struct job *j, int family, struct error *err)
{
	struct rule jump = iptables_rules_isolated(family);
	bool needed, found;
	int r = is_anything_isolated(j, jump.table, &needed, err);

	if (r < 0)
		return r;
	return needed ? job_add_rule_if_missing(j, &jump, err) : job_take(j, &jump, &found, err);
}

/* ---- adding: table filter ---- */

/* What stands behind the jump to the isolation chains, or 0. */
static int find_behind_isolation(struct job *j, int family, uint64_t *out, struct error *err)
{
	struct rule jump = iptables_rules_isolated(family);
	struct live_chain *c;
	size_t first = 0;
	int r = job_view(j, jump.table, IPT_FORWARD, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++)
		if (c->rules[i].ours && !c->rules[i].taken && rule_equal(&c->rules[i].rule, &jump))
			first = i + 1;
	*out = r == 0 && first < c->n_rules ? c->rules[first].handle : 0;
	return r;
}

/* Two releases' jumps to one chain do no harm, but the older one's has become useless. */
static int remove_old_jump(struct job *j, const struct table *t, struct error *err)
{
	const struct rule old = {.table = t,
				 .chain = IPT_FORWARD,
				 .comment = IPT_COMMENT_OLD,
				 .verdict = VERDICT_JUMP,
				 .target = IPT_NETAVARK_FORWARD};
	bool found;

	return job_take(j, &old, &found, err);
}

static int add_filter(struct job *j, const struct fw_network *net, int family, struct error *err)
{
	const struct table *t = iptables_rules_filter_table(family);
	struct ruleset set = new_set(j, t), isolation = new_set(j, t);
	size_t before;
	uint64_t rest;
	int r;

	iptables_rules_filter(net, family, &set);
	iptables_rules_isolation(net, family, &isolation);
	if (!set.n_rules)
		return 0;
	r = find_behind_isolation(j, family, &rest, err);
	before = j->ops.n;
	if (r == 0)
		r = add_set(j, &set, err);
	for (size_t i = before; i < j->ops.n; i++)
		if (j->ops.list[i].kind == OP_ADD_RULE &&
		    j->ops.list[i].rule.position == BEFORE_REST)
			j->ops.list[i].handle = rest;
	if (r == 0)
		r = remove_old_jump(j, t, err);
	if (r == 0)
		r = remove_isolation(j, t, net->bridge, &isolation, err);
	if (r == 0)
		r = add_set(j, &isolation, err);
	return r;
}

/* ---- adding: table nat ---- */

static int add_nat(struct job *j, const struct fw_intent *in, int family, struct error *err)
{
	const struct table *t = iptables_rules_nat_table(family);
	struct ruleset set = new_set(j, t), ports = new_set(j, t);
	int r;

	iptables_rules_nat(&in->net, family, &set);
	iptables_rules_ports_base(in, family, &set);
	iptables_rules_dns(in, family, &set);
	r = add_set(j, &set, err);
	iptables_rules_ports(in, family, &ports);
	if (r == 0)
		r = job_add_chains(j, &ports, err);
	return r < 0 ? r : job_add_mappings(j, in, &ports, err);
}

/* Table after table, as each legacy one is a commit of its own. */
static int plan_add(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	int r = 0;

	for (size_t f = 0; f < array_size(families); f++) {
		for (size_t i = 0; r == 0 && i < n; i++)
			r = add_filter(j, &in[i].net, families[f], err);
		if (r == 0)
			r = set_isolation_jump(j, families[f], err);
	}
	for (size_t f = 0; f < array_size(families); f++)
		for (size_t i = 0; r == 0 && i < n; i++)
			r = add_nat(j, &in[i], families[f], err);
	/* Among the legacy tables there is no place for it. */
	if (r == 0 && j->kernel == &nft_kernel)
		r = nft_guard_plan(j, in, n, err);
	return r;
}

/* ---- removing ---- */

typedef bool (*rule_test)(const struct rule *r, const struct fw_intent *in);

/* Deletes the rules of a chain that pass the test. */
static int remove_if(struct job *j, const struct table *t, const char *chain, rule_test test,
		     const struct fw_intent *in, struct error *err)
{
	struct live_chain *c;
	int r = job_view(j, t, chain, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		struct live_rule *live = &c->rules[i];

		if (live->ours && !live->taken && test(&live->rule, in))
			job_push_delete(j, live);
	}
	return r;
}

/*
 * Takes a rule in its present form, or in that of an older release: without the comment, or with an
 * address of the host that meant all and matched nothing.
 */
static int take_any_form(struct job *j, const struct rule *planned, bool *out_found,
			 struct error *err)
{
	struct rule wanted = *planned;
	int r = job_take(j, &wanted, out_found, err);

	if (r < 0 || *out_found)
		return r;
	if (wanted.comment) {
		wanted.comment = NULL;
		return job_take(j, &wanted, out_found, err);
	}
	if (!wanted.daddr.addr.family) {
		bool ipv4 = wanted.table == iptables_rules_nat_table(AF_INET);

		wanted.daddr.addr.family = ipv4 ? AF_INET : AF_INET6;
		wanted.daddr.len = prefix_max_len(wanted.daddr.addr.family);
		return job_take(j, &wanted, out_found, err);
	}
	return 0;
}

static bool leads_to_container(const struct rule *r, const struct fw_intent *in)
{
	return r->verdict == VERDICT_DNAT &&
	       (addr_equal(&r->to_addr, &in->me.ip4) || addr_equal(&r->to_addr, &in->me.ip6));
}

static bool is_jump_of_container(const struct rule *r, const struct fw_intent *in)
{
	return r->verdict == VERDICT_JUMP && iptables_rules_is_ports_chain(r->target, &in->net) &&
	       iptables_rules_is_of(r->comment, in->me.container_id);
}

static int remove_ports(struct job *j, const struct fw_intent *in, int family, struct error *err)
{
	const struct table *t = iptables_rules_nat_table(family);
	const char *chain = iptables_rules_ports_chain(&in->net, j->arena);
	struct ruleset set = new_set(j, t);
	int r;

	iptables_rules_ports(in, family, &set);
	r = job_remove_mappings(j, &set, take_any_form, err);
	/* Whatever else leads to the container, for example mappings that its document has no more. */
	if (r == 0)
		r = remove_if(j, t, chain, leads_to_container, in, err);
	if (r == 0)
		r = remove_if(j, t, IPT_DNAT, is_jump_of_container, in, err);
	return r;
}

/* Redirects of the gateways, whatever the port was. */
static bool is_redirect(const struct rule *r, const struct fw_intent *in)
{
	if (r->verdict != VERDICT_DNAT || r->dport != 53 ||
	    !addr_equal(&r->daddr.addr, &r->to_addr))
		return false;
	for (size_t i = 0; i < in->me.n_dns_servers; i++)
		if (addr_equal(&r->to_addr, &in->me.dns_servers[i]))
			return true;
	return false;
}

static bool is_ours(const struct rule *r, const struct fw_intent *in)
{
	(void)r;
	(void)in;
	return true;
}

/* Goes with the network if nobody has put a rule of his own into it. */
static int remove_chain_if_empty(struct job *j, const struct table *t, const char *name,
				 struct error *err)
{
	struct live_chain *c;
	int r = job_view(j, t, name, &c, err);

	if (r < 0 || !c->exists)
		return r;
	for (size_t i = 0; i < c->n_rules; i++) {
		if (!c->rules[i].taken) {
			log_warn("chain %s has rules of somebody else, leaving it", name);
			return 0;
		}
	}
	return job_remove_chain(j, t, name, err);
}

static int remove_nat(struct job *j, const struct fw_intent *in, int family, struct error *err)
{
	const struct table *t = iptables_rules_nat_table(family);
	const char *chain = iptables_rules_chain(&in->net, j->arena);
	const char *ports = iptables_rules_ports_chain(&in->net, j->arena);
	int r = job_remove_jumps(j, t, IPT_POSTROUTING, chain, err);

	if (r == 0)
		r = job_remove_jumps(j, t, IPT_DNAT, ports, err);
	if (r == 0)
		r = remove_if(j, t, IPT_DNAT, is_redirect, in, err);
	if (r == 0)
		r = remove_if(j, t, ports, is_ours, in, err);
	if (r == 0)
		r = remove_if(j, t, chain, is_ours, in, err);
	if (r == 0)
		r = remove_chain_if_empty(j, t, ports, err);
	if (r == 0)
		r = remove_chain_if_empty(j, t, chain, err);
	return r;
}

static bool is_subnet_of(const struct prefix *p, const struct fw_network *net)
{
	for (size_t i = 0; i < net->n_subnets; i++) {
		const struct prefix masked = prefix_masked(&net->subnets[i]);

		if (p->addr.family && prefix_equal(p, &masked))
			return true;
	}
	return false;
}

/* Exactly the shapes that are planned, but for any DNS port: it may have been another one. */
static bool accepts_subnet(const struct rule *r, const struct fw_intent *in)
{
	const struct rule input = {.table = r->table,
				   .chain = IPT_NETAVARK_INPUT,
				   .saddr = r->saddr,
				   .proto = r->proto,
				   .dport = r->dport,
				   .verdict = VERDICT_ACCEPT};
	const struct rule to = {.table = r->table,
				.chain = IPT_NETAVARK_FORWARD,
				.daddr = r->daddr,
				.ct_state = CT_ESTABLISHED | CT_RELATED,
				.verdict = VERDICT_ACCEPT};
	const struct rule from = {.table = r->table,
				  .chain = IPT_NETAVARK_FORWARD,
				  .saddr = r->saddr,
				  .verdict = VERDICT_ACCEPT};

	if (is_subnet_of(&r->saddr, &in->net))
		return rule_equal(r, &from) ||
		       (rule_equal(r, &input) && r->dport &&
			(r->proto == IPPROTO_TCP || r->proto == IPPROTO_UDP));
	return is_subnet_of(&r->daddr, &in->net) && rule_equal(r, &to);
}

static int remove_filter(struct job *j, const struct fw_intent *in, int family, struct error *err)
{
	const struct table *t = iptables_rules_filter_table(family);
	const struct ruleset none = new_set(j, t);
	int r = remove_if(j, t, IPT_NETAVARK_FORWARD, accepts_subnet, in, err);

	if (r == 0)
		r = remove_if(j, t, IPT_NETAVARK_INPUT, accepts_subnet, in, err);
	if (r == 0)
		r = remove_isolation(j, t, in->net.bridge, &none, err);
	return r < 0 ? r : set_isolation_jump(j, family, err);
}

static int plan_remove(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	int r = 0;

	for (size_t f = 0; f < array_size(families); f++)
		for (size_t i = 0; r == 0 && i < n; i++)
			r = in[i].last_container ? remove_nat(j, &in[i], families[f], err)
						 : remove_ports(j, &in[i], families[f], err);
	for (size_t f = 0; f < array_size(families); f++)
		for (size_t i = 0; r == 0 && i < n; i++)
			if (in[i].last_container)
				r = remove_filter(j, &in[i], families[f], err);
	return r;
}

/* ---- where ---- */

static const struct {
	const struct kernel *kernel;
	const char *name;
} worlds[] = {
	[IPTABLES_LEGACY] = {&iptables_legacy, "legacy tables"},
	[IPTABLES_NFT] = {&nft_kernel, "nf_tables"},
};

static enum iptables_variant other_than(enum iptables_variant v)
{
	return v == IPTABLES_LEGACY ? IPTABLES_NFT : IPTABLES_LEGACY;
}

/* Errors of a kernel that does not have this place for rules, or not all that they need. */
static bool cannot_work(int r)
{
	return r == -ENOENT || r == -ENOPROTOOPT || r == -EPROTONOSUPPORT || r == -EOPNOTSUPP;
}

/* Whether a chain of one of the networks is there; plans nothing, and ends with EEXIST if so. */
static int plan_search(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	bool own = false, ports = false;
	int r = 0;

	for (size_t f = 0; f < array_size(families); f++) {
		const struct table *t = iptables_rules_nat_table(families[f]);

		for (size_t i = 0; r == 0 && i < n; i++) {
			r = job_has_chain(j, t, iptables_rules_chain(&in[i].net, j->arena), &own,
					  err);
			if (r == 0)
				r = job_has_chain(j, t,
						  iptables_rules_ports_chain(&in[i].net, j->arena),
						  &ports, err);
			if (r == 0 && (own || ports))
				return -EEXIST;
		}
	}
	return r;
}

static int find_networks(enum iptables_variant v, const struct fw_intent *in, size_t n,
			 struct arena *a, bool *out, struct error *err)
{
	int r = job_run(worlds[v].kernel, plan_search, in, n, a, NULL, err);

	*out = r == -EEXIST;
	return r == -EEXIST || cannot_work(r) ? 0 : r;
}

static enum iptables_variant guess(struct arena *a)
{
	enum iptables_variant v = iptables_choice_program(a);

	for (size_t f = 0; v == IPTABLES_UNKNOWN && f < array_size(families); f++)
		if (iptables_legacy_has(iptables_rules_nat_table(families[f])) ||
		    iptables_legacy_has(iptables_rules_filter_table(families[f])))
			v = IPTABLES_LEGACY;
	return v == IPTABLES_UNKNOWN ? IPTABLES_NFT : v;
}

/* Containers of one network belong together, then comes what iptables(8) shows. */
static int choose(const struct fw_intent *in, size_t n, struct arena *a, enum iptables_variant *out,
		  struct error *err)
{
	bool legacy, nft = false;
	int r = find_networks(IPTABLES_LEGACY, in, n, a, &legacy, err);

	if (r == 0)
		r = find_networks(IPTABLES_NFT, in, n, a, &nft, err);
	if (r == 0 && legacy != nft)
		*out = legacy ? IPTABLES_LEGACY : IPTABLES_NFT;
	else if (r == 0)
		*out = guess(a);
	return r;
}

/* Errors of this backend begin with the program that would have had them. */
static int named(int r, struct error *err)
{
	if (r == 0 || text_starts_with(err->text, "iptables: ") ||
	    text_starts_with(err->text, "ip6tables: "))
		return r;
	wrap(err, "iptables");
	return r;
}

static int run_steps(void *arg, struct error *err)
{
	(void)err;
	undo_run(arg);
	return 0;
}

static int add_in(enum iptables_variant v, const struct fw_intent *in, size_t n, struct arena *a,
		  struct undo *undo, struct error *err)
{
	struct undo *steps = arena_alloc(a, sizeof(*steps));

	log_debug("rules go into %s", worlds[v].name);
	*steps = (struct undo){.arena = a};
	int r = job_run(worlds[v].kernel, plan_add, in, n, a, steps, err);
	if (r == 0 && v == IPTABLES_LEGACY)
		r = nft_guard_add(in, n, a, steps, err);
	if (r < 0)
		undo_run(steps);
	else
		undo_push(undo, run_steps, steps, "firewall rules");
	return r;
}

static int add_anywhere(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo,
			struct error *err)
{
	enum iptables_variant v;
	struct error second;
	int r = iptables_choice_forced(&v, err);

	if (r < 0 || n == 0)
		return r;
	if (v != IPTABLES_UNKNOWN)
		return add_in(v, in, n, a, undo, err);
	r = choose(in, n, a, &v, err);
	if (r < 0)
		return r;
	r = add_in(v, in, n, a, undo, err);
	if (!cannot_work(r))
		return r;
	v = other_than(v);
	log_warn("%s, trying the %s", err->text, worlds[v].name);
	r = add_in(v, in, n, a, undo, &second);
	return r < 0 ? fail(err, -r, "%s; %s", second.text, err->text) : 0;
}

static int add(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo,
	       struct error *err)
{
	return named(add_anywhere(in, n, a, undo, err), err);
}

static int remove_all(const struct fw_intent *in, size_t n, struct arena *a, struct error *err)
{
	struct error all = {0};

	for (size_t v = IPTABLES_LEGACY; v <= IPTABLES_NFT; v++) {
		struct error one = {0};
		int r = job_run(worlds[v].kernel, plan_remove, in, n, a, NULL, &one);

		if (named(r, &one) < 0 && !cannot_work(r))
			error_collect(&all, &one);
	}
	*err = all;
	return all.collected ? -all.code : 0;
}

static int check(struct error *err)
{
	enum iptables_variant ignored;

	return iptables_choice_forced(&ignored, err);
}

const struct firewall firewall_iptables = {
	.name = "iptables",
	.announcement = "Using iptables firewall driver",
	.check = check,
	.add = add,
	.remove = remove_all,
};
