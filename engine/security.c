/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::security"
#include "engine/security.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/utsname.h>

#include "common/file.h"
#include "engine/record.h"

/* ---- capabilities ---- */

static const char *const default_capabilities[] = {
	"CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",	 "CAP_FSETID",
	"CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",	 "CAP_SETGID",
	"CAP_SETPCAP", "CAP_SETUID",	       "CAP_SYS_CHROOT",
};

/* "net_admin" → "CAP_NET_ADMIN"; NULL if there is no such capability. */
static const char *normal_name(struct arena *a, const char *text)
{
	bool has_prefix = strncasecmp(text, "CAP_", 4) == 0;
	char *name = arena_printf(a, "%s%s", has_prefix ? "" : "CAP_", text);
	cap_value_t value;

	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (strcmp(name, "CAP_ALL") == 0)
		return "ALL";
	return cap_from_name(name, &value) == 0 && !isdigit((unsigned char)name[4]) ? name : NULL;
}

static int check_list(json_t *create, const char *key, struct arena *a, struct error *err)
{
	json_t *list = json_object_get(create, key), *value;
	size_t i;

	json_array_foreach (list, i, value) {
		const char *name = normal_name(a, json_string_value(value));

		if (!name)
			return fail(err, EINVAL, "there is no capability \"%s\"",
				    json_string_value(value));
		json_array_set_new(list, i, json_string(name));
	}
	return 0;
}

int security_check_capabilities(json_t *create, struct arena *a, struct error *err)
{
	int r = check_list(create, "cap_add", a, err);

	return r < 0 ? r : check_list(create, "cap_drop", a, err);
}

static bool has(const json_t *array, const char *s)
{
	const json_t *value;
	size_t i;

	json_array_foreach (array, i, value)
		if (json_string_value(value) && strcmp(json_string_value(value), s) == 0)
			return true;
	return false;
}

static bool is_default(const char *name)
{
	for (size_t i = 0; i < array_size(default_capabilities); i++)
		if (strcmp(default_capabilities[i], name) == 0)
			return true;
	return false;
}

/* Whether a capability belongs to the set; a name wins over ALL. */
static bool wants(const json_t *create, const char *name)
{
	const json_t *add = json_object_get(create, "cap_add");
	const json_t *drop = json_object_get(create, "cap_drop");

	if (has(drop, name))
		return false;
	if (has(add, name))
		return true;
	if (has(drop, "ALL"))
		return false;
	return has(add, "ALL") || is_default(name) || record_is(create, "privileged");
}

bool security_holds(const char *name)
{
	cap_flag_value_t held = CAP_CLEAR;
	cap_t ours = cap_get_proc();
	cap_value_t value;

	if (cap_from_name(name, &value) == 0)
		cap_get_flag(ours, value, CAP_EFFECTIVE, &held);
	cap_free(ours);
	return held == CAP_SET;
}

