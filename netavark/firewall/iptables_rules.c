/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/firewall/iptables_rules.h"

#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter.h>

#include "common/cleanup.h"
#include "common/text.h"

#define DNS_PORT     53
#define MARK_HAIRPIN 0x2000u /* packet mark: masquerade it, it comes back to its own network */
#define PORTS_CHAIN  "NETAVARK-DN-"
#define COMMENT_MAX  255 /* bytes of a comment in the kernel, without the NUL */

const char *const iptables_rules_filter_chains[] = {IPT_INPUT, IPT_FORWARD, IPT_OUTPUT, NULL};
const char *const iptables_rules_nat_chains[] = {IPT_PREROUTING, IPT_INPUT, IPT_OUTPUT,
						 IPT_POSTROUTING, NULL};

const struct table *iptables_rules_filter_table(int family)
{
	static const struct table filter4 = {.family = NFPROTO_IPV4, .name = "filter", .xt = true},
				  filter6 = {.family = NFPROTO_IPV6, .name = "filter", .xt = true};

	return family == AF_INET ? &filter4 : &filter6;
}

const struct table *iptables_rules_nat_table(int family)
{
	static const struct table nat4 = {.family = NFPROTO_IPV4, .name = "nat", .xt = true},
				  nat6 = {.family = NFPROTO_IPV6, .name = "nat", .xt = true};

	return family == AF_INET ? &nat4 : &nat6;
}

char *iptables_rules_chain(const struct fw_network *net, struct arena *a)
{
	return arena_printf(a, "NETAVARK-%s", net->hash_name);
}

char *iptables_rules_ports_chain(const struct fw_network *net, struct arena *a)
{
	return arena_printf(a, PORTS_CHAIN "%s", net->hash_name);
}

bool iptables_rules_is_ports_chain(const char *name, const struct fw_network *net)
{
	return text_starts_with(name, PORTS_CHAIN) &&
	       strcmp(name + strlen(PORTS_CHAIN), net->hash_name) == 0;
}

/* Multicast is not for anybody outside, so it keeps the container's address. */
static struct prefix multicast(int family)
{
	if (family == AF_INET)
		return (struct prefix){{AF_INET, {224}}, 4};
	return (struct prefix){{AF_INET6, {0xff}}, 8};
}

static struct prefix host_prefix(const struct addr *a)
{
	return (struct prefix){*a, a->family ? prefix_max_len(a->family) : 0};
}

static void add_chains(struct ruleset *out, const struct chain *chains, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ruleset_add_chain(out, chains[i]);
}

/* ---- the network: table filter ---- */

static bool has_subnet(const struct fw_network *net, int family)
{
	for (size_t i = 0; i < net->n_subnets; i++)
		if (net->subnets[i].addr.family == family)
			return true;
	return false;
}

static void accept_dns(const struct fw_network *net, const struct prefix *s, uint8_t proto,
		       struct ruleset *out)
{
	ruleset_add(out, (struct rule){.chain = IPT_NETAVARK_INPUT,
				       .saddr = *s,
				       .proto = proto,
				       .dport = net->dns_port,
				       .verdict = VERDICT_ACCEPT});
}

static void filter_subnet(const struct fw_network *net, const struct prefix *subnet,
			  struct ruleset *out)
{
	struct prefix s = prefix_masked(subnet);

	accept_dns(net, &s, IPPROTO_UDP, out);
	accept_dns(net, &s, IPPROTO_TCP, out);
	if (net->internal)
		return;
	ruleset_add(out, (struct rule){.chain = IPT_NETAVARK_FORWARD,
				       .daddr = s,
				       .ct_state = CT_ESTABLISHED | CT_RELATED,
				       .verdict = VERDICT_ACCEPT});
	ruleset_add(out, (struct rule){.chain = IPT_NETAVARK_FORWARD,
				       .saddr = s,
				       .verdict = VERDICT_ACCEPT});
}

void iptables_rules_filter(const struct fw_network *net, int family, struct ruleset *out)
{
	static const struct chain chains[] = {
		{IPT_INPUT, "filter", NF_INET_LOCAL_IN, 0},
		{IPT_FORWARD, "filter", NF_INET_FORWARD, 0},
		{.name = IPT_NETAVARK_INPUT},
		{.name = IPT_NETAVARK_FORWARD},
	};
	static const struct rule rules[] = {
		{.chain = IPT_FORWARD,
		 .position = BEFORE_REST,
		 .comment = IPT_COMMENT,
		 .verdict = VERDICT_JUMP,
		 .target = IPT_NETAVARK_FORWARD},
		{.chain = IPT_INPUT,
		 .position = AT_HEAD,
		 .comment = IPT_COMMENT,
		 .verdict = VERDICT_JUMP,
		 .target = IPT_NETAVARK_INPUT},
		{.chain = IPT_NETAVARK_FORWARD,
		 .position = AT_HEAD,
		 .ct_state = CT_INVALID,
		 .verdict = VERDICT_DROP},
	};

	if (!has_subnet(net, family))
		return;
	add_chains(out, chains, array_size(chains));
	for (size_t i = 0; i < array_size(rules); i++)
		ruleset_add(out, rules[i]);
	for (size_t i = 0; i < net->n_subnets; i++)
		if (net->subnets[i].addr.family == family)
			filter_subnet(net, &net->subnets[i], out);
}

