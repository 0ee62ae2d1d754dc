/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::options"
#include "engine/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/addr.h"
#include "common/file.h"
#include "common/log.h"
#include "common/text.h"
#include "engine/ports.h"
#include "engine/security.h"
#include "engine/unit.h"

const struct cli_option options_limits[] = {
	{'m', "memory", "BYTES", "Memory limit, with b, k, m, g"},
	{0, "memory-swap", "BYTES", "Memory and swap together; -1: no limit on swap"},
	{0, "memory-reservation", "BYTES", "Memory that is left when the host runs short"},
	{0, "cpus", "N", "CPUs, as a decimal number"},
	{'c', "cpu-shares", "N", "Weight of CPU time"},
	{0, "cpu-quota", "USEC", "CPU time in a period"},
	{0, "cpu-period", "USEC", "The period"},
	{0, "cpuset-cpus", "LIST", "CPUs that may be used: 0-2,4"},
	{0, "cpuset-mems", "LIST", "Memory nodes that may be used"},
	{0, "pids-limit", "N", "Processes; -1: no limit"},
	{0, "blkio-weight", "N", "Weight of disk access, 10 to 1000"},
	{0},
};

const struct cli_option options_network[] = {
	{0, "ip", "ADDRESS", "IPv4 address in the network"},
	{0, "ip6", "ADDRESS", "IPv6 address in the network"},
	{0, "mac-address", "MAC", "Ethernet address"},
	{0, "network-alias", "NAME", "Further DNS name in the network"},
	{0},
};

const struct cli_option options_create[] = {
	{'a', "attach", "STREAM", "stdin, stdout, stderr: only these are connected"},
	{0, "add-host", "NAME:IP", "Line of /etc/hosts; IP may be host-gateway"},
	{0, "annotation", "KEY=VALUE", "For the OCI runtime"},
	{0, "cap-add", "CAPABILITY", "Give a capability, or ALL"},
	{0, "cap-drop", "CAPABILITY", "Take a capability, or ALL"},
	{0, "cgroup-parent", "PATH", "Control group above that of the container"},
	{0, "cgroupns", "MODE", "private or host"},
	{0, "cgroups", "MODE", "enabled, disabled, no-conmon"},
	{0, "cidfile", "FILE", "Write the id to a file"},
	{'d', "detach", NULL, "Run in the background and print the id"},
	{0, "detach-keys", "KEYS", "How to leave a terminal: ctrl-p,ctrl-q"},
	{0, "device", "HOST[:CONTAINER[:rwm]]", "Give access to a device"},
	{0, "dns", "ADDRESS", "Name server"},
	{0, "dns-option", "OPTION", "Option of resolv.conf"},
	{0, "dns-search", "DOMAIN", "Search domain; . for none"},
	{0, "entrypoint", "COMMAND", "Program in front of the arguments; may be a JSON array"},
	{'e', "env", "NAME[=VALUE]", "Environment variable"},
	{0, "env-file", "FILE", "Environment variables, one a line"},
	{0, "env-host", NULL, "Take over the environment"},
	{0, "group-add", "GROUP", "Further group of the user"},
	{'h', "hostname", "NAME", "Host name"},
	{0, "hosts-file", "FILE", "File that /etc/hosts begins with; host, none"},
	{0, "init", NULL, "Process 1 reaps processes and forwards signals"},
	{'i', "interactive", NULL, "Keep stdin open"},
	{0, "ipc", "MODE", "private, host, container:NAME"},
	{'l', "label", "KEY=VALUE", "Label"},
	{0, "label-file", "FILE", "Labels, one a line"},
	{0, "log-driver", "DRIVER", "k8s-file, none"},
	{0, "log-opt", "KEY=VALUE", "max-size=BYTES, path=FILE, tag=TEXT"},
	{0, "mount", "type=…", "bind or tmpfs mount in key=value form"},
	{0, "name", "NAME", "Name of the container"},
	{0, "network", "NETWORK[:OPTIONS]", "Network, none, host, container:NAME, ns:PATH"},
	{0, "net", "NETWORK[:OPTIONS]", "The same as --network"},
	{0, "no-hosts", NULL, "Leave /etc/hosts alone"},
	{0, "oom-score-adj", "N", "Preference of the OOM killer, -1000 to 1000"},
	{0, "pid", "MODE", "private, host, container:NAME"},
	{0, "pidfile", "FILE", "Write the PID of the first process to a file"},
	{0, "privileged", NULL, "All capabilities and devices, nothing masked"},
	{'p', "publish", "[[IP:]HOST:]CONTAINER[/PROTO]", "Publish a port or a range"},
	{0, "read-only", NULL, "Root file system is read-only"},
	{0, "replace", NULL, "Remove a container of that name first"},
	{0, "restart", "POLICY", "no, on-failure[:N], always, unless-stopped"},
	{0, "rm", NULL, "Remove the container when it ends"},
	{0, "rootfs", NULL, "The first argument is a directory; DIR:O leaves it unchanged"},
	{0, "security-opt", "OPTION", "seccomp=FILE, no-new-privileges, mask=, unmask=, apparmor="},
	{0, "shm-size", "BYTES", "Size of /dev/shm"},
	{0, "sig-proxy", NULL, "Hand signals on to the container"},
	{0, "stop-signal", "SIGNAL", "Signal that stop sends"},
	{0, "stop-timeout", "SECONDS", "Time until stop kills"},
	{0, "sysctl", "KEY=VALUE", "Kernel setting"},
	{0, "timeout", "SECONDS", "Kill it after that time"},
	{0, "tmpfs", "PATH[:OPTIONS]", "Mount an empty tmpfs"},
	{'t', "tty", NULL, "Give it a terminal"},
	{0, "ulimit", "NAME=SOFT[:HARD]", "Resource limit"},
	{0, "umask", "MASK", "File mode mask"},
	{'u', "user", "USER[:GROUP]", "User, by name or number"},
	{0, "uts", "MODE", "private or host"},
	{'v', "volume", "HOST:CONTAINER[:OPTIONS]", "Mount a directory of the host"},
	{'w', "workdir", "DIR", "Working directory"},
	{0},
};

