/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Gets a lease for one interface and keeps it until it is given back: a DHCP client together with its
 * socket, its timers and the interface that shows the lease. Sockets are open only while an answer is
 * awaited, so that a lease does not keep the namespace of a container that is gone alive.
 */

#include <event2/event.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "netavark/dhcp-proxy/terms.h"
#include "netavark/dhcp_message.h"

struct keepers; /* all leases of a proxy */

/* Called once: with a lease, which is on the interface then, or with why there is none. */
typedef void (*keeper_done)(void *owner, const struct terms *lease, const struct error *err);

/* path: the lease file. seconds: the time limit for getting a lease. */
int keeper_open_all(struct event_base *base, const char *path, unsigned int seconds,
		    struct keepers **out, struct error *err) must_check;

/* Forgets all leases without giving them back; NULL is allowed. */
void keeper_close_all(struct keepers *all);

/* How many leases are held, or being acquired. */
size_t keeper_count(const struct keepers *all);

/*
 * Begins to acquire a lease; done is called later, never from here. config is copied.
 * Errors:  what makes it impossible from the start: interfaces and namespace that are not there.
 */
int keeper_start(struct keepers *all, const struct dhcp_config *config, const uint8_t mac[MAC_SIZE],
		 void *owner, keeper_done done, struct error *err) must_check;

/* The owner does not want an answer any more: what is being acquired for it is given up. */
void keeper_abandon(struct keepers *all, const void *owner);

/*
 * Gives a lease back to its server. The address stays on the interface. Returns false if there is
 * none for this hardware address.
 */
bool keeper_end(struct keepers *all, const uint8_t mac[MAC_SIZE], struct terms *out);
