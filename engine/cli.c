/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

struct scan {
	const struct cli_program *program;
	struct arena *arena;
	struct cli_line *line;
	char **words; /* what has not been looked at, ends with NULL */
	struct error *err;
};

/* ---- the nearest known word ---- */

#define WORD_MAX 32

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* How many letters must be changed, added or left out. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], n = strlen(b);

	if (n > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t above = row[j + 1];

			row[j + 1] = min3(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[n];
}

struct nearest {
	const char *word, *best;
	size_t least;
};

static void consider(struct nearest *n, const char *word)
{
	size_t d = distance(n->word, word);

	if (d < n->least) {
		n->least = d;
		n->best = word;
	}
}

static int unknown(struct scan *s, const char *what, const char *dashes, const struct nearest *n)
{
	if (!n->best)
		return fail(s->err, EINVAL, "unknown %s: %s%s", what, dashes, n->word);
	return fail(s->err, EINVAL, "unknown %s: %s%s; did you mean %s%s?", what, dashes, n->word,
		    dashes, n->best);
}

/* ---- options ---- */

static const struct cli_option *find_in(const struct cli_option *list, const char *name, size_t len)
{
	for (; list && list->name; list++)
		if (strncmp(list->name, name, len) == 0 && !list->name[len])
			return list;
	return NULL;
}

static const struct cli_option *find_letter_in(const struct cli_option *list, char letter)
{
	for (; list && list->name; list++)
		if (list->letter && list->letter == letter)
			return list;
	return NULL;
}

static const struct cli_option *find_option(const struct cli_line *line, const char *name,
					    size_t len)
{
	const struct cli_option *o = NULL;

	if (!line->command)
		return find_in(line->program->globals, name, len);
	for (size_t i = 0; !o && i < CLI_TABLES_MAX; i++)
		o = find_in(line->command->options[i], name, len);
	return o;
}

static const struct cli_option *find_letter(const struct cli_line *line, char letter)
{
	const struct cli_option *o = NULL;

	if (!line->command)
		return find_letter_in(line->program->globals, letter);
	for (size_t i = 0; !o && i < CLI_TABLES_MAX; i++)
		o = find_letter_in(line->command->options[i], letter);
	return o;
}

static int unknown_option(struct scan *s, const char *name, size_t len)
{
	struct nearest n = {.word = arena_strndup(s->arena, name, len), .least = 3};
	const struct cli_line *line = s->line;

	for (size_t i = 0; i < CLI_TABLES_MAX; i++) {
		const struct cli_option *o =
			line->command ? line->command->options[i] : line->program->globals;

		for (; o && o->name; o++)
			consider(&n, o->name);
	}
	return unknown(s, "option", "--", &n);
}

static void note(struct scan *s, const struct cli_option *o, const char *value)
{
	struct cli_line *line = s->line;

	line->given = arena_grow(s->arena, line->given, line->n_given, sizeof(*line->given));
	line->given[line->n_given++] = (struct cli_given){o, value};
}

static int take_flag(struct scan *s, const struct cli_option *o, const char *value)
{
	if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return fail(s->err, EINVAL, "--%s: must be true or false, not %s", o->name, value);
	note(s, o, value ? value : "true");
	return 0;
}

static int take_next(struct scan *s, const struct cli_option *o)
{
	if (!*s->words)
		return fail(s->err, EINVAL, "--%s: needs a value", o->name);
	note(s, o, *s->words++);
	return 0;
}

static int take_long(struct scan *s, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct cli_option *o = find_option(s->line, word, len);
	const char *value = equals ? equals + 1 : NULL;

	if (!o && strcmp(word, "help") == 0) {
		s->line->help = true;
		return 0;
	}
	if (!o)
		return unknown_option(s, word, len);
	if (!o->metavar)
		return take_flag(s, o, value);
	if (!value)
		return take_next(s, o);
	note(s, o, value);
	return 0;
}

/* "-it", "-eNAME=x", "-e NAME=x". */
static int take_letters(struct scan *s, const char *letters)
{
	for (; *letters; letters++) {
		const struct cli_option *o = find_letter(s->line, *letters);

		if (!o && *letters == 'h') {
			s->line->help = true;
			continue;
		}
		if (!o)
			return fail(s->err, EINVAL, "unknown option: -%c", *letters);
		if (!o->metavar) {
			note(s, o, "true");
			continue;
		}
		if (!letters[1])
			return take_next(s, o);
		note(s, o, letters + 1 + (letters[1] == '='));
		return 0;
	}
	return 0;
}

static int take_option(struct scan *s)
{
	const char *word = *s->words++;

	return word[1] == '-' ? take_long(s, word + 2) : take_letters(s, word + 1);
}

static bool is_option(const char *word)
{
	return word && word[0] == '-' && word[1];
}

/* ---- commands ---- */

static const struct cli_command *find_command(const struct cli_program *p, const char *name)
{
	for (const struct cli_command *c = p->commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static bool is_group(const struct cli_program *p, const char *word)
{
	size_t len = strlen(word);

	if (strcmp(word, "container") == 0)
		return true;
	for (const struct cli_command *c = p->commands; c->name; c++)
		if (strncmp(c->name, word, len) == 0 && c->name[len] == ' ')
			return true;
	return false;
}

static int unknown_command(struct scan *s, const char *name)
{
	struct nearest n = {.word = name, .least = 3};

	for (const struct cli_command *c = s->program->commands; c->name; c++)
		if (!c->hidden)
			consider(&n, c->name);
	return unknown(s, "command", "", &n);
}

static int take_command(struct scan *s)
{
	const char *word = *s->words++;
	const struct cli_command *c = find_command(s->program, word);

	if (!c && is_group(s->program, word)) {
		if (!*s->words || is_option(*s->words))
			return fail(s->err, EINVAL, "%s: which command?", word);
		const char *second = *s->words++;
		const char *full = arena_printf(s->arena, "%s %s", word, second);

		c = find_command(s->program, full);
		/* "container ls" and so on are the short ones, too. */
		if (!c && strcmp(word, "container") == 0)
			c = find_command(s->program, second);
		if (!c)
			return unknown_command(s, full);
	}
	if (!c)
		return unknown_command(s, word);
	s->line->command = c;
	return 0;
}

static int take_rest(struct scan *s)
{
	struct cli_line *line = s->line;
	bool only_args = false;

	while (*s->words) {
		if (!only_args && strcmp(*s->words, "--") == 0) {
			only_args = true;
			s->words++;
			continue;
		}
		if (!only_args && is_option(*s->words)) {
			int r = take_option(s);
			if (r < 0)
				return r;
			continue;
		}
		line->args = arena_grow(s->arena, line->args, line->n_args, sizeof(*line->args));
		line->args[line->n_args++] = *s->words++;
		only_args = only_args || line->command->stops;
	}
	line->args = arena_grow(s->arena, line->args, line->n_args, sizeof(*line->args));
	line->args[line->n_args] = NULL;
	return 0;
}

static int check_args(struct scan *s)
{
	const struct cli_line *line = s->line;
	const struct cli_command *c = line->command;

	if (line->help)
		return 0;
	if (line->n_args < c->min_args)
		return fail(s->err, EINVAL, "%s: needs %s", c->name, c->args);
	if (line->n_args > c->max_args)
		return fail(s->err, EINVAL, "%s: unexpected argument: %s", c->name,
			    line->args[c->max_args]);
	return 0;
}

int cli_parse(const struct cli_program *program, int argc, char **argv, struct arena *a,
	      struct cli_line *out, struct error *err)
{
	struct scan s = {.program = program, .arena = a, .line = out, .err = err};
	int r = 0;

	*out = (struct cli_line){.program = program};
	s.words = argv + (argc > 0);
	while (r == 0 && is_option(*s.words)) {
		if (strcmp(*s.words, "--version") == 0 || strcmp(*s.words, "-v") == 0) {
			out->version = true;
			return 0;
		}
		r = take_option(&s);
	}
	if (r < 0 || out->help)
		return r;
	if (!*s.words || strcmp(*s.words, "help") == 0) {
		out->help = true;
		if (!*s.words || !s.words[1])
			return 0;
		s.words++;
		return take_command(&s);
	}
	r = take_command(&s);
	if (r == 0)
		r = take_rest(&s);
	return r < 0 ? r : check_args(&s);
}

/* ---- usage texts ---- */

static void print_options(const struct cli_option *o, FILE *to)
{
	for (; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->metavar ? " " : "",
			 o->metavar ? o->metavar : "");
		if (o->letter)
			fprintf(to, "  -%c, %-30s %s\n", o->letter, left, o->help);
		else
			fprintf(to, "      %-30s %s\n", left, o->help);
	}
}

static void print_program(const struct cli_program *p, FILE *to)
{
	fprintf(to, "%s\n\nUsage: %s [OPTIONS] COMMAND …\n\nCommands:\n", p->about, p->name);
	for (const struct cli_command *c = p->commands; c->name; c++)
		if (!c->hidden)
			fprintf(to, "  %-20s %s\n", c->name, c->help);
	fprintf(to, "\nOptions:\n");
	print_options(p->globals, to);
	fprintf(to, "\n'%s COMMAND --help' tells about a command.\n", p->name);
}

void cli_help(const struct cli_line *line, FILE *to)
{
	const struct cli_command *c = line->command;

	if (!c) {
		print_program(line->program, to);
		return;
	}
	fprintf(to, "%s\n\nUsage: %s %s%s%s%s\n", c->help, line->program->name, c->name,
		c->options[0] ? " [OPTIONS]" : "", *c->args ? " " : "", c->args);
	if (c->options[0])
		fprintf(to, "\nOptions:\n");
	for (size_t i = 0; i < CLI_TABLES_MAX; i++)
		print_options(c->options[i], to);
}

/* The n-th word of a command's name, or NULL. */
static char *word_of(struct arena *a, const struct cli_command *c, size_t n)
{
	char **parts;

	return n < text_split(a, c->name, ' ', &parts) ? parts[n] : NULL;
}

void cli_words(const struct cli_program *program, char **words, size_t n, FILE *to)
{
	struct arena a = {0};
	const char *last = "";

	for (const struct cli_command *c = program->commands; c->name; c++) {
		const char *word = word_of(&a, c, n);
		bool fits = !c->hidden;

		for (size_t i = 0; fits && i < n; i++) {
			const char *w = word_of(&a, c, i);

			fits = w && strcmp(w, words[i]) == 0;
		}
		if (fits && word && strcmp(word, last) != 0)
			fprintf(to, "%s\n", last = word);
		for (size_t i = 0; fits && !word && i < CLI_TABLES_MAX; i++)
			for (const struct cli_option *o = c->options[i]; o && o->name; o++)
				fprintf(to, "--%s\n", o->name);
	}
	arena_release(&a);
}

/* ---- values ---- */

const char *cli_value(const struct cli_line *line, const char *name, const char *fallback)
{
	for (size_t i = line->n_given; i > 0; i--)
		if (strcmp(line->given[i - 1].option->name, name) == 0)
			return line->given[i - 1].value;
	return fallback;
}

bool cli_flag_or(const struct cli_line *line, const char *name, bool fallback)
{
	return strcmp(cli_value(line, name, fallback ? "true" : "false"), "true") == 0;
}

bool cli_flag(const struct cli_line *line, const char *name)
{
	return cli_flag_or(line, name, false);
}

const char **cli_values(const struct cli_line *line, const char *name, struct arena *a)
{
	const char **list = arena_alloc(a, (line->n_given + 1) * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < line->n_given; i++)
		if (strcmp(line->given[i].option->name, name) == 0)
			list[n++] = line->given[i].value;
	return list;
}

int cli_number(const struct cli_line *line, const char *name, long long min, long long max,
	       long long *value, struct error *err)
{
	const char *text = cli_value(line, name, NULL);
	char *end;

	if (!text)
		return 0;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max)
		return fail(err, EINVAL, "--%s: must be a number from %lld to %lld, not \"%s\"",
			    name, min, max, text);
	*value = n;
	return 0;
}
