/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/dhcp-proxy/book.h"

#include <stdio.h>
#include <string.h>

#include "common/file.h"

static char *print(const struct terms *const *list, size_t n, struct arena *a)
{
	json_t *root = json_object();

	for (size_t i = 0; i < n; i++) {
		char mac[sizeof("00:00:00:00:00:00")];

		snprintf(mac, sizeof(mac), MAC_TEXT, MAC_ARGS(list[i]->mac));
		json_object_set_new(root, mac, json_pack("[o]", terms_json(list[i])));
	}
	cleanup_free char *text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return arena_strdup(a, text ? text : "{}");
}

int book_write(const char *path, const struct terms *const *list, size_t n, struct error *err)
{
	struct arena scratch = {0};
	const char *text = print(list, n, &scratch);
	int r = file_replace(path, arena_printf(&scratch, "%s.new", path), text, strlen(text),
			     &scratch, NULL, err);

	if (r < 0)
		r = wrap(err, "write lease file %s", path);
	arena_release(&scratch);
	return r;
}
