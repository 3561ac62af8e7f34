/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capture files (pcap and pcapng) as a row of IP packets. */
#ifndef ZONEGATE_CTL_CAPTURE_H
#define ZONEGATE_CTL_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonegate/err.h"

#define ZG_CAPTURE_ERROR_MAX 512

struct zg_capture;

/* Opens a file, "-" = standard input. ZG_ESYS: unreadable or no capture; ZG_ENOTSUP: of a link type that is not handled;
 * ret_error says it in words. Free with zg_capture_close(). */
enum zg_err zg_capture_open(const char *file, struct zg_capture **ret_capture,
			    char ret_error[static ZG_CAPTURE_ERROR_MAX]);
void zg_capture_close(struct zg_capture *capture);

struct zg_capture_packet {
	const uint8_t *data; /* from the IP header on, without padding of the link; valid until the next call */
	size_t len;	     /* captured; 0 = not an IP packet */
	size_t wire_len;     /* as it was on the wire; more than len: cut by the capture's limit */
	int64_t time_ms;     /* as the capture says; may go backwards */
};
/* ZG_ENOENT: the capture ends; ZG_ESHORT: it breaks off or is damaged, ret_error says how. */
enum zg_err zg_capture_next(struct zg_capture *capture, struct zg_capture_packet *ret_packet,
			    char ret_error[static ZG_CAPTURE_ERROR_MAX]);

/* The same for one frame; linktype is libpcap's DLT_ number. False: no handled link type. */
bool zg_capture_ip(int linktype, const uint8_t *frame, size_t len, size_t wire_len, struct zg_capture_packet *ret_packet);

#endif
