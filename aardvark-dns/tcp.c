/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/tcp.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/fault.h"

#define CONNECTIONS_MAX		   256
#define CONNECTIONS_PER_CLIENT_MAX 32
#define WAITING_MAX		   64		/* forwarded queries of one connection */
#define OUTPUT_MAX		   (256u << 10) /* bytes; beyond that we stop reading */
#define LENGTH_SIZE		   2
#define IDLE_SECONDS		   3

struct connection {
	TAILQ_ENTRY(connection) link;
	struct tcp *tcp;
	const struct zone_listener *const *zone;
	struct bufferevent *stream;
	struct event *timer;
	struct peer peer;
	struct addr client;
	unsigned int waiting; /* forwarded queries without an end yet */
	bool half_closed;     /* the client sends no more */
	bool over;	      /* the timer frees it */
};

struct tcp {
	struct service *service;
	TAILQ_HEAD(connections, connection) list; /* the one that was quiet for longest first */
	size_t n;
	uint8_t reply[WIRE_TCP_MAX];
};

static size_t output_len(const struct connection *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->stream));
}

/* From the last whole message, answer, or progress of the client, not from the last byte. */
static void restart_timer(struct connection *c)
{
	struct timeval idle = {.tv_sec = IDLE_SECONDS};

	if (!c->over)
		event_add(c->timer, &idle);
}

/* Never frees at once: our callers still use the connection. */
static void end_connection(struct connection *c)
{
	c->over = true;
	bufferevent_disable(c->stream, EV_READ);
	event_active(c->timer, EV_TIMEOUT, 0);
}

static void end_if_done(struct connection *c)
{
	if (c->half_closed && c->waiting == 0 && output_len(c) == 0)
		end_connection(c);
}

static void connection_free(struct connection *c)
{
	if (c->waiting)
		forward_forget(c->tcp->service->forwarder, c);
	TAILQ_REMOVE(&c->tcp->list, c, link);
	c->tcp->n--;
	event_free(c->timer);
	bufferevent_free(c->stream);
	free(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	(void)fd;
	(void)what;
	if (!c->over && c->waiting && output_len(c) == 0)
		restart_timer(c);
	else
		connection_free(c);
}

static void send_message(struct connection *c, const uint8_t *message, size_t len)
{
	uint8_t prefix[LENGTH_SIZE];

	wire_store16(prefix, (uint16_t)len);
	bufferevent_write(c->stream, prefix, sizeof(prefix));
	bufferevent_write(c->stream, message, len);
	restart_timer(c);
}

static void on_forward_done(void *owner, const struct peer *peer, const struct forward_end *end)
{
	struct connection *c = owner;

	(void)peer;
	c->waiting--;
	service_forwarded(c->tcp->service, *c->zone, &c->client, true, end);
	if (end->message && output_len(c) <= OUTPUT_MAX)
		send_message(c, end->message, end->len);
	end_if_done(c);
}

static void take_message(struct connection *c, const uint8_t *message, size_t len)
{
	struct service *s = c->tcp->service;
	struct asked asked = {.zones = s->zones,
			      .listener = *c->zone,
			      .client = c->client,
			      .tcp = true};
	struct wire reply = {.data = c->tcp->reply, .room = sizeof(c->tcp->reply)};
	struct answer_context context;
	enum answer verdict = answer(&s->rules, &asked, message, len, &context, &reply);

	enum source source = SOURCE_LOCAL;
	if (service_refuses(s, &context, &c->client, &reply))
		verdict = ANSWER_REPLY;
	if (verdict == ANSWER_FORWARD && service_cached(s, &context, true, &reply)) {
		verdict = ANSWER_REPLY;
		source = SOURCE_CACHE;
	}
	if (verdict == ANSWER_DROP)
		stats_count_ignored(s->stats);
	if (verdict == ANSWER_REPLY) {
		service_answered(s, &context, &asked, source, reply.data, reply.len);
		send_message(c, reply.data, reply.len);
	}
	if (verdict != ANSWER_FORWARD && verdict != ANSWER_FORWARD_IF_HOST)
		return;
	c->waiting++;
	service_forward(s, verdict, &context,
			&(struct waiter){.peer = c->peer,
					 .client = c->client,
					 .tcp = true,
					 .owner = c,
					 .done = on_forward_done});
}

static bool is_full(const struct connection *c)
{
	return c->waiting >= WAITING_MAX || output_len(c) > OUTPUT_MAX;
}

/* Takes all whole messages that are there. */
static void take_messages(struct connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->stream);
	uint8_t prefix[LENGTH_SIZE];

	service_new_turn(c->tcp->service);
	while (!c->over && !is_full(c) &&
	       evbuffer_copyout(in, prefix, sizeof(prefix)) == LENGTH_SIZE) {
		size_t len = wire_load16(prefix);

		if (len == 0) {
			end_connection(c);
			return;
		}
		if (evbuffer_get_length(in) < LENGTH_SIZE + len)
			return;
		const uint8_t *data = evbuffer_pullup(in, (ssize_t)(LENGTH_SIZE + len));
		if (!data) {
			end_connection(c);
			return;
		}
		restart_timer(c);
		take_message(c, data + LENGTH_SIZE, len);
		evbuffer_drain(in, LENGTH_SIZE + len);
	}
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct connection *c = arg;

	take_messages(c);
	if (is_full(c))
		bufferevent_disable(stream, EV_READ);
}

