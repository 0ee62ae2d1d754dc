/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "aardvark-dns/answer.h"
#include "aardvark-dns/config.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "tests/unit/dns.h"

/*
 * Networks a, b, and c, which is internal, as in the table of the specification (7.7); d has the
 * addresses of a, e shares nothing.
 */
static const struct {
	const char *name;
	bool internal;
	const char *text;
} files[] = {
	{"a", false,
	 "10.89.0.1,fd00:89::1\n"
	 "a1 10.89.0.2 fd00:89::2 a1,alias,a_1\n"
	 "ab 10.89.0.3  ab,both\n"
	 "v6 \x20"
	 "fd00:89::6 six,six,UPPER\n"
	 "two 10.89.0.8,10.89.0.7,10.89.0.8  many,many\n"
	 "two 10.89.0.9  many\n"
	 "none \x20 nobody\n"},
	{"b", false,
	 "10.89.1.1 1.1.1.1\n"
	 "b1 10.89.1.2  b1\n"
	 "ab 10.89.1.3  ab,bname 2.2.2.2\n"},
	{"c", true, "10.89.2.1 3.3.3.3\ni1 10.89.2.2  i1 4.4.4.4\nmixed 10.89.2.9  mixed\n"},
	{"d", false, "10.89.3.1\nd1 10.89.0.2  d1\nmixed 10.89.3.9  mixed\n"},
};

struct fixture {
	struct arena arena;
	const struct zones *zones;
	struct answer_rules rules;
	struct message in;
	uint8_t bytes[WIRE_TCP_MAX];
	struct wire out;
	struct answer_context context;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct config_network nets[array_size(files)];
	struct hash_key key = {1, 2};
	struct error err;
	bool suspect;

	for (size_t i = 0; i < array_size(files); i++) {
		if (config_parse(files[i].name, files[i].text, strlen(files[i].text), &f->arena,
				 &nets[i], &suspect, &err) < 0 ||
		    suspect)
			return -1;
		nets[i].name = files[i].name;
		nets[i].internal = files[i].internal;
	}
	f->zones = zones_build(&f->arena, &key, nets, array_size(nets));
	answer_set_search(&f->rules, ".dns.podman");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_release(&f->arena);
	free(f);
	return 0;
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

/* Sends what is in f->in. */
static enum answer ask_raw(struct fixture *f, const char *client, const char *server, bool tcp)
{
	struct addr to = address(server);
	struct asked asked = {
		.zones = f->zones,
		.listener = zones_find_listener(f->zones, &to),
		.client = address(client),
		.tcp = tcp,
	};

	assert_non_null(asked.listener);
	f->out = (struct wire){.data = f->bytes, .room = tcp ? WIRE_TCP_MAX : ANSWER_UDP_MAX};
	return answer(&f->rules, &asked, f->in.bytes, f->in.w.len, &f->context, &f->out);
}

static enum answer ask(struct fixture *f, const char *client, const char *server, const char *name,
		       uint16_t type)
{
	message_start(&f->in, WIRE_RD, name, type, CLASS_IN);
	return ask_raw(f, client, server, false);
}

/* The verdict as text: the addresses or names of a reply, "nodata", "nxdomain", "forward", … */
static const char *verdict(struct fixture *f, enum answer a)
{
	static char text[4096];
	struct wire_reader r = {.data = f->out.data, .len = f->out.len, .at = f->in.w.len};
	size_t used = 0;

	if (a != ANSWER_REPLY)
		return a == ANSWER_DROP ? "drop" : a == ANSWER_FORWARD ? "forward" : "if-host";
	static const char *const codes[] = {"nodata",	"formerr", "servfail",
					    "nxdomain", "notimp",  "refused"};
	if (header(&f->out, WIRE_AT_ANSWERS) == 0)
		return codes[rcode_of(&f->out)];
	for (unsigned int i = 0; i < header(&f->out, WIRE_AT_ANSWERS); i++) {
		struct wire_record rec;
		struct addr addr = {0};

		wire_get_record(&r, &rec);
		assert_false(r.bad);
		assert_int_equal(rec.ttl, 0);
		assert_int_equal(rec.class, CLASS_IN);
		assert_memory_equal(f->out.data + rec.start, "\xc0\x0c", 2);
		if (i)
			text[used++] = ' ';
		if (rec.type == TYPE_PTR) {
			wire_name_print(rec.data, rec.data_len, text + used);
			used += strlen(text + used);
			continue;
		}
		addr.family = rec.type == TYPE_A ? AF_INET : AF_INET6;
		assert_int_equal(rec.data_len, addr_size(&addr));
		memcpy(addr.bytes, rec.data, rec.data_len);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", addr_str(&addr));
	}
	text[used] = '\0';
	return text;
}

struct row {
	const char *client, *server, *name;
	uint16_t type;
	const char *expected;
};

static void check_rows(struct fixture *f, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		const char *got = verdict(f, ask(f, r->client, r->server, r->name, r->type));

		if (strcmp(got, r->expected) != 0)
			fail_msg("%s asks %s for %s type %u: %s, not %s", r->client, r->server,
				 r->name, r->type, got, r->expected);
	}
}

