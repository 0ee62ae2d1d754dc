/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "test"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aardvark-dns/config.h"
#include "aardvark-dns/wire.h"
#include "common/log.h"
#include "common/text.h"

#define ID "0123456789ABCDEF"

/* --- One file: text in, a normal form out --- */

static void print_addrs(struct text *t, const struct addr *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_printf(t, "%s%s", i ? "," : "", addr_str(&list[i]));
}

static void print_entry(struct text *t, const struct config_entry *e)
{
	text_printf(t, "\n%s ", e->id);
	print_addrs(t, e->addrs, e->n_addrs);
	for (size_t i = 0; i < e->n_names; i++) {
		char name[WIRE_NAME_TEXT_MAX];

		wire_name_print(e->names[i].wire, e->names[i].len, name);
		text_printf(t, "%s%s", i ? "," : " ", name);
	}
	text_add(t, " -> ");
	print_addrs(t, e->servers, e->n_servers);
}

/* The file as "listen|servers", a line for each container, "?" at the end if it is suspect. */
static const char *parsed(struct arena *a, const char *in)
{
	struct text t = text_new(a);
	struct config_network net;
	bool suspect;
	struct error err;

	if (config_parse("file", in, strlen(in), a, &net, &suspect, &err) < 0)
		return "bad";
	print_addrs(&t, net.listen, net.n_listen);
	text_add(&t, "|");
	print_addrs(&t, net.servers, net.n_servers);
	for (size_t i = 0; i < net.n_entries; i++)
		print_entry(&t, &net.entries[i]);
	text_add(&t, suspect ? "?" : "");
	return t.s;
}

struct row {
	const char *in, *out;
};

static void check_rows(const struct row *rows, size_t n)
{
	struct arena a = {0};

	for (size_t i = 0; i < n; i++)
		assert_string_equal(parsed(&a, rows[i].in), rows[i].out);
	arena_release(&a);
}

static void config_parse_reads_columns(void **state)
{
	static const struct row rows[] = {
		{"10.89.0.1,fd00:89::1 9.9.9.9,2620:fe::fe\n" ID
		 " 10.89.0.2 fd00:89::2 db,0123456789ab\n"
		 "89ab 10.89.0.3  front,www,89abcdef0123 10.1.1.53\n",
		 "10.89.0.1,fd00:89::1|9.9.9.9,2620:fe::fe\n"
		 "0123456789abcdef 10.89.0.2,fd00:89::2 db,0123456789ab -> \n"
		 "89ab 10.89.0.3 front,www,89abcdef0123 -> 10.1.1.53"},
		{"10.0.0.1\na 10.0.0.2,10.0.0.3 fd00::2,fd00::3 x\n",
		 "10.0.0.1|\na 10.0.0.2,10.0.0.3,fd00::2,fd00::3 x -> "},
		{"10.0.0.1\na 10.0.0.2  x\na  fd00::2 x\n",
		 "10.0.0.1|\na 10.0.0.2 x -> \na fd00::2 x -> "},
		{"10.0.0.1\na   x\n", "10.0.0.1|\na  x -> "},
	};

	(void)state;
	check_rows(rows, array_size(rows));
}

static void config_parse_accepts_loose_ends(void **state)
{
	static const struct row rows[] = {
		{"\n\n10.0.0.1\n\na 10.0.0.2  x\n\n", "10.0.0.1|\na 10.0.0.2 x -> "},
		{"10.0.0.1\na 10.0.0.2  x", "10.0.0.1|\na 10.0.0.2 x -> "},
		{"10.0.0.1", "10.0.0.1|"},
	};

	(void)state;
	check_rows(rows, array_size(rows));
}

static void config_parse_uses_the_fifth_column_only_without_a_sixth(void **state)
{
	static const struct row rows[] = {
		{"10.0.0.1\na 10.0.0.2  x 1.1.1.1,::1\n", "10.0.0.1|\na 10.0.0.2 x -> 1.1.1.1,::1"},
		{"10.0.0.1\na 10.0.0.2  x \n", "10.0.0.1|\na 10.0.0.2 x -> "},
		{"10.0.0.1\na 10.0.0.2  x 1.1.1.1 y\n", "10.0.0.1|\na 10.0.0.2 x -> "},
		{"10.0.0.1\na 10.0.0.2  x 1.1.1.1 y z w v\n", "10.0.0.1|\na 10.0.0.2 x -> "},
	};

	(void)state;
	check_rows(rows, array_size(rows));
}

static void config_parse_rejects_headers(void **state)
{
	static const struct row rows[] = {
		{"", "bad"},
		{"\n\n", "bad"},
		{"10.0.0.1 \n", "bad"},
		{"10.0.0.1  1.1.1.1\n", "bad"},
		{"10.0.0.1/24\n", "bad"},
		{"10.0.0.01\n", "bad"},
		{"fe80::1%br0\n", "bad"},
		{"10.0.0.1\r\n", "bad"},
		{"10.0.0.1\t1.1.1.1\n", "bad"},
		{"10.0.0.1,\n", "bad"},
		{"10.0.0.1, 10.0.0.2\n", "bad"},
		{"10.0.0.1 x\n", "bad"},
		{" 10.0.0.1\n", "bad"},
		{"10.0.0\n", "bad"},
	};

	(void)state;
	check_rows(rows, array_size(rows));
}

