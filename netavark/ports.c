/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netavark/ports.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"

/* ---- reading ---- */

static struct port_mapping read_port(const struct reader *r)
{
	return (struct port_mapping){
		.host_ip = read_string(r, "host_ip"),
		.protocol = read_string(r, "protocol"),
		.host_port = read_u16(r, "host_port"),
		.container_port = read_u16(r, "container_port"),
		.range = read_u16(r, "range"),
		.at = *r,
	};
}

size_t ports_read(const struct reader *r, struct port_mapping **out)
{
	struct reader *items;
	size_t n = read_array_or_none(r, "port_mappings", &items);

	*out = arena_alloc(r->doc->arena, n * sizeof(**out));
	for (size_t i = 0; i < n; i++)
		(*out)[i] = read_port(&items[i]);
	return n;
}

/* ---- meaning ---- */

int ports_protocol(const char *name)
{
	if (strcmp(name, "tcp") == 0)
		return IPPROTO_TCP;
	if (strcmp(name, "udp") == 0)
		return IPPROTO_UDP;
	return strcmp(name, "sctp") == 0 ? IPPROTO_SCTP : -1;
}

static int check_port(const struct port_mapping *m, struct error *err)
{
	unsigned int extra = m->range ? m->range - 1u : 0;

	if (m->host_port == 0 || m->container_port == 0) {
		fail(err, EINVAL, "invalid port: 0");
		return reader_place(&m->at, m->host_port ? "container_port" : "host_port", err);
	}
	if (m->host_port + extra > UINT16_MAX) {
		fail(err, EINVAL, "invalid port range: host port %u with range %u exceeds 65535",
		     m->host_port, m->range);
		return reader_place(&m->at, "range", err);
	}
	if (m->container_port + extra > UINT16_MAX) {
		fail(err, EINVAL,
		     "invalid port range: container port %u with range %u exceeds 65535",
		     m->container_port, m->range);
		return reader_place(&m->at, "range", err);
	}
	return 0;
}

/* Which families and which address of the host a mapping holds for. */
static int read_host_ip(const struct port_mapping *m, struct fw_port *out, struct error *err)
{
	struct addr a = {0};

	if (*m->host_ip && !addr_parse(m->host_ip, &a))
		return fail(err, EINVAL, "invalid host ip \"%s\" provided for port %u", m->host_ip,
			    m->host_port);
	out->ipv4 = a.family != AF_INET6;
	out->ipv6 = a.family != AF_INET;
	if (a.family && !addr_is_zero(&a))
		out->host_addr = a;
	return 0;
}

/* "TCP, udp" gives two mappings; "" is tcp. */
static int add_protocols(struct arena *a, const struct port_mapping *m, struct fw_port port,
			 struct fw_port **list, size_t *n_list, struct error *err)
{
	char **words;
	size_t n = text_split(a, m->protocol, ',', &words);

	for (size_t i = 0; i < n; i++) {
		char *word = words[i] + strspn(words[i], " \t");

		word[strcspn(word, " \t")] = '\0';
		for (char *p = word; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		port.protocol = *m->protocol ? word : "tcp";
		int number = ports_protocol(port.protocol);
		if (number < 0) {
			fail(err, EINVAL, "unknown port protocol \"%s\"", word);
			return reader_place(&m->at, "protocol", err);
		}
		port.proto = (uint8_t)number;
		*list = arena_grow(a, *list, *n_list, sizeof(**list));
		(*list)[(*n_list)++] = port;
	}
	return 0;
}

int ports_add(struct arena *a, const struct port_mapping *m, struct fw_port **list, size_t *n,
	      struct error *err)
{
	struct fw_port port = {
		.host_ip = m->host_ip,
		.host_port = m->host_port,
		.container_port = m->container_port,
		.range = m->range,
	};
	int r = read_host_ip(m, &port, err);

	if (r == 0)
		r = check_port(m, err);
	return r < 0 ? r : add_protocols(a, m, port, list, n, err);
}
