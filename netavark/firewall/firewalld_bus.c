/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::firewall::firewalld"
#include "netavark/firewall/firewalld_bus.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/fault.h"

#define LIBRARY	     "libsystemd.so.0"
#define SOCKET	     "/run/dbus/system_bus_socket"
#define CALL_SECONDS 3
#define USEC	     1000000ULL

/* ---- the library: its functions as sd-bus(3) declares them ---- */

typedef struct sd_bus sd_bus;
typedef struct sd_bus_message sd_bus_message;
typedef struct sd_bus_slot sd_bus_slot;
typedef struct {
	const char *name, *message;
	int need_free;
} sd_bus_error;
typedef int (*sd_bus_handler)(sd_bus_message *m, void *arg, sd_bus_error *error);

static struct {
	int (*open_system)(sd_bus **bus);
	sd_bus *(*close_unref)(sd_bus *bus);
	int (*is_ready)(sd_bus *bus);
	int (*process)(sd_bus *bus, sd_bus_message **m);
	int (*wait)(sd_bus *bus, uint64_t usec);
	int (*set_timeout)(sd_bus *bus, uint64_t usec);
	int (*call_method)(sd_bus *bus, const char *to, const char *path, const char *interface,
			   const char *member, sd_bus_error *error, sd_bus_message **reply,
			   const char *types, ...);
	int (*get_string)(sd_bus *bus, const char *to, const char *path, const char *interface,
			  const char *member, sd_bus_error *error, char **out);
	int (*match_signal)(sd_bus *bus, sd_bus_slot **slot, const char *from, const char *path,
			    const char *interface, const char *member, sd_bus_handler handler,
			    void *arg);
	int (*message_read)(sd_bus_message *m, const char *types, ...);
	sd_bus_message *(*message_unref)(sd_bus_message *m);
	void (*error_free)(sd_bus_error *error);
} sd;

static const struct {
	const char *name;
	void *place;
} symbols[] = {
	{"sd_bus_open_system", &sd.open_system},
	{"sd_bus_close_unref", &sd.close_unref},
	{"sd_bus_is_ready", &sd.is_ready},
	{"sd_bus_process", &sd.process},
	{"sd_bus_wait", &sd.wait},
	{"sd_bus_set_method_call_timeout", &sd.set_timeout},
	{"sd_bus_call_method", &sd.call_method},
	{"sd_bus_get_property_string", &sd.get_string},
	{"sd_bus_match_signal", &sd.match_signal},
	{"sd_bus_message_read", &sd.message_read},
	{"sd_bus_message_unref", &sd.message_unref},
	{"sd_bus_error_free", &sd.error_free},
};

/* It stays loaded until the end. */
static int load(struct error *err)
{
	static void *library;

	if (library)
		return 0;
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return fail(err, ENOENT, "%s", dlerror());
	for (size_t i = 0; i < array_size(symbols); i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (!symbol)
			return fail(err, ENOSYS, "%s has no %s", LIBRARY, symbols[i].name);
		memcpy(symbols[i].place, &symbol, sizeof(symbol));
	}
	library = handle;
	return 0;
}

/* ---- the connection ---- */

struct firewalld_bus {
	sd_bus *bus;
	bool reloaded; /* and nobody has been told yet */
};

bool firewalld_bus_exists(void)
{
	const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");

	return address ? *address != 0 : access(SOCKET, F_OK) == 0;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * USEC + (uint64_t)t.tv_nsec / 1000;
}

/* A bus that accepts and then says nothing must not hold up a container. */
static int wait_until_ready(sd_bus *bus)
{
	const uint64_t end = now() + CALL_SECONDS * USEC;
	int r;

	while ((r = sd.is_ready(bus)) == 0) {
		const uint64_t t = now();

		if (t >= end)
			return -ETIMEDOUT;
		r = sd.process(bus, NULL);
		if (r == 0)
			r = sd.wait(bus, end - t);
		if (r < 0 && r != -EINTR)
			return r;
	}
	return r < 0 ? r : 0;
}

static int connect_bus(struct firewalld_bus *bus, struct error *err)
{
	int r = fault("D-Bus connection", err);

	if (r == 0)
		r = load(err);
	if (r < 0)
		return r;
	r = sd.open_system(&bus->bus);
	if (r >= 0)
		r = sd.set_timeout(bus->bus, CALL_SECONDS * USEC);
	if (r >= 0)
		r = wait_until_ready(bus->bus);
	return r < 0 ? fail(err, -r, "cannot connect to the system bus: %s", strerror(-r)) : 0;
}

