/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The configuration directory: one file per network, written by netavark. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "aardvark-dns/zones.h"
#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

#define CONFIG_PID_FILE "aardvark.pid"

/* How a file stands, to see whether it has been written to. */
struct config_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed; /* not the time of modification, which can be set */
};

struct config_file {
	const char *name; /* of the network: the file's name without %int */
	const char *text; /* the content that is in use; NUL-terminated */
	size_t len;
	bool internal;
	bool suspect;	       /* not as it should be: maybe half written, look again soon */
	bool fresh;	       /* written to just before it was read: its stamp proves nothing */
	bool unfinished;       /* its last line is not ended, which is allowed: look again once */
	const char *path_name; /* the file's name in the directory */
	struct config_stamp stamp; /* of the file, also if its content is not in use */
};

/* One state of the directory. All in its own arena; free with config_free(). */
struct config {
	struct arena arena;
	struct config_file *files; /* by name of the network */
	size_t n_files;
	const struct zones *zones;
};

/*
 * Reads the directory and builds the snapshot. Never fails for what is in it: a bad line is
 * skipped, a file without usable header keeps the content it has in old, or is skipped; both are
 * logged. A file that has not been written to since old was loaded is not read again.
 * Shape:   old may be NULL. The result does not depend on old afterwards.
 * Errors:  the directory cannot be read.
 */
int config_load(const char *dir, const struct config *old, struct config **out,
		struct error *err) must_check;

/* Whether some file of c is suspect, or unfinished. */
bool config_is_suspect(const struct config *c);
bool config_is_unfinished(const struct config *c);

/* Whether a suspect or unfinished file is gone or has been written to since it was read. */
bool config_suspects_changed(const char *dir, const struct config *c);

/* NULL is fine. */
void config_free(struct config *c);

/*
 * Parses the text of one file.
 * Shape:   name is used in log lines only. Text is NUL-terminated; strings and lists of *out live
 *          in a. *out_suspect tells that a line was skipped.
 * Errors:  -EINVAL if the header is missing or wrong.
 */
int config_parse(const char *name, const char *text, size_t len, struct arena *a,
		 struct config_network *out, bool *out_suspect, struct error *err) must_check;
