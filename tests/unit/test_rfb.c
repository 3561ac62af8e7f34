/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rfb: handshake and messages. Every dialogue is cut everywhere it can be cut. */
#include "rfb_talk.h"
#include "unit.h"

#define TALK(name) struct talk name = { 0 }

/* --- handshake ----------------------------------------------------------------------------------------- */

START_TEST(a_session_without_password)
{
	TALK(t);
	to_update(&t);
	passes("none", &t);
}
END_TEST

START_TEST(a_session_with_password)
{
	TALK(t);
	say(&t, ZG_SERVER, V38, 12);
	say(&t, ZG_CLIENT, V38, 12);
	SAY(&t, ZG_SERVER, 1, 2);
	SAY(&t, ZG_CLIENT, 2);
	many(&t, ZG_SERVER, 0xa5, 16);
	many(&t, ZG_CLIENT, 0x5a, 16);
	SAY(&t, ZG_SERVER, U32(0));
	SAY(&t, ZG_CLIENT, 0);
	SAY(&t, ZG_SERVER, U16(1), U16(1), F8, U32(0));
	SAY(&t, ZG_CLIENT, 4, 1, 0, 0, U32('a'));
	passes("password", &t);
}
END_TEST

START_TEST(what_a_server_refuses)
{
	TALK(t);
	say(&t, ZG_SERVER, V38, 12);
	say(&t, ZG_CLIENT, V38, 12);
	SAY(&t, ZG_SERVER, 0, U32(3), 'n', 7, 0xe3);
	AS(&t, ZG_SERVER, 'n', '?', '?');
	passes("no type", &t);

	for (unsigned code = 1; code <= 2; code++) {
		TALK(u);
		say(&u, ZG_SERVER, V38, 12);
		say(&u, ZG_CLIENT, V38, 12);
		SAY(&u, ZG_SERVER, 2, 2, 1);
		SAY(&u, ZG_CLIENT, 1);
		SAY(&u, ZG_SERVER, U32(code), U32(2), 'n', 'o');
		if (code == 1) {
			passes("failed", &u);
		} else {
			SAY(&u, ZG_SERVER, 0);
			refused("after a failure", &u, ZG_R_RFB_HANDSHAKE);
		}
	}
}
END_TEST

START_TEST(versions)
{
	static const char *const others[] = { "RFB 003.003\n", "RFB 003.007\n", "RFB 003.889\n", "RFB 005.000\n", "RFB 003.008\r",
					      "SSH-2.0-Open", "RFB 003.8  \n" };
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		TALK(t);
		say(&t, ZG_SERVER, others[i], 12);
		refused(others[i], &t, ZG_R_RFB_VERSION);
		TALK(u);
		say(&u, ZG_SERVER, V38, 12);
		say(&u, ZG_CLIENT, others[i], 12);
		refused_as(others[i], &u, ZG_R_RFB_VERSION, i == 0 ? ZG_REFUSAL_RFB_33 : ZG_REFUSAL_RFB);
	}
}
END_TEST

static void offers(struct talk *t, const uint8_t *types, uint8_t n)
{
	say(t, ZG_SERVER, V38, 12);
	say(t, ZG_CLIENT, V38, 12);
	SAY(t, ZG_SERVER, n);
	say(t, ZG_SERVER, types, n);
}

