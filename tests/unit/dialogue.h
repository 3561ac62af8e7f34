/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds a dialogue to an inspector in every way it can be cut, and compares: the answers, the bytes that
 * passed and the offset of a denial have to be the same. Plays the engine's part, refusal and draining included.
 */
#ifndef ZONEGATE_TEST_DIALOGUE_H
#define ZONEGATE_TEST_DIALOGUE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lend.h"
#include "zonegate/inspector.h"
#include "zonegate/limits.h"

#define AT "\1" /* the offending byte follows; the mark itself is not sent */
#define AT_BYTE 1

/* As ck_assert, which is too slow for every byte: it tells its place to another process. */
#define MUST(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			ck_abort_msg("%s", #condition);                                                                \
	} while (0)

struct turn {
	enum zg_dir dir;
	const uint8_t *bytes;
	size_t len;
};

struct outcome {
	enum zg_say say; /* last answer before a denial, or DENY */
	enum zg_reason reason;
	enum zg_refusal refusal;
	bool drain;
	enum zg_dir dir; /* of the denial */
	size_t at;	 /* offset of the denial in that direction */
	bool told;	 /* draining ended */
	size_t told_at;	 /* client bytes until then */
	unsigned notes;	      /* how many, */
	struct zg_note note;  /* and the last */
	size_t passed_len[2];
	size_t released[2]; /* of them: what is not held */
	uint8_t *passed[2]; /* in the same allocation */
};

struct session {
	const struct zg_inspector *inspector;
	const void *config;
	void *state;
	struct purse *purse;
	size_t given[2];
	size_t held[2]; /* of the bytes that passed: may still be overwritten */
	struct outcome *out;
};

static inline void session_give(struct session *s, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	struct zg_answer answer;
	struct outcome *o = s->out;
	uint8_t *copy = malloc(len + 1); /* exact, for the sanitizer; one more because of empty calls */
	MUST(copy != NULL);
	memcpy(copy, bytes, len);
	struct zg_rw in = zg_rw_init(copy, len);
	in.n_held = s->held[dir] < ZG_HELD_REWRITE ? s->held[dir] : ZG_HELD_REWRITE;
	in.held = o->passed[dir] + o->passed_len[dir] - in.n_held;
	in.lender = &s->purse->lender;

	if (o->say == ZG_SAY_DENY && (!o->drain || dir == ZG_SERVER || o->told)) {
		free(copy);
		return;
	}
	s->inspector->data(s->state, s->config, dir, &in, &answer);
	if (o->say == ZG_SAY_DENY) { /* draining */
		MUST(answer.say != ZG_SAY_DENY);
		MUST(in.pos == len);
		s->given[dir] += len;
		o->told = answer.say == ZG_SAY_DONE;
		o->told_at = s->given[dir];
		free(copy);
		return;
	}
	memcpy(o->passed[dir] + o->passed_len[dir], copy, in.pos);
	o->passed_len[dir] += in.pos;
	s->given[dir] += in.pos;
	for (int d = 0; d < 2; d++) {
		MUST(answer.held[d] <= o->passed_len[d] && (s->inspector->settle == NULL || answer.held[d] <= ZG_HELD_REWRITE));
		MUST(o->passed_len[d] - answer.held[d] >= o->released[d]);
		s->held[d] = answer.held[d];
		o->released[d] = o->passed_len[d] - answer.held[d];
	}
	o->say = answer.say;
	if (answer.note != NULL) {
		o->notes++;
		o->note = *answer.note;
	}
	free(copy);
	if (answer.say != ZG_SAY_DENY) {
		MUST(in.pos == len);
		return;
	}
	MUST(in.pos < len);
	o->reason = answer.reason;
	o->refusal = answer.refusal;
	o->drain = answer.drain;
	o->dir = dir;
	o->at = s->given[dir];
	if (o->drain && dir == ZG_CLIENT)
		session_give(s, dir, bytes + in.pos, len - in.pos);
}

enum cut { CUT_NONE, CUT_BYTES, CUT_ONCE, CUT_RANDOM };

/* CUT_ONCE: parameter is the offset in the whole dialogue; CUT_RANDOM: a seed. */
static inline struct outcome *dialogue_run(const struct zg_inspector *inspector, const void *config, const struct turn *turns,
					   size_t n, enum cut cut, size_t parameter)
{
	size_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += turns[i].len;
	struct outcome *out = calloc(1, sizeof *out + 2 * total);
	void *state = calloc(1, inspector->state_size);
	MUST(out != NULL && state != NULL);
	out->passed[0] = (uint8_t *)(out + 1);
	out->passed[1] = out->passed[0] + total;
	struct purse purse = purse_open();
	struct session s = { inspector, config, state, &purse, { 0, 0 }, { 0, 0 }, out };
	uint32_t random = (uint32_t)parameter * 2654435761u + 12345u;
	size_t before = 0;

	inspector->begin(state, config);
	for (size_t i = 0; i < n; before += turns[i].len, i++) {
		size_t pos = 0;
		while (pos < turns[i].len) {
			size_t len = turns[i].len - pos;
			if (cut == CUT_BYTES) {
				len = 1;
			} else if (cut == CUT_ONCE) {
				if (before + pos < parameter && parameter < before + turns[i].len)
					len = parameter - before - pos;
			} else if (cut == CUT_RANDOM) {
				random = random * 1664525u + 1013904223u;
				size_t wish = 1 + (random >> 16) % 37;
				len = wish < len ? wish : len;
			}
			session_give(&s, turns[i].dir, turns[i].bytes + pos, len);
			pos += len;
		}
	}
	purse_close(&purse);
	free(state);
	return out;
}

static inline void outcome_same(const char *label, const struct outcome *a, const struct outcome *b)
{
	if (a->say != b->say || a->reason != b->reason || a->dir != b->dir || a->at != b->at || a->drain != b->drain ||
	    a->told != b->told)
		ck_abort_msg("%s: another cut, another answer: %d %s at %zu, %d %s at %zu", label, a->say,
			     zg_reason_name(a->reason), a->at, b->say, zg_reason_name(b->reason), b->at);
	if (a->notes != b->notes || memcmp(&a->note, &b->note, sizeof a->note) != 0)
		ck_abort_msg("%s: another cut, another note", label);
	for (int d = 0; d < 2; d++)
		if (a->passed_len[d] != b->passed_len[d] || a->released[d] != b->released[d] || memcmp(a->passed[d], b->passed[d], a->passed_len[d]) != 0)
			ck_abort_msg("%s: another cut, other bytes", label);
}

/* The outcome of the uncut dialogue, after it was compared with all the other ways. Free with free(). */
static inline struct outcome *dialogue(const char *label, const struct zg_inspector *inspector, const void *config,
				       const struct turn *turns, size_t n)
{
	struct outcome *whole = dialogue_run(inspector, config, turns, n, CUT_NONE, 0);
	size_t total = 0;
	for (size_t i = 0; i < n; i++)
		total += turns[i].len;

	struct outcome *other = dialogue_run(inspector, config, turns, n, CUT_BYTES, 0);
	outcome_same(label, whole, other);
	free(other);
	size_t step = total < 3000 ? 1 : total / 97;
	for (size_t at = 1; at < total; at += step) {
		other = dialogue_run(inspector, config, turns, n, CUT_ONCE, at);
		outcome_same(label, whole, other);
		free(other);
	}
	for (size_t seed = 1; seed <= 8; seed++) {
		other = dialogue_run(inspector, config, turns, n, CUT_RANDOM, seed);
		outcome_same(label, whole, other);
		free(other);
	}
	return whole;
}

#endif
