/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/arena.h"

/* The network's name in chains and state files: SHA-512, upper-case hex, first 13 characters. */
char *hash_network_name(struct arena *a, const char *name);

/* SHA-256 in lower-case hex, for names that cannot be file names. */
char *hash_file_name(struct arena *a, const char *name);
