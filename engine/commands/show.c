/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::commands"
#include "engine/commands/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/file.h"
#include "common/text.h"
#include "engine/cgroup.h"
#include "engine/monitor.h"
#include "engine/network.h"
#include "engine/ports.h"
#include "engine/unit.h"
#include "engine/user.h"

const struct cli_option commands_ps[] = {
	{'a', "all", NULL, "Those that do not run, too"},
	{'f', "filter", "KEY=VALUE", "Only those: name, id, label, status, network"},
	{0, "format", "FORMAT", "json, or fields: {{.ID}} {{.Names}}"},
	{'n', "last", "N", "The last N that were made"},
	{0, "no-trunc", NULL, "Do not shorten ids and commands"},
	{'q', "quiet", NULL, "Only ids"},
	{0},
};

const struct cli_option commands_inspect[] = {
	{'f', "format", "FORMAT", "A field: {{.State.Pid}}"},
	{0},
};

/* ---- times ---- */

static int64_t seconds_since(const char *stamp)
{
	struct tm tm = {0};

	if (!strptime(stamp, "%Y-%m-%dT%H:%M:%S", &tm))
		return 0;
	return time(NULL) - timegm(&tm);
}

static char *status_text(const struct container *c, const struct view *v, struct arena *a)
{
	int64_t since;

	switch (v->state) {
	case STATE_RUNNING:
	case STATE_PAUSED:
		since = seconds_since(record_str(c->run, "started"));
		return arena_printf(a, "Up %s%s%s", unit_age(a, since),
				    v->state == STATE_PAUSED ? " (Paused)" : "",
				    v->unmonitored ? " (unmonitored)" : "");
	case STATE_CREATED:
		return arena_strdup(a, "Created");
	case STATE_RESTARTING:
		return arena_printf(a, "Restarting (%lld)",
				    (long long)record_int(c->state, "exit_code"));
	default:
		if (!*record_str(c->state, "finished"))
			return arena_printf(a, "Exited (%lld)",
					    (long long)record_int(c->state, "exit_code"));
		since = seconds_since(record_str(c->state, "finished"));
		return arena_printf(a, "Exited (%lld) %s ago",
				    (long long)record_int(c->state, "exit_code"),
				    unit_age(a, since));
	}
}

/* ---- ps ---- */

static char *command_text(const struct container *c, struct arena *a)
{
	const char *const keys[] = {"entrypoint", "args"};
	struct text t = text_new(a);
	const json_t *word;
	size_t i;

	for (size_t k = 0; k < array_size(keys); k++)
		json_array_foreach (json_object_get(c->create, keys[k]), i, word)
			text_printf(&t, "%s%s", t.len ? " " : "", json_string_value(word));
	return t.s;
}

static char *ports_text(const struct container *c, struct arena *a)
{
	const json_t *mapping;
	struct text t = text_new(a);
	size_t i;

	json_array_foreach (json_object_get(c->create, "ports"), i, mapping)
		text_printf(&t, "%s%s", i ? ", " : "", ports_print(mapping, a));
	return t.s;
}

static char *networks_text(const struct container *c, struct arena *a)
{
	const json_t *entry;
	struct text t = text_new(a);
	size_t i;

	json_array_foreach (network_of(c), i, entry)
		text_printf(&t, "%s%s", i ? "," : "", record_str(entry, "name"));
	return t.s;
}

static json_t *row_of(const struct container *c, const struct view *v, bool whole, struct arena *a)
{
	char *command = command_text(c, a);

	if (!whole && strlen(command) > 20)
		command = arena_printf(a, "%.20s...", command);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:O}", "ID",
			 whole ? c->id : store_short(a, c->id), "Image",
			 record_str(c->create, "rootfs"), "Command", command, "CreatedAt",
			 record_str(c->create, "created"), "Status", status_text(c, v, a), "Ports",
			 ports_text(c, a), "Names", c->name, "State", state_name(v->state), "Pid",
			 (json_int_t)v->pid, "Networks", networks_text(c, a), "Labels",
			 json_object_get(c->create, "labels"));
}

