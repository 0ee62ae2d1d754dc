/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/firewall/iptables_choice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"

int iptables_choice_forced(enum iptables_variant *out, struct error *err)
{
	const char *value = getenv("NETAVARK_IPTABLES");

	*out = IPTABLES_UNKNOWN;
	if (!value)
		return 0;
	if (strcmp(value, "legacy") == 0)
		*out = IPTABLES_LEGACY;
	else if (strcmp(value, "nft") == 0)
		*out = IPTABLES_NFT;
	else
		return fail(err, EINVAL, "invalid NETAVARK_IPTABLES \"%s\": expected legacy or nft",
			    value);
	return 0;
}

static enum iptables_variant variant_of(const char *path)
{
	cleanup_free char *real = realpath(path, NULL);
	const char *name = real ? strrchr(real, '/') : NULL;

	if (name && strcmp(name, "/xtables-nft-multi") == 0)
		return IPTABLES_NFT;
	if (name && strcmp(name, "/xtables-legacy-multi") == 0)
		return IPTABLES_LEGACY;
	return IPTABLES_UNKNOWN;
}

enum iptables_variant iptables_choice_program(struct arena *a)
{
	const char *path = getenv("PATH");
	char **dirs;
	size_t n = text_split(a, path ? path : "/usr/sbin:/usr/bin:/sbin:/bin", ':', &dirs);

	for (size_t i = 0; i < n; i++) {
		const char *file = arena_printf(a, "%s/iptables", *dirs[i] ? dirs[i] : ".");

		if (access(file, X_OK) == 0)
			return variant_of(file);
	}
	return IPTABLES_UNKNOWN;
}
