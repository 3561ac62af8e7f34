/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/diff.h"
#include "ctl/show.h"

#include <stdlib.h>
#include <string.h>

/* --- values of several kinds ---------------------------------------------------------------------------- */

static void put_text(FILE *out, const char *text)
{
	fputs(text != NULL ? text : "", out);
}

static int range_order(const void *a, const void *b)
{
	const struct zg_range *x = a, *y = b;
	const int order = zg_addr_cmp(&x->lo, &y->lo);
	return order != 0 ? order : zg_addr_cmp(&x->hi, &y->hi);
}

static void put_range(FILE *out, size_t i, const struct zg_range *range)
{
	char buf[2 * ZG_ADDRSTR_MAX];
	fprintf(out, "%s%s", i > 0 ? ", " : "", zg_range_str(range, buf));
}

/* In order, and each address once. */
static void put_ranges(FILE *out, const struct zg_range *ranges, size_t n)
{
	size_t shown = 0;
	struct zg_range *sorted = n > 1 ? malloc(n * sizeof *sorted) : NULL, open;
	if (sorted == NULL) {
		for (size_t i = 0; i < n; i++)
			put_range(out, i, &ranges[i]);
		return;
	}
	memcpy(sorted, ranges, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, range_order);
	open = sorted[0];
	for (size_t i = 1; i < n; i++) {
		if (zg_range_overlap(&open, &sorted[i])) {
			if (zg_addr_cmp(&open.hi, &sorted[i].hi) < 0)
				open.hi = sorted[i].hi;
			continue;
		}
		put_range(out, shown++, &open);
		open = sorted[i];
	}
	put_range(out, shown, &open);
	free(sorted);
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Texts of at most size bytes each, one after the other, in order. */
static void put_texts(FILE *out, char *texts, size_t size, size_t n)
{
	char **order = calloc(n + 1, sizeof *order);
	for (size_t i = 0; order != NULL && i < n; i++)
		order[i] = texts + i * size;
	if (order != NULL)
		qsort(order, n, sizeof *order, text_order);
	for (size_t i = 0; order != NULL && i < n; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", order[i]);
	free(order);
}

/* --- settings ------------------------------------------------------------------------------------------- */

static void put_body(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)object;
	put_text(out, policy->body);
}

static void put_model(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)object;
	fputs(zg_model_name(policy->model), out);
}

static void put_flow_digest(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)object;
	fputs(policy->flow_digest ? "true" : "false", out);
}

static void put_inspectors(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)object;
	fprintf(out, "%u", (unsigned)policy->inspectors);
}

static void put_queue_base(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)object;
	fprintf(out, "%u", (unsigned)policy->queue_base);
}

static void put_max_term(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)object;
	fprintf(out, "%u", (unsigned)policy->max_term);
}

static void put_holidays(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)object;
	for (size_t i = 0; i < policy->n_holidays; i++)
		fprintf(out, "%s%04u-%02u-%02u", i > 0 ? ", " : "", policy->holidays[i] / 10000, policy->holidays[i] / 100 % 100,
			policy->holidays[i] % 100);
}

/* --- schedules, blocklists ---------------------------------------------------------------------------------- */

static void put_times(FILE *out, const struct zg_policy *policy, const void *object)
{
	char *text = zg_schedule_str(object);
	(void)policy;
	put_text(out, text);
	free(text);
}

static void put_file(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_blocklist_conf *list = object;
	(void)policy;
	put_text(out, list->file);
}

static void put_list_zones(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_blocklist_conf *list = object;
	char names[ZG_ZONES_MAX][ZG_NAME_MAX + 1];
	size_t n = 0;
	for (; n < list->n_zones && n < ZG_ZONES_MAX; n++)
		snprintf(names[n], sizeof names[n], "%s", policy->zones[list->zones[n]].name);
	if (n == 0)
		fputs("all", out);
	else
		put_texts(out, names[0], sizeof names[0], n);
}

static void put_own_networks(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_blocklist_conf *list = object;
	(void)policy;
	fputs(list->own_networks ? "true" : "false", out);
}

/* --- zones ---------------------------------------------------------------------------------------------- */

static void put_kind(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_zone *zone = object;
	(void)policy;
	fputs(zg_kind_name(zone->kind), out);
}

static void put_label(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_zone *zone = object;
	(void)policy;
	put_text(out, zone->label);
}

static void put_interfaces(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_zone *zone = object;
	static const struct zg_mac any;
	char names[ZG_ZONE_IFACES_MAX][48], mac[18];
	(void)policy;
	for (size_t i = 0; i < zone->n_ifaces; i++) {
		bool card = memcmp(&zone->iface_macs[i], &any, sizeof any) != 0;
		snprintf(names[i], sizeof names[i], "%s%s%s", zone->ifaces[i], card ? " with address " : "",
			 card ? zg_mac_str(&zone->iface_macs[i], mac) : "");
	}
	put_texts(out, names[0], sizeof names[0], zone->n_ifaces);
}

