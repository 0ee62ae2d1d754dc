/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::lifecycle"
#include "engine/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <time.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "common/netns.h"
#include "common/text.h"
#include "common/undo.h"
#include "engine/cgroup.h"
#include "engine/document.h"
#include "engine/monitor.h"
#include "engine/network.h"
#include "engine/ports.h"
#include "engine/runtime.h"
#include "engine/security.h"
#include "engine/terminal.h"
#include "engine/user.h"

#define NETNS_DIR	  "/run/netns"
#define CLEANUP_SECONDS	  60
#define EXIT_FILE_SECONDS 300
#define DELAY_FIRST_MS	  100
#define DELAY_MAX_MS	  60000
#define GOOD_RUN_SECONDS  10

/* ---- create ---- */

int lifecycle_create(struct engine *e, json_t *create, struct container **out, struct error *err)
{
	const char *id = record_str(create, "id"), *name = record_str(create, "name");
	int r = store_make(e, id, create, err);

	if (r < 0)
		return r;
	r = store_take_name(e, name, id, err);
	if (r == 0)
		r = store_load(e, id, true, out, err);
	if (r < 0) {
		struct error ignored;

		store_drop_name(e, name, id);
		if (store_discard(e, id, &ignored) < 0)
			log_warn("%s: %s", id, ignored.text);
	}
	return r;
}

/* ---- start ---- */

struct start {
	struct container *c;
	struct undo undo;
	struct cgroup_host host;
	struct ports ports;
	struct user user;
	const char *netns; /* NULL: that of the host */
	bool own_netns;
	const char *hostname;
	struct error *err;
};

static const char *mode_of(const struct container *c, const char *kind)
{
	return record_str(json_object_get(c->create, "namespaces"), kind);
}

static int undo_run_directory(void *arg, struct error *err)
{
	return store_remove_run(arg, err);
}

/* Notes a step before it is done: what a cleanup has to know is on disk by then. */
static int note_step(struct start *s, const char *step)
{
	record_set(s->c->run, "step", step);
	int r = store_write_run(s->c, s->err);
	return r < 0 ? r : fault(step, s->err);
}

static int begin(struct start *s)
{
	struct container *c = s->c;
	struct engine *e = c->engine;
	int r = file_make_dirs(store_run_file(c, "merged"), 0700, s->err);

	if (r < 0)
		return wrap(s->err, "%s", c->run_dir);
	c->run = record_own(&e->pool, json_pack("{s:s,s:s}", "boot_id", state_boot_id(e->arena),
						"since", store_now(e->arena)));
	const char *path =
		cgroup_path(&s->host, record_str(c->create, "cgroup_parent"), c->id, e->arena);

	if (path)
		record_set(c->run, "cgroups_path", path);
	undo_push(&s->undo, undo_run_directory, c, "run directory");
	return note_step(s, "begin");
}

/* Other containers that share a namespace with us must run. */
static int namespace_of(struct start *s, const char *kind, const char *file, const char **out)
{
	const char *mode = mode_of(s->c, kind);
	struct engine *e = s->c->engine;
	struct container *other;

	*out = NULL;
	if (!text_starts_with(mode, "container:"))
		return 0;
	int r = store_load(e, mode + strlen("container:"), false, &other, s->err);
	if (r < 0)
		return wrap(s->err, "--%s", kind);
	struct view v = state_of(other);
	if (!state_is_alive(v.state))
		return fail(s->err, ESRCH, "--%s: the container %s does not run", kind,
			    other->name);
	*out = arena_printf(e->arena, "/proc/%d/ns/%s", (int)v.pid, file);
	return 0;
}

