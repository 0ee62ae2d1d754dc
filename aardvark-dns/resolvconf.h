/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The host's DNS servers, from /etc/resolv.conf. */

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/addr.h"
#include "common/cleanup.h"
#include "common/error.h"

#define RESOLVCONF_PATH	       "/etc/resolv.conf"
#define RESOLVCONF_SERVERS_MAX 3

struct resolver {
	struct addr addr;
	char zone[IF_NAMESIZE]; /* interface name or number of a link-local address, or "" */
};

struct resolvers {
	struct resolver servers[RESOLVCONF_SERVERS_MAX];
	size_t n_servers;
};

/*
 * Reads the nameserver lines of a text. A line that makes no sense is skipped with a warning.
 * Shape:   text is len bytes, any bytes. At most RESOLVCONF_SERVERS_MAX servers are taken.
 */
void resolvconf_parse(const char *text, size_t len, struct resolvers *out);

/* A watched file. */
struct resolvconf {
	const char *path;
	struct resolvers now;
	struct resolvconf_stamp {
		dev_t dev;
		ino_t ino;
		off_t size;
		struct timespec changed;
	} stamp; /* of the file that now was read from */
};

/*
 * Reads the file again if it is another one or has been written to; path may be a symbolic link.
 * A file that is missing, cannot be read, or is empty (somebody is writing it) changes nothing.
 * Cheap enough to be called for every forwarded query: one stat(2) if nothing has changed.
 * Returns true if it has been read.
 */
bool resolvconf_refresh(struct resolvconf *r);
