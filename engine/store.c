/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "tjalk::store"
#include "engine/store.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "common/text.h"

#define LOCK_SECONDS 60

int store_open(struct engine *e, struct error *err)
{
	const char *const below_root[] = {"containers", "names"};
	const char *const below_run[] = {"containers", "locks", "exits", "networks"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < array_size(below_root); i++)
		r = file_make_dirs(store_path(e, "%s", below_root[i]), 0700, err);
	if (r < 0)
		return wrap(err, "%s", e->root);
	for (size_t i = 0; r == 0 && i < array_size(below_run); i++)
		r = file_make_dirs(store_run_path(e, "%s", below_run[i]), 0700, err);
	return r < 0 ? wrap(err, "%s", e->runroot) : 0;
}

char *store_new_id(struct arena *a, struct error *err)
{
	unsigned char bytes[STORE_ID_LEN / 2];
	char *id = arena_alloc(a, STORE_ID_LEN + 1);

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		fail_errno(err, errno, "random bytes");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return id;
}

const char *store_short(struct arena *a, const char *id)
{
	return arena_printf(a, "%.*s", STORE_SHORT_LEN, id);
}

bool store_name_is_valid(const char *name)
{
	if (!isalnum((unsigned char)*name))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
			return false;
	return true;
}

char *store_path(const struct engine *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *tail = arena_vprintf(e->arena, fmt, args);
	va_end(args);
	return arena_printf(e->arena, "%s/%s", e->root, tail);
}

char *store_run_path(const struct engine *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *tail = arena_vprintf(e->arena, fmt, args);
	va_end(args);
	return arena_printf(e->arena, "%s/%s", e->runroot, tail);
}

char *store_file(const struct container *c, const char *name)
{
	return arena_printf(c->engine->arena, "%s/%s", c->dir, name);
}

char *store_run_file(const struct container *c, const char *name)
{
	return arena_printf(c->engine->arena, "%s/%s", c->run_dir, name);
}

/* ---- ids and names ---- */

static bool is_id(const char *s)
{
	return strlen(s) == STORE_ID_LEN && strspn(s, "0123456789abcdef") == STORE_ID_LEN;
}

/* The id that a name belongs to, or NULL. */
static const char *id_of_name(struct engine *e, const char *name)
{
	char *id = arena_alloc(e->arena, STORE_ID_LEN + 1);

	if (!store_name_is_valid(name) ||
	    readlink(store_path(e, "names/%s", name), id, STORE_ID_LEN + 1) != STORE_ID_LEN)
		return NULL;
	return is_id(id) ? id : NULL;
}

static bool exists(struct engine *e, const char *id)
{
	return file_exists(store_path(e, "containers/%s/create.json", id));
}

struct listed {
	const char *id;
	struct timespec made;
};

static int by_age(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	if (x->made.tv_sec != y->made.tv_sec)
		return x->made.tv_sec < y->made.tv_sec ? -1 : 1;
	if (x->made.tv_nsec != y->made.tv_nsec)
		return x->made.tv_nsec < y->made.tv_nsec ? -1 : 1;
	return strcmp(x->id, y->id);
}

/* ---- making and removing ---- */

/* Directories that are being made or removed begin with this; whoever does that holds a lock on them. */
#define UNFINISHED ".part-"

static int lock_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What somebody who was killed has left. */
static void sweep(const char *path)
{
	cleanup_close int fd = lock_directory(path);
	struct error err;

	if (fd >= 0 && file_remove_tree(path, NULL, &err) < 0)
		log_warn("%s: %s", path, err.text);
}

int store_make(struct engine *e, const char *id, const json_t *create, struct error *err)
{
	const char *part = store_path(e, "containers/" UNFINISHED "%s", id);
	cleanup_close int fd = -1;
	struct error ignored;
	int r = file_make_dirs(part, 0700, err);

	if (r == 0)
		fd = lock_directory(part);
	if (r == 0)
		r = record_write(&e->pool, arena_printf(e->arena, "%s/create.json", part), create,
				 err);
	if (r == 0)
		r = fault("store_make", err);
	if (r == 0 && rename(part, store_path(e, "containers/%s", id)) < 0)
		r = fail_errno(err, errno, "%s", part);
	if (r < 0 && file_remove_tree(part, NULL, &ignored) < 0)
		log_warn("%s: %s", part, ignored.text);
	return r;
}

