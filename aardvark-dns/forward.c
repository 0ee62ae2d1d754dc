/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "aardvark-dns/answer.h"
#include "aardvark-dns/channel.h"
#include "aardvark-dns/clock.h"
#include "aardvark-dns/relay.h"
#include "aardvark-dns/syslog.h"
#include "aardvark-dns/table.h"
#include "aardvark-dns/upstream.h"
#include "common/log.h"

#define ASKERS_MAX	      1024
#define ASKERS_PER_CLIENT_MAX 128
#define ASKERS_PER_JOIN_MAX   64
#define BUCKETS		      256
#define REPLY_ROOM	      (WIRE_TCP_MAX + WIRE_HEADER_SIZE + WIRE_NAME_MAX + 16)

/* What a server list may take in all, milliseconds. dig and others wait five seconds. */
#define TOTAL_CONFIGURED_MS 5000
#define TOTAL_HOST_MS	    4000

/* How long the host's next server waits for the answer of the one before. */
#define HEDGE_MS 400
/* How long a server that had failed is waited for when the client has got its answer already. */
#define PROBE_MS 1500
/* The loop's clock is coarse: what is due in less is due now. */
#define SLACK_MS 5

/* When a datagram is repeated within a server's time, milliseconds from its start. */
static const unsigned int repeat_at[] = {400, 900};
#define REPEAT_MIN_SLOT_MS 800

/* A client that waits for an answer. */
struct asker {
	TAILQ_ENTRY(asker) by_forward, by_client, by_age;
	struct forward *forward;
	struct peer peer;
	void *owner;
	forward_done done;
	struct addr client;
	uint32_t client_hash;
	uint16_t id, flags;
	struct query_edns edns; /* without options */
	uint64_t started_us;
	size_t question_len;
	uint8_t message[WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4]; /* only the question is set */
};

TAILQ_HEAD(askers, asker);

/* One server of a question. */
struct
try {
	struct resolver server;
	struct exchange *exchange; /* NULL: not asked yet, refused, or answered */
	uint64_t asked_us;	   /* 0: not asked */
	unsigned int repeats;	   /* sent so far */
	bool tcp;		   /* asked over TCP, whatever the client uses */
	bool doubtful;		   /* too many wrong replies: to be asked over TCP */
	bool probe;		   /* it had failed: asked beside another one */
	bool blamed;		   /* for not having answered */
};

/* A question on its way. */
struct forward {
	LIST_ENTRY(forward) link;
	struct forwarder *owner;
	struct askers askers;
	size_t n_askers;
	struct event *timer;
	bool configured, tcp;
	bool finished; /* nobody waits any more; the timer frees it */
	bool refused;  /* the next server need not wait */
	uint64_t deadline_ms;
	uint64_t next_ms;     /* when the next server is asked */
	size_t next;	      /* server to ask next */
	uint32_t hash;	      /* of the question, for the bucket */
	const uint8_t *query; /* from relay_query(), behind the servers */
	size_t len;
	size_t n_servers;
	struct try servers[];
};

struct forwarder {
	struct event_base *base;
	struct pool *pool;
	struct cache *cache;
	struct hash_key key;
	LIST_HEAD(forwards, forward) by_question[BUCKETS];
	struct askers by_client[BUCKETS];
	struct askers by_age;
	size_t n_askers;
	struct log_limit failures, guesses;
	struct upstreams upstreams;
	uint8_t query[RELAY_QUERY_MAX];
	uint8_t reply[REPLY_ROOM];
};

/* --- Askers --- */

static void asker_unlink(struct forwarder *f, struct asker *a)
{
	TAILQ_REMOVE(&a->forward->askers, a, by_forward);
	TAILQ_REMOVE(&f->by_client[a->client_hash % BUCKETS], a, by_client);
	TAILQ_REMOVE(&f->by_age, a, by_age);
	a->forward->n_askers--;
	f->n_askers--;
}

/* Ends an asker with a message or without. It is out of all lists before it is told. */
static void asker_end(struct forwarder *f, struct asker *a, const uint8_t *message, size_t len)
{
	asker_unlink(f, a);
	struct forward_end end = {
		.message = message,
		.len = len,
		.question = a->message + WIRE_HEADER_SIZE,
		.question_len = a->question_len,
		.asked = true,
		.started_us = a->started_us,
	};
	a->done(a->owner, &a->peer, &end);
	free(a);
}

