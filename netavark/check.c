/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/check.h"

#include <stdarg.h>
#include <string.h>

#include "common/text.h"
#include "netavark/check_network.h"
#include "netavark/create.h"
#include "netavark/drivers/driver.h"
#include "netavark/extension.h"

/* ---- notes ---- */

static void add(struct check *c, bool warning, const char *pointer, const char *hint,
		const char *message)
{
	problems_add(c->problems, (struct problem){
					  .warning = warning,
					  .pointer = pointer,
					  .hint = hint,
					  .message = message,
				  });
}

static const char *pointer_of(struct check *c, const struct reader *at, const char *key)
{
	return key ? arena_printf(c->arena, "%s/%s", at->pointer, key) : at->pointer;
}

void check_note(struct check *c, int r, const struct reader *at, const char *key)
{
	const char *marked = c->doc->marked;

	c->doc->marked = NULL;
	if (r < 0)
		add(c, false, marked ? marked : pointer_of(c, at, key), NULL,
		    arena_strdup(c->arena, c->err.text));
}

void check_error(struct check *c, const struct reader *at, const char *key, const char *hint,
		 const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(c, false, pointer_of(c, at, key), hint, arena_vprintf(c->arena, fmt, args));
	va_end(args);
}

void check_warning(struct check *c, const struct reader *at, const char *key, const char *hint,
		   const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(c, true, pointer_of(c, at, key), hint, arena_vprintf(c->arena, fmt, args));
	va_end(args);
}

const char *check_hint(struct check *c, const char *closest)
{
	return closest ? arena_printf(c->arena, "did you mean \"%s\"?", closest) : NULL;
}

bool check_is_bad(const struct check *c, const struct reader *at, const char *key)
{
	return problems_below(c->problems, key ? arena_printf(c->arena, "%s/%s", at->pointer, key)
					       : at->pointer);
}

/* ---- codes ---- */

/* The last member of a pointer that has a code of its own decides. */
void check_name_problems(struct check *c)
{
	static const struct {
		const char *member, *code;
	} codes[] = {
		{"subnet", "E_SUBNET"},
		{"gateway", "E_GATEWAY"},
		{"lease_range", "E_LEASE_RANGE"},
		{"static_ips", "E_ADDRESS"},
		{"dns_servers", "E_ADDRESS"},
		{"network_dns_servers", "E_ADDRESS"},
		{"static_mac", "E_MAC"},
		{"interface_name", "E_INTERFACE"},
		{"network_interface", "E_INTERFACE"},
		{"host_interface_name", "E_INTERFACE"},
		{"aliases", "E_NAME"},
		{"name", "E_NAME"},
		{"id", "E_NAME"},
		{"container_id", "E_NAME"},
		{"container_name", "E_NAME"},
		{"driver", "E_DRIVER"},
		{"options", "E_OPTION"},
		{"labels", "E_OPTION"},
		{"routes", "E_ROUTE"},
		{"port_mappings", "E_PORT"},
		{"networks", "E_NETWORK"},
		{"network_info", "E_NETWORK"},
		{"network", "E_NETWORK"},
	};

	for (size_t i = 0; i < c->problems->n; i++) {
		struct problem *p = &c->problems->list[i];
		char **parts;
		size_t n = text_split(c->arena, p->pointer, '/', &parts);

		if (!p->code && text_starts_with(p->message, "unknown "))
			p->code = p->warning ? "E_UNKNOWN" : NULL;
		for (; !p->code && n > 0; n--)
			for (size_t k = 0; !p->code && k < array_size(codes); k++)
				if (strcmp(codes[k].member, parts[n - 1]) == 0)
					p->code = codes[k].code;
		if (!p->code)
			p->code = "E_VALUE";
	}
}

/* ---- ports ---- */

static bool overlaps(const struct fw_port *a, const struct fw_port *b)
{
	unsigned int last_a = a->host_port + (a->range ? a->range - 1u : 0);
	unsigned int last_b = b->host_port + (b->range ? b->range - 1u : 0);

	if (a->proto != b->proto || a->host_port > last_b || b->host_port > last_a)
		return false;
	if (!(a->ipv4 && b->ipv4) && !(a->ipv6 && b->ipv6))
		return false;
	return !a->host_addr.family || !b->host_addr.family ||
	       addr_equal(&a->host_addr, &b->host_addr);
}

