/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two forms of a flow, ordinary (flow.c) and 特定通信 (specific.c), have in common. */
#ifndef ZONEGATE_CONF_FLOW_H
#define ZONEGATE_CONF_FLOW_H

#include "conf/schema.h"

/* Both halves of a flow in the making. */
struct flow_pair {
	struct zg_flow *flow;
	struct draft_flow *draft;
	const config_setting_t *items; /* the group named after an inspector */
	bool serviced;		       /* it names a service */
};

/* Readers of keys; object is the struct flow_pair. */
void flow_read_name(struct reader *r, const config_setting_t *value, void *object);
void flow_read_from(struct reader *r, const config_setting_t *value, void *object);
void flow_read_to(struct reader *r, const config_setting_t *value, void *object);
void flow_read_protocol(struct reader *r, const config_setting_t *value, void *object);
void flow_read_port(struct reader *r, const config_setting_t *value, void *object);
void flow_read_inspector(struct reader *r, const config_setting_t *value, void *object);
void flow_read_purpose(struct reader *r, const config_setting_t *value, void *object);
void flow_read_ticket(struct reader *r, const config_setting_t *value, void *object);
void flow_read_approver(struct reader *r, const config_setting_t *value, void *object);
void flow_read_clause(struct reader *r, const config_setting_t *value, void *object);
void flow_read_expires(struct reader *r, const config_setting_t *value, void *object);
void flow_read_schedule(struct reader *r, const config_setting_t *value, void *object);
/* The group named after the inspector: for struct group's other. */
bool flow_other_key(struct reader *r, const config_setting_t *value, void *object);

/* One flow by its table of keys, after which its inspector's settings are read. False: not fit for cross checks. */
bool flow_read_form(struct reader *r, const config_setting_t *setting, const struct group *group, struct flow_pair *pair);

#endif
