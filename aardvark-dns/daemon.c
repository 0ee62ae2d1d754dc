/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aardvark-dns/clock.h"
#include "aardvark-dns/config.h"
#include "aardvark-dns/control.h"
#include "aardvark-dns/mounts.h"
#include "aardvark-dns/pidfile.h"
#include "aardvark-dns/privileges.h"
#include "aardvark-dns/sandbox.h"
#include "aardvark-dns/server.h"
#include "aardvark-dns/syslog.h"
#include "common/fault.h"

#define LOOK_AGAIN_FIRST_MS 50
#define LOOK_AGAIN_MAX_MS   1000
#define CACHE_BYTES_MAX	    (1u << 30)

struct daemon {
	const char *dir, *pid_path; /* absolute */
	size_t cache_bytes;
	enum sandbox sandbox;
	struct pidfile pidfile;
	struct service service;
	struct server *server;
	struct config *config; /* in force; NULL before the first */
	int signals;	       /* signalfd(2); they are blocked otherwise */
	struct event *on_signals;
	struct control *control;  /* NULL: there is none */
	struct event *look_again; /* at files that are not as they should be */
	unsigned int look_again_ms;
};

/* --- Reload --- */

static void set_look_again(struct daemon *d, unsigned int ms)
{
	struct timeval wait = clock_ms(ms);

	d->look_again_ms = ms;
	event_add(d->look_again, &wait);
}

/* Puts a configuration into force. It owns c from now on. */
static int apply(struct daemon *d, struct config *c, struct error *err)
{
	int r = server_apply(d->server, c->zones, err);

	config_free(d->config);
	d->config = c;
	if (config_is_suspect(c) || config_is_unfinished(c))
		set_look_again(d, LOOK_AGAIN_FIRST_MS);
	else
		event_del(d->look_again);
	/* The old snapshot may have been large. */
	malloc_trim(0);
	log_debug("serving %zu networks on %zu addresses", c->zones->n_networks,
		  c->zones->n_listeners);
	return r;
}

/* Nothing is left to serve. Files that cannot be read are something. */
static bool is_empty(const struct config *c)
{
	return c->zones->n_listeners == 0 && c->n_files == 0;
}