static void put_within(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_zone *zone = object;
	(void)policy;
	fputs(zone->within ? "permit" : "deny", out);
}

static void put_addresses(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_zone *zone = object;
	(void)policy;
	put_ranges(out, zone->ranges, zone->n_ranges);
}

static void put_stations(FILE *out, const struct zg_policy *policy, const void *object)
{
	enum { SIZE = ZG_ADDRSTR_MAX + 32 };
	const struct zg_zone *zone = object;
	char addr[ZG_ADDRSTR_MAX], mac[18], *texts = malloc((zone->n_stations + 1) * SIZE);
	(void)policy;
	for (size_t i = 0; texts != NULL && i < zone->n_stations; i++)
		snprintf(texts + i * SIZE, SIZE, "%s at %s", zg_addr_str(&zone->stations[i].addr, addr),
			 zg_mac_str(&zone->stations[i].mac, mac));
	if (texts != NULL)
		put_texts(out, texts, SIZE, zone->n_stations);
	free(texts);
}

/* --- flows ---------------------------------------------------------------------------------------------- */

static void put_from(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	fputs(policy->zones[flow->from].name, out);
}

static void put_to(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	fputs(policy->zones[flow->to].name, out);
}

static void put_source(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	(void)policy;
	put_ranges(out, flow->sources, flow->n_sources);
}

static void put_destination(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	(void)policy;
	put_ranges(out, flow->destinations, flow->n_destinations);
}

static void put_protocol(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	(void)policy;
	fputs(flow->transport == ZG_UDP ? "udp" : "tcp", out);
}

static int ports_order(const void *a, const void *b)
{
	const struct zg_ports *x = a, *y = b;
	return x->lo != y->lo ? (int)x->lo - (int)y->lo : (int)x->hi - (int)y->hi;
}

/* In order, and each port once. */
static void put_port(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	struct zg_ports *sorted = malloc((flow->n_ports + 1) * sizeof *sorted);
	char buf[16];
	size_t kept = 0;
	(void)policy;
	if (sorted == NULL || flow->n_ports == 0) {
		free(sorted);
		return;
	}
	memcpy(sorted, flow->ports, flow->n_ports * sizeof *sorted);
	qsort(sorted, flow->n_ports, sizeof *sorted, ports_order);
	for (size_t i = 1; i < flow->n_ports; i++) {
		if ((unsigned)sorted[i].lo > (unsigned)sorted[kept].hi + 1)
			sorted[++kept] = sorted[i];
		else if (sorted[i].hi > sorted[kept].hi)
			sorted[kept].hi = sorted[i].hi;
	}
	for (size_t i = 0; i <= kept; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", zg_ports_str(&sorted[i], buf));
	free(sorted);
}

/* Its own settings are fields of their own. */
static void put_inspector(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	(void)policy;
	fputs(flow->inspector != NULL ? flow->inspector->name : "none (opaque)", out);
}

static void put_log(FILE *out, const struct zg_policy *policy, const void *object)
{
	static const char *const words[ZG_FLOW_LOG_COUNT] = { "all", "refused" };
	const struct zg_flow *flow = object;
	(void)policy;
	fputs((unsigned)flow->log < ZG_FLOW_LOG_COUNT ? words[flow->log] : "?", out);
}

/* What it says is compared where it stands. */
static void put_flow_schedule(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	fputs(flow->schedule == ZG_SCHEDULE_ALWAYS ? "always" : policy->schedules[flow->schedule].name, out);
}

static void put_rate(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	(void)policy;
	if (flow->rate.count != 0)
		fprintf(out, "%u/%s", (unsigned)flow->rate.count, flow->rate.seconds == 1 ? "s" : "min");
}

static void put_connections(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	(void)policy;
	if (flow->connections != 0)
		fprintf(out, "%u", (unsigned)flow->connections);
}

static void put_specific(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	(void)policy;
	fputs(flow->specific ? "true" : "", out);
}

static void put_purpose(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)policy;
	put_text(out, ((const struct zg_flow *)object)->purpose);
}

static void put_ticket(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)policy;
	put_text(out, ((const struct zg_flow *)object)->ticket);
}

static void put_approver(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)policy;
	put_text(out, ((const struct zg_flow *)object)->approver);
}

static void put_clause(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)policy;
	put_text(out, ((const struct zg_flow *)object)->clause);
}

static void put_expires(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_flow *flow = object;
	char buf[16];
	(void)policy;
	fputs(zg_expires_str(flow->expires, buf), out);
}

