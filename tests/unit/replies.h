/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Frames of DHCP servers for the unit tests: a plain one, to which options are added. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "netavark/dhcp-proxy/packet.h"

#define REPLY_XID 0x12345678u
#define REPLY_MAC                                                                                  \
	{                                                                                          \
		2, 0, 0, 0, 0, 7                                                                   \
	}
#define REPLY_FROM                                                                                 \
	{                                                                                          \
		2, 0, 0, 0, 0, 9                                                                   \
	}

struct frame {
	uint8_t data[1500];
	size_t len;
};

static inline void reply_add(struct frame *f, const void *data, size_t len)
{
	memcpy(f->data + f->len, data, len);
	f->len += len;
}

static inline void reply_option(struct frame *f, uint8_t code, const void *data, size_t len)
{
	const uint8_t head[] = {code, (uint8_t)len};

	reply_add(f, head, 2);
	reply_add(f, data, len);
}

/* From 10.60.0.1, grants 10.60.0.50; up to the magic number, without options. */
static inline struct frame reply_start(void)
{
	static const uint8_t head[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,	 0,    0,   0,
				       0,    9,	   8,	 0, /* Ethernet */
				       0x45, 0,	   0,	 0,    0,    0,	   0,	 0,    64,  17,
				       0,    0,	   10,	 60,   0,    1,	   255,	 255,  255, 255,
				       0,    67,   0,	 68,   0,    0,	   0,	 0, /* UDP */
				       2,    1,	   6,	 0,    0x12, 0x34, 0x56, 0x78, 0,   0,
				       0x80, 0, /* reply */
				       0,    0,	   0,	 0,    10,   60,   0,	 50,   10,  60,
				       0,    1,	   0,	 0,    0,    0,	   2,	 0,    0,   0,
				       0,    7};
	static const uint8_t magic_number[] = {99, 130, 83, 99};
	struct frame f = {.len = 14 + 20 + 8 + 236};

	memcpy(f.data, head, sizeof(head));
	reply_add(&f, magic_number, 4);
	return f;
}

/* Ends the options and fills in the lengths. */
static inline void reply_end(struct frame *f)
{
	f->data[f->len++] = 255;
	f->data[16] = (uint8_t)((f->len - 14) >> 8);
	f->data[17] = (uint8_t)(f->len - 14);
	f->data[38] = (uint8_t)((f->len - 34) >> 8);
	f->data[39] = (uint8_t)(f->len - 34);
}
