/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rfb: rectangles of every encoding hold exactly their pixels; whatever else they could hold is refused. */
#include "rfb_talk.h"
#include "unit.h"

#define TALK(name)                                                                                                           \
	struct talk name = { 0 };                                                                                            \
	to_update(&name);                                                                                                    \
	update(&name, 1)

/* What follows is read as a message: the rectangle ended where it should. */
static void passes_and_ends(const char *label, struct talk *t)
{
	SAY(t, ZG_SERVER, 2);
	passes(label, t);
}

START_TEST(raw_and_copied)
{
	TALK(t);
	rectangle(&t, 90, 70, 10, 10, 0);
	many(&t, ZG_SERVER, 0x77, 400);
	update(&t, 3);
	rectangle(&t, 0, 0, 0, 0, 0);
	rectangle(&t, 100, 80, 0, 0, 0);
	rectangle(&t, 90, 70, 10, 10, 1);
	SAY(&t, ZG_SERVER, U16(90), U16(70));
	passes_and_ends("raw", &t);
	static const unsigned outside[][4] = { { 91, 70, 10, 10 }, { 90, 71, 10, 10 }, { 0, 0, 101, 1 }, { 0xffff, 0, 2, 1 }, { 0, 0xffff, 1, 0xffff } };
	static const int32_t all[] = { 0, 1, 2, 4, 5, 6, 7, 16 };
	for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
		for (size_t e = 0; e < sizeof all / sizeof *all; e++) {
			TALK(u);
			rectangle(&u, outside[i][0], outside[i][1], outside[i][2], outside[i][3], all[e]);
			refused("outside", &u, ZG_R_RFB_RECTANGLE);
		}
	TALK(c);
	rectangle(&c, 0, 0, 10, 10, 1);
	SAY(&c, ZG_SERVER, U16(91), U16(70));
	refused("copied from outside", &c, ZG_R_RFB_RECTANGLE);
	/* CopyRect too: xtightvncviewer ignores any, and reads where it is copied from as a message */
	for (size_t e = 1; e < sizeof all / sizeof *all; e++) {
		TALK(z);
		rectangle(&z, 0, 0, 0, 5, all[e]);
		refused("without pixels", &z, ZG_R_RFB_RECTANGLE);
	}
}
END_TEST

START_TEST(only_what_was_asked_for)
{
	static const int32_t all[] = { 1, 2, 4, 5, 6, 7, 16, -239, -240, -223, -224, -232, -307, -308, -250, 15, -314, -260, 50 };
	for (size_t e = 0; e < sizeof all / sizeof *all; e++) {
		struct talk t = { 0 };
		to_session(&t);
		request(&t);
		update(&t, 1);
		rectangle(&t, 0, 0, 1, 1, all[e]);
		refused("not asked for", &t, ZG_R_RFB_ENCODING);
	}
	struct talk t = { 0 };
	to_session(&t);
	request(&t);
	update(&t, 0xffff);
	refused("without end, not asked for", &t, ZG_R_RFB_ENCODING);
	TALK(l);
	rectangle(&l, 0, 0, 1, 1, -250);
	refused("a level", &l, ZG_R_RFB_ENCODING);
}
END_TEST

START_TEST(rre)
{
	TALK(t);
	rectangle(&t, 0, 0, 10, 10, 2);
	SAY(&t, ZG_SERVER, U32(2), 1, 1, 1, 1, 2, 2, 2, 2, U16(0), U16(0), U16(10), U16(10), 3, 3, 3, 3, U16(9), U16(9), U16(1), U16(1));
	update(&t, 2);
	rectangle(&t, 0, 0, 10, 10, 4);
	SAY(&t, ZG_SERVER, U32(1), 1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 10, 10);
	rectangle(&t, 0, 0, 1, 1, 4);
	SAY(&t, ZG_SERVER, U32(0), 1, 1, 1, 1);
	passes_and_ends("rre", &t);
	TALK(u);
	rectangle(&u, 0, 0, 10, 10, 2);
	SAY(&u, ZG_SERVER, U32(1), 1, 1, 1, 1, 2, 2, 2, 2, U16(1), U16(0), U16(10), U16(10));
	refused("part outside", &u, ZG_R_RFB_RECTANGLE);
	TALK(v);
	rectangle(&v, 0, 0, 10, 10, 4);
	SAY(&v, ZG_SERVER, U32(1), 1, 1, 1, 1, 2, 2, 2, 2, 0, 255, 1, 2);
	refused("part outside", &v, ZG_R_RFB_RECTANGLE);
	TALK(w);
	rectangle(&w, 0, 0, 10, 10, 2);
	SAY(&w, ZG_SERVER, U32(101));
	refused("more parts than pixels", &w, ZG_R_RFB_DATA);
	/* viewers read the parts of CoRRE into a buffer for a raw rectangle of at most 255 x 255 */
	TALK(x);
	rectangle(&x, 0, 0, 10, 10, 4);
	SAY(&x, ZG_SERVER, U32(51));
	refused("longer than raw", &x, ZG_R_RFB_DATA);
	static const unsigned large[][2] = { { 256, 1 }, { 1, 256 } };
	for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
		TALK(y);
		rectangle(&y, 0, 0, 300, 300, -223);
		update(&y, 1);
		rectangle(&y, 0, 0, large[i][0], large[i][1], 4);
		refused("CoRRE's largest side", &y, ZG_R_RFB_RECTANGLE);
	}
}
END_TEST

