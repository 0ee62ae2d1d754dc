/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::nft"

/*
 * The nftables backend: reads the chains that matter, compares them with the plan, and commits the
 * difference in one transaction. If somebody else has committed meanwhile it starts over.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/text.h"
#include "netavark/firewall/firewall.h"
#include "netavark/firewall/nft_kernel.h"
#include "netavark/firewall/nft_rules.h"

#define COMMIT_TRIES 30

/* One attempt: what was read, and what is to be done about it. */
struct job {
	struct nft nft;
	struct arena *arena;
	bool table;		   /* it is there */
	struct nft_chain **chains; /* read so far */
	size_t n_chains;
	struct nft_ops ops;  /* to be committed */
	struct nft_ops done; /* committed, by all attempts together */
	const char **busy;   /* chains that something foreign jumps to: emptied, not deleted */
	size_t n_busy;
};

static int view(struct job *j, const char *name, struct nft_chain **out, struct error *err)
{
	for (size_t i = 0; i < j->n_chains; i++) {
		if (strcmp(j->chains[i]->name, name) == 0) {
			*out = j->chains[i];
			return 0;
		}
	}
	struct nft_chain *c = arena_alloc(j->arena, sizeof(*c));
	*c = (struct nft_chain){.name = name};
	int r = j->table ? nft_read_chain(&j->nft, NFT_TABLE, name, c, err) : 0;
	if (r < 0)
		return r;
	j->chains = arena_grow(j->arena, j->chains, j->n_chains, sizeof(*j->chains));
	j->chains[j->n_chains++] = *out = c;
	return 0;
}

static void push(struct job *j, struct nft_op op)
{
	j->ops.list = arena_grow(j->arena, j->ops.list, j->ops.n, sizeof(*j->ops.list));
	j->ops.list[j->ops.n++] = op;
}

static void push_delete(struct job *j, struct nft_rule *live)
{
	live->taken = true;
	push(j,
	     (struct nft_op){.kind = NFT_DELETE_RULE, .rule = live->rule, .handle = live->handle});
}

/* Whether the live rule is the wanted one; the set of protocols is only looked into here. */
static int same(struct job *j, struct nft_rule *live, const struct rule *wanted, bool *out,
		struct error *err)
{
	int r = 0;

	*out = live->ours && rule_equal(&live->rule, wanted);
	if (*out && live->set) {
		r = nft_is_tcp_and_udp(&j->nft, NFT_TABLE, live->set, out, err);
		live->set = NULL;
		live->ours = *out;
	}
	return r;
}

/* The first rule of the chain that equals the wanted one and is not taken yet, or NULL. */
static int find(struct job *j, const struct rule *wanted, struct nft_rule **out, struct error *err)
{
	struct nft_chain *c;
	bool equal = false;
	int r = view(j, wanted->chain, &c, err);

	*out = NULL;
	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		if (c->rules[i].taken)
			continue;
		r = same(j, &c->rules[i], wanted, &equal, err);
		if (r == 0 && equal) {
			*out = &c->rules[i];
			return 0;
		}
	}
	return r;
}

static bool is_pending(const struct job *j, const struct rule *wanted)
{
	for (size_t i = 0; i < j->ops.n; i++)
		if (j->ops.list[i].kind == NFT_ADD_RULE && rule_equal(&j->ops.list[i].rule, wanted))
			return true;
	return false;
}

/* ---- adding ---- */

static int add_chains(struct job *j, const struct ruleset *set, struct error *err)
{
	for (size_t i = 0; i < set->n_chains; i++) {
		struct nft_chain *c;
		int r = view(j, set->chains[i].name, &c, err);

		if (r < 0)
			return r;
		if (!c->exists) /* an existing one keeps the policy that its administrator set */
			push(j, (struct nft_op){.kind = NFT_ADD_CHAIN, .chain = set->chains[i]});
		c->exists = true;
	}
	return 0;
}

static int add_rule_if_missing(struct job *j, const struct rule *wanted, struct error *err)
{
	struct nft_rule *live;
	int r = find(j, wanted, &live, err);

	if (r == 0 && !live && !is_pending(j, wanted))
		push(j, (struct nft_op){.kind = NFT_ADD_RULE, .rule = *wanted});
	return r;
}

