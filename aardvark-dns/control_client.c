/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aardvark-dns/control_client.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "aardvark-dns/control.h"

/* --- Text for people --- */

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

static long long number_of(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_ping(json_t *reply)
{
	printf("version %s, pid %lld, up for %lld s\n", text_of(reply, "version"),
	       number_of(reply, "pid"), number_of(reply, "uptime_seconds"));
}

static void print_flush(json_t *reply)
{
	printf("%lld answers dropped from the cache\n", number_of(reply, "flushed"));
}

static void print_reload(json_t *reply)
{
	printf("%lld networks, %lld containers\n", number_of(reply, "networks"),
	       number_of(reply, "containers"));
}

static void print_counts(json_t *object)
{
	const char *key;
	json_t *value;
	bool first = true;

	json_object_foreach (object, key, value) {
		if (!json_integer_value(value))
			continue;
		printf("%s%s %lld", first ? "" : ", ", key, (long long)json_integer_value(value));
		first = false;
	}
	puts(first ? "none" : "");
}

static void print_tally(const char *title, json_t *tally)
{
	printf("%s: %lld queries, %lld by UDP, %lld by TCP, %lld without a reply\n", title,
	       number_of(tally, "queries"), number_of(tally, "udp"), number_of(tally, "tcp"),
	       number_of(tally, "unanswered"));
	printf("  types    ");
	print_counts(json_object_get(tally, "types"));
	printf("  codes    ");
	print_counts(json_object_get(tally, "rcodes"));
	printf("  answered by ");
	print_counts(json_object_get(tally, "sources"));
}

static void print_tallies(const char *kind, json_t *all)
{
	const char *key;
	json_t *tally;
	char title[1100];

	json_object_foreach (all, key, tally) {
		snprintf(title, sizeof(title), "%s %s", kind, key);
		print_tally(title, tally);
	}
}

static void print_upstreams(json_t *list)
{
	json_t *up;
	size_t i;

	json_array_foreach (list, i, up)
		printf("server %s by %s%s: %lld asked, %lld answered, %lld failed, "
		       "%lld wrong replies; "
		       "half within %.1f ms, 95%% %.1f ms, 99%% %.1f ms\n",
		       text_of(up, "server"), text_of(up, "transport"),
		       json_is_true(json_object_get(up, "working")) ? "" : ", not working",
		       number_of(up, "asked"), number_of(up, "answered"), number_of(up, "failed"),
		       number_of(up, "wrong"), (double)number_of(up, "p50_us") / 1000,
		       (double)number_of(up, "p95_us") / 1000,
		       (double)number_of(up, "p99_us") / 1000);
}

static void print_stats(json_t *reply)
{
	json_t *cache = json_object_get(reply, "cache");

	if (json_object_get(reply, "total")) {
		print_tally("all", json_object_get(reply, "total"));
		printf("  not answered as they were no queries: %lld; waiting for servers: %lld\n",
		       number_of(reply, "ignored"), number_of(reply, "waiting"));
	}
	print_tallies("network", json_object_get(reply, "networks"));
	print_tallies("container", json_object_get(reply, "containers"));
	if (cache)
		printf("cache: %lld answers, %lld of %lld bytes; %lld hits, %lld misses, "
		       "%lld driven out\n",
		       number_of(cache, "entries"), number_of(cache, "bytes"),
		       number_of(cache, "bytes_max"), number_of(cache, "hits"),
		       number_of(cache, "misses"), number_of(cache, "evicted"));
	print_upstreams(json_object_get(reply, "upstreams"));
}

static void print_list(const char *before, json_t *list)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		printf("%s%s", i ? "," : before, json_string_value(item));
}

static void print_network(json_t *net)
{
	json_t *host;
	size_t i;

	printf("network %s%s", text_of(net, "name"),
	       json_is_true(json_object_get(net, "internal")) ? ", internal" : "");
	print_list(", listening on ", json_object_get(net, "listen"));
	print_list(", DNS servers ", json_object_get(net, "dns_servers"));
	puts("");
	json_array_foreach (json_object_get(net, "hosts"), i, host) {
		printf("  %-16s %s", text_of(host, "address"), text_of(host, "container"));
		print_list(" ", json_object_get(host, "names"));
		print_list("  DNS servers ", json_object_get(host, "dns_servers"));
		puts("");
	}
}

