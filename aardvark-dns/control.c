/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "aardvark-dns/clock.h"
#include "aardvark-dns/inspect.h"
#include "common/fault.h"
#include "common/log.h"

#define BACKLOG	   16
#define OUTPUT_MAX (256u << 10) /* bytes of log that a client may be behind */

struct client {
	TAILQ_ENTRY(client) link;
	struct control *control;
	struct bufferevent *stream;
	bool logs;
	bool half_closed; /* it sends no more */
	uint64_t lost;	  /* lines of the log since the last one that it got */
};

struct control {
	struct service *service;
	struct control_owner owner;
	uint64_t started_us;
	int dir; /* the socket is in it */
	char name[256];
	ino_t inode;
	int fd;
	struct event *event;
	TAILQ_HEAD(clients, client) clients;
	unsigned int n_clients, n_logs;
};

/* --- Requests --- */

static json_t *error_object(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static json_t *answer_ping(struct control *c, json_t *request)
{
	(void)request;
	return json_pack("{s:s,s:i,s:I}", "version", VERSION, "pid", (int)getpid(),
			 "uptime_seconds",
			 (json_int_t)((clock_now_us() - c->started_us) / 1000000));
}

static json_t *answer_flush(struct control *c, json_t *request)
{
	(void)request;
	return json_pack("{s:I}", "flushed", (json_int_t)cache_flush(c->service->cache));
}

static json_t *answer_reload(struct control *c, json_t *request)
{
	(void)request;
	if (!c->owner.reload(c->owner.arg))
		return error_object("the directory cannot be read, see the log");
	return json_pack("{s:I,s:I}", "networks", (json_int_t)c->service->zones->n_networks,
			 "containers", (json_int_t)c->service->zones->n_containers);
}

static json_t *answer_dump(struct control *c, json_t *request)
{
	(void)request;
	return inspect_dump(c->service);
}

/* NULL if the request has no such string. */
static const char *string_of(json_t *request, const char *key)
{
	return json_string_value(json_object_get(request, key));
}

static json_t *answer_stats(struct control *c, json_t *request)
{
	return inspect_stats(c->service, string_of(request, "network"),
			     string_of(request, "container"));
}

static json_t *answer_log(struct control *c, json_t *request)
{
	(void)c;
	(void)request;
	return json_pack("{s:b}", "log", 1);
}

static const struct {
	const char *name;
	json_t *(*answer)(struct control *c, json_t *request);
} commands[] = {
	{"ping", answer_ping},	 {"stats", answer_stats},   {"dump", answer_dump},
	{"flush", answer_flush}, {"reload", answer_reload}, {"log", answer_log},
};

json_t *control_answer(struct control *c, const char *line, size_t len, bool *out_log)
{
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = string_of(request, "command");
	json_t *reply = NULL;

	for (size_t i = 0; name && i < array_size(commands); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		*out_log = strcmp(name, "log") == 0;
		reply = commands[i].answer(c, request);
	}
	json_decref(request);
	return reply ? reply : error_object("not a request");
}

/* --- The log --- */

static bool is_behind(const struct client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->stream)) > OUTPUT_MAX;
}

static void send_json(struct client *client, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);

	if (text) {
		bufferevent_write(client->stream, text, strlen(text));
		bufferevent_write(client->stream, "\n", 1);
	}
	free(text);
	json_decref(json);
}

/* Who cannot follow is told how much it has missed, as soon as it can. */
static void send_line(struct client *client, json_t *line)
{
	if (client->lost)
		send_json(client, json_pack("{s:I}", "lost", (json_int_t)client->lost));
	client->lost = 0;
	send_json(client, json_incref(line));
}

static void on_finished(void *arg, const struct finished *f)
{
	struct control *c = arg;
	json_t *line = NULL;
	struct client *client;

	TAILQ_FOREACH(client, &c->clients, link)
	{
		if (!client->logs)
			continue;
		if (is_behind(client)) {
			client->lost++;
			continue;
		}
		if (!line)
			line = inspect_query(f, clock_now_us());
		send_line(client, line);
	}
	json_decref(line);
}

