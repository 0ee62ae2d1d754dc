/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::iptables"
#include "netavark/firewall/iptables_legacy.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <libiptc/libip6tc.h>
#include <libiptc/libiptc.h>
#include <linux/netfilter.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "netavark/firewall/iptables_xt.h"

#define LOCK_SECONDS 60
#define TABLES_MAX   4

struct order { /* the rules of a chain that is being changed, as they stand now */
	const char *chain;
	uint64_t *handles; /* their numbers when they were read, from 1; 0: new */
	size_t n;
};

struct handle { /* a table as it was read, with the changes to come */
	const struct table *table;
	struct xtc_handle *h;
	struct order *orders;
	size_t n_orders;
};

struct legacy {
	struct arena *arena;
	int lock;     /* -1: not taken yet */
	bool refused; /* the last commit ended in EINVAL */
	struct handle tables[TABLES_MAX];
	size_t n_tables;
};

static bool is_ipv4(const struct table *t)
{
	return t->family == NFPROTO_IPV4;
}

static const struct xtc_ops *ops_of(const struct table *t)
{
	return is_ipv4(t) ? &iptc_ops : &ip6tc_ops;
}

static const char *prefix(const struct table *t)
{
	return is_ipv4(t) ? "iptables" : "ip6tables";
}

/* libiptc takes arrays of this size. */
static void label(xt_chainlabel out, const char *name)
{
	memset(out, 0, sizeof(xt_chainlabel));
	memcpy(out, name, strnlen(name, sizeof(xt_chainlabel) - 1));
}

bool iptables_legacy_has(const struct table *t)
{
	const char *path = is_ipv4(t) ? "/proc/net/ip_tables_names" : "/proc/net/ip6_tables_names";
	cleanup_fclose FILE *f = fopen(path, "re");
	char line[64];

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, t->name) == 0)
			return true;
	}
	return false;
}

/* ---- opening ---- */

static int legacy_open(void **out, struct arena *a, struct error *err)
{
	struct legacy *l = arena_alloc(a, sizeof(*l));
	int r = fault("iptables_open", err);

	*l = (struct legacy){.arena = a, .lock = -1};
	*out = l;
	return r < 0 ? wrap(err, "iptables") : 0;
}

static void forget(struct legacy *l)
{
	for (size_t i = 0; i < l->n_tables; i++)
		if (l->tables[i].h)
			ops_of(l->tables[i].table)->free(l->tables[i].h);
	l->n_tables = 0;
}

static void legacy_close(void *k)
{
	struct legacy *l = k;

	forget(l);
	cleanup_close_p(&l->lock);
	l->lock = -1;
}

static int legacy_begin(void *k, struct error *err)
{
	(void)err;
	forget(k);
	return 0;
}

static int legacy_find_table(void *k, const struct table *t, bool *out, struct error *err)
{
	(void)k;
	(void)err;
	*out = iptables_legacy_has(t);
	return 0;
}

/* Without the lock of all iptables the changes of one could be lost to another one. */
static int take_lock(struct legacy *l, struct error *err)
{
	const char *path = getenv("XTABLES_LOCKFILE");
	int r;

	if (l->lock >= 0)
		return 0;
	if (!path || !*path)
		path = "/run/xtables.lock";
	r = file_lock(path, LOCK_SECONDS, &l->lock, err);
	if (r == -ETIMEDOUT)
		return wrap(err, "iptables");
	if (r < 0)
		log_warn("%s, going on without the lock", err->text);
	return 0;
}

static int fail_table(struct error *err, int code, const char *what, const struct table *t)
{
	return fail(err, code, "%s: %s table %s: %s", prefix(t), what, t->name,
		    ops_of(t)->strerror(code));
}

/*
 * Where the tables are a module that nobody has used yet, iptables(8) executes modprobe. The kernel
 * does so itself when a device is asked for that does not exist (dev_load() in net/core/dev_ioctl.c).
 */
