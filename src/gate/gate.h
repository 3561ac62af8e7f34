/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate: the only process that sends verdicts and resets. Holds CAP_NET_ADMIN and CAP_NET_RAW, never reads a payload; of
 * a packet that an inspector puts in the place of another it looks at the header. */
#ifndef ZONEGATE_GATE_H
#define ZONEGATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/err.h"
#include "zonegate/stream.h"

/* The role's main; chan is the channel to the supervisor. Returns the exit status. */
int zg_gate_run(int chan);

/* --- queue.c: one NFQUEUE socket per queue --- */
/* Opens and binds queue number num: whole packets, GSO, never fail-open; a receive that waits does so for
 * ZG_QUEUE_WAIT_MS. */
#define ZG_QUEUE_WAIT_MS 10
enum zg_err zg_queue_open(uint16_t num, int *ret_fd);
/* A batch of verdict messages for one queue socket, sent as one. */
struct zg_verdicts;
enum zg_err zg_verdicts_new(struct zg_verdicts **ret_verdicts);
void zg_verdicts_free(struct zg_verdicts *v);
/* All that wait with this id or a lower one are accepted. */
enum zg_err zg_verdicts_upto(struct zg_verdicts *v, int fd, uint16_t num, uint32_t id);
/* packet NULL = unchanged. Sends what is gathered first if there is no room. After an error some may be undecided. */
enum zg_err zg_verdicts_add(struct zg_verdicts *v, int fd, uint16_t num, uint32_t id, bool accept, const uint8_t *packet,
			    size_t len);
enum zg_err zg_verdicts_flush(struct zg_verdicts *v, int fd);

/* --- header.c: what a packet says of itself --- */
/* The endpoints, as sent (client = sender), of a whole TCP or UDP packet: no IP options or extension headers, no fragment,
 * lengths that agree with len. False for anything else, *ret_tuple untouched. */
bool zg_gate_header(const uint8_t *packet, size_t len, struct zg_tuple *ret_tuple);

/* --- inject.c: packets of our own --- */
struct zg_injector;
enum zg_err zg_injector_new(struct zg_injector **ret_injector);
void zg_injector_free(struct zg_injector *injector);
/* The caller has checked inject against the policy. bytes, len: with ZG_INJECT_AGAIN, up to ZG_INJECT_AGAIN_MAX; else none. */
enum zg_err zg_injector_send(struct zg_injector *injector, const struct zg_inject *inject, const uint8_t *bytes, size_t len);
/* The packet itself, for tests: returns its length. */
#define ZG_INJECT_PACKET_MAX 1536
size_t zg_inject_build(const struct zg_inject *inject, const uint8_t *bytes, size_t len,
		       uint8_t packet[static ZG_INJECT_PACKET_MAX]);

#endif