static bool take_signal(const struct daemon *d, uint32_t *out)
{
	struct signalfd_siginfo info;

	if (read(d->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	*out = info.ssi_signo;
	return true;
}

/*
 * Leaves, as there is nothing to serve. netavark may already be writing the next file: it finds
 * either no pid file, and starts a server, or ours, and then its signal still reaches us.
 * Returns true if the directory is to be read again.
 */
static bool leave(struct daemon *d)
{
	struct config *c = NULL;
	struct error err = {0};
	uint32_t signal_number;

	server_close(d->server);
	if (config_load(d->dir, NULL, &c, &err) == 0 && !is_empty(c)) {
		config_free(c);
		return true;
	}
	config_free(c);
	pidfile_remove(&d->pidfile);
	if (!take_signal(d, &signal_number) || signal_number != SIGHUP ||
	    pidfile_take(d->dir, d->pid_path, &d->pidfile, &err) != 0) {
		log_info("no network is left, leaving");
		event_base_loopbreak(d->service.base);
		return false;
	}
	pidfile_ready(&d->pidfile);
	return true;
}

/* Returns true if it is to be done once more. */
static bool reload_once(struct daemon *d, bool *out_read)
{
	struct config *c;
	struct error err = {0};

	service_refresh(&d->service);
	if (config_load(d->dir, d->config, &c, &err) < 0) {
		log_error("reload: %s", err.text);
		*out_read = false;
		return false;
	}
	*out_read = true;
	bool empty = is_empty(c);
	if (apply(d, c, &err) < 0)
		log_error("reload: %s", err.text);
	return empty && leave(d);
}

static bool reload(struct daemon *d)
{
	bool was_read;

	while (reload_once(d, &was_read))
		;
	return was_read;
}

static bool on_reload_request(void *arg)
{
	return reload(arg);
}

static void on_look_again(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	unsigned int next = d->look_again_ms * 2;

	(void)fd;
	(void)what;
	if (config_suspects_changed(d->dir, d->config))
		reload(d);
	else if (config_is_suspect(d->config))
		set_look_again(d, next < LOOK_AGAIN_MAX_MS ? next : LOOK_AGAIN_MAX_MS);
}

/* Several SIGHUP at once arrive as one; one that comes while we reload arrives afterwards. */
static void on_signals(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	uint32_t number;

	(void)fd;
	(void)what;
	if (!take_signal(d, &number))
		return;
	if (number == SIGHUP) {
		reload(d);
	} else {
		log_info("received signal %u, leaving", number);
		event_base_loopbreak(d->service.base);
	}
}

/* --- Start --- */

/* From here on SIGHUP is harmless; the pid file must not exist before. */
static int block_signals(struct daemon *d, struct error *err)
{
	static const int ignored[] = {SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM};
	sigset_t set;

	for (size_t i = 0; i < array_size(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->signals < 0 ? fail_errno(err, errno, "signalfd") : 0;
}

static int make_loop(struct daemon *d, struct error *err)
{
	d->service.base = event_base_new();
	if (!d->service.base)
		return fail(err, ENOMEM, "cannot set up the event loop");
	d->service.cache = cache_new(d->cache_bytes);
	d->service.stats = stats_new();
	if (!d->service.cache || !d->service.stats)
		return fail(err, ENOMEM, "out of memory");
	int r = forwarder_new(d->service.base, d->service.cache, &d->service.forwarder, err);
	if (r == 0)
		r = server_new(&d->service, &d->server, err);
	if (r < 0)
		return r;
	d->on_signals = event_new(d->service.base, d->signals, EV_READ | EV_PERSIST, on_signals, d);
	d->look_again = evtimer_new(d->service.base, on_look_again, d);
	if (!d->on_signals || !d->look_again || event_add(d->on_signals, NULL) < 0)
		return fail(err, ENOMEM, "cannot set up the event loop");
	return 0;
}

/* A server without it is better than none. */
static void open_control(struct daemon *d)
{
	struct control_owner owner = {.reload = on_reload_request, .arg = d};
	struct error err;

	if (control_open(d->dir, &d->service, &owner, &d->control, &err) < 0)
		log_warn("no control socket: %s", err.text);
}

static int serve(struct daemon *d, struct error *err)
{
	struct config *c;
	int r = config_load(d->dir, NULL, &c, err);

	if (r < 0)
		return r;
	if (c->zones->n_listeners == 0) {
		size_t n = c->n_files;

		config_free(c);
		return fail(err, ENOENT, "no usable network configuration in %s (%zu files)",
			    d->dir, n);
	}
	service_refresh(&d->service);
	return apply(d, c, err);
}

/* Four descriptors for each dual-stack network: the usual soft limit is soon reached. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Whoever reads our stderr through a pipe waits for its end. */
static int detach(struct error *err)
{
	setsid();
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, errno, "open /dev/null");
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	return chdir("/") < 0 ? fail_errno(err, errno, "chdir /") : 0;
}

static void release(struct daemon *d)
{
	control_close(d->control);
	server_free(d->server);
	forwarder_free(d->service.forwarder);
	cache_free(d->service.cache);
	stats_free(d->service.stats);
	attached_forget(&d->service.attached);
	if (d->on_signals)
		event_free(d->on_signals);
	if (d->look_again)
		event_free(d->look_again);
	if (d->service.base)
		event_base_free(d->service.base);
	config_free(d->config);
	pidfile_remove(&d->pidfile);
	if (d->signals >= 0)
		close(d->signals);
}

/* Returns 1 if another server does the work. */
static int set_up(struct daemon *d, struct error *err)
{
	int r = block_signals(d, err);

	if (r == 0)
		mounts_isolate(d->dir);
	if (r == 0)
		r = pidfile_take(d->dir, d->pid_path, &d->pidfile, err);
	if (r != 0)
		return r;
	raise_file_limit();
	r = make_loop(d, err);
	if (r == 0)
		r = serve(d, err);
	if (r == 0)
		open_control(d);
	if (r == 0)
		r = privileges_drop(err);
	/* While there is somebody to tell about a failure; what detach() needs is on its list. */
	if (r == 0)
		r = sandbox_enter(d->sandbox, err);
	if (r == 0)
		r = detach(err);
	return r;
}

static void tell_ready(int fd)
{
	while (write(fd, "", 1) < 0 && errno == EINTR)
		;
	close(fd);
}

static int run_child(struct daemon *d, int ready_fd)
{
	struct error err = {0};
	int r = set_up(d, &err);

	if (r < 0) {
		log_error("%s", err.text);
		fprintf(stderr, "%s\n", err.text);
	}
	if (r == 0)
		pidfile_ready(&d->pidfile);
	if (r >= 0)
		tell_ready(ready_fd);
	if (r == 0) {
		log_info("started, listening on %zu addresses", d->config->zones->n_listeners);
		event_base_dispatch(d->service.base);
	}
	release(d);
	return r < 0;
}

/* The caller waits for us, we wait for the child. */
static int run_parent(pid_t child, int ready_fd)
{
	char byte;
	int status = 0;
	ssize_t got;

	do {
		got = read(ready_fd, &byte, 1);
	} while (got < 0 && errno == EINTR);
	if (got == 1)
		return 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		fprintf(stderr, "the server was killed by signal %d while it started\n",
			WTERMSIG(status));
	return 1;
}

/* Callers wait for the end of what they have open; we must not hold on to any of it. */
static void close_inherited(void)
{
	DIR *dir;

	if (close_range(3, ~0u, 0) == 0)
		return;
	dir = opendir("/proc/self/fd");
	for (struct dirent *e; dir && (e = readdir(dir));) {
		long fd = strtol(e->d_name, NULL, 10);

		if (fd > 2 && fd != dirfd(dir))
			close((int)fd);
	}
	if (dir)
		closedir(dir);
}

/* These reach c-ares, which must do only what we tell it. */
static void clean_environment(void)
{
	static const char *const names[] = {"RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES",
					    "CARES_HOSTS"};

	for (size_t i = 0; i < array_size(names); i++)
		unsetenv(names[i]);
}

/* We change to the root directory, so a relative path would lose its meaning. */
static char *absolute(struct arena *a, const char *path)
{
	cleanup_free char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);

	return cwd ? arena_printf(a, "%s/%s", cwd, path) : arena_strdup(a, path);
}

static int start(struct daemon *d)
{
	int ready[2];

	if (pipe2(ready, O_CLOEXEC) < 0) {
		fprintf(stderr, "cannot make a pipe: %s\n", strerror(errno));
		return 1;
	}
	pid_t child = fork();
	if (child < 0) {
		fprintf(stderr, "cannot fork: %s\n", strerror(errno));
		return 1;
	}
	if (child == 0) {
		close(ready[0]);
		return run_child(d, ready[1]);
	}
	close(ready[1]);
	return run_parent(child, ready[0]);
}

/* Bytes; 0 switches the cache off. */
static size_t cache_bytes_from(const char *text)
{
	size_t bytes = 0;

	if (!text)
		return CACHE_BYTES_DEFAULT;
	for (const char *p = text; *p >= '0' && *p <= '9' && p - text < 10; p++) {
		bytes = bytes * 10 + (size_t)(*p - '0');
		if (!p[1] && bytes <= CACHE_BYTES_MAX)
			return bytes;
	}
	fprintf(stderr,
		"warning: AARDVARK_CACHE_SIZE '%s' is no number of bytes up to %u, using %u\n",
		text, CACHE_BYTES_MAX, CACHE_BYTES_DEFAULT);
	return CACHE_BYTES_DEFAULT;
}

int daemon_start(const struct daemon_options *o)
{
	struct arena arena = {0};
	struct daemon d = {
		.pidfile = {.fd = -1},
		.signals = -1,
		.cache_bytes = cache_bytes_from(getenv("AARDVARK_CACHE_SIZE")),
		.service = {.port = o->port, .resolvconf = {.path = RESOLVCONF_PATH}},
	};

	close_inherited();
	clean_environment();
	log_set_writer(syslog_write);
	d.service.rules.no_proxy = getenv("AARDVARK_NO_PROXY") != NULL;
	if (!sandbox_parse(getenv("AARDVARK_SECCOMP"), &d.sandbox))
		fprintf(stderr,
			"warning: AARDVARK_SECCOMP is neither off, error nor kill, using kill\n");
	if (!answer_set_search(&d.service.rules, o->search)) {
		fprintf(stderr, "not a domain: '%s'\n", o->search);
		return 1;
	}
	d.dir = absolute(&arena, o->dir);
	d.pid_path = arena_printf(&arena, "%s/%s", d.dir, CONFIG_PID_FILE);
	int status = start(&d);
	arena_release(&arena);
	return status;
}