static bool is_probing(const struct forward *fw)
{
	for (size_t i = 0; i < fw->n_servers; i++)
		if (fw->servers[i].probe && fw->servers[i].exchange)
			return true;
	return false;
}

/* Nobody waits any more; but whether a server that had failed is back is still of interest. */
static void finish(struct forward *fw)
{
	struct timeval probe = clock_ms(PROBE_MS);

	fw->finished = true;
	if (is_probing(fw))
		event_add(fw->timer, &probe);
	else
		event_active(fw->timer, EV_TIMEOUT, 0);
}

/* Drops an asker that has waited for long, to make room. */
static void asker_evict(struct forwarder *f, struct asker *a)
{
	struct forward *fw = a->forward;

	asker_end(f, a, NULL, 0);
	if (TAILQ_EMPTY(&fw->askers))
		finish(fw);
}

static void make_room(struct forwarder *f, const struct addr *client)
{
	uint32_t hash = hash_bytes(&f->key, client->bytes, addr_size(client));
	struct asker *a, *oldest = NULL;
	size_t n = 0;

	TAILQ_FOREACH(a, &f->by_client[hash % BUCKETS], by_client)
	{
		if (!addr_equal(&a->client, client))
			continue;
		if (!oldest)
			oldest = a;
		n++;
	}
	if (n >= ASKERS_PER_CLIENT_MAX)
		asker_evict(f, oldest);
	else if (f->n_askers >= ASKERS_MAX)
		asker_evict(f, oldest ? oldest : TAILQ_FIRST(&f->by_age));
}

/* For a request that does not get as far as to an asker. */
static void end_at_once(const struct forward_request *req, const uint8_t *message, size_t len)
{
	struct forward_end end = {
		.message = message,
		.len = len,
		.question = req->query->bytes + WIRE_HEADER_SIZE,
		.question_len = req->query->question_len,
	};

	req->done(req->owner, &req->peer, &end);
}

static void asker_add(struct forwarder *f, struct forward *fw, const struct forward_request *req)
{
	const struct query *q = req->query;
	struct asker *a = calloc(1, sizeof(*a));

	if (!a) {
		end_at_once(req, NULL, 0);
		return;
	}
	a->started_us = clock_now_us();
	a->forward = fw;
	a->peer = req->peer;
	a->owner = req->owner;
	a->done = req->done;
	a->client = req->client;
	a->client_hash = hash_bytes(&f->key, req->client.bytes, addr_size(&req->client));
	a->id = q->id;
	a->flags = q->flags;
	a->edns = q->edns;
	a->edns.options = NULL;
	a->edns.options_len = 0;
	a->question_len = q->question_len;
	memcpy(a->message + WIRE_HEADER_SIZE, q->bytes + WIRE_HEADER_SIZE, q->question_len);
	TAILQ_INSERT_TAIL(&fw->askers, a, by_forward);
	TAILQ_INSERT_TAIL(&f->by_client[a->client_hash % BUCKETS], a, by_client);
	TAILQ_INSERT_TAIL(&f->by_age, a, by_age);
	fw->n_askers++;
	f->n_askers++;
}

/* The query of an asker, as far as a reply needs it. */
static struct query asker_query(const struct asker *a)
{
	return (struct query){
		.bytes = a->message,
		.question_len = a->question_len,
		.id = a->id,
		.flags = a->flags,
		.edns = a->edns,
	};
}

/* --- The ends of a forward --- */

/* Lists of the configuration files must work as they do without a cache. */
static void remember(const struct forward *fw, const uint8_t *reply, size_t len)
{
	struct cache *cache = fw->owner->cache;
	struct cache_key key;
	enum rcode error;
	uint64_t servers = 0;
	struct query q;

	if (fw->configured || query_parse(fw->query, fw->len, &q, &error) != QUERY_FINE)
		return;
	for (size_t i = 0; i < fw->n_servers; i++)
		servers = cache_servers_add(cache, servers, &fw->servers[i].server);
	if (cache_key_make(&q, servers, &key))
		cache_add(cache, &key, clock_now_ms() / 1000, reply, len);
}

