/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/settings.h"
#include "zonegate/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IFACE_MAX 16 /* IFNAMSIZ */
#define FORWARD	  (-100) /* in the place of a value: 1 while the boundary is open, else 0 */

enum use {
	NEEDED,	 /* safety relies on it */
	REQUIRED, /* and the kernel has to have it */
	GOOD,
};

struct row {
	const char *dir, *name;
	int value;
	enum use use;
};

/* Forwarding comes first: the kernel resets others when it changes. */
static const struct row of_host[] = {
	{ "ipv4", "ip_forward", FORWARD, REQUIRED },
	{ "ipv6/conf/all", "forwarding", FORWARD, NEEDED },
	/* connections as strict as the inspectors take them: begun before our eyes, inside their windows, with good checksums, and
	 * nothing that a helper expects */
	{ "netfilter", "nf_conntrack_tcp_loose", 0, REQUIRED },
	{ "netfilter", "nf_conntrack_tcp_be_liberal", 0, REQUIRED },
	{ "netfilter", "nf_conntrack_checksum", 1, REQUIRED },
	{ "netfilter", "nf_conntrack_tcp_ignore_invalid_rst", 0, NEEDED },
	{ "netfilter", "nf_conntrack_helper", 0, NEEDED }, /* before Linux 6.0 */
	/* what holds for an interface only together with "all" */
	{ "ipv4/conf/all", "rp_filter", 0, NEEDED },
	{ "ipv4/conf/all", "accept_source_route", 0, NEEDED },
	{ "ipv4/conf/all", "accept_redirects", 0, NEEDED },
	{ "ipv4/conf/all", "send_redirects", 0, GOOD },
	{ "ipv4/conf/all", "proxy_arp", 0, NEEDED },
	{ "ipv4/conf/all", "route_localnet", 0, NEEDED },
	{ "ipv4/conf/all", "accept_local", 0, NEEDED },
	{ "ipv4/conf/all", "bc_forwarding", 0, NEEDED },
	{ "ipv6/conf/all", "proxy_ndp", 0, NEEDED },
};

/* Of each interface of a zone; dir goes before its name. secure_redirects is not here: it only says which redirects are taken, and
 * none are. Nor is bridge-nf-call-*: what a bridge inside of a zone carries crosses no boundary. */
static const struct row of_iface[] = {
	{ "ipv4/conf", "forwarding", FORWARD, NEEDED },
	{ "ipv6/conf", "forwarding", FORWARD, NEEDED },
	/* The policy itself checks which source belongs to which interface, for both families, and tells what it refuses. The kernel's
	 * own filter comes before it, for IPv4 alone, and drops without a word: refused and never logged. */
	{ "ipv4/conf", "rp_filter", 0, NEEDED },
	/* nobody but the policy and the routing table says where a packet goes */
	{ "ipv4/conf", "accept_source_route", 0, NEEDED },
	{ "ipv6/conf", "accept_source_route", -1, NEEDED },
	{ "ipv6/conf", "seg6_enabled", 0, NEEDED },
	{ "ipv6/conf", "rpl_seg_enabled", 0, NEEDED },
	{ "ipv4/conf", "accept_redirects", 0, NEEDED },
	{ "ipv6/conf", "accept_redirects", 0, NEEDED },
	{ "ipv6/conf", "accept_ra", 0, NEEDED },
	/* a zone is told nothing of the others: no way around us, no addresses of theirs */
	{ "ipv4/conf", "send_redirects", 0, GOOD },
	{ "ipv4/conf", "proxy_arp", 0, NEEDED },
	{ "ipv4/conf", "proxy_arp_pvlan", 0, NEEDED },
	{ "ipv6/conf", "proxy_ndp", 0, NEEDED },
	{ "ipv4/conf", "arp_ignore", 1, GOOD },
	{ "ipv4/conf", "arp_announce", 2, GOOD },
	/* 127.0.0.0/8 and our own addresses do not come in by a wire; a broadcast ends here */
	{ "ipv4/conf", "route_localnet", 0, NEEDED },
	{ "ipv4/conf", "accept_local", 0, NEEDED },
	{ "ipv4/conf", "bc_forwarding", 0, NEEDED },
};

#define N_HOST	(sizeof of_host / sizeof of_host[0])
#define N_IFACE (sizeof of_iface / sizeof of_iface[0])

struct entry {
	const struct row *row;
	char iface[IFACE_MAX]; /* "" = of the host */
	int is, error;
	bool there, ok;
	bool known; /* it has been as wanted: what differs now was changed */
	bool told;  /* that it cannot be set */
};

struct zg_settings {
	char *root;
	struct entry *entries;
	size_t n, next;
	bool forward;
};

enum zg_err zg_settings_new(const char *root, struct zg_settings **ret_settings)
{
	struct zg_settings *s = calloc(1, sizeof *s);
	if (s == NULL || (s->root = strdup(root)) == NULL || zg_settings_interfaces(s, NULL, 0) != ZG_OK) {
		zg_settings_free(s);
		return ZG_ENOMEM;
	}
	*ret_settings = s;
	return ZG_OK;
}

void zg_settings_free(struct zg_settings *s)
{
	if (s == NULL)
		return;
	free(s->entries);
	free(s->root);
	free(s);
}

/* Where the entries of an interface begin among n; n = it has none. */
static size_t place_of(const struct entry *entries, size_t n, const char *iface)
{
	for (size_t i = N_HOST; i < n; i += N_IFACE)
		if (strcmp(entries[i].iface, iface) == 0)
			return i;
	return n;
}

