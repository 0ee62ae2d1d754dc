/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::dns"
#include "netavark/dns.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "common/process.h"
#include "common/text.h"

#define PID_FILE	"aardvark.pid"
#define SERVER_NAME	"aardvark-dns"
#define INTERNAL_SUFFIX "%int"
#define LOCK_SECONDS	30
#define START_SECONDS	8
#define FILE_SIZE_MAX	(64u << 20)

struct dns {
	const struct plan *plan;
	struct host *host;
	struct arena *arena;
	const char *dir;
	int lock;
};

static struct dns open_dns(const struct plan *plan, struct host *h)
{
	return (struct dns){
		.plan = plan,
		.host = h,
		.arena = h->arena,
		.dir = arena_printf(h->arena, "%s/aardvark-dns", h->options->config),
		.lock = -1,
	};
}

static char *path_in(const struct dns *d, const char *name, const char *suffix)
{
	return arena_printf(d->arena, "%s/%s%s", d->dir, name, suffix);
}

/* Upstream takes this lock too while it writes. */
static int lock(struct dns *d, struct error *err)
{
	const char *path = arena_printf(d->arena, "%s/aardvark.lock", d->host->options->config);
	int r = file_lock(path, LOCK_SECONDS, &d->lock, err);

	return r < 0 ? wrap(err, "Failed to acquire exclusive lock on \"%s\"", path) : 0;
}

static void close_dns(struct dns *d)
{
	if (d->lock >= 0)
		close(d->lock);
}

/* ---- the server process ---- */

/* The pid in the file; 0 if there is no usable one. */
static pid_t read_pid(const struct dns *d)
{
	struct error err;
	char *text, *end;

	if (file_read(path_in(d, PID_FILE, ""), 64, d->arena, &text, NULL, &err) < 0)
		return 0;
	long pid = strtol(text, &end, 10);
	if (end == text || (*end && *end != '\n') || pid <= 1 || pid > INT32_MAX)
		return 0;
	return (pid_t)pid;
}

/* A pid file can outlive its server, and its number can belong to anybody then. */
static bool is_server(const struct dns *d, pid_t pid)
{
	struct error err;
	char *comm, *path = arena_printf(d->arena, "/proc/%d/comm", (int)pid);
	const char *own = basename(arena_strdup(d->arena, d->host->options->aardvark_binary));

	if (file_read(path, 64, d->arena, &comm, NULL, &err) < 0)
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	/* The kernel keeps 15 characters of a program's name. */
	return strcmp(comm, SERVER_NAME) == 0 ||
	       strcmp(comm, arena_printf(d->arena, "%.15s", own)) == 0;
}

static void check_namespace(const struct dns *d, pid_t pid)
{
	struct stat own, server;
	const char *path = arena_printf(d->arena, "/proc/%d/ns/net", (int)pid);

	if (stat("/proc/self/ns/net", &own) < 0 || stat(path, &server) < 0)
		return;
	if (own.st_ino != server.st_ino || own.st_dev != server.st_dev)
		log_error("aardvark-dns runs in a different netns, dns will not work for this "
			  "container. To resolve please stop all containers, kill the aardvark-dns "
			  "process, remove the %s directory and then start the containers again",
			  d->host->options->config);
}

/* Returns 1 if a server was told, 0 if there is none. */
static int signal_server(const struct dns *d, struct error *err)
{
	pid_t pid = read_pid(d);
	int r = fault("signal_server", err);

	if (r < 0)
		return r;
	if (!pid || !is_server(d, pid))
		return 0;
	if (kill(pid, SIGHUP) < 0) {
		if (errno == ESRCH)
			return 0;
		return fail(err, errno, "failed to send SIGHUP to aardvark: %s", strerror(errno));
	}
	check_namespace(d, pid);
	return 1;
}

