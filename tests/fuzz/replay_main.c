/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Feeds files, or every file of directories, to a fuzz target; a crash is the failure. Prints TAP. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int runs;

static int feed(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL) {
		perror(path);
		return -1;
	}
	size_t cap = 1 << 20, len;
	uint8_t *buf = malloc(cap);
	if (buf == NULL) {
		fclose(f);
		return -1;
	}
	len = fread(buf, 1, cap, f);
	fclose(f);
	/* an exact allocation, so that the sanitizer sees a read past the end */
	uint8_t *exact = malloc(len ? len : 1);
	if (exact != NULL) {
		memcpy(exact, buf, len);
		LLVMFuzzerTestOneInput(exact, len);
		runs++;
	}
	free(exact);
	free(buf);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;
		if (stat(argv[i], &st) != 0) {
			perror(argv[i]);
			return 1;
		}
		if (!S_ISDIR(st.st_mode)) {
			if (feed(argv[i]) != 0)
				return 1;
			continue;
		}
		DIR *d = opendir(argv[i]);
		if (d == NULL)
			return 1;
		for (struct dirent *e; (e = readdir(d)) != NULL;) {
			char path[4096];
			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
			if (feed(path) != 0) {
				closedir(d);
				return 1;
			}
		}
		closedir(d);
	}
	printf("1..1\n%sok 1 - corpus replayed: %d inputs\n", runs ? "" : "not ", runs);
	return runs ? 0 : 1;
}
