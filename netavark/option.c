/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/option.h"

#include <errno.h>
#include <string.h>

#include "netavark/number.h"

const struct option *option_find(const struct option *list, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].key, key) == 0)
			return &list[i];
	return NULL;
}

const char *option_text(const struct option *list, size_t n, const char *key)
{
	const struct option *o = option_find(list, n, key);

	return o ? o->value : NULL;
}

int option_u32(const struct option *list, size_t n, const char *key, uint32_t *out,
	       struct error *err)
{
	const char *text = option_text(list, n, key), *why;
	uint64_t number;

	if (!text)
		return 0;
	why = number_parse(text, UINT32_MAX, &number);
	if (why)
		return fail(err, EINVAL, "unable to parse \"%s\": %s", key, why);
	*out = (uint32_t)number;
	return 0;
}

int option_i32(const struct option *list, size_t n, const char *key, int32_t *out,
	       struct error *err)
{
	const char *text = option_text(list, n, key), *why;

	why = text ? number_parse_i32(text, out) : NULL;
	return why ? fail(err, EINVAL, "unable to parse \"%s\": %s", key, why) : 0;
}

int option_bool(const struct option *list, size_t n, const char *key, bool *out, struct error *err)
{
	const char *text = option_text(list, n, key);

	if (text && !number_parse_bool(text, out))
		return fail(err, EINVAL,
			    "unable to parse \"%s\": provided string was not `true` or `false`",
			    key);
	return 0;
}

int option_addr(const struct option *list, size_t n, const char *key, int family, struct addr *out,
		struct error *err)
{
	const char *text = option_text(list, n, key);
	struct addr a;

	if (!text)
		return 0;
	if (!addr_parse(text, &a) || a.family != family)
		return fail(err, EINVAL, "unable to parse \"%s\": invalid %s address syntax", key,
			    family == AF_INET ? "IPv4" : "IPv6");
	*out = a;
	return 0;
}
