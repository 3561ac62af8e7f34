/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket on which the kernel tells what the policy table refused. */
#ifndef ZONEGATE_SYS_NFLOG_H
#define ZONEGATE_SYS_NFLOG_H

#include <stdint.h>

#include "zonegate/err.h"

/* Binds the NFLOG group, copying at most snaplen bytes a packet. Needs CAP_NET_ADMIN; the reader does not. */
enum zg_err zg_nflog_open(uint16_t group, uint32_t snaplen, int *ret_fd);

#endif
