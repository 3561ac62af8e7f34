/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/cut.h"
#include "ctl/cmd.h"
#include "main/reach.h"
#include "main/supervisor.h"
#include "sys/ct.h"
#include "zonegate/rtab.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* ms after a change: the resets are on their way by then, and who tracks connections on the way knows what they belong to. */
#define AFTER_MS 500u
/* ms of one round. */
#define ROUND_MS 10u
/* ms for a count: somebody waits for it, and everybody for us. */
#define COUNT_MS 200u

/* --- the router itself ------------------------------------------------------------------------------------ */

/* malloc'd. Its own connections are no business of the flows, whatever their addresses. */
static enum zg_err own_addresses(struct zg_addr **ret_own, size_t *ret_n)
{
	struct ifaddrs *all;
	size_t n = 0;
	if (getifaddrs(&all) != 0)
		return ZG_ESYS;
	for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next)
		n++;
	struct zg_addr *own = calloc(n + 1, sizeof *own);
	n = 0;
	for (const struct ifaddrs *i = all; own != NULL && i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		const bool v4 = i->ifa_addr->sa_family == AF_INET;
		own[n].family = v4 ? ZG_IPV4 : ZG_IPV6;
		if (v4)
			memcpy(own[n].b, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, 4);
		else
			memcpy(own[n].b, &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr, 16);
		n++;
	}
	freeifaddrs(all);
	*ret_own = own;
	*ret_n = n;
	return own != NULL ? ZG_OK : ZG_ENOMEM;
}

static bool has(const struct zg_addr *own, size_t n_own, const struct zg_addr *addr)
{
	for (size_t i = 0; i < n_own; i++)
		if (zg_addr_cmp(&own[i], addr) == 0)
			return true;
	return false;
}

static bool is_own(const struct zg_addr *own, size_t n_own, const struct zg_tuple *t)
{
	return has(own, n_own, &t->client) || has(own, n_own, &t->server);
}

/* --- removing ---------------------------------------------------------------------------------------------- */

void zg_cut_stop(struct zg_supervisor *s)
{
	struct zg_cut *cut = &s->cut;
	zg_ct_close(cut->ct);
	zg_reach_free(cut->reach);
	free(cut->own);
	*cut = (struct zg_cut){ .due = false };
}

void zg_cut_begin(struct zg_supervisor *s)
{
	zg_cut_stop(s);
	s->cut.due = true;
	s->cut.after_ms = zg_now_ms() + AFTER_MS;
}

bool zg_cut_busy(const struct zg_supervisor *s)
{
	return s->cut.ct != NULL;
}

static void record(struct zg_supervisor *s, const char *failure)
{
	struct zg_event e;

	if (s->cut.removed == 0 && failure == NULL)
		return;
	zg_event_init(&e, ZG_E_CONNECTIONS_CUT);
	zg_event_u64(&e, ZG_F_CONNECTIONS, s->cut.removed);
	zg_event_u64(&e, ZG_F_GENERATION, s->policy->generation);
	zg_event_str(&e, ZG_F_STATUS, failure);
	zg_event_message(&e, "%u connection%s that policy %u does not permit %s removed from the kernel's table%s%s",
			 s->cut.removed, s->cut.removed == 1 ? "" : "s", s->policy->generation, s->cut.removed == 1 ? "was" : "were",
			 failure != NULL ? "; not all were looked at: " : "", failure != NULL ? failure : "");
	zg_record(s, &e);
}

static bool start(struct zg_supervisor *s)
{
	struct zg_cut *cut = &s->cut;
	cut->due = false;
	return zg_reach_new(s->policy, &cut->reach) == ZG_OK && own_addresses(&cut->own, &cut->n_own) == ZG_OK &&
	       zg_ct_open(&cut->ct) == ZG_OK && zg_ct_list(cut->ct) == ZG_OK;
}

/* Between two zones, of nobody's but their hosts', and of no flow. */
static bool is_withdrawn(const struct zg_supervisor *s, const struct zg_tuple *t)
{
	const struct zg_zone *from = zg_policy_zone_of(s->policy, &t->client), *to = zg_policy_zone_of(s->policy, &t->server);
	return from != NULL && to != NULL && from != to && !is_own(s->cut.own, s->cut.n_own, t) &&
	       zg_reach_find(s->cut.reach, t, time(NULL)) == NULL;
}

