/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::document"
#include "engine/document.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/log.h"
#include "common/text.h"
#include "engine/record.h"
#include "engine/security.h"

#define PATH_VARIABLE "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define NOFILE_MAX    1048576

struct build {
	const json_t *create;
	const struct document_facts *facts;
	struct arena *arena;
	json_t *config, *mounts, *linux_part;
	struct error *err;
};

static bool privileged(const struct build *b)
{
	return record_is(b->create, "privileged");
}

static bool mode_is(const struct build *b, const char *kind, const char *mode)
{
	const json_t *namespaces = json_object_get(b->create, "namespaces");

	return strcmp(record_str(namespaces, kind), mode) == 0;
}

/* ---- the process ---- */

static json_t *arguments(const struct build *b)
{
	json_t *args = json_array();

	if (b->facts->init) {
		record_push(args, "/dev/init");
		record_push(args, "--");
	}
	json_array_extend(args, json_object_get(b->create, "entrypoint"));
	json_array_extend(args, json_object_get(b->create, "args"));
	return args;
}

static bool sets(const json_t *env, const char *variable)
{
	size_t len = strcspn(variable, "="), i;
	const json_t *value;

	json_array_foreach (env, i, value)
		if (strncmp(json_string_value(value), variable, len + 1) == 0)
			return true;
	return false;
}

static json_t *environment(const struct build *b)
{
	const json_t *given = json_object_get(b->create, "env"), *value;
	const char *const defaults[] = {
		PATH_VARIABLE,
		"TERM=xterm",
		"container=tjalk",
		b->facts->hostname ? arena_printf(b->arena, "HOSTNAME=%s", b->facts->hostname)
				   : NULL,
		arena_printf(b->arena, "HOME=%s", b->facts->user.home),
	};
	json_t *env = json_array();
	size_t i;

	for (i = 0; i < array_size(defaults); i++)
		if (defaults[i] && !sets(given, defaults[i]))
			record_push(env, defaults[i]);
	json_array_foreach (given, i, value)
		json_array_append(env, (json_t *)value);
	return env;
}

static json_t *user(const struct build *b)
{
	const struct user *u = &b->facts->user;
	json_t *groups = json_array();

	for (size_t i = 0; i < u->n_groups; i++)
		json_array_append_new(groups, json_integer(u->groups[i]));
	return json_pack("{s:I,s:I,s:o,s:I}", "uid", (json_int_t)u->uid, "gid", (json_int_t)u->gid,
			 "additionalGids", groups, "umask", record_int(b->create, "umask"));
}

/* Numbers as the specification has them: no limit is the largest one. */
static json_t *rlimit(const char *name, long long soft, long long hard)
{
	char full[32] = "RLIMIT_";

	for (size_t i = 0; name[i] && i < 20; i++)
		full[7 + i] = (char)(name[i] - ('a' <= name[i] && name[i] <= 'z' ? 32 : 0));
	/* jansson's integers are signed; the largest signed one is beyond every limit, too. */
	return json_pack("{s:s,s:I,s:I}", "type", full, "soft",
			 (json_int_t)(soft < 0 ? INT64_MAX : soft), "hard",
			 (json_int_t)(hard < 0 ? INT64_MAX : hard));
}

static long long at_most(long long wanted, long long limit)
{
	return limit >= 0 && (wanted < 0 || wanted > limit) ? limit : wanted;
}

static long long our_hard_limit(const struct build *b, const char *name)
{
	if (strcmp(name, "nofile") == 0)
		return b->facts->hard_nofile;
	return strcmp(name, "nproc") == 0 ? b->facts->hard_nproc : -1;
}

