/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <jansson.h>
#include <nettle/sha2.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/capture.h"
#include "ctl/cmd.h"
#include "ctl/replay.h"
#include "letters.h"
#include "numbers.h"
#include "pkt.h"
#include "unit.h"
#include "zonegate/limits.h"

/* --- link types ------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	int linktype;
	uint8_t header[24];
	size_t len;
} links[] = {
	{ "Ethernet", DLT_EN10MB, { [12] = 8, 0 }, 14 },
	{ "VLAN", DLT_EN10MB, { [12] = 0x81, 0, 0, 5, 8, 0 }, 18 },
	{ "two tags", DLT_EN10MB, { [12] = 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0 }, 22 },
	{ "raw", DLT_RAW, { 0 }, 0 },
	{ "raw IPv4", DLT_IPV4, { 0 }, 0 },
	{ "cooked", DLT_LINUX_SLL, { [14] = 8, 0 }, 16 },
	{ "cooked 2", DLT_LINUX_SLL2, { 8, 0 }, 20 },
	{ "BSD", DLT_NULL, { 2, 0, 0, 0 }, 4 },
	{ "OpenBSD", DLT_LOOP, { 0, 0, 0, 2 }, 4 },
};

START_TEST(link_header_comes_off)
{
	const struct pkt p = { .flags = ZG_ACK, .data = "abc", .len = 3 };
	static uint8_t buf[PKT_MAX];
	uint8_t frame[200] = { 0 };
	struct zg_capture_packet got;
	const size_t ip = pkt_build(&p, buf), len = links[_i].len + ip;

	memcpy(frame, links[_i].header, links[_i].len);
	memcpy(frame + links[_i].len, buf, ip);
	ck_assert(zg_capture_ip(links[_i].linktype, frame, len, len, &got));
	ck_assert_ptr_eq(got.data, frame + links[_i].len);
	ck_assert_uint_eq(got.len, ip);
	ck_assert_uint_eq(got.wire_len, ip);
	/* padded by the link */
	ck_assert(zg_capture_ip(links[_i].linktype, frame, len + 9, len + 13, &got));
	ck_assert_uint_eq(got.len, ip);
	ck_assert_uint_eq(got.wire_len, ip);
	/* cut by the capture */
	ck_assert(zg_capture_ip(links[_i].linktype, frame, len - 5, len, &got));
	ck_assert_uint_eq(got.len, ip - 5);
	ck_assert_uint_eq(got.wire_len, ip);
	/* really too short */
	ck_assert(zg_capture_ip(links[_i].linktype, frame, len - 5, len - 5, &got));
	ck_assert_uint_eq(got.wire_len, ip - 5);
	for (size_t n = 0; n <= links[_i].len; n++) {
		ck_assert(zg_capture_ip(links[_i].linktype, frame, n, len, &got));
		ck_assert_uint_eq(got.len, 0);
	}
}
END_TEST

START_TEST(other_frames)
{
	uint8_t frame[60] = { [12] = 8, 6 }; /* ARP */
	struct zg_capture_packet got;

	ck_assert(zg_capture_ip(DLT_EN10MB, frame, sizeof frame, sizeof frame, &got));
	ck_assert_uint_eq(got.len, 0);
	frame[12] = 0x86, frame[13] = 0xdd, frame[14] = 0x45; /* says IPv6 and is not */
	ck_assert(zg_capture_ip(DLT_EN10MB, frame, sizeof frame, sizeof frame, &got));
	ck_assert_uint_eq(got.len, 0);
	ck_assert(!zg_capture_ip(DLT_IEEE802_11, frame, sizeof frame, sizeof frame, &got));
}
END_TEST

/* --- connections -------------------------------------------------------------------------------------- */

#define C 5000u
#define S 90000u
#define FLOWS_MAX 8

static struct zg_replay *replay;
static int64_t now_ms;
static struct zg_replay_flow flows[FLOWS_MAX];
static size_t n_flows;
static struct zg_replay_rest rest;

