/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel's nftables: reading single chains and committing a list of operations in one
 * transaction. One of the doors. Nothing here knows what the rules are for.
 */

#include <libmnl/libmnl.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "netavark/firewall/rule.h"

struct nft {
	struct mnl_socket *socket;
	struct arena *arena;
	char *buf; /* what the kernel answers */
	uint32_t seq;
	uint32_t generation; /* of the ruleset that was read; a commit on another one is refused */
};

struct nft_rule { /* a rule as it stands in the kernel */
	struct rule rule;
	bool ours;  /* in our normal form; false: equal to none of ours */
	bool taken; /* marked by the caller */
	uint64_t handle;
	const char *set; /* anonymous set of protocols, not looked into yet; or NULL */
};

struct nft_chain {
	const char *name;
	bool exists;
	struct nft_rule *rules;
	size_t n_rules;
};

enum nft_op_kind {
	NFT_ADD_TABLE,
	NFT_DELETE_TABLE,
	NFT_ADD_CHAIN,
	NFT_DELETE_CHAIN,
	NFT_ADD_RULE,
	NFT_DELETE_RULE
};

struct nft_op {
	enum nft_op_kind kind;
	struct chain chain; /* for chains: only the name counts when deleting */
	struct rule rule;   /* for rules; also kept when deleting, for undo and messages */
	uint64_t handle;    /* NFT_DELETE_RULE: which; NFT_ADD_RULE: insert before, or 0 */
};

struct nft_ops {
	struct nft_op *list;
	size_t n;
};

/* Errors: "nftables error: …". The socket is closed by nft_close(). */
int nft_open(struct nft *nft, struct arena *a, struct error *err) must_check;
void nft_close(struct nft *nft);

/* Notes the generation that everything read from now on belongs to. */
int nft_begin(struct nft *nft, struct error *err) must_check;

/* Whether the table is there. */
int nft_find_table(struct nft *nft, const char *table, bool *out, struct error *err) must_check;

/* Reads one chain with its rules. A chain or table that is not there is not an error. */
int nft_read_chain(struct nft *nft, const char *table, const char *name, struct nft_chain *out,
		   struct error *err) must_check;

/* The names of all chains of a table. */
int nft_list_chains(struct nft *nft, const char *table, const char ***out, size_t *out_n,
		    struct error *err) must_check;

/* Whether the anonymous set holds exactly tcp and udp. */
int nft_is_tcp_and_udp(struct nft *nft, const char *table, const char *set, bool *out,
		       struct error *err) must_check;

/*
 * All operations or none, in one transaction on the generation that was read.
 * Errors:  -ERESTART if the ruleset has changed meanwhile: read again and repeat; -EBUSY with
 *          *out_busy, the name of a chain that something else jumps to; "nftables error: …".
 */
int nft_commit(struct nft *nft, const char *table, const struct nft_ops *ops, const char **out_busy,
	       struct error *err) must_check;
