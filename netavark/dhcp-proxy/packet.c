/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/dhcp-proxy/packet.h"

#include <string.h>

#define ETHERNET_SIZE  14
#define IP_SIZE	       20
#define UDP_SIZE       8
#define BOOTP_SIZE     236 /* up to the magic number */
#define BOOTP_MIN      300 /* relays may drop what is shorter */
#define ETHERTYPE_IP   0x0800
#define PROTOCOL_UDP   17
#define PORT_SERVER    67
#define PORT_CLIENT    68
#define OP_REQUEST     1
#define OP_REPLY       2
#define FLAG_BROADCAST 0x8000

enum option {
	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_ROUTERS = 3,
	OPTION_DNS = 6,
	OPTION_HOST_NAME = 12,
	OPTION_DOMAIN = 15,
	OPTION_MTU = 26,
	OPTION_NTP = 42,
	OPTION_REQUESTED = 50,
	OPTION_LEASE_TIME = 51,
	OPTION_OVERLOAD = 52,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_PARAMETERS = 55,
	OPTION_T1 = 58,
	OPTION_T2 = 59,
	OPTION_CLIENT_ID = 61,
	OPTION_ROUTES = 121,
	OPTION_ROUTES_MICROSOFT = 249,
	OPTION_END = 255,
};

enum overload { OVERLOAD_FILE = 1, OVERLOAD_SNAME = 2 };

static const uint8_t magic[] = {99, 130, 83, 99};
static const uint8_t wanted[] = {OPTION_HOST_NAME, OPTION_MASK,	  OPTION_ROUTERS,
				 OPTION_DNS,	   OPTION_DOMAIN, OPTION_MTU,
				 OPTION_NTP,	   OPTION_ROUTES, OPTION_ROUTES_MICROSOFT};

/* ---- writing ---- */

struct writer { /* nothing we write is longer than PACKET_MAX: see its parts */
	uint8_t *data;
	size_t len;
};

static void put(struct writer *w, const void *data, size_t len)
{
	memcpy(w->data + w->len, data, len);
	w->len += len;
}

static void put8(struct writer *w, unsigned int n)
{
	w->data[w->len++] = (uint8_t)n;
}

static void put16(struct writer *w, unsigned int n)
{
	put8(w, n >> 8);
	put8(w, n & 0xff);
}

static void put32(struct writer *w, uint32_t n)
{
	put16(w, n >> 16);
	put16(w, n & 0xffff);
}

static void put_zeros(struct writer *w, size_t n)
{
	memset(w->data + w->len, 0, n);
	w->len += n;
}

static void put_addr(struct writer *w, const struct addr *a)
{
	put(w, a->bytes, 4); /* none has zeros */
}

static void put_option(struct writer *w, enum option code, const void *data, size_t len)
{
	put8(w, code);
	put8(w, (unsigned int)len);
	put(w, data, len);
}

static void put_options(struct writer *w, const struct packet_identity *who,
			const struct packet_request *r)
{
	const size_t name_len = strlen(who->host_name);
	const uint8_t type = (uint8_t)r->type;

	put(w, magic, sizeof(magic));
	put_option(w, OPTION_TYPE, &type, 1);
	if (who->client_id_len)
		put_option(w, OPTION_CLIENT_ID, who->client_id, who->client_id_len);
	if (r->requested.family)
		put_option(w, OPTION_REQUESTED, r->requested.bytes, 4);
	if (r->server.family)
		put_option(w, OPTION_SERVER, r->server.bytes, 4);
	if (r->type != PACKET_RELEASE) {
		if (name_len)
			put_option(w, OPTION_HOST_NAME, who->host_name, name_len);
		put_option(w, OPTION_PARAMETERS, wanted, sizeof(wanted));
	}
	put8(w, OPTION_END);
}

static void put_message(struct writer *w, const struct packet_identity *who,
			const struct packet_request *r)
{
	const size_t start = w->len;

	put8(w, OP_REQUEST);
	put8(w, 1); /* Ethernet */
	put8(w, MAC_SIZE);
	put8(w, 0); /* hops */
	put32(w, r->xid);
	put16(w, r->secs);
	/*
	 * Behind the port of a bridge, a reply to the container's hardware address would pass by the
	 * bridge device. A server answers whoever holds an address there, whatever the flag says.
	 */
	put16(w, r->ciaddr.family ? 0 : FLAG_BROADCAST);
	put_addr(w, &r->ciaddr);
	put_zeros(w, 12); /* yiaddr, siaddr, giaddr */
	put(w, who->mac, MAC_SIZE);
	put_zeros(w, start + BOOTP_SIZE - w->len); /* rest of chaddr, sname, file */
	put_options(w, who, r);
	if (w->len - start < BOOTP_MIN)
		put_zeros(w, start + BOOTP_MIN - w->len);
}

static uint32_t sum(uint32_t start, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		start += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	return start;
}

