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
	fputs(flow->inspector->name, out);
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
 * station.address	in zone.stations
 * station.mac		in zone.stations
 */
static const struct zg_diff_field setting_fields[] = {
	{ "the file", "body", put_body },
	{ "the file", "model", put_model },
	{ "log", "flow_digest", put_flow_digest },
	{ "daemon", "inspectors", put_inspectors },
	{ "daemon", "queue_base", put_queue_base },
};
static const struct zg_diff_field zone_fields[] = {
	{ "zone", "kind", put_kind },
	{ "zone", "label", put_label },
	{ "zone", "interfaces", put_interfaces },
	{ "zone", "within", put_within },
	{ "zone", "addresses", put_addresses },
	{ "zone", "stations", put_stations },
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
};

#define FIELDS(table) { (table), sizeof(table) / sizeof((table)[0]) }
const struct zg_diff_fields zg_diff_settings = FIELDS(setting_fields);
const struct zg_diff_fields zg_diff_zone = FIELDS(zone_fields);
const struct zg_diff_fields zg_diff_flow = FIELDS(flow_fields);
