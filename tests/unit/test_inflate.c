/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proto/inflate.c: the same byte offends however a piece is cut, and nothing passes that is no content. */
#include "proto/inflate.h"

#include <stdlib.h>
#include <string.h>

#include "lend.h"
#include "unit.h"
#include "zonegate/limits.h"

struct kept {
	uint32_t n, max, sum;
	uint8_t bad; /* a byte of this value offends; 0: none */
};

static bool keep(void *ctx, const uint8_t *bytes, size_t n)
{
	struct kept *k = ctx;
	for (size_t i = 0; i < n; i++) {
		if (k->n++ >= k->max || (k->bad != 0 && bytes[i] == k->bad))
			return false;
		k->sum = k->sum * 31 + bytes[i];
	}
	return true;
}

/* How many bytes of a piece are read, given at once or in parts of up to cut. */
static size_t read_in(const uint8_t *piece, size_t n, size_t cut, struct kept *k)
{
	struct zg_inflate *s = calloc(1, sizeof *s);
	struct purse purse = purse_open();
	const struct zg_inflate_sink sink = { keep, k, sizeof *k };
	size_t at = 0;

	ck_assert_ptr_nonnull(s);
	zg_inflate_piece(s);
	while (at < n) {
		const size_t some = cut > 0 && n - at > cut ? cut : n - at;
		const size_t read = zg_inflate_read(s, &purse.lender, piece + at, some, &sink);
		ck_assert_uint_le(read, some);
		at += read;
		if (read < some)
			break;
	}
	ck_assert_uint_le(purse.n, 2); /* what zlib keeps and its window, whatever was undone */
	purse_close(&purse);
	free(s);
	return at;
}

static size_t read_everyhow(const uint8_t *piece, size_t n, const struct kept *fresh, struct kept *ret_kept)
{
	static const size_t cuts[] = { 1, 2, 33, 1000, 4097 };
	*ret_kept = *fresh;
	const size_t read = read_in(piece, n, 0, ret_kept);
	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		struct kept k = *fresh;
		ck_assert_uint_eq(read_in(piece, n, cuts[i], &k), read);
		if (read == n)
			ck_assert(memcmp(&k, ret_kept, sizeof k) == 0);
	}
	return read;
}

static size_t deflate_all(int level, int strategy, int flush, const uint8_t *content, size_t n, uint8_t *out, size_t room)
{
	z_stream z = { 0 };
	ck_assert_int_eq(deflateInit2(&z, level, Z_DEFLATED, 15, 8, strategy), Z_OK);
	z.next_in = content;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)room;
	ck_assert_int_ge(deflate(&z, flush), Z_OK);
	ck_assert(z.avail_in == 0 && z.avail_out > 0);
	const size_t len = room - z.avail_out;
	deflateEnd(&z);
	return len;
}

static void content_of(int kind, uint8_t *content, size_t n)
{
	uint32_t random = 7;
	for (size_t i = 0; i < n; i++) {
		random = random * 1664525u + 1013904223u;
		content[i] = kind == 0 ? 1 : kind == 1 ? (uint8_t)(random >> 24 | 1) : (uint8_t)(2 + i / 7 % 5 + (random >> 30));
	}
}

#define N 20000

START_TEST(content_comes_whole)
{
	static uint8_t content[N], out[N * 2];
	static const int levels[] = { 0, 6 };
	struct kept k, fresh = { .max = N };

	for (int kind = 0; kind < 3; kind++) {
		content_of(kind, content, N);
		struct kept all = fresh;
		ck_assert(keep(&all, content, N));
		for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
			for (int strategy = Z_DEFAULT_STRATEGY; strategy <= Z_FIXED; strategy++) {
				const size_t len = deflate_all(levels[l], strategy, Z_SYNC_FLUSH, content, N, out, sizeof out);
				ck_assert_uint_eq(read_everyhow(out, len, &fresh, &k), len);
				ck_assert(k.n == N && k.sum == all.sum);
			}
	}
}
END_TEST

/* One byte of content too many, or one that offends: at the same place everyhow, and before the end. */
START_TEST(content_that_offends)
{
	static uint8_t content[N], out[N * 2];
	struct kept k, fresh = { .max = N - 1 };

	for (int kind = 0; kind < 3; kind++) {
		content_of(kind, content, N);
		size_t len = deflate_all(6, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH, content, N, out, sizeof out);
		const size_t read = read_everyhow(out, len, &fresh, &k);
		ck_assert(read < len && read + 10 > len);
		content[N / 2] = 200;
		if (kind == 1)
			continue;
		len = deflate_all(6, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH, content, N, out, sizeof out);
		const struct kept bad = { .max = N, .bad = 200 };
		ck_assert_uint_lt(read_everyhow(out, len, &bad, &k), len);
	}
}
END_TEST

