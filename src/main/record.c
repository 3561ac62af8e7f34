/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: from messages and counters to records with the names of zones, flows, tickets. */
#include "main/supervisor.h"
#include "zonegate/mark.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

void zg_record(struct zg_supervisor *s, struct zg_event *e)
{
	if (s->records_lost > 0 && e->kind != ZG_E_RECORD_LOST) {
		struct zg_event lost;
		zg_event_init(&lost, ZG_E_RECORD_LOST);
		zg_event_u64(&lost, ZG_F_LOST, s->records_lost);
		zg_event_message(&lost, "%llu records could not be written to the log", (unsigned long long)s->records_lost);
		if (zg_log_write(s->log, &lost, stderr) == ZG_OK)
			s->records_lost = 0;
	}
	if (zg_log_write(s->log, e, stderr) != ZG_OK)
		s->records_lost++;
	if (s->ctl != NULL)
		zg_ctl_publish(s->ctl, e);
}

static const char *proto_name(uint8_t protocol, char buf[static 8])
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		snprintf(buf, 8, "%u", protocol);
		return buf;
	}
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static const struct zg_flow *flow_of(const struct zg_supervisor *s, uint32_t mark)
{
	const size_t index = s->policy != NULL ? zg_marks_find(s->policy, mark) : SIZE_MAX;
	return index != SIZE_MAX ? &s->policy->flows[index] : NULL;
}

static void add_endpoints(struct zg_event *e, const struct zg_tuple *t)
{
	char buf[8];
	if (t->client.family == 0)
		return;
	zg_event_addr(e, ZG_F_SRC_IP, &t->client);
	zg_event_addr(e, ZG_F_DST_IP, &t->server);
	zg_event_str(e, ZG_F_PROTO, proto_name(t->protocol, buf));
	if (has_ports(t->protocol)) {
		zg_event_u64(e, ZG_F_SRC_PORT, t->client_port);
		zg_event_u64(e, ZG_F_DST_PORT, t->server_port);
	}
}

static const char *endpoint(const struct zg_tuple *t, bool client, char buf[static ZG_ADDRSTR_MAX])
{
	const struct zg_addr *a = client ? &t->client : &t->server;
	if (a->family == 0)
		return "?";
	return has_ports(t->protocol) ? zg_endpoint_str(a, client ? t->client_port : t->server_port, buf) : zg_addr_str(a, buf);
}

void zg_record_add_flow(const struct zg_supervisor *s, struct zg_event *e, const struct zg_flow *f)
{
	zg_event_str(e, ZG_F_FLOW, f->name);
	zg_event_str(e, ZG_F_INSPECTOR, zg_flow_inspector(f));
	zg_event_u64(e, ZG_F_CONFIG_LINE, f->line);
	zg_event_str(e, ZG_F_TICKET, f->ticket);
	zg_event_str(e, ZG_F_APPROVER, f->approver);
	zg_event_str(e, ZG_F_CLAUSE, f->clause);
	zg_event_str(e, ZG_F_SRC_ZONE, s->policy->zones[f->from].name);
	zg_event_str(e, ZG_F_DST_ZONE, s->policy->zones[f->to].name);
}

/* What the policy table's log prefixes mean. */
static const struct {
	const char *prefix, *reason, *text;
} kernel_reasons[] = {
	{ "zg:isolated", "isolated", "one of the zones is cut off (zonegatectl isolate)" },
	{ "zg:no-flow", "no-flow", "no flow of the policy permits it" },
	{ "zg:zone-pair", "zone-pair", "nothing is permitted between these zones" },
	{ "zg:spoof", "spoofed-source", "the source address does not belong to the interface it came in on" },
	{ "zg:station", "wrong-station", "the source address belongs to another MAC address" },
	{ "zg:invalid", "invalid-state", "the packet fits no connection" },
	{ "zg:related", "related", "only ICMP errors belong to a connection without being a part of it" },
	{ "zg:opaque-error", "opaque-error", "an error about a connection that nobody inspects: it cannot be checked, and does not pass" },
	{ "zg:rate", "rate-limit", "the flow has had as many new connections as it may in this time" },
	{ "zg:connections", "connection-limit", "the flow has as many connections as it may at once" },
	{ "zg:nat", "translated", "address translation hides who speaks to whom" },
};