static char **server_command(const struct dns *d)
{
	const struct options *o = d->host->options;
	char *systemd_run = file_exists("/run/systemd/system")
				    ? process_find_in_path(d->arena, "systemd-run")
				    : NULL;
	char **argv = arena_alloc(d->arena, 12 * sizeof(*argv));
	size_t n = 0;

	if (systemd_run) { /* out of the caller's cgroup, which may end before the server */
		argv[n++] = systemd_run;
		argv[n++] = arena_strdup(d->arena, "-q");
		argv[n++] = arena_strdup(d->arena, "--scope");
		if (o->rootless)
			argv[n++] = arena_strdup(d->arena, "--user");
	}
	argv[n++] = arena_strdup(d->arena, o->aardvark_binary);
	argv[n++] = arena_strdup(d->arena, "--config");
	argv[n++] = arena_strdup(d->arena, d->dir);
	argv[n++] = arena_strdup(d->arena, "-p");
	argv[n++] = arena_printf(d->arena, "%u", o->dns_port);
	argv[n++] = arena_strdup(d->arena, "run");
	return argv;
}

/* Its first process ends when the server answers; status 0 means ready. */
static int start_server(const struct dns *d, struct error *err)
{
	char **env = process_env_with(d->arena, "RUST_LOG", log_level_name(log_max_level()));
	struct process_result result;
	int r = process_run(server_command(d), env, START_SECONDS, d->arena, &result, err);

	if (r < 0)
		return r;
	if (result.timed_out)
		return fail(err, ETIMEDOUT, "aardvark-dns failed to start: timed out");
	if (result.status == 0)
		return 0;
	const char *text = result.errors + strspn(result.errors, " \t\r\n");
	size_t len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (len == 0)
		return fail(err, ECHILD, "aardvark-dns exited unexpectedly without error message");
	return fail(err, ECHILD, "aardvark-dns failed to start: %.*s", (int)len, text);
}

static int notify(const struct dns *d, struct error *err)
{
	int r = signal_server(d, err);

	return r == 0 ? start_server(d, err) : r < 0 ? r : 0;
}

/* Whether any network is left to serve. */
static bool has_networks(const struct dns *d)
{
	DIR *dir = opendir(d->dir);
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir)))
		found = e->d_name[0] != '.' && strcmp(e->d_name, PID_FILE) != 0;
	if (dir)
		closedir(dir);
	return found;
}

