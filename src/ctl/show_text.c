/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `show` for people: what is in force with all defaults, then who may open a connection to whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/cmd.h"
#include "ctl/show.h"

#define CELL_FLOWS    3 /* flows named in one cell of the matrix; the list above has them all */
#define MATRIX_CORNER "from \\ to"

const char *zg_ports_str(const struct zg_ports *ports, char buf[static 16])
{
	if (ports->lo == ports->hi)
		snprintf(buf, 16, "%u", (unsigned)ports->lo);
	else
		snprintf(buf, 16, "%u-%u", (unsigned)ports->lo, (unsigned)ports->hi);
	return buf;
}

const char *zg_expires_str(time_t expires, char buf[static 16])
{
	struct tm tm;
	time_t last = expires - 1; /* expires is the first second of the day after */
	if (expires == 0 || localtime_r(&last, &tm) == NULL || strftime(buf, 16, "%Y-%m-%d", &tm) == 0)
		memcpy(buf, "never", sizeof "never");
	return buf;
}

const char *zg_moment_str(time_t moment, char buf[static 32])
{
	struct tm tm;
	if (localtime_r(&moment, &tm) == NULL || strftime(buf, 32, "%Y-%m-%d %H:%M", &tm) == 0)
		memcpy(buf, "?", sizeof "?");
	return buf;
}

