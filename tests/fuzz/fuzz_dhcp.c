/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame of a DHCP server: read, and taken by a client in one of its states.
 * Input: one byte of choices; the frame. Unless the choice is otherwise, what no fuzzer needs to guess
 * is made to fit: lengths, ports, the exchange and the hardware address.
 */
#include "tests/fuzz/fuzz.h"

#include "netavark/dhcp-proxy/client.h"

#define NOW	   1000000
#define FRAME_MAX  4096
#define HEADERS	   42
#define BOOTP_SIZE 240
#define AS_IT_IS   0x80

static const struct packet_identity me = {.mac = {2, 0, 0, 0, 0, 7}};
static const struct addr address = {AF_INET, {10, 60, 0, 50}}, server = {AF_INET, {10, 60, 0, 1}};

static uint32_t no_random(void)
{
	return 0x12345678;
}

/* A client that waits for an answer: to its first question, its request, a renewal, or anybody's. */
static struct client client_in(unsigned int state)
{
	const struct addr none = {0};
	struct packet_reply r = {
		.type = PACKET_OFFER,
		.xid = no_random(),
		.terms = {.mac = {2, 0, 0, 0, 0, 7},
			  .address = address,
			  .server = server,
			  .mask = {AF_INET, {255, 255, 255, 0}},
			  .lease_time = 1000},
	};
	struct client c;

	client_start(&c, &me, &none, no_random, NOW);
	if (state > 0)
		must(client_take(&c, &r, NOW).send);
	r.type = PACKET_ACK;
	if (state > 1)
		must(client_take(&c, &r, NOW).event == CLIENT_GRANTED);
	if (state > 1)
		must(client_tick(&c, NOW + (state == 2 ? 500 : 900) * 1000).send);
	return c;
}

static void make_fit(uint8_t *f, size_t len)
{
	static const uint8_t head[HEADERS] = {
		[12] = 8, [14] = 0x45, [23] = 17, [35] = 67, [37] = 68};
	static const uint8_t bootp[] = {2, 1, 6, 0, 0x12, 0x34, 0x56, 0x78};

	if (len < HEADERS + BOOTP_SIZE)
		return;
	memcpy(f, head, HEADERS);
	f[16] = (uint8_t)((len - 14) >> 8);
	f[17] = (uint8_t)(len - 14);
	f[38] = (uint8_t)((len - 34) >> 8);
	f[39] = (uint8_t)(len - 34);
	memcpy(f + HEADERS, bootp, sizeof(bootp));
	memcpy(f + HEADERS + 28, me.mac, MAC_SIZE);
	memcpy(f + HEADERS + 236, "\x63\x82\x53\x63", 4);
}

static void check_terms(const struct terms *t)
{
	json_t *lease = terms_json(t);
	char *text = json_dumps(lease, JSON_COMPACT);

	must(text && strlen(text) < 65536);
	must(t->dns.n <= TERMS_LIST_MAX && t->routers.n <= TERMS_LIST_MAX &&
	     t->n_routes <= TERMS_ROUTES_MAX);
	must(terms_prefix(t).len <= 32);
	must(!terms_differ(t, t));
	free(text);
	json_decref(lease);
}

static void check_step(struct client *c, const struct client_step *step, int64_t now)
{
	uint8_t frame[PACKET_MAX];

	if (step->send)
		must(packet_build(&c->who, &step->message, frame) <= PACKET_MAX);
	if (step->event == CLIENT_GRANTED)
		must(c->holds && c->lease.address.family == AF_INET && c->wake <= c->over_at &&
		     c->renew_at <= c->rebind_at && c->rebind_at <= c->over_at);
	/* Whatever a server says, it is not asked again and again without a pause. */
	if (step->event == CLIENT_NOTHING && !step->send)
		return;
	must(c->wake > now || c->state == CLIENT_BOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet_reply reply;

	if (size < 1 || size - 1 > FRAME_MAX)
		return 0;
	/* Of its own size, so that a look beyond the end is seen. */
	uint8_t *frame = malloc(size);
	must(frame);
	memcpy(frame, data + 1, size - 1);
	if (!(data[0] & AS_IT_IS))
		make_fit(frame, size - 1);
	if (packet_parse(frame, size - 1, &reply)) {
		struct client c = client_in(data[0] & 3);
		const int64_t now = c.asked > NOW ? c.asked : NOW;
		const struct client_step step = client_take(&c, &reply, now);

		check_terms(&reply.terms);
		check_step(&c, &step, now);
	}
	free(frame);
	return 0;
}
