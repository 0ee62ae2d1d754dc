/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::announce"
#include "netavark/announce.h"

#include <errno.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "common/fault.h"
#include "common/log.h"
#include "common/netns.h"
#include "common/process.h"

#define PAUSE_MS  100
#define ROUNDS	  30 /* the kernel needs up to two seconds to find that an address is unique */
#define CHILD_MAX 10 /* seconds */

struct target {
	int index; /* of the link */
	uint8_t mac[MAC_SIZE];
	struct addr addr;
	uint32_t left; /* how often it is still to be announced */
};

struct announcing {
	const char *path; /* of the container's namespace */
	ino_t ns;	  /* which one that is */
	struct target *targets;
	size_t n_targets;
};

/* ---- one announcement ---- */

/* "Who has A? Tell A": everybody who knows A notes the sender's hardware address. */
static int send_arp(const struct target *t, struct error *err)
{
	cleanup_close int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = t->index,
		.sll_halen = MAC_SIZE,
		.sll_addr = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	};
	struct ether_arp arp = {
		.ea_hdr =
			{
				.ar_hrd = htons(ARPHRD_ETHER),
				.ar_pro = htons(ETH_P_IP),
				.ar_hln = MAC_SIZE,
				.ar_pln = sizeof(arp.arp_spa),
				.ar_op = htons(ARPOP_REQUEST),
			},
	};

	memcpy(arp.arp_sha, t->mac, MAC_SIZE);
	memcpy(arp.arp_spa, t->addr.bytes, sizeof(arp.arp_spa));
	memcpy(arp.arp_tpa, t->addr.bytes, sizeof(arp.arp_tpa));
	if (fd < 0 || sendto(fd, &arp, sizeof(arp), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail_errno(err, errno, "announce %s", addr_str(&t->addr));
	return 0;
}

struct advertisement {
	struct nd_neighbor_advert advert;
	struct nd_opt_hdr option;
	uint8_t mac[MAC_SIZE];
} __attribute__((packed));

/* A socket that sends from the address; -EADDRNOTAVAIL while the kernel still tests it. */
static int open_icmp6(const struct target *t, struct error *err)
{
	cleanup_close int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	struct sockaddr_in6 from = {
		.sin6_family = AF_INET6,
		.sin6_scope_id = addr_is_link_local6(&t->addr) ? (uint32_t)t->index : 0,
	};
	struct icmp6_filter nothing;
	int hops = 255;

	memcpy(&from.sin6_addr, t->addr.bytes, sizeof(from.sin6_addr));
	ICMP6_FILTER_SETBLOCKALL(&nothing);
	if (fd < 0 || setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &nothing, sizeof(nothing)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &t->index, sizeof(t->index)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		return fail_errno(err, errno, "announce %s", addr_str(&t->addr));
	return steal_fd(&fd);
}

static int send_advertisement(const struct target *t, struct error *err)
{
	struct advertisement na = {
		.advert.nd_na_type = ND_NEIGHBOR_ADVERT,
		.advert.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE,
		.option = {.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1},
	};
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6,
		.sin6_addr = {{{0xff, 0x02, [15] = 1}}}, /* all nodes of the link */
		.sin6_scope_id = (uint32_t)t->index,
	};
	cleanup_close int fd = open_icmp6(t, err);

	if (fd < 0)
		return fd;
	memcpy(&na.advert.nd_na_target, t->addr.bytes, sizeof(na.advert.nd_na_target));
	memcpy(na.mac, t->mac, MAC_SIZE);
	if (sendto(fd, &na, sizeof(na), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail_errno(err, errno, "announce %s", addr_str(&t->addr));
	return 0;
}

/* ---- all of them ---- */

/* Announces everything that has announcements left, once. Runs in the container's namespace. */
static int send_round(void *arg, struct error *err)
{
	struct announcing *a = arg;

	for (size_t i = 0; i < a->n_targets; i++) {
		struct target *t = &a->targets[i];
		int r;

		if (!t->left)
			continue;
		r = t->addr.family == AF_INET ? send_arp(t, err) : send_advertisement(t, err);
		if (r == 0)
			t->left--;
		else if (r != -EADDRNOTAVAIL)
			return r;
	}
	return 0;
}

static ino_t id_of(int ns)
{
	struct stat st;

	return fstat(ns, &st) == 0 ? st.st_ino : 0;
}

static bool any_left(const struct announcing *a)
{
	for (size_t i = 0; i < a->n_targets; i++)
		if (a->targets[i].left)
			return true;
	return false;
}

/*
 * The child. Even the first announcement is its work: to close a packet socket takes the kernel a
 * grace period, ten milliseconds and more. It enters the namespace for each round anew and holds it only
 * meanwhile, so that a container that goes away takes its interface along as ever. Any error ends it.
 */
static void send_all(void *arg)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	struct announcing *a = arg;
	struct error err;
	int home, r = netns_open("/proc/self/ns/net", &home, &err);

	for (int round = 0; r == 0 && round < ROUNDS && any_left(a); round++) {
		cleanup_close int ns = -1;

		if (round)
			nanosleep(&pause, NULL);
		r = netns_open(a->path, &ns, &err);
		if (r == 0 && id_of(ns) != a->ns)
			return;
		if (r == 0)
			r = netns_run(ns, home, send_round, a, &err);
	}
}

static struct target *targets_of(const struct network_status *list, size_t n, struct arena *arena,
				 size_t *out_n)
{
	struct target *targets = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct network_plan *net = list[i].net;

		for (size_t k = 0; net->announcements && k < net->n_addresses; k++) {
			targets = arena_grow(arena, targets, *out_n, sizeof(*targets));
			struct target *t = &targets[(*out_n)++];
			*t = (struct target){.index = list[i].index,
					     .addr = net->addresses[k].prefix.addr,
					     .left = net->announcements};
			memcpy(t->mac, list[i].mac, MAC_SIZE);
		}
	}
	return targets;
}

void announce(const struct network_status *list, size_t n, struct host *h)
{
	struct announcing a = {.path = h->netns, .ns = id_of(h->container_ns)};
	struct error err;
	int r;

	a.targets = targets_of(list, n, h->arena, &a.n_targets);
	if (!a.n_targets)
		return;
	r = fault("announce", &err);
	if (r == 0)
		r = process_detach(send_all, &a, CHILD_MAX, &err);
	if (r < 0)
		log_info("%s", err.text);
}