static int make_netns(struct start *s)
{
	struct container *c = s->c;
	struct engine *e = c->engine;
	int r = file_make_dirs(NETNS_DIR, 0755, s->err);

	if (r < 0)
		return wrap(s->err, NETNS_DIR);
	s->netns = arena_printf(e->arena, NETNS_DIR "/tjalk-%s", store_short(e->arena, c->id));
	s->own_netns = true;
	record_set(c->run, "netns", s->netns);
	r = note_step(s, "netns");
	if (r < 0)
		return r;
	cleanup_close int home = -1;
	r = netns_open("/proc/self/ns/net", &home, s->err);
	return r < 0 ? r : netns_create(s->netns, home, e->arena, &s->undo, s->err);
}

static int connect_network(struct start *s)
{
	const char *mode = mode_of(s->c, "net");
	int r;

	if (strcmp(mode, "host") == 0)
		return 0;
	if (text_starts_with(mode, "container:"))
		return namespace_of(s, "net", "net", &s->netns);
	if (text_starts_with(mode, "ns:")) {
		s->netns = mode + strlen("ns:");
		return 0;
	}
	r = make_netns(s);
	if (r < 0 || json_array_size(network_of(s->c)) == 0)
		return r;
	r = note_step(s, "network");
	if (r == 0)
		r = network_setup(s->c, s->netns, &s->undo, s->err);
	return r;
}

/* ---- the document ---- */

static bool root_can_hold(const struct start *s, const char *path)
{
	const char *rootfs = record_str(s->c->create, "rootfs");
	struct statvfs fs;

	if (record_is(s->c->create, "overlay"))
		return true;
	cleanup_close int fd = user_open_in(rootfs, path + 1);
	return fd >= 0 || (statvfs(rootfs, &fs) == 0 && !(fs.f_flag & ST_RDONLY));
}

/* The roots that the container's files are looked up in before it runs. */
static const char **roots_of(struct container *c)
{
	const char **roots = arena_alloc(c->engine->arena, 3 * sizeof(*roots));
	size_t n = 0;

	if (record_is(c->create, "overlay"))
		roots[n++] = store_file(c, "upper");
	roots[n++] = record_str(c->create, "rootfs");
	return roots;
}

static void look_at_limits(struct document_facts *f, struct arena *a)
{
	struct rlimit nofile, nproc;
	struct error err;
	char *text;

	getrlimit(RLIMIT_NOFILE, &nofile);
	getrlimit(RLIMIT_NPROC, &nproc);
	f->hard_nofile = nofile.rlim_max == RLIM_INFINITY ? -1 : (long long)nofile.rlim_max;
	f->hard_nproc = nproc.rlim_max == RLIM_INFINITY ? -1 : (long long)nproc.rlim_max;
	f->may_raise = security_holds("CAP_SYS_RESOURCE");
	if (file_read("/proc/self/oom_score_adj", 16, a, &text, NULL, &err) == 0)
		f->oom_score_adj = (int)strtol(text, NULL, 10);
}

static void own_files(struct start *s, struct document_facts *f)
{
	struct container *c = s->c, *other;
	const char *mode = mode_of(c, "net");
	struct error err;

	/* Who shares a network shares its names. */
	if (text_starts_with(mode, "container:") &&
	    store_load(c->engine, mode + strlen("container:"), false, &other, &err) == 0) {
		f->hosts = store_run_file(other, "hosts");
		f->resolv_conf = store_run_file(other, "resolv.conf");
	} else {
		f->hosts = store_run_file(c, "hosts");
		f->resolv_conf = store_run_file(c, "resolv.conf");
	}
	f->hostname_file = store_run_file(c, "hostname");
	f->containerenv = store_run_file(c, "containerenv");
	if (record_is(c->create, "no_hosts") || !root_can_hold(s, "/etc/hosts"))
		f->hosts = NULL;
	if (!root_can_hold(s, "/etc/resolv.conf"))
		f->resolv_conf = NULL;
	if (!root_can_hold(s, "/etc/hostname"))
		f->hostname_file = NULL;
	if (!root_can_hold(s, "/run/.containerenv"))
		f->containerenv = NULL;
}

