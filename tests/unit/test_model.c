/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The oracle of the TCP table: two model hosts with the engine between them, and on both sides of it a network that loses,
 * repeats and reorders. What a host reads is at every moment, byte for byte, the beginning of what the inspector accepted;
 * an honest pair of hosts gets everything across.
 */
#include <stdlib.h>
#include <string.h>

#include "inspect/decode.h"
#include "letters.h"
#include "pkt.h"
#include "unit.h"

#ifndef SCALE
#define SCALE 1
#endif
#define STREAM	 (700 * SCALE) /* bytes of each direction */
#define WINDOW	 (300 * SCALE) /* bytes, small enough to be in the way */
#define WIRE_MAX 24	/* packets on one stretch of wire */
#define IDS	 (1 << 17)
#define PKT_SMALL (176 + 80 * SCALE)

struct wire {
	struct {
		uint32_t id;
		size_t len;
		uint8_t data[PKT_SMALL];
	} p[WIRE_MAX];
	size_t n;
};

struct host {
	uint32_t isn;
	uint8_t stream[STREAM];
	uint32_t una, nxt; /* offsets into stream; STREAM + 1 = the FIN too */
	uint8_t read[STREAM + WINDOW + PKT_SMALL];
	bool have[STREAM + WINDOW + PKT_SMALL];
	uint32_t rcv; /* offset of the next byte that it expects from the other */
	uint32_t peer_fin; /* offset, UINT32_MAX = not seen */
	bool established, reset, last_wins;
	uint32_t ts;
};

struct model {
	struct zg_engine *engine;
	struct host host[2];
	struct wire before[2], behind[2]; /* of the engine, by sender */
	uint8_t released[2][STREAM + 64];
	size_t n_released[2];
	uint8_t times[IDS];
	uint8_t packets[IDS % 1000 + 1000][PKT_SMALL]; /* by id modulo */
	size_t lens[IDS % 1000 + 1000];
	uint32_t next_id;
	uint64_t now_ms;
	uint64_t seed;
	bool evil, ts, v6, denied;
	uint64_t rewritten, again;
};

#define KEPT (sizeof m->packets / sizeof *m->packets)

static struct model *m;

static uint32_t rnd(uint32_t n)
{
	/* splitmix64 */
	uint64_t z = (m->seed += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) % n);
}

/* --- the network ----------------------------------------------------------------------------------- */

static void wire_put(struct wire *wire, uint32_t id, const uint8_t *data, size_t len)
{
	if (wire->n == WIRE_MAX || rnd(10) == 0) /* lost */
		return;
	for (uint32_t copies = rnd(12) == 0 ? 2 : 1; copies > 0 && wire->n < WIRE_MAX; copies--) {
		wire->p[wire->n].id = id;
		wire->p[wire->n].len = len;
		memcpy(wire->p[wire->n++].data, data, len);
	}
}

static bool wire_take(struct wire *wire, uint8_t data[static PKT_SMALL], size_t *ret_len)
{
	if (wire->n == 0)
		return false;
	const size_t i = rnd(3) == 0 ? rnd((uint32_t)wire->n) : 0;
	*ret_len = wire->p[i].len;
	memcpy(data, wire->p[i].data, wire->p[i].len);
	wire->n--;
	memmove(&wire->p[i], &wire->p[i + 1], (wire->n - i) * sizeof *wire->p);
	return true;
}

/* --- hosts ------------------------------------------------------------------------------------------- */

static void host_send(int d, struct pkt p)
{
	static uint8_t buf[PKT_MAX];
	p.from_server = d;
	p.v6 = m->v6;
	p.window = WINDOW;
	if (m->ts)
		pkt_opt_ts(&p, ++m->host[d].ts, 0);
	if (p.flags & ZG_SYN)
		pkt_opt_sack_ok(&p);
	size_t len = pkt_build(&p, buf);
	ck_assert_uint_le(len, PKT_SMALL);
	wire_put(&m->before[d], 0, buf, len);
}

static struct pkt segment(int d, uint32_t from, uint32_t n)
{
	const struct host *h = &m->host[d], *o = &m->host[!d];
	struct pkt p = { .flags = ZG_ACK, .seq = h->isn + 1 + from, .data = h->stream + from, .len = n };
	p.ack = o->isn + 1 + h->rcv + (h->peer_fin == h->rcv ? 1 : 0);
	if (from + n == STREAM && h->nxt > STREAM)
		p.flags |= ZG_FIN;
	return p;
}

