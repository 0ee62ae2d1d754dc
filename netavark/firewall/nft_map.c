/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::nft"
#include "netavark/firewall/nft_map.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "common/log.h"
#include "common/text.h"
#include "netavark/firewall/nft_rules.h"

#define DNAT "DNAT"

static const struct map any4 = {"any4", AF_INET, false}, host4 = {"host4", AF_INET, true},
			any6 = {"any6", AF_INET6, false}, host6 = {"host6", AF_INET6, true};

/* In the order of the rules: a port of one address comes before that of any address. */
static const struct map *const maps[] = {&host4, &any4, &host6, &any6, NULL};
#define N_MAPS (array_size(maps) - 1)

const struct table nft_map_table = {.family = NFPROTO_INET, .name = NFT_MAP_TABLE, .maps = maps};

/* ---- rules and elements ---- */

/* One step before upstream's chains: what is in a map never walks their rules. */
void nft_map_base(struct ruleset *out)
{
	static const struct chain chains[] = {
		{NFT_PREROUTING, "nat", NF_INET_PRE_ROUTING, -101},
		{NFT_OUTPUT, "nat", NF_INET_LOCAL_OUT, -101},
		{.name = DNAT},
		{NFT_POSTROUTING, "nat", NF_INET_POST_ROUTING, 99},
		{NFT_FORWARD, "filter", NF_INET_FORWARD, -1},
	};
	const struct rule rules[] = {
		{.chain = NFT_PREROUTING, .local = true, .verdict = VERDICT_JUMP, .target = DNAT},
		{.chain = NFT_OUTPUT, .local = true, .verdict = VERDICT_JUMP, .target = DNAT},
		{.chain = NFT_POSTROUTING,
		 .saddr = {{AF_INET, {127}}, 8},
		 .ct_dnat = true,
		 .verdict = VERDICT_MASQUERADE},
		{.chain = NFT_FORWARD,
		 .ct_state = CT_NEW,
		 .ct_dnat = true,
		 .add_ct_mark = NFT_MARK_DNAT},
	};

	for (size_t i = 0; i < array_size(chains); i++)
		ruleset_add_chain(out, chains[i]);
	for (size_t i = 0; i < array_size(rules); i++)
		ruleset_add(out, rules[i]);
	for (size_t i = 0; i < N_MAPS; i++)
		ruleset_add(out,
			    (struct rule){.chain = DNAT, .verdict = VERDICT_DNAT, .map = maps[i]});
}

/* What comes back to its own network must pass the host on the way back, too. */
void nft_map_network(const struct fw_intent *in, struct ruleset *out)
{
	for (size_t i = 0; i < in->net.n_subnets; i++) {
		struct prefix s = prefix_masked(&in->net.subnets[i]);

		ruleset_add(out, (struct rule){.chain = NFT_POSTROUTING,
					       .saddr = s,
					       .daddr = s,
					       .ct_dnat = true,
					       .verdict = VERDICT_MASQUERADE});
	}
}

static bool has_ports(const struct fw_intent *in)
{
	return in->me.has_ports && in->me.n_ports && !in->net.internal;
}

static bool applies(const struct fw_intent *in, const struct fw_port *p, int family)
{
	return family == AF_INET ? p->ipv4 && in->me.ip4.family : p->ipv6 && in->me.ip6.family;
}

static size_t add_port(const struct fw_intent *in, const struct fw_port *p, int family,
		       struct arena *a, struct element **list, size_t n)
{
	unsigned int count = p->range ? p->range : 1;
	struct element e = {
		.map = family == AF_INET ? (p->host_addr.family ? &host4 : &any4)
					 : (p->host_addr.family ? &host6 : &any6),
		.host_addr = p->host_addr,
		.proto = p->proto,
		.to = family == AF_INET ? in->me.ip4 : in->me.ip6,
	};

	for (unsigned int i = 0; i < count; i++) {
		e.port = (uint16_t)(p->host_port + i);
		e.to_port = (uint16_t)(p->container_port + i);
		*list = arena_grow(a, *list, n, sizeof(e));
		(*list)[n++] = e;
	}
	return n;
}

size_t nft_map_elements(const struct fw_intent *in, struct arena *a, struct element **out)
{
	size_t n = 0;

	*out = NULL;
	for (size_t i = 0; has_ports(in) && i < in->me.n_ports; i++) {
		if (applies(in, &in->me.ports[i], AF_INET))
			n = add_port(in, &in->me.ports[i], AF_INET, a, out, n);
		if (applies(in, &in->me.ports[i], AF_INET6))
			n = add_port(in, &in->me.ports[i], AF_INET6, a, out, n);
	}
	return n;
}

