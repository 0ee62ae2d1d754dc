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
#include "common/log.h"

#define ASKERS_MAX	      1024
#define ASKERS_PER_CLIENT_MAX 128
#define ASKERS_PER_JOIN_MAX   64
#define BUCKETS		      256
#define REPLY_ROOM	      (WIRE_TCP_MAX + WIRE_HEADER_SIZE + WIRE_NAME_MAX + 16)

/* What a server list may take in all, milliseconds. dig and others wait five seconds. */
#define TOTAL_CONFIGURED_MS 5000
#define TOTAL_HOST_MS	    4300

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
	size_t question_len;
	uint8_t message[WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4]; /* only the question is set */
};

TAILQ_HEAD(askers, asker);

/* A question on its way. */
struct forward {
	LIST_ENTRY(forward) link;
	struct forwarder *owner;
	struct askers askers;
	size_t n_askers;
	struct event *timer;
	bool configured, tcp;
	bool finished;	    /* nobody waits any more; the timer frees it */
	bool refused;	    /* the server asked last has failed */
	size_t next;	    /* server to ask next */
	unsigned int stage; /* repeats sent to the one asked last */
	uint32_t hash;	    /* of the question, for the bucket */
	size_t n_servers;
	struct resolver servers[FORWARD_SERVERS_MAX];
	struct exchange *exchanges[FORWARD_SERVERS_MAX]; /* late answers are welcome, too */
	size_t len;
	uint8_t query[]; /* from relay_query() */
};

struct forwarder {
	struct event_base *base;
	struct pool *pool;
	struct hash_key key;
	LIST_HEAD(forwards, forward) by_question[BUCKETS];
	struct askers by_client[BUCKETS];
	struct askers by_age;
	size_t n_askers;
	struct log_limit failures;
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
	a->done(a->owner, &a->peer, message, len);
	free(a);
}

static void finish(struct forward *fw)
{
	fw->finished = true;
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

static void asker_add(struct forwarder *f, struct forward *fw, const struct forward_request *req)
{
	const struct query *q = req->query;
	struct asker *a = calloc(1, sizeof(*a));

	if (!a) {
		req->done(req->owner, &req->peer, NULL, 0);
		return;
	}
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

static void deliver(struct forward *fw, const uint8_t *reply, size_t len)
{
	struct forwarder *f = fw->owner;
	struct asker *a;

	while ((a = TAILQ_FIRST(&fw->askers))) {
		struct query q = asker_query(a);
		struct wire out = {.data = f->reply, .room = sizeof(f->reply)};
		struct relay_client client = {
			.id = a->id,
			.question = a->message + WIRE_HEADER_SIZE,
			.question_len = a->question_len,
			.edns = a->edns.present,
			.recurse = a->flags & WIRE_RD,
			.limit = fw->tcp ? WIRE_TCP_MAX : answer_client_limit(&q),
		};
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

static void release(struct forward *fw)
{
	for (size_t i = 0; i < fw->n_servers; i++)
		exchange_drop(fw->exchanges[i]);
	LIST_REMOVE(fw, link);
	event_free(fw->timer);
	free(fw);
}

/* --- The course of a forward --- */

/* Called from inside c-ares: notes what has happened, on_timer() does the rest. */
static void on_exchange_done(struct exchange *x, void *arg, const uint8_t *reply, size_t len)
{
	struct forward *fw = arg;

	for (size_t i = 0; i < fw->n_servers; i++) {
		if (fw->exchanges[i] != x)
			continue;
		fw->exchanges[i] = NULL;
		if (i + 1 == fw->next)
			fw->refused = true;
	}
	if (fw->finished)
		return;
	if (reply)
		deliver(fw, reply, len);
	else if (fw->refused)
		event_active(fw->timer, EV_TIMEOUT, 0);
}

static unsigned int slot_ms(const struct forward *fw)
{
	return (fw->configured ? TOTAL_CONFIGURED_MS : TOTAL_HOST_MS) / (unsigned int)fw->n_servers;
}

/* Sets the timer for what comes next: a repetition, or the end of the server's time. */
static void set_timer(struct forward *fw)
{
	unsigned int slot = slot_ms(fw), from = fw->stage ? repeat_at[fw->stage - 1] : 0, to = slot;

	if (!fw->tcp && slot >= REPEAT_MIN_SLOT_MS && fw->stage < array_size(repeat_at) &&
	    repeat_at[fw->stage] < slot)
		to = repeat_at[fw->stage];
	struct timeval wait = clock_ms(to - from);
	event_add(fw->timer, &wait);
}

/* Asks servers until one can be asked. */
static void ask_next(struct forward *fw)
{
	fw->stage = 0;
	fw->refused = false;
	while (fw->next < fw->n_servers) {
		size_t i = fw->next++;

		fw->exchanges[i] = exchange_start(fw->owner->pool, &fw->servers[i], fw->tcp,
						  fw->query, fw->len, on_exchange_done, fw);
		if (fw->exchanges[i]) {
			set_timer(fw);
			return;
		}
	}
	give_up(fw);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct forward *fw = arg;

	(void)fd;
	(void)what;
	if (fw->finished) {
		release(fw);
		return;
	}
	unsigned int slot = slot_ms(fw);
	bool may_repeat = !fw->tcp && !fw->refused && slot >= REPEAT_MIN_SLOT_MS &&
			  fw->stage < array_size(repeat_at) && repeat_at[fw->stage] < slot;
	/* next is 0 only at the start. */
	if (fw->next == 0 || !may_repeat || !exchange_repeat(fw->exchanges[fw->next - 1])) {
		ask_next(fw);
		return;
	}
	fw->stage++;
	set_timer(fw);
}

/* --- Joining --- */

/* Equal in every byte that the servers see, so that one reply fits all. */
static bool can_join(const struct forward *fw, const struct forward_request *req, size_t len,
		     const uint8_t *query)
{
	return fw->n_askers < ASKERS_PER_JOIN_MAX && fw->tcp == req->tcp &&
	       fw->configured == req->configured && fw->n_servers == req->n_servers &&
	       fw->len == len && memcmp(fw->query, query, len) == 0 &&
	       memcmp(fw->servers, req->servers, req->n_servers * sizeof(*req->servers)) == 0;
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

static struct forward *forward_new(struct forwarder *f, const struct forward_request *req,
				   uint32_t hash, size_t len)
{
	struct forward *fw = calloc(1, sizeof(*fw) + len);

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
	fw->n_servers = req->n_servers;
	memcpy(fw->servers, req->servers, req->n_servers * sizeof(*req->servers));
	fw->len = len;
	memcpy(fw->query, f->query, len);
	LIST_INSERT_HEAD(&f->by_question[hash % BUCKETS], fw, link);
	return fw;
}

static void refuse_loop(struct forwarder *f, const struct forward_request *req)
{
	struct wire out = {.data = f->reply, .room = sizeof(f->reply)};

	answer_empty(req->query, RCODE_SERVFAIL, &out);
	req->done(req->owner, &req->peer, out.data, out.len);
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
		req->done(req->owner, &req->peer, NULL, 0);
		return;
	}
	asker_add(f, fw, req);
	ask_next(fw);
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

int forwarder_new(struct event_base *base, struct forwarder **out, struct error *err)
{
	struct forwarder *f = calloc(1, sizeof(*f));

	if (!f)
		return fail(err, ENOMEM, "out of memory");
	f->base = base;
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
