/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * IP addresses and prefixes as values. Bytes are in network order. A family of 0 means "none";
 * a zeroed struct is such an address, so optional addresses need no flag beside them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_TEXT_MAX	46 /* INET6_ADDRSTRLEN */
#define PREFIX_TEXT_MAX 50

struct addr {
	uint8_t family; /* AF_INET, AF_INET6 or 0 */
	uint8_t bytes[16];
};

struct prefix {
	struct addr addr; /* host bits are kept as written */
	uint8_t len;
};

/* A place for the printed form, so that addr_print() can stand inside a printf call. */
struct addr_text {
	char s[PREFIX_TEXT_MAX];
};

/*
 * Text to value. Strict: dotted quad without leading zeros, RFC 4291 text for IPv6; no zone, no
 * brackets, no prefix length, no blanks. An IPv4-mapped IPv6 address stays IPv6.
 */
bool addr_parse(const char *text, struct addr *out);

/* "<address>/<n>" with n up to 32 or 128, decimal, without sign or leading zeros. */
bool prefix_parse(const char *text, struct prefix *out);

/* Canonical text (RFC 5952); "" for none. The macros give a string for use as an argument. */
struct addr_text addr_print(const struct addr *a);
struct addr_text prefix_print(const struct prefix *p);
#define addr_str(a)   (addr_print(a).s)
#define prefix_str(p) (prefix_print(p).s)

size_t addr_size(const struct addr *a); /* 4, 16, or 0 for none */
bool addr_equal(const struct addr *a, const struct addr *b);
int addr_compare(const struct addr *a, const struct addr *b); /* family first, then value */
bool addr_is_zero(const struct addr *a);		      /* 0.0.0.0 or :: */
bool addr_is_link_local6(const struct addr *a);		      /* fe80::/10 */

/* The address that lies n above a, modulo the size of the family's space. */
struct addr addr_plus(const struct addr *a, uint64_t n);

bool prefix_equal(const struct prefix *a, const struct prefix *b); /* host bits count */
bool prefix_contains(const struct prefix *p, const struct addr *a);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
struct prefix prefix_masked(const struct prefix *p); /* host bits cleared */
struct addr prefix_last(const struct prefix *p);     /* all host bits set */
uint8_t prefix_max_len(int family);		     /* 32 or 128 */