#define CHECK(state, ...)                                                                          \
	do {                                                                                       \
		const struct row rows[] = {__VA_ARGS__};                                           \
		check_rows(*(state), rows, array_size(rows));                                      \
	} while (0)

#define A1   "10.89.0.2"
#define GW_A "10.89.0.1"
#define GW_B "10.89.1.1"
#define GW_C "10.89.2.1"
#define GW_D "10.89.3.1"

static void answer_finds_names_in_any_form(void **state)
{
	CHECK(state, {A1, GW_A, "a1", TYPE_A, "10.89.0.2"}, {A1, GW_A, "A1", TYPE_A, "10.89.0.2"},
	      {A1, GW_A, "alias", TYPE_AAAA, "fd00:89::2"},
	      {A1, GW_A, "a1.dns.podman", TYPE_A, "10.89.0.2"},
	      {A1, GW_A, "a1.DNS.Podman", TYPE_A, "10.89.0.2"},
	      {A1, GW_A, "upper", TYPE_AAAA, "fd00:89::6"},
	      {A1, GW_A, "a_1.dns.podman", TYPE_A, "10.89.0.2"});
}

static void answer_gives_nodata_for_the_other_family(void **state)
{
	CHECK(state, {A1, GW_A, "ab", TYPE_AAAA, "nodata"}, {A1, GW_A, "six", TYPE_A, "nodata"});
}

static void answer_gives_nodata_for_other_types(void **state)
{
	/* MX TXT SRV HTTPS SVCB ANY SOA NS DS and one that nobody knows */
	static const uint16_t types[] = {15, 16, 33, 65, 64, 255, 6, 2, 43, 65280};

	for (size_t i = 0; i < array_size(types); i++)
		CHECK(state, {A1, GW_A, "a1", types[i], "nodata"},
		      {A1, GW_A, "a1.dns.podman", types[i], "nodata"});
}

static void answer_gives_nxdomain_below_the_search_domain(void **state)
{
	CHECK(state, {A1, GW_A, "no.dns.podman", TYPE_A, "nxdomain"},
	      {A1, GW_A, "NO.DNS.PODMAN", TYPE_A, "nxdomain"},
	      {A1, GW_A, "no.dns.podman", 15, "nxdomain"});
}

static void answer_has_no_name_without_an_address(void **state)
{
	CHECK(state, {A1, GW_A, "nobody", TYPE_A, "forward"},
	      {A1, GW_A, "nobody.dns.podman", TYPE_A, "nxdomain"},
	      {A1, GW_A, "nobody.dns.podman", 16, "nxdomain"});
}

static void answer_knows_localhost(void **state)
{
	CHECK(state, {A1, GW_A, "localhost", TYPE_A, "127.0.0.1"},
	      {A1, GW_A, "LocalHost", TYPE_AAAA, "::1"},
	      {A1, GW_A, "a.b.localhost", TYPE_A, "127.0.0.1"},
	      {A1, GW_A, "localhost", 15, "nodata"}, {A1, GW_A, "xlocalhost", TYPE_A, "forward"},
	      {A1, GW_A, "localhost.dns.podman", TYPE_A, "nxdomain"},
	      {A1, GW_A, "localhost.example", TYPE_A, "forward"});
}

