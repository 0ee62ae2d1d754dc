/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::ports"
#include "engine/ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/addr.h"
#include "common/fault.h"
#include "common/log.h"
#include "engine/record.h"

#define RANGE_MAX 1024 /* ports of one mapping that are reserved one by one */

static const struct protocol {
	const char *name;
	int type, number;
} protocols[] = {
	{"tcp", SOCK_STREAM, IPPROTO_TCP},
	{"udp", SOCK_DGRAM, IPPROTO_UDP},
	{"sctp", SOCK_STREAM, IPPROTO_SCTP},
};

static const struct protocol *find_protocol(const char *name)
{
	for (size_t i = 0; i < array_size(protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	return NULL;
}

/* ---- what people write ---- */

struct range {
	int first, count;
};

static bool parse_port(const char *text, const char **end, int *out)
{
	char *stop;

	if (*text < '0' || *text > '9')
		return false;
	long n = strtol(text, &stop, 10);
	*end = stop;
	*out = (int)n;
	return n > 0 && n <= 65535;
}

static bool parse_range(const char *text, struct range *out)
{
	int last;

	if (!parse_port(text, &text, &out->first))
		return false;
	last = out->first;
	if (*text == '-' && !parse_port(text + 1, &text, &last))
		return false;
	out->count = last - out->first + 1;
	return !*text && out->count > 0;
}

/* Cuts "[addr]:" or "addr:" off, if there is one in front of the ports. */
static int take_address(const char *whole, char **rest, const char **address, struct error *err)
{
	char *colon = strchr(*rest, ':');
	struct addr parsed;

	*address = "";
	if (**rest == '[') {
		char *close = strchr(*rest, ']');

		if (!close || close[1] != ':')
			return fail(err, EINVAL, "port \"%s\": [ without ]:", whole);
		*close = '\0';
		*address = *rest + 1;
		*rest = close + 2;
	} else if (colon && strchr(colon + 1, ':')) {
		*colon = '\0';
		*address = *rest;
		*rest = colon + 1;
	}
	if (**address && !addr_parse(*address, &parsed))
		return fail(err, EINVAL, "port \"%s\": %s is not an IP address", whole, *address);
	return 0;
}

int ports_parse(const char *text, json_t *array, struct arena *a, struct error *err)
{
	char *rest = arena_strdup(a, text), *slash = strchr(rest, '/');
	const char *protocol = "tcp", *address;
	struct range host = {0, 0}, inside;

	if (slash) {
		*slash = '\0';
		protocol = slash + 1;
	}
	if (!find_protocol(protocol))
		return fail(err, EINVAL, "port \"%s\": the protocol must be tcp, udp or sctp",
			    text);
	int r = take_address(text, &rest, &address, err);
	if (r < 0)
		return r;
	char *colon = strchr(rest, ':');
	if (colon) {
		*colon = '\0';
		if (*rest && !parse_range(rest, &host))
			return fail(err, EINVAL, "port \"%s\": host port \"%s\"", text, rest);
		rest = colon + 1;
	}
	if (!parse_range(rest, &inside))
		return fail(err, EINVAL, "port \"%s\": container port \"%s\"", text, rest);
	if (host.first && host.count != inside.count)
		return fail(err, EINVAL,
			    "port \"%s\": %d ports of the host, but %d of the container", text,
			    host.count, inside.count);
	json_array_append_new(array,
			      json_pack("{s:s,s:i,s:i,s:i,s:s}", "host_ip", address, "host_port",
					host.first, "container_port", inside.first, "range",
					inside.count, "protocol", protocol));
	return 0;
}

char *ports_print(const json_t *mapping, struct arena *a)
{
	const char *ip = record_str(mapping, "host_ip");
	int host = (int)record_int(mapping, "host_port"), range = (int)record_int(mapping, "range");
	int inside = (int)record_int(mapping, "container_port");
	const char *open = strchr(ip, ':') ? "[" : "", *close = *open ? "]" : "";

	if (range <= 1)
		return arena_printf(a, "%s%s%s:%d->%d/%s", open, *ip ? ip : "0.0.0.0", close, host,
				    inside, record_str(mapping, "protocol"));
	return arena_printf(a, "%s%s%s:%d-%d->%d-%d/%s", open, *ip ? ip : "0.0.0.0", close, host,
			    host + range - 1, inside, inside + range - 1,
			    record_str(mapping, "protocol"));
}

/* ---- sockets ---- */

union any_addr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill(union any_addr *to, const struct addr *a, int port)
{
	memset(to, 0, sizeof(*to));
	if (a->family == AF_INET) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons((uint16_t)port);
		memcpy(&to->v4.sin_addr, a->bytes, 4);
		return sizeof(to->v4);
	}
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons((uint16_t)port);
	memcpy(&to->v6.sin6_addr, a->bytes, 16);
	return sizeof(to->v6);
}

/* A bound socket, -errno if that is impossible, or -EAFNOSUPPORT for what this kernel does not have. */
static int bind_one(const struct protocol *p, const struct addr *a, int port)
{
	const int on = 1;
	union any_addr to;
	socklen_t len = fill(&to, a, port);
	cleanup_close int fd = socket(a->family, p->type | SOCK_CLOEXEC, p->number);

	if (fd < 0)
		return errno == EPROTONOSUPPORT ? -EAFNOSUPPORT : -errno;
	if (a->family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, &to.sa, len) < 0)
		return a->family == AF_INET6 && errno == EADDRNOTAVAIL && addr_is_zero(a)
			       ? -EAFNOSUPPORT
			       : -errno;
	return steal_fd(&fd);
}

