/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The OCI document (config.json) of a container: its create record, with what its start has found out. */

#include <jansson.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "engine/user.h"

struct document_facts {
	const char *root;	  /* what the container will see as / */
	const char *hostname;	  /* NULL: that of the host */
	const char *cgroups_path; /* NULL: no group of its own */
	bool cgroup_namespace, swap;
	const char *netns;			   /* NULL: that of the host */
	bool own_netns;				   /* made by us: its settings are ours, too */
	const char *pid_namespace, *ipc_namespace; /* paths; NULL: new ones */
	const char *hosts, *resolv_conf, *hostname_file, *containerenv; /* files; NULL: none */
	const char *init;    /* the program, if there is one in front */
	const char *volumes; /* directory for what overlays write */
	struct user user;
	json_t *bounding, *seccomp;	   /* seccomp may be NULL */
	long long hard_nofile, hard_nproc; /* our own limits; -1: none */
	bool may_raise;			   /* limits above our own are possible */
	int oom_score_adj;		   /* our own */
};

/* *out is a new reference. Errors: -EINVAL if there is no command; -ENOENT for devices that are gone. */
int document_build(const json_t *create, const struct document_facts *facts, struct arena *a,
		   json_t **out, struct error *err) must_check;

/* The process part for exec: env, cwd and so on of the container, with what is given here. */
json_t *document_exec(const json_t *config, const json_t *args);

/* Whether a volume asks to see what is mounted on the host later. */
bool document_wants_slave(const json_t *create);