static void answer_strips_the_search_domain_once(void **state)
{
	CHECK(state, {A1, GW_A, "a1.dns.podman.dns.podman", TYPE_A, "nxdomain"},
	      {A1, GW_A, "xdns.podman", TYPE_A, "forward"},
	      {A1, GW_A, "a1.podman", TYPE_A, "forward"}, {A1, GW_A, "a1.a", TYPE_A, "forward"},
	      {A1, GW_A, "dns.podman", TYPE_A, "nodata"}, {A1, GW_A, "", 2, "forward"},
	      {A1, GW_A, "podman", TYPE_A, "forward"});
}

static void answer_takes_any_search_domain(void **state)
{
	struct fixture *f = *state;
	static const char *const same[] = {"foo.bar", ".foo.bar.", "FOO.bar."};

	for (size_t i = 0; i < array_size(same); i++) {
		assert_true(answer_set_search(&f->rules, same[i]));
		CHECK(state, {A1, GW_A, "a1.foo.bar", TYPE_A, "10.89.0.2"},
		      {A1, GW_A, "xfoo.bar", TYPE_A, "forward"},
		      {A1, GW_A, "a1.dns.podman", TYPE_A, "forward"});
	}
	assert_true(answer_set_search(&f->rules, ""));
	CHECK(state, {A1, GW_A, "a1", TYPE_A, "10.89.0.2"},
	      {A1, GW_A, "a1.foo.bar", TYPE_A, "forward"});
	assert_true(answer_set_search(&f->rules, "."));
	assert_int_equal(f->rules.search_len, 0);
	assert_false(answer_set_search(&f->rules, "a..b"));
}

static void answer_lists_addresses_in_order_once(void **state)
{
	for (int i = 0; i < 3; i++)
		CHECK(state, {A1, GW_A, "many", TYPE_A, "10.89.0.8 10.89.0.7 10.89.0.9"},
		      {A1, GW_A, "six", TYPE_AAAA, "fd00:89::6"});
}

static void answer_shows_each_client_its_networks(void **state)
{
	const char *b1 = "10.89.1.2", *ab = "10.89.0.3", *host = "192.0.2.1", *i1 = "10.89.2.2";

	CHECK(state, {A1, GW_A, "ab", TYPE_A, "10.89.0.3"}, {A1, GW_A, "b1", TYPE_A, "forward"},
	      {A1, GW_B, "b1", TYPE_A, "forward"}, {b1, GW_A, "a1", TYPE_A, "forward"},
	      {ab, GW_A, "a1", TYPE_A, "10.89.0.2"}, {ab, GW_B, "a1", TYPE_A, "10.89.0.2"},
	      {ab, GW_A, "b1", TYPE_A, "10.89.1.2"}, {ab, GW_B, "b1", TYPE_A, "10.89.1.2"},
	      {ab, GW_A, "2.1.89.10.in-addr.arpa", TYPE_PTR, "b1"},
	      {host, GW_A, "a1", TYPE_A, "10.89.0.2"}, {host, GW_B, "a1", TYPE_A, "forward"},
	      {i1, GW_C, "i1", TYPE_A, "10.89.2.2"}, {i1, GW_C, "example.com", TYPE_A, "nxdomain"},
	      {"fd00:89::2", "fd00:89::1", "ab", TYPE_A, "10.89.0.3"});
}

static void answer_gives_both_addresses_of_a_container_in_two_networks(void **state)
{
	const char *ab = "10.89.0.3", *ab_b = "10.89.1.3";

	/* Those of the listener's network first. */
	CHECK(state, {ab, GW_A, "ab", TYPE_A, "10.89.0.3 10.89.1.3"},
	      {ab, GW_B, "ab", TYPE_A, "10.89.1.3 10.89.0.3"},
	      {ab_b, GW_A, "ab", TYPE_A, "10.89.0.3 10.89.1.3"});
}

/* a1 of network a and d1 of network d have the same address. */
static void answer_keeps_equal_addresses_apart(void **state)
{
	CHECK(state, {A1, GW_A, "a1", TYPE_A, "10.89.0.2"}, {A1, GW_A, "d1", TYPE_A, "forward"},
	      {A1, GW_D, "d1", TYPE_A, "10.89.0.2"}, {A1, GW_D, "a1", TYPE_A, "forward"},
	      {A1, GW_D, "2.0.89.10.in-addr.arpa", TYPE_PTR, "d1"});
}

