/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/firewall/firewall.h"

#include <errno.h>
#include <string.h>

int firewall_choose(const char *name, const struct firewall **out, struct error *err)
{
	static const struct firewall *const backends[] = {&firewall_nft, &firewall_iptables,
							  &firewall_none};
	static const char *const known[] = {"firewalld"};

	if (!name)
		name = firewall_nft.name;
	for (size_t i = 0; i < array_size(backends); i++) {
		if (strcmp(backends[i]->name, name) == 0) {
			*out = backends[i];
			return 0;
		}
	}
	for (size_t i = 0; i < array_size(known); i++)
		if (strcmp(known[i], name) == 0)
			return fail(err, EOPNOTSUPP, "%s driver is not supported by this build",
				    name);
	return fail(err, EINVAL, "Must provide a valid firewall backend, got %s", name);
}

const char *isolation_name(enum isolation isolation)
{
	static const char *const names[] = {"Never", "Normal", "Strict"};

	return names[isolation];
}
