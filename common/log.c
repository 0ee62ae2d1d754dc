/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

#define DIRECTIVES_MAX 32
#define LINE_MAX_BYTES 4096

struct directive {
	char module[96]; /* "" matches every module */
	enum log_level level;
};

static struct {
	struct directive list[DIRECTIVES_MAX];
	size_t n;
	char contains[128];
	log_writer writer;
} filter = {.list = {{"", LOG_LEVEL_ERROR}}, .n = 1};

static const char *const level_names[] = {"OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

bool log_parse_level(const char *text, enum log_level *out)
{
	for (size_t i = 0; i < array_size(level_names); i++) {
		if (strcasecmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	/* Names that Podman passes on from its own option. */
	if (strcasecmp(text, "fatal") == 0 || strcasecmp(text, "panic") == 0) {
		*out = LOG_LEVEL_OFF;
		return true;
	}
	return false;
}

static void add_directive(const char *text)
{
	const char *equals = strchr(text, '=');
	struct directive d = {.level = LOG_LEVEL_TRACE};

	if (equals) {
		if (!log_parse_level(equals + 1, &d.level)) {
			fprintf(stderr, "warning: invalid logging spec '%s', ignoring it\n", text);
			return;
		}
		snprintf(d.module, sizeof(d.module), "%.*s", (int)(equals - text), text);
	} else if (!log_parse_level(text, &d.level)) {
		snprintf(d.module, sizeof(d.module), "%s", text);
	}
	if (filter.n < DIRECTIVES_MAX)
		filter.list[filter.n++] = d;
}

void log_filter(const char *spec)
{
	char copy[1024], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", spec ? spec : "");
	filter.n = 0;
	filter.contains[0] = '\0';
	char *slash = strchr(copy, '/');
	if (slash) {
		*slash = '\0';
		snprintf(filter.contains, sizeof(filter.contains), "%.*s",
			 (int)sizeof(filter.contains) - 1, slash + 1);
	}
	for (char *part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save))
		add_directive(part);
	if (filter.n == 0)
		filter.list[filter.n++] = (struct directive){"", LOG_LEVEL_ERROR};
}

void log_set_writer(log_writer writer)
{
	filter.writer = writer;
}

static enum log_level level_of(const char *module)
{
	enum log_level level = LOG_LEVEL_OFF;
	size_t best = 0;
	bool found = false;

	for (size_t i = 0; i < filter.n; i++) {
		size_t len = strlen(filter.list[i].module);

		if (strncmp(filter.list[i].module, module, len) == 0 && (!found || len >= best)) {
			level = filter.list[i].level;
			best = len;
			found = true;
		}
	}
	return level;
}

bool log_enabled(enum log_level level, const char *module)
{
	return level <= level_of(module);
}

enum log_level log_max_level(void)
{
	enum log_level max = LOG_LEVEL_OFF;

	for (size_t i = 0; i < filter.n; i++)
		if (filter.list[i].level > max)
			max = filter.list[i].level;
	return max;
}

void log_write(enum log_level level, const char *module, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (filter.contains[0] && !strstr(line, filter.contains))
		return;
	if (filter.writer)
		filter.writer(level, module, line);
	else
		fprintf(stderr, "[%-5s %s] %s\n", level_names[level], module, line);
}
