/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "netavark/firewall/iptables_choice.h"
#include "tests/unit/scratch.h"

static void make_program(struct scratch *s, const char *name, mode_t mode)
{
	int fd = open(scratch_path(s, name), O_CREAT | O_WRONLY | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	close(fd);
}

static enum iptables_variant found_in(struct scratch *s, const char *path)
{
	setenv("PATH", path, 1);
	return iptables_choice_program(&s->arena);
}

/* As Debian has it: a link to a link to the program that is many. */
static void the_program_behind_the_links_counts(void **state)
{
	struct scratch *s = *state;
	char *dir = scratch_path(s, "bin");

	assert_int_equal(mkdir(dir, 0755), 0);
	make_program(s, "xtables-nft-multi", 0755);
	make_program(s, "xtables-legacy-multi", 0755);
	assert_int_equal(symlink("xtables-nft-multi", scratch_path(s, "iptables-nft")), 0);
	assert_int_equal(symlink("../alternative", scratch_path(s, "bin/iptables")), 0);
	assert_int_equal(found_in(s, dir), IPTABLES_UNKNOWN);
	assert_int_equal(symlink("iptables-nft", scratch_path(s, "alternative")), 0);
	assert_int_equal(found_in(s, dir), IPTABLES_NFT);
	assert_int_equal(unlink(scratch_path(s, "alternative")), 0);
	assert_int_equal(symlink("xtables-legacy-multi", scratch_path(s, "alternative")), 0);
	assert_int_equal(found_in(s, dir), IPTABLES_LEGACY);
}

static void the_first_in_path_counts(void **state)
{
	struct scratch *s = *state;
	char *path = arena_printf(&s->arena, "%s:/nowhere:%s:%s", scratch_path(s, "none"),
				  scratch_path(s, "a"), scratch_path(s, "b"));

	assert_int_equal(mkdir(scratch_path(s, "a"), 0755), 0);
	assert_int_equal(mkdir(scratch_path(s, "b"), 0755), 0);
	make_program(s, "xtables-nft-multi", 0755);
	assert_int_equal(symlink("../xtables-nft-multi", scratch_path(s, "b/iptables")), 0);
	assert_int_equal(found_in(s, path), IPTABLES_NFT);
	/* Somebody's own program of that name: nobody knows what it does. */
	make_program(s, "a/iptables", 0755);
	assert_int_equal(found_in(s, path), IPTABLES_UNKNOWN);
	assert_int_equal(unlink(scratch_path(s, "a/iptables")), 0);
	make_program(s, "a/iptables", 0644); /* cannot be executed, so it is not found */
	if (access(scratch_path(s, "a/iptables"), X_OK) < 0)
		assert_int_equal(found_in(s, path), IPTABLES_NFT);
	assert_int_equal(found_in(s, ""), IPTABLES_UNKNOWN);
}

static void the_variable_knows_two_words(void **state)
{
	static const char *const wrong[] = {"", "nftables", "NFT", "legacy "};
	enum iptables_variant v;
	struct error err;

	(void)state;
	unsetenv("NETAVARK_IPTABLES");
	assert_int_equal(iptables_choice_forced(&v, &err), 0);
	assert_int_equal(v, IPTABLES_UNKNOWN);
	setenv("NETAVARK_IPTABLES", "nft", 1);
	assert_int_equal(iptables_choice_forced(&v, &err), 0);
	assert_int_equal(v, IPTABLES_NFT);
	setenv("NETAVARK_IPTABLES", "legacy", 1);
	assert_int_equal(iptables_choice_forced(&v, &err), 0);
	assert_int_equal(v, IPTABLES_LEGACY);
	for (size_t i = 0; i < array_size(wrong); i++) {
		char text[128];

		setenv("NETAVARK_IPTABLES", wrong[i], 1);
		snprintf(text, sizeof(text),
			 "invalid NETAVARK_IPTABLES \"%s\": expected legacy or nft", wrong[i]);
		assert_int_equal(iptables_choice_forced(&v, &err), -EINVAL);
		assert_string_equal(err.text, text);
	}
	unsetenv("NETAVARK_IPTABLES");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH_FILES("FW-007 iptables: the program behind the links counts",
				the_program_behind_the_links_counts),
		TEST_WITH_FILES("FW-007 iptables: the first in PATH counts",
				the_first_in_path_counts),
		TEST("FW-008 iptables: NETAVARK_IPTABLES knows two words",
		     the_variable_knows_two_words),
	};

	return cmocka_run_group_tests_name("iptables_choice", tests, NULL, NULL);
}
