/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/channel.h"

#define CARES_NO_DEPRECATED /* what the oldest version has is all we need */
#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "aardvark-dns/relay.h"
#include "common/log.h"

#define CHANNELS_MAX	16   /* each costs 73 KiB in c-ares 1.18 */
#define EXCHANGES_MAX	64   /* in one channel, abandoned ones included */
#define CHANNEL_SOCKETS 4    /* one is usual; another while it is being replaced */
#define GIVE_UP_MS	5500 /* later than any forward waits */
#define REAP_SECONDS	6
#define PORT_DNS	53
#define RECEIVES_MAX	64		   /* datagrams for one wake-up */
#define SEND_BUFFER	(WIRE_TCP_MAX + 1) /* bytes; the kernel doubles it */
#define LENGTH_SIZE	2
#define TOKEN_SIZE	(WIRE_HEADER_SIZE + 5)

/*
 * c-ares never sees a message of ours. What goes through it is a token: a header and the question
 * for the root, in both directions. Where it sends the token, we send the query; where it looks for
 * a reply, we find out to whose query one is, keep it, and give it a token with the same ID. For the
 * messages must arrive as they were sent, and c-ares 1.18 cuts them at 512 bytes unless told about
 * EDNS (and then strips the query after a FORMERR), while 1.34 takes them apart, writes them anew,
 * with an ID of its own, and drops what it does not understand.
 */
struct exchange {
	TAILQ_ENTRY(exchange) link;
	struct channel *channel;
	exchange_done done; /* NULL: abandoned, but c-ares still waits for it */
	void *arg;
	bool starting; /* inside ares_send(): a failure is told by its caller */
	bool over;
	bool sent;
	unsigned int wrong; /* datagrams that may have been meant for it, but are not its reply */
	uint8_t *reply;	    /* NULL: not there yet */
	size_t reply_len;
	size_t len;
	uint8_t query[]; /* with the ID of the token, once sent */
};

/*
 * A c-ares channel that talks to one server at a time over one transport. As long as there is an
 * idle one, every exchange has its own and thus a source port of its own.
 */
struct channel {
	struct pool *pool;
	ares_channel ares; /* NULL: this place is free */
	bool tcp;
	struct sockaddr_storage server;
	TAILQ_HEAD(exchanges, exchange) exchanges;
	unsigned int n_exchanges;
	uint64_t used; /* value of pool->clock when it was last given out */
	int udp_fd;
	struct stream {
		int fd;
		size_t len;	 /* bytes of the message that is being read, its length included */
		size_t token_at; /* bytes of the token that c-ares has got */
		bool token_there;
		uint8_t token[LENGTH_SIZE + TOKEN_SIZE];
		uint8_t *message; /* room for the longest one; NULL until a connection is used */
	} stream;
	struct channel_socket {
		struct event *event; /* NULL: this place is free */
		int fd;
	} sockets[CHANNEL_SOCKETS];
	struct event *reaper;
};

struct pool {
	struct event_base *base;
	struct channel channels[CHANNELS_MAX];
	uint64_t clock;
	uint8_t datagram[WIRE_TCP_MAX];
};

/* --- Sockets, as c-ares wants them --- */

static void stream_reset(struct stream *s, int fd)
{
	s->fd = fd;
	s->len = s->token_at = 0;
	s->token_there = false;
}

