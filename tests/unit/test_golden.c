/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Golden tests: what a request document is planned to, and the tables of nftables and of iptables on a
 * host that was empty before. A case is tests/golden/<case>.json with <case>.plan, <case>.nft and
 * <case>.iptables, or only some of them, and <case>.env for variables (lines NAME=value). The
 * document's "description" is the title. An .nft file may have some chains only. GOLDEN_UPDATE=1 rewrites the files that exist; for a new
 * case make them empty first. Documents with neither file belong to other tests.
 */

#include "tests/unit/unit.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>

#include "common/file.h"
#include "netavark/firewall/nft_map.h"
#include "tests/unit/planning.h"
#include "tests/unit/table.h"

#define DIRECTORY "tests/golden/"
#define FILE_MAX  (1u << 20)

struct golden {
	char *base, *kind, *title; /* path without suffix; ".plan", ".nft" or ".iptables" */
};

static struct arena arena; /* of names and titles */

static char *read_file(struct arena *a, const char *path)
{
	struct error err;
	char *text;

	return file_read(path, FILE_MAX, a, &text, NULL, &err) < 0 ? NULL : text;
}

/* Sets or unsets the variables of a case. */
static void set_environment(struct arena *a, const char *base, bool on)
{
	char *text = read_file(a, arena_printf(a, "%s.env", base)), **lines;
	size_t n = text ? text_split(a, text, '\n', &lines) : 0;

	for (size_t i = 0; i < n; i++) {
		char *equals = strchr(lines[i], '=');

		if (!equals)
			continue;
		*equals = '\0';
		if (on)
			setenv(lines[i], equals + 1, 1);
		else
			unsetenv(lines[i]);
	}
}

static void plan_document(struct planning *p, const char *base, const char *driver)
{
	const struct command_line line = {0};
	char *text = read_file(&arena, arena_printf(&arena, "%s.json", base));

	assert_non_null(text);
	if (planning_read(p, text) < 0)
		fail_msg("%s", p->err.text);
	set_environment(&p->arena, base, true);
	p->options = options_from(&line, &p->arena);
	if (options_read_dns_port(&p->options, &p->err) < 0 || planning_plan(p, driver, false) < 0)
		fail_msg("%s", p->err.text);
	set_environment(&p->arena, base, false);
}

/* The table of ports in maps, if the document wants it. */
static char *print_maps(const struct plan *plan)
{
	struct ruleset set = {.arena = plan->arena};
	struct element *all = NULL;
	size_t n = 0;

	for (size_t i = 0; i < plan->n_networks; i++) {
		struct fw_intent in = plan_intent(plan, &plan->networks[i]);
		struct element *list;
		size_t m = in.extras.layout == LAYOUT_MAP
				   ? nft_map_elements(&in, plan->arena, &list)
				   : 0;

		if (m && !set.n_rules)
			nft_map_base(&set);
		if (m)
			nft_map_network(&in, &set);
		for (size_t k = 0; k < m; k++) {
			all = arena_grow(plan->arena, all, n, sizeof(*all));
			all[n++] = list[k];
		}
	}
	return n ? nft_map_print(&set, all, n) : arena_strdup(plan->arena, "");
}

static char *print_table(const struct plan *plan)
{
	struct ruleset table = {.arena = plan->arena};

	for (size_t i = 0; i < plan->n_networks; i++) {
		if (!plan->networks[i].uses_firewall)
			continue;
		struct fw_intent in = plan_intent(plan, &plan->networks[i]);
		table_setup(&table, &in);
	}
	if (!table.n_chains)
		return arena_strdup(plan->arena, "");
	return arena_printf(plan->arena, "%s%s", ruleset_print(&table, NFT_TABLE),
			    print_maps(plan));
}

static char *print_xt(const struct plan *plan)
{
	struct ruleset tables[4];

	table_xt_init(tables, plan->arena);
	for (size_t i = 0; i < plan->n_networks; i++) {
		if (!plan->networks[i].uses_firewall)
			continue;
		struct fw_intent in = plan_intent(plan, &plan->networks[i]);
		table_xt_setup(tables, &in);
	}
	return table_xt_print(tables);
}