static bool has_label(const struct container *c, const char *wanted, struct arena *a)
{
	const char *equals = strchr(wanted, '=');
	const json_t *labels = json_object_get(c->create, "labels");
	size_t len = equals ? (size_t)(equals - wanted) : strlen(wanted);
	const char *key = arena_strndup(a, wanted, len);

	return json_object_get(labels, key) &&
	       (!equals || strcmp(record_str(labels, key), equals + 1) == 0);
}

static bool in_network(const struct container *c, const char *name)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (network_of(c), i, entry)
		if (strcmp(record_str(entry, "name"), name) == 0)
			return true;
	return false;
}

static int matches(const struct container *c, const struct view *v, const char *filter,
		   struct arena *a, bool *out, struct error *err)
{
	const char *equals = strchr(filter, '='), *value = equals ? equals + 1 : "";
	size_t len = strcspn(filter, "=");

	if (!equals)
		return fail(err, EINVAL, "--filter: \"%s\" is not KEY=VALUE", filter);
	if (strncmp(filter, "name", len) == 0 && len == 4)
		*out = strstr(c->name, value) != NULL;
	else if (strncmp(filter, "id", len) == 0 && len == 2)
		*out = text_starts_with(c->id, value);
	else if (strncmp(filter, "label", len) == 0 && len == 5)
		*out = has_label(c, value, a);
	else if (strncmp(filter, "status", len) == 0 && len == 6)
		*out = strcmp(state_name(v->state), value) == 0;
	else if (strncmp(filter, "network", len) == 0 && len == 7)
		*out = in_network(c, value);
	else
		return fail(err, EINVAL, "--filter: there is no key \"%.*s\"", (int)len, filter);
	return 0;
}

/* Filters of different keys must all match. */
static int is_wanted(const struct cli_line *line, const struct container *c, const struct view *v,
		     struct arena *a, bool *out, struct error *err)
{
	const char **filters = cli_values(line, "filter", a);
	bool all = cli_flag(line, "all") || *filters || cli_value(line, "last", NULL);
	int r = 0;

	*out = all || state_is_alive(v->state);
	for (; r == 0 && *out && *filters; filters++)
		r = matches(c, v, *filters, a, out, err);
	return r;
}

static int collect_rows(struct engine *e, const struct cli_line *line, json_t *rows,
			struct error *err)
{
	bool whole = cli_flag(line, "no-trunc");
	const char *format = cli_value(line, "format", "");
	const char **ids;
	size_t n = 0;
	int r = store_list(e, &ids, err);

	while (r == 0 && ids[n])
		n++;
	while (r == 0 && n-- > 0) {
		struct container *c;
		bool wanted;

		/* It may be removed at any time: then it is not there. */
		if (store_load(e, ids[n], false, &c, err) < 0)
			continue;
		struct view v = lifecycle_look(c);
		r = is_wanted(line, c, &v, e->arena, &wanted, err);
		if (r == 0 && wanted)
			json_array_append_new(rows,
					      row_of(c, &v, whole || strcmp(format, "json") == 0,
						     e->arena));
	}
	return r;
}

static void print_table(const json_t *rows)
{
	static const char *const keys[] = {"ID",     "Image", "Command", "CreatedAt",
					   "Status", "Ports", "Names"};
	static const char *const heads[] = {"CONTAINER ID", "ROOT",  "COMMAND", "CREATED",
					    "STATUS",	    "PORTS", "NAMES"};
	int width[array_size(keys)];
	const json_t *row;
	size_t i;

	for (size_t k = 0; k < array_size(keys); k++) {
		width[k] = (int)strlen(heads[k]);
		json_array_foreach (rows, i, row) {
			int len = (int)strlen(record_str(row, keys[k]));

			width[k] = len > width[k] ? len : width[k];
		}
	}
	for (size_t k = 0; k < array_size(keys); k++)
		printf("%-*s%s", k + 1 < array_size(keys) ? width[k] : 0, heads[k],
		       k + 1 < array_size(keys) ? "  " : "\n");
	json_array_foreach (rows, i, row)
		for (size_t k = 0; k < array_size(keys); k++)
			printf("%-*s%s", k + 1 < array_size(keys) ? width[k] : 0,
			       record_str(row, keys[k]), k + 1 < array_size(keys) ? "  " : "\n");
}