/* Interfaces come as index numbers; names belong to the supervisor. */
static const char *iface_name(const char *index, char buf[static IF_NAMESIZE])
{
	unsigned n = (unsigned)strtoul(index, NULL, 10);
	return n != 0 && if_indextoname(n, buf) != NULL ? buf : NULL;
}

static const char *zone_name(const struct zg_supervisor *s, const char *iface, const struct zg_addr *addr)
{
	const struct zg_zone *z = NULL;
	if (s->policy == NULL)
		return NULL;
	if (iface != NULL)
		z = zg_policy_zone_of_iface(s->policy, iface);
	else if (addr->family != 0)
		z = zg_policy_zone_of(s->policy, addr);
	return z != NULL ? z->name : NULL;
}

static void kernel_denied(struct zg_supervisor *s, const struct zg_msg_event *msg)
{
	const struct zg_tuple *t = &msg->flow.tuple;
	char in_buf[IF_NAMESIZE], out_buf[IF_NAMESIZE], src[ZG_ADDRSTR_MAX], dst[ZG_ADDRSTR_MAX], proto[8];
	const char *in = iface_name(msg->iface_in, in_buf), *out = iface_name(msg->iface_out, out_buf);
	const char *reason = "refused", *text = "refused by the policy table";
	struct zg_event e;

	for (size_t i = 0; i < sizeof kernel_reasons / sizeof kernel_reasons[0]; i++) {
		if (strcmp(kernel_reasons[i].prefix, msg->prefix) == 0) {
			reason = kernel_reasons[i].reason;
			text = kernel_reasons[i].text;
		}
	}
	zg_event_init(&e, ZG_E_PACKET_DENIED);
	zg_event_str(&e, ZG_F_VERDICT, "deny");
	zg_event_str(&e, ZG_F_REASON, reason);
	zg_event_str(&e, ZG_F_REASON_TEXT, text);
	zg_event_str(&e, ZG_F_DENIED_BY, "kernel");
	const struct zg_flow *flow = flow_of(s, msg->flow.mark); /* one that has come to its limit */
	if (flow != NULL)
		zg_record_add_flow(s, &e, flow);
	const char *from = zone_name(s, in, &t->client), *to = zone_name(s, out, &t->server);
	zg_event_str(&e, ZG_F_SRC_ZONE, from);
	zg_event_str(&e, ZG_F_DST_ZONE, to);
	zg_event_str(&e, ZG_F_IFACE_IN, in);
	zg_event_str(&e, ZG_F_IFACE_OUT, out);
	add_endpoints(&e, t);
	zg_event_u64(&e, ZG_F_PACKETS, msg->count);
	if (msg->count > 1)
		zg_event_u64(&e, ZG_F_SUPPRESSED, msg->count - 1);
	zg_event_message(&e, "denied %s %s (%s) -> %s (%s): %s [%llu packet%s]", proto_name(t->protocol, proto),
			 endpoint(t, true, src), from != NULL ? from : "no zone", endpoint(t, false, dst), to != NULL ? to : "no zone",
			 text, (unsigned long long)msg->count, msg->count == 1 ? "" : "s");
	zg_record(s, &e);
}

static enum zg_event_kind kind_of(const struct zg_flow_event *f)
{
	switch (f->kind) {
	case ZG_FLOW_OPENED:
		return ZG_E_FLOW_OPENED;
	case ZG_FLOW_CLOSED:
		return ZG_E_FLOW_CLOSED;
	case ZG_FLOW_DENIED:
		return ZG_E_CONTENT_DENIED;
	case ZG_PACKET_DENIED:
		break;
	}
	return ZG_E_PACKET_DENIED;
}

