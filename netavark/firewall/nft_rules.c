/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/firewall/nft_rules.h"

#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter.h>

#include "common/cleanup.h"

#define DNS_PORT 53

const struct table nft_rules_table = {.family = NFPROTO_INET, .name = NFT_TABLE};
const struct table nft_rules_guard_table = {.family = NFPROTO_INET, .name = NFT_GUARD};

char *nft_chain_name(const char *network_id, const struct prefix *subnet, const char *suffix,
		     struct arena *a)
{
	struct prefix masked = prefix_masked(subnet);
	struct addr_text text = addr_print(&masked.addr);

	for (char *p = text.s; *p; p++)
		*p = *p == '.' ? '_' : *p == ':' ? '-' : *p;
	return arena_printf(a, "nv_%.8s_%s_nm%u%s", network_id, text.s, masked.len, suffix);
}

void nft_rules_base(struct ruleset *out)
{
	static const struct chain chains[] = {
		{NFT_INPUT, "filter", NF_INET_LOCAL_IN, 0},
		{NFT_FORWARD, "filter", NF_INET_FORWARD, 0},
		{NFT_POSTROUTING, "nat", NF_INET_POST_ROUTING, 100},
		{NFT_PREROUTING, "nat", NF_INET_PRE_ROUTING, -100},
		{NFT_OUTPUT, "nat", NF_INET_LOCAL_OUT, -100},
		{.name = NFT_DNAT},
		{.name = NFT_SETMARK},
		{.name = NFT_ISOLATION_1},
		{.name = NFT_ISOLATION_2},
		{.name = NFT_ISOLATION_3},
	};
	static const struct rule rules[] = {
		{.chain = NFT_POSTROUTING,
		 .position = AT_HEAD,
		 .mark = NFT_MARK_HAIRPIN,
		 .verdict = VERDICT_MASQUERADE},
		{.chain = NFT_SETMARK, .set_mark = NFT_MARK_HAIRPIN},
		{.chain = NFT_PREROUTING,
		 .local = true,
		 .verdict = VERDICT_JUMP,
		 .target = NFT_DNAT},
		{.chain = NFT_OUTPUT, .local = true, .verdict = VERDICT_JUMP, .target = NFT_DNAT},
		{.chain = NFT_FORWARD,
		 .position = AT_HEAD,
		 .ct_state = CT_INVALID,
		 .verdict = VERDICT_DROP},
		{.chain = NFT_FORWARD,
		 .position = BEFORE_REST,
		 .ct_mark = NFT_MARK_DNAT,
		 .verdict = VERDICT_ACCEPT},
		{.chain = NFT_FORWARD,
		 .position = BEFORE_REST,
		 .verdict = VERDICT_JUMP,
		 .target = NFT_ISOLATION_1},
		{.chain = NFT_ISOLATION_3, .verdict = VERDICT_JUMP, .target = NFT_ISOLATION_2},
	};

	for (size_t i = 0; i < array_size(chains); i++)
		ruleset_add_chain(out, chains[i]);
	for (size_t i = 0; i < array_size(rules); i++)
		ruleset_add(out, rules[i]);
}

/* Multicast is not for anybody outside, so it keeps the container's address. */
static struct prefix multicast(int family)
{
	if (family == AF_INET)
		return (struct prefix){{AF_INET, {224}}, 4};
	return (struct prefix){{AF_INET6, {0xff}}, 8};
}

static void rules_for_subnet(const struct fw_network *net, const struct prefix *subnet,
			     struct ruleset *out)
{
	struct prefix s = prefix_masked(subnet);
	char *chain = nft_chain_name(net->id, &s, "", out->arena);
	const struct addr *outbound = s.addr.family == AF_INET ? &net->outbound4 : &net->outbound6;
	struct rule leave = {
		.chain = chain,
		.daddr = multicast(s.addr.family),
		.not_daddr = true,
		.verdict = outbound->family ? VERDICT_SNAT : VERDICT_MASQUERADE,
		.to_addr = *outbound,
	};

	ruleset_add_chain(out, (struct chain){.name = chain});
	if (!net->internal) {
		ruleset_add(out,
			    (struct rule){.chain = chain, .daddr = s, .verdict = VERDICT_ACCEPT});
		ruleset_add(out, leave);
	}
	ruleset_add(out, (struct rule){.chain = NFT_INPUT,
				       .saddr = s,
				       .tcp_and_udp = true,
				       .dport = DNS_PORT,
				       .verdict = VERDICT_ACCEPT});
	if (net->internal)
		return;
	ruleset_add(out, (struct rule){.chain = NFT_FORWARD,
				       .daddr = s,
				       .ct_state = CT_ESTABLISHED | CT_RELATED,
				       .verdict = VERDICT_ACCEPT});
	ruleset_add(out,
		    (struct rule){.chain = NFT_FORWARD, .saddr = s, .verdict = VERDICT_ACCEPT});
	ruleset_add(out, (struct rule){.chain = NFT_POSTROUTING,
				       .saddr = s,
				       .verdict = VERDICT_JUMP,
				       .target = chain});
}

void nft_rules_network(const struct fw_network *net, struct ruleset *out)
{
	for (size_t i = 0; i < net->n_subnets; i++)
		rules_for_subnet(net, &net->subnets[i], out);
}

