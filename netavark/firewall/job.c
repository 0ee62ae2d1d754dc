/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall"
#include "netavark/firewall/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"

#define COMMIT_TRIES 200 /* some two seconds in which somebody else is always faster */

/* ---- what is there ---- */

int job_has_table(struct job *j, const struct table *t, bool *out, struct error *err)
{
	for (size_t i = 0; i < j->n_tables; i++) {
		if (j->tables[i].table == t) {
			*out = j->tables[i].exists;
			return 0;
		}
	}
	int r = j->kernel->find_table(j->k, t, out, err);
	if (r == 0) {
		j->tables = arena_grow(j->arena, j->tables, j->n_tables, sizeof(*j->tables));
		j->tables[j->n_tables++] = (struct live_table){t, *out};
	}
	return r;
}

int job_has_chain(struct job *j, const struct table *t, const char *name, bool *out,
		  struct error *err)
{
	int r = job_has_table(j, t, out, err);

	return r == 0 && *out ? j->kernel->has_chain(j->k, t, name, out, err) : r;
}

int job_view(struct job *j, const struct table *t, const char *name, struct live_chain **out,
	     struct error *err)
{
	bool table;

	for (size_t i = 0; i < j->n_chains; i++) {
		if (j->chains[i]->table == t && strcmp(j->chains[i]->name, name) == 0) {
			*out = j->chains[i];
			return 0;
		}
	}
	struct live_chain *c = arena_alloc(j->arena, sizeof(*c));
	int r = job_has_table(j, t, &table, err);
	if (r == 0 && table)
		r = j->kernel->read_chain(j->k, t, name, c, err);
	if (r < 0)
		return r;
	c->table = t;
	c->name = name;
	for (size_t i = 0; i < c->n_rules; i++)
		rule_index_add(&c->index, &c->rules[i].rule, j->arena);
	j->chains = arena_grow(j->arena, j->chains, j->n_chains, sizeof(*j->chains));
	j->chains[j->n_chains++] = *out = c;
	return 0;
}

/* Whether the live rule is the wanted one; the set of protocols is only looked into here. */
static int same(struct job *j, struct live_rule *live, const struct rule *wanted, bool *out,
		struct error *err)
{
	int r = 0;

	*out = live->ours && rule_equal(&live->rule, wanted);
	if (*out && live->set) {
		r = j->kernel->is_tcp_and_udp(j->k, wanted->table, live->set, out, err);
		live->set = NULL;
		live->ours = *out;
	}
	return r;
}