int command_ps(struct engine *e, const struct cli_line *line, struct error *err)
{
	const char *format = cli_value(line, "format", NULL);
	json_t *rows = record_own(&e->pool, json_array()), *row;
	long long last = -1;
	size_t i;
	int r = cli_number(line, "last", 0, INT32_MAX, &last, err);

	if (r == 0)
		r = collect_rows(e, line, rows, err);
	while (r == 0 && last >= 0 && (long long)json_array_size(rows) > last)
		json_array_remove(rows, json_array_size(rows) - 1);
	if (r < 0)
		return r;
	if (format)
		return commands_print(rows, format, e->arena, err);
	if (!cli_flag(line, "quiet")) {
		json_array_foreach (rows, i, row) {
			const char *stamp = record_str(row, "CreatedAt");

			record_set((json_t *)row, "CreatedAt",
				   arena_printf(e->arena, "%s ago",
						unit_age(e->arena, seconds_since(stamp))));
		}
		print_table(rows);
		return 0;
	}
	json_array_foreach (rows, i, row)
		printf("%s\n", record_str(row, "ID"));
	return 0;
}

/* ---- inspect ---- */

static json_t *state_object(struct container *c, const struct view *v)
{
	const char *started =
		c->run ? record_str(c->run, "started") : record_str(c->state, "started");
	const char *finished = record_str(c->state, "finished");
	const char *never = "0001-01-01T00:00:00Z";

	return json_pack("{s:s,s:b,s:b,s:b,s:b,s:I,s:I,s:I,s:s,s:s,s:s}", "Status",
			 state_name(v->state), "Running", v->state == STATE_RUNNING, "Paused",
			 v->state == STATE_PAUSED, "Restarting", v->state == STATE_RESTARTING,
			 "OOMKilled", record_is(c->state, "oom_killed"), "Pid", (json_int_t)v->pid,
			 "ConmonPid", v->pid ? record_int(c->run, "conmon_pid") : 0, "ExitCode",
			 v->pid ? 0 : record_int(c->state, "exit_code"), "Error",
			 v->pid ? "" : record_str(c->state, "error"), "StartedAt",
			 *started ? started : never, "FinishedAt", *finished ? finished : never);
}

static void put_address(json_t *to, const json_t *subnet, struct arena *a)
{
	const char *net = record_str(subnet, "ipnet");
	size_t len = strcspn(net, "/");
	bool v6 = strchr(net, ':') != NULL;

	if (*record_str(to, v6 ? "GlobalIPv6Address" : "IPAddress"))
		return;
	record_set(to, v6 ? "GlobalIPv6Address" : "IPAddress", arena_strndup(a, net, len));
	json_object_set_new(to, v6 ? "GlobalIPv6PrefixLen" : "IPPrefixLen",
			    json_integer(net[len] ? strtol(net + len + 1, NULL, 10) : 0));
	record_set(to, v6 ? "IPv6Gateway" : "Gateway", record_str(subnet, "gateway"));
}

static json_t *network_object(struct container *c, const json_t *entry, const json_t *status)
{
	json_t *network = json_pack("{s:s,s:i,s:s,s:s,s:i,s:s,s:s,s:s}", "IPAddress", "",
				    "IPPrefixLen", 0, "Gateway", "", "GlobalIPv6Address", "",
				    "GlobalIPv6PrefixLen", 0, "IPv6Gateway", "", "MacAddress", "",
				    "NetworkID", record_str(entry, "name"));
	json_t *aliases = record_array(network, "Aliases"), *interface, *subnet;
	const char *key;
	size_t i;

	json_array_extend(aliases, json_object_get(entry, "aliases"));
	record_push(aliases, store_short(c->engine->arena, c->id));
	json_object_foreach (json_object_get(status, "interfaces"), key, interface) {
		record_set(network, "MacAddress", record_str(interface, "mac_address"));
		record_set(network, "InterfaceName", key);
		json_array_foreach (json_object_get(interface, "subnets"), i, subnet)
			put_address(network, subnet, c->engine->arena);
	}
	return network;
}

