/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target with files, without a fuzzer: replay_<input> DIR. Prints TAP, one result for
 * all: a target that finds something ends the process.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

static bool run_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "rb");

	if (!f)
		return false;
	size_t size = fread(data, 1, sizeof(data), f);
	fclose(f);
	/* In a block of its own size, so that the sanitizer sees what is read behind it. */
	uint8_t *copy = malloc(size ? size : 1);
	must(copy);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return true;
}

int main(int argc, char **argv)
{
	struct dirent *e;
	unsigned int n = 0;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	char path[4096];

	if (!dir) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	while ((e = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		if (e->d_name[0] != '.')
			n += run_file(path);
	}
	closedir(dir);
	printf("%s 1 - AV-173 BU-061 %s, %u inputs\n1..1\n", n ? "ok" : "not ok", argv[1], n);
	return n == 0;
}