static int fill_facts(struct start *s, struct document_facts *f)
{
	struct container *c = s->c;
	struct arena *a = c->engine->arena;
	const char *path = record_str(c->run, "cgroups_path"), *cgroupns = mode_of(c, "cgroupns");

	*f = (struct document_facts){
		.root = store_run_file(c, "merged"),
		.hostname = s->hostname,
		.cgroups_path = *path ? path : NULL,
		.cgroup_namespace = s->host.v2 && strcmp(cgroupns, "host") != 0,
		.swap = s->host.swap,
		.netns = s->netns,
		.own_netns = s->own_netns,
		.init = record_is(c->create, "init") ? c->engine->init : NULL,
		.volumes = store_file(c, "volumes"),
		.user = s->user,
	};
	int r = namespace_of(s, "pid", "pid", &f->pid_namespace);
	if (r == 0)
		r = namespace_of(s, "ipc", "ipc", &f->ipc_namespace);
	if (r < 0)
		return r;
	if (f->init && !file_is_program(f->init))
		return fail(s->err, ENOENT, "--init: %s is missing; install the package catatonit",
			    f->init);
	own_files(s, f);
	look_at_limits(f, a);
	f->bounding = record_own(&c->engine->pool, security_bounding(c->create, a));
	r = security_seccomp(c->create, f->bounding, a, &f->seccomp, s->err);
	record_own(&c->engine->pool, f->seccomp);
	return r;
}