static void load_module(const struct table *t)
{
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq device = {0};

	snprintf(device.ifr_name, sizeof(device.ifr_name), "%s",
		 is_ipv4(t) ? "ip_tables" : "ip6_tables");
	log_debug("asking the kernel for its module %s", device.ifr_name);
	if (fd >= 0)
		(void)ioctl(fd, SIOCGIFFLAGS, &device);
}

static struct xtc_handle *read_table(const struct table *t)
{
	struct xtc_handle *h = ops_of(t)->init(t->name);

	if (h || errno != ENOPROTOOPT)
		return h;
	load_module(t);
	return ops_of(t)->init(t->name);
}

static int open_table(struct legacy *l, const struct table *t, struct handle **out,
		      struct error *err)
{
	for (size_t i = 0; i < l->n_tables; i++) {
		if (l->tables[i].table == t) {
			*out = &l->tables[i];
			return 0;
		}
	}
	int r = take_lock(l, err);
	if (r == 0)
		r = fault("iptables_read", err);
	if (r < 0)
		return wrap(err, "%s: read table %s", prefix(t), t->name);
	log_debug("%s: read table %s", prefix(t), t->name);
	struct xtc_handle *h = read_table(t);
	if (!h)
		return fail_table(err, errno ? errno : EPROTO, "read", t);
	*out = &l->tables[l->n_tables++];
	**out = (struct handle){.table = t, .h = h};
	return 0;
}

/* ---- entries: what both families have, each in a structure of its own ---- */

struct entry {
	const void *raw; /* struct ipt_entry or ip6t_entry */
	const struct xt_entry_match *first_match, *end_of_matches;
	const struct xt_entry_target *target;
};

static size_t head_size(const struct table *t)
{
	return is_ipv4(t) ? sizeof(struct ipt_entry) : sizeof(struct ip6t_entry);
}

static struct entry entry_at(const struct table *t, const void *raw)
{
	const char *at = raw;
	size_t target = is_ipv4(t) ? ((const struct ipt_entry *)raw)->target_offset
				   : ((const struct ip6t_entry *)raw)->target_offset;

	return (struct entry){
		.raw = raw,
		.first_match = (const void *)(at + head_size(t)),
		.end_of_matches = (const void *)(at + target),
		.target = (const void *)(at + target),
	};
}

static const void *next_entry(struct handle *h, const char *chain, const void *previous)
{
	if (is_ipv4(h->table))
		return previous ? iptc_next_rule(previous, h->h) : iptc_first_rule(chain, h->h);
	return previous ? (const void *)ip6tc_next_rule(previous, h->h)
			: (const void *)ip6tc_first_rule(chain, h->h);
}

static const char *target_name(struct handle *h, const void *raw)
{
	return is_ipv4(h->table) ? iptc_get_target(raw, h->h) : ip6tc_get_target(raw, h->h);
}

/* ---- reading ---- */

/* Length of a netmask; -1 if the bits have gaps. */
static int mask_length(const uint8_t *mask, size_t size)
{
	size_t len = 0;

	while (len < size * 8 && (mask[len / 8] & (0x80 >> len % 8)))
		len++;
	for (size_t i = len; i < size * 8; i++)
		if (mask[i / 8] & (0x80 >> i % 8))
			return -1;
	return (int)len;
}

static bool read_prefix(int family, const void *addr, const void *mask, struct prefix *out)
{
	struct prefix p = {.addr.family = (uint8_t)family};
	int len = mask_length(mask, addr_size(&p.addr));

	if (len > 0) { /* of no bits: matches everything */
		memcpy(p.addr.bytes, addr, addr_size(&p.addr));
		p.len = (uint8_t)len;
		*out = p;
	}
	return len >= 0;
}

/* A name that is matched with its end; without it the match is of all names that begin so. */
static bool read_interface(struct arena *a, const char *name, const unsigned char *mask,
			   const char **out)
{
	size_t len = strnlen(name, IFNAMSIZ);

	if (!mask[0])
		return true;
	*out = arena_strndup(a, name, len);
	return len < IFNAMSIZ && mask[len] == 0xff;
}