/* ---- small pieces ---- */

void options_map(const char **list, json_t *object, struct arena *a)
{
	for (; *list; list++) {
		const char *equals = strchr(*list, '=');

		if (equals)
			record_set(object, arena_strndup(a, *list, (size_t)(equals - *list)),
				   equals + 1);
		else
			record_set(object, *list, "");
	}
}

/* A later value of a variable replaces the earlier one. */
static void set_variable(json_t *array, const char *text)
{
	size_t len = strcspn(text, "="), i;
	json_t *old;

	json_array_foreach (array, i, old)
		if (strncmp(json_string_value(old), text, len + 1) == 0) {
			json_array_remove(array, i);
			break;
		}
	record_push(array, text);
}

void options_environment(const char *text, json_t *array)
{
	struct arena a = {0};
	const char *ours;

	if (strchr(text, '='))
		set_variable(array, text);
	else if ((ours = getenv(text)))
		set_variable(array, arena_printf(&a, "%s=%s", text, ours));
	arena_release(&a);
}

static int lines_of(const char *path, struct arena *a, char ***out, size_t *out_n,
		    struct error *err)
{
	char *text;
	int r = file_read(path, 1 << 20, a, &text, NULL, err);

	if (r < 0)
		return wrap(err, "%s", path);
	*out_n = text_split(a, text, '\n', out);
	return 0;
}

int options_env_file(const char *path, json_t *array, struct arena *a, struct error *err)
{
	char **lines = NULL;
	size_t n = 0;
	int r = lines_of(path, a, &lines, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		char *line = lines[i] + strspn(lines[i], " \t");

		if (*line && *line != '#')
			options_environment(line, array);
	}
	return r;
}

static int set_size(const struct cli_line *line, const char *name, bool minus_one, json_t *object,
		    const char *key, struct error *err)
{
	const char *text = cli_value(line, name, NULL);
	int64_t n;

	if (!text)
		return 0;
	if (!unit_parse(text, minus_one, &n))
		return fail(err, EINVAL, "--%s: \"%s\" is not a size", name, text);
	json_object_set_new(object, key, json_integer(n));
	return 0;
}

static int set_number(const struct cli_line *line, const char *name, long long min, long long max,
		      json_t *object, const char *key, struct error *err)
{
	long long n = 0;
	int r = cli_number(line, name, min, max, &n, err);

	if (r == 0 && cli_value(line, name, NULL))
		json_object_set_new(object, key, json_integer(n));
	return r;
}

/* ---- limits ---- */

static int cpu_limits(const struct cli_line *line, json_t *cpu, struct error *err)
{
	const char *text = cli_value(line, "cpus", NULL);
	int64_t nano = 0;

	if (text && (!unit_parse_nano(text, &nano) || nano < 10000000))
		return fail(err, EINVAL, "--cpus: \"%s\" is not a number from 0.01 on", text);
	if (text && (cli_value(line, "cpu-quota", NULL) || cli_value(line, "cpu-period", NULL)))
		return fail(err, EINVAL, "--cpus cannot be used with --cpu-quota or --cpu-period");
	if (text) {
		json_object_set_new(cpu, "quota", json_integer(nano / 10000));
		json_object_set_new(cpu, "period", json_integer(100000));
	}
	int r = set_number(line, "cpu-shares", 2, 262144, cpu, "shares", err);
	if (r == 0)
		r = set_number(line, "cpu-quota", -1, INT64_MAX, cpu, "quota", err);
	if (r == 0)
		r = set_number(line, "cpu-period", 1000, 1000000, cpu, "period", err);
	if (r < 0)
		return r;
	if (cli_value(line, "cpuset-cpus", NULL))
		record_set(cpu, "cpus", cli_value(line, "cpuset-cpus", ""));
	if (cli_value(line, "cpuset-mems", NULL))
		record_set(cpu, "mems", cli_value(line, "cpuset-mems", ""));
	return 0;
}

int options_resources(const struct cli_line *line, struct arena *a, json_t *resources,
		      struct error *err)
{
	json_t *memory = record_object(resources, "memory"), *cpu = record_object(resources, "cpu");
	json_t *pids = record_object(resources, "pids"), *io = record_object(resources, "blockIO");
	int r = set_size(line, "memory", false, memory, "limit", err);

	(void)a;
	if (r == 0)
		r = set_size(line, "memory-swap", true, memory, "swap", err);
	if (r == 0)
		r = set_size(line, "memory-reservation", false, memory, "reservation", err);
	if (r == 0)
		r = cpu_limits(line, cpu, err);
	if (r == 0)
		r = set_number(line, "pids-limit", -1, INT32_MAX, pids, "limit", err);
	if (r == 0)
		r = set_number(line, "blkio-weight", 10, 1000, io, "weight", err);
	json_int_t limit = record_int(memory, "limit"), swap = record_int(memory, "swap");
	if (r == 0 && swap > 0 && !limit)
		r = fail(err, EINVAL, "--memory-swap needs --memory, too");
	if (r == 0 && swap > 0 && swap < limit)
		r = fail(err, EINVAL,
			 "--memory-swap counts memory and swap: it must not be less "
			 "than --memory");
	const char *const keys[] = {"memory", "cpu", "pids", "blockIO"};
	for (size_t i = 0; i < array_size(keys); i++)
		if (json_object_size(json_object_get(resources, keys[i])) == 0)
			json_object_del(resources, keys[i]);
	return r;
}

