/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums: what the kernel's counters gained, what inspectors have seen of what was queued for them, and what was lost. */
#include "main/supervisor.h"

#include <stdlib.h>
#include <string.h>

static void record_loss(struct zg_supervisor *s, const struct zg_child *c, enum zg_event_kind kind, const char *what, uint64_t now,
			uint64_t *told)
{
	struct zg_event e;
	if (now <= *told)
		return;
	zg_event_init(&e, kind);
	zg_event_str(&e, ZG_F_ROLE, zg_role_name(c->role));
	zg_event_u64(&e, ZG_F_INDEX, c->index);
	zg_event_u64(&e, ZG_F_LOST, now - *told);
	zg_event_u64(&e, ZG_F_TOTAL, now);
	zg_event_message(&e, "%s %u: %llu %s", zg_role_name(c->role), c->index, (unsigned long long)(now - *told), what);
	zg_record(s, &e);
	*told = now;
}

static void record_losses(struct zg_supervisor *s, struct zg_child *child)
{
	record_loss(s, child, ZG_E_QUEUE_LOSS, "packets were dropped by the kernel before inspection", child->stats.queue_gaps,
		    &child->told_gaps);
	record_loss(s, child, child->role == ZG_ROLE_WATCH ? ZG_E_RECORD_LOST : ZG_E_QUEUE_LOSS,
		    child->role == ZG_ROLE_WATCH ? "times refusals came faster than they could be recorded; the counters have the sums" :
						   "times the queue's buffer was full",
		    child->stats.queue_overrun, &child->told_overrun);
	record_loss(s, child, ZG_E_LIMIT_REACHED, "connections that were not complete made way for newer ones", child->stats.engine.evicted,
		    &child->told_evicted);
	record_loss(s, child, ZG_E_RECORD_LOST, "events did not reach the log", child->stats.events_lost, &child->told_lost);
}

/* A sum beyond which no inspector comes: a hundred years at a hundred thousand a second. */
#define PACKETS_MAX (1ull << 48)

static bool goes_on(uint64_t before, uint64_t now)
{
	return now >= before && now <= PACKETS_MAX;
}

void zg_record_stats(struct zg_supervisor *s, struct zg_child *child, const struct zg_msg_stats *stats)
{
	if (!goes_on(child->stats.engine.packets, stats->engine.packets) || !goes_on(child->stats.queue_gaps, stats->queue_gaps))
		return;
	child->stats = *stats;
	record_losses(s, child);
}

static int compare_counters(const void *a, const void *b)
{
	const struct zg_nft_counter *x = a, *y = b;
	int rc = strcmp(x->table, y->table);
	return rc != 0 ? rc : strcmp(x->name, y->name);
}

static struct zg_nft_counter *find_counter(const struct zg_supervisor *s, const struct zg_nft_counter *wanted)
{
	return s->n_counters > 0 ? bsearch(wanted, s->counters, s->n_counters, sizeof *s->counters, compare_counters) : NULL;
}

const char *zg_counter_name(const struct zg_supervisor *s, const struct zg_nft_counter *c, char buf[static ZG_COUNTER_NAME_MAX])
{
	const struct zg_flow *flow = zg_record_flow(s, c->mark);
	if (flow == NULL)
		return c->name;
	snprintf(buf, ZG_COUNTER_NAME_MAX, "flow:%s", flow->name);
	return buf;
}

static void record_counter(struct zg_supervisor *s, const struct zg_nft_counter *c)
{
	const struct zg_nft_counter *before = find_counter(s, c);
	const uint64_t old = before != NULL && before->packets <= c->packets ? before->packets : 0;
	const struct zg_flow *flow = zg_record_flow(s, c->mark);
	const char *name = flow != NULL ? flow->name : c->name;
	char buf[ZG_COUNTER_NAME_MAX];
	struct zg_event e;

	if (c->packets == old)
		return;
	zg_event_init(&e, ZG_E_COUNTERS);
	zg_event_str(&e, ZG_F_COUNTER, zg_counter_name(s, c, buf));
	if (flow != NULL)
		zg_event_str(&e, ZG_F_FLOW, name);
	zg_event_u64(&e, ZG_F_PACKETS, c->packets - old);
	zg_event_u64(&e, ZG_F_TOTAL, c->packets);
	zg_event_message(&e, "kernel counter %s/%s: %llu packets more, %llu in all", c->table, name,
			 (unsigned long long)(c->packets - old), (unsigned long long)c->packets);
	zg_record(s, &e);
}

