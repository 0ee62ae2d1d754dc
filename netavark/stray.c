/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::stray"
#include "netavark/stray.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "netavark/extension.h"
#include "netavark/keys.h"

struct search {
	struct arena *arena;
	bool strict;
};

/*
 * Seen without asking for it: who has written it waits for its effect. Only a log that is switched off
 * stays empty.
 */
static int report(const struct search *s, const char *what, const struct option *o,
		  const char *closest, struct error *err)
{
	const char *quoted = text_quote(s->arena, o->key);

	if (closest)
		fail(err, EINVAL, "unknown %s %s, did you mean \"%s\"?", what, quoted, closest);
	else
		fail(err, EINVAL, "unknown %s %s", what, quoted);
	int r = reader_place(&o->at, NULL, err);
	if (s->strict)
		return r;
	if (log_enabled(LOG_LEVEL_ERROR, LOG_MODULE))
		log_write(LOG_LEVEL_WARN, LOG_MODULE, "%s", err->text);
	return 0;
}

static int search_network(struct search *s, const struct network_setup *net, struct error *err)
{
	const char *closest;
	int r = extension_bool(EXTENSION_STRICT_OPTIONS, net, &s->strict, err);

	for (size_t i = 0; r == 0 && i < net->me.n_options; i++)
		if (keys_is_odd_option(net->driver, net->me.options[i].key, true, &closest,
				       s->arena))
			r = report(s, "option", &net->me.options[i], closest, err);
	for (size_t i = 0; r == 0 && i < net->n_options; i++)
		if (keys_is_odd_option(net->driver, net->options[i].key, false, &closest, s->arena))
			r = report(s, "option", &net->options[i], closest, err);
	for (size_t i = 0; r == 0 && i < net->n_labels; i++)
		if (keys_is_odd_label(net->labels[i].key, &closest, s->arena))
			r = report(s, "label", &net->labels[i], closest, err);
	return r;
}

static int search_conf(struct search *s, const struct conf *conf, const char *network,
		       struct error *err)
{
	struct network_setup host = {0};
	const char *closest;
	int r;

	host.n_host_options = conf_options(conf, network, s->arena, &host.host_options);
	r = extension_bool(EXTENSION_STRICT_OPTIONS, &host, &s->strict, err);
	for (size_t i = 0; r == 0 && i < host.n_host_options; i++) {
		const struct option *o = &host.host_options[i];

		/* Those for all networks are looked at once. */
		if (network && !strchr(o->at.pointer + 1, '/'))
			continue;
		if (keys_is_odd_key(o->key, &closest, s->arena))
			r = report(s, "key", o, closest, err);
	}
	return r;
}

int stray_report(const struct request *req, const struct conf *conf, struct arena *a,
		 struct error *err)
{
	int r = 0;

	if (conf->n) {
		struct search s = {.arena = a};

		r = search_conf(&s, conf, NULL, err);
	}
	for (size_t i = 0; r == 0 && i < req->n_networks; i++) {
		struct search s = {.arena = a};

		if (!req->networks[i].driver)
			continue;
		r = search_network(&s, &req->networks[i], err);
		if (r == 0 && conf->n)
			r = search_conf(&s, conf, req->networks[i].name, err);
	}
	return r;
}