static void deliver(struct forward *fw, const uint8_t *reply, size_t len)
{
	struct forwarder *f = fw->owner;
	struct asker *a;

	remember(fw, reply, len);
	while ((a = TAILQ_FIRST(&fw->askers))) {
		struct query q = asker_query(a);
		struct wire out = {.data = f->reply, .room = sizeof(f->reply)};
		struct relay_client client =
			relay_client_of(&q, fw->tcp ? WIRE_TCP_MAX : answer_client_limit(&q));

		relay_reply(&client, reply, len, &out);
		asker_end(f, a, out.data, out.len);
	}
	finish(fw);
}

static void give_up(struct forward *fw)
{
	struct forwarder *f = fw->owner;
	struct asker *a;

	if (log_limit_allows(&f->failures))
		log_warn("no DNS server has answered, %zu asked", fw->n_servers);
	while ((a = TAILQ_FIRST(&fw->askers))) {
		struct query q = asker_query(a);
		struct wire out = {.data = f->reply, .room = sizeof(f->reply)};

		if (fw->tcp || !fw->configured)
			answer_empty(&q, RCODE_SERVFAIL, &out);
		asker_end(f, a, out.len ? out.data : NULL, out.len);
	}
	finish(fw);
}

/* --- The course of a forward --- */

static struct upstream *upstream_of(const struct forward *fw, const struct try *t, uint64_t now_ms)
{
	return upstream_get(&fw->owner->upstreams, &t->server, t->tcp, now_ms);
}

static void drop_exchange(struct forward *fw, struct try *t)
{
	if (t->exchange && exchange_wrong(t->exchange))
		upstream_of(fw, t, clock_now_ms())->counts.wrong += exchange_wrong(t->exchange);
	exchange_drop(t->exchange);
	t->exchange = NULL;
}

/* Every server that has had its time and still owes an answer has failed. */
static void blame_silent(struct forward *fw, uint64_t patience_ms)
{
	uint64_t now = clock_now_ms();

	for (size_t i = 0; i < fw->n_servers; i++) {
		struct try *t = &fw->servers[i];

		if (!t->exchange || t->blamed || now + SLACK_MS < t->asked_us / 1000 + patience_ms)
			continue;
		t->blamed = true;
		upstream_failed(upstream_of(fw, t, now), now);
	}
}

static void release(struct forward *fw)
{
	if (fw->finished)
		blame_silent(fw, PROBE_MS);
	for (size_t i = 0; i < fw->n_servers; i++)
		drop_exchange(fw, &fw->servers[i]);
	LIST_REMOVE(fw, link);
	event_free(fw->timer);
	free(fw);
}

static struct try *find_try(struct forward *fw, const struct exchange *x)
{
	for (size_t i = 0; i < fw->n_servers; i++)
		if (fw->servers[i].exchange == x)
			return &fw->servers[i];
	return NULL;
}

static bool is_waiting(const struct forward *fw)
{
	for (size_t i = 0; i < fw->n_servers; i++)
		if (fw->servers[i].exchange)
			return true;
	return false;
}

/* Called from inside c-ares: notes what has happened, on_timer() does the rest. */
static void on_exchange_done(struct exchange *x, void *arg, const uint8_t *reply, size_t len)
{
	struct forward *fw = arg;
	struct try *t = find_try(fw, x);
	uint64_t now = clock_now_us();

	if (!t)
		return;
	struct upstream *up = upstream_of(fw, t, now / 1000);
	t->exchange = NULL;
	up->counts.wrong += exchange_wrong(x);
	t->doubtful = !reply && exchange_wrong(x) > EXCHANGE_WRONG_MAX;
	if (t->doubtful) {
		event_active(fw->timer, EV_TIMEOUT, 0);
		return;
	}
	if (reply)
		upstream_answered(up, now - t->asked_us);
	else
		upstream_failed(up, now / 1000);
	if (fw->finished) {
		if (!is_probing(fw))
			event_active(fw->timer, EV_TIMEOUT, 0);
		return;
	}
	if (reply) {
		/* One that was overtaken is not waited for the next time. */
		if (!fw->configured)
			blame_silent(fw, HEDGE_MS);
		deliver(fw, reply, len);
	} else if (t == &fw->servers[fw->next - 1] || !is_waiting(fw)) {
		fw->refused = true;
		event_active(fw->timer, EV_TIMEOUT, 0);
	}
}