static ares_socket_t on_socket(int family, int type, int protocol, void *arg)
{
	struct channel *ch = arg;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (fd >= 0 && type == SOCK_DGRAM)
		ch->udp_fd = fd;
	if (fd >= 0 && type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
	return fd;
}

static int on_close(ares_socket_t fd, void *arg)
{
	struct channel *ch = arg;

	if (fd == ch->udp_fd)
		ch->udp_fd = -1;
	if (fd == ch->stream.fd)
		stream_reset(&ch->stream, -1);
	return close(fd);
}

/* c-ares knows no zones of link-local addresses, so it gets to connect to what we meant. */
static int on_connect(ares_socket_t fd, const struct sockaddr *addr, ares_socklen_t len, void *arg)
{
	const struct channel *ch = arg;
	struct sockaddr_in6 v6;

	if (addr->sa_family != AF_INET6)
		return connect(fd, addr, len);
	memcpy(&v6, addr, sizeof(v6));
	v6.sin6_scope_id = ((const struct sockaddr_in6 *)&ch->server)->sin6_scope_id;
	return connect(fd, (const struct sockaddr *)&v6, sizeof(v6));
}

/* --- Messages in place of tokens --- */

static void write_token(uint16_t id, uint16_t flags, uint8_t out[TOKEN_SIZE])
{
	struct wire w = {.data = out, .room = TOKEN_SIZE};

	wire_put16(&w, id);
	wire_put16(&w, flags);
	wire_put16(&w, 1);
	wire_put16(&w, 0);
	wire_put32(&w, 0);
	wire_put(&w, "", 1);
	wire_put16(&w, TYPE_A);
	wire_put16(&w, CLASS_IN);
}

/*
 * The exchange that a message answers gets it, and c-ares a token. Returns false if there is none:
 * the message is to be ignored. The token says REFUSED because newer versions neither cache that
 * nor count it for their statistics, by which they would wait less for a server that was quick.
 */
static bool take_reply(struct channel *ch, const uint8_t *message, size_t len,
		       uint8_t token[TOKEN_SIZE])
{
	struct exchange *x;

	TAILQ_FOREACH(x, &ch->exchanges, link)
	{
		if (!x->sent || x->reply || !relay_is_reply(x->query, x->len, message, len))
			continue;
		x->reply = malloc(len);
		if (!x->reply)
			return false;
		memcpy(x->reply, message, len);
		x->reply_len = len;
		write_token(wire_load16(message), WIRE_QR | WIRE_RD | WIRE_RA | RCODE_REFUSED,
			    token);
		return true;
	}
	return false;
}

static bool is_alone(const struct exchange *x)
{
	return TAILQ_FIRST(&x->channel->exchanges) == x && !TAILQ_NEXT(x, link);
}

/*
 * Counts a datagram that is no reply against those that wait. Where several share a socket, late
 * copies of others' replies are no attempt at guessing; who guesses must give ID or question.
 * Returns false if it was one too many: then all that wait there are better asked over TCP.
 */
static bool count_wrong(struct channel *ch, const uint8_t *message, size_t len)
{
	struct exchange *x;
	bool fine = true;

	TAILQ_FOREACH(x, &ch->exchanges, link)
	{
		if (!x->sent || x->reply ||
		    (!is_alone(x) && !relay_resembles(x->query, x->len, message, len)))
			continue;
		x->wrong++;
		fine = fine && x->wrong <= EXCHANGE_WRONG_MAX;
	}
	TAILQ_FOREACH(x, &ch->exchanges, link)
	if (!fine && x->wrong <= EXCHANGE_WRONG_MAX)
		x->wrong = EXCHANGE_WRONG_MAX + 1;
	return fine;
}

static ares_ssize_t receive_datagram(struct channel *ch, int fd, void *buf, size_t room,
				     struct sockaddr *from, ares_socklen_t *from_len)
{
	struct pool *p = ch->pool;
	uint8_t token[TOKEN_SIZE];
	ares_socklen_t from_room = from_len ? *from_len : 0;

	for (int i = 0; i < RECEIVES_MAX; i++) {
		if (from_len)
			*from_len = from_room;
		ssize_t got = recvfrom(fd, p->datagram, sizeof(p->datagram), 0, from, from_len);
		if (got < 0)
			return got;
		if (!take_reply(ch, p->datagram, (size_t)got, token)) {
			if (count_wrong(ch, p->datagram, (size_t)got))
				continue;
			/* Ends all of the socket, and the socket. */
			errno = ECONNREFUSED;
			return -1;
		}
		memcpy(buf, token, room < TOKEN_SIZE ? room : TOKEN_SIZE);
		return TOKEN_SIZE;
	}
	errno = EAGAIN;
	return -1;
}

/* How long the message on a stream is, as far as is known: at first only its length is wanted. */
static size_t stream_wants(const struct stream *s)
{
	return s->len < LENGTH_SIZE ? LENGTH_SIZE : (size_t)LENGTH_SIZE + wire_load16(s->message);
}

/* Reads until a message is whole that answers a query. Returns 1, or what recv(2) says. */
static ssize_t read_stream(struct channel *ch, int fd)
{
	struct stream *s = &ch->stream;

	if (!s->message && !(s->message = malloc(LENGTH_SIZE + WIRE_TCP_MAX))) {
		errno = ENOMEM;
		return -1;
	}
	for (;;) {
		size_t wants = stream_wants(s);
		ssize_t got = recv(fd, s->message + s->len, wants - s->len, 0);
		if (got <= 0)
			return got;
		s->len += (size_t)got;
		if (s->len < LENGTH_SIZE || s->len < stream_wants(s))
			continue;
		bool mine = take_reply(ch, s->message + LENGTH_SIZE, s->len - LENGTH_SIZE,
				       s->token + LENGTH_SIZE);
		s->len = 0;
		if (!mine)
			continue;
		wire_store16(s->token, TOKEN_SIZE);
		s->token_at = 0;
		s->token_there = true;
		return 1;
	}
}

/* c-ares reads the token as it would read the message: in pieces, if it likes. */
static ares_ssize_t receive_stream(struct channel *ch, int fd, void *buf, size_t room)
{
	struct stream *s = &ch->stream;

	if (s->fd != fd)
		stream_reset(s, fd);
	if (!s->token_there) {
		ssize_t r = read_stream(ch, fd);
		if (r <= 0)
			return r;
	}
	size_t left = sizeof(s->token) - s->token_at, n = room < left ? room : left;
	memcpy(buf, s->token + s->token_at, n);
	s->token_at += n;
	s->token_there = s->token_at < sizeof(s->token);
	return (ares_ssize_t)n;
}

static ares_ssize_t on_receive(ares_socket_t fd, void *buf, size_t room, int flags,
			       struct sockaddr *from, ares_socklen_t *from_len, void *arg)
{
	struct channel *ch = arg;

	(void)flags;
	return ch->tcp ? receive_stream(ch, fd, buf, room)
		       : receive_datagram(ch, fd, buf, room, from, from_len);
}

/* c-ares sends in the order in which it was asked to. */
static struct exchange *first_unsent(struct channel *ch)
{
	struct exchange *x;

	TAILQ_FOREACH(x, &ch->exchanges, link)
	if (!x->sent)
		return x;
	return NULL;
}

/* Sends the query that a token stands for. Part of a query is none. */
static int send_query(struct channel *ch, int fd, uint16_t id)
{
	struct exchange *x = first_unsent(ch);
	uint8_t prefix[LENGTH_SIZE];

	if (!x) {
		errno = EPROTO;
		return -1;
	}
	wire_store16(x->query, id);
	wire_store16(prefix, (uint16_t)x->len);
	struct iovec iov[] = {{prefix, sizeof(prefix)}, {x->query, x->len}};
	struct msghdr msg = {.msg_iov = ch->tcp ? iov : iov + 1, .msg_iovlen = ch->tcp ? 2 : 1};
	ssize_t sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
	if (sent < 0)
		return -1;
	if ((size_t)sent != x->len + (ch->tcp ? LENGTH_SIZE : 0)) {
		errno = ECONNRESET;
		return -1;
	}
	x->sent = true;
	return 0;
}

/* What c-ares wants to send, in one piece: a few tokens at most, some of its own making. */
static size_t flatten(const struct iovec *iov, int n, uint8_t *out, size_t room)
{
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		size_t size = iov[i].iov_len < room - len ? iov[i].iov_len : room - len;

		memcpy(out + len, iov[i].iov_base, size);
		len += size;
	}
	return len;
}

