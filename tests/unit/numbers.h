/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An inspector of datagrams for tests. The first byte is the request's number, and that of its answer.
 *
 *   X  denied      ?  not read: what an inspector must not do
 *   z  becomes Z, also where the answer turns out to be another request's
 *   !  the request is not answered
 */
#ifndef ZONEGATE_TEST_NUMBERS_H
#define ZONEGATE_TEST_NUMBERS_H

#include "zonegate/inspector.h"

struct numbers {
	uint8_t number;
	uint8_t zero[100]; /* as it must be at the beginning */
};

static void numbers_read(struct zg_rw *in, struct zg_answer *ret_answer)
{
	uint8_t byte;

	for (; zg_rw_peek(in, &byte); zg_rw_advance(in)) {
		if (byte == 'X')
			*ret_answer = (struct zg_answer){ .say = ZG_SAY_DENY, .reason = ZG_R_UDP_SIZE };
		if (byte == 'X' || byte == '?')
			return;
		if (byte == '!')
			ret_answer->say = ZG_SAY_DONE;
		if (byte == 'z')
			zg_rw_replace(in, 'Z');
	}
}

static void numbers_request(void *state, const void *config, struct zg_rw *in, struct zg_answer *ret_answer)
{
	struct numbers *s = state;
	(void)config;

	for (size_t i = 0; i < sizeof s->zero; i++)
		if (s->zero[i] != 0)
			return;
	*ret_answer = (struct zg_answer){ .say = ZG_SAY_MORE };
	(void)zg_rw_peek(in, &s->number);
	s->zero[99] = 1;
	numbers_read(in, ret_answer);
}

static void numbers_reply(void *state, const void *config, struct zg_rw *in, struct zg_answer *ret_answer)
{
	const struct numbers *s = state;
	uint8_t number = 0;
	(void)config;

	(void)zg_rw_peek(in, &number);
	*ret_answer = (struct zg_answer){ .say = ZG_SAY_DONE };
	numbers_read(in, ret_answer);
	if (number != s->number)
		*ret_answer = (struct zg_answer){ .say = ZG_SAY_MORE };
}

static const struct zg_inspector numbers = {
	.name = "numbers",
	.transport = ZG_UDP,
	.state_size = sizeof(struct numbers),
	.request = numbers_request,
	.reply = numbers_reply,
};

#endif