static bool read_head4(struct arena *a, const struct ipt_ip *ip, struct rule *r)
{
	r->proto = (uint8_t)ip->proto;
	r->not_daddr = ip->invflags & IPT_INV_DSTIP;
	r->not_oif = ip->invflags & IPT_INV_VIA_OUT;
	return !(ip->invflags & ~(IPT_INV_DSTIP | IPT_INV_VIA_OUT)) && !ip->flags &&
	       read_prefix(AF_INET, &ip->src, &ip->smsk, &r->saddr) &&
	       read_prefix(AF_INET, &ip->dst, &ip->dmsk, &r->daddr) &&
	       read_interface(a, ip->iniface, ip->iniface_mask, &r->iif) &&
	       read_interface(a, ip->outiface, ip->outiface_mask, &r->oif);
}

static bool read_head6(struct arena *a, const struct ip6t_ip6 *ip, struct rule *r)
{
	r->proto = (uint8_t)ip->proto;
	r->not_daddr = ip->invflags & IP6T_INV_DSTIP;
	r->not_oif = ip->invflags & IP6T_INV_VIA_OUT;
	return !(ip->invflags & ~(IP6T_INV_DSTIP | IP6T_INV_VIA_OUT)) &&
	       !(ip->flags & ~IP6T_F_PROTO) &&
	       read_prefix(AF_INET6, &ip->src, &ip->smsk, &r->saddr) &&
	       read_prefix(AF_INET6, &ip->dst, &ip->dmsk, &r->daddr) &&
	       read_interface(a, ip->iniface, ip->iniface_mask, &r->iif) &&
	       read_interface(a, ip->outiface, ip->outiface_mask, &r->oif);
}

static bool read_matches(struct arena *a, const struct entry *e, struct rule *r)
{
	for (const struct xt_entry_match *m = e->first_match; m < e->end_of_matches;
	     m = (const void *)((const char *)m + m->u.match_size)) {
		const struct xt_part p = {m->u.user.name, m->u.user.revision, m->data,
					  m->u.match_size - sizeof(*m)};

		if (!iptables_xt_read_match(&p, a, r))
			return false;
	}
	return true;
}

/* The name in the entry is empty for verdicts and jumps, which libiptc knows. */
static bool read_target(struct handle *h, struct arena *a, const struct entry *e, struct rule *r)
{
	const struct xt_entry_target *t = e->target;
	const char *name = target_name(h, e->raw);

	if (*t->u.user.name) {
		const struct xt_part p = {t->u.user.name, t->u.user.revision, t->data,
					  t->u.target_size - sizeof(*t)};

		return iptables_xt_read_target(&p, r);
	}
	if (!name || !*name)
		r->verdict = VERDICT_NONE;
	else if (strcmp(name, "ACCEPT") == 0)
		r->verdict = VERDICT_ACCEPT;
	else if (strcmp(name, "DROP") == 0)
		r->verdict = VERDICT_DROP;
	else if (strcmp(name, "RETURN") == 0)
		r->verdict = VERDICT_RETURN;
	else {
		r->verdict = VERDICT_JUMP;
		r->target = arena_strdup(a, name);
	}
	return true;
}

static bool read_entry(struct handle *h, struct arena *a, const void *raw, struct rule *r)
{
	const struct entry e = entry_at(h->table, raw);
	bool head = is_ipv4(h->table) ? read_head4(a, &((const struct ipt_entry *)raw)->ip, r)
				      : read_head6(a, &((const struct ip6t_entry *)raw)->ipv6, r);

	return head && read_matches(a, &e, r) && read_target(h, a, &e, r);
}

static int legacy_read_chain(void *k, const struct table *t, const char *name,
			     struct live_chain *out, struct error *err)
{
	struct legacy *l = k;
	struct handle *h;
	int r = open_table(l, t, &h, err);

