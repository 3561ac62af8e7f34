/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection as the smtp inspector keeps it. */
#ifndef ZONEGATE_PROTO_SMTP_H
#define ZONEGATE_PROTO_SMTP_H

#include <stdint.h>

#include "proto/smtp_command.h"
#include "proto/smtp_config.h"
#include "proto/smtp_message.h"
#include "proto/smtp_reply.h"
#include "zonegate/limits.h"
#include "zonegate/note.h"
#include "zonegate/reason.h"

struct zg_smtp_state {
	uint8_t phase;	 /* of the client */
	uint8_t greeted; /* 220 came */
	uint8_t hello;	 /* HELO or EHLO was accepted */
	uint8_t offers;	 /* enum zg_offer: of the EHLO in force */
	uint8_t within_command;
	uint8_t within_reply;
	uint8_t silent;	    /* the server may send nothing more (421, or its answer to QUIT) */
	uint8_t mail;	    /* MAIL was sent in this transaction */
	uint8_t mail_again; /* ... and it or DATA was refused: the client may begin anew */
	uint8_t seven_bit;  /* BODY=7BIT in this transaction */
	uint8_t reason;	    /* enum zg_reason: refused */
	uint32_t recipients;
	uint16_t first, waiting; /* commands without their reply: a ring in queue */
	struct zg_reply reply;
	uint8_t noted;	     /* ... is to be told */
	struct zg_note note; /* of the message that has ended */
	/* A message begins when DATA, after which no command may come, was answered: nothing waits any more. */
	union {
		struct {
			uint8_t queue[ZG_SMTP_PIPELINE_MAX]; /* enum zg_verb */
			struct zg_command command;
		};
		struct zg_message message; /* within a message, and after it was refused */
	};
};

#endif
