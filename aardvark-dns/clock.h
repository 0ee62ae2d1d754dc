/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/time.h>

/* Milliseconds as libevent wants them. */
static inline struct timeval clock_ms(unsigned int ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}
