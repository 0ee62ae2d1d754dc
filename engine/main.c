/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/fault.h"
#include "common/log.h"
#include "common/process.h"
#include "common/text.h"
#include "engine/cli.h"
#include "engine/commands/commands.h"
#include "engine/options.h"
#include "engine/shim.h"
#include "engine/store.h"

static const struct cli_option globals[] = {
	{0, "root", "DIR", "What lasts; /var/lib/tjalk"},
	{0, "runroot", "DIR", "What ends with the boot; /run/tjalk"},
	{0, "config", "DIR", "Configuration and networks; /etc/tjalk"},
	{0, "runtime", "PROGRAM", "OCI runtime; crun"},
	{0, "conmon", "PROGRAM", "Monitor; conmon"},
	{0, "netavark", "PROGRAM", "Network stack"},
	{0, "aardvark-dns", "PROGRAM", "Name server"},
	{0, "cgroup-manager", "MANAGER", "cgroupfs, systemd or disabled"},
	{0, "firewall-driver", "DRIVER", "For netavark"},
	{0, "log-level", "LEVEL", "error, warn, info, debug"},
	{0},
};

static const struct cli_command commands[] = {
	{.name = "attach",
	 .args = "CONTAINER",
	 .min_args = 1,
	 .max_args = 1,
	 .run = command_attach,
	 .options = {commands_attach},
	 .help = "Connect to a container that runs"},
	{.name = "create",
	 .args = "--rootfs DIRECTORY [COMMAND …]",
	 .min_args = 1,
	 .max_args = SIZE_MAX,
	 .stops = true,
	 .run = command_create,
	 .options = {options_create, options_limits, options_network},
	 .help = "Make a container, and do not start it"},
	{.name = "exec",
	 .args = "CONTAINER COMMAND …",
	 .min_args = 2,
	 .max_args = SIZE_MAX,
	 .stops = true,
	 .run = command_exec,
	 .options = {commands_exec},
	 .help = "Run a command in a container that runs"},
	{.name = "info",
	 .args = "",
	 .run = command_info,
	 .options = {commands_version},
	 .help = "Show the host and the programs that are used"},
	{.name = "inspect",
	 .args = "CONTAINER …",
	 .min_args = 1,
	 .max_args = SIZE_MAX,
	 .run = command_inspect,
	 .options = {commands_inspect},
	 .help = "Show everything about a container, as JSON"},
	{.name = "kill",
	 .args = "CONTAINER …",
	 .max_args = SIZE_MAX,
	 .run = command_kill,
	 .options = {commands_kill},
	 .help = "Send a signal to the first process"},
	{.name = "logs",
	 .args = "CONTAINER …",
	 .min_args = 1,
	 .max_args = SIZE_MAX,
	 .run = command_logs,
	 .options = {commands_logs},
	 .help = "Show what it has written"},
	{.name = "pause",
	 .args = "CONTAINER …",
	 .max_args = SIZE_MAX,
	 .run = command_pause,
	 .options = {commands_all},
	 .help = "Freeze all processes"},
	{.name = "port",
	 .args = "CONTAINER [PORT[/PROTO]]",
	 .min_args = 1,
	 .max_args = 2,
	 .run = command_port,
	 .help = "Show the published ports"},
	{.name = "ps",
	 .args = "",
	 .run = command_ps,
	 .options = {commands_ps},
	 .help = "List containers"},
	{.name = "rename",
	 .args = "CONTAINER NAME",
	 .min_args = 2,
	 .max_args = 2,
	 .run = command_rename,
	 .help = "Give another name"},
	{.name = "restart",
	 .args = "CONTAINER …",
	 .max_args = SIZE_MAX,
	 .run = command_restart,
	 .options = {commands_stop},
	 .help = "Stop and start"},
	{.name = "rm",
	 .args = "CONTAINER …",
	 .max_args = SIZE_MAX,
	 .run = command_rm,
	 .options = {commands_rm},
	 .help = "Remove containers"},
	{.name = "run",
	 .args = "--rootfs DIRECTORY [COMMAND …]",
	 .min_args = 1,
	 .max_args = SIZE_MAX,
	 .stops = true,
	 .run = command_run,
	 .options = {options_create, options_limits, options_network},
	 .help = "Make a container and start it"},
	{.name = "start",
	 .args = "CONTAINER …",
	 .max_args = SIZE_MAX,
	 .run = command_start,
	 .options = {commands_start},
	 .help = "Start containers"},
	{.name = "stop",
	 .args = "CONTAINER …",
	 .max_args = SIZE_MAX,
	 .run = command_stop,
	 .options = {commands_stop},
	 .help = "Stop containers"},
	{.name = "top",
	 .args = "CONTAINER",
	 .min_args = 1,
	 .max_args = 1,
	 .run = command_top,
	 .help = "Show the processes"},
	{.name = "unpause",
	 .args = "CONTAINER …",
	 .max_args = SIZE_MAX,
	 .run = command_unpause,
	 .options = {commands_all},
	 .help = "Let frozen processes go on"},
	{.name = "update",
	 .args = "CONTAINER",
	 .min_args = 1,
	 .max_args = 1,
	 .run = command_update,
	 .options = {options_limits},
	 .help = "Change the limits of a container that runs"},
	{.name = "version",
	 .args = "",
	 .run = command_version,
	 .options = {commands_version},
	 .help = "Show the version"},
	{.name = "wait",
	 .args = "CONTAINER …",
	 .min_args = 1,
	 .max_args = SIZE_MAX,
	 .run = command_wait,
	 .options = {commands_wait},
	 .help = "Wait for the end and print the exit status"},
	{.name = "container exists",
	 .args = "CONTAINER",
	 .min_args = 1,
	 .max_args = 1,
	 .run = command_exists,
	 .help = "Exit with 0 if there is such a container, else with 1"},
	{.name = "container list",
	 .args = "",
	 .run = command_ps,
	 .options = {commands_ps},
	 .help = "The same as ps"},
	{.name = "container ls",
	 .args = "",
	 .run = command_ps,
	 .options = {commands_ps},
	 .help = "The same as ps",
	 .hidden = true},
	{.name = "container cleanup",
	 .args = "CONTAINER",
	 .min_args = 1,
	 .max_args = 1,
	 .run = command_cleanup,
	 .help = "Clean up after a container that has ended"},
	{.name = "network connect",
	 .args = "NETWORK CONTAINER",
	 .min_args = 2,
	 .max_args = 2,
	 .run = command_network_connect,
	 .options = {commands_network_connect},
	 .help = "Connect a container to a network"},
	{.name = "network create",
	 .args = "[NAME]",
	 .max_args = 1,
	 .run = command_network_create,
	 .options = {commands_network_create},
	 .help = "Make a network"},
	{.name = "network disconnect",
	 .args = "NETWORK CONTAINER",
	 .min_args = 2,
	 .max_args = 2,
	 .run = command_network_disconnect,
	 .help = "Take a container out of a network"},
	{.name = "network exists",
	 .args = "NETWORK",
	 .min_args = 1,
	 .max_args = 1,
	 .run = command_network_exists,
	 .help = "Exit with 0 if there is such a network, else with 1"},
	{.name = "network inspect",
	 .args = "NETWORK …",
	 .min_args = 1,
	 .max_args = SIZE_MAX,
	 .run = command_network_inspect,
	 .options = {commands_inspect},
	 .help = "Show networks and who is in them, as JSON"},
	{.name = "network ls",
	 .args = "",
	 .run = command_network_ls,
	 .options = {commands_network_ls},
	 .help = "List networks"},
	{.name = "network prune",
	 .args = "",
	 .run = command_network_prune,
	 .options = {commands_network_rm},
	 .help = "Remove the networks that nobody uses"},
	{.name = "network reload",
	 .args = "[CONTAINER …]",
	 .max_args = SIZE_MAX,
	 .run = command_network_reload,
	 .options = {commands_all},
	 .help = "Put back firewall rules that something else has removed"},
	{.name = "network rm",
	 .args = "NETWORK …",
	 .min_args = 1,
	 .max_args = SIZE_MAX,
	 .run = command_network_rm,
	 .options = {commands_network_rm},
	 .help = "Remove networks"},
	{.name = "network update",
	 .args = "NETWORK",
	 .min_args = 1,
	 .max_args = 1,
	 .run = command_network_update,
	 .options = {commands_network_update},
	 .help = "Change the name servers of a network"},
	{0},
};

