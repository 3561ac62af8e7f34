/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An inspector that changes nothing, against itself. The input: a byte, which chooses the settings; then chunks, of a byte (bit 0
 * direction, bit 1: the rest of the byte counts in 8 octets) and the chunk's bytes. Whatever the cut, the answer, the offset and
 * what was released are the same; and nothing is changed.
 */
#ifndef ZONEGATE_FUZZ_STREAMS_H
#define ZONEGATE_FUZZ_STREAMS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zonegate/config.h"

#define MUST(condition)                                                                                                      \
	do {                                                                                                                 \
		if (!(condition)) {                                                                                          \
			fprintf(stderr, "%s: %s\n", __FILE__, #condition);                                                   \
			abort();                                                                                             \
		}                                                                                                            \
	} while (0)

#define STREAM_MAX 40000u

struct run {
	const struct zg_inspector *inspector;
	void *state;
	struct zg_answer answer;
	enum zg_dir dir;
	size_t len[2], released[2];
};

static inline const struct zg_item *item_of(const struct zg_inspector *inspector, const char *key)
{
	size_t i = 0;
	while (strcmp(inspector->items[i].key, key) != 0)
		i++;
	return &inspector->items[i];
}

static inline void give(struct run *r, const void *config, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	if (r->answer.say == ZG_SAY_DENY || len == 0)
		return;
	uint8_t *copy = malloc(len);
	MUST(copy != NULL);
	memcpy(copy, bytes, len);
	struct zg_rw in = zg_rw_init(copy, len);
	r->inspector->data(r->state, config, dir, &in, &r->answer);
	MUST(!in.dirty && memcmp(copy, bytes, len) == 0);
	free(copy);
	r->len[dir] += in.pos;
	for (int d = 0; d < 2; d++) {
		MUST(r->answer.held[d] <= r->len[d] && r->len[d] - r->answer.held[d] >= r->released[d]);
		r->released[d] = r->len[d] - r->answer.held[d];
	}
	r->dir = dir;
	MUST(r->answer.say == ZG_SAY_DENY ? in.pos < len && r->answer.reason != ZG_R_NONE : in.pos == len);
}

/* *ret_client: all that the client said. */
static inline struct run run(const struct zg_inspector *inspector, const struct zg_config *config, const uint8_t *data, size_t size,
			     size_t piece, uint8_t *ret_client)
{
	struct run r = { .inspector = inspector, .state = calloc(1, inspector->state_size) };
	size_t n_client = 0;
	MUST(r.state != NULL);
	inspector->begin(r.state, config->bytes);
	for (size_t pos = 1; pos < size;) {
		const uint8_t head = data[pos++];
		const enum zg_dir dir = head & 1 ? ZG_SERVER : ZG_CLIENT;
		size_t len = (size_t)(head >> 2) << (head & 2 ? 3 : 0);
		len = len < size - pos ? len : size - pos;
		for (size_t at = 0; at < len; at += piece)
			give(&r, config->bytes, dir, data + pos + at, len - at < piece ? len - at : piece);
		if (dir == ZG_CLIENT) {
			memcpy(ret_client + n_client, data + pos, len);
			n_client += len;
		}
		pos += len;
	}
	free(r.state);
	return r;
}

/* As one, after it was compared with other cuts. */
static inline struct run run_all(const struct zg_inspector *inspector, const struct zg_config *config, const uint8_t *data,
				 size_t size, uint8_t *ret_client)
{
	static const size_t pieces[] = { 1, 7 };
	const struct run whole = run(inspector, config, data, size, size, ret_client);
	for (size_t i = 0; i < 2; i++) {
		const struct run other = run(inspector, config, data, size, pieces[i], ret_client);
		MUST(whole.answer.say == other.answer.say && whole.answer.reason == other.answer.reason);
		MUST(whole.answer.refusal == other.answer.refusal && whole.dir == other.dir);
		for (int d = 0; d < 2; d++)
			MUST(whole.len[d] == other.len[d] && whole.released[d] == other.released[d]);
	}
	return whole;
}

#endif