/* Only the acknowledgement, behind all that was sent. */
static struct pkt pure_ack(int d)
{
	struct pkt p = segment(d, 0, 0);
	p.flags = ZG_ACK;
	p.seq = m->host[d].isn + 1 + m->host[d].nxt;
	return p;
}

/* Something that no honest host would send. */
static void misbehave(int d)
{
	struct host *h = &m->host[d];
	const uint32_t from = rnd(STREAM - 80 * SCALE), n = 1 + rnd(60 * SCALE);
	uint8_t other[80 * SCALE];
	struct pkt p = segment(d, from, n);

	memcpy(other, h->stream + from, n);
	switch (rnd(6)) {
	case 0: /* other bytes */
		other[rnd(n)] ^= 1;
		p.data = other;
		break;
	case 1: /* from anywhere, before the first byte as well */
		p.seq += rnd(2000 * SCALE) - 1000 * SCALE;
		break;
	case 2:
		p.flags |= ZG_FIN;
		break;
	case 3:
		p = (struct pkt){ .flags = ZG_RST, .seq = h->isn + 1 + rnd(STREAM) };
		break;
	case 4:
		p.ack += rnd(2000 * SCALE) - 1000 * SCALE;
		break;
	default:
		p = (struct pkt){ .flags = ZG_SYN, .seq = h->isn + rnd(3) };
	}
	host_send(d, p);
}

static void host_step(int d)
{
	struct host *h = &m->host[d];

	if (h->reset)
		return;
	if (!m->host[ZG_SERVER].established || !h->established) {
		if (d == ZG_CLIENT && !h->established)
			host_send(d, (struct pkt){ .flags = ZG_SYN, .seq = h->isn });
		else if (d == ZG_CLIENT)
			host_send(d, pure_ack(d));
		return;
	}
	if (m->evil && rnd(60) == 0) {
		misbehave(d);
		return;
	}
	const uint32_t top = h->nxt > STREAM ? STREAM : h->nxt, low = h->una > STREAM ? STREAM : h->una;
	uint32_t n = 1 + rnd((rnd(4) == 0 ? 80 : 20) * SCALE);
	switch (rnd(5)) {
	case 0: /* again, cut anew */
		if (low < top) {
			const uint32_t from = low + rnd(top - low);
			host_send(d, segment(d, from, from + n > top ? top - from : n));
		}
		break;
	case 1:
		host_send(d, pure_ack(d));
		break;
	case 2: /* the first that is missing, if only the FIN */
		if (h->una < h->nxt)
			host_send(d, segment(d, low, low + n > top ? top - low : n));
		break;
	default:
		if (h->nxt - h->una >= WINDOW)
			break;
		if (n > WINDOW - (h->nxt - h->una))
			n = WINDOW - (h->nxt - h->una);
		if (top + n > STREAM)
			n = STREAM - top;
		h->nxt = top + n == STREAM ? STREAM + 1 : top + n;
		host_send(d, segment(d, top, n));
	}
}

static void host_acked(struct host *h, uint32_t ack)
{
	const uint32_t at = ack - (h->isn + 1);
	if (at <= h->nxt && at > h->una)
		h->una = at;
}

static void host_reads(struct host *h, const struct host *o, const uint8_t *data, const struct zg_seg *seg)
{
	const uint32_t from = seg->seq - (o->isn + 1);

	for (uint32_t i = 0; i < seg->len; i++) {
		const uint32_t at = from + i;
		if ((int32_t)at < (int32_t)h->rcv || at >= h->rcv + WINDOW + 1 || at >= h->peer_fin)
			continue;
		if (!h->have[at] || h->last_wins)
			h->read[at] = data[seg->data_off + i];
		h->have[at] = true;
	}
	while (h->have[h->rcv])
		h->rcv++;
	if ((seg->flags & ZG_FIN) && from + seg->len == h->rcv)
		h->peer_fin = h->rcv;
}

