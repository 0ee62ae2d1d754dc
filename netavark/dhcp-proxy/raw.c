/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::dhcp_proxy"
#include "netavark/dhcp-proxy/raw.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

#include "common/fault.h"
#include "common/log.h"

#define FRAME_MAX  4096
#define FRAMES_MAX 64 /* looked at for one call */

/* Offsets in a frame; after the IP header of variable length they count from its end. */
#define AT_TYPE	    12
#define AT_IP	    14
#define AT_FRAGMENT 20
#define AT_PROTOCOL 23
#define AT_PORT	    (AT_IP + 2)
#define AT_OP	    (AT_IP + 8)
#define AT_CHADDR   (AT_OP + 28)

/* IPv4, not a fragment, UDP to port 68, a reply, for this hardware address. */
static int attach_filter(int fd, const uint8_t mac[MAC_SIZE])
{
	const uint32_t high =
		(uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
	const uint32_t low = (uint32_t)mac[4] << 8 | mac[5];
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 14),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, AT_PROTOCOL),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 12),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_FRAGMENT),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 10, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, AT_IP),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, AT_PORT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, 0, 7),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, AT_OP),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, AT_CHADDR),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, AT_CHADDR + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {.len = array_size(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/*
 * All protocols, not IPv4 alone: a device with macvlans on it, or in a bridge, gives a frame away
 * before it asks the listeners for one protocol.
 */
int raw_open(int index, const uint8_t mac[MAC_SIZE], int *out_fd, struct error *err)
{
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = index,
	};
	const int on = 1;
	int r = fault("raw_open", err);

	if (r < 0)
		return r;
	/* No protocol until the filter is there: nothing unfiltered comes in. */
	cleanup_close int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail_errno(err, errno, "packet socket");
	if (attach_filter(fd, mac) < 0)
		return fail_errno(err, errno, "packet filter");
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on,
		   sizeof(on)); /* from Linux 4.20 on */
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return fail_errno(err, errno, "bind packet socket");
	*out_fd = steal_fd(&fd);
	return 0;
}

int raw_send(int fd, const struct packet_identity *who, const struct packet_request *request,
	     struct error *err)
{
	uint8_t frame[PACKET_MAX];
	const size_t len = packet_build(who, request, frame);
	int r = fault("raw_send", err);

	if (r < 0)
		return r;
	log_debug("sending DHCP message of type %d, xid %08x", request->type, request->xid);
	if (send(fd, frame, len, 0) < 0)
		return fail_errno(err, errno, "send DHCP message");
	return 0;
}

int raw_receive(int fd, struct packet_reply *out)
{
	uint8_t frame[FRAME_MAX];

	for (int i = 0; i < FRAMES_MAX; i++) {
		const ssize_t len = recv(fd, frame, sizeof(frame), 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return 0; /* nothing more, or the interface is down */
		if (packet_parse(frame, (size_t)len, out)) {
			log_debug("received DHCP message of type %d, xid %08x", out->type,
				  out->xid);
			return 1;
		}
	}
	return 0;
}
