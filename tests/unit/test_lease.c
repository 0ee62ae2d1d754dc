/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/namespace.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/file.h"
#include "netavark/lease.h"
#include "tests/unit/planning.h"

/* One container's part: its plan, and the host with an undo stack of its own. */
struct tenant {
	struct planning p;
	struct host host;
};

static struct nl_sock *nl;

/* The standard document without static addresses, with other ids, subnets and addresses. */
static void tenant_make(struct tenant *t, const char *dir, const char *id, const char *subnets,
			const char *static_ips)
{
	struct arena a = {0};
	char *doc = arena_printf(
		&a,
		"{'container_id':'%s','container_name':'web','networks':{'blue':{"
		"'interface_name':'eth0','static_ips':[%s]}},'network_info':{'blue':{'name':'blue',"
		"'id':'aabb','driver':'bridge','network_interface':'br-blue','subnets':[%s],"
		"'internal':false,'dns_enabled':false,'ipv6_enabled':false}}}",
		id, static_ips, subnets);

	assert_int_equal(planning_read(&t->p, doc), 0);
	t->p.options.ipam_dir = arena_printf(&t->p.arena, "%s/ipam", dir);
	if (planning_plan(&t->p, "nftables", false) < 0)
		fail_msg("%s", t->p.err.text);
	t->host = (struct host)HOST_CLOSED;
	t->host.nl = nl;
	t->host.arena = &t->p.arena;
	t->host.undo.arena = &t->p.arena;
	t->host.options = &t->p.options;
	arena_release(&a);
}

static void tenant_end(struct tenant *t)
{
	planning_end(&t->p);
}

/* The addresses as a list with blanks. */
static char *addresses_of(struct tenant *t)
{
	struct text text = text_new(&t->p.arena);
	const struct network_plan *net = &t->p.plan.networks[0];

	for (size_t i = 0; i < net->n_addresses; i++)
		text_printf(&text, "%s%s", i ? " " : "", prefix_str(&net->addresses[i].prefix));
	return text.s;
}

#define SMALL "{'subnet':'10.90.0.0/29','gateway':'10.90.0.1'}"
#define DUAL  "{'subnet':'10.90.0.0/24','gateway':'10.90.0.1'},{'subnet':'fd90::/64'}"

/* Takes a lease for a container and forgets about it: what stays is in the file. */
static void take(struct scratch *s, const char *id, const char *subnets, const char *wanted)
{
	struct tenant t;

	tenant_make(&t, s->dir, id, subnets, "");
	if (lease_take(&t.p.plan, &t.host, &t.p.err) < 0)
		fail_msg("%s: %s", id, t.p.err.text);
	assert_string_equal(addresses_of(&t), wanted);
	tenant_end(&t);
}

static void release(struct scratch *s, const char *id)
{
	struct tenant t;

	tenant_make(&t, s->dir, id, SMALL, "");
	lease_release(&t.p.plan, &t.p.err);
	assert_int_equal(t.p.err.collected, 0);
	tenant_end(&t);
}

/* The file as it is on disk, without the time stamps. */
static char *content(struct scratch *s)
{
	struct error err;
	char *text;

	if (file_read(scratch_path(s, "ipam/blue.json"), 1 << 20, &s->arena, &text, NULL, &err) < 0)
		return NULL;
	return text;
}

static void lowest_first_one_per_subnet(void **state)
{
	struct scratch *s = *state;

	take(s, "a", DUAL, "10.90.0.2/24 fd90::1/64");
	take(s, "b", DUAL, "10.90.0.3/24 fd90::2/64");
}

static void next_fit_goes_round_once(void **state)
{
	struct scratch *s = *state;

	take(s, "a", SMALL, "10.90.0.2/29");
	take(s, "b", SMALL, "10.90.0.3/29");
	release(s, "a");
	take(s, "c", SMALL, "10.90.0.4/29");
	take(s, "d", SMALL, "10.90.0.5/29");
	take(s, "e", SMALL, "10.90.0.6/29");
	take(s, "f", SMALL, "10.90.0.2/29");
}