static int chown_tree(const char *path, uid_t uid, gid_t gid, struct error *err)
{
	char *const roots[] = {(char *)path, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	int r = 0;

	if (!fts)
		return fail_errno(err, errno, "%s", path);
	for (FTSENT *f; r == 0 && (f = fts_read(fts));)
		if (f->fts_info != FTS_DP && lchown(f->fts_accpath, uid, gid) < 0)
			r = fail_errno(err, errno, "give %s to the container's user", f->fts_path);
	fts_close(fts);
	return r;
}

static bool has_option(const json_t *m, const char *word)
{
	const json_t *option;
	size_t i;

	json_array_foreach (json_object_get(m, "options"), i, option)
		if (strcmp(json_string_value(option), word) == 0)
			return true;
	return false;
}

/* U: the volume becomes the user's. O: what is written goes elsewhere, and is forgotten at the next start. */
static int prepare_volumes(struct start *s)
{
	struct container *c = s->c;
	const json_t *m;
	size_t i;
	int r = file_remove_tree(store_file(c, "volumes"), NULL, s->err);

	json_array_foreach (json_object_get(c->create, "mounts"), i, m) {
		const char *dir =
			arena_printf(c->engine->arena, "%s/%zu", store_file(c, "volumes"), i);

		if (r == 0 && has_option(m, "U"))
			r = chown_tree(record_str(m, "source"), s->user.uid, s->user.gid, s->err);
		if (r < 0 || !has_option(m, "O"))
			continue;
		r = file_make_dirs(arena_printf(c->engine->arena, "%s/upper", dir), 0755, s->err);
		if (r == 0)
			r = file_make_dirs(arena_printf(c->engine->arena, "%s/work", dir), 0700,
					   s->err);
	}
	return r;
}

/* The upper directory looks like the one below it, as it shows through at the top. */
static int make_upper(struct start *s)
{
	struct container *c = s->c;
	const char *upper = store_file(c, "upper");
	struct stat st;

	if (!record_is(c->create, "overlay") || file_exists(upper))
		return 0;
	if (stat(record_str(c->create, "rootfs"), &st) < 0)
		return fail_errno(s->err, errno, "%s", record_str(c->create, "rootfs"));
	int r = file_make_dirs(store_file(c, "work"), 0700, s->err);
	if (r == 0)
		r = file_make_dirs(upper, 0755, s->err);
	if (r == 0 &&
	    (chmod(upper, st.st_mode & 07777) < 0 || lchown(upper, st.st_uid, st.st_gid) < 0))
		r = fail_errno(s->err, errno, "%s", upper);
	return r;
}

/* For the shim, see shim.c. */
static int write_root_plan(struct start *s)
{
	struct container *c = s->c;
	struct engine *e = c->engine;
	json_t *plan = record_own(
		&e->pool,
		json_pack("{s:s,s:b,s:s,s:s,s:s,s:b,s:s,s:I,s:I}", "rootfs",
			  record_str(c->create, "rootfs"), "overlay",
			  record_is(c->create, "overlay"), "upper", store_file(c, "upper"), "work",
			  store_file(c, "work"), "merged", store_run_file(c, "merged"), "hybrid",
			  s->host.hybrid && runtime_is_crun(e), "cwd", record_str(c->create, "cwd"),
			  "uid", (json_int_t)s->user.uid, "gid", (json_int_t)s->user.gid));

	return record_write(&e->pool, store_run_file(c, "root.json"), plan, s->err);
}

static int write_documents(struct start *s)
{
	struct container *c = s->c;
	struct engine *e = c->engine;
	struct document_facts facts;
	json_t *config;
	int r = network_write_files(c, s->hostname, false, s->err);

	if (r == 0)
		r = fill_facts(s, &facts);
	if (r == 0)
		r = document_build(c->create, &facts, e->arena, &config, s->err);
	if (r < 0)
		return r;
	record_own(&e->pool, config);
	r = record_write(&e->pool, store_run_file(c, "config.json"), config, s->err);
	return r < 0 ? r : write_root_plan(s);
}

/* ---- the process ---- */

static int undo_process(void *arg, struct error *err)
{
	struct start *s = arg;
	const char *const args[] = {"delete", "--force", s->c->id, NULL};

	return runtime_run(s->c, args, err);
}

static int start_monitor(struct start *s)
{
	struct container *c = s->c;
	pid_t pid = 0, conmon;
	int r = note_step(s, "monitor");

	if (r < 0)
		return r;
	unlink(monitor_exit_file(c));
	cleanup_close int groups = -1;
	r = cgroup_hold(&groups, s->err);
	if (r < 0)
		return r;
	r = monitor_start(c, &s->host, &s->ports, &pid, s->err);
	if (r < 0)
		return r;
	undo_push(&s->undo, undo_process, s, "container process");
	conmon = monitor_pid(c);
	json_object_set_new(c->run, "pid", json_integer(pid));
	json_object_set_new(c->run, "start", json_integer((json_int_t)monitor_start_time(pid)));
	json_object_set_new(c->run, "conmon_pid", json_integer(conmon));
	json_object_set_new(c->run, "conmon_start",
			    json_integer((json_int_t)monitor_start_time(conmon)));
	record_set(c->run, "started", store_now(c->engine->arena));
	return note_step(s, "created");
}

int lifecycle_attach(const struct container *c, int *out_fd, struct error *err)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	cleanup_close int dir = open(c->run_dir, O_PATH | O_CLOEXEC);
	cleanup_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (dir < 0 || fd < 0)
		return fail_errno(err, errno, "attach");
	/* The path itself may be longer than an address can be. */
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d/attach", dir);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail_errno(err, errno, "attach to %s", c->name);
	*out_fd = steal_fd(&fd);
	return 0;
}

static int let_it_run(struct start *s, int *out_attach)
{
	const char *const args[] = {"start", s->c->id, NULL};
	struct engine *e = s->c->engine;
	int r = out_attach ? lifecycle_attach(s->c, out_attach, s->err) : 0;

	if (r == 0 && out_attach && record_is(s->c->create, "terminal"))
		terminal_send_size(store_run_file(s->c, "ctl"));
	if (r == 0)
		r = runtime_run(s->c, args, s->err);
	if (r == -EIO)
		e->status = runtime_exit_status(s->err->text);
	if (r < 0)
		return r;
	return note_step(s, "running");
}