static void store_checksum(uint8_t *at, uint32_t total, bool udp)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	total ^= 0xffff;
	if (udp && !total) /* 0 says that there is none */
		total = 0xffff;
	at[0] = (uint8_t)(total >> 8);
	at[1] = (uint8_t)total;
}

static void put_ip(struct writer *w, const struct packet_request *r)
{
	static const struct addr everybody = {AF_INET, {255, 255, 255, 255}};

	put8(w, 0x45);	 /* version 4, five words */
	put8(w, 0x10);	 /* low delay, as other clients */
	put_zeros(w, 6); /* length: later; id, fragment */
	put8(w, 64);
	put8(w, PROTOCOL_UDP);
	put_zeros(w, 2); /* checksum: later */
	put_addr(w, &r->ciaddr);
	put_addr(w, r->unicast ? &r->server_addr : &everybody);
}

size_t packet_build(const struct packet_identity *who, const struct packet_request *r,
		    uint8_t out[PACKET_MAX])
{
	static const uint8_t everybody[MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct writer w = {.data = out};
	uint8_t *ip = out + ETHERNET_SIZE, *udp = ip + IP_SIZE;

	put(&w, r->unicast ? r->server_mac : everybody, MAC_SIZE);
	put(&w, who->mac, MAC_SIZE);
	put16(&w, ETHERTYPE_IP);
	put_ip(&w, r);
	put16(&w, PORT_CLIENT);
	put16(&w, PORT_SERVER);
	put_zeros(&w, 4); /* length and checksum: later */
	put_message(&w, who, r);

	const size_t ip_len = w.len - ETHERNET_SIZE, udp_len = ip_len - IP_SIZE;
	ip[2] = (uint8_t)(ip_len >> 8);
	ip[3] = (uint8_t)ip_len;
	store_checksum(ip + 10, sum(0, ip, IP_SIZE), false);
	udp[4] = (uint8_t)(udp_len >> 8);
	udp[5] = (uint8_t)udp_len;
	store_checksum(udp + 6,
		       sum(sum((uint32_t)udp_len + PROTOCOL_UDP, ip + 12, 8), udp, udp_len), true);
	return w.len;
}

/* ---- reading ---- */

static unsigned int load16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)load16(p) << 16 | load16(p + 2);
}

static struct addr load_addr(const uint8_t *p)
{
	struct addr a = {.family = AF_INET};

	memcpy(a.bytes, p, 4);
	return a;
}

struct option_value {
	const uint8_t *data; /* NULL: the option is not there */
	size_t len;
};

/* The first of its kind counts. */
struct option_area {
	struct option_value values[OPTION_END + 1];
};

/* Returns false if an option does not end inside the area. */
static bool read_area(struct option_area *o, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		const uint8_t code = p[i++];

		if (code == OPTION_END)
			return true;
		if (code == OPTION_PAD)
			continue;
		if (i >= len || p[i] > len - i - 1)
			return false;
		if (!o->values[code].data)
			o->values[code] = (struct option_value){p + i + 1, p[i]};
		i += 1 + (size_t)p[i];
	}
	return true;
}

/* Servers with much to say put options into the fields of names, too. */
static bool read_options(struct option_area *o, const uint8_t *message, size_t len)
{
	const struct option_value *overload = &o->values[OPTION_OVERLOAD];

	*o = (struct option_area){0};
	if (!read_area(o, message + BOOTP_SIZE + sizeof(magic), len - BOOTP_SIZE - sizeof(magic)))
		return false;
	const unsigned int where = overload->len == 1 ? overload->data[0] : 0;
	if (where & OVERLOAD_FILE && !read_area(o, message + 108, 128))
		return false;
	return !(where & OVERLOAD_SNAME) || read_area(o, message + 44, 64);
}

static uint32_t number(const struct option_area *o, enum option code, size_t size)
{
	const struct option_value *v = &o->values[code];

	if (v->len != size)
		return 0;
	return size == 4 ? load32(v->data) : size == 2 ? load16(v->data) : v->data[0];
}

static struct addr one_addr(const struct option_area *o, enum option code)
{
	const struct option_value *v = &o->values[code];

	return v->len >= 4 ? load_addr(v->data) : (struct addr){0};
}

/* 0.0.0.0 is nobody's address. */
static void list_add(struct terms_list *list, const struct addr *a)
{
	if (!addr_is_zero(a) && list->n < TERMS_LIST_MAX)
		list->list[list->n++] = *a;
}

static void addr_list(const struct option_area *o, enum option code, struct terms_list *out)
{
	const struct option_value *v = &o->values[code];

	for (size_t i = 0; i + 4 <= v->len; i += 4) {
		const struct addr a = load_addr(v->data + i);

		list_add(out, &a);
	}
}

/* Some servers end names with a NUL. */
static void name(const struct option_area *o, enum option code, char out[TERMS_NAME_MAX])
{
	const struct option_value *v = &o->values[code];
	const size_t len = v->data ? strnlen((const char *)v->data, v->len) : 0;

	if (len)
		memcpy(out, v->data, len);
	out[len] = '\0';
}

