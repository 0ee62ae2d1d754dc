/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/extension.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "netavark/announce.h"
#include "netavark/number.h"

#define LOWEST_DEFAULT_METRIC 99 /* that of macvlan; a bridge has 100 */

enum value_type { TYPE_BOOL, TYPE_NUMBER, TYPE_ADDRESS, TYPE_LAYOUT };

static const char *const layouts[] = {
	[LAYOUT_AUTO] = "auto", [LAYOUT_UPSTREAM] = "upstream", [LAYOUT_MAP] = "map"};

static const struct {
	const char *key, *variable;
	enum value_type type; /* what can be said about a value by itself */
	uint32_t max;
	const char *alias; /* another word for the key */
} extensions[] = {
#define SWITCH(word, name)                                                                         \
	{                                                                                          \
		.key = (word), .variable = (name), .type = TYPE_BOOL                               \
	}
#define NUMBER(word, name, limit)                                                                  \
	{                                                                                          \
		.key = (word), .variable = (name), .type = TYPE_NUMBER, .max = (limit)             \
	}
#define VALUE(word, name, kind)                                                                    \
	{                                                                                          \
		.key = (word), .variable = (name), .type = (kind)                                  \
	}
	[EXTENSION_ANNOUNCE] = NUMBER("announce", "NETAVARK_ANNOUNCE", ANNOUNCE_MAX),
	[EXTENSION_CONNTRACK_FLUSH] = SWITCH("conntrack_flush", "NETAVARK_CT_FLUSH"),
	[EXTENSION_DNS_ICC] = SWITCH("dns_icc", NULL),
	[EXTENSION_GATEWAY_PRIORITY] =
		NUMBER("gateway_priority", NULL, EXTENSION_GATEWAY_PRIORITY_MAX),
	[EXTENSION_HAIRPIN] = SWITCH("hairpin", "NETAVARK_HAIRPIN"),
	[EXTENSION_ICC] = {.key = "icc", .type = TYPE_BOOL, .alias = "enable_icc"},
	[EXTENSION_LOOPBACK_GUARD] = SWITCH("loopback_guard", "NETAVARK_GUARD"),
	[EXTENSION_NFT_COMMENTS] = SWITCH("nft_comments", "NETAVARK_NFT_COMMENTS"),
	[EXTENSION_NFT_LAYOUT] = VALUE("nft_layout", "NETAVARK_NFT_LAYOUT", TYPE_LAYOUT),
	[EXTENSION_PUBLISH_DEFAULT_IP] =
		VALUE("publish_default_ip", "NETAVARK_PUBLISH_DEFAULT_IP", TYPE_ADDRESS),
	[EXTENSION_STRICT_OPTIONS] = SWITCH("strict_options", NULL),
#undef SWITCH
#undef NUMBER
#undef VALUE
};

/* Its index, or the number of all. */
static size_t find_key(const char *key)
{
	size_t i = 0;

	while (i < array_size(extensions) && strcmp(extensions[i].key, key) != 0 &&
	       !(extensions[i].alias && strcmp(extensions[i].alias, key) == 0))
		i++;
	return i;
}

bool extension_is_known(const char *key)
{
	return find_key(key) < array_size(extensions);
}

const char *extension_key(size_t i)
{
	return i < array_size(extensions) ? extensions[i].key : NULL;
}

static bool is_layout(const char *value)
{
	for (size_t i = 0; i < array_size(layouts); i++)
		if (strcmp(layouts[i], value) == 0)
			return true;
	return false;
}

const char *extension_expected(const char *key, const char *value, struct arena *a)
{
	size_t i = find_key(key);
	struct addr address;
	uint64_t n;
	bool flag;

	if (i == array_size(extensions))
		return NULL;
	switch (extensions[i].type) {
	case TYPE_BOOL:
		return number_parse_bool(value, &flag) ? NULL : "true or false";
	case TYPE_NUMBER:
		return number_parse(value, extensions[i].max, &n)
			       ? arena_printf(a, "a number from 0 to %u", extensions[i].max)
			       : NULL;
	case TYPE_ADDRESS:
		return addr_parse(value, &address) ? NULL : "an IP address";
	case TYPE_LAYOUT:
		return is_layout(value) ? NULL : "auto, upstream or map";
	}
	return NULL;
}

/* ---- channels ---- */

