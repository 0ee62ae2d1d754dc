/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/namespace.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>

#include "common/netlink.h"
#include "common/netns.h"

#define OWN_NAMESPACE "/proc/self/ns/net"

/* The namespace of the tests, and another one that plays the container. */
static int home = -1, container = -1;
static struct nl_sock *nl, *container_nl;

/* What every test starts with: an undo stack. What it leaves behind, the next one would trip over. */
struct fixture {
	struct arena arena;
	struct undo undo;
	struct error err;
};

static int make_fixture(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->undo.arena = &f->arena;
	*state = f;
	return 0;
}

static int release_fixture(void **state)
{
	struct fixture *f = *state;
	int failed = undo_run(&f->undo);

	arena_release(&f->arena);
	free(f);
	return failed;
}

static struct link_info find(const char *name)
{
	struct link_info link;
	struct error err;

	assert_int_equal(link_find(nl, name, &link, &err), 0);
	return link;
}

static int try_bridge(const char *name, struct undo *undo, struct error *err)
{
	return link_add_bridge(nl, &(struct bridge_spec){.name = name}, undo, err);
}

static int add_bridge(struct fixture *f, const char *name)
{
	assert_int_equal(try_bridge(name, &f->undo, &f->err), 0);
	return find(name).index;
}

static int add_veth(struct fixture *f, int master, const char *host, const char *inside)
{
	const struct veth_spec spec = {
		.host_name = host,
		.container_name = inside,
		.container_ns = container,
		.master = master,
	};

	return link_add_veth(nl, container_nl, &spec, &f->undo, &f->err);
}

static struct prefix prefix(const char *text)
{
	struct prefix p = {0};

	assert_true(prefix_parse(text, &p));
	return p;
}

static bool has_address(int index, const char *text)
{
	struct prefix p = prefix(text);
	struct error err;
	bool found = false;

	assert_int_equal(address_exists(nl, index, &p, &found, &err), 0);
	return found;
}

static void link_find_gives_nothing_for_an_unknown_name(void **state)
{
	struct fixture *f = *state;
	struct link_info link;

	assert_int_equal(find("nosuch0").index, 0);
	assert_int_equal(link_find_index(nl, 4711, &link, &f->err), 0);
	assert_int_equal(link.index, 0);
	assert_int_equal(find("lo").index, 1);
	assert_string_equal(find("lo").kind, "");
}

