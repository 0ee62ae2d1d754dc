/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "aardvark-dns/wire.h"
#include "common/cleanup.h"

#define GONE_MAX 1024 /* counters kept of what is not there any more */

static const struct {
	uint16_t type;
	const char *name;
} types[] = {
	{TYPE_A, "A"}, {TYPE_AAAA, "AAAA"}, {TYPE_PTR, "PTR"}, {15, "MX"},
	{16, "TXT"},   {33, "SRV"},	    {65, "HTTPS"},     {255, "ANY"},
	{2, "NS"},     {TYPE_SOA, "SOA"},   {43, "DS"},	       {64, "SVCB"},
};
#define TYPES (array_size(types) + 1) /* the last one is for all others */

static const char *const rcodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
				     "NOTIMP",	"REFUSED", "OTHER"};
#define RCODES array_size(rcodes)

static const char *const sources[SOURCES] = {"local", "cache", "server"};

struct tally {
	UT_hash_handle hh;
	bool in_use; /* by the snapshot in force */
	uint64_t udp, tcp, unanswered;
	uint64_t type[TYPES], rcode[RCODES], source[SOURCES];
	char key[]; /* name of the network, or ID of the container */
};

struct stats {
	uint64_t ignored;
	const struct zones *zones;
	struct tally *total;
	struct tally *networks, *containers; /* by key */
	/* The same by index in the snapshot; NULL until the first query. */
	struct tally **by_network, **by_container;
};

const char *stats_rcode_name(unsigned int rcode)
{
	return rcodes[rcode < RCODES ? rcode : RCODES - 1];
}

const char *stats_source_name(enum source source)
{
	return sources[source];
}

const char *stats_type_name(uint16_t type, char room[16])
{
	for (size_t i = 0; i < array_size(types); i++)
		if (types[i].type == type)
			return types[i].name;
	snprintf(room, 16, "TYPE%u", type);
	return room;
}

/* --- Finding the counters --- */

static struct tally *tally_new(const char *key)
{
	struct tally *t = calloc(1, sizeof(*t) + strlen(key) + 1);

	if (t)
		memcpy(t->key, key, strlen(key));
	return t;
}

/* Makes room among those that belong to nobody any more. */
static void drop_gone(struct tally **all, size_t n_present)
{
	struct tally *t, *next;

	if (HASH_COUNT(*all) <= n_present + GONE_MAX)
		return;
	HASH_ITER(hh, *all, t, next)
	{
		if (t->in_use)
			continue;
		HASH_DEL(*all, t);
		free(t);
	}
}

static struct tally *tally_get(struct tally **all, size_t n_present, const char *key)
{
	struct tally *t;

	HASH_FIND_STR(*all, key, t);
	if (!t) {
		drop_gone(all, n_present);
		t = tally_new(key);
		if (t)
			HASH_ADD_STR(*all, key, t);
	}
	if (t)
		t->in_use = true;
	return t;
}

static struct tally *of_network(struct stats *s, uint32_t i)
{
	if (s->by_network && !s->by_network[i])
		s->by_network[i] =
			tally_get(&s->networks, s->zones->n_networks, s->zones->networks[i].name);
	return s->by_network ? s->by_network[i] : NULL;
}

static struct tally *of_container(struct stats *s, uint32_t i)
{
	if (s->by_container && !s->by_container[i])
		s->by_container[i] = tally_get(&s->containers, s->zones->n_containers,
					       s->zones->containers[i].id);
	return s->by_container ? s->by_container[i] : NULL;
}

static void none_in_use(struct tally *all)
{
	for (struct tally *t = all; t; t = t->hh.next)
		t->in_use = false;
}

static void is_present(struct tally *all, const char *key)
{
	struct tally *t;

	HASH_FIND_STR(all, key, t);
	if (t)
		t->in_use = true;
}

/* Only those who are gone may be dropped, not those who have not asked since the last reload. */
static void note_present(struct stats *s)
{
	none_in_use(s->networks);
	none_in_use(s->containers);
	for (size_t i = 0; s->networks && i < s->zones->n_networks; i++)
		is_present(s->networks, s->zones->networks[i].name);
	for (size_t i = 0; s->containers && i < s->zones->n_containers; i++)
		is_present(s->containers, s->zones->containers[i].id);
}

void stats_set_zones(struct stats *s, const struct zones *zones)
{
	free(s->by_network);
	free(s->by_container);
	s->by_network = calloc(zones->n_networks + 1, sizeof(struct tally *));
	s->by_container = calloc(zones->n_containers + 1, sizeof(struct tally *));
	s->zones = zones;
	note_present(s);
}

