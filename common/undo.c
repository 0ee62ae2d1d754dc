/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::undo"
#include "common/undo.h"

#include "common/log.h"

struct undo_step {
	struct undo_step *older;
	undo_fn fn;
	void *arg;
	const char *what;
};

void undo_push(struct undo *undo, undo_fn fn, void *arg, const char *what)
{
	if (!undo)
		return;
	struct undo_step *step = arena_alloc(undo->arena, sizeof(*step));

	*step = (struct undo_step){.older = undo->newest, .fn = fn, .arg = arg, .what = what};
	undo->newest = step;
}

int undo_run(struct undo *undo)
{
	int failed = 0;

	while (undo->newest) {
		struct undo_step *step = undo->newest;
		struct error err = {0};

		undo->newest = step->older;
		log_debug("taking back %s", step->what);
		if (step->fn(step->arg, &err) < 0) {
			log_error("could not take back %s: %s", step->what, err.text);
			failed++;
		}
	}
	return failed;
}

void undo_forget(struct undo *undo)
{
	undo->newest = NULL;
}
