/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/command.h"

static char seen[256]; /* what the command was run with */

static void note_values(const char *name, const struct command_values *v)
{
	for (size_t i = 0; i < v->n; i++)
		sprintf(seen + strlen(seen), " %s=%s", name, v->list[i]);
}

static int run_one(const struct command_line *line)
{
	sprintf(seen, "%s", line->command->name);
	note_values("config", &line->globals[0]);
	note_values("dir", &line->globals[1]);
	note_values("rootless", &line->globals[2]);
	note_values("server", &line->options[0]);
	for (size_t i = 0; i < COMMAND_ARGS_MAX && line->args[i]; i++)
		sprintf(seen + strlen(seen), " [%s]", line->args[i]);
	return 7;
}

static bool is_bool(const char *value)
{
	return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
}

static const struct command_option globals[] = {
	{.letter = 'c', .name = "config", .metavar = "DIR", .help = "Where"},
	{.name = "dir", .metavar = "DIR", .help = "More", .repeatable = true},
	{.letter = 'r', .name = "rootless", .metavar = "BOOL", .help = "Who", .valid = is_bool},
};

static const struct command_option update_options[] = {
	{.name = "server",
	 .metavar = "ADDR",
	 .help = "Which",
	 .required = true,
	 .repeatable = true},
};

static const struct command commands[] = {
	{.name = "setup", .args = {"NETNS"}, .help = "Sets up", .run = run_one},
	{.name = "update",
	 .args = {"NAME"},
	 .help = "Changes",
	 .options = update_options,
	 .n_options = array_size(update_options),
	 .run = run_one},
	{.name = "list", .help = "Lists", .run = run_one},
};

static const struct program program = {
	.name = "prog",
	.version = "2.1.0",
	.about = "A program",
	.options = globals,
	.n_options = array_size(globals),
	.commands = commands,
	.n_commands = array_size(commands),
};

struct output {
	char out[4096], err[4096];
};

static FILE *redirect(int fd, int *saved)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	*saved = dup(fd);
	dup2(fileno(file), fd);
	return file;
}

static void restore(int fd, int saved, FILE *file, char *out, size_t room)
{
	dup2(saved, fd);
	close(saved);
	rewind(file);
	out[fread(out, 1, room - 1, file)] = '\0';
	fclose(file);
}

/* Runs the program with arguments separated by blanks; '~' stands for an empty one. */
static int run(const char *args, struct output *o)
{
	char copy[256], name[] = "prog", *argv[32] = {name}, *save = NULL;
	struct arena a = {0};
	int argc = 1, saved_out, saved_err;

	seen[0] = '\0';
	snprintf(copy, sizeof(copy), "%s", args);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (strcmp(w, "~") == 0)
			*w = '\0';
		argv[argc++] = w;
	}
	fflush(stdout);
	FILE *out = redirect(STDOUT_FILENO, &saved_out);
	FILE *err = redirect(STDERR_FILENO, &saved_err);
	int status = command_main(&program, argc, argv, &a);
	fflush(stdout);
	restore(STDERR_FILENO, saved_err, err, o->err, sizeof(o->err));
	restore(STDOUT_FILENO, saved_out, out, o->out, sizeof(o->out));
	arena_release(&a);
	return status;
}

