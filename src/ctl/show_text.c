/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `show` for people: what is in force with all defaults, then who may open a connection to whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/cmd.h"
#include "ctl/show.h"

#define CELL_FLOWS 3 /* flows named in one cell of the matrix; the list above has them all */

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
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

const char *zg_show_verdict(const struct zg_policy *policy, size_t from, size_t to)
{
	if (zg_kind_relation(policy->zones[from].kind, policy->zones[to].kind) == ZG_RELATION_FORBIDDEN)
		return "forbidden";
	for (size_t f = 0; f < policy->n_flows; f++) {
		if (policy->flows[f].from == from && policy->flows[f].to == to)
			return "inspect";
	}
	return "deny";
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

static void show_zone(const struct zg_zone *zone)
{
	char addr[ZG_ADDRSTR_MAX], mac[18];
	printf("\nzone %s (line %u)\n", zone->name, zone->line);
	row("kind", zg_kind_name(zone->kind));
	row("label", zone->label);
	printf("  %-12s", "interfaces");
	for (size_t i = 0; i < zone->n_ifaces; i++)
		printf(" %s", zone->ifaces[i]);
	putchar('\n');
	row_ranges("addresses", zone->ranges, zone->n_ranges);
	for (size_t i = 0; i < zone->n_stations; i++)
		printf("  %-12s %s at %s\n", "station", zg_addr_str(&zone->stations[i].addr, addr),
		       zg_mac_str(&zone->stations[i].mac, mac));
}

static void show_flow(const struct zg_policy *policy, const struct zg_flow *flow)
{
	char buf[16];
	printf("\nflow %s (line %u)\n", flow->name, flow->line);
	printf("  %-12s %s, to %s\n", "from", policy->zones[flow->from].name, policy->zones[flow->to].name);
	row_ranges("source", flow->sources, flow->n_sources);
	row_ranges("destination", flow->destinations, flow->n_destinations);
	printf("  %-12s %s port", "protocol", flow->transport == ZG_UDP ? "udp" : "tcp");
	for (size_t i = 0; i < flow->n_ports; i++)
		printf("%s %s", i > 0 ? "," : "", zg_ports_str(&flow->ports[i], buf));
	printf("\n  %-12s %s\n", "inspector", flow->inspector->name);
	for (size_t i = 0; i < flow->inspector->n_items; i++) {
		char *text = zg_item_str(&flow->inspector->items[i], flow->config);
		printf("  %-12s   %s = %s\n", "", flow->inspector->items[i].key, text != NULL ? text : "?");
		free(text);
	}
	if (flow->purpose != NULL)
		row("purpose", flow->purpose);
	if (flow->clause != NULL)
		row("clause", flow->clause);
	row("ticket", flow->ticket);
	row("approver", flow->approver);
	printf("  %-12s %s%s\n", "expires", zg_expires_str(flow->expires, buf),
	       flow->expires != 0 && flow->expires <= time(NULL) ? " - expired: passes nothing" : "");
}

/* "deny", "forbidden", "inspect: mail-in(smtp)"; malloc'd. */
static char *cell_text(const struct zg_policy *policy, size_t from, size_t to)
{
	char *text = NULL;
	size_t len, n = 0;
	if (from == to)
		return strdup("-");
	FILE *out = open_memstream(&text, &len);
	if (out == NULL)
		return NULL;
	fputs(zg_show_verdict(policy, from, to), out);
	for (size_t f = 0; f < policy->n_flows; f++) {
		const struct zg_flow *flow = &policy->flows[f];
		if (flow->from != from || flow->to != to)
			continue;
		if (n++ < CELL_FLOWS)
			fprintf(out, "%s %s(%s)", n == 1 ? ":" : ",", flow->name, flow->inspector->name);
	}
	if (n > CELL_FLOWS)
		fprintf(out, " and %zu more", n - CELL_FLOWS);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Row by row: the zone that opens the connection, then each other zone. */
static bool show_matrix(const struct zg_policy *policy)
{
	size_t n = policy->n_zones;
	char **cells = calloc(n * n, sizeof *cells);
	int *widths = calloc(n + 1, sizeof *widths);
	bool good = cells != NULL && widths != NULL;
	for (size_t i = 0; good && i < n * n; i++) {
		cells[i] = cell_text(policy, i / n, i % n);
		good = cells[i] != NULL;
	}
	for (size_t to = 0; good && to <= n; to++) {
		/* column n holds the names of the rows */
		for (size_t from = 0; from < n; from++) {
			int width = zg_term_width(to < n ? cells[from * n + to] : policy->zones[from].label);
			widths[to] = width > widths[to] ? width : widths[to];
		}
		int head = to < n ? zg_term_width(policy->zones[to].label) : zg_term_width("from \\ to");
		widths[to] = head > widths[to] ? head : widths[to];
	}
	if (good) {
		puts("\nwho may open a connection to whom\n");
		zg_term_pad(stdout, "  from \\ to", widths[n] + 2);
		for (size_t to = 0; to < n; to++) {
			fputs("  ", stdout);
			zg_term_pad(stdout, policy->zones[to].label, to + 1 < n ? widths[to] : 0);
		}
		putchar('\n');
		for (size_t from = 0; from < n; from++) {
			fputs("  ", stdout);
			zg_term_pad(stdout, policy->zones[from].label, widths[n]);
			for (size_t to = 0; to < n; to++) {
				fputs("  ", stdout);
				zg_term_pad(stdout, cells[from * n + to], to + 1 < n ? widths[to] : 0);
			}
			putchar('\n');
		}
	}
	for (size_t i = 0; cells != NULL && i < n * n; i++)
		free(cells[i]);
	free(cells);
	free(widths);
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
	for (size_t i = 0; i < policy->n_zones; i++)
		show_zone(&policy->zones[i]);
	for (size_t i = 0; i < policy->n_flows; i++)
		show_flow(policy, &policy->flows[i]);
	return show_matrix(policy);
}