/* Packets that reached an inspector, and those of whose loss it knows itself (told of in record_losses). */
static uint64_t seen_by(const struct zg_child *c)
{
	return c->stats.engine.packets + c->stats.queue_gaps;
}

void zg_record_seen(struct zg_supervisor *s, struct zg_child *child)
{
	if (child->role == ZG_ROLE_INSPECTOR)
		s->queue_loss.gone += seen_by(child);
	memset(&child->stats, 0, sizeof child->stats);
	child->told_gaps = child->told_overrun = child->told_evicted = child->told_lost = 0;
}

/* Between two looks every inspector has told its numbers, which it does each second. */
#define LOOKS_APART_MS 3000u

/* What a full queue, or one without an inspector, dropped leaves no trace but that nobody has seen it. Missing at one look it
 * may be on its way, or seen and not yet told; missing at two it is lost. */
void zg_record_queue_loss(struct zg_supervisor *s, uint64_t queued, uint64_t now_ms)
{
	uint64_t seen = s->queue_loss.gone;
	struct zg_event e;

	for (uint32_t i = 0; i < s->n_inspectors; i++)
		if (s->inspectors[i].pid > 0)
			seen += seen_by(&s->inspectors[i]);
	/* the table is older than we are; or somebody claims to have seen what never was, which shall not cover what is lost from
	 * now on (modulo 2^64, gone may be less than nothing) */
	if (!s->queue_loss.begun || (int64_t)(queued - seen) < 0) {
		s->queue_loss.gone += queued - seen;
		s->queue_loss.missing = s->queue_loss.told = 0;
		seen = queued;
	}
	const uint64_t missing = queued - seen;
	const uint64_t sure = s->stopping || missing < s->queue_loss.missing ? missing : s->queue_loss.missing;
	if (s->queue_loss.begun && !s->stopping && now_ms - s->queue_loss.look_ms < LOOKS_APART_MS) {
		s->queue_loss.missing = sure;
		return;
	}
	s->queue_loss.begun = true;
	s->queue_loss.missing = missing;
	s->queue_loss.look_ms = now_ms;
	if (sure <= s->queue_loss.told)
		return;
	zg_event_init(&e, ZG_E_QUEUE_LOSS);
	zg_event_u64(&e, ZG_F_LOST, sure - s->queue_loss.told);
	zg_event_u64(&e, ZG_F_TOTAL, sure);
	zg_event_message(&e, "%llu packets of permitted flows were dropped by a full queue or one without an inspector, or seen by one that ended untold",
			 (unsigned long long)(sure - s->queue_loss.told));
	zg_record(s, &e);
	s->queue_loss.told = sure;
}

void zg_record_counters(struct zg_supervisor *s)
{
	struct zg_nft_counter *now;
	size_t n;
	if (zg_nft_counters(s->nft, false, &now, &n) != ZG_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		record_counter(s, &now[i]);
		if (strcmp(now[i].name, "queued") == 0)
			zg_record_queue_loss(s, now[i].packets, zg_now_ms());
	}
	if (n > 0)
		qsort(now, n, sizeof *now, compare_counters);
	free(s->counters);
	s->counters = now;
	s->n_counters = n;
}

void zg_record_flows_reset(struct zg_supervisor *s)
{
	for (size_t i = 0; i < s->n_counters; i++)
		if (s->counters[i].mark != 0)
			s->counters[i].packets = s->counters[i].bytes = 0;
}

void zg_record_leaving(struct zg_supervisor *s, const struct zg_plan *from, const struct zg_plan *to)
{
	struct zg_nft_counter *leaving;
	size_t n;
	if (zg_nft_counters_leaving(s->nft, from, to, &leaving, &n) != ZG_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		struct zg_nft_counter *before = find_counter(s, &leaving[i]);
		record_counter(s, &leaving[i]);
		if (before != NULL) /* it may come again, with elements that count from nothing */
			before->packets = before->bytes = 0;
	}
	free(leaving);
}
