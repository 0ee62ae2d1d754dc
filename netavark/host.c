/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::host"
#include "netavark/host.h"

#include <errno.h>

#include "common/file.h"
#include "common/log.h"
#include "common/netns.h"

#define LOCK_SECONDS 30
#define HOST_NS_PATH "/proc/self/ns/net"

int host_open(struct host *h, struct error *err)
{
	int r = netns_open(HOST_NS_PATH, &h->ns, err);
	if (r < 0)
		return wrap(err, "open host netns: open " HOST_NS_PATH);
	r = netlink_open(&h->nl, err);
	return r < 0 ? wrap(err, "host netlink socket") : 0;
}

static int open_socket(void *arg, struct error *err)
{
	struct host *h = arg;
	int r = netlink_open(&h->container_nl, err);

	return r < 0 ? wrap(err, "netns netlink socket") : 0;
}

int host_open_container(struct host *h, const char *path, struct error *err)
{
	int r = netns_open(path, &h->container_ns, err);

	h->netns = path;
	if (r < 0)
		return wrap(err, "open container netns: open %s", path);
	if (netns_is_same(h->container_ns, h->ns))
		return fail(err, EINVAL, "open container netns: %s is the host's own namespace",
			    path);
	return netns_run(h->container_ns, h->ns, open_socket, h, err);
}

int host_lock(struct host *h, struct error *err)
{
	const char *config = h->options->config;
	int r = file_make_dirs(config, 0755, err);

	if (r < 0)
		return wrap(err, "create config directory %s", config);
	r = file_lock(arena_printf(h->arena, "%s/netavark-link.lock", config), LOCK_SECONDS,
		      &h->lock, err);
	/*
	 * Bridges belong to the host, and callers with another directory may use the same ones. What
	 * all of them have in common is the namespace, and its file can be locked like any other.
	 */
	if (r == 0 && h->ns >= 0)
		r = file_lock_fd(h->ns, HOST_NS_PATH, LOCK_SECONDS, err);
	return r;
}

int host_lock_again(struct host *h, int r, struct error *err)
{
	struct error again;

	if (host_lock(h, &again) == 0 || r < 0)
		return r;
	*err = again;
	return -again.code;
}

void host_unlock(struct host *h)
{
	if (h->ns >= 0)
		file_unlock_fd(h->ns);
	if (h->lock >= 0)
		close(steal_fd(&h->lock));
}

void host_close(struct host *h)
{
	if (h->nl)
		netlink_close(h->nl);
	if (h->container_nl)
		netlink_close(h->container_nl);
	if (h->ns >= 0)
		close(h->ns);
	if (h->container_ns >= 0)
		close(h->container_ns);
	if (h->lock >= 0)
		close(h->lock);
}

int host_in_container(struct host *h, int (*fn)(void *arg, struct error *err), void *arg,
		      struct error *err)
{
	return netns_run(h->container_ns, h->ns, fn, arg, err);
}
