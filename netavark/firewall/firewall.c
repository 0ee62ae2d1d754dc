/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall"
#include "netavark/firewall/firewall.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"

static const struct firewall *const backends[] = {&firewall_nft, &firewall_iptables,
						  &firewall_none};

int firewall_choose(const char *name, const struct firewall **out, struct error *err)
{
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

/* "none" means that the rules are somebody else's business, leftovers included. */
int firewall_remove(const struct firewall *fw, const struct fw_intent *in, size_t n,
		    struct arena *a, struct error *err)
{
	int r = fw->remove(in, n, a, err);

	for (size_t i = 0; !fw->idle && i < array_size(backends); i++) {
		struct error one;

		if (backends[i] != fw && backends[i]->remove(in, n, a, &one) < 0)
			log_warn("leftovers of the driver %s: %s", backends[i]->name, one.text);
	}
	return r;
}

const char *isolation_name(enum isolation isolation)
{
	static const char *const names[] = {"Never", "Normal", "Strict"};

	return names[isolation];
}