int store_discard(struct engine *e, const char *id, struct error *err)
{
	const char *part = store_path(e, "containers/" UNFINISHED "%s", id);
	const char *dir = store_path(e, "containers/%s", id);
	cleanup_close int fd = lock_directory(dir);
	int r = fault("store_discard", err);

	(void)fd; /* held to the end, so that nobody sweeps what we are removing */
	if (r == 0 && rename(dir, part) < 0)
		r = fail_errno(err, errno, "%s", dir);
	if (r == 0)
		r = file_remove_tree(part, NULL, err);
	return r < 0 ? wrap(err, "remove %s", dir) : 0;
}

/* Those that begin with a text; create.json is never changed, so its time is that of the creation. */
static int list_ids(struct engine *e, const char *start, struct listed **out, size_t *out_n,
		    struct error *err)
{
	const char *path = store_path(e, "containers");
	DIR *dir = opendir(path);
	size_t n = 0, len = strlen(start);
	struct listed *list = NULL;
	struct stat st;

	if (!dir)
		return fail_errno(err, errno, "%s", path);
	for (struct dirent *d; (d = readdir(dir));) {
		if (text_starts_with(d->d_name, UNFINISHED))
			sweep(arena_printf(e->arena, "%s/%s", path, d->d_name));
		if (!is_id(d->d_name) || strncmp(d->d_name, start, len) != 0)
			continue;
		char *file = arena_printf(e->arena, "%s/create.json", d->d_name);
		if (fstatat(dirfd(dir), file, &st, 0) < 0)
			continue;
		list = arena_grow(e->arena, list, n, sizeof(*list));
		list[n++] = (struct listed){arena_strdup(e->arena, d->d_name), st.st_mtim};
	}
	closedir(dir);
	if (n)
		qsort(list, n, sizeof(*list), by_age);
	*out = list;
	*out_n = n;
	return 0;
}

