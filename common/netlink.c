/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::netlink"
#include "common/netlink.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "common/fault.h"
#include "common/log.h"

/* IFLA_MACVLAN_BC_CUTOFF of kernel 6.4, which is newer than the headers of Debian 12. */
#define MACVLAN_BC_CUTOFF 9

int netlink_open(struct nl_sock **out, struct error *err)
{
	int on = 1, r = fault("netlink_open", err);

	if (r < 0)
		return r;
	struct nl_sock *nl = nl_socket_alloc();
	if (!nl)
		return fail_netlink(err, ENOMEM, "%s", "");
	if (nl_connect(nl, NETLINK_ROUTE) < 0) {
		r = fail_netlink(err, errno, "%s", "");
		nl_socket_free(nl);
		return r;
	}
	/* Lets the kernel filter dumps; kernels before 4.20 do not know it and send everything. */
	setsockopt(nl_socket_get_fd(nl), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(nl), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	nl_socket_set_buffer_size(nl, 1 << 18, 0);
	*out = nl;
	return 0;
}

void netlink_close(struct nl_sock *nl)
{
	nl_socket_free(nl);
}

/* One exchange: what comes back is handed to valid; the kernel's errno is kept as it is. */
struct exchange {
	void (*valid)(struct nlmsghdr *h, void *arg);
	void *arg;
	int code; /* -errno of the answer */
	bool finished, interrupted;
};

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;
	struct nlmsghdr *h = nlmsg_hdr(msg);

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		x->interrupted = true;
	if (x->valid)
		x->valid(h, x->arg);
	return NL_OK;
}

/* The kernel's own words, where it has some; the errors that callers compare are without them. */
static void log_explanation(const struct nlmsgerr *e)
{
	const struct nlmsghdr *h = (const void *)((const char *)e - NLMSG_HDRLEN);
	size_t skip = sizeof(*e);

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	if (h->nlmsg_len < NLMSG_HDRLEN + skip)
		return;
	struct nlattr *text =
		nla_find((struct nlattr *)((uintptr_t)e + skip),
			 (int)(h->nlmsg_len - NLMSG_HDRLEN - skip), NLMSGERR_ATTR_MSG);
	if (text)
		log_debug("the kernel says: %s", nla_get_string(text));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct exchange *x = arg;

	(void)from;
	log_explanation(e);
	x->code = e->error;
	x->finished = true;
	return NL_STOP;
}

static int on_end(struct nl_msg *msg, void *arg)
{
	(void)msg;
	((struct exchange *)arg)->finished = true;
	return NL_STOP;
}

static int on_sequence(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK; /* one exchange at a time: nothing can be out of order */
}

/*
 * Sends one message and reads its answer to the end. libnl's own error codes would lose the
 * kernel's errno, hence the callbacks. Consumes msg. Returns 0 or -errno.
 */
static int exchange_once(struct nl_sock *nl, struct nl_msg *msg, struct exchange *x)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int r = -ENOMEM;

	if (cb) {
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, x);
		nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, x);
		nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, x);
		nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, NULL);
		nl_cb_err(cb, NL_CB_CUSTOM, on_error, x);
		r = nl_send_auto(nl, msg) < 0 ? -EIO : 0;
		/* The answer and its acknowledgement come as two datagrams. */
		while (r == 0 && !x->finished)
			if (nl_recvmsgs(nl, cb) < 0 && !x->finished)
				r = -EIO;
		if (x->code)
			r = x->code;
		nl_cb_put(cb);
	}
	nlmsg_free(msg);
	return r;
}