json_t *security_bounding(const json_t *create, struct arena *a)
{
	json_t *set = json_array();
	cap_t ours = cap_get_proc();

	for (cap_value_t v = 0; v < cap_max_bits(); v++) {
		cap_flag_value_t held = CAP_CLEAR;
		char *name = cap_to_name(v), *upper = arena_strdup(a, name ? name : "");

		for (char *c = upper; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		cap_free(name);
		cap_get_flag(ours, v, CAP_PERMITTED, &held);
		if (held == CAP_SET && wants(create, upper))
			record_push(set, upper);
	}
	cap_free(ours);
	return set;
}

json_t *security_capabilities(const json_t *create, const json_t *bounding, bool is_root,
			      struct arena *a)
{
	json_t *own = json_array(), *name;
	size_t i;

	(void)a;
	json_array_foreach (bounding, i, name)
		if (is_root || has(json_object_get(create, "cap_add"), json_string_value(name)))
			json_array_append(own, name);
	json_t *caps = json_pack("{s:O,s:O,s:O}", "bounding", bounding, "effective", own,
				 "permitted", own);
	/* Across execve() only ambient capabilities stay with a process that is not root. */
	if (!is_root && json_array_size(own)) {
		json_object_set(caps, "inheritable", own);
		json_object_set(caps, "ambient", own);
	}
	json_decref(own);
	return caps;
}

/* ---- the system call filter ---- */

static const struct machine {
	const char *uname, *go, *scmp;
} machines[] = {
	{"x86_64", "amd64", "SCMP_ARCH_X86_64"},     {"aarch64", "arm64", "SCMP_ARCH_AARCH64"},
	{"armv7l", "arm", "SCMP_ARCH_ARM"},	     {"i686", "x86", "SCMP_ARCH_X86"},
	{"ppc64le", "ppc64le", "SCMP_ARCH_PPC64LE"}, {"s390x", "s390x", "SCMP_ARCH_S390X"},
	{"riscv64", "riscv64", "SCMP_ARCH_RISCV64"}, {"mips64", "mips64", "SCMP_ARCH_MIPS64"},
};

static const struct machine *find_machine(const char *uname_machine)
{
	for (size_t i = 0; i < array_size(machines); i++)
		if (strcmp(machines[i].uname, uname_machine) == 0)
			return &machines[i];
	return NULL;
}

static long version_number(const char *text)
{
	char *end;
	long major = strtol(text, &end, 10);

	return major * 1000 + (*end == '.' ? strtol(end + 1, NULL, 10) : 0);
}

static bool all_granted(const json_t *caps, const json_t *granted)
{
	const json_t *cap;
	size_t i;

	json_array_foreach (caps, i, cap)
		if (!has(granted, json_string_value(cap)))
			return false;
	return true;
}

static bool any_granted(const json_t *caps, const json_t *granted)
{
	const json_t *cap;
	size_t i;

	json_array_foreach (caps, i, cap)
		if (has(granted, json_string_value(cap)))
			return true;
	return false;
}

struct circumstances {
	const json_t *granted;
	const char *arch; /* as Go calls it */
	const char *kernel;
};

static bool applies(const json_t *entry, const struct circumstances *c)
{
	const json_t *in = json_object_get(entry, "includes");
	const json_t *ex = json_object_get(entry, "excludes");
	const json_t *arches = json_object_get(in, "arches");
	const char *least = record_str(in, "minKernel");

	if (json_array_size(arches) && !has(arches, c->arch))
		return false;
	if (has(json_object_get(ex, "arches"), c->arch))
		return false;
	if (*least && version_number(c->kernel) < version_number(least))
		return false;
	return all_granted(json_object_get(in, "caps"), c->granted) &&
	       !any_granted(json_object_get(ex, "caps"), c->granted);
}

/* What the OCI specification knows of an entry. */
static json_t *plain_entry(const json_t *entry)
{
	const json_t *args = json_object_get(entry, "args");
	json_t *plain = json_pack("{s:O,s:O}", "names", json_object_get(entry, "names"), "action",
				  json_object_get(entry, "action"));

	if (json_object_get(entry, "errnoRet"))
		json_object_set(plain, "errnoRet", json_object_get(entry, "errnoRet"));
	if (json_array_size(args))
		json_object_set(plain, "args", (json_t *)args);
	return plain;
}

static json_t *architectures(const json_t *profile, const char *scmp)
{
	json_t *list = json_array(), *entry, *sub;
	size_t i, j;

	json_array_foreach (json_object_get(profile, "archMap"), i, entry) {
		if (strcmp(record_str(entry, "architecture"), scmp) != 0)
			continue;
		record_push(list, scmp);
		json_array_foreach (json_object_get(entry, "subArchitectures"), j, sub)
			json_array_append(list, sub);
	}
	return list;
}

json_t *security_resolve(const json_t *profile, const json_t *granted, const char *machine,
			 const char *kernel)
{
	const struct machine *m = find_machine(machine);
	struct circumstances c = {granted, m ? m->go : machine, kernel};
	json_t *out =
		json_pack("{s:O}", "defaultAction", json_object_get(profile, "defaultAction"));
	json_t *arches = architectures(profile, m ? m->scmp : ""), *calls = json_array(), *entry;
	size_t i;

	if (json_object_get(profile, "defaultErrnoRet"))
		json_object_set(out, "defaultErrnoRet",
				json_object_get(profile, "defaultErrnoRet"));
	/* A profile that names its architectures itself is one of the OCI specification already. */
	if (json_object_get(profile, "architectures"))
		json_object_set(out, "architectures", json_object_get(profile, "architectures"));
	else if (json_array_size(arches))
		json_object_set(out, "architectures", arches);
	json_decref(arches);
	json_array_foreach (json_object_get(profile, "syscalls"), i, entry)
		if (applies(entry, &c))
			json_array_append_new(calls, plain_entry(entry));
	json_object_set_new(out, "syscalls", calls);
	return out;
}

int security_seccomp(const json_t *create, const json_t *granted, struct arena *a, json_t **out,
		     struct error *err)
{
	const char *path = record_str(json_object_get(create, "security"), "seccomp");
	struct record_pool pool = {.arena = a};
	struct utsname host;
	json_t *profile;

	*out = NULL;
	if (strcmp(path, "unconfined") == 0 || (!*path && record_is(create, "privileged")))
		return 0;
	if (!*path)
		path = file_exists("/etc/containers/seccomp.json")
			       ? "/etc/containers/seccomp.json"
			       : "/usr/share/containers/seccomp.json";
	int r = record_read(&pool, path, &profile, err);
	if (r == 0 && !json_is_string(json_object_get(profile, "defaultAction")))
		r = fail(err, EINVAL, "%s: has no defaultAction", path);
	if (r == -ENOENT)
		r = fail(err, ENOENT,
			 "no system call filter: %s is missing; install the package "
			 "golang-github-containers-common, or use --security-opt "
			 "seccomp=unconfined",
			 path);
	if (r == 0) {
		uname(&host);
		*out = security_resolve(profile, granted, host.machine, host.release);
	}
	record_release(&pool);
	return r;
}

/* ---- hidden paths ---- */

static const char *const masked[] = {
	"/proc/acpi",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/interrupts",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	"/sys/fs/selinux",
	"/sys/devices/system/cpu/cpu*/thermal_throttle",
};

static const char *const readonly[] = {
	"/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* unmask may name several paths with ":" between. */
static bool is_unmasked(const json_t *security, const char *path)
{
	const json_t *value;
	size_t i;

	json_array_foreach (json_object_get(security, "unmask"), i, value) {
		const char *list = json_string_value(value);
		size_t len = strlen(path);

		if (strcasecmp(list, "ALL") == 0)
			return true;
		for (const char *at = list; at; at = strchr(at, ':')) {
			at += *at == ':';
			if (strncmp(at, path, len) == 0 && (at[len] == ':' || !at[len]))
				return true;
		}
	}
	return false;
}

static void push_matches(json_t *list, const char *pattern)
{
	glob_t found;

	if (!strchr(pattern, '*')) {
		record_push(list, pattern);
		return;
	}
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			record_push(list, found.gl_pathv[i]);
	globfree(&found);
}

static void push_parts(json_t *list, const char *paths, struct arena *a)
{
	for (const char *at = paths; *at;) {
		size_t len = strcspn(at, ":");

		if (len)
			record_push(list, arena_strndup(a, at, len));
		at += len + (at[len] == ':');
	}
}

void security_hide_paths(const json_t *create, json_t *linux_part, struct arena *a)
{
	const json_t *security = json_object_get(create, "security"), *value;
	json_t *mask = json_array(), *ro = json_array();
	size_t i;

	for (i = 0; i < array_size(masked); i++)
		if (!record_is(create, "privileged") && !is_unmasked(security, masked[i]))
			push_matches(mask, masked[i]);
	for (i = 0; i < array_size(readonly); i++)
		if (!record_is(create, "privileged") && !is_unmasked(security, readonly[i]))
			record_push(ro, readonly[i]);
	json_array_foreach (json_object_get(security, "mask"), i, value)
		push_parts(mask, json_string_value(value), a);
	json_object_set_new(linux_part, "maskedPaths", mask);
	json_object_set_new(linux_part, "readonlyPaths", ro);
}
