/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Capabilities, system call filter, hidden paths: what a container may not do. */

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

/*
 * Brings cap_add and cap_drop of a create record into the form CAP_X, ALL.
 * Errors:  -EINVAL for a name that is none.
 */
int security_check_capabilities(json_t *create, struct arena *a, struct error *err) must_check;

/* Whether we ourselves have a capability. */
bool security_holds(const char *name);

/* What the container gets: the default set, changed; all that we hold, if privileged. An array. */
json_t *security_bounding(const json_t *create, struct arena *a);

/* The capabilities of a process in it, as in the OCI document. Root alone gets more than it asked for. */
json_t *security_capabilities(const json_t *create, const json_t *bounding, bool is_root,
			      struct arena *a);

/*
 * Resolves a profile as containers/common keeps it for a machine and a set of capabilities into one of
 * the OCI specification.
 * Shape:   machine as uname(2) calls it; kernel as "6.1".
 */
json_t *security_resolve(const json_t *profile, const json_t *granted, const char *machine,
			 const char *kernel);

/*
 * The filter of a container; *out is NULL if it has none.
 * Errors:  -ENOENT if the host has no profile; the message names the package that has it.
 */
int security_seccomp(const json_t *create, const json_t *granted, struct arena *a, json_t **out,
		     struct error *err) must_check;

/* maskedPaths and readonlyPaths, into the linux part of the document. */
void security_hide_paths(const json_t *create, json_t *linux_part, struct arena *a);
