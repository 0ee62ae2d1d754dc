/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * netavark.conf(5): what the host says about the options of extension.h, for all networks and for single
 * ones. Several files, of which later ones count more; one that is not there says nothing.
 */

#include "netavark/options.h"
#include "netavark/request.h"

struct conf_file {
	const char *path;
	struct document *doc;
	struct option *all; /* for all networks */
	size_t n_all;
};

struct conf {
	struct conf_file *files; /* in the order in which they were read */
	size_t n;
};

/*
 * Reads all files. conf_close() also after a failure.
 * Errors:  -EINVAL with the file's name, line and column.
 */
int conf_load(const struct options *options, struct arena *a, struct conf *out,
	      struct error *err) must_check;

/* Tells each network of the request what the host says about it, the more important first. */
void conf_apply(const struct conf *conf, struct request *req, struct arena *a);

/* What the host says about a network of this name, or with NULL about all of them. */
size_t conf_options(const struct conf *conf, const char *network, struct arena *a,
		    struct option **out);

/* Reads one file that is open. Where problems are noted, those of its values are. */
void conf_read(struct document *doc, struct conf_file *out);

void conf_close(struct conf *conf);
