/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ordinary text, 64 octets at once. What is accepted here zg_text_feed() accepts as well; whatever is not plainly
 * so, a line that may become a mark first of all, is left to it.
 */
#include "proto/ascii.h"
#include "proto/octets.h"
#include "proto/text.h"

#define ESC 0x1B

#ifdef ZG_WIDE
bool zg_octets_narrow;
#endif

/* What is known of a block. */
struct block {
	const uint8_t *p;
	uint64_t stop;	/* where a character is that is not simply text: line ends, escapes, faults */
	uint64_t blank; /* iso-2022-jp: none of a double-byte character */
	size_t end;	/* up to here characters are whole and permitted, where not a stop */
	size_t at;	/* ordinary so far */
	size_t line;	/* where the line begins that is there; NO_LINE: before the block */
	bool fresh;	/* ... and only blanks are in it */
	bool wide;	/* iso-2022-jp: a double-byte set is designated */
};

#define NO_LINE SIZE_MAX

#define BLANK(v) (((v) == ' ') | ((v) == '\t'))
/* For signed octets; and ASCII. */
#define LEAD(v)	  ((v) >= (int8_t)0xC0)
#define LEAD_3(v) ((v) >= (int8_t)0xE0)
#define LEAD_4(v) ((v) >= (int8_t)0xF0)
/* First octets of UTF-8 with which not every well-formed sequence is a permitted character */
#define SPECIAL(v) (((v) - 0xC0 <= 2) | ((v) == 0xE0) | ((v) == 0xE2) | ((v) == 0xED) | ((v) >= 0xEF))

/* Of a block, one bit per octet; the second half only where there are high octets, and of these only. */
struct masks {
	uint64_t plain; /* printable ASCII, TAB */
	uint64_t high;	/* above 0x7F */
	uint64_t lead, lead_3, lead_4; /* first octets of UTF-8: all, of three or more, of four or more */
	uint64_t special;
};

static void masks_narrow(const uint8_t *p, struct masks *ret_masks)
{
	const struct zg_octets o = zg_octets_load(p);
	const struct zg_octets_signed {
		zg_signed16 q[ZG_RD_BLOCK / 16];
	} s = { { (zg_signed16)o.q[0], (zg_signed16)o.q[1], (zg_signed16)o.q[2], (zg_signed16)o.q[3] } };

	ret_masks->plain = ZG_OCTETS_EACH(&o, ZG_PRINTABLE_OR_TAB);
	ret_masks->high = zg_octets_high(&o);
	if (ret_masks->high == 0)
		return;
	ret_masks->lead = ZG_OCTETS_EACH(&s, LEAD) & ret_masks->high;
	ret_masks->lead_3 = ZG_OCTETS_EACH(&s, LEAD_3) & ret_masks->high;
	ret_masks->lead_4 = ZG_OCTETS_EACH(&s, LEAD_4) & ret_masks->high;
	ret_masks->special = ZG_OCTETS_EACH(&o, SPECIAL);
}

#ifdef ZG_WIDE
#define EACH(a, b, test) (ZG_OCTETS_GATHER32(test(a)) | ZG_OCTETS_GATHER32(test(b)) << 32)
#define ITSELF(v)	 (v)

ZG_WIDE static void masks_wide(const uint8_t *p, struct masks *ret_masks)
{
	zg_octets32 a, b;
	memcpy(&a, p, sizeof a);
	memcpy(&b, p + sizeof a, sizeof b);
	const zg_signed32 sa = (zg_signed32)a, sb = (zg_signed32)b;

	ret_masks->plain = EACH(a, b, ZG_PRINTABLE_OR_TAB);
	ret_masks->high = EACH(a, b, ITSELF);
	if (ret_masks->high == 0)
		return;
	ret_masks->lead = EACH(sa, sb, LEAD) & ret_masks->high;
	ret_masks->lead_3 = EACH(sa, sb, LEAD_3) & ret_masks->high;
	ret_masks->lead_4 = EACH(sa, sb, LEAD_4) & ret_masks->high;
	ret_masks->special = EACH(a, b, SPECIAL);
}
#endif

static void masks_of(const uint8_t *p, struct masks *ret_masks)
{
#ifdef ZG_WIDE
	if (zg_octets_wide()) {
		masks_wide(p, ret_masks);
		return;
	}
#endif
	masks_narrow(p, ret_masks);
}