/* ---- where programs are ---- */

static const char *first_of(const char *const *paths)
{
	for (; paths[1]; paths++)
		if (access(paths[0], X_OK) == 0)
			break;
	return paths[0];
}

static const char *program(struct engine *e, const struct cli_line *line, const json_t *config,
			   const char *name, const char *const *paths)
{
	const char *value = cli_value(line, name, NULL);

	if (!value && *record_str(config, name))
		value = record_str(config, name);
	if (!value)
		return first_of(paths);
	if (strchr(value, '/'))
		return value;
	const char *found = process_find_in_path(e->arena, value);
	return found ? found : value;
}

static const char *const runtimes[] = {"/usr/bin/crun", "/usr/local/bin/crun", "/usr/sbin/runc",
				       NULL};
static const char *const conmons[] = {"/usr/bin/conmon", "/usr/libexec/podman/conmon", NULL};
static const char *const netavarks[] = {"/usr/local/libexec/podman/netavark",
					"/usr/libexec/podman/netavark", "/usr/lib/podman/netavark",
					NULL};
static const char *const aardvarks[] = {"/usr/local/libexec/podman/aardvark-dns",
					"/usr/libexec/podman/aardvark-dns",
					"/usr/lib/podman/aardvark-dns", NULL};
static const char *const inits[] = {"/usr/bin/catatonit", "/usr/libexec/podman/catatonit", NULL};

