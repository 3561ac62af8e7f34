/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rfb: screen transfer (RFC 6143 and the community's protocol description; rules in zonegate-inspectors(7)). An allow-list:
 * pictures one way, keys and pointer the other; what could carry a file or a text is blanked or refused.
 */
#include "proto/rfb.h"

#define VERSION_LEN 12

/* --- spans ------------------------------------------------------------------------------------------ */

static void overwrite(struct zg_rfb_state *s, struct zg_rfb_side *side, struct zg_rw *in)
{
	uint8_t octet;

	for (; side->span > 0 && zg_rw_peek(in, &octet); zg_rw_advance(in), side->span--) {
		if (side->kind == ZG_RFB_BLANK)
			octet = ' ';
		else if (side->kind == ZG_RFB_ASCII)
			octet = octet >= ' ' && octet <= '~' ? octet : '?';
		else if (++s->pixels.at == s->pixels.row) { /* BITMAP */
			s->pixels.at = 0;
			octet = (uint8_t)(octet & ~s->pixels.last_mask);
		}
		zg_rw_replace(in, octet);
	}
}

/* As many bytes of the span as are there. */
static enum zg_reason span(struct zg_rfb_state *s, struct zg_rfb_side *side, struct zg_rw *in)
{
	switch ((enum zg_rfb_span)side->kind) {
	case ZG_RFB_PASS: {
		const size_t left = zg_rw_left(in), n = left < side->span ? left : (size_t)side->span;
		zg_rw_skip(in, n);
		side->span -= n;
		return ZG_R_NONE;
	}
	case ZG_RFB_SHORT:
	case ZG_RFB_PACKED:
		return zg_rfb_packed_span(s, in);
	default:
		overwrite(s, side, in);
		return ZG_R_NONE;
	}
}

/* --- fields ------------------------------------------------------------------------------------------ */

static bool gathered(struct zg_rfb_side *side, struct zg_rw *in)
{
	for (uint8_t octet; side->have < side->need && zg_rw_peek(in, &octet); zg_rw_advance(in)) {
		if (side->put_at >> side->have & 1)
			zg_rw_replace(in, side->put[side->have]);
		side->field[side->have++] = octet;
	}
	return side->have == side->need;
}

static enum zg_reason step(struct zg_rfb_state *s, const struct zg_rfb_config *config, enum zg_dir dir, struct zg_rw *in)
{
	if (s->side[dir].step < ZG_RFB_MESSAGE)
		return zg_rfb_handshake(s, config, dir, in);
	return dir == ZG_CLIENT ? zg_rfb_client(s, config, in) : zg_rfb_server(s, config, in);
}

static bool silent(const struct zg_rfb_side *side)
{
	return side->step == ZG_RFB_SILENT || side->step == ZG_RFB_END;
}

/* Reads until the bytes are at an end; in->pos is at the one that offends. */
static enum zg_reason read_on(struct zg_rfb_state *s, const struct zg_rfb_config *config, enum zg_dir dir, struct zg_rw *in)
{
	struct zg_rfb_side *side = &s->side[dir];

	for (;;) {
		enum zg_reason reason = ZG_R_NONE;
		if (side->span > 0) {
			if (zg_rw_left(in) == 0)
				return ZG_R_NONE;
			reason = span(s, side, in);
			if (reason != ZG_R_NONE)
				return reason;
			continue;
		}
		if (silent(side))
			return zg_rw_left(in) > 0 ? ZG_R_RFB_HANDSHAKE : ZG_R_NONE;
		if (!gathered(side, in))
			return ZG_R_NONE;
		reason = step(s, config, dir, in);
		if (reason != ZG_R_NONE) {
			in->pos--; /* a step that consumed nothing refuses nothing */
			return reason;
		}
	}
}

/* --- what waits for its decision --------------------------------------------------------------------- */

/* The list of security types, and an encoding's number: they may be overwritten once they are whole. */
static size_t held(const struct zg_rfb_state *s, enum zg_dir dir)
{
	const struct zg_rfb_side *side = &s->side[dir];
	size_t n = 0;

	if (dir == ZG_SERVER && side->step == ZG_RFB_TYPE)
		n = 1u + s->types_seen;
	else if (dir == ZG_CLIENT && side->step == ZG_RFB_CODE)
		n = side->have;
	return n > side->released ? n - side->released : 0;
}

/* --- the record ---------------------------------------------------------------------------------------- */

static void answer(const struct zg_rfb_state *s, struct zg_answer *ret_answer)
{
	*ret_answer = (struct zg_answer){ .say = ZG_SAY_MORE };
	for (int dir = 0; dir < 2; dir++)
		ret_answer->held[dir] = held(s, (enum zg_dir)dir);
}

static void rfb_begin(void *state, const void *config)
{
	struct zg_rfb_state *s = state;
	(void)config;
	zg_rfb_expect(&s->side[ZG_SERVER], ZG_RFB_VERSION, VERSION_LEN);
}

static void rfb_data(void *state, const void *config, enum zg_dir dir, struct zg_rw *in, struct zg_answer *ret_answer)
{
	struct zg_rfb_state *s = state;

	if (s->reason == ZG_R_NONE)
		s->reason = (uint8_t)read_on(s, config, dir, in);
	answer(s, ret_answer);
	if (s->reason != ZG_R_NONE) {
		ret_answer->say = ZG_SAY_DENY;
		ret_answer->reason = (enum zg_reason)s->reason;
		ret_answer->refusal = (enum zg_refusal)s->refusal;
	}
}

/* What is held goes as it is; should it turn out that it had to be overwritten, the connection is refused. */
static void rfb_settle(void *state, enum zg_dir dir, struct zg_answer *ret_answer)
{
	struct zg_rfb_state *s = state;
	struct zg_rfb_side *side = &s->side[dir];

	side->released = (uint8_t)(side->released + held(s, dir));
	answer(s, ret_answer);
}

static const char *const clipboards[] = { [ZG_RFB_CLIPBOARD_BLANK] = "blank", [ZG_RFB_CLIPBOARD_KILL] = "kill", NULL };
static const char *const views[] = { [ZG_RFB_VIEW_ONLY_OFF] = "off",
				     [ZG_RFB_VIEW_ONLY_BLANK] = "blank",
				     [ZG_RFB_VIEW_ONLY_KILL] = "kill",
				     NULL };
static const char *const names[] = { [ZG_RFB_NAME_ASCII] = "ascii", [ZG_RFB_NAME_BLANK] = "blank", NULL };

static const struct zg_item items[] = {
	{ .key = "view_only",
	  .type = ZG_ITEM_ENUM,
	  .offset = offsetof(struct zg_rfb_config, view_only),
	  .preset = ZG_RFB_VIEW_ONLY_OFF,
	  .words = views,
	  .help = "keys and pointer of the client pass, become a key that is none and a pointer at rest, or end the connection" },
	{ .key = "clipboard_to_server",
	  .type = ZG_ITEM_ENUM,
	  .offset = offsetof(struct zg_rfb_config, clipboard_to_server),
	  .preset = ZG_RFB_CLIPBOARD_BLANK,
	  .words = clipboards,
	  .help = "text that the client copied is overwritten with blanks, or ends the connection" },
	{ .key = "clipboard_to_client",
	  .type = ZG_ITEM_ENUM,
	  .offset = offsetof(struct zg_rfb_config, clipboard_to_client),
	  .preset = ZG_RFB_CLIPBOARD_BLANK,
	  .words = clipboards,
	  .help = "the same of text that was copied on the server" },
	{ .key = "desktop_name",
	  .type = ZG_ITEM_ENUM,
	  .offset = offsetof(struct zg_rfb_config, desktop_name),
	  .preset = ZG_RFB_NAME_ASCII,
	  .words = names,
	  .help = "the title that the server gives its desktop: as printable ASCII, or as blanks" },
};

_Static_assert(sizeof(struct zg_rfb_config) <= ZG_INSPECTOR_CONFIG_MAX, "fits the runtime table");
_Static_assert(sizeof(struct zg_rfb_pixels) <= ZG_INFLATE_SINK_MAX, "can be put back");
_Static_assert(ZG_RFB_TYPES_MAX < ZG_HELD_REWRITE, "the list and its length are held together");
_Static_assert((uint64_t)ZG_RFB_PIXELS_MAX * 4 <= UINT32_MAX, "bytes of a framebuffer are counted in 32 bits");
_Static_assert(ZG_REASON_COUNT <= UINT8_MAX, "a reason is kept in one byte");

const struct zg_inspector zg_rfb = {
	.name = "rfb",
	.transport = ZG_TCP,
	.sanitises = true,
	.patient = true,
	.state_size = sizeof(struct zg_rfb_state),
	.config_size = sizeof(struct zg_rfb_config),
	.items = items,
	.n_items = sizeof items / sizeof *items,
	.begin = rfb_begin,
	.data = rfb_data,
	.settle = rfb_settle,
};
