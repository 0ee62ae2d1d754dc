/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/dhcp-proxy/client.h"

#include <string.h>

#define SECOND		  INT64_C(1000)
#define RETRY_FIRST	  (4 * SECOND)
#define RETRY_MAX	  (64 * SECOND)
#define RETRY_SPREAD	  SECOND	/* so that clients which start together do not stay so */
#define RENEW_RETRY_MIN	  (60 * SECOND) /* between two requests for an extension */
#define REQUESTS_MAX	  3		/* for one offer */
#define LEASE_SECONDS_MIN 2		/* shorter ones are served as if they were this long */
#define NEVER		  INT64_MAX

/* ---- times ---- */

/* 4, 8, 16, 32, 64 seconds, each half a second more or less. */
static int64_t backoff(const struct client *c, unsigned int tries)
{
	int64_t wait = RETRY_FIRST << (tries < 4 ? tries : 4);

	if (wait > RETRY_MAX)
		wait = RETRY_MAX;
	return wait - RETRY_SPREAD / 2 + c->random() % RETRY_SPREAD;
}

/* Half of what is left, but not in a hurry and not beyond the end. */
static int64_t until(int64_t now, int64_t end)
{
	int64_t wait = (end - now) / 2;

	if (wait < RENEW_RETRY_MIN)
		wait = RENEW_RETRY_MIN;
	return end == NEVER || wait < end - now ? now + wait : end;
}

/* T1 and T2 as the server says, where that makes sense; else a half and seven eighths. */
static void set_times(struct client *c)
{
	const struct terms *l = &c->lease;
	int64_t whole = l->lease_time < LEASE_SECONDS_MIN ? LEASE_SECONDS_MIN : l->lease_time;
	int64_t t1 = l->t1, t2 = l->t2;

	if (l->lease_time == TERMS_FOR_EVER) {
		c->renew_at = c->rebind_at = c->over_at = NEVER;
		return;
	}
	if (!t2 || t2 > whole)
		t2 = whole * 7 / 8;
	if (!t1 || t1 > t2)
		t1 = whole / 2 < t2 ? whole / 2 : t2;
	c->renew_at = c->asked + t1 * SECOND;
	c->rebind_at = c->asked + t2 * SECOND;
	c->over_at = c->asked + whole * SECOND;
}

/* ---- messages ---- */

static uint16_t seconds_since(int64_t began, int64_t now)
{
	const int64_t s = (now - began) / SECOND;

	return s > UINT16_MAX ? UINT16_MAX : (uint16_t)s;
}

static struct client_step send_message(struct client *c, enum packet_type type, int64_t now)
{
	struct client_step step = {.send = true};
	struct packet_request *m = &step.message;

	*m = (struct packet_request){.type = type,
				     .xid = c->xid,
				     .secs = seconds_since(c->began, now)};
	if (type == PACKET_REQUEST)
		c->asked = now;
	if (c->state == CLIENT_SELECTING)
		m->requested = c->wanted;
	if (c->state == CLIENT_REQUESTING) {
		m->requested = c->lease.address;
		m->server = c->lease.server;
	}
	if (c->state == CLIENT_RENEWING || c->state == CLIENT_REBINDING)
		m->ciaddr = c->lease.address;
	if (c->state == CLIENT_RENEWING) {
		m->unicast = true;
		m->server_addr = c->lease.server;
		memcpy(m->server_mac, c->server_mac, MAC_SIZE);
	}
	return step;
}

static void begin_exchange(struct client *c, enum client_state state, int64_t now)
{
	c->state = state;
	c->xid = c->random();
	c->began = now;
	c->tries = 0;
}

static struct client_step discover(struct client *c, int64_t now)
{
	c->wake = now + backoff(c, c->tries);
	return send_message(c, PACKET_DISCOVER, now);
}

static struct client_step start_over(struct client *c, int64_t now)
{
	const bool lost = c->holds;

	c->holds = false;
	begin_exchange(c, CLIENT_SELECTING, now);
	struct client_step step = discover(c, now);
	if (lost)
		step.event = CLIENT_LOST;
	return step;
}

struct client_step client_start(struct client *c, const struct packet_identity *who,
				const struct addr *wanted, uint32_t (*random)(void), int64_t now)
{
	*c = (struct client){.who = *who, .wanted = *wanted, .random = random};
	return start_over(c, now);
}