static void add_route(struct terms *t, const struct terms_route *route)
{
	if (route->destination.len == 0 && route->gateway.family)
		list_add(&t->routers, &route->gateway);
	else if (t->n_routes < TERMS_ROUTES_MAX)
		t->routes[t->n_routes++] = *route;
}

/* Length, as many bytes of the destination as it needs, gateway. Returns false if they are broken. */
static bool read_routes(const struct option_value *v, struct terms *t)
{
	for (size_t i = 0; i < v->len;) {
		const uint8_t len = v->data[i++];
		const size_t bytes = (len + 7u) / 8;
		struct terms_route route = {.destination = {{.family = AF_INET}, len}};

		if (len > 32 || v->len - i < bytes + 4)
			return false;
		memcpy(route.destination.addr.bytes, v->data + i, bytes);
		route.destination = prefix_masked(&route.destination);
		const struct addr gateway = load_addr(v->data + i + bytes);
		if (!addr_is_zero(&gateway))
			route.gateway = gateway;
		add_route(t, &route);
		i += bytes + 4;
	}
	return true;
}

/* With classless routes the routers of option 3 do not count (RFC 3442). */
static void read_gateways(const struct option_area *o, struct terms *t)
{
	static const enum option codes[] = {OPTION_ROUTES, OPTION_ROUTES_MICROSOFT};

	for (size_t i = 0; i < array_size(codes); i++) {
		if (!o->values[codes[i]].len)
			continue;
		if (read_routes(&o->values[codes[i]], t))
			return;
		t->routers.n = t->n_routes = 0;
	}
	addr_list(o, OPTION_ROUTERS, &t->routers);
}

/* That of the class of the address, where the server says nothing. */
static struct addr default_mask(const struct addr *a)
{
	struct addr mask = {.family = AF_INET, .bytes = {255}};

	if (a->bytes[0] >= 128)
		mask.bytes[1] = 255;
	if (a->bytes[0] >= 192)
		mask.bytes[2] = 255;
	return mask;
}

static void read_terms(const uint8_t *message, const struct option_area *o, struct terms *t)
{
	*t = (struct terms){
		.address = load_addr(message + 16),
		.next_server = load_addr(message + 20),
		.mask = one_addr(o, OPTION_MASK),
		.server = one_addr(o, OPTION_SERVER),
		.lease_time = number(o, OPTION_LEASE_TIME, 4),
		.t1 = number(o, OPTION_T1, 4),
		.t2 = number(o, OPTION_T2, 4),
		.mtu = number(o, OPTION_MTU, 2),
	};
	if (!t->mask.family)
		t->mask = default_mask(&t->address);
	memcpy(t->mac, message + 28, MAC_SIZE);
	addr_list(o, OPTION_DNS, &t->dns);
	addr_list(o, OPTION_NTP, &t->ntp);
	name(o, OPTION_DOMAIN, t->domain);
	name(o, OPTION_HOST_NAME, t->host_name);
	read_gateways(o, t);
}

/* The DHCP message inside a frame, or NULL; *len is shortened to it. */
static const uint8_t *unwrap(const uint8_t *frame, size_t *len)
{
	const uint8_t *ip = frame + ETHERNET_SIZE;

	if (*len < ETHERNET_SIZE + IP_SIZE || load16(frame + 12) != ETHERTYPE_IP || ip[0] >> 4 != 4)
		return NULL;
	const size_t header = (size_t)(ip[0] & 0x0f) * 4, total = load16(ip + 2);
	if (header < IP_SIZE || total > *len - ETHERNET_SIZE || total < header + UDP_SIZE)
		return NULL;
	if (ip[9] != PROTOCOL_UDP || load16(ip + 6) & 0x3fff) /* a fragment */
		return NULL;
	const uint8_t *udp = ip + header;
	const size_t udp_len = load16(udp + 4);
	if (load16(udp) != PORT_SERVER || load16(udp + 2) != PORT_CLIENT ||
	    udp_len < UDP_SIZE + BOOTP_SIZE + sizeof(magic) || udp_len > total - header)
		return NULL;
	*len = udp_len - UDP_SIZE;
	return udp + UDP_SIZE;
}

bool packet_parse(const uint8_t *frame, size_t len, struct packet_reply *out)
{
	const uint8_t *message = unwrap(frame, &len);
	struct option_area o;

	if (!message || message[0] != OP_REPLY || message[1] != 1 || message[2] != MAC_SIZE ||
	    memcmp(message + BOOTP_SIZE, magic, sizeof(magic)) != 0 ||
	    !read_options(&o, message, len))
		return false;
	const uint32_t type = number(&o, OPTION_TYPE, 1);
	if (type != PACKET_OFFER && type != PACKET_ACK && type != PACKET_NAK)
		return false;
	out->type = (enum packet_type)type;
	out->xid = load32(message + 4);
	memcpy(out->from, frame + MAC_SIZE, MAC_SIZE);
	read_terms(message, &o, &out->terms);
	return true;
}
