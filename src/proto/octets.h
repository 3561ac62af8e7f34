/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to a block of 64 octets at once: the answer has one bit per octet, the first octet's is the lowest. Vectors are
 * the compiler's, so nothing here depends on the processor but how the bits are gathered.
 */
#ifndef ZONEGATE_PROTO_OCTETS_H
#define ZONEGATE_PROTO_OCTETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "zonegate/rd.h"

typedef uint8_t zg_octets16 __attribute__((vector_size(16)));
typedef int8_t zg_signed16 __attribute__((vector_size(16)));

struct zg_octets {
	zg_octets16 q[ZG_RD_BLOCK / 16];
};

static inline struct zg_octets zg_octets_load(const uint8_t block[static ZG_RD_BLOCK])
{
	struct zg_octets o;
	memcpy(&o, block, sizeof o);
	return o;
}

/* The highest bit of each of 16 octets. */
static inline uint64_t zg_octets_gather(zg_octets16 v)
{
#ifdef __SSE2__
	typedef char chars16 __attribute__((vector_size(16)));
	return (uint64_t)(uint32_t)__builtin_ia32_pmovmskb128((chars16)v);
#else
	uint64_t bits = 0;
	for (size_t i = 0; i < sizeof v; i++)
		bits |= (uint64_t)(v[i] >> 7) << i;
	return bits;
#endif
}

static inline uint64_t zg_octets_bits(zg_octets16 a, zg_octets16 b, zg_octets16 c, zg_octets16 d)
{
	return zg_octets_gather(a) | zg_octets_gather(b) << 16 | zg_octets_gather(c) << 32 | zg_octets_gather(d) << 48;
}

/* Octets above 0x7F */
static inline uint64_t zg_octets_high(const struct zg_octets *o)
{
	return zg_octets_bits(o->q[0], o->q[1], o->q[2], o->q[3]);
}

/* test(v): what is asked of 16 octets; v - n wraps, so "v - lo < n" asks for a range */
#define ZG_OCTETS_EACH(o, test)                                                                                              \
	zg_octets_bits((zg_octets16)test((o)->q[0]), (zg_octets16)test((o)->q[1]), (zg_octets16)test((o)->q[2]),             \
		       (zg_octets16)test((o)->q[3]))

/*
 * The same twice as wide, where the processor it runs on has such vectors. What is written with these has a twin of 16
 * octets, and both are tested against the octet machines.
 */
#ifdef __x86_64__
#define ZG_WIDE __attribute__((target("avx2")))

typedef uint8_t zg_octets32 __attribute__((vector_size(32)));
typedef int8_t zg_signed32 __attribute__((vector_size(32)));

/* zg_octets_narrow: for tests, which see both. */
extern bool zg_octets_narrow;
static inline bool zg_octets_wide(void)
{
	return __builtin_cpu_supports("avx2") && !zg_octets_narrow;
}

#define ZG_OCTETS_GATHER32(v) ((uint64_t)(uint32_t)__builtin_ia32_pmovmskb256((__attribute__((vector_size(32))) char)(v)))
#endif

#define ZG_PRINTABLE_OR_TAB(v) (((v) - 0x20 < 0x5F) | ((v) == '\t'))

/* The bits below bit n. */
static inline uint64_t zg_bits_below(size_t n)
{
	return n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
}

/* The lowest bit that is set; 64 if none is. */
static inline size_t zg_bits_first(uint64_t bits)
{
	return bits != 0 ? (size_t)__builtin_ctzll(bits) : 64;
}

#endif