static struct nl_msg *message(int type, int flags, const void *header, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (msg && nlmsg_append(msg, (void *)(uintptr_t)header, len, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/* A change: sends msg, wants an acknowledgement. Consumes msg. Returns 0 or -errno. */
static int change(struct nl_sock *nl, struct nl_msg *msg)
{
	struct exchange x = {0};

	if (!msg)
		return -ENOMEM;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	return exchange_once(nl, msg, &x);
}

/* A dump, repeated if others changed the list meanwhile. make builds the request anew each time. */
static int dump(struct nl_sock *nl, struct nl_msg *(*make)(const void *), const void *make_arg,
		void (*valid)(struct nlmsghdr *, void *), void (*reset)(void *), void *arg)
{
	int r = -EINTR;

	for (int tries = 0; tries < 30 && r == -EINTR; tries++) {
		struct exchange x = {.valid = valid, .arg = arg};
		struct nl_msg *msg = make(make_arg);

		if (!msg)
			return -ENOMEM;
		reset(arg);
		r = exchange_once(nl, msg, &x);
		if (r == 0 && x.interrupted)
			r = -EINTR;
	}
	return r;
}

/* ---- links ---- */

static void read_linkinfo(struct nlattr *linkinfo, struct link_info *out)
{
	struct nlattr *kind = nla_find(nla_data(linkinfo), nla_len(linkinfo), IFLA_INFO_KIND);
	struct nlattr *data = nla_find(nla_data(linkinfo), nla_len(linkinfo), IFLA_INFO_DATA);
	struct nlattr *detail;

	if (kind)
		snprintf(out->kind, sizeof(out->kind), "%s", nla_get_string(kind));
	if (!data)
		return;
	if (strcmp(out->kind, "bridge") == 0) {
		detail = nla_find(nla_data(data), nla_len(data), IFLA_BR_VLAN_FILTERING);
		out->vlan_filtering = detail && nla_get_u8(detail);
	} else if (strcmp(out->kind, "vrf") == 0) {
		detail = nla_find(nla_data(data), nla_len(data), IFLA_VRF_TABLE);
		out->table = detail ? nla_get_u32(detail) : 0;
	}
}

static void read_link(struct nlmsghdr *h, void *arg)
{
	struct link_info *out = arg;
	struct ifinfomsg *ifi = nlmsg_data(h);
	struct nlattr *tb[IFLA_MAX + 1];

	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0)
		return;
	*out = (struct link_info){.index = ifi->ifi_index, .up = ifi->ifi_flags & IFF_UP};
	if (tb[IFLA_IFNAME])
		snprintf(out->name, sizeof(out->name), "%s", nla_get_string(tb[IFLA_IFNAME]));
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == MAC_SIZE) {
		memcpy(out->mac, nla_data(tb[IFLA_ADDRESS]), MAC_SIZE);
		out->has_mac = true;
	}
	if (tb[IFLA_MTU])
		out->mtu = nla_get_u32(tb[IFLA_MTU]);
	if (tb[IFLA_MASTER])
		out->master = (int)nla_get_u32(tb[IFLA_MASTER]);
	if (tb[IFLA_LINK])
		out->peer = (int)nla_get_u32(tb[IFLA_LINK]);
	if (tb[IFLA_LINKINFO])
		read_linkinfo(tb[IFLA_LINKINFO], out);
}

static int find(struct nl_sock *nl, struct nl_msg *msg, struct link_info *out, struct error *err)
{
	struct exchange x = {.valid = read_link, .arg = out};
	int r = fault("link_find", err);

	*out = (struct link_info){0};
	if (r < 0) {
		nlmsg_free(msg);
		return r;
	}
	r = msg ? exchange_once(nl, msg, &x) : -ENOMEM;
	if (r == -ENODEV)
		return 0;
	return r < 0 ? fail_netlink(err, -r, "%s", "") : 0;
}

int link_find(struct nl_sock *nl, const char *name, struct link_info *out, struct error *err)
{
	const struct ifinfomsg ifi = {0};
	struct nl_msg *msg = message(RTM_GETLINK, 0, &ifi, sizeof(ifi));

	if (msg)
		nla_put_string(msg, IFLA_IFNAME, name);
	return find(nl, msg, out, err);
}

int link_find_index(struct nl_sock *nl, int index, struct link_info *out, struct error *err)
{
	const struct ifinfomsg ifi = {.ifi_index = index};

	return find(nl, message(RTM_GETLINK, 0, &ifi, sizeof(ifi)), out, err);
}

struct made_link {
	struct nl_sock *nl;
	char name[IFNAMSIZ];
	bool bridge;
};

static int unmake_link(void *arg, struct error *err)
{
	const struct made_link *made = arg;
	struct link_info link;
	bool has_ports = false;
	int r = link_find(made->nl, made->name, &link, err);

	if (r < 0 || !link.index)
		return r;
	if (made->bridge)
		r = link_has_ports(made->nl, link.index, &has_ports, err);
	if (r == 0 && !has_ports)
		r = link_delete(made->nl, link.index, err);
	return r;
}

static void push_unmake(struct undo *undo, struct nl_sock *nl, const char *name, bool bridge)
{
	if (!undo)
		return;
	struct made_link *made = arena_alloc(undo->arena, sizeof(*made));

	*made = (struct made_link){.nl = nl, .bridge = bridge};
	snprintf(made->name, sizeof(made->name), "%s", name);
	undo_push(undo, unmake_link, made, arena_printf(undo->arena, "link %s", made->name));
}

static void put_bridge(struct nl_msg *msg, const bool *vlan_filtering)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);

	nla_put_string(msg, IFLA_INFO_KIND, "bridge");
	if (vlan_filtering) {
		struct nlattr *data = nla_nest_start(msg, IFLA_INFO_DATA);

		nla_put_u8(msg, IFLA_BR_VLAN_FILTERING, *vlan_filtering);
		nla_nest_end(msg, data);
	}
	nla_nest_end(msg, info);
}

