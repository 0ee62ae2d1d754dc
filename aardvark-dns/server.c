/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "aardvark-dns/clock.h"
#include "aardvark-dns/tcp.h"
#include "common/fault.h"
#include "common/log.h"

#define BATCH		64   /* datagrams for one system call */
#define BATCHES		4    /* for one listener before others get their turn */
#define UDP_QUERY_MAX	4096 /* bytes; longer datagrams are ignored */
#define OUT_ROOM	(BATCH * ANSWER_UDP_MAX + SERVICE_UDP_MAX)
#define RECEIVE_BUFFER	(1 << 20)
#define BACKLOG		256
#define ACCEPTS		64
#define RETRIES_MAX	10
#define RETRY_STEP_MS	100
#define RETRY_MAX_MS	2000
#define ACCEPT_PAUSE_MS 100
#define IPV6_FREEBIND_	78 /* linux/in6.h, which cannot be used together with netinet/in.h */
#define TENTATIVE	0x40
#define CONTROL_ROOM	CMSG_SPACE(sizeof(struct in6_pktinfo))

struct listener {
	LIST_ENTRY(listener) link;
	struct server *server;
	struct addr addr;
	const struct zone_listener *zone; /* in the snapshot in force */
	int udp, tcp;			  /* -1: could not be opened */
	struct event *udp_event, *tcp_event;
	struct event *accept_pause;
};

/* Room for the datagrams of one turn. */
struct batch {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH];
	struct peer peers[BATCH];
	struct answer_context contexts[BATCH];
	struct {
		unsigned int message;
		enum answer verdict;
	} forwards[BATCH];
	unsigned int n_out, n_forwards;
	uint8_t in_data[BATCH][UDP_QUERY_MAX];
	size_t out_len; /* bytes of out_data that are in use */
	uint8_t out_data[OUT_ROOM];
	_Alignas(struct cmsghdr) uint8_t in_control[BATCH][CONTROL_ROOM];
	_Alignas(struct cmsghdr) uint8_t out_control[BATCH][CONTROL_ROOM];
};

struct server {
	struct service *service;
	struct tcp *tcp;
	LIST_HEAD(listeners, listener) listeners;
	struct event *retry;
	unsigned int retries;
	struct batch batch;
};

/* --- UDP --- */

/* Remembers which of our addresses a query was sent to, where the socket does not say. */
static void read_control(struct msghdr *msg, struct peer *peer)
{
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			peer->to.family = AF_INET;
			memcpy(peer->to.bytes, &v4.ipi_spec_dst, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			peer->to.family = AF_INET6;
			memcpy(peer->to.bytes, &v6.ipi6_addr, 16);
			/* Only there the interface is part of the address. */
			peer->to_index = addr_is_link_local6(&peer->to) ? v6.ipi6_ifindex : 0;
		}
	}
}

/* Makes a reply leave with the address that was asked. */
static void write_control(struct msghdr *msg, uint8_t *room, const struct peer *peer)
{
	if (!peer->to.family)
		return;
	memset(room, 0, CONTROL_ROOM);
	msg->msg_control = room;
	msg->msg_controllen = CONTROL_ROOM;
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	if (peer->to.family == AF_INET) {
		struct in_pktinfo v4 = {0};

		memcpy(&v4.ipi_spec_dst, peer->to.bytes, 4);
		*c = (struct cmsghdr){CMSG_LEN(sizeof(v4)), IPPROTO_IP, IP_PKTINFO};
		memcpy(CMSG_DATA(c), &v4, sizeof(v4));
		msg->msg_controllen = CMSG_SPACE(sizeof(v4));
	} else {
		struct in6_pktinfo v6 = {.ipi6_ifindex = peer->to_index};

		memcpy(&v6.ipi6_addr, peer->to.bytes, 16);
		*c = (struct cmsghdr){CMSG_LEN(sizeof(v6)), IPPROTO_IPV6, IPV6_PKTINFO};
		memcpy(CMSG_DATA(c), &v6, sizeof(v6));
		msg->msg_controllen = CMSG_SPACE(sizeof(v6));
	}
}

static int batch_receive(struct batch *b, int fd)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		b->in_iov[i] = (struct iovec){b->in_data[i], UDP_QUERY_MAX};
		b->in[i].msg_hdr = (struct msghdr){
			.msg_name = &b->peers[i].from,
			.msg_namelen = sizeof(b->peers[i].from),
			.msg_iov = &b->in_iov[i],
			.msg_iovlen = 1,
			.msg_control = b->in_control[i],
			.msg_controllen = CONTROL_ROOM,
		};
	}
	b->n_out = b->n_forwards = 0;
	b->out_len = 0;
	return recvmmsg(fd, b->in, BATCH, MSG_DONTWAIT, NULL);
}

