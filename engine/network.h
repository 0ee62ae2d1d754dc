/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Networks by netavark, as Podman calls it: a process, JSON in and out. Here are the definitions of
 * networks, the requests for containers, and the files that names are looked up in.
 */

#include "common/undo.h"
#include "engine/store.h"

#define NETWORK_DEFAULT "tjalk"

/* The definition of a network; the default one is made at its first use. Errors: -ENOENT. */
int network_load(struct engine *e, const char *name, json_t **out, struct error *err) must_check;

/*
 * All definitions; a file that is broken is named in a warning and left out. bad may be NULL; it counts
 * them.
 */
int network_list(struct engine *e, json_t **out, size_t *bad, struct error *err) must_check;
int network_write(struct engine *e, const json_t *network, struct error *err) must_check;
int network_remove(struct engine *e, const char *name, struct error *err) must_check;

/* A complete definition from what the user gave; the rules are netavark's. The name is taken. */
int network_create(struct engine *e, json_t *network, bool used_checked, json_t **out,
		   struct error *err) must_check;

/* The networks that a container is in: what it was made with, or what connect and disconnect left. */
json_t *network_of(const struct container *c);

/* The ids of the containers that use a network; ends with NULL. */
int network_users(struct engine *e, const char *name, const char ***out,
		  struct error *err) must_check;

/* Errors: -EADDRINUSE if another container has a static address that this entry asks for. */
int network_check_entry(struct engine *e, const char *id, const json_t *entry,
			struct error *err) must_check;

/*
 * Connects the namespace at path: net.json is the request, written before; status.json the answer.
 * Undo:    network_teardown().
 */
int network_setup(struct container *c, const char *netns, struct undo *undo,
		  struct error *err) must_check;
int network_teardown(struct container *c, const char *netns, struct error *err) must_check;

/* One network more or less for a running container; entry is one of network_of(). */
int network_connect(struct container *c, const char *netns, json_t *entry,
		    struct error *err) must_check;
int network_disconnect(struct container *c, const char *netns, const char *name,
		       struct error *err) must_check;

/* Puts back the rules of all containers. */
int network_reload(struct engine *e, struct error *err) must_check;

/* Tells the name server whom to ask in a network; servers end with NULL. */
int network_update_servers(struct engine *e, const char *name, const char *const *servers,
			   struct error *err) must_check;

/* netavark's answers by network; an empty object if there are none. */
json_t *network_status(struct container *c);

/*
 * Writes hosts, resolv.conf, hostname and containerenv into the run directory. With in_place the files
 * stay the same, as they are mounted in the container.
 */
int network_write_files(struct container *c, const char *hostname, bool in_place,
			struct error *err) must_check;
