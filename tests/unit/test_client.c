/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "netavark/dhcp-proxy/client.h"

#define SECOND 1000
#define START  5000000 /* when the tests begin */

static const struct packet_identity me = {.mac = {2, 0, 0, 0, 0, 7}};
static const struct addr server1 = {AF_INET, {10, 60, 0, 1}}, server2 = {AF_INET, {10, 60, 0, 2}};
static const struct addr addr50 = {AF_INET, {10, 60, 0, 50}}, none;
static uint32_t randoms;

static uint32_t next_random(void)
{
	return 500 + randoms++ * SECOND; /* in the middle of the spread */
}

static struct packet_reply reply(const struct client *c, enum packet_type type)
{
	return (struct packet_reply){
		.type = type,
		.xid = c->xid,
		.from = {2, 0, 0, 0, 0, 1},
		.terms = {.mac = {2, 0, 0, 0, 0, 7},
			  .address = addr50,
			  .mask = {AF_INET, {255, 255, 255, 0}},
			  .server = server1,
			  .lease_time = 1000},
	};
}

static struct client begin(void)
{
	struct client c;

	randoms = 0;
	const struct client_step step = client_start(&c, &me, &none, next_random, START);
	assert_true(step.send);
	assert_int_equal(step.event, CLIENT_NOTHING);
	assert_int_equal(step.message.type, PACKET_DISCOVER);
	return c;
}

static struct client_step take(struct client *c, struct packet_reply r, int64_t now)
{
	return client_take(c, &r, now);
}

/* A client that got its lease at START. */
static struct client bound(uint32_t lease_time, uint32_t t1, uint32_t t2)
{
	struct client c = begin();
	struct packet_reply ack;

	assert_int_equal(take(&c, reply(&c, PACKET_OFFER), START).message.type, PACKET_REQUEST);
	ack = reply(&c, PACKET_ACK);
	ack.terms.lease_time = lease_time;
	ack.terms.t1 = t1;
	ack.terms.t2 = t2;
	assert_int_equal(client_take(&c, &ack, START + 100).event, CLIENT_GRANTED);
	assert_int_equal(c.state, CLIENT_BOUND);
	assert_true(c.holds);
	return c;
}

static struct client_step tick(struct client *c, int64_t *now)
{
	*now = c->wake;
	return client_tick(c, *now);
}

static void discover_is_repeated_ever_more_slowly(void **state)
{
	static const int waits[] = {4, 8, 16, 32, 64, 64};
	struct client c = begin();
	const uint32_t xid = c.xid;
	int64_t now = START;

	(void)state;
	for (size_t i = 0; i < array_size(waits); i++) {
		assert_int_equal(c.wake, now + waits[i] * SECOND);
		assert_false(client_tick(&c, c.wake - 1).send);
		const struct client_step step = tick(&c, &now);
		assert_true(step.send);
		assert_int_equal(step.message.type, PACKET_DISCOVER);
		assert_int_equal(step.message.xid, xid);
		assert_int_equal(step.message.secs, (now - START) / SECOND);
	}
}

static void the_first_offer_is_requested(void **state)
{
	struct client c = begin();
	const uint32_t xid = c.xid;
	struct client_step step = take(&c, reply(&c, PACKET_OFFER), START + 1000);

	(void)state;
	assert_true(step.send);
	assert_int_equal(step.message.type, PACKET_REQUEST);
	assert_int_equal(step.message.xid, xid);
	assert_true(addr_equal(&step.message.requested, &addr50));
	assert_true(addr_equal(&step.message.server, &server1));
	assert_int_equal(step.message.ciaddr.family, 0);
	assert_false(step.message.unicast);
	assert_false(c.holds);
	/* A second offer comes too late, a confirmation by another server is not for us. */
	assert_false(take(&c, reply(&c, PACKET_OFFER), START + 1100).send);
	struct packet_reply other = reply(&c, PACKET_ACK);
	other.terms.server = server2;
	assert_int_equal(client_take(&c, &other, START + 1200).event, CLIENT_NOTHING);
	assert_int_equal(c.state, CLIENT_REQUESTING);
}

static void an_unanswered_request_starts_over(void **state)
{
	struct client c = begin();
	int64_t now = START;

	(void)state;
	take(&c, reply(&c, PACKET_OFFER), START);
	assert_int_equal(tick(&c, &now).message.type, PACKET_REQUEST);
	assert_int_equal(tick(&c, &now).message.type, PACKET_REQUEST);
	assert_int_equal(tick(&c, &now).message.type, PACKET_DISCOVER);
	assert_int_equal(c.state, CLIENT_SELECTING);
}

