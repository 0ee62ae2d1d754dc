/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::commands::dhcp_proxy" /* the command is known under this name */
#include "netavark/dhcp-proxy/proxy.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "netavark/dhcp-proxy/keeper.h"
#include "netavark/dhcp-proxy/talk.h"

#define SOCKET_NAME	 "nv-proxy.sock"
#define LEASES_NAME	 "nv-proxy.lease"
#define SYSTEMD_FIRST_FD 3
#define SOCKET_MODE	 0660
#define IDLE_SECONDS_MAX (INT64_C(1) << 31) /* longer than that is for ever, too */

struct proxy {
	const struct proxy_options *options;
	struct arena arena;
	const char *socket_path; /* NULL: it is not ours to remove */
	int listening;
	struct event_base *base;
	struct keepers *keepers;
	struct talks *talks;
	struct event *on_idle, *on_term, *on_int;
};

/* ---- the socket ---- */

/* systemd hands over its own listening socket, and says so in the environment. */
static int take_activated(int *out_fd, struct error *err)
{
	const char *n = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	int listens = 0;
	socklen_t len = sizeof(listens);

	*out_fd = -1;
	if (!n || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	if (strcmp(n, "1") != 0)
		return fail(err, EINVAL, "Received more than one FD from systemd");
	if (getsockopt(SYSTEMD_FIRST_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return fail_errno(err, errno, "socket of systemd");
	if (!listens)
		return fail(err, EINVAL, "socket of systemd: it does not listen");
	fcntl(SYSTEMD_FIRST_FD, F_SETFD, FD_CLOEXEC);
	fcntl(SYSTEMD_FIRST_FD, F_SETFL, fcntl(SYSTEMD_FIRST_FD, F_GETFL) | O_NONBLOCK);
	*out_fd = SYSTEMD_FIRST_FD;
	return 0;
}

/* A proxy that was killed leaves its socket behind. One that answers is alive. */
static int remove_stale(const struct sockaddr_un *at, struct error *err)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail_errno(err, errno, "socket");
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0)
		return fail(err, EADDRINUSE, "another dhcp-proxy is listening on %s", at->sun_path);
	if (errno == ECONNREFUSED)
		unlink(at->sun_path);
	return 0;
}

static int listen_at(const char *path, int *out_fd, struct error *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int r = fault("proxy_listen", err);

	if (r < 0)
		return r;
	if (strlen(path) >= sizeof(at.sun_path))
		return fail(err, ENAMETOOLONG, "socket %s: the path is too long", path);
	strcpy(at.sun_path, path);
	r = remove_stale(&at, err);
	if (r < 0)
		return r;
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const mode_t mask = umask(0777 & ~SOCKET_MODE);
	r = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&at, sizeof(at));
	umask(mask);
	if (r < 0 || listen(fd, SOMAXCONN) < 0)
		return fail_errno(err, errno, "socket %s", path);
	*out_fd = steal_fd(&fd);
	return 0;
}

static int open_socket(struct proxy *p, struct error *err)
{
	const char *path = arena_printf(&p->arena, "%s/" SOCKET_NAME, p->options->dir);
	int r = take_activated(&p->listening, err);

	if (r < 0 || p->listening >= 0)
		return r;
	r = file_make_dirs(p->options->dir, 0755, err);
	if (r < 0)
		return wrap(err, "create directory %s", p->options->dir);
	r = listen_at(path, &p->listening, err);
	if (r == 0)
		p->socket_path = path;
	return r;
}

/* ---- events ---- */

static void restart_idle(void *arg)
{
	const struct proxy *p = arg;
	const uint64_t seconds = p->options->idle_seconds;
	const struct timeval wait = {.tv_sec = (time_t)seconds};

	if (seconds && seconds < IDLE_SECONDS_MAX)
		event_add(p->on_idle, &wait);
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct proxy *p = arg;

	(void)fd;
	(void)what;
	if (keeper_count(p->keepers)) {
		log_debug("idle, but with %zu lease%s", keeper_count(p->keepers),
			  keeper_count(p->keepers) == 1 ? "" : "s");
		restart_idle(p);
		return;
	}
	printf("timeout met: exiting after %llu secs of inactivity\n",
	       (unsigned long long)p->options->idle_seconds);
	fflush(stdout);
	event_base_loopbreak(p->base);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct proxy *p = arg;

	(void)what;
	log_warn("Received %s, cleaning up and exiting", number == SIGTERM ? "SIGTERM" : "SIGINT");
	event_base_loopbreak(p->base);
}

static int make_events(struct proxy *p, struct error *err)
{
	p->on_idle = evtimer_new(p->base, on_idle, p);
	p->on_term = evsignal_new(p->base, SIGTERM, on_signal, p);
	p->on_int = evsignal_new(p->base, SIGINT, on_signal, p);
	if (!p->on_idle || !p->on_term || !p->on_int || event_add(p->on_term, NULL) < 0 ||
	    event_add(p->on_int, NULL) < 0)
		return fail(err, ENOMEM, "cannot set up the event loop");
	return 0;
}

/* ---- from start to end ---- */

static int start(struct proxy *p, struct error *err)
{
	int r = open_socket(p, err);

	if (r < 0)
		return r;
	p->base = event_base_new();
	if (!p->base)
		return fail(err, ENOMEM, "cannot set up the event loop");
	r = make_events(p, err);
	if (r == 0)
		r = keeper_open_all(p->base,
				    arena_printf(&p->arena, "%s/" LEASES_NAME, p->options->dir),
				    p->options->lease_seconds, &p->keepers, err);
	if (r == 0)
		r = talk_open_all(p->base, p->keepers, p->listening, restart_idle, p, &p->talks,
				  err);
	return r;
}

static void event_free_if(struct event *e)
{
	if (e)
		event_free(e);
}

/* The socket's file goes first: whoever comes now shall find nobody, not wait for nothing. */
static void stop(struct proxy *p)
{
	if (p->socket_path)
		unlink(p->socket_path);
	talk_close_all(p->talks);
	keeper_close_all(p->keepers);
	event_free_if(p->on_idle);
	event_free_if(p->on_term);
	event_free_if(p->on_int);
	if (p->base)
		event_base_free(p->base);
	if (p->listening >= 0)
		close(p->listening);
	arena_release(&p->arena);
}

int proxy_run(const struct proxy_options *options, struct error *err)
{
	struct proxy p = {.options = options, .listening = -1};
	int r = start(&p, err);

	if (r == 0) {
		restart_idle(&p);
		log_info("listening in %s", options->dir);
		event_base_dispatch(p.base);
	}
	stop(&p);
	return r;
}