static ares_ssize_t on_send(ares_socket_t fd, const struct iovec *iov, int n, void *arg)
{
	uint8_t tokens[EXCHANGES_MAX * 64];
	size_t len = flatten(iov, n, tokens, sizeof(tokens)), at = 0;
	struct channel *ch = arg;

	if (!ch->tcp)
		return len < LENGTH_SIZE || send_query(ch, fd, wire_load16(tokens)) < 0
			       ? -1
			       : (ares_ssize_t)len;
	while (at + 2 * LENGTH_SIZE <= len) {
		size_t next = at + LENGTH_SIZE + wire_load16(tokens + at);

		if (next > len)
			break;
		if (send_query(ch, fd, wire_load16(tokens + at + LENGTH_SIZE)) < 0)
			return at ? (ares_ssize_t)at : -1;
		at = next;
	}
	if (at == 0)
		errno = EPROTO;
	return at ? (ares_ssize_t)at : -1;
}

static const struct ares_socket_functions socket_functions = {
	.asocket = on_socket,
	.aclose = on_close,
	.aconnect = on_connect,
	.arecvfrom = on_receive,
	.asendv = on_send,
};

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;

	ares_process_fd(ch->ares, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	/* Nothing wakes us up for the rest of a token: the kernel has given all of the message. */
	while (ch->stream.fd == fd && ch->stream.token_there)
		ares_process_fd(ch->ares, fd, ARES_SOCKET_BAD);
}