/* {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]} */
static json_t *ports_object(const struct container *c, struct arena *a)
{
	json_t *ports = json_object(), *m;
	size_t i;

	json_array_foreach (json_object_get(c->create, "ports"), i, m)
		for (json_int_t n = 0; n < record_int(m, "range"); n++) {
			char *key = arena_printf(a, "%lld/%s",
						 (long long)(record_int(m, "container_port") + n),
						 record_str(m, "protocol"));
			json_t *at = json_pack("{s:s,s:s}", "HostIp", record_str(m, "host_ip"),
					       "HostPort",
					       arena_printf(a, "%lld",
							    (long long)(record_int(m, "host_port") +
									n)));

			json_array_append_new(record_array(ports, key), at);
		}
	return ports;
}

static json_t *network_settings(struct container *c, const struct view *v)
{
	const json_t *status = v->pid ? network_status(c) : NULL, *entry;
	json_t *networks = json_object();
	size_t i;

	json_array_foreach (network_of(c), i, entry) {
		const char *name = record_str(entry, "name");

		json_object_set_new(networks, name,
				    network_object(c, entry, json_object_get(status, name)));
	}
	return json_pack("{s:s,s:o,s:o}", "SandboxKey", c->run ? record_str(c->run, "netns") : "",
			 "Ports", ports_object(c, c->engine->arena), "Networks", networks);
}

static json_t *mounts_object(const struct container *c)
{
	json_t *list = json_array(), *m, *option;
	size_t i, j;

	json_array_foreach (json_object_get(c->create, "mounts"), i, m) {
		bool writable = true;

		json_array_foreach (json_object_get(m, "options"), j, option)
			writable = writable && strcmp(json_string_value(option), "ro") != 0;
		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:s,s:O,s:b}", "Type",
						record_str(m, "type"), "Source",
						record_str(m, "source"), "Destination",
						record_str(m, "destination"), "Options",
						json_object_get(m, "options"), "RW", writable));
	}
	return list;
}

static json_t *config_object(const struct container *c, struct arena *a)
{
	const char *hostname = record_str(c->create, "hostname");

	return json_pack("{s:s,s:s,s:b,s:b,s:O,s:O,s:O,s:s,s:O,s:I,s:I}", "Hostname",
			 *hostname ? hostname : store_short(a, c->id), "User",
			 record_str(c->create, "user"), "Tty", record_is(c->create, "terminal"),
			 "OpenStdin", record_is(c->create, "stdin"), "Env",
			 json_object_get(c->create, "env"), "Cmd",
			 json_object_get(c->create, "args"), "Entrypoint",
			 json_object_get(c->create, "entrypoint"), "WorkingDir",
			 record_str(c->create, "cwd"), "Labels",
			 json_object_get(c->create, "labels"), "StopSignal",
			 record_int(c->create, "stop_signal"), "StopTimeout",
			 record_int(c->create, "stop_timeout"));
}