static int write_pidfile(struct start *s)
{
	const char *path = record_str(s->c->create, "pidfile");
	struct arena *a = s->c->engine->arena;
	char *text = arena_printf(a, "%lld", (long long)record_int(s->c->run, "pid"));

	if (!*path)
		return 0;
	int r = file_replace(path, arena_printf(a, "%s.tmp", path), text, strlen(text), a, NULL,
			     s->err);
	return r < 0 ? wrap(s->err, "%s", path) : 0;
}

static int check_start(struct start *s)
{
	struct container *c = s->c;
	struct engine *e = c->engine;
	const char *given = record_str(c->create, "hostname");
	int r = runtime_look(c, &s->host, s->err);

	if (r == 0 && s->host.manager == CGROUP_DISABLED && !runtime_is_crun(e))
		r = fail(s->err, ENOTSUP, "without control groups only crun can run containers");
	if (r == 0)
		r = user_resolve(roots_of(c), record_str(c->create, "user"),
				 record_strings(c->create, "groups", e->arena), e->arena, &s->user,
				 s->err);
	if (r == -ENOENT)
		e->status = RUNTIME_NOT_EXECUTABLE; /* as Podman, for a user that is not there */
	s->hostname = *given ? given : store_short(e->arena, c->id);
	if (strcmp(mode_of(c, "uts"), "host") == 0 && !*given) {
		char name[HOST_NAME_MAX + 1] = "";

		gethostname(name, sizeof(name) - 1);
		s->hostname = arena_strdup(e->arena, name);
	}
	return r;
}

/*
 * What lasts knows that it has run, for the case that the host does not come to say how it ended. With
 * --rm there is nobody to ask.
 */
static int note_start(struct container *c, struct error *err)
{
	if (record_is(c->create, "remove"))
		return 0;
	record_set(c->state, "started", record_str(c->run, "started"));
	json_object_del(c->state, "finished");
	json_object_set_new(c->state, "exit_code", json_integer(255));
	record_set(c->state, "error", "host restarted");
	return store_write_state(c, err);
}

static int do_start(struct start *s, int *out_attach)
{
	struct container *c = s->c;
	int r = check_start(s);

	if (r == 0)
		r = ports_reserve(json_object_get(c->create, "ports"), c->engine->arena, &s->ports,
				  s->err);
	if (r == 0)
		r = begin(s);
	if (r == 0)
		r = connect_network(s);
	if (r == 0)
		r = make_upper(s);
	if (r == 0)
		r = prepare_volumes(s);
	if (r == 0)
		r = write_documents(s);
	if (r == 0)
		r = start_monitor(s);
	/* conmon has them now, and closes them at the end. */
	ports_close(&s->ports);
	if (r == 0)
		r = write_pidfile(s);
	if (r == 0)
		r = note_start(c, s->err);
	return r < 0 ? r : let_it_run(s, out_attach);
}

/* What kept it from being started again, or was about to. */
static int forget_end(struct container *c, struct error *err)
{
	const char *const keys[] = {"stopped_by_user", "restart_due", "restarting"};
	bool changed = false;

	for (size_t i = 0; i < array_size(keys); i++)
		changed = json_object_del(c->state, keys[i]) == 0 || changed;
	return changed ? store_write_state(c, err) : 0;
}

int lifecycle_start(struct container *c, int *out_attach, struct error *err)
{
	struct start s = {.c = c, .undo = {.arena = c->engine->arena}, .err = err};
	struct view v = state_of(c);
	int r = 0;

	if (v.state == STATE_PAUSED)
		return fail(err, EBUSY, "the container %s is paused", c->name);
	if (v.state == STATE_RUNNING)
		return 0;
	if (v.state == STATE_LEFT_OVER)
		r = lifecycle_cleanup(c, err);
	if (r == 0)
		r = forget_end(c, err);
	if (r == 0)
		r = do_start(&s, out_attach);
	if (r < 0) {
		const char *groups = record_str(c->run, "cgroups_path");

		undo_run(&s.undo);
		cgroup_tidy(groups, c->engine->arena);
		c->run = NULL;
	}
	return r;
}

