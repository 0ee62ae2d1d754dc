/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where everything is: three trees (what lasts, what ends with the boot, what the administrator
 * writes), the ids and names of containers, their locks and JSON files. No database: a file is
 * replaced by rename, a name is a symbolic link, a lock is a flock.
 */

#include <stdbool.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "engine/record.h"

#define STORE_ID_LEN	64
#define STORE_SHORT_LEN 12

struct engine {
	struct arena *arena;
	struct record_pool pool;
	const char *root, *runroot, *config;
	const char *self; /* this program, for the monitor's exit command */
	const char *runtime, *conmon, *netavark, *aardvark, *init;
	const char *cgroup_manager;  /* NULL: what the host offers */
	const char *firewall_driver; /* NULL: netavark's default */
	int status; /* the exit status if the command fails; 125 unless something else fits better */
};

struct container {
	struct engine *engine;
	const char *id, *name;
	const char *dir, *run_dir; /* below the root and below the runroot */
	json_t *create;		   /* how it was made; never changes */
	json_t *state;		   /* name, exit status, times, restarts, networks */
	json_t *run;		   /* NULL: nothing of it exists outside of the root */
	int lock;		   /* -1: not held */
};

/* Makes the trees. */
int store_open(struct engine *e, struct error *err) must_check;

char *store_new_id(struct arena *a, struct error *err); /* NULL: no random bytes */
const char *store_short(struct arena *a, const char *id);
bool store_name_is_valid(const char *name);

/* A path below one of the trees. */
char *store_path(const struct engine *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
char *store_run_path(const struct engine *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A file in the container's directory, or in its run directory. */
char *store_file(const struct container *c, const char *name);
char *store_run_file(const struct container *c, const char *name);

/*
 * The id that a name, an id or the beginning of an id means.
 * Errors:  -ENOENT "no such container: …"; -EEXIST if several ids begin like that.
 */
int store_find(struct engine *e, const char *what, const char **out_id,
	       struct error *err) must_check;

/* The ids of all containers, oldest first; ends with NULL. */
int store_list(struct engine *e, const char ***out, struct error *err) must_check;

/* Takes the name for an id. Errors: -EEXIST "the container name \"x\" is already in use by …". */
int store_take_name(struct engine *e, const char *name, const char *id,
		    struct error *err) must_check;
void store_drop_name(struct engine *e, const char *name, const char *id);

/*
 * Reads the container's files. With lock, waits for its lock first; store_close() gives it back. It is
 * never held while waiting for the container or for a person.
 * Errors:  -ENOENT if there is no such container (any more).
 */
int store_load(struct engine *e, const char *id, bool lock, struct container **out,
	       struct error *err) must_check;
int store_lock(struct container *c, struct error *err) must_check; /* again, and reads anew */
/* The same if nobody has it. Errors: -EWOULDBLOCK. */
int store_try_lock(struct container *c, struct error *err) must_check;
void store_close(struct container *c);

/* An exclusive lock on one of the things that are one for all: "names", "networks". */
int store_lock_common(struct engine *e, const char *name, int *out_fd,
		      struct error *err) must_check;

int store_write_state(struct container *c, struct error *err) must_check;
int store_write_run(struct container *c, struct error *err) must_check;

/* Makes the directory of a new container with its create.json: in one step, it is there or not. */
int store_make(struct engine *e, const char *id, const json_t *create,
	       struct error *err) must_check;

/* Takes it away: in one step, what is in it follows. */
int store_discard(struct engine *e, const char *id, struct error *err) must_check;

/* Removes the container's directory, its run directory and its lock, and gives its name back. */
int store_remove(struct container *c, struct error *err) must_check;
int store_remove_run(struct container *c, struct error *err) must_check;

/* The time as it stands in our files: RFC 3339 in UTC with nanoseconds. */
char *store_now(struct arena *a);
