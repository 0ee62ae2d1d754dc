/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::dhcp_proxy"
#include "netavark/dhcp-proxy/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

#include "common/log.h"
#include "netavark/dhcp-proxy/book.h"
#include "netavark/dhcp-proxy/client.h"
#include "netavark/dhcp-proxy/install.h"
#include "netavark/dhcp-proxy/raw.h"

#define LEASES_MAX   4096
#define REMEMBER_MAX 64 /* addresses given back */

struct keeper {
	TAILQ_ENTRY(keeper) link;
	struct keepers *all;
	struct arena arena; /* of the strings */
	const char *host_iface;
	struct install_target target;
	struct client client;
	struct terms installed; /* what the interface shows; all zero: nothing */
	int fd;			/* -1: nothing is expected from the server */
	struct event *on_packet, *on_time, *on_deadline;
	void *owner;
	keeper_done done; /* NULL: the lease was granted and reported */
};

/* Who has given an address back gets it again, if it is still free, under any hardware address. */
struct remembered {
	uint8_t client_id[PACKET_CLIENT_ID_MAX];
	size_t client_id_len;
	struct addr address;
};

struct keepers {
	struct event_base *base;
	char *path;
	unsigned int seconds;
	size_t n;
	TAILQ_HEAD(, keeper) list;
	struct remembered remembered[REMEMBER_MAX]; /* a ring */
	size_t next_remembered;
};

/* ---- small things ---- */

/* Goes on while the machine sleeps, as the time of the server does. */
static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint32_t random32(void)
{
	uint32_t n;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		abort(); /* it cannot fail for so few bytes */
	return n;
}

static struct keeper *find(const struct keepers *all, const uint8_t mac[MAC_SIZE], bool granted)
{
	struct keeper *k;

	TAILQ_FOREACH(k, &all->list, link)
	if (memcmp(k->client.who.mac, mac, MAC_SIZE) == 0 && (k->done == NULL) == granted)
		return k;
	return NULL;
}

static void write_book(const struct keepers *all)
{
	const struct terms **list = calloc(all->n + 1, sizeof(*list));
	const struct keeper *k;
	struct error err;
	size_t n = 0;

	if (!list)
		return;
	TAILQ_FOREACH(k, &all->list, link)
	if (k->client.holds)
		list[n++] = &k->client.lease;
	if (book_write(all->path, list, n, &err) < 0)
		log_error("%s", err.text);
	free(list);
}

static struct remembered *find_remembered(struct keepers *all, const struct packet_identity *who)
{
	for (size_t i = 0; who->client_id_len && i < REMEMBER_MAX; i++) {
		struct remembered *r = &all->remembered[i];

		if (r->client_id_len == who->client_id_len &&
		    memcmp(r->client_id, who->client_id, who->client_id_len) == 0)
			return r;
	}
	return NULL;
}

static void remember(struct keepers *all, const struct client *c)
{
	struct remembered *r = find_remembered(all, &c->who);

	if (!r)
		r = &all->remembered[all->next_remembered++ % REMEMBER_MAX];
	memcpy(r->client_id, c->who.client_id, c->who.client_id_len);
	r->client_id_len = c->who.client_id_len;
	r->address = c->lease.address;
}

/* ---- the way to the server ---- */

static void close_socket(struct keeper *k)
{
	if (k->on_packet)
		event_free(k->on_packet);
	k->on_packet = NULL;
	if (k->fd >= 0)
		close(steal_fd(&k->fd));
}

struct opening {
	struct keeper *k;
	int index;
};

static int open_there(void *arg, struct error *err)
{
	const struct opening *o = arg;

	return raw_open(o->index, o->k->client.who.mac, &o->k->fd, err);
}

/*
 * Messages go out of the host's interface. But what a bridge sends by itself, a server on that very
 * bridge does not get, and replies for the container do not come by: there they go through the
 * container's own end, like everything else it sends.
 */
static int open_in(struct keeper *k, struct host *h, struct error *err)
{
	struct link_info device, own = {0};
	int r = link_find(h->nl, k->host_iface, &device, err);

	if (r == 0 && !device.index)
		r = fail_netlink(err, ENODEV, "%s", "");
	if (r == 0)
		r = install_open(&k->target, h, &own, err);
	if (r < 0)
		return r;
	if (strcmp(device.kind, "bridge") != 0 || !own.up)
		return raw_open(device.index, k->client.who.mac, &k->fd, err);
	struct opening o = {k, own.index};
	return host_in_container(h, open_there, &o, err);
}