static void set_log(struct control *c, struct client *client)
{
	if (client->logs)
		return;
	client->logs = true;
	/* It has nothing more to say. */
	bufferevent_set_timeouts(client->stream, NULL, NULL);
	c->n_logs++;
	c->service->tell_arg = c;
	c->service->tell = on_finished;
}

/* --- Clients --- */

static void client_free(struct client *client)
{
	struct control *c = client->control;

	TAILQ_REMOVE(&c->clients, client, link);
	c->n_clients--;
	c->n_logs -= client->logs;
	if (c->n_logs == 0)
		c->service->tell = NULL;
	bufferevent_free(client->stream);
	free(client);
}

static void take_line(struct client *client, const char *line, size_t len)
{
	bool log = false;
	json_t *reply = control_answer(client->control, line, len, &log);

	send_json(client, reply);
	if (log)
		set_log(client->control, client);
}

/* Requests wait until their client has taken what it got so far. */
static void take_lines(struct client *client)
{
	struct evbuffer *in = bufferevent_get_input(client->stream);
	size_t len;

	while (!is_behind(client)) {
		char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);

		if (!line)
			break;
		take_line(client, line, len);
		free(line);
	}
	/* Behind, what fills the buffer are requests that wait. */
	if (!is_behind(client) && evbuffer_get_length(in) >= CONTROL_REQUEST_MAX) {
		evbuffer_drain(in, evbuffer_get_length(in));
		send_json(client, error_object("the request is too long"));
		client->half_closed = true;
		bufferevent_disable(client->stream, EV_READ);
	}
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;

	(void)stream;
	take_lines(client);
}

/* The client has got all there was. */
static void on_written(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;

	take_lines(client);
	if (client->half_closed && !client->logs &&
	    evbuffer_get_length(bufferevent_get_output(stream)) == 0)
		client_free(client);
}

/* Whether a client has closed its socket, not only said that it sends no more. */
static bool is_gone(const struct client *client)
{
	struct pollfd p = {.fd = bufferevent_getfd(client->stream)};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct client *client = arg;

	/* A shell pipes a request in and closes; it still wants the reply. */
	if ((what & BEV_EVENT_EOF) && !is_gone(client) &&
	    (client->logs || evbuffer_get_length(bufferevent_get_output(stream)))) {
		client->half_closed = true;
		return;
	}
	client_free(client);
}

static void client_new(struct control *c, int fd)
{
	struct timeval idle = {.tv_sec = CONTROL_IDLE_SECONDS};
	struct client *client = calloc(1, sizeof(*client));

	if (client)
		client->stream =
			bufferevent_socket_new(c->service->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client || !client->stream) {
		free(client);
		close(fd);
		return;
	}
	client->control = c;
	TAILQ_INSERT_TAIL(&c->clients, client, link);
	c->n_clients++;
	bufferevent_setcb(client->stream, on_read, on_written, on_event, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, CONTROL_REQUEST_MAX);
	bufferevent_set_timeouts(client->stream, &idle, &idle);
	bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

/* A reader of the log that sends no more is not missed before there is something to tell it. */
static void drop_gone(struct control *c)
{
	struct client *client = TAILQ_FIRST(&c->clients);

	while (client) {
		struct client *next = TAILQ_NEXT(client, link);

		if (client->half_closed && is_gone(client))
			client_free(client);
		client = next;
	}
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
	static const char full[] = "{\"error\":\"too many clients\"}\n";
	struct control *c = arg;
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (client < 0)
		return;
	if (c->n_clients >= CONTROL_CLIENTS_MAX)
		drop_gone(c);
	if (c->n_clients >= CONTROL_CLIENTS_MAX) {
		(void)send(client, full, strlen(full), MSG_NOSIGNAL | MSG_DONTWAIT);
		close(client);
		return;
	}
	client_new(c, client);
}

/* --- The socket --- */

int control_address(const char *dir, int *out_dir_fd, struct sockaddr_un *out, struct error *err)
{
	cleanup_free char *path = strdup(dir);
	size_t len = path ? strlen(path) : 0;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	char *slash = path ? strrchr(path, '/') : NULL;
	const char *name = slash ? slash + 1 : path;
	if (!path || !*name)
		return fail(err, EINVAL, "there is no place for a socket beside %s", dir);
	if (slash)
		*slash = '\0';
	*out_dir_fd = open(!slash ? "." : *path ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*out_dir_fd < 0)
		return fail_errno(err, errno, "open the directory of %s", dir);
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	/* By way of the descriptor: the path itself may be longer than a socket's may be. */
	int n = snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%s%s", *out_dir_fd,
			 name, CONTROL_SUFFIX);
	if (n < 0 || (size_t)n >= sizeof(out->sun_path)) {
		close(*out_dir_fd);
		*out_dir_fd = -1;
		return fail(err, ENAMETOOLONG, "the name of %s is too long for a socket", dir);
	}
	return 0;
}