static const struct rlimit_name {
	const char *name;
	int number;
} rlimit_names[] = {
	{"as", RLIMIT_AS},
	{"core", RLIMIT_CORE},
	{"cpu", RLIMIT_CPU},
	{"data", RLIMIT_DATA},
	{"fsize", RLIMIT_FSIZE},
	{"locks", RLIMIT_LOCKS},
	{"memlock", RLIMIT_MEMLOCK},
	{"msgqueue", RLIMIT_MSGQUEUE},
	{"nice", RLIMIT_NICE},
	{"nofile", RLIMIT_NOFILE},
	{"nproc", RLIMIT_NPROC},
	{"rss", RLIMIT_RSS},
	{"rtprio", RLIMIT_RTPRIO},
	{"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING},
	{"stack", RLIMIT_STACK},
};

static bool parse_limit(const char *text, long long *out)
{
	char *end;

	if (strcmp(text, "unlimited") == 0 || strcmp(text, "-1") == 0) {
		*out = -1;
		return true;
	}
	errno = 0;
	*out = strtoll(text, &end, 10);
	return !errno && end != text && !*end && *out >= 0;
}

/* "nofile=1024:2048" */
static int add_ulimit(const char *text, json_t *array, struct arena *a, struct error *err)
{
	char *name = arena_strdup(a, text), *value = strchr(name, '='), *colon;
	long long soft, hard;

	if (!value)
		return fail(err, EINVAL, "--ulimit: \"%s\" is not NAME=SOFT[:HARD]", text);
	*value++ = '\0';
	colon = strchr(value, ':');
	if (colon)
		*colon++ = '\0';
	if (!parse_limit(value, &soft) || !parse_limit(colon ? colon : value, &hard))
		return fail(err, EINVAL, "--ulimit: \"%s\" is not NAME=SOFT[:HARD]", text);
	if (hard >= 0 && (soft > hard || soft < 0))
		return fail(err, EINVAL, "--ulimit: %s: the soft limit is above the hard one",
			    text);
	for (size_t i = 0; i < array_size(rlimit_names); i++)
		if (strcasecmp(name, rlimit_names[i].name) == 0) {
			json_array_append_new(array, json_pack("{s:s,s:I,s:I}", "name",
							       rlimit_names[i].name, "soft",
							       (json_int_t)soft, "hard",
							       (json_int_t)hard));
			return 0;
		}
	return fail(err, EINVAL, "--ulimit: there is no limit \"%s\"", name);
}

/* ---- volumes ---- */

static const char *const volume_words[] = {
	"ro",	"rw",	 "nosuid", "suid",   "nodev", "dev",	"noexec",  "exec",
	"z",	"Z",	 "U",	   "O",	     "slave", "rslave", "private", "rprivate",
	"bind", "rbind", "copy",   "nocopy", "sync",  "async",
};

static int check_volume_option(const char *text, const char *word, struct error *err)
{
	if (strcmp(word, "shared") == 0 || strcmp(word, "rshared") == 0)
		return fail(err, EINVAL,
			    "volume \"%s\": %s is not possible: the container's mounts are in a "
			    "mount namespace of their own, so none can come back to the host; use "
			    "rslave to see the host's",
			    text, word);
	for (size_t i = 0; i < array_size(volume_words); i++)
		if (strcmp(word, volume_words[i]) == 0)
			return 0;
	return fail(err, EINVAL, "volume \"%s\": unknown option \"%s\"", text, word);
}

static int check_source(const char *what, const char *source, struct error *err)
{
	struct stat st;

	if (*source != '/' && *source != '.')
		return fail(err, EINVAL,
			    "%s: there are no named volumes yet: \"%s\" must be a path of the host",
			    what, source);
	if (stat(source, &st) < 0)
		return fail(err, errno, "%s: %s: %s", what, source, strerror(errno));
	return 0;
}

static int check_destination(const char *what, const char *path, struct error *err)
{
	if (*path != '/' || !path[1])
		return fail(err, EINVAL, "%s: \"%s\" must be an absolute path, and not /", what,
			    path);
	return 0;
}

static void add_mount(json_t *mounts, const char *type, const char *source, const char *destination,
		      json_t *options)
{
	char real[PATH_MAX];

	if (strcmp(type, "bind") == 0 && realpath(source, real))
		source = real;
	json_array_append_new(mounts, json_pack("{s:s,s:s,s:s,s:o}", "type", type, "source", source,
						"destination", destination, "options", options));
}

/* "HOST:CONTAINER[:OPTIONS]" */
static int add_volume(const char *text, json_t *mounts, struct arena *a, struct error *err)
{
	const char *what = arena_printf(a, "volume \"%s\"", text);
	char **parts, **words;
	size_t n = text_split(a, text, ':', &parts), n_words = 0;

	if (n < 2 || n > 3)
		return fail(err, EINVAL, "%s: is not HOST:CONTAINER[:OPTIONS]", what);
	int r = check_source(what, parts[0], err);
	if (r == 0)
		r = check_destination(what, parts[1], err);
	json_t *options = json_array();
	if (n == 3 && *parts[2])
		n_words = text_split(a, parts[2], ',', &words);
	for (size_t i = 0; r == 0 && i < n_words; i++) {
		r = check_volume_option(text, words[i], err);
		record_push(options, words[i]);
	}
	if (r < 0)
		json_decref(options);
	else
		add_mount(mounts, "bind", parts[0], parts[1], options);
	return r;
}

/* "PATH[:OPTIONS]" */
static int add_tmpfs(const char *text, json_t *mounts, struct arena *a, struct error *err)
{
	char *path = arena_strdup(a, text), *colon = strchr(path, ':'), **words;
	json_t *options = json_array();

	if (colon)
		*colon++ = '\0';
	int r = check_destination(arena_printf(a, "--tmpfs %s", text), path, err);
	size_t n = colon && *colon ? text_split(a, colon, ',', &words) : 0;
	for (size_t i = 0; i < n; i++)
		record_push(options, words[i]);
	if (r < 0)
		json_decref(options);
	else
		add_mount(mounts, "tmpfs", "tmpfs", path, options);
	return r;
}

struct mount_text {
	const char *type, *source, *destination;
	json_t *options;
};

static int take_mount_word(struct mount_text *m, const char *key, const char *value,
			   const char *text, struct arena *a, struct error *err)
{
	if (strcmp(key, "type") == 0)
		m->type = value;
	else if (strcmp(key, "source") == 0 || strcmp(key, "src") == 0)
		m->source = value;
	else if (strcmp(key, "destination") == 0 || strcmp(key, "dst") == 0 ||
		 strcmp(key, "target") == 0)
		m->destination = value;
	else if (strcmp(key, "ro") == 0 || strcmp(key, "readonly") == 0)
		record_push(m->options, strcmp(value, "false") == 0 ? "rw" : "ro");
	else if (strcmp(key, "bind-propagation") == 0)
		record_push(m->options, value);
	else if (strcmp(key, "tmpfs-size") == 0)
		record_push(m->options, arena_printf(a, "size=%s", value));
	else if (strcmp(key, "tmpfs-mode") == 0)
		record_push(m->options, arena_printf(a, "mode=%s", value));
	else if (!*value)
		record_push(m->options, key);
	else
		return fail(err, EINVAL, "--mount \"%s\": unknown key \"%s\"", text, key);
	return 0;
}

static int finish_mount(const struct mount_text *m, const char *text, json_t *mounts,
			struct arena *a, struct error *err)
{
	const char *what = arena_printf(a, "--mount \"%s\"", text);
	bool bind = strcmp(m->type, "bind") == 0;
	json_t *word;
	size_t i;

	if (!bind && strcmp(m->type, "tmpfs") != 0)
		return fail(err, EINVAL, "%s: the type must be bind or tmpfs, not \"%s\"", what,
			    m->type);
	int r = check_destination(what, m->destination, err);
	if (r == 0 && bind)
		r = check_source(what, m->source, err);
	json_array_foreach (m->options, i, word)
		if (r == 0 && bind)
			r = check_volume_option(text, json_string_value(word), err);
	if (r == 0)
		add_mount(mounts, m->type, bind ? m->source : "tmpfs", m->destination,
			  json_incref(m->options));
	return r;
}

/* "type=bind,source=…,destination=…" */
static int add_mount_text(const char *text, json_t *mounts, struct arena *a, struct error *err)
{
	struct mount_text m = {"bind", "", "", json_array()};
	char **words;
	size_t n = text_split(a, text, ',', &words);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		char *equals = strchr(words[i], '=');

		if (equals)
			*equals++ = '\0';
		r = take_mount_word(&m, words[i], equals ? equals : "", text, a, err);
	}
	if (r == 0)
		r = finish_mount(&m, text, mounts, a, err);
	json_decref(m.options);
	return r;
}

