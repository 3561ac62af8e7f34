/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a flow asks of TLS; of the inspector tls, and of those that lead to it. */
#ifndef ZONEGATE_PROTO_TLS_CONFIG_H
#define ZONEGATE_PROTO_TLS_CONFIG_H

#include <stdint.h>

#include "zonegate/item.h"

enum zg_tls_version { ZG_TLS_1_2, ZG_TLS_1_3 };

struct zg_tls_config {
	struct zg_item_list names; /* small letters; none: any server, named or not */
	struct zg_item_list alpn;  /* none: any */
	struct zg_item_list certificates; /* SHA-256 of the server's, 64 hexadecimal digits; none: any */
	uint32_t min_version;	   /* enum zg_tls_version */
	uint8_t alpn_optional;
	uint8_t ech_grease;
	uint8_t early_data;
	uint8_t unknown_extensions;
};

extern const char *const zg_tls_versions[]; /* words for min_version */

/* Items of every inspector that leads to TLS. */
#define ZG_TLS_ITEM_CERTIFICATES                                                                                             \
	{ .key = "certificates",                                                                                             \
	  .type = ZG_ITEM_STRINGS,                                                                                           \
	  .offset = offsetof(struct zg_tls_config, certificates),                                                            \
	  .max = ZG_TLS_CERTIFICATES_MAX,                                                                                    \
	  .help = "SHA-256 of certificates that servers may show; it is seen in 1.2 only, and 1.3 refused",                  \
	  .check = zg_tls_check_digest }
#define ZG_TLS_ITEM_MIN_VERSION(text)                                                                                        \
	{ .key = "min_version",                                                                                              \
	  .type = ZG_ITEM_ENUM,                                                                                              \
	  .offset = offsetof(struct zg_tls_config, min_version),                                                             \
	  .preset = ZG_TLS_1_2,                                                                                              \
	  .words = zg_tls_versions,                                                                                          \
	  .help = (text) }

#endif
