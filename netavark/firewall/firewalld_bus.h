/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * firewalld's D-Bus interface, as far as it is needed. One of the doors. libsystemd is loaded when the
 * first connection is opened: most hosts have no firewalld, and no run there pays for it.
 */

#include <stdbool.h>

#include "common/arena.h"
#include "common/cleanup.h"
#include "common/error.h"

#define FIREWALLD_BUS_PATH   "/org/fedoraproject/FirewallD1"
#define FIREWALLD_BUS_NAME   "org.fedoraproject.FirewallD1"
#define FIREWALLD_BUS_CONFIG FIREWALLD_BUS_NAME ".config"

struct firewalld_bus;

/*
 * Whether there may be a system bus: DBUS_SYSTEM_BUS_ADDRESS names it, or its socket is there. Empty,
 * the variable means that there is none.
 */
bool firewalld_bus_exists(void);

/*
 * Connects to the system bus; close it in any case.
 * Errors:  "DBus error: …".
 */
int firewalld_bus_open(struct firewalld_bus **out, struct error *err) must_check;
void firewalld_bus_close(struct firewalld_bus *bus);

/* Whether firewalld is on the bus. */
int firewalld_bus_is_running(struct firewalld_bus *bus, bool *out, struct error *err) must_check;

/* The zone that a source is in; "" if it is in none. The answer is in the arena. */
int firewalld_bus_zone_of(struct firewalld_bus *bus, const char *source, struct arena *a,
			  const char **out, struct error *err) must_check;

/* Puts a source into a zone, out of the one it was in; takes it off. Both until firewalld reloads. */
int firewalld_bus_set_zone(struct firewalld_bus *bus, const char *zone, const char *source,
			   struct error *err) must_check;
int firewalld_bus_remove_source(struct firewalld_bus *bus, const char *zone, const char *source,
				struct error *err) must_check;

/* A setting of firewalld.conf(5). Older releases do not know all, which is an error here. */
int firewalld_bus_setting(struct firewalld_bus *bus, const char *name, struct arena *a,
			  const char **out, struct error *err) must_check;

/* From now on firewalld_bus_wait() sees when firewalld has reloaded, and lost what was put into zones. */
int firewalld_bus_watch(struct firewalld_bus *bus, struct error *err) must_check;

/*
 * Waits for that. Several times that have passed by then count as one.
 * Errors:  the connection is gone.
 */
int firewalld_bus_wait(struct firewalld_bus *bus, struct error *err) must_check;
