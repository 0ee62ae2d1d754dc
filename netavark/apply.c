/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::apply"
#include "netavark/apply.h"

#include <errno.h>
#include <signal.h>

#include "common/log.h"
#include "netavark/announce.h"
#include "netavark/dhcp.h"
#include "netavark/dns.h"
#include "netavark/firewall/conntrack.h"
#include "netavark/firewall/firewalld.h"
#include "netavark/firewall/store.h"
#include "netavark/lease.h"

#define LOOPBACK 1 /* its index in every namespace */

/* ---- signals ---- */

static const int held_signals[] = {SIGTERM, SIGINT, SIGHUP};

void apply_hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < array_size(held_signals); i++)
		sigaddset(&set, held_signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int apply_interrupted(struct error *err)
{
	sigset_t pending;

	sigpending(&pending);
	for (size_t i = 0; i < array_size(held_signals); i++)
		if (sigismember(&pending, held_signals[i]))
			return fail(err, EINTR, "interrupted by signal %d", held_signals[i]);
	return 0;
}

/* ---- setup ---- */

static int raise_loopback(struct host *h, struct error *err)
{
	struct link_info lo;
	int r = link_find_index(h->container_nl, LOOPBACK, &lo, err);

	if (r == 0 && !lo.up)
		r = link_set_up(h->container_nl, LOOPBACK, &h->undo, err);
	return r < 0 ? wrap(err, "set loopback up") : 0;
}

/*
 * A lease can take seconds, and nobody has to wait for it but us. It comes before the next network,
 * as the order of networks decides which default route wins.
 */
static int take_dhcp_lease(struct plan *plan, struct network_plan *net,
			   const struct network_status *status, struct host *h, struct error *err)
{
	host_unlock(h);
	return host_lock_again(h, dhcp_take(plan, net, status->mac, h, err), err);
}

static int setup_network(struct network_plan *net, struct host *h, struct network_status *out,
			 struct error *err)
{
	if (!net->driver->slow)
		return net->driver->setup(net, h, out, err);
	host_unlock(h);
	return host_lock_again(h, net->driver->setup(net, h, out, err), err);
}

static int setup_networks(struct plan *plan, struct host *h, struct network_status *out,
			  struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_networks; i++) {
		struct network_plan *net = &plan->networks[i];

		r = setup_network(net, h, &out[i], err);
		if (r == 0 && net->ipam == IPAM_DHCP)
			r = take_dhcp_lease(plan, net, &out[i], h, err);
		if (r == 0)
			r = apply_interrupted(err);
	}
	return r;
}

/* The networks that have anything to do with the firewall. */
static struct fw_intent *intents_of(struct plan *plan, size_t *out_n)
{
	struct fw_intent *list = arena_alloc(plan->arena, plan->n_networks * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < plan->n_networks; i++)
		if (plan->networks[i].uses_firewall)
			list[n++] = plan_intent(plan, &plan->networks[i]);
	*out_n = n;
	return list;
}

/* State files first, so that a reload that comes between knows what is about to be made. */
static int setup_firewall(struct plan *plan, const struct firewall *fw, struct host *h,
			  struct error *err)
{
	size_t n;
	struct fw_intent *intents = intents_of(plan, &n);
	cleanup_close int lock = -1;
	int r = 0;

	if (n && !h->options->rootless)
		r = store_lock(h, &lock, err);
	if (r == 0 && n && fw->prepare)
		r = fw->prepare(intents, n, plan->arena, err);
	for (size_t i = 0; r == 0 && !h->options->rootless && i < n; i++) {
		intents[i].is_claimed = store_is_claimed;
		intents[i].claims = h;
		r = store_write(fw, &intents[i], h, err);
	}
	if (r < 0)
		return r;
	r = fw->add(intents, n, plan->arena, &h->undo, err);
	if (r == 0 && !fw->idle && !h->options->rootless)
		firewalld_trust(intents, n, plan->arena, &h->undo);
	if (r == 0 && !fw->idle)
		conntrack_settle(intents, n, h);
	return r;
}