static int check_twice(const json_t *mounts, struct error *err)
{
	const json_t *one, *other;
	size_t i, j;

	json_array_foreach (mounts, i, one)
		for (j = 0; j < i; j++) {
			other = json_array_get(mounts, j);
			if (strcmp(record_str(one, "destination"),
				   record_str(other, "destination")) == 0)
				return fail(err, EINVAL, "%s: two mounts at the same place",
					    record_str(one, "destination"));
		}
	return 0;
}

/* Runs one parser over all values of an option. */
typedef int (*each_fn)(const char *text, json_t *array, struct arena *a, struct error *err);

static int each(const struct cli_line *line, const char *name, each_fn fn, json_t *array,
		struct arena *a, struct error *err)
{
	int r = 0;

	for (const char **v = cli_values(line, name, a); r == 0 && *v; v++)
		r = fn(*v, array, a, err);
	return r;
}

static int mounts_of(const struct cli_line *line, json_t *create, struct arena *a,
		     struct error *err)
{
	json_t *mounts = record_array(create, "mounts");
	int r = each(line, "volume", add_volume, mounts, a, err);

	if (r == 0)
		r = each(line, "mount", add_mount_text, mounts, a, err);
	if (r == 0)
		r = each(line, "tmpfs", add_tmpfs, mounts, a, err);
	if (r == 0)
		r = check_twice(mounts, err);
	json_object_set_new(create, "shm_size", json_integer(65536000));
	if (r == 0)
		r = set_size(line, "shm-size", false, create, "shm_size", err);
	json_object_set_new(create, "read_only", json_boolean(cli_flag(line, "read-only")));
	return r;
}

/* ---- the process ---- */

static int entrypoint_of(const struct cli_line *line, json_t *create, struct error *err)
{
	const char *text = cli_value(line, "entrypoint", "");
	json_t *list;

	if (*text == '[') {
		list = json_loads(text, 0, NULL);
		if (!json_is_array(list)) {
			json_decref(list);
			return fail(err, EINVAL, "--entrypoint: %s is not a JSON array", text);
		}
	} else {
		list = json_array();
		if (*text)
			record_push(list, text);
	}
	json_object_set_new(create, "entrypoint", list);
	return 0;
}

extern char **environ;

static int environment_of(const struct cli_line *line, json_t *create, struct arena *a,
			  struct error *err)
{
	json_t *env = record_array(create, "env");
	int r = 0;

	if (cli_flag(line, "env-host"))
		for (char **v = environ; *v; v++)
			record_push(env, *v);
	for (const char **f = cli_values(line, "env-file", a); r == 0 && *f; f++)
		r = options_env_file(*f, env, a, err);
	for (const char **v = cli_values(line, "env", a); r == 0 && *v; v++)
		options_environment(*v, env);
	return r;
}