static void same_container_keeps_its_address(void **state)
{
	struct scratch *s = *state;

	take(s, "a", SMALL, "10.90.0.2/29");
	take(s, "b", SMALL, "10.90.0.3/29");
	take(s, "a", SMALL, "10.90.0.2/29");
	take(s, "a", "{'subnet':'10.91.0.0/24'}", "10.91.0.1/24");
}

static void full_subnet_is_an_error_that_changes_nothing(void **state)
{
	struct scratch *s = *state;
	struct tenant t;

	take(s, "a", "{'subnet':'10.90.0.0/30','gateway':'10.90.0.1'}", "10.90.0.2/30");
	char *before = content(s);
	tenant_make(&t, s->dir, "b", "{'subnet':'10.90.0.0/30','gateway':'10.90.0.1'}", "");
	assert_int_equal(lease_take(&t.p.plan, &t.host, &t.p.err), -ENOSPC);
	assert_string_equal(t.p.err.text, "IPAM error: failed to find free IP in range: 10.90.0.1 "
					  "- 10.90.0.2");
	assert_string_equal(content(s), before);
	tenant_end(&t);
}

static void failed_setup_gives_back(void **state)
{
	struct scratch *s = *state;
	struct tenant t;

	tenant_make(&t, s->dir, "a", SMALL, "");
	assert_int_equal(lease_take(&t.p.plan, &t.host, &t.p.err), 0);
	assert_int_equal(undo_run(&t.host.undo), 0);
	assert_null(content(s));
	tenant_end(&t);
	take(s, "b", SMALL, "10.90.0.2/29");
	char *before = content(s);
	tenant_make(&t, s->dir, "a", SMALL, "");
	assert_int_equal(lease_take(&t.p.plan, &t.host, &t.p.err), 0);
	assert_int_equal(undo_run(&t.host.undo), 0);
	assert_string_equal(content(s), before);
	tenant_end(&t);
}

/* A lease that was there before this run is not this run's to give back. */
static void failed_second_setup_keeps_the_lease(void **state)
{
	struct scratch *s = *state;
	struct tenant t;

	take(s, "a", SMALL, "10.90.0.2/29");
	char *before = content(s);
	tenant_make(&t, s->dir, "a", SMALL, "");
	assert_int_equal(lease_take(&t.p.plan, &t.host, &t.p.err), 0);
	assert_int_equal(undo_run(&t.host.undo), 0);
	assert_string_equal(content(s), before);
	tenant_end(&t);
}

static void static_addresses_are_recorded_only_beside_leases(void **state)
{
	struct scratch *s = *state;
	struct tenant t;

	tenant_make(&t, s->dir, "s", SMALL, "'10.90.0.3'");
	assert_int_equal(lease_take(&t.p.plan, &t.host, &t.p.err), 0);
	assert_false(file_exists(scratch_path(s, "ipam")));
	take(s, "a", SMALL, "10.90.0.2/29");
	assert_int_equal(lease_take(&t.p.plan, &t.host, &t.p.err), 0);
	tenant_end(&t);
	take(s, "b", SMALL, "10.90.0.4/29");
	tenant_make(&t, s->dir, "t", SMALL, "'10.90.0.2'");
	assert_int_equal(lease_take(&t.p.plan, &t.host, &t.p.err), -EADDRINUSE);
	assert_string_equal(t.p.err.text, "IPAM error: requested ip address 10.90.0.2 is already "
					  "allocated to container ID a");
	tenant_end(&t);
}

/* A setup with a static address that fails must not cost the container the lease it had. */
static void failed_static_setup_keeps_the_old_lease(void **state)
{
	struct scratch *s = *state;
	struct tenant t;

	take(s, "a", SMALL, "10.90.0.2/29");
	char *before = content(s);
	tenant_make(&t, s->dir, "a", SMALL, "'10.90.0.5'");
	assert_int_equal(lease_take(&t.p.plan, &t.host, &t.p.err), 0);
	assert_int_equal(undo_run(&t.host.undo), 0);
	assert_string_equal(content(s), before);
	tenant_end(&t);
}