static json_t *host_config(const struct container *c)
{
	const json_t *resources = json_object_get(c->create, "resources");
	const json_t *memory = json_object_get(resources, "memory");
	const json_t *cpu = json_object_get(resources, "cpu");
	const json_t *restart = json_object_get(c->create, "restart");
	const json_t *namespaces = json_object_get(c->create, "namespaces");

	return json_pack("{s:b,s:b,s:b,s:s,s:O,s:O,s:I,s:I,s:I,s:s,s:I,s:{s:s,s:I},s:I}",
			 "AutoRemove", record_is(c->create, "remove"), "Privileged",
			 record_is(c->create, "privileged"), "ReadonlyRootfs",
			 record_is(c->create, "read_only"), "NetworkMode",
			 record_str(namespaces, "net"), "CapAdd",
			 json_object_get(c->create, "cap_add"), "CapDrop",
			 json_object_get(c->create, "cap_drop"), "Memory",
			 record_int(memory, "limit"), "CpuQuota", record_int(cpu, "quota"),
			 "CpuPeriod", record_int(cpu, "period"), "CpusetCpus",
			 record_str(cpu, "cpus"), "PidsLimit",
			 record_int(json_object_get(resources, "pids"), "limit"), "RestartPolicy",
			 "Name", record_str(restart, "policy"), "MaximumRetryCount",
			 record_int(restart, "max"), "ShmSize", record_int(c->create, "shm_size"));
}

static json_t *inspect_one(struct container *c)
{
	struct view v = lifecycle_look(c);
	struct arena *a = c->engine->arena;
	const json_t *args = json_object_get(c->create, "args");
	const json_t *entrypoint = json_object_get(c->create, "entrypoint");
	json_t *all = json_array(), *rest = json_array();

	json_array_extend(all, (json_t *)entrypoint);
	json_array_extend(all, (json_t *)args);
	for (size_t i = 1; i < json_array_size(all); i++)
		json_array_append(rest, json_array_get(all, i));
	const char *path = json_string_value(json_array_get(all, 0));
	const char *log = monitor_log_path(c);
	json_t *out =
		json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:o}", "Id", c->id,
			  "Name", c->name, "Created", record_str(c->create, "created"), "Path",
			  path ? path : "", "Args", rest, "State", state_object(c, &v), "Image", "",
			  "Rootfs", record_str(c->create, "rootfs"), "LogPath", log ? log : "",
			  "RestartCount", record_int(c->state, "restart_count"), "Mounts",
			  mounts_object(c), "Config", config_object(c, a), "HostConfig",
			  host_config(c), "NetworkSettings", network_settings(c, &v));
	json_decref(all);
	return out;
}

int command_inspect(struct engine *e, const struct cli_line *line, struct error *err)
{
	json_t *list = record_own(&e->pool, json_array());
	int failed = 0;

	for (size_t i = 0; i < line->n_args; i++) {
		struct container *c;
		int r = commands_load(e, line->args[i], false, &c, err);

		if (r < 0) {
			fprintf(stderr, "Error: %s\n", err->text);
			failed = 125;
			continue;
		}
		json_array_append_new(list, inspect_one(c));
	}
	int r = commands_print(list, cli_value(line, "format", NULL), e->arena, err);
	return r < 0 ? r : failed;
}

/* ---- port ---- */

int command_port(struct engine *e, const struct cli_line *line, struct error *err)
{
	const char *wanted = line->n_args > 1 ? line->args[1] : NULL, *key;
	json_t *ports, *list, *at;
	struct container *c;
	bool found = false;
	size_t i;
	int r = commands_load(e, line->args[0], false, &c, err);

	if (r < 0)
		return r;
	if (wanted && !strchr(wanted, '/'))
		wanted = arena_printf(e->arena, "%s/tcp", wanted);
	ports = record_own(&e->pool, ports_object(c, e->arena));
	json_object_foreach (ports, key, list)
		json_array_foreach (list, i, at) {
			const char *ip = record_str(at, "HostIp");

			if (wanted && strcmp(wanted, key) != 0)
				continue;
			found = true;
			if (!wanted)
				printf("%s -> ", key);
			printf(strchr(ip, ':') ? "[%s]:%s\n" : "%s:%s\n", *ip ? ip : "0.0.0.0",
			       record_str(at, "HostPort"));
		}
	if (wanted && !found)
		return fail(err, ENOENT, "the container %s does not publish port %s", c->name,
			    wanted);
	return 0;
}

/* ---- top ---- */