	*out = (struct live_chain){.table = t, .name = name};
	if (r < 0 || !ops_of(t)->is_chain(name, h->h))
		return r;
	out->exists = true;
	for (const void *e = next_entry(h, name, NULL); e; e = next_entry(h, name, e)) {
		struct live_rule live = {.rule = {.table = t, .chain = name},
					 .handle = out->n_rules + 1};

		live.ours = read_entry(h, l->arena, e, &live.rule);
		out->rules = arena_grow(l->arena, out->rules, out->n_rules, sizeof(*out->rules));
		out->rules[out->n_rules++] = live;
	}
	return 0;
}

static int legacy_has_chain(void *k, const struct table *t, const char *name, bool *out,
			    struct error *err)
{
	struct handle *h;
	int r = open_table(k, t, &h, err);

	*out = r == 0 && ops_of(t)->is_chain(name, h->h);
	return r;
}

/* ---- writing ---- */

static void put_prefix(const struct prefix *p, void *addr, void *mask)
{
	struct prefix ones = {{p->addr.family, {0}}, p->len};

	memset(ones.addr.bytes, 0xff, addr_size(&ones.addr));
	ones = prefix_masked(&ones);
	memcpy(addr, p->addr.bytes, addr_size(&p->addr));
	memcpy(mask, ones.addr.bytes, addr_size(&p->addr));
}

static void put_interface(const char *from, char *name, unsigned char *mask)
{
	size_t len = from ? strnlen(from, IFNAMSIZ - 1) : 0;

	if (!from)
		return;
	memcpy(name, from, len);
	memset(mask, 0xff, len + 1);
}

static void put_head4(const struct rule *r, struct ipt_ip *ip)
{
	put_prefix(&r->saddr, &ip->src, &ip->smsk);
	put_prefix(&r->daddr, &ip->dst, &ip->dmsk);
	put_interface(r->iif, ip->iniface, ip->iniface_mask);
	put_interface(r->oif, ip->outiface, ip->outiface_mask);
	ip->proto = r->proto;
	ip->invflags =
		(uint8_t)((r->not_daddr ? IPT_INV_DSTIP : 0) | (r->not_oif ? IPT_INV_VIA_OUT : 0));
}

static void put_head6(const struct rule *r, struct ip6t_ip6 *ip)
{
	put_prefix(&r->saddr, &ip->src, &ip->smsk);
	put_prefix(&r->daddr, &ip->dst, &ip->dmsk);
	put_interface(r->iif, ip->iniface, ip->iniface_mask);
	put_interface(r->oif, ip->outiface, ip->outiface_mask);
	ip->proto = r->proto;
	ip->flags = r->proto ? IP6T_F_PROTO : 0;
	ip->invflags = (uint8_t)((r->not_daddr ? IP6T_INV_DSTIP : 0) |
				 (r->not_oif ? IP6T_INV_VIA_OUT : 0));
}

/* The name of a verdict or a chain becomes a number when libiptc commits. */
static struct xt_part target_part(const struct rule *r, struct arena *a)
{
	static const char *const verdicts[] = {
		[VERDICT_ACCEPT] = "ACCEPT",
		[VERDICT_DROP] = "DROP",
		[VERDICT_RETURN] = "RETURN",
	};
	const size_t size = sizeof(struct xt_standard_target) - sizeof(struct xt_entry_target);
	struct xt_part p = {.name = r->verdict == VERDICT_JUMP		? r->target
				    : r->verdict < array_size(verdicts) ? verdicts[r->verdict]
									: NULL,
			    .data = arena_alloc(a, size),
			    .size = size};

	if (!p.name && !iptables_xt_target(r, a, &p))
		p.name = "";
	return p;
}

