/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::commands"
#include <string.h>
#include <sys/utsname.h>

#include "common/file.h"
#include "common/process.h"
#include "common/text.h"
#include "engine/cgroup.h"
#include "engine/commands/commands.h"
#include "engine/network.h"

#define PROGRAM_SECONDS 10

const struct cli_option commands_version[] = {
	{'f', "format", "FORMAT", "json, or a field: {{.Version}}"},
	{0},
};

int command_version(struct engine *e, const struct cli_line *line, struct error *err)
{
	json_t *v = record_own(&e->pool, json_pack("[{s:s,s:s,s:s}]", "Version", VERSION,
						   "GitCommit", COMMIT, "OsArch", TARGET));
	const char *format = cli_value(line, "format", NULL);

	if (format)
		return commands_print(strcmp(format, "json") == 0 ? json_array_get(v, 0) : v,
				      format, e->arena, err);
	printf("tjalk version %s\n", VERSION);
	return 0;
}

/* The first line of what a program says about its version. */
static const char *version_of(struct engine *e, const char *path)
{
	const char *const argv[] = {path, "--version", NULL};
	struct process_answer answer;
	struct error ignored;

	if (!file_is_program(path) || process_ask((char *const *)argv, "", 65536, PROGRAM_SECONDS,
						  e->arena, &answer, &ignored) < 0)
		return "";
	return arena_strndup(e->arena, answer.text, strcspn(answer.text, "\n"));
}

static json_t *programs_of(struct engine *e)
{
	const struct {
		const char *name, *path, *package;
	} list[] = {
		{"runtime", e->runtime, "crun"},
		{"conmon", e->conmon, "conmon"},
		{"netavark", e->netavark, "netavark"},
		{"aardvark-dns", e->aardvark, "aardvark-dns"},
		{"init", e->init, "catatonit"},
	};
	json_t *programs = json_object();

	for (size_t i = 0; i < array_size(list); i++) {
		bool there = file_is_program(list[i].path);
		json_t *p =
			json_pack("{s:s,s:s}", "path", list[i].path, there ? "version" : "package",
				  there ? version_of(e, list[i].path) : list[i].package);

		json_object_set_new(programs, list[i].name, p);
	}
	return programs;
}

/* How many containers are in each state. */
static int count(struct engine *e, json_t *out, struct error *err)
{
	const char **ids;
	int r = store_list(e, &ids, err);

	for (; r == 0 && *ids; ids++) {
		struct container *c;

		if (store_load(e, *ids, false, &c, err) < 0)
			continue;
		const char *state = state_name(lifecycle_look(c).state);
		json_object_set_new(out, state, json_integer(record_int(out, state) + 1));
	}
	return r;
}

int command_info(struct engine *e, const struct cli_line *line, struct error *err)
{
	json_t *containers = json_object(), *list;
	struct cgroup_host host;
	struct utsname kernel;
	int r = cgroup_look(e->cgroup_manager, &host, err);

	uname(&kernel);
	if (r == 0)
		r = count(e, containers, err);
	if (r < 0) {
		json_decref(containers);
		return r;
	}
	json_t *info = json_pack("{s:s,s:{s:s,s:s,s:i,s:b,s:s},s:{s:s,s:s,s:s},s:o,s:o}", "version",
				 VERSION, "host", "kernel", kernel.release, "machine",
				 kernel.machine, "cgroupVersion", host.v2 ? 2 : 1, "cgroupHybrid",
				 host.hybrid, "cgroupManager", cgroup_manager_name(host.manager),
				 "store", "root", e->root, "runRoot", e->runroot, "config",
				 e->config, "programs", programs_of(e), "containers", containers);
	list = record_own(&e->pool, json_pack("[o]", info));
	return commands_print(cli_value(line, "format", NULL) ? list : info,
			      cli_value(line, "format", NULL), e->arena, err);
}