/* The lines that differ, between what is equal at both ends. */
static void print_difference(struct arena *a, const char *path, const char *wanted, const char *got)
{
	char **w, **g;
	size_t n = text_split(a, wanted, '\n', &w), m = text_split(a, got, '\n', &g), head = 0;

	while (head < n && head < m && strcmp(w[head], g[head]) == 0)
		head++;
	while (n > head && m > head && strcmp(w[n - 1], g[m - 1]) == 0) {
		n--;
		m--;
	}
	print_error("%s line %zu:\n", path, head + 1);
	for (size_t i = head; i < n; i++)
		print_error("-%s\n", w[i]);
	for (size_t i = head; i < m; i++)
		print_error("+%s\n", g[i]);
}

static void update(struct arena *a, const char *path, const char *text)
{
	struct error err;

	if (file_replace(path, arena_printf(a, "%s.tmp", path), text, strlen(text), a, NULL, &err))
		fail_msg("%s: %s", path, err.text);
}

static void golden_file_is_met(void **state)
{
	const struct golden *golden = *state;
	bool xt = strcmp(golden->kind, ".iptables") == 0;
	struct planning p;

	plan_document(&p, golden->base, xt ? "iptables" : "nftables");
	char *path = arena_printf(&p.arena, "%s%s", golden->base, golden->kind);
	char *wanted = read_file(&p.arena, path);
	char *got = xt ? print_xt(&p.plan)
		    : strcmp(golden->kind, ".plan") == 0
			    ? plan_print(&p.plan)
			    : table_excerpt(&p.arena, print_table(&p.plan), wanted);
	bool same = strcmp(wanted, got) == 0;

	if (!same && getenv("GOLDEN_UPDATE")) {
		update(&p.arena, path, got);
	} else if (!same) {
		print_difference(&p.arena, path, wanted, got);
		fail_msg("%s differs; GOLDEN_UPDATE=1 rewrites it", path);
	}
	planning_end(&p);
}

/* The description of the document, or its name. */
static char *title_of(const char *base)
{
	json_t *root = json_load_file(arena_printf(&arena, "%s.json", base), 0, NULL);
	const char *text = json_string_value(json_object_get(root, "description"));
	char *title = arena_strdup(&arena, text ? text : base + strlen(DIRECTORY));

	json_decref(root);
	return title;
}

static size_t find_cases(struct golden **out)
{
	static const char *const kinds[] = {".plan", ".nft", ".iptables"};
	glob_t found;
	size_t n = 0;

	*out = NULL;
	if (glob(DIRECTORY "*.json", 0, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *base = arena_strndup(&arena, found.gl_pathv[i],
					   strlen(found.gl_pathv[i]) - strlen(".json"));

		for (size_t k = 0; k < array_size(kinds); k++) {
			if (!file_exists(arena_printf(&arena, "%s%s", base, kinds[k])))
				continue;
			*out = arena_grow(&arena, *out, n, sizeof(**out));
			(*out)[n++] = (struct golden){
				.base = base,
				.kind = arena_strdup(&arena, kinds[k]),
				.title = arena_printf(&arena, "%s (%s%s)", title_of(base),
						      base + strlen(DIRECTORY), kinds[k]),
			};
		}
	}
	globfree(&found);
	return n;
}

int main(void)
{
	struct golden *cases;
	size_t n = find_cases(&cases);
	struct CMUnitTest *tests = arena_alloc(&arena, n * sizeof(*tests));

	for (size_t i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){
			.name = cases[i].title,
			.test_func = golden_file_is_met,
			.initial_state = &cases[i],
		};
	log_filter("off");
	int failed = n ? _cmocka_run_group_tests("golden", tests, n, NULL, NULL) : 1;
	arena_release(&arena);
	return failed;
}