static void answer_confines_internal_clients(void **state)
{
	CHECK(state, {"10.89.2.2", GW_C, "example.com", 2, "nxdomain"},
	      {"10.89.2.2", GW_A, "example.com", TYPE_A, "nxdomain"},
	      {"10.89.2.9", GW_C, "example.com", TYPE_A, "forward"},
	      {"10.89.3.9", GW_D, "example.com", TYPE_A, "forward"},
	      {"10.89.2.77", GW_C, "example.com", TYPE_A, "if-host"},
	      {"10.89.2.77", GW_A, "example.com", TYPE_A, "forward"});
}

static void answer_never_forwards_without_proxy(void **state)
{
	struct fixture *f = *state;

	f->rules.no_proxy = true;
	CHECK(state, {A1, GW_A, "example.com", TYPE_A, "nxdomain"},
	      {A1, GW_A, "a1", TYPE_A, "10.89.0.2"},
	      {"192.0.2.1", GW_C, "example.com", TYPE_A, "nxdomain"});
}

static void answer_resolves_addresses(void **state)
{
	CHECK(state, {A1, GW_A, "2.0.89.10.in-addr.arpa", TYPE_PTR, "a1 alias a_1"},
	      {A1, GW_A, "2.0.89.10.IN-ADDR.Arpa", TYPE_PTR, "a1 alias a_1"},
	      {A1, GW_A, "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.8.0.0.0.0.D.F.IP6.ARPA",
	       TYPE_PTR, "a1 alias a_1"},
	      {A1, GW_A, "6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.8.0.0.0.0.d.f.ip6.arpa",
	       TYPE_PTR, "six upper"},
	      {"192.0.2.1", GW_A, "3.0.89.10.in-addr.arpa", TYPE_PTR, "ab both"});
}

static void answer_forwards_other_reverse_names(void **state)
{
	CHECK(state, {A1, GW_A, "2.1.89.10.in-addr.arpa", TYPE_PTR, "forward"},
	      {A1, GW_A, "1.0.89.10.in-addr.arpa", TYPE_PTR, "forward"},
	      {A1, GW_A, "0.89.10.in-addr.arpa", TYPE_PTR, "forward"},
	      {A1, GW_A, "02.0.89.10.in-addr.arpa", TYPE_PTR, "forward"},
	      {A1, GW_A, "258.0.89.10.in-addr.arpa", TYPE_PTR, "forward"},
	      {A1, GW_A, "2.2.0.89.10.in-addr.arpa", TYPE_PTR, "forward"},
	      {A1, GW_A, "x.0.89.10.in-addr.arpa", TYPE_PTR, "forward"},
	      {A1, GW_A, "f.ip6.arpa", TYPE_PTR, "forward"},
	      {"10.89.2.2", GW_C, "2.1.89.10.in-addr.arpa", TYPE_PTR, "nxdomain"});
}

static void answer_knows_only_ptr_for_reverse_names(void **state)
{
	CHECK(state, {A1, GW_A, "2.0.89.10.in-addr.arpa", TYPE_A, "forward"},
	      {A1, GW_A, "a1", TYPE_PTR, "nodata"});
}

/* --- The wire --- */

static void answer_copies_header_and_question(void **state)
{
	struct fixture *f = *state;
	static const struct {
		unsigned int in, out;
	} rows[] = {
		{0, WIRE_QR},
		{WIRE_RD, WIRE_QR | WIRE_RD | WIRE_RA},
		{WIRE_RD | WIRE_CD, WIRE_QR | WIRE_RD | WIRE_RA | WIRE_CD},
		/* AA, TC, RA, Z, AD and the code are not reflected */
		{WIRE_AA | WIRE_TC | WIRE_RA | 0x40 | WIRE_AD | 7, WIRE_QR},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		message_start(&f->in, (uint16_t)rows[i].in, "aLiAs.dNs.Podman", TYPE_A, CLASS_IN);
		assert_string_equal(verdict(f, ask_raw(f, A1, GW_A, false)), "10.89.0.2");
		assert_int_equal(header(&f->out, 0), 0x1234);
		assert_int_equal(header(&f->out, WIRE_AT_FLAGS), rows[i].out);
		assert_memory_equal(f->out.data + WIRE_HEADER_SIZE, f->in.bytes + WIRE_HEADER_SIZE,
				    f->in.w.len - WIRE_HEADER_SIZE);
	}
}