/* A sequence of UTF-8 with the right number of octets is a permitted character: RFC 3629 4 and zg_char_forbidden(). */
static bool utf8_permitted(const uint8_t *p, bool three, bool four)
{
	if (!three)
		return p[0] > 0xC2 || (p[0] == 0xC2 && p[1] >= 0xA0);
	uint32_t ch = (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
	if (!four)
		return ch >= 0x800 && (ch < 0xD800 || ch > 0xDFFF) && !zg_char_forbidden(ch);
	ch = (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
	return p[0] < 0xF5 && ch >= 0x10000 && ch <= 0x10FFFF && !zg_char_forbidden(ch);
}

/* How much of the block is whole and permitted characters of UTF-8. */
static size_t utf8_end(const struct masks *m, const uint8_t *p)
{
	const uint64_t lead = m->lead, lead_3 = m->lead_3, lead_4 = m->lead_4;
	uint64_t special = m->special;
	uint64_t follow = lead << 1 | lead_3 << 2 | lead_4 << 3;
	size_t end = zg_bits_first(follow ^ (m->high & ~lead));

	uint64_t before = lead & zg_bits_below(end);
	if (before != 0) {
		size_t last = 63 - (size_t)__builtin_clzll(before);
		if (last + 2 + (lead_3 >> last & 1) + (lead_4 >> last & 1) > end)
			end = last;
	}
	for (special &= zg_bits_below(end); special != 0; special &= special - 1) {
		size_t i = zg_bits_first(special);
		if (!utf8_permitted(p + i, lead_3 >> i & 1, lead_4 >> i & 1))
			return i;
	}
	return end;
}

static void classify(struct block *b, enum zg_charset charset, enum zg_text_form form)
{
	struct masks m;

	masks_of(b->p, &m);
	b->stop = ~m.plain;
	b->end = ZG_RD_BLOCK;
	if (charset == ZG_CHARSET_UTF_8 && form != ZG_TEXT_WIRE_7BIT && m.high != 0) {
		b->stop &= ~m.high;
		b->end = utf8_end(&m, b->p);
	}
	if (charset == ZG_CHARSET_ISO_2022_JP) {
		const struct zg_octets o = zg_octets_load(b->p);
		b->blank = ZG_OCTETS_EACH(&o, BLANK);
	}
}

/* The text up to the next stop; false: not all of it is ordinary. */
static bool run(struct block *b, size_t stop)
{
	size_t end = stop;
	if (b->wide) {
		size_t blank = zg_bits_first(b->blank & ~zg_bits_below(b->at));
		end = blank < end ? blank : end;
		end -= (end - b->at) & 1;
	} else if (b->fresh) {
		while (b->at < end && zg_ascii_blank(b->p[b->at]))
			b->at++;
		/* a dot that is first is the framing's; behind blanks it does no harm to ask there as well */
		if (b->at < end && (zg_text_may_be_mark(b->p[b->at]) || b->p[b->at] == '.'))
			return false;
	}
	if (b->at < end)
		b->fresh = false;
	b->at = end;
	return end == stop;
}

static void line_end(struct block *b, size_t len)
{
	b->at += len;
	b->line = b->at;
	b->fresh = true;
}

static bool escape(struct block *b)
{
	if (ZG_RD_BLOCK - b->at < 3)
		return false;
	const uint8_t *p = b->p + b->at;
	bool wide = p[1] == '$' && (p[2] == '@' || p[2] == 'B');
	if (!wide && (p[1] != '(' || p[2] != 'B'))
		return false;
	b->wide = wide;
	b->at += 3;
	return true;
}

/* A character of shift_jis or euc-jp above 0x7F. */
static bool wide_character(struct block *b, enum zg_charset charset)
{
	struct zg_charset_state state;
	enum zg_charset_step step = ZG_CHARSET_MORE;
	size_t at = b->at;
	uint32_t ch;
	zg_charset_begin(&state, charset);
	while (step == ZG_CHARSET_MORE && at < ZG_RD_BLOCK)
		step = zg_charset_feed(&state, b->p[at++], &ch);
	if (step != ZG_CHARSET_CHAR)
		return false;
	b->at = at;
	b->fresh = false;
	return true;
}

/* What stands at a stop; false: nothing ordinary. */
static bool pass_stop(struct block *b, enum zg_charset charset, enum zg_text_form form)
{
	uint8_t c = b->p[b->at];
	if (c == '\r' && !b->wide && b->at + 1 < ZG_RD_BLOCK && b->p[b->at + 1] == '\n')
		line_end(b, 2);
	else if (c == '\n' && !b->wide && form == ZG_TEXT_DECODED)
		line_end(b, 1);
	else if (c == ESC && charset == ZG_CHARSET_ISO_2022_JP)
		return escape(b);
	else if (c > 0x7F && form != ZG_TEXT_WIRE_7BIT && (charset == ZG_CHARSET_SHIFT_JIS || charset == ZG_CHARSET_EUC_JP))
		return wide_character(b, charset);
	else
		return false;
	return true;
}

size_t zg_text_block(struct zg_text *text, enum zg_text_form form, const uint8_t block[static ZG_RD_BLOCK],
		     size_t *ret_line)
{
	const bool fresh = text->indent;
	const enum zg_charset charset = (enum zg_charset)text->charset.charset;
	if (text->cr || text->charset.stage != 0 || (!fresh && !zg_text_line_is_settled(text)))
		return 0;

	struct block b = { .p = block, .line = NO_LINE, .fresh = fresh, .wide = text->charset.wide };
	classify(&b, charset, form);
	for (;;) {
		size_t stop = zg_bits_first(b.stop & ~zg_bits_below(b.at));
		if (!run(&b, stop < b.end ? stop : b.end) || b.at >= b.end || !pass_stop(&b, charset, form))
			break;
	}
	text->charset.wide = b.wide;
	if (b.line != NO_LINE) {
		*ret_line = b.line;
		zg_text_line_begin(text);
	}
	if (!b.fresh && (fresh || b.line != NO_LINE))
		zg_text_line_settle(text);
	return b.at;
}
