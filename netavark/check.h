/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * netavark check: everything that is wrong with a document, not just the first thing. An error is what
 * the command that the document is for would refuse; a warning is what it takes, although it can hardly
 * be meant. Nothing is changed, and no plugin is run.
 */

#include "netavark/conf.h"
#include "netavark/options.h"
#include "netavark/request.h"

struct check {
	struct document *doc; /* opened so that its problems are noted */
	struct arena *arena;
	struct problems *problems;
	const struct options *options;
	const char *firewall; /* the backend's name */
	const struct conf *conf;
	struct error err; /* of the check at hand */
};

/* The documents of setup and teardown, and of create. */
void check_setup(struct check *c);
void check_create(struct check *c);
/* netavark.conf. */
void check_conf(struct check *c);

/* Gives all problems that have none yet a code, which depends on the member they concern. */
void check_name_problems(struct check *c);

/* ---- the parts ---- */

/* Notes c->err if r is negative: where it says that it is, else at the member key of at. */
void check_note(struct check *c, int r, const struct reader *at, const char *key);
void check_error(struct check *c, const struct reader *at, const char *key, const char *hint,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void check_warning(struct check *c, const struct reader *at, const char *key, const char *hint,
		   const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* "did you mean …?", or NULL. */
const char *check_hint(struct check *c, const char *closest);

/* Whether a value has been found wrong, or something in it: what depends on it is not looked at. */
bool check_is_bad(const struct check *c, const struct reader *at, const char *key);
