/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line on the control socket of a server that has just started. */
#include "tests/fuzz/fuzz.h"

#include "aardvark-dns/control.h"

static bool reload(void *arg)
{
	*(int *)arg += 1;
	return *(int *)arg % 2;
}

static struct control *make_control(void)
{
	static struct service service;
	static int reloads;
	static char dir[] = "/tmp/fuzz-control.XXXXXX";
	struct control_owner owner = {.reload = reload, .arg = &reloads};
	struct control *c = NULL;
	struct error err;

	service.zones = fuzz_zones();
	service.base = event_base_new();
	service.cache = cache_new(CACHE_BYTES_DEFAULT);
	service.stats = stats_new();
	must(service.base && service.cache && service.stats && mkdtemp(dir));
	must(forwarder_new(service.base, service.cache, &service.forwarder, &err) == 0);
	stats_set_zones(service.stats, service.zones);
	must(control_open(dir, &service, &owner, &c, &err) == 0);
	/* Nobody is to find it. */
	char *path = NULL;
	must(asprintf(&path, "%s%s", dir, CONTROL_SUFFIX) > 0);
	remove(path);
	remove(dir);
	free(path);
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct control *control;
	bool log = false;

	if (!control)
		control = make_control();
	json_t *reply = control_answer(control, (const char *)data, size, &log);
	must(json_is_object(reply));
	char *text = json_dumps(reply, JSON_COMPACT);
	must(text && !strchr(text, '\n'));
	free(text);
	json_decref(reply);
	return 0;
}
