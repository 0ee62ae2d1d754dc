/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a container is made with: options of the command line → the record create.json. Everything that
 * can be wrong with them is found here, before anything is made.
 *
 * The record (schemas/engine-container.schema.json):
 *   id name created rootfs overlay
 *   args entrypoint env cwd user groups hostname terminal stdin init umask
 *   remove stop_signal stop_timeout restart timeout labels annotations log
 *   mounts shm_size read_only devices sysctls rlimits resources oom_score_adj
 *   cap_add cap_drop privileged security
 *   namespaces cgroups cgroup_parent
 *   networks ports dns dns_search dns_options hosts hosts_file
 */

#include "engine/cli.h"
#include "engine/store.h"

extern const struct cli_option options_create[];  /* create and run */
extern const struct cli_option options_limits[];  /* these and update */
extern const struct cli_option options_network[]; /* these and network connect */

/* *out belongs to the pool. The name is chosen, but not taken yet. */
int options_build(struct engine *e, const struct cli_line *line, json_t **out,
		  struct error *err) must_check;

/* The part of the limits alone, as in the OCI specification. */
int options_resources(const struct cli_line *line, struct arena *a, json_t *resources,
		      struct error *err) must_check;

/* "KEY=VALUE" strings into an object; without "=" the value is "". */
void options_map(const char **list, json_t *object, struct arena *a);

/* "NAME=VALUE" for -e and --env-file: "NAME" alone copies ours, if it is set. */
void options_environment(const char *text, json_t *array);
int options_env_file(const char *path, json_t *array, struct arena *a,
		     struct error *err) must_check;

/* "name[:ip=…,ip6=…,mac=…,alias=…,interface_name=…,key=value]" → an entry of networks. */
int options_network_entry(const char *text, json_t **out, struct arena *a,
			  struct error *err) must_check;
/* The options of options_network for the one network of an entry. */
int options_network_details(const struct cli_line *line, json_t *entry, struct arena *a,
			    struct error *err) must_check;
