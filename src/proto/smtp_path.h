/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains and paths of RFC 5321 4.1.2 and 4.1.3, one octet at a time; no source routes. */
#ifndef ZONEGATE_PROTO_SMTP_PATH_H
#define ZONEGATE_PROTO_SMTP_PATH_H

#include <stdbool.h>
#include <stdint.h>

#define ZG_DOMAIN_MAX	 255 /* octets, RFC 5321 4.5.3.1.2 */
#define ZG_LABEL_LEN_MAX 63  /* octets, RFC 1035 2.3.4 */
#define ZG_LITERAL_MAX	 52  /* octets between the brackets: "IPv6:" and the longest form of an address */
/* octets: of a path without its brackets, RFC 5321 4.5.3.1.3. The 64 of 4.5.3.1.1 are exceeded by return paths that name
 * the recipient (VERP, SRS). */
#define ZG_LOCAL_MAX 254

struct zg_domain {
	uint8_t stage;
	uint8_t len;
	uint8_t label_len;
	uint8_t hyphen; /* the last octet */
	char literal[ZG_LITERAL_MAX + 1];
	uint8_t name[ZG_DOMAIN_MAX]; /* len octets, in small letters; not of a literal */
};

enum zg_path_kind { ZG_PATH_REVERSE = 0 /* may be <> */, ZG_PATH_FORWARD /* may be <postmaster> */ };

struct zg_path {
	uint8_t kind; /* enum zg_path_kind */
	uint8_t stage;
	uint8_t local_len;
	uint8_t has_domain; /* not <> and not <postmaster> */
	uint8_t postmaster; /* the local part so far is the beginning of this word */
	struct zg_domain domain;
};

void zg_domain_begin(struct zg_domain *ret_domain);
/* A domain or an address literal; false: this octet cannot follow. */
bool zg_domain_feed(struct zg_domain *domain, uint8_t octet);
bool zg_domain_is_literal(const struct zg_domain *domain);
/* It may end here. */
bool zg_domain_whole(const struct zg_domain *domain);

void zg_path_begin(struct zg_path *ret_path, enum zg_path_kind kind);
/* From '<' to '>'. */
bool zg_path_feed(struct zg_path *path, uint8_t octet);
bool zg_path_whole(const struct zg_path *path);

#endif
