/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last confirmed policy on disk: whole or not at all, also when the power fails. */
#include "main/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One file, so that text and generation cannot come apart: a comment line that the parser skips carries the number. */
#define STORE_FILE "confirmed.conf"
#define STORE_HEAD "# confirmed policy, written by zonegated; generation "

static enum zg_err read_all(int fd, char **ret_text, size_t *ret_len)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return ZG_ESYS;
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || (uint64_t)st.st_size > ZG_CONF_BYTES_MAX + 1024)
		return ZG_ELIMIT;
	size_t len = (size_t)st.st_size, got = 0;
	char *text = malloc(len + 1);
	if (text == NULL)
		return ZG_ENOMEM;
	while (got < len) {
		ssize_t n = read(fd, text + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(text);
			return ZG_ESYS;
		}
		got += (size_t)n;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return ZG_OK;
}

enum zg_err zg_store_load(const char *dir, char **ret_text, size_t *ret_len, uint32_t *ret_generation)
{
	char path[4096], *text;
	size_t len;

	if (snprintf(path, sizeof path, "%s/" STORE_FILE, dir) >= (int)sizeof path)
		return ZG_EINVAL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? ZG_ENOENT : ZG_ESYS;
	enum zg_err err = read_all(fd, &text, &len);
	close(fd);
	if (err != ZG_OK)
		return err;
	char *end = memchr(text, '\n', len);
	if (end == NULL || strncmp(text, STORE_HEAD, strlen(STORE_HEAD)) != 0) {
		free(text);
		return ZG_EINVAL;
	}
	*ret_generation = (uint32_t)strtoul(text + strlen(STORE_HEAD), NULL, 10);
	len -= (size_t)(end + 1 - text);
	memmove(text, end + 1, len + 1);
	*ret_text = text;
	*ret_len = len;
	return ZG_OK;
}

static enum zg_err write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ZG_ESYS;
		p += n;
		len -= (size_t)n;
	}
	return ZG_OK;
}

enum zg_err zg_store_save(const char *dir, const char *text, size_t len, uint32_t generation)
{
	char head[128];
	enum zg_err err = ZG_ESYS;
	int fd = -1, d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (d < 0)
		return ZG_ESYS;
	fd = openat(d, STORE_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		goto out;
	int head_len = snprintf(head, sizeof head, STORE_HEAD "%u\n", generation);
	if ((err = write_all(fd, head, (size_t)head_len)) != ZG_OK || (err = write_all(fd, text, len)) != ZG_OK)
		goto out;
	if (fsync(fd) != 0 || renameat(d, STORE_FILE ".new", d, STORE_FILE) != 0 || fsync(d) != 0)
		err = ZG_ESYS;
out:
	if (fd >= 0)
		close(fd);
	close(d);
	return err;
}