/* How long the next server waits for the one before. */
static unsigned int slot_ms(const struct forward *fw)
{
	return fw->configured ? TOTAL_CONFIGURED_MS / (unsigned int)fw->n_servers : HEDGE_MS;
}

/* When a server is to be sent the query again; UINT64_MAX if not. */
static uint64_t repeat_ms(const struct forward *fw, const struct try *t)
{
	unsigned int slot = slot_ms(fw);

	if (t->tcp || !t->exchange || t->repeats == array_size(repeat_at))
		return UINT64_MAX;
	/* Configured servers are asked one at a time. */
	if (fw->configured && (slot < REPEAT_MIN_SLOT_MS || repeat_at[t->repeats] >= slot ||
			       t != &fw->servers[fw->next - 1]))
		return UINT64_MAX;
	return t->asked_us / 1000 + repeat_at[t->repeats];
}

static void set_timer(struct forward *fw, uint64_t now)
{
	uint64_t when = fw->deadline_ms;

	if (fw->next < fw->n_servers && fw->next_ms < when)
		when = fw->next_ms;
	for (size_t i = 0; i < fw->next; i++) {
		uint64_t repeat = repeat_ms(fw, &fw->servers[i]);

		if (repeat < when)
			when = repeat;
	}
	struct timeval wait = clock_ms(when > now ? (unsigned int)(when - now) : 0);
	event_add(fw->timer, &wait);
}

/* Sends the query to a server. Returns false if it refused at once. */
static bool send_to(struct forward *fw, struct try *t)
{
	t->asked_us = clock_now_us();
	uint64_t now = t->asked_us / 1000;

	upstream_of(fw, t, now)->counts.asked++;
	t->exchange = exchange_start(fw->owner->pool, &t->server, t->tcp, fw->query, fw->len,
				     on_exchange_done, fw);
	if (!t->exchange)
		upstream_failed(upstream_of(fw, t, now), now);
	return t->exchange;
}

/* Asks a server. Returns false if it refused at once. */
static bool ask(struct forward *fw, struct try *t)
{
	uint64_t now = clock_now_ms();

	/* Beside the one before it, and not instead of the one behind it. */
	t->probe = !fw->configured && upstream_state(upstream_of(fw, t, now), now) != UPSTREAM_GOOD;
	fw->next_ms = t->probe ? now : now + slot_ms(fw);
	return send_to(fw, t);
}

/* Where somebody guesses at the ID of a datagram: a connection cannot be guessed at. */
static void ask_doubtful(struct forward *fw)
{
	for (size_t i = 0; i < fw->next; i++) {
		struct try *t = &fw->servers[i];

		if (!t->doubtful)
			continue;
		if (log_limit_allows(&fw->owner->guesses))
			log_warn("more than %u wrong replies to a question for %s, asking over TCP",
				 EXCHANGE_WRONG_MAX, addr_str(&t->server.addr));
		t->doubtful = false;
		t->tcp = true;
		if (!send_to(fw, t))
			fw->refused = fw->refused || i + 1 == fw->next;
	}
}

/* Asks the next server that can be asked. */
static void ask_next(struct forward *fw)
{
	fw->refused = false;
	while (fw->next < fw->n_servers)
		if (ask(fw, &fw->servers[fw->next++]))
			return;
}

static void repeat_due(struct forward *fw, uint64_t now)
{
	for (size_t i = 0; i < fw->next; i++) {
		struct try *t = &fw->servers[i];

		if (repeat_ms(fw, t) > now + SLACK_MS)
			continue;
		t->repeats++;
		if (exchange_repeat(t->exchange))
			continue;
		drop_exchange(fw, t);
		upstream_failed(upstream_of(fw, t, now), now);
		fw->refused = fw->refused || i + 1 == fw->next;
	}
}