/*
 * What stands behind the fixed head of FORWARD: the place for a rule of the head that is missing,
 * because an older release did not know it or somebody has removed it.
 */
static int find_behind_head(struct job *j, const struct ruleset *base, uint64_t *out_handle,
			    struct error *err)
{
	struct nft_chain *c;
	int r = view(j, NFT_FORWARD, &c, err);

	*out_handle = 0;
	for (size_t i = 0; r == 0 && !*out_handle && i < c->n_rules; i++) {
		const struct rule *live = &c->rules[i].rule;
		bool head = false;

		for (size_t k = 0; c->rules[i].ours && k < base->n_rules; k++)
			head |= base->rules[k].verdict != VERDICT_JUMP &&
				rule_equal(&base->rules[k], live);
		if (!head)
			*out_handle = c->rules[i].handle;
	}
	return r;
}

static int add_base(struct job *j, struct error *err)
{
	struct ruleset base = {.arena = j->arena};
	uint64_t rest;
	int r;

	nft_rules_base(&base);
	if (!j->table)
		push(j, (struct nft_op){.kind = NFT_ADD_TABLE});
	r = add_chains(j, &base, err);
	if (r == 0)
		r = find_behind_head(j, &base, &rest, err);
	for (size_t i = 0; r == 0 && i < base.n_rules; i++) {
		size_t before = j->ops.n;

		r = add_rule_if_missing(j, &base.rules[i], err);
		if (j->ops.n > before && base.rules[i].position == BEFORE_REST)
			j->ops.list[before].handle = rest;
	}
	return r;
}

/*
 * Every rule of the network that is missing. A chain of its own that is not there yet means that
 * nothing of it is; INPUT, which holds a set per network, is only read otherwise.
 */
static int add_network(struct job *j, const struct fw_network *net, struct error *err)
{
	struct ruleset set = {.arena = j->arena};
	size_t before = j->ops.n;
	int r;

	nft_rules_network(net, &set);
	r = add_chains(j, &set, err);
	bool fresh = j->ops.n - before == set.n_chains;
	for (size_t i = 0; r == 0 && i < set.n_rules; i++) {
		if (fresh && strcmp(set.rules[i].chain, NFT_INPUT) == 0)
			push(j, (struct nft_op){.kind = NFT_ADD_RULE, .rule = set.rules[i]});
		else
			r = add_rule_if_missing(j, &set.rules[i], err);
	}
	return r;
}

static bool is_wanted(const struct ruleset *set, const struct rule *r)
{
	for (size_t i = 0; i < set->n_rules; i++)
		if (rule_equal(&set->rules[i], r))
			return true;
	return false;
}

static const char *const isolation_chains[] = {NFT_ISOLATION_1, NFT_ISOLATION_2, NFT_ISOLATION_3};

/* The isolation rules of the bridge become the wanted ones, also if the option has changed. */
static int set_isolation(struct job *j, const struct fw_network *net, struct error *err)
{
	struct ruleset set = {.arena = j->arena};
	int r = 0;

	nft_rules_isolation(net, &set);
	for (size_t i = 0; r == 0 && i < array_size(isolation_chains); i++) {
		struct nft_chain *c;

		r = view(j, isolation_chains[i], &c, err);
		for (size_t k = 0; r == 0 && k < c->n_rules; k++) {
			struct nft_rule *live = &c->rules[k];

			if (live->ours && !live->taken &&
			    nft_is_isolation_of(&live->rule, net->bridge) &&
			    !is_wanted(&set, &live->rule))
				push_delete(j, live);
		}
	}
	for (size_t i = 0; r == 0 && i < set.n_rules; i++)
		r = add_rule_if_missing(j, &set.rules[i], err);
	return r;
}

/* The rules of one mapping in one family stand together in the set: [first, end). */
static size_t mapping_end(const struct ruleset *set, size_t first)
{
	size_t end = first;

	while (end < set->n_rules && set->rules[end].mapping == set->rules[first].mapping)
		end++;
	return end;
}

