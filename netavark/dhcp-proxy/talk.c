/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::dhcp_proxy"
#include "netavark/dhcp-proxy/talk.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "common/fault.h"
#include "common/log.h"
#include "common/text.h"
#include "netavark/number.h"

#define TALKS_MAX	128
#define IDLE_SECONDS	3
#define HTTP2_PREFACE	"PRI "
#define ACCEPT_AGAIN_US 200000

struct talk {
	TAILQ_ENTRY(talk) link;
	struct talks *all;
	struct bufferevent *stream;
	uint8_t mac[MAC_SIZE];
	bool waiting;	/* for a lease */
	bool answered;	/* ends when the answer is written */
	bool has_lease; /* that the caller does not know of yet */
};

struct talks {
	struct event_base *base;
	struct keepers *keepers;
	struct event *on_caller, *accept_again;
	void (*on_request)(void *arg);
	void *arg;
	size_t n;
	TAILQ_HEAD(, talk) list;
};

/* ---- ends ---- */

static void talk_free(struct talk *t)
{
	struct talks *all = t->all;

	if (t->waiting)
		keeper_abandon(all->keepers, t);
	TAILQ_REMOVE(&all->list, t, link);
	bufferevent_free(t->stream);
	free(t);
	if (all->n-- == TALKS_MAX)
		event_add(all->on_caller, NULL);
}

/* The caller is gone without its answer. What it was to hear of has no owner. */
static void give_up(struct talk *t)
{
	struct terms unused;

	if (t->has_lease && keeper_end(t->all->keepers, t->mac, &unused))
		log_info("a caller has gone before its lease came, giving it back");
	talk_free(t);
}

/* ---- answers ---- */

/* Takes root over. */
static void answer(struct talk *t, json_t *root)
{
	uint8_t length[DHCP_MESSAGE_LEN_SIZE];
	char *text = json_dumps(root, JSON_COMPACT);

	json_decref(root);
	dhcp_message_put_length(length, text ? strlen(text) : 0);
	bufferevent_write(t->stream, length, sizeof(length));
	if (text)
		bufferevent_write(t->stream, text, strlen(text));
	free(text);
	t->waiting = false;
	t->answered = true;
}

static void answer_lease(struct talk *t, const struct terms *lease)
{
	answer(t, json_pack("{s:o}", "lease", terms_json(lease)));
}

static void answer_error(struct talk *t, const struct error *err)
{
	struct arena scratch = {0};

	log_info("refused: %s", err->text);
	answer(t, json_pack("{s:s}", "error", text_to_utf8(&scratch, err->text)));
	arena_release(&scratch);
}

/* ---- requests ---- */

static void on_done(void *owner, const struct terms *lease, const struct error *err)
{
	struct talk *t = owner;

	if (err) {
		answer_error(t, err);
		return;
	}
	answer_lease(t, lease);
	t->has_lease = true;
}

static int check_config(const struct dhcp_config *c, uint8_t mac[MAC_SIZE], struct error *err)
{
	int r = number_parse_mac(c->mac, mac, err);

	if (r < 0)
		return r;
	if (c->version == 1)
		return fail(err, EPROTONOSUPPORT, "ipv6 not yet supported");
	return c->version ? fail(err, EPROTONOSUPPORT, "invalid protocol version") : 0;
}

static int set_up(struct talk *t, const struct dhcp_config *config, struct error *err)
{
	int r = check_config(config, t->mac, err);

	if (r == 0)
		r = keeper_start(t->all->keepers, config, t->mac, t, on_done, err);
	t->waiting = r == 0;
	return r;
}

static int tear_down(struct talk *t, const struct dhcp_config *config, struct error *err)
{
	struct terms lease = {0};
	int r = check_config(config, t->mac, err);

	if (r < 0)
		return r;
	if (!keeper_end(t->all->keepers, t->mac, &lease))
		log_info("no lease for mac address " MAC_TEXT, MAC_ARGS(t->mac));
	answer_lease(t, &lease);
	return 0;
}

static int serve(struct talk *t, const struct reader *root, struct error *err)
{
	const struct reader object = read_object(root, "config");
	const char *op = read_string(root, "op");
	const struct dhcp_config config = dhcp_message_read_config(&object);

	if (root->doc->failed)
		return -err->code;
	if (strcmp(op, "setup") == 0)
		return set_up(t, &config, err);
	if (strcmp(op, "teardown") == 0)
		return tear_down(t, &config, err);
	return fail(err, EINVAL, "unknown operation \"%s\"", op);
}

static void take_request(struct talk *t, const char *text, size_t len)
{
	struct arena arena = {0};
	struct document doc;
	struct error err;
	int r = document_open(&doc, &arena, text, len, &err);

	t->all->on_request(t->all->arg);
	if (r == 0) {
		const struct reader root = document_root(&doc);

		r = serve(t, &root, &err);
	}
	if (r < 0)
		answer_error(t, &err);
	document_close(&doc);
	arena_release(&arena);
}