/* Does what is due, and sees to being called again. */
static void go_on(struct forward *fw)
{
	uint64_t now = clock_now_ms();

	repeat_due(fw, now);
	ask_doubtful(fw);
	while (fw->next < fw->n_servers &&
	       (fw->refused || !is_waiting(fw) || fw->next_ms <= now + SLACK_MS)) {
		ask_next(fw);
		now = clock_now_ms();
	}
	if (!is_waiting(fw) || now + SLACK_MS >= fw->deadline_ms) {
		blame_silent(fw, HEDGE_MS);
		give_up(fw);
		return;
	}
	set_timer(fw, now);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct forward *fw = arg;

	(void)fd;
	(void)what;
	if (fw->finished)
		release(fw);
	else
		go_on(fw);
}

/* --- Joining --- */

/* Whatever the order: that of the host's servers changes with what is known about them. */
static bool same_servers(const struct forward *fw, const struct forward_request *req)
{
	if (fw->n_servers != req->n_servers)
		return false;
	for (size_t i = 0; i < fw->n_servers; i++) {
		bool found = false;

		for (size_t k = 0; k < req->n_servers && !found; k++)
			found = memcmp(&fw->servers[i].server, &req->servers[k],
				       sizeof(*req->servers)) == 0;
		if (!found)
			return false;
	}
	return true;
}

/* Equal in every byte that the servers see, so that one reply fits all. */
static bool can_join(const struct forward *fw, const struct forward_request *req, size_t len,
		     const uint8_t *query)
{
	return fw->n_askers < ASKERS_PER_JOIN_MAX && fw->tcp == req->tcp &&
	       fw->configured == req->configured && fw->len == len &&
	       memcmp(fw->query, query, len) == 0 && same_servers(fw, req);
}

static bool same_question(const struct forward *fw, const struct query *q)
{
	struct wire_reader r = {.data = fw->query, .len = fw->len, .at = WIRE_HEADER_SIZE};
	uint8_t name[WIRE_NAME_MAX];
	size_t len = wire_get_name(&r, name);

	return len == q->name_len && memcmp(name, q->name, len) == 0 && wire_get16(&r) == q->type &&
	       wire_get16(&r) == q->class;
}

/* The client has not waited for the answer and asks once more. */
static bool asks_again(const struct forward *fw, const struct forward_request *req)
{
	const struct asker *a;

	TAILQ_FOREACH(a, &fw->askers, by_forward)
	if (a->owner == req->owner && a->id == req->query->id && peer_equal(&a->peer, &req->peer))
		return true;
	return false;
}

enum relation { RELATION_NONE, RELATION_JOIN, RELATION_AGAIN, RELATION_LOOP };

/* How a question stands to those that are on their way. */
static enum relation relate(struct forwarder *f, const struct forward_request *req, uint32_t hash,
			    size_t len, struct forward **out)
{
	struct addr from = peer_addr(&req->peer.from);
	enum relation found = RELATION_NONE;
	bool same = false;
	struct forward *fw;

	LIST_FOREACH(fw, &f->by_question[hash % BUCKETS], link)
	{
		if (fw->finished || fw->hash != hash || !same_question(fw, req->query))
			continue;
		if (!req->tcp && asks_again(fw, req))
			return RELATION_AGAIN;
		same = true;
		if (found == RELATION_NONE && can_join(fw, req, len, f->query)) {
			found = RELATION_JOIN;
			*out = fw;
		}
	}
	/* Our own question comes back through another server on this host. */
	return same && peer_is_host(&from) ? RELATION_LOOP : found;
}

/*
 * The order in which servers are asked. Configured ones as they stand. Of the host's first those
 * that have failed some time ago, together with the first of those that have not; and last those
 * that have just failed, which will do if there is nothing better.
 */
static void order_servers(struct forward *fw, const struct forward_request *req, uint64_t now)
{
	static const enum upstream_state order[] = {UPSTREAM_PROBE, UPSTREAM_GOOD, UPSTREAM_BAD};

	for (size_t k = 0; k < array_size(order); k++) {
		for (size_t i = 0; i < req->n_servers; i++) {
			struct try *t = &fw->servers[fw->n_servers];

			t->server = req->servers[i];
			t->tcp = req->tcp;
			if (req->configured
				    ? k == 0
				    : upstream_state(upstream_of(fw, t, now), now) == order[k])
				fw->n_servers++;
		}
	}
}

