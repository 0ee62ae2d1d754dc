/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Published ports: what people write, and that nobody else on the host gets them. A published port is
 * bound, but nobody listens on it: a second container or a program on the host is told "address already
 * in use" instead of silently losing its connections to the forwarding rules.
 */

#include <jansson.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

/*
 * "[HOSTIP:][HOST[-END]:]CONTAINER[-END][/tcp|udp|sctp]" → a mapping as netavark takes it, appended to
 * array. A host port that is not given is 0.
 */
int ports_parse(const char *text, json_t *array, struct arena *a, struct error *err) must_check;

/* Gives mappings without a host port one that is free now. */
int ports_choose(json_t *array, struct error *err) must_check;

struct ports {
	int *fds;
	size_t n;
};

/* Binds all ports of the mappings, in both families where no host address is given. */
int ports_reserve(const json_t *array, struct arena *a, struct ports *out,
		  struct error *err) must_check;
void ports_close(struct ports *p);

/* "0.0.0.0:8080->80/tcp" of one mapping. */
char *ports_print(const json_t *mapping, struct arena *a);
