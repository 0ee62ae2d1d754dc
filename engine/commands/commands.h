/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The commands of tjalk. Each returns the exit status, or -errno with an error. */

#include "engine/cli.h"
#include "engine/lifecycle.h"

#define COMMAND(name) int name(struct engine *e, const struct cli_line *line, struct error *err)

COMMAND(command_create);
COMMAND(command_run);
COMMAND(command_start);
COMMAND(command_stop);
COMMAND(command_restart);
COMMAND(command_kill);
COMMAND(command_rm);
COMMAND(command_pause);
COMMAND(command_unpause);
COMMAND(command_wait);
COMMAND(command_rename);
COMMAND(command_update);
COMMAND(command_attach);
COMMAND(command_exec);
COMMAND(command_ps);
COMMAND(command_inspect);
COMMAND(command_logs);
COMMAND(command_top);
COMMAND(command_port);
COMMAND(command_exists);
COMMAND(command_cleanup);
COMMAND(command_network_create);
COMMAND(command_network_ls);
COMMAND(command_network_inspect);
COMMAND(command_network_rm);
COMMAND(command_network_exists);
COMMAND(command_network_prune);
COMMAND(command_network_connect);
COMMAND(command_network_disconnect);
COMMAND(command_network_reload);
COMMAND(command_network_update);
COMMAND(command_info);
COMMAND(command_version);

extern const struct cli_option commands_start[], commands_stop[], commands_kill[], commands_rm[];
extern const struct cli_option commands_all[], commands_wait[], commands_attach[], commands_exec[];
extern const struct cli_option commands_ps[], commands_inspect[], commands_logs[];
extern const struct cli_option commands_network_create[], commands_network_ls[];
extern const struct cli_option commands_network_rm[], commands_network_connect[];
extern const struct cli_option commands_network_update[], commands_version[];

/* ---- what commands share ---- */

typedef int (*commands_fn)(struct container *c, const struct cli_line *line, struct error *err);

/*
 * Runs fn for each container that is named, or for all with --all, and prints the names that went well.
 * One that fails does not keep the others from their turn; its error is told at once.
 * with_lock: fn finds the container locked, and may give the lock back.
 */
int commands_each(struct engine *e, const struct cli_line *line, bool with_lock, commands_fn fn,
		  struct error *err);

/* Loads the container that is named. */
int commands_load(struct engine *e, const char *name, bool lock, struct container **out,
		  struct error *err) must_check;

/* Connects our streams with a container until it ends. Returns its exit status, or -errno. */
int commands_follow(struct container *c, int socket, const struct cli_line *line,
		    struct error *err);

/*
 * Prints a value: with --format json as such, with "{{.Field.Field}}" that part of it, else all of it
 * indented.
 */
int commands_print(const json_t *value, const char *format, struct arena *a, struct error *err);

/* The text of a "{{.A}} {{.B}}" format for one object. */
int commands_format(const json_t *object, const char *format, struct arena *a, char **out,
		    struct error *err) must_check;
