/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection as the rfb inspector keeps it, and what its files share. Each direction is read in steps: a field of a few
 * bytes is gathered and looked at, and decides about the next field, or about a span of bytes that follows.
 */
#ifndef ZONEGATE_PROTO_RFB_H
#define ZONEGATE_PROTO_RFB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/inflate.h"
#include "proto/rfb_config.h"
#include "proto/rfb_format.h"
#include "proto/rfb_pixels.h"
#include "zonegate/inspector.h"
#include "zonegate/limits.h"
#include "zonegate/reason.h"

#define ZG_RFB_FIELD_MAX 32 /* bytes: ServerInit has 24 */
#define ZG_RFB_STREAMS	 6  /* zlib, ZRLE and the four of Tight, each with a stream of its own */

/* The first that is not of the handshake is MESSAGE. */
enum zg_rfb_step {
	ZG_RFB_SILENT = 0, /* it is not this end's turn */
	ZG_RFB_VERSION,
	ZG_RFB_TYPES,	/* server: how many security types */
	ZG_RFB_TYPE,	/* server: one of them; client: its choice */
	ZG_RFB_AUTH,	/* challenge, response */
	ZG_RFB_RESULT,
	ZG_RFB_REASON,	/* length of a reason for a failure */
	ZG_RFB_END,	/* that reason was told: nothing more comes */
	ZG_RFB_INIT,
	ZG_RFB_READY,	/* the name of the desktop came */
	ZG_RFB_MESSAGE, /* type of a message */
	ZG_RFB_BODY,	/* the rest of a message, or its fixed part */
	ZG_RFB_CODE,	/* client: one of SetEncodings */
	ZG_RFB_SCREEN,	/* one of SetDesktopSize, or of such a rectangle */
	/* server, within a FramebufferUpdate */
	ZG_RFB_RECTANGLE, /* header */
	ZG_RFB_NEXT,	  /* the rectangle ended */
	ZG_RFB_COPY,
	ZG_RFB_SUBRECTS, /* RRE and CoRRE: how many */
	ZG_RFB_SUBRECT,
	ZG_RFB_TILE, /* Hextile: kind of a tile */
	ZG_RFB_TILE_SUBRECTS,
	ZG_RFB_TILE_SUBRECT,
	ZG_RFB_TILE_NEXT,
	ZG_RFB_PACKED_LEN, /* zlib and ZRLE */
	ZG_RFB_CONTROL,	   /* Tight */
	ZG_RFB_FILTER,
	ZG_RFB_COLOURS,
	ZG_RFB_TIGHT_DATA,
	ZG_RFB_COMPACT_LEN, /* a byte of it */
	ZG_RFB_MASK,	    /* of a cursor */
	ZG_RFB_NAME,	    /* length of DesktopName */
	ZG_RFB_SCREENS,	    /* how many, of ExtendedDesktopSize */
	ZG_RFB_STEPS
};

/* What is done with the bytes of a span. */
enum zg_rfb_span {
	ZG_RFB_PASS = 0,
	ZG_RFB_BLANK, /* becomes spaces */
	ZG_RFB_ASCII, /* what is not printable ASCII becomes a question mark */
	ZG_RFB_BITMAP, /* rows of bits: what fills up the last byte of one becomes zero */
	ZG_RFB_SHORT, /* content of a Tight rectangle that is too short to be compressed */
	ZG_RFB_PACKED, /* a piece of a zlib stream */
};

struct zg_rfb_side {
	uint8_t step;	/* enum zg_rfb_step of the field, or of what follows the span */
	uint8_t message; /* type of the message under way */
	uint8_t have, need; /* bytes of the field */
	uint8_t released;   /* of these, bytes that were to be held and have gone */
	uint8_t field[ZG_RFB_FIELD_MAX];
	uint8_t put[ZG_RFB_FIELD_MAX]; /* what takes the place of bytes of the field ... */
	uint32_t put_at;	       /* ... whose bit is set here */
	uint8_t kind;		       /* enum zg_rfb_span */
	uint64_t span;		       /* bytes */
};

/* The indexes of what a client can ask for (rfb_encoding.c). */
enum zg_rfb_encoding {
	ZG_RFB_RAW = 0,
	ZG_RFB_COPYRECT,
	ZG_RFB_RRE,
	ZG_RFB_CORRE,
	ZG_RFB_HEXTILE,
	ZG_RFB_ZLIB,
	ZG_RFB_TIGHT,
	ZG_RFB_ZRLE,
	ZG_RFB_CURSOR,
	ZG_RFB_XCURSOR,
	ZG_RFB_POINTER_POS,
	ZG_RFB_DESKTOP_SIZE,
	ZG_RFB_DESKTOP_NAME,
	ZG_RFB_EXTENDED_SIZE,
	ZG_RFB_LAST_RECT,
	ZG_RFB_LEVEL, /* of compression: no rectangle has it */
	ZG_RFB_ENCODINGS
};

