/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/commands/input.h"

#include <string.h>

#include "common/file.h"
#include "netavark/report.h"

#define INPUT_MAX (8u << 20)
#define CONTEXT	  "failed to load network options"

int input_read(const struct options *o, struct arena *a, struct input *out, struct error *err)
{
	bool from_stdin = !o->file || strcmp(o->file, "-") == 0;
	int r;

	*out = (struct input){0};
	if (from_stdin)
		r = file_read_fd(STDIN_FILENO, INPUT_MAX, a, &out->text, &out->len, err);
	else
		r = file_read(o->file, INPUT_MAX, a, &out->text, &out->len, err);
	return r < 0 ? wrap(err, CONTEXT) : 0;
}

int input_parse(struct input *in, struct arena *a, struct request *out, struct error *err)
{
	int r = document_open(&in->doc, a, in->text, in->len, err);

	if (r == 0)
		r = request_read(&in->doc, out, err);
	return r < 0 ? wrap(err, CONTEXT ": IO error") : 0;
}

void input_close(struct input *in)
{
	document_close(&in->doc);
}

int input_report(const struct error *err, struct arena *a)
{
	char *line = report_error(err, a);
	struct error ignored;

	if (file_write_fd(STDOUT_FILENO, line, strlen(line), &ignored) < 0)
		fprintf(stderr, "netavark: %s\n", err->text);
	return 1;
}