/* Whether all its DNAT rules are there: they carry the container's address, the others do not. */
static int mapping_is_there(struct job *j, const struct ruleset *set, size_t first, size_t end,
			    bool *out, struct error *err)
{
	*out = true;
	for (size_t i = first; *out && i < end; i++) {
		struct nft_rule *live;

		if (set->rules[i].verdict != VERDICT_DNAT)
			continue;
		int r = find(j, &set->rules[i], &live, err);
		if (r < 0)
			return r;
		*out = live || is_pending(j, &set->rules[i]);
	}
	return 0;
}

/* Whether both forward the same port of the host, to different places. */
static bool is_in_the_way(const struct rule *live, const struct rule *wanted)
{
	return live->verdict == VERDICT_DNAT && live->proto == wanted->proto &&
	       live->dport == wanted->dport && prefix_equal(&live->daddr, &wanted->daddr) &&
	       !addr_equal(&live->to_addr, &wanted->to_addr);
}

/*
 * What already leads the port elsewhere would win, as it stands first. A leftover of a release that
 * does not recognise its own older rules is removed; a running container's is only warned about.
 */
static int clear_the_way(struct job *j, const struct fw_intent *in, const struct rule *wanted,
			 struct error *err)
{
	struct nft_chain *c;
	int r = view(j, wanted->chain, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		struct nft_rule *live = &c->rules[i];
		const struct fw_forward f = {live->rule.proto, live->rule.daddr.addr,
					     live->rule.dport, live->rule.to_addr};

		if (!live->ours || live->taken || !is_in_the_way(&live->rule, wanted))
			continue;
		if (in->is_claimed && !in->is_claimed(in->claims, in->net.id, &f))
			push_delete(j, live);
		else
			log_warn("host port %u is already forwarded to %s", f.host_port,
				 addr_str(&f.to));
	}
	return r;
}

static int add_mapping(struct job *j, const struct fw_intent *in, const struct ruleset *set,
		       size_t first, size_t end, struct error *err)
{
	bool there;
	int r = mapping_is_there(j, set, first, end, &there, err);

	for (size_t i = first; r == 0 && !there && i < end; i++)
		if (set->rules[i].verdict == VERDICT_DNAT)
			r = clear_the_way(j, in, &set->rules[i], err);
	for (size_t i = first; r == 0 && i < end; i++) {
		/* Equal rules of another container do not count: each removes its own copy. */
		if (there)
			r = add_rule_if_missing(j, &set->rules[i], err);
		else
			push(j, (struct nft_op){.kind = NFT_ADD_RULE, .rule = set->rules[i]});
	}
	return r;
}

static int add_ports(struct job *j, const struct fw_intent *in, struct error *err)
{
	struct ruleset dns = {.arena = j->arena}, set = {.arena = j->arena};
	int r = 0;

	nft_rules_dns(in, &dns);
	nft_rules_ports(in, &set);
	r = add_chains(j, &set, err);
	for (size_t i = 0; r == 0 && i < dns.n_rules; i++)
		r = add_rule_if_missing(j, &dns.rules[i], err);
	for (size_t i = 0, end; r == 0 && i < set.n_rules; i = end) {
		end = mapping_end(&set, i);
		r = add_mapping(j, in, &set, i, end, err);
	}
	return r;
}

static int plan_add(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	int r = add_base(j, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = add_network(j, &in[i].net, err);
		if (r == 0)
			r = set_isolation(j, &in[i].net, err);
		if (r == 0)
			r = add_ports(j, &in[i], err);
	}
	return r;
}

/* ---- removing ---- */

static int take(struct job *j, const struct rule *wanted, bool *out_found, struct error *err)
{
	struct nft_rule *live;
	int r = find(j, wanted, &live, err);

	if (r == 0 && live) {
		push_delete(j, live);
		*out_found = true;
	}
	return r;
}

/* Takes a rule in its present form, or in that of an older release. */
static int take_any_form(struct job *j, struct rule wanted, bool *out_found, struct error *err)
{
	int r = take(j, &wanted, out_found, err);

	if (r < 0 || *out_found)
		return r;
	if (wanted.set_ct_mark) {
		wanted.set_ct_mark = 0;
		return take(j, &wanted, out_found, err);
	}
	if (strcmp(wanted.chain, NFT_DNAT) == 0 && wanted.daddr.addr.family) {
		wanted.daddr = (struct prefix){0};
		return take(j, &wanted, out_found, err);
	}
	return 0;
}