/* The request for a link that does not exist yet; NULL after a failure. */
static struct nl_msg *new_link(const char *door, struct error *err)
{
	const struct ifinfomsg ifi = {0};

	if (fault(door, err) < 0)
		return NULL;
	struct nl_msg *msg = message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	if (!msg)
		(void)fail_netlink(err, ENOMEM, "%s", "");
	return msg;
}

int link_add_bridge(struct nl_sock *nl, const struct bridge_spec *spec, struct undo *undo,
		    struct error *err)
{
	struct nl_msg *msg = new_link("link_add_bridge", err);

	if (!msg)
		return -err->code;
	nla_put_string(msg, IFLA_IFNAME, spec->name);
	if (spec->mtu)
		nla_put_u32(msg, IFLA_MTU, spec->mtu);
	if (spec->master)
		nla_put_u32(msg, IFLA_MASTER, (uint32_t)spec->master);
	put_bridge(msg, spec->vlan_filtering ? &spec->vlan_filtering : NULL);
	log_debug("adding bridge %s", spec->name);
	int r = change(nl, msg);
	if (r < 0)
		return fail_netlink(err, -r, "%s", "");
	push_unmake(undo, nl, spec->name, true);
	return 0;
}

struct filtering_bridge {
	struct nl_sock *nl;
	int index;
};

static int switch_filtering(struct nl_sock *nl, int bridge, bool on)
{
	const struct ifinfomsg ifi = {.ifi_index = bridge};
	struct nl_msg *msg = message(RTM_NEWLINK, 0, &ifi, sizeof(ifi));

	if (msg)
		put_bridge(msg, &on);
	return change(nl, msg);
}

static int stop_filtering(void *arg, struct error *err)
{
	const struct filtering_bridge *bridge = arg;
	int r = switch_filtering(bridge->nl, bridge->index, false);

	return r < 0 && r != -ENODEV ? fail_netlink(err, -r, "%s", "") : 0;
}

