/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::plugin"
#include "netavark/drivers/plugin.h"

#include <errno.h>
#include <string.h>

#include "common/file.h"
#include "common/log.h"
#include "common/process.h"
#include "netavark/network.h"

#define ANSWER_MAX (1u << 20)
/* Callers read our answer only after we have ended, from a pipe that holds 64 KiB. */
#define BLOCK_MAX (32u << 10)

/* ---- finding ---- */

char *plugin_find(const struct options *options, const char *driver, struct arena *a)
{
	if (!*driver || strchr(driver, '/') || strcmp(driver, ".") == 0 ||
	    strcmp(driver, "..") == 0)
		return NULL;
	for (size_t i = 0; i < options->n_plugin_dirs; i++) {
		char *path = arena_printf(a, "%s/%s", options->plugin_dirs[i], driver);

		if (file_is_program(path))
			return path;
	}
	return NULL;
}

/* ---- asking ---- */

struct question {
	const char *driver, *program, *verb;
	const char *netns; /* NULL: the verb has none */
	const char *input;
	unsigned int seconds;
	struct arena *arena;
};

/* What a plugin says that ended with a status. */
static int refusal(const struct question *q, const struct process_answer *answer, struct error *err)
{
	struct document doc;
	struct error why;
	const char *text = "";
	int r = document_open(&doc, q->arena, answer->text, answer->len, &why);

	if (r == 0) {
		struct reader root = document_root(&doc);

		text = read_string(&root, "error");
	}
	if (doc.failed)
		r = fail(err, EPROTO, "plugin \"%s\": exit code %d, parse error: %s", q->driver,
			 answer->status, why.text);
	else
		r = fail(err, EREMOTEIO, "exit code %d, message: %s", answer->status, text);
	document_close(&doc);
	return r;
}

/*
 * Runs the plugin. *out_done: it may have done its work, which is so if it ended well or was not let to
 * its end.
 */
static int ask(const struct question *q, struct process_answer *out, bool *out_done,
	       struct error *err)
{
	char *argv[] = {arena_strdup(q->arena, q->program), arena_strdup(q->arena, q->verb),
			q->netns ? arena_strdup(q->arena, q->netns) : NULL, NULL};
	int r = process_ask(argv, q->input, ANSWER_MAX, q->seconds, q->arena, out, err);

	*out_done = r == 0 && out->status <= 0;
	if (r < 0)
		return r;
	if (out->timed_out)
		return fail(err, ETIMEDOUT, "plugin \"%s\" did not end within %u seconds",
			    q->driver, q->seconds);
	if (out->status < 0)
		return fail(err, EPROTO, "plugin \"%s\" killed by signal", q->driver);
	return out->status ? refusal(q, out, err) : 0;
}

/* Opens the answer of a plugin that ended well. */
static int open_answer(const struct question *q, const struct process_answer *answer,
		       struct document *doc, struct error *err)
{
	if (answer->too_long) {
		doc->root = NULL;
		return fail(err, EFBIG, "plugin \"%s\" answered more than %u bytes", q->driver,
			    ANSWER_MAX);
	}
	int r = document_open(doc, q->arena, answer->text, answer->len, err);
	return r < 0 ? wrap(err, "JSON Decoding error") : 0;
}

/* ---- what it is told ---- */

static json_t *strings_json(const char *const *list, size_t n)
{
	json_t *out = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, json_string(list[i]));
	return out;
}

/* The container's part of the network. What is absent is null. */
static json_t *attachment_json(const struct attachment *me)
{
	const struct reader *at = &me->at;
	json_t *out = json_object();

	json_object_set_new(out, "aliases",
			    read_has(at, "aliases") ? strings_json(me->aliases, me->n_aliases)
						    : json_null());
	json_object_set_new(out, "interface_name", json_string(me->interface));
	json_object_set_new(out, "static_ips",
			    read_has(at, "static_ips")
				    ? network_addrs_json(me->static_ips, me->n_static_ips)
				    : json_null());
	json_object_set_new(out, "static_mac", me->mac ? json_string(me->mac) : json_null());
	json_object_set_new(out, "options",
			    read_has(at, "options")
				    ? network_options_json(me->options, me->n_options)
				    : json_null());
	return out;
}

static json_t *ports_json(const struct request *req)
{
	json_t *out;

	if (!req->has_ports)
		return json_null();
	out = json_array();
	for (size_t i = 0; i < req->n_ports; i++) {
		const struct port_mapping *p = &req->ports[i];

		json_array_append_new(out, json_pack("{s:i, s:s, s:i, s:s, s:i}", "container_port",
						     p->container_port, "host_ip", p->host_ip,
						     "host_port", p->host_port, "protocol",
						     p->protocol, "range", p->range));
	}
	return out;
}

/* Takes value over. */
static char *print(json_t *value, struct arena *a)
{
	char *text = json_dumps(value, JSON_COMPACT), *copy = arena_strdup(a, text ? text : "");

	free(text);
	json_decref(value);
	return copy;
}

static int plugin_plan(const struct plan *plan, const struct network_setup *net,
		       struct network_plan *out, struct error *err)
{
	const struct request *req = plan->req;

	out->plugin = plugin_find(plan->options, net->driver, plan->arena);
	if (!out->plugin)
		return fail(err, EINVAL, "unknown network driver \"%s\"", net->driver);
	out->container_if = net->me.interface;
	out->ipam = IPAM_NONE; /* ours; the plugin knows about its own */
	out->plugin_input =
		print(json_pack("{s:s, s:s, s:o, s:o, s:o}", "container_id", req->container_id,
				"container_name", req->container_name, "port_mappings",
				ports_json(req), "network", network_json(net), "network_options",
				attachment_json(&net->me)),
		      plan->arena);
	return options_plugin_seconds(&out->plugin_seconds, err);
}

