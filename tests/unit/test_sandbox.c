/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aardvark-dns/sandbox.h"

enum { FINE = 0, REFUSED = 1, OTHERWISE = 2 };

/* What a call gives in a process that has entered the sandbox. */
static int outcome(long result)
{
	return result >= 0 ? FINE : errno == EPERM ? REFUSED : OTHERWISE;
}

static int call_execve(void)
{
	char *argv[] = {(char *)"/bin/true", NULL};

	return outcome(execve(argv[0], argv, argv + 1));
}

static int call_packet_socket(void)
{
	return outcome(socket(AF_PACKET, SOCK_RAW, 0));
}

static int call_inet_socket(void)
{
	return outcome(socket(AF_INET6, SOCK_DGRAM, 0));
}

static int call_mkdir(void)
{
	return outcome(mkdir("/proc/nowhere/x", 0700));
}

static int call_executable_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return outcome(p == MAP_FAILED ? -1 : 0);
}

/* Exit status of a child that enters and makes a call; 256 if SIGSYS has ended it. */
static int status_of(enum sandbox how, int (*call)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct error err;

		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (sandbox_enter(how, &err) < 0)
			_exit(99);
		_exit(call());
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return 256;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void sandbox_refuses_or_kills(void **state)
{
	(void)state;
	assert_int_equal(status_of(SANDBOX_ERROR, call_packet_socket), REFUSED);
	assert_int_equal(status_of(SANDBOX_KILL, call_packet_socket), 256);
	assert_int_equal(status_of(SANDBOX_ERROR, call_mkdir), REFUSED);
	assert_int_equal(status_of(SANDBOX_KILL, call_mkdir), 256);
	assert_int_equal(status_of(SANDBOX_OFF, call_mkdir), OTHERWISE);
	assert_int_equal(status_of(SANDBOX_KILL, call_inet_socket), FINE);
}

static void sandbox_runs_no_other_code(void **state)
{
	(void)state;
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
	skip(); /* the sanitizer needs more */
#endif
#endif
	assert_int_equal(status_of(SANDBOX_ERROR, call_execve), REFUSED);
	assert_int_equal(status_of(SANDBOX_KILL, call_execve), 256);
	assert_int_equal(status_of(SANDBOX_ERROR, call_executable_memory), REFUSED);
}

static void sandbox_parse_table(void **state)
{
	enum sandbox how;

	(void)state;
	assert_true(sandbox_parse("off", &how));
	assert_int_equal(how, SANDBOX_OFF);
	assert_true(sandbox_parse("error", &how));
	assert_int_equal(how, SANDBOX_ERROR);
	assert_true(sandbox_parse("kill", &how));
	assert_int_equal(how, SANDBOX_KILL);
	assert_true(sandbox_parse(NULL, &how));
	assert_int_equal(how, SANDBOX_KILL);
	assert_false(sandbox_parse("OFF", &how));
	assert_int_equal(how, SANDBOX_KILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("BU-107 a call that is not on the list fails, or ends the process",
		     sandbox_refuses_or_kills),
		TEST("BU-107 no program is executed, no memory made executable",
		     sandbox_runs_no_other_code),
		TEST("what to do about other calls can be chosen", sandbox_parse_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