/* Connections beyond what is told one by one are told together. */
static void describe_group(struct zg_event *e, const struct zg_msg_event *msg, const char *flow)
{
	const struct zg_flow_event *f = &msg->flow;
	char src[ZG_ADDRSTR_MAX], dst[ZG_ADDRSTR_MAX];
	const char *verb = f->kind == ZG_FLOW_OPENED ? "opened" : f->kind == ZG_FLOW_CLOSED ? "closed" : "denied content of";

	zg_event_message(e, "%s %s: %llu connections, the first %s -> %s, %llu bytes from the clients, %llu from the servers%s%s", verb,
			 flow, (unsigned long long)msg->count, endpoint(&f->tuple, true, src), endpoint(&f->tuple, false, dst),
			 (unsigned long long)f->bytes[ZG_CLIENT], (unsigned long long)f->bytes[ZG_SERVER],
			 f->reason != ZG_R_NONE ? ": " : "", f->reason != ZG_R_NONE ? zg_reason_text(f->reason) : "");
}

static void describe(struct zg_event *e, const struct zg_msg_event *msg, const char *flow)
{
	if (msg->count > 1 && msg->flow.kind != ZG_PACKET_DENIED) {
		describe_group(e, msg, flow);
		return;
	}
	const struct zg_flow_event *f = &msg->flow;
	char src[ZG_ADDRSTR_MAX], dst[ZG_ADDRSTR_MAX];
	const char *a = endpoint(&f->tuple, true, src), *b = endpoint(&f->tuple, false, dst);

	switch (e->kind) {
	case ZG_E_FLOW_OPENED:
		zg_event_message(e, "opened %s: %s -> %s", flow, a, b);
		return;
	case ZG_E_FLOW_CLOSED:
		zg_event_message(e, "closed %s: %s -> %s, %llu bytes from the client, %llu from the server, %.1f s%s%s", flow, a, b,
				 (unsigned long long)f->bytes[ZG_CLIENT], (unsigned long long)f->bytes[ZG_SERVER],
				 (double)f->duration_ms / 1000, f->reason != ZG_R_NONE ? ": " : "",
				 f->reason != ZG_R_NONE ? zg_reason_text(f->reason) : "");
		return;
	case ZG_E_CONTENT_DENIED:
		zg_event_message(e, "denied content of %s: %s -> %s: %s sent: %s (%s, %s)", flow, a, b,
				 f->dir == ZG_CLIENT ? "client" : "server", zg_reason_text(f->reason), zg_reason_name(f->reason),
				 zg_reason_source(f->reason));
		return;
	default:
		zg_event_message(e, "denied packet of %s: %s -> %s: %s (%s) [%llu packet%s]", flow, a, b, zg_reason_text(f->reason),
				 zg_reason_name(f->reason), (unsigned long long)msg->count, msg->count == 1 ? "" : "s");
	}
}