static void begin(bool no_checksum)
{
	const struct zg_replay_config config = { .inspector = &letters, .config = "", .no_checksum = no_checksum };
	now_ms = 1700000000000;
	n_flows = 0;
	ck_assert_int_eq(zg_replay_new(&config, &replay), ZG_OK);
}

static void raw(const uint8_t *data, size_t len, size_t wire_len)
{
	const struct zg_capture_packet packet = { data, len, wire_len, now_ms++ };
	ck_assert_int_eq(zg_replay_packet(replay, &packet), ZG_OK);
}

static void pass(struct pkt p)
{
	static uint8_t buf[PKT_MAX];
	const size_t len = pkt_build(&p, buf);
	raw(buf, len, len);
}

static void says(bool server, uint16_t port, uint32_t seq, const char *text, uint32_t ack, uint8_t flags)
{
	pass((struct pkt){ .from_server = server, .client_port = port, .flags = flags | ZG_ACK, .data = text,
			   .len = strlen(text), .seq = (server ? S : C) + 1 + seq, .ack = (server ? C : S) + 1 + ack });
}

static void shake(uint16_t port)
{
	pass((struct pkt){ .client_port = port, .flags = ZG_SYN, .seq = C });
	pass((struct pkt){ .client_port = port, .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1 });
	says(false, port, 0, "", 0, 0);
}

static void collect(void *ctx, const struct zg_replay_flow *flow)
{
	(void)ctx;
	ck_assert_uint_lt(n_flows, FLOWS_MAX);
	flows[n_flows++] = *flow;
}

static void finish(size_t expected)
{
	zg_replay_finish(replay, collect, NULL, &rest);
	zg_replay_free(replay);
	ck_assert_uint_eq(n_flows, expected);
}

static void is(size_t i, enum zg_replay_verdict verdict, enum zg_reason reason, const char *client, const char *server)
{
	const struct zg_replay_flow *f = &flows[i];
	const char *text[2] = { client, server };

	ck_assert_msg(f->verdict == verdict && f->reason == reason, "verdict %d, %s", f->verdict, zg_reason_name(f->reason));
	for (int dir = 0; dir < 2; dir++) {
		struct sha256_ctx ctx;
		uint8_t digest[SHA256_DIGEST_SIZE];
		char hex[ZG_SHA256_HEX];
		ck_assert_uint_eq(f->bytes[dir], strlen(text[dir]));
		sha256_init(&ctx);
		sha256_update(&ctx, strlen(text[dir]), (const uint8_t *)text[dir]);
		sha256_digest(&ctx, sizeof digest, digest);
		for (size_t k = 0; k < sizeof digest; k++)
			snprintf(hex + 2 * k, 3, "%02x", digest[k]);
		ck_assert_str_eq(f->sha256[dir], hex);
	}
}

START_TEST(verdicts)
{
	begin(false);
	shake(1001);
	shake(1002);
	shake(1003);
	shake(1004);
	says(false, 1001, 0, "hez", 0, 0);
	says(true, 1001, 0, "ok", 3, 0);
	says(false, 1001, 3, "", 2, ZG_FIN);
	says(true, 1001, 2, "", 4, ZG_FIN);
	says(false, 1001, 4, "", 3, 0);
	says(false, 1002, 0, "abXc", 0, 0);
	says(true, 1002, 0, "what the server said then", 4, 0);
	says(false, 1003, 0, "half", 0, 0);
	pass((struct pkt){ .client_port = 1004, .flags = ZG_RST | ZG_ACK, .from_server = true, .seq = S + 1, .ack = C + 1 });
	says(true, 1005, 7, "from the middle", 9, 0);
	finish(5);
	is(0, ZG_REPLAY_ACCEPT, ZG_R_NONE, "heZ", "ok");
	is(1, ZG_REPLAY_DENY, ZG_R_SMTP_LINE_END, "ab", "");
	ck_assert(flows[1].denied_in_flow && flows[1].denied_dir == ZG_CLIENT);
	ck_assert_uint_eq(flows[1].packets, 5);
	is(2, ZG_REPLAY_INCOMPLETE, ZG_R_NONE, "half", "");
	is(3, ZG_REPLAY_ACCEPT, ZG_R_NONE, "", "");
	is(4, ZG_REPLAY_DENY, ZG_R_TCP_UNKNOWN, "", "");
	ck_assert_uint_eq(flows[4].tuple.client_port, 1005);
	ck_assert_uint_eq(flows[4].tuple.server_port, 25);
}
END_TEST