static void host_gets(int d, uint8_t *data, size_t len)
{
	struct host *h = &m->host[d], *o = &m->host[!d];
	struct zg_seg seg;
	const struct zg_packet packet = { .data = data, .len = len, .wire_len = len };

	/* what the engine lets out is a good packet, the rewritten ones as well */
	ck_assert_int_eq(zg_decode(&packet, &seg), ZG_R_NONE);
	if (seg.flags & ZG_RST) {
		if (seg.seq == o->isn + 1 + h->rcv || !h->established)
			h->reset = true;
		return;
	}
	if (seg.flags & ZG_SYN) {
		if (d == ZG_SERVER)
			host_send(d, (struct pkt){ .flags = ZG_SYN | ZG_ACK, .seq = h->isn, .ack = o->isn + 1 });
		else
			h->established = true;
		return;
	}
	if (!h->established && d == ZG_CLIENT)
		return;
	h->established = true;
	host_acked(h, seg.ack);
	if (!h->reset)
		host_reads(h, o, data, &seg);
}

/* --- the engine's owner -------------------------------------------------------------------------------- */

static bool own_resolve(void *ctx, uint32_t mark, struct zg_flow_policy *ret_policy)
{
	(void)ctx;
	(void)mark;
	*ret_policy = (struct zg_flow_policy){ .inspector = &letters, .config = "", .identity = 1 };
	return true;
}

static void own_verdict(void *ctx, uint32_t id, bool accept, const uint8_t *packet, size_t len)
{
	(void)ctx;
	ck_assert_uint_lt(id, m->next_id);
	ck_assert_int_eq(m->times[id]++, 0);
	if (!accept)
		return;
	const uint8_t *kept = m->packets[id % KEPT];
	const size_t kept_len = m->lens[id % KEPT];
	ck_assert(packet == NULL || len == kept_len);
	const int d = kept[kept[0] >> 4 == 4 ? 15 : 23] == 2;
	wire_put(&m->behind[d], id, packet != NULL ? packet : kept, kept_len);
	m->rewritten += packet != NULL;
}

static void own_inject(void *ctx, const struct zg_inject *inject)
{
	struct host *h = &m->host[inject->to_client ? 0 : 1], *o = &m->host[inject->to_client ? 1 : 0];
	(void)ctx;
	if (inject->kind == ZG_INJECT_RST && (inject->seq == o->isn + 1 + h->rcv || !h->established))
		h->reset = true;
	else if (inject->kind == ZG_INJECT_ACK)
		host_acked(h, inject->ack);
}

static void own_again(void *ctx, const struct zg_inject *inject, const uint8_t *bytes, size_t len)
{
	const int d = inject->to_client ? ZG_SERVER : ZG_CLIENT;
	struct pkt p = { .flags = ZG_ACK, .from_server = d, .v6 = m->v6, .window = inject->window, .seq = inject->seq,
			 .ack = inject->ack, .data = bytes, .len = len };
	static uint8_t buf[PKT_MAX];

	(void)ctx;
	m->again++;
	if (inject->timestamps)
		pkt_opt_ts(&p, inject->ts_val, inject->ts_ecr);
	const size_t n = pkt_build(&p, buf);
	if (n <= PKT_SMALL)
		wire_put(&m->behind[d], 0, buf, n);
}

static void own_event(void *ctx, const struct zg_flow_event *event)
{
	(void)ctx;
	m->denied |= event->kind == ZG_FLOW_DENIED;
}

static void own_released(void *ctx, const struct zg_tuple *tuple, enum zg_dir dir, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	(void)tuple;
	ck_assert_uint_le(m->n_released[dir] + len, sizeof m->released[dir]);
	memcpy(m->released[dir] + m->n_released[dir], bytes, len);
	m->n_released[dir] += len;
}

/* --- the run --------------------------------------------------------------------------------------------- */

static void make_stream(struct host *h)
{
	/* without a z nothing is ever rewritten, which would mend a changed retransmission */
	static const char *const alphabets[] = { "abcdefgzzz(.", "abcdefg(." };
	const char *const alphabet = alphabets[m->seed % 3 == 0];
	const uint32_t letters_n = (uint32_t)strlen(alphabet);
	uint32_t open = 0;

	for (uint32_t i = 0; i < STREAM; i++) {
		h->stream[i] = (uint8_t)alphabet[rnd(letters_n)];
		if (h->stream[i] == '(' && rnd(SCALE) != 0)
			h->stream[i] = 'a';
		if (open > 0 && ++open > (5 + rnd(40)) * SCALE) {
			h->stream[i] = ')';
			open = 0;
		} else if (h->stream[i] == '(' && open == 0) {
			open = 1;
		}
		if (m->evil && rnd(25 * SCALE) == 0)
			h->stream[i] = (uint8_t)"[]]]"[rnd(4)];
		if (m->evil && rnd(1000 * SCALE) == 0)
			h->stream[i] = (uint8_t)"XND"[rnd(3)];
	}
	if (open > 0)
		h->stream[STREAM - 1] = ')';
}

