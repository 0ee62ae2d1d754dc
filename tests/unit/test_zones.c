/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "aardvark-dns/zones.h"
#include "common/cleanup.h"

static const struct hash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

static struct addr address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static void hash_bytes_depends_on_key_and_every_byte(void **state)
{
	struct hash_key other = {1, 2};
	uint8_t data[32] = {0};

	(void)state;
	for (size_t len = 0; len < sizeof(data); len++) {
		uint32_t hash = hash_bytes(&key, data, len);

		assert_int_not_equal(hash, hash_bytes(&other, data, len));
		assert_int_not_equal(hash, hash_bytes(&key, data, len + 1));
		for (size_t i = 0; i < len; i++) {
			data[i] ^= 1;
			assert_int_not_equal(hash, hash_bytes(&key, data, len));
			data[i] ^= 1;
		}
	}
}

static void table_finds_all_entries_of_a_hash_in_order(void **state)
{
	struct arena a = {0};
	struct table t;

	(void)state;
	table_init(&t, &a, 100);
	for (uint32_t i = 0; i < 100; i++)
		table_add(&t, i % 7, i);
	for (uint32_t hash = 0; hash < 7; hash++) {
		uint32_t cursor = hash, index, expected = hash;

		while ((index = table_next(&t, hash, &cursor)) != TABLE_END) {
			assert_int_equal(index, expected);
			expected += 7;
		}
		assert_true(expected >= 100);
	}
	uint32_t cursor = 1000;
	assert_int_equal(table_next(&t, 1000, &cursor), TABLE_END);
	arena_release(&a);
}

static void table_of_nothing_is_empty(void **state)
{
	struct arena a = {0};
	struct table t;
	uint32_t cursor = 5;

	(void)state;
	table_init(&t, &a, 0);
	assert_int_equal(table_next(&t, 5, &cursor), TABLE_END);
	arena_release(&a);
}

/* 20 000 containers in one network: every one is found, and only there. */
static void zones_find_every_name_and_address(void **state)
{
	enum { N = 20000 };
	struct arena a = {0};
	struct addr listen = address("10.0.0.1"), first = address("10.1.0.0");
	struct config_entry *entries = arena_alloc(&a, N * sizeof(*entries));
	struct config_network net = {.name = "big",
				     .listen = &listen,
				     .n_listen = 1,
				     .entries = entries,
				     .n_entries = N};

	(void)state;
	for (uint32_t i = 0; i < N; i++) {
		struct addr addr = addr_plus(&first, i);
		char *wire = arena_printf(&a, "\7n%06u", i);

		entries[i].id = arena_printf(&a, "id%u", i);
		entries[i].addrs = arena_memdup(&a, &addr, sizeof(addr));
		entries[i].n_addrs = 1;
		entries[i].names = arena_memdup(&a, &(struct name){(const uint8_t *)wire, 8},
						sizeof(struct name));
		entries[i].n_names = 1;
	}
	const struct zones *z = zones_build(&a, &key, &net, 1);
	assert_int_equal(z->n_containers, N);
	for (uint32_t i = 0; i < N; i++) {
		const struct name *name = &entries[i].names[0];
		const struct zone_name *found =
			zones_find_name(&z->networks[0], hash_bytes(&key, name->wire, name->len),
					name->wire, name->len);
		const struct zone_host *host =
			zones_find_host(&z->networks[0], zones_hash_addr(z, entries[i].addrs),
					entries[i].addrs);

		assert_non_null(found);
		assert_int_equal(found->n_v4, 1);
		assert_memory_equal(found->v4[0], entries[i].addrs[0].bytes, 4);
		assert_non_null(host);
		assert_int_equal(host->container, i);
	}
	assert_null(zones_find_name(&z->networks[0], hash_bytes(&key, "\1x", 2),
				    (const uint8_t *)"\1x", 2));
	arena_release(&a);
}

static struct config_network network(const char *name, struct addr *listen, bool internal,
				     struct addr *server, struct config_entry *entry)
{
	return (struct config_network){
		.name = name,
		.internal = internal,
		.listen = listen,
		.n_listen = 1,
		.servers = server,
		.n_servers = 1,
		.entries = entry,
		.n_entries = 1,
	};
}

