/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what the kernel holds what the plan says? The first difference, in words. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"

#define OPENING_S 2 /* seconds within which what opens has come into the kernel */

/* A sentence in the making: the table's name, then what is wrong with it. */
struct report {
	char *text;
	size_t len;
	FILE *out; /* NULL: out of memory */
};

static void report_open(struct report *r, const struct zg_table *table)
{
	*r = (struct report){ 0 };
	r->out = open_memstream(&r->text, &r->len);
	if (r->out != NULL)
		fprintf(r->out, "table inet %s: ", table->name);
}

static enum zg_err report_close(struct report *r, char **ret_difference)
{
	if (r->out == NULL)
		return ZG_ENOMEM;
	if (fclose(r->out) != 0) {
		free(r->text);
		return ZG_ENOMEM;
	}
	*ret_difference = r->text;
	return ZG_EDRIFT;
}

static enum zg_err differ(const struct zg_table *table, char **ret_difference, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum zg_err differ(const struct zg_table *table, char **ret_difference, const char *format, ...)
{
	struct report r;
	va_list args;
	report_open(&r, table);
	if (r.out != NULL) {
		va_start(args, format);
		vfprintf(r.out, format, args);
		va_end(args);
	}
	return report_close(&r, ret_difference);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_expr(const struct zg_expr *a, const struct zg_expr *b)
{
	return a->kind == b->kind && a->kind != ZG_X_UNKNOWN && a->sreg == b->sreg && a->dreg == b->dreg &&
	       a->dir == b->dir && a->inverted == b->inverted && a->key == b->key && a->base == b->base &&
	       a->offset == b->offset && a->len == b->len && a->op == b->op && a->modulus == b->modulus &&
	       a->seed == b->seed && a->group == b->group && a->snaplen == b->snaplen && a->threshold == b->threshold &&
	       a->timeout == b->timeout && a->rate == b->rate && a->unit == b->unit && a->burst == b->burst &&
	       memcmp(a->data, b->data, sizeof a->data) == 0 && memcmp(a->mask, b->mask, sizeof a->mask) == 0 &&
	       same_text(a->name, b->name);
}

static bool same_rule(const struct zg_rule *a, const struct zg_rule *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!same_expr(&a->exprs[i], &b->exprs[i]))
			return false;
	return true;
}

bool zg_rules_same(const struct zg_chain *a, const struct zg_chain *b)
{
	if (a->n_rules != b->n_rules)
		return false;
	for (size_t i = 0; i < a->n_rules; i++)
		if (!same_rule(&a->rules[i], &b->rules[i]))
			return false;
	return true;
}

bool zg_chain_same_head(const struct zg_chain *a, const struct zg_chain *b)
{
	return a->base == b->base &&
	       (!a->base || (a->hook == b->hook && a->priority == b->priority && a->policy == b->policy));
}

static enum zg_err diff_chain(const struct zg_table *table, const struct zg_chain *want, const struct zg_chain *have,
			      char **ret_difference)
{
	if (!zg_chain_same_head(want, have)) {
		struct report r;
		report_open(&r, table);
		if (r.out != NULL) {
			zg_print_chain_head(r.out, have);
			fputs(" ...}, it should be ", r.out);
			zg_print_chain_head(r.out, want);
			fputs(" ...}", r.out);
		}
		return report_close(&r, ret_difference);
	}
	for (size_t i = 0; i < want->n_rules || i < have->n_rules; i++) {
		if (i < want->n_rules && i < have->n_rules && same_rule(&want->rules[i], &have->rules[i]))
			continue;
		struct report r;
		report_open(&r, table);
		if (r.out != NULL) {
			fprintf(r.out, "rule %zu of chain %s is \"", i + 1, want->name);
			if (i < have->n_rules)
				zg_print_rule(r.out, &have->rules[i]);
			fputs("\", it should be \"", r.out);
			if (i < want->n_rules)
				zg_print_rule(r.out, &want->rules[i]);
			fputs("\"", r.out);
		}
		return report_close(&r, ret_difference);
	}
	return ZG_OK;
}

bool zg_set_same_type(const struct zg_set *a, const struct zg_set *b)
{
	if (a->n_fields != b->n_fields || a->data != b->data || a->interval != b->interval ||
	    a->timeout != b->timeout || a->counter != b->counter || a->other != b->other ||
	    a->dynamic != b->dynamic || (a->dynamic && a->size != b->size))
		return false;
	for (size_t i = 0; i < a->n_fields; i++)
		if (a->fields[i].type != b->fields[i].type || a->fields[i].len != b->fields[i].len)
			return false;
	return true;
}

bool zg_elem_same_data(const struct zg_elem *a, const struct zg_elem *b)
{
	return a->mark == b->mark && a->verdict == b->verdict && same_text(a->chain, b->chain);
}

static enum zg_err elem_differs(const struct zg_table *table, const struct zg_set *set, const struct zg_elem *want,
				const struct zg_elem *have, char **ret_difference)
{
	struct report r;
	report_open(&r, table);
	if (r.out == NULL)
		return ZG_ENOMEM;
	fprintf(r.out, "%s holds \"", set->name);
	if (have != NULL)
		zg_print_elem(r.out, set, have);
	fputs(have != NULL && have->expires != 0 ? " (it ends)\"" : "\"", r.out);
	fputs(want == NULL ? ", which is not in the policy" : ", it should hold \"", r.out);
	if (want != NULL) {
		zg_print_elem(r.out, set, want);
		fputs(want->expires != 0 ? " (it ends)\"" : "\"", r.out);
	}
	return report_close(&r, ret_difference);
}

/* It has ended meanwhile, is not open yet, or is opening right now. */
static bool may_be_missing(const struct zg_elem *want, time_t now)
{
	return want->closed || (want->expires != 0 && want->expires <= now + 1) ||
	       (want->opens != 0 && want->opens + OPENING_S > now);
}

/* Both sorted: one walk along both. */
static enum zg_err diff_set(const struct zg_table *table, const struct zg_set *want, const struct zg_set *have,
			    time_t now, char **ret_difference)
{
	size_t w = 0, h = 0;
	if (!zg_set_same_type(want, have)) {
		struct report r;
		report_open(&r, table);
		if (r.out != NULL) {
			zg_print_set_head(r.out, have);
			fputs(" ...}, it should be ", r.out);
			zg_print_set_head(r.out, want);
			fputs(" ...}", r.out);
		}
		return report_close(&r, ret_difference);
	}
	while (!want->dynamic && (w < want->n_elems || h < have->n_elems)) {
		const struct zg_elem *we = w < want->n_elems ? &want->elems[w] : NULL;
		const struct zg_elem *he = h < have->n_elems ? &have->elems[h] : NULL;
		int order = we == NULL ? 1 : he == NULL ? -1 : zg_elem_order(we, he);
		if (order < 0 && may_be_missing(we, now)) {
			w++;
			continue;
		}
		if (order != 0)
			return elem_differs(table, want, order < 0 ? we : NULL, order < 0 ? NULL : he, ret_difference);
		if (!zg_elem_same_data(we, he) || we->closed || (we->expires != 0) != (he->expires != 0))
			return elem_differs(table, want, we, he, ret_difference);
		w++;
		h++;
	}
	return ZG_OK;
}

static enum zg_err diff_counters(const struct zg_table *want, const struct zg_table *have, char **ret_difference)
{
	for (size_t i = 0; i < want->n_counters; i++) {
		bool found = false;
		for (size_t k = 0; k < have->n_counters && !found; k++)
			found = strcmp(want->counters[i].name, have->counters[k].name) == 0;
		if (!found)
			return differ(want, ret_difference, "counter %s is missing", want->counters[i].name);
	}
	return ZG_OK;
}

enum zg_err zg_table_diff(const struct zg_table *want, const struct zg_table *have, time_t now, char **ret_difference)
{
	enum zg_err err = ZG_OK;
	if (want->owned != have->owned)
		return differ(want, ret_difference, "it %s the owner flag", have->owned ? "has" : "lacks");
	for (size_t i = 0; i < have->n_chains; i++)
		if (zg_table_find_chain(want, have->chains[i].name) == NULL)
			return differ(want, ret_difference, "chain %s is not in the policy", have->chains[i].name);
	for (size_t i = 0; i < have->n_sets; i++)
		if (zg_table_find_set(want, have->sets[i].name) == NULL)
			return differ(want, ret_difference, "set %s is not in the policy", have->sets[i].name);
	for (size_t i = 0; i < want->n_chains && err == ZG_OK; i++) {
		const struct zg_chain *chain = zg_table_find_chain(have, want->chains[i].name);
		err = chain == NULL ? differ(want, ret_difference, "chain %s is missing", want->chains[i].name)
				    : diff_chain(want, &want->chains[i], chain, ret_difference);
	}
	for (size_t i = 0; i < want->n_sets && err == ZG_OK; i++) {
		const struct zg_set *set = zg_table_find_set(have, want->sets[i].name);
		err = set == NULL ? differ(want, ret_difference, "set %s is missing", want->sets[i].name)
				  : diff_set(want, &want->sets[i], set, now, ret_difference);
	}
	return err == ZG_OK ? diff_counters(want, have, ret_difference) : err;
}