static int open_socket(struct keeper *k, struct error *err)
{
	struct host h = HOST_CLOSED;
	int r = host_open(&h, err);

	if (r == 0)
		r = open_in(k, &h, err);
	host_close(&h);
	return r;
}

/* Where the container is gone, its server can still be told so. */
static int open_without_container(struct keeper *k, struct error *err)
{
	struct host h = HOST_CLOSED;
	struct link_info device = {0};
	int r = host_open(&h, err);

	if (r == 0)
		r = link_find(h.nl, k->host_iface, &device, err);
	if (r == 0 && !device.index)
		r = fail_netlink(err, ENODEV, "%s", "");
	if (r == 0)
		r = raw_open(device.index, k->client.who.mac, &k->fd, err);
	host_close(&h);
	return r;
}

/* Best effort: nobody answers it. */
static void release(struct keeper *k)
{
	const struct packet_request message = client_release(&k->client);
	struct error err;
	int r = 0;

	if (k->fd < 0 && open_socket(k, &err) < 0)
		r = open_without_container(k, &err);
	if (r == 0)
		r = raw_send(k->fd, &k->client.who, &message, &err);
	if (r < 0)
		log_warn("cannot give back %s: %s", addr_str(&k->client.lease.address), err.text);
	close_socket(k);
}

/* ---- ends ---- */

static void keeper_free(struct keeper *k)
{
	close_socket(k);
	if (k->on_time)
		event_free(k->on_time);
	if (k->on_deadline)
		event_free(k->on_deadline);
	TAILQ_REMOVE(&k->all->list, k, link);
	k->all->n--;
	arena_release(&k->arena);
	free(k);
}

/* Gives the lease back, if there is one, and forgets it. */
static void drop(struct keeper *k)
{
	struct keepers *all = k->all;
	const bool held = k->client.holds;

	if (held)
		release(k);
	keeper_free(k);
	if (held)
		write_book(all);
}

static void refuse(struct keeper *k, const struct error *err)
{
	const keeper_done done = k->done;
	void *owner = k->owner;

	k->done = NULL;
	drop(k);
	if (done)
		done(owner, NULL, err);
}

/* ---- what a lease does to the interface ---- */

static int install_first(struct keeper *k, struct error *err)
{
	struct arena scratch = {0};
	struct host h = HOST_CLOSED;
	struct link_info link = {0};
	int r = host_open(&h, err);

	h.undo.arena = h.arena = &scratch;
	if (r == 0)
		r = install_open(&k->target, &h, &link, err);
	if (r == 0)
		r = install_add(&k->target, &k->client.lease, &h, link.index, err);
	if (r < 0)
		undo_run(&h.undo);
	host_close(&h);
	arena_release(&scratch);
	return r;
}

/* A lease of the same interface from before: this one takes its place. */
static void replace_elder(struct keeper *k)
{
	struct keeper *elder = find(k->all, k->client.who.mac, true);
	struct error ignored;

	if (!elder)
		return;
	if (addr_equal(&elder->client.lease.address, &k->client.lease.address))
		elder->client.holds = false; /* there is nothing to give back */
	else if (install_replace(&elder->target, &elder->installed, NULL, &ignored) < 0)
		log_debug("address of the lease before: %s", ignored.text);
	drop(elder);
}

static void granted_first(struct keeper *k)
{
	struct error err;

	replace_elder(k);
	write_book(k->all);
	if (install_first(k, &err) < 0) {
		refuse(k, &err);
		return;
	}
	k->installed = k->client.lease;
	event_del(k->on_deadline);
	const keeper_done done = k->done;
	k->done = NULL;
	done(k->owner, &k->client.lease, NULL);
}

/* The container is gone, and nobody has told us. Returns true if it was. */
static bool drop_if_gone(struct keeper *k, int r, const struct error *err)
{
	if (r != -ENOENT && r != -ENODEV)
		return false;
	log_warn("giving up the lease of " MAC_TEXT ": %s", MAC_ARGS(k->client.who.mac), err->text);
	drop(k);
	return true;
}