/* One for each row; what is known from before stays. */
static size_t add_rows(const struct entry *before, const struct row *rows, size_t n, const char *iface, struct entry *ret_entries)
{
	for (size_t i = 0; i < n; i++) {
		ret_entries[i] = before != NULL ? before[i] : (struct entry){ .row = &rows[i] };
		snprintf(ret_entries[i].iface, IFACE_MAX, "%s", iface);
	}
	return n;
}

enum zg_err zg_settings_interfaces(struct zg_settings *s, const char *const *names, size_t n)
{
	struct entry *entries = calloc(N_HOST + n * N_IFACE, sizeof *entries);
	size_t used = 0;
	if (entries == NULL)
		return ZG_ENOMEM;
	used = add_rows(s->n > 0 ? s->entries : NULL, of_host, N_HOST, "", entries);
	for (size_t k = 0; k < n; k++) {
		if (strlen(names[k]) >= IFACE_MAX || place_of(entries, used, names[k]) < used)
			continue;
		const size_t at = place_of(s->entries, s->n, names[k]);
		used += add_rows(at < s->n ? &s->entries[at] : NULL, of_iface, N_IFACE, names[k], entries + used);
	}
	free(s->entries);
	s->entries = entries;
	s->n = used;
	s->next = 0;
	return ZG_OK;
}

static void name_of(const struct entry *e, const char *root, char *ret_name, size_t size)
{
	snprintf(ret_name, size, "%s/%s%s%s/%s", root, e->row->dir, e->iface[0] != '\0' ? "/" : "", e->iface, e->row->name);
}

static int wanted(const struct zg_settings *s, const struct entry *e)
{
	return e->row->value == FORWARD ? s->forward : e->row->value;
}

static bool read_value(const char *path, int *ret_value)
{
	char text[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	const int why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	if (n < 0)
		return false;
	text[n] = '\0';
	*ret_value = (int)strtol(text, NULL, 10);
	return true;
}

static bool write_value(const char *path, int value)
{
	char text[16];
	const int len = snprintf(text, sizeof text, "%d", value);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, (size_t)len);
	const int why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	return n == len;
}

static struct zg_setting public(const struct zg_settings *s, const struct entry *e)
{
	struct zg_setting p = { .wanted = wanted(s, e), .is = e->is, .ok = e->ok, .needed = e->row->use != GOOD, .error = e->error };
	name_of(e, "net", p.name, sizeof p.name);
	return p;
}

/* The kernel sets others anew when forwarding changes: what differs after that is our own doing. */
static void forget(struct zg_settings *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->entries[i].row->value != FORWARD || s->entries[i].iface[0] != '\0')
			s->entries[i].known = false;
}

/* Looks at one and sets it where it differs. What was found is told when it was changed, or cannot be set. */
static void bring(struct zg_settings *s, struct entry *e, zg_settings_told *told, void *ctx)
{
	const int want = wanted(s, e);
	char path[512];
	int is = 0;

	name_of(e, s->root, path, sizeof path);
	e->error = read_value(path, &is) ? 0 : errno;
	/* an interface that is not there, or a kernel that does not have the switch */
	e->there = e->error != ENOENT || e->row->use == REQUIRED;
	if (!e->there) {
		e->known = e->told = false;
		return;
	}
	e->is = is;
	e->ok = e->error == 0 && is == want;
	const bool was = e->ok;
	if (e->error == 0 && !e->ok) {
		e->error = write_value(path, want) ? 0 : errno;
		e->ok = e->error == 0;
		if (e->ok && e->row->value == FORWARD)
			forget(s);
	}
	if (!was && (e->known || !e->ok) && !e->told) {
		const struct zg_setting found = public(s, e);
		told(ctx, &found);
	}
	e->told = !e->ok;
	e->known = e->ok;
	if (e->ok)
		e->is = want;
}

/* Failures only; and what is needed of them. */
struct setting_up {
	zg_settings_told *told;
	void *ctx;
	bool bad;
};

static void on_set(void *ctx, const struct zg_setting *found)
{
	struct setting_up *up = ctx;
	if (found->ok)
		return;
	up->bad = up->bad || found->needed;
	up->told(up->ctx, found);
}

static void set_those(struct zg_settings *s, bool forwarding, struct setting_up *up)
{
	for (size_t i = 0; i < s->n; i++) {
		if ((s->entries[i].row->value == FORWARD) != forwarding)
			continue;
		s->entries[i].told = false;
		bring(s, &s->entries[i], on_set, up);
	}
}

enum zg_err zg_settings_set(struct zg_settings *s, bool forward, zg_settings_told *told, void *ctx)
{
	struct setting_up up = { told, ctx, false };
	if (forward)
		set_those(s, false, &up);
	if (up.bad)
		return ZG_ESYS;
	s->forward = forward;
	set_those(s, true, &up);
	set_those(s, false, &up);
	return up.bad ? ZG_ESYS : ZG_OK;
}

void zg_settings_look(struct zg_settings *s, zg_settings_told *told, void *ctx)
{
	for (size_t i = 0; i < s->n && i < ZG_SETTINGS_AT_ONCE; i++) {
		bring(s, &s->entries[s->next], told, ctx);
		s->next = (s->next + 1) % s->n;
	}
}

void zg_settings_list(const struct zg_settings *s, zg_settings_told *each, void *ctx)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct zg_setting p = public(s, &s->entries[i]);
		if (s->entries[i].there)
			each(ctx, &p);
	}
}
