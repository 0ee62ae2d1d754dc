/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* /etc/hosts and /etc/resolv.conf of a container, as text. */

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

/*
 * status is netavark's answer by network. The host is host.containers.internal, at the first gateway.
 * Errors:  -ENOENT if the file named with --hosts-file is not there.
 */
int resolver_hosts(const json_t *create, const json_t *status, const char *hostname,
		   const char *name, struct arena *a, char **out, struct error *err) must_check;

int resolver_conf(const json_t *create, const json_t *status, struct arena *a, char **out,
		  struct error *err) must_check;

/*
 * The same without looking at the host: host_text is its resolv.conf. own_network: loopback servers
 * cannot be reached.
 */
char *resolver_conf_from(const json_t *create, const json_t *status, const char *host_text,
			 bool own_network, struct arena *a);
