/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_FIRST "# zonegate: a confirmed policy, kept by zonegated; not to be edited\n"
#define SEAL	   "# seal: "
#define HEAD_MAX   4096 /* bytes: every string of a version, and the words around them */
#define MARK_FILE  "last"

/* The two files of a version. The first is the one that is read first. */
static const char *const endings[] = { "conf", "copy" };
#define COPIES (sizeof endings / sizeof endings[0])

static void file_name(uint32_t generation, size_t copy, char ret_name[static ZG_STORE_NAME_MAX])
{
	snprintf(ret_name, ZG_STORE_NAME_MAX, "confirmed-%010" PRIu32 ".%s", generation, endings[copy]);
}

/* --- the head ---------------------------------------------------------------------------------------- */

static void hex(const uint8_t digest[static SHA256_DIGEST_SIZE], char ret_hex[static 2 * SHA256_DIGEST_SIZE + 1])
{
	for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", digest[i]);
}

static void digest_of(const void *p, size_t len, uint8_t ret_digest[static SHA256_DIGEST_SIZE])
{
	struct sha256_ctx sha;
	sha256_init(&sha);
	sha256_update(&sha, len, p);
	sha256_digest(&sha, SHA256_DIGEST_SIZE, ret_digest);
}

static void put_line(FILE *out, const char *key, const char *value)
{
	fprintf(out, "# %s: ", key);
	for (; *value != '\0'; value++)
		fputc((unsigned char)*value < 0x20 || *value == 0x7f ? '?' : *value, out);
	fputc('\n', out);
}

/* Length of the head, or 0. */
static size_t head_make(const struct zg_version *v, char ret_head[static HEAD_MAX])
{
	uint8_t seal[SHA256_DIGEST_SIZE];
	char digest[2 * SHA256_DIGEST_SIZE + 1];
	FILE *out = fmemopen(ret_head, HEAD_MAX, "w");
	if (out == NULL)
		return 0;
	fputs(HEAD_FIRST, out);
	fprintf(out, "# generation: %" PRIu32 "\n# time: %" PRId64 "\n", v->generation, (int64_t)v->when);
	put_line(out, "by", v->who);
	put_line(out, "file", v->file);
	put_line(out, "comment", v->comment);
	hex(v->sha256, digest);
	fprintf(out, "# zones: %" PRIu32 "\n# flows: %" PRIu32 "\n# bytes: %" PRIu64 "\n# sha256: %s\n", v->zones, v->flows, v->bytes,
		digest);
	const long len = ftell(out);
	if (fclose(out) != 0 || len <= 0 || (size_t)len + sizeof SEAL + sizeof digest > HEAD_MAX)
		return 0;
	digest_of(ret_head, (size_t)len, seal);
	hex(seal, digest);
	return (size_t)len + (size_t)snprintf(ret_head + len, HEAD_MAX - (size_t)len, SEAL "%s\n", digest);
}

/* The value of "# key: value" in a sealed head, without its end of line; "" if it is not there. */
static void head_value(const char *head, const char *key, char *ret_value, size_t size)
{
	char start[32];
	const int n = snprintf(start, sizeof start, "\n# %s: ", key);
	const char *at = strstr(head, start);
	const size_t len = at != NULL ? strcspn(at + n, "\n") : 0;
	snprintf(ret_value, size, "%.*s", (int)len, at != NULL ? at + n : "");
}

static uint64_t head_number(const char *head, const char *key)
{
	char value[32];
	head_value(head, key, value, sizeof value);
	return strtoull(value, NULL, 10);
}

static bool parse_digest(const char *text, uint8_t ret_digest[static SHA256_DIGEST_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++) {
		const char *hi = text[2 * i] != '\0' ? strchr(digits, text[2 * i]) : NULL;
		const char *lo = hi != NULL && text[2 * i + 1] != '\0' ? strchr(digits, text[2 * i + 1]) : NULL;
		if (lo == NULL)
			return false;
		ret_digest[i] = (uint8_t)((hi - digits) << 4 | (lo - digits));
	}
	return true;
}