static struct forward *forward_new(struct forwarder *f, const struct forward_request *req,
				   uint32_t hash, size_t len)
{
	uint64_t now = clock_now_ms();
	/* One place more, for a server whose turn it is not yet. */
	size_t size = sizeof(struct forward) + (req->n_servers + 1) * sizeof(struct try);
	struct forward *fw = calloc(1, size + len);

	if (!fw)
		return NULL;
	fw->timer = evtimer_new(f->base, on_timer, fw);
	if (!fw->timer) {
		free(fw);
		return NULL;
	}
	TAILQ_INIT(&fw->askers);
	fw->owner = f;
	fw->configured = req->configured;
	fw->tcp = req->tcp;
	fw->hash = hash;
	fw->deadline_ms = now + (req->configured ? TOTAL_CONFIGURED_MS : TOTAL_HOST_MS);
	order_servers(fw, req, now);
	fw->query = memcpy((uint8_t *)fw + size, f->query, len);
	fw->len = len;
	LIST_INSERT_HEAD(&f->by_question[hash % BUCKETS], fw, link);
	return fw;
}

static void refuse_loop(struct forwarder *f, const struct forward_request *req)
{
	struct wire out = {.data = f->reply, .room = sizeof(f->reply)};

	answer_empty(req->query, RCODE_SERVFAIL, &out);
	end_at_once(req, out.data, out.len);
}

void forward_start(struct forwarder *f, const struct forward_request *req)
{
	struct wire query = {.data = f->query, .room = sizeof(f->query)};
	uint32_t hash = hash_bytes(&f->key, req->query->name, req->query->name_len);
	struct forward *fw = NULL;

	relay_query(req->query, &query);
	switch (query.bad ? RELATION_LOOP : relate(f, req, hash, query.len, &fw)) {
	case RELATION_AGAIN:
		return;
	case RELATION_LOOP:
		refuse_loop(f, req);
		return;
	case RELATION_JOIN:
	case RELATION_NONE:
		break;
	}
	make_room(f, &req->client);
	if (fw && !fw->finished) {
		asker_add(f, fw, req);
		return;
	}
	fw = forward_new(f, req, hash, query.len);
	if (!fw) {
		end_at_once(req, NULL, 0);
		return;
	}
	asker_add(f, fw, req);
	go_on(fw);
}

void forward_forget(struct forwarder *f, const void *owner)
{
	struct asker *a = TAILQ_FIRST(&f->by_age);

	while (a) {
		struct asker *next = TAILQ_NEXT(a, by_age);
		struct forward *fw = a->forward;

		if (a->owner == owner) {
			asker_unlink(f, a);
			free(a);
			if (TAILQ_EMPTY(&fw->askers) && !fw->finished)
				finish(fw);
		}
		a = next;
	}
}

const struct upstreams *forward_upstreams(const struct forwarder *f)
{
	return &f->upstreams;
}

size_t forward_waiting(const struct forwarder *f)
{
	return f->n_askers;
}

int forwarder_new(struct event_base *base, struct cache *cache, struct forwarder **out,
		  struct error *err)
{
	struct forwarder *f = calloc(1, sizeof(*f));

	if (!f)
		return fail(err, ENOMEM, "out of memory");
	f->base = base;
	f->cache = cache;
	f->key = hash_key_random();
	TAILQ_INIT(&f->by_age);
	for (size_t i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&f->by_client[i]);
	int r = pool_new(base, &f->pool, err);
	if (r < 0) {
		free(f);
		return r;
	}
	*out = f;
	return 0;
}

void forwarder_free(struct forwarder *f)
{
	struct asker *a;

	if (!f)
		return;
	while ((a = TAILQ_FIRST(&f->by_age))) {
		asker_unlink(f, a);
		free(a);
	}
	for (size_t i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&f->by_question[i]))
			release(LIST_FIRST(&f->by_question[i]));
	pool_free(f->pool);
	free(f);
}