/* ---- cleanup ---- */

static double seconds_between(const char *from, const char *to)
{
	struct tm a = {0}, b = {0};

	if (!strptime(from, "%Y-%m-%dT%H:%M:%S", &a) || !strptime(to, "%Y-%m-%dT%H:%M:%S", &b))
		return 0;
	return difftime(timegm(&b), timegm(&a));
}

static bool shall_restart(const struct container *c)
{
	const json_t *restart = json_object_get(c->create, "restart");
	const char *policy = record_str(restart, "policy");
	json_int_t max = record_int(restart, "max");

	if (record_is(c->state, "stopped_by_user") || strcmp(policy, "no") == 0)
		return false;
	if (strcmp(policy, "on-failure") != 0)
		return true;
	return record_int(c->state, "exit_code") != 0 &&
	       (max == 0 || record_int(c->state, "restart_count") < max);
}

/* A failed step does not keep the others from being done. */
static void carry_on(struct error *all, const struct error *one, int r)
{
	if (r < 0) {
		log_warn("cleanup: %s", one->text);
		error_collect(all, one);
	}
}

static void note_end(struct container *c)
{
	int status = 255;
	bool known = monitor_exit_status(c, &status);
	const char *boot = record_str(c->run, "boot_id"), *started = record_str(c->run, "started");

	if (!*started)
		return; /* it has never come so far as to run */
	json_object_set_new(c->state, "exit_code", json_integer(status));
	json_object_set_new(c->state, "oom_killed",
			    json_boolean(file_exists(store_run_file(c, "oom"))));
	record_set(c->state, "started", started);
	record_set(c->state, "finished", store_now(c->engine->arena));
	if (known)
		json_object_del(c->state, "error");
	else
		record_set(c->state, "error",
			   strcmp(boot, state_boot_id(c->engine->arena)) == 0 ? "monitor lost"
									      : "host restarted");
	/* Whoever does the cleanup: conmon's exit command is the one that starts it again. */
	if (known && shall_restart(c))
		json_object_set_new(c->state, "restart_due", json_true());
}

/* netavark must have a namespace to look at; an empty one will do if ours is gone. */
static void take_network_away(struct container *c, const char *netns, struct error *all)
{
	cleanup_close int home = -1;
	bool is_stand_in = false;
	struct error err;
	int r = 0;

	if (!*netns)
		return;
	if (!netns_is_mounted(netns) && file_exists(store_run_file(c, "net.json"))) {
		unlink(netns);
		r = netns_open("/proc/self/ns/net", &home, &err);
		if (r == 0)
			r = netns_create(netns, home, c->engine->arena, NULL, &err);
		carry_on(all, &err, r);
		is_stand_in = true;
	}
	r = network_teardown(c, netns, &err);
	/* It takes the rest away, and complains that the interfaces are not there: so they are not. */
	if (r < 0 && is_stand_in)
		log_info("cleanup: %s", err.text);
	else
		carry_on(all, &err, r);
	r = netns_remove(netns, &err);
	carry_on(all, &err, r);
}