static int bind_socket(struct control *c, const struct sockaddr_un *sa, struct error *err)
{
	int r = fault("control_bind", err);
	struct stat st;

	if (r < 0)
		return r;
	snprintf(c->name, sizeof(c->name), "%s", strrchr(sa->sun_path, '/') + 1);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return fail_errno(err, errno, "socket");
	/* Only a socket is what another server may have left. */
	if (fstatat(c->dir, c->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode))
		unlinkat(c->dir, c->name, 0);
	mode_t before = umask(0177);
	r = bind(c->fd, (const struct sockaddr *)sa, sizeof(*sa));
	umask(before);
	if (r < 0 || listen(c->fd, BACKLOG) < 0 ||
	    fstatat(c->dir, c->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, errno, "bind the control socket %s", c->name);
	c->inode = st.st_ino;
	return 0;
}

int control_open(const char *dir, struct service *service, const struct control_owner *owner,
		 struct control **out, struct error *err)
{
	struct control *c = calloc(1, sizeof(*c));
	struct sockaddr_un sa;

	if (!c)
		return fail(err, ENOMEM, "out of memory");
	*c = (struct control){.service = service,
			      .owner = *owner,
			      .fd = -1,
			      .dir = -1,
			      .started_us = clock_now_us()};
	TAILQ_INIT(&c->clients);
	int r = control_address(dir, &c->dir, &sa, err);
	if (r == 0)
		r = bind_socket(c, &sa, err);
	if (r == 0) {
		c->event = event_new(service->base, c->fd, EV_READ | EV_PERSIST, on_connection, c);
		if (!c->event || event_add(c->event, NULL) < 0)
			r = fail(err, ENOMEM, "cannot watch the control socket");
	}
	if (r < 0) {
		control_close(c);
		return r;
	}
	*out = c;
	return 0;
}

void control_close(struct control *c)
{
	struct stat st;

	if (!c)
		return;
	while (!TAILQ_EMPTY(&c->clients)) {
		struct bufferevent *stream = TAILQ_FIRST(&c->clients)->stream;
		struct evbuffer *out = bufferevent_get_output(stream);

		/* The reload that left no network has its reply still to be sent. */
		evbuffer_unfreeze(out, 1);
		(void)evbuffer_write(out, bufferevent_getfd(stream));
		client_free(TAILQ_FIRST(&c->clients));
	}
	if (c->event)
		event_free(c->event);
	if (c->inode && fstatat(c->dir, c->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == c->inode)
		unlinkat(c->dir, c->name, 0);
	if (c->fd >= 0)
		close(c->fd);
	if (c->dir >= 0)
		close(c->dir);
	free(c);
}