START_TEST(fins_are_enough)
{
	begin(false);
	shake(1);
	says(false, 1, 0, "a", 0, ZG_FIN);
	says(true, 1, 0, "b", 2, ZG_FIN);
	finish(1);
	is(0, ZG_REPLAY_ACCEPT, ZG_R_NONE, "a", "b");
}
END_TEST

START_TEST(refused_by_the_host)
{
	begin(false);
	pass((struct pkt){ .client_port = 1, .flags = ZG_SYN, .seq = C });
	pass((struct pkt){ .client_port = 1, .flags = ZG_RST | ZG_ACK, .from_server = true, .ack = C + 1 });
	pass((struct pkt){ .client_port = 2, .flags = ZG_SYN, .seq = C });
	finish(2);
	is(0, ZG_REPLAY_ACCEPT, ZG_R_NONE, "", "");
	is(1, ZG_REPLAY_INCOMPLETE, ZG_R_NONE, "", "");
}
END_TEST

START_TEST(same_ends_again)
{
	begin(false);
	for (uint32_t i = 0; i < 2; i++) {
		shake(1);
		says(false, 1, 0, "a", 0, ZG_FIN);
		says(true, 1, 0, "b", 2, ZG_FIN);
		says(false, 1, 2, "", 2, 0);
		now_ms += 1000;
		/* with another number, or it would be a repetition */
		pass((struct pkt){ .client_port = 1, .flags = ZG_SYN, .seq = C + 1000 + i });
		pass((struct pkt){ .client_port = 1, .flags = ZG_RST, .seq = C + 1001 + i });
	}
	finish(4);
	for (size_t i = 0; i < 4; i++)
		is(i, ZG_REPLAY_ACCEPT, ZG_R_NONE, i % 2 ? "" : "a", i % 2 ? "" : "b");
}
END_TEST

START_TEST(acknowledged_though_held)
{
	/* between real hosts nothing is withheld: the server acknowledges and speaks before the bytes are released here */
	begin(false);
	shake(1);
	says(false, 1, 0, "a(b", 0, 0);
	says(true, 1, 0, "go on", 3, 0);
	says(false, 1, 3, "c", 5, 0);
	says(true, 1, 5, "", 4, 0);
	says(false, 1, 4, ")d", 5, 0);
	says(false, 1, 6, "e", 5, 0);
	finish(1);
	is(0, ZG_REPLAY_INCOMPLETE, ZG_R_NONE, "a(bc)de", "go on");
}
END_TEST

START_TEST(acknowledged_out_of_order)
{
	struct pkt sack = { .from_server = true, .client_port = 1, .flags = ZG_ACK, .seq = S + 1, .ack = C + 1 };
	struct pkt syn = { .client_port = 1, .flags = ZG_SYN, .seq = C };
	struct pkt synack = { .client_port = 1, .flags = ZG_SYN | ZG_ACK, .from_server = true, .seq = S, .ack = C + 1 };

	begin(false);
	pkt_opt_sack_ok(&syn);
	pkt_opt_sack_ok(&synack);
	pkt_opt_sack(&sack, C + 3, C + 5);
	pass(syn);
	pass(synack);
	says(false, 1, 0, "", 0, 0);
	says(false, 1, 2, "cd", 0, 0);
	pass(sack);
	says(false, 1, 0, "ab", 0, 0);
	says(true, 1, 0, "ok", 4, 0);
	finish(1);
	is(0, ZG_REPLAY_INCOMPLETE, ZG_R_NONE, "abcd", "ok");
	ck_assert_uint_eq(flows[0].dropped[ZG_R_TCP_ACK], 0);
}
END_TEST

