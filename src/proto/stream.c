/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream: accepts every byte. With it the engine below the protocols is measured and attacked alone: whatever a receiver
 * reads then is what the engine made of the segments. For `replay` and for test builds; see test_only.
 */
#include "zonegate/inspector.h"

static void stream_begin(void *state, const void *config)
{
	(void)state;
	(void)config;
}

static void stream_data(void *state, const void *config, enum zg_dir dir, struct zg_rw *in, struct zg_answer *ret_answer)
{
	(void)state;
	(void)config;
	(void)dir;
	in->pos = in->len;
	*ret_answer = (struct zg_answer){ .say = ZG_SAY_MORE };
}

const struct zg_inspector zg_stream = {
	.name = "stream",
	.transport = ZG_TCP,
	.test_only = true,
	.begin = stream_begin,
	.data = stream_data,
};