static int umask_of(const struct cli_line *line, json_t *create, struct error *err)
{
	const char *text = cli_value(line, "umask", "0022");
	char *end;
	unsigned long mask = strtoul(text, &end, 8);

	if (end == text || *end || mask > 0777)
		return fail(err, EINVAL, "--umask: \"%s\" is not an octal mask", text);
	json_object_set_new(create, "umask", json_integer((json_int_t)mask));
	return 0;
}

static bool is_host_name(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= 63 && s[0] != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
		       len;
}

static int process_of(const struct cli_line *line, json_t *create, struct arena *a,
		      struct error *err)
{
	const char *hostname = cli_value(line, "hostname", NULL);
	int r = entrypoint_of(line, create, err);

	if (r == 0)
		r = environment_of(line, create, a, err);
	if (r == 0)
		r = umask_of(line, create, err);
	if (r == 0 && hostname && !is_host_name(hostname))
		r = fail(err, EINVAL, "--hostname: \"%s\" is not a host name", hostname);
	record_set(create, "hostname", hostname);
	record_set(create, "user", cli_value(line, "user", ""));
	record_set(create, "cwd", cli_value(line, "workdir", "/"));
	if (r == 0 && *cli_value(line, "workdir", "/") != '/')
		r = fail(err, EINVAL, "--workdir: \"%s\" is not absolute",
			 cli_value(line, "workdir", "/"));
	json_object_set_new(create, "groups", record_list(cli_values(line, "group-add", a)));
	json_object_set_new(create, "terminal", json_boolean(cli_flag(line, "tty")));
	json_object_set_new(create, "stdin", json_boolean(cli_flag(line, "interactive")));
	json_object_set_new(create, "init", json_boolean(cli_flag(line, "init")));
	return r;
}

/* ---- its life ---- */

static int restart_of(const struct cli_line *line, json_t *create, struct error *err)
{
	const char *text = cli_value(line, "restart", "no"), *colon = strchr(text, ':');
	static const char *const policies[] = {"no", "on-failure", "always", "unless-stopped"};
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	const char *policy = NULL;
	char *end = NULL;
	long max = colon ? strtol(colon + 1, &end, 10) : 0;

	for (size_t i = 0; i < array_size(policies); i++)
		if (strlen(policies[i]) == len && strncmp(policies[i], text, len) == 0)
			policy = policies[i];
	if (!policy || (end && *end) || (colon && (end == colon + 1 || max < 0)) ||
	    (colon && strcmp(policy, "on-failure") != 0))
		return fail(err, EINVAL,
			    "--restart: \"%s\" is not one of no, on-failure[:N], always, "
			    "unless-stopped",
			    text);
	if (strcmp(policy, "no") != 0 && cli_flag(line, "rm"))
		return fail(err, EINVAL, "--restart and --rm exclude each other");
	json_object_set_new(create, "restart",
			    json_pack("{s:s,s:i}", "policy", policy, "max", (int)max));
	return 0;
}

static int log_of(const struct cli_line *line, json_t *create, struct arena *a, struct error *err)
{
	const char *driver = cli_value(line, "log-driver", "k8s-file");
	json_t *log = record_object(create, "log");
	int64_t size;

	if (strcmp(driver, "json-file") == 0)
		driver = "k8s-file";
	if (strcmp(driver, "k8s-file") != 0 && strcmp(driver, "none") != 0)
		return fail(err, EINVAL, "--log-driver: \"%s\" is not k8s-file or none", driver);
	record_set(log, "driver", driver);
	options_map(cli_values(line, "log-opt", a), log, a);
	const char *max = record_str(log, "max-size");
	if (*max && !unit_parse(max, true, &size))
		return fail(err, EINVAL, "--log-opt: max-size: \"%s\" is not a size", max);
	if (*max)
		json_object_set_new(log, "max-size", json_integer(size));
	return 0;
}

static int life_of(const struct cli_line *line, json_t *create, struct arena *a, struct error *err)
{
	const char *signal_text = cli_value(line, "stop-signal", "TERM");
	int number = unit_signal(signal_text);
	int r = restart_of(line, create, err);

	if (r == 0 && !number)
		r = fail(err, EINVAL, "--stop-signal: there is no signal \"%s\"", signal_text);
	json_object_set_new(create, "stop_signal", json_integer(number));
	json_object_set_new(create, "stop_timeout", json_integer(10));
	if (r == 0)
		r = set_number(line, "stop-timeout", 0, INT32_MAX, create, "stop_timeout", err);
	if (r == 0)
		r = set_number(line, "timeout", 0, INT32_MAX, create, "timeout", err);
	if (r == 0)
		r = log_of(line, create, a, err);
	json_object_set_new(create, "remove", json_boolean(cli_flag(line, "rm")));
	json_t *labels = record_object(create, "labels");
	for (const char **f = cli_values(line, "label-file", a); r == 0 && *f; f++) {
		json_t *holder = json_pack("{s:[]}", "list");

		r = options_env_file(*f, json_object_get(holder, "list"), a, err);
		options_map(record_strings(holder, "list", a), labels, a);
		json_decref(holder);
	}
	options_map(cli_values(line, "label", a), labels, a);
	options_map(cli_values(line, "annotation", a), record_object(create, "annotations"), a);
	return r;
}

/* ---- security and limits ---- */

