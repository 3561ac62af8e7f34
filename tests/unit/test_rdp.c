/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every rule of rdp both ways, however the stream is cut; what is inside TLS is judged in test_tls.c. */
#include "unit.h"

#include "tls_build.h"

static struct zg_config config;

static void set_up(void)
{
	ck_assert_int_eq(zg_config_init(&zg_rdp, &config), ZG_OK);
}

static void tear_down(void)
{
	free(config.bytes);
}

static struct outcome *hear(const char *label, struct talk *t)
{
	struct outcome *o = dialogue(label, &zg_rdp, config.bytes, t->turns, t->n);
	talk_free(t);
	return o;
}

static void expect(const char *label, struct talk *t, enum zg_reason reason)
{
	struct outcome *o = hear(label, t);
	ck_assert_msg(o->reason == reason, "%s: %s, not %s", label, zg_reason_name(o->reason), zg_reason_name(reason));
	free(o);
}

/* TPKT and X.224 around what follows; the lengths can be made wrong. */
static void packet_as(struct talk *t, enum zg_dir dir, uint8_t code, const void *rest, size_t n, int tpkt_off, int x224_off)
{
	uint8_t at[400] = { 3, 0, 0, (uint8_t)((int)n + 11 + tpkt_off), (uint8_t)((int)n + 6 + x224_off), code };
	MUST(n <= sizeof at - 11);
	memcpy(at + 11, rest, n);
	say(t, dir, at, n + 11);
}

static void packet(struct talk *t, enum zg_dir dir, uint8_t code, const void *rest, size_t n)
{
	packet_as(t, dir, code, rest, n, 0, 0);
}

#define REQUEST(t, rest) packet(t, ZG_CLIENT, 0xe0, rest, sizeof(rest) - 1)
#define CONFIRM(t, rest) packet(t, ZG_SERVER, 0xd0, rest, sizeof(rest) - 1)
#define COOKIE "Cookie: mstshash=taro\r\n"
#define NEG "\1\0\10\0\3\0\0\0"
#define CHOSEN "\2\37\10\0\2\0\0\0"
#define ID "0123456789abcdef"
#define ZEROS "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

START_TEST(requests)
{
	static const struct {
		const char *label, *rest;
		size_t n;
		enum zg_reason reason;
	} rows[] = {
#define ROW(label, rest, reason) { label, rest, sizeof(rest) - 1, ZG_R_##reason }
		ROW("negotiation", NEG, NONE),
		ROW("cookie", COOKIE NEG, NONE),
		ROW("routing token", "Cookie: msts=3640205228.15629.0000\r\n" NEG, NONE),
		ROW("token of a broker", "tsv://MS Terminal Services Plugin.1.Staff\r\n" NEG, NONE),
		ROW("all protocols", "\1\0\10\0\17\0\0\0", NONE),
		ROW("restricted administration", "\1\3\10\0\13\0\0\0", NONE),
		ROW("correlation", "\1\10\10\0\3\0\0\0" "\6\0\44\0" ID ZEROS, NONE),
		ROW("nothing", "", RDP_SECURITY),
		ROW("cookie only", COOKIE, RDP_SECURITY),
		ROW("own security", "\1\0\10\0\0\0\0\0", RDP_SECURITY),
		ROW("unknown protocol", "\1\0\10\0\43\0\0\0", RDP_PROTOCOL),
		ROW("unknown protocol, high", "\1\0\10\0\3\0\0\200", RDP_PROTOCOL),
		ROW("unknown flag", "\1\4\10\0\3\0\0\0", RDP_PROTOCOL),
		ROW("other type", "\2\0\10\0\3\0\0\0", RDP_REQUEST),
		ROW("length", "\1\0\11\0\3\0\0\0", RDP_REQUEST),
		ROW("length, high", "\1\0\10\1\3\0\0\0", RDP_REQUEST),
		ROW("short", "\1\0\10\0\3\0\0", RDP_REQUEST),
		ROW("octets behind", NEG "x", RDP_REQUEST),
		ROW("twice", NEG NEG, RDP_REQUEST),
		ROW("line without end", "Cookie: mstshash=taro", RDP_REQUEST),
		ROW("line without LF", "Cookie: a\r" NEG, RDP_REQUEST),
		ROW("line without CR", "Cookie: a\n" NEG, RDP_REQUEST),
		ROW("two lines", COOKIE COOKIE NEG, RDP_REQUEST),
		ROW("NUL in the line", "Cookie: a\0b\r\n" NEG, RDP_REQUEST),
		ROW("correlation not said", NEG "\6\0\44\0" ID ZEROS, RDP_REQUEST),
		ROW("correlation said", "\1\10\10\0\3\0\0\0", RDP_REQUEST),
		ROW("correlation of another type", "\1\10\10\0\3\0\0\0" "\7\0\44\0" ID ZEROS, RDP_REQUEST),
		ROW("correlation with more", "\1\10\10\0\3\0\0\0" "\6\0\44\0" ID ID, RDP_REQUEST),
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct talk t = { 0 };
		packet(&t, ZG_CLIENT, 0xe0, rows[i].rest, rows[i].n);
		const size_t len = t.turns[0].len;
		struct outcome *o = hear(rows[i].label, &t);
		ck_assert_msg(o->reason == rows[i].reason, "%s: %s", rows[i].label, zg_reason_name(o->reason));
		ck_assert(o->released[ZG_CLIENT] == (rows[i].reason == ZG_R_NONE ? len : 0));
		free(o);
	}
}
END_TEST