int link_filter_vlans(struct nl_sock *nl, int bridge, struct undo *undo, struct error *err)
{
	int r = fault("link_filter_vlans", err);

	if (r < 0)
		return r;
	log_debug("switching VLAN filtering on for bridge %d", bridge);
	r = switch_filtering(nl, bridge, true);
	if (r < 0)
		return fail_netlink(err, -r, "%s", "");
	struct filtering_bridge *made = arena_alloc(undo->arena, sizeof(*made));
	*made = (struct filtering_bridge){nl, bridge};
	undo_push(undo, stop_filtering, made, "VLAN filtering");
	return 0;
}

int link_set_port_vlan(struct nl_sock *nl, int port, uint16_t vlan, struct error *err)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_BRIDGE, .ifi_index = port};
	const struct bridge_vlan_info info = {
		.flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED,
		.vid = vlan,
	};
	int r = fault("link_set_port_vlan", err);

	if (r < 0)
		return r;
	struct nl_msg *msg = message(RTM_SETLINK, 0, &ifi, sizeof(ifi));
	if (msg) {
		struct nlattr *spec = nla_nest_start(msg, IFLA_AF_SPEC);

		nla_put(msg, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
		nla_nest_end(msg, spec);
	}
	log_debug("adding VLAN %u to bridge port %d", vlan, port);
	r = change(nl, msg);
	return r < 0 ? fail_netlink(err, -r, "%s", "") : 0;
}

static void put_queues(struct nl_msg *msg)
{
	nla_put_u32(msg, IFLA_NUM_TX_QUEUES, 1);
	nla_put_u32(msg, IFLA_NUM_RX_QUEUES, 1);
}

static void put_peer(struct nl_msg *msg, const struct veth_spec *spec)
{
	const struct ifinfomsg ifi = {0};
	struct nlattr *peer = nla_nest_start(msg, VETH_INFO_PEER);

	nlmsg_append(msg, (void *)(uintptr_t)&ifi, sizeof(ifi), NLMSG_ALIGNTO);
	nla_put_string(msg, IFLA_IFNAME, spec->container_name);
	nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)spec->container_ns);
	put_queues(msg);
	if (spec->mtu)
		nla_put_u32(msg, IFLA_MTU, spec->mtu);
	if (spec->mac)
		nla_put(msg, IFLA_ADDRESS, MAC_SIZE, spec->mac);
	nla_nest_end(msg, peer);
}

int link_add_veth(struct nl_sock *nl, struct nl_sock *container_nl, const struct veth_spec *spec,
		  struct undo *undo, struct error *err)
{
	struct nl_msg *msg = new_link("link_add_veth", err);

	if (!msg)
		return -err->code;
	if (spec->host_name && *spec->host_name)
		nla_put_string(msg, IFLA_IFNAME, spec->host_name);
	nla_put_u32(msg, IFLA_MASTER, (uint32_t)spec->master);
	if (spec->mtu)
		nla_put_u32(msg, IFLA_MTU, spec->mtu);
	put_queues(msg);
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "veth");
	struct nlattr *data = nla_nest_start(msg, IFLA_INFO_DATA);
	put_peer(msg, spec);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	log_debug("adding veth pair for %s", spec->container_name);
	int r = change(nl, msg);
	if (r < 0)
		return fail_netlink(err, -r, "%s", "");
	push_unmake(undo, container_nl, spec->container_name, false);
	return 0;
}

static void put_macvlan(struct nl_msg *msg, const struct macvlan_spec *spec)
{
	if (strcmp(spec->kind, "ipvlan") == 0) {
		nla_put_u16(msg, IFLA_IPVLAN_MODE, (uint16_t)spec->mode);
		return;
	}
	nla_put_u32(msg, IFLA_MACVLAN_MODE, spec->mode);
	if (spec->has_bc_cutoff)
		nla_put_u32(msg, MACVLAN_BC_CUTOFF, (uint32_t)spec->bc_cutoff);
}