int firewalld_bus_open(struct firewalld_bus **out, struct error *err)
{
	*out = NULL;
	if (!firewalld_bus_exists())
		return fail(err, ENOENT, "DBus error: there is no system bus (%s)",
			    getenv("DBUS_SYSTEM_BUS_ADDRESS") ? "DBUS_SYSTEM_BUS_ADDRESS is empty"
							      : "no socket " SOCKET);
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return fail(err, ENOMEM, "DBus error: out of memory");
	int r = connect_bus(*out, err);
	return r < 0 ? wrap(err, "DBus error") : 0;
}

void firewalld_bus_close(struct firewalld_bus *bus)
{
	if (bus && bus->bus)
		sd.close_unref(bus->bus);
	free(bus);
}

/* ---- calls ---- */

static int explain(int r, const char *member, sd_bus_error *e, struct error *err)
{
	fail(err, r < 0 ? -r : EIO, "DBus error: %s: %s", member,
	     e->message ? e->message : strerror(-r));
	sd.error_free(e);
	return -err->code;
}

/* The answer to any call that is one string; b is NULL if the method takes only one. */
static int call(struct firewalld_bus *bus, const char *to, const char *path, const char *interface,
		const char *member, const char *a, const char *b, struct arena *arena,
		const char **out, struct error *err)
{
	sd_bus_message *reply = NULL;
	sd_bus_error e = {0};
	const char *answer = "";
	int r = fault(member, err);

	if (r < 0)
		return r;
	r = sd.call_method(bus->bus, to, path, interface, member, &e, &reply, b ? "ss" : "s", a, b);
	if (r >= 0)
		r = sd.message_read(reply, "s", &answer);
	if (r < 0)
		r = explain(r, member, &e, err);
	else if (out)
		*out = arena_strdup(arena, answer);
	sd.message_unref(reply);
	return r < 0 ? r : 0;
}

int firewalld_bus_is_running(struct firewalld_bus *bus, bool *out, struct error *err)
{
	struct arena a = {0};
	const char *owner;
	int r = call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
		     "GetNameOwner", FIREWALLD_BUS_NAME, NULL, &a, &owner, err);

	*out = r == 0;
	arena_release(&a);
	return r == -ENXIO ? 0 : r; /* what sd-bus makes of "the name has no owner" */
}

static int call_zone(struct firewalld_bus *bus, const char *member, const char *a, const char *b,
		     struct arena *arena, const char **out, struct error *err)
{
	return call(bus, FIREWALLD_BUS_NAME, FIREWALLD_BUS_PATH, FIREWALLD_BUS_NAME ".zone", member,
		    a, b, arena, out, err);
}

int firewalld_bus_zone_of(struct firewalld_bus *bus, const char *source, struct arena *a,
			  const char **out, struct error *err)
{
	return call_zone(bus, "getZoneOfSource", source, NULL, a, out, err);
}

int firewalld_bus_set_zone(struct firewalld_bus *bus, const char *zone, const char *source,
			   struct error *err)
{
	return call_zone(bus, "changeZoneOfSource", zone, source, NULL, NULL, err);
}

int firewalld_bus_remove_source(struct firewalld_bus *bus, const char *zone, const char *source,
				struct error *err)
{
	return call_zone(bus, "removeSource", zone, source, NULL, NULL, err);
}

int firewalld_bus_setting(struct firewalld_bus *bus, const char *name, struct arena *a,
			  const char **out, struct error *err)
{
	sd_bus_error e = {0};
	char *value = NULL;
	int r = fault("setting of firewalld", err);

	if (r < 0)
		return r;
	r = sd.get_string(bus->bus, FIREWALLD_BUS_NAME, FIREWALLD_BUS_PATH "/config",
			  FIREWALLD_BUS_CONFIG, name, &e, &value);
	if (r < 0)
		return explain(r, name, &e, err);
	*out = arena_strdup(a, value);
	free(value);
	return 0;
}

/* ---- the signal ---- */

static int note_reload(sd_bus_message *m, void *arg, sd_bus_error *error)
{
	(void)m;
	(void)error;
	((struct firewalld_bus *)arg)->reloaded = true;
	return 0;
}

int firewalld_bus_watch(struct firewalld_bus *bus, struct error *err)
{
	int r = sd.match_signal(bus->bus, NULL, FIREWALLD_BUS_NAME, FIREWALLD_BUS_PATH,
				FIREWALLD_BUS_NAME, "Reloaded", note_reload, bus);

	return r < 0 ? fail(err, -r, "DBus error: cannot listen to firewalld: %s", strerror(-r))
		     : 0;
}

int firewalld_bus_wait(struct firewalld_bus *bus, struct error *err)
{
	int r;

	do {
		r = sd.process(bus->bus, NULL);
		if (r == 0 && bus->reloaded)
			break;
		if (r == 0)
			r = sd.wait(bus->bus, UINT64_MAX);
	} while (r >= 0 || r == -EINTR);
	if (r < 0)
		return fail(err, -r, "DBus error: lost the system bus: %s", strerror(-r));
	bus->reloaded = false;
	return 0;
}