static struct channel_socket *find_socket(struct channel *ch, int fd)
{
	for (size_t i = 0; i < CHANNEL_SOCKETS; i++)
		if (ch->sockets[i].event && ch->sockets[i].fd == fd)
			return &ch->sockets[i];
	return NULL;
}

static void unwatch(struct channel_socket *s)
{
	if (s && s->event)
		event_free(s->event);
	if (s)
		s->event = NULL;
}

/* c-ares tells what it waits for; neither means that it is about to close the socket. */
static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct channel *ch = arg;
	short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	unwatch(find_socket(ch, fd));
	if (!readable && !writable)
		return;
	for (size_t i = 0; i < CHANNEL_SOCKETS; i++) {
		struct channel_socket *s = &ch->sockets[i];

		if (s->event)
			continue;
		s->fd = fd;
		s->event = event_new(ch->pool->base, fd, what, on_ready, ch);
		if (s->event)
			event_add(s->event, NULL);
		return;
	}
	log_warn("no room to watch another socket of a DNS channel");
}

/* --- Channels --- */

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;
	struct timeval later = {.tv_sec = 1};

	(void)fd;
	(void)what;
	if (!ch->ares)
		return;
	ares_process_fd(ch->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (ch->n_exchanges)
		event_add(ch->reaper, &later);
}

