/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/replies.h"

static const struct packet_identity nobody = {.mac = REPLY_MAC};
static const struct addr addr50 = {AF_INET, {10, 60, 0, 50}}, addr1 = {AF_INET, {10, 60, 0, 1}};

/* ---- what we send ---- */

/* The option of a message we have built, or NULL. */
static const uint8_t *sent_option(const uint8_t *frame, size_t len, uint8_t code)
{
	for (size_t i = 14 + 20 + 8 + 240; i + 1 < len && frame[i] != 255; i += 2u + frame[i + 1])
		if (frame[i] == code)
			return frame + i + 1;
	return NULL;
}

static uint16_t checksum(const uint8_t *data, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void packet_build_makes_a_discover(void **state)
{
	static const uint8_t wanted[] = {9, 12, 1, 3, 6, 15, 26, 42, 121, 249};
	const struct packet_request r = {.type = PACKET_DISCOVER, .xid = 0xaabbccdd, .secs = 258};
	uint8_t f[PACKET_MAX];
	const size_t len = packet_build(&nobody, &r, f);

	(void)state;
	assert_int_equal(len, 14 + 20 + 8 + 300); /* what relays want at least */
	assert_memory_equal(f, "\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x07\x08\0\x45", 15);
	assert_memory_equal(f + 26, "\0\0\0\0\xff\xff\xff\xff\0\x44\0\x43", 12);
	assert_memory_equal(f + 42, "\x01\x01\x06\0\xaa\xbb\xcc\xdd\x01\x02\x80\0\0\0\0\0", 16);
	assert_memory_equal(f + 42 + 28, "\x02\0\0\0\0\x07\0\0\0\0", 10);
	assert_memory_equal(sent_option(f, len, 53), "\x01\x01", 2);
	assert_memory_equal(sent_option(f, len, 55), wanted, sizeof(wanted));
	assert_null(sent_option(f, len, 12));
	assert_null(sent_option(f, len, 61));
	assert_null(sent_option(f, len, 50));
	assert_null(sent_option(f, len, 54));
}

static void packet_build_has_right_lengths_and_checksums(void **state)
{
	(void)state;
	/* Every length of a name, so that the message is even and odd. */
	for (size_t n = 0; n <= PACKET_HOST_NAME_MAX; n++) {
		struct packet_identity who = nobody;
		const struct packet_request r = {.type = PACKET_REQUEST,
						 .xid = (uint32_t)rand(),
						 .requested = addr50,
						 .server = addr1};
		uint8_t f[PACKET_MAX];

		memset(who.host_name, 'x', n);
		memset(who.client_id, 0xff, sizeof(who.client_id));
		who.client_id_len = n;
		const size_t len = packet_build(&who, &r, f), udp = len - 34;
		assert_int_equal(f[16] << 8 | f[17], len - 14);
		assert_int_equal(f[38] << 8 | f[39], udp);
		assert_int_equal(checksum(f + 14, 20, 0), 0xffff);
		assert_int_equal(checksum(f + 34, udp, 17 + checksum(f + 26, 8, (uint32_t)udp)),
				 0xffff);
		assert_true(len <= PACKET_MAX);
	}
}

static void packet_build_tells_who_asks(void **state)
{
	struct packet_identity who = {.mac = REPLY_MAC, .client_id = "\0abc", .client_id_len = 4};
	const struct packet_request r = {.type = PACKET_REQUEST,
					 .requested = addr50,
					 .server = addr1};
	uint8_t f[PACKET_MAX];

	(void)state;
	strcpy(who.host_name, "seven");
	const size_t len = packet_build(&who, &r, f);
	assert_memory_equal(sent_option(f, len, 61), "\x04\0abc", 5);
	assert_memory_equal(sent_option(f, len, 12), "\x05seven", 6); /* without a NUL */
	assert_memory_equal(sent_option(f, len, 50), "\x04\x0a\x3c\0\x32", 5);
	assert_memory_equal(sent_option(f, len, 54), "\x04\x0a\x3c\0\x01", 5);
}

static void packet_build_unicasts_from_the_address(void **state)
{
	const struct packet_request r = {
		.type = PACKET_RELEASE,
		.ciaddr = addr50,
		.server = addr1,
		.unicast = true,
		.server_addr = addr1,
		.server_mac = REPLY_FROM,
	};
	uint8_t f[PACKET_MAX];
	const size_t len = packet_build(&nobody, &r, f);

	(void)state;
	assert_memory_equal(f, "\x02\0\0\0\0\x09\x02\0\0\0\0\x07", 12);
	assert_memory_equal(f + 26, "\x0a\x3c\0\x32\x0a\x3c\0\x01", 8);
	assert_memory_equal(f + 52, "\0\0\x0a\x3c\0\x32", 6); /* no broadcast flag; ciaddr */
	assert_memory_equal(sent_option(f, len, 53), "\x01\x07", 2);
	assert_null(sent_option(f, len, 55));
}

/* ---- what we get ---- */

static void packet_parse_reads_all_options(void **state)
{
	struct frame f = reply_start();
	struct packet_reply r;
	const uint8_t from[] = REPLY_FROM, mac[] = REPLY_MAC;

	(void)state;
	f.data[f.len++] = 0; /* a pad */
	reply_option(&f, 53, "\x05", 1);
	reply_option(&f, 1, "\xff\xff\xfe\0", 4);
	reply_option(&f, 3, "\x0a\x3c\0\x01\0\0\0\0\x0a\x3c\0\x02", 12);
	reply_option(&f, 6, "\x0a\x3c\0\x03\x0a\x3c\0\x04\x0a", 9); /* a byte too many */
	reply_option(&f, 12, "seven\0", 6);
	reply_option(&f, 15, "lan.example", 11);
	reply_option(&f, 26, "\x05\xdc", 2);
	reply_option(&f, 42, "\x0a\x3c\0\x05", 4);
	reply_option(&f, 51, "\0\0\x02\x58", 4);
	reply_option(&f, 54, "\x0a\x3c\0\x01", 4);
	reply_option(&f, 58, "\0\0\0\x64", 4);
	reply_option(&f, 59, "\0\0\0\xc8", 4);
	reply_option(&f, 53, "\x06", 1); /* only the first counts */
	reply_end(&f);
	assert_true(packet_parse(f.data, f.len, &r));
	assert_int_equal(r.type, PACKET_ACK);
	assert_int_equal(r.xid, REPLY_XID);
	assert_memory_equal(r.from, from, 6);
	assert_memory_equal(r.terms.mac, mac, 6);
	json_t *lease = terms_json(&r.terms);
	char *text = json_dumps(lease, JSON_COMPACT);
	assert_string_equal(
		text, "{\"t1\":100,\"t2\":200,\"lease_time\":600,\"mtu\":1500,"
		      "\"domain_name\":\"lan.example\",\"mac_address\":\"02:00:00:00:00:07\","
		      "\"is_v6\":false,\"siaddr\":\"10.60.0.1\",\"yiaddr\":\"10.60.0.50\","
		      "\"srv_id\":\"10.60.0.1\",\"subnet_mask\":\"255.255.254.0\","
		      "\"broadcast_addr\":\"\",\"dns_servers\":[\"10.60.0.3\",\"10.60.0.4\"],"
		      "\"gateways\":[\"10.60.0.1\",\"10.60.0.2\"],\"ntp_servers\":[\"10.60.0.5\"],"
		      "\"host_name\":\"seven\"}");
	free(text);
	json_decref(lease);
	assert_int_equal(terms_prefix(&r.terms).len, 23);
}

/* The terms of an acknowledgement with one more option. */
static struct terms terms_with(uint8_t code, const void *data, size_t len)
{
	struct frame f = reply_start();
	struct packet_reply r;

	reply_option(&f, 53, "\x05", 1);
	reply_option(&f, 3, "\x0a\x3c\0\x01", 4);
	reply_option(&f, code, data, len);
	reply_end(&f);
	assert_true(packet_parse(f.data, f.len, &r));
	return r.terms;
}

static void packet_parse_reads_classless_routes(void **state)
{
	static const uint8_t both[] = {0, 10, 60, 0, 9,	 32,  192, 0,  2, 1, 0,
				       0, 0,  0,  9, 10, 255, 10,  60, 0, 8};
	static const uint8_t codes[] = {121, 249};

	(void)state;
	for (size_t i = 0; i < sizeof(codes); i++) {
		const struct terms t = terms_with(codes[i], both, sizeof(both));

		assert_int_equal(t.routers.n, 1);
		assert_string_equal(addr_str(&t.routers.list[0]), "10.60.0.9");
		assert_int_equal(t.n_routes, 2);
		assert_string_equal(prefix_str(&t.routes[0].destination), "192.0.2.1/32");
		assert_int_equal(t.routes[0].gateway.family, 0);
		/* Bits beyond the length do not count. */
		assert_string_equal(prefix_str(&t.routes[1].destination), "10.128.0.0/9");
		assert_string_equal(addr_str(&t.routes[1].gateway), "10.60.0.8");
	}
	const struct terms none = terms_with(121, "\x08\x0a\x0a\x3c\0\x08", 6);
	assert_int_equal(none.routers.n, 0);
	assert_int_equal(none.n_routes, 1);
}

static void packet_parse_ignores_broken_routes(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} rows[] = {{"\x21\x0a\x3c\0\x01\x01\x0a\x3c\0\x01", 10},
		    {"\x08\x0a\x0a\x3c\0", 5},
		    {"\x08\x0a\x0a\x3c\0\x01\x20", 7},
		    {"\0", 1}};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct terms t = terms_with(121, rows[i].data, rows[i].len);

		assert_int_equal(t.n_routes, 0);
		assert_string_equal(addr_str(&t.routers.list[0]), "10.60.0.1");
	}
}

