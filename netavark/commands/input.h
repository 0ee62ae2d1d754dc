/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What setup, teardown and plan have in common: the document, and how failure is told. */

#include "netavark/options.h"
#include "netavark/request.h"

struct input {
	char *text;
	size_t len;
	struct document doc;
};

/*
 * Reads the whole document from the file or stdin, without looking into it: whoever writes to our
 * stdin must not block, whatever else is wrong.
 */
int input_read(const struct options *o, struct arena *a, struct input *out,
	       struct error *err) must_check;

/* Parses it. Errors: "failed to load network options: IO error: …". */
int input_parse(struct input *in, struct arena *a, struct request *out,
		struct error *err) must_check;
void input_close(struct input *in);

/* Prints {"error":…} on stdout. Returns the exit status 1. */
int input_report(const struct error *err, struct arena *a);