static void replies_for_others_change_nothing(void **state)
{
	struct client c = begin();
	struct packet_reply r = reply(&c, PACKET_OFFER);

	(void)state;
	r.xid++;
	assert_false(client_take(&c, &r, START).send);
	r = reply(&c, PACKET_OFFER);
	r.terms.mac[5]++;
	assert_false(client_take(&c, &r, START).send);
	assert_false(take(&c, reply(&c, PACKET_ACK), START).send);
	assert_false(take(&c, reply(&c, PACKET_NAK), START).send);
	assert_int_equal(c.state, CLIENT_SELECTING);
}

static void useless_offers_are_passed_over(void **state)
{
	static const uint8_t firsts[] = {0, 127, 224, 255};
	struct client c = begin();
	struct packet_reply r;

	(void)state;
	for (size_t i = 0; i < array_size(firsts); i++) {
		r = reply(&c, PACKET_OFFER);
		r.terms.address.bytes[0] = firsts[i];
		assert_false(client_take(&c, &r, START).send);
	}
	r = reply(&c, PACKET_OFFER);
	r.terms.lease_time = 0;
	assert_false(client_take(&c, &r, START).send);
	r = reply(&c, PACKET_OFFER);
	r.terms.server = none;
	assert_false(client_take(&c, &r, START).send);
}

