/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Files: read whole, replace by rename, lock, make directories. One of the doors. Paths are byte
 * strings. Errors say "IO error: …"; callers put the name of the file in front where it helps.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"
#include "common/undo.h"

/*
 * Reads a file, pipe or terminal to its end. The result is NUL-terminated; out_len may be NULL.
 * Errors:  -EFBIG beyond max bytes (the rest is still read, so that a writer on a pipe does not
 *          block); -ENOENT and all others of open(2) and read(2).
 */
int file_read(const char *path, size_t max, struct arena *a, char **out, size_t *out_len,
	      struct error *err) must_check;
int file_read_fd(int fd, size_t max, struct arena *a, char **out, size_t *out_len,
		 struct error *err) must_check;

/*
 * Puts data at path in one step: writes temp, flushes it, renames it over path and flushes the
 * directory. At any kill point path holds the old or the new content. temp must be on the same
 * file system; it is removed on failure. With an undo, a file that has this content is left alone.
 * Undo:    the old content comes back, or the file goes if there was none. undo may be NULL.
 */
int file_replace(const char *path, const char *temp, const char *data, size_t len, struct arena *a,
		 struct undo *undo, struct error *err) must_check;

/* Removes a file; one that is not there is fine. Undo: the content comes back. */
int file_remove(const char *path, struct arena *a, struct undo *undo, struct error *err) must_check;

/* Makes a directory and its parents. Existing ones are fine. No undo: empty directories stay. */
int file_make_dirs(const char *path, mode_t mode, struct error *err) must_check;

/*
 * Removes a directory with all that is in it; does not follow links, nor go into other file systems.
 * A file directly in it that is called last goes after all others, if last is not NULL. One that is
 * not there is fine.
 */
int file_remove_tree(const char *path, const char *last, struct error *err) must_check;

bool file_exists(const char *path);

/* Whether it is a regular file, perhaps through links, that somebody may execute. */
bool file_is_program(const char *path);

/*
 * Takes an exclusive flock(2) on path, which is created (0600) if need be, and waits up to
 * seconds for it. *out_fd holds the lock until it is closed; close-on-exec.
 * Errors:  -ETIMEDOUT "timed out waiting for lock <path>".
 */
int file_lock(const char *path, unsigned int seconds, int *out_fd, struct error *err) must_check;

/* The same for a file that is open: the lock goes with the descriptor. path is for the message. */
int file_lock_fd(int fd, const char *path, unsigned int seconds, struct error *err) must_check;

/* Gives the lock of a file up that stays open. */
void file_unlock_fd(int fd);

/* Writes all bytes, whatever the size of the pipe. Errors of write(2). */
int file_write_fd(int fd, const char *data, size_t len, struct error *err) must_check;

/*
 * Writes a new file. One that exists already is kept as it is, and is not an error.
 * Undo:    the file goes again, if this call made it.
 */
int file_create(const char *path, const char *data, struct arena *a, struct undo *undo,
		struct error *err) must_check;

/* Renames a file. One that is not there is fine. Undo: renamed back. */
int file_rename(const char *from, const char *to, struct arena *a, struct undo *undo,
		struct error *err) must_check;
