/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/service.h"

#include <string.h>

#include "aardvark-dns/clock.h"
#include "aardvark-dns/relay.h"

#define PORT_DNS 53

/* Asking ourselves would go round for ever. */
static bool is_own(const struct service *s, const struct addr *addr)
{
	if (s->port != PORT_DNS)
		return false;
	for (size_t i = 0; i < s->zones->n_listeners; i++) {
		const struct addr *own = &s->zones->listeners[i].addr;

		if (addr_equal(own, addr) ||
		    (addr_is_zero(own) && own->family == addr->family && peer_is_host(addr)))
			return true;
	}
	return false;
}

static size_t add_resolver(const struct service *s, struct resolver *out, size_t n,
			   const struct resolver *one)
{
	if (n == FORWARD_SERVERS_MAX || is_own(s, &one->addr))
		return n;
	out[n] = *one;
	return n + 1;
}

void service_set_zones(struct service *s, const struct zones *zones)
{
	s->zones = zones;
	s->host.known = false;
	stats_set_zones(s->stats, zones);
	attached_forget(&s->attached);
}

bool service_refuses(struct service *s, const struct answer_context *c, const struct addr *client,
		     struct wire *reply)
{
	if (!c->whole || c->view.host ||
	    attached_has(&s->attached, s->zones, client, clock_now_ms()))
		return false;
	reply->len = 0;
	reply->bad = false;
	answer_empty(&c->query, RCODE_REFUSED, reply);
	return true;
}

void service_refresh(struct service *s)
{
	if (!resolvconf_refresh(&s->resolvconf))
		return;
	s->host.known = false;
	cache_flush(s->cache);
}

void service_new_turn(struct service *s)
{
	s->host.looked = false;
	s->turn_us = s->tell ? clock_now_us() : 0;
}

static void finish(struct service *s, const struct finished *f)
{
	stats_count(s->stats, f);
	if (s->tell)
		s->tell(s->tell_arg, f);
}

void service_answered(struct service *s, const struct answer_context *c, const struct asked *asked,
		      enum source source, const uint8_t *reply, size_t len)
{
	struct finished f = {
		.view = c->whole ? &c->view : NULL,
		.client = asked->client,
		.tcp = asked->tcp,
		.question = c->whole ? c->query.bytes + WIRE_HEADER_SIZE : NULL,
		.question_len = c->whole ? c->query.question_len : 0,
		.reply = reply,
		.reply_len = len,
		.source = source,
		.started_us = s->turn_us,
	};

	finish(s, &f);
}

void service_forwarded(struct service *s, const struct zone_listener *listener,
		       const struct addr *client, bool tcp, const struct forward_end *end)
{
	struct view view = zones_view(s->zones, listener, client);
	struct finished f = {
		.view = &view,
		.client = *client,
		.tcp = tcp,
		.question = end->question,
		.question_len = end->question_len,
		.reply = end->message,
		.reply_len = end->len,
		.source = end->asked ? SOURCE_SERVER : SOURCE_LOCAL,
		.started_us = end->started_us ? end->started_us : s->turn_us,
	};

	finish(s, &f);
}

static void find_host_servers(struct service *s)
{
	if (!s->host.looked)
		service_refresh(s);
	s->host.looked = true;
	if (s->host.known)
		return;
	s->host.known = true;
	s->host.n = 0;
	s->host.set = 0;
	for (size_t i = 0; i < s->resolvconf.now.n_servers; i++) {
		s->host.n = add_resolver(s, s->host.list, s->host.n, &s->resolvconf.now.servers[i]);
	}
	for (size_t i = 0; i < s->host.n; i++)
		s->host.set = cache_servers_add(s->cache, s->host.set, &s->host.list[i]);
}

/* The servers for a client, own listeners left out. */
static size_t choose_resolvers(struct service *s, const struct view *v, struct resolver *out,
			       bool *out_configured)
{
	struct addr configured[VIEW_SERVERS_MAX];
	size_t n_configured = view_servers(v, configured), n = 0;

	*out_configured = n_configured > 0;
	for (size_t i = 0; i < n_configured; i++)
		n = add_resolver(s, out, n, &(struct resolver){.addr = configured[i]});
	if (n_configured)
		return n;
	find_host_servers(s);
	memcpy(out, s->host.list, s->host.n * sizeof(*out));
	return s->host.n;
}

bool service_cached(struct service *s, const struct answer_context *c, bool tcp, struct wire *reply)
{
	const struct query *q = &c->query;
	size_t len, limit = tcp ? WIRE_TCP_MAX : answer_client_limit(q);
	struct cache_key key;

	find_host_servers(s);
	if (s->host.n == 0 || view_has_servers(&c->view) || !cache_key_make(q, s->host.set, &key))
		return false;
	const uint8_t *found = cache_find(s->cache, &key, clock_now_ms() / 1000, &len);
	if (!found)
		return false;
	struct relay_client client =
		relay_client_of(q, tcp || limit < RELAY_UDP_MAX ? limit : RELAY_UDP_MAX);
	relay_reply(&client, found, len, reply);
	return true;
}

static void end_with(const struct answer_context *c, enum rcode rcode, const struct waiter *w)
{
	uint8_t buf[ANSWER_UDP_MAX];
	struct wire reply = {.data = buf, .room = sizeof(buf)};

	answer_empty(&c->query, rcode, &reply);
	struct forward_end end = {
		.message = reply.data,
		.len = reply.len,
		.question = c->query.bytes + WIRE_HEADER_SIZE,
		.question_len = c->query.question_len,
	};
	w->done(w->owner, &w->peer, &end);
}

/* Strangers may have a whole IPv6 network to send from; they count as one. */
static struct addr limit_key(const struct waiter *w, const struct view *v)
{
	struct addr key = w->client;

	if (key.family == AF_INET6 && !v->host)
		memset(key.bytes + 8, 0, 8);
	return key;
}

void service_forward(struct service *s, enum answer verdict, const struct answer_context *c,
		     const struct waiter *w)
{
	struct resolver resolvers[FORWARD_SERVERS_MAX];
	struct forward_request request = {
		.query = &c->query,
		.servers = resolvers,
		.tcp = w->tcp,
		.client = limit_key(w, &c->view),
		.peer = w->peer,
		.owner = w->owner,
		.done = w->done,
	};

	if (verdict == ANSWER_FORWARD_IF_HOST && !peer_is_host(&w->client)) {
		end_with(c, RCODE_NXDOMAIN, w);
		return;
	}
	request.n_servers = choose_resolvers(s, &c->view, resolvers, &request.configured);
	if (request.n_servers == 0)
		end_with(c, RCODE_SERVFAIL, w);
	else
		forward_start(s->forwarder, &request);
}
