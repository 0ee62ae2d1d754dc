/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The one failure idiom: a function that can fail returns 0 or -errno and fills the caller's
 * struct error, always its last parameter. "return fail(…)" and "return wrap(…)" are the whole
 * error path. Nothing is allocated.
 */

#include <stddef.h>

#define ERROR_TEXT_MAX 8192 /* bytes, NUL included; longer texts are cut */

struct error {
	int code;		   /* errno value, never 0 after a failure */
	int collected;		   /* how many errors error_collect() has put in */
	char text[ERROR_TEXT_MAX]; /* one message, outermost context first: "a: b: c" */
};

/* Our own finding: the text is the message. Returns -code. */
int fail(struct error *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * A system call failed: appends ": IO error: <strerror> (os error <code>)", the form that callers
 * of netavark know. With an empty fmt the text is that form alone. Returns -code.
 */
int fail_errno(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for an error number that came in a netlink answer: ": Netlink error: …". */
int fail_netlink(struct error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts context in front of an error: "<context>: <text so far>". Returns -err->code. */
int wrap(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts more behind an error where the kernel says too little: "<text so far><more>". Returns -code. */
int error_explain(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Adds one error to a list of errors, for work that goes on after a failure. A list of one reads
 * like that one; two and more read "netavark encountered multiple errors:" and a line for each.
 */
void error_collect(struct error *all, const struct error *one);
