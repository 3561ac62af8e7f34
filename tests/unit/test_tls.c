/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every rule of tls both ways: what it permits passes, what it does not is refused, however the stream is cut. */
#include "unit.h"

#include "proto/tls_session.h"
#include "tls_build.h"

static struct zg_config config;

static const char *const names[] = { "www.example.lg.jp", "*.cloud.example", "xn--eckwd4c7c.jp", "m_1.example.jp", "www.1f-city", "2f-www", NULL };
static const char *const protocols[] = { "h2", "http/1.1", NULL };

static void set_up(void)
{
	ck_assert_int_eq(zg_config_init(&zg_tls, &config), ZG_OK);
	config_strings(&config, &zg_tls, "names", names);
	config_strings(&config, &zg_tls, "alpn", protocols);
}

static void tear_down(void)
{
	free(config.bytes);
}

/* Frees the talk. *ret_released may be NULL. */
static struct outcome *hear(const char *label, struct talk *t)
{
	struct outcome *o = dialogue(label, &zg_tls, config.bytes, t->turns, t->n);
	talk_free(t);
	return o;
}

static void expect(const char *label, struct talk *t, enum zg_reason reason)
{
	struct outcome *o = hear(label, t);
	ck_assert_msg((o->say == ZG_SAY_DENY) == (reason != ZG_R_NONE), "%s: %s", label, o->say == ZG_SAY_DENY ? zg_reason_name(o->reason) : "passed");
	ck_assert_msg(o->reason == reason, "%s: %s, not %s", label, zg_reason_name(o->reason), zg_reason_name(reason));
	free(o);
}

/* --- the ClientHello --------------------------------------------------------------------------------- */

/* It goes when it is good, and not an octet of it else. */
static void expect_hello(const char *label, const struct spec *s, enum zg_reason reason)
{
	struct talk t = { 0 };
	hello(&t, s, ZG_CLIENT);
	const size_t n = t.turns[0].len;
	struct outcome *o = hear(label, &t);
	ck_assert_msg(o->reason == reason, "%s: %s, not %s", label, zg_reason_name(o->reason), zg_reason_name(reason));
	ck_assert_msg(o->released[ZG_CLIENT] == (reason == ZG_R_NONE ? n : 0), "%s: %zu octets went", label, o->released[ZG_CLIENT]);
	if (reason != ZG_R_NONE)
		ck_assert_msg(o->refusal == ZG_REFUSAL_TLS_ALERT, "%s: the client is not told", label);
	free(o);
}

