/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "aardvark-dns/wire.h"
#include "common/fault.h"
#include "common/log.h"

#define INTERNAL_SUFFIX "%int"
#define FRESH_SECONDS	2
#define COLUMNS_MAX	6		   /* more are never looked at */
#define FILE_MAX_BYTES	((size_t)64 << 20) /* 100 000 containers need about 15 MB */

/* --- One file --- */

/* A piece of the text; not terminated. */
struct span {
	const char *s;
	size_t len;
};

/* Takes what stands before the next separator off the front of *rest; false at the end. */
static bool span_next(struct span *rest, char sep, struct span *out)
{
	if (!rest->s)
		return false;
	const char *end = memchr(rest->s, sep, rest->len);
	*out = *rest;
	if (!end) {
		rest->s = NULL;
		return true;
	}
	out->len = (size_t)(end - rest->s);
	rest->len -= out->len + 1;
	rest->s = end + 1;
	return true;
}

/* How many elements a comma list has; an empty column has none. */
static size_t span_count(struct span list)
{
	size_t n = list.len ? 1 : 0;

	for (size_t i = 0; i < list.len; i++)
		n += list.s[i] == ',';
	return n;
}

static bool parse_addr(struct span s, struct addr *out)
{
	char text[ADDR_TEXT_MAX];

	if (s.len >= sizeof(text) || memchr(s.s, '\0', s.len))
		return false;
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	return addr_parse(text, out);
}

/* Appends a comma list of addresses. Family 0: both are fine. */
static bool parse_addrs(struct span column, int family, struct addr *list, size_t *n)
{
	struct span item;

	if (column.len == 0)
		return true;
	while (span_next(&column, ',', &item)) {
		struct addr addr;

		if (!parse_addr(item, &addr) || (family && addr.family != family))
			return false;
		list[(*n)++] = addr;
	}
	return true;
}

static bool parse_servers(struct span column, struct arena *a, struct addr **out, size_t *n)
{
	*n = 0;
	*out = arena_alloc(a, span_count(column) * sizeof(**out));
	return parse_addrs(column, 0, *out, n);
}

/* Splits a line. Returns the number of columns, which may be one more than out holds. */
static size_t split_columns(struct span line, struct span out[COLUMNS_MAX])
{
	size_t n = 0;

	while (n < COLUMNS_MAX && span_next(&line, ' ', &out[n]))
		n++;
	return n;
}

static int parse_header(struct span line, struct arena *a, struct config_network *out,
			struct error *err)
{
	struct span columns[COLUMNS_MAX];
	size_t n = split_columns(line, columns);

	if (!parse_servers(columns[0], a, &out->listen, &out->n_listen) || !out->n_listen)
		return fail(err, EINVAL, "the header has no valid list of addresses");
	if (n >= 2 &&
	    (!parse_servers(columns[1], a, &out->servers, &out->n_servers) || !out->n_servers))
		return fail(err, EINVAL, "the header has an invalid list of DNS servers");
	return 0;
}

