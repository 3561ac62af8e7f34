/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/link.h"

#include "proto/ascii.h"
#include "proto/octets.h"
#include "zonegate/limits.h"

/* What of a link's name was there. */
enum stage { NOTHING = 0, H, HT, HTT, HX, HXX, F, FT, FX, WHOLE, SECURE, DEFUSED, DEFUSED_SECURE, W, WW, WWW, WWX, STAGES };

static const struct {
	char wanted;
	uint8_t next;
} steps[STAGES][2] = {
	[H] = { { 't', HT }, { 'x', HX } },
	[HT] = { { 't', HTT } },
	[HTT] = { { 'p', WHOLE } },
	[HX] = { { 'x', HXX } },
	[HXX] = { { 'p', DEFUSED } },
	[F] = { { 't', FT }, { 'x', FX } },
	[FT] = { { 'p', WHOLE } },
	[FX] = { { 'p', DEFUSED } },
	[WHOLE] = { { 's', SECURE } },
	[DEFUSED] = { { 's', DEFUSED_SECURE } },
	[W] = { { 'w', WW } },
	[WW] = { { 'w', WWW }, { 'x', WWX } },
};

/* What ends the name, and what that makes of it. */
static const struct {
	char end;
	enum zg_link_step step;
} ends[STAGES] = {
	[WHOLE] = { ':', ZG_LINK_LIVE },       [SECURE] = { ':', ZG_LINK_LIVE },
	[DEFUSED] = { ':', ZG_LINK_DEFUSED },  [DEFUSED_SECURE] = { ':', ZG_LINK_DEFUSED },
	[WWW] = { '.', ZG_LINK_LIVE },	       [WWX] = { '.', ZG_LINK_DEFUSED },
};

static enum stage next_of(const struct zg_link *link, uint8_t lower)
{
	for (unsigned i = 0; i < 2; i++)
		if (lower != ZG_LINK_OTHER && (uint8_t)steps[link->stage][i].wanted == lower)
			return (enum stage)steps[link->stage][i].next;
	return NOTHING;
}

static bool is_letter(enum stage next, uint8_t lower)
{
	return next == WWW || (next != NOTHING && lower == 't');
}

bool zg_link_wants(const struct zg_link *link, uint8_t upper)
{
	for (unsigned lower = 0; lower < 4; lower++) {
		const uint8_t c = zg_ascii_lower((uint8_t)(upper | lower));
		if (is_letter(next_of(link, c), c))
			return true;
	}
	return false;
}

static enum stage first_of(uint8_t lower, bool within)
{
	switch (lower) {
	case 'h':
		return H;
	case 'f':
		return F;
	case 'w':
		return within ? NOTHING : W;
	default:
		return NOTHING;
	}
}

enum zg_link_step zg_link_feed(struct zg_link *link, uint8_t c)
{
	const uint8_t lower = zg_ascii_lower(c);
	const bool within = link->within, ended = c != ZG_LINK_OTHER && (uint8_t)ends[link->stage].end == c;
	const enum zg_link_step step = ended ? ends[link->stage].step : ZG_LINK_NOTHING;
	const enum stage next = next_of(link, lower);

	link->within = zg_ascii_alnum(c);
	link->stage = (uint8_t)(next != NOTHING ? next : first_of(lower, within));
	if (next != NOTHING)
		return is_letter(next, lower) ? ZG_LINK_LETTER : ZG_LINK_NOTHING;
	if (step != ZG_LINK_LIVE)
		link->n = 0;
	return step;
}

void zg_link_keep(struct zg_link *link, uint8_t behind, uint8_t mask)
{
	if (link->n == ZG_LINK_LETTERS)
		return;
	link->letter[link->n].behind = behind;
	link->letter[link->n].mask = mask;
	link->n++;
}

void zg_link_tick(struct zg_link *link)
{
	for (unsigned i = 0; i < link->n; i++)
		link->letter[i].behind++;
	if (link->n > 0 && link->letter[0].behind > ZG_HELD_REWRITE) {
		link->letter[0] = link->letter[1];
		link->n--;
	}
}

void zg_link_release(struct zg_link *link)
{
	link->n = 0;
}