/* The output has run empty. */
static void on_written(struct bufferevent *stream, void *arg)
{
	struct connection *c = arg;

	take_messages(c);
	if (!c->over && !c->half_closed && !is_full(c))
		bufferevent_enable(stream, EV_READ);
	end_if_done(c);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct connection *c = arg;

	(void)stream;
	if (what & BEV_EVENT_EOF)
		c->half_closed = true;
	else
		end_connection(c);
	end_if_done(c);
}

static void on_output(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
	(void)buffer;
	if (info->n_deleted)
		restart_timer(arg);
}

static struct connection *connection_new(struct tcp *t, int fd, const struct peer *peer)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c)
		c->timer = evtimer_new(t->service->base, on_timer, c);
	if (c && c->timer)
		c->stream = bufferevent_socket_new(t->service->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->timer || !c->stream) {
		if (c && c->timer)
			event_free(c->timer);
		free(c);
		close(fd);
		return NULL;
	}
	c->tcp = t;
	c->peer = *peer;
	c->client = peer_addr(&peer->from);
	TAILQ_INSERT_TAIL(&t->list, c, link);
	t->n++;
	bufferevent_setcb(c->stream, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->stream, EV_READ, 0, LENGTH_SIZE + WIRE_TCP_MAX);
	evbuffer_add_cb(bufferevent_get_output(c->stream), on_output, c);
	bufferevent_enable(c->stream, EV_READ | EV_WRITE);
	restart_timer(c);
	return c;
}

static bool is_idle(const struct connection *c)
{
	return c->waiting == 0 && output_len(c) == 0;
}

/* The connection to give up for a new one: the client's own, one that is idle, the oldest. */
static struct connection *find_victim(struct tcp *t, const struct addr *client)
{
	struct connection *c = NULL, *own = NULL, *own_idle = NULL, *idle = NULL;
	size_t n_own = 0;

	TAILQ_FOREACH(c, &t->list, link)
	{
		bool is_own = addr_equal(&c->client, client);

		n_own += is_own;
		if (is_own && !own)
			own = c;
		if (is_own && !own_idle && is_idle(c))
			own_idle = c;
		if (!idle && is_idle(c))
			idle = c;
	}
	if (n_own >= CONNECTIONS_PER_CLIENT_MAX)
		return own_idle ? own_idle : own;
	if (t->n >= CONNECTIONS_MAX)
		return idle ? idle : TAILQ_FIRST(&t->list);
	return NULL;
}

int tcp_accept(struct tcp *t, int listening_fd, const struct zone_listener *const *zone)
{
	struct peer peer = {.from_len = sizeof(peer.from)};
	int fd =
		accept4(listening_fd, &peer.from.any, &peer.from_len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EAGAIN ? 0
		       : errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS
			       ? -errno
			       : 1; /* this one has gone again */
	struct addr client = peer_addr(&peer.from);
	struct connection *victim = find_victim(t, &client);
	if (victim)
		connection_free(victim);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	struct connection *c = connection_new(t, fd, &peer);
	if (c)
		c->zone = zone;
	return 1;
}

void tcp_close_of(struct tcp *t, const struct zone_listener *const *zone)
{
	struct connection *c = TAILQ_FIRST(&t->list);

	while (c) {
		struct connection *next = TAILQ_NEXT(c, link);

		if (c->zone == zone)
			connection_free(c);
		c = next;
	}
}

int tcp_new(struct service *service, struct tcp **out, struct error *err)
{
	struct tcp *t = calloc(1, sizeof(*t));

	if (!t)
		return fail(err, ENOMEM, "out of memory");
	t->service = service;
	TAILQ_INIT(&t->list);
	*out = t;
	return 0;
}

void tcp_free(struct tcp *t)
{
	struct connection *c;

	if (!t)
		return;
	while ((c = TAILQ_FIRST(&t->list)))
		connection_free(c);
	free(t);
}