static void packet_parse_bounds_lists_and_names(void **state)
{
	uint8_t many[252], routes[255];
	char name[255];

	(void)state;
	memset(many, 7, sizeof(many));
	memset(name, 'n', sizeof(name));
	memset(routes, 0, sizeof(routes));
	assert_int_equal(terms_with(6, many, sizeof(many)).dns.n, TERMS_LIST_MAX);
	assert_int_equal(strlen(terms_with(15, name, sizeof(name)).domain), 255);
	assert_int_equal(terms_with(121, routes, sizeof(routes)).n_routes, TERMS_ROUTES_MAX);
	assert_string_equal(terms_with(15, "\0x", 2).domain, "");
	assert_int_equal(terms_with(26, "\x05", 1).mtu, 0);
	assert_int_equal(terms_with(51, "\x05\x05", 2).lease_time, 0);
}

static void packet_parse_takes_the_mask_of_the_class(void **state)
{
	static const struct {
		uint8_t first;
		const char *mask;
	} rows[] = {{10, "255.0.0.0"},
		    {127, "255.0.0.0"},
		    {128, "255.255.0.0"},
		    {192, "255.255.255.0"}};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct frame f = reply_start();
		struct packet_reply r;

		f.data[42 + 16] = rows[i].first;
		reply_option(&f, 53, "\x02", 1);
		reply_end(&f);
		assert_true(packet_parse(f.data, f.len, &r));
		assert_string_equal(addr_str(&r.terms.mask), rows[i].mask);
	}
}

