/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the engine, for its own files only:
 *
 *   engine.c        packets to flows, births, timers, the public calls
 *   engine_out.c    verdicts, injections, events: everything that leaves
 *   stream_open.c   the handshake
 *   stream.c        the established connection: sequence numbers, canonical stream, inspector
 *   stream_hold.c   packets that wait
 *   stream_again.c  what has to be sent again, since its sender was told that it came
 *   stream_deny.c   refusals, and what follows them
 *   revise.c        what another policy does not permit any more
 *   udp.c, icmp.c   see udp.h, icmp.h
 *
 * Sequence numbers are compared by the sign of their difference (RFC 9293 3.4): every window is below 2^30.
 */
#ifndef ZONEGATE_INSPECT_ENGINE_H
#define ZONEGATE_INSPECT_ENGINE_H

#include "inspect/decode.h"
#include "inspect/flowtab.h"
#include "inspect/icmp.h"
#include "inspect/pool.h"
#include "inspect/ring.h"
#include "inspect/udp.h"
#include "zonegate/limits.h"
#include "zonegate/stream.h"

#include <nettle/sha2.h>

/* A packet under decision. */
struct zg_pkt {
	uint32_t id;
	uint32_t mark;
	uint8_t *data; /* borrowed, or the bytes of a struct zg_held; the inspector overwrites in place */
	size_t len;
	struct zg_seg seg;
};

/* A packet that waits: out of order, or for an inspector that holds bytes of it. */
struct zg_held {
	struct zg_list in_flow;	  /* of one direction: early or wait */
	struct zg_list in_engine; /* all, in order of arrival: the timer is the head */
	struct zg_flow *flow;
	enum zg_dir dir;
	uint64_t since_ms;
	struct zg_pkt pkt;
	uint8_t bytes[];
};

/* What becomes of a packet. NONE = it got its verdict or is held; else it is still to be dropped for that reason.
 * told = the refusal of the whole connection said it already. */
struct zg_fate {
	enum zg_reason reason;
	bool told;
};
#define ZG_FATE_DONE	     ((struct zg_fate){ ZG_R_NONE, false })
#define ZG_FATE_DROP(reason) ((struct zg_fate){ (reason), false })
#define ZG_FATE_TOLD(reason) ((struct zg_fate){ (reason), true })

/* What a SYN may say. */
struct zg_syn_options {
	uint16_t mss; /* 0 = not given */
	uint8_t wscale;
	bool wscale_given, sack_ok, ts_given;
};

/* What one end sends. isn+1 <= una <= fwd, una <= rel <= nxt. */
struct zg_half {
	uint32_t isn;
	uint32_t nxt;  /* edge of the canonical stream: all before was given to the inspector */
	uint32_t rel;  /* edge of what the inspector released */
	uint32_t fwd;  /* edge of what was forwarded, SYN and FIN counted: the other end can acknowledge no more */
	uint32_t una;  /* highest acknowledgement that was forwarded to this end */
	uint32_t edge; /* right edge of the window that the other end opened for this one; never moves back */
	uint32_t fin;  /* sequence number of the FIN, if fin_seen */
	bool fin_seen; /* at the contiguous edge */
	bool rewritten; /* a byte of it was ever released in another form than it was sent */

	uint16_t window;  /* that this end announces for the other: last one forwarded, as on the wire */
	uint32_t max_wnd; /* the largest one, in bytes */
	uint8_t wscale;	  /* for that window, after the handshake */
	struct zg_syn_options syn; /* of its SYN */
	uint32_t ts;	  /* newest timestamp of a segment in order */

	uint64_t released; /* bytes */
	struct zg_ring ring; /* una (or isn+1) .. nxt */
	struct zg_list early; /* out of order, by sequence number */
	struct zg_list wait;  /* not wholly released, in order */
	uint32_t n_held;
	size_t held_bytes;

	uint32_t vouched; /* edge of what this end was told came while it was held here, out of order or by the inspector; >= una */
	uint32_t again;	  /* una when something was last sent again for this end, and the time: low 32 bits of ms */
	uint32_t again_ms;
};