static void link_list_names_gives_all_names(void **state)
{
	struct fixture *f = *state;
	const char **names;
	size_t n;

	assert_int_equal(link_list_names(nl, &f->arena, &names, &n, &f->err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(names[0], "lo");
}

static void bridge_is_made_and_unmade(void **state)
{
	struct fixture *f = *state;
	struct link_info link;
	const struct bridge_spec spec = {.name = "br0", .mtu = 1400};

	assert_int_equal(link_add_bridge(nl, &spec, &f->undo, &f->err), 0);
	link = find("br0");
	assert_string_equal(link.kind, "bridge");
	assert_string_equal(link.name, "br0");
	assert_int_equal(link.mtu, 1400);
	assert_true(link.has_mac);
	assert_false(link.up);
	assert_int_equal(undo_run(&f->undo), 0);
	assert_int_equal(find("br0").index, 0);
}

static void bridge_errors_are_those_of_the_kernel(void **state)
{
	struct fixture *f = *state;

	add_bridge(f, "br0");
	assert_int_equal(try_bridge("br0", &f->undo, &f->err), -EEXIST);
	assert_string_equal(f->err.text, "Netlink error: File exists (os error 17)");
	assert_int_equal(try_bridge("a-name-of-17-bytes", NULL, &f->err), -ERANGE);
	assert_string_equal(f->err.text,
			    "Netlink error: Numerical result out of range (os error 34)");
	assert_int_equal(try_bridge("br 0", NULL, &f->err), -EINVAL);
	assert_int_equal(try_bridge("br/0", NULL, &f->err), -EINVAL);
	assert_int_equal(link_delete(nl, 4711, &f->err), -ENODEV);
	assert_string_equal(f->err.text, "Netlink error: No such device (os error 19)");
}

/* A failed second attempt must not push an undo that would remove the first one's bridge. */
static void failed_bridge_is_not_undone(void **state)
{
	struct fixture *f = *state;
	struct undo second = {.arena = &f->arena};

	add_bridge(f, "br0");
	assert_int_equal(try_bridge("br0", &second, &f->err), -EEXIST);
	assert_int_equal(undo_run(&second), 0);
	assert_int_not_equal(find("br0").index, 0);
}

static void undo_spares_a_bridge_that_others_use(void **state)
{
	struct fixture *f = *state;
	struct undo mine = {.arena = &f->arena};
	struct link_info link;

	assert_int_equal(try_bridge("br0", &mine, &f->err), 0);
	link = find("br0");
	assert_int_equal(add_veth(f, link.index, "", "eth0"), 0);
	assert_int_equal(undo_run(&mine), 0);
	assert_int_equal(find("br0").index, link.index);
	assert_int_equal(undo_run(&f->undo), 0);
	assert_int_equal(link_delete(nl, link.index, &f->err), 0);
}

static void undo_accepts_that_the_link_is_gone(void **state)
{
	struct fixture *f = *state;
	int index = add_bridge(f, "br0");

	assert_int_equal(link_delete(nl, index, &f->err), 0);
	assert_int_equal(undo_run(&f->undo), 0);
}

static void veth_is_made_in_both_namespaces(void **state)
{
	struct fixture *f = *state;
	const uint8_t mac[MAC_SIZE] = {0x0a, 0, 0, 1, 2, 3};
	int master = add_bridge(f, "br0");
	const struct veth_spec spec = {
		.host_name = "host0",
		.container_name = "eth0",
		.container_ns = container,
		.master = master,
		.mtu = 1300,
		.mac = mac,
	};
	struct link_info inside, outside;
	bool ports = false;

	assert_int_equal(link_add_veth(nl, container_nl, &spec, &f->undo, &f->err), 0);
	assert_int_equal(link_find(container_nl, "eth0", &inside, &f->err), 0);
	outside = find("host0");
	assert_string_equal(inside.kind, "veth");
	assert_memory_equal(inside.mac, mac, MAC_SIZE);
	assert_int_equal(inside.mtu, 1300);
	assert_int_equal(outside.mtu, 1300);
	assert_int_equal(outside.master, master);
	assert_int_equal(inside.peer, outside.index);
	assert_int_equal(find("eth0").index, 0);
	assert_int_equal(link_has_ports(nl, master, &ports, &f->err), 0);
	assert_true(ports);
	assert_int_equal(undo_run(&f->undo), 0);
	assert_int_equal(find("host0").index, 0);
	assert_int_equal(find("br0").index, 0);
}

static void kernel_chooses_veth_names(void **state)
{
	struct fixture *f = *state;
	int master = add_bridge(f, "br0");

	assert_int_equal(add_veth(f, master, "", "eth0"), 0);
	assert_int_equal(add_veth(f, master, NULL, "eth1"), 0);
	assert_int_equal(find("veth0").master, master);
	assert_int_equal(find("veth1").master, master);
}

static void veth_errors_are_those_of_the_kernel(void **state)
{
	struct fixture *f = *state;
	int master = add_bridge(f, "br0");

	assert_int_equal(add_veth(f, master, "host0", "eth0"), 0);
	assert_int_equal(add_veth(f, master, "host0", "eth1"), -EEXIST);
	assert_int_equal(add_veth(f, master, "host1", "eth0"), -EEXIST);
	assert_int_equal(add_veth(f, master, "", "a-name-of-17-bytes"), -ERANGE);
	assert_int_equal(find("host1").index, 0);
}

static int add_macvlan(struct fixture *f, int parent, const char *name)
{
	const struct macvlan_spec spec = {
		.kind = "macvlan",
		.name = name,
		.container_ns = container,
		.parent = parent,
		.mode = MACVLAN_MODE_BRIDGE,
	};

	return link_add_macvlan(nl, container_nl, &spec, &f->undo, &f->err);
}

static int inside(struct fixture *f, const char *name)
{
	struct link_info link;

	assert_int_equal(link_find(container_nl, name, &link, &f->err), 0);
	return link.index;
}

static int open_socket(void *arg, struct error *err)
{
	return netlink_open(arg, err);
}

/* What the kernel says of the kind of a link in the container: an attribute of IFLA_INFO_DATA. */
static uint32_t kind_attribute(struct fixture *f, const char *name, int type)
{
	struct ifinfomsg ifi = {.ifi_index = inside(f, name)};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST);
	struct nl_sock *own;
	struct sockaddr_nl from;
	unsigned char *answer;

	assert_int_equal(netns_run(container, home, open_socket, &own, &f->err), 0);
	nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
	assert_true(nl_send_auto(own, msg) > 0);
	assert_true(nl_recv(own, &from, &answer, NULL) > 0);
	struct nlattr *info =
		nlmsg_find_attr((struct nlmsghdr *)answer, sizeof(ifi), IFLA_LINKINFO);
	struct nlattr *data = nla_find(nla_data(info), nla_len(info), IFLA_INFO_DATA);
	struct nlattr *found = nla_find(nla_data(data), nla_len(data), type);
	uint32_t value = found ? nla_get_u32(found) : 4711;
	free(answer);
	nlmsg_free(msg);
	netlink_close(own);
	return value;
}

static void macvlan_is_made_in_the_container(void **state)
{
	struct fixture *f = *state;
	const uint8_t mac[MAC_SIZE] = {0x0a, 0, 0, 1, 2, 3};
	int parent = add_bridge(f, "br0");
	const struct macvlan_spec spec = {
		.kind = "macvlan",
		.name = "eth0",
		.container_ns = container,
		.parent = parent,
		.mtu = 1300,
		.mac = mac,
		.mode = MACVLAN_MODE_PRIVATE,
		.has_bc_cutoff = true,
		.bc_cutoff = -1,
	};
	struct link_info link;

	assert_int_equal(link_add_macvlan(nl, container_nl, &spec, &f->undo, &f->err), 0);
	assert_int_equal(link_find(container_nl, "eth0", &link, &f->err), 0);
	assert_string_equal(link.kind, "macvlan");
	assert_memory_equal(link.mac, mac, MAC_SIZE);
	assert_int_equal(link.mtu, 1300);
	assert_int_equal(link.peer, parent);
	assert_int_equal(kind_attribute(f, "eth0", IFLA_MACVLAN_MODE), MACVLAN_MODE_PRIVATE);
	/* A kernel before 6.4 says nothing of it. */
	uint32_t cutoff = kind_attribute(f, "eth0", 9);
	assert_true(cutoff == UINT32_MAX || cutoff == 4711);
	assert_int_equal(find("eth0").index, 0);
	assert_int_equal(undo_run(&f->undo), 0);
	assert_int_equal(inside(f, "eth0"), 0);
}

static void macvlan_errors_are_those_of_the_kernel(void **state)
{
	struct fixture *f = *state;
	int parent = add_bridge(f, "br0"), r = add_macvlan(f, parent, "br0");

	/* Newer kernels only look into the container for the name. */
	assert_true(r == -EEXIST || inside(f, "br0"));
	assert_int_equal(add_macvlan(f, parent, "eth0"), 0);
	assert_int_equal(add_macvlan(f, parent, "eth0"), -EEXIST);
	assert_int_equal(add_macvlan(f, 4711, "eth1"), -ENODEV);
	assert_string_equal(f->err.text, "Netlink error: No such device (os error 19)");
	assert_int_equal(add_macvlan(f, parent, "a-name-of-17-bytes"), -ERANGE);
	assert_int_equal(undo_run(&f->undo), 0);
	assert_int_equal(inside(f, "eth0"), 0);
}

static void renamed_link_is_unmade_by_its_new_name(void **state)
{
	struct fixture *f = *state;
	int parent = add_bridge(f, "br0"), index;

	assert_int_equal(add_macvlan(f, parent, "mv-0"), 0);
	assert_int_equal(add_macvlan(f, parent, "eth1"), 0);
	index = inside(f, "mv-0");
	assert_int_equal(link_rename(container_nl, index, "eth1", &f->undo, &f->err), -EEXIST);
	assert_int_equal(link_rename(container_nl, index, "eth0", &f->undo, &f->err), 0);
	assert_int_equal(inside(f, "eth0"), index);
	assert_int_equal(inside(f, "mv-0"), 0);
	assert_int_equal(link_set_up(container_nl, index, NULL, &f->err), 0);
	assert_int_equal(undo_run(&f->undo), 0);
	assert_int_equal(inside(f, "eth0"), 0);
}

static void has_ports_counts_only_its_own(void **state)
{
	struct fixture *f = *state;
	int first = add_bridge(f, "br0"), second = add_bridge(f, "br1");
	bool ports = true;

	assert_int_equal(add_veth(f, first, "", "eth0"), 0);
	assert_int_equal(link_has_ports(nl, second, &ports, &f->err), 0);
	assert_false(ports);
}

static void link_is_raised_and_lowered(void **state)
{
	struct fixture *f = *state;
	int index = add_bridge(f, "br0");
	struct undo raise = {.arena = &f->arena};

	assert_int_equal(link_set_up(nl, index, &raise, &f->err), 0);
	assert_true(find("br0").up);
	assert_int_equal(undo_run(&raise), 0);
	assert_false(find("br0").up);
	assert_int_equal(link_set_up(nl, 4711, &raise, &f->err), -ENODEV);
	assert_null(raise.newest);
}

static void mac_is_set(void **state)
{
	struct fixture *f = *state;
	const uint8_t mac[MAC_SIZE] = {0x0a, 1, 2, 3, 4, 5}, group[MAC_SIZE] = {1};
	int index = add_bridge(f, "br0");

	assert_int_equal(link_set_mac(nl, index, mac, &f->err), 0);
	assert_memory_equal(find("br0").mac, mac, MAC_SIZE);
	assert_int_equal(link_set_mac(nl, index, group, &f->err), -EADDRNOTAVAIL);
	assert_string_equal(f->err.text,
			    "Netlink error: Cannot assign requested address (os error 99)");
}

static void addresses_are_added_and_unmade(void **state)
{
	static const char *const rows[] = {"10.77.0.1/24", "10.77.0.2/24", "10.77.1.1/32",
					   "10.77.2.0/31", "fd77::1/64",   "fd77::2/128"};
	struct fixture *f = *state;
	struct undo undo = {.arena = &f->arena};
	int index = add_bridge(f, "br0");
	struct prefix *list;
	size_t n;

	for (size_t i = 0; i < array_size(rows); i++) {
		struct prefix p = prefix(rows[i]);

		assert_int_equal(address_add(nl, index, &p, &undo, &f->err), 0);
		assert_true(has_address(index, rows[i]));
	}
	assert_int_equal(address_list(nl, index, &f->arena, &list, &n, &f->err), 0);
	assert_int_equal(n, array_size(rows));
	assert_false(has_address(index, "10.77.0.1/16"));
	assert_false(has_address(1, "10.77.0.1/24"));
	assert_int_equal(undo_run(&undo), 0);
	assert_int_equal(address_list(nl, index, &f->arena, &list, &n, &f->err), 0);
	assert_int_equal(n, 0);
}

static void address_errors_are_those_of_the_kernel(void **state)
{
	struct fixture *f = *state;
	int index = add_bridge(f, "br0");
	struct prefix p = prefix("10.77.0.1/24");

	assert_int_equal(address_add(nl, index, &p, NULL, &f->err), 0);
	assert_int_equal(address_add(nl, index, &p, &f->undo, &f->err), -EEXIST);
	assert_int_equal(address_add(nl, 4711, &p, NULL, &f->err), -ENODEV);
}

static struct route route(const char *destination, const char *gateway, uint8_t type)
{
	struct route r = {.destination = prefix(destination), .metric = 100, .type = type};

	if (gateway)
		assert_true(addr_parse(gateway, &r.gateway));
	return r;
}

static void routes_are_added_and_deleted(void **state)
{
	static const struct {
		const char *destination, *gateway;
		uint8_t type;
	} rows[] = {
		{"10.78.0.0/16", "10.77.0.9", RTN_UNICAST}, {"0.0.0.0/0", "10.77.0.9", RTN_UNICAST},
		{"10.79.0.0/16", NULL, RTN_BLACKHOLE},	    {"10.80.0.0/16", NULL, RTN_UNREACHABLE},
		{"10.81.0.0/16", NULL, RTN_PROHIBIT},	    {"fd78::/64", "fd77::9", RTN_UNICAST},
		{"::/0", "fd77::9", RTN_UNICAST},	    {"fd79::/64", NULL, RTN_BLACKHOLE},
		{"fd80::/64", NULL, RTN_UNREACHABLE},	    {"fd81::/64", NULL, RTN_PROHIBIT},
	};
	struct fixture *f = *state;
	int index = add_bridge(f, "br0");
	struct prefix v4 = prefix("10.77.0.1/24"), v6 = prefix("fd77::1/64");

	assert_int_equal(address_add(nl, index, &v4, NULL, &f->err), 0);
	assert_int_equal(address_add(nl, index, &v6, NULL, &f->err), 0);
	assert_int_equal(link_set_up(nl, index, NULL, &f->err), 0);
	for (size_t i = 0; i < array_size(rows); i++) {
		struct route r = route(rows[i].destination, rows[i].gateway, rows[i].type);

		if (route_add(nl, &r, &f->err) < 0)
			fail_msg("%s: %s", rows[i].destination, f->err.text);
		assert_int_equal(route_delete(nl, &r, &f->err), 0);
		assert_int_equal(route_delete(nl, &r, &f->err), -ESRCH);
	}
}

static void route_errors_are_those_of_the_kernel(void **state)
{
	struct fixture *f = *state;
	struct route black = route("10.79.0.0/16", NULL, RTN_BLACKHOLE);
	struct route far = route("10.78.0.0/16", "192.0.2.1", RTN_UNICAST);
	struct route host_bits = route("10.79.1.2/16", NULL, RTN_BLACKHOLE);

	assert_int_equal(route_add(nl, &black, &f->err), 0);
	assert_int_equal(route_add(nl, &black, &f->err), -EEXIST);
	assert_int_equal(route_delete(nl, &black, &f->err), 0);
	assert_int_equal(route_add(nl, &far, &f->err), -ENETUNREACH);
	assert_string_equal(f->err.text, "Netlink error: Network is unreachable (os error 101)");
	assert_int_equal(route_add(nl, &host_bits, &f->err), -EINVAL);
}

static void default_link_is_that_of_the_default_route(void **state)
{
	struct fixture *f = *state;
	int index = add_bridge(f, "br0");
	struct prefix v4 = prefix("10.77.0.1/24"), v6 = prefix("fd77::1/64");
	struct route via4 = route("0.0.0.0/0", "10.77.0.9", RTN_UNICAST);
	struct route via6 = route("::/0", "fd77::9", RTN_UNICAST);
	struct link_info link;

	assert_int_equal(address_add(nl, index, &v4, NULL, &f->err), 0);
	assert_int_equal(address_add(nl, index, &v6, NULL, &f->err), 0);
	assert_int_equal(link_set_up(nl, index, NULL, &f->err), 0);
	assert_int_equal(route_default_link(nl, RT_TABLE_MAIN, &link, &f->err), 0);
	assert_int_equal(link.index, 0);
	/* To ask for a table that never had a route is no error, either. */
	assert_int_equal(route_default_link(nl, 4711, &link, &f->err), 0);
	assert_int_equal(link.index, 0);
	assert_int_equal(route_add(nl, &via6, &f->err), 0);
	assert_int_equal(route_default_link(nl, RT_TABLE_MAIN, &link, &f->err), 0);
	assert_string_equal(link.name, "br0");
	assert_int_equal(route_delete(nl, &via6, &f->err), 0);
	assert_int_equal(route_add(nl, &via4, &f->err), 0);
	assert_int_equal(route_default_link(nl, RT_TABLE_MAIN, &link, &f->err), 0);
	assert_string_equal(link.name, "br0");
}

/* Only with fault injection can a single request be made to fail. */
static void injected_fault_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	setenv("NETAVARK_FAULT", "1", 1);
	assert_int_equal(try_bridge("br0", &f->undo, &f->err), -EIO);
	unsetenv("NETAVARK_FAULT");
	assert_null(f->undo.newest);
	assert_int_equal(find("br0").index, 0);
}