/* The members of a mapping one by one, the others harmless; then the whole. */
static void check_port(struct check *c, const struct port_mapping *m, struct fw_port **list,
		       size_t *n)
{
	const struct port_mapping harmless = {
		.host_ip = "", .protocol = "", .host_port = 1, .container_port = 1, .at = m->at};
	struct port_mapping address = harmless, protocol = harmless;
	struct fw_port *ignored = NULL;
	size_t n_ignored = 0;

	address.host_ip = m->host_ip;
	protocol.protocol = m->protocol;
	check_note(c, ports_add(c->arena, &address, &ignored, &n_ignored, &c->err), &m->at,
		   "host_ip");
	check_note(c, ports_add(c->arena, &protocol, &ignored, &n_ignored, &c->err), &m->at,
		   "protocol");
	if (!check_is_bad(c, &m->at, NULL))
		check_note(c, ports_add(c->arena, m, list, n, &c->err), &m->at, "host_port");
}

/* Whether any network publishes them: only then setup looks at what they say. */
static bool uses_ports(const struct request *req)
{
	for (size_t i = 0; i < req->n_networks; i++) {
		const struct network_setup *net = &req->networks[i];
		const char *mode = option_text(net->options, net->n_options, "mode");

		if (net->driver && strcmp(net->driver, "bridge") == 0 && !net->internal &&
		    !(mode && strcmp(mode, "unmanaged") == 0))
			return true;
	}
	return false;
}

static void check_ports(struct check *c, const struct request *req)
{
	bool used = uses_ports(req);
	struct fw_port *list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < req->n_ports; i++) {
		const struct port_mapping *m = &req->ports[i];
		size_t first = n;

		check_network_members(c, &m->at, KEYS_PORT);
		if (!used)
			continue;
		check_port(c, m, &list, &n);
		for (size_t k = first; k < n; k++)
			for (size_t o = 0; o < first; o++)
				if (overlaps(&list[k], &list[o]))
					check_warning(c, &m->at, "host_port", NULL,
						      "port %u/%s is published already",
						      list[k].host_port, list[k].protocol);
	}
}

/* ---- networks of a setup ---- */

static void check_described(struct check *c, const struct network_setup *net,
			    const struct reader *infos)
{
	struct reader *defined;
	size_t n = read_members(infos, &defined);
	const char **names = arena_alloc(c->arena, n * sizeof(*names));

	for (size_t i = 0; i < n; i++) {
		names[i] = read_string_or(&defined[i], "name", "");
		if (!*names[i])
			return; /* it may be the one */
	}
	check_error(c, &net->me.at, NULL, check_hint(c, text_closest(net->asked_as, names, n)),
		    "network info for network %s not found", net->asked_as);
}

static bool is_same_interface(const struct network_setup *a, const struct network_setup *b)
{
	return *a->me.interface && strcmp(a->me.interface, b->me.interface) == 0 &&
	       !(a->driver && driver_is_plugin(a->driver)) &&
	       !(b->driver && driver_is_plugin(b->driver));
}

static bool subnets_overlap(const struct check *c, const struct subnet *a, const struct subnet *b)
{
	return !check_is_bad(c, &a->at, "subnet") && !check_is_bad(c, &b->at, "subnet") &&
	       prefix_overlaps(&a->net, &b->net);
}

/* Beside the networks before it. */
static void check_beside(struct check *c, const struct request *req,
			 const struct network_setup *net)
{
	for (const struct network_setup *o = req->networks; o < net; o++) {
		if (strcmp(o->asked_as, net->asked_as) == 0) {
			check_error(c, &net->me.at, NULL, NULL, "network %s passed twice",
				    net->asked_as);
			return;
		}
		if (is_same_interface(o, net))
			check_error(c, &net->me.at, "interface_name", NULL,
				    "interface %s is the one of network %s already",
				    net->me.interface, o->asked_as);
		for (size_t i = 0; i < net->n_subnets; i++)
			for (size_t k = 0; k < o->n_subnets; k++)
				if (subnets_overlap(c, &net->subnets[i], &o->subnets[k]))
					check_warning(c, &net->subnets[i].at, "subnet", NULL,
						      "subnet %s overlaps one of network %s",
						      prefix_str(&net->subnets[i].net), o->name);
	}
}

