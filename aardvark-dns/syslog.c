/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"

#define FACILITY_USER	(1 << 3)
#define IDENTIFIER	"aardvark-dns"
#define LIMIT_LINES	5
#define LIMIT_SECONDS	10
#define CONNECT_SECONDS 1

/* A log_writer has no argument to keep this in. */
static struct {
	int fd;
	time_t tried; /* the last attempt to connect, CLOCK_MONOTONIC */
} connection = {.fd = -1};

static time_t now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec;
}

static int connect_to(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The daemon may be missing or restarted; trying for every line would cost too much. */
static void ensure_connection(void)
{
	static const char *const paths[] = {"/dev/log", "/var/run/syslog", "/var/run/log"};
	time_t now = now_seconds();

	if (connection.fd >= 0 || (connection.tried && now - connection.tried < CONNECT_SECONDS))
		return;
	connection.tried = now;
	for (size_t i = 0; i < array_size(paths) && connection.fd < 0; i++)
		connection.fd = connect_to(paths[i]);
}

static int priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_OFF:
	case LOG_LEVEL_ERROR:
		return 3;
	case LOG_LEVEL_WARN:
		return 4;
	case LOG_LEVEL_INFO:
		return 6;
	case LOG_LEVEL_DEBUG:
	case LOG_LEVEL_TRACE:
		break;
	}
	return 7;
}

/* One line has no control characters: a file's name or content may hold some. */
static void escape(const char *text, char *out, size_t room)
{
	size_t used = 0;

	for (; *text && used + 5 < room; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c != 0x7f)
			out[used++] = (char)c;
		else
			used += (size_t)snprintf(out + used, 5, "\\%03u", c);
	}
	out[used] = '\0';
}

void syslog_write(enum log_level level, const char *module, const char *text)
{
	char line[2048], escaped[1800], when[32];
	time_t now = time(NULL);
	struct tm tm;

	(void)module;
	ensure_connection();
	if (connection.fd < 0)
		return;
	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%b %e %H:%M:%S", &tm);
	escape(text, escaped, sizeof(escaped));
	int len = snprintf(line, sizeof(line), "<%d>%s %s[%d]: %s", FACILITY_USER | priority(level),
			   when, IDENTIFIER, (int)getpid(), escaped);
	if (send(connection.fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return;
	/* A full queue is no reason to connect anew, a vanished daemon is. */
	if (errno != EAGAIN && errno != ENOBUFS) {
		close(connection.fd);
		connection.fd = -1;
	}
}

bool log_limit_allows(struct log_limit *l)
{
	time_t now = now_seconds();

	if (now - l->since >= LIMIT_SECONDS) {
		if (l->n > LIMIT_LINES)
			log_warn("%u more lines of that kind were left out", l->n - LIMIT_LINES);
		*l = (struct log_limit){.since = now};
	}
	return ++l->n <= LIMIT_LINES;
}
