/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The lease file: a JSON object of hardware address → array with one lease, written anew whenever a
 * lease comes, changes or goes. For people and for other programs; the proxy never reads it.
 */

#include "common/cleanup.h"
#include "common/error.h"
#include "netavark/dhcp-proxy/terms.h"

/* Errors: "write lease file <path>: …"; the file is then as it was. */
int book_write(const char *path, const struct terms *const *list, size_t n,
	       struct error *err) must_check;
