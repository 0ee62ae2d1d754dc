/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::nft"

/* The nftables backend: what of the plan is missing in table "inet netavark", and what goes. */

#include <netinet/in.h>
#include <string.h>

#include "common/text.h"
#include "netavark/firewall/firewall.h"
#include "netavark/firewall/job.h"
#include "netavark/firewall/nft_guard.h"
#include "netavark/firewall/nft_kernel.h"
#include "netavark/firewall/nft_map.h"
#include "netavark/firewall/nft_rules.h"

/* ---- adding ---- */

/*
 * What stands behind the fixed head of FORWARD: the place for a rule of the head that is missing,
 * because an older release did not know it or somebody has removed it.
 */
static int find_behind_head(struct job *j, const struct ruleset *base, uint64_t *out_handle,
			    struct error *err)
{
	struct live_chain *c;
	int r = job_view(j, &nft_rules_table, NFT_FORWARD, &c, err);

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
	struct ruleset base = {.arena = j->arena, .table = &nft_rules_table};
	uint64_t rest;
	int r;

	nft_rules_base(&base);
	r = job_add_table(j, &nft_rules_table, err);
	if (r == 0)
		r = job_add_chains(j, &base, err);
	if (r == 0)
		r = find_behind_head(j, &base, &rest, err);
	for (size_t i = 0; r == 0 && i < base.n_rules; i++) {
		size_t before = j->ops.n;

		r = job_add_rule_if_missing(j, &base.rules[i], err);
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
	struct ruleset set = {.arena = j->arena, .table = &nft_rules_table};
	size_t before = j->ops.n;
	int r;

	nft_rules_network(net, &set);
	r = job_add_chains(j, &set, err);
	bool fresh = j->ops.n - before == set.n_chains;
	for (size_t i = 0; r == 0 && i < set.n_rules; i++) {
		if (fresh && strcmp(set.rules[i].chain, NFT_INPUT) == 0)
			job_push_rule(j, &set.rules[i]);
		else
			r = job_add_rule_if_missing(j, &set.rules[i], err);
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
	struct ruleset set = {.arena = j->arena, .table = &nft_rules_table};
	int r = 0;

	nft_rules_isolation(net, &set);
	for (size_t i = 0; r == 0 && i < array_size(isolation_chains); i++) {
		struct live_chain *c;

		r = job_view(j, &nft_rules_table, isolation_chains[i], &c, err);
		for (size_t k = 0; r == 0 && k < c->n_rules; k++) {
			struct live_rule *live = &c->rules[k];

			if (live->ours && !live->taken &&
			    nft_is_isolation_of(&live->rule, net->bridge) &&
			    !is_wanted(&set, &live->rule))
				job_push_delete(j, live);
		}
	}
	for (size_t i = 0; r == 0 && i < set.n_rules; i++)
		r = job_add_rule_if_missing(j, &set.rules[i], err);
	return r;
}

/* Takes a rule in its present form, or in that of an older release. */
static int take_any_form(struct job *j, const struct rule *planned, bool *out_found,
			 struct error *err)
{
	struct rule wanted = *planned;
	int r = job_take(j, &wanted, out_found, err);

	if (r < 0 || *out_found)
		return r;
	if (wanted.set_ct_mark) {
		wanted.set_ct_mark = 0;
		return job_take(j, &wanted, out_found, err);
	}
	if (strcmp(wanted.chain, NFT_DNAT) == 0 && wanted.daddr.addr.family) {
		wanted.daddr = (struct prefix){0};
		return job_take(j, &wanted, out_found, err);
	}
	return 0;
}

static int add_ports(struct job *j, const struct fw_intent *in, struct error *err)
{
	struct ruleset dns = {.arena = j->arena, .table = &nft_rules_table},
		       set = {.arena = j->arena, .table = &nft_rules_table};
	int r = 0;

	nft_rules_dns(in, &dns);
	nft_rules_ports(in, &set);
	if (in->extras.layout == LAYOUT_MAP)
		r = in->converts ? job_remove_mappings(j, &set, take_any_form, err) : 0;
	else
		r = job_add_chains(j, &set, err);
	for (size_t i = 0; r == 0 && i < dns.n_rules; i++)
		r = job_add_rule_if_missing(j, &dns.rules[i], err);
	return r < 0 || in->extras.layout == LAYOUT_MAP ? r : job_add_mappings(j, in, &set, err);
}

static int plan_add(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	int r = add_base(j, err);

	if (r == 0)
		r = nft_guard_plan(j, in, n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = add_network(j, &in[i].net, err);
		if (r == 0)
			r = set_isolation(j, &in[i].net, err);
		if (r == 0)
			r = add_ports(j, &in[i], err);
	}
	return r < 0 ? r : nft_map_plan_add(j, in, n, err);
}

/* ---- removing ---- */

/* Leftovers of another release that send traffic to this container's address. */
static int remove_strays(struct job *j, const char *chain, const struct addr *container,
			 struct error *err)
{
	struct live_chain *c;
	int r = job_view(j, &nft_rules_table, chain, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		struct live_rule *live = &c->rules[i];

		if (live->ours && !live->taken && live->rule.verdict == VERDICT_DNAT &&
		    addr_equal(&live->rule.to_addr, container))
			job_push_delete(j, live);
	}
	return r;
}

static int remove_ports(struct job *j, const struct fw_intent *in, struct error *err)
{
	struct ruleset set = {.arena = j->arena, .table = &nft_rules_table};
	int r;

	nft_rules_ports(in, &set);
	r = job_remove_mappings(j, &set, take_any_form, err);
	if (r == 0 && in->me.ip4.family)
		r = remove_strays(j, nft_chain_name(in->net.id, &in->me.subnet4, "_dnat", j->arena),
				  &in->me.ip4, err);
	if (r == 0 && in->me.ip6.family)
		r = remove_strays(j, nft_chain_name(in->net.id, &in->me.subnet6, "_dnat", j->arena),
				  &in->me.ip6, err);
	return r;
}

static int remove_isolation(struct job *j, const char *bridge, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < array_size(isolation_chains); i++) {
		struct live_chain *c;

		r = job_view(j, &nft_rules_table, isolation_chains[i], &c, err);
		for (size_t k = 0; r == 0 && k < c->n_rules; k++)
			if (c->rules[k].ours && !c->rules[k].taken &&
			    nft_is_isolation_of(&c->rules[k].rule, bridge))
				job_push_delete(j, &c->rules[k]);
	}
	return r;
}

/* The redirects of the gateways, whatever the port was and in the form of any release. */
static int remove_dns(struct job *j, const struct fw_intent *in, struct error *err)
{
	struct live_chain *c;
	int r = job_view(j, &nft_rules_table, NFT_DNAT, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		struct live_rule *live = &c->rules[i];

		if (!live->ours || live->taken || live->rule.verdict != VERDICT_DNAT ||
		    live->rule.dport != 53 ||
		    !addr_equal(&live->rule.daddr.addr, &live->rule.to_addr))
			continue;
		for (size_t k = 0; k < in->me.n_dns_servers; k++) {
			if (addr_equal(&live->rule.to_addr, &in->me.dns_servers[k])) {
				job_push_delete(j, live);
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
	int r = job_take(j, &wanted, &found, err);

	if (r < 0 || found || !wanted.tcp_and_udp)
		return r;
	wanted.tcp_and_udp = false;
	wanted.proto = IPPROTO_UDP;
	return job_take(j, &wanted, &found, err);
}

static int remove_network(struct job *j, const struct fw_intent *in, struct error *err)
{
	struct ruleset set = {.arena = j->arena, .table = &nft_rules_table};
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
		r = job_remove_jumps(j, &nft_rules_table, NFT_DNAT,
				     nft_chain_name(all.id, &all.subnets[i], "_dnat", j->arena),
				     err);
	for (size_t i = 0; r == 0 && i < all.n_subnets; i++) {
		r = job_remove_chain(j, &nft_rules_table,
				     nft_chain_name(all.id, &all.subnets[i], "_dnat", j->arena),
				     err);
		if (r == 0)
			r = job_remove_chain(j, &nft_rules_table,
					     nft_chain_name(all.id, &all.subnets[i], "", j->arena),
					     err);
	}
	return r;
}

static int plan_remove(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	bool table;
	int r = job_has_table(j, &nft_rules_table, &table, err);

	for (size_t i = 0; r == 0 && table && i < n; i++) {
		/* With the network all chains of ports go, and their rules with them. */
		r = in[i].last_container ? remove_network(j, &in[i], err)
					 : remove_ports(j, &in[i], err);
	}
	return r < 0 ? r : nft_map_plan_remove(j, in, n, err);
}

/* How many ports of the host are rules: a range is one jump, and a rule for each port. */
static size_t count_ports(const struct live_chain *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_rules; i++) {
		const struct rule *r = &c->rules[i].rule;

		if (r->verdict == VERDICT_JUMP)
			n += r->dport_last ? (size_t)(r->dport_last - r->dport) + 1 : 1;
	}
	return n;
}

static int prepare(struct fw_intent *in, size_t n, struct arena *a, struct error *err)
{
	struct live_chain ports = {0};
	struct nft nft = {0};
	bool open = false;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		open |= in[i].extras.layout == LAYOUT_AUTO && in[i].me.n_ports;
	if (open) {
		r = nft_open(&nft, a, err);
		if (r == 0)
			r = nft_read_chain(&nft, &nft_rules_table, NFT_DNAT, &ports, err);
		nft_close(&nft);
	}
	if (r == 0)
		nft_map_choose(in, n, count_ports(&ports));
	return r;
}

static int add(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo,
	       struct error *err)
{
	return job_run(&nft_kernel, plan_add, in, n, a, undo, err);
}

static int remove_all(const struct fw_intent *in, size_t n, struct arena *a, struct error *err)
{
	return job_run(&nft_kernel, plan_remove, in, n, a, NULL, err);
}

const struct firewall firewall_nft = {
	.name = "nftables",
	.announcement = "Using nftables firewall driver",
	.prepare = prepare,
	.add = add,
	.remove = remove_all,
};