START_TEST(security_types)
{
	static const struct {
		uint8_t n, offered[8], passed[8];
	} rows[] = {
		{ 1, { 1 }, { 1 } },
		{ 2, { 19, 2 }, { 2, 2 } },
		{ 2, { 2, 19 }, { 2, 2 } },
		{ 3, { 19, 1, 2 }, { 1, 1, 2 } },
		{ 6, { 18, 19, 5, 1, 16, 30 }, { 1, 1, 1, 1, 1, 1 } },
		{ 4, { 16, 2, 17, 1 }, { 2, 2, 2, 1 } },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		TALK(t);
		offers(&t, rows[i].offered, rows[i].n);
		as(&t, ZG_SERVER, rows[i].passed, rows[i].n);
		passes("types", &t);
	}
	/* nothing that can be read: nothing of the list passes, and the client is told in its place */
	static const uint8_t hidden[] = { 19, 18, 16, 5, 6, 129 };
	for (uint8_t n = 1; n <= sizeof hidden; n++) {
		TALK(t);
		offers(&t, hidden, n);
		struct outcome *o = dialogue("hidden", &zg_rfb, &t.config, t.turns, t.n);
		ck_assert(o->say == ZG_SAY_DENY && o->reason == ZG_R_RFB_SECURITY && o->refusal == ZG_REFUSAL_RFB);
		free(o);
		talk_free(&t);
	}
	TALK(t);
	offers(&t, hidden, 0);
	SAY(&t, ZG_SERVER, U32(ZG_RFB_TEXT_MAX + 1));
	refused("long reason", &t, ZG_R_RFB_TEXT);
	TALK(u);
	say(&u, ZG_SERVER, V38, 12);
	say(&u, ZG_CLIENT, V38, 12);
	SAY(&u, ZG_SERVER, ZG_RFB_TYPES_MAX + 1);
	refused_as("long list", &u, ZG_R_RFB_SECURITY, ZG_REFUSAL_RFB);
}
END_TEST

START_TEST(what_a_client_chooses)
{
	static const uint8_t two[] = { 19, 2 };
	static const uint8_t wrong[] = { 0, 1, 3, 16, 19, 34, 255 }; /* 1 was not offered, 34 looks like 2 in a shift */

	for (size_t i = 0; i < sizeof wrong; i++) {
		TALK(t);
		offers(&t, two, 2);
		AS(&t, ZG_SERVER, 2, 2);
		SAY(&t, ZG_CLIENT, wrong[i]);
		refused("choice", &t, ZG_R_RFB_SECURITY);
	}
}
END_TEST

START_TEST(out_of_turn)
{
	TALK(a);
	SAY(&a, ZG_CLIENT, 'R');
	refused("client first", &a, ZG_R_RFB_HANDSHAKE);
	TALK(b);
	say(&b, ZG_SERVER, V38, 12);
	SAY(&b, ZG_SERVER, 1);
	refused("types before the client's version", &b, ZG_R_RFB_HANDSHAKE);
	TALK(c);
	to_init(&c);
	SAY(&c, ZG_CLIENT, 3);
	refused("message before the end of the handshake", &c, ZG_R_RFB_HANDSHAKE);
	TALK(d);
	say(&d, ZG_SERVER, V38, 12);
	say(&d, ZG_CLIENT, V38, 12);
	SAY(&d, ZG_SERVER, 1, 1);
	SAY(&d, ZG_CLIENT, 1);
	SAY(&d, ZG_SERVER, U32(3));
	refused("result", &d, ZG_R_RFB_HANDSHAKE);
	TALK(e);
	say(&e, ZG_SERVER, V38, 12);
	say(&e, ZG_CLIENT, V38, 12);
	SAY(&e, ZG_SERVER, 1, 1);
	SAY(&e, ZG_CLIENT, 1);
	SAY(&e, ZG_SERVER, U32(0));
	SAY(&e, ZG_CLIENT, 2);
	refused("shared flag", &e, ZG_R_RFB_HANDSHAKE);
}
END_TEST

