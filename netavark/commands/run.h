/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the commands have in common: one run, from its options to the answer on stdout. */

#include "netavark/conf.h"
#include "netavark/firewall/firewall.h"
#include "netavark/host.h"
#include "netavark/plan.h"
#include "netavark/request.h"

struct run {
	struct arena arena;
	struct options options;
	struct host host;
	struct error err;
	const char *context; /* of errors of the document */
	char *text;	     /* the document as it was read */
	size_t len;
	struct document doc;
	struct request request;
	struct conf conf;
	const struct firewall *fw;
	struct plan plan;
};

/* Fills a zeroed run, which must stay where it is, from the command line. */
void run_begin(struct run *run, const struct command_line *line);

/*
 * Reads the whole document from the file or stdin, without looking into it: whoever writes to our
 * stdin must not block, whatever else is wrong.
 */
int run_read(struct run *run) must_check;

/* Parses it into run->request. Errors: "failed to load network options: IO error: …". */
int run_parse(struct run *run) must_check;

/* Reads netavark.conf and tells the request what it says. Errors: those of conf_load(). */
int run_configure(struct run *run) must_check;

/* Chooses the firewall backend, NULL: the default one, and says so in the log. */
int run_choose_firewall(struct run *run, const char *name) must_check;

/* An error without --config. */
int run_need_config(struct run *run, const char *command) must_check;

/* Podman's, as root, for a reload that nobody has told where to look. */
void run_default_config(struct run *run);

/*
 * Puts back what is missing of the saved rules. One that is there stays as it is, so this can be done
 * at any time.
 */
int command_firewall_reload_rules(struct run *run) must_check;

/* Frees everything. */
void run_close(struct run *run);

/*
 * The end: if r is negative, takes back what is in the undo stack and prints run->err on stdout as
 * {"error":…}. Frees everything. Returns the exit status.
 */
int run_end(struct run *run, int r);
