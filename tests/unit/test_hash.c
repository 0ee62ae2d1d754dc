/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "common/cleanup.h"
#include "netavark/hash.h"

/* Measured on the real program. */
static void network_names_are_those_of_upstream(void **state)
{
	static const struct {
		const char *name, *hash;
	} rows[] = {
		{"podman", "1D8721804F16F"},
		{"podman1", "F11DC6A6D09CF"},
		{"testnet", "C5964C6794A11"},
		{"net1", "8E48F37D5DE60"},
	};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(hash_network_name(&a, rows[i].name), rows[i].hash);
	arena_release(&a);
}

static void file_names_are_sha256(void **state)
{
	struct arena a = {0};

	(void)state;
	assert_string_equal(hash_file_name(&a, "abc"),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("FW-024 hashes: names of networks as upstream makes them",
		     network_names_are_those_of_upstream),
		TEST("hashes: file names are SHA-256 in lower case", file_names_are_sha256),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