START_TEST(server_init)
{
	static const struct {
		unsigned width, height;
		enum zg_reason reason;
	} sizes[] = {
		{ 0, 1, ZG_R_RFB_SIZE },     { 1, 0, ZG_R_RFB_SIZE },	     { 16385, 1, ZG_R_RFB_SIZE },
		{ 1, 16385, ZG_R_RFB_SIZE }, { 16384, 16384, ZG_R_RFB_SIZE }, { 7680, 4320, ZG_R_NONE },
	};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		TALK(t);
		to_init(&t);
		SAY(&t, ZG_SERVER, U16(sizes[i].width), U16(sizes[i].height), F32, U32(0));
		if (sizes[i].reason == ZG_R_NONE) {
			passes("size", &t);
		} else {
			/* told at the end of the header */
			refused("size", &t, sizes[i].reason);
		}
	}
	TALK(n);
	to_init(&n);
	SAY(&n, ZG_SERVER, U16(9), U16(9), F32, U32(6), 0xe5, 0xba, 0x81, 27, ' ', '~');
	AS(&n, ZG_SERVER, '?', '?', '?', '?', ' ', '~');
	passes("name", &n);
	TALK(b);
	b.config.desktop_name = ZG_RFB_NAME_BLANK;
	to_init(&b);
	SAY(&b, ZG_SERVER, U16(9), U16(9), F32, U32(3), 'a', 'b', 'c');
	AS(&b, ZG_SERVER, ' ', ' ', ' ');
	passes("blank name", &b);
	TALK(l);
	to_init(&l);
	SAY(&l, ZG_SERVER, U16(9), U16(9), F32, U32(ZG_RFB_TEXT_MAX + 1));
	refused("long name", &l, ZG_R_RFB_TEXT);
	TALK(p);
	to_init(&p);
	SAY(&p, ZG_SERVER, U16(9), U16(9), 32, 24, 0, 1, U16(255), U16(255), U16(255), 16, 8, 0, 1, 2, 3, U32(0));
	const uint8_t blank[] = { 0, 0, 0, 0, 0, 0, 0 };
	as(&p, ZG_SERVER, blank, sizeof blank);
	passes("padding", &p);
}
END_TEST

/* --- the client's messages ------------------------------------------------------------------------------ */

START_TEST(client_messages)
{
	TALK(t);
	to_session(&t);
	SAY(&t, ZG_CLIENT, 0, 1, 2, 3, F32);
	AS(&t, ZG_CLIENT, 0, 0, 0, 0, F32);
	SAY(&t, ZG_CLIENT, 2, 9, U16(0));
	AS(&t, ZG_CLIENT, 2, 0, U16(0));
	SAY(&t, ZG_CLIENT, 3, 1, U16(1), U16(2), U16(0xffff), U16(4));
	SAY(&t, ZG_CLIENT, 4, 0, 'x', 'y', U32(0xff0d));
	AS(&t, ZG_CLIENT, 4, 0, 0, 0, U32(0xff0d));
	SAY(&t, ZG_CLIENT, 5, 7, U16(50), U16(60));
	passes("messages", &t);
	for (unsigned type = 0; type < 256; type++) {
		if (type == 0 || (type >= 2 && type <= 6))
			continue;
		TALK(u); /* file transfer, chat, fence, tunnel, xvp, sizes that were not offered, the keys of QEMU ... */
		to_session(&u);
		SAY(&u, ZG_CLIENT, (uint8_t)type);
		refused("message", &u, ZG_R_RFB_CLIENT_MESSAGE);
	}
	TALK(k);
	to_session(&k);
	SAY(&k, ZG_CLIENT, 4, 2, 0, 0, U32('a'));
	refused("key", &k, ZG_R_RFB_MESSAGE_SYNTAX);
	TALK(r);
	to_session(&r);
	SAY(&r, ZG_CLIENT, 3, 2, U16(0), U16(0), U16(0), U16(0));
	refused("request", &r, ZG_R_RFB_MESSAGE_SYNTAX);
}
END_TEST

START_TEST(view_only)
{
	TALK(t);
	t.config.view_only = ZG_RFB_VIEW_ONLY_BLANK;
	to_session(&t);
	SET_ENCODINGS(&t, 2, U32(-308), U32(0));
	AS(&t, ZG_CLIENT, 'z', 'o', 'n', 'e', U32(0));
	SAY(&t, ZG_CLIENT, 4, 1, 9, 9, U32('a'));
	AS(&t, ZG_CLIENT, 4, 0, 0, 0, U32(0xffffff));
	SAY(&t, ZG_CLIENT, 5, 1, U16(3), U16(4));
	AS(&t, ZG_CLIENT, 5, 0, U16(99), U16(40));
	passes("view-only", &t);
	TALK(u);
	u.config.view_only = ZG_RFB_VIEW_ONLY_BLANK;
	to_update(&u);
	AS(&u, ZG_CLIENT, 'z', 'o', 'n', 'e', U32(-250), 3, 0, U16(0), U16(0), U16(100), U16(80));
	update(&u, 1);
	rectangle(&u, 0, 0, 200, 100, -308);
	refused("not asked for", &u, ZG_R_RFB_ENCODING);
	for (uint8_t type = 4; type <= 5; type++) {
		TALK(k);
		k.config.view_only = ZG_RFB_VIEW_ONLY_KILL;
		to_session(&k);
		SAY(&k, ZG_CLIENT, type);
		refused("kill", &k, ZG_R_RFB_INPUT);
	}
}
END_TEST

