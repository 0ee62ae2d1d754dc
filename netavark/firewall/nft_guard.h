/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The loopback guard: a table of its own, beside that of any backend. It is never removed. */

#include "netavark/firewall/job.h"

/* Plans what of it is missing, if any of the intents wants it. */
int nft_guard_plan(struct job *j, const struct fw_intent *in, size_t n,
		   struct error *err) must_check;

/*
 * The same as a change of its own, for backends that write no nftables rules. A kernel without
 * nf_tables is no error.
 * Undo:    as job_run().
 */
int nft_guard_add(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo,
		  struct error *err) must_check;
