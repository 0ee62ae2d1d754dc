/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/resolvconf.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/arena.h"
#include "common/file.h"
#include "common/log.h"

#define FILE_MAX_BYTES 65536
#define BLANKS	       " \t\r\v\f"

/* ADDRESS or ADDRESS%ZONE; only IPv6 addresses have zones. Cuts text at the zone. */
static bool parse_server(char *text, struct resolver *out)
{
	char *percent = strchr(text, '%');

	*out = (struct resolver){0};
	if (percent) {
		size_t len = strlen(percent + 1);

		if (len == 0 || len >= sizeof(out->zone))
			return false;
		memcpy(out->zone, percent + 1, len);
		*percent = '\0';
	}
	return addr_parse(text, &out->addr) && (!percent || out->addr.family == AF_INET6);
}

/* One line, NUL-terminated and without comment. */
static void parse_line(char *line, unsigned int number, struct resolvers *out)
{
	char *save = NULL, *word = strtok_r(line, BLANKS, &save);
	struct resolver server;

	if (!word || strcmp(word, "nameserver") != 0)
		return;
	word = strtok_r(NULL, BLANKS, &save);
	if (!word || !parse_server(word, &server)) {
		log_warn("resolv.conf:%u: not a valid name server, ignoring the line", number);
		return;
	}
	if (out->n_servers < RESOLVCONF_SERVERS_MAX)
		out->servers[out->n_servers++] = server;
}

void resolvconf_parse(const char *text, size_t len, struct resolvers *out)
{
	struct resolvers found = {0};
	unsigned int number = 0;

	for (size_t at = 0; at < len; at++) {
		const char *start = text + at, *newline = memchr(start, '\n', len - at);
		size_t size = newline ? (size_t)(newline - start) : len - at;
		char line[1024];

		number++;
		at += size;
		if (size >= sizeof(line) || memchr(start, '\0', size))
			continue;
		memcpy(line, start, size);
		line[size] = '\0';
		line[strcspn(line, "#;")] = '\0';
		parse_line(line, number, &found);
	}
	*out = found;
}

static bool stamp_equal(const struct resolvconf_stamp *a, const struct resolvconf_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

bool resolvconf_refresh(struct resolvconf *r)
{
	struct stat st;
	struct error err;
	struct arena scratch = {0};
	char *text;
	size_t len;

	if (stat(r->path, &st) < 0 || st.st_size == 0)
		return false;
	/* Not the time of modification: that can be set back, and cp -p does. */
	struct resolvconf_stamp now = {st.st_dev, st.st_ino, st.st_size, st.st_ctim};
	if (stamp_equal(&now, &r->stamp))
		return false;
	r->stamp = now;
	if (!S_ISREG(st.st_mode)) {
		log_warn("%s is not a plain file, ignoring it", r->path);
	} else if (file_read(r->path, FILE_MAX_BYTES, &scratch, &text, &len, &err) < 0) {
		log_warn("%s cannot be read, keeping the DNS servers known so far: %s", r->path,
			 err.text);
	} else {
		resolvconf_parse(text, len, &r->now);
		log_debug("%s names %zu DNS servers", r->path, r->now.n_servers);
	}
	arena_release(&scratch);
	return true;
}