static bool open_both(void)
{
	struct error err;

	if (!namespace_enter("netlink"))
		return false;
	container = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	if (unshare(CLONE_NEWNET) < 0)
		return false;
	home = open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
	return netlink_open(&nl, &err) == 0 &&
	       netns_run(container, home, open_socket, &container_nl, &err) == 0;
}

#define LINK_TEST(title, fn)                                                                       \
	{                                                                                          \
		title, fn, make_fixture, release_fixture, NULL                                     \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST("links: an injected fault leaves nothing", injected_fault_leaves_nothing),
		LINK_TEST("links: unknown names and indices give nothing, without error",
			  link_find_gives_nothing_for_an_unknown_name),
		LINK_TEST("NV-274 links: the names of all", link_list_names_gives_all_names),
		LINK_TEST("links: a bridge is made and unmade", bridge_is_made_and_unmade),
		LINK_TEST("NV-096 links: errors of a bridge are those of the kernel",
			  bridge_errors_are_those_of_the_kernel),
		LINK_TEST("NV-252 links: a bridge that was there is not undone",
			  failed_bridge_is_not_undone),
		LINK_TEST("NV-238 links: undo spares a bridge with ports of others",
			  undo_spares_a_bridge_that_others_use),
		LINK_TEST("links: undo accepts that the link is gone",
			  undo_accepts_that_the_link_is_gone),
		LINK_TEST("NV-080 links: a veth pair has its name, address, MTU and master at once",
			  veth_is_made_in_both_namespaces),
		LINK_TEST("NV-089 links: the kernel names host ends veth0, veth1",
			  kernel_chooses_veth_names),
		LINK_TEST("NV-091 NV-092 NV-096 links: errors of a veth are those of the kernel",
			  veth_errors_are_those_of_the_kernel),
		LINK_TEST("NV-130 NV-144 links: a macvlan is made in the container with all it was "
			  "told",
			  macvlan_is_made_in_the_container),
		LINK_TEST("NV-136 NV-137 links: errors of a macvlan are those of the kernel",
			  macvlan_errors_are_those_of_the_kernel),
		LINK_TEST("NV-136 links: a renamed link is unmade by its new name",
			  renamed_link_is_unmade_by_its_new_name),
		LINK_TEST("links: ports of another bridge do not count",
			  has_ports_counts_only_its_own),
		LINK_TEST("links: set up and taken back", link_is_raised_and_lowered),
		LINK_TEST("NV-088 links: hardware address", mac_is_set),
		LINK_TEST("NV-081 addresses: added, listed and taken back",
			  addresses_are_added_and_unmade),
		LINK_TEST("addresses: errors are those of the kernel",
			  address_errors_are_those_of_the_kernel),
		LINK_TEST("NV-160 NV-161 routes: every type in both families",
			  routes_are_added_and_deleted),
		LINK_TEST("routes: errors are those of the kernel",
			  route_errors_are_those_of_the_kernel),
		LINK_TEST("routes: the device of the default route, either family",
			  default_link_is_that_of_the_default_route),
	};

	if (!open_both())
		return 0;
	int failed = cmocka_run_group_tests_name("netlink", tests, NULL, NULL);
	netlink_close(nl);
	netlink_close(container_nl);
	return failed;
}
