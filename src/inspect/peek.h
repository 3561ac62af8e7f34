/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at a refused packet for the record: lenient, because nothing depends on it but a log line. */
#ifndef ZONEGATE_INSPECT_PEEK_H
#define ZONEGATE_INSPECT_PEEK_H

#include "zonegate/stream.h"

/* From the IP header on; client = sender. Ports 0 where there are none (the ICMP type goes to server_port).
 * Untouched if the packet cannot be read. */
void zg_peek_tuple(const uint8_t *packet, size_t len, struct zg_tuple *ret_tuple);

#endif