static void drop_old_exit_files(struct engine *e)
{
	char *const roots[] = {store_run_path(e, "exits"), NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	time_t now = time(NULL);

	for (FTSENT *f; fts && (f = fts_read(fts));)
		if (f->fts_info == FTS_F && f->fts_statp->st_mtime + EXIT_FILE_SECONDS < now &&
		    !file_exists(store_path(e, "containers/%s", f->fts_name)))
			unlink(f->fts_accpath);
	if (fts)
		fts_close(fts);
}

int lifecycle_cleanup(struct container *c, struct error *err)
{
	const char *const args[] = {"delete", "--force", c->id, NULL};
	struct engine *e = c->engine;
	struct error all = {0}, one;
	struct view v = state_of(c);
	int r;

	if (v.state != STATE_LEFT_OVER)
		return 0;
	const char *cgroups_path = record_str(c->run, "cgroups_path");
	note_end(c);
	r = store_write_state(c, &one);
	carry_on(&all, &one, r);
	/* After a reboot, or before the monitor was started, the runtime knows nothing of it. */
	r = runtime_run(c, args, &one);
	if (r < 0 && (strstr(one.text, "does not exist") || strstr(one.text, "No such file")))
		r = 0;
	carry_on(&all, &one, r);
	take_network_away(c, record_str(c->run, "netns"), &all);
	if (all.collected == 0) {
		r = store_remove_run(c, &one);
		carry_on(&all, &one, r);
	}
	if (all.collected) {
		*err = all;
		return -all.code;
	}
	c->run = NULL;
	cgroup_tidy(cgroups_path, e->arena);
	drop_old_exit_files(e);
	return 0;
}

/* ---- the next start ---- */

/* Doubles with each restart; a run that lasted some time starts anew. */
static long next_delay(struct container *c)
{
	json_int_t delay = record_int(c->state, "restart_delay");

	if (delay == 0 || seconds_between(record_str(c->state, "started"),
					  record_str(c->state, "finished")) >= GOOD_RUN_SECONDS)
		delay = DELAY_FIRST_MS;
	json_object_set_new(c->state, "restart_delay",
			    json_integer(delay * 2 > DELAY_MAX_MS ? DELAY_MAX_MS : delay * 2));
	return (long)delay;
}

static int restart(struct container *c, struct error *err)
{
	pid_t self = getpid();
	long delay = next_delay(c);

	json_object_del(c->state, "restart_due");
	json_object_set_new(c->state, "restart_count",
			    json_integer(record_int(c->state, "restart_count") + 1));
	json_object_set_new(c->state, "restarting",
			    json_pack("{s:i,s:I}", "pid", (int)self, "start",
				      (json_int_t)monitor_start_time(self)));
	int r = store_write_state(c, err);
	store_close(c);
	if (r < 0)
		return r;
	nanosleep(&(struct timespec){delay / 1000, delay % 1000 * 1000000}, NULL);
	r = store_lock(c, err);
	if (r == -ENOENT)
		return 0; /* removed meanwhile */
	/* Stopped or started by somebody else meanwhile: their word counts. */
	if (r < 0 || !json_object_get(c->state, "restarting") || c->run)
		return r;
	return lifecycle_start(c, NULL, err);
}

int lifecycle_after_exit(struct container *c, struct error *err)
{
	int r = lifecycle_cleanup(c, err);

	if (r < 0 || state_of(c).state != STATE_EXITED)
		return r;
	if (record_is(c->create, "remove"))
		return lifecycle_remove(c, err);
	return record_is(c->state, "restart_due") ? restart(c, err) : 0;
}

struct view lifecycle_look(struct container *c)
{
	struct view v = state_of(c);
	struct error err;

	if (v.state != STATE_LEFT_OVER || store_try_lock(c, &err) < 0)
		return v;
	if (lifecycle_cleanup(c, &err) < 0)
		log_warn("%s: %s", c->name, err.text);
	v = state_of(c);
	if (v.state == STATE_EXITED && record_is(c->create, "remove") &&
	    lifecycle_remove(c, &err) < 0)
		log_warn("%s: %s", c->name, err.text);
	store_close(c);
	return v;
}

int lifecycle_remove(struct container *c, struct error *err)
{
	return store_remove(c, err);
}

/* ---- signals ---- */

int lifecycle_signal(struct container *c, int number, struct error *err)
{
	cleanup_close int process = c->run ? state_open_process(c) : -1;
	int r = fault("lifecycle_signal", err);

	if (r < 0)
		return r;
	if (process < 0)
		return fail(err, ESRCH, "the container %s does not run", c->name);
	if (pidfd_send_signal(process, number, NULL, 0) < 0 && errno != ESRCH)
		return fail_errno(err, errno, "signal %d to %s", number, c->name);
	return 0;
}

/* Whether a process ends within so many milliseconds; -1: for ever. */
static bool ends_within(int process, long long ms)
{
	struct pollfd p = {.fd = process, .events = POLLIN};
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (long long left = ms;;) {
		int r = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);

		if (r > 0)
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (ms >= 0)
			left = ms - ((now.tv_sec - from.tv_sec) * 1000 +
				     (now.tv_nsec - from.tv_nsec) / 1000000);
		if (ms >= 0 && left <= 0)
			return false;
	}
}

