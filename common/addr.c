/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

bool addr_parse(const char *text, struct addr *out)
{
	struct addr a = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	if (inet_pton(a.family, text, a.bytes) != 1)
		return false;
	*out = a;
	return true;
}

static bool parse_length(const char *text, unsigned int max, uint8_t *out)
{
	unsigned int n = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (unsigned int)(*text - '0');
		if (n > max)
			return false;
	}
	*out = (uint8_t)n;
	return true;
}

bool prefix_parse(const char *text, struct prefix *out)
{
	const char *slash = strchr(text, '/');
	char host[ADDR_TEXT_MAX];
	struct prefix p;

	if (!slash || (size_t)(slash - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (!addr_parse(host, &p.addr) ||
	    !parse_length(slash + 1, prefix_max_len(p.addr.family), &p.len))
		return false;
	*out = p;
	return true;
}

struct addr_text addr_print(const struct addr *a)
{
	struct addr_text text = {""};

	if (a->family)
		inet_ntop(a->family, a->bytes, text.s, sizeof(text.s));
	return text;
}

struct addr_text prefix_print(const struct prefix *p)
{
	struct addr_text text = addr_print(&p->addr);
	size_t used = strlen(text.s);

	if (used)
		snprintf(text.s + used, sizeof(text.s) - used, "/%u", p->len);
	return text;
}

size_t addr_size(const struct addr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, addr_size(a));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

bool addr_is_zero(const struct addr *a)
{
	static const uint8_t zero[16];

	return a->family && memcmp(a->bytes, zero, addr_size(a)) == 0;
}

bool addr_is_link_local6(const struct addr *a)
{
	return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

struct addr addr_plus(const struct addr *a, uint64_t n)
{
	struct addr sum = *a;

	for (size_t i = addr_size(a); i-- > 0 && n;) {
		n += sum.bytes[i];
		sum.bytes[i] = (uint8_t)n;
		n >>= 8;
	}
	return sum;
}

uint8_t prefix_max_len(int family)
{
	return family == AF_INET ? 32 : 128;
}

/* Byte i of the netmask. */
static uint8_t mask_byte(uint8_t len, size_t i)
{
	if (len >= (i + 1) * 8)
		return 0xff;
	return len <= i * 8 ? 0 : (uint8_t)(0xff << (8 - len % 8));
}

struct prefix prefix_masked(const struct prefix *p)
{
	struct prefix m = *p;

	for (size_t i = 0; i < addr_size(&p->addr); i++)
		m.addr.bytes[i] &= mask_byte(p->len, i);
	return m;
}

struct addr prefix_last(const struct prefix *p)
{
	struct addr last = p->addr;

	for (size_t i = 0; i < addr_size(&p->addr); i++)
		last.bytes[i] |= (uint8_t)~mask_byte(p->len, i);
	return last;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_equal(&a->addr, &b->addr);
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	if (!p->addr.family || p->addr.family != a->family)
		return false;
	for (size_t i = 0; i < addr_size(a); i++)
		if ((p->addr.bytes[i] ^ a->bytes[i]) & mask_byte(p->len, i))
			return false;
	return true;
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return prefix_contains(a, &b->addr) || prefix_contains(b, &a->addr);
}