/* Before anything is made, and before others have to wait for us. */
static int check_firewalld(struct plan *plan, const struct firewall *fw, const struct host *h,
			   struct error *err)
{
	size_t n;
	const struct fw_intent *intents = intents_of(plan, &n);

	/* Who is rootless has a network that the host's firewalld does not know. */
	return fw->idle || h->options->rootless ? 0 : firewalld_check(intents, n, plan->arena, err);
}

int apply_setup(struct plan *plan, const struct firewall *fw, struct host *h,
		struct network_status *out, struct error *err)
{
	int r = check_firewalld(plan, fw, h, err);

	if (r == 0)
		r = host_lock(h, err);
	if (r == 0)
		r = raise_loopback(h, err);
	if (r == 0)
		r = lease_take(plan, h, err);
	if (r == 0)
		r = setup_networks(plan, h, out, err);
	if (r == 0)
		r = setup_firewall(plan, fw, h, err);
	if (r == 0)
		r = apply_interrupted(err);
	if (r == 0)
		r = dns_add(plan, h, err);
	if (r == 0)
		announce(out, plan->n_networks, h);
	return r;
}

/* ---- teardown ---- */

static void collect(struct error *all, int r, const struct error *one)
{
	if (r < 0)
		error_collect(all, one);
}

static void teardown_firewall(struct plan *plan, const struct firewall *fw, struct host *h,
			      const bool *complete, struct error *all)
{
	struct fw_intent *intents = arena_alloc(plan->arena, plan->n_networks * sizeof(*intents));
	cleanup_close int lock = -1;
	struct error one = {0};
	size_t n = 0;

	for (size_t i = 0; i < plan->n_networks; i++) {
		if (!plan->networks[i].uses_firewall)
			continue;
		intents[n] = plan_intent(plan, &plan->networks[i]);
		intents[n++].last_container = complete[i];
	}
	if (n && !h->options->rootless)
		collect(all, store_lock(h, &lock, &one), &one);
	/* Files before rules: a reload that comes between must not bring them back. */
	for (size_t i = 0; !h->options->rootless && i < n; i++) {
		store_recall(h, &intents[i]);
		collect(all, store_remove(&intents[i], h, &one), &one);
	}
	collect(all, firewall_remove(fw, intents, n, plan->arena, &one), &one);
	if (!fw->idle && !h->options->rootless)
		firewalld_distrust(intents, n, plan->arena);
	if (!fw->idle)
		conntrack_forget(intents, n, h);
}

/* Before the lock is taken: the proxy may be slow, and the interfaces are still there. */
static void release_dhcp_leases(const struct plan *plan, struct host *h, struct error *all)
{
	for (size_t i = 0; h->container_nl && i < plan->n_networks; i++) {
		struct error one;

		if (plan->networks[i].ipam == IPAM_DHCP)
			collect(all, dhcp_release(plan, &plan->networks[i], h, &one), &one);
	}
}

/* Those whose driver is slow, or those whose driver is not. */
static void teardown_networks(struct plan *plan, bool slow, struct host *h, bool *complete,
			      struct error *all)
{
	for (size_t i = 0; i < plan->n_networks; i++)
		if (plan->networks[i].driver->slow == slow)
			plan->networks[i].driver->teardown(&plan->networks[i], h, &complete[i],
							   all);
}

void apply_teardown(struct plan *plan, const struct firewall *fw, struct host *h, struct error *err)
{
	bool *complete = arena_alloc(plan->arena, plan->n_networks * sizeof(*complete));
	struct error one = {0};

	release_dhcp_leases(plan, h, err);
	teardown_networks(plan, true, h, complete, err);
	collect(err, host_lock(h, &one), &one);
	dns_remove(plan, h, err);
	collect(err, lease_recall(plan, &one), &one);
	teardown_networks(plan, false, h, complete, err);
	teardown_firewall(plan, fw, h, complete, err);
	for (size_t i = 0; i < plan->n_networks; i++)
		if (complete[i])
			plan->networks[i].driver->remove_network(&plan->networks[i], h, err);
	lease_release(plan, err);
}