char *zg_schedule_str(const struct zg_schedule *schedule)
{
	static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	if (out == NULL)
		return NULL;
	for (int i = 1; i <= 7; i++) {
		if ((schedule->days >> i % 7 & 1) != 0)
			fprintf(out, "%s ", days[i % 7]);
	}
	for (size_t i = 0; i < schedule->n_hours; i++) {
		const struct zg_hours *h = &schedule->hours[i];
		fprintf(out, "%s%02u:%02u-%02u:%02u", i > 0 ? ", " : "", h->begin / 60u, h->begin % 60u, h->end / 60u,
			h->end % 60u);
	}
	fputs(schedule->holidays ? ", holidays too" : ", not on holidays", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static void write_strings(FILE *out, const struct zg_item *item, const void *config)
{
	struct zg_item_list strings, cursor = { 0 };
	const uint8_t *text;
	size_t len;
	memcpy(&strings, (const uint8_t *)config + item->offset, sizeof strings);
	while (zg_item_list_next(config, &strings, &cursor, &text, &len))
		fprintf(out, "%s%.*s", cursor.n > 1 ? " " : "", (int)len, (const char *)text);
	if (cursor.n == 0)
		fputs("not set", out);
}

char *zg_item_str(const struct zg_item *item, const void *config)
{
	const uint8_t *at = (const uint8_t *)config + item->offset;
	char *text = NULL;
	size_t len;
	uint32_t number = 0;
	FILE *out = open_memstream(&text, &len);
	if (out == NULL)
		return NULL;
	if (item->type != ZG_ITEM_BOOL)
		memcpy(&number, at, sizeof number);
	switch (item->type) {
	case ZG_ITEM_BOOL:
		fputs(*at != 0 ? "true" : "false", out);
		break;
	case ZG_ITEM_INT:
		fprintf(out, "%u", (unsigned)number);
		break;
	case ZG_ITEM_ENUM:
		fputs(item->words[number], out);
		break;
	case ZG_ITEM_FLAGS:
		for (uint32_t bit = 0, n = 0; bit < 32 && item->words[bit] != NULL; bit++) {
			if ((number >> bit & 1) != 0)
				fprintf(out, "%s%s", n++ > 0 ? " " : "", item->words[bit]);
		}
		break;
	case ZG_ITEM_STRINGS:
		write_strings(out, item, config);
		break;
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static bool is_expired(const struct zg_flow *flow)
{
	return flow->expires != 0 && flow->expires <= time(NULL);
}

const char *zg_show_verdict(const struct zg_policy *policy, size_t from, size_t to)
{
	const char *verdict = "deny";
	if (zg_kind_relation(policy->zones[from].kind, policy->zones[to].kind) == ZG_RELATION_FORBIDDEN)
		return "forbidden";
	for (size_t f = 0; f < policy->n_flows; f++) {
		const struct zg_flow *flow = &policy->flows[f];
		if (flow->from != from || flow->to != to || is_expired(flow))
			continue;
		if (flow->inspector == NULL)
			return "opaque";
		verdict = "inspect";
	}
	return verdict;
}

/* "  key        value" */
static void row(const char *key, const char *value)
{
	printf("  %-12s ", key);
	zg_term_safe(stdout, value);
	putchar('\n');
}

static void row_ranges(const char *key, const struct zg_range *ranges, size_t n)
{
	char buf[2 * ZG_ADDRSTR_MAX];
	printf("  %-12s", key);
	for (size_t i = 0; i < n; i++)
		printf(" %s", zg_range_str(&ranges[i], buf));
	putchar('\n');
}

/* Words as they stand there: names once, addresses as they are. */
static void row_words(const struct zg_policy *policy, const char *key, const struct zg_range *ranges, const uint32_t *objects,
		      size_t n)
{
	char buf[2 * ZG_ADDRSTR_MAX];
	printf("  %-12s", key);
	for (size_t i = 0; i < n; i++) {
		if (objects[i] == 0)
			printf(" %s", zg_range_str(&ranges[i], buf));
		else if (i == 0 || objects[i] != objects[i - 1])
			printf(" %s", policy->objects[objects[i] - 1].name);
	}
	putchar('\n');
}

/* "flow mail-in (line 3)" */
static void heading(const struct zg_policy *policy, const char *what, const char *name, unsigned line)
{
	char place[ZG_LINE_STR_MAX];
	printf("\n%s %s (", what, name);
	zg_term_safe(stdout, zg_files_line(&policy->files, line, place));
	puts(")");
}

static void show_object(const struct zg_policy *policy, const struct zg_object *object)
{
	char mac[18];
	heading(policy, object->group ? "group" : "host", object->name, object->line);
	if (object->group) {
		printf("  %-12s", "members");
		for (size_t i = 0; i < object->n_members; i++) {
			putchar(' ');
			zg_term_safe(stdout, object->members[i]);
		}
		putchar('\n');
	}
	row_ranges("addresses", object->ranges, object->n_ranges);
	if (object->has_mac)
		row("mac", zg_mac_str(&object->mac, mac));
}

static void show_zone(const struct zg_policy *policy, const struct zg_zone *zone)
{
	static const struct zg_mac any;
	char addr[ZG_ADDRSTR_MAX], mac[18];
	heading(policy, "zone", zone->name, zone->line);
	row("kind", zg_kind_name(zone->kind));
	row("label", zone->label);
	printf("  %-12s", "interfaces");
	for (size_t i = 0; i < zone->n_ifaces; i++)
		printf(" %s", zone->ifaces[i]);
	putchar('\n');
	for (size_t i = 0; i < zone->n_ifaces; i++)
		if (memcmp(&zone->iface_macs[i], &any, sizeof any) != 0)
			printf("  %-12s %s has the address %s\n", "card", zone->ifaces[i], zg_mac_str(&zone->iface_macs[i], mac));
	row("within", zone->within ? "permit" : "deny");
	row_words(policy, "addresses", zone->ranges, zone->range_objects, zone->n_ranges);
	for (size_t i = 0; i < zone->n_stations; i++)
		printf("  %-12s %s at %s\n", "station", zg_addr_str(&zone->stations[i].addr, addr),
		       zg_mac_str(&zone->stations[i].mac, mac));
}

/* The schedule's name, and when it opens or closes next. */
static void show_when(const struct zg_policy *policy, const struct zg_flow *flow)
{
	const time_t now = time(NULL);
	struct zg_window window;
	char moment[32];
	printf("  %-12s %s: ", "schedule", policy->schedules[flow->schedule].name);
	if (!zg_flow_window(policy, flow, now, &window))
		puts("does not open again");
	else if (window.begin > now)
		printf("closed, opens at %s\n", zg_moment_str(window.begin, moment));
	else
		printf("open until %s\n", zg_moment_str(window.end, moment));
}

static void show_schedule(const struct zg_policy *policy, const struct zg_schedule *schedule)
{
	char *text = zg_schedule_str(schedule), line[ZG_LINE_STR_MAX];
	printf("schedule %s (", schedule->name);
	zg_term_safe(stdout, zg_files_line(&policy->files, schedule->line, line));
	printf("): %s\n", text != NULL ? text : "?");
	free(text);
}

static void show_terms(enum zg_transport transport, const struct zg_ports *ports, size_t n, const struct zg_inspector *inspector,
		       const void *config)
{
	char buf[16];
	printf("  %-12s %s port", "protocol", transport == ZG_UDP ? "udp" : "tcp");
	for (size_t i = 0; i < n; i++)
		printf("%s %s", i > 0 ? "," : "", zg_ports_str(&ports[i], buf));
	printf("\n  %-12s %s\n", "inspector", inspector != NULL ? inspector->name : "none: opaque");
	for (size_t i = 0; inspector != NULL && i < inspector->n_items; i++) {
		char *text = zg_item_str(&inspector->items[i], config);
		printf("  %-12s   %s = %s\n", "", inspector->items[i].key, text != NULL ? text : "?");
		free(text);
	}
	if (inspector != NULL && inspector->blind != NULL)
		row("not seen", inspector->blind);
}

static void show_service(const struct zg_policy *policy, const struct zg_service *service)
{
	heading(policy, "service", service->name, service->line);
	show_terms(service->transport, service->ports, service->n_ports, service->inspector, service->config.bytes);
}

static void show_flow(const struct zg_policy *policy, const struct zg_flow *flow)
{
	char buf[16];
	heading(policy, flow->specific ? "specific" : "flow", flow->name, flow->line);
	printf("  %-12s %s, to %s\n", "from", policy->zones[flow->from].name, policy->zones[flow->to].name);
	row_words(policy, "source", flow->sources, flow->source_objects, flow->n_sources);
	row_words(policy, "destination", flow->destinations, flow->destination_objects, flow->n_destinations);
	if (flow->service != 0)
		row("service", policy->services[flow->service - 1].name);
	show_terms(flow->transport, flow->ports, flow->n_ports, flow->inspector, flow->config.bytes);
	if (flow->purpose != NULL)
		row("purpose", flow->purpose);
	if (flow->clause != NULL)
		row("clause", flow->clause);
	row("ticket", flow->ticket);
	row("approver", flow->approver);
	printf("  %-12s %s%s\n", "expires", zg_expires_str(flow->expires, buf),
	       is_expired(flow) ? " - expired: passes nothing" : "");
	if (flow->schedule != ZG_SCHEDULE_ALWAYS)
		show_when(policy, flow);
	if (flow->rate.count != 0)
		printf("  %-12s %u new connections per %s\n", "rate", (unsigned)flow->rate.count,
		       flow->rate.seconds == 1 ? "second" : "minute");
	if (flow->connections != 0)
		printf("  %-12s %u at once\n", "connections", (unsigned)flow->connections);
	if (flow->log == ZG_FLOW_LOG_REFUSED)
		printf("  %-12s %s\n", "log", "refused");
}

/* "deny", "forbidden", "inspect: mail-in(smtp)"; malloc'd. */
static char *cell_text(const struct zg_policy *policy, size_t from, size_t to)
{
	char *text = NULL;
	size_t len, n = 0;
	if (from == to)
		return strdup(policy->zones[from].within && policy->zones[from].n_ifaces > 1 ? "pass" : "-");
	FILE *out = open_memstream(&text, &len);
	if (out == NULL)
		return NULL;
	fputs(zg_show_verdict(policy, from, to), out);
	for (size_t f = 0; f < policy->n_flows; f++) {
		const struct zg_flow *flow = &policy->flows[f];
		if (flow->from != from || flow->to != to)
			continue;
		if (n++ < CELL_FLOWS)
			fprintf(out, "%s %s(%s%s)", n == 1 ? ":" : ",", flow->name, zg_flow_inspector(flow),
				is_expired(flow) ? ", expired" : "");
	}
	if (n > CELL_FLOWS)
		fprintf(out, " and %zu more", n - CELL_FLOWS);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* The matrix: n x n cells, row by row, and the width of each column; column n holds the labels of the rows. */
struct matrix {
	const struct zg_policy *policy;
	size_t n;
	char **cells;
	int *widths;
};

static void widen(int *width, const char *text)
{
	int cells = zg_term_width(text);
	*width = cells > *width ? cells : *width;
}

static bool matrix_fill(struct matrix *m)
{
	for (size_t i = 0; i < m->n * m->n; i++) {
		size_t from = i / m->n, to = i % m->n;
		m->cells[i] = cell_text(m->policy, from, to);
		if (m->cells[i] == NULL)
			return false;
		widen(&m->widths[to], m->cells[i]);
		widen(&m->widths[to], m->policy->zones[to].label);
		widen(&m->widths[m->n], m->policy->zones[from].label);
	}
	widen(&m->widths[m->n], MATRIX_CORNER);
	return true;
}

static void matrix_row(const struct matrix *m, const char *head, size_t from)
{
	fputs("  ", stdout);
	zg_term_pad(stdout, head, m->widths[m->n]);
	for (size_t to = 0; to < m->n; to++) {
		const char *text = from < m->n ? m->cells[from * m->n + to] : m->policy->zones[to].label;
		fputs("  ", stdout);
		zg_term_pad(stdout, text, to + 1 < m->n ? m->widths[to] : 0);
	}
	putchar('\n');
}

static bool show_matrix(const struct zg_policy *policy)
{
	struct matrix m = { .policy = policy, .n = policy->n_zones };
	m.cells = calloc(m.n * m.n, sizeof *m.cells);
	m.widths = calloc(m.n + 1, sizeof *m.widths);
	bool good = m.cells != NULL && m.widths != NULL && matrix_fill(&m);
	if (good) {
		puts("\nwho may open a connection to whom\n");
		matrix_row(&m, MATRIX_CORNER, m.n);
		for (size_t from = 0; from < m.n; from++)
			matrix_row(&m, policy->zones[from].label, from);
	}
	for (size_t i = 0; m.cells != NULL && i < m.n * m.n; i++)
		free(m.cells[i]);
	free(m.cells);
	free(m.widths);
	return good;
}

bool zg_show_text(const struct zg_policy *policy)
{
	zg_term_safe(stdout, policy->file);
	printf(": model %s", zg_model_name(policy->model));
	if (policy->body != NULL) {
		fputs(", ", stdout);
		zg_term_safe(stdout, policy->body);
	}
	fputs("\nsha256 ", stdout);
	for (size_t i = 0; i < sizeof policy->sha256; i++)
		printf("%02x", (unsigned)policy->sha256[i]);
	printf("\ndaemon: %u inspectors, queues %u to %u\n", (unsigned)policy->inspectors, (unsigned)policy->queue_base,
	       (unsigned)(policy->queue_base + policy->inspectors - 1));
	printf("term: %u days at most\n", (unsigned)policy->max_term);
	for (size_t i = 0; i < policy->n_schedules; i++)
		show_schedule(policy, &policy->schedules[i]);
	if (policy->n_holidays > 0)
		printf("holidays: %zu days, the last %04u-%02u-%02u\n", policy->n_holidays,
		       policy->holidays[policy->n_holidays - 1] / 10000, policy->holidays[policy->n_holidays - 1] / 100 % 100,
		       policy->holidays[policy->n_holidays - 1] % 100);
	printf("log: digests of connections %s\n", policy->flow_digest ? "on" : "off");
	for (size_t i = 0; i < policy->n_objects; i++)
		show_object(policy, &policy->objects[i]);
	for (size_t i = 0; i < policy->n_services; i++)
		show_service(policy, &policy->services[i]);
	for (size_t i = 0; i < policy->n_zones; i++)
		show_zone(policy, &policy->zones[i]);
	for (size_t i = 0; i < policy->n_flows; i++)
		show_flow(policy, &policy->flows[i]);
	zg_show_watch_text(policy);
	zg_show_router_text(policy);
	return show_matrix(policy);
}
