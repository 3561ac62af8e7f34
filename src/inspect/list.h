/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intrusive doubly linked list with a head; a node that points to itself is in no list. */
#ifndef ZONEGATE_INSPECT_LIST_H
#define ZONEGATE_INSPECT_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct zg_list {
	struct zg_list *next, *prev;
};

#define ZG_LIST_OF(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline void zg_list_init(struct zg_list *node)
{
	node->next = node->prev = node;
}

static inline bool zg_list_empty(const struct zg_list *head)
{
	return head->next == head;
}

static inline void zg_list_remove(struct zg_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	zg_list_init(node);
}

/* Before place: at the end of the list if place is its head. */
static inline void zg_list_insert(struct zg_list *node, struct zg_list *place)
{
	node->prev = place->prev;
	node->next = place;
	place->prev->next = node;
	place->prev = node;
}

#endif