struct zg_rfb_rect {
	uint16_t x, y, w, h;
	uint8_t encoding;
	uint8_t control; /* Tight: compression control byte; Hextile: what tiles said of background and foreground */
	uint8_t tile;	 /* Hextile: kind of the tile */
	uint8_t stream;	 /* of zlib */
	uint16_t tx, ty; /* Hextile: of the tile, within the rectangle */
	uint32_t parts;	 /* subrectangles or screens that are still to come */
	uint32_t packed; /* compressed bytes, while their number is read */
};

struct zg_rfb_state {
	struct zg_rfb_side side[2];
	uint8_t reason; /* enum zg_reason: refused */
	uint8_t refusal;

	/* handshake */
	uint8_t types_left, types_seen;
	uint8_t first_type; /* the first of them that may pass, 0 = none so far */
	uint8_t types;	    /* bit 1 << type */

	/* session */
	uint16_t width, height;
	struct zg_rfb_format format, next_format; /* in force; at the next update */
	bool changing;	  /* the format's sizes change: no update may begin before the client asks for one */
	bool listed;	  /* the client has said what it takes, or asked for an update */
	bool asked_ever;  /* it has asked for one */
	bool screens;	  /* an ExtendedDesktopSize came: the client may ask for another size */
	int64_t asked;	  /* requests for an update, less the updates that began; below 0: a viewer may not have read them all */
	bool asked_twice; /* before an update began: a viewer may be behind by one for the rest of the session */
	bool hollow;	  /* the last update has no rectangles */
	uint32_t asks_for; /* bit 1 << enum zg_rfb_encoding: ever, in this session */
	uint32_t codes_left;
	uint32_t rects_left;
	bool until_last; /* the update ends with LastRect */
	struct zg_rfb_rect rect;
	struct zg_rfb_pixels pixels;
	struct zg_inflate streams[ZG_RFB_STREAMS];
};

/* The next field: need bytes, 1 .. ZG_RFB_FIELD_MAX. */
static inline void zg_rfb_expect(struct zg_rfb_side *side, enum zg_rfb_step step, size_t need)
{
	side->step = (uint8_t)step;
	side->need = (uint8_t)need;
	side->have = side->released = 0;
	side->put_at = 0;
}

/* A span, which may be empty, and the step that follows it. */
static inline void zg_rfb_follow(struct zg_rfb_side *side, enum zg_rfb_span kind, uint64_t bytes, enum zg_rfb_step then)
{
	zg_rfb_expect(side, then, 0);
	side->kind = (uint8_t)kind;
	side->span = bytes;
}

/* Bytes from .. from + n of the field expected become zero: what pads a message carries nothing. */
static inline void zg_rfb_pad(struct zg_rfb_side *side, unsigned from, unsigned n)
{
	memset(side->put + from, 0, n);
	side->put_at |= ((1u << n) - 1) << from;
}

static inline struct zg_rd zg_rfb_field(const struct zg_rfb_side *side)
{
	return zg_rd_init(side->field, side->need);
}

/*
 * A field is whole, or (need 0) the span before the step has ended: what follows. NONE, or why its last byte is refused.
 * in: the bytes up to and with the field's last one are consumed.
 */
enum zg_reason zg_rfb_handshake(struct zg_rfb_state *s, const struct zg_rfb_config *config, enum zg_dir dir,
				struct zg_rw *in);
enum zg_reason zg_rfb_client(struct zg_rfb_state *s, const struct zg_rfb_config *config, struct zg_rw *in);
enum zg_reason zg_rfb_server(struct zg_rfb_state *s, const struct zg_rfb_config *config, struct zg_rw *in);
/* A rectangle of pixels, within the framebuffer: its header was read, or one of its fields. rfb_rect.c: as they are, or in
 * simple parts; rfb_packed.c: compressed. */
enum zg_reason zg_rfb_rect_begin(struct zg_rfb_state *s);
enum zg_reason zg_rfb_rect(struct zg_rfb_state *s);
enum zg_reason zg_rfb_packed_begin(struct zg_rfb_state *s);
enum zg_reason zg_rfb_packed(struct zg_rfb_state *s);
/* Bytes of a span of the kinds SHORT and PACKED: as many as are there. */
enum zg_reason zg_rfb_packed_span(struct zg_rfb_state *s, struct zg_rw *in);

/* Is it a size that a framebuffer may have? */
bool zg_rfb_size_ok(uint32_t width, uint32_t height);

/* rfb_encoding.c: the number that a client sends; ZG_RFB_ENCODINGS: one that may not pass. */
enum zg_rfb_encoding zg_rfb_encoding(uint32_t code);

#endif
