/* SPDX-License-Identifier: GPL-2.0-or-later */
#define LOG_MODULE "aardvark_dns"
#include "aardvark-dns/sandbox.h"

#include <errno.h>
#include <net/if.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/fault.h"
#include "common/log.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/*
 * Some of these differ between architectures and C libraries, which choose between an older and a
 * newer call; a name that an architecture does not have is passed over.
 */
static const char *const allowed[] = {
	/* data */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"recvfrom",
	"sendto",
	"recvmsg",
	"sendmsg",
	"recvmmsg",
	"recvmmsg_time64",
	"sendmmsg",
	/* sockets; which families is said below */
	"connect",
	"bind",
	"listen",
	"accept",
	"accept4",
	"setsockopt",
	"getsockopt",
	"getsockname",
	"getpeername",
	"shutdown",
	/* the loop and its signals */
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"poll",
	"ppoll",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_settime64",
	"eventfd2",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"restart_syscall",
	/* files */
	"open",
	"openat",
	"close",
	"fstat",
	"fstat64",
	"newfstatat",
	"fstatat64",
	"stat",
	"lstat",
	"stat64",
	"lstat64",
	"statx",
	"lseek",
	"_llseek",
	"getdents",
	"getdents64",
	"readlink",
	"readlinkat",
	"unlink",
	"unlinkat",
	"ftruncate",
	"ftruncate64",
	"flock",
	"fcntl",
	"fcntl64",
	"access",
	"faccessat",
	"faccessat2",
	"chmod",
	"fchmod",
	"fchmodat",
	"rename",
	"renameat",
	"renameat2",
	"umask",
	/* memory; none that can be executed, see below */
	"munmap",
	"mremap",
	"brk",
	"madvise",
	"futex",
	"futex_time64",
	"get_robust_list",
	"set_robust_list",
	"rseq",
	/* time, random numbers, and who we are */
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"gettimeofday",
	"time",
	"nanosleep",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"getrandom",
	"getpid",
	"getppid",
	"gettid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"uname",
	"sysinfo",
	"prlimit64",
	"getrlimit",
	"ugetrlimit",
	"sched_getaffinity",
	/* the last steps of the start */
	"setsid",
	"chdir",
	"dup2",
	"dup3",
	/* another server that is asked to look at the directory; abort(3); the end */
	"kill",
	"tgkill",
	"exit",
	"exit_group",
#ifdef SANITIZED
	/* AddressSanitizer, and LeakSanitizer, which stops the process to look at its memory. */
	"clone",
	"clone3",
	"prctl",
	"ptrace",
	"wait4",
	"sched_yield",
	"sigaltstack",
	"process_vm_readv",
	"pipe",
	"pipe2",
	"dup",
	"dup2",
	"dup3",
	"getcwd",
	"mincore",
	"personality",
	"arch_prctl",
	"fork",
	"vfork",
	"execve",
	"socketpair",
	"getrusage",
#endif
};

static int allow(scmp_filter_ctx ctx, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	/* Below zero are those of other architectures. */
	return number < 0 ? 0 : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, number, 0);
}

/* A call only with this value in one argument, as far as the mask goes. */
static int allow_with(scmp_filter_ctx ctx, int number, unsigned int arg, uint64_t mask,
		      uint64_t value)
{
	struct scmp_arg_cmp cmp = {.arg = arg,
				   .op = SCMP_CMP_MASKED_EQ,
				   .datum_a = mask,
				   .datum_b = value};

	return number < 0 ? 0 : seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, number, 1, &cmp);
}

static int allow_sockets(scmp_filter_ctx ctx)
{
	static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	int r = 0;

	for (size_t i = 0; i < array_size(families) && r == 0; i++)
		r = allow_with(ctx, SCMP_SYS(socket), 0, UINT32_MAX, (uint64_t)families[i]);
	return r;
}

static int allow_ioctls(scmp_filter_ctx ctx)
{
	static const unsigned long requests[] = {SIOCGIFINDEX, SIOCGIFNAME, FIONREAD, FIONBIO};
	int r = 0;

	for (size_t i = 0; i < array_size(requests) && r == 0; i++)
		r = allow_with(ctx, SCMP_SYS(ioctl), 1, UINT32_MAX, requests[i]);
	return r;
}

/* Memory is written or executed, never both. */
static int allow_memory(scmp_filter_ctx ctx)
{
	static const char *const calls[] = {"mmap", "mmap2", "mprotect"};
	int r = 0;

	for (size_t i = 0; i < array_size(calls) && r == 0; i++) {
#ifdef SANITIZED
		r = allow(ctx, calls[i]);
#else
		r = allow_with(ctx, seccomp_syscall_resolve_name(calls[i]), 2, PROT_EXEC, 0);
#endif
	}
	return r;
}

static int fill(scmp_filter_ctx ctx)
{
	int r = 0;

	for (size_t i = 0; i < array_size(allowed) && r == 0; i++)
		r = allow(ctx, allowed[i]);
	if (r == 0)
		r = allow_sockets(ctx);
	if (r == 0)
		r = allow_ioctls(ctx);
	if (r == 0)
		r = allow_memory(ctx);
	return r;
}

bool sandbox_parse(const char *text, enum sandbox *out)
{
	static const char *const names[] = {
		[SANDBOX_OFF] = "off", [SANDBOX_ERROR] = "error", [SANDBOX_KILL] = "kill"};

	*out = SANDBOX_KILL;
	for (size_t i = 0; text && i < array_size(names); i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*out = (enum sandbox)i;
		return true;
	}
	return !text;
}

int sandbox_enter(enum sandbox how, struct error *err)
{
	int r = fault("sandbox_enter", err);

	if (r < 0 || how == SANDBOX_OFF)
		return r;
	scmp_filter_ctx ctx =
		seccomp_init(how == SANDBOX_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	if (!ctx)
		return fail(err, ENOMEM, "cannot make a list of system calls");
	r = fill(ctx);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	if (r == -EINVAL || r == -ENOSYS || r == -ECANCELED) {
		log_debug("the kernel does not restrict system calls: %s", strerror(-r));
		return 0;
	}
	return r < 0 ? fail(err, -r, "cannot restrict system calls: %s", strerror(-r)) : 0;
}