static void *build_entry(const struct rule *r, struct arena *a)
{
	struct xt_part parts[XT_MATCHES_MAX], target = target_part(r, a);
	size_t n = iptables_xt_matches(r, a, parts), head = head_size(r->table), offset = head;

	for (size_t i = 0; i < n; i++)
		offset += sizeof(struct xt_entry_match) + parts[i].size;
	size_t size = offset + sizeof(struct xt_entry_target) + target.size;
	char *raw = arena_alloc(a, size), *at = raw + head;

	if (is_ipv4(r->table)) {
		struct ipt_entry *e = (void *)raw;

		put_head4(r, &e->ip);
		e->target_offset = (uint16_t)offset;
		e->next_offset = (uint16_t)size;
	} else {
		struct ip6t_entry *e = (void *)raw;

		put_head6(r, &e->ipv6);
		e->target_offset = (uint16_t)offset;
		e->next_offset = (uint16_t)size;
	}
	for (size_t i = 0; i < n; i++) {
		struct xt_entry_match *m = (void *)at;

		m->u.match_size = (uint16_t)(sizeof(*m) + parts[i].size);
		m->u.user.revision = parts[i].revision;
		strncpy(m->u.user.name, parts[i].name, sizeof(m->u.user.name) - 1);
		memcpy(m->data, parts[i].data, parts[i].size);
		at += m->u.match_size;
	}
	struct xt_entry_target *t = (void *)at;
	t->u.target_size = (uint16_t)(sizeof(*t) + target.size);
	t->u.user.revision = target.revision;
	strncpy(t->u.user.name, target.name, sizeof(t->u.user.name) - 1);
	memcpy(t->data, target.data, target.size);
	return raw;
}

static struct order *order_of(struct legacy *l, struct handle *h, const char *chain)
{
	for (size_t i = 0; i < h->n_orders; i++)
		if (strcmp(h->orders[i].chain, chain) == 0)
			return &h->orders[i];
	struct order o = {.chain = chain};
	for (const void *e = next_entry(h, chain, NULL); e; e = next_entry(h, chain, e)) {
		o.handles = arena_grow(l->arena, o.handles, o.n, sizeof(*o.handles));
		o.handles[o.n] = o.n + 1;
		o.n++;
	}
	h->orders = arena_grow(l->arena, h->orders, h->n_orders, sizeof(*h->orders));
	h->orders[h->n_orders] = o;
	return &h->orders[h->n_orders++];
}

/* Where the rule with this handle stands now; behind all others if it does not. */
static size_t find_handle(const struct order *o, uint64_t handle)
{
	size_t i = 0;

	while (i < o->n && o->handles[i] != handle)
		i++;
	return i;
}

static bool add_rule(struct legacy *l, struct handle *h, const struct op *op)
{
	struct order *o = order_of(l, h, op->rule.chain);
	size_t at = op->handle			   ? find_handle(o, op->handle)
		    : op->rule.position == AT_HEAD ? 0
						   : o->n;
	void *e = build_entry(&op->rule, l->arena);
	xt_chainlabel chain;

	label(chain, op->rule.chain);
	if (!(is_ipv4(h->table) ? iptc_insert_entry(chain, e, (unsigned int)at, h->h)
				: ip6tc_insert_entry(chain, e, (unsigned int)at, h->h)))
		return false;
	o->handles = arena_grow(l->arena, o->handles, o->n, sizeof(*o->handles));
	memmove(o->handles + at + 1, o->handles + at, (o->n - at) * sizeof(*o->handles));
	o->handles[at] = 0;
	o->n++;
	return true;
}

static bool delete_rule(struct legacy *l, struct handle *h, const struct op *op)
{
	struct order *o = order_of(l, h, op->rule.chain);
	size_t at = find_handle(o, op->handle);
	xt_chainlabel chain;

	label(chain, op->rule.chain);
	if (!(is_ipv4(h->table) ? iptc_delete_num_entry(chain, (unsigned int)at, h->h)
				: ip6tc_delete_num_entry(chain, (unsigned int)at, h->h)))
		return false;
	o->n--;
	memmove(o->handles + at, o->handles + at + 1, (o->n - at) * sizeof(*o->handles));
	return true;
}