/* The line between two good ones is skipped, and only that. */
static void config_parse_skips_bad_lines(void **state)
{
	static const char *const bad[] = {
		"broken line",		 "a 10.0.0.2 x",	   "a 10.0.0.02  x",
		"a 10.0.0.2/24  x",	 "a fe80::1%eth0  x",	   "a  10.0.0.2 x",
		"a fd00::2  x",		 "a 10.0.0.2\t\tx",	   "a 10.0.0.2\r  x",
		"a 10.0.0.2, fd00::2 x", "a 10.0.0.2  x nonsense", "",
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(bad) - 1; i++) {
		const char *in =
			arena_printf(&a, "10.0.0.1\nb 10.0.0.8  y\n%s\nc 10.0.0.9  z\n", bad[i]);

		assert_string_equal(parsed(&a, in),
				    "10.0.0.1|\nb 10.0.0.8 y -> \nc 10.0.0.9 z -> ?");
	}
	arena_release(&a);
}

static void config_parse_skips_impossible_names(void **state)
{
	static const struct row rows[] = {
		{"10.0.0.1\na 10.0.0.2  A_b,1x,a..b,.c,,*,d.,\xc3\xa4\n",
		 "10.0.0.1|\na 10.0.0.2 a_b,1x,*,d,\\195\\164 -> "},
		{"10.0.0.1\na 10.0.0.2  \n", "10.0.0.1|\na 10.0.0.2 -> "},
	};

	(void)state;
	check_rows(rows, array_size(rows));
}

static void config_parse_ignores_further_header_columns(void **state)
{
	static const struct row rows[] = {{"10.0.0.1 1.1.1.1 x y z\n", "10.0.0.1|1.1.1.1"}};

	(void)state;
	check_rows(rows, array_size(rows));
}

/* --- The directory --- */

static char dir[64];

static int make_directory(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_config.XXXXXX");
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct config *load(const struct config *old)
{
	struct config *c = NULL;
	struct error err;

	assert_int_equal(config_load(dir, old, &c, &err), 0);
	return c;
}

static void config_load_takes_plain_files_only(void **state)
{
	(void)state;
	put("web", "10.0.0.1\n");
	put(".hidden", "10.0.0.2\n");
	put("aardvark.pid", "1");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mkdir("directory", 0700), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(symlink("/dev/null", "device"), 0);
	struct config *c = load(NULL);
	assert_int_equal(c->zones->n_networks, 1);
	assert_int_equal(c->zones->n_listeners, 1);
	config_free(c);
}

static void config_load_takes_any_name(void **state)
{
	char longest[256];

	(void)state;
	memset(longest, 'n', 255);
	longest[255] = '\0';
	put(longest, "10.0.0.1\n");
	put("a b%c\xff", "10.0.0.2\n");
	put("x%int.y", "10.0.0.3\n");
	put("int%int", "10.0.0.4\n");
	struct config *c = load(NULL);
	assert_int_equal(c->n_files, 4);
	assert_string_equal(c->files[0].name, "a b%c\xff");
	assert_false(c->files[0].internal);
	assert_string_equal(c->files[1].name, "int");
	assert_true(c->files[1].internal);
	assert_string_equal(c->files[2].name, longest);
	assert_string_equal(c->files[3].name, "x%int.y");
	assert_false(c->files[3].internal);
	config_free(c);
}

static void config_load_keeps_the_last_good_content(void **state)
{
	(void)state;
	put("web", "10.0.0.1\na 10.0.0.2  x\n");
	struct config *first = load(NULL);
	put("web", "10.0");
	struct config *second = load(first);
	config_free(first);
	assert_int_equal(second->zones->n_listeners, 1);
	assert_int_equal(second->zones->networks[0].n_names, 1);
	assert_true(config_is_suspect(second));
	assert_false(config_suspects_changed(dir, second));
	put("web", "");
	struct config *third = load(second);
	config_free(second);
	assert_int_equal(third->zones->n_listeners, 1);
	put("web", "10.0.0.1\n");
	assert_true(config_suspects_changed(dir, third));
	struct config *fourth = load(third);
	config_free(third);
	assert_int_equal(fourth->zones->networks[0].n_names, 0);
	assert_false(config_is_suspect(fourth));
	config_free(fourth);
}

static void config_load_merges_a_renamed_network(void **state)
{
	(void)state;
	put("web", "10.0.0.1\na 10.0.0.2  x\n");
	put("web%int", "10.0.0.1\na 10.0.0.2  x\nb 10.0.0.3  y\n");
	struct config *c = load(NULL);
	assert_int_equal(c->zones->n_networks, 1);
	assert_true(c->zones->networks[0].internal);
	assert_int_equal(c->zones->networks[0].n_names, 2);
	config_free(c);
}

static void config_load_fails_without_directory(void **state)
{
	struct config *c = NULL;
	struct error err;

	(void)state;
	assert_int_equal(config_load("/nonexistent", NULL, &c, &err), -ENOENT);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("AV-070 the example, several addresses, lines of one container",
		     config_parse_reads_columns),
		TEST("AV-071 missing final newline, empty lines", config_parse_accepts_loose_ends),
		TEST("AV-072 fifth column",
		     config_parse_uses_the_fifth_column_only_without_a_sixth),
		TEST("AV-073 invalid headers", config_parse_rejects_headers),
		TEST("AV-073 AV-048 invalid lines", config_parse_skips_bad_lines),
		TEST("AV-075 impossible names", config_parse_skips_impossible_names),
		TEST("AV-078 further header columns", config_parse_ignores_further_header_columns),
		{"AV-023 special files", config_load_takes_plain_files_only, make_directory,
		 remove_directory, NULL},
		{"AV-074 names of networks", config_load_takes_any_name, make_directory,
		 remove_directory, NULL},
		{"AV-047 half written files", config_load_keeps_the_last_good_content,
		 make_directory, remove_directory, NULL},
		{"AV-051 NAME and NAME%int at once", config_load_merges_a_renamed_network,
		 make_directory, remove_directory, NULL},
		TEST("AV-050 no directory", config_load_fails_without_directory),
	};

	log_filter("off");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
