/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/extension.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "netavark/number.h"

static const struct {
	const char *key, *variable;
} extensions[] = {
	[EXTENSION_ANNOUNCE] = {"announce", "NETAVARK_ANNOUNCE"},
	[EXTENSION_CONNTRACK_FLUSH] = {"conntrack_flush", "NETAVARK_CT_FLUSH"},
	[EXTENSION_HAIRPIN] = {"hairpin", "NETAVARK_HAIRPIN"},
	[EXTENSION_LOOPBACK_GUARD] = {"loopback_guard", "NETAVARK_GUARD"},
	[EXTENSION_NFT_COMMENTS] = {"nft_comments", "NETAVARK_NFT_COMMENTS"},
	[EXTENSION_NFT_LAYOUT] = {"nft_layout", "NETAVARK_NFT_LAYOUT"},
	[EXTENSION_PUBLISH_DEFAULT_IP] = {"publish_default_ip", "NETAVARK_PUBLISH_DEFAULT_IP"},
};

bool extension_is_known(const char *key)
{
	for (size_t i = 0; i < array_size(extensions); i++)
		if (strcmp(extensions[i].key, key) == 0)
			return true;
	return false;
}

const char *extension_key(size_t i)
{
	return i < array_size(extensions) ? extensions[i].key : NULL;
}

static const struct option *find_label(const struct network_setup *net, const char *key)
{
	for (size_t i = 0; i < net->n_labels; i++)
		if (text_starts_with(net->labels[i].key, EXTENSION_LABEL_PREFIX) &&
		    strcmp(net->labels[i].key + strlen(EXTENSION_LABEL_PREFIX), key) == 0)
			return &net->labels[i];
	return NULL;
}

struct extension extension_find(enum extension_key key, const struct network_setup *net)
{
	struct extension out = {.key = extensions[key].key};
	const struct {
		enum extension_source source;
		const struct option *found;
	} channels[] = {
		{EXTENSION_CONTAINER, option_find(net->me.options, net->me.n_options, out.key)},
		{EXTENSION_NETWORK, option_find(net->options, net->n_options, out.key)},
		{EXTENSION_LABEL, find_label(net, out.key)},
	};

	for (size_t i = 0; i < array_size(channels); i++) {
		if (!channels[i].found)
			continue;
		out.source = channels[i].source;
		out.value = channels[i].found->value;
		out.at = channels[i].found->at;
		return out;
	}
	const char *variable = extensions[key].variable;
	out.value = variable ? getenv(variable) : NULL;
	if (out.value) {
		out.source = EXTENSION_ENVIRONMENT;
		out.variable = variable;
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
	static const char *const words[] = {
		[LAYOUT_AUTO] = "auto", [LAYOUT_UPSTREAM] = "upstream", [LAYOUT_MAP] = "map"};
	static const struct network_setup none;
	unsigned int i = *out;
	int r = extension_word(EXTENSION_NFT_LAYOUT, net ? net : &none, words, array_size(words),
			       &i, err);

	*out = (enum fw_layout)i;
	return r;
}

int extension_addr(enum extension_key key, const struct network_setup *net, struct addr *out,
		   struct error *err)
{
	const struct extension e = extension_find(key, net);

	return !e.value || addr_parse(e.value, out) ? 0 : refuse(&e, "an IP address", err);
}
