/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A directory of its own for each test that writes files; made and removed by these fixtures. */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"

struct scratch {
	struct arena arena;
	char dir[32];
};

static inline int scratch_make(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	strcpy(s->dir, "/tmp/unit-XXXXXX");
	*state = s;
	return mkdtemp(s->dir) ? 0 : -1;
}

static inline int scratch_remove_entry(const char *path, const struct stat *st, int type,
				       struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline int scratch_remove(void **state)
{
	struct scratch *s = *state;
	int r = nftw(s->dir, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS);

	arena_release(&s->arena);
	free(s);
	return r;
}

/* A path inside the directory. */
static inline char *scratch_path(struct scratch *s, const char *name)
{
	return arena_printf(&s->arena, "%s/%s", s->dir, name);
}

#define TEST_WITH_FILES(title, fn)                                                                 \
	{                                                                                          \
		title, fn, scratch_make, scratch_remove, NULL                                      \
	}
