/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::logs"
#include "engine/logs.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/text.h"

bool logs_parse(const char *line, size_t len, struct logs_line *out)
{
	const char *end = line + len, *stream = memchr(line, ' ', len);

	if (!stream || stream - line < 20 || end - stream < 10)
		return false;
	bool is_error = strncmp(stream, " stderr ", 8) == 0;
	if (!is_error && strncmp(stream, " stdout ", 8) != 0)
		return false;
	const char *flag = stream + 8;
	if ((*flag != 'F' && *flag != 'P') || flag + 1 >= end || flag[1] != ' ')
		return false;
	*out = (struct logs_line){.stamp = line,
				  .stamp_len = (size_t)(stream - line),
				  .is_error = is_error,
				  .partial = *flag == 'P',
				  .text = flag + 2,
				  .len = (size_t)(end - flag - 2)};
	return true;
}

/* ---- times ---- */

static void print_utc(time_t seconds, long nanoseconds, char out[40])
{
	struct tm tm;

	gmtime_r(&seconds, &tm);
	size_t n = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 40 - n, ".%09ldZ", nanoseconds);
}

/* Digits behind the point, as nanoseconds. */
static const char *fraction(const char *at, const char *end, long *out)
{
	long scale = 100000000;

	*out = 0;
	if (at >= end || *at != '.')
		return at;
	for (at++; at < end && isdigit((unsigned char)*at); at++, scale /= 10)
		*out += (*at - '0') * scale;
	return at;
}

bool logs_utc(const char *stamp, size_t len, char out[40])
{
	char copy[64];
	struct tm tm = {0};
	long nanoseconds, offset = 0;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, stamp, len);
	copy[len] = '\0';
	const char *at = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!at)
		return false;
	at = fraction(at, copy + len, &nanoseconds);
	if (*at == '+' || *at == '-') {
		int hours, minutes;

		if (sscanf(at + 1, "%2d:%2d", &hours, &minutes) != 2)
			return false;
		offset = (hours * 60L + minutes) * 60 * (*at == '-' ? -1 : 1);
	} else if (*at && strcmp(at, "Z") != 0) {
		return false;
	}
	print_utc(timegm(&tm) - offset, nanoseconds, out);
	return true;
}

/* "1h30m", "10s": seconds. */
static bool parse_duration(const char *text, long long *out)
{
	*out = 0;
	if (!isdigit((unsigned char)*text))
		return false;
	while (*text) {
		char *end;
		long long n = strtoll(text, &end, 10);

		if (end == text)
			return false;
		if (*end == 'h')
			n *= 3600;
		else if (*end == 'm')
			n *= 60;
		else if (*end != 's')
			return false;
		*out += n;
		text = end + 1;
	}
	return true;
}

bool logs_parse_time(const char *text, struct arena *a, char **out)
{
	char stamp[40], *end;
	long long seconds;
	long nanoseconds;

	if (logs_utc(text, strlen(text), stamp)) {
		*out = arena_strdup(a, stamp);
		return true;
	}
	if (parse_duration(text, &seconds)) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		print_utc(now.tv_sec - seconds, now.tv_nsec, stamp);
		*out = arena_strdup(a, stamp);
		return true;
	}
	seconds = strtoll(text, &end, 10);
	if (end == text || *fraction(end, text + strlen(text), &nanoseconds))
		return false;
	print_utc(seconds, nanoseconds, stamp);
	*out = arena_strdup(a, stamp);
	return true;
}

/* ---- reading ---- */

static bool is_wanted(const struct logs_filter *f, const struct logs_line *l)
{
	char stamp[40];

	if ((!f->since && !f->until) || !logs_utc(l->stamp, l->stamp_len, stamp))
		return true;
	return (!f->since || strcmp(stamp, f->since) >= 0) &&
	       (!f->until || strcmp(stamp, f->until) <= 0);
}

static void print_line(struct logs_reader *r, const struct logs_line *l)
{
	FILE *to = l->is_error ? stderr : stdout;
	bool *open = l->is_error ? &r->error_open : &r->out_open;

	if (!*open) {
		fputs(r->filter->prefix, to);
		if (r->filter->stamps)
			fprintf(to, "%.*s ", (int)l->stamp_len, l->stamp);
	}
	fwrite(l->text, 1, l->len, to);
	if (!l->partial)
		putc('\n', to);
	*open = l->partial;
}

/* A line that is not ended yet is left for later. */
int logs_print(struct logs_reader *r, struct error *err)
{
	cleanup_free char *line = NULL;
	size_t room = 0;

	for (;;) {
		long before = ftell(r->file);
		ssize_t len = getline(&line, &room, r->file);
		struct logs_line l;

		if (len > 0 && line[len - 1] == '\n') {
			if (logs_parse(line, (size_t)len - 1, &l) && is_wanted(r->filter, &l))
				print_line(r, &l);
			continue;
		}
		if (ferror(r->file))
			return fail_errno(err, errno, "log");
		clearerr(r->file);
		if (fseek(r->file, before, SEEK_SET) < 0)
			return fail_errno(err, errno, "log");
		break;
	}
	fflush(stdout);
	fflush(stderr);
	return 0;
}

int logs_seek_tail(struct logs_reader *r, struct error *err)
{
	size_t wanted = r->filter->tail < 0 ? 0 : (size_t)r->filter->tail, n = 0, room = 0;
	cleanup_free char *line = NULL;
	cleanup_free long *starts = NULL;
	bool inside[2] = {false, false};

	if (r->filter->tail < 0)
		return 0;
	starts = calloc(wanted + 1, sizeof(*starts));
	if (!starts)
		return fail(err, ENOMEM, "--tail: too many lines");
	/* A ring of the places where the last lines begin. */
	for (;;) {
		long at = ftell(r->file);
		ssize_t len = getline(&line, &room, r->file);
		struct logs_line l;

		if (len <= 0)
			break;
		if (!logs_parse(line, (size_t)len - (line[len - 1] == '\n'), &l) ||
		    !is_wanted(r->filter, &l))
			continue;
		if (!inside[l.is_error] && wanted)
			starts[n++ % wanted] = at;
		inside[l.is_error] = l.partial;
	}
	long from = wanted && n ? starts[n < wanted ? 0 : n % wanted] : ftell(r->file);
	clearerr(r->file);
	return fseek(r->file, from, SEEK_SET) < 0 ? fail_errno(err, errno, "log") : 0;
}
