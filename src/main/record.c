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

const struct zg_flow *zg_record_flow(const struct zg_supervisor *s, uint32_t mark)
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

void zg_record_add_place(const struct zg_supervisor *s, struct zg_event *e, unsigned line)
{
	const struct zg_file *file = zg_files_at(&s->policy->files, line, &line);
	zg_event_u64(e, ZG_F_CONFIG_LINE, line);
	if (s->policy->files.n > 1)
		zg_event_str(e, ZG_F_FILE, file->name);
}

void zg_record_add_flow(const struct zg_supervisor *s, struct zg_event *e, const struct zg_flow *f)
{
	zg_event_str(e, ZG_F_FLOW, f->name);
	zg_event_str(e, ZG_F_INSPECTOR, zg_flow_inspector(f));
	zg_record_add_place(s, e, f->line);
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
	{ "zg:blocklist", "blocklist", "the address is on a blocklist" },
	{ "zg:opaque-error", "opaque-error", "an error about a connection that nobody inspects: it cannot be checked, and does not pass" },
	{ "zg:rate", "rate-limit", "the flow has had as many new connections as it may in this time" },
	{ "zg:connections", "connection-limit", "the flow has as many connections as it may at once" },
	{ "zg:nat", "translated", "address translation hides who speaks to whom" },
	{ "zg:in-invalid", "invalid-state", "the packet fits no connection" },
	{ "zg:in-nat", "translated", "address translation hides who speaks to whom" },
	{ "zg:in-spoof", "spoofed-source", "the source address does not belong to the interface it came in on" },
	{ "zg:in-related", "related", "only ICMP errors belong to a connection without being a part of it" },
	{ "zg:in-rate", "router-rate", "more echo requests than the router answers" },
	{ "zg:in-closed", "router-closed", "the router does not offer this to the sender" },
	{ "zg:out-invalid", "invalid-state", "the packet fits no connection" },
	{ "zg:out-nat", "translated", "address translation hides who speaks to whom" },
	{ "zg:out-related", "related", "only ICMP errors belong to a connection without being a part of it" },
	{ "zg:out-closed", "router-closed", "the router itself has no reason to speak to the receiver" },
};

/* Only what the router itself receives or sends has one interface alone; of many together, it is in the prefix. */
enum router_end { ROUTER_NONE, ROUTER_IN, ROUTER_OUT };

static enum router_end router_end_of(const struct zg_msg_event *msg)
{
	const bool in = msg->iface_in[0] != '\0', out = msg->iface_out[0] != '\0';
	if (in != out)
		return in ? ROUTER_IN : ROUTER_OUT;
	return strncmp(msg->prefix, "zg:in-", 6) == 0 ? ROUTER_IN : strncmp(msg->prefix, "zg:out-", 7) == 0 ? ROUTER_OUT : ROUTER_NONE;
}

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

/* Which list, and which line of its file. */
static void add_list(const struct zg_supervisor *s, struct zg_event *e, const struct zg_tuple *t, const char *from, const char *to)
{
	const struct zg_addr addrs[2] = { t->client, t->server };
	if (s->policy == NULL)
		return;
	const struct zg_zone *const zones[2] = { from != NULL ? zg_policy_zone(s->policy, from) : NULL,
						 to != NULL ? zg_policy_zone(s->policy, to) : NULL };
	size_t list;
	unsigned line;

	/* a list may have let go of it meanwhile */
	if (!zg_lists_find(&s->lists, s->policy, addrs, zones, &list, &line))
		return;
	zg_event_str(e, ZG_F_LIST, s->lists.lists[list].name);
	zg_event_str(e, ZG_F_FILE, s->lists.lists[list].file);
	zg_event_u64(e, ZG_F_LIST_LINE, line);
}

/* What the monitors' log prefixes mean. */
static const struct {
	const char *prefix;
	enum zg_event_kind kind;
	int meter; /* ZG_METER_*; -1 = none */
	const char *text;
} monitor_kinds[] = {
	{ "zg:conn-rate", ZG_E_CONNECTION_RATE, ZG_METER_CONNECTIONS, "opens connections faster than the limit" },
	{ "zg:scan", ZG_E_SCAN, ZG_METER_SCAN, "tries more different destinations than the limit" },
	{ "zg:flood", ZG_E_FLOOD, ZG_METER_FLOOD, "sends unanswered packets faster than the limit" },
	{ "zg:target", ZG_E_FLOOD_TARGET, ZG_METER_TARGET, "gets unanswered packets faster than the limit" },
	{ "zg:blocked", ZG_E_SOURCE_BLOCKED, -1, "is blocked for now and opens nothing" },
	{ "zg:first-seen", ZG_E_DESTINATION_FIRST_SEEN, -1, "spoken to for the first time" },
};

