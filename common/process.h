/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Starts other programs. One of the doors. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

struct process_result {
	int status;	    /* exit status, or -1 if a signal ended it */
	bool timed_out;	    /* it was killed because the time was over */
	const char *errors; /* what it wrote to stderr, at most 16 KiB, never NULL */
};

/*
 * Runs a program to its end: argv[0] is its path, stdin and stdout are /dev/null, signal
 * dispositions and mask are the defaults, no other descriptor is inherited that is close-on-exec.
 * Waits at most seconds, then kills it.
 * Shape:   argv and envp end with NULL.
 * Errors:  what execve(2) says if it could not be started.
 */
int process_run(char *const argv[], char *const envp[], unsigned int seconds, struct arena *a,
		struct process_result *out, struct error *err) must_check;

/*
 * Starts a program in a directory (NULL: ours) and does not wait for it. fds become its stdin, stdout and stderr, where -1 means
 * /dev/null; the descriptors to keep become 3, 4, … in this order, all others are closed. Signals are
 * as with process_run().
 * Errors:  what execve(2) says if it could not be started.
 */
int process_start(char *const argv[], char *const envp[], const char *dir, const int fds[3],
		  const int *keep, size_t n_keep, pid_t *out, struct error *err) must_check;

/* Waits for the end of a child. The exit status, 128 and the number of the signal that ended it, or -1. */
int process_wait(pid_t pid);

struct process_answer {
	int status;	  /* exit status, or -1 if a signal ended it */
	bool timed_out;	  /* it was killed because the time was over */
	bool too_long;	  /* it wrote more than was allowed; the rest was read and dropped */
	const char *text; /* what it wrote to stdout, NUL-terminated */
	size_t len;
};

/*
 * Gives a program a document on its stdin and reads what it answers on stdout, both at the same time,
 * so that neither side waits for the other however much there is. Stderr, working directory and
 * environment are ours; signals and descriptors as with process_run(). A program that does not read
 * its stdin is fine. Waits at most seconds for its end, then kills it and what it has started. What
 * a process that outlives it would write is not waited for. SIGPIPE must be ignored.
 * Shape:   argv ends with NULL, argv[0] is the path; at most max bytes are kept of the answer.
 * Errors:  what execve(2) says if it could not be started.
 */
int process_ask(char *const argv[], const char *document, size_t max, unsigned int seconds,
		struct arena *a, struct process_answer *out, struct error *err) must_check;

/* The environment with one variable set. */
char **process_env_with(struct arena *a, const char *name, const char *value);

/* The first file of that name in a directory of PATH that can be executed; NULL if none. */
char *process_find_in_path(struct arena *a, const char *name);

/*
 * Goes on with work(arg) in a child that nobody waits for, at most seconds long: in a session of
 * its own, without any open descriptor but /dev/null, with the default signals. work() inherits the
 * memory as it is; it must not use what was open. What it does counts as no door.
 */
int process_detach(void (*work)(void *arg), void *arg, unsigned int seconds,
		   struct error *err) must_check;
