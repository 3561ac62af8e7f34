/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream: accepts every byte. With it the engine below the protocols is measured and attacked alone: whatever a receiver
 * reads then is what the engine made of the segments. With `rewrite` a small letter becomes the one thirteen places on, in
 * both directions, so that a byte tells in which form it was released. For `replay` and for test builds; see test_only.
 */
#include "zonegate/inspector.h"

struct stream_config {
	uint8_t rewrite;
};

static void stream_begin(void *state, const void *config)
{
	(void)state;
	(void)config;
}

static void stream_data(void *state, const void *config, enum zg_dir dir, struct zg_rw *in, struct zg_answer *ret_answer)
{
	const struct stream_config *c = config;
	uint8_t octet;
	(void)state;
	(void)dir;

	if (!c->rewrite)
		zg_rw_skip(in, zg_rw_left(in));
	for (; zg_rw_peek(in, &octet); zg_rw_advance(in))
		if (octet >= 'a' && octet <= 'z')
			zg_rw_replace(in, (uint8_t)((octet - 'a' + 13) % 26 + 'a'));
	*ret_answer = (struct zg_answer){ .say = ZG_SAY_MORE };
}

static const struct zg_item items[] = {
	{ .key = "rewrite",
	  .type = ZG_ITEM_BOOL,
	  .offset = offsetof(struct stream_config, rewrite),
	  .preset = 0,
	  .help = "small letters become others" },
};

const struct zg_inspector zg_stream = {
	.name = "stream",
	.transport = ZG_TCP,
	.test_only = true,
	.sanitises = true, /* stands for one that does */
	.config_size = sizeof(struct stream_config),
	.items = items,
	.n_items = sizeof items / sizeof *items,
	.begin = stream_begin,
	.data = stream_data,
};