static void batch_add_reply(struct batch *b, const struct peer *peer, size_t len)
{
	unsigned int i = b->n_out++;

	b->out_iov[i] = (struct iovec){b->out_data + b->out_len, len};
	b->out_len += len;
	b->out[i].msg_hdr = (struct msghdr){
		.msg_name = (void *)&peer->from,
		.msg_namelen = peer->from_len,
		.msg_iov = &b->out_iov[i],
		.msg_iovlen = 1,
	};
	write_control(&b->out[i].msg_hdr, b->out_control[i], peer);
}

/* A full buffer drops the rest, as UDP may; a refused client must not cost others their reply. */
static void batch_send(struct batch *b, int fd)
{
	unsigned int done = 0;

	while (done < b->n_out) {
		int n = sendmmsg(fd, b->out + done, b->n_out - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			break;
		done += n > 0 ? (unsigned int)n : 1;
	}
	b->n_out = 0;
	b->out_len = 0;
}

/* Answers what we know; the rest is noted, so that local answers never wait for forwards. */
static void batch_answer(struct batch *b, const struct listener *l, unsigned int i)
{
	struct service *s = l->server->service;
	struct msghdr *msg = &b->in[i].msg_hdr;
	struct peer *peer = &b->peers[i];

	if (msg->msg_flags & MSG_TRUNC)
		return;
	peer->from_len = msg->msg_namelen;
	peer->to.family = 0;
	if (addr_is_zero(&l->addr))
		read_control(msg, peer);
	struct asked asked = {.zones = s->zones,
			      .listener = l->zone,
			      .client = peer_addr(&peer->from)};
	struct wire reply = {.data = b->out_data + b->out_len, .room = ANSWER_UDP_MAX};
	enum answer verdict =
		answer(&s->rules, &asked, b->in_data[i], b->in[i].msg_len, &b->contexts[i], &reply);
	enum source source = SOURCE_LOCAL;
	if (service_refuses(s, &b->contexts[i], &asked.client, &reply))
		verdict = ANSWER_REPLY;
	if (verdict == ANSWER_FORWARD) {
		reply.room = SERVICE_UDP_MAX;
		source = SOURCE_CACHE;
		if (service_cached(s, &b->contexts[i], false, &reply))
			verdict = ANSWER_REPLY;
	}
	if (verdict == ANSWER_DROP)
		stats_count_ignored(s->stats);
	if (verdict == ANSWER_REPLY) {
		service_answered(s, &b->contexts[i], &asked, source, reply.data, reply.len);
		batch_add_reply(b, peer, reply.len);
	} else if (verdict != ANSWER_DROP) {
		b->forwards[b->n_forwards].message = i;
		b->forwards[b->n_forwards++].verdict = verdict;
	}
	/* Answers of the cache may be longer than ours. */
	if (OUT_ROOM - b->out_len < SERVICE_UDP_MAX)
		batch_send(b, l->udp);
}

static void on_forward_done(void *owner, const struct peer *peer, const struct forward_end *end)
{
	const struct listener *l = owner;
	struct addr client = peer_addr(&peer->from);
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_ROOM];
	struct iovec iov = {(void *)end->message, end->len};
	struct msghdr msg = {
		.msg_name = (void *)&peer->from,
		.msg_namelen = peer->from_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	service_forwarded(l->server->service, l->zone, &client, false, end);
	if (!end->message)
		return;
	write_control(&msg, control, peer);
	/* An error of an earlier datagram to another client may be told here: try once more. */
	if (sendmsg(l->udp, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		(void)sendmsg(l->udp, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void batch_forward(struct batch *b, struct listener *l)
{
	for (unsigned int i = 0; i < b->n_forwards; i++) {
		unsigned int m = b->forwards[i].message;
		struct waiter waiter = {
			.peer = b->peers[m],
			.client = peer_addr(&b->peers[m].from),
			.owner = l,
			.done = on_forward_done,
		};

		service_forward(l->server->service, b->forwards[i].verdict, &b->contexts[m],
				&waiter);
	}
}

static void on_datagrams(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct batch *b = &l->server->batch;

	(void)what;
	service_new_turn(l->server->service);
	for (int turn = 0; turn < BATCHES; turn++) {
		int n = batch_receive(b, fd);

		for (int i = 0; i < n; i++)
			batch_answer(b, l, (unsigned int)i);
		batch_send(b, fd);
		batch_forward(b, l);
		if (n < BATCH)
			return;
	}
}

/* --- TCP --- */

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	event_add(l->tcp_event, NULL);
}

static void on_connections(evutil_socket_t fd, short what, void *arg)
{
	struct timeval pause = clock_ms(ACCEPT_PAUSE_MS);
	struct listener *l = arg;
	int r = 1;

	(void)what;
	for (int i = 0; i < ACCEPTS && r > 0; i++)
		r = tcp_accept(l->server->tcp, fd, &l->zone);
	if (r < 0) {
		/* No descriptors: the socket would stay ready and keep us busy for nothing. */
		event_del(l->tcp_event);
		event_add(l->accept_pause, &pause);
	}
}

/* --- Listeners --- */

/* The kernel calls an address tentative until it knows that no neighbour has it. */
static bool is_tentative(const struct addr *addr)
{
	cleanup_fclose FILE *f = fopen("/proc/net/if_inet6", "re");
	char line[128], hex[33];
	unsigned int flags;

	for (size_t i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", addr->bytes[i]);
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, hex, 32) == 0 && sscanf(line + 32, "%*x %*x %*x %x", &flags) == 1)
			return flags & TENTATIVE;
	return false;
}

static void set_flag(int fd, int level, int name)
{
	(void)setsockopt(fd, level, name, &(int){1}, sizeof(int));
}

static void set_options(int fd, const struct addr *addr, int type)
{
	if (addr->family == AF_INET6)
		set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (type == SOCK_STREAM) {
		set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){RECEIVE_BUFFER}, sizeof(int));
	if (addr_is_zero(addr) && addr->family == AF_INET)
		set_flag(fd, IPPROTO_IP, IP_PKTINFO);
	else if (addr_is_zero(addr))
		set_flag(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
}

static int bind_to(int fd, const struct addr *addr, uint16_t port)
{
	union socket_address sa;
	socklen_t len = peer_sockaddr(addr, port, &sa);

	if (bind(fd, &sa.any, len) == 0)
		return 0;
	if (errno != EADDRNOTAVAIL || addr->family != AF_INET6 || !is_tentative(addr))
		return -errno;
	set_flag(fd, IPPROTO_IPV6, IPV6_FREEBIND_);
	return bind(fd, &sa.any, len) == 0 ? 0 : -errno;
}

static int bind_failed(const struct listener *l, int type, int code, struct error *err)
{
	bool v6 = l->addr.family == AF_INET6;

	/* Upstream's suite checks the text up to the port. */
	return fail(err, code, "failed to bind %s listener on %s%s%s:%u: %s",
		    type == SOCK_DGRAM ? "udp" : "tcp", v6 ? "[" : "", addr_str(&l->addr),
		    v6 ? "]" : "", l->server->service->port, strerror(code));
}

static int open_socket(const struct listener *l, int type, int *out_fd, struct error *err)
{
	int r = fault("listener_open", err);
	if (r < 0)
		return r;
	cleanup_close int fd = socket(l->addr.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return bind_failed(l, type, errno, err);
	set_options(fd, &l->addr, type);
	r = bind_to(fd, &l->addr, l->server->service->port);
	if (r < 0)
		return bind_failed(l, type, -r, err);
	if (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		return bind_failed(l, type, errno, err);
	*out_fd = steal_fd(&fd);
	return 0;
}

static int watch(struct listener *l, int fd, event_callback_fn fn, struct event **out,
		 struct error *err)
{
	*out = event_new(l->server->service->base, fd, EV_READ | EV_PERSIST, fn, l);
	if (!*out || event_add(*out, NULL) < 0)
		return fail(err, ENOMEM, "cannot watch a socket");
	return 0;
}

/* Opens what is not open yet. */
static int listener_open(struct listener *l, struct error *err)
{
	int r = 0;

	if (l->udp < 0) {
		r = open_socket(l, SOCK_DGRAM, &l->udp, err);
		if (r == 0)
			r = watch(l, l->udp, on_datagrams, &l->udp_event, err);
	}
	if (r == 0 && l->tcp < 0) {
		r = open_socket(l, SOCK_STREAM, &l->tcp, err);
		if (r == 0)
			r = watch(l, l->tcp, on_connections, &l->tcp_event, err);
	}
	return r;
}

static void event_release(struct event *e)
{
	if (e)
		event_free(e);
}

static void listener_free(struct listener *l)
{
	tcp_close_of(l->server->tcp, &l->zone);
	forward_forget(l->server->service->forwarder, l);
	event_release(l->udp_event);
	event_release(l->tcp_event);
	event_release(l->accept_pause);
	if (l->udp >= 0)
		close(l->udp);
	if (l->tcp >= 0)
		close(l->tcp);
	LIST_REMOVE(l, link);
	free(l);
}

static struct listener *listener_new(struct server *s, const struct addr *addr)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct listener){.server = s, .addr = *addr, .udp = -1, .tcp = -1};
	l->accept_pause = evtimer_new(s->service->base, on_accept_again, l);
	if (!l->accept_pause) {
		free(l);
		return NULL;
	}
	LIST_INSERT_HEAD(&s->listeners, l, link);
	return l;
}

static struct listener *listener_find(struct server *s, const struct addr *addr)
{
	struct listener *l;

	LIST_FOREACH(l, &s->listeners, link)
	if (addr_equal(&l->addr, addr))
		return l;
	return NULL;
}

/* --- Applying a snapshot --- */

static void close_gone(struct server *s, const struct zones *zones)
{
	struct listener *l = LIST_FIRST(&s->listeners);

	while (l) {
		struct listener *next = LIST_NEXT(l, link);

		l->zone = zones_find_listener(zones, &l->addr);
		if (!l->zone)
			listener_free(l);
		l = next;
	}
}

/*
 * Opens all that is not open. In the order of the snapshot, which is that of the messages. Adds a
 * line to err for each failure that counts, and tells whether there was any failure at all.
 */
static bool open_missing(struct server *s, unsigned int *out_open, struct error *err,
			 struct error *forgivable)
{
	const struct zones *z = s->service->zones;
	bool complete = true;

	for (size_t i = 0; i < z->n_listeners; i++) {
		struct listener *l = listener_find(s, &z->listeners[i].addr);
		struct error one = {0};
		int r = l ? listener_open(l, &one) : fail(&one, ENOMEM, "out of memory");

		*out_open += r == 0;
		complete = complete && r == 0;
		if (r < 0) {
			struct error *to = r == -EADDRNOTAVAIL && l && l->addr.family == AF_INET6
						   ? forgivable
						   : err;
			size_t used = strlen(to->text);

			to->code = one.code;
			snprintf(to->text + used, sizeof(to->text) - used, "%s%.4000s",
				 used ? "\n" : "", one.text);
		}
	}
	return complete;
}

static void schedule_retry(struct server *s)
{
	unsigned int ms = RETRY_STEP_MS << s->retries;

	if (s->retries >= RETRIES_MAX)
		return;
	s->retries++;
	if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	struct timeval wait = clock_ms(ms);
	event_add(s->retry, &wait);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	struct error err = {0}, forgivable = {0};
	unsigned int n = 0;

	(void)fd;
	(void)what;
	if (open_missing(s, &n, &err, &forgivable))
		log_info("all addresses are served now");
	else
		schedule_retry(s);
}

int server_apply(struct server *s, const struct zones *zones, struct error *err)
{
	struct error forgivable = {0};
	unsigned int n_open = 0;

	err->code = 0;
	err->text[0] = '\0';
	service_set_zones(s->service, zones);
	close_gone(s, zones);
	for (size_t i = 0; i < zones->n_listeners; i++) {
		struct listener *l = listener_find(s, &zones->listeners[i].addr);

		if (!l)
			l = listener_new(s, &zones->listeners[i].addr);
		if (l)
			l->zone = &zones->listeners[i];
	}
	event_del(s->retry);
	s->retries = 0;
	if (!open_missing(s, &n_open, err, &forgivable))
		schedule_retry(s);
	if (forgivable.code && !err->code && n_open == 0)
		*err = forgivable;
	else if (forgivable.code)
		log_warn("%s", forgivable.text);
	return -err->code;
}

void server_close(struct server *s)
{
	event_del(s->retry);
	while (!LIST_EMPTY(&s->listeners))
		listener_free(LIST_FIRST(&s->listeners));
}

int server_new(struct service *service, struct server **out, struct error *err)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s)
		return fail(err, ENOMEM, "out of memory");
	s->service = service;
	LIST_INIT(&s->listeners);
	s->retry = evtimer_new(service->base, on_retry, s);
	if (!s->retry) {
		free(s);
		return fail(err, ENOMEM, "out of memory");
	}
	int r = tcp_new(service, &s->tcp, err);
	if (r < 0) {
		server_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	server_close(s);
	tcp_free(s->tcp);
	event_free(s->retry);
	free(s);
}