struct process {
	pid_t pid, inner;
	unsigned int uid;
	char *command;
};

static char *field_of(const char *status, const char *name, struct arena *a)
{
	const char *at = strstr(status, name);

	if (!at)
		return arena_strdup(a, "");
	at += strlen(name);
	at += strspn(at, " \t");
	return arena_strndup(a, at, strcspn(at, "\n"));
}

static bool read_process(pid_t pid, struct arena *a, struct process *out)
{
	struct error err;
	char *status, *command;
	size_t len;

	if (file_read(arena_printf(a, "/proc/%d/status", (int)pid), 65536, a, &status, NULL, &err) <
		    0 ||
	    file_read(arena_printf(a, "/proc/%d/cmdline", (int)pid), 65536, a, &command, &len,
		      &err) < 0)
		return false;
	const char *inner = field_of(status, "NSpid:", a), *last = strrchr(inner, '\t');
	out->pid = pid;
	out->inner = (pid_t)strtol(last ? last : inner, NULL, 10);
	out->uid = (unsigned int)strtoul(field_of(status, "\nUid:", a), NULL, 10);
	for (size_t i = 0; i + 1 < len; i++)
		if (!command[i])
			command[i] = ' ';
	out->command = len ? command : arena_printf(a, "[%s]", field_of(status, "Name:", a));
	return true;
}

/* Names of users are those of the container. */
static const char *user_name(struct container *c, const struct view *v, unsigned int uid)
{
	struct arena *a = c->engine->arena;
	struct error err;
	char *text, **lines, **fields;

	cleanup_close int fd =
		user_open_in(arena_printf(a, "/proc/%d/root", (int)v->pid), "etc/passwd");
	if (fd >= 0 && file_read_fd(fd, 1 << 20, a, &text, NULL, &err) == 0) {
		size_t n = text_split(a, text, '\n', &lines);

		for (size_t i = 0; i < n; i++)
			if (text_split(a, lines[i], ':', &fields) > 2 &&
			    strtoul(fields[2], NULL, 10) == uid)
				return fields[0];
	}
	return uid == 0 ? "root" : arena_printf(a, "%u", uid);
}

/* In its control group; without one, those that the first process and its children are. */
static size_t processes_of(struct container *c, const struct view *v, pid_t **out)
{
	struct arena *a = c->engine->arena;
	size_t n = 0;

	if (*record_str(c->run, "cgroups_path")) {
		n = cgroup_processes(v->pid, a, out);
		if (n)
			return n;
	}
	*out = arena_grow(a, NULL, 0, sizeof(**out));
	(*out)[n++] = v->pid;
	for (size_t i = 0; i < n; i++) {
		struct error err;
		char *text, *end;

		if (file_read(arena_printf(a, "/proc/%d/task/%d/children", (int)(*out)[i],
					   (int)(*out)[i]),
			      65536, a, &text, NULL, &err) < 0)
			continue;
		for (char *at = text; strtol(at, &end, 10) > 0 && end != at; at = end) {
			*out = arena_grow(a, *out, n, sizeof(**out));
			(*out)[n++] = (pid_t)strtol(at, NULL, 10);
		}
	}
	return n;
}

int command_top(struct engine *e, const struct cli_line *line, struct error *err)
{
	struct container *c;
	pid_t *pids;
	int r = commands_load(e, line->args[0], false, &c, err);

	if (r < 0)
		return r;
	struct view v = lifecycle_look(c);
	if (!state_is_alive(v.state))
		return fail(err, ESRCH, "the container %s does not run", c->name);
	size_t n = processes_of(c, &v, &pids);
	printf("%-12s %-6s %-8s %s\n", "USER", "PID", "HPID", "COMMAND");
	for (size_t i = 0; i < n; i++) {
		struct process p;

		if (read_process(pids[i], e->arena, &p))
			printf("%-12s %-6d %-8d %s\n", user_name(c, &v, p.uid), (int)p.inner,
			       (int)p.pid, p.command);
	}
	return 0;
}