static void add_digest(struct zg_event *e, enum zg_field field, const uint8_t sha256[static ZG_SHA256_LEN])
{
	char hex[2 * ZG_SHA256_LEN + 1];
	for (size_t i = 0; i < ZG_SHA256_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
	zg_event_str(e, field, hex);
}

/* Openings and closings of a flow whose refusals only are to be recorded; the kernel's counters have its sums. */
static bool is_silent(const struct zg_flow *flow, const struct zg_flow_event *f)
{
	return flow != NULL && flow->log == ZG_FLOW_LOG_REFUSED &&
	       (f->kind == ZG_FLOW_OPENED || (f->kind == ZG_FLOW_CLOSED && f->reason == ZG_R_NONE));
}

void zg_record_msg(struct zg_supervisor *s, const struct zg_child *child, const struct zg_msg_event *msg)
{
	const struct zg_flow_event *f = &msg->flow;
	const struct zg_flow *flow = flow_of(s, f->mark);
	const bool denied = f->kind == ZG_FLOW_DENIED || f->kind == ZG_PACKET_DENIED;
	struct zg_event e;

	if (child->role == ZG_ROLE_WATCH && f->kind != ZG_FLOW_OPENED) {
		kernel_denied(s, msg);
		return;
	}
	if (is_silent(flow, f))
		return;
	zg_event_init(&e, kind_of(f));
	zg_event_u64(&e, ZG_F_INDEX, child->index); /* who says so: one that is taken over may say anything */
	if (child->role == ZG_ROLE_WATCH)
		zg_event_str(&e, ZG_F_ROLE, zg_role_name(child->role));
	zg_event_str(&e, ZG_F_VERDICT, denied ? "deny" : "permit");
	if (flow != NULL) {
		zg_record_add_flow(s, &e, flow);
	} else {
		zg_event_str(&e, ZG_F_SRC_ZONE, zone_name(s, NULL, &f->tuple.client));
		zg_event_str(&e, ZG_F_DST_ZONE, zone_name(s, NULL, &f->tuple.server));
	}
	add_endpoints(&e, &f->tuple);
	if (f->reason != ZG_R_NONE) {
		zg_event_str(&e, ZG_F_REASON, zg_reason_name(f->reason));
		zg_event_str(&e, ZG_F_REASON_TEXT, zg_reason_text(f->reason));
		zg_event_str(&e, ZG_F_RULE, zg_reason_source(f->reason));
	}
	if (denied)
		zg_event_str(&e, ZG_F_DENIED_BY, "inspector");
	if (f->kind == ZG_PACKET_DENIED) {
		zg_event_u64(&e, ZG_F_PACKETS, msg->count);
		if (msg->count > 1)
			zg_event_u64(&e, ZG_F_SUPPRESSED, msg->count - 1);
	} else if (msg->count > 1) {
		zg_event_u64(&e, ZG_F_CONNECTIONS, msg->count);
		zg_event_u64(&e, ZG_F_SUPPRESSED, msg->count - 1);
	}
	if (f->kind == ZG_FLOW_CLOSED || f->kind == ZG_FLOW_DENIED) {
		zg_event_u64(&e, ZG_F_BYTES_CLIENT, f->bytes[ZG_CLIENT]);
		zg_event_u64(&e, ZG_F_BYTES_SERVER, f->bytes[ZG_SERVER]);
		if (msg->count == 1) /* a sum of times says nothing */
			zg_event_u64(&e, ZG_F_DURATION_MS, f->duration_ms);
		if (f->digested) {
			add_digest(&e, ZG_F_SHA256_CLIENT, f->sha256[ZG_CLIENT]);
			add_digest(&e, ZG_F_SHA256_SERVER, f->sha256[ZG_SERVER]);
		}
	}
	describe(&e, msg, flow != NULL ? flow->name : "a flow that is no longer in force");
	zg_record(s, &e);
}

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
	const struct zg_flow *flow = flow_of(s, c->mark);
	if (flow == NULL)
		return c->name;
	snprintf(buf, ZG_COUNTER_NAME_MAX, "flow:%s", flow->name);
	return buf;
}

static void record_counter(struct zg_supervisor *s, const struct zg_nft_counter *c)
{
	const struct zg_nft_counter *before = find_counter(s, c);
	const uint64_t old = before != NULL && before->packets <= c->packets ? before->packets : 0;
	const struct zg_flow *flow = flow_of(s, c->mark);
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

/* What a full queue, or one without an inspector, dropped leaves no trace but that nobody has seen it. Missing at one look it
 * may be on its way; missing at two it is lost. */
void zg_record_queue_loss(struct zg_supervisor *s, uint64_t queued)
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
	s->queue_loss.begun = true;
	s->queue_loss.missing = missing;
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
	if (zg_nft_counters(s->nft, &now, &n) != ZG_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		record_counter(s, &now[i]);
		if (strcmp(now[i].name, "queued") == 0)
			zg_record_queue_loss(s, now[i].packets);
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