static void answer_handles_messages_it_does_not_serve(void **state)
{
	struct fixture *f = *state;

	message_start(&f->in, WIRE_QR, "a1", TYPE_A, CLASS_IN);
	assert_int_equal(ask_raw(f, A1, GW_A, false), ANSWER_DROP);
	f->in.w.len = 11;
	f->in.bytes[2] = 0;
	assert_int_equal(ask_raw(f, A1, GW_A, false), ANSWER_DROP);
	for (unsigned int opcode = 1; opcode < 16; opcode++) {
		message_start(&f->in, (uint16_t)(opcode << 11), "a1", TYPE_A, CLASS_IN);
		assert_int_equal(ask_raw(f, A1, GW_A, false), ANSWER_REPLY);
		assert_int_equal(rcode_of(&f->out), RCODE_NOTIMP);
		assert_int_equal(f->out.len, WIRE_HEADER_SIZE);
		assert_int_equal(header(&f->out, WIRE_AT_FLAGS) & WIRE_OPCODE, opcode << 11);
	}
	for (unsigned int n = 0; n <= 2; n += 2) {
		message_start(&f->in, 0, "a1", TYPE_A, CLASS_IN);
		wire_set16(&f->in.w, WIRE_AT_QUESTIONS, (uint16_t)n);
		assert_string_equal(verdict(f, ask_raw(f, A1, GW_A, false)), "formerr");
		assert_int_equal(f->out.len, WIRE_HEADER_SIZE);
	}
}

static void answer_serves_two_classes(void **state)
{
	struct fixture *f = *state;

	message_start(&f->in, 0, "a1", TYPE_A, CLASS_ANY);
	assert_string_equal(verdict(f, ask_raw(f, A1, GW_A, false)), "10.89.0.2");
	message_start(&f->in, 0, "a1", TYPE_A, 3);
	assert_string_equal(verdict(f, ask_raw(f, A1, GW_A, false)), "refused");
	CHECK(state, {A1, GW_A, "example.com", TYPE_AXFR, "refused"},
	      {A1, GW_A, "example.com", TYPE_IXFR, "refused"});
}

/* Every prefix of a message is an error or too short, and ends nothing else. */
static void answer_rejects_cut_messages(void **state)
{
	struct fixture *f = *state;
	size_t whole;

	message_start(&f->in, 0, "a1", TYPE_A, CLASS_IN);
	message_add_opt(&f->in, 1232, 0, "\0\12\0\2ab", 6);
	whole = f->in.w.len;
	for (size_t len = 0; len < whole; len++) {
		f->in.w.len = len;
		assert_string_equal(verdict(f, ask_raw(f, A1, GW_A, false)),
				    len < WIRE_HEADER_SIZE ? "drop" : "formerr");
	}
	f->in.w.len = whole + 5; /* bytes after the last record */
	assert_int_equal(ask_raw(f, A1, GW_A, false), ANSWER_REPLY);
	assert_int_equal(rcode_of(&f->out), RCODE_NOERROR);
}

static void answer_rejects_bad_names(void **state)
{
	struct fixture *f = *state;
	static const uint8_t bad[] = {0x40, 0x80, 0xc0, 0xff};

	for (size_t i = 0; i < array_size(bad); i++) {
		message_start(&f->in, 0, "a1", TYPE_A, CLASS_IN);
		f->in.bytes[WIRE_HEADER_SIZE] = bad[i];
		assert_string_equal(verdict(f, ask_raw(f, A1, GW_A, false)), "formerr");
	}
}