void iptables_rules_isolation(const struct fw_network *net, int family, struct ruleset *out)
{
	static const struct chain chains[] = {
		{.name = IPT_ISOLATION_2},
		{.name = IPT_ISOLATION_3},
		{.name = IPT_ISOLATION_1}, /* only where something is isolated */
	};
	bool isolated = net->isolation != ISOLATION_NEVER;
	const char *b = net->bridge;

	if (!has_subnet(net, family))
		return;
	add_chains(out, chains, isolated ? 3 : 2);
	if (isolated) {
		ruleset_add(out, (struct rule){.chain = IPT_ISOLATION_1,
					       .position = AT_HEAD,
					       .iif = b,
					       .oif = b,
					       .not_oif = true,
					       .verdict = VERDICT_JUMP,
					       .target = net->isolation == ISOLATION_STRICT
								 ? IPT_ISOLATION_3
								 : IPT_ISOLATION_2});
	}
	ruleset_add(out, (struct rule){.chain = isolated ? IPT_ISOLATION_2 : IPT_ISOLATION_3,
				       .position = AT_HEAD,
				       .oif = b,
				       .verdict = VERDICT_DROP});
	/* Behind all drops of its chain. */
	ruleset_add(out, (struct rule){.chain = IPT_ISOLATION_3,
				       .verdict = VERDICT_JUMP,
				       .target = IPT_ISOLATION_2});
}

struct rule iptables_rules_isolated(int family)
{
	return (struct rule){.table = iptables_rules_filter_table(family),
			     .chain = IPT_FORWARD,
			     .position = AT_HEAD,
			     .verdict = VERDICT_JUMP,
			     .target = IPT_ISOLATION_1};
}

/* ---- the network: table nat ---- */

static void nat_subnet(const struct fw_network *net, const struct prefix *subnet, const char *chain,
		       struct ruleset *out)
{
	struct prefix s = prefix_masked(subnet);
	const struct addr *outbound = s.addr.family == AF_INET ? &net->outbound4 : &net->outbound6;

	ruleset_add(out, (struct rule){.chain = chain, .daddr = s, .verdict = VERDICT_ACCEPT});
	ruleset_add(out,
		    (struct rule){.chain = chain,
				  .daddr = multicast(s.addr.family),
				  .not_daddr = true,
				  .verdict = outbound->family ? VERDICT_SNAT : VERDICT_MASQUERADE,
				  .to_addr = *outbound});
	ruleset_add(out, (struct rule){.chain = IPT_POSTROUTING,
				       .saddr = s,
				       .verdict = VERDICT_JUMP,
				       .target = chain});
}

void iptables_rules_nat(const struct fw_network *net, int family, struct ruleset *out)
{
	char *chain = iptables_rules_chain(net, out->arena);

	if (net->internal || !has_subnet(net, family))
		return;
	ruleset_add_chain(out, (struct chain){IPT_POSTROUTING, "nat", NF_INET_POST_ROUTING, 100});
	ruleset_add_chain(out, (struct chain){.name = chain});
	for (size_t i = 0; i < net->n_subnets; i++)
		if (net->subnets[i].addr.family == family)
			nat_subnet(net, &net->subnets[i], chain, out);
}

/* ---- ports ---- */

static const struct addr *container_address(const struct fw_intent *in, int family)
{
	return family == AF_INET ? &in->me.ip4 : &in->me.ip6;
}

void iptables_rules_ports_base(const struct fw_intent *in, int family, struct ruleset *out)
{
	static const struct chain chains[] = {
		{IPT_PREROUTING, "nat", NF_INET_PRE_ROUTING, -100},
		{IPT_OUTPUT, "nat", NF_INET_LOCAL_OUT, -100},
		{IPT_POSTROUTING, "nat", NF_INET_POST_ROUTING, 100},
		{.name = IPT_SETMARK},
		{.name = IPT_MASQ},
		{.name = IPT_DNAT},
	};
	static const struct rule rules[] = {
		{.chain = IPT_SETMARK, .set_mark = MARK_HAIRPIN},
		{.chain = IPT_MASQ,
		 .comment = "netavark portfw masq mark",
		 .mark = MARK_HAIRPIN,
		 .verdict = VERDICT_MASQUERADE},
		{.chain = IPT_POSTROUTING,
		 .position = AT_HEAD,
		 .verdict = VERDICT_JUMP,
		 .target = IPT_MASQ},
		{.chain = IPT_PREROUTING,
		 .local = true,
		 .verdict = VERDICT_JUMP,
		 .target = IPT_DNAT},
		{.chain = IPT_OUTPUT, .local = true, .verdict = VERDICT_JUMP, .target = IPT_DNAT},
	};

	if (!container_address(in, family)->family)
		return;
	add_chains(out, chains, array_size(chains));
	for (size_t i = 0; i < array_size(rules); i++)
		ruleset_add(out, rules[i]);
}

