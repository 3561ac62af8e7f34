/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An inspector for tests: its protocol is single letters, so that a test can say what shall happen by what it sends.
 *
 *   X  denied, reset           N  denied, the client is told at once
 *   D  denied, the client is told after its next '.'
 *   (  this and all after it is held until )
 *   z  becomes Z               [  held, and released by a ']' of the other end
 *   {  held until the next byte comes; if that is }, it becomes <
 *   ?  not read: what an inspector must not do
 *   !  at the end of a direction: FIN is denied
 */
#ifndef ZONEGATE_TEST_LETTERS_H
#define ZONEGATE_TEST_LETTERS_H

#include "zonegate/inspector.h"

struct letters {
	size_t held[2];
	char mode[2]; /* '(', '[' or '{' while held */
	char last[2];
	bool draining, drained;
};

static void letters_begin(void *state, const void *config)
{
	(void)state;
	(void)config;
}

static void letters_deny(const struct letters *s, struct zg_answer *ret_answer, enum zg_refusal refusal, bool drain)
{
	*ret_answer = (struct zg_answer){ .say = ZG_SAY_DENY,
					  .held = { s->held[0], s->held[1] },
					  .reason = ZG_R_SMTP_LINE_END,
					  .refusal = refusal,
					  .drain = drain };
}

/* False: denied. */
static bool letters_byte(struct letters *s, enum zg_dir dir, struct zg_rw *in, uint8_t byte, struct zg_answer *ret_answer)
{
	const enum zg_dir other = zg_dir_other(dir);

	if (s->mode[dir] == '{') {
		if (byte == '}')
			(void)zg_rw_amend(in, 1, '<');
		s->mode[dir] = 0;
		s->held[dir] = 0;
	}
	switch (byte) {
	case 'X':
		letters_deny(s, ret_answer, ZG_REFUSAL_RESET, false);
		return false;
	case 'N':
		letters_deny(s, ret_answer, ZG_REFUSAL_SMTP_554, false);
		return false;
	case 'D':
		s->draining = true;
		letters_deny(s, ret_answer, ZG_REFUSAL_SMTP_554, true);
		return false;
	case '(':
	case '[':
	case '{':
		if (s->mode[dir] == 0)
			s->mode[dir] = (char)byte;
		break;
	case ']':
		if (s->mode[other] == '[') {
			s->mode[other] = 0;
			s->held[other] = 0;
		}
		break;
	case 'z':
		zg_rw_replace(in, 'Z');
		break;
	default:
		break;
	}
	if (s->mode[dir] != 0)
		s->held[dir]++;
	if (byte == ')' && s->mode[dir] == '(') {
		s->mode[dir] = 0;
		s->held[dir] = 0;
	}
	s->last[dir] = (char)byte;
	zg_rw_advance(in);
	return true;
}

static void letters_data(void *state, const void *config, enum zg_dir dir, struct zg_rw *in,
			 struct zg_answer *ret_answer)
{
	struct letters *s = state;
	uint8_t byte;
	(void)config;

	while (zg_rw_peek(in, &byte)) {
		if (s->draining) {
			s->drained |= dir == ZG_CLIENT && byte == '.';
			zg_rw_advance(in);
		} else if (byte == '?') {
			break;
		} else if (!letters_byte(s, dir, in, byte, ret_answer)) {
			return;
		}
	}
	*ret_answer = (struct zg_answer){ .say = s->drained ? ZG_SAY_DONE : ZG_SAY_MORE,
					  .held = { s->held[0], s->held[1] } };
}

static void letters_settle(void *state, enum zg_dir dir, struct zg_answer *ret_answer)
{
	struct letters *s = state;

	if (s->mode[dir] == '{') {
		s->mode[dir] = 0;
		s->held[dir] = 0;
	}
	*ret_answer = (struct zg_answer){ .held = { s->held[0], s->held[1] } };
}

static void letters_end(void *state, const void *config, enum zg_dir dir, struct zg_answer *ret_answer)
{
	struct letters *s = state;
	(void)config;

	if (s->last[dir] == '!')
		letters_deny(s, ret_answer, ZG_REFUSAL_RESET, false);
	else
		*ret_answer = (struct zg_answer){ .held = { s->held[0], s->held[1] } };
}

static const struct zg_inspector letters = {
	.name = "letters",
	.transport = ZG_TCP,
	.state_size = sizeof(struct letters),
	.begin = letters_begin,
	.data = letters_data,
	.settle = letters_settle,
	.end = letters_end,
};

#endif