static void answer_does_not_reflect_records(void **state)
{
	struct fixture *f = *state;

	for (size_t at = WIRE_AT_ANSWERS; at <= WIRE_AT_ADDITIONAL; at += 2) {
		message_start(&f->in, 0, "a1", TYPE_A, CLASS_IN);
		size_t question_end = f->in.w.len;
		message_add_record(&f->in, at, at == WIRE_AT_ADDITIONAL ? 250 : TYPE_A, 9, "abcd",
				   4);
		assert_int_equal(ask_raw(f, A1, GW_A, false), ANSWER_REPLY);
		assert_int_equal(header(&f->out, WIRE_AT_ANSWERS), 1);
		assert_int_equal(header(&f->out, WIRE_AT_AUTHORITY), 0);
		assert_int_equal(header(&f->out, WIRE_AT_ADDITIONAL), 0);
		assert_int_equal(f->out.len, question_end + 16);
	}
}

static void expect_opt(struct fixture *f, uint32_t ttl)
{
	struct wire_reader r = {.data = f->out.data, .len = f->out.len, .at = f->out.len - 11};
	struct wire_record rec;

	assert_int_equal(header(&f->out, WIRE_AT_ADDITIONAL), 1);
	wire_get_record(&r, &rec);
	assert_false(r.bad);
	assert_true(rec.root_owner);
	assert_int_equal(rec.type, TYPE_OPT);
	assert_int_equal(rec.class, 1232);
	assert_int_equal(rec.ttl, ttl);
	assert_int_equal(rec.data_len, 0);
}

static void answer_adds_opt_only_if_asked(void **state)
{
	struct fixture *f = *state;

	ask(f, A1, GW_A, "a1", TYPE_A);
	assert_int_equal(header(&f->out, WIRE_AT_ADDITIONAL), 0);
	message_start(&f->in, 0, "a1", TYPE_A, CLASS_IN);
	message_add_opt(&f->in, 4096, 0x8000, "\0\12\0\2ab", 6);
	ask_raw(f, A1, GW_A, false);
	expect_opt(f, 0x8000);
	message_start(&f->in, 0, "no.dns.podman", TYPE_A, CLASS_IN);
	message_add_opt(&f->in, 0, 0, NULL, 0);
	ask_raw(f, A1, GW_A, false);
	assert_int_equal(rcode_of(&f->out), RCODE_NXDOMAIN);
	expect_opt(f, 0);
}

static void answer_checks_opt(void **state)
{
	struct fixture *f = *state;

	message_start(&f->in, 0, "a1", TYPE_A, CLASS_IN);
	message_add_opt(&f->in, 1232, 1 << 16, NULL, 0);
	ask_raw(f, A1, GW_A, false);
	assert_int_equal(rcode_of(&f->out), 0);
	expect_opt(f, 1u << 24); /* BADVERS is 16: the upper bits are 1 */

	message_start(&f->in, 0, "a1", TYPE_A, CLASS_IN);
	message_add_opt(&f->in, 1232, 0, NULL, 0);
	message_add_opt(&f->in, 1232, 0, NULL, 0);
	assert_string_equal(verdict(f, ask_raw(f, A1, GW_A, false)), "formerr");

	message_start(&f->in, 0, "a1", TYPE_A, CLASS_IN);
	message_add_record(&f->in, WIRE_AT_ADDITIONAL, TYPE_OPT, 0, NULL, 0);
	assert_string_equal(verdict(f, ask_raw(f, A1, GW_A, false)), "formerr");

	message_start(&f->in, 0, "a1", TYPE_A, CLASS_IN);
	message_add_opt(&f->in, 1232, 0, "\0\12\0\3ab", 6);
	assert_string_equal(verdict(f, ask_raw(f, A1, GW_A, false)), "formerr");
}

/* --- Sizes: one name, many addresses --- */

static void build_crowd(struct fixture *f, size_t n)
{
	struct addr listen = address(GW_A), *addrs = arena_alloc(&f->arena, n * sizeof(*addrs));
	struct name name = {(const uint8_t *)"\5crowd", 6};
	struct config_entry entry = {
		.id = "x", .addrs = addrs, .n_addrs = n, .names = &name, .n_names = 1};
	struct config_network net = {
		.name = "a", .listen = &listen, .n_listen = 1, .entries = &entry, .n_entries = 1};
	struct hash_key key = {3, 4};
	struct addr first = address("10.1.0.1");

	for (size_t i = 0; i < n; i++)
		addrs[i] = addr_plus(&first, i);
	f->zones = zones_build(&f->arena, &key, arena_memdup(&f->arena, &net, sizeof(net)), 1);
}