/* len bytes from the beginning of a file, NUL behind. The head's length, or 0 if its seal is broken. */
static size_t head_parse(char *head, size_t len, struct zg_version *ret_version)
{
	uint8_t seal[SHA256_DIGEST_SIZE], is[SHA256_DIGEST_SIZE];
	char digest[2 * SHA256_DIGEST_SIZE + 1];
	struct zg_version v = { 0 };

	if (strncmp(head, HEAD_FIRST, strlen(HEAD_FIRST)) != 0)
		return 0;
	char *at = strstr(head, "\n" SEAL);
	if (at == NULL)
		return 0;
	const size_t sealed = (size_t)(at + 1 - head), all = sealed + strlen(SEAL) + 2 * SHA256_DIGEST_SIZE + 1;
	if (all > len || head[all - 1] != '\n' || !parse_digest(head + sealed + strlen(SEAL), seal))
		return 0;
	digest_of(head, sealed, is);
	if (memcmp(seal, is, sizeof seal) != 0)
		return 0;
	at[1] = '\0'; /* what is sealed, and nothing behind it */
	v.generation = (uint32_t)head_number(head, "generation");
	v.when = (time_t)head_number(head, "time");
	v.zones = (uint32_t)head_number(head, "zones");
	v.flows = (uint32_t)head_number(head, "flows");
	v.bytes = head_number(head, "bytes");
	head_value(head, "by", v.who, sizeof v.who);
	head_value(head, "file", v.file, sizeof v.file);
	head_value(head, "comment", v.comment, sizeof v.comment);
	head_value(head, "sha256", digest, sizeof digest);
	if (!parse_digest(digest, v.sha256) || v.bytes > ZG_CONF_BYTES_MAX)
		return 0;
	*ret_version = v;
	return all;
}

/* --- reading ----------------------------------------------------------------------------------------- */

static bool read_all(int fd, char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* The head of one file, and its descriptor standing behind it. ZG_EINVAL: not what we wrote. */
static enum zg_err open_version(int d, const char *name, uint32_t generation, struct zg_version *ret_version, int *ret_fd)
{
	char head[HEAD_MAX + 1];
	struct stat st;
	enum zg_err err = ZG_EINVAL;
	const int fd = openat(d, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? ZG_ENOENT : ZG_EINVAL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		const size_t len = st.st_size < HEAD_MAX ? (size_t)st.st_size : HEAD_MAX;
		size_t skip = 0;
		if (read_all(fd, head, len)) {
			head[len] = '\0';
			skip = head_parse(head, len, ret_version);
		}
		if (skip > 0 && ret_version->generation == generation && (uint64_t)st.st_size == skip + ret_version->bytes &&
		    lseek(fd, (off_t)skip, SEEK_SET) >= 0)
			err = ZG_OK;
	}
	if (err != ZG_OK) {
		close(fd);
		return err;
	}
	snprintf(ret_version->name, sizeof ret_version->name, "%s", name);
	*ret_fd = fd;
	return ZG_OK;
}

static enum zg_err load_copy(int d, const char *name, uint32_t generation, struct zg_version *ret_version, char **ret_text)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	int fd;
	enum zg_err err = open_version(d, name, generation, ret_version, &fd);
	if (err != ZG_OK)
		return err;
	const size_t len = (size_t)ret_version->bytes;
	char *text = malloc(len + 1);
	if (text == NULL) {
		close(fd);
		return ZG_ENOMEM;
	}
	text[len] = '\0';
	err = read_all(fd, text, len) ? ZG_OK : ZG_EINVAL;
	close(fd);
	digest_of(text, len, digest);
	if (err == ZG_OK && memcmp(digest, ret_version->sha256, sizeof digest) != 0)
		err = ZG_EINVAL;
	if (err != ZG_OK)
		free(text);
	else
		*ret_text = text;
	return err;
}