/* Those asked for, and defaults; lowered to our own where we may not raise them. */
static json_t *rlimits(const struct build *b)
{
	static const char *const defaults[] = {"nofile", "nproc"};
	json_t *list = json_array(), *value;
	bool given[2] = {false, false};
	size_t i;

	json_array_foreach (json_object_get(b->create, "rlimits"), i, value) {
		const char *name = record_str(value, "name");
		long long soft = record_int(value, "soft"), hard = record_int(value, "hard");
		long long ours = b->facts->may_raise ? -1 : our_hard_limit(b, name);

		if (at_most(hard, ours) != hard)
			log_warn("limit %s is lowered to %lld, our own: we lack CAP_SYS_RESOURCE",
				 name, ours);
		json_array_append_new(list, rlimit(name, at_most(soft, ours), at_most(hard, ours)));
		for (size_t j = 0; j < array_size(defaults); j++)
			given[j] = given[j] || strcmp(name, defaults[j]) == 0;
	}
	for (size_t j = 0; j < array_size(defaults); j++) {
		long long n = at_most(NOFILE_MAX, our_hard_limit(b, defaults[j]));

		if (!given[j])
			json_array_append_new(list, rlimit(defaults[j], n, n));
	}
	return list;
}

static int add_process(struct build *b)
{
	const json_t *security = json_object_get(b->create, "security");
	json_t *args = arguments(b);

	if (json_array_size(args) <= (b->facts->init ? 2u : 0u)) {
		json_decref(args);
		return fail(b->err, EINVAL, "no command given");
	}
	json_t *p = json_pack("{s:b,s:o,s:o,s:o,s:s}", "terminal", record_is(b->create, "terminal"),
			      "user", user(b), "args", args, "env", environment(b), "cwd",
			      record_str(b->create, "cwd"));
	json_object_set_new(p, "capabilities",
			    security_capabilities(b->create, b->facts->bounding,
						  b->facts->user.uid == 0, b->arena));
	json_object_set_new(p, "rlimits", rlimits(b));
	json_object_set_new(p, "noNewPrivileges",
			    json_boolean(record_is(security, "no_new_privileges")));
	if (*record_str(security, "apparmor"))
		record_set(p, "apparmorProfile", record_str(security, "apparmor"));
	if (json_object_get(b->create, "oom_score_adj")) {
		json_int_t wanted = record_int(b->create, "oom_score_adj");

		if (wanted < b->facts->oom_score_adj && !b->facts->may_raise)
			log_warn("oom_score_adj %d is below our own and is left out", (int)wanted);
		else
			json_object_set_new(p, "oomScoreAdj", json_integer(wanted));
	}
	json_object_set_new(b->config, "process", p);
	return 0;
}

/* ---- mounts ---- */

/* options: words with commas between. */
static void mount(struct build *b, const char *type, const char *source, const char *destination,
		  const char *options)
{
	json_t *list = json_array();
	char **words;
	size_t n = text_split(b->arena, options, ',', &words);

	for (size_t i = 0; i < n; i++)
		record_push(list, words[i]);
	json_array_append_new(b->mounts,
			      json_pack("{s:s,s:s,s:s,s:o}", "destination", destination, "type",
					type, "source", source, "options", list));
}

static bool is_mounted(const struct build *b, const char *path)
{
	const json_t *m;
	size_t i;

	json_array_foreach (json_object_get(b->create, "mounts"), i, m)
		if (strcmp(record_str(m, "destination"), path) == 0)
			return true;
	return false;
}

