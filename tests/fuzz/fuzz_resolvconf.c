/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's resolv.conf. */
#include "tests/fuzz/fuzz.h"

#include "aardvark-dns/resolvconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolvers out;
	/* A copy that ends where the data do, so that the sanitizer sees who reads on. */
	char *text = malloc(size ? size : 1);

	must(text);
	log_filter("off");
	if (size)
		memcpy(text, data, size);
	resolvconf_parse(text, size, &out);
	must(out.n_servers <= RESOLVCONF_SERVERS_MAX);
	for (size_t i = 0; i < out.n_servers; i++) {
		const struct resolver *r = &out.servers[i];

		must(r->addr.family == AF_INET || r->addr.family == AF_INET6);
		must(memchr(r->zone, '\0', sizeof(r->zone)));
		must(!r->zone[0] || r->addr.family == AF_INET6);
	}
	free(text);
	return 0;
}