/* --- monitors -------------------------------------------------------------------------------------------- */

/* What is counted of the zone; NULL = nothing. */
static const struct zg_monitor *monitor_of(const struct zg_policy *policy, const struct zg_zone *zone)
{
	for (size_t i = 0; i < policy->n_monitors; i++)
		if (&policy->zones[policy->monitors[i].zone] == zone)
			return &policy->monitors[i];
	return NULL;
}

/* "50 in 1 s, burst 200, block 600 s" */
static void put_meter(FILE *out, const struct zg_policy *policy, const void *object, enum zg_meter_kind kind)
{
	const struct zg_monitor *monitor = monitor_of(policy, object);
	const struct zg_meter *meter = monitor != NULL ? &monitor->meters[kind] : NULL;
	if (meter == NULL || meter->limit == 0)
		return;
	fprintf(out, "%u in %u s, burst %u", (unsigned)meter->limit, (unsigned)meter->seconds, (unsigned)meter->burst);
	if (meter->block > 0)
		fprintf(out, ", block %u s", (unsigned)meter->block);
}

static void put_meter_connections(FILE *out, const struct zg_policy *policy, const void *object)
{
	put_meter(out, policy, object, ZG_METER_CONNECTIONS);
}
static void put_meter_scan(FILE *out, const struct zg_policy *policy, const void *object)
{
	put_meter(out, policy, object, ZG_METER_SCAN);
}
static void put_meter_flood(FILE *out, const struct zg_policy *policy, const void *object)
{
	put_meter(out, policy, object, ZG_METER_FLOOD);
}
static void put_meter_target(FILE *out, const struct zg_policy *policy, const void *object)
{
	put_meter(out, policy, object, ZG_METER_TARGET);
}

static void put_first_seen(FILE *out, const struct zg_policy *policy, const void *object)
{
	const struct zg_monitor *monitor = monitor_of(policy, object);
	if (monitor != NULL && monitor->first_seen)
		fputs("true", out);
}

/* --- the router itself ------------------------------------------------------------------------------------ */

/* "ssh from management tcp 22 10.40.0.5, 10.40.0.6" */
static void put_router_rule(FILE *out, const struct zg_policy *policy, const struct zg_router_rule *rule)
{
	char buf[16];
	fprintf(out, "%s %s %s", rule->name, rule->out ? "to" : "from", policy->zones[rule->zone].name);
	if (rule->iface != NULL)
		fprintf(out, " %s", rule->iface);
	fprintf(out, " %s", zg_router_protocol_str(rule, buf));
	for (size_t i = 0; i < rule->n_ports; i++)
		fprintf(out, " %s", zg_ports_str(&rule->ports[i], buf));
	fputc(' ', out);
	put_ranges(out, rule->peers, rule->n_peers);
	if (rule->rate > 0)
		fprintf(out, " at most %u/s", (unsigned)rule->rate);
}

/* The entries of one key, in an order of their own. */
static void put_router(FILE *out, const struct zg_policy *policy, const char *key)
{
	char **texts = calloc(policy->n_router + 1, sizeof *texts);
	size_t n = 0;
	for (size_t i = 0; texts != NULL && i < policy->n_router; i++) {
		size_t len;
		if (strcmp(policy->router[i].key, key) != 0)
			continue;
		FILE *text = open_memstream(&texts[n], &len);
		if (text == NULL)
			break;
		put_router_rule(text, policy, &policy->router[i]);
		if (fclose(text) != 0)
			break;
		n++;
	}
	if (texts != NULL)
		qsort(texts, n, sizeof *texts, text_order);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s%s", i > 0 ? "; " : "", texts[i]);
		free(texts[i]);
	}
	free(texts);
}

/* There, even if it says nothing, or not. */
static void put_router_group(FILE *out, const struct zg_policy *policy, const void *object)
{
	(void)object;
	put_text(out, policy->has_router ? "yes" : NULL);
}