static const char *absolute(struct engine *e, const char *path)
{
	char here[PATH_MAX];

	if (*path == '/' || !getcwd(here, sizeof(here)))
		return path;
	return arena_printf(e->arena, "%s/%s", here, path);
}

static int open_engine(struct engine *e, const struct cli_line *line, struct error *err)
{
	char self[PATH_MAX] = "";
	json_t *config = NULL;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return fail_errno(err, errno, "/proc/self/exe");
	e->self = arena_strdup(e->arena, self);
	e->root = absolute(e, cli_value(line, "root", "/var/lib/tjalk"));
	e->runroot = absolute(e, cli_value(line, "runroot", "/run/tjalk"));
	e->config = absolute(e, cli_value(line, "config", "/etc/tjalk"));
	int r = record_read(&e->pool, arena_printf(e->arena, "%s/tjalk.json", e->config), &config,
			    err);
	if (r < 0 && r != -ENOENT)
		return r;
	e->runtime = program(e, line, config, "runtime", runtimes);
	e->conmon = program(e, line, config, "conmon", conmons);
	e->netavark = program(e, line, config, "netavark", netavarks);
	e->aardvark = program(e, line, config, "aardvark-dns", aardvarks);
	e->init = first_of(inits);
	e->cgroup_manager = cli_value(line, "cgroup-manager", NULL);
	e->firewall_driver = cli_value(line, "firewall-driver", NULL);
	return store_open(e, err);
}

/* ---- messages ---- */

static void write_log(enum log_level level, const char *module, const char *text)
{
	(void)module;
	fprintf(stderr, "%s: %s\n", level == LOG_LEVEL_WARN ? "Warning" : log_level_name(level),
		text);
}

static int run(struct engine *e, const struct cli_line *line, struct error *err)
{
	int r = open_engine(e, line, err);

	if (r == 0)
		r = line->command->run(e, line, err);
	return r;
}

/* For shell completion: "tjalk __words WORD …" prints what may come next. */
static int print_words(const struct cli_program *program, int argc, char **argv)
{
	cli_words(program, argv + 2, (size_t)argc - 2, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	const struct cli_program program = {
		.name = "tjalk",
		.version = VERSION,
		.about = "Runs containers",
		.globals = globals,
		.commands = commands,
	};
	struct arena arena = {0};
	struct engine e = {.arena = &arena, .pool = {.arena = &arena}, .status = 125};
	struct cli_line line;
	struct error err = {0};

	if (argc > 1 && text_starts_with(argv[1], SHIM_OPTION))
		return shim_main(argv);
	if (argc > 1 && strcmp(argv[1], "__words") == 0)
		return print_words(&program, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	fault_take("TJALK_FAULT");
	log_set_writer(write_log);
	log_filter("warn");
	int status = cli_parse(&program, argc, argv, &arena, &line, &err);
	if (status == 0 && line.version)
		printf("tjalk version %s\n", VERSION);
	else if (status == 0 && (line.help || !line.command))
		cli_help(&line, stdout);
	else if (status == 0) {
		log_filter(cli_value(&line, "log-level", "warn"));
		status = run(&e, &line, &err);
	}
	if (status < 0) {
		fprintf(stderr, "Error: %s\n", err.text);
		status = e.status;
	}
	record_release(&e.pool);
	arena_release(&arena);
	return fflush(stdout) != 0 ? 125 : status;
}
