/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan as a value: making, growing, freeing. */
#include "plan/plan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct zg_strings {
	struct zg_strings *next;
	char text[];
};

struct zg_plan *zg_plan_new(void)
{
	return calloc(1, sizeof(struct zg_plan));
}

static void table_clear(struct zg_table *table)
{
	for (size_t i = 0; i < table->n_sets; i++)
		free(table->sets[i].elems);
	for (size_t i = 0; i < table->n_chains; i++) {
		for (size_t k = 0; k < table->chains[i].n_rules; k++)
			free(table->chains[i].rules[k].exprs);
		free(table->chains[i].rules);
	}
	free(table->counters);
	free(table->sets);
	free(table->chains);
}

void zg_plan_free(struct zg_plan *plan)
{
	if (plan == NULL)
		return;
	for (size_t i = 0; i < plan->n_tables; i++)
		table_clear(&plan->tables[i]);
	for (struct zg_strings *s = plan->strings, *next; s != NULL; s = next) {
		next = s->next;
		free(s);
	}
	free(plan->flows);
	free(plan);
}

const char *zg_plan_str(struct zg_plan *plan, const char *s)
{
	size_t size = strlen(s) + 1;
	struct zg_strings *copy = malloc(sizeof *copy + size);
	if (copy == NULL)
		return NULL;
	memcpy(copy->text, s, size);
	copy->next = plan->strings;
	plan->strings = copy;
	return copy->text;
}

const char *zg_plan_strf(struct zg_plan *plan, const char *format, ...)
{
	char *s;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&s, format, args);
	va_end(args);
	if (len < 0)
		return NULL;
	const char *copy = zg_plan_str(plan, s);
	free(s);
	return copy;
}

/* Room for one more at the end of an array that doubles at powers of two; zeroed. array is the address of the
 * pointer, of whatever type. NULL: out of memory, unchanged. */
static void *grow(void *array, size_t *n, size_t size)
{
	void *items;
	memcpy(&items, array, sizeof items);
	if ((*n & (*n - 1)) == 0) {
		void *more = reallocarray(items, *n == 0 ? 1 : *n * 2, size);
		if (more == NULL)
			return NULL;
		items = more;
		memcpy(array, &items, sizeof items);
	}
	void *item = (char *)items + *n * size;
	memset(item, 0, size);
	(*n)++;
	return item;
}

struct zg_table *zg_plan_table(struct zg_plan *plan, const char *name, bool owned)
{
	if (plan->n_tables == ZG_PLAN_TABLES)
		return NULL;
	struct zg_table *table = &plan->tables[plan->n_tables++];
	*table = (struct zg_table){ .name = name, .owned = owned };
	return table;
}

enum zg_err zg_plan_counter(struct zg_table *table, const char *name)
{
	struct zg_counter *counter = grow(&table->counters, &table->n_counters, sizeof *counter);
	if (counter == NULL)
		return ZG_ENOMEM;
	counter->name = name;
	return ZG_OK;
}

struct zg_set *zg_plan_set(struct zg_table *table, const char *name)
{
	struct zg_set *set = grow(&table->sets, &table->n_sets, sizeof *set);
	if (set != NULL)
		set->name = name;
	return set;
}

struct zg_chain *zg_plan_chain(struct zg_table *table, const char *name, unsigned line)
{
	struct zg_chain *chain = grow(&table->chains, &table->n_chains, sizeof *chain);
	if (chain != NULL) {
		chain->name = name;
		chain->line = line;
	}
	return chain;
}

struct zg_rule *zg_plan_rule(struct zg_chain *chain, const struct zg_expr *exprs, size_t n, unsigned line)
{
	struct zg_expr *copy = calloc(n == 0 ? 1 : n, sizeof *copy);
	if (copy == NULL)
		return NULL;
	struct zg_rule *rule = grow(&chain->rules, &chain->n_rules, sizeof *rule);
	if (rule == NULL) {
		free(copy);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		copy[i] = exprs[i];
	*rule = (struct zg_rule){ .exprs = copy, .n = n, .line = line };
	return rule;
}

struct zg_elem *zg_plan_elem(struct zg_set *set)
{
	return grow(&set->elems, &set->n_elems, sizeof *set->elems);
}

int zg_elem_order(const struct zg_elem *a, const struct zg_elem *b)
{
	int order = memcmp(a->key, b->key, sizeof a->key);
	return order != 0 ? order : memcmp(a->end, b->end, sizeof a->end);
}

static int compare_elems(const void *a, const void *b)
{
	return zg_elem_order(a, b);
}

void zg_plan_sort(struct zg_set *set)
{
	if (set->n_elems > 1)
		qsort(set->elems, set->n_elems, sizeof *set->elems, compare_elems);
}

size_t zg_field_padded(const struct zg_field *field)
{
	return (size_t)(field->len + 3) & ~(size_t)3;
}

size_t zg_set_key_len(const struct zg_set *set)
{
	size_t len = 0;
	for (size_t i = 0; i < set->n_fields; i++)
		len += zg_field_padded(&set->fields[i]);
	return len;
}

struct zg_set *zg_table_find_set(const struct zg_table *table, const char *name)
{
	for (size_t i = 0; i < table->n_sets; i++)
		if (strcmp(table->sets[i].name, name) == 0)
			return &table->sets[i];
	return NULL;
}

struct zg_chain *zg_table_find_chain(const struct zg_table *table, const char *name)
{
	for (size_t i = 0; i < table->n_chains; i++)
		if (strcmp(table->chains[i].name, name) == 0)
			return &table->chains[i];
	return NULL;
}

static void trade_set(struct zg_set *a, struct zg_set *b)
{
	struct zg_elem *elems = a->elems;
	const size_t n = a->n_elems;
	a->elems = b->elems;
	a->n_elems = b->n_elems;
	b->elems = elems;
	b->n_elems = n;
}

void zg_plan_trade(struct zg_plan *plan, struct zg_plan *other)
{
	for (size_t t = 0; t < other->n_tables; t++) {
		const struct zg_table *table = zg_plan_find_table(plan, other->tables[t].name);
		for (size_t i = 0; table != NULL && i < other->tables[t].n_sets; i++) {
			struct zg_set *set = zg_table_find_set(table, other->tables[t].sets[i].name);
			if (set != NULL)
				trade_set(set, &other->tables[t].sets[i]);
		}
	}
}

struct zg_table *zg_plan_find_table(const struct zg_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_tables; i++)
		if (strcmp(plan->tables[i].name, name) == 0)
			return (struct zg_table *)(uintptr_t)&plan->tables[i];
	return NULL;
}
