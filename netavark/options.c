/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/options.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "netavark/number.h"

#define PLUGIN_SECONDS	   60
#define PLUGIN_SECONDS_MAX 86400

enum {
	OPTION_FILE,
	OPTION_FIREWALL,
	OPTION_CONFIG,
	OPTION_ROOTLESS,
	OPTION_AARDVARK,
	OPTION_PLUGINS,
	OPTION_IPAM
};

static bool is_bool(const char *value)
{
	return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
}

const struct command_option options_table[] = {
	[OPTION_FILE] = {.letter = 'f',
			 .name = "file",
			 .metavar = "FILE",
			 .help = "Read the document from FILE instead of stdin"},
	[OPTION_FIREWALL] = {.name = "firewall-driver",
			     .metavar = "NAME",
			     .help = "nftables (default), iptables or none"},
	[OPTION_CONFIG] = {.letter = 'c',
			   .name = "config",
			   .metavar = "DIR",
			   .help = "Directory for the state of running containers"},
	[OPTION_ROOTLESS] = {.letter = 'r',
			     .name = "rootless",
			     .metavar = "BOOL",
			     .help = "Whether the caller is rootless: true or false",
			     .valid = is_bool},
	[OPTION_AARDVARK] = {.letter = 'a',
			     .name = "aardvark-binary",
			     .metavar = "PATH",
			     .help = "The program of the DNS server"},
	[OPTION_PLUGINS] = {.name = "plugin-directory",
			    .metavar = "DIR",
			    .repeatable = true,
			    .help = "Where to look for plugin drivers; may be repeated"},
	[OPTION_IPAM] = {.name = "ipam-dir",
			 .metavar = "DIR",
			 .help = "Directory of the built-in address management"},
};
const size_t options_count = array_size(options_table);

static char *lower(struct arena *a, const char *s)
{
	char *copy = arena_strdup(a, s);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

struct options options_from(const struct command_line *line, struct arena *a)
{
	const struct command_values *g = line->globals;
	const char *driver = command_value(&g[OPTION_FIREWALL], getenv("NETAVARK_FW"));

	return (struct options){
		.file = command_value(&g[OPTION_FILE], NULL),
		.config = command_value(&g[OPTION_CONFIG], NULL),
		.aardvark_binary =
			command_value(&g[OPTION_AARDVARK], "/usr/libexec/podman/aardvark-dns"),
		.ipam_dir = command_value(&g[OPTION_IPAM], getenv("NETAVARK_IPAM_DIR")),
		.firewall_driver = driver ? lower(a, driver) : NULL,
		.default_isolate = getenv("NETAVARK_DEFAULT_ISOLATE"),
		.plugin_dirs = g[OPTION_PLUGINS].list,
		.n_plugin_dirs = g[OPTION_PLUGINS].n,
		.rootless = strcmp(command_value(&g[OPTION_ROOTLESS], "false"), "true") == 0,
		.dns_port = 53,
	};
}

int options_read_dns_port(struct options *o, struct error *err)
{
	const char *text = getenv("NETAVARK_DNS_PORT"), *why;
	uint64_t port;

	if (!text)
		return 0;
	why = number_parse(text, UINT16_MAX, &port);
	if (why)
		return fail(err, EINVAL, "Invalid NETAVARK_DNS_PORT %s: %s", text, why);
	o->dns_port = (uint16_t)port;
	return 0;
}

int options_plugin_seconds(unsigned int *out, struct error *err)
{
	const char *text = getenv("NETAVARK_PLUGIN_TIMEOUT"), *why;
	uint64_t seconds = PLUGIN_SECONDS;

	why = text ? number_parse(text, PLUGIN_SECONDS_MAX, &seconds) : NULL;
	if (!why && !seconds)
		why = "it must be at least one second";
	if (why)
		return fail(err, EINVAL, "Invalid NETAVARK_PLUGIN_TIMEOUT %s: %s", text, why);
	*out = (unsigned int)seconds;
	return 0;
}

int options_main(const char *about, const struct command *commands, size_t n_commands, int argc,
		 char **argv)
{
	const struct program program = {
		.name = "netavark",
		.version = VERSION,
		.about = about,
		.options = options_table,
		.n_options = options_count,
		.commands = commands,
		.n_commands = n_commands,
	};
	const char *spec = getenv("NETAVARK_LOG");
	struct arena arena = {0};

	signal(SIGPIPE, SIG_IGN);
	log_filter(spec ? spec : getenv("RUST_LOG"));
	int status = command_main(&program, argc, argv, &arena);
	arena_release(&arena);
	return status;
}