struct packet_request client_release(const struct client *c)
{
	struct packet_request m = {
		.type = PACKET_RELEASE,
		.xid = c->random(),
		.ciaddr = c->lease.address,
		.server = c->lease.server,
		.unicast = true,
		.server_addr = c->lease.server,
	};

	memcpy(m.server_mac, c->server_mac, MAC_SIZE);
	return m;
}

/* ---- replies ---- */

/* What no host can have: 0/8, 127/8, and from 224 on. */
static bool usable(const struct addr *a)
{
	return a->bytes[0] != 0 && a->bytes[0] != 127 && a->bytes[0] < 224;
}

static bool is_grant(const struct packet_reply *r)
{
	return usable(&r->terms.address) && r->terms.server.family && r->terms.lease_time;
}

static struct client_step take_offer(struct client *c, const struct packet_reply *r, int64_t now)
{
	c->lease = r->terms;
	c->state = CLIENT_REQUESTING;
	c->tries = 0;
	c->wake = now + backoff(c, 0);
	return send_message(c, PACKET_REQUEST, now);
}

static struct client_step take_grant(struct client *c, const struct packet_reply *r)
{
	c->lease = r->terms;
	c->wanted = r->terms.address;
	memcpy(c->server_mac, r->from, MAC_SIZE);
	c->holds = true;
	c->refusals = 0;
	c->state = CLIENT_BOUND;
	set_times(c);
	c->wake = c->renew_at;
	return (struct client_step){.event = CLIENT_GRANTED};
}

/* At once the first time; a server that goes on like this is asked less and less often. */
static struct client_step take_refusal(struct client *c, int64_t now)
{
	const bool lost = c->holds;

	c->wanted = (struct addr){0};
	if (c->refusals++ == 0)
		return start_over(c, now);
	c->holds = false;
	begin_exchange(c, CLIENT_SELECTING, now);
	c->wake = now + backoff(c, c->refusals - 2);
	return (struct client_step){.event = lost ? CLIENT_LOST : CLIENT_NOTHING};
}

/*
 * Everybody hears a request that follows an offer, but only its server is meant. Who answers a renewal
 * was asked, whatever it calls itself since it was renumbered.
 */
static bool is_from_ours(const struct client *c, const struct packet_reply *r)
{
	return c->state != CLIENT_REQUESTING || !r->terms.server.family ||
	       addr_equal(&r->terms.server, &c->lease.server);
}

struct client_step client_take(struct client *c, const struct packet_reply *r, int64_t now)
{
	const bool asked = c->state == CLIENT_REQUESTING || c->state == CLIENT_RENEWING ||
			   c->state == CLIENT_REBINDING;

	if (r->xid != c->xid || memcmp(r->terms.mac, c->who.mac, MAC_SIZE) != 0)
		return (struct client_step){0};
	if (c->state == CLIENT_SELECTING && r->type == PACKET_OFFER && is_grant(r))
		return take_offer(c, r, now);
	if (asked && r->type == PACKET_ACK && is_grant(r) && is_from_ours(c, r))
		return take_grant(c, r);
	if (asked && r->type == PACKET_NAK && is_from_ours(c, r))
		return take_refusal(c, now);
	return (struct client_step){0};
}

/* ---- time ---- */

static struct client_step ask_again(struct client *c, int64_t now)
{
	if (++c->tries >= REQUESTS_MAX)
		return start_over(c, now);
	c->wake = now + backoff(c, c->tries);
	return send_message(c, PACKET_REQUEST, now);
}

static struct client_step extend(struct client *c, int64_t now)
{
	if (now >= c->over_at)
		return start_over(c, now);
	if (now >= c->rebind_at && c->state != CLIENT_REBINDING)
		begin_exchange(c, CLIENT_REBINDING, now);
	else if (c->state == CLIENT_BOUND)
		begin_exchange(c, CLIENT_RENEWING, now);
	c->wake = until(now, c->state == CLIENT_RENEWING ? c->rebind_at : c->over_at);
	return send_message(c, PACKET_REQUEST, now);
}

struct client_step client_tick(struct client *c, int64_t now)
{
	if (now < c->wake)
		return (struct client_step){0};
	if (c->state == CLIENT_SELECTING) {
		c->tries++;
		return discover(c, now);
	}
	return c->state == CLIENT_REQUESTING ? ask_again(c, now) : extend(c, now);
}