int lifecycle_wait(struct container *c, struct error *err)
{
	cleanup_close int process = c->run ? state_open_process(c) : -1;
	cleanup_close int monitor = c->run ? state_open_monitor(c) : -1;

	if (process >= 0)
		ends_within(process, -1);
	/* conmon ends when the cleanup, which it has started, has ended; that one may start it again. */
	if (monitor >= 0 &&
	    strcmp(record_str(json_object_get(c->create, "restart"), "policy"), "no") == 0)
		ends_within(monitor, CLEANUP_SECONDS * 1000);
	int r = store_lock(c, err);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = lifecycle_cleanup(c, err);
	if (r == 0 && record_is(c->create, "remove") && state_of(c).state == STATE_EXITED)
		r = lifecycle_remove(c, err);
	store_close(c);
	return r;
}

static int stop_restarting(struct container *c, struct error *err)
{
	json_object_del(c->state, "restarting");
	json_object_del(c->state, "restart_due");
	json_object_set_new(c->state, "stopped_by_user", json_true());
	return store_write_state(c, err);
}

static int stop_running(struct container *c, long long timeout, struct error *err)
{
	cleanup_close int process = state_open_process(c);
	int number = (int)record_int(c->create, "stop_signal");

	json_object_set_new(c->state, "stopped_by_user", json_true());
	int r = store_write_state(c, err);
	if (r == 0 && record_is(c->run, "paused"))
		r = lifecycle_pause(c, false, err);
	if (r == 0)
		r = lifecycle_signal(c, timeout == 0 ? SIGKILL : number, err);
	store_close(c);
	if (r < 0 && r != -ESRCH)
		return r;
	if (process >= 0 && !ends_within(process, timeout * 1000)) {
		log_info("%s has not ended within %lld s and is killed", c->name, timeout);
		pidfd_send_signal(process, SIGKILL, NULL, 0);
		if (!ends_within(process, CLEANUP_SECONDS * 1000))
			return fail(err, ETIMEDOUT, "the container %s cannot be killed", c->name);
	}
	return lifecycle_wait(c, err);
}

int lifecycle_stop(struct container *c, long long timeout, struct error *err)
{
	struct view v = state_of(c);
	int r = 0;

	if (timeout < 0)
		timeout = record_int(c->create, "stop_timeout");
	if (v.state == STATE_RESTARTING)
		return stop_restarting(c, err);
	if (state_is_alive(v.state)) {
		r = stop_running(c, timeout, err);
		return r < 0 ? r : store_lock(c, err);
	}
	return v.state == STATE_LEFT_OVER ? lifecycle_cleanup(c, err) : r;
}

int lifecycle_pause(struct container *c, bool pause, struct error *err)
{
	const char *const args[] = {pause ? "pause" : "resume", c->id, NULL};
	int r = runtime_run(c, args, err);

	if (r < 0)
		return r;
	json_object_set_new(c->run, "paused", json_boolean(pause));
	return store_write_run(c, err);
}