static char *lower_copy(struct arena *a, struct span s)
{
	char *copy = arena_strndup(a, s.s, s.len);

	for (char *p = copy; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	return copy;
}

static void parse_names(const char *file, unsigned int line, struct span column, struct arena *a,
			struct config_entry *out)
{
	struct span item;

	out->names = arena_alloc(a, span_count(column) * sizeof(*out->names));
	while (column.len && span_next(&column, ',', &item)) {
		uint8_t wire[WIRE_NAME_MAX];
		size_t len = wire_name_from_text(item.s, item.len, wire);

		if (len)
			out->names[out->n_names++] = (struct name){arena_memdup(a, wire, len), len};
		else if (item.len)
			log_warn("%s:%u: '%.*s' cannot be a name, ignoring it", file, line,
				 item.len > 300 ? 300 : (int)item.len, item.s);
	}
}

static bool parse_entry(const char *file, unsigned int number, struct span line, struct arena *a,
			struct config_entry *out)
{
	struct span columns[COLUMNS_MAX];
	size_t n = split_columns(line, columns);
	struct config_entry e = {0};

	if (n < 4)
		return false;
	e.addrs = arena_alloc(a,
			      (span_count(columns[1]) + span_count(columns[2])) * sizeof(*e.addrs));
	if (!parse_addrs(columns[1], AF_INET, e.addrs, &e.n_addrs) ||
	    !parse_addrs(columns[2], AF_INET6, e.addrs, &e.n_addrs))
		return false;
	/* Upstream looks at a fifth column only if there is no sixth. */
	if (n == 5 && !parse_servers(columns[4], a, &e.servers, &e.n_servers))
		return false;
	e.id = lower_copy(a, columns[0]);
	parse_names(file, number, columns[3], a, &e);
	*out = e;
	return true;
}

int config_parse(const char *name, const char *text, size_t len, struct arena *a,
		 struct config_network *out, bool *out_suspect, struct error *err)
{
	struct span rest = {text, len}, line;
	struct config_network net = {0};
	unsigned int number = 0;
	bool suspect = false;

	while (span_next(&rest, '\n', &line)) {
		number++;
		if (line.len == 0)
			continue;
		if (!net.n_listen) {
			int r = parse_header(line, a, &net, err);
			if (r < 0)
				return r;
			continue;
		}
		struct config_entry entry;
		if (!parse_entry(name, number, line, a, &entry)) {
			log_warn("%s:%u: not a valid container line, ignoring it", name, number);
			suspect = true;
			continue;
		}
		net.entries = arena_grow(a, net.entries, net.n_entries, sizeof(*net.entries));
		net.entries[net.n_entries++] = entry;
	}
	if (!net.n_listen)
		return fail(err, EINVAL, "the file is empty");
	*out = net;
	*out_suspect = suspect;
	return 0;
}

/* --- The directory --- */

static struct config_stamp stamp_of(const struct stat *st)
{
	return (struct config_stamp){st->st_dev, st->st_ino, st->st_size, st->st_ctim};
}

static bool stamp_equal(const struct config_stamp *a, const struct config_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static int read_text(int fd, size_t size, struct arena *a, struct config_file *out,
		     struct error *err)
{
	size_t room = size + 1, len = 0;
	char *text = arena_alloc(a, room);

	/* A file that grows meanwhile is read as far as it went when we looked. */
	while (len + 1 < room) {
		ssize_t got = read(fd, text + len, room - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(err, errno, "%s", strerror(errno));
		if (got == 0)
			break;
		len += (size_t)got;
	}
	text[len] = '\0';
	out->text = text;
	out->len = len;
	return 0;
}

/* Reads one entry of the directory. Returns 1 if it is not one of ours: gone, or no plain file. */
static int read_entry(int dir, const char *path_name, struct arena *a, struct config_file *out,
		      struct error *err)
{
	struct stat st;
	/* Without O_NONBLOCK a FIFO would hold us up until somebody writes to it. */
	cleanup_close int fd = openat(dir, path_name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENXIO ? 1
							 : fail(err, errno, "%s", strerror(errno));
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return 1;
	if ((size_t)st.st_size > FILE_MAX_BYTES)
		return fail(err, EFBIG, "more than %zu bytes", FILE_MAX_BYTES);
	out->stamp = stamp_of(&st);
	return read_text(fd, (size_t)st.st_size, a, out, err);
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct config_file *)a)->name, ((const struct config_file *)b)->name);
}

static const struct config_file *find_file(const struct config *c, const char *name)
{
	struct config_file key = {.name = name};

	return c && c->n_files
		       ? bsearch(&key, c->files, c->n_files, sizeof(*c->files), compare_files)
		       : NULL;
}

/* The kernel's stamps are coarse: a file written to just now may be written to again unseen. */
static bool is_fresh(const struct config_stamp *stamp)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - stamp->changed.tv_sec < FRESH_SECONDS;
}

/* Takes over the text of a file that has not been written to since it was read. */
static bool take_unchanged(struct config *c, const struct config *old, int dir,
			   struct config_file *file)
{
	const struct config_file *before = find_file(old, file->name);
	struct stat st;

	if (!before || !before->text || before->suspect || before->fresh ||
	    strcmp(before->path_name, file->path_name) != 0 ||
	    fstatat(dir, file->path_name, &st, 0) < 0)
		return false;
	struct config_stamp now = stamp_of(&st);
	if (!stamp_equal(&before->stamp, &now))
		return false;
	file->stamp = now;
	file->text = arena_memdup(&c->arena, before->text, before->len + 1);
	file->len = before->len;
	return true;
}

/* The network's name, and whether the file's name calls it internal. */
static const char *network_name(struct arena *a, const char *path_name, bool *out_internal)
{
	size_t len = strlen(path_name), cut = strlen(INTERNAL_SUFFIX);

	*out_internal = len > cut && strcmp(path_name + len - cut, INTERNAL_SUFFIX) == 0;
	return arena_strndup(a, path_name, *out_internal ? len - cut : len);
}

static void add_file(struct config *c, const struct config *old, int dir, const char *path_name)
{
	struct config_file file = {.path_name = path_name};
	struct error err;
	int r = 0;

	file.name = network_name(&c->arena, path_name, &file.internal);
	if (!take_unchanged(c, old, dir, &file))
		r = read_entry(dir, path_name, &c->arena, &file, &err);
	if (r == 1)
		return;
	if (r < 0) {
		struct stat st;

		log_error("%s: cannot be read: %s", path_name, err.text);
		file.suspect = true;
		if (fstatat(dir, path_name, &st, 0) == 0)
			file.stamp = stamp_of(&st);
	}
	file.fresh = is_fresh(&file.stamp);
	file.path_name = arena_strdup(&c->arena, path_name);
	c->files = arena_grow(&c->arena, c->files, c->n_files, sizeof(*c->files));
	c->files[c->n_files++] = file;
}