#define ROUTER_KEY(name)                                                                                \
	static void put_##name(FILE *out, const struct zg_policy *policy, const void *object)           \
	{                                                                                               \
		(void)object;                                                                           \
		put_router(out, policy, #name);                                                         \
	}
ROUTER_KEY(manage)
ROUTER_KEY(ping)
ROUTER_KEY(services)
ROUTER_KEY(ntp)
ROUTER_KEY(dns)
ROUTER_KEY(syslog)
ROUTER_KEY(syslog_tls)
ROUTER_KEY(journal_upload)
ROUTER_KEY(av_update)
ROUTER_KEY(vrrp)
ROUTER_KEY(ospf)
ROUTER_KEY(bgp)
ROUTER_KEY(bfd)

/* --- the tables ------------------------------------------------------------------------------------------ */

/* Keys that have no line below, and why not; read by tests/static/run:
 * the file.version	there is one only
 * the file.zones	each is compared by itself
 * the file.flows	each is compared by itself
 * the file.log		its keys are
 * the file.daemon	its keys are
 * zone.name		what is compared is found by it
 * flow.name		what is compared is found by it
 * the file.hosts		what they stand for is compared where they are used
 * the file.groups	the same
 * the file.services	the same
 * host.name		the same
 * host.address		the same
 * host.mac		in zone.stations
 * group.name		as those of a host
 * group.members		the same
 * service.name		as those of a host
 * service.protocol	the same
 * service.port		the same
 * service.inspector	the same
 * interface.name		in zone.interfaces
 * interface.mac		in zone.interfaces
 * flow.service		what it says is compared
 * the file.schedules	each is compared by itself
 * the file.blocklists	each is compared by itself
 * the file.monitor	what is counted of a zone is compared with the zone
 * monitor.zone		what is compared is found by it
 * schedule.name		what is compared is found by it
 * schedule.hours	in schedule.days
 * schedule.holidays	in schedule.days
 * blocklist.name	what is compared is found by it
 * specific.name	what is compared is found by it
 * specific.client	in flow.source
 * specific.server	in flow.destination
 * specific.opaque	in flow.inspector
 * specific.client_mac	in zone.stations
 * specific.server_mac	in zone.stations
 * station.address	in zone.stations
 * station.mac		in zone.stations
 */
static const struct zg_diff_field setting_fields[] = {
	{ "the file", "body", put_body },
	{ "the file", "model", put_model },
	{ "the file", "max_term", put_max_term },
	{ "the file", "holidays", put_holidays },
	{ "log", "flow_digest", put_flow_digest },
	{ "daemon", "inspectors", put_inspectors },
	{ "daemon", "queue_base", put_queue_base },
	{ "the file", "router", put_router_group },
	{ "router", "manage", put_manage },
	{ "router", "ping", put_ping },
	{ "router", "services", put_services },
	{ "router", "ntp", put_ntp },
	{ "router", "dns", put_dns },
	{ "router", "syslog", put_syslog },
	{ "router", "syslog_tls", put_syslog_tls },
	{ "router", "journal_upload", put_journal_upload },
	{ "router", "av_update", put_av_update },
	{ "router", "vrrp", put_vrrp },
	{ "router", "ospf", put_ospf },
	{ "router", "bgp", put_bgp },
	{ "router", "bfd", put_bfd },
};
static const struct zg_diff_field zone_fields[] = {
	{ "zone", "kind", put_kind },
	{ "zone", "label", put_label },
	{ "zone", "interfaces", put_interfaces },
	{ "zone", "within", put_within },
	{ "zone", "addresses", put_addresses },
	{ "zone", "stations", put_stations },
	{ "monitor", "connections", put_meter_connections },
	{ "monitor", "scan", put_meter_scan },
	{ "monitor", "flood", put_meter_flood },
	{ "monitor", "target", put_meter_target },
	{ "monitor", "first_seen", put_first_seen },
};
static const struct zg_diff_field flow_fields[] = {
	{ "flow", "from", put_from },
	{ "flow", "to", put_to },
	{ "flow", "source", put_source },
	{ "flow", "destination", put_destination },
	{ "flow", "protocol", put_protocol },
	{ "flow", "port", put_port },
	{ "flow", "inspector", put_inspector },
	{ "flow", "purpose", put_purpose },
	{ "flow", "ticket", put_ticket },
	{ "flow", "approver", put_approver },
	{ "flow", "clause", put_clause },
	{ "flow", "expires", put_expires },
	{ "flow", "schedule", put_flow_schedule },
	{ "flow", "log", put_log },
	{ "flow", "rate", put_rate },
	{ "flow", "connections", put_connections },
	{ "the file", "specific", put_specific },
};
static const struct zg_diff_field schedule_fields[] = {
	{ "schedule", "days", put_times },
};
static const struct zg_diff_field blocklist_fields[] = {
	{ "blocklist", "file", put_file },
	{ "blocklist", "zones", put_list_zones },
	{ "blocklist", "own_networks", put_own_networks },
};

#define FIELDS(table) { (table), sizeof(table) / sizeof((table)[0]) }
const struct zg_diff_fields zg_diff_settings = FIELDS(setting_fields);
const struct zg_diff_fields zg_diff_zone = FIELDS(zone_fields);
const struct zg_diff_fields zg_diff_flow = FIELDS(flow_fields);
const struct zg_diff_fields zg_diff_schedule = FIELDS(schedule_fields);
const struct zg_diff_fields zg_diff_blocklist = FIELDS(blocklist_fields);