START_TEST(bad_packets)
{
	static uint8_t buf[PKT_MAX];
	const struct pkt p = { .client_port = 1, .flags = ZG_ACK, .seq = C + 1, .ack = S + 1, .data = "abc", .len = 3 };
	const struct pkt syn = { .client_port = 2, .flags = ZG_SYN, .seq = C, .data = "x", .len = 1 };

	begin(false);
	shake(1);
	size_t len = pkt_build(&p, buf);
	buf[len - 1] ^= 1;
	raw(buf, len, len);
	len = pkt_build(&p, buf);
	raw(buf, len - 2, len);
	buf[6] = 0x20;
	pkt_checksums(buf, len);
	raw(buf, len, len);
	says(false, 1, 0, "abc", 0, 0);
	pass(syn);
	buf[6] = 0;
	buf[9] = 17; /* UDP */
	pkt_checksums(buf, len);
	raw(buf, len, len);
	raw(buf, 0, 0);
	finish(2);
	is(0, ZG_REPLAY_INCOMPLETE, ZG_R_NONE, "abc", "");
	ck_assert_uint_eq(flows[0].dropped[ZG_R_PKT_CHECKSUM], 1);
	ck_assert_uint_eq(flows[0].dropped[ZG_R_PKT_TRUNCATED], 1);
	ck_assert_uint_eq(flows[0].dropped[ZG_R_PKT_FRAGMENT], 1);
	is(1, ZG_REPLAY_DENY, ZG_R_TCP_SYN_DATA, "", "");
	ck_assert_uint_eq(rest.other, 2);
	ck_assert_uint_eq(rest.checksum, 1);
}
END_TEST

START_TEST(checksums_not_filled)
{
	static uint8_t buf[PKT_MAX];

	begin(true);
	shake(1);
	const struct pkt p = { .client_port = 1, .flags = ZG_ACK, .seq = C + 1, .ack = S + 1, .data = "abc", .len = 3 };
	const size_t len = pkt_build(&p, buf);
	memset(buf + 2, 0, 2); /* the length is left to hardware as well */
	memset(buf + 10, 0, 2);
	memset(buf + 36, 0, 2);
	raw(buf, len, len);
	finish(1);
	is(0, ZG_REPLAY_INCOMPLETE, ZG_R_NONE, "abc", "");
}
END_TEST

/* What Linux leaves for its hardware is told from a wrong checksum, without any option. */
START_TEST(checksums_still_to_be_filled)
{
	static uint8_t buf[PKT_MAX];
	const struct pkt p = { .client_port = 1, .flags = ZG_ACK, .seq = C + 1, .ack = S + 1, .data = "abc", .len = 3 };

	begin(false);
	shake(1);
	const size_t len = pkt_build(&p, buf);
	const uint64_t pseudo = zg_sum(0, buf + 12, 8) + 6 + (len - 20);
	const uint16_t partial = (uint16_t)~zg_sum_fold(pseudo);
	buf[36] = (uint8_t)((partial + 1) >> 8);
	buf[37] = (uint8_t)(partial + 1);
	raw(buf, len, len);
	raw(buf, 21, 21); /* shorter than its header */
	buf[36] = (uint8_t)(partial >> 8);
	buf[37] = (uint8_t)partial;
	raw(buf, len, len);
	finish(1);
	is(0, ZG_REPLAY_INCOMPLETE, ZG_R_NONE, "abc", "");
	ck_assert_uint_eq(flows[0].dropped[ZG_R_PKT_CHECKSUM], 1);
	ck_assert_uint_eq(rest.unfilled, 1);
}
END_TEST

