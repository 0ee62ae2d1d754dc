/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/inspect.h"

#include <stdio.h>
#include <string.h>

#include "aardvark-dns/clock.h"

static json_t *json_address(const struct addr *a)
{
	return json_string(addr_str(a));
}

/* Names of networks are any bytes; JSON wants UTF-8. */
static json_t *json_shown(const char *name)
{
	char text[STATS_NAME_MAX];

	stats_print_name(name, text);
	return json_string(text);
}

static json_t *json_name(const uint8_t *wire, size_t len)
{
	char text[WIRE_NAME_TEXT_MAX];

	wire_name_print(wire, len, text);
	return json_string(text);
}

/* --- Statistics --- */

static json_t *cache_report(const struct cache *cache)
{
	struct cache_stats s = cache_stats(cache);

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "entries", (json_int_t)s.entries, "bytes",
			 (json_int_t)s.bytes, "bytes_max", (json_int_t)s.bytes_max, "hits",
			 (json_int_t)s.hits, "misses", (json_int_t)s.misses, "stored",
			 (json_int_t)s.stored, "evicted", (json_int_t)s.evicted);
}

/* No answer took longer than the last bucket that has an end. */
static json_int_t quantile(const struct upstream_counts *c, unsigned int percent)
{
	uint64_t us = upstream_quantile_us(c, percent);

	return us == UINT64_MAX ? (json_int_t)upstream_bucket_us(UPSTREAM_BUCKETS - 2)
				: (json_int_t)us;
}

static json_t *upstream_report(const struct upstream *up)
{
	const struct upstream_counts *c = &up->counts;
	char server[ADDR_TEXT_MAX + IF_NAMESIZE + 1];
	bool zoned = up->server.zone[0];

	snprintf(server, sizeof(server), "%s%s%s", addr_str(&up->server.addr), zoned ? "%" : "",
		 up->server.zone);
	return json_pack("{s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "server", server, "transport",
			 up->tcp ? "tcp" : "udp", "working",
			 upstream_state(up, clock_now_ms()) == UPSTREAM_GOOD, "asked",
			 (json_int_t)c->asked, "answered", (json_int_t)c->answered, "failed",
			 (json_int_t)c->failed, "wrong", (json_int_t)c->wrong, "p50_us",
			 quantile(c, 50), "p95_us", quantile(c, 95), "p99_us", quantile(c, 99));
}

static json_t *upstreams_report(const struct upstreams *u)
{
	json_t *list = json_array();

	for (size_t i = 0; i < UPSTREAMS_MAX; i++)
		if (u->list[i].server.addr.family && u->list[i].counts.asked)
			json_array_append_new(list, upstream_report(&u->list[i]));
	return list;
}

json_t *inspect_stats(const struct service *s, const char *network, const char *container)
{
	json_t *out = stats_report(s->stats, network, container);

	if (network || container)
		return out;
	json_object_set_new(out, "waiting",
			    json_integer((json_int_t)forward_waiting(s->forwarder)));
	json_object_set_new(out, "cache", cache_report(s->cache));
	json_object_set_new(out, "upstreams", upstreams_report(forward_upstreams(s->forwarder)));
	return out;
}

/* --- Everything that is served --- */

static json_t *dump_host(const struct zones *z, const struct zone_network *net,
			 const struct zone_host *h)
{
	json_t *names = json_array(), *servers = json_array();

	for (uint32_t i = 0; i < h->n_names; i++) {
		const struct zone_name *name = &net->names[h->names[i]];

		json_array_append_new(names, json_name(name->wire, name->len));
	}
	for (uint32_t i = 0; i < h->n_servers; i++)
		json_array_append_new(servers, json_address(&h->servers[i]));
	return json_pack("{s:o,s:o,s:o,s:o}", "address", json_address(&h->addr), "container",
			 json_shown(z->containers[h->container].id), "names", names, "dns_servers",
			 servers);
}

static json_t *dump_network(const struct zones *z, uint32_t index)
{
	const struct zone_network *net = &z->networks[index];
	json_t *listen = json_array(), *servers = json_array(), *hosts = json_array();

	for (size_t i = 0; i < z->n_listeners; i++)
		for (size_t k = 0; k < z->listeners[i].n_networks; k++)
			if (z->listeners[i].networks[k] == index)
				json_array_append_new(listen, json_address(&z->listeners[i].addr));
	for (size_t i = 0; i < net->n_servers; i++)
		json_array_append_new(servers, json_address(&net->servers[i]));
	for (size_t i = 0; i < net->n_hosts; i++)
		json_array_append_new(hosts, dump_host(z, net, &net->hosts[i]));
	return json_pack("{s:o,s:b,s:o,s:o,s:o}", "name", json_shown(net->name), "internal",
			 net->internal, "listen", listen, "dns_servers", servers, "hosts", hosts);
}

json_t *inspect_dump(const struct service *s)
{
	json_t *networks = json_array(), *servers = json_array();

	for (uint32_t i = 0; i < s->zones->n_networks; i++)
		json_array_append_new(networks, dump_network(s->zones, i));
	for (size_t i = 0; i < s->resolvconf.now.n_servers; i++)
		json_array_append_new(servers, json_address(&s->resolvconf.now.servers[i].addr));
	return json_pack("{s:i,s:o,s:o}", "port", s->port, "host_dns_servers", servers, "networks",
			 networks);
}

/* --- The log --- */

static json_t *client_name(const struct finished *f)
{
	const struct zone_host *host = f->view ? f->view->host : NULL;

	if (!host || !host->n_names)
		return json_null();
	const struct zone_name *name = &f->view->home->names[host->names[0]];
	return json_name(name->wire, name->len);
}

json_t *inspect_query(const struct finished *f, uint64_t now_us)
{
	bool asked = f->question && f->question_len >= 5;
	struct timespec now;
	char room[16];

	clock_gettime(CLOCK_REALTIME, &now);
	return json_pack(
		"{s:f,s:o,s:s,s:s,s:o,s:o,s:o,s:i,s:I,s:s}", "time",
		(double)now.tv_sec + (double)(now.tv_nsec / 1000) / 1e6, "client", client_name(f),
		"address", addr_str(&f->client), "transport", f->tcp ? "tcp" : "udp", "name",
		asked ? json_name(f->question, f->question_len - 4) : json_null(), "type",
		asked ? json_string(stats_type_name(wire_load16(f->question + f->question_len - 4),
						    room))
		      : json_null(),
		"rcode",
		f->reply ? json_string(stats_rcode_name(wire_load16(f->reply + WIRE_AT_FLAGS) &
							WIRE_RCODE))
			 : json_null(),
		"answers", f->reply ? wire_load16(f->reply + WIRE_AT_ANSWERS) : 0, "microseconds",
		(json_int_t)(f->started_us && f->started_us < now_us ? now_us - f->started_us : 0),
		"source", stats_source_name(f->source));
}