int link_add_macvlan(struct nl_sock *nl, struct nl_sock *container_nl,
		     const struct macvlan_spec *spec, struct undo *undo, struct error *err)
{
	struct nl_msg *msg = new_link("link_add_macvlan", err);

	if (!msg)
		return -err->code;
	nla_put_string(msg, IFLA_IFNAME, spec->name);
	nla_put_u32(msg, IFLA_LINK, (uint32_t)spec->parent);
	nla_put_u32(msg, IFLA_NET_NS_FD, (uint32_t)spec->container_ns);
	if (spec->mtu)
		nla_put_u32(msg, IFLA_MTU, spec->mtu);
	if (spec->mac)
		nla_put(msg, IFLA_ADDRESS, MAC_SIZE, spec->mac);
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, spec->kind);
	struct nlattr *data = nla_nest_start(msg, IFLA_INFO_DATA);
	put_macvlan(msg, spec);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	log_debug("adding %s %s", spec->kind, spec->name);
	int r = change(nl, msg);
	if (r < 0)
		return fail_netlink(err, -r, "%s", "");
	push_unmake(undo, container_nl, spec->name, false);
	return 0;
}

int link_rename(struct nl_sock *nl, int index, const char *name, struct undo *undo,
		struct error *err)
{
	const struct ifinfomsg ifi = {.ifi_index = index};
	int r = fault("link_rename", err);

	if (r < 0)
		return r;
	struct nl_msg *msg = message(RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	if (msg)
		nla_put_string(msg, IFLA_IFNAME, name);
	log_debug("renaming link %d to %s", index, name);
	r = change(nl, msg);
	if (r < 0)
		return fail_netlink(err, -r, "%s", "");
	push_unmake(undo, nl, name, false);
	return 0;
}

struct raised_link {
	struct nl_sock *nl;
	int index;
};

static int set_down(void *arg, struct error *err)
{
	const struct raised_link *raised = arg;
	const struct ifinfomsg ifi = {.ifi_index = raised->index, .ifi_change = IFF_UP};
	int r = change(raised->nl, message(RTM_NEWLINK, 0, &ifi, sizeof(ifi)));

	return r < 0 && r != -ENODEV ? fail_netlink(err, -r, "%s", "") : 0;
}

int link_set_up(struct nl_sock *nl, int index, struct undo *undo, struct error *err)
{
	const struct ifinfomsg ifi = {.ifi_index = index,
				      .ifi_flags = IFF_UP,
				      .ifi_change = IFF_UP};
	int r = fault("link_set_up", err);

	if (r < 0)
		return r;
	r = change(nl, message(RTM_NEWLINK, 0, &ifi, sizeof(ifi)));
	if (r < 0)
		return fail_netlink(err, -r, "%s", "");
	if (undo) {
		struct raised_link *raised = arena_alloc(undo->arena, sizeof(*raised));

		*raised = (struct raised_link){nl, index};
		undo_push(undo, set_down, raised, "link set up");
	}
	return 0;
}

int link_set_mac(struct nl_sock *nl, int index, const uint8_t mac[MAC_SIZE], struct error *err)
{
	const struct ifinfomsg ifi = {.ifi_index = index};
	int r = fault("link_set_mac", err);

	if (r < 0)
		return r;
	struct nl_msg *msg = message(RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	if (msg)
		nla_put(msg, IFLA_ADDRESS, MAC_SIZE, mac);
	r = change(nl, msg);
	return r < 0 ? fail_netlink(err, -r, "%s", "") : 0;
}

/* Switches on one property of a port of a bridge. */
static int set_port_flag(struct nl_sock *nl, int index, int flag, struct error *err)
{
	const struct ifinfomsg ifi = {.ifi_family = AF_BRIDGE, .ifi_index = index};
	int r;

	struct nl_msg *msg = message(RTM_SETLINK, 0, &ifi, sizeof(ifi));
	struct nlattr *port = msg ? nla_nest_start(msg, IFLA_PROTINFO) : NULL;
	if (port) {
		nla_put_u8(msg, flag, 1);
		nla_nest_end(msg, port);
	}
	r = change(nl, msg);
	return r < 0 ? fail_netlink(err, -r, "%s", "") : 0;
}

int link_set_hairpin(struct nl_sock *nl, int index, struct error *err)
{
	int r = fault("link_set_hairpin", err);

	return r < 0 ? r : set_port_flag(nl, index, IFLA_BRPORT_MODE, err);
}

int link_set_isolated(struct nl_sock *nl, int index, struct error *err)
{
	int r = fault("link_set_isolated", err);

	return r < 0 ? r : set_port_flag(nl, index, IFLA_BRPORT_ISOLATED, err);
}

int link_delete(struct nl_sock *nl, int index, struct error *err)
{
	const struct ifinfomsg ifi = {.ifi_index = index};
	int r = fault("link_delete", err);

	if (r < 0)
		return r;
	log_debug("deleting link %d", index);
	r = change(nl, message(RTM_DELLINK, 0, &ifi, sizeof(ifi)));
	return r < 0 ? fail_netlink(err, -r, "%s", "") : 0;
}

struct ports {
	int master;
	bool found;
};

static struct nl_msg *make_port_dump(const void *arg)
{
	const struct ifinfomsg ifi = {0};
	struct nl_msg *msg = message(RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));

	if (msg)
		nla_put_u32(msg, IFLA_MASTER, (uint32_t)((const struct ports *)arg)->master);
	return msg;
}

static void note_port(struct nlmsghdr *h, void *arg)
{
	struct ports *ports = arg;
	struct link_info link = {0};

	read_link(h, &link); /* the master is compared here too, for kernels that do not filter */
	if (link.index && link.master == ports->master)
		ports->found = true;
}

static void forget_ports(void *arg)
{
	((struct ports *)arg)->found = false;
}

int link_has_ports(struct nl_sock *nl, int master, bool *out, struct error *err)
{
	struct ports ports = {.master = master};
	int r = fault("link_has_ports", err);

	if (r < 0)
		return r;
	r = dump(nl, make_port_dump, &ports, note_port, forget_ports, &ports);
	if (r < 0)
		return fail_netlink(err, -r, "%s", "");
	*out = ports.found;
	return 0;
}

struct link_names {
	struct arena *arena;
	const char **list;
	size_t n;
};

static struct nl_msg *make_link_dump(const void *arg)
{
	const struct ifinfomsg ifi = {0};