/* Over the bytes released per direction, if the policy asks for it. */
struct zg_digest {
	struct sha256_ctx sha256[2];
};

enum zg_phase {
	ZG_PHASE_SYN,	 /* the client's SYN went out */
	ZG_PHASE_SYNACK, /* the server's answer too */
	ZG_PHASE_OPEN,
	ZG_PHASE_CLOSED, /* both FINs forwarded and acknowledged */
	ZG_PHASE_RESET,
	ZG_PHASE_DRAIN, /* refused; swallowing what the client sends */
	ZG_PHASE_TOLD,	/* refused; the text is on its way to the client */
	ZG_PHASE_DEAD
};

struct zg_flow {
	struct zg_flowtab_node node;
	enum zg_phase phase;
	uint32_t mark; /* of the newest packet: of a generation that the gate still knows */
	uint64_t identity;
	const struct zg_inspector *inspector;
	const void *config; /* valid during one packet: the table it lies in may go with its generation */
	struct zg_lent *lent; /* what the inspector has borrowed; goes with the state */
	void *state;	    /* inspector->state_size bytes, NULL before the handshake is complete and after a denial */
	struct zg_digest *digest; /* NULL = not wanted */
	struct zg_half half[2];
	bool ts_ok, sack_ok;
	bool opened;
	bool wants_digest; /* of the policy that the connection began under */
	uint64_t opened_ms;
	struct zg_icmp_told icmp;
	struct zg_list in_vouched; /* engine's list of connections with bytes we vouched for, by vouched_ms */
	uint64_t vouched_ms;	   /* last time that one of its ends got on, or was helped */
	uint8_t tries;		   /* to help since then */

	/* after a denial */
	enum zg_reason reason;
	enum zg_refusal refusal;
	enum zg_dir denied_dir;
	uint64_t swallowed;	/* bytes */
	uint32_t told_seq, told_end; /* of the refusal text and behind its FIN */
	uint8_t told;		/* times it was sent */
	bool told_acked;
	struct zg_list in_told; /* engine's list of refusals not yet acknowledged, by told_ms */
	uint64_t told_ms;
};

struct zg_engine {
	struct zg_engine_owner owner;
	struct zg_flowtab tab;
	struct zg_pool pool; /* flows, their state, what they hold */
	struct zg_udp udp;
	struct zg_list held; /* struct zg_held by age */
	struct zg_list told; /* struct zg_flow by told_ms */
	struct zg_list vouched; /* struct zg_flow by vouched_ms */
	struct zg_engine_stats stats;
	uint32_t revised; /* places of both flow tables that zg_engine_revise() has looked at */
	uint64_t now_ms;
	uint8_t packet[UINT16_MAX + 64];   /* a packet being rewritten */
	uint8_t datagram[UINT16_MAX + 64]; /* one while an inspector reads it: it may be offered several times */
	uint32_t rewrite_mark;		  /* its flow's */
};

