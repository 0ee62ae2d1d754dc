/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::terminal"
#include "engine/terminal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>

#define PACKET_MAX 8192 /* what conmon puts into one, without the number of the stream */
#define KEYS_MAX   16

enum {
	STREAM_OUT = 2, /* numbers in front of conmon's packets */
	STREAM_ERROR = 3
};

struct pump {
	const struct terminal_session *s;
	char pending[PACKET_MAX]; /* read from our stdin, not sent yet */
	size_t n_pending;
	bool stdin_open, stdin_told;
	char keys[KEYS_MAX];
	size_t n_keys, matched;
	bool detached;
	int signals;
};

/* ---- keys ---- */

/* "ctrl-p,ctrl-q" or "a,b" → the bytes; -1 if it is not such a list. */
static int parse_keys(const char *text, char *out)
{
	size_t n = 0;

	while (*text) {
		const char *end = text + strcspn(text, ",");
		char key = 0;

		if (end - text == 1)
			key = *text;
		else if (end - text == 6 && strncasecmp(text, "ctrl-", 5) == 0 &&
			 (isalpha((unsigned char)text[5]) || strchr("@[\\]^_", text[5])))
			key = (char)(toupper((unsigned char)text[5]) & 0x1f);
		else
			return -1;
		if (n == KEYS_MAX)
			return -1;
		out[n++] = key;
		text = *end ? end + 1 : end;
	}
	return (int)n;
}

int terminal_check_keys(const char *keys, struct error *err)
{
	char bytes[KEYS_MAX];

	if (parse_keys(keys, bytes) < 0)
		return fail(err, EINVAL, "--detach-keys: \"%s\" is not like ctrl-p,ctrl-q", keys);
	return 0;
}

/* Passes one byte on, unless it is part of the keys that detach. */
static void take_key(struct pump *p, char c)
{
	if (p->n_keys && c == p->keys[p->matched]) {
		p->detached = ++p->matched == p->n_keys;
		return;
	}
	/* What looked like the beginning of the keys was not: it goes first. */
	memcpy(p->pending + p->n_pending, p->keys, p->matched);
	p->n_pending += p->matched;
	p->matched = 0;
	if (p->n_keys && c == p->keys[0]) {
		p->matched = 1;
		p->detached = p->n_keys == 1;
		return;
	}
	p->pending[p->n_pending++] = c;
}

/* ---- our streams ---- */

static void read_stdin(struct pump *p)
{
	char buf[PACKET_MAX / 2 - KEYS_MAX];
	ssize_t got = read(STDIN_FILENO, buf, sizeof(buf));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		p->stdin_open = false;
		return;
	}
	for (ssize_t i = 0; i < got && !p->detached; i++)
		take_key(p, buf[i]);
}

static void send_pending(struct pump *p)
{
	ssize_t put = write(p->s->remote, p->pending, p->n_pending);

	if (put < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (put < 0)
		put = (ssize_t)p->n_pending; /* nobody reads any more */
	memmove(p->pending, p->pending + put, p->n_pending - (size_t)put);
	p->n_pending -= (size_t)put;
}

/* Tells the other side once that our stdin has ended. */
static void tell_end(struct pump *p)
{
	if (p->stdin_open || p->stdin_told || p->n_pending || !p->s->packets)
		return;
	shutdown(p->s->remote, SHUT_WR);
	p->stdin_told = true;
}

/* Somebody who does not read our output any more does not stop the container. */
static void write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EAGAIN)
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
		else if (put < 0 && errno != EINTR)
			return;
		if (put > 0) {
			data += put;
			len -= (size_t)put;
		}
	}
}

/* Returns false at the end. */
static bool read_remote(struct pump *p)
{
	char buf[PACKET_MAX + 1];
	ssize_t got = read(p->s->remote, buf, sizeof(buf));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got <= 0)
		return false;
	if (!p->s->packets)
		write_all(STDOUT_FILENO, buf, (size_t)got);
	else if (buf[0] == STREAM_OUT && p->s->out)
		write_all(STDOUT_FILENO, buf + 1, (size_t)got - 1);
	else if (buf[0] == STREAM_ERROR && p->s->errors)
		write_all(STDERR_FILENO, buf + 1, (size_t)got - 1);
	return true;
}

/* ---- window and signals ---- */

static void send_size(const struct terminal_session *s)
{
	struct winsize size;

	if (!s->tty || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	if (!s->size_fifo) {
		ioctl(s->remote, TIOCSWINSZ, &size);
		return;
	}
	cleanup_close int fifo = open(s->size_fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fifo >= 0)
		dprintf(fifo, "1 %d %d\n", size.ws_row, size.ws_col);
}

void terminal_send_size(const char *size_fifo)
{
	const struct terminal_session s = {.tty = true, .size_fifo = size_fifo};

	send_size(&s);
}

static void signals_of_session(sigset_t *set)
{
	static const int list[] = {SIGWINCH, SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				   SIGUSR1,  SIGUSR2, SIGALRM, SIGCONT};

	sigemptyset(set);
	for (size_t i = 0; i < array_size(list); i++)
		sigaddset(set, list[i]);
}

void terminal_hold_signals(void)
{
	sigset_t set;

	signals_of_session(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void take_signal(struct pump *p)
{
	struct signalfd_siginfo info;

	if (read(p->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH)
		send_size(p->s);
	else if (p->s->process >= 0)
		pidfd_send_signal(p->s->process, (int)info.ssi_signo, NULL, 0);
}

/* ---- together ---- */

static void run(struct pump *p)
{
	bool remote_open = true;

	while (remote_open && !p->detached) {
		bool room = p->n_pending < sizeof(p->pending) / 2;
		struct pollfd fds[] = {
			{.fd = p->s->remote,
			 .events = (short)(POLLIN | (p->n_pending ? POLLOUT : 0))},
			{.fd = p->stdin_open && room ? STDIN_FILENO : -1, .events = POLLIN},
			{.fd = p->signals, .events = POLLIN},
		};

		if (poll(fds, array_size(fds), -1) < 0)
			continue;
		if (fds[2].revents)
			take_signal(p);
		if (fds[1].revents)
			read_stdin(p);
		if (fds[0].revents & POLLOUT)
			send_pending(p);
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
			remote_open = read_remote(p);
		tell_end(p);
	}
}

int terminal_talk(const struct terminal_session *s)
{
	struct pump p = {.s = s, .stdin_open = s->use_stdin};
	struct termios before, raw;
	bool changed = s->tty && s->use_stdin && tcgetattr(STDIN_FILENO, &before) == 0;
	sigset_t set;

	if (s->use_stdin && s->tty) {
		int n = parse_keys(s->detach_keys, p.keys);

		p.n_keys = n > 0 ? (size_t)n : 0;
	}
	signals_of_session(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	fcntl(s->remote, F_SETFL, O_NONBLOCK);
	send_size(s);
	if (changed) {
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	run(&p);
	if (changed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	if (p.signals >= 0)
		close(p.signals);
	return p.detached ? TERMINAL_DETACHED : TERMINAL_ENDED;
}
