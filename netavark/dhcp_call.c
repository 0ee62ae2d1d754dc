/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/dhcp_call.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "common/fault.h"
#include "common/file.h"

/* The proxy has its own, shorter limit for a lease; these are for one that hangs. */
#define LEASE_SECONDS  120
#define ANSWER_SECONDS 5 /* for everything else */

/* ---- the connection ---- */

int dhcp_call_open(const char *path, int *out_fd, struct error *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int r = fault("dhcp_call_open", err);

	if (r < 0)
		return r;
	if (strlen(path) >= sizeof(at.sun_path))
		return fail(err, ENAMETOOLONG, "socket \"%s\": the path is too long", path);
	strcpy(at.sun_path, path);
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		int code = errno;

		return fail(err, code,
			    "socket \"%s\": %s (os error %d), is the netavark-dhcp-proxy.socket "
			    "unit enabled?",
			    path, strerror(code), code);
	}
	*out_fd = steal_fd(&fd);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct reading {
	int fd, signals;
	int64_t deadline;
};

/* Waits until there is something to read. A signal that a setup holds back ends the waiting. */
static int wait_readable(const struct reading *in, struct error *err)
{
	struct pollfd p[] = {{.fd = in->fd, .events = POLLIN},
			     {.fd = in->signals, .events = POLLIN}};

	for (;;) {
		const int64_t left = in->deadline - now_ms();
		const int r = poll(p, array_size(p), left > 0 ? (int)left : 0);

		if (r < 0 && errno != EINTR)
			return fail_errno(err, errno, "poll");
		if (r > 0 && p[1].revents)
			return fail(err, EINTR, "interrupted by a signal");
		if (r > 0)
			return 0;
		if (left <= 0)
			return fail(err, ETIMEDOUT, "timed out waiting for the dhcp-proxy");
	}
}

static int read_all(const struct reading *in, void *out, size_t len, struct error *err)
{
	for (size_t got = 0; got < len;) {
		int r = wait_readable(in, err);
		if (r < 0)
			return r;
		const ssize_t n = read(in->fd, (char *)out + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, errno, "read from the dhcp-proxy");
		if (n == 0)
			return fail(err, EPROTO, "the dhcp-proxy has closed the connection");
		got += (size_t)n;
	}
	return 0;
}

static int read_answer(const struct reading *in, struct arena *a, char **out, size_t *out_len,
		       struct error *err)
{
	uint8_t start[DHCP_MESSAGE_LEN_SIZE];
	int r = read_all(in, start, sizeof(start), err);

	if (r < 0)
		return r;
	*out_len = dhcp_message_get_length(start);
	if (*out_len > DHCP_MESSAGE_MAX)
		return fail(err, EPROTO, "the dhcp-proxy belongs to another netavark");
	*out = arena_alloc(a, *out_len + 1);
	return read_all(in, *out, *out_len, err);
}

static int read_document(struct document *doc, struct error *err)
{
	const struct reader root = document_root(doc);

	if (read_has(&root, "error"))
		return fail(err, EREMOTEIO, "%s", read_string(&root, "error"));
	read_object(&root, "lease");
	return doc->failed ? -err->code : 0;
}

/* Readable while one of the signals is waiting that this process holds back. */
static int open_signals(void)
{
	sigset_t set;

	if (sigprocmask(SIG_SETMASK, NULL, &set) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int dhcp_call_ask(int fd, const char *op, const struct dhcp_config *config, struct arena *a,
		  struct document *out, struct error *err)
{
	const char *request = dhcp_message_request(op, config, a);
	const size_t len = strlen(request);
	uint8_t start[DHCP_MESSAGE_LEN_SIZE];
	char *text = NULL;
	size_t text_len = 0;
	const bool is_setup = strcmp(op, "setup") == 0;
	/* The signal that ends a setup must not end the giving back, too. */
	cleanup_close int signals = is_setup ? open_signals() : -1;
	const int seconds = is_setup ? LEASE_SECONDS : ANSWER_SECONDS;
	const struct reading in = {fd, signals, now_ms() + INT64_C(1000) * seconds};
	int r = fault("dhcp_call_ask", err);

	dhcp_message_put_length(start, len);
	if (r == 0)
		r = file_write_fd(fd, (const char *)start, sizeof(start), err);
	if (r == 0)
		r = file_write_fd(fd, request, len, err);
	if (r == 0)
		r = read_answer(&in, a, &text, &text_len, err);
	if (r == 0)
		r = document_open(out, a, text, text_len, err);
	return r < 0 ? r : read_document(out, err);
}
