/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/file.h"

static void put(const char *path, const char *data)
{
	cleanup_fclose FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(data, f);
}

static void assert_content(struct scratch *s, const char *path, const char *wanted)
{
	struct error err;
	char *text;

	assert_int_equal(file_read(path, 1 << 20, &s->arena, &text, NULL, &err), 0);
	assert_string_equal(text, wanted);
}

static void file_read_takes_all_bytes(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "f"), *text;
	size_t sizes[] = {0, 1, 16382, 16383, 16384, 32768, 100000}, len;
	struct error err;

	for (size_t i = 0; i < array_size(sizes); i++) {
		char *data = arena_alloc(&s->arena, sizes[i] + 1);

		memset(data, 'a', sizes[i]);
		put(path, data);
		assert_int_equal(file_read(path, sizes[i], &s->arena, &text, &len, &err), 0);
		assert_int_equal(len, sizes[i]);
		assert_string_equal(text, data);
	}
}

static void file_read_says_what_is_wrong(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "f"), *text;
	struct error err;

	assert_int_equal(file_read(path, 10, &s->arena, &text, NULL, &err), -ENOENT);
	assert_string_equal(err.text, "IO error: No such file or directory (os error 2)");
	assert_int_equal(file_read(s->dir, 10, &s->arena, &text, NULL, &err), -EISDIR);
	assert_string_equal(err.text, "IO error: Is a directory (os error 21)");
	put(path, "12345678901");
	assert_int_equal(file_read(path, 10, &s->arena, &text, NULL, &err), -EFBIG);
}

/* More than a pipe holds: the writer would block for ever if the rest were not read. */
static void file_read_fd_drains_what_is_too_big(void **state)
{
	struct scratch *s = *state;
	int ends[2], status;
	char *text;
	struct error err;

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char block[4096] = {0};

		signal(SIGPIPE, SIG_DFL);
		close(ends[0]);
		for (int i = 0; i < 64; i++)
			if (write(ends[1], block, sizeof(block)) != sizeof(block))
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(file_read_fd(ends[0], 100, &s->arena, &text, NULL, &err), -EFBIG);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void file_replace_puts_and_takes_back(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "f"), *temp = scratch_path(s, "f.tmp");
	struct undo undo = {.arena = &s->arena};
	struct error err;

	assert_int_equal(file_replace(path, temp, "one", 3, &s->arena, &undo, &err), 0);
	assert_content(s, path, "one");
	assert_int_equal(file_replace(path, temp, "second", 6, &s->arena, &undo, &err), 0);
	assert_content(s, path, "second");
	assert_false(file_exists(temp));
	assert_int_equal(undo_run(&undo), 0);
	assert_false(file_exists(path));
}

static void file_replace_restores_the_old_content(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "f"), *temp = scratch_path(s, "f.tmp");
	struct undo undo = {.arena = &s->arena};
	struct error err;

	put(path, "old");
	assert_int_equal(file_replace(path, temp, "new", 3, &s->arena, &undo, &err), 0);
	assert_int_equal(undo_run(&undo), 0);
	assert_content(s, path, "old");
	assert_false(file_exists(temp));
}

static void file_replace_leaves_nothing_behind_on_failure(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "dir"), *temp = scratch_path(s, "tmp");
	char *nowhere = scratch_path(s, "none/tmp");
	struct error err;

	assert_int_equal(mkdir(path, 0755), 0);
	assert_true(file_replace(path, temp, "x", 1, &s->arena, NULL, &err) < 0);
	assert_false(file_exists(temp));
	assert_int_equal(file_replace(scratch_path(s, "f"), nowhere, "x", 1, &s->arena, NULL, &err),
			 -ENOENT);
	assert_false(file_exists(scratch_path(s, "f")));
}

static void file_remove_takes_back(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "f");
	struct undo undo = {.arena = &s->arena};
	struct error err;

	assert_int_equal(file_remove(path, &s->arena, &undo, &err), 0);
	assert_int_equal(undo_run(&undo), 0);
	assert_false(file_exists(path));
	put(path, "content");
	assert_int_equal(file_remove(path, &s->arena, &undo, &err), 0);
	assert_false(file_exists(path));
	assert_int_equal(undo_run(&undo), 0);
	assert_content(s, path, "content");
	assert_int_equal(file_remove(s->dir, &s->arena, NULL, &err), -EISDIR);
}

static void file_create_keeps_what_is_there(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "f");
	struct undo undo = {.arena = &s->arena};
	struct error err;

	put(path, "theirs");
	assert_int_equal(file_create(path, "ours", &s->arena, &undo, &err), 0);
	assert_content(s, path, "theirs");
	assert_int_equal(undo_run(&undo), 0);
	assert_content(s, path, "theirs");
	unlink(path);
	assert_int_equal(file_create(path, "ours", &s->arena, &undo, &err), 0);
	assert_content(s, path, "ours");
	assert_int_equal(undo_run(&undo), 0);
	assert_false(file_exists(path));
}