#define CASE(name) static void name(struct spec *s)
CASE(as_it_is) { (void)s; }
CASE(capitals) { set_name(s, "WWW.Example.LG.jp"); }
CASE(wildcard) { set_name(s, "a-1.cloud.example"); }
CASE(underscore) { set_name(s, "m_1.example.jp"); }
CASE(punycode) { set_name(s, "xn--eckwd4c7c.jp"); }
CASE(other_name) { set_name(s, "www.example.jp"); }
CASE(wildcard_two_labels) { set_name(s, "a.b.cloud.example"); }
CASE(wildcard_no_label) { set_name(s, "cloud.example"); }
CASE(wildcard_empty_label) { set_name(s, ".cloud.example"); }
CASE(wildcard_itself) { set_name(s, "*.cloud.example"); }
CASE(longer_name) { set_name(s, "www.example.lg.jp.evil.example"); }
CASE(prefix_name) { set_name(s, "www.example.lg"); }
CASE(last_dot) { set_name(s, "www.example.lg.jp."); }
CASE(ipv4) { set_name(s, "192.0.2.1"); }
CASE(ipv4_number) { set_name(s, "3221225985"); }
CASE(ipv4_hex) { set_name(s, "0xc0000201"); }
CASE(ipv4_hex_last) { set_name(s, "192.0.2.0x1"); }
CASE(ipv4_hex_empty) { set_name(s, "192.0.2.0x"); }
CASE(ipv4_hex_capitals) { set_name(s, "0XC000020A"); }
CASE(digit_first) { set_name(s, "2f-www"); }
CASE(digit_first_last) { set_name(s, "www.1f-city"); }
CASE(ipv6) { set_name(s, "2001:db8::1"); }
CASE(space) { set_name(s, "www.example.lg.jp "); }
CASE(slash) { set_name(s, "a/b.cloud.example"); }
CASE(high) { set_name(s, "\xc3\xa4.cloud.example"); }
CASE(hyphen) { set_name(s, "-a.cloud.example"); }
CASE(double_dot) { set_name(s, "a..cloud.example"); }
CASE(long_label) { set_name(s, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.cloud.example"); }
CASE(label_of_63) { set_name(s, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.cloud.example"); }
CASE(nul) { name_body(find(s, 0), "www.example.lg.jp\0", 18); }
CASE(nul_inside) { name_body(find(s, 0), "www.example.lg.jp\0.evil.jp", 26); }
CASE(no_name) { drop(s, 0); }
CASE(empty_name) { name_body(find(s, 0), "", 0); }
CASE(empty_list) { find(s, 0)->n = 2, find(s, 0)->at[1] = 0; }
CASE(empty_extension) { find(s, 0)->n = 0; }
CASE(long_name)
{
	char name[255];
	for (size_t i = 0; i < 254; i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	name_body(find(s, 0), name, 254);
}
CASE(other_type) { find(s, 0)->at[2] = 1; }
CASE(name_twice_in_list)
{
	struct extension *e = find(s, 0);
	memcpy(e->at + 22, e->at + 2, 20);
	e->n = 42;
	e->at[1] = 40;
}
CASE(two_extensions) { s->extensions[s->n_extensions++] = *find(s, 0); }
CASE(second_name_first)
{
	name_body(add(s, 0, "", 0), "evil.example", 12);
}
CASE(list_shorter) { find(s, 0)->at[1]--; }
CASE(list_longer) { find(s, 0)->at[1]++; }
CASE(name_shorter) { find(s, 0)->at[4]--; }
CASE(name_longer) { find(s, 0)->at[4]++; }
CASE(name_beyond) { find(s, 0)->n--; }
CASE(trailing_in_name) { find(s, 0)->n++; }

CASE(no_alpn) { drop(s, 16); }
CASE(alpn_h2) { alpn_body(find(s, 16), "h2"); }
CASE(alpn_other) { alpn_body(find(s, 16), "h2,ssh"); }
CASE(alpn_other_first) { alpn_body(find(s, 16), "spdy/3,h2"); }
CASE(alpn_prefix) { alpn_body(find(s, 16), "h"); }
CASE(alpn_capitals) { alpn_body(find(s, 16), "H2"); }
CASE(alpn_grease) { alpn_body(find(s, 16), "\x5a\x5a,h2"); }
CASE(alpn_only_grease) { alpn_body(find(s, 16), "\x5a\x5a"); }
CASE(alpn_empty) { alpn_body(find(s, 16), "h2,"); }
CASE(alpn_none) { find(s, 16)->n = 2, find(s, 16)->at[1] = 0; }
CASE(alpn_length) { find(s, 16)->at[1]++; }
CASE(alpn_inner) { find(s, 16)->at[2] = 200; }
CASE(alpn_twice) { s->extensions[s->n_extensions++] = *find(s, 16); }

CASE(old_hello) { drop(s, 43); }
CASE(only_old) { memcpy(find(s, 43)->at, "\2\3\3", 3), find(s, 43)->n = 3; }
CASE(only_1_1) { memcpy(find(s, 43)->at, "\2\3\2", 3), find(s, 43)->n = 3; }
CASE(only_draft) { memcpy(find(s, 43)->at, "\2\x7f\x1c", 3), find(s, 43)->n = 3; }
CASE(older_too) { memcpy(find(s, 43)->at, "\6\3\4\3\2\3\1", 7); }
CASE(versions_odd) { find(s, 43)->at[0] = 5, find(s, 43)->n = 6; }
CASE(versions_empty) { find(s, 43)->at[0] = 0, find(s, 43)->n = 1; }
CASE(versions_short) { find(s, 43)->at[0] = 4; }
CASE(legacy_1_1) { s->version = 0x0302; }
CASE(legacy_ssl3) { s->version = 0x0300; }
CASE(legacy_1_3) { s->version = 0x0304; }

CASE(sid_none) { s->sid_len = 0; }
CASE(sid_long) { s->sid_len = 33; }
CASE(suites_none) { s->n_suites = 0; }
CASE(suites_most) { s->n_suites = ZG_TLS_SUITES_MAX; }
CASE(suites_many) { s->n_suites = ZG_TLS_SUITES_MAX + 1; }
CASE(deflate) { s->compressions[0] = 1; }
CASE(deflate_too) { s->n_compressions = 2, s->compressions[0] = 1; }
CASE(no_compression) { s->n_compressions = 0; }
CASE(bare) { s->bare = true; }
CASE(block_longer) { s->block_off = 1; }
CASE(block_shorter) { s->block_off = -1; }
CASE(block_much_shorter) { s->block_off = -20; }
CASE(tail) { s->tail = 4; }
CASE(tail_one) { s->tail = 1, s->block_off = 1; }
CASE(tail_counted) { s->tail = 3, s->block_off = 3; }
CASE(tail_extension) { s->tail = 4, s->block_off = 4; }
CASE(message_shorter) { s->message_off = -1; }
CASE(message_longer) { s->message_off = 1; }
CASE(ext_unknown) { add(s, 0x1234, "www.evil.example", 16); }
CASE(ext_grease_twice) { add(s, GREASE, "", 0); }
CASE(ext_grease_other) { add(s, 0xbaba, "\0", 1); }
CASE(ext_twice) { add(s, 23, "", 0); }
CASE(ext_quic) { add(s, 57, "\0", 1); }
CASE(ext_url) { add(s, 2, "", 0); }
CASE(ext_npn) { add(s, 13172, "", 0); }
CASE(ext_heartbeat) { add(s, 15, "\1", 1); }
CASE(ext_beyond) { s->extensions[s->n_extensions - 1].n = 38, s->block_off = -1; }
CASE(ext_most)
{
	for (uint16_t i = 0; s->n_extensions < ZG_TLS_EXTENSIONS_MAX; i++)
		add(s, (uint16_t)(0x2000 + i), "", 0);
}
CASE(ext_many)
{
	ext_most(s);
	add(s, 0x3000, "", 0);
}
CASE(psk_last) { add(s, 41, "abc", 3); }
CASE(psk_not_last) { add(s, 41, "abc", 3), add(s, 45, "\1\1", 2); }
CASE(early) { add(s, 42, "", 0), add(s, 41, "abc", 3); }
CASE(early_with_body) { add(s, 42, "a", 1), add(s, 41, "abc", 3); }
#define ECH_BODY "\0\0\1\0\1\x55\0\4keys\0\6hidden"
CASE(ech) { add(s, 0xfe0d, ECH_BODY, 20); }
CASE(ech_inner) { add(s, 0xfe0d, "\1", 1); }
CASE(ech_short) { add(s, 0xfe0d, ECH_BODY, 19); }
CASE(ech_long) { add(s, 0xfe0d, ECH_BODY "x", 21); }
CASE(ech_no_key) { add(s, 0xfe0d, "\0\0\1\0\1\x55\0\0\0\6hidden", 16); }
CASE(ech_no_payload) { add(s, 0xfe0d, "\0\0\1\0\1\x55\0\4keys\0\0", 14); }
CASE(ech_empty) { add(s, 0xfe0d, "", 0); }
CASE(ech_draft) { add(s, 0xfe0a, ECH_BODY, 20); }
CASE(ech_outer_list) { add(s, 0xfd00, "\2\0\x17", 3); }
CASE(esni) { add(s, 0xffce, ECH_BODY, 20); }

static const struct {
	const char *label;
	void (*change)(struct spec *s);
	enum zg_reason reason;
} hellos[] = {
#define ROW(change, reason) { #change, change, ZG_R_##reason }
	ROW(as_it_is, NONE),
	ROW(capitals, NONE),
	ROW(wildcard, NONE),
	ROW(underscore, NONE),
	ROW(punycode, NONE),
	ROW(label_of_63, NONE),
	ROW(other_name, TLS_NAME),
	ROW(wildcard_two_labels, TLS_NAME),
	ROW(wildcard_no_label, TLS_NAME),
	ROW(wildcard_empty_label, TLS_NAME_FORM),
	ROW(wildcard_itself, TLS_NAME_FORM),
	ROW(longer_name, TLS_NAME),
	ROW(prefix_name, TLS_NAME),
	ROW(last_dot, TLS_NAME_FORM),
	ROW(ipv4, TLS_NAME_FORM),
	ROW(ipv4_number, TLS_NAME_FORM),
	ROW(ipv4_hex, TLS_NAME_FORM),
	ROW(ipv4_hex_last, TLS_NAME_FORM),
	ROW(ipv4_hex_empty, TLS_NAME_FORM),
	ROW(ipv4_hex_capitals, TLS_NAME_FORM),
	ROW(digit_first, NONE),
	ROW(digit_first_last, NONE),
	ROW(ipv6, TLS_NAME_FORM),
	ROW(space, TLS_NAME_FORM),
	ROW(slash, TLS_NAME_FORM),
	ROW(high, TLS_NAME_FORM),
	ROW(hyphen, TLS_NAME_FORM),
	ROW(double_dot, TLS_NAME_FORM),
	ROW(long_label, TLS_NAME_FORM),
	ROW(nul, TLS_NAME_FORM),
	ROW(nul_inside, TLS_NAME_FORM),
	ROW(no_name, TLS_NO_NAME),
	ROW(empty_name, TLS_NAME_FORM),
	ROW(empty_list, TLS_NAME_FORM),
	ROW(empty_extension, TLS_HELLO),
	ROW(long_name, TLS_NAME_FORM),
	ROW(other_type, TLS_NAME_FORM),
	ROW(name_twice_in_list, TLS_NAME_FORM),
	ROW(two_extensions, TLS_TWICE),
	ROW(second_name_first, TLS_TWICE),
	ROW(list_shorter, TLS_NAME_FORM),
	ROW(list_longer, TLS_NAME_FORM),
	ROW(name_shorter, TLS_NAME_FORM),
	ROW(name_longer, TLS_NAME_FORM),
	ROW(name_beyond, TLS_NAME_FORM),
	ROW(trailing_in_name, TLS_NAME_FORM),
	ROW(no_alpn, TLS_ALPN),
	ROW(alpn_h2, NONE),
	ROW(alpn_other, TLS_ALPN),
	ROW(alpn_other_first, TLS_ALPN),
	ROW(alpn_prefix, TLS_ALPN),
	ROW(alpn_capitals, TLS_ALPN),
	ROW(alpn_grease, NONE),
	ROW(alpn_only_grease, TLS_ALPN),
	ROW(alpn_empty, TLS_HELLO),
	ROW(alpn_none, TLS_HELLO),
	ROW(alpn_length, TLS_HELLO),
	ROW(alpn_inner, TLS_HELLO),
	ROW(alpn_twice, TLS_TWICE),
	ROW(old_hello, NONE),
	ROW(only_old, NONE),
	ROW(only_1_1, TLS_VERSION),
	ROW(only_draft, TLS_VERSION),
	ROW(older_too, NONE),
	ROW(versions_odd, TLS_HELLO),
	ROW(versions_empty, TLS_HELLO),
	ROW(versions_short, TLS_HELLO),
	ROW(legacy_1_1, TLS_VERSION),
	ROW(legacy_ssl3, TLS_VERSION),
	ROW(legacy_1_3, TLS_VERSION),
	ROW(sid_none, NONE),
	ROW(sid_long, TLS_HELLO),
	ROW(suites_none, TLS_HELLO),
	ROW(suites_most, NONE),
	ROW(suites_many, TLS_SIZE),
	ROW(deflate, TLS_COMPRESSION),
	ROW(deflate_too, TLS_COMPRESSION),
	ROW(no_compression, TLS_COMPRESSION),
	ROW(bare, TLS_NO_NAME),
	ROW(block_longer, TLS_HELLO),
	ROW(block_shorter, TLS_HELLO),
	ROW(block_much_shorter, TLS_HELLO),
	ROW(tail, TLS_HELLO),
	ROW(tail_one, TLS_HELLO),
	ROW(tail_counted, TLS_TWICE),
	ROW(tail_extension, TLS_TWICE), /* it reads as a second name */
	ROW(message_shorter, TLS_HELLO),
	ROW(message_longer, TLS_HELLO),
	ROW(ext_unknown, TLS_EXTENSION),
	ROW(ext_grease_twice, TLS_TWICE),
	ROW(ext_grease_other, NONE),
	ROW(ext_twice, TLS_TWICE),
	ROW(ext_quic, TLS_EXTENSION),
	ROW(ext_url, TLS_EXTENSION),
	ROW(ext_npn, NONE),
	ROW(ext_heartbeat, NONE),
	ROW(ext_beyond, TLS_HELLO),
	ROW(psk_last, NONE),
	ROW(psk_not_last, TLS_HELLO),
	ROW(early, TLS_EARLY_DATA),
	ROW(ech, TLS_ENCRYPTED_HELLO),
	ROW(ech_inner, TLS_ENCRYPTED_HELLO),
	ROW(ech_draft, TLS_ENCRYPTED_HELLO),
	ROW(ech_outer_list, TLS_ENCRYPTED_HELLO),
	ROW(esni, TLS_ENCRYPTED_HELLO),
};

static void check_hello(const char *label, void (*change)(struct spec *s), enum zg_reason reason)
{
	struct spec s = client_hello();
	change(&s);
	expect_hello(label, &s, reason);
}

START_TEST(every_rule_of_the_client_hello)
{
	for (size_t i = 0; i < sizeof hellos / sizeof hellos[0]; i++)
		check_hello(hellos[i].label, hellos[i].change, hellos[i].reason);
}
END_TEST

START_TEST(what_a_setting_permits)
{
	config_set(&config, &zg_tls, "alpn_optional", 1);
	check_hello("no alpn, optional", no_alpn, ZG_R_NONE);
	check_hello("other alpn, optional", alpn_other, ZG_R_TLS_ALPN);
	config_set(&config, &zg_tls, "unknown_extensions", 1);
	check_hello("unknown", ext_unknown, ZG_R_NONE);
	check_hello("as many as fit", ext_most, ZG_R_NONE);
	check_hello("one more", ext_many, ZG_R_TLS_SIZE);
	check_hello("draft of ECH, unknown", ech_draft, ZG_R_TLS_ENCRYPTED_HELLO);
	check_hello("ECH, unknown", ech, ZG_R_TLS_ENCRYPTED_HELLO);
	config_set(&config, &zg_tls, "ech_grease", 1);
	check_hello("ECH", ech, ZG_R_NONE);
	check_hello("inner ECH", ech_inner, ZG_R_TLS_ENCRYPTED_HELLO);
	check_hello("short ECH", ech_short, ZG_R_TLS_HELLO);
	check_hello("long ECH", ech_long, ZG_R_TLS_HELLO);
	check_hello("ECH without key", ech_no_key, ZG_R_TLS_ENCRYPTED_HELLO);
	check_hello("ECH without payload", ech_no_payload, ZG_R_TLS_HELLO);
	check_hello("empty ECH", ech_empty, ZG_R_TLS_HELLO);
	check_hello("ESNI", esni, ZG_R_TLS_ENCRYPTED_HELLO);
	config_set(&config, &zg_tls, "early_data", 1);
	check_hello("early data", early, ZG_R_NONE);
	check_hello("early data with a body", early_with_body, ZG_R_TLS_HELLO);
	config_set(&config, &zg_tls, "min_version", ZG_TLS_1_3);
	check_hello("1.3", as_it_is, ZG_R_NONE);
	check_hello("1.2 of a client of 1.2", old_hello, ZG_R_TLS_VERSION);
	check_hello("1.2 only", only_old, ZG_R_TLS_VERSION);
}
END_TEST

/* Every cut of every field: no length but the right one passes, and no octet goes before the last. */
START_TEST(every_octet_of_a_hello)
{
	struct spec s = client_hello();
	struct bytes *m = message_of(&s, false);
	for (size_t n = 1; n < m->n; n++) { /* shorter than it says: waits, or is refused */
		struct talk t = { 0 };
		record(&t, ZG_CLIENT, 22, m->at, n);
		struct outcome *o = dialogue_run(&zg_tls, config.bytes, t.turns, t.n, CUT_NONE, 0);
		ck_assert(o->say == ZG_SAY_MORE && o->released[ZG_CLIENT] == 0);
		free(o);
		talk_free(&t);
	}
	free(m);
}
END_TEST

/* --- records --------------------------------------------------------------------------------------------- */

/* The ClientHello in records of n octets. */
static void hello_in_pieces(struct talk *t, size_t n)
{
	struct spec s = client_hello();
	struct bytes *m = message_of(&s, false);
	struct bytes *all = calloc(1, sizeof *all);
	for (size_t at = 0; at < m->n; at += n) {
		put_number(all, 22, 1);
		put_number(all, 0x0301, 2);
		put_vector(all, 2, m->at + at, m->n - at < n ? m->n - at : n);
	}
	say(t, ZG_CLIENT, all->at, all->n);
	free(all);
	free(m);
}

START_TEST(a_hello_in_any_records)
{
	for (size_t n = 1; n < 300; n += n < 50 ? 1 : 37) {
		struct talk t = { 0 };
		hello_in_pieces(&t, n);
		const size_t len = t.turns[0].len;
		struct outcome *o = hear("pieces", &t);
		ck_assert(o->say == ZG_SAY_MORE && o->released[ZG_CLIENT] == len);
		free(o);
	}
}
END_TEST

START_TEST(a_hello_of_the_largest_size)
{
	for (int over = 0; over < 2; over++) {
		struct spec s = client_hello();
		struct bytes *m = message_of(&s, false), *all = calloc(1, sizeof *all);
		/* a key share that fills it */
		const size_t block = 4 + 2 + 32 + 33 + 18 + 2, more = ZG_TLS_HELLO_MAX + 4 - m->n - 4 + (size_t)over;
		const size_t exts = m->n - block - 2 + more + 4;
		put(all, m->at, m->n);
		put_number(all, 50, 2);
		put_number(all, (uint32_t)more, 2);
		put_zeros(all, more);
		all->at[block] = (uint8_t)(exts >> 8);
		all->at[block + 1] = (uint8_t)exts;
		all->at[2] = (uint8_t)((all->n - 4) >> 8);
		all->at[3] = (uint8_t)(all->n - 4);
		struct talk t = { 0 };
		record(&t, ZG_CLIENT, 22, all->at, 16000);
		record(&t, ZG_CLIENT, 22, all->at + 16000, all->n - 16000);
		expect(over ? "one more" : "largest", &t, over ? ZG_R_TLS_SIZE : ZG_R_NONE);
		free(m);
		free(all);
	}
}
END_TEST

/* What is not TLS is not answered in TLS. */
START_TEST(other_protocols)
{
	static const char *const first[] = { "SSH-2.0-OpenSSH_9.2\r\n", "GET / HTTP/1.1\r\nHost: www.example.lg.jp\r\n\r\n",
					     "\5\1\0", "\4\1\1\xbb", "\x80\x2e\1\0\2", "\x38\1\2\3\4\5\6\7\10", "EHLO a\r\n",
					     "PRI * HTTP/2.0\r\n\r\n", "\x17\3\3\0\x20", "\x15\3\3\0\2\1\0", "\x14\3\3\0\1\1" };
	for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
		struct talk t = { 0 };
		say(&t, ZG_CLIENT, first[i], strlen(first[i]));
		struct outcome *o = hear(first[i], &t);
		ck_assert(o->reason == ZG_R_TLS_RECORD && o->at == 0 && o->refusal == ZG_REFUSAL_RESET);
		free(o);
	}
	struct talk t = { 0 };
	say(&t, ZG_SERVER, "SSH-2.0-x\r\n", 11); /* the server speaks first */
	expect("banner", &t, ZG_R_TLS_RECORD);
	say(&t, ZG_SERVER, "\x16\3\3\0\4\0\0\0\0", 9);
	expect("server first", &t, ZG_R_TLS_HANDSHAKE);
}
END_TEST

static void client_says(struct talk *t)
{
	struct spec s = client_hello();
	hello(t, &s, ZG_CLIENT);
}

START_TEST(records_of_a_hello)
{
	struct spec s = client_hello();
	struct bytes *m = message_of(&s, false);
	struct talk t = { 0 };
	say(&t, ZG_CLIENT, "\x16\3\1\0\0", 5);
	expect("empty first", &t, ZG_R_TLS_LENGTH);
	record(&t, ZG_CLIENT, 22, m->at, 10);
	say(&t, ZG_CLIENT, "\x16\3\1\0\0", 5);
	expect("empty within", &t, ZG_R_TLS_LENGTH);
	say(&t, ZG_CLIENT, "\x16\3\1\x40\1\1", 6);
	expect("too long", &t, ZG_R_TLS_LENGTH);
	record_as(&t, ZG_CLIENT, 22, 0x0300, m->at, m->n);
	expect("SSL 3", &t, ZG_R_TLS_VERSION);
	record_as(&t, ZG_CLIENT, 22, 0x0304, m->at, m->n);
	expect("a version that is none", &t, ZG_R_TLS_VERSION);
	record_as(&t, ZG_CLIENT, 22, 0x0303, m->at, m->n);
	expect("1.2", &t, ZG_R_NONE);
	record(&t, ZG_CLIENT, 22, m->at, 50);
	record(&t, ZG_CLIENT, 21, "\1\x5a", 2);
	expect("an alert within", &t, ZG_R_TLS_HANDSHAKE);
	record(&t, ZG_CLIENT, 22, m->at, 50);
	record(&t, ZG_CLIENT, 20, "\1", 1);
	expect("a change within", &t, ZG_R_TLS_HANDSHAKE);
	record(&t, ZG_CLIENT, 22, m->at, 50);
	filled(&t, ZG_CLIENT, 23, 100);
	expect("data within", &t, ZG_R_TLS_HANDSHAKE);
	record(&t, ZG_CLIENT, 22, "\2\0\0\x26", 4);
	expect("a ServerHello of the client", &t, ZG_R_TLS_HANDSHAKE);
	record(&t, ZG_CLIENT, 22, "\0\0\0\0", 4);
	expect("a HelloRequest of the client", &t, ZG_R_TLS_HANDSHAKE);
	record(&t, ZG_CLIENT, 22, "\1\0\0\0", 4);
	expect("an empty hello", &t, ZG_R_TLS_HELLO);
	record(&t, ZG_CLIENT, 22, "\1\1\0\0", 4);
	expect("a hello of 64 KiB", &t, ZG_R_TLS_SIZE);
	struct bytes *twice = calloc(1, sizeof *twice);
	put(twice, m->at, m->n);
	put(twice, m->at, m->n);
	record(&t, ZG_CLIENT, 22, twice->at, twice->n);
	struct outcome *o = hear("two in a record", &t);
	ck_assert(o->reason == ZG_R_TLS_HANDSHAKE && o->released[ZG_CLIENT] == 0);
	free(o);
	client_says(&t);
	client_says(&t);
	expect("two hellos", &t, ZG_R_TLS_HANDSHAKE);
	client_says(&t);
	filled(&t, ZG_CLIENT, 23, 100);
	expect("data before the answer", &t, ZG_R_TLS_RECORD);
	client_says(&t);
	record(&t, ZG_CLIENT, 20, "\1", 1);
	expect("a change before the answer", &t, ZG_R_TLS_RECORD);
	client_says(&t);
	filled(&t, ZG_CLIENT, 24, 100);
	expect("a heartbeat", &t, ZG_R_TLS_RECORD);
	client_says(&t);
	record(&t, ZG_CLIENT, 21, "\2\x28", 2);
	expect("the client gives up", &t, ZG_R_NONE);
	free(twice);
	free(m);
}
END_TEST

/* --- the server's answer --------------------------------------------------------------------------------- */

static void expect_answer(const char *label, const struct spec *answer, enum zg_reason reason)
{
	struct talk t = { 0 };
	client_says(&t);
	hello(&t, answer, ZG_SERVER);
	const size_t n = t.turns[1].len;
	struct outcome *o = hear(label, &t);
	ck_assert_msg(o->reason == reason, "%s: %s, not %s", label, zg_reason_name(o->reason), zg_reason_name(reason));
	ck_assert_msg(o->released[ZG_SERVER] == (reason == ZG_R_NONE ? n : 0), "%s: %zu octets went", label, o->released[ZG_SERVER]);
	ck_assert_msg(reason == ZG_R_NONE || o->refusal == ZG_REFUSAL_TLS_ALERT, "%s: the client is not told", label);
	free(o);
}

CASE(s_same) { (void)s; }
CASE(s_suite_not_offered) { s->suites[0] = s->suites[0] == 0x1301 ? 0x1305 : 0xc030; }
CASE(s_suite_of_other_version) { s->suites[0] = s->suites[0] == 0x1301 ? 0xc02f : 0x1301; }
CASE(s_suite_grease) { s->suites[0] = 0x1a1a; }
CASE(s_suite_scsv) { s->suites[0] = 0x00ff; }
CASE(s_compression) { s->compressions[0] = 1; }
CASE(s_version_1_1) { s->version = 0x0302; }
CASE(s_other_sid) { s->sid[31] = 1; }
CASE(s_no_sid) { s->sid_len = 0; }
CASE(s_long_sid) { s->sid_len = 33; }
CASE(s_not_offered) { add(s, 5, "", 0); }
CASE(s_twice) { add(s, 0xff01, "", 1), add(s, 0xff01, "", 1); }
CASE(s_npn) { add(s, 13172, "", 0); }
CASE(s_grease) { add(s, GREASE, "", 0); }
CASE(s_ech) { add(s, 0xfe0d, "abcdefgh", 8); }
CASE(s_psk) { add(s, 41, "\0\0", 2); }
CASE(s_cookie) { add(s, 44, "\0\1a", 3); }
CASE(s_alpn_other) { alpn_body(find(s, 16), "ssh"); }
CASE(s_alpn_two) { alpn_body(find(s, 16), "h2,http/1.1"); }
CASE(s_alpn_grease) { alpn_body(find(s, 16), "\x5a\x5a"); }
CASE(s_alpn) { alpn_body(add(s, 16, "", 0), "h2"); }
CASE(s_alpn_http) { alpn_body(find(s, 16), "http/1.1"); }
CASE(s_bare) { s->bare = true; }
CASE(s_block_longer) { s->block_off = 1; }
CASE(s_tail) { s->tail = 1; }
CASE(s_draft) { memcpy(find(s, 43)->at, "\x7f\x1c", 2); }
CASE(s_versions_1_2) { memcpy(find(s, 43)->at, "\3\3", 2); }
CASE(s_versions_long) { find(s, 43)->n = 4; }
CASE(s_no_versions) { drop(s, 43); }

START_TEST(every_rule_of_the_server_hello)
{
	static const struct {
		const char *label;
		void (*change)(struct spec *s);
		enum zg_reason old, new;
	} rows[] = {
#define ANSWER(change, old, new) { #change, change, ZG_R_##old, ZG_R_##new }
		ANSWER(s_same, NONE, NONE),
		ANSWER(s_suite_not_offered, TLS_CHOICE, TLS_CHOICE),
		ANSWER(s_suite_of_other_version, TLS_CHOICE, TLS_CHOICE),
		ANSWER(s_suite_grease, TLS_CHOICE, TLS_CHOICE),
		ANSWER(s_suite_scsv, TLS_CHOICE, TLS_CHOICE),
		ANSWER(s_compression, TLS_COMPRESSION, TLS_COMPRESSION),
		ANSWER(s_version_1_1, TLS_VERSION, TLS_VERSION),
		ANSWER(s_other_sid, NONE, TLS_CHOICE),
		ANSWER(s_no_sid, NONE, TLS_CHOICE),
		ANSWER(s_long_sid, TLS_HELLO, TLS_HELLO),
		ANSWER(s_not_offered, TLS_CHOICE, TLS_CHOICE),
		ANSWER(s_twice, TLS_TWICE, TLS_TWICE),
		ANSWER(s_npn, TLS_CHOICE, TLS_CHOICE),
		ANSWER(s_grease, TLS_CHOICE, TLS_CHOICE),
		ANSWER(s_ech, TLS_ENCRYPTED_HELLO, TLS_ENCRYPTED_HELLO),
		ANSWER(s_psk, TLS_CHOICE, TLS_CHOICE), /* was not offered */
		ANSWER(s_cookie, TLS_CHOICE, TLS_CHOICE),
		ANSWER(s_block_longer, TLS_HELLO, TLS_HELLO),
		ANSWER(s_tail, TLS_HELLO, TLS_HELLO),
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct spec old = server_hello(0xc02f, false), new = server_hello(0x1301, true);
		rows[i].change(&old);
		rows[i].change(&new);
		expect_answer(rows[i].label, &old, rows[i].old);
		expect_answer(rows[i].label, &new, rows[i].new);
	}
}
END_TEST

static void check_answer(const char *label, bool new, void (*change)(struct spec *s), enum zg_reason reason)
{
	struct spec s = server_hello(new ? 0x1301 : 0xc02f, new);
	change(&s);
	expect_answer(label, &s, reason);
}

START_TEST(what_belongs_to_one_version)
{
	check_answer("1.2 alpn", false, s_alpn_http, ZG_R_NONE);
	check_answer("1.2 other alpn", false, s_alpn_other, ZG_R_TLS_ALPN);
	check_answer("1.2 two", false, s_alpn_two, ZG_R_TLS_HELLO);
	check_answer("1.2 grease", false, s_alpn_grease, ZG_R_TLS_ALPN);
	check_answer("1.2 without extensions", false, s_bare, ZG_R_NONE);
	check_answer("1.3 alpn in the clear", true, s_alpn, ZG_R_TLS_CHOICE);
	check_answer("1.3 draft", true, s_draft, ZG_R_TLS_VERSION);
	check_answer("1.2 by extension", true, s_versions_1_2, ZG_R_TLS_VERSION);
	check_answer("versions too long", true, s_versions_long, ZG_R_TLS_HELLO);
	check_answer("key share without version", true, s_no_versions, ZG_R_TLS_CHOICE);
	config_set(&config, &zg_tls, "min_version", ZG_TLS_1_3);
	check_answer("1.2 where 1.3 is asked for", false, s_same, ZG_R_TLS_VERSION);
	check_answer("1.3 where 1.3 is asked for", true, s_same, ZG_R_NONE);
}
END_TEST

START_TEST(the_server_chooses_of_the_list)
{
	struct talk t = { 0 };
	struct spec c = client_hello(), s = server_hello(0xc02f, false);
	alpn_body(find(&c, 16), "http/1.1");
	hello(&t, &c, ZG_CLIENT);
	hello(&t, &s, ZG_SERVER);
	expect("h2 was not offered", &t, ZG_R_TLS_CHOICE);
	c = client_hello();
	drop(&c, 43);
	hello(&t, &c, ZG_CLIENT);
	s = server_hello(0x1301, true);
	hello(&t, &s, ZG_SERVER);
	expect("1.3 was not offered", &t, ZG_R_TLS_CHOICE);
	c = client_hello();
	memcpy(find(&c, 43)->at, "\2\3\4", 3);
	find(&c, 43)->n = 3;
	hello(&t, &c, ZG_CLIENT);
	s = server_hello(0xc02f, false);
	hello(&t, &s, ZG_SERVER);
	expect("1.2 was not offered", &t, ZG_R_TLS_CHOICE);
}
END_TEST

/* --- HelloRetryRequest ---------------------------------------------------------------------------------- */

static void expect_second(const char *label, void (*first)(struct spec *s), void (*change)(struct spec *s), enum zg_reason reason)
{
	struct talk t = { 0 };
	struct spec s = client_hello(), retry = retry_request();
	first(&s);
	hello(&t, &s, ZG_CLIENT);
	hello(&t, &retry, ZG_SERVER);
	record(&t, ZG_SERVER, 20, "\1", 1);
	record(&t, ZG_CLIENT, 20, "\1", 1);
	const size_t before = t.turns[0].len + t.turns[3].len;
	change(&s);
	hello(&t, &s, ZG_CLIENT);
	const size_t all = before + t.turns[4].len;
	if (reason == ZG_R_NONE) {
		struct spec answer = server_hello(0x1301, true);
		hello(&t, &answer, ZG_SERVER);
		filled(&t, ZG_SERVER, 23, 1000);
		filled(&t, ZG_CLIENT, 23, 70);
	}
	struct outcome *o = hear(label, &t);
	ck_assert_msg(o->reason == reason, "%s: %s, not %s", label, zg_reason_name(o->reason), zg_reason_name(reason));
	ck_assert(reason == ZG_R_NONE ? o->released[ZG_CLIENT] > all : o->released[ZG_CLIENT] == before);
	free(o);
}

CASE(two_cookie) { add(s, 44, "\0\1a", 3); }
CASE(two_key_share) { find(s, 51)->n = 20; }
CASE(two_other_name) { set_name(s, "a.cloud.example"); }
CASE(two_other_suite) { s->suites[4] = 0xc030; }
CASE(two_fewer_suites) { s->n_suites--; }
CASE(two_other_sid) { s->sid[0] = 1; }
CASE(two_other_alpn) { alpn_body(find(s, 16), "h2"); }
CASE(two_other_versions) { memcpy(find(s, 43)->at, "\2\3\4", 3), find(s, 43)->n = 3; }
CASE(two_more) { add(s, 5, "", 0); }
CASE(two_fewer) { drop(s, 35); }
CASE(two_padding) { add(s, 21, "\0\0\0\0\0\0\0\0\0", 10); }
CASE(two_no_padding) { drop(s, 21); }
CASE(two_more_padding) { find(s, 21)->n = 200; }
CASE(two_padding_and_cookie) { two_cookie(s), two_padding(s); }
CASE(two_no_psk) { drop(s, 41); }
CASE(two_no_early) { drop(s, 42); }

START_TEST(the_second_hello_is_the_first)
{
	expect_second("same", as_it_is, as_it_is, ZG_R_NONE);
	expect_second("cookie", as_it_is, two_cookie, ZG_R_NONE);
	expect_second("key share", as_it_is, two_key_share, ZG_R_NONE);
	expect_second("without PSK", psk_last, two_no_psk, ZG_R_NONE);
	expect_second("without padding", two_padding, two_no_padding, ZG_R_NONE);
	expect_second("padding now", as_it_is, two_padding, ZG_R_NONE);
	expect_second("more padding", two_padding, two_more_padding, ZG_R_NONE);
	expect_second("padding twice", two_padding, two_padding, ZG_R_TLS_TWICE);
	expect_second("padding and a cookie", as_it_is, two_padding_and_cookie, ZG_R_NONE);
	expect_second("another name", as_it_is, two_other_name, ZG_R_TLS_CHANGED);
	expect_second("a name that is not permitted", as_it_is, other_name, ZG_R_TLS_NAME);
	expect_second("no name", as_it_is, no_name, ZG_R_TLS_NO_NAME);
	expect_second("another suite", as_it_is, two_other_suite, ZG_R_TLS_CHANGED);
	expect_second("fewer suites", as_it_is, two_fewer_suites, ZG_R_TLS_CHANGED);
	expect_second("another session", as_it_is, two_other_sid, ZG_R_TLS_CHANGED);
	expect_second("other protocols", as_it_is, two_other_alpn, ZG_R_TLS_CHANGED);
	expect_second("other versions", as_it_is, two_other_versions, ZG_R_TLS_CHANGED);
	expect_second("one more extension", as_it_is, two_more, ZG_R_TLS_CHANGED);
	expect_second("one fewer", as_it_is, two_fewer, ZG_R_TLS_CHANGED);
	config_set(&config, &zg_tls, "early_data", 1);
	expect_second("early data again", early, as_it_is, ZG_R_TLS_CHANGED);
	expect_second("early data gone", early, two_no_early, ZG_R_NONE);
}
END_TEST

START_TEST(one_retry_is_enough)
{
	struct talk t = { 0 };
	struct spec retry = retry_request(), old = server_hello(0xc02f, false);
	client_says(&t);
	hello(&t, &retry, ZG_SERVER);
	hello(&t, &retry, ZG_SERVER);
	expect("two requests at once", &t, ZG_R_TLS_HANDSHAKE);
	client_says(&t);
	hello(&t, &retry, ZG_SERVER);
	client_says(&t);
	hello(&t, &retry, ZG_SERVER);
	expect("a second request", &t, ZG_R_TLS_HANDSHAKE);
	client_says(&t);
	hello(&t, &retry, ZG_SERVER);
	client_says(&t);
	hello(&t, &old, ZG_SERVER);
	expect("then 1.2", &t, ZG_R_TLS_CHOICE);
	client_says(&t);
	hello(&t, &retry, ZG_SERVER);
	filled(&t, ZG_SERVER, 23, 100);
	expect("data of the server", &t, ZG_R_TLS_RECORD);
	retry = retry_request();
	add(&retry, 0xfe0d, "abcdefgh", 8);
	client_says(&t);
	hello(&t, &retry, ZG_SERVER);
	expect("ECH is taken", &t, ZG_R_TLS_ENCRYPTED_HELLO);
	retry = retry_request();
	drop(&retry, 43);
	drop(&retry, 51);
	retry.suites[0] = 0xc02f;
	client_says(&t);
	hello(&t, &retry, ZG_SERVER);
	expect("1.2 with the request's random", &t, ZG_R_TLS_CHOICE);
}
END_TEST

/* --- 1.3, protected ---------------------------------------------------------------------------------------- */

static void begin_new(struct talk *t)
{
	struct spec s = server_hello(0x1301, true);
	client_says(t);
	hello(t, &s, ZG_SERVER);
}

START_TEST(records_of_1_3)
{
	struct talk t = { 0 };
	begin_new(&t);
	record(&t, ZG_SERVER, 20, "\1", 1);
	filled(&t, ZG_SERVER, 23, 3000);
	record(&t, ZG_CLIENT, 20, "\1", 1);
	filled(&t, ZG_CLIENT, 23, 74);
	filled(&t, ZG_CLIENT, 23, 9);
	filled(&t, ZG_SERVER, 23, 16640);
	expect("a session", &t, ZG_R_NONE);
	static const struct {
		const char *label;
		enum zg_dir dir;
		uint8_t type;
		size_t n;
		enum zg_reason reason;
	} rows[] = {
		{ "empty", ZG_CLIENT, 23, 0, ZG_R_TLS_LENGTH },
		{ "too short", ZG_SERVER, 23, 8, ZG_R_TLS_LENGTH },
		{ "too long", ZG_SERVER, 23, 16641, ZG_R_TLS_LENGTH },
		{ "handshake", ZG_CLIENT, 22, 40, ZG_R_TLS_HANDSHAKE },
		{ "handshake of the server", ZG_SERVER, 22, 40, ZG_R_TLS_HANDSHAKE },
		{ "heartbeat", ZG_CLIENT, 24, 40, ZG_R_TLS_RECORD },
		{ "ACK of DTLS", ZG_CLIENT, 26, 40, ZG_R_TLS_RECORD },
		{ "alert of the server", ZG_SERVER, 21, 2, ZG_R_TLS_RECORD },
		{ "long alert", ZG_CLIENT, 21, 19, ZG_R_TLS_LENGTH },
		{ "long change", ZG_CLIENT, 20, 2, ZG_R_TLS_LENGTH },
		{ "odd change", ZG_CLIENT, 20, 1, ZG_R_TLS_RECORD }, /* 0xee */
		{ "plain text", ZG_CLIENT, 'G', 40, ZG_R_TLS_RECORD },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		begin_new(&t);
		filled(&t, rows[i].dir, rows[i].type, rows[i].n);
		expect(rows[i].label, &t, rows[i].reason);
	}
	begin_new(&t);
	record_as(&t, ZG_CLIENT, 23, 0x0301, "abcdefghijkl", 12);
	expect("version of a record", &t, ZG_R_TLS_VERSION);
	begin_new(&t);
	filled(&t, ZG_CLIENT, 23, 74);
	record(&t, ZG_CLIENT, 20, "\1", 1);
	expect("a change behind data", &t, ZG_R_TLS_RECORD);
	begin_new(&t);
	for (int i = 0; i < 3; i++)
		record(&t, ZG_CLIENT, 20, "\1", 1);
	expect("changes", &t, ZG_R_TLS_RECORD);
	begin_new(&t);
	record(&t, ZG_CLIENT, 21, "\2\x2a", 2);
	filled(&t, ZG_CLIENT, 23, 74);
	expect("behind a fatal alert", &t, ZG_R_TLS_AFTER_END);
	begin_new(&t);
	record(&t, ZG_CLIENT, 21, "\1\0", 2);
	record(&t, ZG_CLIENT, 21, "\1\0", 2);
	expect("behind the closing alert", &t, ZG_R_TLS_AFTER_END);
	begin_new(&t);
	filled(&t, ZG_CLIENT, 23, 74);
	record(&t, ZG_CLIENT, 21, "\2\x2a", 2);
	expect("an alert in the clear behind data", &t, ZG_R_TLS_RECORD);
	begin_new(&t);
	record(&t, ZG_CLIENT, 21, "\3\x2a", 2);
	expect("no level", &t, ZG_R_TLS_RECORD);
}
END_TEST

START_TEST(a_message_may_not_reach_over_new_keys)
{
	struct talk t = { 0 };
	struct spec s = server_hello(0x1301, true);
	struct bytes *m = message_of(&s, true);
	put(m, "\x08\0\0\2\0\0", 6); /* EncryptedExtensions, in the clear */
	client_says(&t);
	record(&t, ZG_SERVER, 22, m->at, m->n);
	expect("more behind the ServerHello", &t, ZG_R_TLS_HANDSHAKE);
	free(m);
}
END_TEST

START_TEST(early_data)
{
	struct talk t = { 0 };
	struct spec s = client_hello(), answer = server_hello(0x1301, true);
	config_set(&config, &zg_tls, "early_data", 1);
	early(&s);
	hello(&t, &s, ZG_CLIENT);
	record(&t, ZG_CLIENT, 20, "\1", 1);
	filled(&t, ZG_CLIENT, 23, 500);
	filled(&t, ZG_CLIENT, 23, 500);
	hello(&t, &answer, ZG_SERVER);
	record(&t, ZG_SERVER, 20, "\1", 1);
	filled(&t, ZG_SERVER, 23, 500);
	filled(&t, ZG_CLIENT, 23, 500);
	expect("early data", &t, ZG_R_NONE);
	client_says(&t);
	filled(&t, ZG_CLIENT, 23, 500);
	expect("that were not offered", &t, ZG_R_TLS_RECORD);

	struct spec old = server_hello(0xc02f, false), retry = retry_request(), second = client_hello();
	for (int changed = 0; changed < 2; changed++) { /* they would be data of 1.2 without a handshake */
		hello(&t, &s, ZG_CLIENT);
		if (changed)
			record(&t, ZG_CLIENT, 20, "\1", 1);
		filled(&t, ZG_CLIENT, 23, 500);
		hello(&t, &old, ZG_SERVER);
		filled(&t, ZG_CLIENT, 23, 500);
		expect("to a server of 1.2", &t, ZG_R_TLS_EARLY_DATA);
	}
	add(&second, 41, "abc", 3);
	hello(&t, &s, ZG_CLIENT);
	filled(&t, ZG_CLIENT, 23, 500);
	hello(&t, &retry, ZG_SERVER);
	filled(&t, ZG_CLIENT, 23, 500); /* on their way */
	hello(&t, &second, ZG_CLIENT);
	hello(&t, &answer, ZG_SERVER);
	filled(&t, ZG_CLIENT, 23, 500);
	expect("before a second hello", &t, ZG_R_NONE);
	hello(&t, &s, ZG_CLIENT);
	filled(&t, ZG_CLIENT, 23, 500);
	hello(&t, &retry, ZG_SERVER);
	filled(&t, ZG_CLIENT, 23, 500);
	hello(&t, &answer, ZG_SERVER);
	expect("in the place of a second hello", &t, ZG_R_TLS_HANDSHAKE);
	hello(&t, &s, ZG_CLIENT);
	hello(&t, &retry, ZG_SERVER);
	hello(&t, &second, ZG_CLIENT);
	filled(&t, ZG_CLIENT, 23, 500);
	expect("behind a second hello", &t, ZG_R_TLS_RECORD);
}
END_TEST

/* --- 1.2 --------------------------------------------------------------------------------------------------- */

/* "c" or "s", then what: H hello, a number = a message of that type, C change, F protected handshake, D data, A alert that is
 * protected, W a warning and E the end in the clear. */
static void play(struct talk *t, const char *script)
{
	for (const char *at = script; *at != '\0';) {
		const enum zg_dir dir = *at++ == 'c' ? ZG_CLIENT : ZG_SERVER;
		struct spec s = dir == ZG_CLIENT ? client_hello() : server_hello(0xc02f, false);
		char *end;
		if (*at >= '0' && *at <= '9') {
			message(t, dir, (uint8_t)strtoul(at, &end, 10), *at == '1' && at[1] == '4' ? 0 : 60);
			at = end;
		} else {
			switch (*at++) {
			case 'H':
				hello(t, &s, dir);
				break;
			case 'C':
				record(t, dir, 20, "\1", 1);
				break;
			case 'F':
				filled(t, dir, 22, 40);
				break;
			case 'D':
				filled(t, dir, 23, 300);
				break;
			case 'A':
				filled(t, dir, 21, 26);
				break;
			case 'W':
				record(t, dir, 21, "\1\x70", 2);
				break;
			case 'E':
				record(t, dir, 21, "\1\0", 2);
				break;
			}
		}
		at += *at == ' ';
	}
}

START_TEST(handshakes_of_1_2)
{
	static const struct {
		const char *script;
		enum zg_reason reason;
	} rows[] = {
		{ "cH sH s11 s12 s14 c16 cC cF sC sF cD sD cA sA", ZG_R_NONE },
		{ "cH sW sH s11 s22 s12 s13 s14 c11 c16 c15 cC cF s4 sC sF cD sD", ZG_R_NONE },
		{ "cH sH s11 s14 c16 cC cF cD sC sF sD", ZG_R_NONE }, /* false start; RSA */
		{ "cH sH sC sF cC cF cD sD", ZG_R_NONE },	     /* resumed by identifier */
		{ "cH sH s4 sC sF cC cF cD sD", ZG_R_NONE },	     /* by ticket */
		{ "cH sH s12 s14 c16 cC cF sC sF", ZG_R_NONE },	     /* PSK */
		{ "cH sH s11 s12 s14 cE", ZG_R_NONE },
		{ "cH sE", ZG_R_NONE },
		{ "cH sW sW sW", ZG_R_TLS_RECORD },
		{ "cH sE sH", ZG_R_TLS_AFTER_END },
		{ "cH sH s11 s12 s14 cE cE", ZG_R_TLS_AFTER_END },
		{ "cH sH s11 s12 s14 c16 cC cF sC sF cA cA cA", ZG_R_TLS_AFTER_END },
		{ "cH sH s11 s12 s14 c16 cC cF sC sF cA cD", ZG_R_TLS_AFTER_END },
		{ "cH sH s11 s12 s14 c16 cC cF sC sF cF", ZG_R_TLS_RENEGOTIATION },
		{ "cH sH s11 s12 s14 c16 cC cF sC sF sF", ZG_R_TLS_RENEGOTIATION },
		{ "cH sH s11 s12 s14 c16 cC cF sC sF cD sD cF", ZG_R_TLS_RENEGOTIATION },
		{ "cH sH s11 s12 s14 c16 cC cF cC", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s11 s12 s14 cC", ZG_R_TLS_HANDSHAKE },		     /* CVE-2014-0224 */
		{ "cH sH s11 s12 s14 sC", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s11 s12 sC", ZG_R_TLS_HANDSHAKE },
		{ "cH sH cC", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s11 s12 s14 c16 cD", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s11 s12 s14 c16 cC cD", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s11 s11", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s12 s11", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s11 s12 c16", ZG_R_TLS_HANDSHAKE }, /* out of turn */
		{ "cH sH c16", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s11 s12 s14 c15 cC", ZG_R_NONE }, /* the server sees to that */
		{ "cH sH s11 s12 s14 s4", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s4 s11", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s0", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s11 s12 s14 c16 cC cF sC sF s0", ZG_R_TLS_RENEGOTIATION },
		{ "cH sH s11 s12 s14 c1", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s11 s12 s14 c67", ZG_R_TLS_HANDSHAKE }, /* NPN */
		{ "cH sH s2", ZG_R_TLS_HANDSHAKE },
		{ "cH sH s23", ZG_R_TLS_HANDSHAKE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct talk t = { 0 };
		play(&t, rows[i].script);
		expect(rows[i].script, &t, rows[i].reason);
	}
}
END_TEST

START_TEST(sizes_of_1_2)
{
	struct talk t = { 0 };
	play(&t, "cH sH s11 s12 s14 c16 cC cF sC sF");
	filled(&t, ZG_SERVER, 23, 16384 + 2048);
	filled(&t, ZG_CLIENT, 23, 16);
	expect("largest and smallest", &t, ZG_R_NONE);
	play(&t, "cH sH s11 s12 s14 c16 cC cF sC sF");
	filled(&t, ZG_SERVER, 23, 16384 + 2049);
	expect("larger", &t, ZG_R_TLS_LENGTH);
	play(&t, "cH sH s11 s12 s14 c16 cC cF sC sF");
	filled(&t, ZG_CLIENT, 23, 15);
	expect("smaller", &t, ZG_R_TLS_LENGTH);
	play(&t, "cH sH s11 s12 s14 c16 cC");
	filled(&t, ZG_CLIENT, 22, 513);
	expect("no Finished", &t, ZG_R_TLS_LENGTH);
	play(&t, "cH sH");
	record(&t, ZG_SERVER, 22, "\x0b\2\0\1", 4);
	expect("a certificate of 128 KiB", &t, ZG_R_TLS_SIZE);
	play(&t, "cH sH s11 s12");
	record(&t, ZG_SERVER, 22, "\x0e\0\0\1x", 5);
	expect("something in ServerHelloDone", &t, ZG_R_TLS_SIZE);
	play(&t, "cH sH");
	record(&t, ZG_SERVER, 22, "\x0b\2\0", 3);
	record(&t, ZG_SERVER, 22, "\0", 1);
	for (int i = 0; i < 8; i++)
		filled(&t, ZG_SERVER, 22, 16384);
	play(&t, "s14 c16");
	expect("one octet less, in records", &t, ZG_R_NONE);
}
END_TEST

/* Several messages in one record, and one in several, behind the ServerHello. */
START_TEST(messages_and_records_of_1_2)
{
	struct talk t = { 0 };
	struct spec s = server_hello(0xc02f, false);
	struct bytes *m = message_of(&s, true);
	put(m, "\x0b\0\0\3\0\0\0\x0e\0\0\0", 11);
	play(&t, "cH");
	for (size_t at = 0; at < m->n; at += 7)
		record(&t, ZG_SERVER, 22, m->at + at, m->n - at < 7 ? m->n - at : 7);
	play(&t, "c16 cC cF sC sF");
	expect("pieces", &t, ZG_R_NONE);
	play(&t, "cH");
	record(&t, ZG_SERVER, 22, m->at, m->n);
	play(&t, "c16 cC cF sC sF");
	expect("one record", &t, ZG_R_NONE);
	play(&t, "cH");
	record(&t, ZG_SERVER, 22, m->at, m->n - 2);
	play(&t, "sC");
	expect("a change within a message", &t, ZG_R_TLS_HANDSHAKE);
	free(m);
}
END_TEST

/* --- the end --------------------------------------------------------------------------------------------- */

/* What FIN of dir brings after the talk. */
static enum zg_reason end_after(struct talk *t, enum zg_dir dir)
{
	void *state = calloc(1, zg_tls.state_size);
	struct zg_answer answer;
	uint8_t copy[20000];
	for (size_t i = 0; i < t->n; i++) {
		memcpy(copy, t->turns[i].bytes, t->turns[i].len);
		struct zg_rw in = zg_rw_init(copy, t->turns[i].len);
		zg_tls.data(state, config.bytes, t->turns[i].dir, &in, &answer);
		ck_assert_int_eq(answer.say, ZG_SAY_MORE);
	}
	zg_tls.end(state, config.bytes, dir, &answer);
	ck_assert_int_eq(answer.say == ZG_SAY_DENY, answer.reason != ZG_R_NONE);
	free(state);
	talk_free(t);
	return answer.reason;
}

START_TEST(ends)
{
	struct talk t = { 0 };
	ck_assert_int_eq(end_after(&t, ZG_CLIENT), ZG_R_NONE);
	say(&t, ZG_CLIENT, "\x16\3", 2);
	ck_assert_int_eq(end_after(&t, ZG_CLIENT), ZG_R_TLS_TRUNCATED);
	struct spec s = client_hello();
	struct bytes *m = message_of(&s, false);
	record(&t, ZG_CLIENT, 22, m->at, m->n - 1);
	ck_assert_int_eq(end_after(&t, ZG_CLIENT), ZG_R_TLS_TRUNCATED);
	free(m);
	begin_new(&t);
	filled(&t, ZG_SERVER, 23, 100);
	ck_assert_int_eq(end_after(&t, ZG_SERVER), ZG_R_NONE);
	begin_new(&t);
	say(&t, ZG_SERVER, "\x17\3\3\0\x20xyz", 8);
	ck_assert_int_eq(end_after(&t, ZG_SERVER), ZG_R_TLS_TRUNCATED);
	begin_new(&t);
	say(&t, ZG_SERVER, "\x17\3\3\0\x20xyz", 8);
	ck_assert_int_eq(end_after(&t, ZG_CLIENT), ZG_R_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *tc = tcase_create("tls");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, every_rule_of_the_client_hello);
	tcase_add_test(tc, what_a_setting_permits);
	tcase_add_test(tc, every_octet_of_a_hello);
	tcase_add_test(tc, a_hello_in_any_records);
	tcase_add_test(tc, a_hello_of_the_largest_size);
	tcase_add_test(tc, other_protocols);
	tcase_add_test(tc, records_of_a_hello);
	tcase_add_test(tc, every_rule_of_the_server_hello);
	tcase_add_test(tc, what_belongs_to_one_version);
	tcase_add_test(tc, the_server_chooses_of_the_list);
	tcase_add_test(tc, the_second_hello_is_the_first);
	tcase_add_test(tc, one_retry_is_enough);
	tcase_add_test(tc, records_of_1_3);
	tcase_add_test(tc, a_message_may_not_reach_over_new_keys);
	tcase_add_test(tc, early_data);
	tcase_add_test(tc, handshakes_of_1_2);
	tcase_add_test(tc, sizes_of_1_2);
	tcase_add_test(tc, messages_and_records_of_1_2);
	tcase_add_test(tc, ends);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