static void packet_parse_reads_overloaded_fields(void **state)
{
	struct frame f = reply_start();
	struct packet_reply r;

	(void)state;
	reply_option(&f, 53, "\x02", 1);
	reply_option(&f, 52, "\x03", 1);
	reply_end(&f);
	memcpy(f.data + 42 + 108, "\x33\x04\0\0\0\x09\xff", 7);
	memcpy(f.data + 42 + 44, "\x36\x04\x0a\x3c\0\x01\xff", 7);
	assert_true(packet_parse(f.data, f.len, &r));
	assert_int_equal(r.terms.lease_time, 9);
	assert_string_equal(addr_str(&r.terms.server), "10.60.0.1");
	f.data[42 + 109] = 200; /* beyond the field */
	assert_false(packet_parse(f.data, f.len, &r));
}

static void packet_parse_refuses(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *what;
	} rows[] = {
		{12, 0x86, "another protocol"},
		{14, 0x65, "IPv6"},
		{14, 0x44, "a short IP header"},
		{14, 0x4f, "a long IP header"},
		{16, 0x07, "longer than the frame"},
		{17, 0x0f, "shorter than its headers"},
		{20, 0x20, "a first fragment"},
		{21, 0x01, "a later fragment"},
		{23, 6, "TCP"},
		{35, 66, "not from a server"},
		{37, 67, "not to a client"},
		{38, 0x07, "UDP longer than IP"},
		{39, 0x08, "UDP without content"},
		{42, 1, "a request"},
		{43, 2, "another hardware"},
		{44, 8, "another hardware address"},
		{42 + 236, 98, "without the magic number"},
		{42 + 242, 3, "a message of a client"},
		{42 + 241, 200, "an option beyond the end"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct frame f = reply_start();
		struct packet_reply r;

		reply_option(&f, 53, "\x05", 1);
		reply_end(&f);
		assert_true(packet_parse(f.data, f.len, &r));
		f.data[rows[i].at] = rows[i].value;
		if (packet_parse(f.data, f.len, &r))
			fail_msg("accepted: %s", rows[i].what);
	}
}

