/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/create_subnets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "netavark/ipam.h"

#define IPV6_TRIES 10000

/* ---- free ones ---- */

/* A used subnet that overlaps this one, or NULL. */
static const struct prefix *find_used(const struct create *c, const struct prefix *p)
{
	for (size_t i = 0; i < c->n_used_subnets; i++)
		if (prefix_overlaps(&c->used_subnets[i], p))
			return &c->used_subnets[i];
	return NULL;
}

static void add_subnet(struct create *c, const struct prefix *p)
{
	struct network_setup *net = &c->net;
	struct subnet *list = arena_alloc(c->arena, (net->n_subnets + 1) * sizeof(*list));

	if (net->n_subnets)
		memcpy(list, net->subnets, net->n_subnets * sizeof(*list));
	list[net->n_subnets++] = (struct subnet){.net = *p};
	net->subnets = list;
	net->has_subnets = true;
}

static uint64_t ipv4_number(const struct addr *a)
{
	uint32_t n;

	memcpy(&n, a->bytes, sizeof(n));
	return ntohl(n);
}

static struct prefix ipv4_prefix(uint64_t number, uint32_t len)
{
	uint32_t n = htonl((uint32_t)number);
	struct prefix p = {{.family = AF_INET}, (uint8_t)len};

	memcpy(p.addr.bytes, &n, sizeof(n));
	return p;
}

/*
 * The first free subnet of one pool; *out_found is false if there is none. Steps over a used subnet at
 * once, however much of the pool it covers, so there are no more steps than used subnets.
 */
static int search_pool(const struct create *c, const struct subnet_pool *pool, struct prefix *out,
		       bool *out_found, struct error *err)
{
	const struct prefix base = prefix_masked(&pool->base);
	const struct addr last = prefix_last(&base);
	uint64_t at = ipv4_number(&base.addr), end = ipv4_number(&last) + 1;

	*out_found = false;
	if (pool->size == 0 || pool->size > 32 || pool->size < base.len)
		return fail(err, EINVAL,
			    "Failed to create network from pool: invalid IP prefix length");
	const uint64_t step = 1ull << (32 - pool->size);
	while (at < end) {
		struct prefix p = ipv4_prefix(at, pool->size);
		const struct prefix *used = c->compares_subnets ? find_used(c, &p) : NULL;

		if (!used) {
			*out = p;
			*out_found = true;
			return 0;
		}
		const struct addr used_last = prefix_last(used);
		uint64_t beyond = ipv4_number(&used_last) + 1;
		at = beyond > at + step ? beyond : at + step;
	}
	if (end > UINT32_MAX)
		return fail(err, ERANGE, "Subnet address overflow");
	return 0;
}

int create_subnets_add_ipv4(struct create *c, struct error *err)
{
	int r = fail(err, ENOSPC, "could not find free subnet from subnet pools");

	for (size_t i = 0; i < c->n_pools; i++) {
		struct prefix p;
		struct error bad;
		bool found;

		if (c->pools[i].base.addr.family != AF_INET)
			continue;
		if (search_pool(c, &c->pools[i], &p, &found, &bad) < 0) {
			*err = bad;
			r = -bad.code;
		} else if (found) {
			add_subnet(c, &p);
			return 0;
		}
	}
	return r;
}

int create_subnets_add_ipv6(struct create *c, struct error *err)
{
	struct prefix p = {{.family = AF_INET6, .bytes = {0xfd}}, 64};

	for (int i = 0; i < IPV6_TRIES; i++) {
		c->random(p.addr.bytes + 1, 7);
		if (find_used(c, &p))
			continue;
		add_subnet(c, &p);
		return 0;
	}
	return fail(err, ENOSPC, "failed to get random ipv6 subnet");
}

/* ---- complete ones ---- */

static int add_gateway(struct subnet *s, struct error *err)
{
	bool ipv4 = s->net.addr.family == AF_INET;
	int too_long = ipv4 ? 31 : 128;
	struct prefix masked = prefix_masked(&s->net);

	if (s->net.len >= too_long)
		return fail(err, EINVAL,
			    "could not create gateway for subnet %s because it has a %d or greater "
			    "subnet prefix",
			    prefix_str(&s->net), too_long);
	s->gateway = addr_plus(&masked.addr, 1);
	return 0;
}

static int complete(struct create *c, struct subnet *s, struct error *err)
{
	int r = 0;

	if (c->compares_subnets && find_used(c, &s->net))
		return fail(err, EEXIST,
			    "subnet %s is already used on the host or by another config",
			    prefix_str(&s->net));
	if (s->gateway.family)
		r = ipam_check_gateway(s, false, err);
	else if (!c->net.internal || c->net.dns_enabled)
		r = add_gateway(s, err);
	if (s->net.addr.family == AF_INET6)
		c->net.ipv6_enabled = true;
	return r < 0 ? r : ipam_check_range(s, false, err);
}

int create_subnets_complete(struct create *c, struct error *err)
{
	int r = ipam_check_overlaps(&c->net, err);

	for (size_t i = 0; r == 0 && i < c->net.n_subnets; i++)
		r = complete(c, &c->net.subnets[i], err);
	return r;
}
