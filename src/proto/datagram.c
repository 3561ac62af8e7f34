/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * datagram: no protocol but the shape of one, for replay and for tests of what lies below. A request has at least four
 * bytes and at most max_size; its first four are its number, and the first datagram back with the same number is its answer.
 * Number 0 is not answered. With rewrite each 'z' behind the number becomes 'Z', both ways.
 */
#include <string.h>

#include "zonegate/inspector.h"
#include "zonegate/limits.h"

#define NUMBER 4u /* bytes */

struct datagram_config {
	uint32_t max_size;
	uint8_t rewrite;
};

struct datagram {
	uint8_t number[NUMBER];
};

_Static_assert(sizeof(struct datagram_config) <= ZG_INSPECTOR_CONFIG_MAX, "fits the runtime table");
_Static_assert(sizeof(struct datagram) <= ZG_UDP_STATE_MAX, "fits a transaction");

static const struct zg_item items[] = {
	{ .key = "max_size",
	  .type = ZG_ITEM_INT,
	  .offset = offsetof(struct datagram_config, max_size),
	  .preset = 1472,
	  .min = NUMBER,
	  .max = 65507,
	  .help = "bytes of the largest datagram" },
	{ .key = "rewrite", .type = ZG_ITEM_BOOL, .offset = offsetof(struct datagram_config, rewrite), .help = "each z becomes Z" },
};

/* False: too short or too long. */
static bool number_of(const struct datagram_config *c, struct zg_rw *in, uint8_t ret_number[static NUMBER])
{
	if (in->len < NUMBER || in->len > c->max_size)
		return false;
	for (size_t i = 0; i < NUMBER && zg_rw_peek(in, &ret_number[i]); i++)
		zg_rw_advance(in);
	return true;
}

static void read_rest(const struct datagram_config *c, struct zg_rw *in)
{
	uint8_t byte;

	for (; zg_rw_peek(in, &byte); zg_rw_advance(in))
		if (c->rewrite && byte == 'z')
			zg_rw_replace(in, 'Z');
}

static void datagram_request(void *state, const void *config, struct zg_rw *in, struct zg_answer *ret_answer)
{
	static const uint8_t unanswered[NUMBER];
	struct datagram *s = state;

	*ret_answer = (struct zg_answer){ .say = ZG_SAY_DENY, .reason = ZG_R_UDP_SIZE };
	if (!number_of(config, in, s->number))
		return;
	read_rest(config, in);
	*ret_answer = (struct zg_answer){ .say = memcmp(s->number, unanswered, NUMBER) == 0 ? ZG_SAY_DONE : ZG_SAY_MORE };
}

static void datagram_reply(void *state, const void *config, struct zg_rw *in, struct zg_answer *ret_answer)
{
	const struct datagram *s = state;
	uint8_t number[NUMBER];

	*ret_answer = (struct zg_answer){ .say = ZG_SAY_DENY, .reason = ZG_R_UDP_SIZE };
	if (!number_of(config, in, number))
		return;
	*ret_answer = (struct zg_answer){ .say = ZG_SAY_MORE };
	if (memcmp(s->number, number, NUMBER) != 0)
		return;
	read_rest(config, in);
	*ret_answer = (struct zg_answer){ .say = ZG_SAY_DONE };
}

const struct zg_inspector zg_datagram = {
	.name = "datagram",
	.transport = ZG_UDP,
	.test_only = true,
	.sanitises = true, /* stands for one that does */
	.state_size = sizeof(struct datagram),
	.config_size = sizeof(struct datagram_config),
	.items = items,
	.n_items = sizeof items / sizeof *items,
	.request = datagram_request,
	.reply = datagram_reply,
};
