/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lends an inspector memory as the engine does: zeroed, bounded, and taken back when all is over. */
#ifndef ZONEGATE_TEST_LEND_H
#define ZONEGATE_TEST_LEND_H

#include <stdlib.h>

#include "zonegate/inspector.h"

#define PURSE_MAX 32 /* pieces */

struct purse {
	struct zg_lender lender;
	size_t n, max;
	void *pieces[PURSE_MAX];
};

static inline void *purse_lend(struct zg_lender *lender, size_t size)
{
	struct purse *p = (void *)lender; /* its first member */
	if (size > ZG_LEND_MAX || p->n >= p->max)
		return NULL;
	return p->pieces[p->n++] = calloc(1, size);
}

static inline struct purse purse_open(void)
{
	return (struct purse){ .lender = { purse_lend }, .max = PURSE_MAX };
}

static inline void purse_close(struct purse *p)
{
	while (p->n > 0)
		free(p->pieces[--p->n]);
}

#endif