static bool change_chain(struct handle *h, const struct op *op)
{
	const struct xtc_ops *ops = ops_of(h->table);
	xt_chainlabel chain;

	label(chain, op->chain.name);
	if (ops->builtin(chain, h->h))
		return true; /* came with the table and stays with it */
	if (op->kind == OP_ADD_CHAIN)
		return ops->is_chain(chain, h->h) || ops->create_chain(chain, h->h);
	return is_ipv4(h->table) ? iptc_delete_chain(chain, h->h) : ip6tc_delete_chain(chain, h->h);
}

static bool apply(struct legacy *l, struct handle *h, const struct op *op)
{
	switch (op->kind) {
	case OP_ADD_CHAIN:
	case OP_DELETE_CHAIN:
		return change_chain(h, op);
	case OP_ADD_RULE:
		return add_rule(l, h, op);
	case OP_DELETE_RULE:
		return delete_rule(l, h, op);
	default:
		return true; /* a table is there once it is opened, and cannot be deleted */
	}
}

static int fail_op(struct legacy *l, const struct op *op, int code, const struct op **out_busy,
		   struct error *err)
{
	const char *why = ops_of(op->table)->strerror(code), *what = job_describe(op, l->arena);

	if (op->kind == OP_DELETE_CHAIN && (code == EMLINK || code == ENOTEMPTY)) {
		*out_busy = op;
		code = EBUSY;
	}
	return fail(err, code ? code : EPROTO, "%s: %s: %s", prefix(op->table), what, why);
}

static void close_table(struct legacy *l, struct handle *h)
{
	ops_of(h->table)->free(h->h);
	*h = l->tables[--l->n_tables];
}

/*
 * The kernel compares nothing but the number of rules with what was read. Its refusal can also come
 * from the second step, which gives the counters back, so the table is looked at again once.
 */
static int commit_failed(struct legacy *l, const struct table *t, int code, struct error *err)
{
	int r = fail_table(err, code ? code : EPROTO, "commit", t);

	if (code == EAGAIN || (code == EINVAL && !l->refused)) {
		l->refused = code == EINVAL;
		err->code = ERESTART;
		return -ERESTART;
	}
	return r;
}

/* Whether the table has come to be since it was looked for: then what is in it was not read. */
static bool is_news(struct legacy *l, const struct table *t)
{
	for (size_t i = 0; i < l->n_tables; i++)
		if (l->tables[i].table == t)
			return false;
	return iptables_legacy_has(t);
}

static int commit_table(struct legacy *l, const struct op *list, size_t n,
			const struct op **out_busy, struct error *err)
{
	const struct table *t = list[0].table;
	struct handle *h;
	int r = take_lock(l, err);

	if (r == 0 && is_news(l, t))
		return fail(err, ERESTART, "%s: table %s has changed", prefix(t), t->name);
	if (r == 0)
		r = open_table(l, t, &h, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		log_debug("%s: %s", prefix(t), job_describe(&list[i], l->arena));
		errno = 0;
		if (!apply(l, h, &list[i]))
			r = fail_op(l, &list[i], errno, out_busy, err);
	}
	if (r < 0)
		return r;
	r = fault("iptables_commit", err);
	if (r < 0)
		return wrap(err, "%s: commit table %s", prefix(t), t->name);
	if (!ops_of(t)->commit(h->h))
		return commit_failed(l, t, errno, err);
	close_table(l, h);
	return 0;
}

/* One commit for each table, in the order in which the operations name them. */
static int legacy_commit(void *k, const struct ops *ops, size_t *out_done,
			 const struct op **out_busy, struct error *err)
{
	int r = 0;

	for (size_t i = 0, end; r == 0 && i < ops->n; i = end) {
		for (end = i; end < ops->n && ops->list[end].table == ops->list[i].table; end++)
			;
		r = commit_table(k, ops->list + i, end - i, out_busy, err);
		if (r == 0)
			*out_done = end;
	}
	return r;
}

const struct kernel iptables_legacy = {
	.open = legacy_open,
	.close = legacy_close,
	.begin = legacy_begin,
	.find_table = legacy_find_table,
	.read_chain = legacy_read_chain,
	.has_chain = legacy_has_chain,
	.commit = legacy_commit,
};