	(void)arg;
	return message(RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
}

static void note_link_name(struct nlmsghdr *h, void *arg)
{
	struct link_names *names = arg;
	struct link_info link = {0};

	read_link(h, &link);
	if (!link.index)
		return;
	names->list = arena_grow(names->arena, names->list, names->n, sizeof(*names->list));
	names->list[names->n++] = arena_strdup(names->arena, link.name);
}

static void forget_link_names(void *arg)
{
	((struct link_names *)arg)->n = 0;
}

int link_list_names(struct nl_sock *nl, struct arena *a, const char ***out, size_t *out_n,
		    struct error *err)
{
	struct link_names names = {.arena = a};
	int r = fault("link_list_names", err);

	if (r < 0)
		return r;
	r = dump(nl, make_link_dump, NULL, note_link_name, forget_link_names, &names);
	if (r < 0)
		return fail_netlink(err, -r, "%s", "");
	*out = names.list;
	*out_n = names.n;
	return 0;
}

/* ---- addresses ---- */

struct made_address {
	struct nl_sock *nl;
	int index;
	struct prefix prefix;
};

static struct nl_msg *address_message(int type, int flags, int index, const struct prefix *p)
{
	const struct ifaddrmsg ifa = {
		.ifa_family = p->addr.family,
		.ifa_prefixlen = p->len,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = (unsigned int)index,
	};
	struct nl_msg *msg = message(type, flags, &ifa, sizeof(ifa));
	int size = (int)addr_size(&p->addr);

