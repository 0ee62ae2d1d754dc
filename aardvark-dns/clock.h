/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

/* Milliseconds as libevent wants them. */
static inline struct timeval clock_ms(unsigned int ms)
{
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

/* Microseconds of a clock that nobody sets, and that goes on while the machine sleeps. */
static inline uint64_t clock_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline uint64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}