START_TEST(time_goes_with_the_capture)
{
	begin(false);
	shake(1);
	now_ms -= 50000; /* backwards: no time passes */
	says(false, 1, 0, "a", 0, 0);
	now_ms += 50000 + ZG_IDLE_MS + 60000;
	says(false, 1, 1, "b", 0, 0);
	finish(1);
	is(0, ZG_REPLAY_INCOMPLETE, ZG_R_TCP_IDLE, "a", "");
	ck_assert_uint_eq(flows[0].dropped[ZG_R_TCP_UNKNOWN], 1);
}
END_TEST

/* --- the command ------------------------------------------------------------------------------------------ */

static char dir[] = "/tmp/zonegate-replay-XXXXXX";
static char path[64];

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/capture", dir);
}

static void teardown(void)
{
	unlink(path);
	char out[72];
	snprintf(out, sizeof out, "%s/out", dir);
	unlink(out);
	rmdir(dir);
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
}


/* One SMTP greeting, EHLO and QUIT, over IPv6. */
static size_t dialogue(uint8_t *out, size_t (*add)(uint8_t *out, const uint8_t *packet, size_t len))
{
	static const char *const lines[] = { "220 mx.example.jp ESMTP\r\n", "EHLO out.example\r\n", "250 mx.example.jp\r\n",
					     "QUIT\r\n", "221 bye\r\n" };
	static uint8_t buf[PKT_MAX];
	uint32_t at[2] = { C + 1, S + 1 };
	size_t n = 0;

	struct pkt p = { .v6 = true, .flags = ZG_SYN, .seq = C };
	n += add(out + n, buf, pkt_build(&p, buf));
	p = (struct pkt){ .v6 = true, .from_server = true, .flags = ZG_SYN | ZG_ACK, .seq = S, .ack = C + 1 };
	n += add(out + n, buf, pkt_build(&p, buf));
	for (int i = -1; i < 7; i++) {
		const bool server = i % 2 == 0;
		p = (struct pkt){ .v6 = true, .from_server = server, .flags = ZG_ACK, .seq = at[server], .ack = at[!server] };
		if (i >= 0 && i < 5) {
			p.data = lines[i];
			p.len = strlen(lines[i]);
		}
		if (i >= 4 && i < 6)
			p.flags |= ZG_FIN;
		at[server] += (uint32_t)p.len + (p.flags & ZG_FIN ? 1 : 0);
		n += add(out + n, buf, pkt_build(&p, buf));
	}
	return n;
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

static size_t add_pcap(uint8_t *out, const uint8_t *packet, size_t len)
{
	put32(out, 1700000000);
	put32(out + 4, 0);
	put32(out + 8, (uint32_t)len);
	put32(out + 12, (uint32_t)len);
	memcpy(out + 16, packet, len);
	return 16 + len;
}

static size_t make_pcap(uint8_t *out)
{
	put32(out, 0xa1b2c3d4);
	put32(out + 4, 2 | 4 << 16);
	memset(out + 8, 0, 8);
	put32(out + 16, 262144);
	put32(out + 20, 101); /* raw IP */
	return 24 + dialogue(out + 24, add_pcap);
}

static size_t add_pcapng(uint8_t *out, const uint8_t *packet, size_t len)
{
	const size_t padded = (len + 3) & ~(size_t)3;
	const uint64_t us = 1700000000000000u;
	memset(out, 0, 32 + padded);
	put32(out, 6);
	put32(out + 4, (uint32_t)(32 + padded));
	put32(out + 12, (uint32_t)(us >> 32));
	put32(out + 16, (uint32_t)us);
	put32(out + 20, (uint32_t)len);
	put32(out + 24, (uint32_t)len);
	memcpy(out + 28, packet, len);
	put32(out + 28 + padded, (uint32_t)(32 + padded));
	return 32 + padded;
}

static size_t make_pcapng(uint8_t *out)
{
	memset(out, 0, 48);
	put32(out, 0x0a0d0d0a);
	put32(out + 4, 28);
	put32(out + 8, 0x1a2b3c4d);
	put32(out + 12, 1);
	memset(out + 16, 0xff, 8);
	put32(out + 24, 28);
	put32(out + 28, 1);
	put32(out + 32, 20);
	put32(out + 36, 101);
	put32(out + 44, 20);
	return 48 + dialogue(out + 48, add_pcapng);
}

/* Writes the capture, runs the command; returns its status and what it printed. */
static int run(const uint8_t *capture, size_t len, char *ret_out, size_t cap)
{
	char out_path[72], inspector[] = "--inspector=smtp", json[] = "--json", name[] = "zonegatectl replay";
	char *argv[] = { name, inspector, json, path, NULL };

	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(write(fd, capture, len), (ssize_t)len);
	close(fd);
	snprintf(out_path, sizeof out_path, "%s/out", dir);
	fflush(stdout);
	const int saved = dup(STDOUT_FILENO);
	fd = open(out_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDOUT_FILENO);
	const int status = zg_cmd_replay(4, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	const ssize_t n = pread(fd, ret_out, cap - 1, 0);
	close(fd);
	ck_assert_int_ge(n, 0);
	ret_out[n] = '\0';
	return status;
}

static void is_the_dialogue(const char *out, const char *verdict)
{
	json_error_t error;
	json_t *o = json_loads(out, 0, &error);
	const char *proto, *client, *server, *inspector, *got, *sha[2];
	json_int_t bytes[2];
	json_t *reason;

	ck_assert_msg(o != NULL, "%s in %s", error.text, out);
	ck_assert_int_eq(json_unpack_ex(o, &error, 0, "{s:s, s:s, s:s, s:s, s:s, s:o, s:{s:{s:I, s:s}, s:{s:I, s:s}}}", "proto",
					&proto, "client", &client, "server", &server, "inspector", &inspector, "verdict", &got,
					"reason", &reason, "released", "client", "bytes", &bytes[0], "sha256", &sha[0], "server",
					"bytes", &bytes[1], "sha256", &sha[1]), 0);
	ck_assert_str_eq(proto, "tcp");
	ck_assert_str_eq(client, "[2001:db8::1]:40000");
	ck_assert_str_eq(server, "[2001:db8::2]:25");
	ck_assert_str_eq(inspector, "smtp");
	ck_assert_str_eq(got, verdict);
	ck_assert(json_is_null(reason));
	ck_assert_int_eq(bytes[0], 24);
	ck_assert_uint_eq(strlen(sha[0]), 64);
	json_decref(o);
}

START_TEST(both_formats)
{
	static uint8_t capture[8192];
	static char out[8192];
	const size_t len = _i ? make_pcapng(capture) : make_pcap(capture);

	ck_assert_int_eq(run(capture, len, out, sizeof out), ZG_EXIT_OK);
	is_the_dialogue(out, "accept");
	/* broken off: what was read is told, and that it was not all */
	ck_assert_int_eq(run(capture, len - 3, out, sizeof out), ZG_EXIT_FAILED);
	is_the_dialogue(out, "accept");
	ck_assert_int_eq(run(capture, len - 160, out, sizeof out), ZG_EXIT_FAILED);
	is_the_dialogue(out, "incomplete");
	ck_assert_int_eq(run((const uint8_t *)"no capture", 10, out, sizeof out), ZG_EXIT_FAILED);
	ck_assert_str_eq(out, "");
	ck_assert_int_eq(run(capture, 0, out, sizeof out), ZG_EXIT_FAILED);
}
END_TEST

static int run_words(int n, const char *const *words)
{
	char copy[8][64], *argv[9] = { NULL };
	for (int i = 0; i < n; i++) {
		snprintf(copy[i], sizeof copy[i], "%s", words[i]);
		argv[i] = copy[i];
	}
	return zg_cmd_replay(n, argv);
}

START_TEST(usage)
{
	static const char *const lines[][5] = {
		{ "zonegatectl replay", "--inspector=nonsense", "file", NULL, NULL },
		{ "zonegatectl replay", "file", NULL, NULL, NULL },
		{ "zonegatectl replay", "--inspector=smtp", "-omode=nonsense", "file", NULL },
		{ "zonegatectl replay", "--inspector=smtp", "-ononsense=1", "file", NULL },
		{ "zonegatectl replay", "--inspector=smtp", "-omax_message=1", "file", NULL },
		{ "zonegatectl replay", "--inspector=smtp", "-omax_message=4294969344", "file", NULL },
		{ "zonegatectl replay", "--inspector=smtp", "-ocharsets=utf-8,", "file", NULL },
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		int n = 0;
		while (lines[i][n] != NULL)
			n++;
		ck_assert_int_eq(run_words(n, lines[i]), ZG_EXIT_USAGE);
	}
	/* good settings: it is the file that is missing */
	static const char *const good[] = { "zonegatectl replay", "--inspector=smtp", "-omode=verify",
					    "-ocharsets=utf-8,us-ascii", "-omax_message=2000", "/nonexistent" };
	ck_assert_int_eq(run_words(6, good), ZG_EXIT_FAILED);
}
END_TEST

/* --- UDP ------------------------------------------------------------------------------------------------ */

static void datagram(bool server, uint16_t port, const char *text)
{
	static uint8_t buf[PKT_MAX];
	const struct udp u = { .from_server = server, .client_port = port, .data = text, .len = strlen(text) };
	const size_t len = udp_build(&u, buf);
	raw(buf, len, len);
}

START_TEST(udp_flows)
{
	const struct zg_replay_config config = { .inspector = &numbers, .config = "" };
	now_ms = 1700000000000;
	n_flows = 0;
	ck_assert_int_eq(zg_replay_new(&config, &replay), ZG_OK);
	datagram(false, 1001, "1 az");
	datagram(true, 1001, "1 ok");
	datagram(true, 1001, "1 again");
	datagram(false, 1002, "2");
	datagram(false, 1003, "3X");
	datagram(true, 1004, "4");
	shake(1005); /* TCP is not the inspector's */
	now_ms += ZG_UDP_ANSWER_MS;
	shake(1006);
	now_ms += ZG_UDP_IDLE_MS;
	datagram(false, 1001, "5"); /* a new flow between the same ports */
	finish(5);
	is(0, ZG_REPLAY_ACCEPT, ZG_R_NONE, "1 aZ", "1 ok");
	ck_assert_uint_eq(flows[0].dropped[ZG_R_UDP_UNASKED], 1);
	is(1, ZG_REPLAY_INCOMPLETE, ZG_R_UDP_UNANSWERED, "2", "");
	is(2, ZG_REPLAY_DENY, ZG_R_UDP_SIZE, "", "");
	is(3, ZG_REPLAY_DENY, ZG_R_UDP_UNASKED, "", "");
	is(4, ZG_REPLAY_INCOMPLETE, ZG_R_NONE, "5", "");
	ck_assert_uint_eq(rest.other, 6);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("replay");
	TCase *tc = tcase_create("capture");
	tcase_add_loop_test(tc, link_header_comes_off, 0, (int)(sizeof links / sizeof *links));
	tcase_add_test(tc, other_frames);
	suite_add_tcase(suite, tc);

	tc = tcase_create("connections");
	tcase_add_test(tc, verdicts);
	tcase_add_test(tc, fins_are_enough);
	tcase_add_test(tc, refused_by_the_host);
	tcase_add_test(tc, same_ends_again);
	tcase_add_test(tc, acknowledged_though_held);
	tcase_add_test(tc, acknowledged_out_of_order);
	tcase_add_test(tc, bad_packets);
	tcase_add_test(tc, checksums_not_filled);
	tcase_add_test(tc, checksums_still_to_be_filled);
	tcase_add_test(tc, time_goes_with_the_capture);
	tcase_add_test(tc, udp_flows);
	suite_add_tcase(suite, tc);

	tc = tcase_create("command");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, both_formats, 0, 2);
	tcase_add_test(tc, usage);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