static void values_reach_the_command(void **state)
{
	static const struct {
		const char *args, *seen;
	} rows[] = {
		{"list", "list"},
		{"setup /ns", "setup [/ns]"},
		{"--config /run setup /ns", "setup config=/run [/ns]"},
		{"--config=/run setup /ns", "setup config=/run [/ns]"},
		{"-c /run setup /ns", "setup config=/run [/ns]"},
		{"-c/run setup /ns", "setup config=/run [/ns]"},
		{"-c=/run setup /ns", "setup config=/run [/ns]"},
		{"--config= list", "list config="},
		{"--config ~ list", "list config="},
		{"--config - list", "list config=-"},
		{"--dir a --dir b list", "list dir=a dir=b"},
		{"-r true list", "list rootless=true"},
		{"--rootless=false list", "list rootless=false"},
		{"update net --server 1 --server=2", "update server=1 server=2 [net]"},
		{"update --server 1 net", "update server=1 [net]"},
		{"setup -- --odd", "setup [--odd]"},
		{"setup -", "setup [-]"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct output o;
		int status = run(rows[i].args, &o);

		if (strcmp(seen, rows[i].seen) != 0)
			fail_msg("%s: %s%s", rows[i].args, seen, o.err);
		assert_int_equal(status, 7);
		assert_string_equal(o.out, "");
		assert_string_equal(o.err, "");
	}
}

static void wrong_usage_ends_with_2(void **state)
{
	static const struct {
		const char *args, *err;
	} rows[] = {
		{"", "Usage: prog [OPTIONS] <COMMAND>"},
		{"bogus", "unknown command 'bogus'"},
		{"set /ns", "unknown command 'set'"},
		{"--bogus list", "unexpected argument '--bogus'"},
		{"--conf /run list", "unexpected argument '--conf'"},
		{"-x list", "unexpected argument '-x'"},
		{"setup", "a value is required for 'NETNS'"},
		{"setup ~", "a value is required for 'NETNS'"},
		{"setup /ns more", "unexpected argument 'more'"},
		{"setup /ns --config /run", "unexpected argument '--config'"},
		{"--config", "a value is required for '--config'"},
		{"--config --dir list", "a value is required for '--config'"},
		{"-c a -c b list", "the option cannot be used twice: '-c'"},
		{"--rootless yes list", "invalid value 'yes' for '--rootless'"},
		{"--rootless TRUE list", "invalid value 'TRUE' for '--rootless'"},
		{"-r 1 list", "invalid value '1' for '--rootless'"},
		{"update net", "a required option is missing: 'server'"},
		{"update --server 1", "a value is required for 'NAME'"},
		{"help bogus", "unknown command 'bogus'"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct output o;
		int status = run(rows[i].args, &o);

		if (status != 2 || !strstr(o.err, rows[i].err) || *o.out || *seen)
			fail_msg("\"%s\": status %d, %s%s", rows[i].args, status, o.err, o.out);
	}
}

static void help_and_version_go_to_stdout(void **state)
{
	static const struct {
		const char *args, *out;
	} rows[] = {
		{"--version", "prog 2.1.0\n"},
		{"-V", "prog 2.1.0\n"},
		{"--help", "Usage: prog [OPTIONS] <COMMAND>"},
		{"-h", "  setup              Sets up\n"},
		{"help", "  -c, --config <DIR>                     Where\n"},
		{"help help", "Usage: prog [OPTIONS] <COMMAND>"},
		{"help update", "Usage: prog [GLOBAL OPTIONS] update [OPTIONS] --server <ADDR> "
				"<NAME>"},
		{"update --help", "      --server <ADDR>                    Which\n"},
		{"setup -h", "Usage: prog [GLOBAL OPTIONS] setup <NETNS>\n"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct output o;
		int status = run(rows[i].args, &o);

		if (status != 0 || !strstr(o.out, rows[i].out) || *o.err || *seen)
			fail_msg("\"%s\": status %d, %s%s", rows[i].args, status, o.err, o.out);
	}
}

static void command_value_takes_the_first_or_the_fallback(void **state)
{
	const char *list[] = {"given"};
	const struct command_values none = {0}, one = {list, 1};

	(void)state;
	assert_string_equal(command_value(&one, "fallback"), "given");
	assert_string_equal(command_value(&none, "fallback"), "fallback");
	assert_null(command_value(&none, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-010 NV-011 NV-012 command line: every way to write a value",
		     values_reach_the_command),
		TEST("NV-005 NV-006 NV-007 NV-008 NV-009 command line: wrong usage ends with 2, "
		     "stdout stays empty",
		     wrong_usage_ends_with_2),
		TEST("NV-001 NV-014 command line: help and version on stdout, status 0",
		     help_and_version_go_to_stdout),
		TEST("command line: value or fallback",
		     command_value_takes_the_first_or_the_fallback),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