static void print_dump(json_t *reply)
{
	json_t *net;
	size_t i;

	json_array_foreach (json_object_get(reply, "networks"), i, net)
		print_network(net);
	print_list("the host's DNS servers: ", json_object_get(reply, "host_dns_servers"));
	if (json_array_size(json_object_get(reply, "host_dns_servers")))
		puts("");
}

static void print_query(json_t *line)
{
	double seconds = json_real_value(json_object_get(line, "time"));
	time_t whole = (time_t)seconds;
	char when[32];
	struct tm tm;

	if (json_object_get(line, "lost")) {
		printf("(%lld queries left out)\n", number_of(line, "lost"));
		return;
	}
	localtime_r(&whole, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	printf("%s.%03d %s %s %s %s %s -> %s, %lld answers, %lld us, %s\n", when,
	       (int)((seconds - (double)whole) * 1000), text_of(line, "client"),
	       text_of(line, "address"), text_of(line, "transport"), text_of(line, "name"),
	       text_of(line, "type"), text_of(line, "rcode"), number_of(line, "answers"),
	       number_of(line, "microseconds"), text_of(line, "source"));
}

static const struct {
	const char *command;
	void (*print)(json_t *reply);
} printers[] = {
	{"ping", print_ping},	{"flush", print_flush}, {"reload", print_reload},
	{"stats", print_stats}, {"dump", print_dump},	{"log", print_query},
};

/* --- The exchange --- */

static int connect_to(const char *dir, struct error *err)
{
	cleanup_close int dir_fd = -1, fd = -1;
	struct sockaddr_un sa;
	int r = control_address(dir, &dir_fd, &sa, err);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return fail(err, errno, "no server answers at %s%s: %s", dir, CONTROL_SUFFIX,
			    strerror(errno));
	return steal_fd(&fd);
}

/* The line of a request; NULL if one of its words cannot stand in JSON. */
static char *request_line(const struct control_request *request)
{
	json_t *json = json_pack("{s:s,s:s*,s:s*}", "command", request->command, "network",
				 request->network, "container", request->container);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

/* Tells on stderr if a line is a refusal, or no reply at all; returns whether it is neither. */
static bool is_fine(const json_t *json)
{
	const char *refusal = json_string_value(json_object_get(json, "error"));

	if (!json || refusal)
		fprintf(stderr, "%s\n", refusal ? refusal : "the server's answer makes no sense");
	return json && !refusal;
}

/* Prints one line of the server, unless it is only that the log begins. False: a refusal. */
static bool print_line(const struct control_request *request, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	bool fine = is_fine(json), begins = json_is_true(json_object_get(json, "log"));

	for (size_t i = 0; fine && !begins && i < array_size(printers); i++) {
		if (strcmp(printers[i].command, request->command) != 0)
			continue;
		if (request->json)
			fputs(text, stdout);
		else
			printers[i].print(json);
	}
	json_decref(json);
	return fine;
}

int control_client_run(const struct control_request *request)
{
	bool log = strcmp(request->command, "log") == 0;
	cleanup_free char *line = NULL, *text = request_line(request);
	struct error err = {0};
	size_t room = 0;

	if (!text) {
		fprintf(stderr, "a name is not valid UTF-8\n");
		return 1;
	}
	int fd = connect_to(request->dir, &err);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");

	if (!in) {
		fprintf(stderr, "%s\n", fd < 0 ? err.text : "out of memory");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	bool fine = dprintf(fd, "%s\n", text) > 0;
	/* The server may have refused before it got the request. */
	if (getline(&line, &room, in) <= 0) {
		fprintf(stderr, "the server has not answered\n");
		fine = false;
	} else {
		fine = print_line(request, line) && fine;
	}
	signal(SIGPIPE, SIG_DFL);
	while (log && fine && getline(&line, &room, in) > 0) {
		print_line(request, line);
		if (fflush(stdout) != 0)
			break;
	}
	fclose(in);
	return !fine;
}