/*
 * NAME and NAME%int may both exist while netavark renames: one network, internal if either says
 * so. The longer text is the one that is not being written.
 */
static void merge_twins(struct config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_files; i++) {
		struct config_file *last = n ? &c->files[n - 1] : NULL, *file = &c->files[i];

		if (!last || strcmp(last->name, file->name) != 0) {
			c->files[n++] = *file;
			continue;
		}
		bool internal = last->internal || file->internal;
		if (file->len > last->len)
			*last = *file;
		last->internal = internal;
		last->suspect = true;
	}
	c->n_files = n;
}

static int read_directory(const char *path, const struct config *old, struct config *c,
			  struct error *err)
{
	int r = fault("config_read", err);
	if (r < 0)
		return r;
	DIR *dir = opendir(path);
	if (!dir)
		return fail(err, errno, "cannot read the directory %s: %s", path, strerror(errno));
	for (struct dirent *e; (e = readdir(dir));)
		if (e->d_name[0] != '.' && strcmp(e->d_name, CONFIG_PID_FILE) != 0)
			add_file(c, old, dirfd(dir), e->d_name);
	closedir(dir);
	if (c->n_files)
		qsort(c->files, c->n_files, sizeof(*c->files), compare_files);
	merge_twins(c);
	return 0;
}

/* Falls back to the content that was in use. False if there is none. */
static bool use_old_text(struct config_file *file, const struct config *old, struct arena *a)
{
	const struct config_file *before = find_file(old, file->name);

	if (!before || !before->text)
		return false;
	file->text = arena_memdup(a, before->text, before->len + 1);
	file->len = before->len;
	return true;
}

/* The network of one file. False if there is nothing to serve. */
static bool parse_file(struct config *c, struct config_file *file, const struct config *old,
		       struct arena *scratch, struct config_network *out)
{
	struct error err = {0};
	bool suspect = false;

	if (!file->text || config_parse(file->path_name, file->text, file->len, scratch, out,
					&suspect, &err) < 0) {
		bool kept = use_old_text(file, old, &c->arena);

		if (file->text && err.code)
			log_error("%s: %s, %s", file->path_name, err.text,
				  kept ? "keeping the last good content" : "ignoring the file");
		file->suspect = true;
		if (!kept) {
			file->text = NULL;
			return false;
		}
		if (config_parse(file->path_name, file->text, file->len, scratch, out, &suspect,
				 &err) < 0)
			return false;
	}
	file->suspect = file->suspect || suspect;
	file->unfinished = file->text && file->len && file->text[file->len - 1] != '\n';
	out->name = file->name;
	out->internal = file->internal;
	return true;
}

static void warn_shared(const struct zones *z)
{
	for (size_t i = 0; i < z->n_listeners; i++)
		if (z->listeners[i].n_networks > 1)
			log_warn("the address %s belongs to %zu networks",
				 addr_str(&z->listeners[i].addr), z->listeners[i].n_networks);
}

int config_load(const char *dir, const struct config *old, struct config **out, struct error *err)
{
	struct config *c = calloc(1, sizeof(*c));
	if (!c)
		return fail(err, ENOMEM, "out of memory");
	int r = read_directory(dir, old, c, err);
	if (r < 0) {
		config_free(c);
		return r;
	}
	struct arena scratch = {0};
	struct config_network *networks = arena_alloc(&scratch, c->n_files * sizeof(*networks));
	size_t n = 0;
	for (size_t i = 0; i < c->n_files; i++)
		n += parse_file(c, &c->files[i], old, &scratch, &networks[n]);
	struct hash_key key = old ? old->zones->key : hash_key_random();
	c->zones = zones_build(&c->arena, &key, networks, n);
	arena_release(&scratch);
	warn_shared(c->zones);
	*out = c;
	return 0;
}

bool config_is_suspect(const struct config *c)
{
	for (size_t i = 0; i < c->n_files; i++)
		if (c->files[i].suspect)
			return true;
	return false;
}

bool config_is_unfinished(const struct config *c)
{
	for (size_t i = 0; i < c->n_files; i++)
		if (c->files[i].unfinished)
			return true;
	return false;
}

bool config_suspects_changed(const char *dir, const struct config *c)
{
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < c->n_files; i++) {
		struct stat st;

		if (!c->files[i].suspect && !c->files[i].unfinished)
			continue;
		if (fstatat(fd, c->files[i].path_name, &st, 0) < 0)
			return true;
		struct config_stamp now = stamp_of(&st);
		if (!stamp_equal(&now, &c->files[i].stamp))
			return true;
	}
	return false;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	arena_release(&c->arena);
	free(c);
}