/* What only planning finds of a network; its first finding is better than none. */
static void check_plan(struct check *c, const struct request *req, const struct network_setup *net)
{
	struct request alone = *req;
	struct plan ignored;

	if (check_is_bad(c, &net->at, NULL) || check_is_bad(c, &net->me.at, NULL))
		return;
	alone.networks = arena_memdup(c->arena, net, sizeof(*net));
	alone.n_networks = 1;
	alone.n_ports = 0;
	check_note(c, plan_setup(&alone, c->options, c->firewall, c->arena, &ignored, &c->err),
		   &net->at, NULL);
}

static void check_networks(struct check *c, const struct request *req, const struct reader *infos)
{
	for (size_t i = 0; i < req->n_networks; i++) {
		const struct network_setup *net = &req->networks[i];

		if (net->driver)
			check_network_definition(c, net);
		else
			check_described(c, net, infos);
		check_network_attachment(c, net);
		check_beside(c, req, net);
		if (net->driver)
			check_plan(c, req, net);
	}
}

/* Nothing that setup refuses may be missing here. */
static void check_whole(struct check *c, const struct request *req, const struct reader *root)
{
	struct plan ignored;

	check_note(c, plan_setup(req, c->options, c->firewall, c->arena, &ignored, &c->err), root,
		   NULL);
}

void check_setup(struct check *c)
{
	struct request req = {0};
	int r = request_read(c->doc, &req, &c->err);
	struct reader root = document_root(c->doc), infos;

	if (r < 0 || !json_is_object(root.value))
		return;
	conf_apply(c->conf, &req, c->arena);
	infos = read_object_or_none(&root, "network_info");
	check_network_members(c, &root, KEYS_REQUEST);
	check_ports(c, &req);
	check_networks(c, &req, &infos);
	if (!c->problems->n_errors)
		check_whole(c, &req, &root);
}

/* ---- create ---- */

static void check_pools(struct check *c, const struct reader *options)
{
	struct reader *pools;
	size_t n = read_array_or_none(options, "subnet_pools", &pools);

	for (size_t i = 0; i < n; i++)
		check_network_members(c, &pools[i], KEYS_CREATE_POOL);
}

/* What depends on more than one member; a plugin would have to be run for it. */
static void check_completion(struct check *c, struct create *create)
{
	if (driver_is_plugin(create->net.driver))
		return;
	create->options = c->options;
	create->random = arc4random_buf;
	create->now = "";
	check_note(c, create_plan(create, &c->err), &create->net.at, NULL);
}

void check_create(struct check *c)
{
	struct create create = {0};
	int r = create_read(c->doc, &create, &c->err);
	struct reader root = document_root(c->doc), used, options;

	if (r < 0 || !json_is_object(root.value))
		return;
	used = read_object_or_none(&root, "used");
	options = read_object_or_none(&root, "options");
	check_network_members(c, &root, KEYS_CREATE);
	check_network_members(c, &used, KEYS_CREATE_USED);
	check_network_members(c, &options, KEYS_CREATE_OPTIONS);
	check_pools(c, &options);
	if (create.net.at.value)
		check_network_definition(c, &create.net);
	if (!c->problems->n_errors)
		check_completion(c, &create);
	create_close(&create);
}

/* ---- netavark.conf ---- */

static void check_keys(struct check *c, const struct reader *object)
{
	struct reader *members;
	size_t n = read_members(object, &members);
	const char *closest;

	for (size_t i = 0; i < n; i++) {
		bool networks = !*object->pointer && strcmp(members[i].name, "networks") == 0;

		if (!networks && keys_is_odd_key(members[i].name, &closest, c->arena))
			check_warning(c, &members[i], NULL, check_hint(c, closest),
				      "unknown key %s", text_quote(c->arena, members[i].name));
	}
}

void check_conf(struct check *c)
{
	struct reader root = document_root(c->doc), networks, *list;
	struct conf_file file = {.path = "", .doc = c->doc};
	struct conf conf = {&file, 1};
	struct option *options;
	size_t n;

	conf_read(c->doc, &file);
	networks = read_object_or_none(&root, "networks");
	n = read_members(&networks, &list);
	check_keys(c, &root);
	check_network_extensions(c, file.all, file.n_all, "");
	for (size_t i = 0; i < n; i++) {
		check_keys(c, &list[i]);
		size_t n_options = conf_options(&conf, list[i].name, c->arena, &options);
		check_network_extensions(c, options, n_options, "");
	}
}
