/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/number.h"

#include <errno.h>
#include <string.h>

static const char *const empty = "cannot parse integer from empty string";
static const char *const bad_digit = "invalid digit found in string";
static const char *const too_large = "number too large to fit in target type";
static const char *const too_small = "number too small to fit in target type";

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

static const char *parse(const char *text, size_t len, unsigned int base, uint64_t max,
			 uint64_t *out)
{
	uint64_t n = 0;

	if (len == 0)
		return empty;
	if (len > 1 && text[0] == '+') {
		text++;
		len--;
	}
	for (size_t i = 0; i < len; i++)
		if (digit_of(text[i]) >= (int)base)
			return bad_digit;
	for (size_t i = 0; i < len; i++) {
		n = n * base + (uint64_t)digit_of(text[i]);
		if (n > max)
			return too_large;
	}
	*out = n;
	return NULL;
}

const char *number_parse(const char *text, uint64_t max, uint64_t *out)
{
	return parse(text, strlen(text), 10, max, out);
}

const char *number_parse_i32(const char *text, int32_t *out)
{
	size_t len = strlen(text);
	bool negative = len > 1 && text[0] == '-';
	uint64_t n;
	const char *why;

	if (negative && text[1] == '+')
		return bad_digit;
	why = parse(text + negative, len - negative, 10, (uint64_t)INT32_MAX + negative, &n);
	if (why)
		return negative && why == too_large ? too_small : why;
	*out = (int32_t)(negative ? -(int64_t)n : (int64_t)n);
	return NULL;
}

bool number_parse_bool(const char *text, bool *out)
{
	static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True"};
	static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False"};

	for (size_t i = 0; i < array_size(yes); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*out = strcmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

int number_parse_mac(const char *text, uint8_t out[MAC_SIZE], struct error *err)
{
	uint8_t mac[MAC_SIZE];
	const char *p = text;

	for (size_t n = 0;; n++) {
		size_t len = strcspn(p, ":-");
		uint64_t byte;
		const char *why = parse(p, len, 16, UINT8_MAX, &byte);

		if (why)
			return fail(err, EINVAL, "unable to parse mac address %s: %s", text, why);
		if (n < MAC_SIZE)
			mac[n] = (uint8_t)byte;
		if (!p[len] && n + 1 == MAC_SIZE)
			break;
		if (!p[len])
			return fail(err, EINVAL, "invalid mac length for address: %s", text);
		p += len + 1;
	}
	memcpy(out, mac, MAC_SIZE);
	return 0;
}