int job_find(struct job *j, const struct rule *wanted, struct live_rule **out, struct error *err)
{
	struct live_chain *c;
	bool equal = false;
	int r = job_view(j, wanted->table, wanted->chain, &c, err);

	*out = NULL;
	if (r < 0)
		return r;
	for (uint32_t i = rule_index_last(&c->index, wanted); r == 0 && i != RULE_INDEX_NONE;
	     i = rule_index_before(&c->index, i)) {
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

/* ---- operations ---- */

void job_push(struct job *j, struct op op)
{
	j->ops.list = arena_grow(j->arena, j->ops.list, j->ops.n, sizeof(*j->ops.list));
	j->ops.list[j->ops.n++] = op;
	if (op.kind != OP_ADD_RULE)
		return;
	j->pending_ops =
		arena_grow(j->arena, j->pending_ops, j->pending.n, sizeof(*j->pending_ops));
	j->pending_ops[j->pending.n] = j->ops.n - 1;
	rule_index_add(&j->pending, &op.rule, j->arena);
}

void job_push_rule(struct job *j, const struct rule *r)
{
	job_push(j, (struct op){.kind = OP_ADD_RULE, .table = r->table, .rule = *r});
}

void job_push_delete(struct job *j, struct live_rule *live)
{
	live->taken = true;
	job_push(j, (struct op){.kind = OP_DELETE_RULE,
				.table = live->rule.table,
				.rule = live->rule,
				.handle = live->handle});
}

static bool is_pending(const struct job *j, const struct rule *wanted)
{
	for (uint32_t i = rule_index_last(&j->pending, wanted); i != RULE_INDEX_NONE;
	     i = rule_index_before(&j->pending, i))
		if (rule_equal(&j->ops.list[j->pending_ops[i]].rule, wanted))
			return true;
	return false;
}

const char *job_describe(const struct op *op, struct arena *a)
{
	switch (op->kind) {
	case OP_ADD_TABLE:
		return "add table";
	case OP_DELETE_TABLE:
		return "delete table";
	case OP_ADD_CHAIN:
		return arena_printf(a, "add chain %s", op->chain.name);
	case OP_DELETE_CHAIN:
		return arena_printf(a, "delete chain %s", op->chain.name);
	case OP_ADD_RULE:
		return arena_printf(a, "add rule to chain %s: %s", op->rule.chain,
				    rule_print(&op->rule, a));
	case OP_DELETE_RULE:
		return arena_printf(a, "delete rule from chain %s: %s", op->rule.chain,
				    rule_print(&op->rule, a));
	case OP_ADD_MAP:
		return arena_printf(a, "add map %s", op->element.map->name);
	case OP_ADD_ELEMENT:
		return arena_printf(a, "add to map %s: %s", op->element.map->name,
				    element_print(&op->element, a));
	case OP_DELETE_ELEMENT:
		return arena_printf(a, "delete from map %s: %s", op->element.map->name,
				    element_print(&op->element, a));
	}
	return "";
}

/* ---- adding ---- */

int job_add_table(struct job *j, const struct table *t, struct error *err)
{
	bool there;
	int r = job_has_table(j, t, &there, err);

	for (size_t i = 0; i < j->ops.n; i++)
		there |= j->ops.list[i].kind == OP_ADD_TABLE && j->ops.list[i].table == t;
	if (r == 0 && !there)
		job_push(j, (struct op){.kind = OP_ADD_TABLE, .table = t});
	return r;
}

int job_add_chains(struct job *j, const struct ruleset *set, struct error *err)
{
	for (size_t i = 0; i < set->n_chains; i++) {
		struct live_chain *c;
		int r = job_view(j, set->table, set->chains[i].name, &c, err);

		if (r < 0)
			return r;
		if (!c->exists) /* an existing one keeps the policy that its administrator set */
			job_push(j, (struct op){.kind = OP_ADD_CHAIN,
						.table = set->table,
						.chain = set->chains[i]});
		c->exists = true;
	}
	return 0;
}

int job_add_rule_if_missing(struct job *j, const struct rule *wanted, struct error *err)
{
	struct live_rule *live;
	int r = job_find(j, wanted, &live, err);

	if (r == 0 && !live && !is_pending(j, wanted))
		job_push_rule(j, wanted);
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
		struct live_rule *live;

		if (set->rules[i].verdict != VERDICT_DNAT)
			continue;
		int r = job_find(j, &set->rules[i], &live, err);
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
	struct live_chain *c;
	int r = job_view(j, wanted->table, wanted->chain, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		struct live_rule *live = &c->rules[i];
		const struct fw_forward f = {live->rule.proto, live->rule.daddr.addr,
					     live->rule.dport, live->rule.to_addr};

		if (!live->ours || live->taken || !is_in_the_way(&live->rule, wanted))
			continue;
		if (in->is_claimed && !in->is_claimed(in->claims, in->net.id, &f))
			job_push_delete(j, live);
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
		if (there)
			r = job_add_rule_if_missing(j, &set->rules[i], err);
		else
			job_push_rule(j, &set->rules[i]);
	}
	return r;
}

int job_add_mappings(struct job *j, const struct fw_intent *in, const struct ruleset *set,
		     struct error *err)
{
	int r = 0;

	for (size_t i = 0, end; r == 0 && i < set->n_rules; i = end) {
		end = mapping_end(set, i);
		r = add_mapping(j, in, set, i, end, err);
	}
	return r;
}

/* ---- removing ---- */

int job_take(struct job *j, const struct rule *wanted, bool *out_found, struct error *err)
{
	struct live_rule *live;
	int r = job_find(j, wanted, &live, err);

	if (r == 0 && live) {
		job_push_delete(j, live);
		*out_found = true;
	}
	return r;
}

/* Nothing is taken for a mapping without DNAT rule: equal others belong to somebody else. */
static int remove_mapping(struct job *j, const struct ruleset *set, size_t first, size_t end,
			  job_take_fn take, struct error *err)
{
	bool found = false;
	int r = 0;

	for (size_t i = first; r == 0 && i < end; i++) {
		bool one = false;

		if (set->rules[i].verdict == VERDICT_DNAT)
			r = take(j, &set->rules[i], &one, err);
		found |= one;
	}
	for (size_t i = first; r == 0 && found && i < end; i++) {
		bool one = false;

		if (set->rules[i].verdict != VERDICT_DNAT)
			r = take(j, &set->rules[i], &one, err);
	}
	return r;
}

int job_remove_mappings(struct job *j, const struct ruleset *set, job_take_fn take,
			struct error *err)
{
	int r = 0;

	for (size_t i = 0, end; r == 0 && i < set->n_rules; i = end) {
		end = mapping_end(set, i);
		r = remove_mapping(j, set, i, end, take, err);
	}
	return r;
}

int job_remove_jumps(struct job *j, const struct table *t, const char *from, const char *to,
		     struct error *err)
{
	struct live_chain *c;
	int r = job_view(j, t, from, &c, err);

	for (size_t i = 0; r == 0 && i < c->n_rules; i++) {
		struct live_rule *live = &c->rules[i];

		if (live->ours && !live->taken && live->rule.verdict == VERDICT_JUMP &&
		    strcmp(live->rule.target, to) == 0)
			job_push_delete(j, live);
	}
	return r;
}

static bool is_busy(const struct job *j, const struct table *t, const char *chain)
{
	for (size_t i = 0; i < j->n_busy; i++)
		if (j->busy[i].table == t && strcmp(j->busy[i].chain.name, chain) == 0)
			return true;
	return false;
}

int job_remove_chain(struct job *j, const struct table *t, const char *name, struct error *err)
{
	struct live_chain *c;
	int r = job_view(j, t, name, &c, err);

	if (r < 0 || !c->exists)
		return r;
	if (!is_busy(j, t, name)) {
		job_push(j,
			 (struct op){.kind = OP_DELETE_CHAIN, .table = t, .chain = {.name = name}});
		return 0;
	}
	for (size_t i = 0; i < c->n_rules; i++)
		if (!c->rules[i].taken)
			job_push_delete(j, &c->rules[i]);
	return 0;
}

/* ---- the transaction ---- */

static void note_done(struct job *j, const struct op *list, size_t n)
{
	struct op *all = arena_alloc(j->arena, (j->done.n + n) * sizeof(*all));

	for (size_t i = 0; i < j->done.n; i++)
		all[i] = j->done.list[i];
	for (size_t i = 0; i < n; i++)
		all[j->done.n + i] = list[i];
	j->done = (struct ops){all, j->done.n + n};
}

/*
 * One transaction for everything. Only where the socket does not take that much, which an
 * unprivileged caller with hundreds of ports meets, it becomes several.
 */
static int commit(struct job *j, const struct op **out_busy, struct error *err)
{
	size_t count = j->ops.n, from = 0;

	while (from < j->ops.n) {
		size_t left = j->ops.n - from, done = 0;
		struct ops part = {j->ops.list + from, left < count ? left : count};
		int r = j->kernel->commit(j->k, &part, &done, out_busy, err);

		note_done(j, part.list, done);
		if (r == -EMSGSIZE && count > 1) {
			count /= 2;
			continue;
		}
		if (r < 0)
			return r;
		from += part.n;
		r = from < j->ops.n ? j->kernel->begin(j->k, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

typedef int (*planner)(struct job *j, const void *what, struct error *err);

static int attempt(struct job *j, planner plan, const void *what, struct error *err)
{
	const struct op *busy = NULL;
	int r = j->kernel->begin(j->k, err);

	j->chains = NULL;
	j->tables = NULL;
	j->n_chains = j->n_tables = 0;
	j->ops = (struct ops){0};
	j->pending = (struct rule_index){0};
	j->pending_ops = NULL;
	if (r == 0)
		r = plan(j, what, err);
	if (r < 0 || j->ops.n == 0)
		return r;
	r = commit(j, &busy, err);
	if (r == -EBUSY && busy) {
		log_warn("chain %s is used by a rule of somebody else, emptying it only",
			 busy->chain.name);
		struct op *list = arena_alloc(j->arena, (j->n_busy + 1) * sizeof(*list));
		for (size_t i = 0; i < j->n_busy; i++)
			list[i] = j->busy[i];
		list[j->n_busy++] = *busy;
		j->busy = list;
		return -ERESTART;
	}
	return r;
}

static int transact(struct job *j, planner plan, const void *what, struct error *err)
{
	int r = j->kernel->open(&j->k, j->arena, err);

	if (r < 0)
		return r;
	for (int i = 0; i < COMMIT_TRIES; i++) {
		const struct timespec pause = {.tv_nsec = (1 + random() % 20) * 1000000};

		r = attempt(j, plan, what, err);
		if (r != -ERESTART)
			break;
		nanosleep(&pause, NULL);
	}
	j->kernel->close(j->k);
	return r;
}

/* ---- taking back: the inverse of the operations that were committed ---- */

struct done {
	const struct kernel *kernel;
	struct arena *arena;
	struct ops ops;
};

static bool made_by(const struct done *d, enum op_kind kind, const struct table *t,
		    const char *chain)
{
	for (size_t i = 0; i < d->ops.n; i++) {
		const struct op *op = &d->ops.list[i];

		if (op->kind == kind && op->table == t &&
		    (!chain || strcmp(op->chain.name, chain) == 0))
			return true;
	}
	return false;
}

/* Whether the table holds nothing but what this run has made. */
static int is_all_ours(struct job *j, const struct done *d, const struct table *t, bool *out,
		       struct error *err)
{
	const char **names;
	size_t n, n_live = 0, n_made = 0;
	int r = j->kernel->list_chains(j->k, t, &names, &n, err);

	*out = r == 0;
	for (size_t i = 0; r == 0 && *out && i < n; i++) {
		struct live_chain *c;

		r = job_view(j, t, names[i], &c, err);
		*out = made_by(d, OP_ADD_CHAIN, t, names[i]);
		n_live += r == 0 ? c->n_rules : 0;
	}
	for (size_t i = 0; i < d->ops.n; i++)
		n_made += d->ops.list[i].kind == OP_ADD_RULE && d->ops.list[i].table == t;
	*out = *out && n_live <= n_made;
	return r;
}

static int undo_one(struct job *j, const struct op *op, struct error *err)
{
	bool found;

	switch (op->kind) {
	case OP_ADD_RULE:
		return job_take(j, &op->rule, &found, err);
	case OP_ADD_CHAIN:
		return job_remove_chain(j, op->table, op->chain.name, err);
	case OP_DELETE_RULE:
		job_push_rule(j, &op->rule);
		return 0;
	case OP_ADD_ELEMENT:
	case OP_DELETE_ELEMENT:
		job_push(j, (struct op){.kind = op->kind == OP_ADD_ELEMENT ? OP_DELETE_ELEMENT
									   : OP_ADD_ELEMENT,
					.table = op->table,
					.element = op->element});
		return 0;
	default:
		return 0;
	}
}

static int undo_in_table(struct job *j, const struct done *d, const struct table *t,
			 struct error *err)
{
	bool there, whole = false;
	int r = job_has_table(j, t, &there, err);

	if (r < 0 || !there)
		return r;
	if (made_by(d, OP_ADD_TABLE, t, NULL))
		r = is_all_ours(j, d, t, &whole, err);
	if (r == 0 && whole) {
		job_push(j, (struct op){.kind = OP_DELETE_TABLE, .table = t});
		return 0;
	}
	for (size_t i = d->ops.n; r == 0 && i-- > 0;)
		if (d->ops.list[i].table == t)
			r = undo_one(j, &d->ops.list[i], err);
	return r;
}

static bool is_first_of_table(const struct ops *ops, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (ops->list[k].table == ops->list[i].table)
			return false;
	return true;
}

static int plan_undo(struct job *j, const void *what, struct error *err)
{
	const struct done *d = what;
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->ops.n; i++)
		if (is_first_of_table(&d->ops, i))
			r = undo_in_table(j, d, d->ops.list[i].table, err);
	return r;
}

static int take_back(void *arg, struct error *err)
{
	struct done *d = arg;
	struct job j = {.kernel = d->kernel, .arena = d->arena};

	return transact(&j, plan_undo, d, err);
}

/* ---- the whole ---- */

struct wanted {
	job_plan plan;
	const struct fw_intent *in;
	size_t n;
};

static int plan_wanted(struct job *j, const void *what, struct error *err)
{
	const struct wanted *w = what;

	return w->plan(j, w->in, w->n, err);
}

int job_run(const struct kernel *kernel, job_plan plan, const struct fw_intent *in, size_t n,
	    struct arena *a, struct undo *undo, struct error *err)
{
	struct job j = {.kernel = kernel, .arena = a};
	const struct wanted w = {plan, in, n};
	int r = n ? transact(&j, plan_wanted, &w, err) : 0;

	if (j.done.n && undo) { /* possibly by the first of several commits, and then it failed */
		struct done *d = arena_alloc(a, sizeof(*d));

		*d = (struct done){kernel, a, j.done};
		undo_push(undo, take_back, d, "firewall rules");
	}
	return r;
}
