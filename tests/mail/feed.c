/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives dialogues to the smtp inspector, in every way they may be cut, and says what went on to the other end. Plays the
 * engine's part: held octets, refusal, draining, settling.
 *
 * Reads cases from standard input until it ends and answers each; numbers are uint32_t of this machine.
 *
 *   case     settings ("key=value;key=value"), how many single cuts, how many turns, turns
 *   turn     who (0 client, 1 server, 2 client ends, 3 server ends), octets
 *   answer   fault ("": none; two cuts differed, or the inspector broke its promises), reason ("": not refused), who
 *            offended, at which offset, draining, told at the end of it, done; released to the server, to the client;
 *            released to the server by a sender that waits for its acknowledgements; whether that one was refused
 *
 * A string is its length and its octets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zonegate/inspector.h"
#include "zonegate/limits.h"

enum who { CLIENT = 0, SERVER, CLIENT_ENDS, SERVER_ENDS };
enum cut { WHOLE, OCTETS, ONCE, RANDOM };

struct turn {
	uint32_t who, len;
	uint8_t *octets;
};

struct outcome {
	struct zg_answer answer; /* the last one, or the denial */
	bool denied, told;
	uint32_t dir;
	size_t at, len[2], held[2];
	uint8_t *released[2];
	const char *fault;
};

static struct turn *turns;
static uint32_t n_turns;
static uint8_t config[ZG_INSPECTOR_CONFIG_MAX];
static size_t total;

static void out_of_memory(void)
{
	fputs("feed: out of memory\n", stderr);
	exit(2);
}

/* --- input, output --------------------------------------------------------------------------------------------- */

static bool get(void *ret_octets, size_t n)
{
	return fread(ret_octets, 1, n, stdin) == n;
}

static uint32_t get_number(void)
{
	uint32_t n;
	if (!get(&n, sizeof n))
		exit(2);
	return n;
}

/* With a NUL behind it; to be freed. */
static uint8_t *get_string(uint32_t *ret_len)
{
	const uint32_t len = get_number();
	uint8_t *octets = malloc((size_t)len + 1);
	if (octets == NULL)
		out_of_memory();
	if (!get(octets, len))
		exit(2);
	octets[len] = '\0';
	*ret_len = len;
	return octets;
}

static void put_number(size_t n)
{
	const uint32_t number = (uint32_t)n;
	fwrite(&number, sizeof number, 1, stdout);
}

static void put_string(const void *octets, size_t len)
{
	put_number(len);
	fwrite(octets, 1, len, stdout);
}

/* --- settings ---------------------------------------------------------------------------------------------------- */

static uint32_t word_bit(const struct zg_item *item, const char *word, size_t len)
{
	for (uint32_t i = 0; item->words[i] != NULL; i++)
		if (strlen(item->words[i]) == len && memcmp(item->words[i], word, len) == 0)
			return item->type == ZG_ITEM_FLAGS ? 1u << i : i;
	fprintf(stderr, "feed: %s has no word %.*s\n", item->key, (int)len, word);
	exit(2);
}

static void set(const struct zg_item *item, const char *value)
{
	uint32_t number = 0;
	if (item->words == NULL)
		number = (uint32_t)strtoul(value, NULL, 10);
	for (const char *word = value; item->words != NULL && word != NULL; word = strchr(word, ',')) {
		word += *word == ',';
		number |= word_bit(item, word, strcspn(word, ","));
	}
	if (item->type == ZG_ITEM_BOOL)
		config[item->offset] = (uint8_t)number;
	else
		memcpy(config + item->offset, &number, sizeof number);
}

static void set_all(char *settings)
{
	char *rest = NULL;
	zg_inspector_defaults(&zg_smtp, config);
	for (char *one = strtok_r(settings, ";", &rest); one != NULL; one = strtok_r(NULL, ";", &rest)) {
		char *value = strchr(one, '=');
		size_t i = 0;
		if (value != NULL)
			*value++ = '\0';
		while (i < zg_smtp.n_items && strcmp(zg_smtp.items[i].key, one) != 0)
			i++;
		if (value == NULL || i == zg_smtp.n_items) {
			fprintf(stderr, "feed: no setting %s\n", one);
			exit(2);
		}
		set(&zg_smtp.items[i], value);
	}
}