static int add_device(const char *text, json_t *array, struct arena *a, struct error *err)
{
	char **parts;
	size_t n = text_split(a, text, ':', &parts);
	const char *access = "rwm", *inside = parts[0];

	if (n > 3 || *parts[0] != '/')
		return fail(err, EINVAL, "--device: \"%s\" is not HOST[:CONTAINER[:rwm]]", text);
	if (n == 2 && *parts[1] != '/')
		access = parts[1];
	else if (n >= 2)
		inside = parts[1];
	if (n == 3)
		access = parts[2];
	if (!*access || strspn(access, "rwm") != strlen(access) || *inside != '/')
		return fail(err, EINVAL, "--device: \"%s\" is not HOST[:CONTAINER[:rwm]]", text);
	if (!file_exists(parts[0]))
		return fail(err, ENOENT, "--device: %s: no such device", parts[0]);
	json_array_append_new(array, json_pack("{s:s,s:s,s:s}", "host", parts[0], "path", inside,
					       "access", access));
	return 0;
}

static int add_security(const char *text, json_t *security, struct error *err)
{
	const char *equals = strchr(text, '='), *value;

	equals = equals ? equals : strchr(text, ':');
	value = equals ? equals + 1 : "";
	size_t len = equals ? (size_t)(equals - text) : strlen(text);
	if (strncmp(text, "no-new-privileges", len) == 0 && len == 17)
		json_object_set_new(security, "no_new_privileges",
				    json_boolean(strcmp(value, "false") != 0));
	else if (strncmp(text, "seccomp", len) == 0 && len == 7 && *value)
		record_set(security, "seccomp", value);
	else if (strncmp(text, "apparmor", len) == 0 && len == 8 && *value)
		record_set(security, "apparmor", value);
	else if ((strncmp(text, "mask", len) == 0 && len == 4) ||
		 (strncmp(text, "unmask", len) == 0 && len == 6))
		record_push(record_array(security, len == 4 ? "mask" : "unmask"), value);
	else if (!(strncmp(text, "label", len) == 0 && len == 5))
		return fail(err, EINVAL, "--security-opt: \"%s\" is not known", text);
	return 0;
}

static int security_of(const struct cli_line *line, json_t *create, struct arena *a,
		       struct error *err)
{
	const char *profile;
	int r = 0;

	for (const char **v = cli_values(line, "security-opt", a); r == 0 && *v; v++)
		r = add_security(*v, record_object(create, "security"), err);
	profile = record_str(json_object_get(create, "security"), "seccomp");
	if (r == 0 && *profile && strcmp(profile, "unconfined") != 0 && !file_exists(profile))
		r = fail(err, ENOENT, "--security-opt: %s: no such file", profile);
	json_object_set_new(create, "privileged", json_boolean(cli_flag(line, "privileged")));
	json_object_set_new(create, "cap_add", record_list(cli_values(line, "cap-add", a)));
	json_object_set_new(create, "cap_drop", record_list(cli_values(line, "cap-drop", a)));
	if (r == 0)
		r = security_check_capabilities(create, a, err);
	if (r == 0)
		r = each(line, "device", add_device, record_array(create, "devices"), a, err);
	return r;
}

static int limits_of(const struct cli_line *line, json_t *create, struct arena *a,
		     struct error *err)
{
	json_t *resources = record_object(create, "resources");
	int r = options_resources(line, a, resources, err);

	if (r == 0 && !json_object_get(resources, "pids"))
		json_object_set_new(resources, "pids", json_pack("{s:i}", "limit", 2048));
	if (r == 0)
		r = each(line, "ulimit", add_ulimit, record_array(create, "rlimits"), a, err);
	if (r == 0)
		r = set_number(line, "oom-score-adj", -1000, 1000, create, "oom_score_adj", err);
	options_map(cli_values(line, "sysctl", a), record_object(create, "sysctls"), a);
	return r;
}

/* ---- namespaces and networks ---- */

static int mode_of(const struct cli_line *line, const char *name, bool container, json_t *to,
		   struct engine *e, struct error *err)
{
	const char *mode = cli_value(line, name, "private"), *id;

	if (container && text_starts_with(mode, "container:")) {
		int r = store_find(e, mode + strlen("container:"), &id, err);
		if (r < 0)
			return wrap(err, "--%s", name);
		record_set(to, name, arena_printf(e->arena, "container:%s", id));
		return 0;
	}
	if (strcmp(mode, "private") != 0 && strcmp(mode, "host") != 0)
		return fail(err, EINVAL, "--%s: \"%s\" is not private or host%s", name, mode,
			    container ? ", nor container:NAME" : "");
	record_set(to, name, mode);
	return 0;
}

static bool is_mac(const char *s)
{
	if (strlen(s) != 17)
		return false;
	for (int i = 0; i < 17; i++)
		if (i % 3 == 2 ? s[i] != ':' : !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
	return true;
}

static int check_address(const char *what, const char *text, int family, struct error *err)
{
	struct addr a;

	if (!addr_parse(text, &a) || (family && a.family != family))
		return fail(err, EINVAL, "%s: \"%s\" is not an IPv%s address", what, text,
			    family == AF_INET6 ? "6" : "4");
	return 0;
}

static int network_word(json_t *entry, const char *key, const char *value, const char *text,
			struct error *err)
{
	const char *family = NULL;

	if (strcmp(key, "ip") == 0 || strcmp(key, "ip6") == 0) {
		struct addr a;

		if (!addr_parse(value, &a))
			return fail(err, EINVAL, "--network \"%s\": %s is not an address", text,
				    value);
		family = a.family == AF_INET6 ? "ip6" : "ip";
		record_set(entry, family, value);
	} else if (strcmp(key, "mac") == 0) {
		if (!is_mac(value))
			return fail(err, EINVAL, "--network \"%s\": %s is not an Ethernet address",
				    text, value);
		record_set(entry, "mac", value);
	} else if (strcmp(key, "alias") == 0) {
		record_push(record_array(entry, "aliases"), value);
	} else if (strcmp(key, "interface_name") == 0) {
		record_set(entry, "interface_name", value);
	} else {
		record_set(record_object(entry, "options"), key, value);
	}
	return 0;
}

int options_network_entry(const char *text, json_t **out, struct arena *a, struct error *err)
{
	char *name = arena_strdup(a, text), *colon = strchr(name, ':'), **words;
	int r = 0;

	if (colon)
		*colon++ = '\0';
	if (!store_name_is_valid(name))
		return fail(err, EINVAL, "--network: \"%s\" is not the name of a network", name);
	json_t *entry = json_pack("{s:s}", "name", name);
	size_t n = colon && *colon ? text_split(a, colon, ',', &words) : 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		char *equals = strchr(words[i], '=');

		if (!equals) {
			r = fail(err, EINVAL, "--network \"%s\": \"%s\" is not KEY=VALUE", text,
				 words[i]);
			break;
		}
		*equals++ = '\0';
		r = network_word(entry, words[i], equals, text, err);
	}
	if (r < 0)
		json_decref(entry);
	else
		*out = entry;
	return r;
}