	if (!msg)
		return NULL;
	nla_put(msg, IFA_LOCAL, size, p->addr.bytes);
	nla_put(msg, IFA_ADDRESS, size, p->addr.bytes);
	if (p->addr.family == AF_INET && type == RTM_NEWADDR && p->len < 31) {
		struct addr broadcast = prefix_last(p);

		nla_put(msg, IFA_BROADCAST, size, broadcast.bytes);
	}
	return msg;
}

static int unmake_address(void *arg, struct error *err)
{
	const struct made_address *made = arg;
	int r = change(made->nl, address_message(RTM_DELADDR, 0, made->index, &made->prefix));

	return r < 0 && r != -EADDRNOTAVAIL && r != -ENODEV ? fail_netlink(err, -r, "%s", "") : 0;
}

int address_add(struct nl_sock *nl, int index, const struct prefix *p, struct undo *undo,
		struct error *err)
{
	int r = fault("address_add", err);

	if (r < 0)
		return r;
	log_debug("adding address %s to link %d", prefix_str(p), index);
	r = change(nl, address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, p));
	if (r < 0)
		fail_netlink(err, -r, "%s", "");
	if (r == -EACCES && p->addr.family == AF_INET6)
		return wrap(err, "failed to add ipv6 address, is ipv6 enabled in the kernel?");
	if (r < 0)
		return r;
	if (undo) {
		struct made_address *made = arena_alloc(undo->arena, sizeof(*made));

		*made = (struct made_address){.nl = nl, .index = index, .prefix = *p};
		undo_push(undo, unmake_address, made,
			  arena_printf(undo->arena, "address %s", prefix_str(p)));
	}
	return 0;
}

int address_delete(struct nl_sock *nl, int index, const struct prefix *p, struct error *err)
{
	int r = fault("address_delete", err);

	if (r < 0)
		return r;
	log_debug("deleting address %s from link %d", prefix_str(p), index);
	r = change(nl, address_message(RTM_DELADDR, 0, index, p));
	return r < 0 ? fail_netlink(err, -r, "%s", "") : 0;
}

struct address_list {
	int index; /* 0: all */
	struct arena *arena;
	struct prefix *list;
	size_t n;
};

static struct nl_msg *make_address_dump(const void *arg)
{
	const struct ifaddrmsg ifa = {
		.ifa_index = (unsigned int)((const struct address_list *)arg)->index};

	return message(RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
}

static void note_address(struct nlmsghdr *h, void *arg)
{
	struct address_list *found = arg;
	struct ifaddrmsg *ifa = nlmsg_data(h);
	struct nlattr *tb[IFA_MAX + 1];

	if (h->nlmsg_type != RTM_NEWADDR || (found->index && (int)ifa->ifa_index != found->index) ||
	    nlmsg_parse(h, sizeof(*ifa), tb, IFA_MAX, NULL) < 0)
		return;
	struct nlattr *local = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	struct prefix p = {.addr.family = ifa->ifa_family, .len = ifa->ifa_prefixlen};
	if (!local || (size_t)nla_len(local) != addr_size(&p.addr))
		return;
	memcpy(p.addr.bytes, nla_data(local), addr_size(&p.addr));
	found->list = arena_grow(found->arena, found->list, found->n, sizeof(*found->list));
	found->list[found->n++] = p;
}

static void forget_addresses(void *arg)
{
	((struct address_list *)arg)->n = 0;
}

static int list_addresses(struct nl_sock *nl, int index, struct arena *a, struct prefix **out,
			  size_t *out_n, struct error *err)
{
	struct address_list found = {.index = index, .arena = a};
	int r = dump(nl, make_address_dump, &found, note_address, forget_addresses, &found);
	if (r < 0)
		return fail_netlink(err, -r, "%s", "");
	*out = found.list;
	*out_n = found.n;
	return 0;
}

int address_list(struct nl_sock *nl, int index, struct arena *a, struct prefix **out, size_t *out_n,
		 struct error *err)
{
	int r = fault("address_list", err);

