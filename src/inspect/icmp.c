/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/icmp.h"
#include "base/icmp.h"
#include "inspect/engine.h"

/* The flow that an error speaks of, as far as it matters here. */
struct subject {
	struct zg_tuple tuple;
	uint64_t identity;
	struct zg_icmp_told *told;
	enum zg_dir dir; /* who sent the quoted packet, and is to be told */
};

/* RFC 5927 4.1: sent and not acknowledged. A SYN stands before the first byte. */
static enum zg_reason tcp_seq(const struct zg_flow *f, enum zg_dir dir, uint32_t seq)
{
	const struct zg_half *half = &f->half[dir];
	const bool opening = f->phase == ZG_PHASE_SYN || f->phase == ZG_PHASE_SYNACK;

	if (opening)
		return seq == half->isn ? ZG_R_NONE : ZG_R_ICMP_SEQ;
	return zg_seq_le(half->una, seq) && zg_seq_lt(seq, half->fwd) ? ZG_R_NONE : ZG_R_ICMP_SEQ;
}

static enum zg_reason of_tcp(struct zg_engine *e, const struct zg_icmp *icmp, struct subject *ret_subject)
{
	struct zg_flowtab_node *node = zg_flowtab_find(&e->tab, &icmp->quoted);
	if (node == NULL)
		return ZG_R_ICMP_UNKNOWN;
	struct zg_flow *f = zg_flow_of(node);
	const enum zg_dir dir = zg_tuple_from_client(&node->tuple, &icmp->quoted.client, icmp->quoted.client_port) ? ZG_CLIENT :
														     ZG_SERVER;
	/* before its SYN the server has sent nothing */
	if (f->phase > ZG_PHASE_OPEN || (f->phase == ZG_PHASE_SYN && dir == ZG_SERVER))
		return ZG_R_ICMP_UNKNOWN;
	/* a network that has carried the handshake has not lost the port since */
	if (f->phase == ZG_PHASE_OPEN && zg_icmp_hard(icmp->quoted.client.family, icmp->type, icmp->code))
		return ZG_R_ICMP_HARD;
	*ret_subject = (struct subject){ node->tuple, f->identity, &f->icmp, dir };
	return tcp_seq(f, dir, icmp->seq);
}

static enum zg_reason of_udp(struct zg_engine *e, const struct zg_icmp *icmp, struct subject *ret_subject)
{
	struct zg_udp_flow *f = zg_udp_find(&e->udp, &icmp->quoted);
	if (f == NULL)
		return ZG_R_ICMP_UNKNOWN;
	const struct zg_tuple *t = &f->node.tuple;
	const enum zg_dir dir = zg_tuple_from_client(t, &icmp->quoted.client, icmp->quoted.client_port) ? ZG_CLIENT : ZG_SERVER;
	*ret_subject = (struct subject){ *t, f->identity, &f->icmp, dir };
	return zg_udp_under_way(e, f, dir) ? ZG_R_NONE : ZG_R_ICMP_UNKNOWN;
}

/* The policy in force still permits the flow; ZG_ICMP_MS has gone since its end was told. */
static enum zg_reason may_tell(struct zg_engine *e, const struct subject *s, uint32_t mark, bool too_big)
{
	struct zg_flow_policy policy;
	uint64_t *told_ms = &s->told->ms[s->dir][too_big];

	if (!e->owner.resolve(e->owner.ctx, mark, &policy) || policy.identity != s->identity)
		return ZG_R_PKT_NO_FLOW;
	if (*told_ms != 0 && e->now_ms - *told_ms < ZG_ICMP_MS)
		return ZG_R_ICMP_RATE;
	*told_ms = e->now_ms;
	return ZG_R_NONE;
}

static enum zg_reason retell(struct zg_engine *e, const struct zg_pkt *p)
{
	struct zg_icmp icmp;
	struct subject s;

	enum zg_reason reason = zg_decode_icmp(p->data, p->len, &p->seg, &icmp);
	if (reason != ZG_R_NONE)
		return reason;
	reason = icmp.quoted.protocol == ZG_TCP ? of_tcp(e, &icmp, &s) : of_udp(e, &icmp, &s);
	if (reason != ZG_R_NONE)
		return reason;
	reason = may_tell(e, &s, p->mark, icmp.mtu != 0);
	if (reason != ZG_R_NONE)
		return reason;
	const struct zg_inject inject = {
		.kind = ZG_INJECT_ICMP,
		.mark = p->mark,
		.tuple = s.tuple,
		.to_client = s.dir == ZG_CLIENT,
		.seq = icmp.seq,
		.icmp_type = icmp.type,
		.icmp_code = icmp.code,
		.mtu = icmp.mtu,
		.reason = ZG_R_ICMP_RETOLD,
	};
	zg_out_inject(e, &inject);
	return ZG_R_ICMP_RETOLD;
}

struct zg_fate zg_icmp_packet(struct zg_engine *e, const struct zg_pkt *p)
{
	const enum zg_reason reason = retell(e, p);
	/* what was told again is no refusal: counted, and that is all */
	return reason == ZG_R_ICMP_RETOLD ? ZG_FATE_TOLD(reason) : ZG_FATE_DROP(reason);
}