/* --- one run ------------------------------------------------------------------------------------------------------- */

static void fault(struct outcome *o, const char *what)
{
	if (o->fault == NULL)
		o->fault = what;
}

static void take_answer(struct outcome *o)
{
	for (int d = 0; d < 2; d++) {
		o->held[d] = o->answer.held[d];
		if (o->held[d] > o->len[d] || o->held[d] > ZG_HELD_REWRITE)
			fault(o, "holds more than there is");
	}
}

static void drain(struct outcome *o, void *state, const uint8_t *octets, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	if (copy == NULL)
		out_of_memory();
	memcpy(copy, octets, len);
	struct zg_rw in = zg_rw_init(copy, len);
	struct zg_answer answer;
	zg_smtp.data(state, config, ZG_CLIENT, &in, &answer);
	if (answer.say == ZG_SAY_DENY || in.pos != len)
		fault(o, "does not drain");
	o->told = answer.say == ZG_SAY_DONE;
	free(copy);
}

static void give(struct outcome *o, void *state, enum zg_dir dir, const uint8_t *octets, size_t len)
{
	if (o->denied) {
		if (o->answer.drain && dir == ZG_CLIENT && !o->told)
			drain(o, state, octets, len);
		return;
	}
	uint8_t *copy = malloc(len); /* exact, for the sanitizer */
	if (copy == NULL)
		out_of_memory();
	memcpy(copy, octets, len);
	struct zg_rw in = zg_rw_init(copy, len);
	in.n_held = o->held[dir] < ZG_HELD_REWRITE ? o->held[dir] : ZG_HELD_REWRITE;
	in.held = o->released[dir] + o->len[dir] - in.n_held;
	zg_smtp.data(state, config, dir, &in, &o->answer);
	memcpy(o->released[dir] + o->len[dir], copy, in.pos);
	o->len[dir] += in.pos;
	free(copy);
	o->denied = o->answer.say == ZG_SAY_DENY;
	if (o->denied ? in.pos >= len : in.pos != len)
		fault(o, "says one thing and reads another");
	if (!o->denied) {
		take_answer(o);
		return;
	}
	o->dir = (uint32_t)dir;
	o->at = o->len[dir];
	if (o->answer.drain && dir == ZG_CLIENT)
		drain(o, state, octets + in.pos, len - in.pos);
}

static void end(struct outcome *o, void *state, enum zg_dir dir)
{
	if (o->denied)
		return;
	zg_smtp.end(state, config, dir, &o->answer);
	o->denied = o->answer.say == ZG_SAY_DENY;
	o->dir = (uint32_t)dir;
	o->at = o->len[dir];
	if (!o->denied)
		take_answer(o);
}

static void settle(struct outcome *o, void *state)
{
	if (o->denied || o->held[ZG_CLIENT] == 0)
		return;
	zg_smtp.settle(state, ZG_CLIENT, &o->answer);
	take_answer(o);
	if (o->held[ZG_CLIENT] != 0)
		fault(o, "holds what is settled");
}

static size_t piece(enum cut cut, size_t parameter, size_t at, size_t left, uint32_t *random)
{
	size_t n = left;
	if (cut == OCTETS)
		n = 1;
	if (cut == ONCE && at < parameter)
		n = parameter - at;
	if (cut == RANDOM) {
		*random = *random * 1664525u + 1013904223u;
		n = 1 + (*random >> 16) % (*random & 0x8000 ? 1448 : 37);
	}
	return n < left ? n : left;
}

/* To be freed with free(). */
static struct outcome *run(enum cut cut, size_t parameter, bool settling)
{
	struct outcome *o = calloc(1, sizeof *o + 2 * total + 1);
	void *state = calloc(1, zg_smtp.state_size);
	uint32_t random = (uint32_t)parameter * 2654435761u + 12345u;
	size_t at = 0;