static void granted_again(struct keeper *k)
{
	const struct terms *new = &k->client.lease;
	const bool shown = k->installed.address.family != 0;
	struct error err;

	if (terms_differ(&k->installed, new)) {
		log_info("ip or gateway for mac " MAC_TEXT " changed, update address",
			 MAC_ARGS(k->client.who.mac));
		int r = install_replace(&k->target, shown ? &k->installed : NULL, new, &err);
		if (drop_if_gone(k, r, &err))
			return;
		if (r < 0)
			log_error("lease of " MAC_TEXT ": %s", MAC_ARGS(new->mac), err.text);
	}
	k->installed = *new;
	write_book(k->all);
}

/* Another host may get the address from now on. */
static void lost(struct keeper *k)
{
	struct error err;

	log_warn("the lease of %s for " MAC_TEXT " is over", addr_str(&k->installed.address),
		 MAC_ARGS(k->client.who.mac));
	if (install_replace(&k->target, &k->installed, NULL, &err) < 0)
		log_error("lease of " MAC_TEXT ": %s", MAC_ARGS(k->client.who.mac), err.text);
	k->installed = (struct terms){0};
	write_book(k->all);
}

/* ---- events ---- */

static void on_packet(evutil_socket_t fd, short what, void *arg);

static void set_timer(struct keeper *k)
{
	const int64_t now = now_ms(), left = k->client.wake > now ? k->client.wake - now : 0;
	const struct timeval wait = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};

	if (k->client.wake == INT64_MAX)
		event_del(k->on_time);
	else
		event_add(k->on_time, &wait);
}

static int listen_for_answer(struct keeper *k, struct error *err)
{
	int r = k->fd < 0 ? open_socket(k, err) : 0;

	if (r < 0 || k->on_packet)
		return r;
	k->on_packet = event_new(k->all->base, k->fd, EV_READ | EV_PERSIST, on_packet, k);
	if (!k->on_packet || event_add(k->on_packet, NULL) < 0)
		return fail(err, ENOMEM, "out of memory");
	return 0;
}

static int send_message(struct keeper *k, const struct packet_request *m, struct error *err)
{
	int r = listen_for_answer(k, err);

	return r < 0 ? r : raw_send(k->fd, &k->client.who, m, err);
}

/* Does what the client wants. k may be gone afterwards. */
static void follow(struct keeper *k, const struct client_step *step)
{
	struct error err;
	int r = 0;

	if (step->event == CLIENT_LOST)
		lost(k);
	if (step->send)
		r = send_message(k, &step->message, &err);
	if (r < 0 && k->done) {
		refuse(k, &err);
		return;
	}
	if (r < 0 && drop_if_gone(k, r, &err))
		return;
	if (r < 0) /* the next timer tries again, with a socket of its own */
		log_warn("lease of " MAC_TEXT ": %s", MAC_ARGS(k->client.who.mac), err.text);
	if (r < 0 || k->client.state == CLIENT_BOUND)
		close_socket(k);
	set_timer(k);
	if (step->event == CLIENT_GRANTED)
		(k->done ? granted_first : granted_again)(k);
}

static void on_packet(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	struct packet_reply reply;

	(void)what;
	if (raw_receive(fd, &reply) == 0)
		return;
	const struct client_step step = client_take(&k->client, &reply, now_ms());
	if (step.send || step.event != CLIENT_NOTHING)
		follow(k, &step);
	else
		set_timer(k); /* a refusal may have changed it */
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	const struct client_step step = client_tick(&k->client, now_ms());

	(void)fd;
	(void)what;
	follow(k, &step);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	struct error err;

	(void)fd;
	(void)what;
	fail(&err, ETIMEDOUT, "Timeout: Timeout on acquiring DHCPv4 lease on %s", k->host_iface);
	refuse(k, &err);
}

/* ---- beginning ---- */

static struct packet_identity identity_from(const struct dhcp_config *config,
					    const uint8_t mac[MAC_SIZE])
{
	struct packet_identity who = {0};
	size_t len = strlen(config->container_id);

	memcpy(who.mac, mac, MAC_SIZE);
	if (len > PACKET_CLIENT_ID_MAX - 1)
		len = PACKET_CLIENT_ID_MAX - 1;
	if (len) { /* type 0: not a hardware address */
		memcpy(who.client_id + 1, config->container_id, len);
		who.client_id_len = len + 1;
	}
	if (strlen(config->host_name) <= PACKET_HOST_NAME_MAX)
		snprintf(who.host_name, sizeof(who.host_name), "%s", config->host_name);
	else
		log_warn("host name of %zu bytes, ignoring it", strlen(config->host_name));
	return who;
}