static void file_rename_takes_back(void **state)
{
	struct scratch *s = *state;
	char *from = scratch_path(s, "from"), *to = scratch_path(s, "to");
	struct undo undo = {.arena = &s->arena};
	struct error err;

	assert_int_equal(file_rename(from, to, &s->arena, &undo, &err), 0);
	assert_int_equal(undo_run(&undo), 0);
	put(from, "x");
	assert_int_equal(file_rename(from, to, &s->arena, &undo, &err), 0);
	assert_content(s, to, "x");
	assert_int_equal(undo_run(&undo), 0);
	assert_content(s, from, "x");
	assert_false(file_exists(to));
}

static void file_make_dirs_makes_parents(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "a/b/c");
	struct stat st;
	struct error err;

	umask(022);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(file_make_dirs(path, 0700, &err), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
	}
	assert_int_equal(stat(scratch_path(s, "a/b"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	put(scratch_path(s, "file"), "x");
	assert_int_equal(file_make_dirs(scratch_path(s, "file/d"), 0755, &err), -ENOTDIR);
}

static void file_lock_waits_and_gives_up(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "lock");
	int first = -1, second = -1;
	struct error err;

	assert_int_equal(file_lock(path, 1, &first, &err), 0);
	assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC);
	assert_int_equal(file_lock(path, 1, &second, &err), -ETIMEDOUT);
	assert_int_equal(second, -1);
	assert_string_equal(err.text,
			    arena_printf(&s->arena, "timed out waiting for lock %s", path));
	close(first);
	assert_int_equal(file_lock(path, 1, &second, &err), 0);
	close(second);
	assert_int_equal(file_lock(scratch_path(s, "no/lock"), 1, &second, &err), -ENOENT);
}

/* The child holds the lock; its end is the only thing that frees it. */
static void file_lock_is_taken_when_the_holder_ends(void **state)
{
	struct scratch *s = *state;
	char *path = scratch_path(s, "lock");
	int ready[2], fd, status;
	char byte;
	struct error err;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int r = file_lock(path, 1, &fd, &err);

		if (write(ready[1], "x", 1) == 1)
			usleep(100000);
		_exit(r < 0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(file_lock(path, 20, &fd, &err), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

static void file_write_fd_passes_big_data_through_a_pipe(void **state)
{
	struct scratch *s = *state;
	size_t len = 300000, got_len;
	char *data = arena_alloc(&s->arena, len), *got;
	int ends[2], status;
	struct error err;

	memset(data, 'z', len);
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(file_write_fd(ends[1], data, len, &err) < 0);
	close(ends[1]);
	assert_int_equal(file_read_fd(ends[0], len, &s->arena, &got, &got_len, &err), 0);
	assert_int_equal(got_len, len);
	assert_memory_equal(got, data, len);
	close(ends[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void file_is_program_wants_a_file_that_can_run(void **state)
{
	struct scratch *s = *state;
	char *plain = scratch_path(s, "plain"), *link_to_it = scratch_path(s, "link");

	close(open(plain, O_WRONLY | O_CREAT, 0644));
	assert_int_equal(symlink("plain", link_to_it), 0);
	assert_false(file_is_program(plain));
	assert_false(file_is_program(link_to_it));
	assert_false(file_is_program(s->dir));
	assert_false(file_is_program(scratch_path(s, "missing")));
	for (mode_t bit = 1; bit <= 0100; bit *= 8) {
		chmod(plain, bit);
		assert_true(file_is_program(plain));
		assert_true(file_is_program(link_to_it));
	}
}

static void file_write_fd_reports_a_full_device(void **state)
{
	cleanup_close int fd = open("/dev/full", O_WRONLY);
	struct error err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(file_write_fd(fd, "x", 1, &err), -ENOSPC);
	assert_string_equal(err.text, "IO error: No space left on device (os error 28)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH_FILES("files: read whole, around the sizes of the buffer",
				file_read_takes_all_bytes),
		TEST_WITH_FILES("NV-025 files: missing, directory, too big",
				file_read_says_what_is_wrong),
		TEST_WITH_FILES("NV-020 files: a pipe that says too much is still read to its end",
				file_read_fd_drains_what_is_too_big),
		TEST_WITH_FILES("files: replaced in one step, undone step by step",
				file_replace_puts_and_takes_back),
		TEST_WITH_FILES("files: undo brings the old content back",
				file_replace_restores_the_old_content),
		TEST_WITH_FILES("files: a failed replacement leaves no temporary file",
				file_replace_leaves_nothing_behind_on_failure),
		TEST_WITH_FILES("files: removal is undone", file_remove_takes_back),
		TEST_WITH_FILES("NV-112 files: exclusive creation keeps what is there",
				file_create_keeps_what_is_there),
		TEST_WITH_FILES("files: renaming is undone", file_rename_takes_back),
		TEST_WITH_FILES("files: directories with parents, mode for the last",
				file_make_dirs_makes_parents),
		TEST_WITH_FILES("files: a held lock ends the wait with ETIMEDOUT",
				file_lock_waits_and_gives_up),
		TEST_WITH_FILES("files: a lock is taken when its holder ends",
				file_lock_is_taken_when_the_holder_ends),
		TEST_WITH_FILES("files: more than a pipe holds is written",
				file_write_fd_passes_big_data_through_a_pipe),
		TEST_WITH_FILES("NV-154 files: a program is a file that somebody may execute",
				file_is_program_wants_a_file_that_can_run),
		TEST("NV-021 files: a full device is an error",
		     file_write_fd_reports_a_full_device),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
