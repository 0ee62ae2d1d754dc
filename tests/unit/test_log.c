/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <unistd.h>

#define LOG_MODULE "netavark::test"
#include "common/cleanup.h"
#include "common/log.h"

static void filter_levels_by_module(void **state)
{
	static const struct {
		const char *spec, *module;
		enum log_level most;
	} rows[] = {
		{NULL, "netavark", LOG_LEVEL_ERROR},
		{"", "netavark", LOG_LEVEL_ERROR},
		{"info", "anything", LOG_LEVEL_INFO},
		{"WARN", "anything", LOG_LEVEL_WARN},
		{"off", "netavark", LOG_LEVEL_OFF},
		{"netavark=debug", "netavark::dns", LOG_LEVEL_DEBUG},
		{"netavark=debug", "other", LOG_LEVEL_OFF},
		{"netavark", "netavark::dns", LOG_LEVEL_TRACE},
		{"netavark=info,netavark::firewall=error", "netavark::firewall", LOG_LEVEL_ERROR},
		{"netavark::firewall=error,netavark=info", "netavark::firewall", LOG_LEVEL_ERROR},
		{"netavark=info,netavark::firewall=error", "netavark::dns", LOG_LEVEL_INFO},
		{"warn,netavark=trace", "netavark", LOG_LEVEL_TRACE},
		{"warn,netavark=trace", "other", LOG_LEVEL_WARN},
		{"netavark=info,netavark=debug", "netavark", LOG_LEVEL_DEBUG},
		{"netavark=fatal", "netavark", LOG_LEVEL_OFF},
		{"netavark=panic", "netavark", LOG_LEVEL_OFF},
		{"debug/needle", "netavark", LOG_LEVEL_DEBUG},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		log_filter(rows[i].spec);
		for (enum log_level l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_TRACE; l++)
			if (log_enabled(l, rows[i].module) != (l <= rows[i].most))
				fail_msg("\"%s\", module %s, level %s", rows[i].spec,
					 rows[i].module, log_level_name(l));
	}
}

static void log_max_level_is_that_of_any_module(void **state)
{
	(void)state;
	log_filter("error,netavark::dns=debug,other=warn");
	assert_int_equal(log_max_level(), LOG_LEVEL_DEBUG);
	log_filter("off");
	assert_int_equal(log_max_level(), LOG_LEVEL_OFF);
}

static char *lines;
static size_t lines_len;
static FILE *lines_to;

static void write_line(enum log_level level, const char *module, const char *text)
{
	fprintf(lines_to, "%s %s %s\n", log_level_name(level), module, text);
}

static void log_lines_pass_filter_and_text(void **state)
{
	(void)state;
	lines_to = open_memstream(&lines, &lines_len);
	log_set_writer(write_line);
	log_filter("netavark=info/port");
	log_info("port %d", 1);
	log_info("address");
	log_debug("port %d", 2);
	log_error("no port");
	log_set_writer(NULL);
	fclose(lines_to);
	assert_string_equal(lines, "INFO netavark::test port 1\nERROR netavark::test no port\n");
	free(lines);
}

/* What the filter lets through costs its arguments; the rest must not even be evaluated. */
static void log_arguments_are_only_evaluated_if_needed(void **state)
{
	int evaluated = 0;

	(void)state;
	log_filter("off");
	log_error("%d", ++evaluated);
	assert_int_equal(evaluated, 0);
}

/* Runs fn with stderr going into a file and returns what it wrote. */
static char *stderr_of(void (*fn)(void), char *out, size_t room)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	fn();
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	out[fread(out, 1, room - 1, file)] = '\0';
	fclose(file);
	return out;
}

static void write_every_level(void)
{
	log_filter("trace");
	log_error("e");
	log_warn("w");
	log_info("i");
	log_debug("d");
	log_trace("t");
}

static void set_bad_filter(void)
{
	log_filter("netavark=loud,netavark::dns=info");
}

static void default_writer_pads_the_level(void **state)
{
	char text[512];

	(void)state;
	assert_string_equal(stderr_of(write_every_level, text, sizeof(text)),
			    "[ERROR netavark::test] e\n[WARN  netavark::test] w\n"
			    "[INFO  netavark::test] i\n[DEBUG netavark::test] d\n"
			    "[TRACE netavark::test] t\n");
}

static void unknown_level_is_told_and_ignored(void **state)
{
	char text[512];

	(void)state;
	assert_string_equal(stderr_of(set_bad_filter, text, sizeof(text)),
			    "warning: invalid logging spec 'netavark=loud', ignoring it\n");
	assert_true(log_enabled(LOG_LEVEL_INFO, "netavark::dns"));
	assert_false(log_enabled(LOG_LEVEL_ERROR, "netavark"));
}

static void log_filter_survives_huge_specifications(void **state)
{
	char spec[8192];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(spec); i += 2)
		memcpy(spec + i, "a,", 3);
	log_filter(spec);
	assert_true(log_enabled(LOG_LEVEL_TRACE, "abc"));
	assert_false(log_enabled(LOG_LEVEL_ERROR, "bcd"));
}

static void log_parse_level_reads_names_only(void **state)
{
	enum log_level level;

	(void)state;
	assert_true(log_parse_level("Trace", &level));
	assert_int_equal(level, LOG_LEVEL_TRACE);
	assert_false(log_parse_level("", &level));
	assert_false(log_parse_level("4", &level));
	assert_false(log_parse_level("warning", &level));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-032 NV-033 NV-034 log filter: longest module prefix wins, error is the "
		     "default, fatal and panic are off",
		     filter_levels_by_module),
		TEST("log filter: the highest level of all modules",
		     log_max_level_is_that_of_any_module),
		TEST("log: lines pass the level and the text of the filter",
		     log_lines_pass_filter_and_text),
		TEST("log: arguments of suppressed lines are not evaluated",
		     log_arguments_are_only_evaluated_if_needed),
		TEST("NV-030 log: level is padded to five, no time stamp",
		     default_writer_pads_the_level),
		TEST("log filter: an unknown level is told and ignored",
		     unknown_level_is_told_and_ignored),
		TEST("log filter: a huge specification stays in bounds",
		     log_filter_survives_huge_specifications),
		TEST("log: only names are levels", log_parse_level_reads_names_only),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