static struct keeper *keeper_new(struct keepers *all, const struct dhcp_config *config)
{
	struct keeper *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->all = all;
	k->fd = -1;
	k->host_iface = arena_strdup(&k->arena, config->host_iface);
	k->target = (struct install_target){
		.ns_path = arena_strdup(&k->arena, config->ns_path),
		.interface = arena_strdup(&k->arena, config->container_iface),
		.metric = config->metric,
		.no_default_route = config->no_default_route,
	};
	k->on_time = evtimer_new(all->base, on_time, k);
	k->on_deadline = evtimer_new(all->base, on_deadline, k);
	TAILQ_INSERT_TAIL(&all->list, k, link);
	all->n++;
	return k;
}

int keeper_start(struct keepers *all, const struct dhcp_config *config, const uint8_t mac[MAC_SIZE],
		 void *owner, keeper_done done, struct error *err)
{
	const struct packet_identity who = identity_from(config, mac);
	const struct timeval limit = {.tv_sec = all->seconds};

	if (find(all, mac, false))
		return fail(err, EBUSY,
			    "a lease for mac address " MAC_TEXT " is being acquired already",
			    MAC_ARGS(mac));
	if (all->n >= LEASES_MAX)
		return fail(err, ENOSPC, "too many leases: %zu", all->n);
	struct keeper *k = keeper_new(all, config);
	if (!k)
		return fail(err, ENOMEM, "out of memory");
	const struct remembered *had = find_remembered(all, &who);
	const struct addr none = {0};
	const struct client_step step =
		client_start(&k->client, &who, had ? &had->address : &none, random32, now_ms());
	int r = k->on_time && k->on_deadline ? 0 : fail(err, ENOMEM, "out of memory");
	if (r == 0)
		r = send_message(k, &step.message, err);
	if (r < 0) {
		keeper_free(k);
		return r;
	}
	k->owner = owner;
	k->done = done;
	log_debug("asking for a lease on %s for %s, in at most %u s", k->host_iface,
		  k->target.interface, all->seconds);
	event_add(k->on_deadline, &limit);
	set_timer(k);
	return 0;
}

void keeper_abandon(struct keepers *all, const void *owner)
{
	struct keeper *k = TAILQ_FIRST(&all->list);

	while (k) {
		struct keeper *next = TAILQ_NEXT(k, link);

		if (k->done && k->owner == owner) {
			log_debug("the caller has hung up, no lease for %s", k->target.interface);
			drop(k);
		}
		k = next;
	}
}

bool keeper_end(struct keepers *all, const uint8_t mac[MAC_SIZE], struct terms *out)
{
	struct keeper *k = find(all, mac, false);
	struct error err;

	if (k) {
		fail(&err, ECANCELED, "the lease was given up while it was being acquired");
		refuse(k, &err);
	}
	k = find(all, mac, true);
	if (!k)
		return false;
	*out = k->client.lease;
	remember(all, &k->client);
	drop(k);
	return true;
}

int keeper_open_all(struct event_base *base, const char *path, unsigned int seconds,
		    struct keepers **out, struct error *err)
{
	struct keepers *all = calloc(1, sizeof(*all));

	if (all)
		all->path = strdup(path);
	if (!all || !all->path) {
		free(all);
		return fail(err, ENOMEM, "out of memory");
	}
	all->base = base;
	all->seconds = seconds;
	TAILQ_INIT(&all->list);
	int r = book_write(path, NULL, 0, err);
	if (r < 0) {
		keeper_close_all(all);
		return r;
	}
	*out = all;
	return 0;
}

void keeper_close_all(struct keepers *all)
{
	if (!all)
		return;
	while (!TAILQ_EMPTY(&all->list))
		keeper_free(TAILQ_FIRST(&all->list));
	free(all->path);
	free(all);
}

size_t keeper_count(const struct keepers *all)
{
	return all->n;
}