START_TEST(hextile)
{
	TALK(t);
	rectangle(&t, 0, 0, 40, 20, 5); /* 3 x 2 tiles, the last ones 8 wide, 4 high */
	SAY(&t, ZG_SERVER, 1);
	many(&t, ZG_SERVER, 9, 1024);
	SAY(&t, ZG_SERVER, 2 | 4 | 8, 1, 1, 1, 1, 2, 2, 2, 2, 2, 0x00, 0xff, 0xff, 0x00);
	SAY(&t, ZG_SERVER, 2 | 8 | 16, 1, 1, 1, 1, 1, 5, 5, 5, 5, 0x70, 0x0f);
	SAY(&t, ZG_SERVER, 8, 0);
	SAY(&t, ZG_SERVER, 0);
	SAY(&t, ZG_SERVER, 1);
	many(&t, ZG_SERVER, 9, 8 * 4 * 4);
	passes_and_ends("hextile", &t);
	static const struct {
		size_t n;
		uint8_t bytes[12];
		enum zg_reason reason;
	} rows[] = {
		{ 1, { 32 }, ZG_R_RFB_DATA },		   /* zlibhex and what else was thought of */
		{ 1, { 0x80 | 1 }, ZG_R_RFB_DATA },
		{ 1, { 1 | 2 }, ZG_R_RFB_DATA },	   /* raw, and something */
		{ 1, { 2 | 4 | 16 }, ZG_R_RFB_DATA },	   /* one colour and many */
		{ 1, { 0 }, ZG_R_RFB_DATA },		   /* a background that nobody named */
		{ 1, { 2 | 8 }, ZG_R_RFB_DATA },	   /* a foreground that nobody named */
		{ 12, { 2 | 4 | 8, 1, 1, 1, 1, 2, 2, 2, 2, 1, 0x80, 0x70 + 0x10 }, ZG_R_RFB_RECTANGLE },
		{ 12, { 2 | 4 | 8, 1, 1, 1, 1, 2, 2, 2, 2, 1, 0x04, 0x01 + 0x02 + 0x01 + 0x01 }, ZG_R_RFB_RECTANGLE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		TALK(u);
		rectangle(&u, 0, 0, 16, 9, 5);
		say(&u, ZG_SERVER, rows[i].bytes, rows[i].n);
		refused("tile", &u, rows[i].reason);
	}
}
END_TEST

/* --- compressed ------------------------------------------------------------------------------------------ */

static void content_of(uint8_t *content, size_t n)
{
	for (size_t i = 0; i < n; i++)
		content[i] = (uint8_t)(i * i / 11);
}

START_TEST(zlib)
{
	uint8_t content[1601];
	content_of(content, sizeof content);
	TALK(t);
	for (int i = 0; i < 3; i++) { /* one stream for all */
		rectangle(&t, 0, 0, 20, 20, 6);
		packed(&t, false, content, 1600);
		update(&t, 1);
	}
	rectangle(&t, 0, 0, 1, 1, 6);
	packed(&t, false, content, 4);
	passes_and_ends("zlib", &t);
	/* one byte too few, found at the end */
	TALK(few);
	rectangle(&few, 0, 0, 20, 20, 6);
	packed(&few, false, content, 1599);
	refused("few", &few, ZG_R_RFB_ZLIB);
	TALK(none);
	rectangle(&none, 0, 0, 20, 20, 6);
	SAY(&none, ZG_SERVER, U32(0));
	refused("nothing", &none, ZG_R_RFB_ZLIB);
}
END_TEST

/* The rest of a dialogue may come before its end: only that it is refused, and why. */
static void refused_within(const char *label, struct talk *t, enum zg_reason reason)
{
	struct outcome *o = dialogue(label, &zg_rfb, &t->config, t->turns, t->n);
	if (o->say != ZG_SAY_DENY || o->reason != reason || o->dir != ZG_SERVER)
		ck_abort_msg("%s: %s", label, o->say == ZG_SAY_DENY ? zg_reason_name(o->reason) : "passed");
	free(o);
	talk_free(t);
}

START_TEST(zlib_with_slack)
{
	uint8_t content[1600], more[8000] = { 0 };
	size_t len;
	content_of(content, sizeof content);
	content_of(more, sizeof more);
	TALK(many_pixels);
	rectangle(&many_pixels, 0, 0, 20, 20, 6);
	packed(&many_pixels, false, more, sizeof more);
	refused_within("content behind the pixels", &many_pixels, ZG_R_RFB_ZLIB);

	TALK(behind);
	z_stream z = { 0 };
	uint8_t *piece_ = deflated(&z, content, sizeof content, &len);
	deflateEnd(&z);
	uint8_t *longer = calloc(1, len + 4);
	ck_assert_ptr_nonnull(longer);
	memcpy(longer, piece_, len);
	memcpy(longer + len, "\x50\x4b\x03\x04", 4);
	rectangle(&behind, 0, 0, 20, 20, 6);
	piece(&behind, false, longer, len + 4);
	refused_within("bytes behind the piece", &behind, ZG_R_RFB_ZLIB);
	free(longer);
	free(piece_);

	/* an end of the stream, and a second one behind it */
	uint8_t two[4000];
	z_stream end = { 0 };
	ck_assert_int_eq(deflateInit(&end, 6), Z_OK);
	end.next_in = content;
	end.avail_in = sizeof content;
	end.next_out = two;
	end.avail_out = sizeof two;
	ck_assert_int_eq(deflate(&end, Z_FINISH), Z_STREAM_END);
	len = sizeof two - end.avail_out;
	deflateEnd(&end);
	TALK(ended);
	rectangle(&ended, 0, 0, 20, 20, 6);
	piece(&ended, false, two, len);
	refused_within("an end", &ended, ZG_R_RFB_ZLIB);
	TALK(second);
	memmove(two + len, two, len);
	rectangle(&second, 0, 0, 20, 20, 6);
	piece(&second, false, two, len * 2);
	refused_within("a second stream", &second, ZG_R_RFB_ZLIB);
	TALK(dictionary);
	rectangle(&dictionary, 0, 0, 20, 20, 6);
	piece(&dictionary, false, (const uint8_t *)"\x78\xbb\x00\x00\x00\x01\x00\x00\x00", 9);
	refused_within("a preset dictionary", &dictionary, ZG_R_RFB_ZLIB);
	TALK(empty);
	uint8_t blocks[5 * 200];
	for (size_t i = 0; i < sizeof blocks; i++)
		blocks[i] = i % 5 < 3 ? 0 : 0xff;
	rectangle(&empty, 0, 0, 20, 20, 6);
	SAY(&empty, ZG_SERVER, U32(2 + sizeof blocks), 0x78, 0x9c);
	say(&empty, ZG_SERVER, blocks, sizeof blocks);
	refused_within("blocks of nothing", &empty, ZG_R_RFB_ZLIB);
}
END_TEST

static void zrle_content(const char *label, unsigned w, unsigned h, const uint8_t *content, size_t n, bool good)
{
	TALK(t);
	rectangle(&t, 0, 0, w, h, 16);
	packed(&t, false, content, n);
	if (good)
		passes_and_ends(label, &t);
	else
		refused_within(label, &t, ZG_R_RFB_ZLIB);
}

#define ZRLE(label, w, h, good, ...)                                                                                         \
	do {                                                                                                                 \
		const uint8_t content_[] = { __VA_ARGS__ };                                                                  \
		zrle_content(label, w, h, content_, sizeof content_, good);                                                  \
	} while (0)
#define C 1, 2, 3 /* a CPIXEL */

START_TEST(zrle)
{
	uint8_t content[1 + 64 * 64 * 3 + 1 + 36 * 64 * 3 + 2 * (1 + 3)];
	size_t n = 0;
	memset(content, 0, sizeof content); /* of 100 x 80: two raw tiles above two solid ones */
	n = sizeof content - 8;
	content[n] = content[n + 4] = 1;
	zrle_content("tiles", 100, 80, content, sizeof content, true);
	zrle_content("a byte less", 100, 80, content, sizeof content - 1, false);

	ZRLE("solid", 5, 2, true, 1, C);
	ZRLE("one more", 5, 2, false, 1, C, 0);
	ZRLE("one bit", 9, 2, true, 2, C, C, 0xff, 0x80, 0x00, 0x00);
	ZRLE("rows are filled with zeros", 9, 2, false, 2, C, C, 0xff, 0xc0, 0x00, 0x00);
	ZRLE("two bits", 5, 1, true, 3, C, C, C, 0x1a, 0x40);
	ZRLE("no such colour", 5, 1, false, 3, C, C, C, 0x1b, 0x40);
	ZRLE("four bits", 3, 1, true, 5, C, C, C, C, C, 0x40, 0x20);
	ZRLE("no such colour of five", 3, 1, false, 5, C, C, C, C, C, 0x50, 0x20);
	ZRLE("four bits' filling", 3, 1, false, 5, C, C, C, C, C, 0x40, 0x21);
	ZRLE("17 is nobody's", 3, 1, false, 17, C, C);
	ZRLE("127 is nobody's", 3, 1, false, 127, C, C);
	ZRLE("129 is nobody's", 3, 1, false, 129, C, C);
	ZRLE("runs", 20, 20, true, 128, C, 255, 43, C, 0, C, 99);
	ZRLE("a run beyond the tile", 20, 20, false, 128, C, 255, 145);
	ZRLE("a run to the end", 20, 20, true, 128, C, 255, 144);
	ZRLE("a run that goes on and on", 20, 20, false, 128, C, 255, 255);
	ZRLE("palette and runs", 20, 20, true, 131, C, C, C, 0, 0x82, 255, 142, 1);
	ZRLE("an index beyond the palette", 20, 20, false, 131, C, C, C, 3, 0x82, 255, 142);
	ZRLE("a run of such an index", 20, 20, false, 131, C, C, C, 0x83, 255, 142);
	ZRLE("largest palette, all runs of one", 1, 1, false, 255, C);
}
END_TEST

START_TEST(zrle_formats)
{
	static const uint8_t high[] = { 32, 24, 0, 1, U16(255), U16(255), U16(255), 24, 16, 8, 0, 0, 0 }, f16[] = { F16 };
	static const uint8_t deep[] = { 32, 32, 0, 1, U16(255), U16(255), U16(255), 16, 8, 0, 0, 0, 0 };
	static const uint8_t wide[] = { 32, 30, 0, 1, U16(1023), U16(1023), U16(1023), 20, 10, 0, 0, 0, 0 };
	static const struct {
		const uint8_t *format;
		size_t cpixel; /* 0: refused */
	} rows[] = { { high, 3 }, { f16, 2 }, { deep, 0 }, { wide, 4 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct talk t = { 0 };
		to_session(&t);
		set_format(&t, rows[i].format);
		SET_ENCODINGS(&t, N_ALL, ALL_ENCODINGS);
		request(&t);
		update(&t, 1);
		rectangle(&t, 0, 0, 5, 2, 16);
		if (rows[i].cpixel == 0) {
			refused("read in two ways", &t, ZG_R_RFB_FORMAT);
			continue;
		}
		const uint8_t content[] = { 1, 9, 9, 9, 9 };
		packed(&t, false, content, 1 + rows[i].cpixel);
		passes_and_ends("format", &t);
	}
}
END_TEST

/* --- Tight -------------------------------------------------------------------------------------------------- */

START_TEST(tight)
{
	uint8_t content[400 * 3];
	content_of(content, sizeof content);
	TALK(t);
	rectangle(&t, 0, 0, 20, 20, 7);
	SAY(&t, ZG_SERVER, 0x80, C); /* fill */
	update(&t, 1);
	rectangle(&t, 0, 0, 20, 20, 7);
	SAY(&t, ZG_SERVER, 0x00); /* copy, stream 0 */
	packed(&t, true, content, sizeof content);
	update(&t, 1);
	rectangle(&t, 0, 0, 20, 20, 7);
	SAY(&t, ZG_SERVER, 0x40, 2); /* gradient */
	packed(&t, true, content, sizeof content);
	update(&t, 1);
	rectangle(&t, 0, 0, 1, 3, 7);
	SAY(&t, ZG_SERVER, 0x40, 0, C, C, C); /* too short to be compressed */
	update(&t, 1);
	rectangle(&t, 0, 0, 9, 2, 7);
	SAY(&t, ZG_SERVER, 0x50, 1, 1, C, C, 0xff, 0x80, 0, 0);
	update(&t, 1);
	rectangle(&t, 0, 0, 3, 3, 7);
	SAY(&t, ZG_SERVER, 0x60, 1, 2, C, C, C, 0, 1, 2, 2, 1, 0, 0, 0, 0);
	passes_and_ends("tight", &t);
}
END_TEST

START_TEST(tight_palettes)
{
	uint8_t bits[9 * 20] = { 0 }, indexes[400] = { 0 };
	TALK(t);
	rectangle(&t, 0, 0, 65, 20, 7);
	SAY(&t, ZG_SERVER, 0x50, 1, 1, C, C);
	memset(bits, 0xff, sizeof bits);
	for (size_t row = 0; row < 20; row++)
		bits[row * 9 + 8] = 0x80;
	packed(&t, true, bits, sizeof bits);
	deflateReset(&t.z); /* another stream */
	update(&t, 1);
	rectangle(&t, 0, 0, 20, 20, 7);
	SAY(&t, ZG_SERVER, 0x60, 1, 3, C, C, C, C);
	for (size_t i = 0; i < sizeof indexes; i++)
		indexes[i] = i % 4;
	packed(&t, true, indexes, sizeof indexes);
	passes_and_ends("palettes", &t);

	TALK(f);
	rectangle(&f, 0, 0, 65, 20, 7);
	SAY(&f, ZG_SERVER, 0x50, 1, 1, C, C);
	bits[17 * 9 + 8] = 0x81;
	packed(&f, true, bits, sizeof bits);
	refused_within("what fills a row", &f, ZG_R_RFB_ZLIB);
	TALK(i);
	rectangle(&i, 0, 0, 20, 20, 7);
	SAY(&i, ZG_SERVER, 0x60, 1, 2, C, C, C);
	packed(&i, true, indexes, sizeof indexes);
	refused_within("no such colour", &i, ZG_R_RFB_ZLIB);
	TALK(s);
	rectangle(&s, 0, 0, 3, 3, 7);
	SAY(&s, ZG_SERVER, 0x60, 1, 2, C, C, C, 0, 1, 3);
	refused("no such colour, not compressed", &s, ZG_R_RFB_DATA);
	TALK(o);
	rectangle(&o, 0, 0, 3, 3, 7);
	SAY(&o, ZG_SERVER, 0x60, 1, 0);
	refused("one colour", &o, ZG_R_RFB_DATA);
}
END_TEST

START_TEST(tight_refused)
{
	static const struct {
		size_t n;
		uint8_t bytes[4];
		enum zg_reason reason;
	} rows[] = {
		{ 1, { 0x90 }, ZG_R_RFB_ENCODING }, /* JPEG */
		{ 1, { 0xa0 }, ZG_R_RFB_ENCODING }, /* PNG, or basic without zlib */
		{ 1, { 0xf0 }, ZG_R_RFB_ENCODING }, { 1, { 0xc0 }, ZG_R_RFB_ENCODING },
		{ 2, { 0x40, 3 }, ZG_R_RFB_DATA },  { 2, { 0x00, 0 }, ZG_R_RFB_ZLIB },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		TALK(t);
		rectangle(&t, 0, 0, 20, 20, 7);
		say(&t, ZG_SERVER, rows[i].bytes, rows[i].n);
		refused("tight", &t, rows[i].reason);
	}
	struct talk t = { 0 };
	static const uint8_t f8[] = { F8 };
	to_session(&t);
	set_format(&t, f8);
	SET_ENCODINGS(&t, N_ALL, ALL_ENCODINGS);
	request(&t);
	update(&t, 1);
	rectangle(&t, 0, 0, 20, 20, 7);
	SAY(&t, ZG_SERVER, 0x40, 2);
	refused("gradient of 8 bits", &t, ZG_R_RFB_DATA);
}
END_TEST

/* Viewers have a row of 2,048 pixels for what is not of one colour. */
START_TEST(tight_width)
{
	uint8_t content[2048 * 3] = { 0 };
	TALK(t);
	rectangle(&t, 0, 0, 2050, 10, -223);
	update(&t, 2);
	rectangle(&t, 0, 0, 2050, 10, 7);
	SAY(&t, ZG_SERVER, 0x80, C);
	rectangle(&t, 0, 0, 2048, 1, 7);
	SAY(&t, ZG_SERVER, 0x00);
	packed(&t, true, content, sizeof content);
	passes_and_ends("as wide as may be", &t);
	static const uint8_t controls[] = { 0x00, 0x40 };
	for (size_t i = 0; i < sizeof controls; i++) {
		TALK(u);
		rectangle(&u, 0, 0, 2050, 10, -223);
		update(&u, 1);
		rectangle(&u, 0, 0, 2049, 1, 7);
		SAY(&u, ZG_SERVER, controls[i]);
		refused("wider", &u, ZG_R_RFB_RECTANGLE);
	}
}
END_TEST

/* A stream that begins anew, and one that was not told to. */
START_TEST(tight_streams)
{
	uint8_t content[1200];
	content_of(content, sizeof content);
	for (int reset = 0; reset < 2; reset++) {
		TALK(t);
		rectangle(&t, 0, 0, 20, 20, 7);
		SAY(&t, ZG_SERVER, 0x30);
		packed(&t, true, content, sizeof content);
		deflateReset(&t.z);
		update(&t, 1);
		rectangle(&t, 0, 0, 20, 20, 7);
		SAY(&t, ZG_SERVER, reset ? 0x38 : 0x30);
		packed(&t, true, content, sizeof content);
		if (reset)
			passes_and_ends("reset", &t);
		else
			refused_within("header in the middle", &t, ZG_R_RFB_ZLIB);
	}
}
END_TEST

/* Depth 24, but not 8 bits a colour: gtk-vnc reads three bytes, others four. */
START_TEST(tight_formats)
{
	static const struct {
		uint8_t format[16];
		size_t tpixel; /* 0: refused */
	} rows[] = {
		{ { F32 }, 3 },
		{ { 32, 24, 0, 1, U16(255), U16(255), U16(127), 16, 8, 0, 0, 0, 0 }, 0 },
		{ { 32, 24, 0, 1, U16(1023), U16(1023), U16(1023), 20, 10, 0, 0, 0, 0 }, 0 },
		{ { 32, 24, 0, 1, U16(255), U16(255), U16(255), 17, 9, 1, 0, 0, 0 }, 0 },
		{ { 32, 30, 0, 1, U16(1023), U16(1023), U16(1023), 20, 10, 0, 0, 0, 0 }, 4 },
		{ { 32, 32, 0, 1, U16(255), U16(255), U16(255), 16, 8, 0, 0, 0, 0 }, 4 },
		{ { F16 }, 2 },
		{ { F8 }, 1 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct talk t = { 0 };
		to_session(&t);
		set_format(&t, rows[i].format);
		SET_ENCODINGS(&t, N_ALL, ALL_ENCODINGS);
		request(&t);
		update(&t, 1);
		rectangle(&t, 0, 0, 20, 20, 7);
		if (rows[i].tpixel == 0) {
			refused("read in two ways", &t, ZG_R_RFB_FORMAT);
			continue;
		}
		SAY(&t, ZG_SERVER, 0x80);
		many(&t, ZG_SERVER, 9, rows[i].tpixel);
		passes_and_ends("format", &t);
	}
}
END_TEST

/* --- what is no picture -------------------------------------------------------------------------------------- */

START_TEST(cursors)
{
	TALK(t);
	rectangle(&t, 1, 1, 9, 2, -239);
	many(&t, ZG_SERVER, 8, 9 * 2 * 4);
	SAY(&t, ZG_SERVER, 0xff, 0xff, 0x12, 0x34);
	AS(&t, ZG_SERVER, 0xff, 0x80, 0x12, 0x00);
	update(&t, 3);
	rectangle(&t, 0, 0, 0, 0, -239);
	rectangle(&t, 0, 0, 8, 1, -240);
	SAY(&t, ZG_SERVER, 1, 2, 3, 4, 5, 6, 0xff, 0xff);
	rectangle(&t, 0, 0, 0, 0, -240);
	passes_and_ends("cursors", &t);
	static const unsigned large[][4] = { { 0, 0, 257, 1 }, { 0, 0, 1, 257 }, { 3, 0, 2, 2 }, { 0, 3, 2, 2 }, { 0, 0, 0xffff, 0xffff } };
	for (size_t i = 0; i < sizeof large / sizeof *large; i++)
		for (int32_t e = -240; e <= -239; e++) {
			TALK(u);
			rectangle(&u, large[i][0], large[i][1], large[i][2], large[i][3], e);
			refused("cursor", &u, ZG_R_RFB_CURSOR);
		}
}
END_TEST

START_TEST(sizes_and_names)
{
	TALK(t);
	rectangle(&t, 0, 0, 200, 150, -223);
	update(&t, 1);
	rectangle(&t, 190, 140, 10, 10, 0);
	many(&t, ZG_SERVER, 7, 400);
	update(&t, 2);
	rectangle(&t, 1, 0, 300, 200, -308);
	SAY(&t, ZG_SERVER, 1, 5, 5, 5);
	AS(&t, ZG_SERVER, 1, 0, 0, 0);
	many(&t, ZG_SERVER, 1, 16);
	rectangle(&t, 0, 0, 0, 0, -307);
	SAY(&t, ZG_SERVER, U32(3), 'a', 0xe3, 10);
	AS(&t, ZG_SERVER, 'a', '?', '?');
	/* now the client may ask for a size */
	SAY(&t, ZG_CLIENT, 251, 7, U16(300), U16(200), 1, 7);
	AS(&t, ZG_CLIENT, 251, 0, U16(300), U16(200), 1, 0);
	many(&t, ZG_CLIENT, 0, 16);
	update(&t, 2);
	rectangle(&t, 1, 3, 9, 9, -308); /* refused: the size stays */
	SAY(&t, ZG_SERVER, 0, 0, 0, 0);
	rectangle(&t, 299, 199, 1, 1, 0);
	many(&t, ZG_SERVER, 7, 4);
	update(&t, 0xffff);
	rectangle(&t, 0, 0, 1, 1, 0);
	many(&t, ZG_SERVER, 7, 4);
	rectangle(&t, 299, 199, 0, 0, -232);
	rectangle(&t, 0, 0, 0, 0, -224);
	passes_and_ends("sizes", &t);
	static const struct {
		unsigned x, y, w, h;
		int32_t encoding;
		enum zg_reason reason;
	} rows[] = {
		{ 0, 0, 0, 1, -223, ZG_R_RFB_SIZE },	     { 1, 0, 5, 5, -223, ZG_R_RFB_RECTANGLE },
		{ 0, 0, 16385, 1, -223, ZG_R_RFB_SIZE },     { 0, 0, 16384, 16384, -308, ZG_R_RFB_SIZE },
		{ 3, 0, 5, 5, -308, ZG_R_RFB_DATA },	     { 0, 1, 5, 5, -308, ZG_R_RFB_DATA },
		{ 1, 5, 5, 5, -308, ZG_R_RFB_DATA },	     { 0, 0, 1, 0, -224, ZG_R_RFB_RECTANGLE },
		{ 7, 0, 0, 0, -224, ZG_R_RFB_RECTANGLE },    { 0, 0, 1, 1, -307, ZG_R_RFB_RECTANGLE },
		{ 100, 0, 0, 0, -232, ZG_R_RFB_RECTANGLE }, { 0, 0, 1, 0, -232, ZG_R_RFB_RECTANGLE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		TALK(u);
		rectangle(&u, rows[i].x, rows[i].y, rows[i].w, rows[i].h, rows[i].encoding);
		refused("pseudo", &u, rows[i].reason);
	}
	TALK(n);
	rectangle(&n, 0, 0, 0, 0, -307);
	SAY(&n, ZG_SERVER, U32(ZG_RFB_TEXT_MAX + 1));
	refused("long name", &n, ZG_R_RFB_TEXT);
	TALK(s);
	rectangle(&s, 0, 0, 5, 5, -308);
	SAY(&s, ZG_SERVER, ZG_RFB_SCREENS_MAX + 1, 0, 0, 0);
	refused("many screens", &s, ZG_R_RFB_DATA);
	static const uint8_t screens[] = { 0, ZG_RFB_SCREENS_MAX + 1 };
	for (size_t i = 0; i < sizeof screens; i++) {
		TALK(c);
		rectangle(&c, 0, 0, 5, 5, -308);
		SAY(&c, ZG_SERVER, 0, 0, 0, 0);
		SAY(&c, ZG_CLIENT, 251, 0, U16(5), U16(5), screens[i], 0);
		refused("screens asked for", &c, ZG_R_RFB_MESSAGE_SYNTAX);
	}
	TALK(z);
	rectangle(&z, 0, 0, 5, 5, -308);
	SAY(&z, ZG_SERVER, 0, 0, 0, 0);
	SAY(&z, ZG_CLIENT, 251, 0, U16(0), U16(5), 1, 0);
	refused("no size asked for", &z, ZG_R_RFB_SIZE);
}
END_TEST

/* TightVNC's and UltraVNC's viewers end an update there, whatever number of rectangles it began with. */
START_TEST(a_new_size_ends_the_update)
{
	static const unsigned counts[] = { 2, 0xfffe, 0xffff };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct talk t = { 0 };
		to_update(&t);
		update(&t, counts[i]);
		rectangle(&t, 0, 0, 200, 150, -223);
		refused("not the last one", &t, ZG_R_RFB_DATA);
	}
	struct talk t = { 0 };
	to_update(&t);
	update(&t, 2);
	rectangle(&t, 0, 0, 1, 1, 0);
	many(&t, ZG_SERVER, 7, 4);
	rectangle(&t, 0, 0, 200, 150, -223);
	passes_and_ends("the last one", &t);
}
END_TEST

/* 65535 rectangles: to viewers a number like others, if no LastRect comes before. */
START_TEST(without_end)
{
	static uint8_t empty[12 * 65535];
	struct talk t = { 0 };
	to_update(&t);
	update(&t, 0xffff);
	say(&t, ZG_SERVER, empty, sizeof empty - 12);
	rectangle(&t, 0, 0, 0, 0, -224);
	SAY(&t, ZG_SERVER, 2);
	struct outcome *o = dialogue_run(&zg_rfb, &t.config, t.turns, t.n, CUT_RANDOM, 1);
	ck_assert(o->say == ZG_SAY_MORE);
	free(o);
	talk_free(&t);

	struct talk u = { 0 };
	to_update(&u);
	update(&u, 0xffff);
	say(&u, ZG_SERVER, empty, sizeof empty);
	o = dialogue_run(&zg_rfb, &u.config, u.turns, u.n, CUT_RANDOM, 1);
	ck_assert(o->say == ZG_SAY_DENY && o->reason == ZG_R_RFB_DATA && o->at == u.given[ZG_SERVER] - 1);
	free(o);
	talk_free(&u);
}
END_TEST

/* Nothing in place of six windows. */
START_TEST(no_memory)
{
	uint8_t content[1600], *state = calloc(1, zg_rfb.state_size);
	struct zg_answer answer;
	content_of(content, sizeof content);
	TALK(t);
	rectangle(&t, 0, 0, 20, 20, 6);
	packed(&t, false, content, 1600);
	struct purse purse = purse_open();
	purse.max = 0;
	zg_rfb.begin(state, &t.config);
	for (size_t i = 0; i < t.n; i++) {
		struct zg_rw in = zg_rw_init(t.bytes[i], t.turns[i].len);
		in.lender = &purse.lender;
		zg_rfb.data(state, &t.config, t.turns[i].dir, &in, &answer);
	}
	ck_assert(answer.say == ZG_SAY_DENY && answer.reason == ZG_R_RFB_MEMORY);
	talk_free(&t);
	free(state);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rfb_rect");
	TCase *tc = tcase_create("rectangles");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, raw_and_copied);
	tcase_add_test(tc, only_what_was_asked_for);
	tcase_add_test(tc, rre);
	tcase_add_test(tc, hextile);
	tcase_add_test(tc, zlib);
	tcase_add_test(tc, zlib_with_slack);
	tcase_add_test(tc, zrle);
	tcase_add_test(tc, zrle_formats);
	tcase_add_test(tc, tight);
	tcase_add_test(tc, tight_palettes);
	tcase_add_test(tc, tight_refused);
	tcase_add_test(tc, tight_streams);
	tcase_add_test(tc, tight_formats);
	tcase_add_test(tc, tight_width);
	tcase_add_test(tc, cursors);
	tcase_add_test(tc, sizes_and_names);
	tcase_add_test(tc, a_new_size_ends_the_update);
	tcase_add_test(tc, without_end);
	tcase_add_test(tc, no_memory);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