/* The first option that has the key, or its other name, behind a prefix. */
static const struct option *find_option(const struct option *list, size_t n, const char *prefix,
					enum extension_key key)
{
	size_t len = strlen(prefix);

	for (size_t i = 0; i < n; i++)
		if (text_starts_with(list[i].key, prefix) && find_key(list[i].key + len) == key)
			return &list[i];
	return NULL;
}

static void take(struct extension *out, enum extension_source source, const struct option *found)
{
	out->source = source;
	out->value = found->value;
	out->at = found->at;
}

struct extension extension_find(enum extension_key key, const struct network_setup *net)
{
	struct extension out = {.key = extensions[key].key};
	const char *variable = extensions[key].variable;
	const struct {
		enum extension_source source;
		const struct option *found;
	} channels[] = {
		{EXTENSION_CONTAINER, find_option(net->me.options, net->me.n_options, "", key)},
		{EXTENSION_NETWORK, find_option(net->options, net->n_options, "", key)},
		{EXTENSION_LABEL,
		 find_option(net->labels, net->n_labels, EXTENSION_LABEL_PREFIX, key)},
	};
	const struct option *host = find_option(net->host_options, net->n_host_options, "", key);

	for (size_t i = 0; i < array_size(channels); i++) {
		if (!channels[i].found)
			continue;
		take(&out, channels[i].source, channels[i].found);
		return out;
	}
	out.value = variable ? getenv(variable) : NULL;
	if (out.value) {
		out.source = EXTENSION_ENVIRONMENT;
		out.variable = variable;
	} else if (host) {
		take(&out, EXTENSION_CONF, host);
	}
	return out;
}

static int refuse(const struct extension *e, const char *expected, struct error *err)
{
	const char *name = e->variable ? e->variable : e->key;

	fail(err, EINVAL, "invalid %s \"%s\": expected %s", name, e->value, expected);
	return e->variable ? -EINVAL : reader_place(&e->at, NULL, err);
}

int extension_bool(enum extension_key key, const struct network_setup *net, bool *out,
		   struct error *err)
{
	const struct extension e = extension_find(key, net);

	if (!e.value || number_parse_bool(e.value, out))
		return 0;
	return refuse(&e, "true or false", err);
}

int extension_number(enum extension_key key, const struct network_setup *net, uint32_t max,
		     uint32_t *out, struct error *err)
{
	const struct extension e = extension_find(key, net);
	char expected[64];
	uint64_t n;

	if (!e.value)
		return 0;
	if (number_parse(e.value, max, &n)) {
		snprintf(expected, sizeof(expected), "a number from 0 to %u", max);
		return refuse(&e, expected, err);
	}
	*out = (uint32_t)n;
	return 0;
}

int extension_word(enum extension_key key, const struct network_setup *net,
		   const char *const *words, size_t n, unsigned int *out, struct error *err)
{
	const struct extension e = extension_find(key, net);
	char expected[128] = "one of";

	for (unsigned int i = 0; e.value && i < n; i++) {
		size_t used = strlen(expected);

		if (strcmp(e.value, words[i]) == 0) {
			*out = i;
			return 0;
		}
		snprintf(expected + used, sizeof(expected) - used, "%s %s", i ? "," : "", words[i]);
	}
	return e.value ? refuse(&e, expected, err) : 0;
}

int extension_layout(const struct network_setup *net, enum fw_layout *out, struct error *err)
{
	static const struct network_setup none;
	unsigned int i = *out;
	int r = extension_word(EXTENSION_NFT_LAYOUT, net ? net : &none, layouts,
			       array_size(layouts), &i, err);

	*out = (enum fw_layout)i;
	return r;
}

int extension_addr(enum extension_key key, const struct network_setup *net, struct addr *out,
		   struct error *err)
{
	const struct extension e = extension_find(key, net);

	return !e.value || addr_parse(e.value, out) ? 0 : refuse(&e, "an IP address", err);
}

int extension_gateway_metric(const struct network_setup *net, uint32_t *out, struct error *err)
{
	uint32_t priority = 0;
	int r = extension_number(EXTENSION_GATEWAY_PRIORITY, net, EXTENSION_GATEWAY_PRIORITY_MAX,
				 &priority, err);

	if (r == 0 && priority)
		*out = LOWEST_DEFAULT_METRIC - priority;
	return r;
}