static const struct zg_meter *meter_of(const struct zg_supervisor *s, const char *zone, int meter)
{
	for (size_t i = 0; s->policy != NULL && zone != NULL && meter >= 0 && i < s->policy->n_monitors; i++) {
		const struct zg_monitor *m = &s->policy->monitors[i];
		if (strcmp(s->policy->zones[m->zone].name, zone) == 0 && m->meters[meter].limit > 0)
			return &m->meters[meter];
	}
	return NULL;
}

/* The limit that was passed, and what follows. The number of packets is that of those beyond it. */
static void add_meter(struct zg_event *e, const struct zg_meter *meter)
{
	if (meter == NULL)
		return;
	zg_event_u64(e, ZG_F_LIMIT, meter->limit);
	zg_event_u64(e, ZG_F_SECONDS, meter->seconds);
	if (meter->block > 0)
		zg_event_u64(e, ZG_F_BLOCK_S, meter->block);
}

static void monitor_told(struct zg_supervisor *s, const struct zg_msg_event *msg, size_t what)
{
	const struct zg_tuple *t = &msg->flow.tuple;
	const enum zg_event_kind kind = monitor_kinds[what].kind;
	const bool target = kind == ZG_E_FLOOD_TARGET, both = kind == ZG_E_DESTINATION_FIRST_SEEN;
	char in_buf[IF_NAMESIZE], buf[ZG_ADDRSTR_MAX], proto[8];
	const char *in = iface_name(msg->iface_in, in_buf), *zone = in != NULL ? zone_name(s, in, &t->client) : NULL;
	const struct zg_meter *meter = meter_of(s, zone, monitor_kinds[what].meter);
	const bool denied = kind == ZG_E_SOURCE_BLOCKED || (meter != NULL && meter->block > 0);
	const struct zg_addr *who = target || both ? &t->server : &t->client;
	const bool known = who->family != 0;
	struct zg_event e;

	zg_event_init(&e, kind);
	/* of those that were told together for their number nobody knows the zone */
	if (zone != NULL || denied)
		zg_event_str(&e, ZG_F_VERDICT, denied ? "deny" : "notice");
	if (denied)
		zg_event_str(&e, ZG_F_DENIED_BY, "kernel");
	zg_event_str(&e, ZG_F_SRC_ZONE, zone);
	zg_event_str(&e, ZG_F_IFACE_IN, in);
	if (both)
		add_endpoints(&e, t);
	else if (known)
		zg_event_addr(&e, target ? ZG_F_DST_IP : ZG_F_SRC_IP, who);
	if (known && !both)
		zg_event_str(&e, ZG_F_PROTO, proto_name(t->protocol, proto));
	zg_event_u64(&e, ZG_F_PACKETS, msg->count);
	if (msg->count > 1)
		zg_event_u64(&e, ZG_F_SUPPRESSED, msg->count - 1);
	add_meter(&e, meter);
	zg_event_message(&e, "%s%s (%s%s) %s [%llu packet%s]", known ? zg_addr_str(who, buf) : "many", known && !target && !both && who->family == ZG_IPV6 ? "/64" : "",
			 target || both ? "from " : "", zone != NULL ? zone : "no zone", monitor_kinds[what].text, (unsigned long long)msg->count,
			 msg->count == 1 ? "" : "s");
	zg_record(s, &e);
}

/* What a record of the watch says of both ends. */
struct seen {
	enum router_end end;
	char in_buf[IF_NAMESIZE], out_buf[IF_NAMESIZE], src_buf[ZG_ADDRSTR_MAX], dst_buf[ZG_ADDRSTR_MAX], proto_buf[8];
	const char *src, *dst, *proto;
	const char *in, *out, *from, *to; /* interfaces and zones; NULL = none */
};

static void look(const struct zg_supervisor *s, const struct zg_msg_event *msg, struct seen *ret_seen)
{
	const struct zg_tuple *t = &msg->flow.tuple;
	struct seen *w = ret_seen;
	*w = (struct seen){ .end = router_end_of(msg) };
	w->in = iface_name(msg->iface_in, w->in_buf);
	w->out = iface_name(msg->iface_out, w->out_buf);
	w->from = w->end == ROUTER_OUT ? NULL : zone_name(s, w->in, &t->client);
	w->to = w->end == ROUTER_IN ? NULL : zone_name(s, w->out, &t->server);
	w->proto = proto_name(t->protocol, w->proto_buf);
	w->src = endpoint(t, true, w->src_buf);
	w->dst = endpoint(t, false, w->dst_buf);
}