START_TEST(forms_of_a_request)
{
	struct talk t = { 0 };
	packet_as(&t, ZG_CLIENT, 0xe0, NEG, 8, 1, 0);
	record(&t, ZG_CLIENT, 22, "x", 1);
	expect("TPKT says more", &t, ZG_R_RDP_REQUEST);
	packet_as(&t, ZG_CLIENT, 0xe0, NEG, 8, -1, 0);
	expect("TPKT says less", &t, ZG_R_RDP_REQUEST);
	packet_as(&t, ZG_CLIENT, 0xe0, NEG, 8, 0, 1);
	expect("X.224 says more", &t, ZG_R_RDP_REQUEST);
	packet_as(&t, ZG_CLIENT, 0xe0, NEG, 8, 0, -8);
	expect("X.224 says less", &t, ZG_R_RDP_REQUEST);
	packet(&t, ZG_CLIENT, 0xf0, NEG, 8);
	expect("data first", &t, ZG_R_RDP_REQUEST);
	packet(&t, ZG_CLIENT, 0xe1, NEG, 8);
	expect("with credit", &t, ZG_R_RDP_REQUEST);
	say(&t, ZG_CLIENT, "\2\0\0\23", 4);
	expect("TPKT of another version", &t, ZG_R_RDP_REQUEST);
	say(&t, ZG_CLIENT, "\3\1\0\23", 4);
	expect("reserved octet", &t, ZG_R_RDP_REQUEST);
	say(&t, ZG_CLIENT, "\3\0\0\4", 4);
	expect("no packet in it", &t, ZG_R_RDP_REQUEST);
	say(&t, ZG_CLIENT, "\3\0\2\0", 4);
	expect("too large", &t, ZG_R_RDP_REQUEST);
	say(&t, ZG_CLIENT, "\3\0\0\23\16\340\0\1\0\0\0" NEG, 19);
	expect("the other's reference", &t, ZG_R_RDP_REQUEST);
	say(&t, ZG_CLIENT, "\3\0\0\23\16\340\0\0\0\0\1" NEG, 19);
	expect("class 1", &t, ZG_R_RDP_REQUEST);
	say(&t, ZG_CLIENT, "SSH-2.0-x\r\n", 11);
	expect("SSH", &t, ZG_R_RDP_REQUEST);
	say(&t, ZG_CLIENT, "\x16\3\1\0\5", 5);
	expect("TLS at once", &t, ZG_R_RDP_REQUEST);
	CONFIRM(&t, CHOSEN);
	expect("the server first", &t, ZG_R_RDP_SEQUENCE);
	REQUEST(&t, NEG);
	REQUEST(&t, NEG);
	expect("two requests", &t, ZG_R_RDP_SEQUENCE);
	REQUEST(&t, NEG);
	say(&t, ZG_CLIENT, "\x16\3\1\0\5", 5);
	expect("TLS before the answer", &t, ZG_R_RDP_SEQUENCE);
}
END_TEST