static void standard_mounts(struct build *b)
{
	const char *access = privileged(b) ? "rw" : "ro";

	mount(b, "proc", "proc", "/proc", "nosuid,noexec,nodev");
	mount(b, "tmpfs", "tmpfs", "/dev", "nosuid,noexec,strictatime,mode=755,size=65536k");
	mount(b, "devpts", "devpts", "/dev/pts",
	      "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
	if (mode_is(b, "ipc", "host")) {
		mount(b, "bind", "/dev/shm", "/dev/shm", "rbind,nosuid,noexec,nodev");
		mount(b, "bind", "/dev/mqueue", "/dev/mqueue", "rbind,nosuid,noexec,nodev");
	} else {
		mount(b, "tmpfs", "shm", "/dev/shm",
		      arena_printf(b->arena, "nosuid,noexec,nodev,mode=1777,size=%lld",
				   (long long)record_int(b->create, "shm_size")));
		mount(b, "mqueue", "mqueue", "/dev/mqueue", "nosuid,noexec,nodev");
	}
	/* Without a network namespace of its own the kernel lets nobody mount a new sysfs but its owner. */
	if (mode_is(b, "net", "host"))
		mount(b, "bind", "/sys", "/sys",
		      arena_printf(b->arena, "rbind,nosuid,noexec,nodev,%s", access));
	else
		mount(b, "sysfs", "sysfs", "/sys",
		      arena_printf(b->arena, "nosuid,noexec,nodev,%s", access));
	mount(b, "cgroup", "cgroup", "/sys/fs/cgroup",
	      arena_printf(b->arena, "nosuid,noexec,nodev,relatime,%s", access));
}

static void file_mount(struct build *b, const char *source, const char *destination)
{
	if (source && !is_mounted(b, destination))
		mount(b, "bind", source, destination, "bind,rprivate");
}

static void own_files(struct build *b)
{
	const struct document_facts *f = b->facts;

	file_mount(b, f->hosts, "/etc/hosts");
	file_mount(b, f->resolv_conf, "/etc/resolv.conf");
	file_mount(b, f->hostname_file, "/etc/hostname");
	file_mount(b, f->containerenv, "/run/.containerenv");
	if (f->init)
		mount(b, "bind", f->init, "/dev/init", "bind,ro,rprivate");
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

static char *bind_options(struct build *b, const json_t *m)
{
	struct text t = text_new(b->arena);
	const json_t *option;
	bool propagation = false;
	size_t i;

	text_add(&t, has_option(m, "bind") ? "bind" : "rbind");
	json_array_foreach (json_object_get(m, "options"), i, option) {
		const char *word = json_string_value(option);

		/* These are ours, or have no meaning here. */
		if (strlen(word) == 1 || strcmp(word, "bind") == 0 || strcmp(word, "rbind") == 0 ||
		    strcmp(word, "copy") == 0 || strcmp(word, "nocopy") == 0)
			continue;
		propagation = propagation || text_ends_with(word, "slave") ||
			      text_ends_with(word, "private");
		text_printf(&t, ",%s", word);
	}
	if (!propagation)
		text_add(&t, ",rprivate");
	return t.s;
}

static char *tmpfs_options(struct build *b, const json_t *m)
{
	struct text t = text_new(b->arena);
	const json_t *option;
	size_t i;

	text_add(&t, "nosuid,nodev,tmpcopyup");
	json_array_foreach (json_object_get(m, "options"), i, option)
		text_printf(&t, ",%s", json_string_value(option));
	return t.s;
}

static void volume(struct build *b, const json_t *m, size_t number)
{
	const char *source = record_str(m, "source"), *destination = record_str(m, "destination");

	if (strcmp(record_str(m, "type"), "tmpfs") == 0)
		mount(b, "tmpfs", "tmpfs", destination, tmpfs_options(b, m));
	else if (has_option(m, "O"))
		mount(b, "overlay", "overlay", destination,
		      arena_printf(b->arena,
				   "lowerdir=%s,upperdir=%s/%zu/upper,workdir=%s/%zu/work", source,
				   b->facts->volumes, number, b->facts->volumes, number));
	else
		mount(b, "bind", source, destination, bind_options(b, m));
}

static size_t depth_of(const char *path)
{
	size_t n = 0;

	for (; *path; path++)
		n += *path == '/' && path[1] && path[1] != '/';
	return n;
}

/* A mount point below another mount comes after it. */
static void volumes(struct build *b)
{
	const json_t *list = json_object_get(b->create, "mounts"), *m;
	size_t i, left = json_array_size(list);

	for (size_t depth = 0; left; depth++)
		json_array_foreach (list, i, m)
			if (depth_of(record_str(m, "destination")) == depth) {
				volume(b, m, i);
				left--;
			}
}

/* With a read-only root, programs still need places to write to. */
static void writable_places(struct build *b)
{
	static const char *const places[] = {"/run", "/tmp", "/var/tmp"};

	for (size_t i = 0; record_is(b->create, "read_only") && i < array_size(places); i++)
		if (!is_mounted(b, places[i]))
			mount(b, "tmpfs", "tmpfs", places[i], "rw,nosuid,nodev,tmpcopyup");
}

bool document_wants_slave(const json_t *create)
{
	const json_t *m;
	size_t i;

	json_array_foreach (json_object_get(create, "mounts"), i, m)
		if (has_option(m, "slave") || has_option(m, "rslave"))
			return true;
	return false;
}

/* ---- devices ---- */

static void push_device(json_t *devices, json_t *rules, const char *path, const struct stat *st,
			const char *access)
{
	const char *type = S_ISBLK(st->st_mode) ? "b" : "c";
	json_int_t major = major(st->st_rdev), minor = minor(st->st_rdev);

	json_array_append_new(devices,
			      json_pack("{s:s,s:s,s:I,s:I,s:i,s:I,s:I}", "path", path, "type", type,
					"major", major, "minor", minor, "fileMode",
					(int)(st->st_mode & 0777), "uid", (json_int_t)st->st_uid,
					"gid", (json_int_t)st->st_gid));
	if (rules)
		json_array_append_new(rules,
				      json_pack("{s:b,s:s,s:I,s:I,s:s}", "allow", 1, "type", type,
						"major", major, "minor", minor, "access", access));
}

static int add_device(struct build *b, const json_t *device, json_t *devices, json_t *rules)
{
	const char *host = record_str(device, "host");
	struct stat st;

	if (stat(host, &st) < 0)
		return fail_errno(b->err, errno, "device %s", host);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return fail(b->err, ENODEV, "%s: is not a device", host);
	push_device(devices, rules, record_str(device, "path"), &st, record_str(device, "access"));
	return 0;
}

/* What the runtime makes by itself, and what would be the terminal of somebody else. */
static bool is_standard(const char *path)
{
	static const char *const list[] = {"null",    "zero", "full",	 "random",
					   "urandom", "tty",  "console", "ptmx"};

	for (size_t i = 0; i < array_size(list); i++)
		if (strcmp(path + strlen("/dev/"), list[i]) == 0)
			return true;
	return false;
}

static void all_host_devices(json_t *devices)
{
	char top[] = "/dev", *const roots[] = {top, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);

	for (FTSENT *f; fts && (f = fts_read(fts));)
		if (f->fts_info == FTS_DEFAULT && !is_standard(f->fts_path) &&
		    (S_ISCHR(f->fts_statp->st_mode) || S_ISBLK(f->fts_statp->st_mode)))
			push_device(devices, NULL, f->fts_path, f->fts_statp, "");
	if (fts)
		fts_close(fts);
}

static int add_devices(struct build *b, json_t *resources)
{
	json_t *devices = json_array(), *rules = json_array(), *device;
	size_t i;
	int r = 0;

	json_array_append_new(rules,
			      json_pack("{s:b,s:s}", "allow", privileged(b), "access", "rwm"));
	if (privileged(b))
		all_host_devices(devices);
	json_array_foreach (json_object_get(b->create, "devices"), i, device)
		if (r == 0)
			r = add_device(b, device, devices, rules);
	json_object_set_new(b->linux_part, "devices", devices);
	json_object_set_new(resources, "devices", rules);
	return r;
}

/* ---- the rest ---- */

static void namespace_of(json_t *list, const char *type, const char *path)
{
	json_t *ns = json_pack("{s:s}", "type", type);

	if (path)
		record_set(ns, "path", path);
	json_array_append_new(list, ns);
}

static void add_namespaces(struct build *b)
{
	const struct document_facts *f = b->facts;
	json_t *list = json_array();

	namespace_of(list, "mount", NULL);
	if (!mode_is(b, "pid", "host"))
		namespace_of(list, "pid", f->pid_namespace);
	if (!mode_is(b, "ipc", "host"))
		namespace_of(list, "ipc", f->ipc_namespace);
	if (!mode_is(b, "uts", "host"))
		namespace_of(list, "uts", NULL);
	if (f->netns)
		namespace_of(list, "network", f->netns);
	if (f->cgroup_namespace)
		namespace_of(list, "cgroup", NULL);
	json_object_set_new(b->linux_part, "namespaces", list);
}

static void add_sysctls(struct build *b)
{
	json_t *sysctls = json_object();

	/* ping works without NET_RAW. */
	if (b->facts->own_netns)
		record_set(sysctls, "net.ipv4.ping_group_range", "0 0");
	json_object_update(sysctls, json_object_get(b->create, "sysctls"));
	json_object_set_new(b->linux_part, "sysctl", sysctls);
}

static int add_resources(struct build *b)
{
	json_t *resources = json_deep_copy(json_object_get(b->create, "resources"));
	json_t *memory = json_object_get(resources, "memory");
	json_int_t limit = record_int(memory, "limit");

	/* As much swap as memory, as others do; else a container would swap instead of being stopped. */
	if (limit && !json_object_get(memory, "swap") && b->facts->swap)
		json_object_set_new(memory, "swap", json_integer(2 * limit));
	int r = add_devices(b, resources);
	if (!b->facts->cgroups_path) {
		json_t *given = json_object_get(b->create, "resources");

		if (json_object_size(given) > 1 ||
		    record_int(json_object_get(given, "pids"), "limit") != 2048)
			r = fail(b->err, ENOTSUP, "limits need a control group, and there is none");
		json_object_del(resources, "pids");
	}
	json_object_set_new(b->linux_part, "resources", resources);
	return r;
}

static int add_linux(struct build *b)
{
	const struct document_facts *f = b->facts;

	b->linux_part = json_object();
	json_object_set_new(b->config, "linux", b->linux_part);
	int r = add_resources(b);
	if (r < 0)
		return r;
	if (f->cgroups_path)
		record_set(b->linux_part, "cgroupsPath", f->cgroups_path);
	add_namespaces(b);
	add_sysctls(b);
	security_hide_paths(b->create, b->linux_part, b->arena);
	if (f->seccomp)
		json_object_set(b->linux_part, "seccomp", f->seccomp);
	if (document_wants_slave(b->create))
		record_set(b->linux_part, "rootfsPropagation", "rslave");
	return 0;
}

int document_build(const json_t *create, const struct document_facts *facts, struct arena *a,
		   json_t **out, struct error *err)
{
	struct build b = {.create = create, .facts = facts, .arena = a, .err = err};

	b.config = json_pack("{s:s,s:{s:s,s:b}}", "ociVersion", "1.0.2", "root", "path",
			     facts->root, "readonly", record_is(create, "read_only"));
	b.mounts = json_array();
	json_object_set_new(b.config, "mounts", b.mounts);
	if (facts->hostname && !mode_is(&b, "uts", "host"))
		record_set(b.config, "hostname", facts->hostname);
	if (json_object_size(json_object_get(create, "annotations")))
		json_object_set(b.config, "annotations", json_object_get(create, "annotations"));
	standard_mounts(&b);
	own_files(&b);
	writable_places(&b);
	volumes(&b);
	int r = add_process(&b);
	if (r == 0)
		r = add_linux(&b);
	if (r < 0)
		json_decref(b.config);
	else
		*out = b.config;
	return r;
}

json_t *document_exec(const json_t *config, const json_t *args)
{
	json_t *p = json_deep_copy(json_object_get(config, "process"));

	json_object_set(p, "args", (json_t *)args);
	json_object_set_new(p, "terminal", json_false());
	return p;
}
