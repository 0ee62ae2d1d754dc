/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/unit.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

bool unit_parse(const char *text, bool minus_one, int64_t *out)
{
	static const char letters[] = "bkmgt";
	char *end;

	if (minus_one && strcmp(text, "-1") == 0) {
		*out = -1;
		return true;
	}
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (errno || end == text || n < 0 || !isdigit((unsigned char)*text))
		return false;
	if (*end) {
		const char *letter = strchr(letters, tolower((unsigned char)*end));

		if (!letter || (end[1] && strcasecmp(end + 1, "b") != 0))
			return false;
		for (const char *l = letters; l < letter; l++)
			if (__builtin_mul_overflow(n, 1024, &n))
				return false;
	}
	*out = n;
	return true;
}

bool unit_parse_nano(const char *text, int64_t *out)
{
	int64_t n = 0, scale = 1000000000;
	bool point = false;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; *text; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*text) || n > INT64_MAX / 100)
			return false;
		if (point && scale == 1)
			return false;
		n = n * 10 + (*text - '0');
		scale = point ? scale / 10 : scale;
	}
	return !__builtin_mul_overflow(n, scale, out);
}

static const struct age {
	int64_t seconds;
	const char *one, *many;
} ages[] = {
	{365 * 86400, "year", "years"}, {30 * 86400, "month", "months"},
	{7 * 86400, "week", "weeks"},	{86400, "day", "days"},
	{3600, "hour", "hours"},	{60, "minute", "minutes"},
};

char *unit_age(struct arena *a, int64_t seconds)
{
	for (size_t i = 0; i < array_size(ages); i++) {
		int64_t n = seconds / ages[i].seconds;

		if (n == 1 && ages[i].seconds <= 3600)
			return arena_printf(a, "About %s %s", i == 4 ? "an" : "a", ages[i].one);
		if (n)
			return arena_printf(a, "%lld %s", (long long)n,
					    n == 1 ? ages[i].one : ages[i].many);
	}
	if (seconds < 1)
		return arena_strdup(a, "Less than a second");
	return arena_printf(a, "%lld second%s", (long long)seconds, seconds == 1 ? "" : "s");
}

int unit_signal(const char *text)
{
	if (isdigit((unsigned char)*text)) {
		char *end;
		long n = strtol(text, &end, 10);

		return !*end && n > 0 && n <= SIGRTMAX ? (int)n : 0;
	}
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int n = 1; n < NSIG; n++) {
		const char *name = sigabbrev_np(n);

		if (name && strcasecmp(name, text) == 0)
			return n;
	}
	if (strncasecmp(text, "RTMIN", 5) == 0) {
		int n = SIGRTMIN + (int)strtol(text + 5, NULL, 10);

		return n <= SIGRTMAX ? n : 0;
	}
	return 0;
}
