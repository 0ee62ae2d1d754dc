/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aardvark-dns/control_client.h"
#include "aardvark-dns/daemon.h"
#include "common/arena.h"
#include "common/cleanup.h"
#include "common/command.h"
#include "common/log.h"

#define DEFAULT_PORT   "5533"
#define DEFAULT_SEARCH ".dns.podman"

enum { OPTION_CONFIG, OPTION_PORT, OPTION_SEARCH };

static bool parse_port(const char *text, uint16_t *out)
{
	unsigned int value = 0;

	if (!*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned int)(*text - '0');
	}
	*out = (uint16_t)value;
	return value <= UINT16_MAX;
}

static bool is_port(const char *text)
{
	uint16_t port;

	return parse_port(text, &port);
}

static const struct command_option options[] = {
	[OPTION_CONFIG] = {.letter = 'c',
			   .name = "config",
			   .metavar = "DIR",
			   .help = "Configuration directory"},
	[OPTION_PORT] = {.letter = 'p',
			 .name = "port",
			 .metavar = "N",
			 .help = "Port of all listeners (default " DEFAULT_PORT ")",
			 .valid = is_port},
	[OPTION_SEARCH] = {.letter = 'f',
			   .name = "filter-search-domain",
			   .metavar = "DOMAIN",
			   .help = "Search domain (default " DEFAULT_SEARCH ")"},
};

/*
 * RUST_LOG is the name that netavark knows. Understood are a level, and in a comma list also
 * aardvark_dns=LEVEL, which wins. False if there is no level at all.
 */
static bool level_from(const char *spec, enum log_level *out)
{
	char copy[256], *save = NULL;
	bool found = false, own = false;

	snprintf(copy, sizeof(copy), "%s", spec);
	for (char *part = strtok_r(copy, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
		enum log_level level;
		char *equals = strchr(part, '=');

		if (equals && strncmp(part, LOG_MODULE "=", sizeof(LOG_MODULE)) != 0)
			continue;
		if (!log_parse_level(equals ? equals + 1 : part, &level) || (own && !equals))
			continue;
		*out = level;
		found = true;
		own = own || equals;
	}
	return found;
}

static void set_log_level(void)
{
	const char *spec = getenv("RUST_LOG");
	enum log_level level = LOG_LEVEL_INFO;

	if (spec && !level_from(spec, &level))
		fprintf(stderr, "warning: RUST_LOG '%s' names no log level, using info\n", spec);
	log_filter(log_level_name(level));
}

static int run(const struct command_line *line)
{
	struct daemon_options o = {
		.dir = command_value(&line->globals[OPTION_CONFIG], NULL),
		.search = command_value(&line->globals[OPTION_SEARCH], DEFAULT_SEARCH),
	};

	if (!o.dir) {
		fprintf(stderr, "no configuration directory given, use --config\n");
		return 1;
	}
	if (!parse_port(command_value(&line->globals[OPTION_PORT], DEFAULT_PORT), &o.port))
		return 2;
	set_log_level();
	return daemon_start(&o);
}

enum { ASK_CONFIG, ASK_JSON, ASK_NETWORK, ASK_CONTAINER };

/* The commands that ask a running server. The last two are only for the statistics. */
static const struct command_option ask_options[] = {
	[ASK_CONFIG] = {.letter = 'c',
			.name = "config",
			.metavar = "DIR",
			.help = "Configuration directory of the server"},
	[ASK_JSON] = {.letter = 'j', .name = "json", .help = "Print JSON"},
	[ASK_NETWORK] = {.name = "network", .metavar = "NAME", .help = "Only this network"},
	[ASK_CONTAINER] = {.name = "container", .metavar = "ID", .help = "Only this container"},
};

static int ask(const struct command_line *line)
{
	const char *global = command_value(&line->globals[OPTION_CONFIG], NULL);
	struct control_request request = {
		.dir = command_value(&line->options[ASK_CONFIG], global),
		.command = line->command->name,
		.json = line->options[ASK_JSON].n > 0,
		.network = command_value(&line->options[ASK_NETWORK], NULL),
		.container = command_value(&line->options[ASK_CONTAINER], NULL),
	};

	if (!request.dir) {
		fprintf(stderr, "no configuration directory given, use --config\n");
		return 1;
	}
	return control_client_run(&request);
}

#define ASKING(command, text)                                                                      \
	{                                                                                          \
		.name = command, .args = {NULL}, .help = text, .options = ask_options,             \
		.n_options = ASK_NETWORK, .run = ask                                               \
	}

static int print_version(const struct command_line *line)
{
	(void)line;
	printf("{\n  \"version\": \"%s\",\n  \"commit\": \"%s\",\n  \"build_time\": \"%s\",\n"
	       "  \"target\": \"%s\"\n}\n",
	       VERSION, COMMIT, BUILD_TIME, TARGET);
	return 0;
}

static const struct command commands[] = {
	{.name = "run", .args = {NULL}, .help = "Start the server", .run = run},
	{.name = "version",
	 .args = {NULL},
	 .help = "Print the version as JSON",
	 .run = print_version},
	{.name = "stats",
	 .args = {NULL},
	 .help = "Print the counters of a running server",
	 .options = ask_options,
	 .n_options = array_size(ask_options),
	 .run = ask},
	ASKING("dump", "Print all names that a running server knows"),
	ASKING("log", "Print every query from now on"),
	ASKING("flush", "Empty the cache"),
	ASKING("reload", "Make a running server read its directory again"),
	ASKING("ping", "See whether a server runs"),
};

static const struct program program = {
	.name = "aardvark-dns",
	.version = VERSION,
	.about = "DNS server for container networks",
	.options = options,
	.n_options = array_size(options),
	.commands = commands,
	.n_commands = array_size(commands),
};

int main(int argc, char **argv)
{
	struct arena arena = {0};
	int status = command_main(&program, argc, argv, &arena);

	arena_release(&arena);
	return status;
}
