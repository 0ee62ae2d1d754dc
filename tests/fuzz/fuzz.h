/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the fuzz targets share. A target is a function that libFuzzer calls with any bytes; it ends
 * the process if what comes of them breaks a promise. replay.c calls it with files instead.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aardvark-dns/config.h"
#include "common/cleanup.h"
#include "common/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert(3), whatever NDEBUG says. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A snapshot of three networks, of which the last one is internal. Made once. */
static inline const struct zones *fuzz_zones(void)
{
	static const char *const texts[] = {
		"10.89.0.1,fd00:89::1 9.9.9.9\n"
		"a1 10.89.0.2 fd00:89::2 db,alias,x.y\n"
		"ab 10.89.0.3  both 1.1.1.1\n",
		"10.89.1.1\nab 10.89.1.3  both,db\n",
		"10.89.2.1\ni1 10.89.2.2  inner\n",
	};
	static const char *const names[] = {"a", "b", "c"};
	static const struct zones *zones;
	static struct arena arena;
	struct config_network nets[array_size(texts)];
	struct hash_key key = {1, 2};
	struct error err;
	bool suspect;

	for (size_t i = 0; !zones && i < array_size(texts); i++) {
		must(config_parse(names[i], texts[i], strlen(texts[i]), &arena, &nets[i], &suspect,
				  &err) == 0);
		nets[i].name = names[i];
		nets[i].internal = i == 2;
	}
	if (!zones) {
		log_filter("off");
		zones = zones_build(&arena, &key, nets, array_size(nets));
	}
	return zones;
}
