/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/smtp_path.h"

#include <arpa/inet.h>
#include <strings.h>

#include "proto/ascii.h"

enum domain_stage { DOMAIN_BEGIN = 0, LABEL, LABEL_BEGIN, LITERAL, LITERAL_OVER };
enum path_stage { OPEN = 0, LOCAL_BEGIN, ATOM, QUOTED, QUOTED_PAIR, QUOTED_OVER, DOMAIN, CLOSED };

void zg_domain_begin(struct zg_domain *ret_domain)
{
	*ret_domain = (struct zg_domain){ .stage = DOMAIN_BEGIN };
}

static bool literal_is_address(const char *literal)
{
	uint8_t address[sizeof(struct in6_addr)];
	if (strncasecmp(literal, "ipv6:", 5) == 0)
		return inet_pton(AF_INET6, literal + 5, address) == 1;
	return inet_pton(AF_INET, literal, address) == 1;
}

static bool literal_octet(struct zg_domain *d, uint8_t octet)
{
	if (octet == ']') {
		d->stage = LITERAL_OVER;
		return literal_is_address(d->literal);
	}
	if (d->len == ZG_LITERAL_MAX || (!zg_ascii_alnum(octet) && octet != ':' && octet != '.'))
		return false;
	d->literal[d->len++] = (char)octet;
	return true;
}

bool zg_domain_feed(struct zg_domain *domain, uint8_t octet)
{
	switch ((enum domain_stage)domain->stage) {
	case LITERAL:
		return literal_octet(domain, octet);
	case LITERAL_OVER:
		return false;
	case DOMAIN_BEGIN:
		if (octet == '[') {
			domain->stage = LITERAL;
			return true;
		}
		break;
	case LABEL:
	case LABEL_BEGIN:
		break;
	}
	if (domain->len == ZG_DOMAIN_MAX)
		return false;
	domain->name[domain->len++] = zg_ascii_lower(octet);
	if (octet == '.') {
		bool ok = domain->stage == LABEL && !domain->hyphen;
		domain->stage = LABEL_BEGIN;
		domain->label_len = 0;
		return ok;
	}
	domain->hyphen = octet == '-';
	/* '_' is no letter of a host name, but names of Windows hosts have it, and no server minds */
	if (domain->hyphen ? domain->stage != LABEL : !zg_ascii_alnum(octet) && octet != '_')
		return false;
	domain->stage = LABEL;
	return ++domain->label_len <= ZG_LABEL_LEN_MAX;
}

bool zg_domain_is_literal(const struct zg_domain *domain)
{
	return domain->stage == LITERAL || domain->stage == LITERAL_OVER;
}

bool zg_domain_whole(const struct zg_domain *domain)
{
	return domain->stage == LITERAL_OVER || (domain->stage == LABEL && !domain->hyphen);
}

void zg_path_begin(struct zg_path *ret_path, enum zg_path_kind kind)
{
	*ret_path = (struct zg_path){ .kind = (uint8_t)kind, .stage = OPEN, .postmaster = 1 };
}

/* With '.', wherever it stands: Japanese carriers gave out addresses like "a..b@" and "a.@" for years, and not everybody
 * quotes them. There is no second way to read one. */
static bool local_text(uint8_t octet)
{
	return zg_ascii_visible_but(octet, "()<>[]:;@\\,\"");
}

static bool local_octet(struct zg_path *p, uint8_t octet)
{
	static const char postmaster[] = "postmaster";
	if (p->local_len == ZG_LOCAL_MAX)
		return false;
	if (p->local_len >= sizeof postmaster - 1 || zg_ascii_lower(octet) != (uint8_t)postmaster[p->local_len])
		p->postmaster = 0;
	p->local_len++;
	return true;
}

static bool local_over(struct zg_path *p, uint8_t octet)
{
	if (octet == '>') {
		bool word = p->postmaster && p->local_len == strlen("postmaster");
		p->stage = CLOSED;
		return p->kind == ZG_PATH_FORWARD && word;
	}
	p->stage = DOMAIN;
	p->has_domain = 1;
	zg_domain_begin(&p->domain);
	return octet == '@';
}

static bool local_begin(struct zg_path *p, uint8_t octet)
{
	if (octet == '>') {
		p->stage = CLOSED;
		return p->kind == ZG_PATH_REVERSE;
	}
	p->stage = octet == '"' ? QUOTED : ATOM;
	return (octet == '"' || local_text(octet)) && local_octet(p, octet);
}

bool zg_path_feed(struct zg_path *path, uint8_t octet)
{
	switch ((enum path_stage)path->stage) {
	case OPEN:
		path->stage = LOCAL_BEGIN;
		return octet == '<';
	case LOCAL_BEGIN:
		return local_begin(path, octet);
	case ATOM:
		if (octet == '@' || octet == '>')
			return local_over(path, octet);
		return local_text(octet) && local_octet(path, octet);
	case QUOTED:
		path->stage = octet == '"' ? QUOTED_OVER : octet == '\\' ? QUOTED_PAIR : QUOTED;
		return (octet == ' ' || zg_ascii_visible(octet)) && local_octet(path, octet);
	case QUOTED_PAIR:
		path->stage = QUOTED;
		return (octet == ' ' || zg_ascii_visible(octet)) && local_octet(path, octet);
	case QUOTED_OVER:
		return octet == '@' && local_over(path, octet);
	case DOMAIN:
		if (octet != '>')
			return zg_domain_feed(&path->domain, octet);
		path->stage = CLOSED;
		return zg_domain_whole(&path->domain);
	case CLOSED:
		break;
	}
	return false;
}

bool zg_path_whole(const struct zg_path *path)
{
	return path->stage == CLOSED;
}
