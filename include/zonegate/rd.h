/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded readers: every read of bytes that came from outside goes through here.
 *
 * struct zg_rd   reads; its error is sticky, so a parser may read a whole structure and ask once.
 * struct zg_rw   one chunk of a stream as an inspector sees it: reads in order, may overwrite a byte
 *                that it has already read or is about to read, the held ones before the chunk too, can never change
 *                the length.
 */
#ifndef ZONEGATE_RD_H
#define ZONEGATE_RD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct zg_rd {
	const uint8_t *p; /* borrowed */
	size_t len;
	size_t pos; /* pos <= len always */
	bool err;   /* set by the first read past the end; then every read yields 0 */
};

static inline struct zg_rd zg_rd_init(const void *p, size_t len)
{
	return (struct zg_rd){ .p = p, .len = len, .pos = 0, .err = false };
}

static inline size_t zg_rd_left(const struct zg_rd *rd)
{
	return rd->err ? 0 : rd->len - rd->pos;
}

/* n bytes in place, or NULL with the error set; the pointer lives as long as the buffer. */
static inline const uint8_t *zg_rd_bytes(struct zg_rd *rd, size_t n)
{
	if (rd->err || n > rd->len - rd->pos) {
		rd->err = true;
		return NULL;
	}
	const uint8_t *at = rd->p + rd->pos;
	rd->pos += n;
	return at;
}

static inline void zg_rd_skip(struct zg_rd *rd, size_t n)
{
	(void)zg_rd_bytes(rd, n);
}

static inline uint8_t zg_rd_u8(struct zg_rd *rd)
{
	const uint8_t *b = zg_rd_bytes(rd, 1);
	return b ? b[0] : 0;
}

static inline uint16_t zg_rd_be16(struct zg_rd *rd)
{
	const uint8_t *b = zg_rd_bytes(rd, 2);
	return b ? (uint16_t)(((uint32_t)b[0] << 8) | b[1]) : 0;
}

static inline uint32_t zg_rd_be32(struct zg_rd *rd)
{
	const uint8_t *b = zg_rd_bytes(rd, 4);
	return b ? ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) | ((uint32_t)b[2] << 8) | b[3] : 0;
}

/* Copies n bytes to ret_buf; on a short input ret_buf is untouched and the error set. */
static inline bool zg_rd_copy(struct zg_rd *rd, void *ret_buf, size_t n)
{
	const uint8_t *b = zg_rd_bytes(rd, n);
	if (b == NULL)
		return false;
	memcpy(ret_buf, b, n);
	return true;
}

/* A reader over the next n bytes, which are consumed here. */
static inline struct zg_rd zg_rd_sub(struct zg_rd *rd, size_t n)
{
	const uint8_t *b = zg_rd_bytes(rd, n);
	struct zg_rd sub = zg_rd_init(b, b ? n : 0);
	sub.err = b == NULL;
	return sub;
}

#define ZG_RD_BLOCK 64 /* bytes that are looked at in one step: one bit each in a uint64_t */

/* The next ZG_RD_BLOCK bytes without consuming them: in place, or, if fewer are left, these and zeros behind them in pad. */
static inline const uint8_t *zg_rd_block(const struct zg_rd *rd, uint8_t pad[static ZG_RD_BLOCK])
{
	const size_t left = zg_rd_left(rd);
	if (left >= ZG_RD_BLOCK)
		return rd->p + rd->pos;
	memset(pad, 0, ZG_RD_BLOCK);
	if (left > 0)
		memcpy(pad, rd->p + rd->pos, left);
	return pad;
}

struct zg_lender; /* zonegate/inspector.h */

struct zg_rw {
	uint8_t *p; /* borrowed; writable copy of the segment's payload */
	size_t len;
	size_t pos;  /* bytes consumed; on a denial: the offset of the offending byte */
	bool dirty;  /* a byte was really changed */
	uint8_t *held;	 /* borrowed; the last n_held bytes before p, which are not released yet */
	size_t n_held;
	bool held_dirty; /* one of these was really changed */
	struct zg_lender *lender; /* borrowed; memory that the reader of these bytes may come to need */
};

static inline struct zg_rw zg_rw_init(uint8_t *p, size_t len)
{
	return (struct zg_rw){ .p = p, .len = len, .pos = 0, .dirty = false };
}

/* The next byte without consuming it; false at the end. */
static inline bool zg_rw_peek(const struct zg_rw *rw, uint8_t *ret_byte)
{
	if (rw->pos >= rw->len)
		return false;
	*ret_byte = rw->p[rw->pos];
	return true;
}

/* Consumes one byte; a no-op at the end. */
static inline void zg_rw_advance(struct zg_rw *rw)
{
	if (rw->pos < rw->len)
		rw->pos++;
}

static inline size_t zg_rw_left(const struct zg_rw *rw)
{
	return rw->len - rw->pos;
}

/* A reader over the bytes from pos on, but no more than max of them. */
static inline struct zg_rd zg_rw_rest(const struct zg_rw *rw, size_t max)
{
	const size_t left = zg_rw_left(rw);
	return zg_rd_init(rw->p + rw->pos, left < max ? left : max);
}

/* Consumes n bytes, or what is left. */
static inline void zg_rw_skip(struct zg_rw *rw, size_t n)
{
	const size_t left = zg_rw_left(rw);
	rw->pos += n < left ? n : left;
}

/* Overwrites the byte at pos (the one that peek showed); a no-op at the end. */
static inline void zg_rw_replace(struct zg_rw *rw, uint8_t byte)
{
	if (rw->pos < rw->len && rw->p[rw->pos] != byte) {
		rw->p[rw->pos] = byte;
		rw->dirty = true;
	}
}

/* Consumes n bytes and puts others in their place; a no-op if fewer are left. */
static inline void zg_rw_write(struct zg_rw *rw, const uint8_t *bytes, size_t n)
{
	if (n > zg_rw_left(rw))
		return;
	rw->dirty = rw->dirty || memcmp(rw->p + rw->pos, bytes, n) != 0;
	memcpy(rw->p + rw->pos, bytes, n);
	rw->pos += n;
}

/* The byte n before the one that peek shows (0: that one), if it is there and not released yet; else NULL. */
static inline uint8_t *zg_rw_behind(const struct zg_rw *rw, size_t n)
{
	if (n <= rw->pos)
		return rw->pos - n < rw->len ? rw->p + (rw->pos - n) : NULL;
	const size_t before = n - rw->pos;
	return before <= rw->n_held ? rw->held + (rw->n_held - before) : NULL;
}

/* Overwrites that byte; false: it is gone. */
static inline bool zg_rw_amend(struct zg_rw *rw, size_t n, uint8_t byte)
{
	uint8_t *at = zg_rw_behind(rw, n);
	if (at == NULL)
		return false;
	if (*at != byte)
		*(n <= rw->pos ? &rw->dirty : &rw->held_dirty) = true;
	*at = byte;
	return true;
}

#endif
