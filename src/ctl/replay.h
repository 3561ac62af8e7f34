/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captured connections, or UDP flows, through the engine: the verdict of each. */
#ifndef ZONEGATE_CTL_REPLAY_H
#define ZONEGATE_CTL_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/capture.h"
#include "zonegate/stream.h"

struct zg_replay;

struct zg_replay_config {
	const struct zg_inspector *inspector;
	const void *config; /* inspector->config_size bytes, borrowed */
	bool no_checksum; /* the capture was taken where hardware fills checksums in: do not look at them */
};

enum zg_replay_verdict { ZG_REPLAY_ACCEPT, ZG_REPLAY_DENY, ZG_REPLAY_INCOMPLETE };

#define ZG_SHA256_HEX 65 /* bytes with NUL */

struct zg_replay_flow {
	struct zg_tuple tuple;
	enum zg_replay_verdict verdict;
	enum zg_reason reason;	/* NONE = there is none */
	bool denied_in_flow;	/* dir says who sent what was refused */
	enum zg_dir denied_dir;
	uint64_t packets;	/* of the capture, both directions */
	uint64_t dropped[ZG_REASON_COUNT]; /* single packets refused, the rest going on */
	uint64_t bytes[2];	/* released: accepted by the inspector and not held; see released in stream.h */
	char sha256[2][ZG_SHA256_HEX];
};

/* Counts of what belongs to no connection. */
struct zg_replay_rest {
	uint64_t packets;   /* in the capture */
	uint64_t other;	    /* not of the inspector's transport: ignored */
	uint64_t dropped[ZG_REASON_COUNT]; /* unreadable, or fragments */
	uint64_t unfilled;  /* packets whose checksum was still to be filled by hardware: not checked */
	uint64_t checksum;  /* all packets with a bad checksum, those of connections too */
};

enum zg_err zg_replay_new(const struct zg_replay_config *config, struct zg_replay **ret_replay);
void zg_replay_free(struct zg_replay *replay);
enum zg_err zg_replay_packet(struct zg_replay *replay, const struct zg_capture_packet *packet);
/* After the last packet: calls fn for every connection in the order of their first packets. */
void zg_replay_finish(struct zg_replay *replay, void (*fn)(void *ctx, const struct zg_replay_flow *flow), void *ctx,
		      struct zg_replay_rest *ret_rest);

#endif