START_TEST(clipboard_of_the_client)
{
	TALK(t);
	to_session(&t);
	SAY(&t, ZG_CLIENT, 6, 1, 2, 3, U32(5), 'h', 'e', 0, 200, '\n');
	AS(&t, ZG_CLIENT, 6, 0, 0, 0, U32(5), ' ', ' ', ' ', ' ', ' ');
	SAY(&t, ZG_CLIENT, 6, 0, 0, 0, U32(0));
	SAY(&t, ZG_CLIENT, 5, 0, U16(0), U16(0));
	passes("blanked", &t);
	/* the extended form has a negative length */
	static const uint32_t wrong[] = { ZG_RFB_CUT_MAX + 1, 0x7fffffff, 0x80000000, (uint32_t)-8, (uint32_t)-1 };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		TALK(u);
		to_session(&u);
		SAY(&u, ZG_CLIENT, 6, 0, 0, 0, U32(wrong[i]));
		refused("length", &u, ZG_R_RFB_CLIPBOARD);
	}
	TALK(k);
	k.config.clipboard_to_server = ZG_RFB_CLIPBOARD_KILL;
	to_session(&k);
	SAY(&k, ZG_CLIENT, 6);
	refused("kill", &k, ZG_R_RFB_CLIPBOARD);
	TALK(o);
	o.config.clipboard_to_client = ZG_RFB_CLIPBOARD_KILL;
	to_session(&o);
	SAY(&o, ZG_CLIENT, 6, 0, 0, 0, U32(1), 'x');
	AS(&o, ZG_CLIENT, ' ');
	passes("the other direction's", &o);
}
END_TEST

START_TEST(encodings_are_rewritten)
{
	static const int32_t kept[] = { 0, 1, 2, 4, 5, 6, 7, 16, -223, -224, -232, -239, -240, -247, -255, -307, -308 };
	/* TRLE, H.264, JPEG, zlibhex, JPEG quality, its finer forms, clipboard, fence, continuous updates, audio, QEMU's keys and
	 * pointer, LED state, alpha cursors, tunnels and file transfers, a neighbour of each range */
	static const int32_t gone[] = { 15,   -256,  50,   21,   8,    -23,  -32,  -412, -512,	      -763,	   (int32_t)0xc0a1e5ce, -312, -313, -259, -258,
					-257, -261, -314, -246, -257, -306, -309, 0x574d5664, (int32_t)0xfffe0000, 3,	  -222, -225, 0x7fffffff };

	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		TALK(t);
		to_session(&t);
		SET_ENCODINGS(&t, 1, U32(kept[i]));
		passes("kept", &t);
	}
	for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
		TALK(t);
		to_session(&t);
		SET_ENCODINGS(&t, 3, U32(7), U32(gone[i]), U32(16));
		AS(&t, ZG_CLIENT, U32(7), 'z', 'o', 'n', 'e', U32(16));
		passes("gone", &t);
		TALK(u); /* and nothing in that encoding comes */
		to_session(&u);
		SET_ENCODINGS(&u, 1, U32(gone[i]));
		AS(&u, ZG_CLIENT, 'z', 'o', 'n', 'e');
		update(&u, 1);
		rectangle(&u, 0, 0, 1, 1, gone[i]);
		refused("in that encoding", &u, ZG_R_RFB_ENCODING);
	}
	TALK(l);
	to_session(&l);
	SAY(&l, ZG_CLIENT, 2, 0, U16(ZG_RFB_ENCODINGS_MAX + 1));
	refused("long list", &l, ZG_R_RFB_MESSAGE_SYNTAX);
}
END_TEST