static int open_dir(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A version has its copy as long as it is the newest. */
static bool is_newest(const char *dir, uint32_t generation);

enum zg_err zg_store_load(const char *dir, uint32_t generation, struct zg_version *ret_version, char **ret_text,
			  char ret_damaged[static ZG_STORE_NAME_MAX])
{
	const size_t copies = is_newest(dir, generation) ? COPIES : 1;
	struct zg_version version;
	char name[ZG_STORE_NAME_MAX];
	enum zg_err err = ZG_ENOENT;
	size_t missing = 0, i = 0;
	bool found = false;
	const int d = open_dir(dir);

	if (d < 0)
		return errno == ENOENT ? ZG_ENOENT : ZG_ESYS;
	ret_damaged[0] = '\0';
	for (; i < copies && !found; i++) {
		file_name(generation, i, name);
		err = load_copy(d, name, generation, &version, ret_text);
		if (err == ZG_ENOMEM)
			break;
		found = err == ZG_OK;
		missing += err == ZG_ENOENT;
		if (!found && ret_damaged[0] == '\0')
			memcpy(ret_damaged, name, sizeof name);
	}
	/* the second one need not be read to the end for that */
	for (int fd; found && i < copies; i++) {
		struct zg_version other;
		file_name(generation, i, name);
		if (open_version(d, name, generation, &other, &fd) == ZG_OK)
			close(fd);
		else
			memcpy(ret_damaged, name, sizeof name);
	}
	close(d);
	if (found) {
		*ret_version = version;
		return ZG_OK;
	}
	return err == ZG_ENOMEM ? err : missing == copies ? ZG_ENOENT : ZG_EINVAL;
}

/* --- which there are ---------------------------------------------------------------------------------- */

static int newer_first(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x < y) - (x > y);
}

static bool parse_name(const char *name, uint32_t *ret_generation)
{
	char again[ZG_STORE_NAME_MAX];
	for (size_t i = 0; i < COPIES; i++) {
		*ret_generation = (uint32_t)strtoul(strncmp(name, "confirmed-", 10) == 0 ? name + 10 : "", NULL, 10);
		file_name(*ret_generation, i, again);
		if (strcmp(name, again) == 0)
			return true;
	}
	return false;
}

/* Their numbers, the newest first, each once; malloc'd. */
static enum zg_err numbers(const char *dir, uint32_t **ret_numbers, size_t *ret_n)
{
	uint32_t *all = NULL, generation;
	size_t n = 0, cap = 0, kept = 0;
	DIR *d = opendir(dir);
	if (d == NULL)
		return errno == ENOENT ? ZG_ENOENT : ZG_ESYS;
	/* cppcheck-suppress readdirCalled ; the daemon has one thread */
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		if (!parse_name(e->d_name, &generation))
			continue;
		if (n == cap) {
			cap = cap > 0 ? 2 * cap : 64;
			uint32_t *grown = realloc(all, cap * sizeof *all);
			if (grown == NULL) {
				free(all);
				closedir(d);
				return ZG_ENOMEM;
			}
			all = grown;
		}
		all[n++] = generation;
	}
	closedir(d);
	if (n > 0)
		qsort(all, n, sizeof *all, newer_first);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || all[i] != all[i - 1])
			all[kept++] = all[i];
	*ret_numbers = all;
	*ret_n = kept;
	return ZG_OK;
}

static bool is_newest(const char *dir, uint32_t generation)
{
	uint32_t *all = NULL;
	size_t n = 0;
	const bool yes = numbers(dir, &all, &n) == ZG_OK && n > 0 && all[0] == generation;
	free(all);
	return yes;
}

static void look(int d, uint32_t generation, struct zg_version *ret_version)
{
	enum zg_err err = ZG_ENOENT;
	char name[ZG_STORE_NAME_MAX];
	for (size_t i = 0; i < COPIES && err != ZG_OK; i++) {
		int fd;
		file_name(generation, i, name);
		err = open_version(d, name, generation, ret_version, &fd);
		if (err == ZG_OK)
			close(fd);
	}
	if (err == ZG_OK)
		return;
	*ret_version = (struct zg_version){ .generation = generation, .damaged = true };
	file_name(generation, 0, ret_version->name);
}

