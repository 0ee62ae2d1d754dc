/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netavark-dhcp-proxy-client: asks a DHCP proxy by hand, for tests and for finding out what is wrong.
 * The document is the "config" of netavark/dhcp_message.h.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/file.h"
#include "netavark/dhcp_call.h"
#include "netavark/dhcp_message.h"

enum { OPTION_UDS, OPTION_FILE };

static const struct command_option options[] = {
	[OPTION_UDS] = {.name = "uds",
			.metavar = "SOCKET",
			.help = "The proxy's socket, default " DHCP_MESSAGE_SOCKET},
	[OPTION_FILE] = {.letter = 'f',
			 .name = "file",
			 .metavar = "FILE",
			 .help = "Read the request from FILE instead of stdin"},
};

struct call {
	struct arena arena;
	struct document request, answer;
	struct error err;
};

static int read_request(struct call *c, const char *file, struct dhcp_config *out)
{
	char *text;
	size_t len;
	int r = file ? file_read(file, DHCP_MESSAGE_MAX, &c->arena, &text, &len, &c->err)
		     : file_read_fd(STDIN_FILENO, DHCP_MESSAGE_MAX, &c->arena, &text, &len,
				    &c->err);

	if (r < 0)
		return wrap(&c->err, "read %s", file ? file : "standard input");
	r = document_open(&c->request, &c->arena, text, len, &c->err);
	if (r < 0)
		return r;
	const struct reader root = document_root(&c->request);
	*out = dhcp_message_read_config(&root);
	return c->request.failed ? -c->err.code : 0;
}

static int ask(struct call *c, const struct command_line *line)
{
	const char *path = command_value(&line->globals[OPTION_UDS], DHCP_MESSAGE_SOCKET);
	struct dhcp_config config;
	cleanup_close int fd = -1;
	int r = read_request(c, command_value(&line->globals[OPTION_FILE], NULL), &config);

	if (r == 0)
		r = dhcp_call_open(path, &fd, &c->err);
	if (r == 0)
		r = dhcp_call_ask(fd, line->command->name, &config, &c->arena, &c->answer, &c->err);
	if (r < 0)
		return r;
	cleanup_free char *text =
		json_dumps(json_object_get(c->answer.root, "lease"), JSON_INDENT(2));
	puts(text ? text : "{}");
	return 0;
}

static int run(const struct command_line *line)
{
	struct call c = {0};
	const int r = ask(&c, line);

	if (r < 0)
		fprintf(stderr, "Error: %s\n", c.err.text);
	document_close(&c.answer);
	document_close(&c.request);
	arena_release(&c.arena);
	return r < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct command commands[] = {
		{.name = "setup", .run = run, .help = "Get a lease and print it"},
		{.name = "teardown", .run = run, .help = "Give the lease back and print it"},
	};
	const struct program program = {
		.name = "netavark-dhcp-proxy-client",
		.version = VERSION,
		.about = "Asks a netavark DHCP proxy by hand",
		.options = options,
		.n_options = array_size(options),
		.commands = commands,
		.n_commands = array_size(commands),
	};
	struct arena arena = {0};

	signal(SIGPIPE, SIG_IGN);
	int status = command_main(&program, argc, argv, &arena);
	arena_release(&arena);
	return status;
}