START_TEST(confirmations)
{
	static const struct {
		const char *label, *rest;
		size_t n;
		enum zg_reason reason;
	} rows[] = {
		ROW("CredSSP", CHOSEN, NONE),
		ROW("TLS", "\2\0\10\0\1\0\0\0", NONE),
		ROW("failure", "\3\0\10\0\2\0\0\0", NONE),
		ROW("nothing", "", RDP_SECURITY),
		ROW("own security", "\2\0\10\0\0\0\0\0", RDP_SECURITY),
		ROW("both", "\2\0\10\0\3\0\0\0", RDP_CONFIRM),
		ROW("not requested", "\2\0\10\0\10\0\0\0", RDP_CONFIRM),
		ROW("unknown", "\2\0\10\0\0\1\0\0", RDP_CONFIRM),
		ROW("flag", "\2\40\10\0\1\0\0\0", RDP_CONFIRM),
		ROW("failure without code", "\3\0\10\0\0\0\0\0", RDP_CONFIRM),
		ROW("failure with another", "\3\0\10\0\10\0\0\0", RDP_CONFIRM),
		ROW("failure with a flag", "\3\1\10\0\2\0\0\0", RDP_CONFIRM),
		ROW("a request", NEG, RDP_CONFIRM),
		ROW("length", "\2\0\7\0\1\0\0\0", RDP_CONFIRM),
		ROW("octets behind", CHOSEN "x", RDP_CONFIRM),
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct talk t = { 0 };
		REQUEST(&t, COOKIE NEG);
		packet(&t, ZG_SERVER, 0xd0, rows[i].rest, rows[i].n);
		const size_t len = t.turns[1].len;
		struct outcome *o = hear(rows[i].label, &t);
		ck_assert_msg(o->reason == rows[i].reason, "%s: %s", rows[i].label, zg_reason_name(o->reason));
		ck_assert(o->released[ZG_SERVER] == (rows[i].reason == ZG_R_NONE ? len : 0));
		free(o);
	}
	struct talk t = { 0 };
	REQUEST(&t, NEG);
	CONFIRM(&t, "\3\0\10\0\2\0\0\0");
	say(&t, ZG_CLIENT, "\x16", 1);
	expect("the client goes on after a failure", &t, ZG_R_RDP_SEQUENCE);
	REQUEST(&t, NEG);
	packet(&t, ZG_SERVER, 0x80, CHOSEN, 8);
	expect("a disconnect", &t, ZG_R_RDP_CONFIRM);
}
END_TEST

static void begin(struct talk *t)
{
	REQUEST(t, COOKIE NEG);
	CONFIRM(t, CHOSEN);
}

static const char *const names[] = { "www.example.lg.jp", NULL };