enum zg_err zg_store_list(const char *dir, struct zg_version **ret_versions, size_t *ret_n)
{
	uint32_t *all = NULL;
	size_t n = 0;
	enum zg_err err = numbers(dir, &all, &n);
	if (err != ZG_OK)
		return err;
	const int d = open_dir(dir);
	struct zg_version *versions = calloc(n + 1, sizeof *versions);
	if (d < 0 || versions == NULL) {
		err = d < 0 ? ZG_ESYS : ZG_ENOMEM;
		free(versions);
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		look(d, all[i], &versions[i]);
	*ret_versions = versions;
	*ret_n = n;
out:
	if (d >= 0)
		close(d);
	free(all);
	return err;
}

/* --- writing ------------------------------------------------------------------------------------------ */

static bool write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* On the disk when it returns; the name is not yet. */
static bool write_file(int d, const char *name, const char *head, size_t head_len, const char *text, size_t len)
{
	const int fd = openat(d, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return false;
	bool good = write_all(fd, head, head_len) && write_all(fd, text, len) && fsync(fd) == 0;
	const int error = errno;
	good = close(fd) == 0 && good;
	if (!good)
		errno = error;
	return good;
}

/* What is beyond the bounds, and copies of all but the newest. It is no failure if one stays. */
static void prune(const char *dir, int d)
{
	uint32_t *all = NULL;
	size_t n = 0;
	uint64_t bytes = 0;
	char name[ZG_STORE_NAME_MAX];

	if (numbers(dir, &all, &n) != ZG_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		struct stat st;
		file_name(all[i], 0, name);
		if (fstatat(d, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_size;
		if (i >= ZG_HISTORY_MAX || (i > 1 && bytes > ZG_HISTORY_BYTES_MAX))
			(void)unlinkat(d, name, 0);
		file_name(all[i], 1, name);
		if (i > 0)
			(void)unlinkat(d, name, 0);
	}
	free(all);
}

enum zg_err zg_store_save(const char *dir, const struct zg_version *version, const char *text)
{
	static const char *const fresh[COPIES] = { "new.conf", "new.copy" };
	char head[HEAD_MAX], name[ZG_STORE_NAME_MAX];
	struct zg_version v = *version;

	digest_of(text, (size_t)v.bytes, v.sha256);
	const size_t head_len = head_make(&v, head);
	const int d = head_len > 0 ? open_dir(dir) : -1;
	if (d < 0)
		return ZG_ESYS;
	bool good = true;
	for (size_t i = 0; i < COPIES && good; i++)
		good = write_file(d, fresh[i], head, head_len, text, (size_t)v.bytes);
	for (size_t i = 0; i < COPIES && good; i++) {
		file_name(v.generation, i, name);
		good = renameat(d, fresh[i], d, name) == 0;
	}
	good = good && fsync(d) == 0;
	const int error = errno;
	if (good)
		prune(dir, d);
	for (size_t i = 0; i < COPIES && !good; i++)
		(void)unlinkat(d, fresh[i], 0);
	close(d);
	errno = error;
	return good ? ZG_OK : ZG_ESYS;
}

enum zg_err zg_store_mark(const char *dir, uint32_t generation, bool unconfirmed)
{
	char line[64];
	const int n = snprintf(line, sizeof line, "%" PRIu32 " %s\n", generation, unconfirmed ? "unconfirmed" : "-");
	const int d = open_dir(dir);
	if (d < 0)
		return ZG_ESYS;
	const bool good = write_file(d, "new.last", line, (size_t)n, "", 0) && renameat(d, "new.last", d, MARK_FILE) == 0 &&
			  fsync(d) == 0;
	close(d);
	return good ? ZG_OK : ZG_ESYS;
}

void zg_store_marked(const char *dir, uint32_t *ret_generation, bool *ret_unconfirmed)
{
	char line[64] = "", *end = line;
	const int d = open_dir(dir);
	const int fd = d >= 0 ? openat(d, MARK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	const ssize_t n = fd >= 0 ? read(fd, line, sizeof line - 1) : -1;

	line[n > 0 ? n : 0] = '\0';
	*ret_generation = (uint32_t)strtoul(line, &end, 10);
	*ret_unconfirmed = strcmp(end, " unconfirmed\n") == 0;
	if (fd >= 0)
		close(fd);
	if (d >= 0)
		close(d);
}