static inline bool zg_seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}
static inline bool zg_seq_le(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

/* Edge of the stream with the FIN counted. */
static inline uint32_t zg_half_end(const struct zg_half *half)
{
	return half->nxt + (half->fin_seen ? 1 : 0);
}

static inline struct zg_flow *zg_flow_of(struct zg_flowtab_node *node)
{
	return ZG_LIST_OF(node, struct zg_flow, node);
}

/* The list of a flow that is open in both directions. */
static inline enum zg_flow_list zg_flow_list_open(const struct zg_flow *f)
{
	return f->inspector->patient ? ZG_LIST_CALM : ZG_LIST_OPEN;
}

/* Is it the client's end of the flow? */
static inline bool zg_tuple_from_client(const struct zg_tuple *flow, const struct zg_addr *addr, uint16_t port)
{
	return port == flow->client_port && zg_addr_cmp(addr, &flow->client) == 0;
}
static inline enum zg_dir zg_tuple_sender(const struct zg_tuple *flow, const struct zg_seg *seg)
{
	return zg_tuple_from_client(flow, &seg->src, seg->sport) ? ZG_CLIENT : ZG_SERVER;
}

/* --- engine_out.c --------------------------------------------------------------------------- */

/* Accepts a packet as it is, or with the payload that was released in place of what was sent. */
void zg_out_accept(struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p);
/* Drops it and counts the reason; no event. */
void zg_out_drop(struct zg_engine *e, uint32_t id, enum zg_reason reason);
void zg_out_event(struct zg_engine *e, const struct zg_flow *f, enum zg_flow_event_kind kind, enum zg_reason reason,
		  enum zg_dir dir);
/* dir sent a message that was changed so. */
void zg_out_changed(struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir, const struct zg_note *note);
/* A single packet was refused; f may be NULL. */
void zg_out_packet_denied(struct zg_engine *e, const struct zg_flow *f, const struct zg_seg *seg, uint32_t mark,
			  enum zg_reason reason);
void zg_out_inject(struct zg_engine *e, const struct zg_inject *inject);
/* Accepts a datagram, with this payload of the same length in place of its own; payload NULL: as it is. */
void zg_out_datagram(struct zg_engine *e, uint32_t mark, const struct zg_pkt *p, const uint8_t *payload);
/* RST to the sender of seg, in the receiver's name: what a host without that connection answers (RFC 9293 3.10.7.1).
 * Nothing if seg is a RST itself. f may be NULL. */
void zg_out_reset_sender(struct zg_engine *e, const struct zg_flow *f, const struct zg_seg *seg, uint32_t mark,
			 enum zg_reason reason);
/* ACK to the one who sends dir, with what the other end has acknowledged so far: answers a repetition or challenges an
 * odd segment (RFC 5961). */
void zg_out_ack(struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir, enum zg_reason reason);
/* What a receiver says to a segment that came early: a duplicate ACK, with the bytes that wait around seq .. end where both
 * ends agreed to selective acknowledgements (RFC 5681 3.2, RFC 2018). Without it the sender of a lost segment would know
 * nothing before its retransmission timer, since the segments behind the gap do not reach the receiver. */
void zg_out_ack_early(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, uint32_t seq, uint32_t end);
/* ACK for all of dir that the inspector has, though it holds some: for inspectors that say so (acknowledges). */
void zg_out_ack_held(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir);
/* The first n bytes (1 .. ZG_INJECT_AGAIN_MAX) of dir that are not acknowledged, as they were released, to the other end. */
void zg_out_again(struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir, uint32_t n);
/* The injection common to a flow's own: mark, tuple, timestamps. */
struct zg_inject zg_out_template(const struct zg_flow *f, enum zg_inject_kind kind, bool to_client,
				 enum zg_reason reason);

/* --- engine.c ------------------------------------------------------------------------------- */

/* Bytes of the pool, zeroed; NULL = the bound is reached. */
void *zg_engine_get(struct zg_engine *e, size_t size);
/* A flow that is over is remembered in a list of at most max; beyond, the one that was there longest is forgotten. */
void zg_engine_end(struct zg_engine *e, struct zg_flow *f, enum zg_flow_list list, uint32_t max);
/* Forgets the flow; what it holds is dropped for that reason. */
void zg_flow_free(struct zg_engine *e, struct zg_flow *f, enum zg_reason reason);
/* Gives back everything but the flow itself: state, rings, held packets. */
void zg_flow_strip(struct zg_engine *e, struct zg_flow *f, enum zg_reason reason);
void zg_flow_state_free(struct zg_engine *e, struct zg_flow *f);
/* Lends the flow's inspector memory of the pool; valid as long as both. */
struct zg_flow_lender {
	struct zg_lender lender;
	struct zg_engine *engine;
	struct zg_flow *flow;
};
struct zg_flow_lender zg_flow_lender(struct zg_engine *e, struct zg_flow *f);

/* --- stream_open.c ---------------------------------------------------------------------------- */

/* The first SYN: sets up both halves of a zeroed flow. */
void zg_open_start(struct zg_flow *f, const struct zg_seg *syn);
/* A packet in one of the SYN phases. */
struct zg_fate zg_open_packet(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p);
/* A SYN or SYN|ACK on a connection that is open or was. */
struct zg_fate zg_open_again(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p);

/* --- stream.c --------------------------------------------------------------------------------- */

/* A packet of an established or closed connection. */
struct zg_fate zg_stream_packet(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p);
/* Timestamps, acknowledgement, selective acknowledgements: what needs no look at the payload. */
enum zg_reason zg_stream_check(const struct zg_engine *e, const struct zg_flow *f, enum zg_dir dir,
			       const struct zg_seg *seg);
/* RST: exactly at the expected sequence number it ends the connection. */
struct zg_fate zg_stream_rst(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p);

/* --- stream_hold.c ---------------------------------------------------------------------------- */

enum zg_hold { ZG_HOLD_EARLY, ZG_HOLD_WAIT };
/* Keeps a copy. ZG_R_NONE, or why not. */
enum zg_reason zg_hold_add(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, enum zg_hold which,
			   const struct zg_pkt *p);
/* Takes it out of all lists; the caller decides the packet and frees. */
void zg_hold_take(struct zg_engine *e, struct zg_held *held);
void zg_hold_drop(struct zg_engine *e, struct zg_held *held, enum zg_reason reason);
void zg_hold_drop_all(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, enum zg_reason reason);
/* Is there a packet that waits and covers seq .. end? */
bool zg_hold_covers(const struct zg_half *half, uint32_t seq, uint32_t end);
/* Compares with the early ones where they overlap: false = different bytes for the same place. *ret_covered: one of
 * them says all that p says. */
bool zg_hold_agrees(const struct zg_half *half, const struct zg_pkt *p, bool *ret_covered);

/* Widens seq .. end by the early ones that touch it. */
void zg_hold_around(const struct zg_half *half, uint32_t *seq, uint32_t *end);
/* Is there an early one with bytes from seq on? */
bool zg_hold_beyond(const struct zg_half *half, uint32_t seq);

/* --- stream_again.c --------------------------------------------------------------------------- */

/*
 * A segment that comes early is held, and its sender is told so by a selective acknowledgement (zg_out_ack_early). Should it
 * be lost behind us later, its sender would not send it again before its retransmission timer: the receiver has it, as far
 * as the sender knows. So whoever vouched for it sends it again: released bytes that were forwarded before, nothing else.
 */
/* dir was told that what lies before end came. */
void zg_again_vouch(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, uint32_t end);
/* The receiver of dir said this, and it went on to the sender. moved: it acknowledged something new. */
void zg_again_acked(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_seg *seg, bool moved);
void zg_again_tick(struct zg_engine *e);
/* Is there something that we vouched for and the receiver has not acknowledged? */
static inline bool zg_again_due(const struct zg_half *half)
{
	return zg_seq_lt(half->una, half->vouched);
}

/* --- stream_deny.c ---------------------------------------------------------------------------- */

/* Ends the connection for good: both ends are told, what waits is dropped, the tuple is remembered. The caller drops the
 * offending packet. answer (may be NULL) is the inspector's denial; rest is what the client sent in order from the
 * offending byte on, still to be given to the inspector if it drains. */
void zg_deny(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, enum zg_reason reason,
	     const struct zg_answer *answer, uint8_t *rest, uint32_t n_rest);
/* A connection ends without a packet of it: both ends are told, for f->reason. */
void zg_deny_reset_ends(struct zg_engine *e, const struct zg_flow *f);
/* The policy that permitted it is gone: ended, whatever state it is in; both ends are told, if they do not know of its end. */
void zg_deny_withdrawn(struct zg_engine *e, struct zg_flow *f);
/* A packet of a connection that was denied. */
struct zg_fate zg_deny_packet(struct zg_engine *e, struct zg_flow *f, enum zg_dir dir, const struct zg_pkt *p);
/* Repeats refusals that were not acknowledged. */
void zg_deny_tick(struct zg_engine *e);
/* The flow was in the list of the refused for its whole time. */
void zg_deny_expired(struct zg_engine *e, struct zg_flow *f);

#endif