/* Nothing is taken for a mapping without DNAT rule: equal others belong to somebody else. */
static int remove_mapping(struct job *j, const struct ruleset *set, size_t first, size_t end,
			  struct error *err)
{
	bool found = false;
	int r = 0;

	for (size_t i = first; r == 0 && i < end; i++) {
		bool one = false;

		if (set->rules[i].verdict == VERDICT_DNAT)
			r = take_any_form(j, set->rules[i], &one, err);
		found |= one;
	}
	for (size_t i = first; r == 0 && found && i < end; i++) {
		bool one = false;

		if (set->rules[i].verdict != VERDICT_DNAT)
			r = take_any_form(j, set->rules[i], &one, err);
	}
	return r;
}

/* Leftovers of another release that send traffic to this container's address. */
static int remove_strays(struct job *j, const char *chain, const struct addr *container,
			 struct error *err)
{
	struct nft_chain *c;
	int r = view(j, chain, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		struct nft_rule *live = &c->rules[i];

		if (live->ours && !live->taken && live->rule.verdict == VERDICT_DNAT &&
		    addr_equal(&live->rule.to_addr, container))
			push_delete(j, live);
	}
	return r;
}

static int remove_ports(struct job *j, const struct fw_intent *in, struct error *err)
{
	struct ruleset set = {.arena = j->arena};
	int r = 0;

	nft_rules_ports(in, &set);
	for (size_t i = 0, end; r == 0 && i < set.n_rules; i = end) {
		end = mapping_end(&set, i);
		r = remove_mapping(j, &set, i, end, err);
	}
	if (r == 0 && in->me.ip4.family)
		r = remove_strays(j, nft_chain_name(in->net.id, &in->me.subnet4, "_dnat", j->arena),
				  &in->me.ip4, err);
	if (r == 0 && in->me.ip6.family)
		r = remove_strays(j, nft_chain_name(in->net.id, &in->me.subnet6, "_dnat", j->arena),
				  &in->me.ip6, err);
	return r;
}

static int remove_jumps(struct job *j, const char *from, const char *to, struct error *err)
{
	struct nft_chain *c;
	int r = view(j, from, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		struct nft_rule *live = &c->rules[i];

		if (live->ours && !live->taken && live->rule.verdict == VERDICT_JUMP &&
		    strcmp(live->rule.target, to) == 0)
			push_delete(j, live);
	}
	return r;
}

static bool is_busy(const struct job *j, const char *chain)
{
	for (size_t i = 0; i < j->n_busy; i++)
		if (strcmp(j->busy[i], chain) == 0)
			return true;
	return false;
}

static int remove_chain(struct job *j, const char *name, struct error *err)
{
	struct nft_chain *c;
	int r = view(j, name, &c, err);

	if (r < 0 || !c->exists)
		return r;
	if (!is_busy(j, name)) {
		push(j, (struct nft_op){.kind = NFT_DELETE_CHAIN, .chain = {.name = name}});
		return 0;
	}
	for (size_t i = 0; i < c->n_rules; i++)
		if (!c->rules[i].taken)
			push_delete(j, &c->rules[i]);
	return 0;
}

static int remove_isolation(struct job *j, const char *bridge, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < array_size(isolation_chains); i++) {
		struct nft_chain *c;

		r = view(j, isolation_chains[i], &c, err);
		for (size_t k = 0; r == 0 && k < c->n_rules; k++)
			if (c->rules[k].ours && !c->rules[k].taken &&
			    nft_is_isolation_of(&c->rules[k].rule, bridge))
				push_delete(j, &c->rules[k]);
	}
	return r;
}

/* The redirects of the gateways, whatever the port was and in the form of any release. */
static int remove_dns(struct job *j, const struct fw_intent *in, struct error *err)
{
	struct nft_chain *c;
	int r = view(j, NFT_DNAT, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		struct nft_rule *live = &c->rules[i];

		if (!live->ours || live->taken || live->rule.verdict != VERDICT_DNAT ||
		    live->rule.dport != 53 ||
		    !addr_equal(&live->rule.daddr.addr, &live->rule.to_addr))
			continue;
		for (size_t k = 0; k < in->me.n_dns_servers; k++) {
			if (addr_equal(&live->rule.to_addr, &in->me.dns_servers[k])) {
				push_delete(j, live);
				break;
			}
		}
	}
	return r;
}

