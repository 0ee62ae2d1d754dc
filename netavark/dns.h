/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The data files of aardvark-dns below <config>/aardvark-dns, and its start. The files have
 * upstream's format: a header line with the addresses to listen on, then a line per container. No
 * other file may ever appear in that directory, the server takes every one for a network.
 */

#include "netavark/host.h"
#include "netavark/plan.h"

/*
 * Setup: enters the container in the files of all its networks, then starts or signals the server
 * and waits until a new one is ready.
 * Undo:    the entries go, and the server is told.
 * Errors:  as in netavark(1), with context "error while applying dns entries".
 */
int dns_add(const struct plan *plan, struct host *h, struct error *err) must_check;

/*
 * Gives a running network other forwarders, none if n is 0, and tells the server. A network that has
 * no file, because no container of it runs, is fine.
 * Errors:  "failed to get aardvark pid: …" and those of files.
 */
int dns_update(struct host *h, const char *network, const struct addr *servers, size_t n,
	       struct error *err) must_check;

/* Teardown: removes the entries and tells the server. Absent ones are fine. Collects errors. */
void dns_remove(const struct plan *plan, struct host *h, struct error *all);
