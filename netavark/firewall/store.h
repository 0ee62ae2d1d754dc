/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The firewall's state files below <config>/firewall, with upstream's names and JSON, so that
 * either program can reload or tear down what the other has set up:
 *   firewall-driver                       name of the backend, no newline
 *   networks/<network id>                 struct fw_network
 *   ports/<network id>_<container id>     struct fw_ports
 */

#include "netavark/firewall/firewall.h"
#include "netavark/host.h"

/*
 * Takes firewall-reload.lock, which upstream's reload takes too. *out_fd: see file_lock(); it stays
 * -1, with a warning, if somebody else keeps the lock for long: the rules are safe without it.
 */
int store_lock(const struct host *h, int *out_fd, struct error *err) must_check;

/* Writes all three files. Undo: as before. */
int store_write(const struct firewall *fw, const struct fw_intent *in, struct host *h,
		struct error *err) must_check;

/* Removes the container's file, and with in->last_container the network's. Absent ones are fine. */
int store_remove(const struct fw_intent *in, struct host *h, struct error *err) must_check;

/* The backend that is noted; NULL if none is. */
const char *store_read_driver(const struct options *o, struct arena *a);

/*
 * Whether the state file of a container forwards that port to that place: fw_intent.is_claimed, with
 * the struct host as claims.
 */
bool store_is_claimed(const void *host, const char *network_id, const struct fw_forward *f);

/*
 * What setup has noted about a network and a container, for a teardown that was not told: the
 * isolation (kept in *isolation if noted) and the addresses (filled if in has none).
 */
void store_recall(const struct host *h, struct fw_intent *in);