/* Everything is given, so that c-ares reads neither resolv.conf nor the environment. */
static int open_ares(struct channel *ch)
{
	struct ares_options o = {
		.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_IGNTC | (ch->tcp ? ARES_FLAG_USEVC : 0),
		.timeout = GIVE_UP_MS,
		.tries = 1,
		.ndots = 1,
		.lookups = (char *)"b",
		.sock_state_cb = on_state,
		.sock_state_cb_data = ch,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
		   ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
		   ARES_OPT_SOCK_STATE_CB | ARES_OPT_NOROTATE;

	int r = ares_init_options(&ch->ares, &o, mask);
	if (r != ARES_SUCCESS) {
		log_warn("cannot open a DNS channel: %s", ares_strerror(r));
		ch->ares = NULL;
		return -EIO;
	}
	ares_set_socket_functions(ch->ares, &socket_functions, ch);
	return 0;
}

static void channel_close(struct channel *ch)
{
	if (!ch->ares)
		return;
	ares_destroy(ch->ares); /* ends every exchange through on_answer() */
	ch->ares = NULL;
	for (size_t i = 0; i < CHANNEL_SOCKETS; i++)
		unwatch(&ch->sockets[i]);
}

static int set_server(struct channel *ch, const struct sockaddr_storage *server)
{
	struct ares_addr_port_node node = {.family = server->ss_family,
					   .udp_port = PORT_DNS,
					   .tcp_port = PORT_DNS};

	if (server->ss_family == AF_INET)
		memcpy(&node.addr.addr4, &((const struct sockaddr_in *)server)->sin_addr,
		       sizeof(node.addr.addr4));
	else
		memcpy(&node.addr.addr6, &((const struct sockaddr_in6 *)server)->sin6_addr,
		       sizeof(node.addr.addr6));
	ch->server = *server;
	return ares_set_servers_ports(ch->ares, &node) == ARES_SUCCESS ? 0 : -EIO;
}

static bool same_server(const struct channel *ch, const struct sockaddr_storage *server)
{
	return memcmp(&ch->server, server, sizeof(*server)) == 0;
}

/*
 * How well a channel suits an exchange, 0 not at all: an idle one that knows the server, an idle
 * one, a free place, an idle one of the other transport, and last one that is busy with the server.
 */
static int suitability(const struct channel *ch, const struct sockaddr_storage *server, bool tcp)
{
	bool idle = ch->ares && ch->n_exchanges == 0;

	if (idle && ch->tcp == tcp)
		return same_server(ch, server) ? 5 : 4;
	if (!ch->ares)
		return 3;
	if (idle)
		return 2;
	return ch->tcp == tcp && same_server(ch, server) && ch->n_exchanges < EXCHANGES_MAX;
}

/* Among busy ones the youngest, so that old ones run empty and can be emptied whole. */
static struct channel *best_channel(struct pool *p, const struct sockaddr_storage *server, bool tcp)
{
	struct channel *best = NULL;
	int best_value = 0;

	for (size_t i = 0; i < CHANNELS_MAX; i++) {
		struct channel *ch = &p->channels[i];
		int value = suitability(ch, server, tcp);

		if (value > best_value ||
		    (best && value == 1 && best_value == 1 && ch->used > best->used)) {
			best = ch;
			best_value = value;
		}
	}
	return best;
}

/* All are busy: the one that has been so for longest gives up what it waits for. */
static struct channel *oldest_channel(struct pool *p)
{
	struct channel *oldest = &p->channels[0];

	for (size_t i = 1; i < CHANNELS_MAX; i++)
		if (p->channels[i].used < oldest->used)
			oldest = &p->channels[i];
	ares_cancel(oldest->ares);
	return oldest;
}

static struct channel *channel_for(struct pool *p, const struct sockaddr_storage *server, bool tcp)
{
	struct channel *ch = best_channel(p, server, tcp);

	if (!ch)
		ch = oldest_channel(p);
	if (ch->ares && ch->tcp != tcp)
		channel_close(ch);
	ch->tcp = tcp;
	if (!ch->ares) {
		if (open_ares(ch) < 0)
			return NULL;
		memset(&ch->server, 0, sizeof(ch->server));
	}
	if (!same_server(ch, server) && set_server(ch, server) < 0)
		return NULL;
	if (ch->n_exchanges == 0)
		ch->used = ++p->clock;
	return ch;
}

/* --- Exchanges --- */

static void exchange_free(struct exchange *x)
{
	TAILQ_REMOVE(&x->channel->exchanges, x, link);
	x->channel->n_exchanges--;
	free(x->reply);
	free(x);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *answer, int answer_len)
{
	struct exchange *x = arg;

	(void)status;
	(void)timeouts;
	(void)answer;
	(void)answer_len;
	if (x->starting) {
		x->over = true;
		return;
	}
	if (x->done)
		x->done(x, x->arg, x->reply, x->reply_len);
	exchange_free(x);
}

static bool id_in_use(const struct channel *ch, uint16_t id)
{
	const struct exchange *x;

	TAILQ_FOREACH(x, &ch->exchanges, link)
	if (wire_load16(x->query) == id)
		return true;
	return false;
}

static uint16_t random_id(const struct channel *ch)
{
	uint16_t id = 0;

	while (getrandom(&id, sizeof(id), 0) != sizeof(id) || id_in_use(ch, id))
		;
	return id;
}

static bool server_address(const struct resolver *s, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	char *end;

	memset(out, 0, sizeof(*out));
	out->ss_family = s->addr.family;
	if (s->addr.family == AF_INET) {
		memcpy(&v4->sin_addr, s->addr.bytes, sizeof(v4->sin_addr));
		return true;
	}
	memcpy(&v6->sin6_addr, s->addr.bytes, sizeof(v6->sin6_addr));
	if (!s->zone[0])
		return true;
	v6->sin6_scope_id = if_nametoindex(s->zone);
	if (!v6->sin6_scope_id) {
		v6->sin6_scope_id = (uint32_t)strtoul(s->zone, &end, 10);
		if (*end)
			v6->sin6_scope_id = 0;
	}
	return v6->sin6_scope_id != 0;
}

static struct exchange *exchange_new(struct channel *ch, const uint8_t *query, size_t len)
{
	struct exchange *x = calloc(1, sizeof(*x) + len);

	if (!x)
		return NULL;
	x->channel = ch;
	x->len = len;
	memcpy(x->query, query, len);
	TAILQ_INSERT_TAIL(&ch->exchanges, x, link);
	ch->n_exchanges++;
	return x;
}

struct exchange *exchange_start(struct pool *p, const struct resolver *server, bool tcp,
				const uint8_t *query, size_t len, exchange_done done, void *arg)
{
	struct timeval later = {.tv_sec = REAP_SECONDS};
	struct sockaddr_storage address;
	uint8_t token[TOKEN_SIZE];

	if (!server_address(server, &address))
		return NULL;
	struct channel *ch = channel_for(p, &address, tcp);
	struct exchange *x = ch ? exchange_new(ch, query, len) : NULL;
	if (!x)
		return NULL;
	/* An old c-ares takes our ID, a new one makes its own. */
	write_token(random_id(ch), WIRE_RD, token);
	x->starting = true;
	ares_send(ch->ares, token, sizeof(token), on_answer, x);
	x->starting = false;
	if (x->over) {
		exchange_free(x);
		return NULL;
	}
	x->done = done;
	x->arg = arg;
	if (!event_pending(ch->reaper, EV_TIMEOUT, NULL))
		event_add(ch->reaper, &later);
	return x;
}

unsigned int exchange_wrong(const struct exchange *x)
{
	return x->wrong;
}

bool exchange_repeat(struct exchange *x)
{
	struct channel *ch = x->channel;

	if (ch->tcp || ch->udp_fd < 0 || !x->sent)
		return true;
	/* The refusal of an earlier datagram may come to light here instead of in c-ares. */
	return send(ch->udp_fd, x->query, x->len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0 ||
	       errno == EAGAIN;
}

/* c-ares cannot end a single query, only all of a channel: the last one to leave does that. */
void exchange_drop(struct exchange *x)
{
	struct exchange *other;

	if (!x)
		return;
	x->done = NULL;
	TAILQ_FOREACH(other, &x->channel->exchanges, link)
	if (other->done)
		return;
	ares_cancel(x->channel->ares);
}

int pool_new(struct event_base *base, struct pool **out, struct error *err)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		free(p);
		return fail(err, ENOMEM, "cannot set up c-ares");
	}
	p->base = base;
	for (size_t i = 0; i < CHANNELS_MAX; i++) {
		struct channel *ch = &p->channels[i];

		ch->pool = p;
		ch->udp_fd = ch->stream.fd = -1;
		TAILQ_INIT(&ch->exchanges);
		ch->reaper = evtimer_new(base, on_reap, ch);
		if (!ch->reaper) {
			pool_free(p);
			return fail(err, ENOMEM, "cannot set up timers");
		}
	}
	*out = p;
	return 0;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < CHANNELS_MAX; i++) {
		struct exchange *x;

		TAILQ_FOREACH(x, &p->channels[i].exchanges, link)
		x->done = NULL;
		channel_close(&p->channels[i]);
		free(p->channels[i].stream.message);
		if (p->channels[i].reaper)
			event_free(p->channels[i].reaper);
	}
	ares_library_cleanup();
	free(p);
}