int options_network_details(const struct cli_line *line, json_t *entry, struct arena *a,
			    struct error *err)
{
	const char *ip = cli_value(line, "ip", NULL), *ip6 = cli_value(line, "ip6", NULL);
	const char *mac = cli_value(line, "mac-address", NULL);
	int r = ip ? check_address("--ip", ip, AF_INET, err) : 0;

	if (r == 0 && ip6)
		r = check_address("--ip6", ip6, AF_INET6, err);
	if (r == 0 && mac && !is_mac(mac))
		r = fail(err, EINVAL, "--mac-address: \"%s\" is not an Ethernet address", mac);
	if (r < 0)
		return r;
	if (ip)
		record_set(entry, "ip", ip);
	if (ip6)
		record_set(entry, "ip6", ip6);
	if (mac)
		record_set(entry, "mac", mac);
	for (const char **v = cli_values(line, "network-alias", a); *v; v++)
		record_push(record_array(entry, "aliases"), *v);
	return 0;
}

static bool has_network_details(const struct cli_line *line)
{
	for (const struct cli_option *o = options_network; o->name; o++)
		if (cli_value(line, o->name, NULL))
			return true;
	return false;
}

static const char **network_values(const struct cli_line *line, struct arena *a)
{
	const char **list = arena_alloc(a, (line->n_given + 2) * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < line->n_given; i++)
		if (strcmp(line->given[i].option->name, "network") == 0 ||
		    strcmp(line->given[i].option->name, "net") == 0)
			list[n++] = line->given[i].value;
	if (!n)
		list[n++] = "bridge";
	return list;
}

/* "none", "host", "ns:…", "container:…": no networks of ours. */
static int special_mode(struct engine *e, const char *text, json_t *namespaces, bool *special,
			struct error *err)
{
	const char *id;

	*special = true;
	if (strcmp(text, "none") == 0 || strcmp(text, "host") == 0) {
		record_set(namespaces, "net", text);
	} else if (text_starts_with(text, "container:")) {
		int r = store_find(e, text + strlen("container:"), &id, err);
		if (r < 0)
			return wrap(err, "--network");
		record_set(namespaces, "net", arena_printf(e->arena, "container:%s", id));
	} else if (text_starts_with(text, "ns:")) {
		if (!file_exists(text + 3))
			return fail(err, ENOENT, "--network: %s: no such file", text + 3);
		record_set(namespaces, "net", text);
	} else {
		*special = false;
		record_set(namespaces, "net", "bridge");
	}
	return 0;
}

static int add_network(struct engine *e, const char *text, json_t *networks, struct error *err)
{
	const json_t *other;
	json_t *entry;
	size_t i;

	/* "bridge" is the word for the default network. */
	if (strcmp(text, "bridge") == 0)
		text = "tjalk";
	else if (text_starts_with(text, "bridge:"))
		text = arena_printf(e->arena, "tjalk%s", text + strlen("bridge"));
	int r = options_network_entry(text, &entry, e->arena, err);
	if (r < 0)
		return r;
	json_array_foreach (networks, i, other)
		if (strcmp(record_str(other, "name"), record_str(entry, "name")) == 0)
			r = fail(err, EINVAL, "--network: %s is there twice",
				 record_str(entry, "name"));
	json_array_append_new(networks, entry);
	return r;
}

static int networks_of(struct engine *e, const struct cli_line *line, json_t *create,
		       struct error *err)
{
	json_t *networks = record_array(create, "networks");
	json_t *namespaces = record_object(create, "namespaces");
	const char **values = network_values(line, e->arena);
	bool special = false;
	int r = special_mode(e, values[0], namespaces, &special, err);

	if (r == 0 && special && values[1])
		return fail(err, EINVAL, "--network %s excludes other networks", values[0]);
	for (; r == 0 && !special && *values; values++)
		r = add_network(e, *values, networks, err);
	if (r < 0 || !has_network_details(line))
		return r;
	if (json_array_size(networks) != 1)
		return fail(err, EINVAL,
			    "--ip, --ip6, --mac-address and --network-alias are for a single "
			    "network; use --network NAME:ip=…");
	return options_network_details(line, json_array_get(networks, 0), e->arena, err);
}

static int add_host_line(const char *text, json_t *array, struct arena *a, struct error *err)
{
	const char *colon = strchr(text, ':');
	struct addr addr;

	if (!colon || colon == text)
		return fail(err, EINVAL, "--add-host: \"%s\" is not NAME:IP", text);
	if (strcmp(colon + 1, "host-gateway") != 0 && !addr_parse(colon + 1, &addr))
		return fail(err, EINVAL, "--add-host: \"%s\": %s is not an IP address", text,
			    colon + 1);
	json_array_append_new(array, json_pack("{s:s,s:s}", "name",
					       arena_strndup(a, text, (size_t)(colon - text)), "ip",
					       colon + 1));
	return 0;
}

