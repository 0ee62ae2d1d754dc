/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::firewalld"
#include "netavark/firewall/firewalld.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "netavark/firewall/firewalld_bus.h"

#define ZONE "trusted"

/* NULL where firewalld does not run, or cannot be asked whether it does. Close it in any case. */
static struct firewalld_bus *open_bus(void)
{
	struct firewalld_bus *bus = NULL;
	bool running = false;
	struct error err;

	if (!firewalld_bus_exists())
		return NULL;
	int r = firewalld_bus_open(&bus, &err);
	if (r == 0)
		r = firewalld_bus_is_running(bus, &running, &err);
	if (r < 0)
		log_debug("not looking for firewalld: %s", err.text);
	if (running)
		return bus;
	firewalld_bus_close(bus);
	return NULL;
}

/* ---- ports ---- */

static bool forwards(const struct fw_intent *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (in[i].me.n_ports || in[i].net.dns_port != 53)
			return true;
	return false;
}

int firewalld_check(const struct fw_intent *in, size_t n, struct arena *a, struct error *err)
{
	struct firewalld_bus *bus = forwards(in, n) ? open_bus() : NULL;
	const char *strict = "no";
	struct error ignored;

	if (!bus)
		return 0;
	if (firewalld_bus_setting(bus, "StrictForwardPorts", a, &strict, &ignored) < 0)
		log_debug("%s", ignored.text); /* before 2.3 there was no such setting */
	firewalld_bus_close(bus);
	if (strcmp(strict, "yes") == 0)
		return fail(err, EPERM,
			    "Port forwarding not possible as firewalld StrictForwardPorts enabled");
	return 0;
}

/* ---- subnets ---- */

struct sources {
	const char **list;
	size_t n;
	struct arena *arena;
};

static void add_sources(struct sources *s, const struct fw_network *net)
{
	for (size_t i = 0; i < net->n_subnets; i++) {
		const struct prefix masked = prefix_masked(&net->subnets[i]);
		const char *text = arena_strdup(s->arena, prefix_str(&masked));
		bool known = false;

		for (size_t k = 0; k < s->n; k++)
			known |= strcmp(s->list[k], text) == 0;
		if (known)
			continue;
		s->list = arena_grow(s->arena, s->list, s->n, sizeof(*s->list));
		s->list[s->n++] = text;
	}
}

static int distrust_one(struct firewalld_bus *bus, const char *source, struct arena *a,
			struct error *err)
{
	const char *zone;
	int r = firewalld_bus_zone_of(bus, source, a, &zone, err);

	if (r < 0 || strcmp(zone, ZONE) != 0)
		return r; /* somebody has moved it */
	return firewalld_bus_remove_source(bus, ZONE, source, err);
}

static void distrust(const struct sources *s)
{
	struct firewalld_bus *bus = s->n ? open_bus() : NULL;
	struct error err;

	for (size_t i = 0; bus && i < s->n; i++)
		if (distrust_one(bus, s->list[i], s->arena, &err) < 0)
			log_warn("subnet %s stays in firewalld's zone " ZONE ": %s", s->list[i],
				 err.text);
	firewalld_bus_close(bus);
}

void firewalld_distrust(const struct fw_intent *in, size_t n, struct arena *a)
{
	struct sources s = {.arena = a};

	for (size_t i = 0; i < n; i++)
		if (in[i].last_container)
			add_sources(&s, &in[i].net);
	distrust(&s);
}

static int take_back(void *arg, struct error *err)
{
	(void)err;
	distrust(arg);
	return 0;
}

static int trust_one(struct firewalld_bus *bus, const char *source, struct sources *made,
		     struct error *err)
{
	const char *zone;
	int r = firewalld_bus_zone_of(bus, source, made->arena, &zone, err);

	if (r < 0 || strcmp(zone, ZONE) == 0)
		return r;
	r = firewalld_bus_set_zone(bus, ZONE, source, err);
	if (r == 0) {
		made->list = arena_grow(made->arena, made->list, made->n, sizeof(*made->list));
		made->list[made->n++] = source;
	}
	return r;
}

void firewalld_trust(const struct fw_intent *in, size_t n, struct arena *a, struct undo *undo)
{
	struct sources s = {.arena = a}, *made = arena_alloc(a, sizeof(*made));
	struct error err;

	for (size_t i = 0; i < n; i++)
		add_sources(&s, &in[i].net);
	struct firewalld_bus *bus = s.n ? open_bus() : NULL;
	*made = (struct sources){.arena = a};
	undo_push(undo, take_back, made, "sources of firewalld's zone " ZONE);
	for (size_t i = 0; bus && i < s.n; i++)
		if (trust_one(bus, s.list[i], made, &err) < 0)
			log_warn("subnet %s cannot be put into firewalld's zone " ZONE ": %s",
				 s.list[i], err.text);
	firewalld_bus_close(bus);
}
