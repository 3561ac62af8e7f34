/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILE_NAME "isolated"
#define FILE_HEAD "# zones cut off, written by zonegated; sha256 "
#define HEX	  (2 * SHA256_DIGEST_SIZE)
#define FILE_MAX  (1024 * 1024) /* bytes: every zone with the longest reason and all its interfaces fits */

/* --- the file ------------------------------------------------------------------------------------------ */

static void digest(const char *text, size_t len, char ret_hex[static HEX + 1])
{
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct sha256_ctx sha;
	sha256_init(&sha);
	sha256_update(&sha, len, (const uint8_t *)text);
	sha256_digest(&sha, sizeof sum, sum);
	for (size_t i = 0; i < sizeof sum; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", sum[i]);
}

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

enum zg_err zg_isolation_save(const char *dir, const struct zg_isolation *isolation)
{
	char sum[HEX + 1], *body = json_dumps(isolation->cuts, JSON_COMPACT), *text = NULL;
	int len = -1, fd = -1, d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum zg_err err = ZG_ESYS;

	if (body != NULL) {
		digest(body, strlen(body), sum);
		len = asprintf(&text, FILE_HEAD "%s\n%s", sum, body);
	}
	if (len < 0)
		err = ZG_ENOMEM;
	else if (d >= 0)
		fd = openat(d, FILE_NAME ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd >= 0 && write_all(fd, text, (size_t)len) && fsync(fd) == 0 && renameat(d, FILE_NAME ".new", d, FILE_NAME) == 0 &&
	    fsync(d) == 0)
		err = ZG_OK;
	const int saved = errno;
	if (fd >= 0)
		close(fd);
	if (d >= 0)
		close(d);
	if (len >= 0)
		free(text);
	free(body);
	errno = saved;
	return err;
}

static json_t *new_cut(const char *zone, const char *who, const char *reason)
{
	char since[32];
	const time_t now = time(NULL);
	struct tm tm;
	gmtime_r(&now, &tm);
	strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack("{s:s,s:s,s:s,s:s,s:[]}", "zone", zone, "since", since, "who", who, "reason", reason, "interfaces");
}

static bool is_text(const json_t *cut, const char *key)
{
	const char *s = json_string_value(json_object_get(cut, key));
	return s != NULL && *s != '\0';
}

static bool is_cut(const json_t *cut)
{
	size_t i;
	const json_t *iface, *ifaces = json_object_get(cut, "interfaces");
	if (!is_text(cut, "zone") || !is_text(cut, "since") || !is_text(cut, "who") || !is_text(cut, "reason") || !json_is_array(ifaces))
		return false;
	json_array_foreach(ifaces, i, iface)
	{
		if (!json_is_string(iface) || json_string_length(iface) == 0 || json_string_length(iface) > 15)
			return false;
	}
	return true;
}

/* What stands in the file, or NULL: that is not what we wrote. */
static json_t *parse(const char *text, size_t len)
{
	char sum[HEX + 1];
	const size_t head = strlen(FILE_HEAD) + HEX + 1;
	size_t i;
	const json_t *cut;
	if (len < head || memcmp(text, FILE_HEAD, strlen(FILE_HEAD)) != 0 || text[head - 1] != '\n')
		return NULL;
	digest(text + head, len - head, sum);
	if (memcmp(text + strlen(FILE_HEAD), sum, HEX) != 0)
		return NULL;
	json_t *cuts = json_loadb(text + head, len - head, JSON_REJECT_DUPLICATES, NULL);
	bool good = json_is_array(cuts);
	json_array_foreach(cuts, i, cut)
		good = good && is_cut(cut);
	if (good)
		return cuts;
	json_decref(cuts);
	return NULL;
}

static json_t *read_cuts(int fd)
{
	char *text = malloc(FILE_MAX + 1);
	size_t len = 0;
	ssize_t n = text == NULL ? -1 : 1;
	while (n > 0 && len <= FILE_MAX) {
		n = read(fd, text + len, FILE_MAX + 1 - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	json_t *cuts = n == 0 && len <= FILE_MAX ? parse(text, len) : NULL;
	free(text);
	return cuts;
}

enum zg_err zg_isolation_load(const char *dir, struct zg_isolation *ret_isolation)
{
	struct zg_isolation is = { .cuts = NULL };
	char path[4096];
	if (snprintf(path, sizeof path, "%s/" FILE_NAME, dir) >= (int)sizeof path)
		return ZG_EINVAL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		is.cuts = json_array();
	} else {
		is.cuts = fd >= 0 ? read_cuts(fd) : NULL;
		is.damaged = is.cuts == NULL;
	}
	if (fd >= 0)
		close(fd);
	if (is.damaged)
		is.cuts = json_pack("[o]", new_cut(ZG_ISOLATION_ALL, "zonegated", "the file that says which zones are cut off is damaged"));
	if (is.cuts == NULL)
		return ZG_ENOMEM;
	*ret_isolation = is;
	return ZG_OK;
}

void zg_isolation_free(struct zg_isolation *isolation)
{
	json_decref(isolation->cuts);
	*isolation = (struct zg_isolation){ .cuts = NULL };
}

/* --- the state ------------------------------------------------------------------------------------------ */

static const char *zone_of(const json_t *cut)
{
	return json_string_value(json_object_get(cut, "zone"));
}

json_t *zg_isolation_find(const struct zg_isolation *isolation, const char *zone)
{
	size_t i;
	json_t *cut;
	json_array_foreach(isolation->cuts, i, cut)
	{
		if (strcmp(zone_of(cut), zone) == 0)
			return cut;
	}
	return NULL;
}

/* False: out of memory. */
static bool note_ifaces(json_t *cut, const struct zg_zone *zone)
{
	json_t *list = json_array();
	for (size_t i = 0; i < zone->n_ifaces; i++)
		if (json_array_append_new(list, json_string(zone->ifaces[i])) != 0) {
			json_decref(list);
			return false;
		}
	return json_object_set_new(cut, "interfaces", list) == 0;
}

/* Takes the reference to cut; on failure nothing is left. */
static void add_cut(struct zg_isolation *is, json_t *cut, const struct zg_policy *policy)
{
	const struct zg_zone *zone = cut != NULL ? zg_policy_zone(policy, zone_of(cut)) : NULL;
	const bool ok = cut != NULL && (zone == NULL || note_ifaces(cut, zone)) && json_array_append(is->cuts, cut) == 0;
	json_decref(cut);
	if (!ok)
		zg_isolation_free(is);
}

/* Of every cut but that of one zone, a copy. */
static struct zg_isolation copy_but(const struct zg_isolation *isolation, const char *zone)
{
	struct zg_isolation is = { .cuts = json_array() };
	size_t i;
	const json_t *cut;
	json_array_foreach(isolation->cuts, i, cut)
	{
		if (is.cuts != NULL && strcmp(zone_of(cut), zone) != 0 && json_array_append_new(is.cuts, json_deep_copy(cut)) != 0)
			zg_isolation_free(&is);
	}
	return is;
}

struct zg_isolation zg_isolation_with(const struct zg_isolation *isolation, const struct zg_policy *policy, const char *zone,
				      const char *who, const char *reason)
{
	struct zg_isolation is = copy_but(isolation, zone);
	if (is.cuts != NULL)
		add_cut(&is, new_cut(zone, who, reason), policy);
	return is;
}

struct zg_isolation zg_isolation_without(const struct zg_isolation *isolation, const struct zg_policy *policy, const char *zone)
{
	const json_t *all = zg_isolation_find(isolation, ZG_ISOLATION_ALL);
	if (strcmp(zone, ZG_ISOLATION_ALL) == 0)
		return (struct zg_isolation){ .cuts = json_array() };
	struct zg_isolation is = copy_but(isolation, zone);
	if (is.cuts == NULL || all == NULL)
		return is;
	struct zg_isolation each = copy_but(&is, ZG_ISOLATION_ALL);
	zg_isolation_free(&is);
	for (size_t z = 0; z < policy->n_zones && each.cuts != NULL; z++) {
		const char *name = policy->zones[z].name;
		if (strcmp(name, zone) == 0 || zg_isolation_find(&each, name) != NULL)
			continue;
		json_t *cut = json_deep_copy(all);
		if (cut != NULL && json_object_set_new(cut, "zone", json_string(name)) != 0) {
			json_decref(cut);
			cut = NULL;
		}
		add_cut(&each, cut, policy);
	}
	return each;
}

static size_t ifaces_of_zone(const struct zg_zone *zone, const char **names)
{
	for (size_t i = 0; names != NULL && i < zone->n_ifaces; i++)
		names[i] = zone->ifaces[i];
	return zone->n_ifaces;
}

static size_t ifaces_of_cut(const json_t *cut, const struct zg_policy *policy, const char **names)
{
	const struct zg_zone *zone = zg_policy_zone(policy, zone_of(cut));
	const json_t *had = json_object_get(cut, "interfaces");
	size_t n = 0;
	if (zone != NULL)
		return ifaces_of_zone(zone, names);
	if (strcmp(zone_of(cut), ZG_ISOLATION_ALL) == 0) {
		for (size_t z = 0; z < policy->n_zones; z++)
			n += ifaces_of_zone(&policy->zones[z], names != NULL ? names + n : NULL);
		return n;
	}
	for (; n < json_array_size(had); n++)
		if (names != NULL)
			names[n] = json_string_value(json_array_get(had, n));
	return n;
}

const char **zg_isolation_ifaces(const struct zg_isolation *isolation, const struct zg_policy *policy, size_t *ret_n)
{
	const char **names = NULL;
	size_t n = 0, i;
	const json_t *cut;
	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1 && (names = calloc(n + 1, sizeof *names)) == NULL)
			return NULL;
		n = 0;
		json_array_foreach(isolation->cuts, i, cut)
			n += ifaces_of_cut(cut, policy, names != NULL ? names + n : NULL);
	}
	*ret_n = n;
	return names;
}

