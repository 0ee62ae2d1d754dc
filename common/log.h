/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Log lines with a level and a module. Each source file names its module before it includes this:
 *   #define LOG_MODULE "netavark::dns"
 * A filter decides which lines are written; the writer decides where. The default writer prints
 * "[LEVEL module] text" to stderr.
 */

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_OFF,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_TRACE
};

#ifndef LOG_MODULE
#define LOG_MODULE "netavark"
#endif

typedef void (*log_writer)(enum log_level level, const char *module, const char *text);

/*
 * Sets the filter from a specification as in RUST_LOG: comma-separated "level", "module=level" or
 * "module", longest module prefix wins, and an optional "/text" that lines must contain. NULL and
 * "" mean "error". "fatal" and "panic" mean "off". An unknown level is complained about on stderr
 * and ignored. The specification is copied.
 */
void log_filter(const char *spec);

void log_set_writer(log_writer writer); /* NULL: back to stderr */
bool log_enabled(enum log_level level, const char *module);
enum log_level log_max_level(void);		  /* the most talkative level that any module has */
const char *log_level_name(enum log_level level); /* "ERROR" …, "OFF" */
bool log_parse_level(const char *text, enum log_level *out); /* any case */

void log_write(enum log_level level, const char *module, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		if (log_enabled(level, LOG_MODULE))                                                \
			log_write(level, LOG_MODULE, __VA_ARGS__);                                 \
	} while (0)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_trace(...) log_at(LOG_LEVEL_TRACE, __VA_ARGS__)