static void times_of_a_lease(void **state)
{
	static const struct {
		uint32_t lease, t1, t2;
		int64_t renew, rebind;
	} rows[] = {
		{1000, 0, 0, 500, 875},	     {1000, 300, 0, 300, 875}, {1000, 0, 700, 500, 700},
		{1000, 300, 700, 300, 700},  {1000, 0, 400, 400, 400}, {1000, 800, 700, 500, 700},
		{1000, 300, 1001, 300, 875}, {1, 0, 0, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct client c = bound(rows[i].lease, rows[i].t1, rows[i].t2);

		/* They count from the request, which the server has seen before it answered. */
		assert_int_equal(c.wake, START + rows[i].renew * SECOND);
		assert_int_equal(c.rebind_at, START + rows[i].rebind * SECOND);
	}
	assert_int_equal(bound(TERMS_FOR_EVER, 0, 0).wake, INT64_MAX);
}

static void a_lease_is_renewed_at_its_server(void **state)
{
	struct client c = bound(1000, 0, 0);
	const uint32_t xid = c.xid;
	int64_t now = START;
	struct client_step step = tick(&c, &now);

	(void)state;
	assert_true(step.send && step.message.unicast);
	assert_int_equal(step.message.type, PACKET_REQUEST);
	assert_int_not_equal(step.message.xid, xid);
	assert_true(addr_equal(&step.message.ciaddr, &addr50));
	assert_true(addr_equal(&step.message.server_addr, &server1));
	assert_memory_equal(step.message.server_mac, "\x02\0\0\0\0\x01", 6);
	/* RFC 2131 4.4.5: neither of these. */
	assert_int_equal(step.message.requested.family, 0);
	assert_int_equal(step.message.server.family, 0);
	step = take(&c, reply(&c, PACKET_ACK), now + 50);
	assert_int_equal(step.event, CLIENT_GRANTED);
	assert_int_equal(c.wake, now + 500 * SECOND);
}

static void a_renewal_without_answer_goes_to_everybody(void **state)
{
	struct client c = bound(1000, 0, 0);
	int64_t now = START;
	struct client_step step = tick(&c, &now);

	(void)state;
	/* Half of the 375 s to T2, then at least a minute, then T2 itself. */
	assert_int_equal(c.wake, START + 687500);
	while (c.state == CLIENT_RENEWING) {
		assert_true(step.message.unicast);
		step = tick(&c, &now);
	}
	assert_int_equal(now, START + 875 * SECOND);
	assert_int_equal(c.state, CLIENT_REBINDING);
	assert_false(step.message.unicast);
	assert_true(addr_equal(&step.message.ciaddr, &addr50));
	/* Any server may answer now. */
	struct packet_reply other = reply(&c, PACKET_ACK);
	other.terms.server = server2;
	assert_int_equal(client_take(&c, &other, now).event, CLIENT_GRANTED);
	assert_true(addr_equal(&c.lease.server, &server2));
}

static void a_lease_ends(void **state)
{
	struct client c = bound(1000, 0, 0);
	int64_t now = START;
	struct client_step step = {0};

	(void)state;
	while (c.holds)
		step = tick(&c, &now);
	assert_int_equal(now, START + 1000 * SECOND);
	assert_int_equal(step.event, CLIENT_LOST);
	assert_true(step.send);
	assert_int_equal(step.message.type, PACKET_DISCOVER);
	/* It would like to have the same one again. */
	assert_true(addr_equal(&step.message.requested, &addr50));
	assert_int_equal(step.message.ciaddr.family, 0);
}

/* A machine that was asleep. */
static void a_late_wake_up_finds_the_right_state(void **state)
{
	struct client c = bound(1000, 0, 0);

	(void)state;
	assert_false(client_tick(&c, START + 900 * SECOND).message.unicast);
	assert_int_equal(c.state, CLIENT_REBINDING);
	c = bound(1000, 0, 0);
	assert_int_equal(client_tick(&c, START + 2000 * SECOND).event, CLIENT_LOST);
	assert_int_equal(c.state, CLIENT_SELECTING);
}

static void a_refusal_starts_over_at_once(void **state)
{
	struct client c = bound(1000, 0, 0);
	int64_t now = START;

	(void)state;
	tick(&c, &now);
	struct packet_reply nak = reply(&c, PACKET_NAK);
	nak.terms.server = server2; /* the same server, renumbered */
	struct client_step step = client_take(&c, &nak, now);
	assert_int_equal(step.event, CLIENT_LOST);
	assert_int_equal(step.message.type, PACKET_DISCOVER);
	assert_int_equal(step.message.requested.family, 0); /* not that one again */
}

static void a_server_that_goes_on_refusing_is_asked_ever_more_slowly(void **state)
{
	static const int waits[] = {0, 4, 8, 16};
	struct client c = begin();
	int64_t now = START;

	(void)state;
	for (size_t i = 0; i < array_size(waits); i++) {
		take(&c, reply(&c, PACKET_OFFER), now);
		const struct client_step step = take(&c, reply(&c, PACKET_NAK), now);
		assert_int_equal(step.event, CLIENT_NOTHING);
		assert_int_equal(step.send, i == 0);
		if (waits[i]) {
			assert_int_equal(c.wake, now + waits[i] * SECOND);
			assert_true(tick(&c, &now).send);
		}
	}
	/* A success makes up for it. */
	take(&c, reply(&c, PACKET_OFFER), now);
	take(&c, reply(&c, PACKET_ACK), now);
	assert_int_equal(c.refusals, 0);
}

static void a_release_names_the_address(void **state)
{
	struct client c = bound(1000, 0, 0);
	const struct packet_request m = client_release(&c);

	(void)state;
	assert_int_equal(m.type, PACKET_RELEASE);
	assert_true(addr_equal(&m.ciaddr, &addr50));
	assert_true(addr_equal(&m.server, &server1));
	assert_true(m.unicast && addr_equal(&m.server_addr, &server1));
	assert_memory_equal(m.server_mac, "\x02\0\0\0\0\x01", 6);
}

static void an_address_of_before_is_asked_for(void **state)
{
	struct client c;
	const struct client_step step = client_start(&c, &me, &addr50, next_random, START);

	(void)state;
	assert_true(addr_equal(&step.message.requested, &addr50));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("NV-197 DHCP client: without answer it asks again after about 4, 8, 16 … s",
		     discover_is_repeated_ever_more_slowly),
		TEST("DHCP client: the first offer is taken", the_first_offer_is_requested),
		TEST("DHCP client: an offer that is not confirmed is given up",
		     an_unanswered_request_starts_over),
		TEST("DHCP client: replies that are not for it", replies_for_others_change_nothing),
		TEST("DHCP client: offers that are no use", useless_offers_are_passed_over),
		TEST("NV-201 DHCP client: when it renews, told or not", times_of_a_lease),
		TEST("NV-201 DHCP client: a renewal", a_lease_is_renewed_at_its_server),
		TEST("NV-201 DHCP client: a renewal without an answer",
		     a_renewal_without_answer_goes_to_everybody),
		TEST("NV-201 DHCP client: the end of a lease", a_lease_ends),
		TEST("DHCP client: waking up late", a_late_wake_up_finds_the_right_state),
		TEST("NV-201 DHCP client: a refusal", a_refusal_starts_over_at_once),
		TEST("DHCP client: refusals without end",
		     a_server_that_goes_on_refusing_is_asked_ever_more_slowly),
		TEST("NV-202 DHCP client: a release", a_release_names_the_address),
		TEST("NV-194 DHCP client: the address of before",
		     an_address_of_before_is_asked_for),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