	if (o == NULL || state == NULL)
		out_of_memory();
	o->released[0] = (uint8_t *)(o + 1);
	o->released[1] = o->released[0] + total;
	zg_smtp.begin(state, config);
	for (uint32_t i = 0; i < n_turns; i++) {
		if (turns[i].who >= CLIENT_ENDS)
			end(o, state, turns[i].who == CLIENT_ENDS ? ZG_CLIENT : ZG_SERVER);
		for (size_t pos = 0; turns[i].who < CLIENT_ENDS && pos < turns[i].len;) {
			const size_t n = piece(cut, parameter, at, turns[i].len - pos, &random);
			give(o, state, (enum zg_dir)turns[i].who, turns[i].octets + pos, n);
			pos += n;
			at += n;
			if (settling && random & 0x10000)
				settle(o, state);
		}
	}
	free(state);
	if (!o->denied) /* what is held at the end never went */
		for (int d = 0; d < 2; d++)
			o->len[d] -= o->held[d];
	return o;
}

static const char *differ(const struct outcome *a, const struct outcome *b)
{
	if (b->fault != NULL)
		return b->fault;
	if (a->denied != b->denied || a->answer.say != b->answer.say || a->told != b->told)
		return "another cut, another answer";
	if (a->denied && (a->answer.reason != b->answer.reason || a->dir != b->dir || a->at != b->at || a->answer.drain != b->answer.drain))
		return "another cut, another reason";
	for (int d = 0; d < 2; d++)
		if (a->len[d] != b->len[d] || memcmp(a->released[d], b->released[d], a->len[d]) != 0)
			return "another cut, other octets";
	return NULL;
}

static void compare(struct outcome *whole, enum cut cut, size_t parameter)
{
	struct outcome *other = run(cut, parameter, false);
	const char *what = differ(whole, other);
	if (what != NULL)
		fault(whole, what);
	free(other);
}

/* -------------------------------------------------------------------------------------------------------------------- */

static void answer(uint32_t cuts)
{
	struct outcome *whole = run(WHOLE, 0, false);
	compare(whole, OCTETS, 0);
	for (uint32_t i = 1; i <= 4; i++)
		compare(whole, RANDOM, i);
	const size_t step = total / (cuts + 1) > 0 ? total / (cuts + 1) : 1;
	for (size_t at = step; at < total; at += step)
		compare(whole, ONCE, at);
	struct outcome *settled = run(RANDOM, 99, true);
	if (settled->fault != NULL)
		fault(whole, settled->fault);

	put_string(whole->fault != NULL ? whole->fault : "", whole->fault != NULL ? strlen(whole->fault) : 0);
	const char *reason = whole->denied ? zg_reason_name(whole->answer.reason) : "";
	put_string(reason, strlen(reason));
	put_number(whole->dir);
	put_number(whole->at);
	put_number(whole->denied && whole->answer.drain);
	put_number(whole->told);
	put_number(whole->answer.say == ZG_SAY_DONE);
	put_string(whole->released[0], whole->len[0]);
	put_string(whole->released[1], whole->len[1]);
	put_string(settled->released[0], settled->len[0]);
	put_number(settled->denied);
	fflush(stdout);
	free(whole);
	free(settled);
}

static void take_turns(void)
{
	n_turns = get_number();
	turns = calloc((size_t)n_turns + 1, sizeof *turns);
	if (turns == NULL)
		out_of_memory();
	total = 0;
	for (uint32_t i = 0; i < n_turns; i++) {
		turns[i].who = get_number();
		turns[i].octets = get_string(&turns[i].len);
		total += turns[i].len;
	}
}

int main(void)
{
	uint32_t len;
	while (get(&len, sizeof len)) {
		char *settings = calloc(1, (size_t)len + 1);
		if (settings == NULL)
			out_of_memory();
		if (!get(settings, len))
			return 2;
		set_all(settings);
		free(settings);
		const uint32_t cuts = get_number();
		take_turns();
		answer(cuts);
		for (uint32_t i = 0; i < n_turns; i++)
			free(turns[i].octets);
		free(turns);
	}
	return 0;
}
