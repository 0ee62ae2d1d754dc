/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "netavark::sysctl"
#include "common/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"

#define VALUE_MAX 256

char *sysctl_of(struct arena *a, int family, const char *interface, const char *key)
{
	return arena_printf(a, "net/%s/conf/%s/%s", family == AF_INET ? "ipv4" : "ipv6", interface,
			    key);
}

void sysctl_add(struct arena *a, struct sysctl_setting **list, size_t *n, const char *name,
		const char *value)
{
	*list = arena_grow(a, *list, *n, sizeof(**list));
	(*list)[(*n)++] = (struct sysctl_setting){.name = name, .value = value};
}

/*
 * Opens for both if possible: a file that cannot be written can still be compared. The write
 * error is kept for the case that a write is needed.
 */
static int open_setting(const char *path, int *out_write_error)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	*out_write_error = 0;
	if (fd < 0 && (errno == EROFS || errno == EACCES || errno == EPERM)) {
		*out_write_error = errno;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	return fd;
}

bool sysctl_has(const char *name, const char *value, struct arena *a)
{
	struct error err;
	char *text;

	if (file_read(arena_printf(a, "/proc/sys/%s", name), VALUE_MAX, a, &text, NULL, &err) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, value) == 0;
}

static int write_value(const char *path, const char *value)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(value);

	return fd >= 0 && write(fd, value, (size_t)len) == len ? 0 : -1;
}

static int set_back(void *arg, struct error *err)
{
	const struct sysctl_setting *old = arg;

	/* A setting that is gone went with its interface. */
	if (write_value(old->name, old->value) < 0 && errno != ENOENT)
		return fail_errno(err, errno, "set %s", old->name);
	return 0;
}

int sysctl_set(const struct sysctl_setting *s, struct arena *a, struct undo *undo,
	       struct error *err)
{
	char *path = arena_printf(a, "/proc/sys/%s", s->name), old[VALUE_MAX];
	int write_error, r = fault("sysctl_set", err);

	if (r < 0)
		return wrap(err, "set sysctl %s", s->name);
	cleanup_close int fd = open_setting(path, &write_error);
	ssize_t got = fd < 0 ? -1 : read(fd, old, sizeof(old) - 1);
	if (got < 0)
		return fail_errno(err, errno, "set sysctl %s", s->name);
	while (got > 0 && (old[got - 1] == '\n' || old[got - 1] == ' '))
		got--;
	old[got] = '\0';
	if (strcmp(old, s->value) == 0)
		return 0;
	log_debug("setting %s from %s to %s", s->name, old, s->value);
	ssize_t len = (ssize_t)strlen(s->value);
	if (write_error || pwrite(fd, s->value, (size_t)len, 0) != len)
		return fail_errno(err, write_error ? write_error : errno, "set sysctl %s", s->name);

	struct sysctl_setting *back = arena_alloc(a, sizeof(*back));
	*back = (struct sysctl_setting){.name = path, .value = arena_strdup(a, old)};
	undo_push(undo, set_back, back, arena_printf(a, "sysctl %s", s->name));
	return 0;
}