int store_list(struct engine *e, const char ***out, struct error *err)
{
	struct listed *list;
	size_t n;
	int r = list_ids(e, "", &list, &n, err);

	if (r < 0)
		return r;
	const char **ids = arena_alloc(e->arena, (n + 1) * sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		ids[i] = list[i].id;
	*out = ids;
	return 0;
}

int store_find(struct engine *e, const char *what, const char **out_id, struct error *err)
{
	const char *id = id_of_name(e, what);
	struct listed *list;
	size_t n = 0;

	if (!id && is_id(what))
		id = what;
	if (id && exists(e, id)) {
		*out_id = id;
		return 0;
	}
	if (*what && strspn(what, "0123456789abcdef") == strlen(what)) {
		int r = list_ids(e, what, &list, &n, err);
		if (r < 0)
			return r;
	}
	if (n == 0)
		return fail(err, ENOENT, "no such container: %s", what);
	if (n > 1)
		return fail(err, EEXIST, "%s: %zu containers have an id that begins like that",
			    what, n);
	*out_id = list[0].id;
	return 0;
}

int store_take_name(struct engine *e, const char *name, const char *id, struct error *err)
{
	const char *path = store_path(e, "names/%s", name);
	int r = fault("store_take_name", err);

	if (r < 0)
		return r;
	for (int attempt = 0; attempt < 3; attempt++) {
		if (symlink(id, path) == 0)
			return 0;
		if (errno != EEXIST)
			return fail_errno(err, errno, "%s", path);
		const char *other = id_of_name(e, name);
		if (other && !exists(e, other) &&
		    !file_exists(store_path(e, "containers/%s", other))) {
			/* Whoever had it is gone, and was killed before it could give the name back. */
			unlink(path);
			continue;
		}
		return fail(err, EEXIST,
			    "the container name \"%s\" is already in use by %s; remove that one, "
			    "or use --replace",
			    name, other ? other : "another container");
	}
	return fail(err, EBUSY, "the name \"%s\" comes and goes", name);
}

void store_drop_name(struct engine *e, const char *name, const char *id)
{
	const char *owner = id_of_name(e, name);

	if (owner && strcmp(owner, id) == 0)
		unlink(store_path(e, "names/%s", name));
}

/* ---- locks and files ---- */

static int lock_file(const char *path, int *out_fd, struct error *err)
{
	cleanup_close int fd = -1;
	struct stat mine, there;

	for (;;) {
		int r = file_lock(path, LOCK_SECONDS, &fd, err);
		if (r < 0)
			return r;
		/* Somebody may have removed the file while we waited for it. */
		if (fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino)
			break;
		close(steal_fd(&fd));
	}
	*out_fd = steal_fd(&fd);
	return 0;
}

int store_lock_common(struct engine *e, const char *name, int *out_fd, struct error *err)
{
	return lock_file(store_run_path(e, "locks/%s", name), out_fd, err);
}

static int read_optional(struct engine *e, const char *path, json_t **out, struct error *err)
{
	int r = record_read(&e->pool, path, out, err);

	if (r == -ENOENT) {
		*out = NULL;
		return 0;
	}
	return r;
}

static int read_files(struct container *c, struct error *err)
{
	struct engine *e = c->engine;
	int r = record_read(&e->pool, store_file(c, "create.json"), &c->create, err);

	if (r == -ENOENT)
		return fail(err, ENOENT, "no such container: %s", c->id);
	if (r == 0)
		r = read_optional(e, store_file(c, "state.json"), &c->state, err);
	if (r == 0)
		r = read_optional(e, store_run_file(c, "run.json"), &c->run, err);
	if (r < 0)
		return r;
	if (!c->state)
		c->state = record_own(&e->pool, json_pack("{s:i}", "version", RECORD_VERSION));
	c->name = record_str(c->state, "name");
	if (!*c->name)
		c->name = record_str(c->create, "name");
	return 0;
}

int store_lock(struct container *c, struct error *err)
{
	int r = lock_file(store_run_path(c->engine, "locks/%s", c->id), &c->lock, err);

	if (r == 0)
		r = read_files(c, err);
	if (r < 0)
		store_close(c);
	return r;
}

int store_load(struct engine *e, const char *id, bool lock, struct container **out,
	       struct error *err)
{
	struct container *c = arena_alloc(e->arena, sizeof(*c));

	*c = (struct container){.engine = e, .id = id, .lock = -1};
	c->dir = store_path(e, "containers/%s", id);
	c->run_dir = store_run_path(e, "containers/%s", id);
	int r = lock ? store_lock(c, err) : read_files(c, err);
	if (r == 0)
		*out = c;
	return r;
}

int store_try_lock(struct container *c, struct error *err)
{
	const char *path = store_run_path(c->engine, "locks/%s", c->id);
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail_errno(err, errno, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fail(err, EWOULDBLOCK, "somebody is working on %s", c->id);
	c->lock = steal_fd(&fd);
	int r = read_files(c, err);
	if (r < 0)
		store_close(c);
	return r;
}

void store_close(struct container *c)
{
	if (c && c->lock >= 0)
		close(steal_fd(&c->lock));
}

int store_write_state(struct container *c, struct error *err)
{
	json_object_set_new(c->state, "version", json_integer(RECORD_VERSION));
	return record_write(&c->engine->pool, store_file(c, "state.json"), c->state, err);
}

int store_write_run(struct container *c, struct error *err)
{
	json_object_set_new(c->run, "version", json_integer(RECORD_VERSION));
	return record_write(&c->engine->pool, store_run_file(c, "run.json"), c->run, err);
}

int store_remove_run(struct container *c, struct error *err)
{
	/* run.json goes last: until then the next command knows that there is something to clean. */
	int r = file_remove_tree(c->run_dir, "run.json", err);

	return r < 0 ? wrap(err, "%s", c->run_dir) : 0;
}

int store_remove(struct container *c, struct error *err)
{
	struct engine *e = c->engine;
	int r = store_remove_run(c, err);

	if (r < 0)
		return r;
	store_drop_name(e, c->name, c->id);
	r = store_discard(e, c->id, err);
	if (r < 0)
		return r;
	unlink(store_run_path(e, "locks/%s", c->id));
	return 0;
}

char *store_now(struct arena *a)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900,
			    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			    now.tv_nsec);
}