/* --- Counting --- */

static size_t type_index(const struct finished *f)
{
	size_t i = 0;

	if (!f->question || f->question_len < 5)
		return TYPES - 1;
	uint16_t type = wire_load16(f->question + f->question_len - 4);
	while (i < array_size(types) && types[i].type != type)
		i++;
	return i;
}

static void add(struct tally *t, const struct finished *f, size_t type)
{
	if (!t)
		return;
	t->udp += !f->tcp;
	t->tcp += f->tcp;
	t->type[type]++;
	t->source[f->source]++;
	if (!f->reply) {
		t->unanswered++;
		return;
	}
	unsigned int rcode = wire_load16(f->reply + WIRE_AT_FLAGS) & WIRE_RCODE;
	t->rcode[rcode < RCODES ? rcode : RCODES - 1]++;
}

void stats_count(struct stats *s, const struct finished *f)
{
	size_t type = type_index(f);

	add(s->total, f, type);
	if (!f->view)
		return;
	if (f->view->host)
		add(of_container(s, f->view->host->container), f, type);
	/* The network through which it was asked, not all that the client sees. */
	if (f->view->listener->n_networks)
		add(of_network(s, f->view->listener->networks[0]), f, type);
}

void stats_count_ignored(struct stats *s)
{
	s->ignored++;
}

/* --- Reporting --- */

static json_t *report_tally(const struct tally *t)
{
	json_t *type = json_object(), *rcode = json_object(), *source = json_object();

	for (size_t i = 0; i < TYPES; i++)
		if (t->type[i])
			json_object_set_new(type, i < array_size(types) ? types[i].name : "OTHER",
					    json_integer((json_int_t)t->type[i]));
	for (size_t i = 0; i < RCODES; i++)
		if (t->rcode[i])
			json_object_set_new(rcode, rcodes[i],
					    json_integer((json_int_t)t->rcode[i]));
	for (size_t i = 0; i < SOURCES; i++)
		json_object_set_new(source, sources[i], json_integer((json_int_t)t->source[i]));
	return json_pack("{s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "queries", (json_int_t)(t->udp + t->tcp),
			 "udp", (json_int_t)t->udp, "tcp", (json_int_t)t->tcp, "unanswered",
			 (json_int_t)t->unanswered, "types", type, "rcodes", rcode, "sources",
			 source);
}

void stats_print_name(const char *name, char room[STATS_NAME_MAX])
{
	size_t used = 0;

	for (; *name && used + 5 < STATS_NAME_MAX; name++) {
		unsigned char c = (unsigned char)*name;

		if (c >= ' ' && c < 0x7f && c != '\\')
			room[used++] = (char)c;
		else
			used += (size_t)snprintf(room + used, 5, "\\%03u", c);
	}
	room[used] = '\0';
}

static void put(json_t *object, const char *key, json_t *value)
{
	char text[STATS_NAME_MAX];

	stats_print_name(key, text);
	json_object_set_new(object, text, value);
}

static json_t *report_all(const struct tally *all, const char *one, bool by_start)
{
	json_t *out = json_object();

	for (const struct tally *t = all; t; t = t->hh.next)
		if (!one || (by_start ? strncmp(t->key, one, strlen(t->key)) == 0
				      : strcmp(t->key, one) == 0))
			put(out, t->key, report_tally(t));
	return out;
}

json_t *stats_report(const struct stats *s, const char *network, const char *container)
{
	json_t *out = json_object();

	if (!network && !container) {
		json_object_set_new(out, "total", report_tally(s->total));
		json_object_set_new(out, "ignored", json_integer((json_int_t)s->ignored));
	}
	if (network || !container)
		json_object_set_new(out, "networks", report_all(s->networks, network, false));
	if (container || !network)
		json_object_set_new(out, "containers", report_all(s->containers, container, true));
	return out;
}

struct stats *stats_new(void)
{
	struct stats *s = calloc(1, sizeof(*s));

	if (s)
		s->total = tally_new("");
	if (s && s->total)
		return s;
	free(s);
	return NULL;
}

static void free_all(struct tally **all)
{
	struct tally *t, *next;

	HASH_ITER(hh, *all, t, next)
	{
		HASH_DEL(*all, t);
		free(t);
	}
}

void stats_free(struct stats *s)
{
	if (!s)
		return;
	free_all(&s->networks);
	free_all(&s->containers);
	free(s->by_network);
	free(s->by_container);
	free(s->total);
	free(s);
}