/* What was held and had to go is too late to be overwritten. */
START_TEST(settled)
{
	void *state = calloc(1, zg_rfb.state_size);
	struct talk t = { 0 };
	struct purse purse = purse_open();
	struct zg_answer answer;

	ck_assert_ptr_nonnull(state);
	to_session(&t);
	SAY(&t, ZG_CLIENT, 2, 0, U16(3), U32(7), 0xff, 0xff);
	zg_rfb.begin(state, &t.config);
	for (size_t i = 0; i < t.n; i++) {
		struct zg_rw in = zg_rw_init(t.bytes[i], t.turns[i].len);
		in.lender = &purse.lender;
		zg_rfb.data(state, &t.config, t.turns[i].dir, &in, &answer);
		ck_assert_int_eq(answer.say, ZG_SAY_MORE);
	}
	ck_assert_uint_eq(answer.held[ZG_CLIENT], 2);
	zg_rfb.settle(state, ZG_CLIENT, &answer);
	ck_assert(answer.say == ZG_SAY_MORE && answer.held[ZG_CLIENT] == 0);
	uint8_t good[] = { 0xff, 0x11, 0xff, 0xff, 0xff }, byte = 0xe0; /* -239, and a quality of JPEG */
	struct zg_rw in = zg_rw_init(good, 5);
	zg_rfb.data(state, &t.config, ZG_CLIENT, &in, &answer);
	ck_assert(answer.say == ZG_SAY_MORE && answer.held[ZG_CLIENT] == 3);
	zg_rfb.settle(state, ZG_CLIENT, &answer);
	in = zg_rw_init(&byte, 1);
	zg_rfb.data(state, &t.config, ZG_CLIENT, &in, &answer);
	ck_assert(answer.say == ZG_SAY_DENY && answer.reason == ZG_R_RFB_ENCODING);
	purse_close(&purse);
	talk_free(&t);
	free(state);
}
END_TEST

START_TEST(settled_list_of_types)
{
	static const uint8_t tail[] = { 18, 1, 19 };
	uint8_t *state = calloc(1, zg_rfb.state_size);
	struct talk t = { 0 };
	struct zg_answer answer;

	ck_assert_ptr_nonnull(state);
	say(&t, ZG_SERVER, V38, 12);
	say(&t, ZG_CLIENT, V38, 12);
	SAY(&t, ZG_SERVER, 4, 19);
	zg_rfb.begin(state, &t.config);
	for (size_t i = 0; i < t.n; i++) {
		struct zg_rw in = zg_rw_init(t.bytes[i], t.turns[i].len);
		zg_rfb.data(state, &t.config, t.turns[i].dir, &in, &answer);
	}
	ck_assert_uint_eq(answer.held[ZG_SERVER], 2);
	ck_assert_uint_eq(t.bytes[2][1], 2); /* VncAuth for now */
	zg_rfb.settle(state, ZG_SERVER, &answer);
	ck_assert_uint_eq(answer.held[ZG_SERVER], 0);
	uint8_t rest[3];
	memcpy(rest, tail, sizeof rest);
	struct zg_rw in = zg_rw_init(rest, sizeof rest);
	zg_rfb.data(state, &t.config, ZG_SERVER, &in, &answer);
	ck_assert(answer.say == ZG_SAY_MORE && rest[0] == 1 && rest[1] == 1 && rest[2] == 1);
	uint8_t choice = 2; /* which the server never offered */
	in = zg_rw_init(&choice, 1);
	zg_rfb.data(state, &t.config, ZG_CLIENT, &in, &answer);
	ck_assert(answer.say == ZG_SAY_DENY && answer.reason == ZG_R_RFB_SECURITY);
	talk_free(&t);
	free(state);
}
END_TEST

/* --- pixel formats ---------------------------------------------------------------------------------------- */

