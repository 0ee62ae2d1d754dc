/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/firewall/firewall.h"

static int add(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo,
	       struct error *err)
{
	(void)in;
	(void)n;
	(void)a;
	(void)undo;
	(void)err;
	return 0;
}

static int remove_all(const struct fw_intent *in, size_t n, struct arena *a, struct error *err)
{
	return add(in, n, a, NULL, err);
}

const struct firewall firewall_none = {
	.name = "none",
	.announcement = "Not using firewall",
	.idle = true,
	.add = add,
	.remove = remove_all,
};