	return r < 0 ? r : list_addresses(nl, index, a, out, out_n, err);
}

int address_list_all(struct nl_sock *nl, struct arena *a, struct prefix **out, size_t *out_n,
		     struct error *err)
{
	int r = fault("address_list_all", err);

	return r < 0 ? r : list_addresses(nl, 0, a, out, out_n, err);
}

int address_exists(struct nl_sock *nl, int index, const struct prefix *p, bool *out,
		   struct error *err)
{
	struct arena scratch = {0};
	struct prefix *list = NULL;
	size_t n = 0;
	int r = address_list(nl, index, &scratch, &list, &n, err);

	*out = false;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (prefix_equal(&list[i], p))
			*out = true;
	arena_release(&scratch);
	return r;
}

/* ---- routes ---- */

static struct nl_msg *route_message(int type, int flags, const struct route *route)
{
	const struct rtmsg rtm = {
		.rtm_family = route->destination.addr.family,
		.rtm_dst_len = route->destination.len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope =
			route->link && !route->gateway.family ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
		.rtm_type = route->type,
		.rtm_flags = route->on_link ? RTNH_F_ONLINK : 0,
	};
	struct nl_msg *msg = message(type, flags, &rtm, sizeof(rtm));
	int size = (int)addr_size(&route->destination.addr);

	if (!msg)
		return NULL;
	nla_put(msg, RTA_DST, size, route->destination.addr.bytes);
	if (route->gateway.family)
		nla_put(msg, RTA_GATEWAY, size, route->gateway.bytes);
	if (route->link)
		nla_put_u32(msg, RTA_OIF, (uint32_t)route->link);
	nla_put_u32(msg, RTA_PRIORITY, route->metric);
	return msg;
}

int route_add(struct nl_sock *nl, const struct route *route, struct error *err)
{
	int r = fault("route_add", err);

	if (r < 0)
		return r;
	r = change(nl, route_message(RTM_NEWROUTE, NLM_F_CREATE, route));
	return r < 0 ? fail_netlink(err, -r, "%s", "") : 0;
}

int route_delete(struct nl_sock *nl, const struct route *route, struct error *err)
{
	int r = fault("route_delete", err);

	if (r < 0)
		return r;
	r = change(nl, route_message(RTM_DELROUTE, 0, route));
	return r < 0 ? fail_netlink(err, -r, "%s", "") : 0;
}

struct default_route {
	uint8_t family;
	uint32_t table;
	int index;
};

static struct nl_msg *make_route_dump(const void *arg)
{
	const struct default_route *wanted = arg;
	const struct rtmsg rtm = {.rtm_family = wanted->family};
	struct nl_msg *msg = message(RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));

	if (msg)
		nla_put_u32(msg, RTA_TABLE, wanted->table);
	return msg;
}

static void note_default_route(struct nlmsghdr *h, void *arg)
{
	struct default_route *found = arg;
	struct rtmsg *rtm = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];

	if (found->index || h->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return;
	/* The header has no room for numbers above 255. */
	if (!tb[RTA_DST] && tb[RTA_OIF] && tb[RTA_TABLE] &&
	    nla_get_u32(tb[RTA_TABLE]) == found->table)
		found->index = (int)nla_get_u32(tb[RTA_OIF]);
}

static void forget_default_route(void *arg)
{
	((struct default_route *)arg)->index = 0;
}

int route_default_link(struct nl_sock *nl, uint32_t table, struct link_info *out, struct error *err)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int r = fault("route_default_link", err);

	*out = (struct link_info){0};
	for (size_t i = 0; r == 0 && i < array_size(families); i++) {
		struct default_route found = {.family = families[i], .table = table};

		r = dump(nl, make_route_dump, &found, note_default_route, forget_default_route,
			 &found);
		/* A table exists from its first route on. */
		if (r == -ENOENT)
			r = 0;
		if (r < 0)
			return fail_netlink(err, -r, "%s", "");
		if (found.index)
			return link_find_index(nl, found.index, out, err);
	}
	return r;
}