START_TEST(formats)
{
	static const struct {
		uint8_t format[16];
		bool good;
	} rows[] = {
		{ { F32 }, true },
		{ { F16 }, true },
		{ { F8 }, true },
		{ { 8, 8, 0, 0, U16(0), U16(0), U16(0), 0, 0, 0, 0, 0, 0 }, true },		 /* colour map */
		{ { 16, 15, 1, 1, U16(31), U16(31), U16(31), 10, 5, 0, 0, 0, 0 }, true },
		{ { 32, 32, 0, 1, U16(255), U16(255), U16(255), 0, 8, 16, 0, 0, 0 }, true },
		{ { 32, 30, 0, 1, U16(1023), U16(1023), U16(1023), 20, 10, 0, 0, 0, 0 }, true },
		{ { 24, 24, 0, 1, U16(255), U16(255), U16(255), 16, 8, 0, 0, 0, 0 }, false },
		{ { 32, 0, 0, 1, U16(255), U16(255), U16(255), 16, 8, 0, 0, 0, 0 }, false },
		{ { 16, 24, 0, 1, U16(31), U16(63), U16(31), 11, 5, 0, 0, 0, 0 }, false },
		{ { 32, 24, 0, 255, U16(255), U16(255), U16(255), 16, 8, 0, 0, 0, 0 }, true },
		{ { 16, 16, 0, 0, U16(31), U16(63), U16(31), 11, 5, 0, 0, 0, 0 }, false },  /* a map of 65536 */
		{ { 32, 24, 0, 1, U16(254), U16(255), U16(255), 16, 8, 0, 0, 0, 0 }, false }, /* not 2^n - 1 */
		{ { 32, 24, 0, 1, U16(0), U16(255), U16(255), 16, 8, 0, 0, 0, 0 }, false },
		{ { 32, 24, 0, 1, U16(255), U16(255), U16(255), 16, 8, 7, 0, 0, 0 }, false }, /* one in another */
		{ { 32, 24, 0, 1, U16(255), U16(255), U16(255), 25, 8, 0, 0, 0, 0 }, false }, /* out of the pixel */
		{ { 32, 24, 0, 1, U16(255), U16(255), U16(255), 255, 8, 0, 0, 0, 0 }, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		TALK(t);
		to_session(&t);
		set_format(&t, rows[i].format);
		if (rows[i].good)
			passes("format", &t);
		else
			refused("format", &t, ZG_R_RFB_FORMAT);
	}
}
END_TEST

static void raw(struct talk *t, unsigned bytes)
{
	update(t, 1);
	rectangle(t, 0, 0, 1, 1, 0);
	many(t, ZG_SERVER, 0x33, bytes);
}

/* The format may change while no other update can be under way. */
START_TEST(format_changes)
{
	static const uint8_t f8[] = { F8 }, f32[] = { F32 };
	static const uint8_t turned[] = { 32, 24, 0, 1, U16(255), U16(255), U16(255), 0, 8, 16, 0, 0, 0 };
	TALK(a);
	to_session(&a);
	set_format(&a, f8);
	SET_ENCODINGS(&a, 1, U32(0));
	raw(&a, 1); /* a server that sends unasked, as QEMU its cursor, has read the list */
	request(&a);
	request(&a); /* viewers ask again after any update */
	raw(&a, 1);
	set_format(&a, f32);
	request(&a);
	raw(&a, 4);
	passes("at rest", &a);

	TALK(b); /* within an update that has begun, as TigerVNC does it */
	to_update(&b);
	update(&b, 1);
	rectangle(&b, 0, 0, 1, 1, 0);
	set_format(&b, f8);
	request(&b);
	many(&b, ZG_SERVER, 0x33, 4);
	raw(&b, 1);
	passes("within an update", &b);

	TALK(c);
	to_update(&c);
	set_format(&c, f8);
	refused("while an update is asked for", &c, ZG_R_RFB_FORMAT_RACE);

	TALK(d); /* other places of the same sizes: no reader can go astray */
	to_update(&d);
	set_format(&d, turned);
	raw(&d, 4);
	passes("same sizes", &d);

	TALK(e);
	to_update(&e);
	raw(&e, 4);
	set_format(&e, f8);
	SAY(&e, ZG_SERVER, 0);
	refused("an update before the next request", &e, ZG_R_RFB_FORMAT_RACE);

	TALK(f);
	to_session(&f);
	SAY(&f, ZG_SERVER, 0);
	refused("before anything was asked", &f, ZG_R_RFB_UNASKED);

	TALK(g); /* the list does not end what it ends at the beginning */
	to_update(&g);
	raw(&g, 4);
	set_format(&g, f8);
	SET_ENCODINGS(&g, 1, U32(0));
	SAY(&g, ZG_SERVER, 0);
	refused("a list instead of a request", &g, ZG_R_RFB_FORMAT_RACE);

	TALK(h); /* two requests, one update: another one may be under way */
	to_update(&h);
	request(&h);
	raw(&h, 4);
	set_format(&h, f8);
	refused("one of two", &h, ZG_R_RFB_FORMAT_RACE);
}
END_TEST

/* Where the viewer has not read all updates that began, it changes the format before one that was read here in the old one. */
START_TEST(format_changes_behind_an_update)
{
	static const uint8_t f8[] = { F8 };
	TALK(a); /* the second one comes unasked, in the same segment, before the viewer has seen the first */
	to_update(&a);
	raw(&a, 4);
	raw(&a, 4);
	set_format(&a, f8);
	refused("one unasked", &a, ZG_R_RFB_FORMAT_RACE);

	TALK(b); /* what was unasked counts until as many requests came */
	to_update(&b);
	raw(&b, 4);
	raw(&b, 4);
	raw(&b, 4);
	request(&b);
	set_format(&b, f8);
	refused("two unasked", &b, ZG_R_RFB_FORMAT_RACE);

	TALK(c); /* between the list and the format, which its sender had to keep back (Nagle's algorithm) */
	to_session(&c);
	SET_ENCODINGS(&c, 1, U32(0));
	raw(&c, 4);
	set_format(&c, f8);
	refused("unasked, before the first request", &c, ZG_R_RFB_FORMAT_RACE);

	TALK(d); /* who asked twice, as for a screen of a new size, may be behind by one */
	to_update(&d);
	request(&d);
	raw(&d, 4);
	raw(&d, 4);
	set_format(&d, f8);
	refused("two at once", &d, ZG_R_RFB_FORMAT_RACE);

	TALK(e); /* TigerVNC changes it at the end of the update, which one without rectangles does not have */
	to_update(&e);
	update(&e, 0);
	set_format(&e, f8);
	refused("an update without rectangles", &e, ZG_R_RFB_FORMAT_RACE);

	TALK(f);
	to_update(&f);
	update(&f, 0);
	request(&f);
	raw(&f, 4);
	set_format(&f, f8);
	request(&f);
	raw(&f, 1);
	passes("the next one", &f);
}
END_TEST

/* --- the server's messages --------------------------------------------------------------------------------- */

START_TEST(server_messages)
{
	TALK(t);
	to_update(&t);
	SAY(&t, ZG_SERVER, 2, 2);
	SAY(&t, ZG_SERVER, 0, 5, U16(0));
	AS(&t, ZG_SERVER, 0, 0, U16(0));
	passes("messages", &t);
	for (unsigned type = 4; type < 256; type++) {
		TALK(u);
		to_update(&u);
		SAY(&u, ZG_SERVER, (uint8_t)type);
		refused("message", &u, ZG_R_RFB_SERVER_MESSAGE);
	}
}
END_TEST

#define MAPPED 8, 8, 0, 0, U16(0), U16(0), U16(0), 0, 0, 0, 0, 0, 0

START_TEST(colour_maps)
{
	static const uint8_t mapped[] = { MAPPED }, f8[] = { F8 };
	TALK(t);
	to_session(&t);
	set_format(&t, mapped);
	SET_ENCODINGS(&t, 1, U32(0));
	SAY(&t, ZG_SERVER, 1, 7, U16(254), U16(2), U16(1), U16(2), U16(3), U16(4), U16(5), U16(6));
	AS(&t, ZG_SERVER, 1, 0, U16(254), U16(2), U16(1), U16(2), U16(3), U16(4), U16(5), U16(6));
	SAY(&t, ZG_SERVER, 1, 0, U16(0), U16(0));
	request(&t);
	raw(&t, 1);
	SAY(&t, ZG_SERVER, 1, 0, U16(0), U16(0));
	passes("colours of a map", &t);

	TALK(m);
	to_session(&m);
	set_format(&m, mapped);
	request(&m);
	SAY(&m, ZG_SERVER, 1, 0, U16(0xffff), U16(2));
	refused("beyond the map", &m, ZG_R_RFB_MESSAGE_SYNTAX);

	/* where pixels are no numbers of a map LibVNCClient reads only the type: it would go on with 00 0000 00, an update of
	 * nothing, and 03 000000 0000000b, a clipboard */
	TALK(c);
	to_update(&c);
	SAY(&c, ZG_SERVER, 1);
	refused("a map for nobody", &c, ZG_R_RFB_SERVER_MESSAGE);

	TALK(e); /* the format of the server is not yet the client's */
	to_init(&e);
	SAY(&e, ZG_SERVER, U16(100), U16(80), MAPPED, U32(0));
	SAY(&e, ZG_SERVER, 1);
	refused("before the client said what it takes", &e, ZG_R_RFB_SERVER_MESSAGE);

	TALK(f);
	to_session(&f);
	set_format(&f, mapped);
	SET_ENCODINGS(&f, 1, U32(0));
	set_format(&f, f8);
	SAY(&f, ZG_SERVER, 1);
	refused("no map any more", &f, ZG_R_RFB_SERVER_MESSAGE);
}
END_TEST

START_TEST(clipboard_of_the_server)
{
	TALK(t);
	to_update(&t);
	SAY(&t, ZG_SERVER, 3, 1, 2, 3, U32(4), 'M', 'Z', 0x90, 0);
	AS(&t, ZG_SERVER, 3, 0, 0, 0, U32(4), ' ', ' ', ' ', ' ');
	SAY(&t, ZG_SERVER, 2);
	passes("blanked", &t);
	TALK(u);
	to_update(&u);
	SAY(&u, ZG_SERVER, 3, 0, 0, 0, U32((uint32_t)-12));
	refused("extended", &u, ZG_R_RFB_CLIPBOARD);
	TALK(k);
	k.config.clipboard_to_client = ZG_RFB_CLIPBOARD_KILL;
	to_update(&k);
	SAY(&k, ZG_SERVER, 3);
	refused("kill", &k, ZG_R_RFB_CLIPBOARD);
}
END_TEST

START_TEST(registered)
{
	ck_assert_ptr_eq(zg_inspector_by_name("rfb"), &zg_rfb);
	ck_assert(zg_rfb.sanitises && !zg_rfb.test_only && zg_rfb.settle != NULL);
	/* what every connection costs, before it has a stream to look into */
	ck_assert_uint_le(zg_rfb.state_size, 2304);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rfb");
	TCase *tc = tcase_create("messages");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_session_without_password);
	tcase_add_test(tc, a_session_with_password);
	tcase_add_test(tc, what_a_server_refuses);
	tcase_add_test(tc, versions);
	tcase_add_test(tc, security_types);
	tcase_add_test(tc, what_a_client_chooses);
	tcase_add_test(tc, out_of_turn);
	tcase_add_test(tc, server_init);
	tcase_add_test(tc, client_messages);
	tcase_add_test(tc, view_only);
	tcase_add_test(tc, clipboard_of_the_client);
	tcase_add_test(tc, encodings_are_rewritten);
	tcase_add_test(tc, settled);
	tcase_add_test(tc, settled_list_of_types);
	tcase_add_test(tc, formats);
	tcase_add_test(tc, format_changes);
	tcase_add_test(tc, format_changes_behind_an_update);
	tcase_add_test(tc, server_messages);
	tcase_add_test(tc, colour_maps);
	tcase_add_test(tc, clipboard_of_the_server);
	tcase_add_test(tc, registered);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