/* In a block of its own size, so that the sanitizer sees a look beyond its end. */
static void packet_parse_stays_inside_any_cut_frame(void **state)
{
	struct frame f = reply_start();

	(void)state;
	reply_option(&f, 53, "\x05", 1);
	reply_option(&f, 121, "\x08\x0a\x0a\x3c\0\x08", 6);
	reply_end(&f);
	for (size_t len = 0; len < f.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		struct packet_reply r;

		memcpy(cut, f.data, len);
		assert_false(packet_parse(cut, len, &r));
		free(cut);
	}
}

/* Padding of a short frame, or what else follows. */
static void packet_parse_ignores_what_follows(void **state)
{
	struct frame f = reply_start();
	struct packet_reply r;

	(void)state;
	reply_option(&f, 53, "\x05", 1);
	reply_end(&f);
	reply_option(&f, 51, "\0\0\0\x09", 4);
	assert_true(packet_parse(f.data, f.len, &r));
	assert_int_equal(r.terms.lease_time, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-193 NV-194 packets: a first message, of a client without names",
		     packet_build_makes_a_discover),
		TEST("packets: lengths and checksums",
		     packet_build_has_right_lengths_and_checksums),
		TEST("NV-193 NV-194 packets: host name, client identifier, address and server",
		     packet_build_tells_who_asks),
		TEST("NV-202 packets: a release comes from the address and goes to the server",
		     packet_build_unicasts_from_the_address),
		TEST("packets: all options of a reply", packet_parse_reads_all_options),
		TEST("packets: classless routes replace routers",
		     packet_parse_reads_classless_routes),
		TEST("packets: broken classless routes count as none",
		     packet_parse_ignores_broken_routes),
		TEST("packets: more than there is room for", packet_parse_bounds_lists_and_names),
		TEST("packets: a mask that is not told", packet_parse_takes_the_mask_of_the_class),
		TEST("packets: options in the fields of names",
		     packet_parse_reads_overloaded_fields),
		TEST("packets: what is no reply", packet_parse_refuses),
		TEST("packets: frames that are cut", packet_parse_stays_inside_any_cut_frame),
		TEST("packets: frames that are padded", packet_parse_ignores_what_follows),
	};

	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