void nft_rules_isolation(const struct fw_network *net, struct ruleset *out)
{
	const char *b = net->bridge;

	if (net->isolation == ISOLATION_NEVER) {
		/* In front of the jump that must stay last. */
		ruleset_add(out, (struct rule){.chain = NFT_ISOLATION_3,
					       .position = AT_HEAD,
					       .oif = b,
					       .verdict = VERDICT_DROP});
		return;
	}
	ruleset_add(out,
		    (struct rule){.chain = NFT_ISOLATION_1,
				  .iif = b,
				  .oif = b,
				  .not_oif = true,
				  .verdict = VERDICT_JUMP,
				  .target = net->isolation == ISOLATION_STRICT ? NFT_ISOLATION_3
									       : NFT_ISOLATION_2});
	ruleset_add(out,
		    (struct rule){.chain = NFT_ISOLATION_2, .oif = b, .verdict = VERDICT_DROP});
}

bool nft_is_isolation_of(const struct rule *r, const char *bridge)
{
	return (r->iif && strcmp(r->iif, bridge) == 0) || (r->oif && strcmp(r->oif, bridge) == 0);
}

/*
 * A bridge with route_localnet takes packets to 127.0.0.0/8, so a container that routes them there
 * would reach services that the host means for itself alone. What was translated to such an address
 * has come to a published port of somebody.
 */
void nft_rules_guard(struct ruleset *out)
{
	static const struct chain chain = {NFT_INPUT, "filter", NF_INET_LOCAL_IN, -1};
	struct rule r = {.chain = NFT_INPUT,
			 .iif = "lo",
			 .not_iif = true,
			 .daddr = {{AF_INET, {127}}, 8},
			 .ct_state = CT_NEW,
			 .ct_dnat = true,
			 .verdict = VERDICT_ACCEPT};

	ruleset_add_chain(out, chain);
	ruleset_add(out, r);
	r.ct_dnat = false;
	r.verdict = VERDICT_DROP;
	ruleset_add(out, r);
}

static const struct addr *container_address(const struct fw_ports *me, int family)
{
	return family == AF_INET ? &me->ip4 : &me->ip6;
}

static struct prefix host_prefix(const struct addr *a)
{
	return (struct prefix){*a, a->family ? prefix_max_len(a->family) : 0};
}

void nft_rules_dns(const struct fw_intent *in, struct ruleset *out)
{
	for (size_t i = 0; in->net.dns_port != DNS_PORT && i < in->me.n_dns_servers; i++) {
		const struct addr *gw = &in->me.dns_servers[i];

		if (!container_address(&in->me, gw->family)->family)
			continue;
		ruleset_add(out, (struct rule){.chain = NFT_DNAT,
					       .position = AT_HEAD,
					       .daddr = host_prefix(gw),
					       .tcp_and_udp = true,
					       .dport = DNS_PORT,
					       .verdict = VERDICT_DNAT,
					       .to_addr = *gw,
					       .to_port = in->net.dns_port});
	}
}

/* One mapping in one family: a jump to the chain, marks for what comes back, and the DNAT. */
static void rules_for_port(const struct fw_port *p, const struct addr *container,
			   const struct prefix *subnet, const char *chain, int mapping,
			   struct ruleset *out)
{
	static const struct addr localhost = {AF_INET, {127, 0, 0, 1}};
	uint16_t count = p->range ? p->range : 1;
	struct rule match =
			    {
				    .chain = chain,
				    .mapping = mapping,
				    .daddr = host_prefix(&p->host_addr),
				    .proto = p->proto,
				    .dport = p->host_port,
				    .dport_last =
					    count > 1 ? (uint16_t)(p->host_port + count - 1) : 0,
				    .verdict = VERDICT_JUMP,
			    },
		    r = match;

	r.chain = NFT_DNAT;
	r.target = chain;
	ruleset_add(out, r);
	r = match;
	r.target = NFT_SETMARK;
	r.saddr = *subnet;
	ruleset_add(out, r);
	if (container->family == AF_INET) {
		r.saddr = host_prefix(&localhost);
		ruleset_add(out, r);
	}
	r = match;
	r.dport_last = 0;
	r.set_ct_mark = NFT_MARK_DNAT;
	r.verdict = VERDICT_DNAT;
	r.to_addr = *container;
	for (uint16_t i = 0; i < count; i++) {
		r.dport = (uint16_t)(p->host_port + i);
		r.to_port = (uint16_t)(p->container_port + i);
		ruleset_add(out, r);
	}
}

static void rules_for_family(const struct fw_intent *in, const struct addr *container,
			     const struct prefix *subnet, struct ruleset *out)
{
	const struct fw_ports *me = &in->me;

	if (!container->family)
		return;
	char *chain = nft_chain_name(in->net.id, subnet, "_dnat", out->arena);
	ruleset_add_chain(out, (struct chain){.name = chain});
	for (size_t i = 0; i < me->n_ports; i++)
		if (container->family == AF_INET ? me->ports[i].ipv4 : me->ports[i].ipv6)
			rules_for_port(&me->ports[i], container, subnet, chain,
				       (int)i * 2 + (container->family == AF_INET ? 1 : 2), out);
}

void nft_rules_ports(const struct fw_intent *in, struct ruleset *out)
{
	if (!in->me.has_ports || in->net.internal)
		return;
	size_t first = out->n_rules;
	rules_for_family(in, &in->me.ip4, &in->me.subnet4, out);
	rules_for_family(in, &in->me.ip6, &in->me.subnet6, out);
	for (size_t i = first; in->extras.comments && i < out->n_rules; i++)
		out->rules[i].note = arena_printf(out->arena, "ctr=%.12s net=%.80s",
						  in->me.container_id, in->me.network_name);
}