static void expect_servers(const struct view *v, const char *const *expected, size_t n)
{
	struct addr servers[VIEW_SERVERS_MAX];

	assert_int_equal(view_servers(v, servers), n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(addr_str(&servers[i]), expected[i]);
}

static void view_servers_follow_the_order_of_networks(void **state)
{
	struct arena a = {0};
	struct addr listen[3] = {address("10.0.0.1"), address("10.0.1.1"), address("10.0.2.1")};
	struct addr server[3] = {address("1.1.1.1"), address("2.2.2.2"), address("3.3.3.3")};
	struct addr addr[3] = {address("10.0.0.2"), address("10.0.1.2"), address("10.0.2.2")};
	struct config_entry entry[3];
	struct config_network nets[3];
	static const char *const names[] = {"a", "b", "c"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		entry[i] = (struct config_entry){.id = "x", .addrs = &addr[i], .n_addrs = 1};
		nets[i] = network(names[i], &listen[i], i == 2, &server[i], &entry[i]);
	}
	const struct zones *z = zones_build(&a, &key, nets, 3);
	struct view v = zones_view(z, zones_find_listener(z, &listen[1]), &addr[0]);
	/* The listener's network first; the internal one gives none. */
	expect_servers(&v, (const char *const[]){"2.2.2.2", "1.1.1.1"}, 2);
	assert_false(v.only_internal);
	struct addr stranger = address("192.0.2.1");
	v = zones_view(z, zones_find_listener(z, &listen[2]), &stranger);
	expect_servers(&v, NULL, 0);
	assert_true(v.only_internal);
	assert_null(v.host);
	arena_release(&a);
}

/* D6: one socket, both networks. */
static void zones_share_a_listener_between_networks(void **state)
{
	struct arena a = {0};
	struct addr listen = address("10.0.0.1"), server = address("1.1.1.1");
	struct addr addr[2] = {address("10.0.0.2"), address("10.0.0.3")};
	struct config_entry entry[2] = {{.id = "x", .addrs = &addr[0], .n_addrs = 1},
					{.id = "y", .addrs = &addr[1], .n_addrs = 1}};
	struct config_network nets[2] = {network("a", &listen, false, &server, &entry[0]),
					 network("b", &listen, false, &server, &entry[1])};

	(void)state;
	const struct zones *z = zones_build(&a, &key, nets, 2);
	assert_int_equal(z->n_listeners, 1);
	assert_int_equal(z->listeners[0].n_networks, 2);
	struct view v = zones_view(z, &z->listeners[0], &addr[1]);
	assert_int_equal(v.n_networks, 1);
	size_t cursor = 0;
	assert_string_equal(view_next(&v, &cursor)->name, "b");
	assert_null(view_next(&v, &cursor));
	arena_release(&a);
}

/* Lists turn into tables where there are many of a kind. */
static void zones_connect_many_names_to_many_addresses_once(void **state)
{
	enum { N = 60 };
	struct arena a = {0};
	struct addr listen = {.family = AF_INET, .bytes = {10}}, addrs[N];
	struct name names[2 * N];
	uint8_t wire[N][3];

	(void)state;
	for (uint8_t i = 0; i < N; i++) {
		addrs[i] = (struct addr){.family = AF_INET, .bytes = {10, 0, 1, i}};
		memcpy(wire[i], (uint8_t[]){2, 'n', (uint8_t)('0' + i)}, 3);
		names[i] = names[N + i] = (struct name){wire[i], 3};
	}
	struct config_entry entry = {
		.id = "x", .addrs = addrs, .n_addrs = N, .names = names, .n_names = N + N};
	struct config_entry twice[] = {entry, entry};
	struct config_network net = {
		.name = "a", .listen = &listen, .n_listen = 1, .entries = twice, .n_entries = 2};
	const struct zones *z = zones_build(&a, &key, &net, 1);
	assert_int_equal(z->networks[0].n_names, N);
	assert_int_equal(z->networks[0].n_hosts, N);
	for (uint32_t i = 0; i < N; i++) {
		const struct zone_name *name = &z->networks[0].names[i];

		assert_int_equal(z->networks[0].hosts[i].n_names, N);
		assert_int_equal(name->n_v4, N);
		for (uint32_t k = 0; k < N; k++) {
			assert_int_equal(z->networks[0].hosts[i].names[k], k);
			assert_memory_equal(name->v4[k], addrs[k].bytes, 4);
		}
	}
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_bytes_depends_on_key_and_every_byte),
		cmocka_unit_test(table_finds_all_entries_of_a_hash_in_order),
		cmocka_unit_test(table_of_nothing_is_empty),
		cmocka_unit_test(zones_find_every_name_and_address),
		TEST("AV-110 servers of several networks",
		     view_servers_follow_the_order_of_networks),
		cmocka_unit_test(zones_share_a_listener_between_networks),
		cmocka_unit_test(zones_connect_many_names_to_many_addresses_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