static void add_seen(struct zg_event *e, const struct zg_msg_event *msg, const struct seen *w)
{
	zg_event_str(e, ZG_F_SRC_ZONE, w->from);
	zg_event_str(e, ZG_F_DST_ZONE, w->to);
	zg_event_str(e, ZG_F_IFACE_IN, w->in);
	zg_event_str(e, ZG_F_IFACE_OUT, w->out);
	if (w->end != ROUTER_NONE)
		zg_event_str(e, ZG_F_ROUTER, w->end == ROUTER_IN ? "in" : "out");
	add_endpoints(e, &msg->flow.tuple);
	zg_event_u64(e, ZG_F_PACKETS, msg->count);
	if (msg->count > 1)
		zg_event_u64(e, ZG_F_SUPPRESSED, msg->count - 1);
}

static const char *end_name(const struct seen *w, bool sender)
{
	const char *zone = sender ? w->from : w->to;
	if (w->end == (sender ? ROUTER_OUT : ROUTER_IN))
		return "the router";
	return zone != NULL ? zone : "no zone";
}

static void kernel_denied(struct zg_supervisor *s, const struct zg_msg_event *msg)
{
	const char *reason = "refused", *text = "refused by the policy table";
	struct zg_event e;
	struct seen w;

	for (size_t i = 0; i < sizeof kernel_reasons / sizeof kernel_reasons[0]; i++) {
		if (strcmp(kernel_reasons[i].prefix, msg->prefix) == 0) {
			reason = kernel_reasons[i].reason;
			text = kernel_reasons[i].text;
		}
	}
	const bool listed = strcmp(msg->prefix, "zg:blocklist") == 0;
	look(s, msg, &w);
	zg_event_init(&e, listed ? ZG_E_BLOCKLIST_MATCHED : ZG_E_PACKET_DENIED);
	zg_event_str(&e, ZG_F_VERDICT, "deny");
	zg_event_str(&e, ZG_F_REASON, reason);
	zg_event_str(&e, ZG_F_REASON_TEXT, text);
	zg_event_str(&e, ZG_F_DENIED_BY, "kernel");
	const struct zg_flow *flow = zg_record_flow(s, msg->flow.mark); /* one that has come to its limit */
	if (flow != NULL)
		zg_record_add_flow(s, &e, flow);
	if (listed)
		add_list(s, &e, &msg->flow.tuple, w.from, w.to);
	add_seen(&e, msg, &w);
	zg_event_message(&e, "denied %s %s (%s) -> %s (%s): %s [%llu packet%s]", w.proto, w.src, end_name(&w, true), w.dst,
			 end_name(&w, false), text, (unsigned long long)msg->count, msg->count == 1 ? "" : "s");
	zg_record(s, &e);
}

/* The entry of the group router by which a connection to the router, or of it, was permitted; NULL = no longer there. */
static const struct zg_router_rule *router_rule_of(const struct zg_supervisor *s, const struct zg_tuple *t, const struct seen *w)
{
	const bool out = w->end == ROUTER_OUT, icmp = t->protocol == IPPROTO_ICMP || t->protocol == IPPROTO_ICMPV6;
	if (s->policy == NULL || t->client.family == 0)
		return NULL;
	return zg_policy_router_rule(s->policy, out, out ? w->out : w->in, out ? &t->server : &t->client,
				     icmp ? ZG_ROUTER_ICMP : t->protocol, has_ports(t->protocol) ? t->server_port : 0);
}

static void router_opened(struct zg_supervisor *s, const struct zg_msg_event *msg)
{
	struct zg_event e;
	struct seen w;

	look(s, msg, &w);
	const struct zg_router_rule *rule = router_rule_of(s, &msg->flow.tuple, &w);
	zg_event_init(&e, ZG_E_ROUTER_OPENED);
	zg_event_str(&e, ZG_F_VERDICT, "permit");
	if (rule != NULL) {
		zg_event_str(&e, ZG_F_FLOW, rule->name);
		zg_event_u64(&e, ZG_F_CONFIG_LINE, rule->line);
	}
	add_seen(&e, msg, &w);
	zg_event_message(&e, "opened %s: %s %s (%s) -> %s (%s) [%llu packet%s]", rule != NULL ? rule->name : "(an entry that is gone)",
			 w.proto, w.src, end_name(&w, true), w.dst, end_name(&w, false), (unsigned long long)msg->count,
			 msg->count == 1 ? "" : "s");
	zg_record(s, &e);
}

static void kernel_told(struct zg_supervisor *s, const struct zg_msg_event *msg)
{
	for (size_t i = 0; i < sizeof monitor_kinds / sizeof monitor_kinds[0]; i++) {
		if (strcmp(monitor_kinds[i].prefix, msg->prefix) == 0) {
			monitor_told(s, msg, i);
			return;
		}
	}
	kernel_denied(s, msg);
}

