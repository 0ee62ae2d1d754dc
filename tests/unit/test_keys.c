/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <jansson.h>

#include "common/cleanup.h"
#include "netavark/extension.h"
#include "netavark/keys.h"

static void odd_options_are_told_from_known_ones(void **state)
{
	static const struct {
		const char *driver, *key;
		bool of_container, odd;
		const char *closest;
	} rows[] = {
		{"bridge", "mtu", false, false, NULL},
		{"bridge", "isolate", false, false, NULL},
		{"macvlan", "isolate", false, true, NULL},
		{"ipvlan", "bclim", false, true, NULL},
		{"macvlan", "bclim", false, false, NULL},
		{"bridge", "isolat", false, true, "isolate"},
		{"bridge", "mtu", true, true, NULL},
		{"bridge", "host_interface_name", true, false, NULL},
		{"bridge", "host_interfacename", true, true, "host_interface_name"},
		{"bridge", "enable_icc", true, false, NULL},
		{"macvlan", "anounce", true, true, "announce"},
		/* What Podman sends of Docker's, and what plugins read. */
		{"bridge", "com.docker.network.bridge.name", false, false, NULL},
		{"host-device", "device", false, false, NULL},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		const char *closest;
		bool odd = keys_is_odd_option(rows[i].driver, rows[i].key, rows[i].of_container,
					      &closest, &a);

		if (odd != rows[i].odd)
			fail_msg("%s %s", rows[i].driver, rows[i].key);
		assert_string_equal(closest ? closest : "none",
				    rows[i].closest ? rows[i].closest : "none");
	}
	arena_release(&a);
}

static void odd_labels_are_told_from_those_of_others(void **state)
{
	struct arena a = {0};
	const char *closest;

	(void)state;
	assert_false(keys_is_odd_label("netavark", &closest, &a));
	assert_false(keys_is_odd_label("com.example.netavark.icc", &closest, &a));
	assert_false(keys_is_odd_label("netavark.icc", &closest, &a));
	assert_true(keys_is_odd_label("netavark.ic", &closest, &a));
	assert_string_equal(closest, "netavark.icc");
	assert_true(keys_is_odd_label("netavark.", &closest, &a));
	assert_null(closest);
	arena_release(&a);
}

/* The members of a definition in a schema. */
static json_t *properties_of(json_t *schema, const char *definition)
{
	json_t *object =
		definition ? json_object_get(json_object_get(schema, "$defs"), definition) : schema;

	return json_object_get(object, "properties");
}

static void members_are_those_of_the_schemas(void **state)
{
	static const struct {
		enum keys_object object;
		const char *definition;
		size_t more; /* members that only one of the two forms has */
	} rows[] = {
		{KEYS_REQUEST, NULL, 0},      {KEYS_ATTACHMENT, "attachment", 1},
		{KEYS_NETWORK, "network", 0}, {KEYS_SUBNET, "subnet", 0},
		{KEYS_ROUTE, "route", 0},     {KEYS_PORT, "portMapping", 0},
	};
	json_t *schema = json_load_file("schemas/netavark-request.schema.json", 0, NULL);

	(void)state;
	assert_non_null(schema);
	for (size_t i = 0; i < array_size(rows); i++) {
		json_t *properties = properties_of(schema, rows[i].definition);
		size_t n, missing = 0;
		const char *const *list = keys_members(rows[i].object, &n);

		for (size_t k = 0; k < n; k++)
			missing += !json_object_get(properties, list[k]);
		assert_int_equal(missing, rows[i].more);
		assert_int_equal(n, json_object_size(properties) + rows[i].more);
	}
	json_decref(schema);
}

/* Each option that may be given is described wherever it may stand. */
static void options_are_in_the_schemas(void **state)
{
	json_t *schema = json_load_file("schemas/netavark-request.schema.json", 0, NULL);
	json_t *conf = json_load_file("schemas/netavark-conf.schema.json", 0, NULL);
	const char *key;

	(void)state;
	assert_non_null(schema);
	assert_non_null(conf);
	for (size_t i = 0; (key = extension_key(i)); i++) {
		if (!json_object_get(properties_of(schema, "driverOptions"), key))
			fail_msg("%s is not in the schema of requests", key);
		if (!json_object_get(properties_of(conf, NULL), key))
			fail_msg("%s is not in the schema of netavark.conf", key);
	}
	json_decref(schema);
	json_decref(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("keys: odd options are told from known ones",
		     odd_options_are_told_from_known_ones),
		TEST("keys: odd labels are told from those of others",
		     odd_labels_are_told_from_those_of_others),
		TEST("BU-016 keys: members are those of the schemas",
		     members_are_those_of_the_schemas),
		TEST("keys: options are in the schemas", options_are_in_the_schemas),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