START_TEST(tls_inside)
{
	struct talk t = { 0 };
	struct spec c = client_hello(), new = server_hello(0x1301, true), nameless = client_hello(), address = client_hello();
	begin(&t);
	hello(&t, &c, ZG_CLIENT);
	hello(&t, &new, ZG_SERVER);
	filled(&t, ZG_SERVER, 23, 1000);
	filled(&t, ZG_CLIENT, 23, 1000);
	expect("a session", &t, ZG_R_NONE);
	drop(&nameless, 0);
	begin(&t);
	hello(&t, &nameless, ZG_CLIENT);
	expect("no name", &t, ZG_R_NONE);
	set_name(&address, "192.0.2.1");
	begin(&t);
	hello(&t, &address, ZG_CLIENT);
	expect("an address", &t, ZG_R_NONE);
	/* a computer's name without a domain may begin with a digit (RFC 1123 2.1) */
	static const char *const digits[] = { "3f-pc01", "10F-PC01", "2024srv", "1a", "0xpc" };
	for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
		set_name(&address, digits[i]);
		begin(&t);
		hello(&t, &address, ZG_CLIENT);
		expect(digits[i], &t, ZG_R_NONE);
	}
	set_name(&address, "a b");
	begin(&t);
	hello(&t, &address, ZG_CLIENT);
	expect("neither", &t, ZG_R_TLS_NAME_FORM);
	begin(&t);
	say(&t, ZG_CLIENT, "\3\0\0\14\2\360\200\4\1\0\1\0", 12);
	expect("MCS in the clear", &t, ZG_R_TLS_RECORD);
	begin(&t);
	hello(&t, &new, ZG_SERVER);
	expect("the server first", &t, ZG_R_TLS_HANDSHAKE);
	config_strings(&config, &zg_rdp, "names", names);
	begin(&t);
	hello(&t, &c, ZG_CLIENT);
	expect("a permitted name", &t, ZG_R_NONE);
	begin(&t);
	hello(&t, &nameless, ZG_CLIENT);
	struct outcome *o = hear("no name where one is asked for", &t);
	ck_assert(o->reason == ZG_R_TLS_NO_NAME && o->refusal == ZG_REFUSAL_TLS_ALERT);
	free(o);
}
END_TEST

/* SHA-256 of "cert" */
static const char *const digests[] = { "06298432e8066b29e2223bcc23aa9504b56ae508fabf3435508869b9c3190e22", NULL };

START_TEST(certificates)
{
	static const char good[] = "\x0b\0\0\x0a\0\0\7\0\0\4" "cert", other[] = "\x0b\0\0\x0a\0\0\7\0\0\4" "Cert",
			  second[] = "\x0b\0\0\x11\0\0\x0e\0\0\4" "Cert\0\0\4" "cert", beyond[] = "\x0b\0\0\x0a\0\0\7\0\0\x14" "cert",
			  longer[] = "\x0b\0\0\x0a\0\0\6\0\0\4" "cert",
			  none[] = "\x0b\0\0\3\0\0\0";
	static const struct {
		const char *label, *message;
		size_t n;
		enum zg_reason reason;
	} rows[] = {
		ROW("permitted", good, NONE),
		ROW("another", other, TLS_CERTIFICATE),
		ROW("in second place", second, TLS_CERTIFICATE),
		ROW("beyond the message", beyond, TLS_CERTIFICATE),
		ROW("a list that ends elsewhere", longer, TLS_CERTIFICATE),
		ROW("none", none, TLS_CERTIFICATE),
		ROW("not shown", "\x0e\0\0\0", TLS_CERTIFICATE),
	};
	struct talk t = { 0 };
	struct spec c = client_hello(), old = server_hello(0xc02f, false), new = server_hello(0x1301, true);
	config_strings(&config, &zg_rdp, "certificates", digests);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin(&t);
		hello(&t, &c, ZG_CLIENT);
		hello(&t, &old, ZG_SERVER);
		record(&t, ZG_SERVER, 22, rows[i].message, rows[i].n);
		if (rows[i].message[0] != 14)
			message(&t, ZG_SERVER, 14, 0);
		message(&t, ZG_CLIENT, 16, 60);
		record(&t, ZG_CLIENT, 20, "\1", 1);
		expect(rows[i].label, &t, rows[i].reason);
	}
	begin(&t);
	hello(&t, &c, ZG_CLIENT);
	hello(&t, &old, ZG_SERVER);
	record(&t, ZG_SERVER, 20, "\1", 1);
	expect("a session that is resumed", &t, ZG_R_TLS_CERTIFICATE);
	begin(&t);
	hello(&t, &c, ZG_CLIENT);
	hello(&t, &new, ZG_SERVER);
	expect("1.3", &t, ZG_R_TLS_CERTIFICATE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rdp");
	TCase *tc = tcase_create("rdp");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, requests);
	tcase_add_test(tc, forms_of_a_request);
	tcase_add_test(tc, confirmations);
	tcase_add_test(tc, tls_inside);
	tcase_add_test(tc, certificates);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
