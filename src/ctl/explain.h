/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rules of a policy do with the first packet of a connection, step by step, as the kernel would. */
#ifndef ZONEGATE_CTL_EXPLAIN_H
#define ZONEGATE_CTL_EXPLAIN_H

#include <stdbool.h>

#include "zonegate/policy.h"

#define EXPLAIN_STEPS_MAX 16
#define EXPLAIN_TEXT_MAX  768 /* bytes with NUL: labels and names of both sides fit */

enum zg_asked { ZG_ASKED_TCP, ZG_ASKED_UDP, ZG_ASKED_ICMP };

struct zg_question {
	enum zg_asked protocol;
	struct zg_addr source, destination;
	uint16_t source_port, destination_port; /* host order; not with ICMP */
	const struct zg_zone *from;		/* of the interface it arrives on; NULL = that of the source address */
	const struct zg_mac *mac;		/* of the sender; NULL = not known */
	time_t now;
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
	const struct zg_flow *flow; /* that decides, also an expired one; NULL = none */
	const char *clause;	    /* of the flow, else of the rule that denies; may be NULL */
};

void zg_explain(const struct zg_policy *policy, const struct zg_question *question, struct zg_explanation *ret_answer);

#endif