static void redirect(const struct addr *gw, uint8_t proto, uint16_t port, struct ruleset *out)
{
	ruleset_add(out, (struct rule){.chain = IPT_DNAT,
				       .position = AT_HEAD,
				       .daddr = host_prefix(gw),
				       .proto = proto,
				       .dport = DNS_PORT,
				       .verdict = VERDICT_DNAT,
				       .to_addr = *gw,
				       .to_port = port});
}

void iptables_rules_dns(const struct fw_intent *in, int family, struct ruleset *out)
{
	if (in->net.dns_port == DNS_PORT || !container_address(in, family)->family)
		return;
	for (size_t i = 0; i < in->me.n_dns_servers; i++) {
		if (in->me.dns_servers[i].family != family)
			continue;
		redirect(&in->me.dns_servers[i], IPPROTO_UDP, in->net.dns_port, out);
		redirect(&in->me.dns_servers[i], IPPROTO_TCP, in->net.dns_port, out);
	}
}

/* The name gives way if both do not fit: the id is what a teardown looks for. */
static char *comment_of(const struct fw_ports *me, struct arena *a)
{
	char *tail = arena_printf(a, " id: %s", me->container_id);
	int room = COMMENT_MAX - (int)strlen("dnat name: ") - (int)strlen(tail);

	return arena_printf(a, "dnat name: %.*s%s", room > 0 ? room : 0, me->network_name, tail);
}

bool iptables_rules_is_of(const char *comment, const char *container_id)
{
	static const char before[] = " id: ";
	size_t skip = strlen(before) + strlen(container_id);

	if (!comment || strlen(comment) < skip)
		return false;
	const char *tail = comment + strlen(comment) - skip;
	return text_starts_with(tail, before) && text_ends_with(tail, container_id);
}

/* One mapping: marks for what comes back, the DNAT, and the jump to them. */
static void rules_for_port(const struct fw_intent *in, const struct fw_port *p, int family,
			   int mapping, struct ruleset *out)
{
	static const struct addr localhost4 = {AF_INET, {127, 0, 0, 1}},
				 localhost6 = {AF_INET6, {[15] = 1}};
	const struct fw_ports *me = &in->me;
	uint16_t more = p->range > 1 ? (uint16_t)(p->range - 1) : 0;
	struct rule match = {
		.chain = iptables_rules_ports_chain(&in->net, out->arena),
		.mapping = mapping,
		.daddr = host_prefix(&p->host_addr),
		.proto = p->proto,
		.dport = p->host_port,
		.dport_last = more ? (uint16_t)(p->host_port + more) : 0,
		.verdict = VERDICT_JUMP,
	};
	struct rule r = match;

	r.target = IPT_SETMARK;
	r.saddr = family == AF_INET ? me->subnet4 : me->subnet6;
	ruleset_add(out, r);
	r.saddr = host_prefix(family == AF_INET ? &localhost4 : &localhost6);
	ruleset_add(out, r);
	r = match;
	r.verdict = VERDICT_DNAT;
	r.to_addr = *container_address(in, family);
	r.to_port = p->container_port;
	r.to_port_last = more ? (uint16_t)(p->container_port + more) : 0;
	ruleset_add(out, r);
	r = match;
	r.target = match.chain;
	r.chain = IPT_DNAT;
	r.daddr = (struct prefix){0};
	r.comment = comment_of(me, out->arena);
	ruleset_add(out, r);
}

void iptables_rules_ports(const struct fw_intent *in, int family, struct ruleset *out)
{
	const struct fw_ports *me = &in->me;

	if (!me->has_ports || in->net.internal || !container_address(in, family)->family)
		return;
	ruleset_add_chain(out,
			  (struct chain){.name = iptables_rules_ports_chain(&in->net, out->arena)});
	for (size_t i = 0; i < me->n_ports; i++)
		if (family == AF_INET ? me->ports[i].ipv4 : me->ports[i].ipv6)
			rules_for_port(in, &me->ports[i], family, (int)i + 1, out);
}