/* ---- the stream ---- */

static void refuse_length(struct talk *t, const uint8_t start[DHCP_MESSAGE_LEN_SIZE])
{
	struct error err;

	if (memcmp(start, HTTP2_PREFACE, DHCP_MESSAGE_LEN_SIZE) == 0) {
		log_warn("a caller speaks gRPC: it belongs to another netavark");
		talk_free(t);
		return;
	}
	fail(&err, EMSGSIZE, "a request of %zu bytes, at most %u are accepted",
	     dhcp_message_get_length(start), DHCP_MESSAGE_MAX);
	answer_error(t, &err);
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct talk *t = arg;
	struct evbuffer *in = bufferevent_get_input(stream);
	uint8_t start[DHCP_MESSAGE_LEN_SIZE];

	if (t->waiting || t->answered) {
		evbuffer_drain(in, evbuffer_get_length(in)); /* nothing more was asked for */
		return;
	}
	if (evbuffer_copyout(in, start, sizeof(start)) < DHCP_MESSAGE_LEN_SIZE)
		return;
	const size_t len = dhcp_message_get_length(start);
	if (len > DHCP_MESSAGE_MAX) {
		refuse_length(t, start);
		return;
	}
	if (evbuffer_get_length(in) < sizeof(start) + len)
		return;
	bufferevent_set_timeouts(stream, NULL, NULL);
	const char *data = (const char *)evbuffer_pullup(in, (ssize_t)(sizeof(start) + len));
	if (data)
		take_request(t, data + sizeof(start), len);
	evbuffer_drain(in, evbuffer_get_length(in));
}

static void on_written(struct bufferevent *stream, void *arg)
{
	struct talk *t = arg;

	(void)stream;
	if (t->answered)
		talk_free(t);
}

/* Its end, an error, or its time is over. */
static void on_event(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	log_debug("a caller has hung up, event %x", (unsigned int)what);
	give_up(arg);
}

static struct talk *talk_new(struct talks *all, int fd)
{
	const struct timeval idle = {.tv_sec = IDLE_SECONDS};
	struct talk *t = calloc(1, sizeof(*t));

	if (t)
		t->stream = bufferevent_socket_new(all->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!t || !t->stream) {
		free(t);
		close(fd);
		return NULL;
	}
	t->all = all;
	TAILQ_INSERT_TAIL(&all->list, t, link);
	all->n++;
	bufferevent_setcb(t->stream, on_read, on_written, on_event, t);
	bufferevent_setwatermark(t->stream, EV_READ, 0, DHCP_MESSAGE_LEN_SIZE + DHCP_MESSAGE_MAX);
	bufferevent_set_timeouts(t->stream, &idle, &idle);
	bufferevent_enable(t->stream, EV_READ | EV_WRITE);
	return t;
}

static void on_caller(evutil_socket_t listening, short what, void *arg)
{
	struct talks *all = arg;
	const struct timeval pause = {.tv_usec = ACCEPT_AGAIN_US};
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (fd >= 0) {
		talk_new(all, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		log_error("cannot accept a caller: %s", strerror(errno));
		event_del(all->on_caller);
		event_add(all->accept_again, &pause);
	}
	if (all->n == TALKS_MAX)
		event_del(all->on_caller);
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct talks *all = arg;

	(void)fd;
	(void)what;
	if (all->n < TALKS_MAX)
		event_add(all->on_caller, NULL);
}

int talk_open_all(struct event_base *base, struct keepers *keepers, int listening_fd,
		  void (*on_request)(void *arg), void *arg, struct talks **out, struct error *err)
{
	struct talks *all = calloc(1, sizeof(*all));

	if (!all)
		return fail(err, ENOMEM, "out of memory");
	*all = (struct talks){.base = base,
			      .keepers = keepers,
			      .on_request = on_request,
			      .arg = arg};
	TAILQ_INIT(&all->list);
	all->on_caller = event_new(base, listening_fd, EV_READ | EV_PERSIST, on_caller, all);
	all->accept_again = evtimer_new(base, on_accept_again, all);
	if (!all->on_caller || !all->accept_again || event_add(all->on_caller, NULL) < 0) {
		talk_close_all(all);
		return fail(err, ENOMEM, "out of memory");
	}
	*out = all;
	return 0;
}

void talk_close_all(struct talks *all)
{
	if (!all)
		return;
	while (!TAILQ_EMPTY(&all->list))
		talk_free(TAILQ_FIRST(&all->list));
	if (all->on_caller)
		event_free(all->on_caller);
	if (all->accept_again)
		event_free(all->accept_again);
	free(all);
}
