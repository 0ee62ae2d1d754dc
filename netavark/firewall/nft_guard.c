/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::guard"
#include "netavark/firewall/nft_guard.h"

#include <errno.h>

#include "common/log.h"
#include "netavark/firewall/nft_kernel.h"
#include "netavark/firewall/nft_rules.h"

static bool is_wanted(const struct fw_intent *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in[i].extras.guard && !in[i].net.internal)
			return true;
	return false;
}

int nft_guard_plan(struct job *j, const struct fw_intent *in, size_t n, struct error *err)
{
	struct ruleset set = {.arena = j->arena, .table = &nft_rules_guard_table};
	int r;

	if (!is_wanted(in, n))
		return 0;
	nft_rules_guard(&set);
	r = job_add_table(j, set.table, err);
	if (r == 0)
		r = job_add_chains(j, &set, err);
	for (size_t i = 0; r == 0 && i < set.n_rules; i++)
		r = job_add_rule_if_missing(j, &set.rules[i], err);
	return r;
}

int nft_guard_add(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo,
		  struct error *err)
{
	int r = is_wanted(in, n) ? job_run(&nft_kernel, nft_guard_plan, in, n, a, undo, err) : 0;

	if (r != -EPROTONOSUPPORT && r != -EOPNOTSUPP && r != -EINVAL)
		return r;
	log_debug("no loopback guard: %s", err->text);
	return 0;
}