static int names_of(const struct cli_line *line, json_t *create, struct arena *a, struct error *err)
{
	int r = each(line, "add-host", add_host_line, record_array(create, "hosts"), a, err);

	for (const char **v = cli_values(line, "dns", a); r == 0 && *v; v++)
		r = check_address("--dns", *v, 0, err);
	json_object_set_new(create, "dns", record_list(cli_values(line, "dns", a)));
	json_object_set_new(create, "dns_search", record_list(cli_values(line, "dns-search", a)));
	json_object_set_new(create, "dns_options", record_list(cli_values(line, "dns-option", a)));
	record_set(create, "hosts_file", cli_value(line, "hosts-file", "none"));
	json_object_set_new(create, "no_hosts", json_boolean(cli_flag(line, "no-hosts")));
	return r;
}

static int outside_of(struct engine *e, const struct cli_line *line, json_t *create,
		      struct error *err)
{
	json_t *namespaces = record_object(create, "namespaces");
	json_t *ports = record_array(create, "ports");
	const char *cgroups = cli_value(line, "cgroups", "enabled");
	int r = networks_of(e, line, create, err);

	if (r == 0)
		r = mode_of(line, "pid", true, namespaces, e, err);
	if (r == 0)
		r = mode_of(line, "ipc", true, namespaces, e, err);
	if (r == 0)
		r = mode_of(line, "uts", false, namespaces, e, err);
	if (r == 0)
		r = mode_of(line, "cgroupns", false, namespaces, e, err);
	if (r == 0)
		r = each(line, "publish", ports_parse, ports, e->arena, err);
	if (r == 0 && json_array_size(ports) &&
	    json_array_size(json_object_get(create, "networks")) == 0)
		r = fail(err, EINVAL, "ports cannot be published with --network %s",
			 record_str(namespaces, "net"));
	if (r == 0)
		r = ports_choose(ports, err);
	if (r == 0)
		r = names_of(line, create, e->arena, err);
	if (r == 0 && strcmp(cgroups, "enabled") != 0 && strcmp(cgroups, "disabled") != 0 &&
	    strcmp(cgroups, "no-conmon") != 0)
		r = fail(err, EINVAL, "--cgroups: \"%s\" is not enabled, disabled or no-conmon",
			 cgroups);
	record_set(create, "cgroups", cgroups);
	record_set(create, "cgroup_parent", cli_value(line, "cgroup-parent", ""));
	return r;
}

/* ---- the whole ---- */

static int rootfs_of(const struct cli_line *line, json_t *create, struct arena *a,
		     struct error *err)
{
	char *path = arena_strdup(a, line->args[0]), real[PATH_MAX];
	bool overlay = text_ends_with(path, ":O");
	struct stat st;

	if (!cli_flag(line, "rootfs"))
		return fail(err, EINVAL,
			    "%s: there are no images yet; name a directory with --rootfs",
			    line->args[0]);
	if (overlay)
		path[strlen(path) - 2] = '\0';
	if (!realpath(path, real) || stat(real, &st) < 0)
		return fail(err, errno, "root file system %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode) || strcmp(real, "/") == 0)
		return fail(err, ENOTDIR, "root file system %s: must be a directory, and not /",
			    path);
	record_set(create, "rootfs", real);
	json_object_set_new(create, "overlay", json_boolean(overlay));
	json_object_set_new(create, "args", record_list((const char *const *)(line->args + 1)));
	return 0;
}

/* Two words and the beginning of the id: what nobody has to remember long. */
static const char *choose_name(struct arena *a, const char *id)
{
	static const char *const how[] = {"broad", "brave", "calm",  "fair",  "fleet",	"grand",
					  "hardy", "merry", "quiet", "ready", "steady", "trim"};
	static const char *const what[] = {"anchor", "barge", "beacon", "bow",	"cabin",  "harbour",
					   "helm",   "keel",  "mast",	"quay", "rudder", "sail"};
	unsigned long n = strtoul(arena_strndup(a, id, 8), NULL, 16);

	return arena_printf(a, "%s_%s_%.4s", how[n % array_size(how)],
			    what[n / array_size(how) % array_size(what)], id + 8);
}

static int identity_of(struct engine *e, const struct cli_line *line, json_t *create,
		       struct error *err)
{
	const char *id = store_new_id(e->arena, err);

	if (!id)
		return -err->code;
	const char *name = cli_value(line, "name", NULL);
	if (!name)
		name = choose_name(e->arena, id);
	if (!store_name_is_valid(name))
		return fail(err, EINVAL,
			    "--name: \"%s\" must be of letters, digits, _ . - and begin with a "
			    "letter or digit",
			    name);
	json_object_set_new(create, "version", json_integer(RECORD_VERSION));
	record_set(create, "id", id);
	record_set(create, "name", name);
	record_set(create, "created", store_now(e->arena));
	return 0;
}

int options_build(struct engine *e, const struct cli_line *line, json_t **out, struct error *err)
{
	json_t *create = record_own(&e->pool, json_object());
	int r = identity_of(e, line, create, err);

	if (r == 0)
		r = rootfs_of(line, create, e->arena, err);
	if (r == 0)
		r = process_of(line, create, e->arena, err);
	if (r == 0)
		r = life_of(line, create, e->arena, err);
	if (r == 0)
		r = mounts_of(line, create, e->arena, err);
	if (r == 0)
		r = security_of(line, create, e->arena, err);
	if (r == 0)
		r = limits_of(line, create, e->arena, err);
	if (r == 0)
		r = outside_of(e, line, create, err);
	if (r == 0 && cli_value(line, "pidfile", NULL))
		record_set(create, "pidfile", cli_value(line, "pidfile", NULL));
	if (r == 0)
		*out = create;
	return r;
}
