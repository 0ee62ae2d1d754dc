/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LIST_HEAD_TEXT "netavark encountered multiple errors:"
#define LIST_ITEM      "\n\t- "

__attribute__((format(printf, 4, 0))) static int set(struct error *err, int code, const char *kind,
						     const char *fmt, va_list args)
{
	char tail[256] = "", text[ERROR_TEXT_MAX];

	err->code = code ? code : EIO;
	err->collected = 0;
	/* Not straight into err: its old text may be among the arguments. */
	vsnprintf(text, sizeof(text), fmt, args);
	memcpy(err->text, text, strlen(text) + 1);
	if (kind)
		snprintf(tail, sizeof(tail), "%s%s: %s (os error %d)", err->text[0] ? ": " : "",
			 kind, strerror(err->code), err->code);
	error_explain(err, "%s", tail);
	return -err->code;
}

int fail(struct error *err, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int r = set(err, code, NULL, fmt, args);
	va_end(args);
	return r;
}

int fail_errno(struct error *err, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int r = set(err, code, "IO error", fmt, args);
	va_end(args);
	return r;
}

int fail_netlink(struct error *err, int code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int r = set(err, code, "Netlink error", fmt, args);
	va_end(args);
	return r;
}

int wrap(struct error *err, const char *fmt, ...)
{
	char context[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(context, sizeof(context) - 2, fmt, args);
	va_end(args);
	strcat(context, ": ");

	size_t front = strlen(context), old = strlen(err->text);
	if (front + old >= sizeof(err->text))
		old = sizeof(err->text) - front - 1;
	memmove(err->text + front, err->text, old);
	memcpy(err->text, context, front);
	err->text[front + old] = '\0';
	return -err->code;
}

int error_explain(struct error *err, const char *fmt, ...)
{
	size_t used = strlen(err->text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(err->text + used, sizeof(err->text) - used, fmt, args);
	va_end(args);
	return -err->code;
}

void error_collect(struct error *all, const struct error *one)
{
	if (all->collected == 0) {
		all->code = one->code;
		snprintf(all->text, sizeof(all->text), "%s", one->text);
	} else {
		if (all->collected == 1) {
			struct error first = *all;

			snprintf(all->text, sizeof(all->text), "%s" LIST_ITEM "%.*s",
				 LIST_HEAD_TEXT, ERROR_TEXT_MAX - 64, first.text);
		}
		error_explain(all, LIST_ITEM "%s", one->text);
	}
	all->collected++;
}
