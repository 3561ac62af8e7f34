/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/b64.h"
#include "proto/octets.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define NO_VALUE ZG_B64_NO_VALUE

#define NO NO_VALUE
/* What a character of the alphabet stands for. */
static const uint8_t values[256] = {
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, NO, NO, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO,
	NO, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, NO,
	NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
	[128 ... 255] = NO,
};

uint8_t zg_b64_value(uint8_t c)
{
	return values[c];
}

uint8_t zg_b64_char(unsigned value)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	return (uint8_t)alphabet[value & 63];
}

static int padding(struct zg_b64 *b64)
{
	if (b64->pad > 0) { /* "==": the second */
		b64->pad = 0;
		b64->n = 0;
		return 0;
	}
	unsigned unused = b64->n == 2 ? 0x0F : 0x03;
	if (b64->ended || b64->n < 2 || (b64->bits & unused) != 0)
		return -1;
	b64->ended = 1;
	b64->pad = b64->n == 2;
	if (b64->n == 3)
		b64->n = 0;
	return 0;
}

int zg_b64_feed(struct zg_b64 *b64, uint8_t c, uint8_t *ret_out)
{
	b64->filled = 1;
	if (c == '=')
		return padding(b64);
	unsigned v = values[c];
	if (v == NO_VALUE || b64->ended)
		return -1;
	unsigned both = (unsigned)b64->bits << 6 | v;
	unsigned shift = b64->n == 1 ? 4 : b64->n == 2 ? 2 : 0;
	bool out = b64->n > 0;
	if (out)
		*ret_out = (uint8_t)(both >> shift);
	b64->bits = (uint8_t)v;
	b64->n = (b64->n + 1) & 3;
	return out;
}

typedef uint8_t vec8 __attribute__((vector_size(16)));
typedef uint16_t vec16 __attribute__((vector_size(16)));
typedef uint32_t vec32 __attribute__((vector_size(16)));
typedef uint64_t vec64 __attribute__((vector_size(16)));

#define SOME 16 /* characters that are decoded in one step */

/* Four groups at once; false if there is anything else among them. */
static bool decode_some(const uint8_t c[static SOME], uint8_t ret_out[static SOME / 4 * 3])
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	vec8 v;
	memcpy(&v, c, sizeof v);
	const vec8 upper = (vec8)(v - 'A' < 26), lower = (vec8)(v - 'a' < 26), digit = (vec8)(v - '0' < 10),
		   plus = (vec8)(v == '+'), slash = (vec8)(v == '/');
	const vec64 good = (vec64)(upper | lower | digit | plus | slash);
	if ((good[0] & good[1]) != UINT64_MAX)
		return false;
	v -= (upper & 'A') | (lower & ('a' - 26)) | (digit & (uint8_t)('0' - 52)) | (plus & (uint8_t)('+' - 62)) |
	     (slash & (uint8_t)('/' - 63));
	const vec16 pairs = ((vec16)v & 0xFF) << 6 | (vec16)v >> 8;		  /* of 12 bits */
	const vec32 groups = ((vec32)pairs & 0xFFFF) << 12 | (vec32)pairs >> 16;  /* of 24 bits */
	const vec64 twos = ((vec64)groups & 0xFFFFFF) << 40 | (vec64)groups >> 32 << 16;
	for (size_t i = 0; i < 2; i++) {
		uint64_t octets = __builtin_bswap64(twos[i]);
		memcpy(ret_out + 6 * i, &octets, 6);
	}
	return true;
#else
	(void)c;
	(void)ret_out;
	return false;
#endif
}

#ifdef ZG_WIDE
#define MANY 32

/* What the two lanes of a vector look up, by half an octet. */
#define TABLE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))

