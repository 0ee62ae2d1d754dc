/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Options, labels and keys of netavark.conf that nobody reads: each gets one line on stderr with the key
 * that may be meant, or, where strict_options is set, ends the setup.
 */

#include "netavark/conf.h"
#include "netavark/request.h"

/* Errors:  -EINVAL 'unknown option "…" … at <place>' of the first one that may not be. */
int stray_report(const struct request *req, const struct conf *conf, struct arena *a,
		 struct error *err) must_check;