/* A rule for a subnet as older releases wrote it: DNS over UDP only. */
static int remove_subnet_rule(struct job *j, struct rule wanted, struct error *err)
{
	bool found = false;
	int r = take(j, &wanted, &found, err);

	if (r < 0 || found || !wanted.tcp_and_udp)
		return r;
	wanted.tcp_and_udp = false;
	wanted.proto = IPPROTO_UDP;
	return take(j, &wanted, &found, err);
}

static int remove_network(struct job *j, const struct fw_intent *in, struct error *err)
{
	struct ruleset set = {.arena = j->arena};
	struct fw_network all = in->net;
	int r = 0;

	all.internal = false; /* the option may have changed: look for every rule */
	all.outbound4 = all.outbound6 = (struct addr){0};
	nft_rules_network(&all, &set);
	for (size_t i = 0; r == 0 && i < set.n_rules; i++)
		if (!text_starts_with(set.rules[i].chain, "nv_"))
			r = remove_subnet_rule(j, set.rules[i], err);
	if (r == 0)
		r = remove_isolation(j, in->net.bridge, err);
	if (r == 0)
		r = remove_dns(j, in, err);
	for (size_t i = 0; r == 0 && i < all.n_subnets; i++)
		r = remove_jumps(j, NFT_DNAT,
				 nft_chain_name(all.id, &all.subnets[i], "_dnat", j->arena), err);
	for (size_t i = 0; r == 0 && i < all.n_subnets; i++) {
		r = remove_chain(j, nft_chain_name(all.id, &all.subnets[i], "_dnat", j->arena),
				 err);
		if (r == 0)
			r = remove_chain(j, nft_chain_name(all.id, &all.subnets[i], "", j->arena),
					 err);
	}
	return r;
}

static int plan_remove(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && j->table && i < n; i++) {
		/* With the network all chains of ports go, and their rules with them. */
		r = in[i].last_container ? remove_network(j, &in[i], err)
					 : remove_ports(j, &in[i], err);
	}
	return r;
}

/* ---- taking back: the inverse of the operations of one commit ---- */

struct done {
	struct arena *arena;
	struct nft_ops ops;
};

static bool made_by(const struct done *d, enum nft_op_kind kind, const char *chain)
{
	for (size_t i = 0; i < d->ops.n; i++)
		if (d->ops.list[i].kind == kind &&
		    (!chain || strcmp(d->ops.list[i].chain.name, chain) == 0))
			return true;
	return false;
}

/* Whether the table holds nothing but what this run has made. */
static int is_all_ours(struct job *j, const struct done *d, bool *out, struct error *err)
{
	const char **names;
	size_t n, n_live = 0, n_made = 0;
	int r = nft_list_chains(&j->nft, NFT_TABLE, &names, &n, err);

	*out = made_by(d, NFT_ADD_TABLE, NULL);
	for (size_t i = 0; r == 0 && *out && i < n; i++) {
		struct nft_chain *c;

		r = view(j, names[i], &c, err);
		*out = made_by(d, NFT_ADD_CHAIN, names[i]);
		n_live += r == 0 ? c->n_rules : 0;
	}
	for (size_t i = 0; i < d->ops.n; i++)
		n_made += d->ops.list[i].kind == NFT_ADD_RULE;
	*out = *out && n_live <= n_made;
	return r;
}

static int plan_undo(struct job *j, const struct done *d, struct error *err)
{
	bool whole = false, found;
	int r = j->table ? is_all_ours(j, d, &whole, err) : 0;

	if (r < 0 || !j->table)
		return r;
	if (whole) {
		push(j, (struct nft_op){.kind = NFT_DELETE_TABLE});
		return 0;
	}
	for (size_t i = d->ops.n; r == 0 && i-- > 0;) {
		const struct nft_op *op = &d->ops.list[i];

		if (op->kind == NFT_ADD_RULE)
			r = take(j, &op->rule, &found, err);
		else if (op->kind == NFT_DELETE_RULE)
			push(j, (struct nft_op){.kind = NFT_ADD_RULE, .rule = op->rule});
		else if (op->kind == NFT_ADD_CHAIN)
			r = remove_chain(j, op->chain.name, err);
	}
	return r;
}

