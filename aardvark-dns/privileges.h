/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"
#include "common/error.h"

/*
 * Gives up all capabilities but CAP_NET_BIND_SERVICE, which later reloads need for port 53, and
 * the way to get new ones. The user stays: files in the directory may be readable for it only.
 */
int privileges_drop(struct error *err) must_check;
