/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A firewall rule in normal form: what it matches and what it does, as data. Planned rules are
 * written in it and the kernel's rules are read into it, so "is it there already?" and "which one
 * is to be deleted?" are comparisons. A zero field matches everything.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/arena.h"

enum verdict {
	VERDICT_NONE,
	VERDICT_ACCEPT,
	VERDICT_DROP,
	VERDICT_JUMP, /* to target */
	VERDICT_MASQUERADE,
	VERDICT_SNAT,	/* to to_addr */
	VERDICT_DNAT,	/* to to_addr and to_port */
	VERDICT_RETURN, /* read from the kernel, never planned */
};

/* BEFORE_REST: behind the fixed rules at the head of its chain, before all others. */
enum position { AT_TAIL, AT_HEAD, BEFORE_REST };

struct table {
	uint8_t family; /* NFPROTO_* */
	const char *name;
	bool xt; /* one of iptables': its rules are written and printed as iptables(8) does */
	const struct map *const *maps; /* that it has, then NULL; or NULL */
};

struct map { /* from a port of the host to where it leads */
	const char *name;
	uint8_t family; /* of the addresses */
	bool by_host;	/* the key begins with an address of the host */
};

struct element { /* one port in a map */
	const struct map *map;
	struct addr host_addr; /* none unless map->by_host */
	uint8_t proto;
	uint16_t port, to_port; /* host order */
	struct addr to;
};

struct rule {
	const struct table *table; /* one of a few constants: compared as a pointer */
	const char *chain;
	enum position position; /* where it is put; not compared */
	int mapping;		/* port mapping it belongs to, counted from 1; not compared */
	const char *note;	/* its comment, for people; not compared, not read */

	struct prefix saddr, daddr; /* masked */
	bool not_daddr;
	uint8_t proto;		    /* IPPROTO_* */
	bool tcp_and_udp;	    /* the set { tcp, udp } in place of proto */
	uint16_t dport, dport_last; /* host order; dport_last 0: one port */
	const char *iif, *oif;
	bool not_iif, not_oif;
	uint32_t ct_state;   /* any of these bits */
	bool ct_dnat;	     /* the destination of the connection was translated */
	uint32_t mark;	     /* packet mark & mark == mark */
	uint32_t ct_mark;    /* connection mark & ct_mark == ct_mark */
	bool local;	     /* the destination is an address of this host */
	const char *comment; /* as a match that is always true, which only iptables has */

	uint32_t set_mark;    /* packet mark |= set_mark */
	uint32_t set_ct_mark; /* connection mark = packet mark | set_ct_mark */
	uint32_t add_ct_mark; /* connection mark |= add_ct_mark */
	enum verdict verdict;
	const char *target;
	const struct map *map; /* VERDICT_DNAT: to what it says, in place of to_addr and to_port */
	struct addr to_addr;
	uint16_t to_port;      /* host order */
	uint16_t to_port_last; /* of a range whose ports keep their distance, in one rule; or 0 */
};

#define CT_INVALID     1u /* bits of ct_state, as in linux/netfilter/nf_conntrack_common.h */
#define CT_ESTABLISHED 2u
#define CT_RELATED     4u
#define CT_NEW	       8u

struct chain {
	const char *name;
	const char *type; /* "filter", "nat"; NULL: not a base chain */
	uint32_t hook;
	int32_t priority;
};

struct ruleset {
	struct arena *arena;
	const struct table *table; /* of all its chains and rules */
	struct chain *chains;
	size_t n_chains;
	struct rule *rules;
	size_t n_rules;
};

/* The rule gets the table of the set. */
void ruleset_add(struct ruleset *set, struct rule rule);
void ruleset_add_chain(struct ruleset *set, struct chain chain);

/* As nft(8) prints it: "tcp . 80 : 10.88.0.2 . 80". */
char *element_print(const struct element *e, struct arena *a);

/* Whether two rules match and do the same; both must be in the same chain. */
bool rule_equal(const struct rule *a, const struct rule *b);

/*
 * The text that nft(8) prints for it; if its table is one of iptables', "-A <chain> …" as
 * "iptables -S" has it.
 */
char *rule_print(const struct rule *rule, struct arena *a);

/* A whole table in the form of "nft list table". */
char *ruleset_print(const struct ruleset *set, const char *table);

/*
 * A whole table in the form of iptables-save, without the lines of the time and with counters of 0.
 * builtin has the names of its own chains in their order, up to a NULL.
 */
char *ruleset_print_xt(const struct ruleset *set, const char *const *builtin);