/* ---- the transaction ---- */

static void note_done(struct job *j, const struct nft_ops *part)
{
	for (size_t i = 0; i < part->n; i++) {
		j->done.list = arena_grow(j->arena, j->done.list, j->done.n, sizeof(*part->list));
		j->done.list[j->done.n++] = part->list[i];
	}
}

/*
 * One transaction for everything. Only where the socket does not take that much, which an
 * unprivileged caller with hundreds of ports meets, it becomes several.
 */
static int commit(struct job *j, const char **out_busy, struct error *err)
{
	size_t count = j->ops.n, from = 0;

	while (from < j->ops.n) {
		size_t left = j->ops.n - from;
		struct nft_ops part = {j->ops.list + from, left < count ? left : count};
		int r = nft_commit(&j->nft, NFT_TABLE, &part, out_busy, err);

		if (r == -EMSGSIZE && count > 1) {
			count /= 2;
			continue;
		}
		if (r < 0)
			return r;
		note_done(j, &part);
		from += part.n;
		r = from < j->ops.n ? nft_begin(&j->nft, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

typedef int (*planner)(struct job *j, const void *what, size_t n, struct error *err);

static int attempt(struct job *j, planner plan, const void *what, size_t n, struct error *err)
{
	const char *busy = NULL;
	int r = nft_begin(&j->nft, err);

	j->chains = NULL;
	j->n_chains = 0;
	j->ops = (struct nft_ops){0};
	if (r == 0)
		r = nft_find_table(&j->nft, NFT_TABLE, &j->table, err);
	if (r == 0)
		r = plan(j, what, n, err);
	if (r < 0 || j->ops.n == 0)
		return r;
	r = commit(j, &busy, err);
	if (r == -EBUSY && busy) {
		log_warn("chain %s is used by a rule of somebody else, emptying it only", busy);
		j->busy = arena_grow(j->arena, j->busy, j->n_busy, sizeof(*j->busy));
		j->busy[j->n_busy++] = busy;
		return -ERESTART;
	}
	return r;
}

static int transact(struct job *j, planner plan, const void *what, size_t n, struct error *err)
{
	int r = nft_open(&j->nft, j->arena, err);

	if (r < 0)
		return r;
	for (int i = 0; i < COMMIT_TRIES; i++) {
		const struct timespec pause = {.tv_nsec = (1 + random() % 20) * 1000000};

		r = attempt(j, plan, what, n, err);
		if (r != -ERESTART)
			break;
		nanosleep(&pause, NULL);
	}
	nft_close(&j->nft);
	return r;
}

static int plan_add_any(struct job *j, const void *what, size_t n, struct error *err)
{
	return plan_add(j, what, n, err);
}

static int plan_remove_any(struct job *j, const void *what, size_t n, struct error *err)
{
	return plan_remove(j, what, n, err);
}

static int plan_undo_any(struct job *j, const void *what, size_t n, struct error *err)
{
	(void)n;
	return plan_undo(j, what, err);
}

static int take_back(void *arg, struct error *err)
{
	struct done *d = arg;
	struct job j = {.arena = d->arena};

	return transact(&j, plan_undo_any, d, 1, err);
}

static int add(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo,
	       struct error *err)
{
	struct job j = {.arena = a};
	int r = n ? transact(&j, plan_add_any, in, n, err) : 0;

	if (j.done.n) { /* possibly by the first of several transactions, and then it failed */
		struct done *d = arena_alloc(a, sizeof(*d));

		*d = (struct done){a, j.done};
		undo_push(undo, take_back, d, "firewall rules");
	}
	return r;
}

static int remove_all(const struct fw_intent *in, size_t n, struct arena *a, struct error *err)
{
	struct job j = {.arena = a};

	return n ? transact(&j, plan_remove_any, in, n, err) : 0;
}

const struct firewall firewall_nft = {
	.name = "nftables",
	.announcement = "Using nftables firewall driver",
	.add = add,
	.remove = remove_all,
};