/* Whole vectors of eight groups; ret_out has room for 4 octets more than they have. Returns the characters taken. */
ZG_WIDE static size_t decode_wide(const uint8_t *c, size_t n, uint8_t *ret_out)
{
	/* A character is of the alphabet if what its upper half forbids (one bit for each kind of row of the ASCII table) is
	 * not what its lower half is: row 2 has + and /, row 3 the digits, 4 and 6 all but their first, 5 and 7 up to Z. */
	const __m256i row = TABLE(16, 16, 1, 2, 4, 8, 4, 8, 16, 16, 16, 16, 16, 16, 16, 16);
	const __m256i column = TABLE(16 | 4 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 1, 16 | 2 | 1,
				     16 | 8 | 2, 16 | 8 | 2 | 1, 16 | 8 | 2 | 1, 16 | 8 | 2 | 1, 16 | 8 | 2);
	/* from a character of that row to its value; '/' is one before its row */
	const __m256i distance = TABLE(0, 63 - '/', 62 - '+', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 0, 0, 0, 0, 0, 0, 0);
	/* the octets of a group the other way round */
	const __m256i order = TABLE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
	const __m256i half = _mm256_set1_epi8(0x0F), slash = _mm256_set1_epi8('/');
	const __m256i to12 = _mm256_set1_epi16(1 << 8 | 1 << 6), to24 = _mm256_set1_epi32(1 << 16 | 1 << 12);
	size_t at = 0;

	for (; n - at >= MANY; at += MANY) {
		const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(c + at));
		const __m256i upper = _mm256_and_si256(_mm256_srli_epi32(v, 4), half);
		const __m256i lower = _mm256_and_si256(v, half);
		if (!_mm256_testz_si256(_mm256_shuffle_epi8(row, upper), _mm256_shuffle_epi8(column, lower)))
			break;
		const __m256i which = _mm256_add_epi8(upper, _mm256_cmpeq_epi8(v, slash));
		const __m256i value = _mm256_add_epi8(v, _mm256_shuffle_epi8(distance, which));
		const __m256i groups = _mm256_madd_epi16(_mm256_maddubs_epi16(value, to12), to24);
		const __m256i octets = _mm256_shuffle_epi8(groups, order);
		uint8_t *out = ret_out + at / 4 * 3;
		_mm_storeu_si128((__m128i *)(void *)out, _mm256_castsi256_si128(octets));
		_mm_storeu_si128((__m128i *)(void *)(out + 12), _mm256_extracti128_si256(octets, 1));
	}
	return at;
}
#endif

static bool decode_group(const uint8_t c[static 4], uint8_t ret_out[static 3])
{
	const unsigned v[4] = { values[c[0]], values[c[1]], values[c[2]], values[c[3]] };
	if ((v[0] | v[1] | v[2] | v[3]) & NO_VALUE)
		return false;
	ret_out[0] = (uint8_t)(v[0] << 2 | v[1] >> 4);
	ret_out[1] = (uint8_t)(v[1] << 4 | v[2] >> 2);
	ret_out[2] = (uint8_t)(v[2] << 6 | v[3]);
	return true;
}

size_t zg_b64_groups(struct zg_b64 *b64, struct zg_rd *in, size_t max, uint8_t *ret_out)
{
	if (b64->n != 0 || b64->ended)
		return 0;
	struct zg_rd ahead = *in;
	const size_t there = zg_rd_left(in) / 4, most = 4 * (there < max ? there : max);
	const uint8_t *c = zg_rd_bytes(&ahead, most);
	size_t at = 0;
#ifdef ZG_WIDE
	if (zg_octets_wide())
		at = decode_wide(c, most, ret_out);
#endif
	while (most - at >= SOME && decode_some(c + at, ret_out + at / 4 * 3))
		at += SOME;
	while (at < most && decode_group(c + at, ret_out + at / 4 * 3))
		at += 4;
	if (at == 0)
		return 0;
	b64->bits = values[c[at - 1]];
	b64->filled = 1;
	zg_rd_skip(in, at);
	return at / 4;
}

bool zg_b64_line_end(struct zg_b64 *b64)
{
	if (b64->n != 0)
		return false;
	if (!b64->filled)
		b64->ended = 1; /* some decoders stop here, so nothing may follow */
	b64->filled = 0;
	return true;
}

bool zg_b64_whole(const struct zg_b64 *b64)
{
	return b64->n == 0;
}
