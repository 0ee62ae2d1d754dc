/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "test"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <unistd.h>

#include "aardvark-dns/resolvconf.h"
#include "common/log.h"

/* Each row: a text, and the servers found in it, with their zones, one blank apart. */
static const struct {
	const char *text, *servers;
} rows[] = {
	{"nameserver 10.0.0.1\n", "10.0.0.1"},
	{"nameserver 10.0.0.1", "10.0.0.1"},
	{" \tnameserver\t10.0.0.1  10.0.0.2\n", "10.0.0.1"},
	{"nameserver 10.0.0.1#x\nnameserver 10.0.0.2;y\n", "10.0.0.1 10.0.0.2"},
	{"# nameserver 10.0.0.1\n;nameserver 10.0.0.2\n", ""},
	{"search a.b\noptions rotate timeout:1 ndots:5 use-vc\ndomain x\nsortlist 1.2.3.4\n", ""},
	{"Nameserver 10.0.0.1\nnameservers 10.0.0.2\nnameserver\n", ""},
	{"nameserver abc\nnameserver 10.0.0.999\nnameserver 10.0.0.1/24\nnameserver 10.0.0.3\n",
	 "10.0.0.3"},
	{"nameserver 2001:db8::1\nnameserver ::1\n", "2001:db8::1 ::1"},
	{"nameserver fe80::1%eth0\nnameserver fe80::2%7\n", "fe80::1%eth0 fe80::2%7"},
	{"nameserver 10.0.0.1%eth0\nnameserver fe80::1%\nnameserver ::1\n", "::1"},
	{"nameserver fe80::1%nointerfacehasanamethislong\n", ""},
	{"nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4\n",
	 "1.1.1.1 2.2.2.2 3.3.3.3"},
	{"\xff\xfe\nnameserver 10.0.0.1\n", "10.0.0.1"},
	{"", ""},
	{"\n\n\n", ""},
};

static void print(const struct resolvers *r, char *out, size_t room)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < r->n_servers; i++)
		used += (size_t)snprintf(out + used, room - used, "%s%s%s%s", i ? " " : "",
					 addr_str(&r->servers[i].addr),
					 r->servers[i].zone[0] ? "%" : "", r->servers[i].zone);
}

static void resolvconf_parse_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct resolvers r;
		char text[256];

		resolvconf_parse(rows[i].text, strlen(rows[i].text), &r);
		print(&r, text, sizeof(text));
		assert_string_equal(text, rows[i].servers);
	}
}

static void resolvconf_parse_survives_a_nul_and_a_long_line(void **state)
{
	static const char with_nul[] = "name\0server 1.1.1.1\nnameserver 2.2.2.2\n";
	char long_line[3000];
	struct resolvers r;

	(void)state;
	resolvconf_parse(with_nul, sizeof(with_nul) - 1, &r);
	assert_int_equal(r.n_servers, 1);
	memset(long_line, 'x', sizeof(long_line));
	memcpy(long_line + 2000, "\nnameserver 2.2.2.2\n", 20);
	resolvconf_parse(long_line, sizeof(long_line), &r);
	assert_int_equal(r.n_servers, 1);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void expect(struct resolvconf *r, const char *servers)
{
	char text[256];

	resolvconf_refresh(r);
	print(&r->now, text, sizeof(text));
	assert_string_equal(text, servers);
}

/* Each step changes the file in another way; the directory is new. */
static void resolvconf_refresh_notices_every_change(void **state)
{
	char dir[] = "/tmp/test_resolvconf.XXXXXX";
	struct resolvconf r = {.path = "resolv.conf"};

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	expect(&r, "");
	put("resolv.conf", "nameserver 1.1.1.1\n");
	expect(&r, "1.1.1.1");
	put("resolv.conf", "nameserver 2.2.2.22\n");
	expect(&r, "2.2.2.22");
	for (int i = 0; i < 3; i++) {
		put("new", i % 2 ? "nameserver 3.3.3.3\n" : "nameserver 4.4.4.4\n");
		assert_int_equal(rename("new", "resolv.conf"), 0);
		expect(&r, i % 2 ? "3.3.3.3" : "4.4.4.4");
	}
	put("a", "nameserver 5.5.5.5\n");
	put("b", "nameserver 6.6.6.6\n");
	assert_int_equal(unlink("resolv.conf"), 0);
	assert_int_equal(symlink("a", "resolv.conf"), 0);
	expect(&r, "5.5.5.5");
	assert_int_equal(unlink("resolv.conf"), 0);
	assert_int_equal(symlink("b", "resolv.conf"), 0);
	expect(&r, "6.6.6.6");
	assert_int_equal(unlink("resolv.conf"), 0);
	expect(&r, "6.6.6.6"); /* missing: the old servers stay */
	put("resolv.conf", "");
	expect(&r, "6.6.6.6"); /* somebody is about to write it */
	unlink("resolv.conf");
	unlink("a");
	unlink("b");
	assert_int_equal(chdir("/"), 0);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("AV-126 each rule of resolv.conf", resolvconf_parse_table),
		TEST("AV-022 binary and over-long lines",
		     resolvconf_parse_survives_a_nul_and_a_long_line),
		TEST("AV-127 AV-128 every kind of change is noticed, a broken file is not followed",
		     resolvconf_refresh_notices_every_change),
	};

	log_filter("off");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
