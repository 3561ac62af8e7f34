/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Would a policy cut the SSH session of the administrator who is about to put it in force? */
#ifndef ZONEGATE_CTL_LOCKOUT_H
#define ZONEGATE_CTL_LOCKOUT_H

#include <stdbool.h>

#include "zonegate/policy.h"

/* A session as sshd tells it in the environment. */
struct zg_session {
	struct zg_addr peer, local;
	uint16_t peer_port, local_port; /* host order */
	char iface[16]; /* by which the peer is reached; "" = not known */
};

/* From SSH_CONNECTION, "peer port local port", or the older SSH_CLIENT, "peer port local-port", which has no local address
 * (local.family is 0 then). False: this is no SSH session. An IPv6 address may have a zone index, which is the interface. */
bool zg_session_parse(const char *connection, const char *client, struct zg_session *ret_session);
/* The same of our environment, or of the nearest process above us that has it (sudo takes it away); with the interface as the
 * kernel's routes say. SSH_CONNECTION that is set and empty: there is none. */
bool zg_session_here(struct zg_session *ret_session);

/* Warns of a policy that would cut this session, with the line to write; and of one without the group router. session NULL =
 * there is none. False: it would be cut. */
bool zg_lockout_check(const struct zg_policy *policy, const struct zg_session *session, struct zg_diags *diags);

#endif
