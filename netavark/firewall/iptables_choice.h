/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where the rules of the iptables backend stand. The kernel has two places for them, which do not see
 * each other: the legacy tables, and tables of nf_tables that look the same to iptables(8). Which of
 * them the host's iptables shows is found out without executing it.
 */

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

enum iptables_variant { IPTABLES_UNKNOWN, IPTABLES_LEGACY, IPTABLES_NFT };

/*
 * What NETAVARK_IPTABLES demands; unknown if it is not set.
 * Errors:  -EINVAL 'invalid NETAVARK_IPTABLES "<value>": …'.
 */
int iptables_choice_forced(enum iptables_variant *out, struct error *err) must_check;

/* What the program iptables in PATH is, by the name of the file behind its links. */
enum iptables_variant iptables_choice_program(struct arena *a);
