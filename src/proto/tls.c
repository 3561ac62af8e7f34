/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls: connections to named servers (rules in zonegate-inspectors(7)). The handshake is read as far as it is in the clear, the
 * rest record by record. What is inside nobody here can see.
 */
#include "proto/tls_name.h"
#include "proto/tls_session.h"

#include "zonegate/inspector.h"

struct tls {
	uint8_t reason; /* enum zg_reason: refused */
	struct zg_tls_session session;
};

static void tls_begin(void *state, const void *config)
{
	(void)state;
	(void)config;
}

/* The alert is for a client that speaks TLS. */
static void answer(struct tls *s, struct zg_answer *ret_answer)
{
	const struct zg_tls_session *t = &s->session;

	*ret_answer = (struct zg_answer){ .held = { t->held[ZG_CLIENT], t->held[ZG_SERVER] } };
	if (s->reason == ZG_R_NONE)
		return;
	ret_answer->say = ZG_SAY_DENY;
	ret_answer->reason = (enum zg_reason)s->reason;
	if (zg_tls_session_speaks(t) && (t->held[ZG_CLIENT] > 0 || t->held[ZG_SERVER] > 0))
		ret_answer->refusal = ZG_REFUSAL_TLS_ALERT;
}

static void tls_data(void *state, const void *config, enum zg_dir dir, struct zg_rw *in, struct zg_answer *ret_answer)
{
	struct tls *s = state;

	if (s->reason == ZG_R_NONE)
		s->reason = (uint8_t)zg_tls_session_data(&s->session, config, config, dir, in);
	answer(s, ret_answer);
}

static void tls_end(void *state, const void *config, enum zg_dir dir, struct zg_answer *ret_answer)
{
	struct tls *s = state;
	(void)config;

	if (s->reason == ZG_R_NONE)
		s->reason = (uint8_t)zg_tls_session_end(&s->session, dir);
	answer(s, ret_answer);
}

const char *const zg_tls_versions[] = { [ZG_TLS_1_2] = "1.2", [ZG_TLS_1_3] = "1.3", NULL };

static const struct zg_item items[] = {
	{ .key = "names",
	  .type = ZG_ITEM_STRINGS,
	  .offset = offsetof(struct zg_tls_config, names),
	  .max = ZG_TLS_NAMES_MAX,
	  .help = "names of servers that clients may ask for, \"*.\" for one label",
	  .check = zg_tls_check_name,
	  .required = true },
	ZG_TLS_ITEM_CERTIFICATES,
	{ .key = "alpn",
	  .type = ZG_ITEM_STRINGS,
	  .offset = offsetof(struct zg_tls_config, alpn),
	  .max = ZG_TLS_ALPN_MAX,
	  .help = "application protocols that clients may offer; without it any",
	  .check = zg_tls_check_alpn },
	{ .key = "alpn_optional",
	  .type = ZG_ITEM_BOOL,
	  .offset = offsetof(struct zg_tls_config, alpn_optional),
	  .help = "clients that offer no application protocol pass too" },
	ZG_TLS_ITEM_MIN_VERSION("oldest version that the server may choose"),
	{ .key = "ech_grease",
	  .type = ZG_ITEM_BOOL,
	  .offset = offsetof(struct zg_tls_config, ech_grease),
	  .help = "an encrypted ClientHello passes beside a permitted name, as browsers send one that means nothing" },
	{ .key = "early_data",
	  .type = ZG_ITEM_BOOL,
	  .offset = offsetof(struct zg_tls_config, early_data),
	  .help = "data before the server's answer (0-RTT) pass" },
	{ .key = "unknown_extensions",
	  .type = ZG_ITEM_BOOL,
	  .offset = offsetof(struct zg_tls_config, unknown_extensions),
	  .help = "extensions that zonegate does not know pass unread" },
};

_Static_assert(sizeof(struct zg_tls_config) <= ZG_INSPECTOR_CONFIG_MAX, "fits");
_Static_assert(ZG_REASON_COUNT <= UINT8_MAX, "a reason fits");

const struct zg_inspector zg_tls = {
	.name = "tls",
	.transport = ZG_TCP,
	.blind = "what both ends say inside TLS is not seen: any content, and any protocol that both agree on",
	.acknowledges = true,
	.state_size = sizeof(struct tls),
	.config_size = sizeof(struct zg_tls_config),
	.items = items,
	.n_items = sizeof items / sizeof *items,
	.begin = tls_begin,
	.data = tls_data,
	.end = tls_end,
};