bool zg_link_rests(const struct zg_link *link)
{
	return link->stage == NOTHING;
}

/* The longest name of a link, "https". */
#define LONGEST 5

#define IS(v, c) (((v) | 0x20) == (c))
#define COLON(v)     ((v) == ':')
#define DOT(v)	     ((v) == '.')
#define IS_W(v)	     IS(v, 'w')
#define IS_X(v)	     IS(v, 'x')
#define IS_P(v)	     IS(v, 'p')
#define IS_S(v)	     IS(v, 's')
#define T_OR_X(v)    (IS(v, 't') | IS(v, 'x'))

/* Where the block has a colon behind "tp", "xp" or "ps", or a dot behind "ww" or "wx". open: what stands before the block may
 * have begun a name. */
static uint64_t suspects(const uint8_t block[static ZG_RD_BLOCK], bool open)
{
	const struct zg_octets o = zg_octets_load(block);
	const uint64_t colons = ZG_OCTETS_EACH(&o, COLON), dots = ZG_OCTETS_EACH(&o, DOT);
	const uint64_t first = open ? 1 : 0, second = open ? 3 : 0;
	uint64_t found = 0;

	if (colons != 0) {
		const uint64_t p = ZG_OCTETS_EACH(&o, IS_P), s = ZG_OCTETS_EACH(&o, IS_S), t = ZG_OCTETS_EACH(&o, T_OR_X);
		found = colons & ((p << 1 & (t << 2 | second)) | (s << 1 & (p << 2 | second)) | first);
	}
	if (dots != 0) {
		const uint64_t w = ZG_OCTETS_EACH(&o, IS_W), x = ZG_OCTETS_EACH(&o, IS_X);
		found |= dots & (((w | x) << 1 & (w << 2 | second)) | first);
	}
	return found;
}

const uint8_t *zg_link_block(const struct zg_link *link, const uint8_t block[static ZG_RD_BLOCK],
			     uint8_t ret_cut[static ZG_RD_BLOCK], size_t *ret_suspect)
{
	const size_t at = zg_bits_first(suspects(block, !zg_link_rests(link)));

	*ret_suspect = at;
	if (at == ZG_RD_BLOCK)
		return block;
	memset(ret_cut, 0, ZG_RD_BLOCK);
	if (at > LONGEST)
		memcpy(ret_cut, block, at - LONGEST);
	return ret_cut;
}

void zg_link_take(struct zg_link *link, const uint8_t *octets, size_t n, bool keep)
{
	size_t i = 0;

	if (n > LONGEST + 1) { /* what began before is over, and who stands before the last ones is no matter */
		i = n - LONGEST - 1;
		*link = (struct zg_link){ .within = zg_ascii_alnum(octets[i - 1]) };
	}
	for (; i < n; i++) {
		const uint8_t c = octets[i] >= 0x20 && octets[i] < 0x80 ? octets[i] : ZG_LINK_OTHER;
		if (zg_link_feed(link, c) == ZG_LINK_LETTER && keep)
			zg_link_keep(link, 0, zg_ascii_lower(c) == 't' ? ZG_LINK_T_TO_X : ZG_LINK_W_TO_X);
		zg_link_tick(link);
	}
}

size_t zg_link_groups(const uint8_t *text, size_t groups, size_t *ret_suspect)
{
	struct zg_rd rd = zg_rd_init(text, 3 * groups);
	uint8_t pad[ZG_RD_BLOCK];
	size_t clean = 0;
	bool open = false;

	while (zg_rd_left(&rd) > 0) {
		const uint8_t *block = zg_rd_block(&rd, pad);
		const size_t left = zg_rd_left(&rd), n = left < ZG_RD_BLOCK ? left : ZG_RD_BLOCK;
		const size_t at = zg_bits_first(suspects(block, open));
		clean += at < n ? at : n;
		if (at < n)
			break;
		open = true;
		zg_rd_skip(&rd, n);
	}
	*ret_suspect = clean;
	/* up to where a word ends: within one a name may have begun */
	for (groups = clean / 3; groups > 0 && zg_ascii_alnum(text[3 * groups - 1]); groups--)
		;
	return groups;
}