/* "4294967295:alternative:4294967295 " for each, and " +4294967295" */
#define PARTS_TEXT_MAX (ZG_NOTE_PARTS_MAX * 36 + 16)

static enum zg_event_kind kind_of(const struct zg_flow_event *f)
{
	switch (f->kind) {
	case ZG_FLOW_OPENED:
		return ZG_E_FLOW_OPENED;
	case ZG_FLOW_CLOSED:
		return ZG_E_FLOW_CLOSED;
	case ZG_FLOW_DENIED:
		return ZG_E_CONTENT_DENIED;
	case ZG_CONTENT_CHANGED:
		return ZG_E_CONTENT_CHANGED;
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

/* What was done to each part, as "2:file:20480 3:html:811": its number, what was done, the octets of its body; of links their
 * number. */
static void write_parts(const struct zg_note *note, char ret_text[static PARTS_TEXT_MAX])
{
	size_t used = 0;

	ret_text[0] = '\0';
	for (uint32_t i = 0; i < note->listed; i++) {
		const bool links = note->part[i].action == ZG_NOTE_LINKS;
		used += (size_t)snprintf(ret_text + used, PARTS_TEXT_MAX - used, "%s%u:%s:%u", i > 0 ? " " : "", note->part[i].number,
					 zg_note_word(note->part[i].action), links ? note->part[i].links : note->part[i].octets);
	}
	if (note->parts > note->listed)
		snprintf(ret_text + used, PARTS_TEXT_MAX - used, " +%u", note->parts - note->listed);
}

static void add_mail(struct zg_event *e, const struct zg_msg_event *msg)
{
	char parts[PARTS_TEXT_MAX];

	zg_event_u64(e, ZG_F_MAILS, msg->count);
	zg_event_u64(e, ZG_F_MAIL_BYTES, msg->flow.bytes[ZG_CLIENT] + msg->flow.bytes[ZG_SERVER]);
	if (msg->count > 1)
		return;
	if (msg->flow.note.id[0] != '\0')
		zg_event_str(e, ZG_F_MAIL_ID, msg->flow.note.id);
	write_parts(&msg->flow.note, parts);
	zg_event_str(e, ZG_F_MAIL_PARTS, parts);
}

static void describe_mail(struct zg_event *e, const struct zg_msg_event *msg, const char *flow)
{
	const struct zg_flow_event *f = &msg->flow;
	char src[ZG_ADDRSTR_MAX], dst[ZG_ADDRSTR_MAX], parts[PARTS_TEXT_MAX];
	const char *a = endpoint(&f->tuple, true, src), *b = endpoint(&f->tuple, false, dst);
	const unsigned long long bytes = f->bytes[ZG_CLIENT] + f->bytes[ZG_SERVER];

	write_parts(&f->note, parts);
	if (msg->count > 1)
		zg_event_message(e, "made text of %s: %llu mails, the first %s -> %s, %llu bytes", flow, (unsigned long long)msg->count, a, b,
				 bytes);
	else
		zg_event_message(e, "made text of %s: %s -> %s: %s: %s", flow, a, b, f->note.id[0] != '\0' ? f->note.id : "(no Message-ID)",
				 parts);
}

static void describe(struct zg_event *e, const struct zg_msg_event *msg, const char *flow)
{
	if (msg->flow.kind == ZG_CONTENT_CHANGED) {
		describe_mail(e, msg, flow);
		return;
	}
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

/* What is no refusal, of a flow whose refusals only are to be recorded; the kernel's counters have its sums. */
static bool is_silent(const struct zg_flow *flow, const struct zg_flow_event *f)
{
	return flow != NULL && flow->log == ZG_FLOW_LOG_REFUSED &&
	       (f->kind == ZG_FLOW_OPENED || f->kind == ZG_CONTENT_CHANGED || (f->kind == ZG_FLOW_CLOSED && f->reason == ZG_R_NONE));
}

void zg_record_msg(struct zg_supervisor *s, const struct zg_child *child, const struct zg_msg_event *msg)
{
	const struct zg_flow_event *f = &msg->flow;
	const struct zg_flow *flow = zg_record_flow(s, f->mark);
	const bool denied = f->kind == ZG_FLOW_DENIED || f->kind == ZG_PACKET_DENIED;
	struct zg_event e;

	if (child->role == ZG_ROLE_WATCH && f->kind != ZG_FLOW_OPENED) {
		kernel_told(s, msg);
		return;
	}
	if (child->role == ZG_ROLE_WATCH && (router_end_of(msg) != ROUTER_NONE || f->mark == 0)) {
		router_opened(s, msg);
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
	} else if (f->kind == ZG_CONTENT_CHANGED) {
		add_mail(&e, msg);
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