static void plugin_print(const struct network_plan *net, struct text *t)
{
	text_printf(t, "  plugin %s\n  input %s\n", net->plugin, net->plugin_input);
}

/* ---- what it answers ---- */

static json_t *read_strings(const struct reader *r, const char *key)
{
	struct reader *items;
	size_t n = read_array_or_none(r, key, &items);
	json_t *out = read_has(r, key) ? json_array() : json_null();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(out, json_string(read_self_string(&items[i])));
	return out;
}

static json_t *read_servers(const struct reader *r)
{
	struct reader *items;
	size_t n = read_array_or_none(r, "dns_server_ips", &items);
	json_t *out = read_has(r, "dns_server_ips") ? json_array() : json_null();

	for (size_t i = 0; i < n; i++) {
		struct addr a = read_self_addr(&items[i]);

		json_array_append_new(out, json_string(addr_str(&a)));
	}
	return out;
}

static json_t *read_interface(const struct reader *r)
{
	struct reader *items;
	const char *mac = read_string(r, "mac_address");
	size_t n = read_array_or_none(r, "subnets", &items);
	json_t *subnets = read_has(r, "subnets") ? json_array() : json_null();

	for (size_t i = 0; i < n; i++) {
		struct addr gateway = read_addr_or_none(&items[i], "gateway");
		struct prefix ipnet = read_prefix(&items[i], "ipnet");
		json_t *shown = gateway.family ? json_string(addr_str(&gateway)) : json_null();

		json_array_append_new(subnets, json_pack("{s:o, s:s}", "gateway", shown, "ipnet",
							 prefix_str(&ipnet)));
	}
	return json_pack("{s:s, s:o}", "mac_address", mac, "subnets", subnets);
}

static json_t *read_interfaces(const struct reader *r)
{
	struct reader map = read_object_or_none(r, "interfaces"), *members;
	size_t n = read_members(&map, &members);
	json_t *out = map.value ? json_object() : json_null();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(out, members[i].name, read_interface(&members[i]));
	return out;
}

/* The status block without what does not belong there, in the order of ours. */
static int read_block(const struct question *q, const struct process_answer *answer,
		      const char **out, struct error *err)
{
	struct document doc = {0};
	int r = open_answer(q, answer, &doc, err);

	if (r == 0) {
		struct reader root = document_root(&doc);
		json_t *domains = read_strings(&root, "dns_search_domains");
		json_t *servers = read_servers(&root), *interfaces = read_interfaces(&root);

		*out = print(json_pack("{s:o, s:o, s:o}", "dns_search_domains", domains,
				       "dns_server_ips", servers, "interfaces", interfaces),
			     q->arena);
		if (doc.failed)
			r = wrap(err, "JSON Decoding error");
	}
	document_close(&doc);
	if (r == 0 && strlen(*out) > BLOCK_MAX)
		r = fail(err, EFBIG, "plugin \"%s\" reported a status of more than %u bytes",
			 q->driver, BLOCK_MAX);
	return r;
}

int plugin_create(const char *program, const struct network_setup *net, struct document *doc,
		  struct network_setup *out, struct arena *a, struct error *err)
{
	struct question q = {
		.driver = net->driver,
		.program = program,
		.verb = "create",
		.arena = a,
	};
	struct process_answer answer;
	bool done;
	int r = options_plugin_seconds(&q.seconds, err);

	doc->root = NULL;
	q.input = print(network_json(net), a);
	if (r == 0)
		r = ask(&q, &answer, &done, err);
	if (r == 0)
		r = open_answer(&q, &answer, doc, err);
	if (r < 0)
		return r;
	struct reader root = document_root(doc);
	*out = request_read_network(&root);
	return doc->failed ? wrap(err, "JSON Decoding error") : 0;
}

/* ---- verbs ---- */

static struct question question(const struct network_plan *net, const char *verb, struct host *h)
{
	return (struct question){
		.driver = net->setup->driver,
		.program = net->plugin,
		.verb = verb,
		.netns = h->netns,
		.input = net->plugin_input,
		.seconds = net->plugin_seconds,
		.arena = h->arena,
	};
}

static int ask_teardown(void *arg, struct error *err)
{
	const struct question *q = arg;
	struct process_answer ignored;
	bool done;
	int r = ask(q, &ignored, &done, err);

	return r < 0 ? wrap(err, "plugin \"%s\" failed", q->driver) : 0;
}

static int plugin_setup(struct network_plan *net, struct host *h, struct network_status *out,
			struct error *err)
{
	const struct question q = question(net, "setup", h);
	struct process_answer answer;
	bool done;
	int r = ask(&q, &answer, &done, err);

	if (done) {
		struct question *back = arena_alloc(h->arena, sizeof(*back));

		*back = question(net, "teardown", h);
		undo_push(&h->undo, ask_teardown, back,
			  arena_printf(h->arena, "what plugin %s has set up", q.driver));
	}
	*out = (struct network_status){.net = net};
	if (r == 0)
		r = read_block(&q, &answer, &out->block, err);
	return r < 0 ? wrap(err, "plugin \"%s\" failed", q.driver) : 0;
}

static void plugin_teardown(const struct network_plan *net, struct host *h, bool *out_complete,
			    struct error *all)
{
	struct question q = question(net, "teardown", h);
	struct error one;

	*out_complete = false; /* there is nothing of the network's that is ours */
	if (ask_teardown(&q, &one) < 0)
		error_collect(all, &one);
}

const struct driver driver_plugin = {
	.name = "plugin",
	.slow = true,
	.plan = plugin_plan,
	.print = plugin_print,
	.setup = plugin_setup,
	.teardown = plugin_teardown,
};