START_TEST(streams_that_offend)
{
	static uint8_t content[N], out[N * 2];
	struct kept k, fresh = { .max = N };
	uint32_t random = 3;

	content_of(2, content, N);
	/* an end, which takes its checksum with it */
	size_t len = deflate_all(6, Z_DEFAULT_STRATEGY, Z_FINISH, content, 1000, out, sizeof out);
	ck_assert_uint_lt(read_everyhow(out, len, &fresh, &k), len);
	/* no zlib; a preset dictionary; a window that is too large */
	ck_assert_uint_eq(read_everyhow((const uint8_t *)"\x1f\x8b\x08\x00", 4, &fresh, &k), 1);
	ck_assert_uint_lt(read_everyhow((const uint8_t *)"\x78\xbb\x00\x00\x00\x01\x00", 7, &fresh, &k), 7);
	ck_assert_uint_lt(read_everyhow((const uint8_t *)"\x88\x98\x00", 3, &fresh, &k), 3);
	/* a distance beyond the beginning */
	ck_assert_uint_lt(read_everyhow((const uint8_t *)"\x78\x9c\x03\x82\x00\x00\x00", 7, &fresh, &k), 7);
	/* whatever is turned over, the same byte offends or the same content comes */
	len = deflate_all(6, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH, content, 3000, out, sizeof out);
	for (int i = 0; i < 300; i++) {
		random = random * 1664525u + 1013904223u;
		const size_t at = (random >> 8) % len;
		const uint8_t bit = (uint8_t)(1u << (random >> 4 & 7));
		out[at] ^= bit;
		(void)read_everyhow(out, len, &fresh, &k);
		out[at] ^= bit;
	}
}
END_TEST

/* Blocks without content: as few as a flush leaves. */
START_TEST(slack_between_blocks)
{
	uint8_t piece[200] = { 0x78, 0x9c };
	static const uint8_t stored[] = { 0, 0, 0, 0xff, 0xff };
	struct kept k, fresh = { .max = 10 };
	size_t n = 2;

	for (unsigned i = 0; i < ZG_RFB_EMPTY_BLOCKS; i++, n += sizeof stored)
		memcpy(piece + n, stored, sizeof stored);
	ck_assert_uint_eq(read_everyhow(piece, n, &fresh, &k), n);
	memcpy(piece + n, stored, sizeof stored);
	n += sizeof stored;
	ck_assert_uint_lt(read_everyhow(piece, n, &fresh, &k), n);
	/* dynamic codes and their end, nothing else: room for a message in the lengths of codes */
	static const uint8_t dynamic[] = { 0x78, 0x9c, 0x04, 0xc0, 0x81, 0x00, 0x00, 0x00, 0x00, 0x00, 0x90, 0xff, 0x6b, 0x00 };
	const size_t read = read_everyhow(dynamic, sizeof dynamic, &fresh, &k);
	ck_assert_msg(read < sizeof dynamic, "%zu", read);
}
END_TEST

START_TEST(begins_anew)
{
	static uint8_t content[100], out[300];
	struct zg_inflate *s = calloc(1, sizeof *s);
	struct purse purse = purse_open();
	struct kept k = { .max = 400 };
	const struct zg_inflate_sink sink = { keep, &k, sizeof k };

	ck_assert_ptr_nonnull(s);
	content_of(2, content, sizeof content);
	const size_t len = deflate_all(6, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH, content, sizeof content, out, sizeof out);
	zg_inflate_reset(s); /* before its beginning too */
	for (unsigned i = 0; i < 3; i++) {
		zg_inflate_piece(s);
		ck_assert_uint_eq(zg_inflate_read(s, &purse.lender, out, len, &sink), len);
		ck_assert_uint_eq(k.n, (i + 1u) * sizeof content);
		zg_inflate_reset(s);
	}
	ck_assert_uint_eq(purse.n, 2); /* however often */
	purse_close(&purse);
	/* nobody lends anything */
	memset(s, 0, sizeof *s);
	for (purse.max = 0; purse.max < 2; purse.max++) {
		memset(s, 0, sizeof *s);
		purse.n = 0;
		ck_assert_uint_lt(zg_inflate_read(s, &purse.lender, out, len, &sink), len);
		ck_assert(s->no_memory);
		purse_close(&purse);
	}
	free(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inflate");
	TCase *tc = tcase_create("stream");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, content_comes_whole);
	tcase_add_test(tc, content_that_offends);
	tcase_add_test(tc, streams_that_offend);
	tcase_add_test(tc, slack_between_blocks);
	tcase_add_test(tc, begins_anew);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
