/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rules of a policy do with one packet of a connection, step by step, as the kernel would. */
#ifndef ZONEGATE_CTL_EXPLAIN_H
#define ZONEGATE_CTL_EXPLAIN_H

#include <stdbool.h>

#include "zonegate/blocklist.h"
#include "zonegate/policy.h"

#define EXPLAIN_STEPS_MAX 16
#define EXPLAIN_TEXT_MAX  768 /* bytes with NUL: labels and names of both sides fit */

#define EXPLAIN_ECHO4 8	  /* an echo request's type */
#define EXPLAIN_ECHO6 128

/* A connection from source to destination, and which packet of it. */
struct zg_question {
	uint8_t protocol; /* IP protocol number; ICMP's also for ICMPv6 */
	struct zg_addr source, destination;	/* of who opened the connection, and to whom; not of the router's own end */
	bool to_router, from_router;		/* that end is the router itself */
	uint16_t source_port, destination_port; /* host order; 0 with a protocol that has none */
	uint8_t icmp_type;			/* with ICMP */
	bool reply;   /* a packet of the other direction: from destination to source */
	bool error;   /* an ICMP error about the connection, in the direction that reply says */
	bool invalid; /* conntrack finds that it fits no connection */
	const struct zg_zone *from;		/* of the interface it arrives on; NULL = that of its sender's address */
	const char *iface_in, *iface_out;	/* NULL = one of the zone; in decides over from */
	const struct zg_mac *mac;		/* of the sender; NULL = not known */
	time_t now;
	const struct zg_blocklist *const *lists; /* what each list of the policy has in force; NULL, all of them or one: not known */
	const char *const *isolated;		/* zones that are cut off; "*" = every zone */
	size_t n_isolated;
};

enum zg_step_result { ZG_STEP_OK, ZG_STEP_NOTE, ZG_STEP_DENY };

struct zg_step {
	const char *name;
	enum zg_step_result result;
	unsigned line; /* in the configuration; 0 = none */
	char text[EXPLAIN_TEXT_MAX];
};

struct zg_explanation {
	struct zg_step steps[EXPLAIN_STEPS_MAX];
	size_t n_steps;
	bool inspect;		    /* the verdict: it passes, by its flow's inspector if that has one; else deny */
	bool pass;		    /* it passes uninspected, within a zone */
	bool permit;		    /* it may be said to the router itself, or by it */
	const struct zg_flow *flow; /* that decides, also an expired one; NULL = none */
	const struct zg_router_rule *rule; /* that decides about the router itself; NULL = none */
	const char *clause;	    /* of the flow, else of the rule that denies; may be NULL */
};

void zg_explain(const struct zg_policy *policy, const struct zg_question *question, struct zg_explanation *ret_answer);

/* explain.c -> explain_router.c. Adds a step. */
void explain_step(struct zg_explanation *answer, const char *name, enum zg_step_result result, unsigned line, const char *format,
		  ...) __attribute__((format(printf, 5, 6)));
/* The zone of an address that a host can have; NULL = none. */
const struct zg_zone *explain_zone_of(const struct zg_policy *policy, const struct zg_addr *addr);
/* False, and a step: a station's address comes from its MAC address only. */
bool explain_station(const struct zg_zone *zone, const struct zg_question *q, const struct zg_addr *sender,
		     struct zg_explanation *answer);
/* explain_router.c: one end is the router. */
void explain_router(const struct zg_policy *policy, const struct zg_question *question, struct zg_explanation *answer);

#endif
