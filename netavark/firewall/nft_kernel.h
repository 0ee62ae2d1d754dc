/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The kernel's nftables: reading single chains and committing a list of operations in one
 * transaction. One of the doors. Nothing here knows what the rules are for.
 */

#include <libmnl/libmnl.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "netavark/firewall/job.h"

struct nft {
	struct mnl_socket *socket;
	struct arena *arena;
	char *buf; /* what the kernel answers */
	uint32_t seq;
	uint32_t generation; /* of the ruleset that was read; a commit on another one is refused */
};

/* Errors: "nftables error: …". The socket is closed by nft_close(). */
int nft_open(struct nft *nft, struct arena *a, struct error *err) must_check;
void nft_close(struct nft *nft);

/* Notes the generation that everything read from now on belongs to. */
int nft_begin(struct nft *nft, struct error *err) must_check;

/* Whether the table is there. */
int nft_find_table(struct nft *nft, const struct table *t, bool *out, struct error *err) must_check;

/* Reads one chain with its rules. A chain or table that is not there is not an error. */
int nft_read_chain(struct nft *nft, const struct table *t, const char *name, struct live_chain *out,
		   struct error *err) must_check;

/* The names of all chains of a table. */
int nft_list_chains(struct nft *nft, const struct table *t, const char ***out, size_t *out_n,
		    struct error *err) must_check;

/* All elements of a map, none if it is not there. */
int nft_read_map(struct nft *nft, const struct table *t, const struct map *map,
		 struct element **out, size_t *out_n, struct error *err) must_check;

/* Whether the anonymous set holds exactly tcp and udp. */
int nft_is_tcp_and_udp(struct nft *nft, const struct table *t, const char *set, bool *out,
		       struct error *err) must_check;

/*
 * All operations or none, in one transaction on the generation that was read.
 * Errors:  -ERESTART if the ruleset has changed meanwhile: read again and repeat; -EBUSY with
 *          *out_busy, the operation on a chain that something else jumps to; "nftables error: …".
 */
int nft_commit(struct nft *nft, const struct ops *ops, const struct op **out_busy,
	       struct error *err) must_check;

/* The same for jobs. */
extern const struct kernel nft_kernel;
