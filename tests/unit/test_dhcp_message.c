/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "netavark/dhcp_message.h"

static const struct dhcp_config config = {
	.host_iface = "br0",
	.container_iface = "eth0",
	.mac = "02:00:00:00:00:07",
	.domain_name = "",
	.host_name = "se\"ven",
	.ns_path = "/run/netns/\xff",
	.container_id = "c0ffee",
	.metric = 7,
	.no_default_route = true,
};

static void lengths_are_big_endian(void **state)
{
	uint8_t four[DHCP_MESSAGE_LEN_SIZE];

	(void)state;
	dhcp_message_put_length(four, 0x01020304);
	assert_memory_equal(four, "\x01\x02\x03\x04", 4);
	assert_int_equal(dhcp_message_get_length(four), 0x01020304);
	assert_int_equal(dhcp_message_get_length((const uint8_t *)"PRI "), 0x50524920);
}

static void a_request_comes_back_as_it_was(void **state)
{
	struct arena a = {0};
	struct document doc;
	struct error err;
	const char *text = dhcp_message_request("setup", &config, &a);

	(void)state;
	assert_int_equal(document_open(&doc, &a, text, strlen(text), &err), 0);
	const struct reader root = document_root(&doc), object = read_object(&root, "config");
	const struct dhcp_config c = dhcp_message_read_config(&object);
	assert_false(doc.failed);
	assert_string_equal(read_string(&root, "op"), "setup");
	assert_string_equal(c.host_iface, "br0");
	assert_string_equal(c.container_iface, "eth0");
	assert_string_equal(c.mac, "02:00:00:00:00:07");
	assert_string_equal(c.host_name, "se\"ven");
	assert_string_equal(c.ns_path, "/run/netns/\xef\xbf\xbd"); /* JSON has no other bytes */
	assert_string_equal(c.container_id, "c0ffee");
	assert_int_equal(c.version, 0);
	assert_int_equal(c.metric, 7);
	assert_true(c.no_default_route);
	document_close(&doc);
	arena_release(&a);
}

/* Those of upstream have neither of ours, and may have more. */
static void optional_members_have_defaults(void **state)
{
	static const char text[] =
		"{\"host_iface\":\"a\",\"container_iface\":\"b\",\"container_mac_addr\":\"c\","
		"\"domain_name\":\"\",\"host_name\":\"\",\"version\":7,\"ns_path\":\"d\","
		"\"container_id\":\"e\",\"more\":[]}";
	struct arena a = {0};
	struct document doc;
	struct error err;

	(void)state;
	assert_int_equal(document_open(&doc, &a, text, sizeof(text) - 1, &err), 0);
	const struct reader root = document_root(&doc);
	const struct dhcp_config c = dhcp_message_read_config(&root);
	assert_false(doc.failed);
	assert_int_equal(c.version, 7);
	assert_int_equal(c.metric, 100);
	assert_false(c.no_default_route);
	document_close(&doc);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("DHCP messages: lengths", lengths_are_big_endian),
		TEST("DHCP messages: written and read", a_request_comes_back_as_it_was),
		TEST("NV-196 DHCP messages: what may be missing", optional_members_have_defaults),
	};

	return cmocka_run_group_tests_name("dhcp_message", tests, NULL, NULL);
}
