/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One change of the rules: what was read of them, and what is to be done about them. A backend says
 * what it wants in struct rule; this compares it with what is there and commits the difference. It
 * serves both places where a kernel keeps rules: nf_tables (nft_kernel.c) and the legacy tables of
 * iptables (iptables_legacy.c). If somebody else has committed meanwhile it starts over.
 */

#include "common/cleanup.h"
#include "common/error.h"
#include "netavark/firewall/firewall.h"
#include "netavark/firewall/rule.h"
#include "netavark/firewall/rule_index.h"

struct live_rule { /* a rule as it stands in the kernel */
	struct rule rule;
	bool ours;  /* in our normal form; false: equal to none of ours */
	bool taken; /* to be deleted by an operation of this job */
	uint64_t handle;
	const char *set; /* anonymous set of protocols, not looked into yet; or NULL */
};

struct live_table {
	const struct table *table;
	bool exists;
};

struct live_chain {
	const struct table *table;
	const char *name;
	bool exists;
	struct live_rule *rules;
	size_t n_rules;
	struct rule_index index; /* of the rules; made by job_view() */
};

enum op_kind {
	OP_ADD_TABLE,
	OP_DELETE_TABLE,
	OP_ADD_CHAIN,
	OP_DELETE_CHAIN,
	OP_ADD_RULE,
	OP_DELETE_RULE,
	OP_ADD_MAP,
	OP_ADD_ELEMENT,
	OP_DELETE_ELEMENT
};

struct op {
	enum op_kind kind;
	const struct table *table;
	uint64_t handle; /* OP_DELETE_RULE: which; OP_ADD_RULE: insert before, or 0 */
	union {
		struct chain chain; /* for chains: only the name counts when deleting */
		struct rule rule;   /* for rules; also kept when deleting, for undo and messages */
		struct element element; /* for elements; OP_ADD_MAP: only its map */
	};
};

struct ops {
	struct op *list;
	size_t n;
};

/* Where rules are kept. All functions but close fill err. */
struct kernel {
	int (*open)(void **out, struct arena *a, struct error *err);
	void (*close)(void *k);
	/* Everything read from now on belongs to one state of the rules. */
	int (*begin)(void *k, struct error *err);
	int (*find_table)(void *k, const struct table *t, bool *out, struct error *err);
	/* A chain or table that is not there is not an error. */
	int (*read_chain)(void *k, const struct table *t, const char *name, struct live_chain *out,
			  struct error *err);
	int (*has_chain)(void *k, const struct table *t, const char *name, bool *out,
			 struct error *err);
	/* The names of all chains; NULL where tables are not ours to delete. */
	int (*list_chains)(void *k, const struct table *t, const char ***out, size_t *out_n,
			   struct error *err);
	/* Whether a set of protocols holds just tcp and udp; NULL where there are no sets. */
	int (*is_tcp_and_udp)(void *k, const struct table *t, const char *set, bool *out,
			      struct error *err);
	/* All elements of a map, none if it is not there; NULL where there are no maps. */
	int (*read_map)(void *k, const struct table *t, const struct map *map, struct element **out,
			size_t *out_n, struct error *err);
	/*
	 * Carries out the operations; *out_done of them, from the front, stand when it returns.
	 * Errors:  -ERESTART if the rules have changed since begin(): read again and repeat;
	 *          -EBUSY with *out_busy, a chain that something else jumps to; -EMSGSIZE if
	 *          these are too many at a time.
	 */
	int (*commit)(void *k, const struct ops *ops, size_t *out_done, const struct op **out_busy,
		      struct error *err);
};

struct job {
	const struct kernel *kernel;
	void *k;
	struct arena *arena;
	struct live_chain **chains; /* read so far */
	size_t n_chains;
	struct live_table *tables; /* looked for so far */
	size_t n_tables;
	struct ops ops;		   /* to be committed */
	struct rule_index pending; /* rules that they add */
	size_t *pending_ops;	   /* which operation that is */
	struct ops done;	   /* committed, by all attempts together */
	const struct op *busy; /* chains that something foreign jumps to: emptied, not deleted */
	size_t n_busy;
};

/* Plans the operations of a job from what it reads. */
typedef int (*job_plan)(struct job *j, const struct fw_intent *in, size_t n, struct error *err);

/*
 * Plans and commits, again and again while somebody else commits in between.
 * Undo:    pushed if anything was changed, also before a failure; the rules are then as before.
 *          undo may be NULL.
 */
int job_run(const struct kernel *kernel, job_plan plan, const struct fw_intent *in, size_t n,
	    struct arena *a, struct undo *undo, struct error *err) must_check;

/* "add rule to chain …": an operation as it stands in messages. */
const char *job_describe(const struct op *op, struct arena *a);

/* ---- for planners ---- */

int job_has_table(struct job *j, const struct table *t, bool *out, struct error *err) must_check;

/* Whether the chain is there; cheaper than to read it. */
int job_has_chain(struct job *j, const struct table *t, const char *name, bool *out,
		  struct error *err) must_check;

/* The chain as it was read, with the marks of this job. */
int job_view(struct job *j, const struct table *t, const char *name, struct live_chain **out,
	     struct error *err) must_check;

/*
 * The last rule that equals the wanted one and is not taken yet, or NULL. Of two containers' copies the
 * first one has to stay: what marks a packet must stand in front of what translates its address, for
 * either of them.
 */
int job_find(struct job *j, const struct rule *wanted, struct live_rule **out,
	     struct error *err) must_check;

void job_push(struct job *j, struct op op);
void job_push_rule(struct job *j, const struct rule *r);
void job_push_delete(struct job *j, struct live_rule *live);

int job_add_table(struct job *j, const struct table *t, struct error *err) must_check;
int job_add_chains(struct job *j, const struct ruleset *set, struct error *err) must_check;
int job_add_rule_if_missing(struct job *j, const struct rule *wanted, struct error *err) must_check;

/*
 * Adds the port mappings of a set; rules of one mapping and family stand together in it. Equal rules
 * of another container do not count: each container removes its own copy.
 */
int job_add_mappings(struct job *j, const struct fw_intent *in, const struct ruleset *set,
		     struct error *err) must_check;

/* Deletes one rule equal to the wanted one, if there is one; then *out_found becomes true. */
int job_take(struct job *j, const struct rule *wanted, bool *out_found,
	     struct error *err) must_check;

/* The same for a backend whose rules have been written in other forms, too. */
typedef int (*job_take_fn)(struct job *j, const struct rule *wanted, bool *out_found,
			   struct error *err);

/* Deletes the port mappings of a set, whole mappings or nothing of them. */
int job_remove_mappings(struct job *j, const struct ruleset *set, job_take_fn take,
			struct error *err) must_check;

/* Deletes the rules in one chain that do nothing but jump to another, whatever they match. */
int job_remove_jumps(struct job *j, const struct table *t, const char *from, const char *to,
		     struct error *err) must_check;

/* Deletes a chain with all in it; if something foreign jumps to it, it is only emptied. */
int job_remove_chain(struct job *j, const struct table *t, const char *name,
		     struct error *err) must_check;