bool zg_isolation_follow(struct zg_isolation *isolation, const struct zg_policy *policy, struct zg_diags *diags)
{
	bool changed = false;
	size_t i;
	json_t *cut;
	json_array_foreach(isolation->cuts, i, cut)
	{
		const struct zg_zone *zone = zg_policy_zone(policy, zone_of(cut));
		if (zone == NULL && strcmp(zone_of(cut), ZG_ISOLATION_ALL) != 0)
			zg_diag_add(diags, ZG_DIAG_WARNING, 0, 0, "zonegatectl restore ends it",
				    "zone \"%s\" is isolated and is not in this policy: the interfaces that it had stay cut off", zone_of(cut));
		if (zone == NULL)
			continue;
		json_t *before = json_incref(json_object_get(cut, "interfaces"));
		if (note_ifaces(cut, zone) && !json_equal(before, json_object_get(cut, "interfaces")))
			changed = true;
		json_decref(before);
	}
	return changed;
}

json_t *zg_isolation_json(const struct zg_isolation *isolation, const struct zg_policy *policy)
{
	json_t *list = json_deep_copy(isolation->cuts), *cut;
	size_t i;
	json_array_foreach(list, i, cut)
	{
		const bool all = strcmp(zone_of(cut), ZG_ISOLATION_ALL) == 0;
		json_object_set_new(cut, "in_policy", json_boolean(all || (policy != NULL && zg_policy_zone(policy, zone_of(cut)) != NULL)));
	}
	return list;
}