static void print_map(struct text *t, const struct map *map, const struct element *list, size_t n)
{
	const char *address = map->family == AF_INET ? "ipv4_addr" : "ipv6_addr", *comma = "";

	text_printf(t, "\tmap %s {\n\t\ttype %s%sinet_proto . inet_service : %s . inet_service\n",
		    map->name, map->by_host ? address : "", map->by_host ? " . " : "", address);
	for (size_t i = 0; i < n; i++) {
		if (list[i].map != map)
			continue;
		text_printf(t, "%s%s", *comma ? comma : "\t\telements = { ",
			    element_print(&list[i], t->arena));
		comma = ",\n\t\t\t     ";
	}
	text_printf(t, "%s\t}\n\n", *comma ? " }\n" : "");
}

char *nft_map_print(const struct ruleset *set, const struct element *list, size_t n)
{
	const char *table = ruleset_print(set, NFT_MAP_TABLE), *body = strchr(table, '\n') + 1;
	struct text t = text_new(set->arena);

	text_add_bytes(&t, table, (size_t)(body - table));
	for (size_t i = 0; i < N_MAPS; i++)
		print_map(&t, maps[i], list, n);
	text_add(&t, body);
	return t.s;
}

/* ---- where a container's ports stand ---- */

void nft_map_choose(struct fw_intent *in, size_t n, size_t in_rules)
{
	struct arena a = {0};
	struct element *list;

	for (size_t i = 0; i < n; i++)
		in_rules += nft_map_elements(&in[i], &a, &list);
	for (size_t i = 0; i < n; i++)
		if (in[i].extras.layout == LAYOUT_AUTO)
			in[i].extras.layout =
				in_rules > NFT_MAP_LIMIT ? LAYOUT_MAP : LAYOUT_UPSTREAM;
	arena_release(&a);
}

/* ---- what is there ---- */

static int compare_keys(const struct element *a, const struct element *b)
{
	int r = a->map == b->map ? 0 : a->map < b->map ? -1 : 1;

	if (r == 0)
		r = addr_compare(&a->host_addr, &b->host_addr);
	if (r == 0)
		r = (int)a->proto - (int)b->proto;
	return r ? r : (int)a->port - (int)b->port;
}

static int compare_elements(const void *a, const void *b)
{
	return compare_keys(a, b);
}

static bool same_target(const struct element *a, const struct element *b)
{
	return addr_equal(&a->to, &b->to) && a->to_port == b->to_port;
}

struct live {
	struct element *list; /* of all maps, by key */
	size_t n, n_deleted;
};

static int read_live(struct job *j, struct live *out, struct error *err)
{
	bool table;
	int r = job_has_table(j, &nft_map_table, &table, err);

	*out = (struct live){0};
	for (size_t i = 0; r == 0 && table && i < N_MAPS; i++) {
		struct element *list;
		size_t n;

		r = j->kernel->read_map(j->k, &nft_map_table, maps[i], &list, &n, err);
		for (size_t k = 0; r == 0 && k < n; k++) {
			out->list = arena_grow(j->arena, out->list, out->n, sizeof(*list));
			out->list[out->n++] = list[k];
		}
	}
	if (r == 0 && out->n)
		qsort(out->list, out->n, sizeof(*out->list), compare_elements);
	return r;
}

static void push_element(struct job *j, enum op_kind kind, const struct element *e)
{
	job_push(j, (struct op){.kind = kind, .table = &nft_map_table, .element = *e});
}

/* ---- adding ---- */

struct wish {
	struct element element;
	const struct fw_intent *in;
	size_t turn; /* of two that want the same port the first one gets it */
};

static int compare_wishes(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;
	int r = compare_keys(&x->element, &y->element);

	return r ? r : x->turn < y->turn ? -1 : x->turn > y->turn;
}

static struct wish *list_wishes(struct job *j, const struct fw_intent *in, size_t n, size_t *out_n)
{
	struct wish *list = NULL;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct element *elements;
		size_t k = 0, m = 0;

		if (in[i].extras.layout == LAYOUT_MAP)
			m = nft_map_elements(&in[i], j->arena, &elements);
		for (; k < m; k++) {
			list = arena_grow(j->arena, list, count, sizeof(*list));
			list[count] = (struct wish){elements[k], &in[i], count};
			count++;
		}
	}
	if (count)
		qsort(list, count, sizeof(*list), compare_wishes);
	*out_n = count;
	return list;
}

/* A port of somebody who is still there is not taken away; a leftover is. */
static void add_element(struct job *j, const struct wish *w, const struct element *there)
{
	if (there && same_target(there, &w->element))
		return;
	if (there) {
		const struct fw_forward f = {there->proto, there->host_addr, there->port,
					     there->to};

		if (!w->in->is_claimed || w->in->is_claimed(w->in->claims, "", &f)) {
			log_warn("host port %u is already forwarded to %s", f.host_port,
				 addr_str(&f.to));
			return;
		}
		push_element(j, OP_DELETE_ELEMENT, there);
	}
	push_element(j, OP_ADD_ELEMENT, &w->element);
}

