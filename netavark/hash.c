/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/hash.h"

#include <ctype.h>
#include <sha2.h>
#include <stdint.h>
#include <string.h>

#define NETWORK_HASH_LENGTH 13

char *hash_network_name(struct arena *a, const char *name)
{
	char hex[SHA512_DIGEST_STRING_LENGTH];

	SHA512Data((const uint8_t *)name, strlen(name), hex);
	for (char *p = hex; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return arena_strndup(a, hex, NETWORK_HASH_LENGTH);
}

char *hash_file_name(struct arena *a, const char *name)
{
	char hex[SHA256_DIGEST_STRING_LENGTH];

	return arena_strdup(a, SHA256Data((const uint8_t *)name, strlen(name), hex));
}
