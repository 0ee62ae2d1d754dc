/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * From the text of a request to its plan, for tests. The standard document below is a container
 * on one network; a test case is this document with one piece of text replaced by another.
 */

#include <stdlib.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/text.h"
#include "netavark/plan.h"

/* Documents in C source are written with ' for ". */
#define STANDARD_DOCUMENT                                                                          \
	"{'container_id':'c0ffee','container_name':'web',"                                         \
	"'port_mappings':[{'host_ip':'','container_port':80,'host_port':8080,'range':1,"           \
	"'protocol':'tcp'}],"                                                                      \
	"'networks':{'blue':{'interface_name':'eth0','static_ips':['10.90.0.2']}},"                \
	"'network_info':{'blue':{'name':'blue','id':'aabbccdd00112233','driver':'bridge',"         \
	"'network_interface':'br-blue',"                                                           \
	"'subnets':[{'subnet':'10.90.0.0/24','gateway':'10.90.0.1'}],"                             \
	"'internal':false,'dns_enabled':false,'ipv6_enabled':false,'options':{}}}}"

struct planning {
	struct arena arena;
	struct document doc;
	struct request req;
	struct options options;
	struct plan plan;
	struct error err;
	bool read;	/* the request could be read */
	int logged;	/* lines at level warn and above */
	char line[512]; /* the last of them */
};

static struct planning *planning_of_log;

static inline void planning_note_line(enum log_level level, const char *module, const char *text)
{
	(void)module;
	if (level > LOG_LEVEL_WARN)
		return;
	planning_of_log->logged++;
	snprintf(planning_of_log->line, sizeof(planning_of_log->line), "%s", text);
}

static inline char *planning_quotes(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	return copy;
}

/* The standard document with the first from replaced by to. */
static inline char *planning_edit(struct arena *a, const char *from, const char *to)
{
	const char *at = strstr(STANDARD_DOCUMENT, from);

	if (!at)
		abort(); /* the test is wrong */
	return arena_printf(a, "%.*s%s%s", (int)(at - STANDARD_DOCUMENT), STANDARD_DOCUMENT, to,
			    at + strlen(from));
}

/* Reads a document (with ' for "). Returns 0 or -errno. */
static inline int planning_read(struct planning *p, const char *text)
{
	*p = (struct planning){.options = {.dns_port = 53, .config = "/run/test"}};
	char *json = planning_quotes(&p->arena, text);
	int r = document_open(&p->doc, &p->arena, json, strlen(json), &p->err);

	if (r == 0)
		r = request_read(&p->doc, &p->req, &p->err);
	p->read = r == 0;
	return r;
}

static inline int planning_read_edited(struct planning *p, const char *from, const char *to)
{
	struct arena a = {0};
	int r = planning_read(p, planning_edit(&a, from, to));

	arena_release(&a);
	return r;
}

/* Plans a request that has been read; what is logged meanwhile is counted. */
static inline int planning_plan(struct planning *p, const char *firewall, bool teardown)
{
	int r;

	planning_of_log = p;
	log_filter("warn");
	log_set_writer(planning_note_line);
	r = (teardown ? plan_teardown : plan_setup)(&p->req, &p->options, firewall, &p->arena,
						    &p->plan, &p->err);
	log_set_writer(NULL);
	return r;
}

/* Reads and plans the edited document as a setup with nftables. */
static inline int planning_of(struct planning *p, const char *from, const char *to)
{
	int r = planning_read_edited(p, from, to);

	return r < 0 ? r : planning_plan(p, "nftables", false);
}

static inline void planning_end(struct planning *p)
{
	document_close(&p->doc);
	arena_release(&p->arena);
}

/* The text of the error without line and column, which depend on the standard document. */
static inline char *planning_error(struct planning *p)
{
	char *text = arena_strdup(&p->arena, p->err.text), *at = strstr(text, " (line ");

	if (at)
		*at = '\0';
	return text;
}

/* A document that is refused while it is planned, and the text that says why. */
struct planning_row {
	const char *from, *to, *error;
};

static inline void planning_refuses(const struct planning_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct planning p;
		int r = planning_of(&p, rows[i].from, rows[i].to);

		if (!p.read)
			fail_msg("%s: not read: %s", rows[i].to, p.err.text);
		if (r == 0 || r != -p.err.code)
			fail_msg("%s: accepted", rows[i].to);
		assert_string_equal(planning_error(&p), rows[i].error);
		planning_end(&p);
	}
}