/* After entries went: a server that is gone is only needed if something is left to serve. */
static int notify_of_removal(const struct dns *d, struct error *err)
{
	int r = signal_server(d, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (has_networks(d))
		return start_server(d, err);
	unlink(path_in(d, PID_FILE, "")); /* of a server that was killed */
	return 0;
}

/* ---- entries ---- */

static void add_list(struct text *t, const struct addr *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text_printf(t, "%s%s", i ? "," : "", addr_str(&list[i]));
}

static char *header_line(const struct dns *d, const struct network_plan *net)
{
	struct text t = text_new(d->arena);

	add_list(&t, net->dns.bind, net->dns.n_bind);
	if (net->setup->n_dns_servers) {
		text_add(&t, " ");
		add_list(&t, net->setup->dns_servers, net->setup->n_dns_servers);
	}
	text_add(&t, "\n");
	return t.s;
}

static void add_addresses(struct text *t, const struct network_plan *net, int family)
{
	const char *comma = "";

	text_add(t, " ");
	for (size_t i = 0; i < net->n_addresses; i++) {
		const struct addr *a = &net->addresses[i].prefix.addr;

		if (a->family == family) {
			text_printf(t, "%s%s", comma, addr_str(a));
			comma = ",";
		}
	}
}

static char *container_line(const struct dns *d, const struct network_plan *net)
{
	const struct request *req = d->plan->req;
	struct text t = text_new(d->arena);

	text_add(&t, req->container_id);
	add_addresses(&t, net, AF_INET);
	add_addresses(&t, net, AF_INET6);
	text_add(&t, " ");
	for (size_t i = 0; i < net->dns.n_names; i++)
		text_printf(&t, "%s%s", i ? "," : "", net->dns.names[i]);
	if (req->n_dns_servers) {
		text_add(&t, " ");
		add_list(&t, req->dns_servers, req->n_dns_servers);
	}
	text_add(&t, "\n");
	return t.s;
}

/*
 * The text without the lines whose first field is the container. Returns how many lines are left,
 * the header included; *out_changed tells whether any went.
 */
static size_t without_container(const struct dns *d, const char *text, struct text *out,
				bool *out_changed)
{
	const char *id = d->plan->req->container_id;
	size_t id_len = strlen(id), lines = 0;

	*out_changed = false;
	while (*text) {
		size_t len = strcspn(text, "\n"), next = len + (text[len] == '\n');
		bool header = lines == 0;

		if (!header && strncmp(text, id, id_len) == 0 && text[id_len] == ' ') {
			*out_changed = true;
		} else {
			text_add_bytes(out, text, len);
			text_add(out, "\n");
			lines++;
		}
		text += next;
	}
	return lines;
}

static int write_network(const struct dns *d, const char *path, const struct text *t,
			 struct undo *undo, struct error *err)
{
	const char *temp = arena_printf(d->arena, "%s/aardvark.new.%d", d->host->options->config,
					(int)getpid());

	return file_replace(path, temp, t->s, t->len, d->arena, undo, err);
}

static int enter(const struct dns *d, const struct network_plan *net, struct error *err)
{
	char *path = path_in(d, net->name, net->internal ? INTERNAL_SUFFIX : "");
	char *old_path = path_in(d, net->name, "");
	struct text t = text_new(d->arena);
	char *old = NULL;
	bool changed;
	int r = 0;

	if (net->internal) /* it may have become so since its file was made */
		r = file_rename(old_path, path, d->arena, &d->host->undo, err);
	if (r < 0)
		return wrap(err, "rename %s", old_path);
	r = file_read(path, FILE_SIZE_MAX, d->arena, &old, NULL, err);
	if (r < 0 && r != -ENOENT)
		return wrap(err, "read %s", path);
	if (!old || without_container(d, old, &t, &changed) == 0)
		text_add(&t, header_line(d, net));
	text_add(&t, container_line(d, net));
	r = write_network(d, path, &t, &d->host->undo, err);
	return r < 0 ? wrap(err, "write %s", path) : 0;
}

/* ---- setup ---- */

static int check_loop(const struct dns *d, const struct addr *server, bool of_network,
		      struct error *err)
{
	for (size_t i = 0; i < d->plan->n_networks; i++) {
		const struct network_plan *net = &d->plan->networks[i];

		for (size_t k = 0; net->dns.wanted && k < net->dns.n_bind; k++)
			if (addr_equal(&net->dns.bind[k], server))
				return fail(err, ELOOP,
					    of_network ? "network DNS server %s matches the "
							 "gateway of network \"%s\"; using it "
							 "would cause aardvark-dns to forward "
							 "queries to itself."
						       : "DNS server %s is the gateway of network "
							 "\"%s\"; using it would cause "
							 "aardvark-dns to forward queries to "
							 "itself.",
					    addr_str(server), net->name);
	}
	return 0;
}

static int check_loops(const struct dns *d, struct error *err)
{
	const struct request *req = d->plan->req;
	int r = 0;

	for (size_t i = 0; r == 0 && i < req->n_dns_servers; i++)
		r = check_loop(d, &req->dns_servers[i], false, err);
	for (size_t i = 0; r == 0 && i < d->plan->n_networks; i++) {
		const struct network_plan *net = &d->plan->networks[i];

		for (size_t k = 0; r == 0 && net->dns.wanted && k < net->setup->n_dns_servers; k++)
			r = check_loop(d, &net->setup->dns_servers[k], true, err);
	}
	return r;
}

static int tell_of_undo(void *arg, struct error *err)
{
	return notify_of_removal(arg, err);
}

static int enter_all(struct dns *d, struct error *err)
{
	struct dns *kept = arena_memdup(d->arena, d, sizeof(*d));
	int r = check_loops(d, err);

	if (r == 0)
		r = lock(d, err);
	if (r < 0)
		return r;
	/* Pushed first, so that it runs when the files are as before. */
	undo_push(&d->host->undo, tell_of_undo, kept, "change for aardvark-dns");
	for (size_t i = 0; r == 0 && i < d->plan->n_networks; i++)
		if (d->plan->networks[i].dns.wanted)
			r = enter(d, &d->plan->networks[i], err);
	return r < 0 ? r : notify(d, err);
}

int dns_add(const struct plan *plan, struct host *h, struct error *err)
{
	struct dns d = open_dns(plan, h);
	bool wanted = false;

	for (size_t i = 0; i < plan->n_networks; i++)
		wanted |= plan->networks[i].dns.wanted;
	if (!wanted)
		return 0;
	if (!file_exists(h->options->aardvark_binary)) {
		/* Known under the name of the command. */
		if (log_enabled(LOG_LEVEL_INFO, "netavark::commands::setup"))
			log_write(LOG_LEVEL_INFO, "netavark::commands::setup",
				  "dns disabled because aardvark-dns path \"%s\" does not exists",
				  h->options->aardvark_binary);
		return 0;
	}
	int r = file_make_dirs(d.dir, 0755, err);
	if (r < 0)
		return wrap(err, "failed to create aardvark-dns directory %s", d.dir);
	r = enter_all(&d, err);
	close_dns(&d);
	return r < 0 ? wrap(err, "error while applying dns entries") : 0;
}

/* ---- teardown ---- */

static int leave(const struct dns *d, const struct network_plan *net, bool *out_changed,
		 struct error *err)
{
	char *path = path_in(d, net->name, ""), *text;
	struct text t = text_new(d->arena);

	if (!file_exists(path))
		path = path_in(d, net->name, INTERNAL_SUFFIX);
	int r = file_read(path, FILE_SIZE_MAX, d->arena, &text, NULL, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return wrap(err, "read %s", path);
	size_t lines = without_container(d, text, &t, out_changed);
	if (!*out_changed && lines > 1)
		return 0;
	*out_changed = true;
	if (lines > 1)
		r = write_network(d, path, &t, NULL, err);
	else
		r = file_remove(path, d->arena, NULL, err);
	return r < 0 ? wrap(err, "write %s", path) : 0;
}

void dns_remove(const struct plan *plan, struct host *h, struct error *all)
{
	struct dns d = open_dns(plan, h);
	bool changed = false;
	struct error one;
	int r;

	if (!file_exists(d.dir))
		return;
	r = lock(&d, &one);
	for (size_t i = 0; r == 0 && i < plan->n_networks; i++) {
		bool here = false;

		if (plan->networks[i].dns.wanted)
			r = leave(&d, &plan->networks[i], &here, &one);
		changed |= here;
	}
	if (r == 0 && changed)
		r = notify_of_removal(&d, &one);
	close_dns(&d);
	if (r < 0) {
		wrap(&one, "remove aardvark entries");
		error_collect(all, &one);
	}
}

/* ---- update ---- */

/* The text with another second field in its first line. */
static struct text with_servers(const struct dns *d, const char *text, const struct addr *servers,
				size_t n)
{
	struct text t = text_new(d->arena);

	text_add_bytes(&t, text, strcspn(text, " \n"));
	text_add(&t, n ? " " : "");
	add_list(&t, servers, n);
	text_add(&t, text + strcspn(text, "\n"));
	return t;
}

static int tell_of_update(const struct dns *d, struct error *err)
{
	pid_t pid = read_pid(d);

	if (!pid)
		return fail_errno(err, ENOENT, "failed to get aardvark pid");
	/* No look at its namespace: an engine may call this from another one than it lives in. */
	if (!is_server(d, pid) || kill(pid, SIGHUP) < 0)
		return fail(err, ESRCH, "failed to send SIGHUP to aardvark: %s", strerror(ESRCH));
	return 0;
}

static int update_file(const struct dns *d, const char *path, const struct addr *servers, size_t n,
		       struct error *err)
{
	char *old;
	int r = file_read(path, FILE_SIZE_MAX, d->arena, &old, NULL, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	struct text t = with_servers(d, old, servers, n);
	if (strcmp(old, t.s) == 0)
		return 0;
	r = write_network(d, path, &t, &d->host->undo, err);
	return r < 0 ? r : tell_of_update(d, err);
}

int dns_update(struct host *h, const char *network, const struct addr *servers, size_t n,
	       struct error *err)
{
	struct dns d = open_dns(NULL, h);
	char *path = path_in(&d, network, "");

	if (!file_exists(path))
		path = path_in(&d, network, INTERNAL_SUFFIX);
	if (!file_exists(path))
		return 0;
	int r = lock(&d, err);
	if (r == 0)
		r = update_file(&d, path, servers, n, err);
	close_dns(&d);
	return r;
}