static void add_elements(struct job *j, const struct wish *list, size_t n, const struct live *live)
{
	for (size_t i = 0; i < n; i++) {
		const struct wish *w = &list[i];

		if (i && compare_keys(&w[-1].element, &w->element) == 0) {
			if (w[-1].in != w->in)
				log_warn("host port %u is already forwarded to %s", w->element.port,
					 addr_str(&w[-1].element.to));
			continue;
		}
		add_element(j, w,
			    live->n ? bsearch(&w->element, live->list, live->n, sizeof(*live->list),
					      compare_elements)
				    : NULL);
	}
}

static int add_table(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	struct ruleset set = {.arena = j->arena, .table = &nft_map_table};
	bool there;
	int r = job_has_table(j, &nft_map_table, &there, err);

	nft_map_base(&set);
	for (size_t i = 0; i < n; i++)
		if (in[i].extras.layout == LAYOUT_MAP && has_ports(&in[i]))
			nft_map_network(&in[i], &set);
	if (r == 0)
		r = job_add_table(j, &nft_map_table, err);
	if (r == 0)
		r = job_add_chains(j, &set, err);
	for (size_t i = 0; r == 0 && !there && i < N_MAPS; i++)
		push_element(j, OP_ADD_MAP, &(struct element){.map = maps[i]});
	for (size_t i = 0; r == 0 && i < set.n_rules; i++)
		r = job_add_rule_if_missing(j, &set.rules[i], err);
	return r;
}

/* ---- removing ---- */

static bool leads_to(const struct element *e, const struct fw_intent *in)
{
	if (addr_equal(&e->to, &in->me.ip4) || addr_equal(&e->to, &in->me.ip6))
		return true;
	for (size_t i = 0; in->last_container && i < in->net.n_subnets; i++)
		if (prefix_contains(&in->net.subnets[i], &e->to))
			return true;
	return false;
}

static bool must_go(const struct element *e, const struct fw_intent *in, size_t n, bool converts)
{
	for (size_t i = 0; i < n; i++)
		if ((!converts || (in[i].converts && in[i].extras.layout == LAYOUT_UPSTREAM)) &&
		    leads_to(e, &in[i]))
			return true;
	return false;
}

static void remove_elements(struct job *j, const struct fw_intent *in, size_t n, bool converts,
			    struct live *live)
{
	size_t kept = 0;

	for (size_t i = 0; i < live->n; i++) {
		if (must_go(&live->list[i], in, n, converts))
			push_element(j, OP_DELETE_ELEMENT, &live->list[i]);
		else
			live->list[kept++] = live->list[i];
	}
	live->n_deleted = live->n - kept;
	live->n = kept;
}

static int remove_network(struct job *j, const struct fw_intent *in, struct error *err)
{
	struct ruleset set = {.arena = j->arena, .table = &nft_map_table};
	bool found;
	int r = 0;

	nft_map_network(in, &set);
	for (size_t i = 0; r == 0 && i < set.n_rules; i++)
		r = job_take(j, &set.rules[i], &found, err);
	return r;
}

/* Everything in the table is for its elements. */
static void remove_table(struct job *j, size_t first_op)
{
	j->ops.n = first_op;
	job_push(j, (struct op){.kind = OP_DELETE_TABLE, .table = &nft_map_table});
}

int nft_map_plan_remove(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	size_t first_op = j->ops.n;
	struct live live;
	bool there;
	int r = job_has_table(j, &nft_map_table, &there, err);

	if (r < 0 || !there)
		return r;
	r = read_live(j, &live, err);
	if (r < 0)
		return r;
	remove_elements(j, in, n, false, &live);
	if (!live.n) {
		remove_table(j, first_op);
		return 0;
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		if (in[i].last_container)
			r = remove_network(j, &in[i], err);
	return r;
}

int nft_map_plan_add(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	size_t n_wishes, first_op = j->ops.n;
	const struct wish *wishes = list_wishes(j, in, n, &n_wishes);
	bool converts = false;
	struct live live;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		converts |= in[i].converts && has_ports(&in[i]);
	if (!n_wishes && !converts)
		return 0;
	r = read_live(j, &live, err);
	if (r < 0)
		return r;
	remove_elements(j, in, n, true, &live);
	if (!n_wishes && !live.n && live.n_deleted) {
		remove_table(j, first_op);
		return 0;
	}
	r = n_wishes ? add_table(j, in, n, err) : 0;
	if (r == 0)
		add_elements(j, wishes, n_wishes, &live);
	return r;
}