static void damaged_files_are_errors(void **state)
{
	static const char *const rows[] = {
		"",
		"nonsense",
		"{}",
		"[]",
		"{\"version\":2,\"subnets\":[],\"leases\":[]}",
		"{\"version\":1,\"subnets\":[{}],\"leases\":[]}",
		"{\"version\":1,\"subnets\":[],\"leases\":[{\"container_id\":\"a\"}]}",
		"{\"version\":1,\"subnets\":[],\"leases\":[5]}",
	};
	struct scratch *s = *state;

	for (size_t i = 0; i < array_size(rows); i++) {
		struct tenant t;
		FILE *f;

		tenant_make(&t, s->dir, "a", SMALL, "");
		assert_int_equal(file_make_dirs(t.p.options.ipam_dir, 0700, &t.p.err), 0);
		f = fopen(scratch_path(s, "ipam/blue.json"), "w");
		assert_non_null(f);
		fputs(rows[i], f);
		fclose(f);
		assert_int_equal(lease_take(&t.p.plan, &t.host, &t.p.err), -EINVAL);
		assert_memory_equal(t.p.err.text, "IPAM error: failed to read lease file /", 39);
		assert_string_equal(content(s), rows[i]);
		tenant_end(&t);
	}
}

static void teardown_finds_what_setup_took(void **state)
{
	struct scratch *s = *state;
	struct tenant t;

	take(s, "a", DUAL, "10.90.0.2/24 fd90::1/64");
	tenant_make(&t, s->dir, "a", DUAL, "");
	assert_int_equal(lease_recall(&t.p.plan, &t.p.err), 0);
	assert_string_equal(addresses_of(&t), "10.90.0.2/24 fd90::1/64");
	lease_release(&t.p.plan, &t.p.err);
	lease_release(&t.p.plan, &t.p.err);
	assert_int_equal(t.p.err.collected, 0);
	tenant_end(&t);
	tenant_make(&t, s->dir, "a", DUAL, "");
	log_filter("off");
	assert_int_equal(lease_recall(&t.p.plan, &t.p.err), 0);
	assert_string_equal(addresses_of(&t), "");
	tenant_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH_FILES("NV-173 leases: lowest first, one per subnet, never the gateway",
				lowest_first_one_per_subnet),
		TEST_WITH_FILES("NV-175 leases: next-fit, once round, the last one is not reused",
				next_fit_goes_round_once),
		TEST_WITH_FILES("NV-179 leases: the same container keeps its address while it fits",
				same_container_keeps_its_address),
		TEST_WITH_FILES("NV-176 NV-185 leases: a full subnet is an error, nothing changes",
				full_subnet_is_an_error_that_changes_nothing),
		TEST_WITH_FILES("NV-181 leases: a failed setup gives back what it took",
				failed_setup_gives_back),
		TEST_WITH_FILES("NV-181 leases: a failed second setup keeps the first one's lease",
				failed_second_setup_keeps_the_lease),
		TEST_WITH_FILES("NV-183 NV-184 leases: static addresses only beside others, each "
				"for one container",
				static_addresses_are_recorded_only_beside_leases),
		TEST_WITH_FILES("NV-181 leases: a failed setup with a static address keeps the old "
				"lease",
				failed_static_setup_keeps_the_old_lease),
		TEST_WITH_FILES("NV-182 leases: a damaged file is an error, never a fresh start",
				damaged_files_are_errors),
		TEST_WITH_FILES("NV-180 leases: a teardown finds the addresses and frees them",
				teardown_finds_what_setup_took),
	};
	struct error err;

	if (!namespace_enter("lease"))
		return 0;
	if (netlink_open(&nl, &err) < 0)
		return 1;
	int failed = cmocka_run_group_tests_name("lease", tests, NULL, NULL);
	netlink_close(nl);
	return failed;
}