static void start(uint64_t seed)
{
	static const struct zg_engine_owner owner = { .resolve = own_resolve,
						      .verdict = own_verdict,
						      .inject = own_inject,
						      .again = own_again,
						      .event = own_event,
						      .released = own_released };
	m = calloc(1, sizeof *m);
	ck_assert_ptr_nonnull(m);
	m->seed = seed;
	m->evil = seed % 2;
	m->ts = seed / 2 % 2;
	m->v6 = seed / 4 % 2;
	m->now_ms = 1000;
	for (int d = 0; d < 2; d++) {
		m->host[d].isn = rnd(3) == 0 ? UINT32_MAX - rnd(STREAM) : rnd(UINT32_MAX);
		m->host[d].last_wins = rnd(2);
		m->host[d].peer_fin = UINT32_MAX;
		m->host[d].ts = UINT32_MAX - rnd(100);
		make_stream(&m->host[d]);
	}
	ck_assert_int_eq(zg_engine_new(&owner, seed, &m->engine), ZG_OK);
}

static void through_engine(int d)
{
	uint8_t data[PKT_SMALL];
	size_t len;

	if (!wire_take(&m->before[d], data, &len))
		return;
	ck_assert_uint_lt(m->next_id, IDS);
	const uint32_t id = m->next_id++;
	memcpy(m->packets[id % KEPT], data, len);
	m->lens[id % KEPT] = len;
	const struct zg_packet packet = { .id = id, .mark = 1, .data = data, .len = len, .wire_len = len,
					  .now_ms = m->now_ms };
	zg_engine_packet(m->engine, &packet);
}

static void check_oracle(void)
{
	for (int d = 0; d < 2; d++) {
		const struct host *reader = &m->host[!d];
		ck_assert_uint_le(reader->rcv, m->n_released[d]);
		ck_assert_mem_eq(reader->read, m->released[d], reader->rcv);
	}
}

static bool finished(void)
{
	return m->host[0].peer_fin == STREAM && m->host[1].peer_fin == STREAM;
}

static uint64_t total_rewritten, total_again, total_finished, total_denied;

static void run(uint64_t seed)
{
	uint8_t data[PKT_SMALL];
	size_t len;
	uint32_t step, most;

	start(seed);
	most = m->evil ? 3000 : 60000;
	for (step = 0; step < most && !finished(); step++) {
		const int d = (int)rnd(2);
		host_step(d);
		through_engine((int)rnd(2));
		if (wire_take(&m->behind[d], data, &len)) {
			host_gets(!d, data, len);
			check_oracle();
		}
		if (rnd(50) == 0) {
			m->now_ms += rnd(200);
			zg_engine_tick(m->engine, m->now_ms);
		}
	}
	if (!m->evil) {
		ck_assert_msg(finished(), "seed %llu: stuck at %u and %u of %d, %u and %u acknowledged", (unsigned long long)seed,
			      m->host[1].rcv, m->host[0].rcv, STREAM, m->host[0].una, m->host[1].una);
		ck_assert(!m->denied);
	}
	total_rewritten += m->rewritten;
	total_again += m->again;
	total_finished += finished();
	total_denied += m->denied;
	zg_engine_free(m->engine);
	for (uint32_t id = 0; id < m->next_id; id++)
		ck_assert_int_eq(m->times[id], 1);
	free(m);
}

#ifndef SEEDS
#define SEEDS 800
#endif

START_TEST(what_is_read_was_accepted)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		run(seed);
	/* the runs were about something */
	ck_assert_uint_ge(total_finished, SEEDS / 2);
	ck_assert_uint_gt(total_denied, SEEDS / 10);
	ck_assert_uint_gt(total_rewritten, SEEDS / 2);
	ck_assert_uint_gt(total_again, SEEDS / 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model");
	TCase *tc = tcase_create("model");
	tcase_set_timeout(tc, 300);
	tcase_add_test(tc, what_is_read_was_accepted);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
