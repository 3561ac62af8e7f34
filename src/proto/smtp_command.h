/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command lines that a client may send (RFC 5321 4.1, parameters of RFC 1870, 6152, 3461), one octet at a time.
 * Every fault is found before the line's LF, so a server never acts on a refused line.
 */
#ifndef ZONEGATE_PROTO_SMTP_COMMAND_H
#define ZONEGATE_PROTO_SMTP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/smtp_config.h"
#include "proto/smtp_path.h"
#include "zonegate/reason.h"

/* Also what waits for a reply of the server. */
enum zg_verb {
	ZG_VERB_HELO,
	ZG_VERB_EHLO,
	ZG_VERB_MAIL,
	ZG_VERB_RCPT,
	ZG_VERB_DATA,
	ZG_VERB_RSET,
	ZG_VERB_NOOP,
	ZG_VERB_QUIT,
	ZG_VERB_COMMANDS,
	ZG_VERB_GREETING = ZG_VERB_COMMANDS, /* the connection itself */
	ZG_VERB_END_OF_DATA,
	ZG_VERB_NONE, /* nothing: only 421 may come */
	ZG_VERB_COUNT
};

/* Extensions that the server has offered. */
enum zg_offer {
	ZG_OFFER_PIPELINING = 1 << 0,
	ZG_OFFER_SIZE = 1 << 1,
	ZG_OFFER_8BITMIME = 1 << 2,
	ZG_OFFER_DSN = 1 << 3,
	ZG_OFFER_NOTHING = 1 << 4, /* keywords that offer no parameter and no command */
};

#define ZG_PARAMETER_NAME_MAX  6   /* octets: the longest name that is known */
#define ZG_PARAMETER_VALUE_MAX 21  /* octets: SUCCESS,FAILURE,DELAY */
#define ZG_ENVID_MAX	       100 /* octets, RFC 3461 4.4 */
#define ZG_SIZE_DIGITS_MAX     20  /* digits, RFC 1870 3 */

struct zg_parameter {
	uint8_t stage;
	uint8_t row;  /* of the table of parameters */
	uint8_t seen; /* bit per row */
	uint8_t hex;  /* octets after '+' in xtext; then its first digit */
	uint8_t high;
	uint8_t name_len;
	uint16_t value_len;
	uint64_t number; /* SIZE: octets; ORCPT: 1 after the semicolon, 2 after the first octet behind it */
	uint8_t name[ZG_PARAMETER_NAME_MAX];
	uint8_t value[ZG_PARAMETER_VALUE_MAX];
};

struct zg_command {
	uint8_t stage;
	uint8_t verb;	   /* enum zg_verb, once known */
	uint8_t at;	   /* octets of the verb, of "FROM:" or "TO:" */
	uint8_t seven_bit; /* BODY=7BIT */
	uint16_t octets;
	uint8_t letters[4];
	struct zg_domain domain; /* HELO, EHLO */
	struct zg_path path;	 /* MAIL, RCPT */
	struct zg_parameter parameter;
};

enum zg_command_step {
	ZG_COMMAND_MORE = 0,
	ZG_COMMAND_VERB, /* the verb is known with this octet, which follows it */
	ZG_COMMAND_END,	 /* that octet was the LF of a whole command */
	ZG_COMMAND_BAD,
};

void zg_command_begin(struct zg_command *ret_command);
/* offers: what the server has offered. *ret_reason with BAD. */
enum zg_command_step zg_command_octet(struct zg_command *command, const struct zg_smtp_config *config, unsigned offers,
				      uint8_t octet, enum zg_reason *ret_reason);

/* smtp_parameter.c: parameters after a path; octets from the space on, without CR. */
enum zg_reason zg_parameter_octet(struct zg_command *command, const struct zg_smtp_config *config, unsigned offers,
				  uint8_t octet);
/* The line ends. */
enum zg_reason zg_parameter_end(struct zg_command *command);

#endif
