/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of domains in the configuration: "example.jp" is that name alone, "*.example.jp" every name below it, "<>" the empty
 * sender of a bounce, "<postmaster>" the recipient without a domain. Address literals are in no list.
 */
#ifndef ZONEGATE_PROTO_SMTP_DOMAIN_H
#define ZONEGATE_PROTO_SMTP_DOMAIN_H

#include <stdbool.h>

#include "proto/smtp_config.h"
#include "proto/smtp_path.h"

/* As item->check: of a list of senders, of recipients. */
const char *zg_smtp_check_sender(char *text);
const char *zg_smtp_check_recipient(char *text);
/* Is the address of this whole path in the list, or the list empty? config: the whole of it, in which the list lies. */
bool zg_smtp_domain_listed(const struct zg_smtp_config *config, const struct zg_item_list *list, const struct zg_path *path);

#endif