static void on_entry(void *ctx, const struct zg_ct_entry *entry)
{
	struct zg_supervisor *s = ctx;
	if (is_withdrawn(s, &entry->tuple) && zg_ct_remove(s->cut.ct, entry) == ZG_OK)
		s->cut.removed++;
}

void zg_cut_tick(struct zg_supervisor *s)
{
	const uint64_t now = zg_now_ms();
	enum zg_err err = ZG_EAGAIN;

	if (s->cut.due && now >= s->cut.after_ms && s->policy != NULL && !start(s)) {
		record(s, "the kernel's table of connections cannot be read");
		zg_cut_stop(s);
	}
	if (s->cut.ct == NULL)
		return;
	while (err == ZG_EAGAIN && zg_now_ms() - now < ROUND_MS)
		err = zg_ct_next(s->cut.ct, on_entry, s);
	if (err == ZG_EAGAIN)
		return;
	record(s, err == ZG_OK ? NULL : zg_strerror(err));
	zg_cut_stop(s);
}

/* --- counting ---------------------------------------------------------------------------------------------- */

struct count {
	const struct zg_reach *now, *then;
	const struct zg_addr *own;
	size_t n_own;
	time_t when;
	uint32_t n;
};

static void count_entry(void *ctx, const struct zg_ct_entry *entry)
{
	struct count *c = ctx;
	if (entry->over || is_own(c->own, c->n_own, &entry->tuple))
		return;
	const struct zg_flow *now = zg_reach_find(c->now, &entry->tuple, c->when);
	const struct zg_flow *then = now != NULL ? zg_reach_find(c->then, &entry->tuple, c->when) : NULL;
	/* one that another flow would permit, or another inspector would read, cannot go on either */
	if (now != NULL && (then == NULL || zg_flow_identity(now) != zg_flow_identity(then)))
		c->n++;
}

/* ZG_EAGAIN: the time was over. */
static enum zg_err count_all(struct count *c)
{
	const uint64_t begin = zg_now_ms();
	struct zg_ct *ct = NULL;
	enum zg_err err = zg_ct_open(&ct);
	if (err == ZG_OK)
		err = zg_ct_list(ct);
	for (err = err == ZG_OK ? ZG_EAGAIN : err; err == ZG_EAGAIN && zg_now_ms() - begin < COUNT_MS;)
		err = zg_ct_next(ct, count_entry, c);
	zg_ct_close(ct);
	return err;
}

json_t *zg_cut_count(struct zg_supervisor *s, const char *file, struct zg_text *text)
{
	struct zg_diags diags;
	struct zg_policy *policy = NULL;
	struct zg_reach *now = NULL, *then = NULL;
	struct zg_addr *own = NULL;
	struct count c = { .when = time(NULL) };

	zg_diags_init(&diags);
	enum zg_err err = s->policy == NULL ? ZG_ENOENT : zg_conf_parse_text(ZG_CONF_KNOWN, 0, file, text, &diags, &policy);
	if (err == ZG_OK)
		err = zg_reach_new(s->policy, &now);
	if (err == ZG_OK)
		err = zg_reach_new(policy, &then);
	if (err == ZG_OK)
		err = own_addresses(&own, &c.n_own);
	c.now = now;
	c.then = then;
	c.own = own;
	if (err == ZG_OK)
		err = count_all(&c);
	zg_reach_free(now);
	zg_reach_free(then);
	free(own);
	zg_policy_free(policy);
	zg_diags_free(&diags);
	if (err != ZG_OK && err != ZG_EAGAIN)
		return json_pack("{s:i,s:b,s:s,s:i}", "schema", ZG_JSON_SCHEMA, "ok", 0, "error", zg_strerror(err), "exit", ZG_EXIT_FAILED);
	return json_pack("{s:i,s:b,s:{s:i,s:b}}", "schema", ZG_JSON_SCHEMA, "ok", 1, "cut", "connections", (int)c.n, "complete",
			 err == ZG_OK);
}