/* The addresses that a mapping is bound to: its own, or all of both families. */
static size_t addresses_of(const json_t *mapping, struct addr out[2])
{
	const char *ip = record_str(mapping, "host_ip");

	if (*ip && addr_parse(ip, &out[0]))
		return 1;
	addr_parse("0.0.0.0", &out[0]);
	addr_parse("::", &out[1]);
	return 2;
}

static int reserve_port(const json_t *mapping, int port, struct arena *a, struct ports *out,
			struct error *err)
{
	const struct protocol *p = find_protocol(record_str(mapping, "protocol"));
	struct addr list[2];
	size_t n = addresses_of(mapping, list);

	for (size_t i = 0; p && i < n; i++) {
		int fd = bind_one(p, &list[i], port);

		if (fd == -EAFNOSUPPORT)
			continue;
		if (fd == -EADDRINUSE)
			return fail(err, EADDRINUSE, "port %s:%d/%s: address already in use",
				    addr_str(&list[i]), port, p->name);
		if (fd < 0)
			return fail_errno(err, -fd, "port %s:%d/%s", addr_str(&list[i]), port,
					  p->name);
		out->fds = arena_grow(a, out->fds, out->n, sizeof(*out->fds));
		out->fds[out->n++] = fd;
	}
	return 0;
}

int ports_reserve(const json_t *array, struct arena *a, struct ports *out, struct error *err)
{
	const json_t *mapping;
	size_t i;
	int r = fault("ports_reserve", err);

	*out = (struct ports){0};
	json_array_foreach (array, i, mapping) {
		int first = (int)record_int(mapping, "host_port");
		int range = (int)record_int(mapping, "range");

		if (range > RANGE_MAX) {
			log_warn("ports %d-%d are not reserved: more than %d", first,
				 first + range - 1, RANGE_MAX);
			continue;
		}
		for (int n = 0; r == 0 && n < range; n++)
			r = reserve_port(mapping, first + n, a, out, err);
	}
	if (r < 0)
		ports_close(out);
	return r;
}

void ports_close(struct ports *p)
{
	for (size_t i = 0; i < p->n; i++)
		close(p->fds[i]);
	p->n = 0;
}

static int choose_one(json_t *mapping, struct error *err)
{
	const struct protocol *p = find_protocol(record_str(mapping, "protocol"));
	struct addr list[2];
	union any_addr got;
	socklen_t len = sizeof(got);

	addresses_of(mapping, list);
	cleanup_close int fd = p ? bind_one(p, &list[0], 0) : -EINVAL;
	if (fd < 0)
		return fail_errno(err, -fd, "choose a free port");
	if (getsockname(fd, &got.sa, &len) < 0)
		return fail_errno(err, errno, "choose a free port");
	in_port_t port = got.sa.sa_family == AF_INET ? got.v4.sin_port : got.v6.sin6_port;
	json_object_set_new(mapping, "host_port", json_integer(ntohs(port)));
	return 0;
}

int ports_choose(json_t *array, struct error *err)
{
	json_t *mapping;
	size_t i;
	int r = 0;

	json_array_foreach (array, i, mapping) {
		if (r == 0 && record_int(mapping, "host_port") == 0)
			r = choose_one(mapping, err);
		if (r == 0 &&
		    record_int(mapping, "host_port") + record_int(mapping, "range") > 65536)
			r = fail(err, EINVAL, "port %s: beyond 65535",
				 record_str(mapping, "protocol"));
	}
	return r;
}