static void expect_size(struct fixture *f, size_t n, uint16_t edns, bool tcp, size_t limit,
			size_t records)
{
	bool cut = records < n;

	build_crowd(f, n);
	message_start(&f->in, 0, "crowd", TYPE_A, CLASS_IN);
	if (edns)
		message_add_opt(&f->in, edns, 0, NULL, 0);
	assert_int_equal(ask_raw(f, A1, GW_A, tcp), ANSWER_REPLY);
	assert_int_equal(header(&f->out, WIRE_AT_ANSWERS), records);
	assert_int_equal(!!(header(&f->out, WIRE_AT_FLAGS) & WIRE_TC), cut);
	assert_true(f->out.len <= limit);
	assert_int_equal(header(&f->out, WIRE_AT_ADDITIONAL), edns ? 1 : 0);
	assert_int_equal(f->out.len, 12 + 11 + 16 * records + (edns ? 11 : 0));
}

static void answer_fits_the_client(void **state)
{
	struct fixture *f = *state;

	expect_size(f, 30, 0, false, 512, 30);
	expect_size(f, 31, 0, false, 512, 30);
	expect_size(f, 74, 1232, false, 1232, 74);
	expect_size(f, 80, 1232, false, 1232, 74);
	expect_size(f, 80, 65535, false, 1232, 74);
	expect_size(f, 80, 700, false, 700, 41);
	expect_size(f, 80, 0, true, 65535, 80);
	expect_size(f, 40, 1, false, 512, 29);
}

static void answer_over_tcp_is_a_whole_message(void **state)
{
	expect_size(*state, 5000, 0, true, 65535, 4094);
}

int main(void)
{
#define CASE(title, fn)                                                                            \
	{                                                                                          \
		title, fn, set_up, tear_down, NULL                                                 \
	}
	const struct CMUnitTest tests[] = {
		CASE("AV-080 names in any form", answer_finds_names_in_any_form),
		CASE("AV-082 the other family is NODATA", answer_gives_nodata_for_the_other_family),
		CASE("AV-083 other types are NODATA", answer_gives_nodata_for_other_types),
		CASE("AV-084 unknown below the search domain",
		     answer_gives_nxdomain_below_the_search_domain),
		CASE("AV-077 a line without addresses makes no name",
		     answer_has_no_name_without_an_address),
		CASE("localhost is the loopback", answer_knows_localhost),
		CASE("AV-085 the search domain is removed once",
		     answer_strips_the_search_domain_once),
		CASE("AV-086 other search domains", answer_takes_any_search_domain),
		CASE("AV-087 AV-076 several addresses", answer_lists_addresses_in_order_once),
		CASE("AV-088 AV-091 AV-092 who sees what", answer_shows_each_client_its_networks),
		CASE("AV-089 a container in two networks",
		     answer_gives_both_addresses_of_a_container_in_two_networks),
		CASE("AV-090 equal addresses in two networks", answer_keeps_equal_addresses_apart),
		CASE("AV-112 AV-113 internal networks", answer_confines_internal_clients),
		CASE("AV-111 no proxy", answer_never_forwards_without_proxy),
		CASE("AV-093 AV-095 reverse names", answer_resolves_addresses),
		CASE("AV-094 other reverse names", answer_forwards_other_reverse_names),
		CASE("AV-096 types of reverse names", answer_knows_only_ptr_for_reverse_names),
		CASE("AV-081 BU-062 header and question", answer_copies_header_and_question),
		CASE("AV-100 what is not served", answer_handles_messages_it_does_not_serve),
		CASE("AV-100 classes and transfers", answer_serves_two_classes),
		CASE("AV-100 cut messages", answer_rejects_cut_messages),
		CASE("AV-100 labels that are none", answer_rejects_bad_names),
		CASE("AV-103 nothing is reflected", answer_does_not_reflect_records),
		CASE("AV-101 OPT", answer_adds_opt_only_if_asked),
		CASE("AV-102 wrong OPT", answer_checks_opt),
		CASE("AV-104 AV-105 sizes over UDP", answer_fits_the_client),
		CASE("AV-106 5000 addresses over TCP", answer_over_tcp_is_a_whole_message),
	};

	log_filter("off");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
